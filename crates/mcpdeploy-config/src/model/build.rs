//! `[build]` and `[assets]`: how the binary is made, and what goes into the zip with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

/// How Cargo builds the binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// Features to turn on.
    #[schemars(inner(regex(pattern = shapes::FEATURE)))]
    pub features: Vec<String>,
    /// Build without the package's default features.
    pub no_default_features: bool,
    /// The Cargo profile.
    #[schemars(regex(pattern = shapes::CARGO_NAME))]
    pub profile: String,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            features: Vec::new(),
            no_default_features: false,
            profile: "release".to_owned(),
        }
    }
}

/// Files that go into the zip beside the binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Assets {
    /// Globs of the files to take, below `base_dir`: "resources/**/*.md".
    #[schemars(inner(length(min = 1)))]
    pub include: Vec<String>,
    /// Globs of files to leave out after all.
    #[schemars(inner(length(min = 1)))]
    pub exclude: Vec<String>,
    /// The folder that the globs are relative to, seen from the workspace; the workspace itself when absent.
    #[schemars(length(min = 1))]
    pub base_dir: Option<String>,
}

impl Default for Assets {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: ["**/*.tmp", "**/.DS_Store", "**/Thumbs.db"]
                .map(str::to_owned)
                .to_vec(),
            base_dir: None,
        }
    }
}
