//! `secrets set`: gives a secret its value.

use mcpdeploy_aws::secrets::Set;
use serde_json::json;

use super::value;
use crate::cli::{Global, SecretsSet};
use crate::exit::Exit;
use crate::failure::{Failure, call_failed};
use crate::screen::Screen;
use crate::session::Session;

pub(super) async fn run(
    global: &Global,
    args: SecretsSet,
    screen: &Screen,
) -> Result<Exit, Failure> {
    value::not_an_argument(&args)?;
    let session = Session::open_unbuilt(global, screen).await?;
    let name = &args.name;
    let entry = super::find_own(&session, name)?;
    if entry.generate().is_some() {
        return Err(
            Failure::usage(format!("the value of {name} is made at random")).hint(format!(
                "have a new one made: mcpdeploy secrets rotate {name}"
            )),
        );
    }
    let value = value::read(&args, screen)?;
    let set = entry
        .set(&session.cloud.factory, &value)
        .await
        .map_err(|error| call_failed(&format!("failed to set {name}"), &error))?;
    let (text, how) = words(set, name);
    let data = json!({"name": name, "backend": entry.backend(), "set": how});
    screen.result("secrets set", &text, data);
    super::reaches(&session, &[name], screen);
    Ok(Exit::Done)
}

/// What setting did, for people and for programs.
pub(super) fn words(set: Set, name: &str) -> (String, &'static str) {
    match set {
        Set::Created => (format!("{name} is made and has its value."), "created"),
        Set::Restored => (
            format!("{name} is restored and has its new value."),
            "restored",
        ),
        Set::Changed => (format!("{name} has its new value."), "changed"),
    }
}
