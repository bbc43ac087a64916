//! `aws.lambda.alias`: a name that points at a published version.
//!
//! Facts, from the Lambda API reference and developer guide:
//! - calls go to its version, but for the shares that its routing weights give to others (one, today);
//! - UpdateAlias leaves the weights as they are unless it is given some, or an empty map: so that a
//!   share which somebody gave away by hand does not outlive the next deployment, they are said;
//! - provisioned concurrency on an alias moves along when the alias does, which takes minutes;
//! - aliases have no tags: whose one is, its function tells.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lambda::types::{
    AliasRoutingConfiguration, ProvisionedConcurrencyStatusEnum as Status,
};
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Poll, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lambda_shared::{arn, invoke_arn, serial_key};
use crate::clients::Clients;
use crate::fault::{Fault, unless_gone};
use crate::ids::{AliasArn, AliasName, FunctionName, InvokeArn, VersionNumber};

/// An alias of a function.
#[derive(Debug)]
pub enum Alias {}

/// What one can ask of an alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasInputs {
    /// The function it is of.
    pub function: Input<FunctionName>,
    /// Its name: 1 to 128 letters, digits, `-` and `_`, not only digits.
    pub name: AliasName,
    /// The version it points at.
    pub version: Input<VersionNumber>,
    /// Other versions that get a share of the calls: the share of each, from 0 to 1.
    #[serde(default)]
    pub weights: BTreeMap<VersionNumber, f64>,
    /// What it is for, at most 256 characters.
    #[serde(default)]
    pub description: String,
    /// How many instances are kept warm; left alone when not set.
    #[serde(default)]
    pub provisioned_concurrency: Option<u32>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AliasOutputs {
    /// Its ARN.
    pub arn: AliasArn,
    /// Its name.
    pub name: AliasName,
    /// The ARN by which API Gateway invokes it.
    pub invoke_arn: InvokeArn,
}

impl Alias {
    /// Refers to the ARN of the alias at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<AliasArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the alias at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<AliasName> {
        Ref::new(address, "/name")
    }

    /// Refers to the ARN by which API Gateway invokes the alias at `address`.
    #[must_use]
    pub fn invoke_arn(address: &Address) -> Ref<InvokeArn> {
        Ref::new(address, "/invoke_arn")
    }
}

