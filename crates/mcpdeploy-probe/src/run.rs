//! A run: in which order checks are made, and what they know of each other.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Instant;

use serde_json::Value;

use crate::catalog::{CheckId, Era, LegacyCheck, LoginCheck, ModernCheck, TransportCheck};
use crate::checks;
use crate::checks::opening::{self, Opening};
use crate::client::Client;
use crate::exchange::Exchange;
use crate::http::{Http, Reply};
use crate::options::Options;
use crate::report::{
    CheckDone, EraFound, Latency, Login, Outcome, Report, Server, Verdict, micros,
};

/// A probe that cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The endpoint is not named by an http or https URL.
    #[error("`{0}` is no http or https URL")]
    NotAUrl(String),
    /// A token would be sent over plain HTTP to another machine.
    #[error("the token would be sent unencrypted: the URL is http://")]
    TokenInClear,
    /// The certificates to trust cannot be read.
    #[error("the certificates to trust cannot be read: {0}")]
    NotCertificates(String),
}

/// An endpoint that is to be checked.
pub struct Probe {
    url: String,
    options: Options,
    http: Http,
}

impl Probe {
    /// The endpoint at `url`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The URL or the options cannot be used.
    pub fn new(url: &str, options: Options) -> Result<Self, ProbeError> {
        Ok(Self {
            url: url.to_owned(),
            http: Http::new(url, &options)?,
            options,
        })
    }

    /// Makes the checks, one after another; hands over each when it is done. Blocks until the end.
    ///
    /// The server is sent a few dozen small requests. Tools are called as [`Options::call_tools`]
    /// says; nothing else changes anything there, but for sessions that are opened and ended.
    pub fn run(&self, on_done: &mut dyn FnMut(&CheckDone)) -> Report {
        let begun = Instant::now();
        let mut run = Run {
            options: &self.options,
            http: &self.http,
            on_done,
            done: Vec::new(),
            eras: Vec::new(),
            server: None,
            login: None,
            latency: None,
            legacy: None,
            modern: None,
            openings: Vec::new(),
        };
        let verdict = run.all();
        let mut report = Report::new(&self.url, verdict, run.done, begun.elapsed());
        report.eras = run.eras;
        report.server = run.server;
        report.login = run.login;
        report.latency = run.latency;
        report
    }
}

/// An era that the server speaks, and what is known of it so far.
pub(crate) struct Spoken {
    pub(crate) client: Client,
    /// The result of `initialize` or `server/discover`; null when that was no good.
    pub(crate) hello: Value,
    /// What came of saying hello.
    pub(crate) said: Result<Reply, Outcome>,
    /// What came of `notifications/initialized`, in the older era.
    pub(crate) notified: Option<Result<Reply, Outcome>>,
    /// All tools, once they were asked for.
    pub(crate) tools: OnceCell<Result<Rc<Vec<Value>>, Outcome>>,
    /// All resources, once they were asked for.
    pub(crate) resources: OnceCell<Result<Rc<Vec<Value>>, Outcome>>,
}

pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    pub(crate) http: &'a Http,
    on_done: &'a mut dyn FnMut(&CheckDone),
    done: Vec<CheckDone>,
    pub(crate) eras: Vec<EraFound>,
    pub(crate) server: Option<Server>,
    pub(crate) login: Option<Login>,
    pub(crate) latency: Option<Latency>,
    pub(crate) legacy: Option<Rc<Spoken>>,
    pub(crate) modern: Option<Rc<Spoken>>,
    /// What was said to find out about each era.
    openings: Vec<(Era, Exchange)>,
}

