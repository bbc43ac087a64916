//! `aws.cognito.user_pool_client`: an app client: a program that sends people to a pool to log in.
//!
//! Facts, from the Cognito user pools API reference:
//! - names need not be unique, but ours are within a pool: a client is found again by it;
//! - a confidential client's secret is Cognito's making. CreateUserPoolClient and
//!   DescribeUserPoolClient tell it; here it is read past, and is neither an output nor in the state.
//!   Whoever needs it asks DescribeUserPoolClient;
//! - whether there is a secret is decided at the creation, and stays;
//! - UpdateUserPoolClient sets back what it is not told: what nobody here manages (attributes,
//!   analytics, the length of a session) is told as it is;
//! - without any, the flows of the API are SRP, refresh and custom;
//! - with rotation, a refresh token is good once, and `ALLOW_REFRESH_TOKEN_AUTH` is refused beside it;
//! - scopes of resource servers are `<identifier>/<scope>` and must exist, as identity providers must.

use std::collections::BTreeSet;

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cognito_shared::{child_id, child_permissions, in_pool, serial_key, split};
use super::inputs::{InputSet, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{UserPoolClientId, UserPoolId};

mod flows;
mod tokens;

pub use flows::{ApiFlow, OAuthFlow};
pub use tokens::{Rotation, TokenLifetimes};

/// An app client.
#[derive(Debug)]
pub enum UserPoolClient {}

/// What one can ask of an app client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPoolClientInputs {
    /// The pool it belongs to.
    pub user_pool: Input<UserPoolId>,
    /// Its name, unique within the pool: 1 to 128 letters, digits, spaces and `_+=,.@-`.
    pub name: String,
    /// Whether it has a secret. Cognito makes it, and it is in no state and no output.
    #[serde(default)]
    pub confidential: bool,
    /// By which flows of OAuth it gets tokens; none when empty.
    #[serde(default = "flows::code")]
    pub flows: BTreeSet<OAuthFlow>,
    /// The scopes it may ask for: `openid`, `email`, `<resource server>/<scope>`, …
    #[serde(default)]
    pub scopes: InputSet<String>,
    /// Where it may have people sent back to after a login.
    #[serde(default)]
    pub callback_urls: InputSet<String>,
    /// Where it may have people sent back to after a logout.
    #[serde(default)]
    pub logout_urls: InputSet<String>,
    /// By whom people log in: `COGNITO` for the pool itself, and names of its identity providers.
    #[serde(default = "cognito")]
    pub identity_providers: InputSet<String>,
    /// Which flows of the API (not of OAuth) it may use.
    #[serde(default = "flows::refresh")]
    pub api_flows: BTreeSet<ApiFlow>,
    /// How long its tokens hold.
    #[serde(default)]
    pub tokens: TokenLifetimes,
    /// Whether each refresh token is good once; not when not set.
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// Whether refresh tokens can be revoked.
    #[serde(default = "super::inputs::yes")]
    pub token_revocation: bool,
    /// Whether a wrong name and a wrong password are told in the same words.
    #[serde(default = "super::inputs::yes")]
    pub hide_user_existence: bool,
}

