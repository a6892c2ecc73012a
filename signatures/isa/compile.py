"""Compiles free sources for every instruction set that Debian's cross compilers know, links what can be linked, and keeps the code.

usage: compile.py SOURCES CORPUS [CLASS...]     SOURCES holds Debian's source packages, unpacked.
"""
import glob
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import elf

SOURCES, CORPUS = sys.argv[1:3]
# What is trained on, and what is tested on: other packages.
SPLITS = {
    "train": ["zlib-*/*.c", "lua5.4-*/src/l[a-m]*.c", "mbedtls-*/library/[a-d]*.c"],
    "test": ["bzip2-*/[bc]*.c", "cjson-*/cJSON.c", "lz4-*/lib/lz4.c", "jansson-*/src/*.c"],
}
CLANG = "clang-19 --target="
# class: compilers with their options
TARGETS = {
    "x86-32": ["gcc -m32"],
    "x86-64": ["gcc", CLANG + "x86_64-none"],
    "arm-le": ["arm-linux-gnueabihf-gcc-12 -marm", "arm-none-eabi-gcc -marm -march=armv4t"],
    "arm-be": ["arm-none-eabi-gcc -marm -mbig-endian -march=armv5te", CLANG + "armebv7-none-eabi"],
    "thumb-le": ["arm-none-eabi-gcc -mthumb -mcpu=cortex-m0", "arm-none-eabi-gcc -mthumb -march=armv4t"],
    "thumb2-le": ["arm-none-eabi-gcc -mthumb -mcpu=cortex-m4", CLANG + "thumbv7m-none-eabi"],
    "thumb2-be": ["arm-none-eabi-gcc -mthumb -mcpu=cortex-r4 -mbig-endian"],
    "aarch64-le": ["aarch64-linux-gnu-gcc-12"],
    "aarch64-be": ["aarch64-linux-gnu-gcc-12 -mbig-endian", CLANG + "aarch64_be-none-elf"],
    "mips32-be": ["mipsel-linux-gnu-gcc-12 -EB -mno-abicalls -fno-pic", CLANG + "mips-none-elf"],
    "mips32-le": ["mipsel-linux-gnu-gcc-12 -EL -mno-abicalls -fno-pic"],
    "mips64-be": [CLANG + "mips64-linux-gnuabi64"],
    "mips64-le": [CLANG + "mips64el-linux-gnuabi64"],
    "mips16-be": ["mipsel-linux-gnu-gcc-12 -EB -mips16 -msoft-float -mno-abicalls -fno-pic"],
    "mips16-le": ["mipsel-linux-gnu-gcc-12 -EL -mips16 -msoft-float -mno-abicalls -fno-pic"],
    "micromips-be": ["mipsel-linux-gnu-gcc-12 -EB -mmicromips -mno-abicalls -fno-pic"],
    "micromips-le": ["mipsel-linux-gnu-gcc-12 -EL -mmicromips -mno-abicalls -fno-pic"],
    "ppc32-be": ["powerpc-linux-gnu-gcc-12", "powerpc-linux-gnu-gcc-12 -msoft-float -fno-pic"],
    "ppc32-le": [CLANG + "powerpcle-none-eabi"],
    "ppc64-be": ["powerpc64-linux-gnu-gcc-12"],
    "ppc64-le": [CLANG + "powerpc64le-linux-gnu"],
    "sparc32-be": ["sparc64-linux-gnu-gcc-12 -m32 -mcpu=v8", CLANG + "sparc-none-elf"],
    "sparc64-be": ["sparc64-linux-gnu-gcc-12"],
    "m68k-be": ["m68k-linux-gnu-gcc-12"],
    "coldfire-be": ["m68k-linux-gnu-gcc-12 -mcpu=5208", "m68k-linux-gnu-gcc-12 -mcpu=5475"],
    "superh-le": ["sh4-linux-gnu-gcc-12"],
    "riscv32-le": ["riscv64-unknown-elf-gcc -march=rv32ima -mabi=ilp32", CLANG + "riscv32-none-elf -march=rv32im"],
    "riscv32c-le": ["riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32"],
    "riscv64-le": ["riscv64-unknown-elf-gcc -march=rv64ima -mabi=lp64 -mcmodel=medany"],
    "riscv64c-le": ["riscv64-linux-gnu-gcc-12"],
    "s390x-be": ["s390x-linux-gnu-gcc-12"],
    "alpha-le": ["alpha-linux-gnu-gcc-12"],
    "hppa-be": ["hppa-linux-gnu-gcc-12"],
    "loongarch64-le": [CLANG + "loongarch64-none-elf"],
    "loongarch32-le": [CLANG + "loongarch32-none-elf"],
    "arcv2-le": ["arc-linux-gnu-gcc-12 -mcpu=archs"],
    "arcompact-le": ["arc-linux-gnu-gcc-12 -mcpu=arc700"],
    "arcv2-be": ["arc-linux-gnu-gcc-12 -mcpu=archs -mbig-endian -nostdinc -isystem /usr/include/newlib -isystem /usr/lib/gcc-cross/arc-linux-gnu/12/include"],
    "arcompact-be": ["arc-linux-gnu-gcc-12 -mcpu=arc700 -mbig-endian"],
    "xtensa-le": ["xtensa-lx106-elf-gcc -mlongcalls"],
    "avr": ["avr-gcc -mmcu=atmega2560", "avr-gcc -mmcu=atmega328p"],
    "msp430": [CLANG + "msp430-none-elf"],
    "h8300-be": ["h8300-hms-gcc -mh -mint32", "h8300-hms-gcc -ms -mint32"],
    "or1k-be": ["or1k-elf-gcc"],
    "hexagon-le": [CLANG + "hexagon-none-elf -mcpu=hexagonv60", CLANG + "hexagon-none-elf -mcpu=hexagonv66"],
    "lanai-be": [CLANG + "lanai"],
    "ebpf-le": [CLANG + "bpfel"],
    "ebpf-be": [CLANG + "bpfeb"],
    "8051": ["sdcc -mmcs51 --model-large"],
    "z80": ["sdcc -mz80"],
    "sm83": ["sdcc -msm83"],
    "stm8": ["sdcc -mstm8"],
    "hc08": ["sdcc -mhc08"],
    "6502": ["cc65"],
}
# Some targets are unknown to newlib: those that are not big endian are little endian.
HEADERS = {True: ["-nostdlibinc", "-isystem", "/usr/include/newlib"], False: ["-isystem", "/usr/include/newlib"]}
UNKNOWN = {"hexagon": "-D__IEEE_LITTLE_ENDIAN", "loongarch": "-D__IEEE_LITTLE_ENDIAN", "bpfel": "-D__IEEE_LITTLE_ENDIAN",
           "bpfeb": "-D__IEEE_BIG_ENDIAN", "lanai": "-D__IEEE_BIG_ENDIAN", "mips64-": "-D__IEEE_BIG_ENDIAN"}
