//! Reads a compiler's report: the part that matters, and what is missing on this machine.

use std::collections::VecDeque;

use crate::request::Architecture;

/// Lines of an error that are worth showing.
const ERROR_LINES: usize = 24;
/// Lines to show when no line looks like an error.
const LAST_LINES: usize = 12;

/// What is missing on this machine, and not wrong with the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A dependency has C code, and there is no C compiler for the target.
    NoCCompiler,
    /// There is no program that links for the machine itself, which build scripts need.
    NoLinker,
    /// A dependency looks for an OpenSSL for the target.
    OpenSsl,
    /// A dependency looks for a C library for the target.
    CLibrary,
    /// The Rust target is not installed.
    NoTarget,
    /// The disk is full.
    DiskFull,
    /// The registry or a repository cannot be reached.
    Network,
}

impl Cause {
    /// What to do about it.
    pub fn help(&self, architecture: Architecture) -> String {
        let target = architecture.target();
        match self {
            Self::NoCCompiler => format!(
                "a dependency has C code, which needs a C compiler for {target}: \
                 pip install ziglang cargo-zigbuild{}",
                match architecture {
                    Architecture::X86_64 => " (or, on Debian and Ubuntu: apt install musl-tools)",
                    Architecture::Arm64 => "",
                }
            ),
            Self::NoLinker => {
                "install a C compiler, which links build scripts (Debian and Ubuntu: apt install gcc; \
                 macOS: xcode-select --install)"
                    .to_owned()
            }
            Self::OpenSsl => {
                "use rustls instead of OpenSSL (for reqwest: default-features = false, features = \
                 [\"rustls\"]), or build OpenSSL from source with the vendored feature of openssl"
                    .to_owned()
            }
            Self::CLibrary => format!(
                "a dependency needs a C library for {target}: turn on its feature that builds the \
                 library from source (vendored, bundled or static)"
            ),
            Self::NoTarget => format!("install the Rust target: rustup target add {target}"),
            Self::DiskFull => "free some space: cargo clean removes what was compiled".to_owned(),
            Self::Network => "check the connection, or build with the dependencies vendored".to_owned(),
        }
    }

    /// Whether a tool that brings its own C compiler would do better.
    pub(crate) fn wants_c_compiler(&self) -> bool {
        matches!(self, Self::NoCCompiler)
    }
}

/// Which words, all in one line, tell which cause.
const SIGNS: [(&[&str], Cause); 16] = [
    (
        &["openssl", "Could not find directory of OpenSSL"],
        Cause::OpenSsl,
    ),
    (&["Could not find directory of OpenSSL"], Cause::OpenSsl),
    (
        &["failed to run custom build command for `openssl-sys"],
        Cause::OpenSsl,
    ),
    (&["failed to find tool", "musl-gcc"], Cause::NoCCompiler),
    (&["failed to find tool", "musl-g++"], Cause::NoCCompiler),
    (&["failed to find tool", "linux-musl"], Cause::NoCCompiler),
    (&["failed to find tool", "linux-gnu"], Cause::NoCCompiler),
    (&["Is `musl-gcc` installed"], Cause::NoCCompiler),
    (
        &["musl-gcc", "No such file or directory"],
        Cause::NoCCompiler,
    ),
    (&["linker `", "` not found"], Cause::NoLinker),
    (
        &["pkg-config has not been configured to support cross-compilation"],
        Cause::CLibrary,
    ),
    (&["target may not be installed"], Cause::NoTarget),
    (&["No space left on device"], Cause::DiskFull),
    (&["failed to get", "as a dependency"], Cause::Network),
    (&["Could not resolve host"], Cause::Network),
    (&["failed to download"], Cause::Network),
];

/// What a compiler said, as far as it may be needed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    error: Vec<String>,
    last: VecDeque<String>,
    causes: Vec<Cause>,
    /// What a failed build script wrote for Cargo, and not for people, is being told.
    script_output: bool,
}

