//! The user pool: who people are, and where they log in.

use std::collections::BTreeSet;

use mcpdeploy_config::{self as config, Cognito, SocialProvider};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::Input;
use serde_json::{Value, json};

use super::scopes::{Scopes, own_scopes};
use super::{Issuer, Setting, input};
use crate::ids::{UserPoolId, text};
use crate::kinds::{
    ApiFlow, Apple, FeaturePlan, IdentityProvider, IdentityProviderInputs, InputSet, LoginBranding,
    LoginBrandingInputs, LoginPages, Mfa, OAuthFlow, Oidc as IssuerOf, PasswordPolicy,
    ProviderSecret, ProviderSort, RefreshRotation, ResourceServer, ResourceServerInputs, SignIn,
    TokenLifetimes, UserPool, UserPoolClient, UserPoolClientInputs, UserPoolDomain,
    UserPoolDomainInputs, UserPoolInputs,
};
use crate::stack::names::login_domain;
use crate::stack::{Stack, StackError, joined, reference};

/// A refresh token is good once; for so long the one before still is, for a client that did not
/// get the answer.
const GRACE_SECONDS: u32 = 60;

/// A pool, its issuer and its pages.
struct People {
    pool: Input<UserPoolId>,
    issuer: Value,
    pages: Value,
}

