"""Takes code and data out of Debian packages.

usage: packages.py DEBS CORPUS     DEBS/train|test/ARCHITECTURE/*.deb, from `apt-get download`: bookworm to train on, other packages of
bullseye to test on.
"""
import io
import os
import subprocess
import sys
import tarfile

import elf

DEBS, CORPUS = sys.argv[1:3]
CLASSES = {"amd64": "x86-64", "i386": "x86-32", "armel": "arm-le", "armhf": "thumb2-le", "arm64": "aarch64-le", "mips64el": "mips64-le",
           "mipsel": "mips32-le", "ppc64el": "ppc64-le", "s390x": "s390x-be"}
# Kinds of sections that are alike are one class.
KINDS = {"rel.plt": "rel", "rel.dyn": "rel", "rela.plt": "rela", "rela.dyn": "rela", "got": "pointers", "got.plt": "pointers",
         "data.rel.ro": "pointers", "gnu.hash": "hashes", "hash": "hashes"}
MOST = 3 << 20


def write(folder, name, body):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}", "wb") as file:
        file.write(body)


def package(split, architecture, path):
    name = os.path.basename(path).split("_")[0]
    plain = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], capture_output=True, check=True).stdout
    code, data, other = b"", {}, b""
    archive = tarfile.open(fileobj=io.BytesIO(plain))
    for member in archive.getmembers():
        if not member.isfile() or member.size < 512:
            continue
        body = archive.extractfile(member).read()
        if not body.startswith(b"\x7fELF"):
            other += body[:100000]
            continue
        code += elf.code(body)[:MOST] if len(code) < MOST else b""
        for section, part in elf.data(body):
            kind = "rodata" if "rodata" in section else section.strip("._").replace("/", "-") or "x"
            if "debug" not in kind:
                kind = KINDS.get(kind, kind)
                data[kind] = data.get(kind, b"") + part[:200000]
    write(f"{CORPUS}/{CLASSES[architecture]}/{split}", name + ".bin", code[:MOST])
    for kind, body in data.items():
        write(f"{CORPUS}/_data/{split}", f"{kind}@{architecture}@{name}.bin", body[:300000])
    if other and architecture in ("amd64", "s390x"):
        write(f"{CORPUS}/_files/{split}", f"other@{name}@{architecture}.bin", other[:1 << 20])


for split in ("train", "test"):
    for architecture in sorted(CLASSES):
        folder = f"{DEBS}/{split}/{architecture}"
        for deb in sorted(os.listdir(folder)):
            if deb.endswith(".deb"):
                package(split, architecture, f"{folder}/{deb}")
