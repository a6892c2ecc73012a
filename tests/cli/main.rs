//! The command as a person or a script meets it: what it prints, where, and how it ends.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot run the command must fail"
)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

mod batch;
mod database;
mod explain;
mod facts;
mod help;
mod scan;

/// No run of these tests takes longer, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(120);

/// Strings that the signatures of [`own_database`] know.
const OWN_MARK: &[u8] = b"\x01\x02\x7fACME-TOUCHMARK-7f3a of the works\0\x02\x01\x02\x01";

/// What a run of the command gave.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The run ended with `code`.
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Each of `words` stands in what it wrote to standard error, and it panicked nowhere.
    #[track_caller]
    fn complains(self, words: &[&str]) -> Self {
        words.iter().for_each(|word| assert!(self.err.contains(word), "{word:?} is not in {:?}", self.err));
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchmark"));
    command.args(arguments).env_remove("NO_COLOR").env("COLUMNS", "100").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits for the end, but not forever.
fn wait(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn finish(mut child: Child) -> Ran {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let status = wait(&mut child);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    Ran {
        code: status.code().expect("no signal ends it"),
        out: text(out.join().unwrap().unwrap()),
        err: text(err.join().unwrap().unwrap()),
    }
}

/// Runs the command with `arguments`.
fn run(arguments: &[&str]) -> Ran {
    finish(command(arguments).spawn().unwrap())
}

/// The same with `input` on standard input.
fn run_with(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let ran = finish(child);
    // A command that ends before it has read everything is no mistake of the test.
    let _ = writer.join().unwrap();
    ran
}

/// A folder for one test.
fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes a file below `folder` and says where it is.
fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(&path).unwrap().write_all(bytes).unwrap();
    text(&path)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A folder of signatures: the supplier `acme-works`, owned by `acme-group`, and the list `acme-list` that names the group.
fn own_database(folder: &TempDir) -> String {
    let supplier = "
        id = 'acme-works'\nname = 'Acme Works'\ncountry = 'XX'\nsource = 'made up for a test'\nreferences = ['https://example.org']
        [[owner]]\nid = 'acme-group'\nrelation = 'subsidiary'\nsince = '2001-01-01'
        [[match]]\nfact = 'string'\nliteral = 'ACME-TOUCHMARK-7f3a'\nstrength = 'conclusive'
        [[test]]\nin = 'program'\nfacts = { string = ['ACME-TOUCHMARK-7f3a of the works'] }\nexpect = { role = 'author' }
        [[test]]\nin = 'program'\nfacts = { string = ['another mark altogether'] }\nexpect = 'nothing'";
    let group =
        "id = 'acme-group'\nname = 'Acme Group'\ncountry = 'XX'\nsource = 'made up for a test'\nreferences = ['https://example.org']";
    let list = "
        id = 'acme-list'\njurisdiction = 'XX'\ntitle = 'The list of Acme'\ncitation = 'a test'\neffective = ['2001-01-01 always']
        as_of = '2026-01-01'\nconfidence = 'source'\nscope = 'all'\nreferences = ['https://example.org']
        [[entry]]\nsupplier = 'acme-group'\naffiliates = true";
    let trim = |text: &str| text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    file(folder, "db/suppliers/acme-works.toml", trim(supplier).as_bytes());
    file(folder, "db/suppliers/acme-group.toml", group.as_bytes());
    file(folder, "db/lists/acme-list.toml", trim(list).as_bytes());
    text(&folder.path().join("db"))
}

/// Names that a person would not choose.
fn hostile_names() -> Vec<PathBuf> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let names: [&[u8]; 8] = [
        b"\x1b[2J\x1b]0;owned\x07",
        b"new\nline",
        b"-rf",
        b"not \xff\xfe utf-8",
        "right\u{202e}left".as_bytes(),
        b" ",
        b"a\\b",
        &[b'n'; 250],
    ];
    names.iter().map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
}

/// Nothing in `text` moves a cursor or turns the direction of writing.
#[track_caller]
fn harmless(text: &str) {
    let harmful: Vec<char> = text.chars().filter(|one| (one.is_control() && *one != '\n') || *one == '\u{202e}').collect();
    assert!(harmful.is_empty(), "{harmful:?} in {text:?}");
}
