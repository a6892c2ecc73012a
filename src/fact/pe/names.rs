//! Names of machines and subsystems.

/// Machine of a COFF header.
const MACHINES: &[(u16, &str)] = &[
    (0x14c, "x86"),
    (0x8664, "x86-64"),
    (0x1c0, "ARM"),
    (0x1c2, "Thumb"),
    (0x1c4, "ARMv7"),
    (0xaa64, "AArch64"),
    (0xa641, "ARM64EC"),
    (0xa64e, "ARM64X"),
    (0x200, "IA-64"),
    (0xebc, "EFI byte code"),
    (0x5032, "RISC-V 32"),
    (0x5064, "RISC-V 64"),
    (0x5128, "RISC-V 128"),
    (0x6232, "LoongArch 32"),
    (0x6264, "LoongArch 64"),
    (0x166, "MIPS R4000"),
    (0x169, "MIPS WCE v2"),
    (0x266, "MIPS16"),
    (0x366, "MIPS FPU"),
    (0x466, "MIPS16 FPU"),
    (0x1f0, "PowerPC"),
    (0x1f1, "PowerPC FPU"),
    (0x1a2, "SH3"),
    (0x1a6, "SH4"),
    (0x1a8, "SH5"),
    (0x184, "Alpha"),
    (0x284, "Alpha 64"),
];

/// Subsystem of an optional header.
const SUBSYSTEMS: &[(u16, &str)] = &[
    (1, "native"),
    (2, "Windows"),
    (3, "Windows console"),
    (5, "OS/2 console"),
    (7, "POSIX console"),
    (8, "native Windows 9x"),
    (9, "Windows CE"),
    (10, "EFI application"),
    (11, "EFI boot service driver"),
    (12, "EFI runtime driver"),
    (13, "EFI ROM"),
    (14, "Xbox"),
    (16, "Windows boot application"),
    (17, "Xbox code catalog"),
];

fn named(table: &[(u16, &str)], number: u16, what: &str) -> String {
    table.iter().find(|row| row.0 == number).map_or_else(|| format!("{what} {number:#x}"), |row| row.1.to_owned())
}

pub(super) fn machine(number: u16) -> String {
    named(MACHINES, number, "machine")
}

pub(super) fn subsystem(number: u16) -> String {
    named(SUBSYSTEMS, number, "subsystem")
}
