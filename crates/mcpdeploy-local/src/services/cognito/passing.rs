//! What lasts for minutes and is kept in memory alone: sign-ins under way, codes, browsers' sessions.

use std::collections::HashMap;
use std::fmt;

use time::{Duration, OffsetDateTime};

use super::random;
use super::srp::Exchange;

/// How long an authorization code can be exchanged. Source: "The token issuer endpoint".
const CODE: Duration = Duration::minutes(5);
/// How long a browser needs no password again. Source: "User pool managed login": one hour.
pub(super) const BROWSER: Duration = Duration::hours(1);
/// How many wrong passwords in a row are let pass. Source: "Sign-in lockout behavior".
const FREE_FAILURES: u32 = 5;
/// The longest lockout after a wrong password. Source: the same.
const LONGEST_LOCKOUT: Duration = Duration::minutes(15);

/// A sign-in that waits for its next step.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) client: String,
    /// The key of the user's row; for a user who does not exist, what would be it.
    pub(super) user: String,
    pub(super) step: Step,
}

/// What a sign-in waits for.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The proof of the password.
    Password(Box<Exchange>),
    /// Another password than the temporary one.
    NewPassword,
    /// A code of the user's software token.
    SoftwareToken,
    /// A software token, since the pool wants everybody to have one.
    SetUp {
        /// The bytes of the secret that the user was told, when they were.
        secret: Option<SetUpSecret>,
        /// Whether the user has shown to have it.
        verified: bool,
    },
}

/// The secret of a software token that is being set up.
#[derive(Clone)]
pub(super) struct SetUpSecret(pub(super) Vec<u8>);

impl fmt::Debug for SetUpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetUpSecret")
    }
}

/// What an authorization code can be exchanged for.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) auth_time: i64,
}

/// A browser in which somebody has signed in.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    pub(super) pool: String,
    pub(super) user: String,
    pub(super) auth_time: i64,
}

/// Wrong passwords in a row.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    locked_until: OffsetDateTime,
}

/// Things by tokens that nobody can guess, until their time is up.
struct Timed<T>(HashMap<String, (OffsetDateTime, T)>);

// Without the keys, which are secrets.
impl<T> fmt::Debug for Timed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timed({})", self.0.len())
    }
}

impl<T> Default for Timed<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Timed<T> {
    /// Keeps a thing and returns its token. What is over goes.
    fn put(&mut self, thing: T, now: OffsetDateTime, lasts: Duration) -> String {
        let token = random::token();
        self.put_at(token.clone(), thing, now, lasts);
        token
    }

    fn put_at(&mut self, token: String, thing: T, now: OffsetDateTime, lasts: Duration) {
        self.0.retain(|_, (until, _)| *until > now);
        self.0.insert(token, (now + lasts, thing));
    }

    fn get(&self, token: &str, now: OffsetDateTime) -> Option<&T> {
        let (until, thing) = self.0.get(token)?;
        (*until > now).then_some(thing)
    }

    fn take(&mut self, token: &str, now: OffsetDateTime) -> Option<T> {
        let (until, thing) = self.0.remove(token)?;
        (until > now).then_some(thing)
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Passing {
    pending: Timed<Pending>,
    codes: Timed<Authorization>,
    browsers: Timed<Browser>,
    failures: HashMap<String, Failures>,
}

impl Passing {
    /// Keeps a sign-in and returns its session.
    pub(super) fn wait(
        &mut self,
        pending: Pending,
        now: OffsetDateTime,
        lasts: Duration,
    ) -> String {
        self.pending.put(pending, now, lasts)
    }

    /// The same, by a session that the caller chose.
    pub(super) fn wait_at(
        &mut self,
        session: String,
        pending: Pending,
        now: OffsetDateTime,
        lasts: Duration,
    ) {
        self.pending.put_at(session, pending, now, lasts);
    }

    /// Takes a sign-in up again; its session is good once.
    pub(super) fn resume(&mut self, session: &str, now: OffsetDateTime) -> Option<Pending> {
        self.pending.take(session, now)
    }

    pub(super) fn pending(&self, session: &str, now: OffsetDateTime) -> Option<&Pending> {
        self.pending.get(session, now)
    }

    /// Keeps what a code can be exchanged for, and returns the code: a UUID, as at AWS.
    pub(super) fn authorize(&mut self, what: Authorization, now: OffsetDateTime) -> String {
        let code = random::uuid();
        self.codes.put_at(code.clone(), what, now, CODE);
        code
    }

    /// Takes what a code is good for; a code is good once.
    pub(super) fn exchange(&mut self, code: &str, now: OffsetDateTime) -> Option<Authorization> {
        self.codes.take(code, now)
    }

    /// Remembers that somebody signed in in a browser, and returns the cookie.
    pub(super) fn remember(&mut self, browser: Browser, now: OffsetDateTime) -> String {
        self.browsers.put(browser, now, BROWSER)
    }

    pub(super) fn browser(&self, cookie: &str, now: OffsetDateTime) -> Option<&Browser> {
        self.browsers.get(cookie, now)
    }

    pub(super) fn forget_browser(&mut self, cookie: &str) {
        self.browsers.0.remove(cookie);
    }

    /// Forgets all that a user has under way.
    pub(super) fn forget_user(&mut self, user: &str) {
        self.pending.0.retain(|_, (_, one)| one.user != user);
        self.codes.0.retain(|_, (_, one)| one.user != user);
        self.browsers.0.retain(|_, (_, one)| one.user != user);
        self.failures.remove(user);
    }

    /// Whether so many passwords were wrong that no more are taken for the moment.
    pub(super) fn locked(&self, user: &str, now: OffsetDateTime) -> bool {
        let failures = self.failures.get(user);
        failures.is_some_and(|failures| failures.locked_until > now)
    }

    /// Counts a wrong password: from the fifth on there is a pause, twice as long each time.
    pub(super) fn failed(&mut self, user: &str, now: OffsetDateTime) {
        let failures = self.failures.entry(user.to_owned()).or_insert(Failures {
            count: 0,
            locked_until: now,
        });
        failures.count += 1;
        if let Some(over) = failures.count.checked_sub(FREE_FAILURES) {
            let pause = Duration::seconds(1 << over.min(10));
            failures.locked_until = now + pause.min(LONGEST_LOCKOUT);
        }
    }

    pub(super) fn succeeded(&mut self, user: &str) {
        self.failures.remove(user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_and_for_five_minutes() {
        let mut passing = Passing::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        let what = || Authorization {
            client: "c".to_owned(),
            user: "p/ann".to_owned(),
            redirect_uri: String::new(),
            scopes: Vec::new(),
            nonce: None,
            resource: None,
            challenge: None,
            auth_time: 0,
        };
        let code = passing.authorize(what(), now);
        assert!(passing.exchange(&code, now).is_some());
        assert!(passing.exchange(&code, now).is_none());
        let code = passing.authorize(what(), now);
        assert!(passing.exchange(&code, now + CODE).is_none());
    }

    #[test]
    fn wrong_passwords_cost_time() {
        let mut passing = Passing::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..4 {
            passing.failed("p/ann", now);
        }
        assert!(!passing.locked("p/ann", now));
        passing.failed("p/ann", now);
        assert!(passing.locked("p/ann", now));
        assert!(!passing.locked("p/ann", now + Duration::SECOND));
        for _ in 0..40 {
            passing.failed("p/ann", now);
        }
        assert!(passing.locked("p/ann", now + Duration::minutes(14)));
        assert!(!passing.locked("p/ann", now + LONGEST_LOCKOUT));
        passing.succeeded("p/ann");
        assert!(!passing.locked("p/ann", now));
    }
}
