//! Broken files and what is said about them: `fixtures/bad/<name>.toml` and `<name>.txt`.

use std::path::{Path, PathBuf};

use mcpdeploy_config::load;

/// The width that the expected texts are made for.
const WIDTH: usize = 100;

/// So many broken files there are at least.
const AT_LEAST: usize = 30;

#[test]
fn every_broken_file_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bad");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of broken files is there")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    assert!(files.len() >= AT_LEAST, "only {} broken files", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a broken file is text");
        let said = match load(".pmcp/deploy.toml", &text, environment(&text)) {
            Ok(_) => {
                wrong.push(format!("{}: loads without a mistake", file.display()));
                continue;
            }
            Err(errors) => errors.render(false, WIDTH),
        };
        let golden = file.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            crate::rewrite(&golden, &said);
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", file.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "run the tests with UPDATE_GOLDEN=1 and read what changes:\n{}",
        wrong.join("\n")
    );
}

/// A first line `# environment: prod` chooses another environment than the default.
fn environment(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("# environment: ").unwrap_or("default")
}
