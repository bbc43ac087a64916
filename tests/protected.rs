//! A deployed server behind a login of Cognito's, on the embedded cloud: official clients, and our
//! own, log in to it with a person in a browser; and what becomes of the people when it goes.

use std::process::Command;

use serde_json::Value;

use crate::support::clients::{clients, committed, json, python_with, script};
use crate::support::http;
use crate::support::local::Local;
use crate::support::project::{Ran, calculator_config};

const ADA: &str = "ada@example.com";
/// Nobody's, but for this test's own cloud.
const PASSWORD: &str = "Analytical-Engine-1843";

/// A deployed calculator behind a login.
fn deployed(settings: &str) -> Local {
    let config = calculator_config()
        .replace("[auth]\nenabled = false\n", settings)
        .replace("enable_xray = true", "enable_xray = false");
    assert!(config.contains(settings), "{config}");
    Local::deployed(&config)
}

fn add(server: &Local, name: &str) {
    let mut command = server.command(&["local", "user", "add", name, "--from-env", "PASSWORD"]);
    let output = command.env("PASSWORD", PASSWORD).output().expect("it runs");
    Ran::new(&["local", "user", "add"], &output).ok();
}

/// Logs in as the binary does, with a person in a browser.
fn log_in(server: &Local) -> Ran {
    let browser = format!(
        "python3 {} --user {ADA} --keyboard",
        script("browser.py").display()
    );
    let args = ["--local", "login", "--browser", &browser];
    let mut command = server.command(&args);
    let output = command.env("MCPDEPLOY_TEST_PASSWORD", PASSWORD).output();
    Ran::new(&args, &output.expect("it runs"))
}

const COGNITO: &str =
    "[auth]\nenabled = true\nprovider = \"cognito\"\n\n[api_gateway]\ncors_origins = [\"*\"]\n";

/// What a client of an SDK says that it saw is a whole login, for this server and no other.
fn whole(said: &Value, url: &str) {
    assert_eq!(said["claims"]["aud"], url, "{said:#}");
    assert_eq!(said["claims"]["token_use"], "access", "{said:#}");
    assert_eq!(said["callback"]["iss"], url.trim_end_matches("/mcp"));
    assert_eq!(said["registered"]["by"], "registration");
    for what in ["newToken", "sameLogin", "sameClaims"] {
        assert_eq!(said["refresh"][what], true, "{what}: {said:#}");
    }
    for when in ["login", "refresh"] {
        let call = &said["calls"][when];
        assert_eq!(call["failed"], false, "{when}: {said:#}");
    }
    let pages = said["pages"].as_array().expect("pages");
    assert_eq!(pages.len(), 2, "a consent and a sign-in: {said:#}");
}

#[test]
fn clients_that_nobody_here_wrote_log_in() {
    let node = clients()["node"].as_str().expect("it was installed");
    let server = deployed(COGNITO);
    add(&server, ADA);
    let url = server.output("mcp_url");
    let person = ["--user", ADA];
    let env = [("MCPDEPLOY_TEST_PASSWORD", PASSWORD)];
    let by_python = |name: &str, args: &[&str]| {
        let args = [&[url.as_str()], &person[..], args].concat();
        python_with(name, &args, &env)
    };

    for mode in ["auto", "legacy"] {
        let said = by_python("python_login.py", &["--mode", mode, "--keyboard"]);
        whole(&said, &url);
        assert_eq!(said["restart"]["logins"], 0, "{said:#}");
    }
    let mut typescript = Command::new(node);
    typescript.arg(script("ts_login.mjs")).arg(&url);
    typescript.args(person).envs(env);
    whole(&json(typescript, "ts_login.mjs"), &url);

    let denied = by_python("python_login.py", &["--deny"]);
    assert_eq!(denied["callback"]["error"], "access_denied", "{denied:#}");
    assert!(denied["token"].is_null(), "{denied:#}");

    let programs = by_python("cli_login.py", &[]);
    for (program, said) in programs.as_object().expect("programs") {
        assert_eq!(said["logins"], 1, "{program}: {said}");
        assert!(
            said["tools"]
                .as_array()
                .is_some_and(|tools| tools.len() == 4)
        );
    }
    // Ends badly when a client fares otherwise than clients.json says.
    by_python("replays.py", &[]);

    let issuer = server.output("issuer");
    let args = [issuer.as_str(), "--resource", &url, "--user", ADA];
    let found = python_with("authorization.py", &args, &env);
    assert_eq!(found.as_object(), Some(&committed("authorization.json")));
}

#[test]
fn our_own_login_is_as_good_and_people_outlive_the_deployment() {
    clients();
    let server = deployed(COGNITO);
    let url = server.output("mcp_url");
    let stranger = http::request("POST", &url, &[], b"{}").expect("the gateway answers");
    assert_eq!(stranger.status, 401);
    let metadata = format!(
        "{}/.well-known/oauth-protected-resource/mcp",
        server.output("url")
    );
    let metadata = http::request("GET", &metadata, &[], b"").expect("the facade answers");
    assert_eq!(metadata.json()["resource"], url.as_str());

    add(&server, ADA);
    log_in(&server).ok();
    let tested = server.there(&["test", "--json"]).ok();
    let checks = |id: &str| {
        let events = tested.events();
        let found = events.iter().find(|e| e["data"]["check"]["id"] == id);
        found.map(|e| e["data"]["check"]["outcome"].clone())
    };
    for id in [
        "login.token",
        "login.server",
        "login.unsigned-token",
        "legacy.tools-call",
    ] {
        assert_eq!(checks(id), Some("passed".into()), "{id}");
    }
    // A JWT authorizer's 401 cannot name the metadata.
    assert_eq!(checks("login.challenge"), Some("warned".into()));
    server.there(&["plan", "--detailed-exitcode"]).code(0);

    // The pool stays, and is found again: the same people log in to the next deployment.
    let pool = server.output("user_pool_id");
    server.there(&["destroy", "--auto-approve"]).ok();
    server.there(&["deploy", "--auto-approve"]).ok();
    assert_eq!(server.output("user_pool_id"), pool);
    log_in(&server).ok();
    server.there(&["test"]).ok();

    // Unless it is not to stay.
    server.edit(
        "provider = \"cognito\"\n",
        "provider = \"cognito\"\n\n[auth.cognito]\nretain = false\n",
    );
    server.there(&["apply", "--auto-approve"]).ok();
    server.there(&["destroy", "--auto-approve"]).ok();
    server.there(&["deploy", "--auto-approve"]).ok();
    assert_ne!(server.output("user_pool_id"), pool);
    let nobody = server.run(&["local", "user", "list", "--json"]).ok();
    assert!(!nobody.stdout.contains(ADA), "{}", nobody.stdout);
}
