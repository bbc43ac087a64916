//! Secrets that a run gets to see, in whatever way, and that must be nowhere afterwards: in no
//! file, on no stream, however loud.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::Signal;

use crate::support::emulator::{Emulator, Product, REGION};
use crate::support::http;
use crate::support::project::{Project, calculator_config};
use crate::support::proxy::Proxy;
use crate::support::watched::Watched;

/// What is looked for. Letters and digits only: so they are the same in a URL and in JSON, whatever
/// stands around them.
const KEY: &str = "cNrySecretAccessKey7Q";
const TOKEN: &str = "cNrySessionToken4W";
const PROFILE: &str = "cNryProfileKey9E";
const BEARER: &str = "cNryBearerToken2R";
const VALUE: &str = "cNryValueOfTheSecret6T";
const WRITTEN: &str = "cNryWrittenInTheFile8Y";
const PASSPHRASE: &str = "cNryPassphrase3U";
const OLD_PASSPHRASE: &str = "cNryOldPassphrase5I";
const IDENTITY: &str = "CNRYIDENTITY5Z";
const ALL: [&str; 9] = [
    KEY,
    TOKEN,
    PROFILE,
    BEARER,
    VALUE,
    WRITTEN,
    PASSPHRASE,
    OLD_PASSPHRASE,
    IDENTITY,
];

/// Everything by which a canary can be told: itself, hexadecimal, and in the middle of something in
/// Base64, where it looks different in each of three places.
fn forms(canary: &str) -> Vec<String> {
    let mut forms = vec![canary.to_owned()];
    forms.push(canary.bytes().map(|byte| format!("{byte:02x}")).collect());
    for before in 0..3 {
        let bytes = [&b"xx"[..before], canary.as_bytes()].concat();
        let text = BASE64_STANDARD.encode(&bytes);
        // Whole groups of three bytes that are the canary's own, whatever comes before and after.
        let whole = 4 * (bytes.len() / 3);
        let own = if before == 0 { 0 } else { 4 };
        forms.push(text[own..whole].to_owned());
    }
    forms
}

