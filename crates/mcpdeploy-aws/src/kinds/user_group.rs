//! `aws.cognito.group`: a group of a pool's users: its name is in their tokens (`cognito:groups`).
//!
//! Who is in it is no affair of a deployment.
//!
//! Facts, from the Cognito user pools API reference:
//! - a name is unique within the pool, and stays;
//! - the group of the least precedence says which role a user prefers;
//! - UpdateGroup keeps what it is not told: a description can be emptied, but a precedence and a
//!   role cannot be taken away.

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cognito_shared::{child_id, child_permissions, in_pool, serial_key, split};
use super::inputs::{int, some_text, uint, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{RoleArn, UserPoolId};

/// A group of users.
#[derive(Debug)]
pub enum UserGroup {}

/// What one can ask of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserGroupInputs {
    /// The pool it belongs to.
    pub user_pool: Input<UserPoolId>,
    /// Its name: 1 to 128 characters without spaces.
    pub name: String,
    /// Who is in it: up to 2048 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// Of a user's groups, the one with the least says which role is preferred.
    #[serde(default)]
    pub precedence: Option<u32>,
    /// The role that an identity pool gives to who is in it.
    #[serde(default)]
    pub role: Option<Input<RoleArn>>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserGroupOutputs {
    /// Its name.
    pub name: String,
}

impl UserGroup {
    /// Refers to the name of the group at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<String> {
        Ref::new(address, "/name")
    }
}

impl Kind for UserGroup {
    const NAME: &'static str = "aws.cognito.group";
    const REPLACE_ON: &'static [&'static str] = &["/user_pool", "/name"];

    type Clients = Clients;
    type Inputs = UserGroupInputs;
    type Outputs = UserGroupOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        in_pool(&inputs.user_pool, &inputs.name)
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        serial_key(&inputs.user_pool)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = &inputs.name;
        let fits = |c: char| !c.is_whitespace() && !c.is_control();
        if name.is_empty() || name.chars().count() > 128 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!("`{name}` is no group's name: 1 to 128 characters without spaces"),
            );
        }
        let description = inputs.description.as_deref().unwrap_or_default();
        if description.chars().count() > 2048 {
            return wrong("/description", "a description has up to 2048 characters");
        }
        if inputs
            .precedence
            .is_some_and(|number| i32::try_from(number).is_err())
        {
            return wrong("/precedence", "a precedence is at most 2147483647");
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let mut permissions = child_permissions(
            op,
            &inputs.user_pool,
            placement,
            [
                &["cognito-idp:GetGroup"],
                &["cognito-idp:CreateGroup"],
                &["cognito-idp:UpdateGroup"],
                &["cognito-idp:DeleteGroup"],
            ],
        );
        // Who gives a role away must be allowed to.
        if let (Op::Create | Op::Update, Some(role)) = (op, &inputs.role) {
            let role = role.known().map_or("*", RoleArn::as_str);
            permissions.push(Permission::new("iam:PassRole", role));
        }
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (pool, name) = match who.id {
            Some(id) => split(id)?,
            None => (
                who.inputs.user_pool.get().as_str(),
                who.inputs.name.as_str(),
            ),
        };
        let answer = cx
            .clients
            .cognito()
            .get_group()
            .user_pool_id(pool)
            .group_name(name)
            .send()
            .await
            .found("cognito-idp", "GetGroup", child_id(pool, name))?;
        let group: Option<sdk::GroupType> = answer.and_then(|answer| answer.group);
        let Some(group) = group else { return Ok(None) };
        Ok(Some(Observed {
            id: child_id(pool, name),
            outputs: outputs(name),
            inputs: UserGroupInputs {
                user_pool: UserPoolId::new(pool).into(),
                name: name.to_owned(),
                description: some_text(group.description()),
                precedence: group.precedence().map(|number| uint(Some(number))),
                role: some_text(group.role_arn()).map(|arn| RoleArn::new(arn).into()),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let pool = want.user_pool.get();
        let id = child_id(pool.as_str(), &want.name);
        cx.clients
            .cognito()
            .create_group()
            .user_pool_id(pool)
            .group_name(&want.name)
            .set_description(want.description.clone())
            .set_precedence(want.precedence.map(int))
            .set_role_arn(want.role.as_ref().map(|role| role.get().to_string()))
            .send()
            .await
            .fault("cognito-idp", "CreateGroup", &id)?;
        Ok(Created::with(id.as_str(), outputs(&want.name)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&["/description", "/precedence", "/role"]) {
            return Ok(());
        }
        for (what, gone) in [
            (
                "precedence",
                delta.updates("/precedence") && want.precedence.is_none(),
            ),
            ("role", delta.updates("/role") && want.role.is_none()),
        ] {
            if gone {
                return Err(KindError::fatal(format!(
                    "Cognito cannot take the {what} from a group"
                ))
                .on(id.as_str())
                .hint(format!(
                    "give it another {what}, or delete the group in Cognito (which forgets who is in it) and deploy again"
                )));
            }
        }
        let (pool, name) = split(id)?;
        cx.clients
            .cognito()
            .update_group()
            .user_pool_id(pool)
            .group_name(name)
            .description(want.description.as_deref().unwrap_or_default())
            .set_precedence(want.precedence.map(int))
            .set_role_arn(want.role.as_ref().map(|role| role.get().to_string()))
            .send()
            .await
            .fault("cognito-idp", "UpdateGroup", id)
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
        let (pool, name) = split(id)?;
        cx.clients
            .cognito()
            .delete_group()
            .user_pool_id(pool)
            .group_name(name)
            .send()
            .await
            .removed("cognito-idp", "DeleteGroup", id)
    }
}

fn outputs(name: &str) -> UserGroupOutputs {
    UserGroupOutputs {
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names() {
        let check = |name: &str| {
            let inputs = json!({"user_pool": "p", "name": name});
            UserGroup::validate(&serde_json::from_value(inputs).unwrap()).is_ok()
        };
        assert!(check("admins"));
        for bad in ["", "a b", &"x".repeat(129)] {
            assert!(!check(bad), "{bad}");
        }
    }
}
