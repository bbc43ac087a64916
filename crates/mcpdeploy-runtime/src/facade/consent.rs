//! `/consent`: the person decides, for one client, what it may do and where it returns to.
//!
//! Upstream we are a single client, to which the person has agreed long ago: without a decision of
//! our own for each client, any of them would get a code unseen (the confused deputy).

use http::header::ORIGIN;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Code, Fault};
use super::client::digest;
use super::flow::{Ask, Flow, Ticket};
use super::params::{self, Params, Twice};
use super::route::Facade;
use super::seal::Travels;
use super::trail::Trail;
use super::uri::{Reaches, Redirect};

const COOKIE: &str = "mcp-consent";

/// As many as a cookie holds; the oldest are forgotten.
const REMEMBERED: usize = 24;

/// What this browser's person has agreed to, and until when it counts.
#[derive(Default, Serialize, Deserialize)]
struct Agreed(Vec<(String, u64)>);

impl Travels for Agreed {
    const PURPOSE: &'static str = "consent";
}

enum Decision {
    Approve,
    Deny,
}

impl Facade {
    pub(super) fn consent(&self, headers: &HeaderMap, form: &Params, trail: &mut Trail) -> Answer {
        let decided = self.decided(headers, form);
        if let Ok((flow, _)) = &decided {
            trail.of(flow);
        }
        match decided {
            Ok((flow, Decision::Approve)) => {
                let mut answer = self.page.onward(&self.login_location(&flow));
                flow.begin(&mut answer, &self.cookies, self.settings.lifetimes.flow);
                self.remember(headers, &flow.ask, &mut answer);
                answer
            }
            Ok((flow, Decision::Deny)) => {
                let fault = Fault::new(Code::AccessDenied, "the person did not agree");
                trail.fault(&fault);
                let location = self.fault_location(&flow.ask.back(), &fault);
                let mut answer = self.page.onward(&location);
                flow.end(&mut answer, &self.cookies);
                answer
            }
            Err((status, why)) => {
                trail.refused(&why);
                self.page.fault(status, &why)
            }
        }
    }

    fn decided(
        &self,
        headers: &HeaderMap,
        form: &Params,
    ) -> Result<(Flow, Decision), (StatusCode, String)> {
        let twice = |twice: Twice| (StatusCode::BAD_REQUEST, twice.to_string());
        let foreign = || {
            let why = "this answer does not come from the page that asked, in this browser";
            (StatusCode::FORBIDDEN, why.to_owned())
        };
        if !self.is_own_form(headers) {
            return Err(foreign());
        }
        let ticket = form.one("ticket").map_err(twice)?.unwrap_or_default();
        let Ticket(flow) = self
            .held()
            .sealer
            .open(ticket, self.clock.now())
            .map_err(|why| (StatusCode::BAD_REQUEST, format!("the question is {why}")))?;
        if !flow.is_of(headers, &self.cookies) {
            return Err(foreign());
        }
        let decision = match form.one("decision").map_err(twice)? {
            Some("approve") => Decision::Approve,
            Some("deny") => Decision::Deny,
            Some(_) | None => {
                let why = "the answer is neither yes nor no";
                return Err((StatusCode::BAD_REQUEST, why.to_owned()));
            }
        };
        Ok((flow, decision))
    }

    /// What browsers say of where a form was sent from; the cookie and the ticket count besides.
    fn is_own_form(&self, headers: &HeaderMap) -> bool {
        let own_origin = Redirect::parse(&self.settings.issuer).is_ok_and(|issuer| {
            headers
                .get(ORIGIN)
                .is_none_or(|origin| origin.as_bytes() == issuer.origin().as_bytes())
        });
        let own_site = headers
            .get("sec-fetch-site")
            .is_none_or(|site| site == "same-origin");
        own_origin && own_site
    }

    /// Whether the person agreed to the same before, in this browser.
    pub(super) fn remembers(&self, headers: &HeaderMap, ask: &Ask) -> bool {
        grant(ask).is_some_and(|grant| {
            self.agreed(headers)
                .0
                .iter()
                .any(|(known, _)| *known == grant)
        })
    }

    fn remember(&self, headers: &HeaderMap, ask: &Ask, answer: &mut Answer) {
        let Some(grant) = grant(ask) else { return };
        let lifetime = self.settings.lifetimes.consent;
        let until = self.clock.now() + lifetime;
        let mut agreed = self.agreed(headers);
        agreed.0.retain(|(known, _)| *known != grant);
        agreed.0.insert(0, (grant, until));
        agreed.0.truncate(REMEMBERED);
        let value = self.held().sealer.seal(&agreed, until);
        self.cookies.set(answer, COOKIE, &value, lifetime);
    }

    fn agreed(&self, headers: &HeaderMap) -> Agreed {
        let now = self.clock.now();
        let mut agreed: Agreed = params::cookie(headers, &self.cookies.name(COOKIE))
            .and_then(|value| self.held().sealer.open(value, now).ok())
            .unwrap_or_default();
        agreed.0.retain(|(_, until)| *until > now);
        agreed
    }
}

/// What a consent holds for. None for an app or a loopback address: any program on the machine can
/// listen there under any client's name, so the person is asked each time (RFC 8252, section 8.6).
fn grant(ask: &Ask) -> Option<String> {
    let redirect =
        Redirect::parse(&ask.redirect_uri)
            .ok()
            .filter(|redirect| match redirect.reaches {
                Reaches::Web => true,
                Reaches::Loopback | Reaches::App => false,
            })?;
    let mut scopes: Vec<&str> = ask.scopes.iter().map(String::as_str).collect();
    scopes.sort_unstable();
    let origin = redirect.origin();
    let mut whole = vec![ask.client.as_str(), &origin, &ask.resource];
    whole.extend(scopes);
    Some(digest(&whole))
}
