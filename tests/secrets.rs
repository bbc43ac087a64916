//! Values of secrets: set, listed, restored and rotated by the real binary, and in no file and on no
//! stream of it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::support::emulator::{Emulator, Product, REGION};
use crate::support::http;
use crate::support::project::{Project, Ran, calculator_config};

/// The beginning of every value that a test sets: what is looked for in files and outputs.
const CANARY: &str = "cNryOfSecrets7Q";

/// The calculator, which is never called, with a secret.
fn config(more: &str) -> String {
    format!(
        "{}\n[secrets]\nAPI_TOKEN = \"for the API of others\"\n{more}",
        calculator_config()
    )
}

/// A project and a cloud of its own.
struct Safe {
    emulator: Emulator,
    project: Project,
}

impl Safe {
    fn new(config: &str) -> Self {
        let emulator = Emulator::start(Product::Embedded);
        let project = Project::in_account(&emulator.default_account(), config);
        Self { emulator, project }
    }

    /// Runs it with that on standard input, and looks for canaries.
    #[track_caller]
    fn run_with(&self, args: &[&str], stdin: Option<&str>) -> Ran {
        let mut command = self.project.command(args);
        let stdin_is = if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = command
            .stdin(stdin_is)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            pipe.write_all(text.as_bytes()).expect("it reads");
        }
        let output = child.wait_with_output().expect("it ends");
        let ran = Ran::new(args, &output);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(CANARY), "{args:?} shows a value:\n{text}");
        }
        ran
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, None)
    }

    /// Calls the cloud past the binary.
    fn call(&self, service: &str, target: &str, input: &Value) -> (u16, Value) {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
            ("authorization", authorization.as_str()),
        ];
        let body = input.to_string();
        let answer = http::request("POST", self.emulator.endpoint(), &headers, body.as_bytes());
        let answer = answer.expect("the cloud answers");
        let text = answer.text();
        (
            answer.status,
            serde_json::from_str(&text).unwrap_or_default(),
        )
    }

    fn cognito(&self, operation: &str, input: &Value) -> (u16, Value) {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        self.call("cognito-idp", &target, input)
    }

    /// The value of a secret in one of its stages.
    fn value(&self, id: &str, stage: &str) -> Option<String> {
        let input = json!({"SecretId": id, "VersionStage": stage});
        let (_, answer) = self.call("secretsmanager", "secretsmanager.GetSecretValue", &input);
        answer["SecretString"].as_str().map(ToOwned::to_owned)
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let input = json!({"Name": name, "WithDecryption": true});
        let (_, answer) = self.call("ssm", "AmazonSSM.GetParameter", &input);
        answer["Parameter"]["Value"].as_str().map(ToOwned::to_owned)
    }

    /// The entries of `secrets list`, by name.
    fn listed(&self, name: &str) -> Value {
        let ran = self.run(&["--json", "secrets", "list"]).ok();
        let events = ran.events();
        let found = events
            .iter()
            .find_map(|event| event["data"]["secrets"].as_array());
        let entries = found.unwrap_or_else(|| panic!("no list in {}", ran.stdout));
        let entry = entries.iter().find(|entry| entry["name"] == name);
        entry
            .unwrap_or_else(|| panic!("no {name} in {}", ran.stdout))
            .clone()
    }

    /// No file of the project has a value in it, but for those that the test has written.
    #[track_caller]
    fn assert_clean(&self, but: &[&str]) {
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
        let mut found = Vec::new();
        files(self.project.path(), &mut found);
        for path in found {
            let name = path.strip_prefix(self.project.path()).expect("it is in it");
            if but.iter().any(|but| name == Path::new(but)) {
                continue;
            }
            let bytes = std::fs::read(&path).expect("the file can be read");
            for form in [CANARY.to_owned(), BASE64_STANDARD.encode(&CANARY[..12])] {
                let there = bytes
                    .windows(form.len())
                    .any(|part| part == form.as_bytes());
                assert!(!there, "{} has a value in it", name.display());
            }
        }
    }
}

