//! What file systems of Unix have in common.

pub(in crate::format) mod inodes;
pub(in crate::format) mod pointers;
