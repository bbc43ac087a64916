//! `secrets`: the values of the deployment's secrets. They come from a prompt, a stream, a variable or a
//! file, go to the service that keeps them, and are shown nowhere.

mod dotenv;
mod import;
mod list;
mod set;
pub(in crate::commands) mod value;

use mcpdeploy_aws::secrets::{Entry, Rotated};
use serde_json::json;

use crate::cli::{Global, Secrets, SecretsRm};
use crate::exit::Exit;
use crate::failure::{Failure, call_failed};
use crate::screen::Screen;
use crate::secrets::entries;
use crate::session::Session;

pub(crate) async fn run(global: &Global, args: Secrets, screen: &Screen) -> Result<Exit, Failure> {
    match args {
        Secrets::Set(args) => set::run(global, args, screen).await,
        Secrets::List => list::run(global, screen).await,
        Secrets::Rm(args) => remove(global, &args, screen).await,
        Secrets::Rotate { name } => rotate(global, &name, screen).await,
        Secrets::Import(args) => import::run(global, &args, screen).await,
    }
}

/// The secret of that name.
fn find(session: &Session, name: &str) -> Result<Entry, Failure> {
    let all = entries(session);
    if let Some(entry) = all.iter().find(|entry| entry.name == name) {
        return Ok(entry.clone());
    }
    let names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
    let failure = Failure::usage(format!("deploy.toml names no secret `{name}`"));
    let same = names.iter().find(|other| other.eq_ignore_ascii_case(name));
    let failure = match (same, names.is_empty()) {
        (Some(same), _) => failure.hint(format!("did you mean `{same}`?")),
        (None, false) => failure.hint(format!("there is {}", names.join(", "))),
        (None, true) => failure,
    };
    Err(failure.hint(format!(
        "write it into deploy.toml under [secrets]: {name} = \"what it is for\""
    )))
}

/// As [`find`], one whose value is ours to set.
fn find_own(session: &Session, name: &str) -> Result<Entry, Failure> {
    let entry = find(session, name)?;
    if entry.is_ours() {
        return Ok(entry);
    }
    Err(Failure::usage(format!(
        "`{name}` exists apart from this deployment, which only reads it: {}",
        entry.id()
    ))
    .hint("change it where it is managed"))
}

async fn remove(global: &Global, args: &SecretsRm, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_unbuilt(global, screen).await?;
    let name = &args.name;
    let entry = find_own(&session, name)?;
    let for_good = args.force_delete_without_recovery || entry.backend() == "ssm";
    if !args.auto_approve {
        let question = if for_good {
            format!("Remove {name} for good? Nobody can restore it.")
        } else {
            format!("Remove {name}? It can be restored for 30 days.")
        };
        if !screen.confirm(&question)? {
            screen.say("Nothing was changed.");
            return Ok(Exit::Failed);
        }
    }
    let factory = &session.cloud.factory;
    let was_there = entry
        .remove(factory, args.force_delete_without_recovery)
        .await
        .map_err(|error| call_failed(&format!("failed to remove {name}"), &error))?;
    let text = match (was_there, for_good) {
        (false, _) => format!("{name} was not there."),
        (true, true) => format!("{name} is removed for good."),
        (true, false) => format!("{name} is removed; for 30 days it can be restored."),
    };
    let data = json!({"name": name, "removed": was_there, "recoverable": was_there && !for_good});
    screen.result("secrets rm", &text, data);
    if was_there && !for_good {
        screen.next(&format!(
            "take {name} out of deploy.toml, or the next apply restores it; a new value restores it now: mcpdeploy secrets set {name}"
        ));
    }
    Ok(Exit::Done)
}

async fn rotate(global: &Global, name: &str, screen: &Screen) -> Result<Exit, Failure> {
    let session = Session::open_unbuilt(global, screen).await?;
    let entry = find_own(&session, name)?;
    let rotated = entry
        .rotate(&session.cloud.factory)
        .await
        .map_err(|error| call_failed(&format!("failed to rotate {name}"), &error))?;
    let (text, how) = match rotated {
        Rotated::Generated => (
            format!("{name} has a new random value; the one before is kept beside it."),
            "generated",
        ),
        Rotated::Started => (
            format!("{name} is being rotated by its function."),
            "started",
        ),
        Rotated::ByNobody => {
            let secrets = &session.loaded.config.secrets;
            if secrets
                .get(name)
                .is_some_and(|secret| secret.rotation.is_some())
            {
                return Err(Failure::failed(format!(
                    "the function of {name} rotates nothing yet: it begins with the first apply after there is a value"
                ))
                .hint(format!(
                    "set a value, where there is none: mcpdeploy secrets set {name}"
                ))
                .hint("then: mcpdeploy apply"));
            }
            return Err(
                Failure::usage(format!("nobody makes values for {name}"))
                    .hint(format!("set a new one: mcpdeploy secrets set {name}"))
                    .hint(format!("or name a function for it in deploy.toml: [secrets] {name} = {{ rotation = {{ lambda = \"…\", every = \"30d\" }} }}, then mcpdeploy apply")),
            );
        }
    };
    screen.result(
        "secrets rotate",
        &text,
        json!({"name": name, "rotation": how}),
    );
    reaches(&session, &[name], screen);
    Ok(Exit::Done)
}

/// Says how a new value gets to the server.
fn reaches(session: &Session, names: &[&str], screen: &Screen) {
    use mcpdeploy_config::Inject;
    if session.state.is_empty() {
        screen.next("mcpdeploy deploy");
        return;
    }
    let secrets = &session.loaded.config.secrets;
    let injected = names.iter().any(|name| {
        let secret = secrets.get(*name);
        secret.is_some_and(|secret| secret.inject == Inject::Env)
    });
    let auth = &session.loaded.config.auth;
    if auth.secrets().any(|name| names.contains(&name)) {
        screen.next("mcpdeploy apply        (takes it to the login)");
    } else if injected {
        screen.next("mcpdeploy apply        (starts the server anew with it)");
    } else {
        screen.say("The server has it when it reads the secret the next time.");
    }
}
