//! `/callback`: the upstream sends the person back, and we send them on to the client.

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::answer::{self, Answer, Code, Fault};
use super::flow::{Ask, Flow, State};
use super::params::Params;
use super::route::Facade;
use super::seal::{Travels, Unopened};
use super::trail::Trail;
use super::uri::with_query;

/// Longer than any issuer's codes.
const LONGEST: usize = 4096;

/// The code that a client gets: the upstream's, and to whom and for what it was given.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Granted {
    pub(super) code: String,
    pub(super) ask: Ask,
}

impl Travels for Granted {
    const PURPOSE: &'static str = "code";
}

impl Facade {
    pub(super) fn callback(
        &self,
        headers: &HeaderMap,
        params: &Params,
        trail: &mut Trail,
    ) -> Answer {
        let flow = match self.returned(headers, params) {
            Ok(flow) => flow,
            Err(why) => {
                trail.refused(&why);
                return self.page.fault(StatusCode::BAD_REQUEST, &why);
            }
        };
        trail.of(&flow);
        let location = match self.granted(params, &flow.ask) {
            Ok(location) => location,
            Err(fault) => {
                trail.fault(&fault);
                self.fault_location(&flow.ask.back(), &fault)
            }
        };
        let mut answer = answer::redirect(&location);
        flow.end(&mut answer, &self.cookies);
        answer
    }

    /// The flow that ends here, if it began in this browser and did not end before.
    fn returned(&self, headers: &HeaderMap, params: &Params) -> Result<Flow, String> {
        let state = params
            .one("state")
            .map_err(|twice| twice.to_string())?
            .ok_or("the parameter state is missing")?;
        let State(flow) =
            self.held()
                .sealer
                .open(state, self.clock.now())
                .map_err(|why| match why {
                    Unopened::Expired => "the login took too long; begin again from the app",
                    Unopened::Foreign => "this login did not begin here",
                })?;
        if !flow.is_of(headers, &self.cookies) {
            return Err(
                "this login did not begin in this browser, or is already over; \
                 begin again from the app"
                    .to_owned(),
            );
        }
        Ok(flow)
    }

    fn granted(&self, params: &Params, ask: &Ask) -> Result<String, Fault> {
        // Whoever mixes up issuers mixes up codes (RFC 9207).
        if let Some(issuer) = params.one("iss")?
            && issuer != self.settings.upstream.issuer
        {
            return Err(Fault::new(
                Code::ServerError,
                "the answer to the login is of another issuer",
            ));
        }
        if let Some(error) = params.one("error")? {
            return Err(passed_on(error));
        }
        let code = params
            .one("code")?
            .filter(|code| code.len() <= LONGEST)
            .ok_or_else(|| Fault::new(Code::ServerError, "the login gave no code"))?;
        let granted = Granted {
            code: code.to_owned(),
            ask: ask.clone(),
        };
        let until = self.clock.now() + self.settings.lifetimes.code;
        let sealed = self.held().sealer.seal(&granted, until);
        let mut parameters = vec![("code", sealed.as_str())];
        parameters.extend(ask.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", self.settings.issuer.as_str()));
        Ok(with_query(&ask.redirect_uri, parameters))
    }
}

/// An error of the upstream as the client hears it: what is about us is not its concern.
fn passed_on(error: &str) -> Fault {
    let code = match error {
        "access_denied" => Code::AccessDenied,
        "consent_required" => Code::ConsentRequired,
        "interaction_required" => Code::InteractionRequired,
        "invalid_scope" => Code::InvalidScope,
        "login_required" => Code::LoginRequired,
        "temporarily_unavailable" => Code::TemporarilyUnavailable,
        _ => Code::ServerError,
    };
    // It came through the browser: what is no code of an error is not repeated.
    let known = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let said = if known { error } else { "an error" };
    Fault::new(code, format!("the login ended with {said}"))
}
