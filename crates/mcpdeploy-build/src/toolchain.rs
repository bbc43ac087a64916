//! Which tool compiles for which processor: a pure choice over what is installed.
//!
//! Plain Cargo comes first wherever it can link: it starts at once (Zig builds a C library for each
//! target first, about 40 s), shares its cache with the user's own builds, and needs no more than the
//! Rust target. Rust's musl targets carry their own C library, so a package without C code links with
//! the host's `cc`, or on any other machine with the linker that comes with Rust. A package with C
//! code needs a C compiler for the target; when that turns out to be missing, the next tool is tried.

use std::fmt;

use crate::request::Architecture;

/// The machine that compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// It runs Linux.
    pub linux: bool,
    /// Its processor, when it is one that Lambda has too.
    pub architecture: Option<Architecture>,
}

/// What is installed, as far as it matters for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The machine that compiles.
    pub host: Host,
    /// Rust's standard library for the target.
    pub target: bool,
    /// The user has configured a linker for the target.
    pub own_linker: bool,
    /// A C compiler for the target, such as `aarch64-linux-musl-gcc`.
    pub cross_gcc: Option<String>,
    /// The linker that comes with Rust.
    pub rust_lld: bool,
    /// `cargo-zigbuild` and a Zig that it can use.
    pub zigbuild: bool,
    /// `cargo-lambda` and a Zig that it can use.
    pub cargo_lambda: bool,
}

/// What compiles the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// `cargo build`, with this linker instead of the configured one.
    Cargo {
        /// The linker; Cargo's own choice when absent.
        linker: Option<String>,
    },
    /// `cargo zigbuild`.
    Zigbuild,
    /// `cargo lambda build`.
    CargoLambda,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cargo { linker: None } => f.write_str("cargo"),
            Self::Cargo {
                linker: Some(linker),
            } => write!(f, "cargo with {linker}"),
            Self::Zigbuild => f.write_str("cargo-zigbuild"),
            Self::CargoLambda => f.write_str("cargo-lambda"),
        }
    }
}

impl Toolchain {
    /// The tools that can compile for `architecture`, best first.
    pub fn tools(&self, architecture: Architecture) -> Vec<Tool> {
        let mut tools = Vec::new();
        if self.target {
            tools.extend(
                self.linker(architecture)
                    .map(|linker| Tool::Cargo { linker }),
            );
            if self.zigbuild {
                tools.push(Tool::Zigbuild);
            }
        }
        // It adds a missing target by itself.
        if self.cargo_lambda {
            tools.push(Tool::CargoLambda);
        }
        tools
    }

    /// How plain Cargo can link: not at all, by its own choice, or with the named linker.
    fn linker(&self, architecture: Architecture) -> Option<Option<String>> {
        let native = self.host.linux && self.host.architecture == Some(architecture);
        if self.own_linker || native {
            Some(None)
        } else if let Some(gcc) = &self.cross_gcc {
            Some(Some(gcc.clone()))
        } else if self.rust_lld {
            Some(Some("rust-lld".to_owned()))
        } else {
            None
        }
    }

    /// What to install when nothing can compile for `architecture`.
    pub fn advice(&self, architecture: Architecture) -> String {
        let target = architecture.target();
        if self.target {
            "install Zig and cargo-zigbuild: pip install ziglang cargo-zigbuild".to_owned()
        } else {
            format!("install the Rust target: rustup target add {target}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, Tool, Toolchain};
    use crate::request::Architecture::{self, Arm64, X86_64};

    const NOTHING: Toolchain = Toolchain {
        host: Host {
            linux: true,
            architecture: Some(X86_64),
        },
        target: false,
        own_linker: false,
        cross_gcc: None,
        rust_lld: false,
        zigbuild: false,
        cargo_lambda: false,
    };

    fn names(toolchain: &Toolchain, architecture: Architecture) -> Vec<String> {
        toolchain
            .tools(architecture)
            .iter()
            .map(Tool::to_string)
            .collect()
    }

    #[test]
    fn the_tools_in_their_order() {
        let mac = Host {
            linux: false,
            architecture: Some(Arm64),
        };
        let target = Toolchain {
            target: true,
            ..NOTHING
        };
        let lld = Toolchain {
            rust_lld: true,
            ..target.clone()
        };
        let gcc = Toolchain {
            cross_gcc: Some("aarch64-linux-musl-gcc".to_owned()),
            ..lld.clone()
        };
        let own = Toolchain {
            own_linker: true,
            ..gcc.clone()
        };
        let zig = Toolchain {
            zigbuild: true,
            ..target.clone()
        };
        let all = Toolchain {
            cargo_lambda: true,
            zigbuild: true,
            ..lld.clone()
        };
        let no_target = Toolchain {
            target: false,
            ..all.clone()
        };
        for (toolchain, architecture, expected) in [
            (&NOTHING, X86_64, vec![]),
            (&NOTHING, Arm64, vec![]),
            (&target, X86_64, vec!["cargo"]),
            (&target, Arm64, vec![]),
            (&lld, X86_64, vec!["cargo"]),
            (&lld, Arm64, vec!["cargo with rust-lld"]),
            (&gcc, Arm64, vec!["cargo with aarch64-linux-musl-gcc"]),
            (&own, Arm64, vec!["cargo"]),
            (&zig, X86_64, vec!["cargo", "cargo-zigbuild"]),
            (&zig, Arm64, vec!["cargo-zigbuild"]),
            (
                &all,
                X86_64,
                vec!["cargo", "cargo-zigbuild", "cargo-lambda"],
            ),
            (
                &all,
                Arm64,
                vec!["cargo with rust-lld", "cargo-zigbuild", "cargo-lambda"],
            ),
            (&no_target, X86_64, vec!["cargo-lambda"]),
            (
                &Toolchain {
                    host: mac,
                    ..target.clone()
                },
                Arm64,
                vec![],
            ),
            (
                &Toolchain {
                    host: mac,
                    ..lld.clone()
                },
                Arm64,
                vec!["cargo with rust-lld"],
            ),
            (
                &Toolchain {
                    host: mac,
                    ..lld.clone()
                },
                X86_64,
                vec!["cargo with rust-lld"],
            ),
        ] {
            assert_eq!(
                names(toolchain, architecture),
                expected,
                "{architecture} {toolchain:?}"
            );
        }
    }

    #[test]
    fn the_advice_names_what_is_missing() {
        for (toolchain, architecture, expected) in [
            (
                NOTHING,
                Arm64,
                "rustup target add aarch64-unknown-linux-musl",
            ),
            (
                NOTHING,
                X86_64,
                "rustup target add x86_64-unknown-linux-musl",
            ),
            (
                Toolchain {
                    target: true,
                    ..NOTHING
                },
                Arm64,
                "pip install ziglang cargo-zigbuild",
            ),
        ] {
            let advice = toolchain.advice(architecture);
            assert!(advice.ends_with(expected), "{advice}");
        }
    }
}
