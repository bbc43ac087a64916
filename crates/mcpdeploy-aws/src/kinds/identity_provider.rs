//! `aws.cognito.identity_provider`: whom else a pool lets people log in by.
//!
//! The secret that a provider wants is read from Secrets Manager at the moment of the call, and is
//! nowhere else: an input names the secret, and which version of it. What cannot be seen afterwards
//! is whether Cognito still has it: with another version in the file it is told again.
//!
//! Facts, from the Cognito user pools API reference and developer guide:
//! - a name is unique within the pool; Google's is `Google`, Apple's `SignInWithApple`;
//! - DescribeIdentityProvider tells the client secret, which is read past here, and never Apple's
//!   private key; it tells the endpoints that were discovered as if they had been given;
//! - UpdateIdentityProvider replaces the details as a whole, the secret among them;
//! - where no attribute is mapped to `username`, Cognito maps `sub` to it itself;
//! - an `oidc` provider must issue ID tokens, and have a discovery document or all endpoints. GitHub
//!   does neither when people log in (its issuer is for Actions): it needs a service in between that
//!   does, and cannot be named here by itself.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::ids::UserPoolId;

mod details;
mod secret;

pub use details::{Apple, Endpoints, Oidc};
pub use secret::ProviderSecret;

/// An identity provider of a pool.
#[derive(Debug)]
pub enum IdentityProvider {}

/// Which sort of provider it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderSort {
    /// Google.
    Google,
    /// Sign in with Apple.
    Apple,
    /// Any issuer of OpenID Connect.
    Oidc,
}

/// What one can ask of an identity provider: `apple` or `oidc` with it, as its sort is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderInputs {
    /// The pool it belongs to.
    pub user_pool: Input<UserPoolId>,
    /// Its name, which app clients and the login page know it by: `Google` and `SignInWithApple`
    /// are given; else 3 to 32 characters without spaces and `_`.
    pub name: String,
    /// Which sort of provider it is.
    #[serde(rename = "type")]
    pub sort: ProviderSort,
    /// The pool's id at the provider; Apple's services id.
    pub client_id: Input<String>,
    /// Where the secret of that client is, or Apple's private key.
    #[serde(default)]
    pub client_secret: Option<ProviderSecret>,
    /// What Apple wants besides.
    #[serde(default)]
    pub apple: Option<Apple>,
    /// Which issuer it is.
    #[serde(default)]
    pub oidc: Option<Oidc>,
    /// What the pool asks the provider for.
    pub scopes: BTreeSet<String>,
    /// Attributes of the pool's users, and the provider's claims that they are from.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityProviderOutputs {
    /// Its name: what an app client's `identity_providers` have in them.
    pub name: String,
}

impl IdentityProvider {
    /// Refers to the name of the provider at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<String> {
        Ref::new(address, "/name")
    }
}

