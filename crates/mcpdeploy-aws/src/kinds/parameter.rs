//! `aws.ssm.parameter`: a SecureString of Systems Manager's Parameter Store, without its value.
//!
//! A parameter cannot exist without a value, and one that stands in for it would be deployed as if it
//! were the right one. So a parameter is made by whoever has its value, or with a random one
//! ([`Generate`]), and never with a word of ours: without either, its creation fails and says what to
//! do.
//!
//! Facts, from the Systems Manager API reference:
//! - PutParameter takes tags only without `Overwrite`, and wants the value each time: description and
//!   key of one that is there change only by writing the same value again;
//! - a change of the value counts the version up;
//! - DescribeParameters tells key and description, not the value, and may be behind; GetParameter is
//!   not, and without `WithDecryption` gives what only KMS can read;
//! - the name in an ARN has no first slash of its own;
//! - DeleteParameter cannot be taken back.

use aws_sdk_ssm::types::{
    ParameterMetadata, ParameterStringFilter, ParameterType, ResourceTypeForTagging, Tag,
};
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Tags, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::{some_text, wrong};
use super::secret::{Generate, key_arn};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ParameterArn, ParameterName, partition};
use crate::tags;

/// The key that Systems Manager takes when nobody names one.
const OWN_KEY: &str = "alias/aws/ssm";

/// A SecureString, without its value.
#[derive(Debug)]
pub enum Parameter {}

/// What one can ask of a parameter. Its value is not among it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterInputs {
    /// Its name: letters, digits and `.-_`, or a path of such that begins with a slash.
    pub name: ParameterName,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The KMS key (id, ARN or alias) that encrypts it; Systems Manager's own when not set.
    #[serde(default)]
    pub kms_key_id: Option<Input<String>>,
    /// Makes it with a random value. What is there keeps its value, whatever changes here.
    #[serde(default)]
    pub generate: Option<Generate>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParameterOutputs {
    /// Its ARN.
    pub arn: ParameterArn,
    /// Its name.
    pub name: ParameterName,
    /// The number of its value's version.
    pub version: String,
}

impl Parameter {
    /// Refers to the ARN of the parameter at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<ParameterArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the version of the value of the parameter at `address`.
    #[must_use]
    pub fn version(address: &Address) -> Ref<String> {
        Ref::new(address, "/version")
    }
}

impl Kind for Parameter {
    const NAME: &'static str = "aws.ssm.parameter";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    // Description and key change with the value, which is written again.
    const VOLATILE: &'static [(&'static str, &'static str)] =
        &[("/description", "/version"), ("/kms_key_id", "/version")];
    const TAGGABLE: bool = true;

