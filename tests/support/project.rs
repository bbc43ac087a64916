//! A project in a folder of its own, and the binary run in it with nothing else in its environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::emulator::Account;

/// A project folder with a `.pmcp/deploy.toml`.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

impl Project {
    /// A project without an account: for what calls nobody.
    pub(crate) fn offline(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let project = Self {
            folder,
            env: Vec::new(),
        };
        project.write(".pmcp/deploy.toml", config);
        project
    }

    /// A project that deploys to an account.
    pub(crate) fn in_account(account: &Account<'_>, config: &str) -> Self {
        Self {
            env: account.env(),
            ..Self::offline(config)
        }
    }

    /// Sets a variable of its environment.
    pub(crate) fn with_env(mut self, key: &'static str, value: &str) -> Self {
        self.env.retain(|(name, _)| *name != key);
        self.env.push((key, value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a file of a project that lives as long as its test"
    )]
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("the folder can be made");
        }
        std::fs::write(path, text).expect("the file can be written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).expect("the file is there")
    }

    /// Changes deploy.toml.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = self.read(".pmcp/deploy.toml");
        assert!(text.contains(from), "deploy.toml has no {from:?}:\n{text}");
        self.write(".pmcp/deploy.toml", &text.replace(from, to));
    }

    /// The command, with an environment that holds nothing but the account.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpdeploy"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("LANG", "C.UTF-8")
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the binary runs");
        Ran::new(args, &output)
    }

    /// The plan, as JSON.
    pub(crate) fn plan(&self, args: &[&str]) -> Plan {
        let ran = self.run(&[&["plan", "--json"], args].concat()).ok();
        let plan = ran
            .events()
            .into_iter()
            .find(|event| event["event"] == "planned")
            .unwrap_or_else(|| panic!("no plan in {}", ran.stdout));
        Plan(plan["plan"].clone())
    }

    /// The state, as JSON.
    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&self.run(&["state", "pull"]).ok().stdout).expect("the state is JSON")
    }

    /// An output.
    pub(crate) fn output(&self, name: &str) -> String {
        self.run(&["output", name, "--raw"])
            .ok()
            .stdout
            .trim()
            .to_owned()
    }
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    what: String,
}

impl Ran {
    pub(crate) fn new(args: &[&str], output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            what: args.join(" "),
        }
    }

    /// It ended well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// It ended with this code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "mcpdeploy {}\n--- stdout\n{}\n--- stderr\n{}",
            self.what,
            self.stdout,
            self.stderr
        );
        self
    }

    /// What it says has this in it, on either stream, wherever lines were broken.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let flat = |text: &str| -> String {
            text.split(|c: char| c.is_whitespace() || c == '│')
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let wanted = flat(text);
        assert!(
            flat(&self.stdout).contains(&wanted) || flat(&self.stderr).contains(&wanted),
            "mcpdeploy {} does not say {text:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.what,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Its lines of JSON.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// The ids of the checks that failed, of those that a server was put to; with `--json`.
    pub(crate) fn failing(&self) -> BTreeSet<String> {
        let events = self.events();
        let checks = events.iter().map(|event| &event["data"]["check"]);
        let checks: Vec<&Value> = checks.filter(|check| check.is_object()).collect();
        assert!(checks.len() > 20, "{}", self.stderr);
        let failed = checks.iter().filter(|check| check["outcome"] == "failed");
        failed
            .map(|check| check["id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

/// A plan as JSON.
pub(crate) struct Plan(pub(crate) Value);

impl Plan {
    /// Every action as `<action> <address>`, sorted.
    pub(crate) fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = self.0["actions"]
            .as_array()
            .expect("a plan has actions")
            .iter()
            .map(|action| {
                let verb = match &action["action"] {
                    Value::String(verb) => verb.clone(),
                    Value::Object(verb) => verb.keys().next().cloned().unwrap_or_default(),
                    other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
                        panic!("{other} is no action")
                    }
                };
                format!(
                    "{verb} {}",
                    action["address"].as_str().expect("an address is text")
                )
            })
            .collect();
        actions.sort();
        actions
    }

    /// Nothing would change, and the state has everything as the cloud has it.
    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        assert!(self.actions().is_empty(), "{:#}", self.0["actions"]);
        assert_eq!(
            self.0["preamble"],
            serde_json::json!([]),
            "read otherwise than written"
        );
    }
}

/// The calculator, built for Lambda: once for all tests, by the command under test.
pub(crate) fn calculator() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("calculator"))
}

/// The server with one of everything, likewise.
pub(crate) fn everything() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| build("everything"))
}

/// The server that knows no Lambda, likewise: as it is for anybody, without the runtime.
pub(crate) fn notes() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let bootstrap = build("notes");
        bootstrap.with_file_name("server")
    })
}

/// Builds a fixture. They share what they depend on, so one is built after the other.
fn build(fixture: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let root = root();
    let target = root.join("target/fixtures");
    let folder = format!("fixtures/{fixture}");
    let output = Command::new(env!("CARGO_BIN_EXE_mcpdeploy"))
        .args(["-C", &folder, "build"])
        .current_dir(&root)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()
        .expect("the binary runs");
    let ran = Ran::new(&["build"], &output).ok();
    assert!(ran.stdout.contains("sha256:"), "{}", ran.stdout);
    root.join(folder).join(".pmcp/build/default/bootstrap")
}

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate lies two folders deep")
        .to_owned()
}

/// The calculator's deploy.toml, taking the ready binary.
pub(crate) fn calculator_config() -> String {
    config("calculator", calculator())
}

/// A fixture's deploy.toml, taking a ready binary.
pub(crate) fn config(fixture: &str, binary: &Path) -> String {
    let path = root().join(format!("fixtures/{fixture}/.pmcp/deploy.toml"));
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    text.replace(
        "[server]\n",
        &format!("[server]\nbinary = \"{}\"\n", binary.display()),
    )
}

/// The notes' deploy.toml, for either transport.
pub(crate) fn notes_config(transport: &str) -> String {
    let args = if transport == "stdio" {
        "args = [\"--stdio\"]\n"
    } else {
        ""
    };
    config("notes", notes()).replace(
        "transport = \"http\"\n",
        &format!("transport = \"{transport}\"\n{args}"),
    )
}
