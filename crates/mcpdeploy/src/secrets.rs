//! The secrets of a project: which there are, and whether they have what the server needs.

use mcpdeploy_aws::secrets::{Entry, Held, look_all};
use mcpdeploy_config::{ConfigError, ConfigErrors, Inject, SecretBackend, SecretSource};
use mcpdeploy_engine::kind::{FaultClass, KindError};

use crate::exit::Exit;
use crate::failure::{Failure, What};
use crate::screen::Screen;
use crate::session::Session;
use crate::views::errors::Report;

/// All secrets of the project: those that the deployment makes, and those that the file names by their
/// ARN.
pub(crate) fn entries(session: &Session) -> Vec<Entry> {
    let nodes = session.graph.in_order();
    let made = nodes.filter_map(|node| Entry::of(&node.resource));
    let named = session.loaded.config.secrets.iter();
    let existing = named.filter_map(|(name, secret)| match &secret.source {
        SecretSource::Existing { arn } => Some(Entry::existing(name, arn)),
        SecretSource::Managed { .. } => None,
    });
    let mut entries: Vec<Entry> = made.chain(existing).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// What an apply would deploy without.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// The server can do without them until it reads them.
    later: Vec<String>,
    /// The server or its login cannot start without them, or they cannot be made.
    first: Vec<String>,
    /// Of which it could not be found out.
    unknown: Vec<(String, KindError)>,
}

/// Looks for the secrets of the file.
///
/// # Errors
/// Those that the file names by their ARN and that are not there.
pub(crate) async fn missing(session: &Session) -> Result<Missing, Failure> {
    let config = &session.loaded.config;
    let mut missing = Missing::default();
    if config.secrets.is_empty() {
        return Ok(missing);
    }
    let mut wanted = entries(session);
    wanted.retain(|entry| config.secrets.contains_key(&entry.name) && entry.generate().is_none());
    let found = look_all(&session.cloud.factory, &wanted).await;
    let mut absent = Vec::new();
    for (entry, found) in wanted.iter().zip(found) {
        let Some(secret) = config.secrets.get(&entry.name) else {
            continue;
        };
        let readable = |held: &Held| held.has_value && !held.deleted;
        match found {
            Ok(Some(held)) if readable(&held) => {}
            Ok(found) if !entry.is_ours() => absent.push(gone(session, entry, found.as_ref())),
            Ok(_) => {
                let login = config.auth.secrets().any(|name| name == entry.name);
                let first =
                    login || secret.inject == Inject::Env || secret.backend == SecretBackend::Ssm;
                let list = if first {
                    &mut missing.first
                } else {
                    &mut missing.later
                };
                list.push(entry.name.clone());
            }
            // Secrets of other accounts may be for the server to read and for nobody to describe.
            Err(error) if error.class == FaultClass::Denied => {
                missing.unknown.push((entry.name.clone(), error));
            }
            Err(error) => {
                return Err(crate::failure::call_failed(
                    &format!("failed to look for the secret {}", entry.name),
                    &error,
                ));
            }
        }
    }
    if absent.is_empty() {
        Ok(missing)
    } else {
        Err(ConfigErrors::new(session.loaded.source.clone(), absent).into())
    }
}

/// One that the file says is there.
fn gone(session: &Session, entry: &Entry, found: Option<&Held>) -> ConfigError {
    let (what, label) = match found {
        Some(held) if held.deleted => ("is scheduled for deletion", "deleted"),
        Some(_) => ("has no value", "without a value"),
        None => ("is not there", "not there"),
    };
    let loaded = &session.loaded;
    let key = format!("secrets.{}", entry.name);
    let span = loaded
        .span_of(&format!("{key}.arn"))
        .or_else(|| loaded.span_of(&key));
    let help = format!(
        "look at the ARN, the region and the account; or write {} = \"what it is for\" to have the secret made",
        entry.name
    );
    let message = format!("the secret {} {what}", entry.id());
    loaded.source.error(message, span, label, Some(help))
}

/// How it gets a value.
pub(crate) fn command(name: &str) -> String {
    format!("mcpdeploy secrets set {name}")
}

impl Missing {
    /// Those without which an apply does not begin.
    pub(crate) fn first(&self) -> &[String] {
        &self.first
    }

    /// Says what is missing, before anything is done about it.
    pub(crate) fn warn(&self, screen: &Screen) {
        for name in &self.first {
            screen.warn(&format!(
                "the secret {name} has no value, and apply will not begin without it; give it one: {}",
                screen.command(&command(name))
            ));
        }
        self.warn_of_others(screen);
    }

    fn warn_of_others(&self, screen: &Screen) {
        for name in &self.later {
            screen.warn(&format!(
                "the secret {name} has no value yet; give it one: {}",
                screen.command(&command(name))
            ));
        }
        for (name, error) in &self.unknown {
            screen.warn(&format!(
                "whether the secret {name} is there could not be found out: {error}"
            ));
        }
    }

    /// Warns, and refuses to go on without those that must be there first.
    pub(crate) fn refuse(&self, screen: &Screen) -> Result<(), Failure> {
        self.warn_of_others(screen);
        if self.first.is_empty() {
            return Ok(());
        }
        let report = |name: &String| {
            Report::new(format!("the secret {name} has no value")).with_hint(format!(
                "nothing was changed; give it one first: {}",
                command(name)
            ))
        };
        Err(Failure {
            exit: Exit::Failed,
            what: What::Reports(self.first.iter().map(report).collect()),
        })
    }
}