/// Looks for every canary in every form.
#[track_caller]
fn assert_none(what: &str, bytes: &[u8]) {
    // Texts without escapes and spaces too: a line may have been broken in the middle of a word.
    let text = String::from_utf8_lossy(bytes);
    let joined: String = text.split_whitespace().collect();
    for canary in ALL {
        for form in forms(canary) {
            for text in [&*text, &joined] {
                let found = text.find(&form);
                let around =
                    found.map(|at| &text[text.floor_char_boundary(at.saturating_sub(200))..at]);
                assert!(found.is_none(), "{canary} is in {what}, after {around:?}");
            }
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The project, with a canary in every place from which a run takes secrets.
struct Nest {
    project: Project,
}

impl Nest {
    fn new(config: &str, endpoint: &str) -> Self {
        let project = Project::offline(config);
        let temporary = project.path().join("tmp");
        project.write("tmp/.keep", "");
        project.write(
            ".aws/credentials",
            &format!("[canary]\naws_access_key_id = AKID\naws_secret_access_key = {PROFILE}/+\n"),
        );
        let project = project
            .with_env("AWS_ACCESS_KEY_ID", "test")
            .with_env("AWS_SECRET_ACCESS_KEY", &format!("{KEY}/+\"\\ %"))
            .with_env("AWS_SESSION_TOKEN", &format!("{TOKEN}/+=="))
            .with_env("AWS_REGION", REGION)
            .with_env("AWS_ENDPOINT_URL", endpoint)
            .with_env("AWS_EC2_METADATA_DISABLED", "true")
            .with_env("MCP_TOKEN", BEARER)
            .with_env("MCPDEPLOY_PASSPHRASE", &format!("{PASSPHRASE} and more"))
            .with_env(
                "MCPDEPLOY_PASSPHRASE_OLD",
                &format!("{OLD_PASSPHRASE} and more"),
            )
            .with_env(
                "MCPDEPLOY_AGE_IDENTITY",
                &format!("AGE-SECRET-KEY-1{IDENTITY}{}", "Q".repeat(44)),
            )
            // As loud as it can be.
            .with_env("MCPDEPLOY_LOG", "trace")
            .with_env("RUST_BACKTRACE", "full")
            .with_env("TMPDIR", &temporary.display().to_string());
        Self { project }
    }

    /// Runs it, and looks at both streams.
    #[track_caller]
    fn run(&self, args: &[&str], code: i32) -> Output {
        let output = self
            .project
            .command(args)
            .output()
            .expect("the binary runs");
        let end = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text[text.floor_char_boundary(text.len().saturating_sub(1500))..].to_owned()
        };
        let (out, err) = (end(&output.stdout), end(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
        let what = args.join(" ");
        assert_none(&format!("what `{what}` says"), &output.stdout);
        assert_none(&format!("what `{what}` says on stderr"), &output.stderr);
        output
    }

    /// Looks at every file of the project, its temporary ones too.
    #[track_caller]
    fn assert_clean(&self, but: &[&str]) {
        let mut found = Vec::new();
        files(self.project.path(), &mut found);
        assert!(found.len() > but.len());
        for path in found {
            let name = path.strip_prefix(self.project.path()).expect("it is in it");
            if !but.iter().any(|but| name == Path::new(but)) {
                let bytes = std::fs::read(&path).expect("the file can be read");
                assert_none(&name.display().to_string(), &bytes);
            }
        }
    }

    fn mode(&self, path: &str) -> u32 {
        let metadata = std::fs::metadata(self.project.path().join(path));
        metadata
            .unwrap_or_else(|error| panic!("{path}: {error}"))
            .permissions()
            .mode()
            & 0o777
    }
}

/// The credentials in a file of their own are where the test has put them.
const OURS: [&str; 1] = [".aws/credentials"];
const STATE: &str = ".pmcp/deployments/default";

/// Somebody gives the secret a value, as `aws secretsmanager put-secret-value` would.
fn give_value(endpoint: &str) {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/secretsmanager/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "secretsmanager.PutSecretValue"),
        ("authorization", authorization.as_str()),
    ];
    let body = format!(
        r#"{{"SecretId": "calculator/API_TOKEN", "SecretString": "{VALUE}", "ClientRequestToken": "{}"}}"#,
        "0".repeat(32)
    );
    let answer = http::request("POST", endpoint, &headers, body.as_bytes());
    let answer = answer.expect("the cloud answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn with_secret() -> String {
    calculator_config() + "\n[secrets]\nAPI_TOKEN = \"what the server calls others with\"\n"
}

#[test]
fn nothing_that_works_tells_a_secret() {
    let emulator = Emulator::start(Product::Embedded);
    let nest = Nest::new(&with_secret(), emulator.endpoint());
    nest.run(&["-vv", "validate"], 0);
    nest.run(&["-vv", "doctor"], 0);
    nest.run(&["-vv", "plan", "--out", "first.plan"], 0);
    nest.run(&["-vv", "apply", "first.plan"], 0);
    give_value(emulator.endpoint());
    nest.run(&["-vv", "plan"], 0);
    nest.run(&["--json", "plan"], 0);
    nest.project.edit("memory_mb = 256", "memory_mb = 512");
    nest.run(
        &["-vv", "--profile", "canary", "plan", "--out", "second.plan"],
        0,
    );
    nest.run(&["show", "second.plan"], 0);
    nest.run(
        &[
            "-v",
            "--json",
            "--profile",
            "canary",
            "apply",
            "--auto-approve",
        ],
        0,
    );
    for args in [
        &["state", "pull"][..],
        &["state", "list"],
        &["state", "show", "aws.secretsmanager.secret.API_TOKEN"],
        &["show"],
        &["--json", "show"],
        &["output"],
        &["--json", "output"],
        &["graph"],
        &["-vv", "--json", "plan", "--refresh-only"],
    ] {
        nest.run(args, 0);
    }
    // With a token, the checks want a server that asks for one.
    nest.run(&["-vv", "test", "--bearer-from-env", "MCP_TOKEN"], 3);
    nest.run(&["state", "rm", "aws.cloudwatch.dashboard.calculator"], 0);
    nest.assert_clean(&OURS);
    // Nobody else may read what is there and what it is called.
    assert_eq!(nest.mode("first.plan"), 0o600);
    let folder = nest.project.path().join(STATE);
    let mut found = Vec::new();
    files(&folder, &mut found);
    let backups = found
        .iter()
        .filter(|path| path.to_string_lossy().contains("backup"));
    assert_eq!(backups.count(), 1, "{found:?}");
    for path in found {
        let name = path.strip_prefix(nest.project.path()).expect("it is in it");
        assert_eq!(
            nest.mode(&name.display().to_string()),
            0o600,
            "{}",
            name.display()
        );
    }
    nest.run(&["-vv", "destroy", "--auto-approve"], 0);
    nest.assert_clean(&OURS);
    assert_none("the log of the cloud", emulator.log().as_bytes());
}

#[test]
fn nothing_that_fails_tells_a_secret() {
    let emulator = Emulator::start(Product::Embedded);
    let proxy = Proxy::before(emulator.endpoint());
    let nest = Nest::new(&with_secret(), proxy.endpoint());
    let apply = ["-vv", "apply", "--auto-approve"];
    // Denied.
    proxy.deny("POST /2015-03-31/functions ");
    nest.run(&apply, 1);
    nest.run(&["--json", "apply", "--auto-approve"], 1);
    nest.assert_clean(&OURS);
    // Killed.
    proxy.hold("POST /2015-03-31/functions ");
    let mut run = Watched::start(&nest.project, &["-v", "apply", "--auto-approve"]);
    proxy.wait_for_held();
    run.signal(Signal::KILL);
    assert_eq!(run.end(), None);
    assert_none("its events", format!("{:?}", run.events).as_bytes());
    nest.assert_clean(&OURS);
    let journal = format!("{STATE}/journal.jsonl");
    assert_eq!(nest.mode(&journal), 0o600);
    proxy.release();
    nest.run(&apply, 0);
    give_value(emulator.endpoint());
    // Nobody there.
    nest.run(&["-vv", "--endpoint-url", "http://127.0.0.1:1", "plan"], 1);
    // A saved plan that is not for this state, and one that is none.
    nest.run(&["-vv", "destroy", "--auto-approve"], 0);
    nest.project.write("no.plan", "{}");
    nest.run(&["-vv", "apply", "no.plan"], 2);
    nest.assert_clean(&OURS);
}

/// The service says that it is too much; the run waits and ends well.
#[test]
fn a_throttled_run_tells_no_secret() {
    let nest = Nest::new(&with_secret(), "http://127.0.0.1:1");
    nest.run(&["local", "up", "--throttle", "20/4"], 0);
    nest.run(&["--local", "-vv", "apply", "--auto-approve"], 0);
    nest.run(&["--local", "-vv", "destroy", "--auto-approve"], 0);
    nest.run(&["local", "down"], 0);
    nest.assert_clean(&OURS);
    // What the cloud holds, and what its functions say, is its owner's.
    assert_eq!(nest.mode(".pmcp/local/cloud"), 0o700);
    assert_eq!(nest.mode(".pmcp/local/cloud/cloud.log"), 0o600);
}

/// A token in deploy.toml is refused by every command, and shown by none.
#[test]
fn a_secret_in_the_file_is_refused_and_not_shown() {
    let token = format!("ghp_{WRITTEN}{WRITTEN}");
    for place in [
        "[environment]\nGITHUB = \"@@\"\n",
        "[secrets]\nGITHUB = \"@@\"\n",
        "[tags]\nowner = \"@@\"\n",
        "[environment]\nURL = \"https://ada:@@@example.com\"\n",
        "[metadata]\n@@ = 1\n",
        "@@\n",
    ] {
        let config = calculator_config().replace("[environment]\nRUST_LOG = \"info\"\n", "");
        let config = config + "\n" + &place.replace("@@", &token);
        let nest = Nest::new(&config, "http://127.0.0.1:1");
        for args in [
            &["validate"][..],
            &["-vv", "plan"],
            &["--json", "apply", "--auto-approve"],
            &["destroy"],
        ] {
            nest.run(args, 2);
        }
        nest.assert_clean(&[OURS[0], ".pmcp/deploy.toml"]);
    }
}

/// The keys of an encrypted state: those that open it, those that do not, and one that is none.
#[test]
fn the_keys_of_a_state_are_nowhere() {
    let config = r#"
[target]
type = "resources"
name = "words"

[state.encryption]
passphrase = true

[[resources]]
kind = "mcpdeploy.data"
name = "first"
inputs = { word = "hello" }
"#;
    let nest = Nest::new(config, "http://127.0.0.1:1");
    nest.run(&["-vv", "apply", "--auto-approve"], 0);
    nest.run(&["-vv", "plan", "--out", "first.plan"], 0);
    nest.run(&["show", "first.plan"], 0);
    nest.run(&["state", "pull"], 0);
    // From the one to the other and back.
    let fallback = "passphrase = true\nfallback = { passphrase = true }\n";
    nest.project.edit("passphrase = true\n", fallback);
    nest.run(&["-vv", "state", "migrate"], 0);
    nest.project.edit(
        fallback,
        "recipients = [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"]\n",
    );
    nest.run(&["-vv", "plan"], 2);
    nest.run(&["doctor"], 1);
    nest.assert_clean(&OURS);
}

/// The token of a new project's surroundings does not get into its first file.
#[test]
fn init_writes_no_secret() {
    let mut nest = Nest::new("", "http://127.0.0.1:1");
    let manifest = "[package]\nname = \"calculator\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    nest.project.write("Cargo.toml", manifest);
    nest.project.write("src/main.rs", "fn main() {}\n");
    // Where the toolchain is, since the home is not the user's.
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let kept = |name: &str, folder: &str| {
        let folder = std::env::var_os(name).map_or_else(|| home.join(folder), PathBuf::from);
        folder.display().to_string()
    };
    nest.project = nest
        .project
        .with_env("RUSTUP_HOME", &kept("RUSTUP_HOME", ".rustup"))
        .with_env("CARGO_HOME", &kept("CARGO_HOME", ".cargo"));
    std::fs::remove_file(nest.project.path().join(".pmcp/deploy.toml")).expect("it is there");
    nest.run(&["-vv", "init", "--yes"], 0);
    nest.assert_clean(&OURS);
}

#[test]
fn canaries_are_found() {
    for text in [
        format!("x{KEY}y"),
        format!("%22{KEY}%2F"),
        BASE64_STANDARD.encode(format!("a:{KEY}/+")),
        BASE64_STANDARD.encode(format!("ab:{KEY}")),
        BASE64_STANDARD.encode(format!("{KEY}\n")),
        KEY.bytes().map(|byte| format!("{byte:02x}")).collect(),
        format!("{}\n  {}", &KEY[..5], &KEY[5..]),
    ] {
        let found = std::panic::catch_unwind(|| assert_none("a test", text.as_bytes()));
        assert!(found.is_err(), "{text}");
    }
    // A script's output is no canary.
    let output = Command::new("true").output().expect("it runs");
    assert_none("nothing", &output.stdout);
}
