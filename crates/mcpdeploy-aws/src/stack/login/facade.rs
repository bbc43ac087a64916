//! The OAuth facade: a function of its own, from the runtime that mcpdeploy carries, and the routes
//! that lead to it. Where the issuer registers clients itself, all that is left of it is what names
//! the issuer: it seals nothing, so it has no key, and takes one route.

use std::collections::{BTreeMap, BTreeSet};

use mcpdeploy_config::{self as config, AuthProvider, Oidc, ProviderType};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::Input;
use serde_json::{Value, json};

use super::{Issuer, Setting, document, input};
use crate::ids::text;
use crate::kinds::{
    Api, Architecture, Authorization, Code as FunctionCode, Function, FunctionInputs, Generate,
    InputSet, Integration, IntegrationInputs, LogGroup, LogGroupInputs, Permission,
    PermissionInputs, Role, RoleInputs, Route, RouteInputs, Secret, SecretInputs, Tracing,
};
use crate::policy::{PolicyDocument, Statement};
use crate::stack::names::LONGEST;
use crate::stack::secrets::full_arn;
use crate::stack::{Stack, StackError, joined, reference};

/// Its memory: with less, TLS takes the time that people wait.
const MEMORY_MB: u32 = 256;
/// How long it takes at most: it asks the issuer, or a client's document.
const TIMEOUT_SECONDS: u32 = 20;
/// The bytes of the key that it seals with.
const KEY_BYTES: u16 = 32;
/// What of Lambda's 4 KB for a function's variables is left for its settings.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const SETTINGS_LIMIT: usize = 3_700;

/// The routes that lead to it: name and key. Browsers ask some of them from other origins: so any
/// method, and it says itself which it takes.
const ROUTES: [(&str, &str); 7] = [
    ("login-well-known", "ANY /.well-known/{proxy+}"),
    ("login-authorize", "ANY /authorize"),
    ("login-callback", "ANY /callback"),
    ("login-consent", "ANY /consent"),
    ("login-register", "ANY /register"),
    ("login-revoke", "ANY /revoke"),
    ("login-token", "ANY /token"),
];

