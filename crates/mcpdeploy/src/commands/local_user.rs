//! `local user`: people who can log in at the embedded cloud.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use mcpdeploy_aws::clients::ClientFactory;
use mcpdeploy_aws::people::People;
use serde_json::json;

use crate::cli::{Global, LocalUser, Pool};
use crate::commands::secrets::value;
use crate::exit::Exit;
use crate::failure::{Failure, call_failed};
use crate::local::{self, Embedded, Need};
use crate::project::Project;
use crate::screen::Screen;
use crate::stores;

/// The region of the embedded cloud, which has all regions in one.
const REGION: &str = "us-east-1";

pub(crate) async fn run(
    project: &Project,
    global: &Global,
    args: &LocalUser,
    screen: &Screen,
) -> Result<Exit, Failure> {
    let local = Project {
        local: true,
        ..project.clone()
    };
    let cloud = local::open(&local, Need::Stay, screen).await?;
    let factory = Arc::new(factory(&cloud, global));
    match args {
        LocalUser::Add {
            name,
            from_env,
            group,
            pool,
        } => {
            let people = people(&local, global, &factory, pool).await?;
            let password = password(name, from_env.as_deref(), screen)?;
            let new = people
                .add(name, &password, group)
                .await
                .map_err(|error| call_failed(&format!("failed to add {name}"), &error))?;
            let said = if new {
                format!("{name} can log in")
            } else {
                format!("{name} has another password now")
            };
            screen.result("local user add", &said, json!({"name": name, "new": new}));
        }
        LocalUser::List { pool } => {
            let people = people(&local, global, &factory, pool).await?;
            let all = people
                .list()
                .await
                .map_err(|error| call_failed("failed to list the people", &error))?;
            let rows: Vec<_> = all
                .iter()
                .map(|person| json!({"name": person.name, "status": person.status}))
                .collect();
            let lines: Vec<String> = all
                .iter()
                .map(|person| format!("{}  {}", person.name, person.status))
                .collect();
            let said = if lines.is_empty() {
                "There is nobody yet: mcpdeploy local user add EMAIL".to_owned()
            } else {
                lines.join("\n")
            };
            screen.result("local user list", &said, json!({"people": rows}));
        }
        LocalUser::Rm { name, pool } => {
            let people = people(&local, global, &factory, pool).await?;
            let there = people
                .remove(name)
                .await
                .map_err(|error| call_failed(&format!("failed to remove {name}"), &error))?;
            if !there {
                return Err(Failure::usage(format!("there is no {name}"))
                    .hint("see everybody with: mcpdeploy local user list"));
            }
            screen.result(
                "local user rm",
                &format!("{name} can log in no more"),
                json!({"name": name}),
            );
        }
    }
    Ok(Exit::Done)
}

/// From the variable, from a pipe, or typed unseen; never an argument.
fn password(name: &str, variable: Option<&str>, screen: &Screen) -> Result<String, Failure> {
    let text = if let Some(variable) = variable {
        std::env::var(variable)
            .map_err(|_| Failure::usage(format!("there is no variable `{variable}` with text")))?
    } else if !screen.can_ask() && !io::stdin().is_terminal() {
        value::whole_lines(value::stdin()?, false)
    } else {
        screen.ask_hidden(
            &format!("Password of {name}"),
            "give it on standard input or with --from-env VARIABLE",
        )?
    };
    if text.is_empty() {
        return Err(Failure::usage(format!("the password of {name} is empty")));
    }
    Ok(text)
}

fn factory(cloud: &Embedded, global: &Global) -> ClientFactory {
    let region = global.region.as_deref().unwrap_or(REGION);
    let client = match cloud {
        Embedded::Running(_) => None,
        Embedded::Own(cloud) => Some(cloud.http_client()),
    };
    ClientFactory::embedded(&cloud.endpoint(), region, client)
}

/// The people of the pool that is named, of the deployment's, or of the only one that there is.
async fn people<'a>(
    project: &Project,
    global: &Global,
    factory: &'a ClientFactory,
    pool: &Pool,
) -> Result<People<'a>, Failure> {
    if let Some(id) = &pool.id {
        return Ok(People::of(factory, id));
    }
    let deployed = match stores::load(project, global).await {
        Ok(state) => state.outputs.get("user_pool_id").cloned(),
        // Nothing is deployed from here, or there is no project: the cloud's own list tells more.
        Err(_) => None,
    };
    if let Some(id) = deployed.as_ref().and_then(|id| id.as_str()) {
        return Ok(People::of(factory, id));
    }
    let pools = People::pools(factory)
        .await
        .map_err(|error| call_failed("failed to list the user pools", &error))?;
    match pools.as_slice() {
        [(id, _)] => Ok(People::of(factory, id)),
        [] => Err(
            Failure::usage("the embedded cloud has no user pool yet").hint(
                "deploy a server with [auth] enabled = true and provider = \"cognito\" first: mcpdeploy --local deploy",
            ),
        ),
        several => {
            let named: Vec<String> = several
                .iter()
                .map(|(id, name)| format!("{id} ({name})"))
                .collect();
            Err(Failure::usage("the embedded cloud has several user pools")
                .hint(format!("name one with --pool: {}", named.join(", "))))
        }
    }
}
