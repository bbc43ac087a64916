//! Servers that know no Lambda, deployed as they are: by HTTP and by stdio, our own and published ones.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::http::{self, Response};
use crate::support::local::Local;
use crate::support::project::{Project, config, notes_config, root};

#[test]
fn an_unchanged_server_is_deployed_and_nothing_fails() {
    for transport in ["http", "stdio"] {
        let local = Local::new(&notes_config(transport));
        // It tries the server, too, and fails when a check does.
        local.there(&["deploy", "--auto-approve"]).ok();
        local.there(&["test"]).ok().says("2026-07-28");
        local.there(&["plan", "--detailed-exitcode"]).ok();
        local.there(&["doctor"]).ok().says("the runtime for x86_64");

        // One process serves them all.
        let kept = local.call("keep", &json!({"name": "a", "text": "first"}));
        assert_eq!(kept.status, 200, "{transport}: {}", kept.text());
        let read = local.call("read", &json!({"name": "a"}));
        assert!(
            read.text().contains("first"),
            "{transport}: {}",
            read.text()
        );
    }
}

/// A stdio server looks at no origins: the runtime does.
#[test]
fn pages_of_the_named_origins_may_call_a_stdio_server() {
    let config = notes_config("stdio");
    let origins = "cors_origins = [\"https://app.example.com\", \"https://b.example.com\"]";
    let local = Local::deployed(&format!("{config}\n[api_gateway]\n{origins}\n"));
    for (origin, status) in [
        ("https://app.example.com", 200),
        ("https://b.example.com", 200),
        ("https://evil.example.com", 403),
    ] {
        let headers = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-11-25"),
            ("origin", origin),
        ];
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let answer = http::request("POST", &local.url(), &headers, body);
        let answer = answer.expect("the gateway answers");
        assert_eq!(answer.status, status, "{origin}: {}", answer.text());
    }
}

#[test]
fn a_crash_and_a_hang_are_answers_and_lines_in_the_log() {
    for transport in ["http", "stdio"] {
        let config = notes_config(transport).replace("timeout_seconds = 10", "timeout_seconds = 3");
        let local = Local::deployed(&config);
        let failed = |answer: &Response, status: u16, why: &str| {
            // Where there is a message to answer, the answer is one.
            let expected = if transport == "http" { status } else { 200 };
            assert_eq!(answer.status, expected, "{transport}: {}", answer.text());
            assert!(
                answer.text().contains(why),
                "{transport}: {}",
                answer.text()
            );
        };
        local.call("keep", &json!({"name": "a", "text": "first"}));
        let crashed = local.call("crash", &json!({}));
        failed(&crashed, 502, "the server ended before it answered");
        // The next request finds a new process.
        let read = local.call("read", &json!({"name": "a"}));
        assert!(
            read.text().contains("there is no note a"),
            "{}",
            read.text()
        );

        let hung = local.call("hang", &json!({}));
        failed(&hung, 504, "the server did not answer in time");
        let kept = local.call("keep", &json!({"name": "b", "text": "second"}));
        assert!(kept.text().contains("\"notes\":1"), "{}", kept.text());

        let log = local.log("notes");
        for said in [
            "notes on ",
            "notes crashes now",
            "the server ended before it answered",
            "notes hangs now",
            "the server did not answer in time",
        ] {
            let line = log.lines().find(|line| line.contains(said));
            let line = line.unwrap_or_else(|| panic!("{transport}: {said} is not in\n{log}"));
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            assert!(line["message"].is_string(), "{line}");
        }
    }
}

/// The folder of servers that nobody here wrote.
fn published(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let output = Command::new("python3")
            .arg(root().join("tests/servers/install.py"))
            .output()
            .expect("python runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        String::from_utf8_lossy(&output.stdout).trim().into()
    });
    folder.join(name)
}

/// A server on this machine, without us.
struct Direct(Child);

impl Drop for Direct {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn direct(program: &Path) -> (Direct, String) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = free.local_addr().expect("it is bound").to_string();
    drop(free);
    let child = Command::new(program)
        .args(["-t", "streamable-http", "--address", &address])
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    (Direct(child), format!("http://{address}/mcp"))
}

/// Grafana's server, in Go, as it is published for desktops: by HTTP it shows what it shows without
/// us, mistakes included, and by stdio there are none to show.
#[test]
fn a_published_server_is_the_same_behind_the_gateway() {
    let program = published("mcp-grafana");
    let args = r#"args = ["-t", "streamable-http", "--address", "127.0.0.1:$PORT"]"#;
    let config = config("notes", &program)
        .replace(
            "transport = \"http\"\n",
            &format!("transport = \"http\"\n{args}\n"),
        )
        .replace("name = \"notes\"", "name = \"grafana\"");
    let local = Local::new(&config);
    local
        .there(&["deploy", "--auto-approve", "--skip-tests"])
        .ok();
    // Its tools want a Grafana: that they say so is fine, and takes long.
    let options = ["--json", "--call-tools", "none"];
    let behind = local.there(&[&["test"], &options[..]].concat()).failing();
    let (_server, url) = direct(&program);
    let project = Project::offline(&config);
    let warm = ["--warm-up", "30s"];
    let directly = project
        .run(&[&["test", &url], &options[..], &warm].concat())
        .failing();
    assert_eq!(behind, directly);

    // The same build, told otherwise.
    local.edit(
        &format!("transport = \"http\"\n{args}\n"),
        "transport = \"stdio\"\n",
    );
    let applied = local.there(&["apply", "--auto-approve"]).ok();
    assert!(!applied.stdout.contains("building"), "{}", applied.stdout);
    let by_stdio = local.there(&[&["test"], &options[..]].concat()).ok();
    assert_eq!(by_stdio.failing(), BTreeSet::new());
}

