"""Links the static libraries of Debian's cross packages and of Espressif's crates, and keeps their code.

usage: libraries.py CRATES CORPUS

CRATES holds the crates esp-wifi-sys-*, unpacked.
"""
import glob
import os
import subprocess
import sys
import tempfile

import elf

CORPUS = sys.argv[2]
CRATES = os.path.join(sys.argv[1], "esp-wifi-sys-")
# class: linker, options, libraries to train on, libraries to test on
LIBRARIES = [
    ("aarch64-le", "aarch64-linux-gnu-ld", "", "/usr/aarch64-linux-gnu/lib/libc.a", ""),
    ("alpha-le", "alpha-linux-gnu-ld", "", "/usr/alpha-linux-gnu/lib/libc.a", "/usr/alpha-linux-gnu/lib/libm-2.*.a"),
    ("arcv2-le", "arc-linux-gnu-ld", "", "/usr/arc-linux-gnu/lib/libc.a", ""),
    ("hppa-be", "hppa-linux-gnu-ld", "", "/usr/hppa-linux-gnu/lib/libc.a", "/usr/hppa-linux-gnu/lib/libm.a"),
    ("m68k-be", "m68k-linux-gnu-ld", "", "/usr/m68k-linux-gnu/lib/libc.a", "/usr/m68k-linux-gnu/lib/libm.a"),
    ("superh-le", "sh4-linux-gnu-ld", "", "/usr/sh4-linux-gnu/lib/libc.a", "/usr/sh4-linux-gnu/lib/libm.a"),
    ("sparc64-be", "sparc64-linux-gnu-ld", "", "/usr/sparc64-linux-gnu/lib/libc.a", "/usr/sparc64-linux-gnu/lib/libm.a"),
    ("ppc32-be", "powerpc-linux-gnu-ld", "", "/usr/powerpc-linux-gnu/lib/libc.a", "/usr/powerpc-linux-gnu/lib/libm.a"),
    ("ppc64-be", "powerpc64-linux-gnu-ld", "", "/usr/powerpc64-linux-gnu/lib/libc.a", "/usr/powerpc64-linux-gnu/lib/libm.a"),
    ("riscv64c-le", "riscv64-linux-gnu-ld", "", "/usr/riscv64-linux-gnu/lib/libc.a", "/usr/riscv64-linux-gnu/lib/libm.a"),
    ("thumb-le", "arm-none-eabi-ld", "", "/usr/lib/arm-none-eabi/newlib/thumb/v6-m/nofp/libc.a", "/usr/lib/arm-none-eabi/newlib/thumb/v6-m/nofp/libm.a"),
    ("avr", "avr-ld", "-m avr6", "/usr/lib/avr/lib/avr6/libc.a", "/usr/lib/gcc/avr/*/avr6/libgcc.a"),
    ("or1k-be", "or1k-elf-ld", "", "/usr/lib/gcc/or1k-elf/*/libgcc.a", ""),
    ("xtensa-le", "xtensa-lx106-elf-ld", "", "/usr/lib/picolibc/xtensa-lx106-elf/lib/**/libc.a", ""),
    ("xtensa-le", "xtensa-lx106-elf-ld", "", CRATES + "esp32-*/libs/lib[cmnp]*.a", CRATES + "esp32s3-*/libs/lib[bw]*.a"),
    ("riscv32c-le", "riscv64-unknown-elf-ld", "-m elf32lriscv", CRATES + "esp32c3-*/libs/lib[cmnp]*.a", CRATES + "esp32c6-*/libs/lib[bw]*.a"),
]


def code(linker, options, library, folder):
    out = os.path.join(folder, "linked")
    command = [linker, *options.split(), "--whole-archive", library, "--no-whole-archive", "--unresolved-symbols=ignore-all",
               "-z", "muldefs", "--noinhibit-exec", "-e", "0", "-o", out]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    text = elf.code(open(out, "rb").read()) if os.path.exists(out) else b""
    return text or b"".join(elf.code(body) for _, body in elf.members(open(library, "rb").read()))


for name, linker, options, train, test in LIBRARIES:
    for split, pattern in (("train", train), ("test", test)):
        for number, library in enumerate(sorted(glob.glob(pattern, recursive=True)) if pattern else []):
            os.makedirs(f"{CORPUS}/{name}/{split}", exist_ok=True)
            with tempfile.TemporaryDirectory() as folder:
                text = code(linker, options, library, folder)
            open(f"{CORPUS}/{name}/{split}/library-{os.path.basename(library)}-{number}.bin", "wb").write(text)
            print(name, split, library, len(text), flush=True)
