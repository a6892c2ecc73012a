//! Trains the model by which code in raw bytes is told from data, and measures it. `signatures/isa/make.sh` gathers what it reads:
//! `CORPUS/CLASS/train|test/*.bin` are code of an instruction set each; classes that begin with `_` are data, a model each.
//!
//! usage: `train_isa train CORPUS MODEL` or `train_isa measure CORPUS`
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for those who make the model stops at what it cannot read"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use touchmark::blob::Blob;
use touchmark::fact::{ANALYZERS, Context, Fact, Facts, Subject};

/// As `src/fact/regions/model.rs` has it.
const HIGHEST: f64 = 56.0;
const WINDOW: usize = 4096;
/// Of one file, and of one class, at most so much is trained on.
const MOST_OF_FILE: usize = 3 << 18;
const MOST: usize = 8 << 20;
/// Pairs seen fewer times are as likely as their bytes alone.
const RARE: f64 = 4.0;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["train", corpus, model] => train(Path::new(corpus), Path::new(model)),
        ["measure", corpus] => measure(Path::new(corpus)),
        _ => panic!("usage: train_isa train CORPUS MODEL | measure CORPUS"),
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// Files of one split of a class.
fn files(class: &Path, split: &str) -> Vec<Vec<u8>> {
    entries(&class.join(split)).iter().map(|path| fs::read(path).expect("a file of the corpus")).collect()
}

/// Bigrams of a class.
struct Counts {
    pairs: Vec<f64>,
}

impl Counts {
    fn of(files: &[Vec<u8>]) -> Self {
        let mut pairs = vec![0.0; 1 << 16];
        let mut left = MOST;
        for file in files {
            let part = &file[..file.len().min(MOST_OF_FILE).min(left)];
            left -= part.len();
            part.windows(2).for_each(|pair| pairs[usize::from(pair[0]) << 8 | usize::from(pair[1])] += 1.0);
        }
        // What is neutral in the model may not make the rest rare.
        pairs[0] = 0.0;
        pairs[0xffff] = 0.0;
        Self { pairs }
    }

    /// Costs of single bytes, of not knowing what follows, and of pairs: 0 or plus 1.
    fn costs(&self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let total: f64 = self.pairs.iter().sum::<f64>().max(1.0);
        let quarters = |share: f64| (share.log2() * -4.0).clamp(0.0, HIGHEST).round();
        let single: Vec<f64> =
            (0..256).map(|b| ((0..256).map(|a| self.pairs[a << 8 | b]).sum::<f64>() + total / 25600.0) / (total * 1.01)).collect();
        let (mut unknown, mut pairs) = (vec![0; 256], vec![0; 1 << 16]);
        for a in 0..256 {
            let row = &self.pairs[a << 8..(a + 1) << 8];
            let (sum, kinds) = (row.iter().sum::<f64>(), row.iter().filter(|count| **count > 0.0).count() as f64);
            // Witten and Bell: as likely as something new was so far.
            let fresh = (kinds + 1.0) / (sum + kinds + 1.0);
            unknown[a] = quarters(fresh) as u8;
            for b in 0..256 {
                let share = row[b] / (sum + kinds + 1.0) + fresh * single[b];
                if row[b] >= RARE {
                    // Half bits do, and take less room.
                    pairs[a << 8 | b] = ((quarters(share) / 2.0).round() * 2.0) as u8 + 1;
                }
            }
        }
        (single.iter().map(|share| quarters(*share) as u8).collect(), unknown, pairs)
    }
}

/// Average cost of a window in 1/256 bit, as the library counts it.
fn cost(window: &[u8], (single, unknown, pairs): &(Vec<u8>, Vec<u8>, Vec<u8>)) -> Option<u32> {
    let (mut sum, mut count) = (0_u32, 0_u32);
    for pair in window.windows(2) {
        let index = usize::from(pair[0]) << 8 | usize::from(pair[1]);
        if index != 0 && index != 0xffff {
            let apart = single[index & 255] + unknown[index >> 8];
            let cost = if pairs[index] == 0 { apart } else { pairs[index] - 1 };
            (sum, count) = (sum + u32::from(cost.min(HIGHEST as u8)), count + 1);
        }
    }
    (count > 200).then(|| sum * 64 / count)
}

