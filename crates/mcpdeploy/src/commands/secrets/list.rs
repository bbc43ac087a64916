//! `secrets list`: which there are and whether they have a value, never the values.

use mcpdeploy_aws::secrets::{Entry, Held, look_all};
use mcpdeploy_engine::kind::KindError;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::secrets::entries;
use crate::session::Session;
use crate::views::tables::{self, SecretRow};

pub(super) async fn run(global: &Global, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_unbuilt(global, screen).await?;
    let entries = entries(&session);
    let found = look_all(&session.cloud.factory, &entries).await;
    let mut rows = Vec::new();
    let mut data = Vec::new();
    for (entry, found) in entries.iter().zip(&found) {
        rows.push(row(entry, found));
        data.push(for_programs(entry, found));
    }
    if rows.is_empty() && !screen.is_json() {
        screen.say("deploy.toml names no secrets.");
        return Ok(Exit::Done);
    }
    let text = tables::secrets(&rows, &screen.theme());
    screen.result("secrets list", text.trim_end(), json!({"secrets": data}));
    let unset = found.iter().zip(&entries).find(|(found, entry)| {
        entry.is_ours() && matches!(found, Ok(found) if !found.as_ref().is_some_and(has_value))
    });
    if let Some((_, entry)) = unset.filter(|(_, entry)| entry.generate().is_none()) {
        screen.next(&format!("mcpdeploy secrets set {}", entry.name));
    }
    Ok(Exit::Done)
}

fn has_value(held: &Held) -> bool {
    held.has_value && !held.deleted
}

fn state(entry: &Entry, found: &Result<Option<Held>, KindError>) -> &'static str {
    match found {
        Err(_) => "unknown",
        Ok(Some(held)) if held.deleted => "deleted",
        Ok(Some(held)) if held.has_value && entry.generate().is_some() => "generated",
        Ok(Some(held)) if held.has_value => "set",
        Ok(Some(_)) => "not set",
        Ok(None) => "not there",
    }
}

fn changed(held: &Held) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(held.changed?).ok()?;
    at.format(&Rfc3339).ok()
}

fn row(entry: &Entry, found: &Result<Option<Held>, KindError>) -> SecretRow {
    let held = found.as_ref().ok().and_then(Option::as_ref);
    SecretRow {
        name: entry.name.clone(),
        backend: entry.backend(),
        state: state(entry, found),
        has_value: held.is_some_and(has_value),
        changed: held.and_then(changed).unwrap_or_default(),
        rotation: held
            .and_then(|held| held.rotation.clone())
            .unwrap_or_default(),
        arn: match (held, found) {
            (Some(held), _) => held.arn.clone(),
            (None, Err(error)) => error.to_string(),
            (None, Ok(_)) => entry.id().to_owned(),
        },
    }
}

fn for_programs(entry: &Entry, found: &Result<Option<Held>, KindError>) -> Value {
    let held = found.as_ref().ok().and_then(Option::as_ref);
    json!({
        "name": entry.name,
        "backend": entry.backend(),
        "managed": entry.is_ours(),
        "id": entry.id(),
        "state": state(entry, found),
        "has_value": held.map(has_value),
        "arn": held.map(|held| held.arn.as_str()),
        "changed": held.and_then(changed),
        "rotation": held.and_then(|held| held.rotation.as_deref()),
        "error": found.as_ref().err().map(ToString::to_string),
    })
}
