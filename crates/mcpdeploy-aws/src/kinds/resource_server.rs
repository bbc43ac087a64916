//! `aws.cognito.resource_server`: an API that a pool's tokens are for, and its scopes.
//!
//! Facts, from the Cognito user pools API reference and developer guide:
//! - the identifier is unique within the pool; a scope's whole name is `<identifier>/<scope>`;
//! - the identifier is what a client asks for as `resource` (RFC 8707): then access tokens have it
//!   as their audience;
//! - UpdateResourceServer replaces the scopes as a whole;
//! - at most 100 scopes, each with a description.

use std::collections::BTreeMap;

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cognito_shared::{child_id, child_permissions, in_pool, serial_key, split};
use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ResourceServerId, UserPoolId};

/// A resource server.
#[derive(Debug)]
pub enum ResourceServer {}

/// What one can ask of a resource server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceServerInputs {
    /// The pool it belongs to.
    pub user_pool: Input<UserPoolId>,
    /// What it is known by, e.g. the URL of an MCP server: 1 to 256 printable characters without
    /// spaces, `"` and `\`.
    pub identifier: Input<String>,
    /// Its name for people: 1 to 256 characters.
    pub name: String,
    /// Its scopes, each with what it allows.
    #[serde(default)]
    pub scopes: BTreeMap<String, String>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceServerOutputs {
    /// What it is known by: the beginning of its scopes' names, which go on with `/<scope>`.
    pub identifier: ResourceServerId,
}

impl ResourceServer {
    /// Refers to the identifier of the resource server at `address`.
    #[must_use]
    pub fn identifier(address: &Address) -> Ref<ResourceServerId> {
        Ref::new(address, "/identifier")
    }
}

impl ResourceServerInputs {
    fn scopes_to_sdk(&self) -> Result<Vec<sdk::ResourceServerScopeType>, KindError> {
        let scope = |(name, description): (&String, &String)| {
            sdk::ResourceServerScopeType::builder()
                .scope_name(name)
                .scope_description(description)
                .build()
                .map_err(|error| KindError::fatal(error.to_string()))
        };
        self.scopes.iter().map(scope).collect()
    }
}

impl Kind for ResourceServer {
    const NAME: &'static str = "aws.cognito.resource_server";
    const REPLACE_ON: &'static [&'static str] = &["/user_pool", "/identifier"];

    type Clients = Clients;
    type Inputs = ResourceServerInputs;
    type Outputs = ResourceServerOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        let identifier = inputs.identifier.known().cloned();
        in_pool(&inputs.user_pool, identifier.unwrap_or_default())
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        serial_key(&inputs.user_pool)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if let Some(identifier) = inputs.identifier.known()
            && !((1..=256).contains(&identifier.len()) && identifier.bytes().all(fits))
        {
            return wrong(
                "/identifier",
                format!(
                    "`{identifier}` is no identifier: 1 to 256 printable characters without spaces, `\"` and `\\`"
                ),
            );
        }
        let named = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_+=,.@-".contains(c);
        let name = &inputs.name;
        if name.is_empty() || name.chars().count() > 256 || !name.chars().all(named) {
            return wrong(
                "/name",
                format!("`{name}` is no name: 1 to 256 letters, digits, spaces and `_+=,.@-`"),
            );
        }
        if inputs.scopes.len() > 100 {
            return wrong("/scopes", "a resource server has at most 100 scopes");
        }
        for (scope, description) in &inputs.scopes {
            if scope.is_empty()
                || scope.len() > 256
                || !scope.bytes().all(|byte| fits(byte) && byte != b'/')
            {
                return wrong(
                    "/scopes",
                    format!(
                        "`{scope}` is no scope: 1 to 256 printable characters without spaces, `\"`, `\\` and `/`"
                    ),
                );
            }
            if description.is_empty() || description.chars().count() > 256 {
                return wrong(
                    "/scopes",
                    format!("say in 1 to 256 characters what the scope `{scope}` allows"),
                );
            }
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        child_permissions(
            op,
            &inputs.user_pool,
            placement,
            [
                &["cognito-idp:DescribeResourceServer"],
                &["cognito-idp:CreateResourceServer"],
                &["cognito-idp:UpdateResourceServer"],
                &["cognito-idp:DeleteResourceServer"],
            ],
        )
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (pool, identifier) = match who.id {
            Some(id) => split(id)?,
            None => (
                who.inputs.user_pool.get().as_str(),
                who.inputs.identifier.get().as_str(),
            ),
        };
        let answer = cx
            .clients
            .cognito()
            .describe_resource_server()
            .user_pool_id(pool)
            .identifier(identifier)
            .send()
            .await
            .found(
                "cognito-idp",
                "DescribeResourceServer",
                child_id(pool, identifier),
            )?;
        let Some(server) = answer.and_then(|answer| answer.resource_server) else {
            return Ok(None);
        };
        let scope = |scope: &sdk::ResourceServerScopeType| {
            (
                scope.scope_name().to_owned(),
                scope.scope_description().to_owned(),
            )
        };
        Ok(Some(Observed {
            id: child_id(pool, identifier),
            outputs: outputs(identifier),
            inputs: ResourceServerInputs {
                user_pool: UserPoolId::new(pool).into(),
                identifier: identifier.into(),
                name: server.name().unwrap_or_default().to_owned(),
                scopes: server.scopes().iter().map(scope).collect(),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let (pool, identifier) = (want.user_pool.get().as_str(), want.identifier.get());
        let id = child_id(pool, identifier);
        cx.clients
            .cognito()
            .create_resource_server()
            .user_pool_id(pool)
            .identifier(identifier)
            .name(&want.name)
            .set_scopes(Some(want.scopes_to_sdk()?))
            .send()
            .await
            .fault("cognito-idp", "CreateResourceServer", &id)?;
        Ok(Created::with(id.as_str(), outputs(identifier)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&["/name", "/scopes"]) {
            return Ok(());
        }
        let (pool, identifier) = split(id)?;
        cx.clients
            .cognito()
            .update_resource_server()
            .user_pool_id(pool)
            .identifier(identifier)
            .name(&want.name)
            .set_scopes(Some(want.scopes_to_sdk()?))
            .send()
            .await
            .fault("cognito-idp", "UpdateResourceServer", id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        Ok(outputs(split(id)?.1))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (pool, identifier) = split(id)?;
        cx.clients
            .cognito()
            .delete_resource_server()
            .user_pool_id(pool)
            .identifier(identifier)
            .send()
            .await
            .removed("cognito-idp", "DeleteResourceServer", id)
    }
}

fn outputs(identifier: &str) -> ResourceServerOutputs {
    ResourceServerOutputs {
        identifier: identifier.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn identifiers_and_scopes() {
        let check = |identifier: &str, scopes: Value| {
            let inputs = json!({"user_pool": "p", "identifier": identifier, "name": "mcp", "scopes": scopes});
            ResourceServer::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
        };
        let url = "https://mcp.example/mcp";
        assert_eq!(check(url, json!({"read": "Reads all"})), Ok(()));
        assert_eq!(check("a b", json!({})), Err("/identifier".to_owned()));
        assert_eq!(check("", json!({})), Err("/identifier".to_owned()));
        assert_eq!(check(url, json!({"a/b": "x"})), Err("/scopes".to_owned()));
        assert_eq!(check(url, json!({"read": ""})), Err("/scopes".to_owned()));
    }
}
