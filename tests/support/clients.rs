//! MCP clients that nobody here wrote, and the scripts that drive them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::project::root;

/// Where they are; installed by the first who asks.
pub(crate) fn clients() -> &'static Value {
    static CLIENTS: OnceLock<Value> = OnceLock::new();
    CLIENTS.get_or_init(|| python("install.py", &[]))
}

/// Where a script is.
pub(crate) fn script(name: &str) -> PathBuf {
    root().join("tests/clients").join(name)
}

/// Runs a script and returns the JSON that it prints.
pub(crate) fn python(name: &str, args: &[&str]) -> Value {
    python_with(name, args, &[])
}

/// [`python`], with variables.
pub(crate) fn python_with(name: &str, args: &[&str], env: &[(&str, &str)]) -> Value {
    let mut command = Command::new("python3");
    command
        .arg(script(name))
        .args(args)
        .envs(env.iter().copied());
    json(command, name)
}

/// What the command prints, as JSON; it has to end well.
pub(crate) fn json(mut command: Command, name: &str) -> Value {
    let output = command.stderr(Stdio::piped()).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}:\n{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{name} printed:\n{stdout}\n{stderr}"))
}

/// What is expected of them.
pub(crate) fn committed(name: &str) -> Map<String, Value> {
    let text = std::fs::read_to_string(script(name)).expect("it is there");
    serde_json::from_str(&text).expect("it is an object")
}
