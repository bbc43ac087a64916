//! What of a request may be told to the operator: which endpoint, whose it is, what was wrong with it.
//! Codes, tokens, states, cookies and secrets never get here.

use serde::Serialize;

use super::answer::{Code, Fault};
use super::flow::Flow;
use super::uri::Redirect;

/// Longer than any text of ours; clients put their own words into some.
const LONGEST: usize = 300;
/// Of a well-known path: its end is the client's own.
const LONGEST_PATH: usize = 200;

/// What is told of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// The path, when it is one of the facade's.
    pub path: String,
    /// What the client is called, or the host that describes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The host or app that the person is returned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns_to: Option<String>,
    /// By which the requests of one login are told from those of another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The code of the error that it ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// What the error says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A path of the facade's own, as it is told.
pub(super) fn own_path(path: &str) -> String {
    path.chars().take(LONGEST_PATH).collect()
}

impl Trail {
    /// It ended with `fault`.
    pub(super) fn fault(&mut self, fault: &Fault) {
        self.told(fault.code, &fault.description);
    }

    /// It ended with an error that only the person was told.
    pub(super) fn refused(&mut self, why: &str) {
        self.told(Code::InvalidRequest, why);
    }

    /// It is a step of this login.
    pub(super) fn of(&mut self, flow: &Flow) {
        self.flow = Some(flow.id());
        let redirect = Redirect::parse(&flow.ask.redirect_uri);
        self.returns_to = redirect.ok().map(|redirect| redirect.shown());
    }

    fn told(&mut self, code: Code, why: &str) {
        self.error = Some(code.as_str());
        self.reason = Some(why.chars().take(LONGEST).collect());
    }
}
