//! What is right but does nothing, or may surprise: said, and not refused.

use crate::model::{Auth, AuthProvider, DeployConfig, TargetKind};
use crate::node::{Node, Span};
use crate::schema::FOREIGN;

/// Something worth knowing about a file that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is to be known.
    pub message: String,
    /// Its place in the file.
    pub span: Span,
}

/// Sections that only a server has a use for.
const OF_A_SERVER: &[&str] = &[
    "api_gateway",
    "assets",
    "auth",
    "build",
    "environment",
    "iam",
    "lambda",
    "metadata",
    "observability",
    "post_deploy_tests",
    "secrets",
    "server",
];

/// The notes on one environment's view, in the order of the file.
pub(crate) fn notes(view: &Node, config: &DeployConfig) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut say = |message: String, span: &Span| {
        notes.push(Note {
            message,
            span: span.clone(),
        });
    };
    for section in FOREIGN {
        if let Some(entry) = view.entry(section) {
            say(
                format!("`[{section}]` belongs to another tool and does nothing here"),
                &entry.key,
            );
        }
    }
    match config.target.kind {
        TargetKind::Resources => {
            for section in OF_A_SERVER {
                if let Some(entry) = view.entry(section) {
                    say(
                        format!("`[{section}]` does nothing: only [[resources]] are deployed"),
                        &entry.key,
                    );
                }
            }
        }
        TargetKind::AwsLambda => server_notes(view, config, &mut say),
    }
    notes.sort_by_key(|note| note.span.start);
    notes
}

fn server_notes(view: &Node, config: &DeployConfig, say: &mut impl FnMut(String, &Span)) {
    login_notes(view, &config.auth, say);
    if let (Some(limit), Some(server), Some(node)) = (
        config.observability.alarms.latency_threshold_ms,
        &config.server,
        view.at("observability.alarms.latency_threshold_ms"),
    ) && u64::from(limit) > u64::from(server.timeout_seconds) * 1000
    {
        say(
            format!(
                "this alarm never goes off: requests end after {} s (timeout_seconds)",
                server.timeout_seconds
            ),
            &node.span,
        );
    }
    if config.observability.alarm_email.is_some()
        && config.observability.alarms == Default::default()
        && let Some(entry) = view.entry_at("observability.alarm_email")
    {
        say(
            "no mail is ever sent: [observability.alarms] sets no threshold".to_owned(),
            &entry.key,
        );
    }
}

/// What of `[auth]` does nothing, as the rest of it stands.
fn login_notes(view: &Node, auth: &Auth, say: &mut impl FnMut(String, &Span)) {
    let Some(section) = view.entry("auth") else {
        return;
    };
    if !auth.enabled {
        let idle: Vec<&str> = view
            .entries("auth")
            .map(|(key, _)| key.as_str())
            .filter(|key| !matches!(*key, "enabled" | "provider"))
            .collect();
        if !idle.is_empty() {
            say(
                format!(
                    "login is off: under `[auth]`, {} do nothing",
                    idle.join(", ")
                ),
                &section.key,
            );
        }
        return;
    }
    let other = match auth.provider {
        AuthProvider::Cognito => "auth.oidc",
        AuthProvider::Oidc => "auth.cognito",
        AuthProvider::None => return,
    };
    if let Some(entry) = view.entry_at(other) {
        say(
            format!("`[{other}]` does nothing: another provider logs people in"),
            &entry.key,
        );
    }
    let elsewhere = auth.provider == AuthProvider::Oidc
        && auth
            .oidc
            .as_ref()
            .is_some_and(|oidc| oidc.registers_clients);
    for section in ["dcr", "cimd", "callback_urls"] {
        if elsewhere && let Some(entry) = view.entry_at(&format!("auth.{section}")) {
            say(
                format!("`{section}` does nothing: the issuer registers clients itself"),
                &entry.key,
            );
        }
    }
}