fn train(corpus: &Path, target: &Path) {
    let mut plain = Vec::new();
    let mut count = 0_u16;
    for class in entries(corpus) {
        let class_name = name(&class);
        let groups: Vec<(u8, String, Vec<Vec<u8>>)> = match class_name.strip_prefix('_') {
            // Data: one model for each kind that the name of the file begins with.
            Some(_) => {
                let mut groups: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
                for path in entries(&class.join("train")) {
                    let kind = name(&path).split('@').next().unwrap_or_default().to_owned();
                    groups.entry(kind).or_default().push(fs::read(&path).expect("a file"));
                }
                let content = |kind: &str| if kind.starts_with("media") { 3 } else { 1 + u8::from(!kind.starts_with("text")) };
                groups.into_iter().map(|(kind, files)| (content(&kind), kind.replace("table-", ""), files)).collect()
            }
            None => vec![(0, class_name, files(&class, "train"))],
        };
        for (content, name, files) in groups {
            let size: usize = files.iter().map(Vec::len).sum();
            if size < if content == 0 { 24 << 10 } else { 48 << 10 } {
                println!("{name}: {size} bytes are too few");
                continue;
            }
            let costs = Counts::of(&files).costs();
            let mut usual: Vec<u32> =
                files.iter().flat_map(|file| file.chunks_exact(WINDOW).filter_map(|window| cost(window, &costs))).collect();
            usual.sort_unstable();
            // What is seldom as dear as this, and some more as the model has seen these bytes.
            let at = |part| usual.get(usual.len() * part / 1000).copied().unwrap_or(1948);
            let limit = at(995).min(at(500) + 700) + 220;
            println!("{name}: {size} bytes, usually {:?}, limit {limit}", usual.get(usual.len() / 2));
            plain.push(content);
            plain.extend_from_slice(&(limit as u16).to_be_bytes());
            plain.push(name.len() as u8);
            plain.extend_from_slice(name.as_bytes());
            [costs.0, costs.1, costs.2].iter().for_each(|part| plain.extend_from_slice(part));
            count += 1;
        }
    }
    println!("{count} classes");
    let plain = [count.to_be_bytes().as_slice(), &plain].concat();
    fs::write(target, plain).expect("the model is written");
}

/// What the analyzer says of one window: key and value of the region that covers it.
fn said(window: &[u8]) -> String {
    let blob = Blob::new(window.to_vec());
    let mut found = String::new();
    let mut deliver = |fact: Fact<'_>| {
        if fact.key.starts_with("region.") {
            found = format!("{} {}", fact.key, String::from_utf8_lossy(fact.value));
        }
    };
    let regions = ANALYZERS.iter().find(|analyzer| analyzer.id() == "regions").expect("the analyzer");
    regions.analyze(&Subject { blob: &blob, format: None, context: Context::Raw }, &mut Facts::new(&mut deliver));
    found
}

fn measure(corpus: &Path) {
    let (mut macro_sum, mut classes, mut false_code, mut others) = (0.0, 0, 0, 0);
    for class in entries(corpus) {
        let class_name = name(&class);
        let data = class_name.starts_with('_');
        let (mut outcomes, mut windows) = (BTreeMap::<String, usize>::new(), 0);
        for path in entries(&class.join("test")) {
            let file = fs::read(&path).expect("a file");
            for window in file.chunks_exact(WINDOW).take(400) {
                let outcome = said(window);
                if data && outcome.starts_with("region.code") {
                    *outcomes.entry(format!("{} as {outcome}", name(&path).split('@').next().unwrap_or_default())).or_default() += 1;
                } else {
                    *outcomes.entry(outcome).or_default() += 1;
                }
                windows += 1;
            }
        }
        let mut sorted: Vec<_> = outcomes.iter().map(|(outcome, count)| (*count, outcome.as_str())).collect();
        sorted.sort_by(|one, other| other.cmp(one));
        if data {
            false_code += sorted.iter().filter(|(_, outcome)| outcome.contains("region.code")).map(|(count, _)| count).sum::<usize>();
            others += windows;
            println!("{class_name}: {windows} windows {:?}", &sorted[..sorted.len().min(24)]);
        } else if windows > 0 {
            let right = outcomes.get(&format!("region.code {class_name}")).copied().unwrap_or(0);
            macro_sum += right as f64 / windows as f64;
            classes += 1;
            let wrong: Vec<_> = sorted.iter().filter(|(_, outcome)| *outcome != format!("region.code {class_name}")).take(5).collect();
            println!("{class_name}: {:.2} % of {windows} {wrong:?}", 100.0 * right as f64 / windows as f64);
        }
    }
    println!("macro over {classes} classes: {:.3} %", 100.0 * macro_sum / f64::from(classes.max(1)));
    println!("called code: {false_code} of {others} windows of data, {:.3} %", 100.0 * false_code as f64 / others.max(1) as f64);
}
