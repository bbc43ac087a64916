//! Values of secrets, outside of every plan: set, looked for, removed and rotated by whoever has them.
//!
//! A value is given to one call and kept nowhere: not in the state, not in a message. Nothing here reads
//! one. What it touches carries our owner tags, or it is left alone.

mod manager;
mod store;

use std::time::Duration;

use mcpdeploy_engine::kind::{
    ClientSource, FaultClass, Kind, KindError, Placement, Tags, same_owner,
};
use mcpdeploy_engine::resource::Resource;
use mcpdeploy_engine::value::has_open;

use crate::clients::ClientFactory;
use crate::kinds::{Generate, Parameter, ParameterInputs, Secret, SecretInputs};

/// How often a call is made again that the network or the service did not take.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1_600),
];

/// A value. Its `Debug` does not show it.
pub struct Value(String);

impl Value {
    /// Takes a value.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What a secret is kept in, and as what.
#[derive(Debug, Clone)]
pub enum Spec {
    /// A secret of Secrets Manager that the deployment makes.
    Secret(Box<SecretInputs>),
    /// A parameter of Systems Manager that the deployment makes.
    Parameter(Box<ParameterInputs>),
    /// One that exists, by its ARN.
    Existing(String),
}

/// A secret of a deployment.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is called in the file.
    pub name: String,
    /// What it is.
    pub spec: Spec,
    /// Where it lives.
    pub placement: Placement,
}

/// What a service tells of a secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its ARN.
    pub arn: String,
    /// Whether it has a value.
    pub has_value: bool,
    /// When it changed last, in seconds since 1970.
    pub changed: Option<i64>,
    /// How often it is rotated, as the service writes it.
    pub rotation: Option<String>,
    /// Whether its deletion is scheduled.
    pub deleted: bool,
    /// Its tags; of one that is not ours to change, none are asked for.
    pub tags: Tags,
}

/// What setting a value did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// The secret was not there: it was made.
    Created,
    /// Its deletion was taken back.
    Restored,
    /// It has another value now.
    Changed,
}

/// What rotating did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// It has a new random value; the one before is kept beside it.
    Generated,
    /// Its function was told to make a new value.
    Started,
    /// Nobody makes values for it.
    ByNobody,
}

impl Entry {
    /// The secret that a resource of the graph is; none when it is no secret, or when something in its
    /// inputs is not known yet.
    #[must_use]
    pub fn of(resource: &Resource) -> Option<Self> {
        let inputs = resource.inputs.clone();
        let spec = match resource.address.kind().as_str() {
            Secret::NAME => {
                let mut inputs = inputs;
                // Who rotates it may be a reference; that it is rotated is what the service tells.
                if has_open(&inputs["rotation"]) {
                    inputs["rotation"] = serde_json::Value::Null;
                }
                Spec::Secret(Box::new(serde_json::from_value(inputs).ok()?))
            }
            Parameter::NAME => Spec::Parameter(Box::new(serde_json::from_value(inputs).ok()?)),
            _ => return None,
        };
        Some(Self {
            name: resource.address.name().to_owned(),
            spec,
            placement: resource.placement.clone(),
        })
    }

    /// One that exists already. Its region is the ARN's.
    #[must_use]
    pub fn existing(name: &str, arn: &str) -> Self {
        let region = arn.split(':').nth(3).filter(|region| !region.is_empty());
        Self {
            name: name.to_owned(),
            spec: Spec::Existing(arn.to_owned()),
            placement: Placement {
                region: region.map(ToOwned::to_owned),
                account: None,
            },
        }
    }

