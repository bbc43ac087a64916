//! The stack: what deploy.toml wants, as typed resources.
//!
//! A composition of kinds and nothing more: it calls nobody, and the same file in the same place
//! gives the same resources.

mod access;
mod alarms;
mod api;
mod bridge;
mod dashboard;
mod error;
mod extra;
mod login;
mod moved;
mod names;
mod secrets;
mod server;

pub use error::{StackError, StackErrors};

use std::path::Path;

use mcpdeploy_config::{DeployConfig, TargetKind};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::{Kind, Placement, Registry, Tags, owner_tag};
use mcpdeploy_engine::resource::{Desired, Resource};
use mcpdeploy_engine::value::{self, Reference};
use serde_json::{Value, json};

use crate::artifacts::{Artifacts, CodeSha256};
use names::Names;

/// Where the deployment goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The partition: `aws`, `aws-cn`, …
    pub partition: String,
    /// The address of an emulator in AWS's place, without a slash at the end.
    pub emulator: Option<String>,
}

/// The server's code, as it was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The digest of the zip.
    pub sha256: CodeSha256,
    /// Its size in bytes.
    pub size: u64,
}

/// What a stack is made from besides the file.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The environment's name.
    pub environment: &'a str,
    /// Where it goes; `None` when nothing of AWS is wanted.
    pub place: Option<&'a Place>,
    /// The build; `None` when the file deploys no server.
    pub code: Option<&'a Code>,
    /// The runtime that mcpdeploy carries, packed for the server's architecture; must be there when
    /// the file wants login.
    pub runtime: Option<&'a Code>,
    /// The name under which the state knows the deployment: when the server is renamed, its
    /// resources keep their identity under new addresses.
    pub deployed_as: Option<&'a str>,
    /// The project's folder, which paths in `[[resources]]` are seen from.
    pub root: &'a Path,
    /// Takes the files that `[[resources]]` name.
    pub artifacts: &'a Artifacts,
}

/// Puts together what the file wants.
///
/// # Errors
/// Everything in the file that cannot be made into resources, at once.
pub fn desired(
    config: &DeployConfig,
    setting: &Setting<'_>,
    registry: &Registry,
) -> Result<Desired, StackErrors> {
    let deployment = config.deployment_name().to_owned();
    let mut stack = Stack {
        config,
        setting,
        registry,
        desired: Desired {
            deployment: deployment.clone(),
            environment: setting.environment.to_owned(),
            ..Desired::default()
        },
        errors: Vec::new(),
    };
    if let (TargetKind::AwsLambda, Some(server), Some(code), Some(place)) = (
        config.target.kind,
        &config.server,
        setting.code,
        setting.place,
    ) {
        match Names::new(&server.name, setting.environment, place) {
            Ok(names) => stack.server(server, code, place, &names),
            Err(error) => stack.errors.push(error),
        }
        if let Some(old) = setting.deployed_as.filter(|old| **old != server.name) {
            stack.desired.moved = moved::after_rename(old, &server.name);
        }
    }
    for moved in &config.moved {
        // The configuration has checked their shape.
        if let (Ok(from), Ok(to)) = (moved.from.parse(), moved.to.parse()) {
            stack.desired.moved.push((from, to));
        }
    }
    for resource in &config.resources {
        stack.extra(resource);
    }
    if stack.errors.is_empty() {
        Ok(stack.desired)
    } else {
        Err(StackErrors(stack.errors))
    }
}

/// A stack while it is being put together.
pub(crate) struct Stack<'a> {
    config: &'a DeployConfig,
    setting: &'a Setting<'a>,
    registry: &'a Registry,
    desired: Desired,
    errors: Vec<StackError>,
}

impl Stack<'_> {
    /// Adds a resource of the stack's own. Its name is a word of ours or the server's, which the
    /// configuration has checked.
    fn add<K: Kind>(&mut self, name: &str, inputs: &K::Inputs) -> Address {
        self.add_after::<K>(name, inputs, &[])
    }

    /// [`Stack::add`], after resources that no reference leads to.
    fn add_after<K: Kind>(
        &mut self,
        name: &str,
        inputs: &K::Inputs,
        after: &[&Address],
    ) -> Address {
        let address = address::<K>(name);
        let mut inputs = serde_json::to_value(inputs).unwrap_or(Value::Null);
        if K::TAGGABLE {
            self.tag(&address, &mut inputs);
        }
        let mut resource = Resource::new(address.clone(), inputs);
        resource.placement = self.placement();
        resource.depends_on = after.iter().map(|a| (*a).clone()).collect();
        self.desired.resources.push(resource);
        address
    }

    fn placement(&self) -> Placement {
        self.setting
            .place
            .map_or_else(Placement::default, |place| Placement {
                region: Some(place.region.clone()),
                account: Some(place.account.clone()),
            })
    }

    /// The tags of every resource: the user's, ours on top, and what the resource says itself.
    fn tag(&self, address: &Address, inputs: &mut Value) {
        let mut tags: Tags = self
            .config
            .tags
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if let Some(kind) = &self.config.metadata.server_type {
            tags.insert("mcp:server-type".to_owned(), kind.clone());
        }
        if let Some(Value::Object(own)) = inputs.get("tags") {
            let own = own
                .iter()
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
            tags.extend(own);
        }
        let owner = [
            (owner_tag::DEPLOYMENT, self.desired.deployment.as_str()),
            (owner_tag::ENVIRONMENT, self.setting.environment),
            (owner_tag::ADDRESS, address.as_str()),
        ];
        tags.extend(owner.map(|(key, value)| (key.to_owned(), value.to_owned())));
        inputs["tags"] = json!(tags);
    }

    fn output(&mut self, name: &str, value: Value) {
        self.desired.outputs.insert(name.to_owned(), value);
    }
}

/// The address of a resource of the stack's own.
pub(crate) fn address<K: Kind>(name: &str) -> Address {
    match Address::new(K::NAME, name) {
        Ok(address) => address,
        Err(error) => panic!("the stack names a resource badly: {error}"),
    }
}

/// A reference as JSON, for texts put together from parts.
pub(crate) fn reference(address: &Address, pointer: &str) -> Value {
    Reference::new(address.clone(), pointer).to_value()
}

/// Text put together from parts.
pub(crate) fn joined(parts: impl IntoIterator<Item = Value>) -> Value {
    value::join(parts)
}
