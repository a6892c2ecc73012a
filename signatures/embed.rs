//! Build script: lists the files of the database, so that adding one is adding a file.
fn main() {}