    /// `secretsmanager` or `ssm`.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        match &self.spec {
            Spec::Secret(_) => "secretsmanager",
            Spec::Parameter(_) => "ssm",
            Spec::Existing(arn) if is_parameter(arn) => "ssm",
            Spec::Existing(_) => "secretsmanager",
        }
    }

    /// What it is called at its service.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.spec {
            Spec::Secret(inputs) => inputs.name.as_str(),
            Spec::Parameter(inputs) => inputs.name.as_str(),
            Spec::Existing(arn) => arn,
        }
    }

    /// Whether it belongs to the deployment.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(self.spec, Spec::Existing(_))
    }

    /// The random value that it is made with, when it is.
    #[must_use]
    pub fn generate(&self) -> Option<Generate> {
        match &self.spec {
            Spec::Secret(inputs) => inputs.generate,
            Spec::Parameter(inputs) => inputs.generate,
            Spec::Existing(_) => None,
        }
    }

    /// Looks for it.
    ///
    /// # Errors
    /// When the service does not say whether it is there.
    pub async fn look(&self, factory: &ClientFactory) -> Result<Option<Held>, KindError> {
        let clients = factory.clients(&self.placement)?;
        again(async || match &self.spec {
            Spec::Secret(inputs) => manager::look(&clients, inputs.name.as_str()).await,
            Spec::Parameter(inputs) => store::look(&clients, inputs.name.as_str(), true).await,
            Spec::Existing(arn) if is_parameter(arn) => store::look(&clients, arn, false).await,
            Spec::Existing(arn) => manager::look(&clients, arn).await,
        })
        .await
    }

    /// Gives it a value: makes it when it is not there, restores it when it was deleted.
    ///
    /// # Errors
    /// When it is somebody else's, or the service refuses.
    pub async fn set(&self, factory: &ClientFactory, value: &Value) -> Result<Set, KindError> {
        let clients = factory.clients(&self.placement)?;
        let token = uuid::Uuid::new_v4().to_string();
        again(async || match &self.spec {
            Spec::Secret(inputs) => manager::set(&clients, inputs, value, &token).await,
            Spec::Parameter(inputs) => store::set(&clients, inputs, value).await,
            Spec::Existing(arn) => Err(not_ours(arn)),
        })
        .await
    }

    /// Removes it; `for_good` without a time in which it can be restored. Whether it was there.
    ///
    /// # Errors
    /// When it is somebody else's, or the service refuses.
    pub async fn remove(&self, factory: &ClientFactory, for_good: bool) -> Result<bool, KindError> {
        let clients = factory.clients(&self.placement)?;
        again(async || match &self.spec {
            Spec::Secret(inputs) => manager::remove(&clients, inputs, for_good).await,
            Spec::Parameter(inputs) => store::remove(&clients, inputs).await,
            Spec::Existing(arn) => Err(not_ours(arn)),
        })
        .await
    }

    /// Gets it a new value from whoever makes its values.
    ///
    /// # Errors
    /// When it is not there, is somebody else's, or the service refuses.
    pub async fn rotate(&self, factory: &ClientFactory) -> Result<Rotated, KindError> {
        let Some(held) = self.look(factory).await? else {
            return Err(KindError::fatal("it is not there yet").on(self.id()));
        };
        if held.rotation.is_some() && self.is_ours() {
            let clients = factory.clients(&self.placement)?;
            manager::rotate(&clients, &held.arn).await?;
            return Ok(Rotated::Started);
        }
        let Some(generate) = self.generate() else {
            return Ok(Rotated::ByNobody);
        };
        self.set(factory, &Value(generate.value()?)).await?;
        Ok(Rotated::Generated)
    }
}

/// Looks for several at the same time: an answer for each, in their order.
pub async fn look_all(
    factory: &ClientFactory,
    entries: &[Entry],
) -> Vec<Result<Option<Held>, KindError>> {
    futures_util::future::join_all(entries.iter().map(|entry| entry.look(factory))).await
}

fn is_parameter(arn: &str) -> bool {
    arn.split(':').nth(2) == Some("ssm")
}

fn not_ours(id: &str) -> KindError {
    KindError::fatal("it is not this deployment's: it is only read")
        .on(id)
        .hint("change it where it is managed")
}

/// That what is there carries the tags that it would have been made with.
fn check_owner(id: &str, there: &Tags, wanted: &Tags) -> Result<(), KindError> {
    if same_owner(there, wanted) {
        return Ok(());
    }
    Err(KindError::fatal("something with this name is there, and it is not this deployment's")
        .on(id)
        .hint("take it under management with mcpdeploy import, or remove it, or choose another name for the server"))
}

/// Makes the calls again while the service does not take them. All of them may be made twice.
async fn again<T>(mut call: impl AsyncFnMut() -> Result<T, KindError>) -> Result<T, KindError> {
    for pause in PAUSES {
        match call().await {
            Err(error)
                if matches!(
                    error.class,
                    FaultClass::Transient | FaultClass::Throttled | FaultClass::Concurrent
                ) =>
            {
                tokio::time::sleep(pause).await
            }
            answered => return answered,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_shown() {
        assert!(!format!("{:?}", Value::new("hunter2".to_owned())).contains("hunter2"));
    }

    #[test]
    fn an_existing_one_lives_where_its_arn_says() {
        let entry = Entry::existing("DB", "arn:aws:ssm:eu-west-1:123456789012:parameter/db");
        assert_eq!(entry.backend(), "ssm");
        assert_eq!(entry.placement.region.as_deref(), Some("eu-west-1"));
        assert!(!entry.is_ours());
    }
}
