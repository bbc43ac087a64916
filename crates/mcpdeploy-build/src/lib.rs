//! From an MCP server's source, or from a ready executable, to a zip that AWS Lambda takes.
//!
//! Owns: finding the package, choosing the tool that compiles it, checking the executable, packing it
//! with its assets, and with the runtime when the server knows no Lambda. Must not know: the AWS API, `deploy.toml`, the engine, the terminal.
//!
//! Invariant: the same files (bytes, names, permission to run) give the same zip, byte for byte, at
//! any time, in any folder and on any machine.
//!
//! What Cargo makes of the same source is the same executable too, as long as the compiler, the
//! linker and `$CARGO_HOME` are the same: Cargo compiles a workspace by relative paths, so the folder
//! of the project does not matter, but panic messages of dependencies name the registry's folder.
//! Those paths are left as they are. The flag that removes them (`--remap-path-prefix`) can only be
//! added by replacing the flags of the user's own `.cargo/config.toml`, and would make Cargo compile
//! everything again whenever the user builds by hand.

#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests prepare files that are thrown away"
    )
)]

mod archive;
mod artifact;
mod assets;
mod binary;
mod cargo;
mod choose;
mod detect;
mod diagnose;
mod elf;
mod error;
mod pipeline;
mod probe;
mod progress;
mod request;
pub mod runtime;
mod sources;
mod toolchain;

pub use artifact::{Artifact, ZIP_NAME, existing_artifact, read_artifact};
pub use assets::AssetError;
pub use binary::BinaryError;
pub use choose::{Choice, ChoiceError, choose};
pub use detect::{Detected, DetectedPackage, Transport, detect};
pub use diagnose::Cause;
pub use error::BuildError;
pub use pipeline::{build, package_binary};
pub use progress::Progress;
pub use request::{Architecture, Assets, BuildRequest};
pub use sources::source_folders;
pub use toolchain::{Host, Tool, Toolchain};
