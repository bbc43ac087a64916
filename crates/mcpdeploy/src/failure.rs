//! A command that did not end well: what failed, why, what to do next, and the exit code.

use mcpdeploy_aws::store::call_behind;
use mcpdeploy_build::BuildError;
use mcpdeploy_config::ConfigErrors;
use mcpdeploy_engine::apply::ApplyError;
use mcpdeploy_engine::event::Fault;
use mcpdeploy_engine::journal::JournalError;
use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::plan::{PlanError, PlanErrors};
use mcpdeploy_engine::refresh::{Problem, RefreshErrors};
use mcpdeploy_engine::seal::SealError;
use mcpdeploy_engine::store::{Holder, StoreError};

use crate::exit::Exit;
use crate::views::errors::Report;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) what: What,
}

/// What there is to tell.
#[derive(Debug)]
pub(crate) enum What {
    /// Mistakes in deploy.toml, with their places.
    Config(Box<ConfigErrors>),
    /// Anything else; several when several things failed independently.
    Reports(Vec<Report>),
    /// It is all told already.
    Told,
}

impl Failure {
    pub(crate) fn new(exit: Exit, report: Report) -> Self {
        Self {
            exit,
            what: What::Reports(vec![report]),
        }
    }

    /// Wrong use, or a file that is not in order.
    pub(crate) fn usage(error: impl Into<String>) -> Self {
        Self::new(Exit::Usage, Report::new(error))
    }

    /// It did not work.
    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self::new(Exit::Failed, Report::new(error))
    }

    /// Everything was told while it happened.
    pub(crate) fn told(exit: Exit) -> Self {
        Self {
            exit,
            what: What::Told,
        }
    }

    fn edit(mut self, change: impl FnOnce(&mut Report)) -> Self {
        if let What::Reports(reports) = &mut self.what
            && let Some(last) = reports.last_mut()
        {
            change(last);
        }
        self
    }

    /// What a person can do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.edit(|report| report.hints.push(hint.into()))
    }

    /// What it came from.
    pub(crate) fn cause(self, cause: impl std::fmt::Display) -> Self {
        self.edit(|report| report.causes.push(cause.to_string()))
    }

    /// What failed and why, on one line, and what to do about it.
    pub(crate) fn in_short(&self) -> (String, Option<String>) {
        match &self.what {
            What::Reports(reports) => {
                let report = reports.first();
                let text = report.map(|report| {
                    let parts = std::iter::once(&report.error).chain(&report.causes);
                    parts.cloned().collect::<Vec<_>>().join(": ")
                });
                let hint = report.and_then(|report| report.hints.first().cloned());
                (text.unwrap_or_default(), hint)
            }
            What::Config(_) | What::Told => ("deploy.toml is not in order".to_owned(), None),
        }
    }

    /// What to do next.
    pub(crate) fn next(self, next: impl Into<String>) -> Self {
        self.edit(|report| report.next = Some(next.into()))
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self {
            exit: Exit::Usage,
            what: What::Config(Box::new(errors)),
        }
    }
}

/// The sources of an error, below the error itself.
pub(crate) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

fn report_of(error: &dyn std::error::Error) -> Report {
    Report {
        causes: causes(error),
        ..Report::new(error.to_string())
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let mut report = report_of(&error);
        report.error = format!("failed to {}", report.error);
        let failure = Self::new(Exit::Failed, report);
        match error.help() {
            Some(help) => failure.hint(help),
            None => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Locked { holder, place } => locked(holder, place),
            StoreError::Unreadable { .. } => Self::new(Exit::Failed, report_of(&error)).hint(
                "nothing was changed; put a backup (state.json.backup-*) or your version control's copy in its place",
            ),
            StoreError::Newer { .. } => {
                Self::new(Exit::Failed, report_of(&error)).hint("update mcpdeploy; nothing was changed")
            }
            StoreError::Foreign(_) | StoreError::Fold { .. } => Self::new(Exit::Failed, report_of(&error))
                .hint("nothing was changed; restore the state that the journal belongs to, or move the journal away after looking into it"),
            StoreError::Journal(JournalError::Damaged { .. }) => Self::new(Exit::Failed, report_of(&error))
                .hint("nothing was changed; the sound lines before it tell what was done, by hand they can be kept in the file"),
            StoreError::Journal(JournalError::Lost(_)) | StoreError::Lost(_) => lost(&error),
            StoreError::Changed(_) => Self::new(Exit::Failed, report_of(&error))
                .hint("another run came in between; nothing was written over")
                .next("mcpdeploy plan"),
            StoreError::Occupied(_) => Self::new(Exit::Usage, report_of(&error))
                .hint("nothing was touched; remove the one that is not wanted, or name another prefix"),
            StoreError::Unfit { .. } => Self::new(Exit::Usage, report_of(&error))
                .hint("nothing was touched; name a DynamoDB table for it: lock_table under [state] in deploy.toml"),
            StoreError::Seal { source, .. } => {
                let failure = Self::new(Exit::Failed, report_of(&error));
                let failure = source.hints().into_iter().fold(failure, Self::hint);
                if matches!(source, SealError::NotSealed(_)) {
                    failure.next("mcpdeploy state migrate        (encrypts it)")
                } else {
                    failure
                }
            }
            StoreError::Io { source, .. } => {
                let failure = Self::new(Exit::Failed, report_of(&error));
                let hint = call_behind(source).and_then(|call| call.hint.clone());
                hint.into_iter().fold(failure, Self::hint)
            }
            StoreError::Journal(_) | StoreError::Unbreakable(_) => {
                Self::new(Exit::Failed, report_of(&error))
            }
        }
    }
}

