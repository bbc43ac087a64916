//! Takes `mcpdeploy-runtime` into the crate, compressed, for each processor that `make runtime` made
//! it for. Where it did not, the crate is built without, and says so when it is asked for.

#![expect(clippy::disallowed_methods, reason = "files of this build only")]

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::{env, fs};

use flate2::{Compression, GzBuilder};

/// As `Architecture::as_str` has them, in the order of `Architecture`.
const PROCESSORS: [&str; 2] = ["x86_64", "arm64"];

fn main() -> Result<(), Box<dyn Error>> {
    let from = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../target/runtime");
    let into = PathBuf::from(env::var("OUT_DIR")?);
    // Cargo would run this every time for a path that is not there.
    fs::create_dir_all(&from)?;
    println!("cargo::rerun-if-changed={}", from.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut table = String::new();
    for processor in PROCESSORS {
        let program = from.join(processor).join("mcpdeploy-runtime");
        if !program.is_file() {
            table.push_str("None, ");
            continue;
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
        format!("const EMBEDDED: [Option<&[u8]>; 2] = [{table}];\n"),
    )?;
    Ok(())
}
