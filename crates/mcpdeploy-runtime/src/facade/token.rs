//! `/token`: codes and refresh tokens become access tokens, for whom they were given to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::answer::{self, Answer, Code, Fault};
use super::callback::Granted;
use super::credentials::Caller;
use super::params::Params;
use super::route::Facade;
use super::scopes::narrowed;
use super::seal::{Travels, Unopened};
use super::trail::Trail;

/// The refresh token that a client gets: the upstream's, and to whom and for what it was given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) token: String,
    pub(super) client: String,
    pub(super) asserts: bool,
    pub(super) resource: String,
    pub(super) scopes: Vec<String>,
}

impl Travels for Refresh {
    const PURPOSE: &'static str = "refresh";
}

impl Facade {
    pub(super) async fn token(
        &self,
        headers: &HeaderMap,
        form: &Params,
        trail: &mut Trail,
    ) -> Result<Answer, Fault> {
        let caller = self.caller(headers, form, trail).await?;
        match form.one("grant_type")? {
            Some("authorization_code") => self.exchange(&caller, form).await,
            Some("refresh_token") => self.refresh(&caller, form).await,
            Some(_) => Err(Fault::new(
                Code::UnsupportedGrantType,
                "grant_type must be authorization_code or refresh_token",
            )),
            None => Err(required("grant_type")),
        }
    }

    async fn exchange(&self, caller: &Caller, form: &Params) -> Result<Answer, Fault> {
        let code = form.one("code")?.ok_or_else(|| required("code"))?;
        let verifier = form
            .one("code_verifier")?
            .ok_or_else(|| required("code_verifier"))?;
        let redirect_uri = form
            .one("redirect_uri")?
            .ok_or_else(|| required("redirect_uri"))?;
        let Granted { code, ask } = self
            .held()
            .sealer
            .open(code, self.clock.now())
            .map_err(|why| not_granted("the code", why))?;
        caller.owns(&ask.client, ask.asserts, "the code")?;
        if redirect_uri != ask.redirect_uri {
            return Err(denied("the code was sent to another redirect_uri"));
        }
        // The upstream checks it too; ours is there for issuers that do not know PKCE.
        if !verifies(verifier, &ask.challenge) {
            return Err(denied(
                "code_verifier is not what code_challenge was made of",
            ));
        }
        self.same_resource(form, &ask.resource)?;
        let callback = self.callback_uri();
        let answered = self
            .upstream(
                &self.endpoints.token,
                &[
                    ("grant_type", "authorization_code"),
                    ("code", &code),
                    ("redirect_uri", &callback),
                    ("code_verifier", verifier),
                ],
            )
            .await?;
        let until = self.clock.now() + self.settings.lifetimes.refresh;
        let refresh = answered
            .get("refresh_token")
            .and_then(Value::as_str)
            .map(|token| Refresh {
                token: token.to_owned(),
                client: ask.client,
                asserts: ask.asserts,
                resource: ask.resource,
                scopes: ask.scopes.clone(),
            });
        self.tokens(&answered, &ask.scopes, refresh, until)
    }

    async fn refresh(&self, caller: &Caller, form: &Params) -> Result<Answer, Fault> {
        let token = form
            .one("refresh_token")?
            .ok_or_else(|| required("refresh_token"))?;
        let now = self.clock.now();
        let (mut refresh, until) = self
            .held()
            .sealer
            .open_until::<Refresh>(token, now)
            .map_err(|why| not_granted("the refresh token", why))?;
        caller.owns(&refresh.client, refresh.asserts, "the refresh token")?;
        self.same_resource(form, &refresh.resource)?;
        let scopes = narrowed(form.one("scope")?, &refresh.scopes)?;
        let scope = scopes.join(" ");
        let mut parameters = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.token.as_str()),
        ];
        if scopes != refresh.scopes {
            parameters.push(("scope", &scope));
        }
        let answered = self.upstream(&self.endpoints.token, &parameters).await?;
        // One that the upstream does not change keeps its end, but is sealed with the current key.
        let rotated = answered.get("refresh_token").and_then(Value::as_str);
        let until = if rotated.is_some() {
            now + self.settings.lifetimes.refresh
        } else {
            until
        };
        if let Some(rotated) = rotated {
            rotated.clone_into(&mut refresh.token);
        }
        self.tokens(&answered, &scopes, Some(refresh), until)
    }

    fn same_resource(&self, form: &Params, granted: &str) -> Result<(), Fault> {
        match form.one("resource")? {
            Some(asked) if self.resource(Some(asked))?.url != granted => Err(Fault::new(
                Code::InvalidTarget,
                "what the person agreed to is for another resource",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// What the client gets of the upstream's answer. An ID token is not among it: it is about our
    /// client there, and no MCP client has a use for it.
    fn tokens(
        &self,
        answered: &Map<String, Value>,
        scopes: &[String],
        refresh: Option<Refresh>,
        until: u64,
    ) -> Result<Answer, Fault> {
        let access = answered
            .get("access_token")
            .and_then(Value::as_str)
            .ok_or_else(|| Fault::new(Code::ServerError, "the issuer gave no access token"))?;
        let scope = answered
            .get("scope")
            .and_then(Value::as_str)
            .map_or_else(|| scopes.join(" "), ToOwned::to_owned);
        let mut body = json!({
            "access_token": access,
            "token_type": "Bearer",
            "scope": scope,
        });
        if let Some(expires) = answered.get("expires_in").and_then(Value::as_u64) {
            body["expires_in"] = json!(expires);
        }
        if let Some(refresh) = refresh {
            body["refresh_token"] = json!(self.held().sealer.seal(&refresh, until));
        }
        Ok(answer::json_answer(StatusCode::OK, &body))
    }
}

fn required(name: &str) -> Fault {
    Fault::new(Code::InvalidRequest, format!("{name} is missing"))
}

fn denied(why: &str) -> Fault {
    Fault::new(Code::InvalidGrant, why)
}

fn not_granted(what: &str, why: Unopened) -> Fault {
    Fault::new(Code::InvalidGrant, format!("{what} is {why}"))
}

fn verifies(verifier: &str, challenge: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        && equal(&URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), challenge)
}

fn equal(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