PLAIN = "-fno-builtin -w -ffunction-sections -DNDEBUG -DMBEDTLS_NO_UDBL_DIVISION".split()


def local(path):
    """Includes of the package that a source belongs to."""
    package = os.path.join(SOURCES, os.path.relpath(path, SOURCES).split(os.sep)[0])
    return ["-I" + folder for folder in (os.path.dirname(path), package, package + "/include", package + "/lib", package + "/src")]


def own_headers(compiler):
    """Compilers that come with a C library find it; the others use newlib's headers."""
    hosted = ("linux-gnu-gcc", "eabihf-gcc", "avr-gcc", "arm-none-eabi-gcc")
    if compiler.startswith("gcc") or any(word in compiler for word in hosted):
        return []
    return HEADERS[compiler.startswith("clang")] + [option for word, option in UNKNOWN.items() if word in compiler]


def run(command):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=25).returncode == 0
    except (subprocess.TimeoutExpired, OSError):
        return False


def linked(compiler, objects, folder):
    """The code of all objects, with addresses filled in where a linker does it."""
    linker = compiler.split()[0].replace("gcc-12", "ld").replace("gcc", "ld")
    linker = {"ld": "ld", "clang-19": "ld.lld-19"}.get(linker, linker)
    options = " ".join(compiler.split()[1:])
    extra = ["-EB"] if "-EB" in options or "-mbig-endian" in options else []
    extra += ["-m", "elf_i386"] if "-m32" in options and linker == "ld" else []
    out = folder + "/linked"
    rest = ["--unresolved-symbols=ignore-all", "-z", "muldefs", "--noinhibit-exec", "-e", "0", "-o", out]
    if run([linker, *extra, *objects, *rest]) and os.path.exists(out):
        text = elf.code(open(out, "rb").read())
        if text:
            return text
    return b"".join(elf.code(open(one, "rb").read()) for one in objects)




def job(name, index, split):
    compiler = TARGETS[name][index]
    sources = sorted(path for pattern in SPLITS[split] for path in glob.glob(os.path.join(SOURCES, pattern)))
    target = f"{CORPUS}/{name}/{split}"
    os.makedirs(target, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for level in ("-Os", "-O2"):
            objects = []
            picked = sources[0 if level == "-Os" else 1::2]
            for number, source in enumerate(picked):
                out = f"{folder}/{level}{number}.o"
                if run([*compiler.split(), level, *PLAIN, *own_headers(compiler), *local(source), "-c", source, "-o", out]):
                    objects.append(out)
            text = linked(compiler, objects, folder) if objects else b""
            open(f"{target}/compiled{index}{level}.bin", "wb").write(text)
            print(name, split, level, compiler, len(objects), "of", len(picked), len(text), flush=True)


if __name__ == "__main__":
    wanted = sys.argv[3:] or [name for name in TARGETS]
    jobs = [(name, index, split) for name in wanted for index in range(len(TARGETS[name])) for split in SPLITS
            if not TARGETS[name][index].startswith(("sdcc", "cc65"))]
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(job, *one) for one in jobs]:
            outcome.result()