impl Stack<'_> {
    pub(super) fn pool(&mut self, setting: &Setting<'_>) -> Issuer {
        let auth = &self.config.auth;
        let cognito = auth.cognito.clone().unwrap_or_default();
        let people = match &cognito.user_pool_id {
            Some(id) => self.existing_pool(id, &cognito, setting),
            None => self.new_pool(&cognito, setting),
        };
        let server = self.add::<ResourceServer>(
            "mcp",
            &ResourceServerInputs {
                user_pool: people.pool.clone(),
                identifier: Input::Open(setting.mcp_url()),
                name: setting.names.full.clone(),
                scopes: own_scopes(auth, &format!("{}/", cognito.resource_server_id))
                    .into_iter()
                    .collect(),
            },
        );
        let identifier = reference(&server, "/identifier");
        let scopes = Scopes::of_pool(auth, &cognito, &identifier);
        let providers = self.providers(&cognito, &people, setting);
        let seconds = |ttl: &config::Ttl| u32::try_from(ttl.seconds()).unwrap_or(u32::MAX);
        let access = seconds(&cognito.access_token_ttl);
        let client = self.add::<UserPoolClient>(
            "login",
            &UserPoolClientInputs {
                user_pool: people.pool.clone(),
                name: setting.names.full.clone(),
                // What proves that a code is the client's own is PKCE, whose challenge is the
                // client's: a secret of the facade's would prove nothing about it.
                confidential: false,
                flows: BTreeSet::from([OAuthFlow::Code]),
                scopes: scopes.names(),
                callback_urls: [callback(setting)].into_iter().collect(),
                logout_urls: InputSet::default(),
                identity_providers: providers,
                // One it must have; this one needs triggers that the pool has not, so that nobody gets
                // in but by the pages.
                api_flows: BTreeSet::from([ApiFlow::Custom]),
                tokens: TokenLifetimes {
                    access_seconds: access,
                    id_seconds: access,
                    refresh_seconds: seconds(&cognito.refresh_token_ttl),
                },
                rotation: Some(RefreshRotation {
                    grace_seconds: GRACE_SECONDS,
                }),
                token_revocation: true,
                hide_user_existence: true,
            },
        );
        self.add::<LoginBranding>(
            "login",
            &LoginBrandingInputs {
                user_pool: people.pool.clone(),
                client: UserPoolClient::id(&client).into(),
            },
        );
        self.output("user_pool_id", json!(people.pool));
        self.output("login_pages", people.pages.clone());
        let endpoint =
            |name: &str| joined([people.pages.clone(), json!(format!("/oauth2/{name}"))]);
        Issuer {
            upstream: json!({
                "issuer": people.issuer,
                "authorize": endpoint("authorize"),
                "token": endpoint("token"),
                "revoke": endpoint("revoke"),
                "client_id": text(UserPoolClient::id(&client)),
            }),
            url: input(people.issuer),
            audience: Input::Open(setting.mcp_url()),
            scopes,
        }
    }

    /// A pool that is there, with a domain that it has.
    fn existing_pool(&mut self, id: &str, cognito: &Cognito, setting: &Setting<'_>) -> People {
        let place = setting.place;
        if !id.starts_with(&format!("{}_", place.region)) {
            self.errors.push(StackError::Key {
                key: "auth.cognito.user_pool_id",
                message: format!(
                    "the pool {id} is not in {}, where this is deployed",
                    place.region
                ),
                help: "use a pool of the same region".to_owned(),
            });
        }
        let domain = cognito.domain.as_deref().unwrap_or_default();
        let (issuer, pages) = match &place.emulator {
            Some(endpoint) => (
                format!("{endpoint}/{id}"),
                format!("{endpoint}/_cognito/{domain}"),
            ),
            None => (
                UserPool::issuer_of(id, &place.region),
                UserPoolDomain::base_url_of(domain, &place.region),
            ),
        };
        People {
            pool: UserPoolId::new(id).into(),
            issuer: json!(issuer),
            pages: json!(pages),
        }
    }

    fn new_pool(&mut self, cognito: &Cognito, setting: &Setting<'_>) -> People {
        let full = &setting.names.full;
        let required = self.config.auth.mfa_required;
        let pool = self.add::<UserPool>(
            "people",
            &UserPoolInputs {
                name: cognito
                    .user_pool_name
                    .clone()
                    .unwrap_or_else(|| full.clone()),
                password: PasswordPolicy {
                    minimum_length: u32::from(cognito.password_min_length),
                    // Length is what makes a password strong; symbols make it forgotten.
                    require_symbols: false,
                    ..PasswordPolicy::default()
                },
                mfa: match cognito.mfa {
                    _ if required => Mfa::Required,
                    config::Mfa::Off => Mfa::Off,
                    config::Mfa::Optional => Mfa::Optional,
                    config::Mfa::Required => Mfa::Required,
                },
                sign_in: SignIn::Email,
                self_registration: cognito.self_registration,
                plan: FeaturePlan::Essentials,
                deletion_protection: cognito.retain,
                tags: Tags::new(),
            },
        );
        if let Some(resource) = self.desired.resources.last_mut() {
            resource.lifecycle.retain = cognito.retain;
        }
        let place = setting.place;
        let domain = self.add::<UserPoolDomain>(
            "login",
            &UserPoolDomainInputs {
                user_pool: UserPool::id(&pool).into(),
                domain: cognito
                    .domain
                    .clone()
                    .unwrap_or_else(|| login_domain(full, &place.account)),
                certificate_arn: None,
                pages: LoginPages::Managed,
            },
        );
        People {
            pool: UserPool::id(&pool).into(),
            issuer: reference(&pool, "/issuer"),
            pages: reference(&domain, "/base_url"),
        }
    }

    /// The accounts with which people log in: the pool's own, and others.
    fn providers(
        &mut self,
        cognito: &Cognito,
        people: &People,
        setting: &Setting<'_>,
    ) -> InputSet<String> {
        let mut all = vec![Input::from("COGNITO")];
        for name in &cognito.social_providers {
            let Some(provider) = cognito.providers.get(name) else {
                continue;
            };
            let address = self.provider(name, provider, people, setting);
            all.push(IdentityProvider::name(&address).into());
        }
        all.into_iter().collect()
    }

    fn provider(
        &mut self,
        name: &str,
        provider: &SocialProvider,
        people: &People,
        setting: &Setting<'_>,
    ) -> Address {
        let given = match name {
            "google" => ("Google", ProviderSort::Google),
            "apple" => ("SignInWithApple", ProviderSort::Apple),
            own => (own, ProviderSort::Oidc),
        };
        let usual: &[&str] = match given.1 {
            // Apple tells the name and the address, and nothing called profile.
            ProviderSort::Apple => &["email", "name"],
            ProviderSort::Google | ProviderSort::Oidc => &["openid", "email", "profile"],
        };
        let scopes = if provider.scopes.is_empty() {
            usual.iter().map(|scope| (*scope).to_owned()).collect()
        } else {
            provider.scopes.iter().cloned().collect()
        };
        let apple = || {
            Some(Apple {
                team_id: provider.team_id.clone()?,
                key_id: provider.key_id.clone()?,
            })
        };
        let mapped = [("email", "email")];
        self.add::<IdentityProvider>(
            name,
            &IdentityProviderInputs {
                user_pool: people.pool.clone(),
                name: given.0.to_owned(),
                sort: given.1,
                client_id: provider.client_id.as_str().into(),
                client_secret: Some(ProviderSecret {
                    secret_arn: input(self.secret_arn(&provider.secret_name, setting.secrets)),
                    version_id: Self::secret_version(&provider.secret_name, setting.secrets),
                    member: None,
                }),
                apple: apple(),
                oidc: provider.issuer.as_ref().map(|issuer| IssuerOf {
                    issuer: issuer.as_str().into(),
                    attributes_by_post: false,
                    endpoints: None,
                }),
                scopes,
                attributes: mapped
                    .map(|(attribute, claim)| (attribute.to_owned(), claim.to_owned()))
                    .into(),
            },
        )
    }
}

fn callback(setting: &Setting<'_>) -> Input<String> {
    Input::Open(joined([setting.base(), json!("/callback")]))
}