impl Run<'_> {
    /// The era, if the server speaks it.
    pub(crate) fn spoken(&self, era: Era) -> Option<Rc<Spoken>> {
        match era {
            Era::Legacy => self.legacy.clone(),
            Era::Modern => self.modern.clone(),
        }
    }

    /// The newest era that the server speaks.
    pub(crate) fn newest(&self) -> Option<Rc<Spoken>> {
        self.modern.clone().or_else(|| self.legacy.clone())
    }

    fn keep_opening(&mut self, era: Era) {
        let said = self.http.take_log();
        self.openings
            .extend(said.into_iter().map(|exchange| (era, exchange)));
    }

    /// Makes a check, if it is wanted.
    pub(crate) fn check(
        &mut self,
        id: CheckId,
        make: impl FnOnce(&mut Self) -> Result<Outcome, Outcome>,
    ) {
        self.check_on(id, None, make);
    }

    /// Makes a check that is made on several things, on one of them.
    pub(crate) fn check_on(
        &mut self,
        id: CheckId,
        subject: Option<&str>,
        make: impl FnOnce(&mut Self) -> Result<Outcome, Outcome>,
    ) {
        if !self.options.wants(id) {
            return;
        }
        let begun = Instant::now();
        let outcome = make(self).unwrap_or_else(|outcome| outcome);
        self.tell(id, subject, outcome, begun);
    }

    /// What was said before the checks of the eras began, as far as this check is about it.
    fn opening_of(&self, id: CheckId) -> Vec<Exchange> {
        let is_about = |era: Era| match id {
            CheckId::Transport(TransportCheck::SpeaksMcp) => true,
            CheckId::Transport(TransportCheck::Connect)
            | CheckId::Modern(ModernCheck::Discover) => era == Era::Modern,
            CheckId::Legacy(LegacyCheck::Initialize | LegacyCheck::Initialized) => {
                era == Era::Legacy
            }
            CheckId::Transport(_)
            | CheckId::Login(_)
            | CheckId::Common(..)
            | CheckId::Legacy(_)
            | CheckId::Modern(_) => false,
        };
        let about = self.openings.iter().filter(|(era, _)| is_about(*era));
        about.map(|(_, exchange)| exchange.clone()).collect()
    }

    /// Takes down what came of a check, wanted or not.
    fn tell(&mut self, id: CheckId, subject: Option<&str>, outcome: Outcome, begun: Instant) {
        let untried = matches!(outcome, Outcome::Skipped { .. });
        let fine = matches!(outcome, Outcome::Passed { .. } | Outcome::Skipped { .. });
        let mut exchanges = self.opening_of(id);
        let before: u64 = exchanges.iter().map(|exchange| exchange.duration_us).sum();
        exchanges.extend(self.http.take_log());
        let done = CheckDone {
            id: id.to_string(),
            subject: subject.map(str::to_owned),
            title: id.title().to_owned(),
            outcome,
            duration_us: if untried {
                0
            } else {
                micros(begun.elapsed()) + before
            },
            page: id.page(),
            exchanges: if fine && !self.options.keep_exchanges {
                Vec::new()
            } else {
                exchanges
            },
        };
        (self.on_done)(&done);
        self.done.push(done);
    }

    fn all(&mut self) -> Verdict {
        const CONNECT: CheckId = CheckId::Transport(TransportCheck::Connect);
        const SPEAKS: CheckId = CheckId::Transport(TransportCheck::SpeaksMcp);
        let begun = Instant::now();
        let first = match opening::knock(self) {
            Ok(first) => first,
            Err(outcome) => {
                self.tell(CONNECT, None, outcome, begun);
                return Verdict::Unreachable;
            }
        };
        let reached = opening::reached(&first, begun.elapsed());
        self.keep_opening(Era::Modern);
        self.check(CONNECT, |_| Ok(reached));

        let modern = opening::modern(self, first);
        self.keep_opening(Era::Modern);
        let legacy = match &modern {
            Opening::Locked(_) => None,
            Opening::Spoken(_) | Opening::Mute(_) => Some(opening::legacy(self)),
        };
        self.keep_opening(Era::Legacy);
        let locked = match (&modern, &legacy) {
            (Opening::Locked(reply), _) => Some(reply.clone()),
            (Opening::Mute(_), Some(Opening::Locked(reply))) => Some(reply.clone()),
            _ => None,
        };
        if let Some(reply) = locked {
            return self.locked_out(reply);
        }
        let legacy = legacy.unwrap_or_else(|| Opening::mute("it was not asked"));
        let speaks = opening::speaks(self, &legacy, &modern);
        if speaks.is_failure() {
            self.tell(SPEAKS, None, speaks, Instant::now());
            return Verdict::Failed;
        }
        self.check(SPEAKS, |_| Ok(speaks));
        if self.http.has_token() || self.options.require_login {
            checks::login::all(self, None);
        }
        for (era, opening) in [(Era::Legacy, legacy), (Era::Modern, modern)] {
            match opening {
                Opening::Spoken(_) => checks::era(self, era),
                Opening::Mute(mute) => opening::not_spoken(self, era, &mute),
                // Only one era wants a login, which is its own way of not speaking to us.
                Opening::Locked(_) => opening::not_spoken(
                    self,
                    era,
                    &opening::Mute::new("it wants a login for this era only".to_owned()),
                ),
            }
        }
        checks::transport::all(self);
        if let Some(legacy) = self.legacy.clone() {
            let session = legacy.client.session.as_deref();
            checks::methods::end_session(self, &legacy.client, session);
        }
        self.by_the_checks()
    }

    /// Nothing can be seen without a login; where to get one can be.
    fn locked_out(&mut self, reply: Reply) -> Verdict {
        checks::login::all(self, Some(reply));
        let refused = CheckId::Login(LoginCheck::Token).to_string();
        let others = self
            .done
            .iter()
            .any(|done| done.outcome.is_failure() && done.id != refused);
        if others {
            Verdict::Failed
        } else {
            Verdict::NeedsLogin
        }
    }

    fn by_the_checks(&self) -> Verdict {
        if self.done.iter().any(|done| done.outcome.is_failure()) {
            Verdict::Failed
        } else {
            Verdict::Passed
        }
    }
}