fn cognito() -> InputSet<String> {
    [Input::from("COGNITO")].into_iter().collect()
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserPoolClientOutputs {
    /// Its id: OAuth's `client_id`.
    pub id: UserPoolClientId,
}

impl UserPoolClient {
    /// Refers to the id of the client at `address`.
    #[must_use]
    pub fn id(address: &Address) -> Ref<UserPoolClientId> {
        Ref::new(address, "/id")
    }
}

/// The inputs that can change in place.
const SETTINGS: &[&str] = &[
    "/name",
    "/flows",
    "/scopes",
    "/callback_urls",
    "/logout_urls",
    "/identity_providers",
    "/api_flows",
    "/tokens",
    "/rotation",
    "/token_revocation",
    "/hide_user_existence",
];

impl Kind for UserPoolClient {
    const NAME: &'static str = "aws.cognito.user_pool_client";
    const REPLACE_ON: &'static [&'static str] = &["/user_pool", "/confidential"];

    type Clients = Clients;
    type Inputs = UserPoolClientInputs;
    type Outputs = UserPoolClientOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        in_pool(&inputs.user_pool, &inputs.name)
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        serial_key(&inputs.user_pool)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let fits = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_+=,.@-".contains(c);
        let name = &inputs.name;
        if name.is_empty() || name.chars().count() > 128 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!(
                    "`{name}` is no client's name: 1 to 128 letters, digits, spaces and `_+=,.@-`"
                ),
            );
        }
        flows::validate(inputs)?;
        inputs.tokens.validate()?;
        inputs.rotation.as_ref().map_or(Ok(()), Rotation::validate)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        child_permissions(
            op,
            &inputs.user_pool,
            placement,
            [
                &[
                    "cognito-idp:DescribeUserPoolClient",
                    "cognito-idp:ListUserPoolClients",
                ],
                &["cognito-idp:CreateUserPoolClient"],
                &[
                    "cognito-idp:DescribeUserPoolClient",
                    "cognito-idp:UpdateUserPoolClient",
                ],
                &["cognito-idp:DeleteUserPoolClient"],
            ],
        )
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (pool, id) = match who.id {
            Some(id) => {
                let (pool, id) = split(id)?;
                (pool, Some(id.to_owned()))
            }
            None => {
                let pool = who.inputs.user_pool.get().as_str();
                (pool, find(cx, pool, who).await?)
            }
        };
        let Some(id) = id else { return Ok(None) };
        let Some(found) = describe(cx, pool, &id).await? else {
            return Ok(None);
        };
        let texts = |list: &[String]| list.iter().map(|text| Input::from(text.as_str())).collect();
        let rotation = Rotation::observed(&found);
        Ok(Some(Observed {
            id: child_id(pool, &id),
            outputs: UserPoolClientOutputs { id: id.into() },
            inputs: UserPoolClientInputs {
                user_pool: UserPoolId::new(pool).into(),
                name: found.client_name().unwrap_or_default().to_owned(),
                confidential: found.client_secret().is_some(),
                flows: flows::observed(&found),
                scopes: texts(found.allowed_o_auth_scopes()),
                callback_urls: texts(found.callback_urls()),
                logout_urls: texts(found.logout_urls()),
                identity_providers: texts(found.supported_identity_providers()),
                api_flows: flows::observed_api(&found),
                tokens: TokenLifetimes::observed(&found),
                rotation,
                token_revocation: found.enable_token_revocation().unwrap_or_default(),
                hide_user_existence: found.prevent_user_existence_errors()
                    == Some(&sdk::PreventUserExistenceErrorTypes::Enabled),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let pool = want.user_pool.get();
        let answer = cx
            .clients
            .cognito()
            .create_user_pool_client()
            .user_pool_id(pool)
            .client_name(&want.name)
            .generate_secret(want.confidential)
            .set_allowed_o_auth_flows(Some(flows::to_sdk(&want.flows)))
            .allowed_o_auth_flows_user_pool_client(!want.flows.is_empty())
            .set_allowed_o_auth_scopes(list(&want.scopes))
            .set_callback_urls(list(&want.callback_urls))
            .set_logout_urls(list(&want.logout_urls))
            .set_supported_identity_providers(list(&want.identity_providers))
            .set_explicit_auth_flows(Some(flows::api_to_sdk(&want.api_flows)))
            .access_token_validity(want.tokens.access())
            .id_token_validity(want.tokens.id())
            .refresh_token_validity(want.tokens.refresh())
            .token_validity_units(tokens::seconds())
            .refresh_token_rotation(tokens::rotation(want.rotation.as_ref())?)
            .enable_token_revocation(want.token_revocation)
            .prevent_user_existence_errors(flows::existence(want.hide_user_existence))
            .send()
            .await
            .fault(
                "cognito-idp",
                "CreateUserPoolClient",
                format!("{pool} {}", want.name),
            )?;
        let client = answer.user_pool_client();
        let id = client
            .and_then(|client| client.client_id())
            .unwrap_or_default();
        let outputs = UserPoolClientOutputs { id: id.into() };
        Ok(Created::with(child_id(pool.as_str(), id).as_str(), outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(SETTINGS) {
            return Ok(());
        }
        let (pool, client) = split(id)?;
        let Some(have) = describe(cx, pool, client).await? else {
            return Err(KindError::fatal("the app client is gone").on(id.as_str()));
        };
        let callbacks = list(&want.callback_urls).unwrap_or_default();
        let default = have.default_redirect_uri;
        cx.clients
            .cognito()
            .update_user_pool_client()
            .user_pool_id(pool)
            .client_id(client)
            .client_name(&want.name)
            .set_allowed_o_auth_flows(Some(flows::to_sdk(&want.flows)))
            .allowed_o_auth_flows_user_pool_client(!want.flows.is_empty())
            .set_allowed_o_auth_scopes(list(&want.scopes))
            .set_default_redirect_uri(default.filter(|default| callbacks.contains(default)))
            .set_callback_urls(Some(callbacks))
            .set_logout_urls(list(&want.logout_urls))
            .set_supported_identity_providers(list(&want.identity_providers))
            .set_explicit_auth_flows(Some(flows::api_to_sdk(&want.api_flows)))
            .access_token_validity(want.tokens.access())
            .id_token_validity(want.tokens.id())
            .refresh_token_validity(want.tokens.refresh())
            .token_validity_units(tokens::seconds())
            .refresh_token_rotation(tokens::rotation(want.rotation.as_ref())?)
            .enable_token_revocation(want.token_revocation)
            .prevent_user_existence_errors(flows::existence(want.hide_user_existence))
            .set_read_attributes(have.read_attributes)
            .set_write_attributes(have.write_attributes)
            .set_analytics_configuration(have.analytics_configuration)
            .set_enable_propagate_additional_user_context_data(
                have.enable_propagate_additional_user_context_data,
            )
            .set_auth_session_validity(have.auth_session_validity)
            .send()
            .await
            .fault("cognito-idp", "UpdateUserPoolClient", id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let (_, client) = split(id)?;
        Ok(UserPoolClientOutputs { id: client.into() })
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (pool, client) = split(id)?;
        cx.clients
            .cognito()
            .delete_user_pool_client()
            .user_pool_id(pool)
            .client_id(client)
            .send()
            .await
            .removed("cognito-idp", "DeleteUserPoolClient", id)
    }
}

/// Said even when it is empty.
fn list(set: &InputSet<String>) -> Option<Vec<String>> {
    Some(set.iter().map(|item| item.get().clone()).collect())
}

async fn describe(
    cx: &Cx<'_, Clients>,
    pool: &str,
    id: &str,
) -> Result<Option<sdk::UserPoolClientType>, KindError> {
    let answer = cx
        .clients
        .cognito()
        .describe_user_pool_client()
        .user_pool_id(pool)
        .client_id(id)
        .send()
        .await
        .found("cognito-idp", "DescribeUserPoolClient", child_id(pool, id))?;
    Ok(answer.and_then(|answer| answer.user_pool_client))
}

/// The id of the client of that name.
async fn find(
    cx: &Cx<'_, Clients>,
    pool: &str,
    who: Who<'_, UserPoolClientInputs>,
) -> Result<Option<String>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .cognito()
            .list_user_pool_clients()
            .user_pool_id(pool)
            .max_results(60)
            .set_next_token(next)
            .send()
            .await
            .found("cognito-idp", "ListUserPoolClients", pool)?;
        let Some(page) = page else { return Ok(None) };
        let ours = page.user_pool_clients.into_iter().flatten().find(|told| {
            let id = child_id(pool, told.client_id().unwrap_or_default());
            told.client_name() == Some(&who.inputs.name) && !who.others.contains(&id)
        });
        if let Some(ours) = ours {
            return Ok(ours.client_id);
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
}
