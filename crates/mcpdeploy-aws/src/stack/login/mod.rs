//! The login before the server: whose tokens the gateway takes, and the OAuth facade at which
//! clients register and people agree.
//!
//! All of it answers on the API's own address: the facade's issuer is the API's URL, and the
//! tokens are for the URL of the MCP endpoint.

mod document;
mod facade;
mod pool;
mod scopes;

use mcpdeploy_config::{Auth, AuthProvider, Oidc, SecretSource, Server};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::value::Input;
use serde_json::{Value, json};

use super::names::Names;
use super::{Place, Stack, address, joined, reference};
use crate::ids::text;
use crate::kinds::{Api, Authorizer, AuthorizerInputs, AuthorizerSort, InputSet, Jwt, Secret};
use scopes::Scopes;

/// What protects the server's route.
pub(super) struct Guard {
    /// Who checks the tokens.
    pub(super) authorizer: Address,
    /// Scopes of which a token must have one; any token will do when there are none.
    pub(super) scopes: InputSet<String>,
}

/// What a login is made with.
struct Setting<'a> {
    server: &'a Server,
    place: &'a Place,
    names: &'a Names,
    api: &'a Address,
    /// The entries of `[secrets]`: name, and address when they are ours.
    secrets: &'a [(String, Option<Address>)],
}

impl Setting<'_> {
    /// The API's URL, without a slash at the end.
    fn base(&self) -> Value {
        reference(self.api, "/endpoint")
    }

    /// The URL of the MCP endpoint: whom tokens are for.
    fn mcp_url(&self) -> Value {
        joined([self.base(), json!(self.server.mcp_path)])
    }
}

/// Whose tokens are taken.
struct Issuer {
    /// Their `iss`.
    url: Input<String>,
    /// What is in their `aud`, or in `client_id` where there is no `aud`.
    audience: Input<String>,
    /// The facade's `upstream`.
    upstream: Value,
    scopes: Scopes,
}

impl Stack<'_> {
    /// The login; nothing when it is off.
    pub(super) fn login(
        &mut self,
        server: &Server,
        place: &Place,
        names: &Names,
        api: &Address,
        secrets: &[(String, Option<Address>)],
    ) -> Option<Guard> {
        let auth = &self.config.auth;
        if !auth.enabled {
            return None;
        }
        let setting = Setting {
            server,
            place,
            names,
            api,
            secrets,
        };
        let issuer = match (auth.provider, &auth.oidc) {
            (AuthProvider::Cognito, _) => self.pool(&setting),
            (AuthProvider::Oidc, Some(oidc)) => self.oidc(oidc, &setting),
            // The configuration has refused it.
            (AuthProvider::Oidc, None) | (AuthProvider::None, _) => return None,
        };
        let authorizer = self.add::<Authorizer>(
            "login",
            &AuthorizerInputs {
                api: Api::id(api).into(),
                name: "login".to_owned(),
                sort: AuthorizerSort::Jwt,
                jwt: Some(Jwt {
                    issuer: issuer.url.clone(),
                    audience: [issuer.audience.clone()].into_iter().collect(),
                }),
                function: None,
                identity_sources: [AuthorizerInputs::TOKEN.to_owned()].into_iter().collect(),
            },
        );
        let scopes = issuer.scopes.wanted();
        self.facade(&setting, &issuer);
        Some(Guard { authorizer, scopes })
    }

    /// An issuer of the user's own.
    fn oidc(&mut self, oidc: &Oidc, setting: &Setting<'_>) -> Issuer {
        // Clients that the issuer registers have ids of their own: their tokens are for the server.
        let audience = match &oidc.audience {
            Some(audience) => audience.as_str().into(),
            None if oidc.registers_clients => Input::Open(setting.mcp_url()),
            None => oidc.client_id.as_str().into(),
        };
        let mut upstream = json!({
            "issuer": oidc.issuer,
            "client_id": oidc.client_id,
            "audience": facade::told(oidc),
        });
        if let Some(audience) = &oidc.audience {
            upstream["identifier"] = json!(audience);
        }
        if let Some(name) = &oidc.secret_name {
            upstream["client_secret"] = self.secret_arn(name, setting.secrets);
        }
        Issuer {
            url: oidc.issuer.as_str().into(),
            audience,
            upstream,
            scopes: Scopes::of_issuer(&self.config.auth, oidc),
        }
    }

    /// Whether a secret is one that the login needs: the server does not get it.
    pub(super) fn is_for_login(&self, secret: &str) -> bool {
        self.config.auth.secrets().any(|name| name == secret)
    }

    /// The ARN of an entry of `[secrets]`, which the configuration has seen to be there.
    fn secret_arn(&self, name: &str, secrets: &[(String, Option<Address>)]) -> Value {
        let address = secrets.iter().find(|(secret, _)| secret == name);
        match (
            address,
            self.config.secrets.get(name).map(|secret| &secret.source),
        ) {
            (Some((_, Some(address))), _) => json!(text(Secret::arn(address))),
            (_, Some(SecretSource::Existing { arn })) => json!(arn),
            (_, Some(SecretSource::Managed { .. }) | None) => Value::Null,
        }
    }

    /// The version of an entry of `[secrets]`, so that another value is another input; of one that
    /// exists apart from this deployment, it is not known.
    fn secret_version(name: &str, secrets: &[(String, Option<Address>)]) -> Option<Input<String>> {
        let (_, address) = secrets.iter().find(|(secret, _)| secret == name)?;
        Some(Secret::version(address.as_ref()?).into())
    }
}

/// The scopes that tools want, as tokens call them: a JSON object, by tool.
pub(super) fn tool_scopes(auth: &Auth, server: &Server) -> Input<String> {
    let scopes = match (auth.provider, &auth.oidc) {
        (AuthProvider::Cognito, _) => {
            let api = address::<Api>(&server.name);
            let mcp_url = joined([reference(&api, "/endpoint"), json!(server.mcp_path)]);
            let cognito = auth.cognito.clone().unwrap_or_default();
            Some(Scopes::of_pool(auth, &cognito, &mcp_url))
        }
        (AuthProvider::Oidc, Some(oidc)) => Some(Scopes::of_issuer(auth, oidc)),
        (AuthProvider::None | AuthProvider::Oidc, _) => None,
    };
    let name = |written: &String| match &scopes {
        Some(scopes) => scopes.name(written),
        None => json!(written),
    };
    let tools = auth.tools.iter().map(|(tool, wanted)| {
        let wanted = wanted.iter().map(name).collect();
        (tool.clone(), Value::Array(wanted))
    });
    input(document::text_of(&Value::Object(tools.collect())))
}

/// A text or a reference as an input.
fn input(value: Value) -> Input<String> {
    match value {
        Value::String(text) => Input::Value(text),
        open @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_)) => Input::Open(open),
    }
}
