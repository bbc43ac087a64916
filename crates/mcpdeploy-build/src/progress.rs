//! What a build tells while it runs.

use crate::toolchain::Tool;

/// A step of the build, told as it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// This package is about to be compiled by this tool.
    Building {
        /// The Cargo package.
        package: String,
        /// What compiles it.
        tool: Tool,
    },
    /// A line of the compiler's own report.
    Compiling {
        /// The line, without the spaces that align it.
        line: String,
    },
    /// The executable is ready; the zip is being written.
    Zipping,
    /// The zip is in its place.
    Done,
}