/// `secrets set` makes what is not there yet, and an apply takes it over with its value.
#[test]
fn a_value_can_be_set_before_the_first_deployment() {
    let cheap = "CHEAP = { backend = \"ssm\", description = \"costs nothing\" }\n";
    let safe = Safe::new(&config(cheap));
    safe.run(&["plan"])
        .ok()
        .says("the secret API_TOKEN has no value yet")
        .says("the secret CHEAP has no value, and apply will not begin without it");
    // A parameter cannot be without a value: nothing is done before it has one.
    safe.run(&["apply", "--auto-approve"])
        .code(1)
        .says("the secret CHEAP has no value")
        .says("mcpdeploy secrets set CHEAP");
    assert!(
        !safe
            .project
            .path()
            .join(".pmcp/deployments/default/state.json")
            .exists()
    );
    assert_eq!(safe.listed("CHEAP")["state"], "not there");

    let token = format!("{CANARY}-token");
    safe.run_with(
        &["-vv", "secrets", "set", "API_TOKEN"],
        Some(&format!("{token}\n")),
    )
    .ok()
    .says("API_TOKEN is made and has its value.");
    let cheap = format!("{CANARY}-cheap");
    safe.project.write("cheap.txt", &cheap);
    safe.run(&["-vv", "secrets", "set", "CHEAP", "--from-file", "cheap.txt"])
        .ok();
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(token.clone())
    );
    assert_eq!(
        safe.parameter("/mcpdeploy/calculator/CHEAP"),
        Some(cheap.clone())
    );
    assert_eq!(safe.listed("API_TOKEN")["state"], "set");

    let plan = safe.project.plan(&[]);
    let adopts: Vec<String> = plan
        .actions()
        .into_iter()
        .filter(|a| a.starts_with("adopt"))
        .collect();
    assert_eq!(
        adopts,
        [
            "adopt aws.secretsmanager.secret.API_TOKEN",
            "adopt aws.ssm.parameter.CHEAP"
        ]
    );
    safe.run(&["-vv", "apply", "--auto-approve"]).ok();
    safe.project.plan(&[]).assert_empty();
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(token)
    );
    assert_eq!(safe.parameter("/mcpdeploy/calculator/CHEAP"), Some(cheap));
    // A new value is no change for a plan.
    let other = format!("{CANARY}-other");
    safe.run_with(&["secrets", "set", "API_TOKEN", "-"], Some(&other))
        .ok();
    safe.run_with(&["secrets", "set", "CHEAP"], Some(&other))
        .ok();
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(other.clone())
    );
    assert_eq!(safe.parameter("/mcpdeploy/calculator/CHEAP"), Some(other));
    // Only the versions are others.
    assert_eq!(safe.project.plan(&[]).actions(), [""; 0]);
    safe.assert_clean(&["cheap.txt"]);
    safe.run(&["destroy", "--auto-approve"]).ok();
    assert_eq!(safe.parameter("/mcpdeploy/calculator/CHEAP"), None);
}

/// The function may read exactly its secrets, and is told where they are.
#[test]
fn the_function_gets_the_arns_and_the_permissions() {
    let cheap =
        "CHEAP = { backend = \"ssm\", kms_key = \"1234abcd-12ab-34cd-56ef-1234567890ab\" }\n";
    let safe = Safe::new(&config(cheap));
    let plan = safe.project.plan(&[]);
    let actions = plan.0["actions"].as_array().expect("a plan has actions");
    let of = |address: &str| {
        let found = actions.iter().find(|action| action["address"] == address);
        found.unwrap_or_else(|| panic!("no {address}")).to_string()
    };
    let function = of("aws.lambda.function.calculator");
    assert!(function.contains("API_TOKEN_SECRET_ARN") && function.contains("CHEAP_SECRET_ARN"));
    assert!(!function.contains("MCPDEPLOY_INJECT"));
    let role = of("aws.iam.role.exec");
    for part in [
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "kms:Decrypt",
        "key/1234abcd-12ab-34cd-56ef-1234567890ab",
    ] {
        assert!(role.contains(part), "{part}: {role}");
    }
}

