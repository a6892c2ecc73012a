//! Names of machines.

use std::borrow::Cow;

use goblin::elf::header as machines;

/// The name of the machine with this `e_machine`.
pub(super) fn name(machine: u16) -> Cow<'static, str> {
    Cow::Borrowed(match machine {
        machines::EM_386 => "x86",
        machines::EM_X86_64 => "x86-64",
        machines::EM_ARM => "ARM",
        machines::EM_AARCH64 => "AArch64",
        machines::EM_MIPS | machines::EM_MIPS_RS3_LE => "MIPS",
        machines::EM_MIPS_X => "MIPS-X",
        machines::EM_PPC => "PowerPC",
        machines::EM_PPC64 => "PowerPC64",
        machines::EM_RISCV => "RISC-V",
        machines::EM_LOONGARCH => "LoongArch",
        machines::EM_SH => "SuperH",
        machines::EM_SPARC | machines::EM_SPARC32PLUS => "SPARC",
        machines::EM_SPARCV9 => "SPARC V9",
        machines::EM_68K => "m68k",
        machines::EM_COLDFIRE => "ColdFire",
        machines::EM_ARC => "ARC",
        machines::EM_ARC_COMPACT => "ARCompact",
        machines::EM_ARC_COMPACT2 => "ARCv2",
        machines::EM_XTENSA => "Xtensa",
        machines::EM_MICROBLAZE | 0xbaab => "MicroBlaze",
        machines::EM_ALTERA_NIOS2 => "Nios II",
        machines::EM_OPENRISC => "OpenRISC",
        machines::EM_AVR => "AVR",
        machines::EM_AVR32 => "AVR32",
        machines::EM_MSP430 => "MSP430",
        machines::EM_TRICORE => "TriCore",
        machines::EM_V850 => "V850",
        machines::EM_RX => "RX",
        machines::EM_RL78 => "RL78",
        machines::EM_BLACKFIN => "Blackfin",
        machines::EM_QDSP6 => "Hexagon",
        machines::EM_CSKY => "C-SKY",
        machines::EM_NDS32 => "NDS32",
        machines::EM_LATTICEMICO32 => "LatticeMico32",
        machines::EM_TI_C6000 => "TI C6000",
        machines::EM_TI_PRU => "TI PRU",
        machines::EM_TILEGX => "TILE-Gx",
        0x9026 => "Alpha",
        machines::EM_PARISC => "PA-RISC",
        machines::EM_IA_64 => "IA-64",
        machines::EM_S390 => "S/390",
        machines::EM_BPF => "BPF",
        other => return Cow::Owned(format!("machine {other}")),
    })
}