impl Kind for Alias {
    const NAME: &'static str = "aws.lambda.alias";
    const REPLACE_ON: &'static [&'static str] = &["/function", "/name"];
    const TYPICAL_MS: u32 = 400;

    type Clients = Clients;
    type Inputs = AliasInputs;
    type Outputs = AliasOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs.function.get().to_string(),
            key: inputs.name.to_string(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        Some(serial_key(&inputs.function))
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        let name = inputs.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty()
            || name.len() > 128
            || !name.chars().all(fits)
            || name.chars().all(|c| c.is_ascii_digit())
        {
            return wrong(
                "/name",
                format!(
                    "`{name}` is no alias's name: 1 to 128 letters, digits, `-` and `_`, not only digits"
                ),
            );
        }
        if inputs.description.chars().count() > 256 {
            return wrong(
                "/description",
                "the description has more than 256 characters".to_owned(),
            );
        }
        if inputs
            .version
            .known()
            .is_some_and(|version| version.as_str() == "$LATEST")
            && inputs.provisioned_concurrency.is_some()
        {
            return wrong(
                "/provisioned_concurrency",
                "only an alias of a published version can have provisioned concurrency".to_owned(),
            );
        }
        if let Some((version, _)) = inputs
            .weights
            .iter()
            .find(|(_, share)| !(0.0..=1.0).contains(*share))
        {
            return wrong(
                "/weights",
                format!("the share of version {version} must be from 0 to 1"),
            );
        }
        if inputs.provisioned_concurrency == Some(0) {
            return wrong(
                "/provisioned_concurrency",
                "at least 1 instance can be kept warm; leave it out for none".to_owned(),
            );
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let function = arn(inputs.function.known(), placement);
        let alias = format!("{function}:{}", inputs.name);
        let (on_function, on_alias): (&[&str], &[&str]) = match op {
            Op::Read => (
                &["lambda:GetAlias"],
                &["lambda:GetProvisionedConcurrencyConfig"],
            ),
            Op::Create => (
                &["lambda:CreateAlias", "lambda:GetAlias"],
                &[
                    "lambda:GetProvisionedConcurrencyConfig",
                    "lambda:PutProvisionedConcurrencyConfig",
                ],
            ),
            Op::Update => (
                &["lambda:GetAlias", "lambda:UpdateAlias"],
                &[
                    "lambda:DeleteProvisionedConcurrencyConfig",
                    "lambda:GetProvisionedConcurrencyConfig",
                    "lambda:PutProvisionedConcurrencyConfig",
                ],
            ),
            Op::Delete => (&["lambda:DeleteAlias"], &[]),
        };
        let mut all = Permission::all(on_function, &function);
        if inputs.provisioned_concurrency.is_some() || op == Op::Update {
            all.extend(Permission::all(on_alias, &alias));
        }
        all
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let id = match who.id {
            Some(id) => id.clone(),
            None => id(who.inputs.function.get(), &who.inputs.name),
        };
        let (function, name) = parts(&id)?;
        let alias = async {
            cx.clients
                .lambda()
                .get_alias()
                .function_name(function)
                .name(name)
                .send()
                .await
                .found("lambda", "GetAlias", &id)
        };
        let asked = who.inputs.provisioned_concurrency.is_some();
        let provisioned = async {
            if asked {
                provisioned(cx, &id).await
            } else {
                Ok(None)
            }
        };
        let (alias, provisioned) = tokio::join!(alias, provisioned);
        let Some(alias) = alias? else {
            return Ok(None);
        };
        Ok(Some(Observed {
            inputs: AliasInputs {
                function: FunctionName::new(function).into(),
                name: AliasName::new(name),
                version: VersionNumber::new(alias.function_version().unwrap_or_default()).into(),
                weights: observed_weights(alias.routing_config()),
                description: alias.description().unwrap_or_default().to_owned(),
                provisioned_concurrency: provisioned?.map(|(requested, _)| requested),
            },
            outputs: outputs(cx, name, alias.alias_arn().unwrap_or_default()),
            id: id.clone(),
            // One call less for the many aliases that have none.
            unobserved: if asked {
                &[]
            } else {
                &["/provisioned_concurrency"]
            },
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let function = want.function.get();
        let id = id(function, &want.name);
        let answer = cx
            .clients
            .lambda()
            .create_alias()
            .function_name(function)
            .name(&want.name)
            .function_version(want.version.get())
            .set_routing_config((!want.weights.is_empty()).then(|| routing(want)))
            .set_description(Some(want.description.clone()).filter(|text| !text.is_empty()))
            .send()
            .await
            .fault("lambda", "CreateAlias", &id)?;
        Ok(match answer.alias_arn() {
            Some(arn) => Created::with(id.as_str(), outputs(cx, want.name.as_str(), arn)),
            None => Created::id(id.as_str()),
        })
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        let lambda = cx.clients.lambda();
        let (function, name) = parts(id)?;
        if delta.updates_any(&["/version", "/weights", "/description"]) {
            lambda
                .update_alias()
                .function_name(function)
                .name(name)
                .function_version(want.version.get())
                .set_routing_config(delta.updates("/weights").then(|| routing(want)))
                .description(&want.description)
                .send()
                .await
                .fault("lambda", "UpdateAlias", id)?;
        }
        match want.provisioned_concurrency {
            Some(instances) if delta.touches("/provisioned_concurrency") => {
                lambda
                    .put_provisioned_concurrency_config()
                    .function_name(function)
                    .qualifier(name)
                    .provisioned_concurrent_executions(i32::try_from(instances).unwrap_or(i32::MAX))
                    .send()
                    .await
                    .fault("lambda", "PutProvisionedConcurrencyConfig", id)?;
            }
            None if delta.updates("/provisioned_concurrency") => {
                lambda
                    .delete_provisioned_concurrency_config()
                    .function_name(function)
                    .qualifier(name)
                    .send()
                    .await
                    .removed("lambda", "DeleteProvisionedConcurrencyConfig", id)?;
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if want.provisioned_concurrency.is_some() {
            let what = "waiting until the provisioned instances are ready";
            cx.poll(Poll::MINUTES, what, || async {
                match provisioned(cx, id).await? {
                    Some((_, ready)) => ready.map(|ready| ready.then_some(())),
                    None => Ok(None),
                }
            })
            .await?;
        }
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        let (function, name) = parts(id)?;
        let alias = cx
            .clients
            .lambda()
            .get_alias()
            .function_name(function)
            .name(name)
            .send()
            .await
            .fault("lambda", "GetAlias", id)?;
        Ok(outputs(cx, name, alias.alias_arn().unwrap_or_default()))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (function, name) = parts(id)?;
        cx.clients
            .lambda()
            .delete_alias()
            .function_name(function)
            .name(name)
            .send()
            .await
            .removed("lambda", "DeleteAlias", id)
    }
}

fn routing(want: &AliasInputs) -> AliasRoutingConfiguration {
    let share = |(version, share): (&VersionNumber, &f64)| (version.to_string(), *share);
    let weights: HashMap<String, f64> = want.weights.iter().map(share).collect();
    AliasRoutingConfiguration::builder()
        .set_additional_version_weights(Some(weights))
        .build()
}

fn observed_weights(routing: Option<&AliasRoutingConfiguration>) -> BTreeMap<VersionNumber, f64> {
    let weights = routing.and_then(AliasRoutingConfiguration::additional_version_weights);
    let share = |(version, share): (&String, &f64)| (VersionNumber::new(version), *share);
    weights.into_iter().flatten().map(share).collect()
}

/// How many instances are asked for, and whether they are ready; `None` when none are asked for.
async fn provisioned(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
) -> Result<Option<(u32, Result<bool, KindError>)>, KindError> {
    let (function, name) = parts(id)?;
    let answer = cx
        .clients
        .lambda()
        .get_provisioned_concurrency_config()
        .function_name(function)
        .qualifier(name)
        .send()
        .await
        .fault("lambda", "GetProvisionedConcurrencyConfig", id);
    let Some(answer) = unless_gone(answer)? else {
        return Ok(None);
    };
    let requested = answer
        .requested_provisioned_concurrent_executions()
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or_default();
    let ready = match answer.status() {
        Some(Status::Failed) => {
            let reason = answer.status_reason().unwrap_or("Lambda gives no reason");
            Err(KindError::fatal(format!(
                "Lambda could not keep the instances warm: {reason}"
            ))
            .on(id.as_str()))
        }
        Some(Status::Ready) => Ok(true),
        _ => Ok(false),
    };
    Ok(Some((requested, ready)))
}

fn outputs(cx: &Cx<'_, Clients>, name: &str, arn: &str) -> AliasOutputs {
    AliasOutputs {
        arn: AliasArn::new(arn),
        name: AliasName::new(name),
        invoke_arn: invoke_arn(cx.clients.region(), arn),
    }
}

/// `<function>:<alias>`.
fn id(function: &FunctionName, name: &AliasName) -> PhysicalId {
    PhysicalId::new(format!("{function}:{name}"))
}

fn parts(id: &PhysicalId) -> Result<(&str, &str), KindError> {
    id.as_str()
        .rsplit_once(':')
        .ok_or_else(|| KindError::fatal("the id of an alias is <function>:<alias>").on(id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(name: &str) -> AliasInputs {
        AliasInputs {
            function: FunctionName::new("x").into(),
            name: name.into(),
            version: VersionNumber::new("1").into(),
            weights: BTreeMap::new(),
            description: String::new(),
            provisioned_concurrency: None,
        }
    }

    #[test]
    fn names() {
        for name in ["live", "v1", "1a"] {
            assert!(Alias::validate(&alias(name)).is_ok(), "{name}");
        }
        for name in ["", "1", "a:b", "a b"] {
            assert!(Alias::validate(&alias(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn shares_are_parts_of_one() {
        let mut inputs = alias("live");
        for (share, fits) in [
            (0.0, true),
            (0.25, true),
            (1.0, true),
            (1.5, false),
            (-0.1, false),
        ] {
            inputs.weights = BTreeMap::from([(VersionNumber::new("2"), share)]);
            assert_eq!(Alias::validate(&inputs).is_ok(), fits, "{share}");
        }
    }

    #[test]
    fn provisioned_concurrency_needs_a_published_version() {
        let mut inputs = alias("live");
        inputs.provisioned_concurrency = Some(1);
        assert!(Alias::validate(&inputs).is_ok());
        inputs.version = VersionNumber::new("$LATEST").into();
        assert!(Alias::validate(&inputs).is_err());
    }

    #[test]
    fn permissions_only_for_what_is_used() {
        let placement = Placement::default();
        let of = |inputs: &AliasInputs| Alias::permissions(Op::Create, inputs, &placement).len();
        let mut inputs = alias("live");
        assert_eq!(of(&inputs), 2);
        inputs.provisioned_concurrency = Some(1);
        assert_eq!(of(&inputs), 4);
    }
}