/// Cognito wants a provider's secret when the provider is made, and does not look for another one by
/// itself.
#[test]
fn a_logins_secret_comes_first_and_a_new_value_reaches_cognito() {
    let login = "GOOGLE_CLIENT_SECRET = \"of the client at Google\"\n\
        [auth]\nenabled = true\nprovider = \"cognito\"\n\
        [auth.cognito]\nsocial_providers = [\"google\"]\nretain = false\n\
        [auth.cognito.providers.google]\nclient_id = \"mcp\"\nsecret_name = \"GOOGLE_CLIENT_SECRET\"\n";
    let safe = Safe::new(&config(login).replace("[auth]\nenabled = false\n", ""));
    let set = |value: &str| {
        safe.run_with(&["secrets", "set", "GOOGLE_CLIENT_SECRET"], Some(value))
            .ok();
    };
    safe.run(&["plan"])
        .ok()
        .says("the secret API_TOKEN has no value yet")
        .says("the secret GOOGLE_CLIENT_SECRET has no value, and apply will not begin without it");
    safe.run(&["--json", "plan"])
        .ok()
        .says("{\"event\":\"warning\",\"warning\":\"the secret API_TOKEN has no value yet");
    safe.run(&["doctor"])
        .code(1)
        .says("GOOGLE_CLIENT_SECRET has no value")
        .says("mcpdeploy secrets set GOOGLE_CLIENT_SECRET");
    safe.run(&["apply", "--auto-approve"])
        .code(1)
        .says("the secret GOOGLE_CLIENT_SECRET has no value")
        .says("nothing was changed");
    let (_, pools) = safe.cognito("ListUserPools", &json!({"MaxResults": 60}));
    assert_eq!(pools["UserPools"], json!([]));

    set(&format!("{CANARY}-1"));
    safe.run(&["-vv", "apply", "--auto-approve"])
        .ok()
        .says("/.well-known/oauth-protected-resource/mcp")
        .says("mcpdeploy login");
    let state = safe.project.read(".pmcp/deployments/default/state.json");
    let state: Value = serde_json::from_str(&state).expect("the state is JSON");
    let wanted = json!({
        "UserPoolId": state["outputs"]["user_pool_id"],
        "ProviderName": "Google",
    });
    let told = || {
        let (_, found) = safe.cognito("DescribeIdentityProvider", &wanted);
        found["IdentityProvider"]["ProviderDetails"]["client_secret"].clone()
    };
    assert_eq!(told(), json!(format!("{CANARY}-1")));
    safe.project.plan(&[]).assert_empty();
    safe.run(&["doctor"]).ok().says("all have a value");

    set(&format!("{CANARY}-2"));
    assert_eq!(
        safe.project.plan(&[]).actions(),
        ["update aws.cognito.identity_provider.google"]
    );
    safe.run(&["-vv", "apply", "--auto-approve"]).ok();
    assert_eq!(told(), json!(format!("{CANARY}-2")));
    safe.project.plan(&[]).assert_empty();
    safe.assert_clean(&[]);
}

