//! How an app client gets tokens.

use std::collections::BTreeSet;

use aws_sdk_cognitoidentityprovider::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UserPoolClientInputs;
use crate::kinds::inputs::wrong;

/// A flow of OAuth.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OAuthFlow {
    /// A person logs in in a browser, and the client gets a code for tokens.
    Code,
    /// The client gets tokens for itself, with its secret.
    ClientCredentials,
    /// Tokens in an address: told when somebody switched it on, and never to be switched on.
    Implicit,
}

/// A flow of Cognito's own API.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ApiFlow {
    /// New tokens for a refresh token.
    Refresh,
    /// A password that is not sent.
    Srp,
    /// A password.
    Password,
    /// A password, told by an administrator.
    AdminPassword,
    /// What the pool's triggers ask for.
    Custom,
    /// What the user chooses.
    Choice,
}

pub(super) fn code() -> BTreeSet<OAuthFlow> {
    BTreeSet::from([OAuthFlow::Code])
}

pub(super) fn refresh() -> BTreeSet<ApiFlow> {
    BTreeSet::from([ApiFlow::Refresh])
}

impl OAuthFlow {
    fn to_sdk(self) -> sdk::OAuthFlowType {
        match self {
            Self::Code => sdk::OAuthFlowType::Code,
            Self::ClientCredentials => sdk::OAuthFlowType::ClientCredentials,
            Self::Implicit => sdk::OAuthFlowType::Implicit,
        }
    }

    fn observed(flow: &sdk::OAuthFlowType) -> Option<Self> {
        [Self::Code, Self::ClientCredentials, Self::Implicit]
            .into_iter()
            .find(|ours| ours.to_sdk() == *flow)
    }
}

impl ApiFlow {
    const ALL: [Self; 6] = [
        Self::Refresh,
        Self::Srp,
        Self::Password,
        Self::AdminPassword,
        Self::Custom,
        Self::Choice,
    ];

    fn to_sdk(self) -> sdk::ExplicitAuthFlowsType {
        match self {
            Self::Refresh => sdk::ExplicitAuthFlowsType::AllowRefreshTokenAuth,
            Self::Srp => sdk::ExplicitAuthFlowsType::AllowUserSrpAuth,
            Self::Password => sdk::ExplicitAuthFlowsType::AllowUserPasswordAuth,
            Self::AdminPassword => sdk::ExplicitAuthFlowsType::AllowAdminUserPasswordAuth,
            Self::Custom => sdk::ExplicitAuthFlowsType::AllowCustomAuth,
            Self::Choice => sdk::ExplicitAuthFlowsType::AllowUserAuth,
        }
    }
}

pub(super) fn to_sdk(flows: &BTreeSet<OAuthFlow>) -> Vec<sdk::OAuthFlowType> {
    flows.iter().map(|flow| flow.to_sdk()).collect()
}

pub(super) fn api_to_sdk(flows: &BTreeSet<ApiFlow>) -> Vec<sdk::ExplicitAuthFlowsType> {
    flows.iter().map(|flow| flow.to_sdk()).collect()
}

/// The flows of OAuth that are in effect.
pub(super) fn observed(client: &sdk::UserPoolClientType) -> BTreeSet<OAuthFlow> {
    if !client
        .allowed_o_auth_flows_user_pool_client()
        .unwrap_or_default()
    {
        return BTreeSet::new();
    }
    let flows = client.allowed_o_auth_flows().iter();
    flows.filter_map(OAuthFlow::observed).collect()
}

pub(super) fn observed_api(client: &sdk::UserPoolClientType) -> BTreeSet<ApiFlow> {
    let flows = client.explicit_auth_flows();
    ApiFlow::ALL
        .into_iter()
        .filter(|ours| flows.contains(&ours.to_sdk()))
        .collect()
}

pub(super) fn existence(hidden: bool) -> sdk::PreventUserExistenceErrorTypes {
    if hidden {
        sdk::PreventUserExistenceErrorTypes::Enabled
    } else {
        sdk::PreventUserExistenceErrorTypes::Legacy
    }
}

