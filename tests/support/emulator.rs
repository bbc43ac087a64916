//! Emulators of AWS: two that nobody here wrote, and our own embedded cloud, each a process of its
//! own on loopback.
//!
//! One of each kind serves all tests of a process; a test takes an account of its own on it, so
//! that tests run side by side. An emulator that cannot start fails the test: nothing is skipped.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::http;

/// The region that tests deploy to.
pub(crate) const REGION: &str = "us-east-1";

/// Which emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    /// Our own: `mcpdeploy local up`.
    Embedded,
    /// Runs functions and answers at HTTP APIs.
    Ministack,
    /// Stores only, but knows more operations and checks more of their inputs.
    Moto,
}

impl Product {
    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Ministack => "ministack",
            Self::Moto => "moto",
        }
    }
}

/// A running emulator. Ends when dropped or when this process does, whatever the way.
#[derive(Debug)]
pub(crate) struct Emulator {
    product: Product,
    endpoint: String,
    log: PathBuf,
    runner: Child,
    /// The runner ends the emulator when this closes.
    lifeline: Option<ChildStdin>,
}

impl Emulator {
    /// The ministack that all tests of this process share.
    pub(crate) fn ministack() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Product::Ministack))
    }

    /// The moto that all tests of this process share.
    pub(crate) fn moto() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Product::Moto))
    }

    /// One of its own, for a test that needs to reset it, read its log or lose it.
    pub(crate) fn start(product: Product) -> Self {
        let mut runner = Command::new("python3")
            .arg(scripts().join("run.py"))
            .arg(product.name())
            .args((product == Product::Embedded).then_some(env!("CARGO_BIN_EXE_mcpdeploy")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let lifeline = runner.stdin.take();
        let mut line = String::new();
        let stdout = runner.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the runner's answer is text");
        let told: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{} did not start; see above", product.name()));
        let text = |key: &str| told[key].as_str().expect("the runner tells it").to_owned();
        Self {
            product,
            endpoint: text("endpoint"),
            log: text("log").into(),
            runner,
            lifeline,
        }
    }

    /// Which emulator it is.
    pub(crate) fn product(&self) -> Product {
        self.product
    }

    /// Where it answers, e.g. `http://127.0.0.1:20123`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).expect("the log is there");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A new account on it, empty and nobody else's. The embedded cloud has one account only: start
    /// one of its own.
    ///
    /// Ministack looks for the API of an unsigned request in the default account only: a test that
    /// calls what it deployed takes [`Emulator::default_account`] of an emulator of its own, which
    /// starts within a third of a second.
    pub(crate) fn account(&self) -> Account<'_> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = format!(
            "{:012}",
            700_000_000_000 + NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let credentials = match self.product {
            Product::Ministack => Credentials::plain(&id),
            Product::Moto => self.assume(&id),
            Product::Embedded => panic!("the embedded cloud has one account"),
        };
        Account {
            emulator: self,
            id,
            credentials,
        }
    }

    /// The account that the emulator takes unknown credentials for.
    pub(crate) fn default_account(&self) -> Account<'_> {
        let id = match self.product {
            Product::Ministack | Product::Embedded => "000000000000",
            Product::Moto => "123456789012",
        };
        Account {
            emulator: self,
            id: id.to_owned(),
            credentials: Credentials::plain("test"),
        }
    }

    /// Moto knows whose a request is by the session that STS gave it.
    fn assume(&self, account: &str) -> Credentials {
        let body = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=test\
             &RoleArn=arn:aws:iam::{account}:role/test"
        );
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sts/aws4_request, \
                 SignedHeaders=host, Signature=0",
            ),
        ];
        let answer = http::request("POST", &self.endpoint, &headers, body.as_bytes())
            .expect("the emulator answers");
        let text = answer.text();
        assert_eq!(answer.status, 200, "{text}");
        let element = |name: &str| {
            let (_, rest) = text
                .split_once(&format!("<{name}>"))
                .expect("the session has it");
            rest.split_once("</")
                .expect("the element ends")
                .0
                .to_owned()
        };
        Credentials {
            key: element("AccessKeyId"),
            secret: element("SecretAccessKey"),
            token: Some(element("SessionToken")),
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It takes milliseconds, and a test that looks for what is left must not look too early.
        if let Err(error) = self.runner.wait() {
            assert!(
                std::thread::panicking(),
                "the emulator's runner did not end: {error}"
            );
        }
    }
}

#[derive(Debug, Clone)]
struct Credentials {
    key: String,
    secret: String,
    token: Option<String>,
}

impl Credentials {
    fn plain(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            secret: "test".to_owned(),
            token: None,
        }
    }
}

/// An account on an emulator.
#[derive(Debug, Clone)]
pub(crate) struct Account<'a> {
    emulator: &'a Emulator,
    id: String,
    credentials: Credentials,
}

impl Account<'_> {
    /// Its twelve digits.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Which emulator it is on.
    pub(crate) fn product(&self) -> Product {
        self.emulator.product()
    }

    /// Where its emulator answers.
    pub(crate) fn endpoint(&self) -> &str {
        self.emulator.endpoint()
    }

    /// The variables by which a command with an otherwise empty environment works in the account.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        let mut env = vec![
            ("AWS_ACCESS_KEY_ID", self.credentials.key.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials.secret.clone()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ENDPOINT_URL", self.endpoint().to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ];
        let token = self.credentials.token.clone();
        env.extend(token.map(|token| ("AWS_SESSION_TOKEN", token)));
        env
    }

    /// Everything that exists in the account, as the cloud itself lists it: an object of lists,
    /// one for each sort of thing (`functions`, `roles`, `http_apis`, …).
    pub(crate) fn inventory(&self) -> Value {
        let output = Command::new(python())
            .arg(scripts().join("inventory.py"))
            .args([self.endpoint(), REGION])
            .env_clear()
            .envs(self.env())
            .output()
            .expect("python runs");
        assert!(
            output.status.success(),
            "the inventory failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("the inventory is JSON")
    }

    /// Panics with the list of what is there, unless nothing is.
    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        let mut found = self.inventory();
        let lists = found.as_object_mut().expect("the inventory is an object");
        lists.retain(|_, list| list.as_array().is_none_or(|list| !list.is_empty()));
        assert!(lists.is_empty(), "left behind: {found:#}");
    }
}

fn scripts() -> &'static Path {
    // The manifest is that of `crates/mcpdeploy`, which this file is compiled into.
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/emulators"
    ))
}

/// The python that has the emulators' libraries.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let output = Command::new("python3")
            .arg(scripts().join("install.py"))
            .stderr(Stdio::inherit())
            .output()
            .expect("python3 runs");
        assert!(
            output.status.success(),
            "the emulators were not installed; see above"
        );
        String::from_utf8_lossy(&output.stdout).trim().into()
    })
}

#[test]
fn an_account_on_an_emulator_is_empty() {
    for emulator in [Emulator::ministack(), Emulator::moto()] {
        let account = emulator.account();
        account.assert_empty();
        assert_ne!(account.id(), emulator.account().id());
    }
}

#[test]
fn an_emulator_ends_when_dropped() {
    let emulator = Emulator::start(Product::Ministack);
    assert!(!emulator.log().is_empty());
    let endpoint = emulator.endpoint().to_owned();
    drop(emulator);
    assert!(http::request("GET", &endpoint, &[], b"").is_err());
}
