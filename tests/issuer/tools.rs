//! Scopes of tools: the runtime asks for what the gateway cannot know.

use serde_json::json;

use super::config;
use super::own::Issuer;
use crate::support::http;
use crate::support::local::{Local, call};

const MORE: &str = r#"
[auth.scopes.custom]
"notes/read" = "Read notes"
"notes/write" = "Keep notes"

[auth.tools]
"k*" = ["notes/write"]
"#;

#[test]
fn a_tool_wants_scopes_of_its_own() {
    for transport in ["http", "stdio"] {
        let issuer = Issuer::new();
        let local = Local::deployed(&config(transport, &issuer, MORE));
        let url = local.url();
        let calls = |scope: &str, tool: &str| {
            let bearer = format!("Bearer {}", issuer.token(scope));
            let note = json!({"name": "a", "text": "first"});
            let named = json!({"name": "a"});
            let arguments = if tool == "keep" { note } else { named };
            call(&url, &[("authorization", &bearer)], tool, &arguments)
        };

        let refused = calls("openid notes/read", "keep");
        assert_eq!(refused.status, 403, "{transport}: {}", refused.text());
        let said = refused.json();
        assert_eq!(said["error"]["code"], -32003, "{transport}: {said}");
        assert_eq!(said["id"], 1, "{transport}: {said}");
        // What it has is asked for again, for the new token replaces the old one.
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        let (scopes, metadata) = challenge
            .strip_prefix("Bearer error=\"insufficient_scope\", scope=\"")
            .and_then(|rest| rest.split_once("\", resource_metadata=\""))
            .unwrap_or_else(|| panic!("{transport}: {challenge}"));
        assert_eq!(scopes, "notes/write openid notes/read", "{transport}");
        let metadata = metadata.trim_end_matches('"');
        let found = http::request("GET", metadata, &[], b"").expect("it answers");
        assert_eq!(found.status, 200, "{transport}: {metadata}");
        assert_eq!(found.json()["resource"], url.as_str(), "{transport}");

        let read = calls("notes/read", "read");
        assert_eq!(read.status, 200, "{transport}: {}", read.text());
        assert!(read.text().contains("there is no note a"), "{transport}");
        let kept = calls("notes/read notes/write", "keep");
        assert_eq!(kept.status, 200, "{transport}: {}", kept.text());
        let kept = calls("notes/write", "keep");
        assert_eq!(kept.status, 200, "{transport}: {}", kept.text());
        let read = calls("notes/read", "read");
        assert!(
            read.text().contains("first"),
            "{transport}: {}",
            read.text()
        );
    }
}