fn locked(holder: &Holder, place: &str) -> Failure {
    let by = holder.by.as_ref();
    let who = by.map_or_else(
        || format!("another run, which {place} does not name"),
        |by| {
            format!(
                "{} (pid {}), running {} since {}",
                by.host, by.pid, by.command, by.at
            )
        },
    );
    let mut report = Report::new(format!("this environment is locked by {who}"));
    if let Some(heartbeat) = holder.heartbeat {
        report.causes.push(format!(
            "its last sign of life was {} s ago; one is due every {} s",
            heartbeat.age.as_secs(),
            heartbeat.every.as_secs()
        ));
    }
    let id = by.map_or_else(String::new, |by| format!(" {}", by.run));
    Failure::new(Exit::Locked, report)
        .hint("wait for it: --lock-timeout 10m")
        .hint(format!(
            "only if you know that it is dead: mcpdeploy state unlock{id}"
        ))
}

/// Another run has taken the lock away meanwhile.
fn lost(error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Locked, report_of(error))
        .hint("what was recorded until then is there, and the other run goes on from it")
        .next("mcpdeploy plan")
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Store(error) => error.into(),
            ApplyError::OtherLineage | ApplyError::Stale { .. } => Self::new(Exit::Usage, report_of(&error))
                .hint("nothing was touched")
                .next("mcpdeploy plan --out FILE"),
            ApplyError::Journal(JournalError::Lost(_)) => lost(&error),
            ApplyError::Journal(_) => Self::new(Exit::Failed, report_of(&error)).hint(
                "what was done until then is in the journal; when the disk takes writes again, run mcpdeploy apply: it goes on from there",
            ),
            ApplyError::Fold(_) | ApplyError::NoKind(_) => {
                Self::new(Exit::Failed, report_of(&error))
            }
        }
    }
}

impl From<PlanErrors> for Failure {
    fn from(errors: PlanErrors) -> Self {
        let reports = errors.0.iter().map(plan_report).collect();
        Self {
            exit: Exit::Failed,
            what: What::Reports(reports),
        }
    }
}

fn plan_report(error: &PlanError) -> Report {
    let mut report = report_of(error);
    let (on, hint) = match error {
        PlanError::NoSuchResource(_) => {
            (None, Some("see the addresses with: mcpdeploy state list"))
        }
        PlanError::Protected { .. } => (
            None,
            Some("take `protect = true` out of its lifecycle first, if you mean it"),
        ),
        PlanError::NameClash(_) => (
            None,
            Some(
                "give it another name, or take `create_before_destroy = true` out of its lifecycle",
            ),
        ),
        PlanError::NoOrder(_) => (
            None,
            Some(
                "take `create_before_destroy` out of their lifecycles, or apply the changes in two steps with --target",
            ),
        ),
        PlanError::Input { origin, .. } | PlanError::Reference { origin, .. } => {
            (origin.clone(), None)
        }
        PlanError::NoKind(_) => (None, Some("use the version of mcpdeploy that made it")),
        PlanError::Findings(_) => (None, None),
    };
    report.on = on;
    report.hints.extend(hint.map(str::to_owned));
    report
}

impl From<RefreshErrors> for Failure {
    fn from(errors: RefreshErrors) -> Self {
        let RefreshErrors::Problems(problems) = &errors else {
            return Self::new(Exit::Failed, report_of(&errors));
        };
        let mut reports: Vec<Report> = Vec::new();
        for problem in problems {
            match problem {
                Problem::Unreadable { address, fault } => {
                    // Missing credentials fail every read alike: once is enough.
                    let alike = reports
                        .iter_mut()
                        .find(|r| r.causes.first().is_some_and(|c| *c == sentence(fault)));
                    match alike {
                        Some(report) => report.more += 1,
                        None => {
                            reports.push(fault_report(format!("failed to read {address}"), fault))
                        }
                    }
                }
                Problem::Taken { address, id } => reports.push(
                    Report::new(format!(
                        "{address} cannot be created: {id} exists and is not this deployment's"
                    ))
                    .with_hint(format!(
                        "take it under management: mcpdeploy import {address} {id}"
                    ))
                    .with_hint("or choose another name"),
                ),
            }
        }
        Self {
            exit: Exit::Failed,
            what: What::Reports(reports),
        }
    }
}

fn sentence(fault: &Fault) -> String {
    match &fault.code {
        Some(code) => format!("{code}: {}", fault.message),
        None => fault.message.clone(),
    }
}

fn fault_report(error: String, fault: &Fault) -> Report {
    Report {
        causes: vec![sentence(fault)],
        on: fault.on.clone(),
        hints: fault.hint.clone().into_iter().collect(),
        ..Report::new(error)
    }
}

/// A failed call outside of a plan.
pub(crate) fn call_failed(what: &str, error: &KindError) -> Failure {
    Failure::new(
        Exit::Failed,
        fault_report(what.to_owned(), &Fault::from(error)),
    )
}
