//! `/oauth2/authorize`, and the end of every sign-in by the pages: the way back to the client.

use http::{Response, StatusCode};

use super::super::model::{Domain, Granted};
use super::super::passing::{Authorization, Browser};
use super::super::{Cognito, faults};
use super::ask::{Ask, Refusal};
use super::html;
use super::visit::{Visit, redirect};
use crate::cloud::Cloud;
use crate::wire::{Body, Fault};

impl Cognito {
    /// To the client with a code where somebody has signed in already, or else to the page.
    pub(super) async fn authorize(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let ask = match self.ask(domain, visit) {
            Ok(ask) => ask,
            Err(refusal) => return refused(visit, &refusal),
        };
        if let Some(response) = self.without_password(cloud, visit, &ask).await {
            return response;
        }
        if ask.prompts.iter().any(|prompt| prompt == "none") {
            return refused(visit, &ask.refuse("login_required", None));
        }
        redirect(&visit.here("/login"), None)
    }

    pub(super) fn ask(&self, domain: &Domain, visit: &Visit) -> Result<Ask, Refusal> {
        Ask::read(&self.state(), domain, visit)
    }

    /// The way back for who has signed in in this browser not long ago.
    pub(super) async fn without_password(
        &self,
        cloud: &Cloud,
        visit: &Visit,
        ask: &Ask,
    ) -> Option<Response<Body>> {
        let again = ["login", "select_account"];
        if ask.prompts.iter().any(|one| again.contains(&one.as_str())) {
            return None;
        }
        let cookie = visit.browser()?;
        let browser = self.passing().browser(cookie, cloud.now()).cloned()?;
        let known = browser.pool == ask.pool.id && self.may_enter(&browser.user);
        if !known {
            return None;
        }
        let to = self.grant_ask(cloud, visit, ask, &browser).await;
        Some(to.map_or_else(|fault| failed(visit, ask, &fault), |to| redirect(&to, None)))
    }

    fn may_enter(&self, user: &str) -> bool {
        let state = self.state();
        state.users.get(user).is_some_and(|user| user.enabled)
    }

    /// The way back for who has just shown who they are.
    pub(super) async fn enter(
        &self,
        cloud: &Cloud,
        visit: &Visit,
        ask: &Ask,
        user: &str,
    ) -> Response<Body> {
        let now = cloud.now();
        let browser = Browser {
            pool: ask.pool.id.clone(),
            user: user.to_owned(),
            auth_time: now.unix_timestamp(),
        };
        match self.grant_ask(cloud, visit, ask, &browser).await {
            Ok(to) => {
                if let Some(old) = visit.browser() {
                    self.passing().forget_browser(old);
                }
                let cookie = self.passing().remember(browser, now);
                redirect(&to, visit.browser_cookie(&cookie))
            }
            Err(fault) => failed(visit, ask, &fault),
        }
    }

    /// Where the browser goes with what was asked for.
    async fn grant_ask(
        &self,
        cloud: &Cloud,
        visit: &Visit,
        ask: &Ask,
        browser: &Browser,
    ) -> Result<String, Fault> {
        let state = ask.state.as_deref().map(|state| ("state", state));
        if !ask.implicit {
            let what = Authorization {
                client: ask.client.id.clone(),
                user: browser.user.clone(),
                redirect_uri: ask.redirect_uri.clone(),
                scopes: ask.scopes.clone(),
                nonce: ask.nonce.clone(),
                resource: ask.resource.clone(),
                challenge: ask.challenge.clone(),
                auth_time: browser.auth_time,
            };
            let code = self.passing().authorize(what, cloud.now());
            let mut parameters = vec![("code", code.as_str())];
            parameters.extend(state);
            return Ok(ask.back(&parameters));
        }
        let session = Granted::OAuth {
            scopes: ask.scopes.clone(),
            nonce: ask.nonce.clone(),
            resource: ask.resource.clone(),
        };
        let client = &ask.client.id;
        let tokens = self
            .issue(
                cloud,
                &visit.base,
                client,
                &browser.user,
                session,
                browser.auth_time,
            )
            .await?;
        let expires = tokens.expires_in.to_string();
        let mut parameters = Vec::new();
        if let Some(id) = &tokens.id {
            parameters.push(("id_token", id.0.as_str()));
        }
        parameters.push(("access_token", &tokens.access.0));
        parameters.push(("expires_in", &expires));
        parameters.push(("token_type", "Bearer"));
        parameters.extend(state);
        Ok(ask.back(&parameters))
    }
}

/// Our own failure, told to the client.
fn failed(visit: &Visit, ask: &Ask, fault: &Fault) -> Response<Body> {
    tracing::warn!(
        code = fault.code,
        message = fault.message,
        "a sign-in could not be completed"
    );
    let error = if *fault == faults::no_user() {
        "login_required"
    } else {
        "server_error"
    };
    refused(visit, &ask.refuse(error, None))
}

/// Says no, to the client or to the person.
pub(super) fn refused(visit: &Visit, refusal: &Refusal) -> Response<Body> {
    match refusal {
        Refusal::Told(to) => redirect(to, None),
        Refusal::Shown { error, client } => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("error", error);
            if let Some(client) = client {
                query.append_pair("client_id", client);
            }
            redirect(&format!("{}/error?{}", visit.prefix, query.finish()), None)
        }
        Refusal::NoPages => html::message(
            StatusCode::FORBIDDEN,
            "Login pages unavailable",
            "Login pages unavailable. Please contact an administrator.",
        ),
        Refusal::Absent(text) => html::absent(text),
    }
}
