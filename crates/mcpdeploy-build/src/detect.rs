//! What is in a project: which packages have an executable, and what they look like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, TargetKind};

use crate::error::BuildError;

/// Crates that make a package an MCP server.
const MCP_CRATES: [&str; 8] = [
    "rmcp",
    "pmcp",
    "rust-mcp-sdk",
    "mcp-server",
    "mcpkit",
    "turbomcp",
    "mcp-attr",
    "mcp-protocol-sdk",
];

/// Crates that speak the Lambda Runtime API.
const LAMBDA_CRATES: [&str; 2] = ["lambda_http", "lambda_runtime"];

/// Crates that serve HTTP.
const HTTP_CRATES: [&str; 8] = [
    "axum",
    "actix-web",
    "hyper",
    "hyper-util",
    "poem",
    "rocket",
    "salvo",
    "warp",
];

/// Features of an MCP crate that serve HTTP.
const HTTP_FEATURES: [&str; 3] = [
    "transport-streamable-http-server",
    "streamable-http",
    "transport-sse-server",
];

/// Features of an MCP crate that speak on standard input and output.
const STDIO_FEATURES: [&str; 2] = ["transport-io", "stdio"];

/// How a server's executable most likely speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The Lambda Runtime API.
    Lambda,
    /// HTTP on a port.
    Http,
    /// Standard input and output.
    Stdio,
}

/// A package with at least one executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectedPackage {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// What the package says of itself.
    pub description: Option<String>,
    /// The folder of its `Cargo.toml`.
    pub folder: PathBuf,
    /// Its executables, sorted.
    pub binaries: Vec<String>,
    /// The executable that `cargo run` would start.
    pub default_run: Option<String>,
    /// The MCP crate that it depends on, by itself or through other packages of the workspace.
    pub mcp_crate: Option<String>,
    /// It depends on a crate that speaks the Lambda Runtime API.
    pub lambda: bool,
    /// How it most likely speaks.
    pub transport: Transport,
}

/// What Cargo knows of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The folder of the workspace's `Cargo.toml`.
    pub workspace: PathBuf,
    /// Where Cargo puts what it compiles.
    pub target_folder: PathBuf,
    /// The packages with an executable, sorted by name.
    pub packages: Vec<DetectedPackage>,
    /// The names of the packages without one.
    pub libraries: Vec<String>,
}

/// Asks Cargo what the project in `root` is made of.
///
/// # Errors
///
/// When there is no `Cargo.toml` in `root`, or Cargo cannot read it.
pub fn detect(root: &Path) -> Result<Detected, BuildError> {
    let manifest = root.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(BuildError::NoManifest {
            root: root.to_owned(),
        });
    }
    let metadata = MetadataCommand::new()
        .manifest_path(&manifest)
        .current_dir(root)
        .no_deps()
        .exec()
        .map_err(|source| BuildError::Metadata {
            manifest: manifest.clone(),
            source,
        })?;
    Ok(describe(&metadata, &manifest))
}

fn describe(metadata: &Metadata, manifest: &Path) -> Detected {
    let workspace: PathBuf = metadata.workspace_root.clone().into();
    let members = metadata.workspace_packages();
    let by_name: BTreeMap<&str, &Package> = members
        .iter()
        .map(|package| (package.name.as_str(), *package))
        .collect();
    // Seen from a member's own folder, the other members are none of our business.
    let own = members.iter().filter(|package| {
        let same = same_file(package.manifest_path.as_std_path(), manifest);
        same && !same_file(&workspace.join("Cargo.toml"), manifest)
    });
    let mut considered: Vec<&Package> = own.copied().collect();
    if considered.is_empty() {
        considered = members.clone();
    }
    considered.sort_by_key(|package| package.name.as_str());

    let mut packages = Vec::new();
    let mut libraries = Vec::new();
    for package in considered {
        let binaries = binaries(package);
        if binaries.is_empty() {
            libraries.push(package.name.to_string());
        } else {
            packages.push(describe_package(package, binaries, &by_name));
        }
    }
    let target_folder = metadata.target_directory.clone().into();
    Detected {
        workspace,
        target_folder,
        packages,
        libraries,
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn binaries(package: &Package) -> Vec<String> {
    let targets = package
        .targets
        .iter()
        .filter(|target| target.is_kind(TargetKind::Bin));
    let names: BTreeSet<String> = targets.map(|target| target.name.clone()).collect();
    names.into_iter().collect()
}

fn describe_package(
    package: &Package,
    binaries: Vec<String>,
    members: &BTreeMap<&str, &Package>,
) -> DetectedPackage {
    let own = dependencies(package);
    let all = dependencies_within(package, members);
    let lambda = LAMBDA_CRATES.iter().any(|name| own.contains_key(*name));
    let transport = if lambda {
        Transport::Lambda
    } else {
        transport(&own, &all)
    };
    DetectedPackage {
        name: package.name.to_string(),
        version: package.version.to_string(),
        description: package.description.clone(),
        folder: package
            .manifest_path
            .parent()
            .map(|folder| folder.as_std_path().to_owned())
            .unwrap_or_default(),
        binaries,
        default_run: package.default_run.clone(),
        mcp_crate: MCP_CRATES
            .iter()
            .find(|name| all.contains_key(**name))
            .map(|name| (*name).to_owned()),
        lambda,
        transport,
    }
}

/// How a package most likely speaks that has nothing to do with Lambda: what it asks of its MCP crate
/// says more than crates that a server may have for other ends.
fn transport(own: &BTreeMap<&str, &[String]>, all: &BTreeMap<&str, &[String]>) -> Transport {
    let asks = |features: &[&str]| {
        MCP_CRATES
            .iter()
            .filter_map(|name| own.get(name).or_else(|| all.get(name)))
            .any(|asked| {
                asked
                    .iter()
                    .any(|feature| features.contains(&feature.as_str()))
            })
    };
    if asks(&HTTP_FEATURES) {
        Transport::Http
    } else if asks(&STDIO_FEATURES) {
        Transport::Stdio
    } else if HTTP_CRATES.iter().any(|name| own.contains_key(name)) {
        Transport::Http
    } else {
        Transport::Stdio
    }
}

/// The crates that the package links, each with the features that it asks for.
fn dependencies(package: &Package) -> BTreeMap<&str, &[String]> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| (dependency.name.as_str(), dependency.features.as_slice()))
        .collect()
}

