//! Names of the flags of a machine in an ELF header: what its psABI calls them.

use goblin::elf::header as machines;

/// Of the flags of a machine, those under `mask` that are `value` are called `name`.
struct Flag {
    mask: u32,
    value: u32,
    name: &'static str,
}

const fn flag(mask: u32, value: u32, name: &'static str) -> Flag {
    Flag { mask, value, name }
}

const fn bit(value: u32, name: &'static str) -> Flag {
    flag(value, value, name)
}

/// ELF for the Arm Architecture, section 5.2.
const ARM: &[Flag] = &[
    flag(0xff00_0000, 0x0100_0000, "eabi1"),
    flag(0xff00_0000, 0x0200_0000, "eabi2"),
    flag(0xff00_0000, 0x0300_0000, "eabi3"),
    flag(0xff00_0000, 0x0400_0000, "eabi4"),
    flag(0xff00_0000, 0x0500_0000, "eabi5"),
    bit(0x0080_0000, "be8"),
    flag(0xff00_0400, 0x0500_0400, "hard-float"),
    flag(0xff00_0200, 0x0500_0200, "soft-float"),
];

/// MIPS psABI, chapter 4, and what the GNU tools added.
const MIPS: &[Flag] = &[
    bit(0x1, "noreorder"),
    bit(0x2, "pic"),
    bit(0x4, "cpic"),
    bit(0x20, "n32"),
    bit(0x100, "32bitmode"),
    bit(0x200, "fp64"),
    bit(0x400, "nan2008"),
    flag(0xf000, 0x1000, "o32"),
    flag(0xf000, 0x2000, "o64"),
    flag(0xf000, 0x3000, "eabi32"),
    flag(0xf000, 0x4000, "eabi64"),
    flag(0x00ff_0000, 0x0082_0000, "4120"),
    flag(0x00ff_0000, 0x008a_0000, "sb1"),
    flag(0x00ff_0000, 0x008b_0000, "octeon"),
    flag(0x00ff_0000, 0x008d_0000, "octeon2"),
    flag(0x00ff_0000, 0x008e_0000, "octeon3"),
    flag(0x00ff_0000, 0x008c_0000, "xlr"),
    flag(0x00ff_0000, 0x00a0_0000, "loongson-2e"),
    flag(0x00ff_0000, 0x00a1_0000, "loongson-2f"),
    flag(0x00ff_0000, 0x00a2_0000, "loongson-3a"),
    bit(0x0200_0000, "micromips"),
    bit(0x0400_0000, "mips16"),
    bit(0x0800_0000, "mdmx"),
    flag(0xf000_0000, 0x0000_0000, "mips1"),
    flag(0xf000_0000, 0x1000_0000, "mips2"),
    flag(0xf000_0000, 0x2000_0000, "mips3"),
    flag(0xf000_0000, 0x3000_0000, "mips4"),
    flag(0xf000_0000, 0x4000_0000, "mips5"),
    flag(0xf000_0000, 0x5000_0000, "mips32"),
    flag(0xf000_0000, 0x6000_0000, "mips64"),
    flag(0xf000_0000, 0x7000_0000, "mips32r2"),
    flag(0xf000_0000, 0x8000_0000, "mips64r2"),
    flag(0xf000_0000, 0x9000_0000, "mips32r6"),
    flag(0xf000_0000, 0xa000_0000, "mips64r6"),
];

/// RISC-V psABI, section 8.1.
const RISCV: &[Flag] = &[
    bit(0x1, "rvc"),
    flag(0x6, 0x0, "soft-float"),
    flag(0x6, 0x2, "single-float"),
    flag(0x6, 0x4, "double-float"),
    flag(0x6, 0x6, "quad-float"),
    bit(0x8, "rve"),
    bit(0x10, "tso"),
];

/// LoongArch psABI.
const LOONGARCH: &[Flag] =
    &[flag(0x7, 0x1, "soft-float"), flag(0x7, 0x2, "single-float"), flag(0x7, 0x3, "double-float"), flag(0xc0, 0x40, "objects1")];

/// Power Architecture 64-bit ELF V2 ABI, section 3.1.
const POWER64: &[Flag] = &[flag(0x3, 0x1, "abiv1"), flag(0x3, 0x2, "abiv2")];

/// Power Architecture 32-bit ABI supplement.
const POWER: &[Flag] = &[bit(0x8000_0000, "emb"), bit(0x0001_0000, "relocatable"), bit(0x8000, "relocatable-lib")];

/// All flags of a header: the number, and after it the names that are known.
pub(super) fn text(machine: u16, flags: u32) -> String {
    let table = match machine {
        machines::EM_ARM => ARM,
        machines::EM_MIPS | machines::EM_MIPS_RS3_LE => MIPS,
        machines::EM_RISCV => RISCV,
        machines::EM_LOONGARCH => LOONGARCH,
        machines::EM_PPC64 => POWER64,
        machines::EM_PPC => POWER,
        _ => &[],
    };
    let names = table.iter().filter(|flag| flags & flag.mask == flag.value).map(|flag| flag.name);
    names.fold(format!("{flags:#x}"), |text, name| text + " " + name)
}
