//! `explain`: from a report to the bytes.

use super::*;

fn report(folder: &TempDir) -> (String, String) {
    let db = own_database(folder);
    let image = file(folder, "marked.bin", OWN_MARK);
    let ran = run(&["scan", &image, "--db", &db]).ends(0);
    (file(folder, "report.json", ran.out.as_bytes()), image)
}

#[test]
fn a_claim_is_shown_with_its_evidence() {
    let folder = folder();
    let (report, _) = report(&folder);
    let all = run(&["explain", &report]).ends(0).out;
    assert!(all.contains("acme-works  author: confidence") && all.contains("ACME-TOUCHMARK-7f3a"), "{all}");
    assert!(all.contains("made up for a test"), "the source of the rule: {all}");
    for what in ["acme-works", "artifact:0", "evidence:0"] {
        assert_eq!(run(&["explain", &report, what]).ends(0).out, all, "{what}");
    }
}

#[test]
fn the_image_gives_the_bytes() {
    let folder = folder();
    let (report, image) = report(&folder);
    let shown = run(&["explain", &report, "acme-works", "--image", &image]).ends(0).out;
    assert!(shown.contains("00000000  01 02 7f 41 43 4d 45"), "{shown}");
    let other = file(&folder, "other.bin", b"another image\n");
    run(&["explain", &report, "--image", &other]).ends(2).complains(&["other.bin: not the image that the report is about"]);
}

#[test]
fn what_is_no_report_is_refused() {
    let folder = folder();
    let (report, _) = report(&folder);
    run(&["explain", &report, "nobody"]).ends(2).complains(&["nobody"]);
    run(&["explain", &file(&folder, "text", b"not json")]).ends(2).complains(&["text: "]);
    run(&["explain", &file(&folder, "other.json", b"{\"schema\": 1}")]).ends(2).complains(&["not a report of schema touchmark-report/1"]);
    run(&["explain", &text(&folder.path().join("missing"))]).ends(2).complains(&["missing", "No such file"]);
}

#[test]
fn a_hostile_report_cannot_steer_the_terminal() {
    let folder = folder();
    let (report, _) = report(&folder);
    let steered = fs::read_to_string(&report).unwrap().replace("\"image\"", r#""image \u001b[2J \u202e""#);
    let ran = run(&["explain", &file(&folder, "steered.json", steered.as_bytes())]).ends(0);
    harmless(&ran.out);
    assert!(ran.out.contains("[2J"), "{}", ran.out);
}
