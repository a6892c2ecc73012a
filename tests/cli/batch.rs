//! `batch`: order, summary, reports in a folder, resumption.

use std::os::unix::fs::symlink;
use std::process::Stdio;

use super::*;

/// A folder of images in three levels, and their paths in order.
fn images(folder: &TempDir) -> (String, Vec<String>) {
    let names = ["images/a.bin", "images/b/1.bin", "images/b/2.bin", "images/c.bin", "images/d.bin"];
    let paths = names.iter().map(|name| file(folder, name, format!("the image called {name}\n").as_bytes())).collect();
    (text(&folder.path().join("images")), paths)
}

fn lines(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn reports_come_in_order_and_a_summary_last() {
    let folder = folder();
    let (root, paths) = images(&folder);
    let ran = run(&["batch", &root, "--jobs", "2"]).ends(0);
    let (summary, reports) = lines(&ran).split_last().map(|(last, all)| (last.clone(), all.to_vec())).unwrap();
    assert_eq!(reports.iter().map(|one| one["input"]["path"].as_str().unwrap()).collect::<Vec<_>>(), paths);
    assert_eq!((&summary["summary"]["images"], &summary["summary"]["outcomes"]["complete"]), (&5.into(), &5.into()));
    assert!(ran.out == run(&["batch", &root, "--jobs", "1"]).ends(0).out, "one job gives other bytes than two");
}

#[test]
fn an_output_folder_gets_a_report_a_file() {
    let folder = folder();
    let (root, paths) = images(&folder);
    let reports = folder.path().join("reports");
    let ran = run(&["batch", &root, "-o", &text(&reports)]).ends(0);
    assert_eq!(lines(&ran).len(), 1, "the summary alone goes to standard output");
    let mut names: Vec<_> = fs::read_dir(&reports).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["a.bin.json", "b_1.bin.json", "b_2.bin.json", "c.bin.json", "d.bin.json"]);
    let report: Value = serde_json::from_slice(&fs::read(reports.join("b_2.bin.json")).unwrap()).unwrap();
    assert_eq!(report["input"]["path"], paths[2]);
}

#[test]
fn a_batch_is_taken_up_again() {
    let folder = folder();
    let (root, _) = images(&folder);
    let reports = folder.path().join("reports");
    let resume = ["batch", &root, "-o", &text(&reports), "--resume"];
    run(&resume).ends(0);
    fs::remove_file(reports.join("c.bin.json")).unwrap();
    fs::write(reports.join("a.bin.json"), "left as it is").unwrap();
    let ran = run(&resume).ends(0);
    assert_eq!(lines(&ran)[0]["summary"]["resumed"], 4);
    assert!(reports.join("c.bin.json").exists());
    assert_eq!(fs::read(reports.join("a.bin.json")).unwrap(), b"left as it is");
    run(&["batch", &root, "--resume"]).ends(2).complains(&["--output"]);
}

#[test]
fn reports_among_the_images_are_no_images() {
    let folder = folder();
    let (root, _) = images(&folder);
    let inside = text(&folder.path().join("images/reports"));
    for _ in 0..2 {
        let ran = run(&["batch", &root, "-o", &inside]).ends(0);
        assert_eq!(lines(&ran)[0]["summary"]["images"], 5);
    }
    run(&["batch", &root, "-o", &root]).ends(2).complains(&["the reports would lie among the images"]);
}

#[test]
fn names_that_are_hostile_or_fall_together() {
    let folder = folder();
    for name in hostile_names() {
        fs::create_dir_all(folder.path().join("images")).unwrap();
        fs::write(folder.path().join("images").join(name), b"the same text in all of them\n").unwrap();
    }
    file(&folder, "images/x/y", b"one of two\n");
    file(&folder, "images/x_y", b"another of two\n");
    let (root, reports) = (text(&folder.path().join("images")), folder.path().join("reports"));
    let count = hostile_names().len() + 2;
    let ran = run(&["batch", &root, "-o", &text(&reports)]).ends(0);
    assert_eq!(lines(&ran)[0]["summary"]["images"], count);
    assert_eq!(fs::read_dir(&reports).unwrap().count(), count);
    let page = run(&["batch", &root, "--format", "text"]).ends(0);
    harmless(&page.out);
    harmless(&page.err);
}

#[test]
fn what_is_left_out_is_said() {
    let folder = folder();
    let (root, _) = images(&folder);
    symlink("..", folder.path().join("images/loop")).unwrap();
    symlink("gone", folder.path().join("images/broken")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("images/fifo")).status().unwrap().success());
    file(&folder, "images/empty", b"");
    let ran =
        run(&["batch", &root]).ends(0).complains(&["left out", "loop: a symbolic link", "broken: a symbolic link", "fifo: a named pipe"]);
    let summary = lines(&ran).pop().unwrap();
    assert_eq!(summary["summary"]["left_out"].as_array().unwrap().len(), 3);
    assert_eq!(summary["summary"]["outcomes"]["failed"], 1, "the empty file");
    run(&["batch", &root, "--strict"]).ends(3);
}

#[test]
fn exit_codes_are_the_worst_of_all() {
    let folder = folder();
    let (root, _) = images(&folder);
    let db = own_database(&folder);
    run(&["batch", &root, "--db", &db, "--policy", "acme-list"]).ends(0);
    file(&folder, "images/b/marked.bin", OWN_MARK);
    let ran = run(&["batch", &root, "--db", &db, "--policy", "acme-list"]).ends(1);
    assert_eq!(lines(&ran).pop().unwrap()["summary"]["policies"]["acme-list"]["match"], 1);
    run(&["batch", &text(&folder.path().join("missing"))]).ends(2).complains(&["missing", "No such file"]);
    run(&["batch", &text(&folder.path().join("images/a.bin"))]).ends(2).complains(&["a.bin", "Not a directory"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_batch() {
    let folder = folder();
    for number in 0..200 {
        file(&folder, &format!("images/{number}"), format!("image {number} of many\n").repeat(50).as_bytes());
    }
    let mut child = command(&["batch", &text(&folder.path().join("images"))]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = child.stderr.take().unwrap();
    assert_eq!(wait(&mut child).code(), Some(0));
    let mut text = String::new();
    err.read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
}
