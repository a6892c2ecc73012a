//! Help texts are golden files: `TOUCHMARK_UPDATE=1 cargo test --test cli` writes them anew.

use super::*;

const COMMANDS: &[&str] =
    &["", "scan", "batch", "explain", "facts", "db", "db list", "db show", "db lint", "db test", "formats", "completions", "man"];

#[test]
fn help_is_as_it_was_and_has_examples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("TOUCHMARK_UPDATE").is_some();
    for words in COMMANDS {
        let arguments: Vec<&str> = words.split_whitespace().chain(["--help"]).collect();
        let help = run(&arguments).ends(0).out;
        assert!(help.contains("Examples:\n  touchmark "), "`touchmark {words} --help` shows no example:\n{help}");
        let name = if words.is_empty() { "touchmark".to_owned() } else { words.replace(' ', "-") };
        let golden = folder.join(format!("{name}.txt"));
        if update {
            fs::write(&golden, &help).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert!(help == expected, "{} differs; TOUCHMARK_UPDATE=1 writes it anew:\n{help}", golden.display());
    }
}

#[test]
fn every_command_is_golden() {
    let listed = |words: &[&str]| {
        let help = run(&[words, &["--help"]].concat()).ends(0).out;
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names =
            commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(|name| [words, &[name]].concat().join(" ")).collect::<Vec<_>>()
    };
    for name in listed(&[]).into_iter().chain(listed(&["db"])) {
        assert!(COMMANDS.contains(&name.as_str()), "`touchmark {name}` has no golden help: add it to COMMANDS");
    }
}

#[test]
fn version_completions_and_manual_come() {
    assert_eq!(run(&["--version"]).ends(0).out, concat!("touchmark ", env!("CARGO_PKG_VERSION"), "\n"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).ends(0).out.contains("touchmark"), "{shell}");
    }
    assert!(run(&["man"]).ends(0).out.contains(".TH touchmark 1"));
    run(&[]).ends(2).complains(&["Usage: touchmark"]);
}
