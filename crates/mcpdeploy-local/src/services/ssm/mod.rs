//! Systems Manager: the Parameter Store, and nothing else of it.
//!
//! A value is written down for its owner alone (the data folder is 0700, its files 0600), and never
//! shown: not by `Debug`, not to those who watch the cloud.
//!
//! Facts, from the API reference: a parameter's name is a path; each change of its value is a version,
//! and of these a hundred are kept; a `SecureString` is given out in clear only with
//! `WithDecryption`; tags are given at the creation only, or on their own.

mod describe;
mod get;
mod put;
mod record;
mod tags;

use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use self::record::Parameter;
use crate::cloud::{ACCOUNT, Cloud};
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Ssm(Mutex<State>);

/// What it keeps.
#[derive(Debug)]
struct State {
    /// By `region` and name, with a line break between.
    parameters: Collection<Parameter>,
}

/// Where and when a call is answered.
#[derive(Debug, Clone)]
struct At {
    region: String,
    now: OffsetDateTime,
}

impl At {
    fn key(&self, name: &str) -> String {
        format!("{}\n{name}", self.region)
    }

    /// The ARN of a name: there is one slash before it, however it begins.
    fn arn(&self, name: &str) -> String {
        let name = name.strip_prefix('/').unwrap_or(name);
        format!("arn:aws:ssm:{}:{ACCOUNT}:parameter/{name}", self.region)
    }
}

impl Ssm {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let parameters = storage.collection("ssm.parameters")?;
        Ok(Self(Mutex::new(State { parameters })))
    }

    #[expect(
        clippy::unused_async,
        reason = "every service answers in the same way, and most wait for another"
    )]
    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let at = At {
            region: call.region.clone(),
            now: cloud.now(),
        };
        let mut state = self.state();
        match call.operation.as_str() {
            "PutParameter" => state.put(&at, call.typed()?),
            "GetParameter" => state.get(&at, &call.typed()?),
            "GetParameters" => state.get_many(&at, &call.typed()?),
            "GetParametersByPath" => state.by_path(&at, &call.typed()?),
            "GetParameterHistory" => state.history(&at, &call.typed()?),
            "DescribeParameters" => state.describe(&at, &call.typed()?),
            "DeleteParameter" => state.delete(&at, &call.typed()?),
            "DeleteParameters" => state.delete_many(&at, &call.typed()?),
            "AddTagsToResource" => state.add_tags(&at, call.typed()?),
            "RemoveTagsFromResource" => state.remove_tags(&at, &call.typed()?),
            "ListTagsForResource" => state.list_tags(&at, &call.typed()?),
            other => Err(Fault::absent(format!("ssm.{other}"))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The parameters of a region, by name.
    fn all(&self, at: &At) -> impl Iterator<Item = &Parameter> {
        let prefix = at.key("");
        let found: Vec<&Parameter> = self.parameters.under(&prefix).map(|(_, row)| row).collect();
        found.into_iter()
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::bad("ValidationException", message)
}

fn missing(name: &str) -> Fault {
    Fault::bad("ParameterNotFound", format!("Parameter {name} not found."))
}