impl Kind for IdentityProvider {
    const NAME: &'static str = "aws.cognito.identity_provider";
    const REPLACE_ON: &'static [&'static str] = &["/user_pool", "/name", "/type"];

    type Clients = Clients;
    type Inputs = IdentityProviderInputs;
    type Outputs = IdentityProviderOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        in_pool(&inputs.user_pool, &inputs.name)
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        serial_key(&inputs.user_pool)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        details::validate(inputs)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let mut permissions = child_permissions(
            op,
            &inputs.user_pool,
            placement,
            [
                &["cognito-idp:DescribeIdentityProvider"],
                // One whose creation was not answered is told its secret again.
                &[
                    "cognito-idp:CreateIdentityProvider",
                    "cognito-idp:UpdateIdentityProvider",
                ],
                &["cognito-idp:UpdateIdentityProvider"],
                &["cognito-idp:DeleteIdentityProvider"],
            ],
        );
        if let (Op::Create | Op::Update, Some(secret)) = (op, &inputs.client_secret) {
            let secret = secret.secret_arn.known().map_or("*", String::as_str);
            permissions.push(Permission::new("secretsmanager:GetSecretValue", secret));
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
            .describe_identity_provider()
            .user_pool_id(pool)
            .provider_name(name)
            .send()
            .await
            .found(
                "cognito-idp",
                "DescribeIdentityProvider",
                child_id(pool, name),
            )?;
        let Some(found) = answer.and_then(|answer| answer.identity_provider) else {
            return Ok(None);
        };
        let Some(inputs) = details::observed(&found, pool, name, who.inputs) else {
            return Err(KindError::fatal(format!(
                "the identity provider is of the type {}, which is not known here",
                found.provider_type().map_or("?", |sort| sort.as_str())
            ))
            .on(child_id(pool, name).as_str()));
        };
        Ok(Some(Observed {
            id: child_id(pool, name),
            outputs: outputs(name),
            inputs,
            unobserved: &["/client_secret"],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let pool = want.user_pool.get();
        let id = child_id(pool.as_str(), &want.name);
        let secret = secret::read(cx, want.client_secret.as_ref()).await?;
        cx.clients
            .cognito()
            .create_identity_provider()
            .user_pool_id(pool)
            .provider_name(&want.name)
            .provider_type(want.sort.to_sdk())
            .set_provider_details(Some(details::to_sdk(want, secret)))
            .set_attribute_mapping(Some(details::mapping(want)))
            .send()
            .await
            .fault("cognito-idp", "CreateIdentityProvider", &id)?;
        Ok(Created::with(id.as_str(), outputs(&want.name)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&[
            "/client_id",
            "/client_secret",
            "/apple",
            "/oidc",
            "/scopes",
            "/attributes",
        ]) {
            return Ok(());
        }
        let (pool, name) = split(id)?;
        let secret = secret::read(cx, want.client_secret.as_ref()).await?;
        cx.clients
            .cognito()
            .update_identity_provider()
            .user_pool_id(pool)
            .provider_name(name)
            .set_provider_details(Some(details::to_sdk(want, secret)))
            .set_attribute_mapping(Some(details::mapping(want)))
            .send()
            .await
            .fault("cognito-idp", "UpdateIdentityProvider", id)
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
            .delete_identity_provider()
            .user_pool_id(pool)
            .provider_name(name)
            .send()
            .await
            .removed("cognito-idp", "DeleteIdentityProvider", id)
    }
}

impl ProviderSort {
    fn to_sdk(self) -> sdk::IdentityProviderTypeType {
        match self {
            Self::Google => sdk::IdentityProviderTypeType::Google,
            Self::Apple => sdk::IdentityProviderTypeType::SignInWithApple,
            Self::Oidc => sdk::IdentityProviderTypeType::Oidc,
        }
    }

    fn observed(found: &sdk::IdentityProviderType) -> Option<Self> {
        let sorts = [Self::Google, Self::Apple, Self::Oidc];
        let found = found.provider_type()?;
        sorts.into_iter().find(|sort| sort.to_sdk() == *found)
    }
}

fn outputs(name: &str) -> IdentityProviderOutputs {
    IdentityProviderOutputs {
        name: name.to_owned(),
    }
}

/// The name that a provider has to have, where it is given.
fn given_name(sort: ProviderSort) -> Option<&'static str> {
    match sort {
        ProviderSort::Google => Some("Google"),
        ProviderSort::Apple => Some("SignInWithApple"),
        ProviderSort::Oidc => None,
    }
}

fn check_name(inputs: &IdentityProviderInputs) -> Result<(), (String, String)> {
    let name = &inputs.name;
    if let Some(given) = given_name(inputs.sort) {
        if name != given {
            return wrong("/name", format!("this provider's name is `{given}`"));
        }
        return Ok(());
    }
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '_';
    if !(3..=32).contains(&name.chars().count()) || !name.chars().all(fits) {
        return wrong(
            "/name",
            format!("`{name}` is no provider's name: 3 to 32 characters without spaces and `_`"),
        );
    }
    if [
        "COGNITO",
        "Google",
        "SignInWithApple",
        "Facebook",
        "LoginWithAmazon",
    ]
    .contains(&name.as_str())
    {
        return wrong("/name", format!("`{name}` is the name of another provider"));
    }
    Ok(())
}
