//! What the fuzzers in `fuzz/` start from and what they once found: no panic, and no file that is
//! written over or cannot be read again.

use std::path::Path;

use mcpdeploy_testkit::hostile;

fn each(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        eprintln!("{}", path.display());
        check(&std::fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 3, "{target}: only {count}");
}

#[test]
fn states() {
    each("state", hostile::state);
}

#[test]
fn journals() {
    each("journal", hostile::journal);
}

#[test]
fn plans() {
    each("plan", hostile::plan);
}

#[test]
fn addresses_and_references() {
    for target in ["address", "reference"] {
        each(target, |bytes| {
            hostile::address(&String::from_utf8_lossy(bytes));
        });
    }
}
