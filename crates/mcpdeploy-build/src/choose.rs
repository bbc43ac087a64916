//! Which package, and which executable of it, is the server.

use crate::detect::{Detected, DetectedPackage};

/// What to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The package.
    pub package: &'a DetectedPackage,
    /// The executable of it.
    pub binary: &'a str,
}

/// Why there is no choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// No package has an executable.
    #[error("find an executable to build: no package of the project has one")]
    NoBinary,
    /// The wanted package does not exist.
    #[error("find the package {wanted}")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// The package that was probably meant.
        similar: Option<String>,
        /// The packages that can be built.
        known: Vec<String>,
    },
    /// The wanted package has no executable.
    #[error("build the package {wanted}: it is a library and has no executable")]
    Library {
        /// What was asked for.
        wanted: String,
        /// The packages that can be built.
        known: Vec<String>,
    },
    /// Several packages could be the server.
    #[error("tell which package is the server: it could be {}", candidates.join(", "))]
    ManyPackages {
        /// The packages.
        candidates: Vec<String>,
    },
    /// The package has several executables.
    #[error("tell which executable of {package} is the server: it could be {}", binaries.join(", "))]
    ManyBinaries {
        /// The package.
        package: String,
        /// Its executables.
        binaries: Vec<String>,
    },
}

impl ChoiceError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NoBinary => {
                "add src/main.rs to a package, or package a ready executable with --binary"
                    .to_owned()
            }
            Self::Unknown {
                similar: Some(similar),
                ..
            } => format!("did you mean {similar}?"),
            Self::Unknown { known, .. } | Self::Library { known, .. } if known.is_empty() => {
                Self::NoBinary.help()
            }
            Self::Unknown { known, .. } | Self::Library { known, .. } => {
                format!("packages with an executable: {}", known.join(", "))
            }
            Self::ManyPackages { candidates } => {
                let first = candidates.first().map_or("NAME", String::as_str);
                format!("name it in .pmcp/deploy.toml, under [server]: package = \"{first}\"")
            }
            Self::ManyBinaries { package, binaries } => {
                let first = binaries.first().map_or("NAME", String::as_str);
                format!(
                    "name it in Cargo.toml of {package}, under [package]: default-run = \"{first}\""
                )
            }
        }
    }
}

/// Chooses the package named `wanted`, or else the one that is most clearly the server.
///
/// Without a name: the only package with an executable; the one named after the server with
/// `-lambda`; the only one whose name ends so; the only one that speaks to Lambda; the one named after
/// the server.
///
/// # Errors
///
/// When there is none, or more than one.
pub fn choose<'a>(
    detected: &'a Detected,
    wanted: Option<&str>,
    server_name: &str,
) -> Result<Choice<'a>, ChoiceError> {
    let package = match wanted {
        Some(wanted) => named(detected, wanted)?,
        None => likeliest(&detected.packages, server_name)?,
    };
    let binary = binary_of(package, server_name)?;
    Ok(Choice { package, binary })
}

fn names(packages: &[&DetectedPackage]) -> Vec<String> {
    packages
        .iter()
        .map(|package| package.name.clone())
        .collect()
}

fn named<'a>(detected: &'a Detected, wanted: &str) -> Result<&'a DetectedPackage, ChoiceError> {
    if let Some(package) = detected
        .packages
        .iter()
        .find(|package| package.name == wanted)
    {
        return Ok(package);
    }
    let known = names(&detected.packages.iter().collect::<Vec<_>>());
    let wanted = wanted.to_owned();
    if detected.libraries.contains(&wanted) {
        return Err(ChoiceError::Library { wanted, known });
    }
    // Somebody who names an executable means its package.
    let owner = detected
        .packages
        .iter()
        .find(|package| package.binaries.contains(&wanted));
    let similar = owner.map(|package| package.name.clone()).or_else(|| {
        known
            .iter()
            .map(|name| (strsim::jaro_winkler(name, &wanted), name))
            .filter(|(score, _)| *score > 0.8)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, name)| name.clone())
    });
    Err(ChoiceError::Unknown {
        wanted,
        similar,
        known,
    })
}

fn likeliest<'a>(
    packages: &'a [DetectedPackage],
    server_name: &str,
) -> Result<&'a DetectedPackage, ChoiceError> {
    let lambda_name = format!("{server_name}-lambda");
    let signs: [&dyn Fn(&DetectedPackage) -> bool; 5] = [
        &|_| true,
        &|package| package.name == lambda_name,
        &|package| package.name.ends_with("-lambda"),
        &|package| package.lambda,
        &|package| package.name == server_name,
    ];
    let mut narrowest: Vec<&DetectedPackage> = packages.iter().collect();
    for sign in signs {
        let showing: Vec<_> = packages.iter().filter(|package| sign(package)).collect();
        match showing.as_slice() {
            [] => {}
            [only] => return Ok(only),
            several if several.len() < narrowest.len() => narrowest = several.to_vec(),
            _ => {}
        }
    }
    if narrowest.is_empty() {
        return Err(ChoiceError::NoBinary);
    }
    Err(ChoiceError::ManyPackages {
        candidates: names(&narrowest),
    })
}

