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
