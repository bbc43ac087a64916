//! The details of an identity provider, as Cognito takes and gives them.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Value;
use super::{IdentityProviderInputs, ProviderSort, check_name};
use crate::ids::UserPoolId;
use crate::kinds::inputs::wrong;

/// What Apple wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Apple {
    /// The id of the developer's team.
    pub team_id: String,
    /// The id of the private key.
    pub key_id: String,
}

/// An issuer of OpenID Connect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its address: an `https` URL, as its ID tokens have it in `iss`.
    pub issuer: Input<String>,
    /// Whether what there is to know of a user is asked for by POST instead of GET.
    #[serde(default)]
    pub attributes_by_post: bool,
    /// Where it answers; found out by Cognito from the issuer when not set.
    #[serde(default)]
    pub endpoints: Option<Endpoints>,
}

/// Where an issuer answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// Where people log in.
    pub authorize_url: String,
    /// Where codes become tokens.
    pub token_url: String,
    /// Where what there is to know of a user is.
    pub attributes_url: String,
    /// Where its keys are.
    pub jwks_uri: String,
}

pub(super) fn validate(inputs: &IdentityProviderInputs) -> Result<(), (String, String)> {
    check_name(inputs)?;
    match (inputs.sort, &inputs.apple, &inputs.oidc) {
        (ProviderSort::Google, None, None)
        | (ProviderSort::Apple, Some(_), None)
        | (ProviderSort::Oidc, None, Some(_)) => {}
        (ProviderSort::Apple, None, _) => {
            return wrong("/apple", "say which team and which key it is");
        }
        (ProviderSort::Oidc, _, None) => return wrong("/oidc", "say which issuer it is"),
        (_, Some(_), _) => return wrong("/apple", "this is for Apple only"),
        (_, _, Some(_)) => return wrong("/oidc", "this is for issuers of OpenID Connect only"),
    }
    let needs_secret = match inputs.sort {
        ProviderSort::Google | ProviderSort::Apple => true,
        ProviderSort::Oidc => false,
    };
    if needs_secret && inputs.client_secret.is_none() {
        return wrong("/client_secret", "say in which secret it is");
    }
    if inputs.scopes.is_empty() {
        return wrong("/scopes", "say what to ask the provider for, e.g. `email`");
    }
    if let Some(oidc) = &inputs.oidc {
        let issuer = oidc.issuer.known().map_or("https://", String::as_str);
        if issuer.starts_with("https://github.com") {
            return wrong(
                "/oidc/issuer",
                "GitHub issues no ID tokens to people who log in: it needs a service in between that does",
            );
        }
        if !issuer.starts_with("https://") {
            return wrong("/oidc/issuer", "an issuer is an https URL");
        }
        if inputs.sort == ProviderSort::Oidc && !inputs.scopes.contains("openid") {
            return wrong("/scopes", "without `openid` there is no ID token");
        }
    }
    Ok(())
}

pub(super) fn to_sdk(
    want: &IdentityProviderInputs,
    secret: Option<Value>,
) -> HashMap<String, String> {
    let scopes: Vec<&str> = want.scopes.iter().map(String::as_str).collect();
    let mut details = HashMap::from([
        ("client_id".to_owned(), want.client_id.get().clone()),
        ("authorize_scopes".to_owned(), scopes.join(" ")),
    ]);
    let mut put = |name: &str, value: &str| {
        details.insert(name.to_owned(), value.to_owned());
    };
    if let Some(apple) = &want.apple {
        put("team_id", &apple.team_id);
        put("key_id", &apple.key_id);
    }
    if let Some(oidc) = &want.oidc {
        put("oidc_issuer", oidc.issuer.get());
        put("attributes_request_method", method(oidc));
        if let Some(endpoints) = &oidc.endpoints {
            put("authorize_url", &endpoints.authorize_url);
            put("token_url", &endpoints.token_url);
            put("attributes_url", &endpoints.attributes_url);
            put("jwks_uri", &endpoints.jwks_uri);
        }
    }
    if let Some(secret) = secret {
        let name = match want.sort {
            ProviderSort::Apple => "private_key",
            ProviderSort::Google | ProviderSort::Oidc => "client_secret",
        };
        details.insert(name.to_owned(), secret.into_text());
    }
    details
}

fn method(oidc: &Oidc) -> &'static str {
    if oidc.attributes_by_post {
        "POST"
    } else {
        "GET"
    }
}

pub(super) fn mapping(want: &IdentityProviderInputs) -> HashMap<String, String> {
    let pairs = want.attributes.iter();
    pairs
        .map(|(ours, theirs)| (ours.clone(), theirs.clone()))
        .collect()
}

