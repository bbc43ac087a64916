//! `aws.kms.alias`: another name of a key, by which it can be used.
//!
//! Facts, from the KMS API reference:
//! - a name is unique within account and region, begins with `alias/`, and stays; `alias/aws/` is
//!   AWS's own;
//! - UpdateAlias makes it the name of another key;
//! - ListAliases of a key tells its aliases, and at once after a change may still tell the old ones;
//! - the aliases of a key whose deletion is scheduled stay, and their names stay taken.

use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{KmsAliasName, KmsKeyId, partition};

/// An alias of a key.
#[derive(Debug)]
pub enum KmsAlias {}

/// What one can ask of an alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KmsAliasInputs {
    /// Its name: `alias/` and 1 to 250 letters, digits and `/_-`.
    pub name: KmsAliasName,
    /// The key that it is a name of.
    pub key: Input<KmsKeyId>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KmsAliasOutputs {
    /// Its name.
    pub name: KmsAliasName,
}

impl KmsAlias {
    /// Refers to the name of the alias at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<KmsAliasName> {
        Ref::new(address, "/name")
    }
}

impl Kind for KmsAlias {
    const NAME: &'static str = "aws.kms.alias";
    const REPLACE_ON: &'static [&'static str] = &["/name"];

    type Clients = Clients;
    type Inputs = KmsAliasInputs;
    type Outputs = KmsAliasOutputs;

    // The name of a key of ours is ours: so it is found within its key, and another's is not taken.
    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs
                .key
                .known()
                .map(ToString::to_string)
                .unwrap_or_default(),
            key: inputs.name.to_string(),
        }
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = inputs.name.as_str();
        let rest = name.strip_prefix("alias/").unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
        if rest.is_empty() || rest.len() > 250 || !rest.chars().all(fits) {
            return wrong(
                "/name",
                format!("`{name}` is no alias: `alias/` and 1 to 250 letters, digits and `/_-`"),
            );
        }
        if rest.starts_with("aws/") {
            return wrong("/name", "`alias/aws/` is AWS's own");
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let region = placement.region_or_any();
        let arn = |rest: &str| {
            format!(
                "arn:{}:kms:{region}:{}:{rest}",
                partition(region),
                placement.account_or_any()
            )
        };
        let alias = arn(inputs.name.as_str());
        // KMS asks for the permission on the alias and on the key.
        let action = match op {
            Op::Read => return vec![Permission::new("kms:ListAliases", "*")],
            Op::Create => "kms:CreateAlias",
            Op::Update => "kms:UpdateAlias",
            Op::Delete => "kms:DeleteAlias",
        };
        // Whichever key it was a name of before.
        vec![
            Permission::new(action, alias),
            Permission::new(action, arn("key/*")),
        ]
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let key = who.id.is_none().then(|| who.inputs.key.get());
        let Some(target) = find(cx, name, key).await? else {
            return Ok(None);
        };
        Ok(Some(Observed {
            id: PhysicalId::new(name),
            outputs: outputs(name),
            inputs: KmsAliasInputs {
                name: name.into(),
                key: KmsKeyId::new(target).into(),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        cx.clients
            .kms()
            .create_alias()
            .alias_name(&want.name)
            .target_key_id(want.key.get())
            .send()
            .await
            .fault("kms", "CreateAlias", &want.name)?;
        let outputs = outputs(want.name.as_str());
        Ok(Created::with(want.name.as_str(), outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates("/key") {
            return Ok(());
        }
        cx.clients
            .kms()
            .update_alias()
            .alias_name(id.as_str())
            .target_key_id(want.key.get())
            .send()
            .await
            .fault("kms", "UpdateAlias", id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        Ok(outputs(id.as_str()))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .kms()
            .delete_alias()
            .alias_name(id.as_str())
            .send()
            .await
            .removed("kms", "DeleteAlias", id)
    }
}

/// The key that the alias of that name is of, among all aliases or those of one key.
async fn find(
    cx: &Cx<'_, Clients>,
    name: &str,
    key: Option<&KmsKeyId>,
) -> Result<Option<String>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .kms()
            .list_aliases()
            .set_key_id(key.map(ToString::to_string))
            .limit(100)
            .set_marker(next)
            .send()
            .await
            .found("kms", "ListAliases", name)?;
        let Some(page) = page else { return Ok(None) };
        let mut aliases = page.aliases.into_iter().flatten();
        let found = aliases.find(|alias| alias.alias_name() == Some(name));
        if let Some(found) = found {
            return Ok(found.target_key_id);
        }
        next = page.next_marker.filter(|marker| !marker.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
}

fn outputs(name: &str) -> KmsAliasOutputs {
    KmsAliasOutputs { name: name.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names() {
        let check = |name: &str| {
            let inputs = json!({"name": name, "key": "k"});
            KmsAlias::validate(&serde_json::from_value(inputs).unwrap()).is_ok()
        };
        assert!(check("alias/calculator/state"));
        for bad in ["calculator", "alias/", "alias/a b", "alias/aws/s3"] {
            assert!(!check(bad), "{bad}");
        }
    }
}
