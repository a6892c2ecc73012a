//! The database that comes with the program: paths and texts of the files under `signatures/`, listed by the build script.

include!(concat!(env!("OUT_DIR"), "/signatures.rs"));