/// The inputs that give what is there; `None` for a sort that is not known. `want`: what was asked
/// for, as what Cognito finds out by itself is no difference.
pub(super) fn observed(
    found: &sdk::IdentityProviderType,
    pool: &str,
    name: &str,
    want: &IdentityProviderInputs,
) -> Option<IdentityProviderInputs> {
    let sort = ProviderSort::observed(found)?;
    let none = HashMap::new();
    let details = found.provider_details().unwrap_or(&none);
    let text = |name: &str| details.get(name).cloned().unwrap_or_default();
    let scopes: BTreeSet<String> = text("authorize_scopes")
        .split([' ', ','])
        .filter(|scope| !scope.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    let endpoints = || Endpoints {
        authorize_url: text("authorize_url"),
        token_url: text("token_url"),
        attributes_url: text("attributes_url"),
        jwks_uri: text("jwks_uri"),
    };
    let given = want.oidc.as_ref().and_then(|oidc| oidc.endpoints.as_ref());
    let by_itself = |ours: &str| ours == "username" && !want.attributes.contains_key(ours);
    let mapped = found.attribute_mapping().into_iter().flatten();
    Some(IdentityProviderInputs {
        user_pool: UserPoolId::new(pool).into(),
        name: name.to_owned(),
        sort,
        client_id: text("client_id").into(),
        client_secret: want.client_secret.clone(),
        apple: (sort == ProviderSort::Apple).then(|| Apple {
            team_id: text("team_id"),
            key_id: text("key_id"),
        }),
        oidc: (sort == ProviderSort::Oidc).then(|| Oidc {
            issuer: text("oidc_issuer").into(),
            attributes_by_post: text("attributes_request_method") == "POST",
            endpoints: given.map(|_| endpoints()),
        }),
        scopes,
        attributes: mapped
            .filter(|(ours, _)| !by_itself(ours))
            .map(|(ours, theirs)| (ours.clone(), theirs.clone()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn inputs(more: Json) -> IdentityProviderInputs {
        let mut inputs = json!({
            "user_pool": "p", "client_id": "c", "scopes": ["openid", "email"],
        });
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        serde_json::from_value(inputs).unwrap()
    }

    fn secret() -> Json {
        json!({"secret_arn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x-abcdef"})
    }

    #[test]
    fn each_sort_has_its_own() {
        let check = |more| validate(&inputs(more)).map_err(|(at, _)| at);
        let oidc = json!({"issuer": "https://issuer.example"});
        let apple = json!({"team_id": "t", "key_id": "k"});
        for good in [
            json!({"type": "google", "name": "Google", "client_secret": secret()}),
            json!({"type": "apple", "name": "SignInWithApple", "apple": apple, "client_secret": secret()}),
            json!({"type": "oidc", "name": "corp", "oidc": oidc}),
        ] {
            assert_eq!(check(good.clone()), Ok(()), "{good}");
        }
        for (bad, at) in [
            (
                json!({"type": "google", "name": "google", "client_secret": secret()}),
                "/name",
            ),
            (
                json!({"type": "google", "name": "Google"}),
                "/client_secret",
            ),
            (
                json!({"type": "apple", "name": "SignInWithApple", "client_secret": secret()}),
                "/apple",
            ),
            (json!({"type": "oidc", "name": "corp"}), "/oidc"),
            (
                json!({"type": "oidc", "name": "my_corp", "oidc": oidc}),
                "/name",
            ),
            (
                json!({"type": "oidc", "name": "corp", "oidc": oidc, "apple": apple}),
                "/apple",
            ),
            (
                json!({"type": "oidc", "name": "corp", "oidc": oidc, "scopes": ["email"]}),
                "/scopes",
            ),
            (
                json!({"type": "oidc", "name": "corp", "oidc": {"issuer": "http://a.example"}}),
                "/oidc/issuer",
            ),
            (
                json!({"type": "oidc", "name": "github", "oidc": {"issuer": "https://github.com"}}),
                "/oidc/issuer",
            ),
        ] {
            assert_eq!(check(bad.clone()), Err(at.to_owned()), "{bad}");
        }
    }

    #[test]
    fn apples_key_is_no_clients_secret() {
        let apple = inputs(json!({
            "type": "apple", "name": "SignInWithApple", "client_secret": secret(),
            "apple": {"team_id": "t", "key_id": "k"},
        }));
        let details = to_sdk(&apple, Some(Value::new("key")));
        assert_eq!(details["private_key"], "key");
        assert!(!details.contains_key("client_secret"));
        assert_eq!(details["authorize_scopes"], "email openid");
    }

    #[test]
    fn what_cognito_finds_out_is_no_difference() {
        let want = inputs(json!({
            "type": "oidc", "name": "corp", "oidc": {"issuer": "https://issuer.example"},
            "attributes": {"email": "email"},
        }));
        let mut details = to_sdk(&want, Some(Value::new("hunter2")));
        details.insert(
            "authorize_url".to_owned(),
            "https://issuer.example/a".to_owned(),
        );
        let mut mapping = mapping(&want);
        mapping.insert("username".to_owned(), "sub".to_owned());
        let found = sdk::IdentityProviderType::builder()
            .provider_type(sdk::IdentityProviderTypeType::Oidc)
            .set_provider_details(Some(details))
            .set_attribute_mapping(Some(mapping))
            .build();
        let seen = observed(&found, "p", "corp", &want).unwrap();
        assert_eq!(seen, want);
        assert!(!serde_json::to_string(&seen).unwrap().contains("hunter2"));
    }
}
