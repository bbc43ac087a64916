//! Servers that cannot run: each gives the error that AWS gives, and a hint.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::emulator::{Emulator, Product};
use crate::support::http;
use crate::support::project::{Project, calculator, config};

/// A server that cannot run.
struct Bad {
    name: &'static str,
    /// What the executable is; none for a binary made by the test.
    content: Content,
    /// A part of what AWS says.
    error: &'static str,
    /// A part of what helps.
    hint: &'static str,
}

enum Content {
    Text(&'static str),
    Bytes(fn() -> Vec<u8>),
}

/// Speaks to the Runtime API, but not what it understands.
const GARBAGE: &str = r#"#!/usr/bin/env python3
import os, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
with socket.create_connection((host, int(port))) as connection:
    connection.sendall(b"garbage\r\n\r\n")
    print(connection.recv(100))
raise SystemExit(1)
"#;

/// The calculator, said to be for another processor: byte 18 of an ELF file is the machine.
fn of_another_processor() -> Vec<u8> {
    let mut bytes = std::fs::read(calculator()).expect("it is built");
    bytes[18] = 0xB7;
    bytes
}

const BAD: &[Bad] = &[
    Bad {
        name: "crashes",
        content: Content::Text("#!/bin/sh\nkill -SEGV $$\n"),
        error: "Runtime exited with error: signal: segmentation fault",
        hint: "crash",
    },
    Bad {
        name: "exits-at-once",
        content: Content::Text("#!/bin/sh\nexit 3\n"),
        error: "Runtime exited with error: exit status 3",
        hint: "it ended at its start",
    },
    Bad {
        name: "ends-well",
        content: Content::Text("#!/bin/sh\nexit 0\n"),
        error: "Runtime exited without providing a reason",
        hint: "Runtime API",
    },
    Bad {
        name: "hangs",
        content: Content::Text("#!/bin/sh\nexec sleep 600\n"),
        error: "Task timed out after 2.00 seconds",
        hint: "Runtime API",
    },
    Bad {
        name: "prints-garbage",
        content: Content::Text(GARBAGE),
        error: "Runtime exited with error: exit status 1",
        hint: "Runtime API",
    },
    Bad {
        name: "no-elf",
        content: Content::Text("this is no executable at all\n"),
        error: "fork/exec /var/task/bootstrap: exec format error",
        hint: "neither a program nor a script",
    },
    Bad {
        name: "another-processor",
        content: Content::Bytes(of_another_processor),
        error: "fork/exec /var/task/bootstrap: exec format error",
        hint: "arm64",
    },
];

/// What the function says when it is invoked, and the gateway.
#[expect(
    clippy::disallowed_methods,
    reason = "files that live as long as their test"
)]
fn judge(emulator: &Emulator, bad: &Bad) -> Result<(), String> {
    let account = emulator.default_account();
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = match bad.content {
        Content::Text(text) => text.as_bytes().to_vec(),
        Content::Bytes(make) => make(),
    };
    // `build` refuses what cannot run, so the zip is made of something that can, and then changed.
    let ready = folder.path().join("bootstrap");
    std::fs::write(&ready, bytes).expect("it can be written");
    std::fs::set_permissions(&ready, PermissionsExt::from_mode(0o755)).expect("it can be set");
    let project = Project::in_account(
        &account,
        &config("calculator", calculator())
            .replace("name = \"calculator\"", &format!("name = \"{}\"", bad.name))
            .replace("timeout_seconds = 30", "timeout_seconds = 2"),
    );
    project.run(&["apply", "--auto-approve"]).ok();
    let function = project.output("function");
    let told = invoke_with(emulator, &function, &ready);
    let said = told["payload"].to_string();
    let log = told["log"].as_str().unwrap_or_default();
    if !said.contains(bad.error) {
        return Err(format!("{}: the error is {said}", bad.name));
    }
    if !log.contains("hint: ") || !log.contains(bad.hint) {
        return Err(format!("{}: the hint is in {log}", bad.name));
    }
    let answer = http::request("POST", &project.output("mcp_url"), &[], b"{}");
    let answer = answer.expect("the gateway answers");
    // The alias still runs the version that works: what is broken is not published.
    if answer.status >= 500 {
        return Err(format!("{}: the gateway says {}", bad.name, answer.text()));
    }
    Ok(())
}

/// Puts other code into `$LATEST` by boto3, and invokes it.
fn invoke_with(emulator: &Emulator, function: &str, bootstrap: &std::path::Path) -> Value {
    let output = std::process::Command::new(crate::support::emulator::python())
        .arg(crate::support::project::root().join("tests/emulators/invoke.py"))
        .args([emulator.endpoint(), function])
        .arg(bootstrap)
        .output()
        .expect("python runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn each_gives_the_error_of_aws_and_a_hint() {
    let emulator = Emulator::start(Product::Embedded);
    let broken: Vec<String> = BAD
        .iter()
        .filter_map(|bad| judge(&emulator, bad).err())
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