impl Report {
    /// Takes the next line, and tells whether it is for people.
    pub(crate) fn push(&mut self, line: &str) -> bool {
        let cause = SIGNS
            .iter()
            .find(|(words, _)| words.iter().all(|word| line.contains(word)));
        if let Some((_, cause)) = cause {
            self.causes.push(cause.clone());
        }
        self.script_output = match line.trim() {
            "--- stdout" => true,
            "--- stderr" => false,
            _ => self.script_output && line.starts_with(' '),
        };
        if self.script_output {
            return false;
        }
        let begins = line.starts_with("error");
        if (begins || !self.error.is_empty()) && self.error.len() < ERROR_LINES {
            self.error.push(line.to_owned());
        }
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
        true
    }

    /// The first error, or the last lines when none looks like one.
    pub(crate) fn excerpt(&self) -> String {
        let lines: Vec<&str> = if self.error.is_empty() {
            self.last.iter().map(String::as_str).collect()
        } else {
            self.error.iter().map(String::as_str).collect()
        };
        lines.join("\n").trim_end().to_owned()
    }

    /// What is missing on this machine. Later lines explain less: they follow from the first.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.causes.first().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, LAST_LINES, Report};
    use crate::request::Architecture;

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        for line in text.lines() {
            report.push(line);
        }
        report
    }

    #[test]
    fn what_is_missing_is_told_from_what_is_wrong() {
        for (line, expected) in [
            ("error[E0425]: cannot find value `x` in this scope", None),
            (
                "  error occurred in cc-rs: failed to find tool \"musl-gcc\": No such file",
                Some(Cause::NoCCompiler),
            ),
            (
                "  Compiler family detection failed due to error: ToolNotFound: failed to find tool \"aarch64-linux-musl-gcc\"",
                Some(Cause::NoCCompiler),
            ),
            ("error: linker `cc` not found", Some(Cause::NoLinker)),
            (
                "  Could not find directory of OpenSSL installation, and this `-sys` crate",
                Some(Cause::OpenSsl),
            ),
            (
                "  pkg-config has not been configured to support cross-compilation.",
                Some(Cause::CLibrary),
            ),
            (
                "  = note: the `aarch64-unknown-linux-musl` target may not be installed",
                Some(Cause::NoTarget),
            ),
            (
                "error: No space left on device (os error 28)",
                Some(Cause::DiskFull),
            ),
            (
                "error: failed to get `serde` as a dependency of package `x`",
                Some(Cause::Network),
            ),
        ] {
            assert_eq!(report(line).cause(), expected, "{line}");
        }
    }

    #[test]
    fn each_cause_says_what_to_do() {
        let arm = Cause::NoCCompiler.help(Architecture::Arm64);
        assert!(
            arm.contains("aarch64-unknown-linux-musl") && !arm.contains("musl-tools"),
            "{arm}"
        );
        let intel = Cause::NoCCompiler.help(Architecture::X86_64);
        assert!(
            intel.contains("musl-tools") && intel.contains("cargo-zigbuild"),
            "{intel}"
        );
        let target = Cause::NoTarget.help(Architecture::Arm64);
        assert!(target.ends_with("rustup target add aarch64-unknown-linux-musl"));
    }

    #[test]
    fn a_build_script_shows_its_complaint_and_not_its_output() {
        let text = "error: failed to run custom build command for `x`\n\nCaused by:\n  process failed\n  \
                    --- stdout\n  CC = None\n  failed to find tool \"musl-gcc\"\n  --- stderr\n  no compiler\n";
        let report = report(text);
        let shown = report.excerpt();
        assert!(
            shown.ends_with("process failed\n  --- stderr\n  no compiler"),
            "{shown}"
        );
        assert_eq!(
            report.cause(),
            Some(Cause::NoCCompiler),
            "but its output explains it"
        );
        let next = Report::default().push("   Compiling y v0.1.0");
        assert!(next);
    }

    #[test]
    fn the_first_error_is_shown_or_else_the_end() {
        let compiled =
            "   Compiling a\n   Compiling b\nerror: first\n --> src/main.rs:1\n\nerror: second\n";
        let excerpt = report(compiled).excerpt();
        assert!(
            excerpt.starts_with("error: first\n --> src/main.rs:1"),
            "{excerpt}"
        );

        let lines: Vec<String> = (0..50).map(|n| format!("line {n}")).collect();
        let excerpt = report(&lines.join("\n")).excerpt();
        assert_eq!(excerpt.lines().count(), LAST_LINES);
        assert!(excerpt.ends_with("line 49"));
    }
}
