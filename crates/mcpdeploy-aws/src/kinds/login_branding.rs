//! `aws.cognito.managed_login_branding`: the look of the login pages that an app client sends people
//! to. Without one, managed login shows no pages at all, but says that they are unavailable.
//!
//! It begins as Cognito's own look. What somebody makes of it in the branding editor stays: it is
//! a designer's work, and nothing here undoes it.
//!
//! Facts, from the Cognito user pools API reference:
//! - a client has one style at most; only a client made in the console is given one at once;
//! - which client a style is of is not told: it is found by its client;
//! - it needs the plan `essentials` or `plus`.

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    ReplaceOrder, Who,
};
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cognito_shared::{child_id, child_permissions, in_pool, serial_key, split};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{UserPoolClientId, UserPoolId};

/// A branding style.
#[derive(Debug)]
pub enum LoginBranding {}

/// What one can ask of a branding style.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBrandingInputs {
    /// The pool it belongs to.
    pub user_pool: Input<UserPoolId>,
    /// The client whose pages it is for.
    pub client: Input<UserPoolClientId>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoginBrandingOutputs {
    /// Its id.
    pub id: String,
}

impl Kind for LoginBranding {
    const NAME: &'static str = "aws.cognito.managed_login_branding";
    const REPLACE_ON: &'static [&'static str] = &["/user_pool", "/client"];
    const REPLACE_ORDER: ReplaceOrder = ReplaceOrder::CreateFirst;

    type Clients = Clients;
    type Inputs = LoginBrandingInputs;
    type Outputs = LoginBrandingOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        let client = inputs.client.known().map(ToString::to_string);
        in_pool(&inputs.user_pool, client.unwrap_or_default())
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        serial_key(&inputs.user_pool)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        child_permissions(
            op,
            &inputs.user_pool,
            placement,
            [
                &[
                    "cognito-idp:DescribeManagedLoginBranding",
                    "cognito-idp:DescribeManagedLoginBrandingByClient",
                ],
                &["cognito-idp:CreateManagedLoginBranding"],
                &[],
                &["cognito-idp:DeleteManagedLoginBranding"],
            ],
        )
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (pool, found) = match who.id {
            Some(id) => {
                let (pool, branding) = split(id)?;
                (pool, describe(cx, pool, branding).await?)
            }
            None => {
                let pool = who.inputs.user_pool.get().as_str();
                (pool, of_client(cx, pool, who.inputs.client.get()).await?)
            }
        };
        let Some(found) = found else { return Ok(None) };
        let id = found.managed_login_branding_id().unwrap_or_default();
        Ok(Some(Observed {
            id: child_id(pool, id),
            outputs: LoginBrandingOutputs { id: id.to_owned() },
            inputs: LoginBrandingInputs {
                user_pool: UserPoolId::new(pool).into(),
                client: who.inputs.client.clone(),
            },
            unobserved: &["/client"],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let (pool, client) = (want.user_pool.get(), want.client.get());
        let answer = cx
            .clients
            .cognito()
            .create_managed_login_branding()
            .user_pool_id(pool)
            .client_id(client)
            .use_cognito_provided_values(true)
            .send()
            .await
            .fault(
                "cognito-idp",
                "CreateManagedLoginBranding",
                child_id(pool.as_str(), client.as_str()),
            )?;
        let branding = answer.managed_login_branding();
        let id = branding.and_then(|branding| branding.managed_login_branding_id());
        let id = id.unwrap_or_default();
        let outputs = LoginBrandingOutputs { id: id.to_owned() };
        Ok(Created::with(child_id(pool.as_str(), id).as_str(), outputs))
    }

    async fn configure(
        _: &Cx<'_, Clients>,
        _: &PhysicalId,
        _: &Self::Inputs,
        _: &Delta<'_>,
    ) -> Result<(), KindError> {
        // Everything that can be asked of it replaces it.
        Ok(())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let (_, branding) = split(id)?;
        Ok(LoginBrandingOutputs {
            id: branding.to_owned(),
        })
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (pool, branding) = split(id)?;
        cx.clients
            .cognito()
            .delete_managed_login_branding()
            .user_pool_id(pool)
            .managed_login_branding_id(branding)
            .send()
            .await
            .removed("cognito-idp", "DeleteManagedLoginBranding", id)
    }
}

async fn describe(
    cx: &Cx<'_, Clients>,
    pool: &str,
    id: &str,
) -> Result<Option<sdk::ManagedLoginBrandingType>, KindError> {
    let answer = cx
        .clients
        .cognito()
        .describe_managed_login_branding()
        .user_pool_id(pool)
        .managed_login_branding_id(id)
        .send()
        .await
        .found(
            "cognito-idp",
            "DescribeManagedLoginBranding",
            child_id(pool, id),
        )?;
    Ok(answer.and_then(|answer| answer.managed_login_branding))
}

async fn of_client(
    cx: &Cx<'_, Clients>,
    pool: &str,
    client: &UserPoolClientId,
) -> Result<Option<sdk::ManagedLoginBrandingType>, KindError> {
    let answer = cx
        .clients
        .cognito()
        .describe_managed_login_branding_by_client()
        .user_pool_id(pool)
        .client_id(client)
        .send()
        .await
        .found(
            "cognito-idp",
            "DescribeManagedLoginBrandingByClient",
            child_id(pool, client.as_str()),
        )?;
    Ok(answer.and_then(|answer| answer.managed_login_branding))
}
