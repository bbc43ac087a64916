//! Takes `mcpdeploy-runtime` into the crate, compressed, for each processor that `make runtime` made
//! it for. Where it did not, the crate is built without, and says so when it is asked for.

#![expect(clippy::disallowed_methods, reason = "files of this build only")]

use std::error::Error;
use std::io::Write;
use std::ops::Not;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// As `Architecture::as_str` has them, in the order of `Architecture`.
const PROCESSORS: [&str; 2] = ["x86_64", "arm64"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let source = root.join("crates/mcpdeploy-runtime/src");
    let from = root.join("target/runtime");
    let into = PathBuf::from(env::var("OUT_DIR")?);
    // Cargo would run this every time for a path that is not there.
    fs::create_dir_all(&from)?;
    println!("cargo::rerun-if-changed={}", from.display());
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-changed=build.rs");
    let today = digest(&source)?;
    let (mut table, mut stale) = (String::new(), String::new());
    for processor in PROCESSORS {
        let program = from.join(processor).join("mcpdeploy-runtime");
        if !program.is_file() {
            table.push_str("None, ");
            stale.push_str("false, ");
            continue;
        }
        // What `make runtime` says it was made of.
        let made = fs::read_to_string(program.with_file_name("source"));
        let older = made.is_ok_and(|made| made == today).not();
        stale.push_str(&format!("{older}, "));
        if older {
            println!(
                "cargo::warning=mcpdeploy-runtime for {processor} is of another source than today's, \
                 and is put in as it is: make runtime"
            );
        }
        let packed = into.join(format!("{processor}.gz"));
        // Without a date and a name: the same bytes for the same program.
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        gzip.write_all(&fs::read(&program)?)?;
        fs::write(&packed, gzip.finish()?)?;
        table.push_str(&format!("Some(include_bytes!({packed:?})), "));
    }
    fs::write(
        into.join("embedded.rs"),
        format!(
            "const EMBEDDED: [Option<&[u8]>; 2] = [{table}];\nconst STALE: [bool; 2] = [{stale}];\n"
        ),
    )?;
    Ok(())
}

/// What a program is made of: the SHA-256, in hexadecimal, over the sorted lines that have every file's
/// SHA-256 and path (as `static.py` makes it).
fn digest(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    below(folder, &mut files)?;
    let mut lines: Vec<String> = Vec::new();
    for file in files {
        let name = file
            .strip_prefix(folder)?
            .to_string_lossy()
            .replace('\\', "/");
        lines.push(format!(
            "{} {name}\n",
            hex::encode(Sha256::digest(fs::read(&file)?))
        ));
    }
    lines.sort();
    Ok(hex::encode(Sha256::digest(lines.concat())))
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