/// The same, with what it links through other packages of the workspace.
fn dependencies_within<'a>(
    package: &'a Package,
    members: &BTreeMap<&str, &'a Package>,
) -> BTreeMap<&'a str, &'a [String]> {
    let mut all = BTreeMap::new();
    let mut seen = BTreeSet::from([package.name.as_str()]);
    let mut open = vec![package];
    while let Some(package) = open.pop() {
        for (name, features) in dependencies(package) {
            if let Some(member) = members.get(name).filter(|_| seen.insert(name)) {
                open.push(member);
            }
            all.entry(name).or_insert(features);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{Transport, detect};
    use crate::error::BuildError;
    use std::fs;
    use std::path::Path;

    fn package(root: &Path, name: &str, main: bool, dependencies: &str) {
        let folder = root.join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n{dependencies}"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let source = if main { "main.rs" } else { "lib.rs" };
        fs::write(folder.join("src").join(source), "fn main() {}").unwrap();
    }

    #[test]
    fn a_workspace_is_described_without_fetching_anything() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(
            root.join("Cargo.toml"),
            "[workspace]\nresolver = \"2\"\nmembers = [\"*\"]\n",
        )
        .unwrap();
        package(root, "core", false, "rmcp = \"3\"\n");
        package(
            root,
            "weather-lambda",
            true,
            "core = { path = \"../core\" }\nlambda_http = \"1\"\n",
        );
        package(
            root,
            "weather-http",
            true,
            "rmcp = { version = \"3\", features = [\"transport-streamable-http-server\"] }\n",
        );
        package(
            root,
            "weather-stdio",
            true,
            "rmcp = { version = \"3\", features = [\"transport-io\"] }\nhyper = \"1\"\n",
        );
        package(
            root,
            "weather-web",
            true,
            "core = { path = \"../core\" }\naxum = \"0.8\"\n",
        );
        package(
            root,
            "weather-cli",
            true,
            "clap = \"4\"\n[dev-dependencies]\nrmcp = \"3\"\n",
        );

        let detected = detect(root).unwrap();
        assert_eq!(detected.libraries, ["core"]);
        let seen: Vec<_> = detected
            .packages
            .iter()
            .map(|p| {
                (
                    p.name.as_str(),
                    p.mcp_crate.as_deref(),
                    p.lambda,
                    p.transport,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("weather-cli", None, false, Transport::Stdio),
                ("weather-http", Some("rmcp"), false, Transport::Http),
                ("weather-lambda", Some("rmcp"), true, Transport::Lambda),
                ("weather-stdio", Some("rmcp"), false, Transport::Stdio),
                ("weather-web", Some("rmcp"), false, Transport::Http),
            ]
        );
        let member = detect(&root.join("weather-http")).unwrap();
        assert_eq!(
            member.packages.len(),
            1,
            "a member's folder stands for that member alone"
        );
        assert_eq!(
            member.workspace.canonicalize().unwrap(),
            root.canonicalize().unwrap()
        );
    }

    #[test]
    fn what_is_no_cargo_project_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = detect(folder.path()).unwrap_err();
        assert!(matches!(error, BuildError::NoManifest { .. }));
        assert!(error.help().unwrap().contains("--binary"));
        fs::write(folder.path().join("Cargo.toml"), "[package\n").unwrap();
        let error = detect(folder.path()).unwrap_err();
        assert!(matches!(error, BuildError::Metadata { .. }));
    }
}