fn binary_of<'a>(package: &'a DetectedPackage, server_name: &str) -> Result<&'a str, ChoiceError> {
    if let [only] = package.binaries.as_slice() {
        return Ok(only);
    }
    let likely = [
        package.default_run.as_deref(),
        Some("bootstrap"),
        Some(server_name),
        Some(package.name.as_str()),
    ];
    let found = likely.into_iter().flatten().find_map(|name| {
        package
            .binaries
            .iter()
            .find(|binary| binary.as_str() == name)
    });
    found
        .map(String::as_str)
        .ok_or_else(|| ChoiceError::ManyBinaries {
            package: package.name.clone(),
            binaries: package.binaries.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::{ChoiceError, choose};
    use crate::detect::{Detected, DetectedPackage, Transport};
    use std::path::PathBuf;

    /// "name", "name*" when it speaks to Lambda, "name:bin,bin" when it has other executables.
    fn package(text: &str) -> DetectedPackage {
        let (name, binaries) = text.split_once(':').unwrap_or((text, ""));
        let lambda = name.ends_with('*');
        let name = name.trim_end_matches('*').to_owned();
        let binaries = match binaries {
            "" => vec![name.clone()],
            binaries => binaries.split(',').map(str::to_owned).collect(),
        };
        DetectedPackage {
            name,
            version: "0.1.0".to_owned(),
            description: None,
            folder: PathBuf::new(),
            binaries,
            default_run: None,
            mcp_crate: None,
            lambda,
            transport: Transport::Stdio,
        }
    }

    fn project(packages: &[&str]) -> Detected {
        Detected {
            workspace: PathBuf::new(),
            target_folder: PathBuf::new(),
            packages: packages.iter().map(|text| package(text)).collect(),
            libraries: vec!["core".to_owned()],
        }
    }

    #[test]
    fn the_package_that_is_most_clearly_the_server() {
        for (packages, wanted, expected) in [
            (&["anything"][..], None, "anything/anything"),
            (&["a", "b"], Some("b"), "b/b"),
            (
                &["cli", "weather-lambda"],
                None,
                "weather-lambda/weather-lambda",
            ),
            (&["cli", "other-lambda"], None, "other-lambda/other-lambda"),
            (
                &["other-lambda", "weather-lambda"],
                None,
                "weather-lambda/weather-lambda",
            ),
            (
                &["a-lambda", "b-lambda", "c"],
                None,
                "it could be a-lambda, b-lambda",
            ),
            (&["a-lambda", "b-lambda*", "c"], None, "b-lambda/b-lambda"),
            (&["cli", "server*"], None, "server/server"),
            (&["one*", "two*", "cli"], None, "it could be one, two"),
            (&["cli", "weather"], None, "weather/weather"),
            (&["a", "b"], None, "it could be a, b"),
            (&["a", "b"], Some("core"), "it is a library"),
            (&["a", "b"], Some("c"), "find the package c"),
            (&[], None, "no package of the project has one"),
            (&["a:bootstrap,tool"], None, "a/bootstrap"),
            (&["a:weather,tool"], None, "a/weather"),
            (&["a:a,tool"], None, "a/a"),
            (
                &["a:one,two"],
                None,
                "which executable of a is the server: it could be one, two",
            ),
        ] {
            let detected = project(packages);
            let got = match choose(&detected, wanted, "weather") {
                Ok(choice) => format!("{}/{}", choice.package.name, choice.binary),
                Err(error) => error.to_string(),
            };
            assert!(
                got.ends_with(expected) || got.contains(expected),
                "{packages:?}: {got}"
            );
        }
    }

    #[test]
    fn default_run_settles_it() {
        let mut detected = project(&["a:one,two"]);
        detected.packages[0].default_run = Some("two".to_owned());
        assert_eq!(choose(&detected, None, "weather").unwrap().binary, "two");
    }

    #[test]
    fn each_error_says_how_to_mend_it() {
        for (packages, wanted, expected) in [
            (
                &["weather-server", "cli"][..],
                Some("wether-server"),
                "did you mean weather-server?",
            ),
            (&["a:one,two", "cli"], Some("two"), "did you mean a?"),
            (
                &["abc", "cli"],
                Some("zzz"),
                "packages with an executable: abc, cli",
            ),
            (
                &["abc", "cli"],
                Some("core"),
                "packages with an executable: abc, cli",
            ),
            (&[], Some("core"), "--binary"),
            (&["a", "b"], None, "under [server]: package = \"a\""),
            (&["a:one,two"], None, "default-run = \"one\""),
        ] {
            let detected = project(packages);
            let error: ChoiceError = choose(&detected, wanted, "weather").unwrap_err();
            assert!(
                error.help().contains(expected),
                "{packages:?}: {}",
                error.help()
            );
        }
    }
}
