//! `secrets import`: the values of many secrets at once. Nothing is set before everything is understood.

use std::path::Path;

use mcpdeploy_aws::secrets::{Entry, Held, Value, look_all};
use serde_json::json;

use super::{dotenv, set, value};
use crate::cli::{Global, SecretsImport};
use crate::exit::Exit;
use crate::failure::{Failure, call_failed};
use crate::screen::Screen;
use crate::session::Session;

pub(super) async fn run(
    global: &Global,
    args: &SecretsImport,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let session = Session::open_unbuilt(global, screen).await?;
    let shown = args.file.display().to_string();
    let text = if args.file == Path::new("-") {
        value::stdin()?
    } else {
        value::file(&args.file)?
    };
    let pairs = parse(&text, &shown)?;
    let Sorted { wanted, unknown } = sort(&session, pairs)?;
    if !unknown.is_empty() && !args.ignore_unknown {
        return Err(Failure::usage(format!(
            "deploy.toml does not name {} of {shown}",
            unknown.join(", ")
        ))
        .hint("nothing was set; write them into deploy.toml under [secrets], or leave them out with --ignore-unknown"));
    }
    let factory = &session.cloud.factory;
    let entries: Vec<Entry> = wanted.iter().map(|(entry, _)| entry.clone()).collect();
    let found = look_all(factory, &entries).await;
    let mut done = Vec::new();
    let mut set_names = Vec::new();
    for ((entry, value), found) in wanted.iter().zip(found) {
        let name = entry.name.as_str();
        let found =
            found.map_err(|error| call_failed(&format!("failed to look for {name}"), &error))?;
        let has_value = |held: &Held| held.has_value && !held.deleted;
        let how = if found.as_ref().is_some_and(has_value) && !args.overwrite {
            "kept"
        } else if args.dry_run {
            "would be set"
        } else {
            let done = entry
                .set(factory, value)
                .await
                .map_err(|error| call_failed(&format!("failed to set {name}"), &error))?;
            set_names.push(name);
            set::words(done, name).1
        };
        screen.say(&format!("{name}: {}", in_words(how)));
        done.push(json!({"name": name, "set": how}));
    }
    for name in &unknown {
        screen.say(&format!("{name}: left out, deploy.toml does not name it"));
    }
    let number = set_names.len();
    let plural = if number == 1 { "" } else { "s" };
    let text = if args.dry_run {
        "Nothing was set: this was a dry run.".to_owned()
    } else {
        format!("{number} value{plural} set.")
    };
    let data = json!({"secrets": done, "left_out": unknown, "dry_run": args.dry_run});
    screen.result("secrets import", &text, data);
    if number > 0 {
        super::reaches(&session, &set_names, screen);
    }
    Ok(Exit::Done)
}

fn in_words(how: &str) -> &str {
    match how {
        "kept" => "has a value and keeps it (--overwrite sets it)",
        other => other,
    }
}

/// What was read.
struct Sorted {
    /// The entries with their new values.
    wanted: Vec<(Entry, Value)>,
    /// The names that the file of the project does not have.
    unknown: Vec<String>,
}

/// Looks for each name in the file of the project.
fn sort(session: &Session, pairs: Vec<(String, String)>) -> Result<Sorted, Failure> {
    let all = crate::secrets::entries(session);
    let mut wanted = Vec::new();
    let mut unknown = Vec::new();
    for (name, text) in pairs {
        let Some(entry) = all.iter().find(|entry| entry.name == name) else {
            unknown.push(name);
            continue;
        };
        if !entry.is_ours() || entry.generate().is_some() {
            return Err(Failure::usage(format!(
                "the value of {name} is not set by this deployment"
            ))
            .hint("nothing was set; take it out of the file"));
        }
        wanted.push((entry.clone(), value::checked(text, &name)?));
    }
    Ok(Sorted { wanted, unknown })
}

/// A JSON object of texts, or the lines of a .env file. What is wrong is said without what is there.
fn parse(text: &str, shown: &str) -> Result<Vec<(String, String)>, Failure> {
    if text.trim_start().starts_with('{') {
        return json_object(text).map_err(|why| {
            Failure::usage(format!("{shown} is no JSON object of texts: {why}"))
                .hint("nothing was set; write {\"NAME\": \"value\"}")
        });
    }
    dotenv::parse(text).map_err(|why| {
        Failure::usage(format!("{shown} cannot be read: {why}"))
            .hint("nothing was set; write NAME=value, a line each, or a JSON object")
    })
}

fn json_object(text: &str) -> Result<Vec<(String, String)>, String> {
    // Its own message may quote what is there.
    let read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|error| format!("line {}, column {}", error.line(), error.column()))?;
    read.into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => Ok((name, text)),
            serde_json::Value::Number(number) => Ok((name, number.to_string())),
            serde_json::Value::Bool(flag) => Ok((name, flag.to_string())),
            serde_json::Value::Null
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => Err(format!("{name} is no text")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_lines_are_told_apart() {
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(parse("{\"A\": \"x\"}", "f").unwrap(), pair("A", "x"));
        assert_eq!(parse("A=x\n", "f").unwrap(), pair("A", "x"));
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for text in [
            "{\"A\": \"hunter2\"",
            "{\"A\": [\"hunter2\"]}",
            "{\"A\": \"hunter2\" \"B\"}",
            "A=\"hunter2",
            "hunter2",
        ] {
            let error = format!("{:?}", parse(text, "f").unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