impl Stack<'_> {
    pub(super) fn facade(&mut self, setting: &Setting<'_>, issuer: &Issuer) {
        let Some(code) = self.setting.runtime else {
            return;
        };
        if let Some(too_long) = setting.names.login_role.len().checked_sub(LONGEST + 1) {
            self.errors.push(StackError::Key {
                key: "server.name",
                message: format!(
                    "with login, a role would be called {}, and IAM takes {LONGEST} characters",
                    setting.names.login_role
                ),
                help: format!("shorten the name by {} characters", too_long + 1),
            });
        }
        let name = format!("{}-login", setting.server.name);
        let full = format!("{}-login", setting.names.full);
        let log_group = self.add::<LogGroup>(
            &name,
            &LogGroupInputs {
                name: format!("/aws/lambda/{full}").into(),
                retention_days: Some(self.config.observability.log_retention_days),
                tags: Tags::new(),
            },
        );
        let directions = self.directions(setting, issuer);
        let direct = directions.is_some();
        let key = (!direct).then(|| self.facade_key(setting));
        let role = self.add::<Role>(
            "login",
            &RoleInputs {
                name: setting.names.login_role.clone().into(),
                path: "/".to_owned(),
                description: format!("What the login of {} may do", setting.names.full),
                assume_role_policy: PolicyDocument::trust_service("lambda.amazonaws.com"),
                inline_policies: self.facade_policies(setting, &full, key.as_ref(), issuer),
                managed_policies: BTreeSet::new(),
                max_session_seconds: 3600,
                permissions_boundary: None,
                tags: Tags::new(),
            },
        );
        let settings = directions.unwrap_or_else(|| self.facade_settings(setting, issuer));
        if document::length_of(&settings) > SETTINGS_LIMIT {
            self.errors.push(StackError::Key {
                key: "auth",
                message: format!(
                    "the login's settings take about {} bytes, and a function's variables hold 4096",
                    document::length_of(&settings)
                ),
                help: "shorten the descriptions of scopes, or the lists of patterns".to_owned(),
            });
        }
        let mut environment = BTreeMap::from([
            ("MCPDEPLOY_ROLE".to_owned(), Input::from("facade")),
            (
                "MCPDEPLOY_FACADE".to_owned(),
                input(document::text_of(&settings)),
            ),
        ]);
        if let Some(key) = &key {
            environment.insert("MCPDEPLOY_FACADE_KEY".to_owned(), text(Secret::arn(key)));
            // Nobody reads it: a value that changed makes the next apply start the facade anew.
            let version = self
                .issuers_secret()
                .and_then(|name| Self::secret_version(name, setting.secrets));
            if let Some(version) = version {
                environment.insert("MCPDEPLOY_FACADE_VERSION".to_owned(), version);
            }
        }
        let function = self.add::<Function>(
            &name,
            &FunctionInputs {
                name: full.clone().into(),
                role: Role::arn(&role).into(),
                code: FunctionCode {
                    sha256: code.sha256.clone(),
                    size: code.size,
                    s3: None,
                },
                handler: "bootstrap".to_owned(),
                runtime: "provided.al2023".to_owned(),
                architecture: match setting.server.architecture {
                    config::Architecture::X86_64 => Architecture::X86_64,
                    config::Architecture::Arm64 => Architecture::Arm64,
                },
                memory_mb: MEMORY_MB,
                timeout_seconds: TIMEOUT_SECONDS,
                ephemeral_storage_mb: 512,
                environment,
                tracing: if self.config.observability.enable_xray {
                    Tracing::Active
                } else {
                    Tracing::PassThrough
                },
                layers: Vec::new(),
                reserved_concurrency: None,
                description: format!("The login of {}", setting.names.full),
                log_group: Some(LogGroup::name(&log_group).into()),
                tags: Tags::new(),
            },
        );
        let integration = self.add::<Integration>(
            &name,
            &IntegrationInputs {
                api: Api::id(setting.api).into(),
                uri: text(Function::arn(&function)),
                payload_format_version: "2.0".to_owned(),
                timeout_ms: TIMEOUT_SECONDS * 1000,
            },
        );
        let routes = if direct { &ROUTES[..1] } else { &ROUTES[..] };
        for &(name, key) in routes {
            self.add::<Route>(
                name,
                &RouteInputs {
                    api: Api::id(setting.api).into(),
                    route_key: key.to_owned(),
                    target: Integration::id(&integration).into(),
                    authorization: Authorization::None,
                    authorizer: None,
                    scopes: InputSet::default(),
                },
            );
        }
        let any_call = joined([reference(setting.api, "/execution_arn"), "/*/*".into()]);
        self.add::<Permission>(
            "login",
            &PermissionInputs {
                function: Function::name(&function).into(),
                qualifier: None,
                statement_id: "mcpdeploy-api".to_owned(),
                action: "lambda:InvokeFunction".to_owned(),
                principal: "apigateway.amazonaws.com".to_owned(),
                source_arn: Some(Input::Open(any_call)),
                source_account: None,
            },
        );
        let named = issuer.upstream["issuer"].clone();
        self.output("issuer", if direct { named } else { setting.base() });
        self.output("login_function", reference(&function, "/name"));
        if !direct && !self.config.auth.callback_urls.is_empty() {
            self.output("client_id", json!(setting.names.full));
        }
    }

    /// What it seals with.
    fn facade_key(&mut self, setting: &Setting<'_>) -> Address {
        self.add::<Secret>(
            "login-key",
            &SecretInputs {
                name: format!("{}/login-key", setting.names.full).into(),
                description: Some("What the login seals with".to_owned()),
                kms_key_id: None,
                recovery_window_days: 7,
                generate: Some(Generate { bytes: KEY_BYTES }),
                rotation: None,
                tags: Tags::new(),
            },
        )
    }

    /// Its own logs, and the secrets that it reads.
    fn facade_policies(
        &self,
        setting: &Setting<'_>,
        full: &str,
        key: Option<&Address>,
        issuer: &Issuer,
    ) -> BTreeMap<String, PolicyDocument> {
        let place = setting.place;
        let logs = format!(
            "arn:{}:logs:{}:{}:log-group:/aws/lambda/{full}:*",
            place.partition, place.region, place.account
        );
        let mut policies = BTreeMap::from([(
            "logs".to_owned(),
            PolicyDocument::new([
                Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"]).on(logs),
            ]),
        )]);
        if let Some(key) = key {
            let mut secrets =
                Statement::allow(["secretsmanager:GetSecretValue"]).on(text(Secret::arn(key)));
            match issuer.upstream.get("client_secret") {
                Some(Value::String(arn)) => secrets = secrets.on(full_arn(arn)),
                Some(open) if !open.is_null() => {
                    secrets = secrets.on(Input::<String>::Open(open.clone()));
                }
                Some(_) | None => {}
            }
            // The service's own key lets in whoever may read; another does not.
            let secret = self
                .issuers_secret()
                .and_then(|name| self.config.secrets.get(name));
            let kms_key = secret.and_then(|secret| secret.kms_key.as_deref());
            let decrypt = kms_key.map(|kms_key| self.decrypt(kms_key, place));
            policies.insert(
                "secrets".to_owned(),
                PolicyDocument::new([Some(secrets), decrypt].into_iter().flatten()),
            );
        }
        if self.config.observability.enable_xray {
            // X-Ray knows no resources for these two.
            let xray =
                Statement::allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"]).on("*");
            policies.insert("xray".to_owned(), PolicyDocument::new([xray]));
        }
        policies
    }

    /// What it is told where clients go to the issuer themselves; `None` where they come to it.
    fn directions(&self, setting: &Setting<'_>, issuer: &Issuer) -> Option<Value> {
        let auth = &self.config.auth;
        let oidc = auth.oidc.as_ref();
        let oidc = oidc.filter(|_| auth.provider == AuthProvider::Oidc)?;
        oidc.registers_clients.then(|| {
            json!({
                "authorization_server": oidc.issuer,
                "resources": [{"url": setting.mcp_url(), "name": setting.names.full}],
                "scopes": issuer.scopes.described(),
            })
        })
    }

    /// The entry of `[secrets]` that the facade itself reads.
    fn issuers_secret(&self) -> Option<&str> {
        let auth = &self.config.auth;
        let oidc = auth.oidc.as_ref()?;
        let named = oidc.secret_name.as_deref();
        named.filter(|_| auth.provider == AuthProvider::Oidc)
    }

    /// What it is told; see `docs/runtime.md`. What is as it is anyway is left out.
    fn facade_settings(&self, setting: &Setting<'_>, issuer: &Issuer) -> Value {
        let auth = &self.config.auth;
        let full = &setting.names.full;
        let mut settings = json!({
            "issuer": setting.base(),
            "resources": [{"url": setting.mcp_url(), "name": full}],
            "scopes": issuer.scopes.described(),
            "upstream": issuer.upstream,
        });
        let (default, allowed) = issuer.scopes.of_clients();
        let mut dcr = json!({"default_scopes": default});
        if !auth.dcr.enabled {
            dcr["enabled"] = json!(false);
        }
        for (name, patterns) in [
            ("public_client_patterns", &auth.dcr.public_client_patterns),
            ("redirect_patterns", &auth.dcr.redirect_patterns),
        ] {
            if !patterns.is_empty() {
                dcr[name] = json!(patterns);
            }
        }
        if let Some(allowed) = allowed {
            dcr["allowed_scopes"] = allowed;
        }
        settings["dcr"] = dcr;
        if !auth.cimd.enabled || !auth.cimd.host_patterns.is_empty() {
            settings["cimd"] = json!({
                "enabled": auth.cimd.enabled,
                "host_patterns": auth.cimd.host_patterns,
            });
        }
        if !auth.callback_urls.is_empty() {
            settings["clients"] = json!([{
                "client_id": full,
                "name": full,
                "redirect_uris": auth.callback_urls,
            }]);
        }
        if let Some(cognito) = &auth.cognito {
            settings["lifetimes"] = json!({"refresh": cognito.refresh_token_ttl.seconds()});
        }
        settings
    }
}

/// How the issuer is told whom a token is for: as the file says, or as its address tells.
pub(super) fn told(oidc: &Oidc) -> &'static str {
    let host = oidc.issuer.trim_start_matches("https://");
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let of_address = || {
        if host.ends_with(".auth0.com") {
            ProviderType::Auth0
        } else if host.ends_with("login.microsoftonline.com") || host.ends_with(".ciamlogin.com") {
            ProviderType::Entra
        } else if host.ends_with(".okta.com") || host.ends_with(".oktapreview.com") {
            ProviderType::Okta
        } else {
            ProviderType::Generic
        }
    };
    match oidc.provider_type.unwrap_or_else(of_address) {
        ProviderType::Auth0 => "audience",
        ProviderType::Entra | ProviderType::Okta => "none",
        ProviderType::Keycloak | ProviderType::Generic => "resource",
    }
}

#[cfg(test)]
mod tests;