/// The secret of a client at an issuer is the facade's to read, and nobody else's.
#[test]
fn an_issuers_secret_is_the_facades() {
    let key = "key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let login = "OIDC_CLIENT_SECRET = { kms_key = \"1234abcd-12ab-34cd-56ef-1234567890ab\" }\n\
        [auth]\nenabled = true\nprovider = \"oidc\"\n\
        [auth.oidc]\nissuer = \"https://issuer.example\"\nclient_id = \"mcp\"\n\
        secret_name = \"OIDC_CLIENT_SECRET\"\n";
    let safe = Safe::new(&config(login).replace("[auth]\nenabled = false\n", ""));
    safe.run(&["apply", "--auto-approve"])
        .code(1)
        .says("the secret OIDC_CLIENT_SECRET has no value");
    let plan = safe.project.plan(&[]);
    let actions = plan.0["actions"].as_array().expect("a plan has actions");
    let of = |address: &str| {
        let found = actions.iter().find(|action| action["address"] == address);
        found.unwrap_or_else(|| panic!("no {address}")).to_string()
    };
    assert!(of("aws.iam.role.login").contains(key));
    assert!(of("aws.lambda.function.calculator-login").contains("MCPDEPLOY_FACADE_VERSION"));
    let server = of("aws.iam.role.exec") + &of("aws.lambda.function.calculator");
    for part in [key, "OIDC_CLIENT_SECRET"] {
        assert!(!server.contains(part), "{part}: {server}");
    }
}

/// Removed for a while, and restored by a new value.
#[test]
fn a_removed_secret_is_restored_by_setting_it() {
    let safe = Safe::new(&config(""));
    let value = format!("{CANARY}-1");
    safe.run(&["secrets", "rm", "API_TOKEN", "--auto-approve"])
        .ok()
        .says("API_TOKEN was not there.");
    safe.run_with(&["secrets", "set", "API_TOKEN"], Some(&value))
        .ok();
    let arn = safe.listed("API_TOKEN")["arn"].clone();
    // There is nobody to ask.
    safe.run(&["secrets", "rm", "API_TOKEN"]).code(2);
    safe.run(&["secrets", "rm", "API_TOKEN", "--auto-approve"])
        .ok()
        .says("for 30 days it can be restored");
    assert_eq!(safe.listed("API_TOKEN")["state"], "deleted");
    assert_eq!(safe.value("calculator/API_TOKEN", "AWSCURRENT"), None);
    let other = format!("{CANARY}-2");
    safe.run_with(&["secrets", "set", "API_TOKEN"], Some(&other))
        .ok()
        .says("API_TOKEN is restored and has its new value.");
    assert_eq!(safe.listed("API_TOKEN")["arn"], arn);
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(other)
    );
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSPREVIOUS"),
        Some(value)
    );
    safe.run(&[
        "secrets",
        "rm",
        "API_TOKEN",
        "--auto-approve",
        "--force-delete-without-recovery",
    ])
    .ok()
    .says("API_TOKEN is removed for good.");
    assert_eq!(safe.listed("API_TOKEN")["state"], "not there");
    safe.assert_clean(&[]);
}

/// What is somebody else's is left alone.
#[test]
fn anothers_secret_is_not_touched() {
    let safe = Safe::new(&config(""));
    let input = json!({
        "Name": "calculator/API_TOKEN",
        "SecretString": "theirs",
        "ClientRequestToken": "0".repeat(32),
    });
    let (status, _) = safe.call("secretsmanager", "secretsmanager.CreateSecret", &input);
    assert_eq!(status, 200);
    safe.run_with(&["secrets", "set", "API_TOKEN"], Some(CANARY))
        .code(1)
        .says("it is not this deployment's");
    safe.run(&["secrets", "rm", "API_TOKEN", "--auto-approve"])
        .code(1);
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some("theirs".to_owned())
    );
}

/// An ARN in the file that leads nowhere is a mistake of the file.
#[test]
fn an_existing_secret_has_to_be_there() {
    let arn = format!("arn:aws:secretsmanager:{REGION}:000000000000:secret:others");
    let safe = Safe::new(&config(&format!("OTHERS = \"{arn}\"\n")));
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        safe.run(command)
            .code(2)
            .says(&format!("the secret {arn} is not there"))
            .says(".pmcp/deploy.toml");
    }
    safe.run_with(&["secrets", "set", "OTHERS"], Some(CANARY))
        .code(2)
        .says("`OTHERS` exists apart from this deployment");
    let input =
        json!({"Name": "others", "SecretString": "x", "ClientRequestToken": "0".repeat(32)});
    safe.call("secretsmanager", "secretsmanager.CreateSecret", &input);
    safe.run(&["plan"]).ok();
    assert_eq!(safe.listed("OTHERS")["state"], "set");
}

/// A value is never an argument, and what was one by mistake is not repeated.
#[test]
fn wrong_use_shows_no_value() {
    let safe = Safe::new(&config(""));
    safe.run(&["secrets", "set", "API_TOKEN", CANARY])
        .code(2)
        .says("a value is never an argument");
    safe.run_with(&["secrets", "set", "API_TOKEN"], Some(""))
        .code(2);
    safe.run_with(&["secrets", "set", "API_TOKEN"], Some("a\0b"))
        .code(2);
    safe.run_with(&["secrets", "set", "api_token"], Some("x"))
        .code(2)
        .says("did you mean `API_TOKEN`?");
    safe.run(&["secrets", "set", "API_TOKEN", "--from-env", "NO_SUCH"])
        .code(2);
    safe.run(&["secrets", "rotate", "API_TOKEN"]).code(1);
    assert_eq!(safe.listed("API_TOKEN")["state"], "not there");
}

