//! The whole login with the real binary and a browser: the facade before an issuer that knows no MCP.

use serde_json::{Value, json};

use super::config;
use super::own::{Issuer, SECRET};
use crate::support::local::{Local, call};
use crate::support::project::{Project, root};

const MORE: &str = r#"secret_name = "ISSUER_SECRET"

[secrets]
ISSUER_SECRET = "of the client at the issuer"

[auth.scopes.custom]
"notes/read" = "Read notes"
"#;

fn kept(local: &Local) -> Value {
    let text = local.read(".local/state/mcpdeploy/logins.json");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn one_logs_in_through_the_facade_and_stays_logged_in() {
    let issuer = Issuer::new();
    let project = Project::offline(&config("http", &issuer, MORE));
    let local = Local::of(project.with_env("ISSUER_SECRET", SECRET));
    local
        .there(&[
            "secrets",
            "set",
            "ISSUER_SECRET",
            "--from-env",
            "ISSUER_SECRET",
        ])
        .ok();
    local.there(&["deploy", "--auto-approve"]).ok();
    let stranger = local.there(&["test"]).code(1);
    stranger.says("mcpdeploy --local login");

    let script = root().join("tests/clients/browser.py");
    let browser = format!("python3 {} --user nobody", script.display());
    let ran = local
        .there(&["--no-input", "login", "--browser", &browser])
        .ok();
    ran.says("Logged in to");
    assert_eq!(issuer.grants(), ["authorization_code"]);
    let logins = issuer.logins();
    let asked = &logins[0];
    assert_eq!(
        asked.get("redirect_uri"),
        Some(format!("{}/callback", local.output("url")))
    );
    assert_eq!(asked.get("resource").as_deref(), Some(super::AUDIENCE));
    let scope = asked.get("scope").unwrap_or_default();
    assert!(scope.split(' ').any(|one| one == "notes/read"), "{scope}");

    // The issuer says that its token is good for half a minute: every run renews it.
    let before = kept(&local);
    let tested = local.there(&["--json", "test"]).ok();
    assert_eq!(tested.failing().len(), 0, "{:?}", tested.failing());
    assert_eq!(issuer.grants(), ["authorization_code", "refresh_token"]);
    let after = kept(&local);
    assert_ne!(before["logins"], after["logins"], "the new tokens are kept");
    local.there(&["test", "--only", "login.token"]).ok();
    assert_eq!(issuer.grants().len(), 3);
    assert_eq!(issuer.logins().len(), 1, "one login was enough");

    // A token that is printed is one of the issuer's, and the server takes it.
    let printed = local.there(&["login", "--print-token"]).ok().stdout;
    let bearer = format!("Bearer {}", printed.trim());
    let headers = [("authorization", bearer.as_str())];
    let read = call(&local.url(), &headers, "read", &json!({"name": "a"}));
    assert_eq!(read.status, 200, "{}", read.text());

    // Neither side tells the other's secrets.
    let log = local.log("notes-login");
    assert!(log.contains("/token"), "{log}");
    for secret in [SECRET, printed.trim()] {
        assert!(!log.contains(secret), "the facade logs a secret");
    }
    local.there(&["logout"]).ok();
    local.there(&["test", "--only", "login.token"]).code(1);
}

/// Clients go to an issuer that registers them themselves: nothing of ours is in between.
#[test]
fn one_logs_in_at_an_issuer_that_registers_clients() {
    let issuer = Issuer::registering();
    let audience = format!("audience = \"{}\"\n", super::AUDIENCE);
    let config = config("http", &issuer, "registers_clients = true\n");
    assert!(config.contains(&audience), "{config}");
    let local = Local::of(Project::offline(&config.replace(&audience, "")));
    local.there(&["deploy", "--auto-approve"]).ok();
    local.there(&["doctor"]).ok().says(&issuer.url());
    local
        .there(&["test"])
        .code(1)
        .says("mcpdeploy --local login");

    let script = root().join("tests/clients/browser.py");
    let browser = format!("python3 {} --user nobody", script.display());
    local
        .there(&["--no-input", "login", "--browser", &browser])
        .ok()
        .says(&format!("Logged in to {} at {}", local.url(), issuer.url()));
    let logins = issuer.logins();
    assert_eq!(logins.len(), 1);
    assert_eq!(
        logins[0].get("resource"),
        Some(local.url()),
        "the token is for this server"
    );
    let tested = local.there(&["--json", "test"]).ok();
    assert_eq!(tested.failing().len(), 0, "{:?}", tested.failing());
    assert_eq!(issuer.grants(), ["authorization_code", "refresh_token"]);

    // A token of the same issuer for another server is none here.
    let url = local.url();
    let bearer = format!("Bearer {}", issuer.token("openid"));
    let headers = [("authorization", bearer.as_str())];
    let refused = call(&url, &headers, "read", &json!({"name": "a"}));
    assert_eq!(refused.status, 401, "{}", refused.text());
}

/// An issuer that API Gateway could not use is found before anybody wants to log in.
#[test]
fn an_issuer_that_is_not_there_is_found() {
    let issuer = Issuer::new();
    let file = config("http", &issuer, "");
    let found = |file: &str| {
        let local = Local::of(Project::offline(file));
        local.there(&["--json", "doctor"])
    };
    found(&file).says("{\"verdict\":\"good\",\"name\":\"the issuer\"");
    for (file, said) in [
        (
            file.replace(&issuer.url(), &format!("{}/", issuer.url())),
            "exactly as it names itself",
        ),
        (
            file.replace(&issuer.url(), &format!("{}/other", issuer.url())),
            "API Gateway finds the keys of tokens by that document",
        ),
        (
            file.replace(&issuer.url(), "http://127.0.0.1:1"),
            "gets no answer",
        ),
        (
            format!("{file}\nregisters_clients = true\n"),
            "says of no place where clients register themselves",
        ),
    ] {
        found(&file)
            .code(1)
            .says("{\"verdict\":\"bad\",\"name\":\"the issuer\"")
            .says(said);
    }
}
