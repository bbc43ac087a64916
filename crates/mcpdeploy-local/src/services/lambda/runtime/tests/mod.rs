//! The data plane with real processes: scripts for the shell and for Python.

#![cfg(target_os = "linux")]

mod ends;
mod failures;
mod pooling;
mod runs;
mod streams;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::hints::host;
use super::{Limits, Outcome, Program, Run, RunRequest, Runtime, StreamError};
use crate::cloud::{Cloud, Settings};
use crate::storage::Storage;

/// What Python bootstraps begin with.
const PRELUDE: &str = include_str!("prelude.py");

const PATIENT: Limits = Limits {
    init: Duration::from_secs(10),
    idle: Duration::from_secs(600),
    grace: Duration::from_secs(20),
};

/// A cloud and a data plane of its own, with a folder for packages.
struct Bench {
    cloud: Cloud,
    runtime: Arc<Runtime>,
    folder: tempfile::TempDir,
    _storage: Storage,
}

impl Bench {
    /// Answers wait for the process to be ready again, however slow this machine is.
    async fn new() -> Self {
        Self::with(PATIENT).await
    }

    async fn with(limits: Limits) -> Self {
        let storage = Storage::open(None).unwrap();
        Self {
            cloud: Cloud::start(Settings::default()).await.unwrap(),
            runtime: Arc::new(Runtime::with_limits(&storage, limits).unwrap()),
            folder: tempfile::tempdir().unwrap(),
            _storage: storage,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A function whose package has this `bootstrap`.
    fn program(&self, bootstrap: &str) -> Program {
        self.package("bootstrap", bootstrap.as_bytes(), 0o755);
        Program {
            function: "f".to_owned(),
            version: "$LATEST".to_owned(),
            arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            region: "us-east-1".to_owned(),
            revision: "1".to_owned(),
            code: self.path().to_owned(),
            architecture: host().to_owned(),
            handler: "the.handler".to_owned(),
            timeout: Duration::from_secs(20),
            memory_mb: 256,
            environment: BTreeMap::new(),
            role: "arn:aws:iam::000000000000:role/r".to_owned(),
            log_group: "/aws/lambda/f".to_owned(),
        }
    }

    /// A function in Python; `body` has the prelude's functions.
    fn python(&self, body: &str) -> Program {
        self.program(&format!("#!/usr/bin/python3 -IS\n{PRELUDE}\n{body}"))
    }

    fn package(&self, name: &str, content: &[u8], mode: u32) {
        let path = self.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    async fn run(&self, program: &Arc<Program>, payload: &str) -> Run {
        let request = request(payload);
        self.runtime
            .run(&self.cloud, program.clone(), request)
            .await
    }

    /// A run in the background.
    fn spawn(&self, program: &Arc<Program>, payload: &str) -> tokio::task::JoinHandle<Run> {
        let (cloud, runtime, program) = (self.cloud.clone(), self.runtime.clone(), program.clone());
        let request = request(payload);
        self.cloud
            .tasks()
            .spawn(async move { runtime.run(&cloud, program, request).await })
    }
}

fn request(payload: &str) -> RunRequest {
    RunRequest {
        request_id: "r".to_owned(),
        invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f:live".to_owned(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        client_context: Some(r#"{"custom":{"a":"1"}}"#.to_owned()),
        trace: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned()),
        log: false,
    }
}

/// The answer, as JSON.
#[track_caller]
fn answer(run: &Run) -> Value {
    match &run.outcome {
        Outcome::Payload(payload) => serde_json::from_slice(payload).unwrap(),
        other @ (Outcome::Stream { .. } | Outcome::Error(_)) => {
            panic!("{other:?} {:?} {}", run.hint, tail(run))
        }
    }
}

/// The error object.
#[track_caller]
fn error(run: &Run) -> String {
    match &run.outcome {
        Outcome::Error(payload) => String::from_utf8_lossy(payload).into_owned(),
        other @ (Outcome::Stream { .. } | Outcome::Payload(_)) => panic!("{other:?}"),
    }
}

fn tail(run: &Run) -> String {
    String::from_utf8_lossy(&run.log_tail).into_owned()
}

/// A log with numbers of times and memory as `N`.
fn without_numbers(log: &str) -> String {
    let mut out = String::new();
    for word in log.split_inclusive(['\n', '\t', ' ']) {
        let bare = word.trim_end();
        let number = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_digit() || c == '.');
        out.push_str(&if number {
            word.replace(bare, "N")
        } else {
            word.to_owned()
        });
    }
    out
}

/// Whether a process is there and not only waiting to be reaped.
fn is_running(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Waits until something is so.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} never came");
}
