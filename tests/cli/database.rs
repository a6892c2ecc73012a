//! `db`, `formats`, `--db`: what the command knows, and what it says of signatures that are wrong.

use super::*;

#[test]
fn lists_name_what_there_is() {
    let suppliers = run(&["db", "list", "suppliers"]).ends(0).out;
    assert!(suppliers.lines().any(|line| line.starts_with("huawei ")), "{suppliers}");
    let components = run(&["db", "list"]).ends(0).out;
    assert!(components.lines().any(|line| line.starts_with("busybox ")), "{components}");
    assert!(run(&["db", "list", "lists"]).ends(0).out.contains("us-ndaa-889"));
    run(&["db", "list", "songs"]).ends(2).complains(&["songs", "suppliers, components, lists"]);
}

#[test]
fn show_tells_all_of_one() {
    let huawei = run(&["db", "show", "huawei"]).ends(0).out;
    assert!(huawei.contains("supplier huawei: Huawei Technologies [CN]") && huawei.contains("us-fcc-covered-list"), "{huawei}");
    assert!(run(&["db", "show", "us-ndaa-889"]).ends(0).out.contains("list us-ndaa-889"));
    run(&["db", "show", "nobody-at-all"])
        .ends(2)
        .complains(&["there is no supplier, component, list, table of keys or key \"nobody-at-all\""]);
}

#[test]
fn the_embedded_database_is_in_order() {
    assert!(run(&["db", "lint"]).ends(0).out.contains("in order"));
    assert!(run(&["db", "test"]).ends(0).out.contains("tests passed"));
}

#[test]
fn a_folder_of_signatures_is_added_or_stands_alone() {
    let folder = folder();
    let db = own_database(&folder);
    let both = run(&["db", "list", "suppliers", "--db", &db]).ends(0).out;
    assert!(both.contains("acme-works") && both.contains("huawei") && both.contains("< acme-group"), "{both}");
    let alone = run(&["db", "list", "suppliers", "--db", &db, "--only-db"]).ends(0).out;
    assert_eq!(alone.lines().count(), 2, "{alone}");
    run(&["db", "lint", "--db", &db, "--only-db"]).ends(0);
    assert_eq!(run(&["db", "test", "--db", &db, "--only-db"]).ends(0).out, "2 tests passed\n");
    run(&["db", "list", "--only-db"]).ends(2).complains(&["--db"]);
}

/// The message about a database with one wrong file names the file and the line, whichever command meets it.
#[track_caller]
fn check_mistake(text: &str, words: &[&str]) {
    let folder = folder();
    let db = own_database(&folder);
    file(&folder, "db/components/wrong.toml", text.as_bytes());
    let image = file(&folder, "image.bin", b"some text\n");
    run(&["db", "list", "--db", &db]).ends(2).complains(words);
    run(&["scan", &image, "--db", &db]).ends(2).complains(words);
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    let head = "id = 'wrong'\nname = 'Wrong'\nsupplier = 'acme-works'\nsource = 'a test'\n";
    check_mistake("id = 'wrong\n", &["components/wrong.toml:1:"]);
    check_mistake(&format!("{head}colour = 'red'\n"), &["components/wrong.toml:5:", "colour"]);
    let rule = |fact: &str, strength: &str| format!("{head}[[match]]\nfact = '{fact}'\nliteral = 'long enough'\nstrength = '{strength}'\n");
    check_mistake(&rule("strin", "internal"), &["components/wrong.toml:", "strin"]);
    check_mistake(&rule("string", "enormous"), &["components/wrong.toml:", "enormous"]);
}

#[test]
fn a_test_that_fails_is_named() {
    let folder = folder();
    let db = own_database(&folder);
    let text = "id = 'thing'\nname = 'Thing'\nsupplier = 'acme-works'\nsource = 'a test'\n\
        [[match]]\nfact = 'string'\nliteral = 'the thing itself'\nstrength = 'internal'\n\
        [[test]]\nin = 'program'\nfacts = { string = ['something else'] }\nexpect = { role = 'author' }\n";
    file(&folder, "db/components/thing.toml", text.as_bytes());
    let ran = run(&["db", "test", "--db", &db, "--only-db"]).ends(2);
    assert!(ran.out.contains("components/thing.toml:9:"), "{ran:?}");
    assert!(ran.err.contains("1 of 3 tests failed"), "{ran:?}");
    file(&folder, "db/components/thing.toml", text.replace("acme-works", "nobody").as_bytes());
    let ran = run(&["db", "lint", "--db", &db, "--only-db"]).ends(2);
    assert!(ran.out.contains("components/thing.toml:") && ran.out.contains("nobody") && ran.err.contains("findings"), "{ran:?}");
}

#[test]
fn a_folder_without_signatures_is_a_mistake() {
    let folder = folder();
    let db = own_database(&folder);
    run(&["db", "list", "--db", &text(folder.path())]).ends(2).complains(&["no suppliers/*.toml"]);
    run(&["db", "list", "--db", &db, "--db", &text(folder.path())]).ends(2).complains(&["no suppliers/*.toml"]);
    run(&["db", "list", "--db", &text(&folder.path().join("missing"))]).ends(2).complains(&["missing: no such folder"]);
}

#[test]
fn formats_are_listed() {
    let plain = run(&["formats"]).ends(0).out;
    assert!(plain.lines().any(|line| line.starts_with("squashfs ")), "{plain}");
    let table = run(&["formats", "--markdown"]).ends(0).out;
    assert!(table.starts_with("| id |") && table.lines().all(|line| line.starts_with('|')), "{table}");
    assert_eq!(table.lines().count() - 2, touchmark::format::FORMATS.len());
}
