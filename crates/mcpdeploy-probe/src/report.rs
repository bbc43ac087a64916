//! What came of a run.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Era;
use crate::exchange::Exchange;

/// The version of the report's form.
pub const FORMAT: u32 = 1;

/// How many checks are named as the slowest.
const SLOWEST: usize = 3;

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// It is as it should be.
    Passed {
        /// What was found, where that is worth telling.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// It works, and something about it is not as it should be.
    Warned {
        /// What.
        why: String,
        /// What can be done about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// It is wrong.
    Failed {
        /// What.
        why: String,
        /// What can be done about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// It was not tried.
    Skipped {
        /// Why not.
        why: String,
    },
}

impl Outcome {
    pub(crate) fn passed() -> Self {
        Self::Passed { note: None }
    }

    pub(crate) fn noted(note: impl Into<String>) -> Self {
        Self::Passed {
            note: Some(note.into()),
        }
    }

    pub(crate) fn warned(why: impl Into<String>) -> Self {
        Self::Warned {
            why: why.into(),
            hint: None,
        }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed {
            why: why.into(),
            hint: None,
        }
    }

    pub(crate) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped { why: why.into() }
    }

    /// The same with a hint, where an outcome has one and none yet.
    pub(crate) fn hint(mut self, text: impl Into<Option<String>>) -> Self {
        if let Self::Warned { hint, .. } | Self::Failed { hint, .. } = &mut self
            && hint.is_none()
        {
            *hint = text.into();
        }
        self
    }

    /// Failed for the errors, else warned for the warnings, else passed.
    pub(crate) fn of(errors: &[String], warnings: &[String], note: Option<String>) -> Self {
        let all = |of: &[String]| of.join("; ");
        match (errors.is_empty(), warnings.is_empty()) {
            (false, _) => Self::failed(all(errors)),
            (true, false) => Self::warned(all(warnings)),
            (true, true) => Self::Passed { note },
        }
    }

    /// Whether it is a failure.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckDone {
    /// Its id, e.g. `legacy.tools-call`.
    pub id: String,
    /// What it was made on, where a check is made several times: a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What is so when it passes.
    pub title: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// The page of the specification that it goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// What was sent and received; only with checks that did not pass, unless more was asked for.
    /// A list that several checks look at is with the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No check failed.
    Passed,
    /// A check failed.
    Failed,
    /// The server wants a login, and none was given or the one given was refused: little could be
    /// checked.
    NeedsLogin,
    /// There was no answer at all.
    Unreachable,
}

/// Who the server says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its version; none when it does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Whether the server speaks an era.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EraFound {
    /// Which.
    pub era: Era,
    /// Whether it does.
    pub spoken: bool,
    /// The versions of it that the server named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// What it answered instead, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a server that wants a login tells of where to get one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// The `WWW-Authenticate` of its 401.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// Where its protected-resource metadata (RFC 9728) was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_metadata: Option<String>,
    /// The authorization servers that the metadata names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// The scopes that the challenge or the metadata names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// How many checks came out which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Passed with a warning.
    pub warned: usize,
    /// Failed.
    pub failed: usize,
    /// Not tried.
    pub skipped: usize,
}

impl Counts {
    fn of(checks: &[CheckDone]) -> Self {
        let mut counts = Self::default();
        for check in checks {
            *match check.outcome {
                Outcome::Passed { .. } => &mut counts.passed,
                Outcome::Warned { .. } => &mut counts.warned,
                Outcome::Failed { .. } => &mut counts.failed,
                Outcome::Skipped { .. } => &mut counts.skipped,
            } += 1;
        }
        counts
    }
}

/// How long warm calls took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How many calls were made.
    pub calls: u32,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// 95 of 100 took no longer.
    pub p95_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl Latency {
    /// By the nearest rank; none without calls.
    pub(crate) fn of(mut took: Vec<Duration>) -> Option<Self> {
        took.sort_unstable();
        let rank = |percent: usize| {
            let at = (took.len() * percent).div_ceil(100).max(1) - 1;
            took.get(at).copied().map(micros)
        };
        Some(Self {
            calls: u32::try_from(took.len()).unwrap_or(u32::MAX),
            p50_us: rank(50)?,
            p95_us: rank(95)?,
            max_us: rank(100)?,
        })
    }
}

/// A check that took its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slow {
    /// The check.
    pub id: String,
    /// What it was made on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

/// Everything that came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of this form.
    pub format: u32,
    /// The endpoint.
    pub url: String,
    /// How the run ended.
    pub verdict: Verdict,
    /// Who the server says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// Which eras it speaks; empty when that could not be found out.
    pub eras: Vec<EraFound>,
    /// Where to log in, for a server that wants a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// How many checks came out which way.
    pub counts: Counts,
    /// How long warm calls took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// What took the longest, the slowest first.
    pub slowest: Vec<Slow>,
    /// How long all of it took, in microseconds.
    pub duration_us: u64,
    /// The checks, in the order in which they were made.
    pub checks: Vec<CheckDone>,
}

impl Report {
    pub(crate) fn new(
        url: &str,
        verdict: Verdict,
        checks: Vec<CheckDone>,
        duration: Duration,
    ) -> Self {
        let mut slowest: Vec<Slow> = checks
            .iter()
            .filter(|check| check.duration_us > 0)
            .map(|check| Slow {
                id: check.id.clone(),
                subject: check.subject.clone(),
                duration_us: check.duration_us,
            })
            .collect();
        slowest.sort_by_key(|slow| std::cmp::Reverse(slow.duration_us));
        slowest.truncate(SLOWEST);
        Self {
            format: FORMAT,
            url: url.to_owned(),
            verdict,
            server: None,
            eras: Vec::new(),
            login: None,
            counts: Counts::of(&checks),
            latency: None,
            slowest,
            duration_us: micros(duration),
            checks,
        }
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CheckDone> {
        self.checks
            .iter()
            .filter(|check| check.outcome.is_failure())
    }
}

/// Whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let took = |count: u64| (1..=count).rev().map(Duration::from_micros).collect();
        let hundred = Latency::of(took(100)).unwrap();
        assert_eq!(
            (hundred.p50_us, hundred.p95_us, hundred.max_us),
            (50, 95, 100)
        );
        let ten = Latency::of(took(10)).unwrap();
        assert_eq!((ten.p50_us, ten.p95_us, ten.max_us), (5, 10, 10));
        let one = Latency::of(took(1)).unwrap();
        assert_eq!((one.p50_us, one.p95_us, one.max_us), (1, 1, 1));
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