#[test]
fn many_values_are_imported() {
    let safe = Safe::new(&config("SECOND = \"another\"\n"));
    let env = format!(
        "# ours\nexport API_TOKEN='{CANARY}-a'\nSECOND=\"{CANARY}-b\\n\"\nUNKNOWN={CANARY}-c\n"
    );
    safe.project.write("values.env", &env);
    safe.run(&["secrets", "import", "values.env"])
        .code(2)
        .says("deploy.toml does not name UNKNOWN of values.env");
    assert_eq!(safe.listed("API_TOKEN")["state"], "not there");
    let import = ["secrets", "import", "values.env", "--ignore-unknown"];
    safe.run(&[&import[..], &["--dry-run"]].concat())
        .ok()
        .says("API_TOKEN: would be set");
    assert_eq!(safe.listed("API_TOKEN")["state"], "not there");
    safe.run(&import).ok().says("2 values set.");
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(format!("{CANARY}-a"))
    );
    assert_eq!(
        safe.value("calculator/SECOND", "AWSCURRENT"),
        Some(format!("{CANARY}-b\n"))
    );
    let object = json!({"API_TOKEN": format!("{CANARY}-d")}).to_string();
    safe.run_with(&["secrets", "import", "-"], Some(&object))
        .ok()
        .says("API_TOKEN: has a value and keeps it");
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(format!("{CANARY}-a"))
    );
    safe.run_with(&["secrets", "import", "-", "--overwrite"], Some(&object))
        .ok();
    assert_eq!(
        safe.value("calculator/API_TOKEN", "AWSCURRENT"),
        Some(format!("{CANARY}-d"))
    );
    safe.assert_clean(&["values.env"]);
}

/// A generated value stays what it is until somebody rotates it, and what was made without one gets one.
#[test]
fn a_generated_value_is_made_once() {
    let config = |generate: &str| {
        format!(
            "[target]\ntype = \"resources\"\nname = \"words\"\n\n[[resources]]\nkind = \"aws.secretsmanager.secret\"\nname = \"key\"\ninputs = {{ name = \"words/key\"{generate} }}\n"
        )
    };
    let safe = Safe::new(&config(""));
    let apply = ["-vv", "apply", "--auto-approve"];
    safe.run(&apply).ok();
    assert_eq!(safe.value("words/key", "AWSCURRENT"), None);
    let write = |generate: &str| safe.project.write(".pmcp/deploy.toml", &config(generate));
    write(", generate = { bytes = 32 }");
    safe.run(&apply).ok();
    safe.project.plan(&[]).assert_empty();
    let value = safe
        .value("words/key", "AWSCURRENT")
        .expect("it has a value");
    assert_eq!(
        BASE64_STANDARD.decode(&value).expect("it is Base64").len(),
        32
    );
    assert_eq!(safe.listed("key")["state"], "generated");
    // Neither another length nor a new description makes another value.
    write(", generate = { bytes = 64 }, description = \"x\"");
    safe.run(&apply).ok();
    assert_eq!(safe.value("words/key", "AWSCURRENT").as_ref(), Some(&value));
    safe.run_with(&["secrets", "set", "key"], Some(CANARY))
        .code(2)
        .says("made at random");
    safe.run(&["secrets", "rotate", "key"])
        .ok()
        .says("new random value");
    let second = safe
        .value("words/key", "AWSCURRENT")
        .expect("it has a value");
    assert_ne!(second, value);
    assert_eq!(
        safe.value("words/key", "AWSPREVIOUS").as_ref(),
        Some(&value)
    );
    // Only its version is another one.
    assert_eq!(safe.project.plan(&[]).actions(), [""; 0]);
    // Gone and restored: the value comes back with it.
    safe.run(&["destroy", "--auto-approve"]).ok();
    safe.run(&apply).ok();
    assert_eq!(
        safe.value("words/key", "AWSCURRENT").as_ref(),
        Some(&second)
    );
    let state = safe.project.state().to_string();
    assert!(!state.contains(&value) && !state.contains(&second));
}