    type Clients = Clients;
    type Inputs = ParameterInputs;
    type Outputs = ParameterOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if let Some(why) = no_name(inputs.name.as_str()) {
            return wrong("/name", format!("`{}` {why}", inputs.name));
        }
        if let Some(generate) = inputs.generate {
            generate.validate()?;
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let on = arn(inputs.name.as_str(), placement);
        let looks = ["ssm:GetParameter", "ssm:ListTagsForResource"];
        let writes = [
            "ssm:PutParameter",
            "ssm:AddTagsToResource",
            "ssm:RemoveTagsFromResource",
        ];
        let mut all = Vec::new();
        match op {
            Op::Read => all.extend(Permission::all(&looks, &on)),
            Op::Create | Op::Update => {
                all.extend(Permission::all(&looks, &on));
                all.extend(Permission::all(&writes, &on));
                if let Some(key) = &inputs.kms_key_id {
                    let key = key_arn(key.known().map_or("", String::as_str), placement);
                    all.extend(Permission::all(&["kms:Encrypt", "kms:Decrypt"], &key));
                }
            }
            Op::Delete => return Permission::all(&["ssm:DeleteParameter"], &on),
        }
        // It knows no resources.
        all.push(Permission::new("ssm:DescribeParameters", "*"));
        all
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let (version, metadata, tags) = tokio::join!(
            version(cx, name),
            metadata(cx, name),
            observed_tags(cx, name)
        );
        let (Some(version), Some(tags)) = (version?, tags?) else {
            return Ok(None);
        };
        let Some(metadata) = metadata? else {
            // It was made a moment ago.
            return Err(FaultClass::Propagation
                .error("it cannot be described yet")
                .on(name));
        };
        Ok(Some(Observed {
            id: PhysicalId::new(name),
            outputs: outputs(cx, name, version),
            inputs: ParameterInputs {
                name: ParameterName::new(name),
                description: some_text(metadata.description()),
                kms_key_id: some_text(metadata.key_id())
                    .filter(|key| who.inputs.kms_key_id.is_some() || key != OWN_KEY)
                    .map(Input::from),
                generate: who.inputs.generate,
                tags,
            },
            unobserved: &["/generate"],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let name = want.name.as_str();
        let Some(generate) = want.generate else {
            return Err(KindError::fatal(
                "a parameter cannot be made without a value, and it has none yet",
            )
            .on(name)
            .hint(format!(
                "give it its value first: mcpdeploy secrets set {}",
                cx.address.name()
            )));
        };
        let answer = cx
            .clients
            .ssm()
            .put_parameter()
            .name(name)
            .r#type(ParameterType::SecureString)
            .value(generate.value()?)
            .set_description(want.description.clone())
            .set_key_id(want.kms_key_id.as_ref().map(|key| key.get().clone()))
            .set_tags(
                (!want.tags.is_empty())
                    .then(|| sdk_tags(&want.tags))
                    .transpose()?,
            )
            .send()
            .await
            .fault("ssm", "PutParameter", name)?;
        Ok(Created::with(name, outputs(cx, name, answer.version)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        _: &Delta<'_>,
    ) -> Result<(), KindError> {
        let name = id.as_str();
        let (metadata, tags) = tokio::join!(metadata(cx, name), observed_tags(cx, name));
        let (Some(metadata), Some(tags)) = (metadata?, tags?) else {
            return Err(FaultClass::Propagation
                .error("it cannot be described yet")
                .on(name));
        };
        let description = want.description.as_deref().unwrap_or_default();
        let key = want.kms_key_id.as_ref().map_or(OWN_KEY, |key| key.get());
        if metadata.description().unwrap_or_default() != description
            || metadata.key_id().unwrap_or(OWN_KEY) != key
        {
            rewrite(cx, name, description, key).await?;
        }
        let changes = tags::changes(&tags, &want.tags);
        let ssm = cx.clients.ssm();
        if !changes.set.is_empty() {
            ssm.add_tags_to_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(name)
                .set_tags(Some(sdk_tags(&changes.set)?))
                .send()
                .await
                .fault("ssm", "AddTagsToResource", name)?;
        }
        if !changes.remove.is_empty() {
            ssm.remove_tags_from_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(name)
                .set_tag_keys(Some(changes.remove))
                .send()
                .await
                .fault("ssm", "RemoveTagsFromResource", name)?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let name = id.as_str();
        match version(cx, name).await? {
            Some(version) => Ok(outputs(cx, name, version)),
            None => Err(KindError::fatal("the parameter is gone").on(name)),
        }
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .ssm()
            .delete_parameter()
            .name(id.as_str())
            .send()
            .await
            .removed("ssm", "DeleteParameter", id)
    }
}

/// Why a name is none.
fn no_name(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let path = name.strip_prefix('/');
    let levels: Vec<&str> = path.unwrap_or(name).split('/').collect();
    let first = levels.first().map(|level| level.to_ascii_lowercase());
    let first = first.unwrap_or_default();
    if name.is_empty() || name.len() > 1011 || !name.chars().all(fits) {
        Some("is no parameter's name: 1 to 1011 letters, digits and `.-_/`")
    } else if path.is_none() && levels.len() > 1 {
        Some("is a path: it has to begin with a slash")
    } else if levels.iter().any(|level| level.is_empty()) || levels.len() > 15 {
        Some("has to be 1 to 15 names with a slash between them")
    } else if first.starts_with("aws") || first.starts_with("ssm") {
        Some("begins with aws or ssm, which Systems Manager keeps for itself")
    } else {
        None
    }
}

/// The ARN of a parameter.
fn arn(name: &str, placement: &Placement) -> String {
    let region = placement.region_or_any();
    format!(
        "arn:{}:ssm:{region}:{}:parameter/{}",
        partition(region),
        placement.account_or_any(),
        name.strip_prefix('/').unwrap_or(name)
    )
}

fn outputs(cx: &Cx<'_, Clients>, name: &str, version: i64) -> ParameterOutputs {
    ParameterOutputs {
        arn: arn(name, cx.placement).into(),
        name: ParameterName::new(name),
        version: version.to_string(),
    }
}

/// The number of its value's version.
async fn version(cx: &Cx<'_, Clients>, name: &str) -> Result<Option<i64>, KindError> {
    let call = cx.clients.ssm().get_parameter().name(name).send();
    let found = call.await.found("ssm", "GetParameter", name)?;
    Ok(found
        .and_then(|answer| answer.parameter)
        .map(|parameter| parameter.version))
}

async fn metadata(
    cx: &Cx<'_, Clients>,
    name: &str,
) -> Result<Option<ParameterMetadata>, KindError> {
    let filter = ParameterStringFilter::builder()
        .key("Name")
        .option("Equals")
        .values(name)
        .build()
        .map_err(|error| KindError::fatal(error.to_string()))?;
    let call = cx
        .clients
        .ssm()
        .describe_parameters()
        .parameter_filters(filter);
    let answer = call.send().await.fault("ssm", "DescribeParameters", name)?;
    let found = answer.parameters.unwrap_or_default().into_iter();
    Ok(found.into_iter().find(|found| found.name() == Some(name)))
}

async fn observed_tags(cx: &Cx<'_, Clients>, name: &str) -> Result<Option<Tags>, KindError> {
    let call = cx
        .clients
        .ssm()
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name);
    let found = call
        .send()
        .await
        .found("ssm", "ListTagsForResource", name)?;
    Ok(found.map(|answer| {
        let list = answer.tag_list.unwrap_or_default();
        tags::from_pairs(list.into_iter().map(|tag| (tag.key, tag.value)))
    }))
}

/// Writes the value that is there again, with another description or key. It is in no message and
/// nowhere else than in this call.
async fn rewrite(
    cx: &Cx<'_, Clients>,
    name: &str,
    description: &str,
    key: &str,
) -> Result<(), KindError> {
    let ssm = cx.clients.ssm();
    let there = ssm
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .await
        .fault("ssm", "GetParameter", name)?;
    let value = there.parameter.and_then(|parameter| parameter.value);
    ssm.put_parameter()
        .name(name)
        .r#type(ParameterType::SecureString)
        .set_value(value)
        .description(description)
        .key_id(key)
        .overwrite(true)
        .send()
        .await
        .fault("ssm", "PutParameter", name)
        .map(|_| ())
}

/// Tags as the SDK takes them.
pub(crate) fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, KindError> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| KindError::fatal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_or_paths() {
        for good in ["key", "/calculator/API_TOKEN", "/a/b.c-d"] {
            assert_eq!(no_name(good), None, "{good}");
        }
        for bad in [
            "",
            "a b",
            "a/b",
            "/a//b",
            "/a/",
            "/aws/x",
            "SSMkey",
            &"/a".repeat(16),
        ] {
            assert!(no_name(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_arn_has_one_slash() {
        let placement = Placement {
            region: Some("eu-central-1".to_owned()),
            account: Some("123456789012".to_owned()),
        };
        let whole = "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b";
        assert_eq!(arn("/a/b", &placement), whole);
        assert_eq!(
            arn("a", &placement),
            "arn:aws:ssm:eu-central-1:123456789012:parameter/a"
        );
    }

    #[test]
    fn a_value_is_no_input() {
        let inputs = serde_json::json!({"name": "x", "value": "hunter2"});
        assert!(serde_json::from_value::<ParameterInputs>(inputs).is_err());
    }
}
