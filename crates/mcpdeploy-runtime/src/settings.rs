//! What the environment variables say.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

/// Environment variables, as they were at the start.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
}

impl Environment {
    /// Those of this process. What is not UTF-8 is not there.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The variable's value; an empty one counts as none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self {
            variables: pairs.into_iter().collect(),
        }
    }
}

/// A variable that says something else than it may.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// It has to be there.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// It is there, and wrong.
    #[error("{name} is `{value}`, and has to be {expected}")]
    Wrong {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
}

/// What this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The bridge to a server that speaks HTTP.
    Http,
    /// The bridge to a server that speaks stdio.
    Stdio,
    /// The OAuth facade before a user pool or another issuer.
    Facade,
}

impl Role {
    /// What `MCPDEPLOY_ROLE` says.
    ///
    /// # Errors
    /// It is not set, or no role.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        const NAME: &str = "MCPDEPLOY_ROLE";
        match environment.get(NAME) {
            Some("http") => Ok(Self::Http),
            Some("stdio") => Ok(Self::Stdio),
            Some("facade") => Ok(Self::Facade),
            Some(other) => Err(SettingsError::Wrong {
                name: NAME,
                value: other.to_owned(),
                expected: "`http`, `stdio` or `facade`",
            }),
            None => Err(SettingsError::Missing(NAME)),
        }
    }
}

/// The user's server: program and arguments, and where it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The program's name or path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The folder that it starts in, and that a relative path of the program is of.
    pub folder: PathBuf,
}

impl Program {
    /// What `MCPDEPLOY_COMMAND` says: a JSON array; without it, `./server` beside the bootstrap.
    ///
    /// # Errors
    /// It is no array of strings, or an empty one.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        const NAME: &str = "MCPDEPLOY_COMMAND";
        let command: Vec<String> = match environment.get(NAME) {
            None => vec!["./server".to_owned()],
            Some(text) => serde_json::from_str(text)
                .ok()
                .filter(|command: &Vec<String>| command.first().is_some_and(|p| !p.is_empty()))
                .ok_or_else(|| SettingsError::Wrong {
                    name: NAME,
                    value: text.to_owned(),
                    expected: "a JSON array of a program and its arguments",
                })?,
        };
        let folder = folder(environment);
        let mut command = command.into_iter();
        let name = command.next().unwrap_or_default();
        // A name without a slash is looked for in PATH, as a shell would.
        let program = if name.contains('/') {
            folder.join(&name)
        } else {
            PathBuf::from(name)
        };
        Ok(Self {
            program,
            arguments: command.collect(),
            folder,
        })
    }
}

/// The folder of the deployed files.
fn folder(environment: &Environment) -> PathBuf {
    if let Some(root) = environment.get("LAMBDA_TASK_ROOT") {
        return PathBuf::from(root);
    }
    std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf))
        .unwrap_or_else(|| PathBuf::from("."))
}

/// How long the server may take until it is ready. Lambda's init phase ends after 10 s: the error
/// has to be out before.
pub const READY_WITHIN: Duration = Duration::from_millis(9_000);

/// `MCPDEPLOY_READY_TIMEOUT_MS`, or what the init phase leaves.
///
/// # Errors
/// It is no whole number.
pub fn ready_within(environment: &Environment) -> Result<Duration, SettingsError> {
    const NAME: &str = "MCPDEPLOY_READY_TIMEOUT_MS";
    match environment.get(NAME) {
        None => Ok(READY_WITHIN),
        Some(text) => text
            .parse()
            .map(Duration::from_millis)
            .map_err(|_| SettingsError::Wrong {
                name: NAME,
                value: text.to_owned(),
                expected: "a number of milliseconds",
            }),
    }
}

/// Whether answers are streamed: `MCPDEPLOY_INVOKE_MODE`, as the function URL has it.
///
/// # Errors
/// It is neither of the two modes.
pub fn streams(environment: &Environment) -> Result<bool, SettingsError> {
    const NAME: &str = "MCPDEPLOY_INVOKE_MODE";
    match environment.get(NAME) {
        None | Some("BUFFERED") => Ok(false),
        Some("RESPONSE_STREAM") => Ok(true),
        Some(other) => Err(SettingsError::Wrong {
            name: NAME,
            value: other.to_owned(),
            expected: "`BUFFERED` or `RESPONSE_STREAM`",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_command_is_a_program_of_the_task_root_or_of_the_path() {
        for (command, program, arguments) in [
            (None, "/var/task/./server", &[][..]),
            (Some(r#"["python3","-m","x"]"#), "python3", &["-m", "x"]),
            (Some(r#"["bin/a b"]"#), "/var/task/bin/a b", &[]),
            (Some(r#"["/opt/x","-v"]"#), "/opt/x", &["-v"]),
        ] {
            let mut pairs = vec![("LAMBDA_TASK_ROOT", "/var/task")];
            pairs.extend(command.map(|command| ("MCPDEPLOY_COMMAND", command)));
            let read = Program::from_environment(&environment(&pairs)).unwrap();
            assert_eq!(read.program, Path::new(program));
            assert_eq!(read.arguments, arguments);
            assert_eq!(read.folder, Path::new("/var/task"));
        }
        for wrong in ["server --flag", "[]", "[1]", r#"[""]"#] {
            let read = Program::from_environment(&environment(&[("MCPDEPLOY_COMMAND", wrong)]));
            assert!(read.is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_set_and_wrong_is_said() {
        let wrong = environment(&[
            ("MCPDEPLOY_ROLE", "ftp"),
            ("MCPDEPLOY_READY_TIMEOUT_MS", "soon"),
            ("MCPDEPLOY_INVOKE_MODE", "STREAM"),
        ]);
        let said = Role::from_environment(&wrong).unwrap_err().to_string();
        assert_eq!(
            said,
            "MCPDEPLOY_ROLE is `ftp`, and has to be `http`, `stdio` or `facade`"
        );
        assert!(ready_within(&wrong).is_err());
        assert!(streams(&wrong).is_err());
        let none = Environment::default();
        assert_eq!(
            Role::from_environment(&none),
            Err(SettingsError::Missing("MCPDEPLOY_ROLE"))
        );
        assert_eq!(ready_within(&none), Ok(READY_WITHIN));
        assert_eq!(streams(&none), Ok(false));
    }
}
