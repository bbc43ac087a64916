//! One login from the client's request to its code, and the browser that it belongs to.

use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::answer::Answer;
use super::params;
use super::seal::{self, Travels};

/// What a client asked for, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    /// The digest of the client's id: ids can be long, and this travels in URLs.
    pub(super) client: String,
    /// Whether it has to sign with its key for its tokens.
    pub(super) asserts: bool,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) scopes: Vec<String>,
    pub(super) resource: String,
    /// `login` or `select_account`, for the upstream.
    pub(super) prompt: Option<String>,
}

/// A login in progress: what was asked, and in which browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Flow {
    pub(super) ask: Ask,
    /// Names the cookie, so that two tabs do not disturb each other.
    id: String,
    /// The cookie's value.
    browser: String,
}

/// The hidden field of the consent page: its form is taken only from the browser it was shown in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ticket(pub(super) Flow);

impl Travels for Ticket {
    const PURPOSE: &'static str = "ticket";
}

/// The `state` that the upstream hands back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State(pub(super) Flow);

impl Travels for State {
    const PURPOSE: &'static str = "state";
}

impl Flow {
    pub(super) fn new(ask: Ask) -> Self {
        let mut id = seal::random();
        id.truncate(11);
        Self {
            ask,
            id,
            browser: seal::random(),
        }
    }

    /// Whether the request comes from the browser in which the flow began, and has not ended there.
    pub(super) fn is_of(&self, headers: &HeaderMap, cookies: &Cookies) -> bool {
        params::cookie(headers, &cookies.name(&self.cookie()))
            .is_some_and(|value| value.as_bytes().ct_eq(self.browser.as_bytes()).into())
    }

    /// Gives the browser what `is_of` will look for.
    pub(super) fn begin(&self, answer: &mut Answer, cookies: &Cookies, lifetime: u64) {
        cookies.set(answer, &self.cookie(), &self.browser, lifetime);
    }

    /// Takes it away: from now on the state is a replayed one.
    pub(super) fn end(&self, answer: &mut Answer, cookies: &Cookies) {
        cookies.set(answer, &self.cookie(), "", 0);
    }

    /// By which its requests are told from those of others. It is not secret: the cookie's value is.
    pub(super) fn id(&self) -> String {
        self.id.clone()
    }

    fn cookie(&self) -> String {
        format!("mcp-flow-{}", self.id)
    }
}

/// How cookies are named and kept.
pub(super) struct Cookies {
    secure: bool,
}

impl Cookies {
    /// Those of an issuer over https, or over http on loopback.
    pub(super) fn new(issuer: &str) -> Self {
        Self {
            secure: issuer.starts_with("https:"),
        }
    }

    /// `__Host-`: no other host of the domain can have set it.
    pub(super) fn name(&self, name: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    /// `Lax`, as the way back from the upstream begins on another site.
    pub(super) fn set(&self, answer: &mut Answer, name: &str, value: &str, lifetime: u64) {
        let name = self.name(name);
        let secure = if self.secure { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={lifetime}; HttpOnly; SameSite=Lax{secure}");
        let value = text
            .parse()
            .expect("names and values of cookies are base64url");
        answer.headers_mut().append(SET_COOKIE, value);
    }
}
