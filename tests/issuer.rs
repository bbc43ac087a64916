//! Servers behind an issuer of the test's own, deployed with the real binary: whose tokens the gateway
//! takes, the whole login through the facade, and what tools want of a token.

mod login;
mod own;
mod tokens;
mod tools;

/// Whom the tokens are for.
const AUDIENCE: &str = "https://notes.example";
/// The client that the facade is to the issuer.
const CLIENT: &str = "notes-client";

/// The notes behind an issuer; `more` stands at the end of the file.
fn config(transport: &str, issuer: &own::Issuer, more: &str) -> String {
    let auth = format!(
        r#"[auth]
enabled = true
provider = "oidc"

[auth.oidc]
issuer = "{}"
client_id = "{CLIENT}"
audience = "{AUDIENCE}"
{more}"#,
        issuer.url()
    );
    let config = crate::support::project::notes_config(transport);
    assert!(config.contains("[auth]\nenabled = false\n"), "{config}");
    config.replace("[auth]\nenabled = false\n", &auth)
}