pub(super) fn validate(inputs: &UserPoolClientInputs) -> Result<(), (String, String)> {
    let flows = &inputs.flows;
    if flows.contains(&OAuthFlow::Implicit) {
        return wrong(
            "/flows",
            "the implicit flow hands tokens out in an address that many can read: use `code`",
        );
    }
    if flows.contains(&OAuthFlow::ClientCredentials) {
        if flows.len() > 1 {
            return wrong("/flows", "`client_credentials` needs a client of its own");
        }
        if !inputs.confidential {
            return wrong(
                "/confidential",
                "only a confidential client gets tokens by `client_credentials`",
            );
        }
    }
    if flows.contains(&OAuthFlow::Code) && inputs.callback_urls.is_empty() {
        return wrong(
            "/callback_urls",
            "say where people are sent back to after a login",
        );
    }
    if !flows.is_empty() && inputs.scopes.is_empty() {
        return wrong("/scopes", "a client that gets tokens needs a scope");
    }
    if inputs.identity_providers.is_empty() {
        return wrong(
            "/identity_providers",
            "say by whom people log in: `COGNITO` is the pool itself",
        );
    }
    if inputs.api_flows.is_empty() {
        return wrong(
            "/api_flows",
            "Cognito takes none for SRP, refresh and custom: say which",
        );
    }
    if inputs.rotation.is_some() && inputs.api_flows.contains(&ApiFlow::Refresh) {
        return wrong(
            "/api_flows",
            "with rotation, Cognito takes no `refresh`: tokens are refreshed at the token endpoint",
        );
    }
    for (pointer, urls) in [
        ("/callback_urls", &inputs.callback_urls),
        ("/logout_urls", &inputs.logout_urls),
    ] {
        for url in urls.iter().filter_map(|url| url.known()) {
            if let Some(why) = bad_url(url) {
                return wrong(pointer, format!("`{url}` {why}"));
            }
        }
    }
    Ok(())
}

/// What is wrong with an address to be sent back to. From the API reference: it is absolute, has no
/// fragment, and is `https` but on the own machine.
fn bad_url(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Some("is no absolute URL");
    };
    if scheme.is_empty() || rest.is_empty() || url.contains(char::is_whitespace) {
        return Some("is no absolute URL");
    }
    if url.contains('#') {
        return Some("has a fragment, which Cognito does not take");
    }
    if scheme == "http" {
        let authority = rest.trim_start_matches('/').split(['/', '?']).next();
        let authority = authority.unwrap_or_default();
        let host = if authority.starts_with('[') {
            authority
                .split_once(']')
                .map_or(authority, |(host, _)| host)
        } else {
            authority.split(':').next().unwrap_or_default()
        };
        if !["localhost", "127.0.0.1", "[::1"].contains(&host) {
            return Some("must be https: only `localhost` may do without");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(more: Value) -> Result<(), String> {
        let mut inputs = json!({
            "user_pool": "p", "name": "mcp", "scopes": ["openid"],
            "callback_urls": ["https://mcp.example/callback"],
        });
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        let inputs = serde_json::from_value(inputs).unwrap();
        validate(&inputs).map_err(|(at, _)| at)
    }

    #[test]
    fn flows_that_go_together() {
        assert_eq!(check(json!({})), Ok(()));
        let own =
            json!({"flows": ["client_credentials"], "confidential": true, "callback_urls": []});
        assert_eq!(check(own), Ok(()));
        for (more, at) in [
            (json!({"flows": ["implicit"]}), "/flows"),
            (json!({"flows": ["client_credentials"]}), "/confidential"),
            (
                json!({"flows": ["code", "client_credentials"], "confidential": true}),
                "/flows",
            ),
            (json!({"callback_urls": []}), "/callback_urls"),
            (json!({"scopes": []}), "/scopes"),
            (json!({"identity_providers": []}), "/identity_providers"),
            (json!({"api_flows": []}), "/api_flows"),
            (json!({"rotation": {}}), "/api_flows"),
        ] {
            assert_eq!(check(more.clone()), Err(at.to_owned()), "{more}");
        }
        let rotated = json!({"rotation": {}, "api_flows": ["srp"]});
        assert_eq!(check(rotated), Ok(()));
    }

    #[test]
    fn addresses_to_be_sent_back_to() {
        for good in [
            "https://mcp.example/callback",
            "http://localhost:3000/cb",
            "http://127.0.0.1/",
            "http://[::1]:8080/cb",
            "cursor://anysphere/callback",
            "com.example.app:/cb",
        ] {
            assert_eq!(bad_url(good), None, "{good}");
        }
        for bad in [
            "/callback",
            "https://a.example/#x",
            "http://mcp.example/",
            "http://localhost.evil.example/",
            "https://a b/",
        ] {
            assert!(bad_url(bad).is_some(), "{bad}");
        }
    }
}
