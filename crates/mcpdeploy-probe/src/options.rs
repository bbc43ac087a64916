//! What a caller can choose.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{CheckId, Era};

/// What a run is to do, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long one request may take, with its reply.
    pub timeout: Duration,
    /// How long the server may take until it answers for the first time: until then, failures that
    /// a fresh deployment shows (no connection, 429, 5xx, a gateway's own 403 and 404) are tried
    /// again.
    pub warm_up: Duration,
    /// The token that is sent with every request to the endpoint.
    pub bearer: Option<Bearer>,
    /// Who is asked for another token where one is refused.
    pub renew: Option<Renew>,
    /// Strangers have to be turned away.
    pub require_login: bool,
    /// Where to connect to, when it is not where the URL says.
    pub via: Option<Via>,
    /// Only these checks; all when empty.
    pub only: Vec<Pick>,
    /// Not these checks, whatever `only` says.
    pub skip: Vec<Pick>,
    /// Which tools are called.
    pub call_tools: CallTools,
    /// Eras that the server has to speak; one at least it always has to.
    pub require: Vec<Era>,
    /// Origins that browsers are to be let in from, e.g. `https://app.example.com`.
    pub cors_origins: Vec<String>,
    /// How many calls the latency is taken from.
    pub latency_calls: u32,
    /// The longest p95 that passes; without it, latency is told and not judged.
    pub p95_at_most: Option<Duration>,
    /// Certificates in PEM form to trust instead of Mozilla's list.
    pub ca_certificates: Option<Vec<u8>>,
    /// Keep what was sent and received of every check, not only of those that did not pass.
    pub keep_exchanges: bool,
    /// The client's name and version, as the server is told.
    pub client: (String, String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            warm_up: Duration::ZERO,
            bearer: None,
            renew: None,
            require_login: false,
            via: None,
            only: Vec::new(),
            skip: Vec::new(),
            call_tools: CallTools::default(),
            require: Vec::new(),
            cors_origins: Vec::new(),
            latency_calls: 10,
            p95_at_most: None,
            ca_certificates: None,
            keep_exchanges: false,
            client: ("mcpdeploy".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        }
    }
}

/// Which tools are called, with arguments made from their schemas.
///
/// The default calls only what says of itself that it changes nothing: the endpoint may be
/// somebody's production, and by the specification a tool without annotations may change and destroy
/// (`readOnlyHint` is false and `destructiveHint` true when they are not given).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CallTools {
    /// None.
    None,
    /// Those annotated `readOnlyHint: true`.
    #[default]
    ReadOnly,
    /// All but those annotated `destructiveHint: true`; without annotations, too.
    All,
    /// All, those annotated `destructiveHint: true` as well.
    Destructive,
}

/// Another way to the endpoint: an emulator's address for a host that no resolver knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// What takes the place of scheme and authority of the URL; may have a path of its own.
    pub base: String,
    /// The `Host` to send; the base's own when not given.
    pub host: Option<String>,
}

/// A bearer token. It shows itself in no `Debug`, report or exchange.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

/// A token that could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is empty or has characters that a header cannot carry")]
pub struct NotAToken;

impl Bearer {
    /// A token, without the word `Bearer`; space around it is dropped.
    ///
    /// # Errors
    ///
    /// It is empty, or has characters other than visible ASCII.
    pub fn new(token: &str) -> Result<Self, NotAToken> {
        let token = token.trim();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(NotAToken);
        }
        Ok(Self(token.to_owned()))
    }

    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// How the server refused a token.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// 401: the token is no good; 403: it may do too little.
    pub status: u16,
    /// The `WWW-Authenticate`, where there was one.
    pub challenge: Option<&'a str>,
}

/// Gets another token in the place of one that was refused; none when that cannot be had.
#[derive(Clone)]
pub struct Renew(Arc<Ask>);

type Ask = dyn Fn(&Refused<'_>) -> Option<Bearer> + Send + Sync;

impl Renew {
    /// Asks like this. The run waits for the answer.
    pub fn new(ask: impl Fn(&Refused<'_>) -> Option<Bearer> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) fn call(&self, refused: &Refused<'_>) -> Option<Bearer> {
        (self.0)(refused)
    }
}

impl fmt::Debug for Renew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renew(…)")
    }
}

/// A choice of checks: a group (`modern`), an id (`modern.get`) or a name of both eras (`get`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick(String);

/// A choice that no check fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no check `{text}`")]
pub struct UnknownCheck {
    /// What was asked for.
    pub text: String,
    /// What may have been meant.
    pub near: Option<String>,
}

impl Pick {
    /// A choice that fits at least one check.
    ///
    /// # Errors
    ///
    /// It fits none; the error has what is spelled most alike.
    pub fn new(text: &str) -> Result<Self, UnknownCheck> {
        let pick = Self(text.trim().to_owned());
        let all = CheckId::all();
        if all.iter().any(|id| pick.fits(*id)) {
            return Ok(pick);
        }
        let near = all
            .iter()
            .flat_map(|id| [id.to_string(), id.name().to_owned(), id.group().to_owned()])
            .map(|known| (strsim::jaro_winkler(&known, &pick.0), known))
            .filter(|(alike, _)| *alike > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known);
        Err(UnknownCheck { text: pick.0, near })
    }

    /// Whether the check is among what was chosen.
    #[must_use]
    pub fn fits(&self, id: CheckId) -> bool {
        match self.0.split_once('.') {
            Some((group, name)) => group == id.group() && name == id.name(),
            None => self.0 == id.group() || self.0 == id.name(),
        }
    }
}

impl Options {
    /// Whether the check is to be made.
    pub(crate) fn wants(&self, id: CheckId) -> bool {
        (self.only.is_empty() || self.only.iter().any(|pick| pick.fits(id)))
            && !self.skip.iter().any(|pick| pick.fits(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CommonCheck, TransportCheck};

    #[test]
    fn a_pick_is_a_group_an_id_or_a_name() {
        let get = |era| CheckId::Common(era, CommonCheck::Get);
        for (text, legacy, modern) in [
            ("get", true, true),
            ("legacy", true, false),
            ("modern.get", false, true),
            ("delete", false, false),
        ] {
            let pick = Pick::new(text).unwrap();
            assert_eq!(pick.fits(get(Era::Legacy)), legacy, "{text}");
            assert_eq!(pick.fits(get(Era::Modern)), modern, "{text}");
        }
        let error = Pick::new("legacy.tool-list").unwrap_err();
        assert_eq!(error.near.as_deref(), Some("legacy.tools-list"));
        assert_eq!(Pick::new("xyz").unwrap_err().near, None);
    }

    #[test]
    fn skip_wins_over_only() {
        let options = Options {
            only: vec![Pick::new("transport").unwrap()],
            skip: vec![Pick::new("latency").unwrap()],
            ..Options::default()
        };
        assert!(options.wants(CheckId::Transport(TransportCheck::Connect)));
        assert!(!options.wants(CheckId::Transport(TransportCheck::Latency)));
        assert!(!options.wants(CheckId::Common(Era::Legacy, CommonCheck::Get)));
    }

    #[test]
    fn a_token_shows_itself_nowhere() {
        let token = Bearer::new(" s3cret\n").unwrap();
        assert_eq!(token.secret(), "s3cret");
        assert_eq!(format!("{token:?}"), "Bearer(…)");
        assert_eq!(Bearer::new("a b"), Err(NotAToken));
        assert_eq!(Bearer::new("  "), Err(NotAToken));
    }
}
