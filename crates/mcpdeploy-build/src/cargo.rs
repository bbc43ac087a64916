//! Runs Cargo, tells what it does line by line, and finds the executable that it made.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use cargo_metadata::Message;

use crate::choose::Choice;
use crate::diagnose::Report;
use crate::error::BuildError;
use crate::probe::linker_variable;
use crate::progress::Progress;
use crate::request::BuildRequest;
use crate::toolchain::Tool;

const DEFAULT_PROFILE: &str = "release";

/// One run of one tool.
pub(crate) struct Job<'a> {
    pub(crate) request: &'a BuildRequest,
    pub(crate) choice: Choice<'a>,
    pub(crate) target_folder: &'a Path,
    pub(crate) tool: &'a Tool,
}

impl Job<'_> {
    /// Compiles the package, and returns where its executable is.
    pub(crate) fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, BuildError> {
        progress(Progress::Building {
            package: self.package(),
            tool: self.tool.clone(),
        });
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| BuildError::Start {
                tool: self.tool.clone(),
                source,
            })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut report = Report::default();
        let executable = thread::scope(|scope| {
            let reader = scope.spawn(|| stdout.and_then(|out| executable(out, self.choice.binary)));
            for line in stderr.map(lines).into_iter().flatten() {
                let shown = report.push(&line);
                let line = line.trim().to_owned();
                if shown && !line.is_empty() {
                    progress(Progress::Compiling { line });
                }
            }
            reader.join().unwrap_or_default()
        });
        let status = child.wait().map_err(|source| BuildError::Start {
            tool: self.tool.clone(),
            source,
        })?;
        self.outcome(status, executable, &report)
    }

    fn outcome(
        &self,
        status: ExitStatus,
        executable: Option<PathBuf>,
        report: &Report,
    ) -> Result<PathBuf, BuildError> {
        let (package, tool) = (self.package(), self.tool.clone());
        if interrupted(status) {
            return Err(BuildError::Interrupted { package });
        }
        if !status.success() {
            return Err(BuildError::Compile {
                package,
                tool,
                excerpt: report.excerpt(),
                cause: report.cause(),
                architecture: self.request.architecture,
            });
        }
        let executable = match self.tool {
            Tool::CargoLambda => Some(
                self.lambda_folder()
                    .join(self.choice.binary)
                    .join("bootstrap"),
            ),
            Tool::Cargo { .. } | Tool::Zigbuild => executable,
        };
        executable
            .filter(|path| path.is_file())
            .ok_or(BuildError::NoExecutable { package, tool })
    }

    fn package(&self) -> String {
        self.choice.package.name.clone()
    }

    /// cargo-lambda moves the executable out of Cargo's folder; one of our own keeps two processors apart.
    fn lambda_folder(&self) -> PathBuf {
        self.target_folder
            .join("mcpdeploy-lambda")
            .join(self.request.architecture.target())
    }

    fn command(&self) -> Command {
        let request = self.request;
        let target = request.architecture.target();
        let profile = request.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&request.root);
        match self.tool {
            Tool::Cargo { linker } => {
                command.arg("build");
                if let Some(linker) = linker {
                    command.env(linker_variable(target), linker);
                }
            }
            Tool::Zigbuild => {
                command.arg("zigbuild");
            }
            Tool::CargoLambda => {
                command
                    .args(["lambda", "build", "--lambda-dir"])
                    .arg(self.lambda_folder());
            }
        }
        if !matches!(self.tool, Tool::CargoLambda) {
            command.arg("--message-format=json-render-diagnostics");
        }
        command.args(["--color", "never", "--package", &self.choice.package.name]);
        command.args([
            "--bin",
            self.choice.binary,
            "--target",
            target,
            "--profile",
            profile,
        ]);
        if !request.features.is_empty() {
            command.args(["--features", &request.features.join(",")]);
        }
        if request.no_default_features {
            command.arg("--no-default-features");
        }
        // The compiler leaves symbols out by itself, for any target: no other tool is needed.
        let strip = strip_variable(profile);
        if std::env::var_os(&strip).is_none() {
            command.env(strip, "symbols");
        }
        command
    }
}

/// The variable that tells Cargo whether `profile` keeps symbols.
fn strip_variable(profile: &str) -> String {
    format!(
        "CARGO_PROFILE_{}_STRIP",
        profile.to_uppercase().replace('-', "_")
    )
}

fn lines(stream: impl Read) -> impl Iterator<Item = String> {
    let mut reader = BufReader::new(stream);
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).trim_end().to_owned()),
        }
    })
}

/// The executable of the binary among Cargo's messages. All are read, so that Cargo never waits for us.
fn executable(stdout: impl Read, binary: &str) -> Option<PathBuf> {
    let mut found = None;
    let mut stdout = BufReader::new(stdout);
    for message in Message::parse_stream(&mut stdout).map_while(Result::ok) {
        if let Message::CompilerArtifact(artifact) = message
            && artifact.target.name == binary
            && let Some(path) = artifact.executable
        {
            found = Some(path.into());
        }
    }
    // What is no text ends the messages early, but must be taken too.
    let _ended = io::copy(&mut stdout, &mut io::sink());
    found
}

#[cfg(unix)]
fn interrupted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    // 2 is what Ctrl-C sends, 15 what a CI system sends; a shell between adds 128.
    matches!(status.signal(), Some(2 | 15)) || matches!(status.code(), Some(130 | 143))
}

#[cfg(not(unix))]
fn interrupted(_status: ExitStatus) -> bool {
    false
}

/// Whether the next tool may do better than the one that ended with this error.
pub(crate) fn another_may_do_better(error: &BuildError) -> bool {
    matches!(error, BuildError::Compile { cause: Some(cause), .. } if cause.wants_c_compiler())
}

#[cfg(test)]
mod tests {
    use super::{executable, lines, strip_variable};
    use std::path::PathBuf;

    #[test]
    fn cargo_spells_the_variable_so() {
        assert_eq!(strip_variable("release"), "CARGO_PROFILE_RELEASE_STRIP");
        assert_eq!(
            strip_variable("for-lambda"),
            "CARGO_PROFILE_FOR_LAMBDA_STRIP"
        );
    }

    #[test]
    fn lines_come_whole_whatever_is_in_them() {
        let text: &[u8] = b"one\r\n\xff two\n\nlast";
        let got: Vec<String> = lines(text).collect();
        assert_eq!(got, ["one", "\u{fffd} two", "", "last"]);
    }

    #[test]
    fn the_executable_of_the_right_binary() {
        let artifact = |name: &str, path: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"x","manifest_path":"/x","target":{{"kind":["bin"],"crate_types":["bin"],"name":"{name}","src_path":"/x.rs","edition":"2024"}},"profile":{{"opt_level":"3","debuginfo":0,"debug_assertions":false,"overflow_checks":false,"test":false}},"features":[],"filenames":[],"executable":{path},"fresh":false}}"#
            )
        };
        let stream = [
            artifact("other", "\"/t/other\""),
            artifact("tiny", "null"),
            "not JSON at all".to_owned(),
            artifact("tiny", "\"/t/tiny\""),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ]
        .join("\n");
        assert_eq!(
            executable(stream.as_bytes(), "tiny"),
            Some(PathBuf::from("/t/tiny"))
        );
        assert_eq!(executable(stream.as_bytes(), "absent"), None);
    }
}