#[test]
fn another_transport_is_another_build() {
    let local = Local::new(&notes_config("http"));
    local.run(&["build"]).ok();
    local.run(&["doctor", "--local"]).says("sha256:");
    local.edit("transport = \"http\"", "transport = \"lambda\"");
    local
        .run(&["doctor", "--local"])
        .says("for another architecture or transport");
    local.there(&["plan"]).ok().says("Nothing is built yet");
    local.run(&["doctor", "--local"]).says("sha256:");
}

#[test]
fn a_runtime_that_is_not_there_is_said_before_anything_is_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = folder.path().display().to_string();
    let project =
        Project::offline(&notes_config("stdio")).with_env("MCPDEPLOY_RUNTIME", &elsewhere);
    project
        .run(&["build"])
        .code(1)
        .says("find the executable")
        .says("MCPDEPLOY_RUNTIME");
    let doctor = project.run(&["doctor", "--local"]).code(1);
    doctor.says("the runtime for x86_64");
    // Without a bridge, nobody needs one.
    let alone = notes_config("http").replace("transport = \"http\"\n", "");
    let project = Project::offline(&alone).with_env("MCPDEPLOY_RUNTIME", &elsewhere);
    project.run(&["build"]).ok();
}

/// The release has both; `make test` sees to it.
#[test]
fn the_runtime_is_a_part_of_the_program() {
    let project = Project::offline(&notes_config("stdio"));
    let ran = project.run(&["version", "--json"]).ok();
    let events = ran.events();
    let runtimes = events[1]["data"]["runtimes"].as_array().expect("a list");
    let of: Vec<_> = runtimes.iter().map(|r| r["architecture"].clone()).collect();
    assert_eq!(
        of,
        ["x86_64", "arm64"],
        "make runtime makes them: {runtimes:?}"
    );
    // What the build took in is of the source that is here: else every test of it would be of another.
    for runtime in runtimes {
        assert_eq!(runtime["stale"], false, "make runtime: {runtime}");
    }
    project
        .run(&["version", "-v"])
        .ok()
        .says("mcpdeploy-runtime for arm64: sha256:");
}

/// The project with the Rust of whoever runs the tests, though its home is another.
fn toolchain(project: Project) -> Project {
    let home = |variable: &str, folder: &str| {
        let set = std::env::var_os(variable).map(PathBuf::from);
        let usual = std::env::home_dir().map(|home| home.join(folder));
        set.or(usual).unwrap_or_default().display().to_string()
    };
    project
        .with_env("RUSTUP_HOME", &home("RUSTUP_HOME", ".rustup"))
        .with_env("CARGO_HOME", &home("CARGO_HOME", ".cargo"))
}

#[test]
fn init_finds_out_how_a_server_speaks() {
    let stdio = r#"rmcp = { version = "3", features = ["server", "transport-io"] }"#;
    let http = r#"rmcp = { version = "3", features = ["transport-streamable-http-server"] }"#;
    let lambda = r#"rmcp = "3"
lambda_http = "1""#;
    for (dependencies, asked, expected, warned) in [
        (stdio, None, Some("stdio"), None),
        (http, None, Some("http"), None),
        ("axum = \"0.8\"", None, Some("http"), None),
        (lambda, None, None, None),
        (stdio, Some("http"), Some("http"), None),
        (
            stdio,
            Some("lambda"),
            None,
            Some("it looks like one that speaks stdio"),
        ),
        (lambda, Some("stdio"), Some("stdio"), Some("will not start")),
    ] {
        let project = toolchain(Project::offline(""));
        std::fs::remove_file(project.path().join(".pmcp/deploy.toml")).expect("it is there");
        project.write("src/main.rs", "fn main() {}");
        project.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"weather\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [dependencies]\n{dependencies}\n"
            ),
        );
        let mut args = vec!["init", "--yes"];
        args.extend(asked.iter().flat_map(|asked| ["--transport", *asked]));
        let ran = project.run(&args).ok();
        if let Some(warned) = warned {
            ran.says(warned);
        } else {
            assert!(!ran.stderr.contains("Runtime API"), "{}", ran.stderr);
        }
        let written: toml_edit::DocumentMut = project
            .read(".pmcp/deploy.toml")
            .parse()
            .expect("it is TOML");
        let transport = written["server"].get("transport").and_then(|t| t.as_str());
        assert_eq!(transport, expected, "{dependencies} {asked:?}");
        project.run(&["validate"]).ok();
    }
}
