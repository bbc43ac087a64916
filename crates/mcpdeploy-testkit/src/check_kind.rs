//! The contract of every kind, checked on a cloud through the real engine.
//!
//! For a [`Case`] (a resource, what it needs, and edits of it) [`check_kind`] checks:
//! - create, then plan: no difference; the same after each edit and on the way back;
//! - each of a kind's operations may run twice, and tells the same outputs again;
//! - a lost state finds its resource again, by adoption or by import;
//! - each call in turn fails before it happens, loses its answer, or is the last one of a process
//!   that is killed: a second run converges, and the cloud has exactly what the state has;
//! - the calls made are a subset of what the kind declares in `permissions` for what was done;
//! - in the end nothing is left.
//!
//! Knows no cloud: what it needs of one is in [`Cloud`].

mod bench;
mod faults;
mod grants;
mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mcpdeploy_engine::address::{Address, KindName};
use mcpdeploy_engine::kind::{BoxFuture, FaultClass, Registry};
use mcpdeploy_engine::plan::Action;
use mcpdeploy_engine::resource::Desired;
use tokio::task::{JoinSet, LocalSet};

use crate::fault::Fault;

/// A call as it was made: service and operation.
pub type Operation = (String, String);

/// Watches a cloud's calls and makes them fail.
pub trait Calls: Send + Sync {
    /// Forgets what was recorded and takes the fault away; the count begins at zero again.
    fn reset(&self);
    /// How many calls there were since.
    fn count(&self) -> usize;
    /// Which they were.
    fn recorded(&self) -> Vec<Operation>;
    /// Lets `fault` strike the call of that number, counted from zero since the last reset.
    fn fail(&self, number: usize, fault: Fault);
    /// Waits until a fault has killed the client.
    fn killed(&self) -> BoxFuture<'_, ()>;
}

/// Resources by their ids, with what is to be looked at of each.
pub type Inventory = BTreeMap<String, String>;

/// A cloud to check a kind on: an account of its own, empty.
pub trait Cloud: Send + Sync + 'static {
    /// The kinds, their clients calling this cloud.
    fn registry(&self) -> &Registry;
    /// Its calls.
    fn calls(&self) -> &dyn Calls;
    /// All resources of a kind as the cloud itself lists them, not through the kind: their ids,
    /// and what is to be the same after a run with mishaps as after one without.
    fn inventory<'a>(&'a self, kind: &'a KindName) -> BoxFuture<'a, Inventory>;
    /// What one must be allowed to do for a call; `None` when everybody may make it.
    fn action(&self, call: &Operation) -> Option<String>;
    /// It is not used any more, and empty.
    fn give_back(self)
    where
        Self: Sized,
    {
    }
}

/// A kind and how it is checked.
#[derive(Debug, Clone)]
pub struct Case {
    /// The resource under test.
    pub subject: Address,
    /// It and what it needs.
    pub desired: Desired,
    /// Changes of it.
    pub edits: Vec<Edit>,
    /// What the cloud under test is known to do wrong.
    pub skips: BTreeSet<Skip>,
}

/// A change of the resource under test.
#[derive(Debug, Clone)]
pub struct Edit {
    /// What changes.
    pub name: &'static str,
    /// All that is wanted after it.
    pub desired: Desired,
    /// What is to be planned for the resource.
    pub there: Action,
    /// What is to be planned for undoing it.
    pub back: Action,
    /// Whether the cloud is to refuse to remove the resource after it.
    pub protects: bool,
}

/// A check that a cloud is known to fail by its own fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// It cannot change anything in place.
    ConfigureTwice,
    /// It lets a name be taken twice.
    CreateTwice,
    /// It makes another one where the service gives back the one that is there.
    LostCreation,
    /// It cannot do this edit at all.
    Edit(&'static str),
}

/// What a kind was found to do wrong.
#[derive(Debug, Clone)]
pub struct Broken {
    /// In which part of the check.
    pub part: String,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.what)
    }
}

/// How one part of the check ends.
type Checked = Result<(), String>;

/// A part of the check, from an empty cloud to an empty cloud.
#[derive(Debug, Clone, Copy)]
enum Part {
    Life,
    Existence(Mishap),
    Edit(usize),
    EditMishap(usize, Mishap),
}

/// What each call is to survive.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    /// The connection breaks before the call is sent.
    Unsent,
    /// The connection breaks before the answer comes.
    AnswerLost,
    /// The process is killed.
    Killed,
}

const MISHAPS: [Mishap; 3] = [Mishap::Unsent, Mishap::AnswerLost, Mishap::Killed];

/// The class of what a broken connection means.
const TRANSIENT: FaultClass = FaultClass::Transient;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    Whole,
    /// Everything but mishaps of edits, which are most of the work.
    CleanEdits,
}

/// Checks a kind. `new` makes an empty cloud and the case for it; so many are used `at_once`.
///
/// Returns what is broken; nothing when the kind keeps the contract.
pub async fn check_kind<C: Cloud>(
    new: impl AsyncFn() -> (C, Case),
    depth: Depth,
    at_once: usize,
) -> Vec<Broken> {
    let (cloud, case) = new().await;
    let mut parts = vec![Part::Life];
    parts.extend(MISHAPS.map(Part::Existence));
    for (index, edit) in case.edits.iter().enumerate() {
        if !case.skips.contains(&Skip::Edit(edit.name)) {
            parts.push(Part::Edit(index));
            if depth == Depth::Whole {
                parts.extend(MISHAPS.map(|mishap| Part::EditMishap(index, mishap)));
            }
        }
    }
    // Side by side on one thread: what takes time is waiting.
    let all = async {
        let mut idle = vec![(cloud, case)];
        let mut running = JoinSet::new();
        let mut broken = Vec::new();
        let mut waiting = parts.into_iter();
        loop {
            while running.len() < at_once.max(1)
                && let Some(part) = waiting.next()
            {
                let (cloud, case) = match idle.pop() {
                    Some(ready) => ready,
                    None => new().await,
                };
                running.spawn_local(async move {
                    let found = run(&cloud, &case, part).await;
                    (cloud, case, found)
                });
            }
            match running.join_next().await {
                None => break,
                Some(Ok((cloud, case, None))) => idle.push((cloud, case)),
                // What is left in that cloud nobody knows.
                Some(Ok((_, _, Some(found)))) => broken.push(found),
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        for (cloud, _) in idle {
            cloud.give_back();
        }
        broken.sort_by(|a, b| a.part.cmp(&b.part));
        broken
    };
    LocalSet::new().run_until(all).await
}

/// Checks one part; the cloud is empty again when nothing is broken.
async fn run(cloud: &dyn Cloud, case: &Case, part: Part) -> Option<Broken> {
    let name = match part {
        Part::Life => "life".to_owned(),
        Part::Existence(mishap) => format!("create and delete, {mishap:?}"),
        Part::Edit(edit) => format!("edit `{}`", case.edits[edit].name),
        Part::EditMishap(edit, mishap) => format!("edit `{}`, {mishap:?}", case.edits[edit].name),
    };
    let checked = async {
        let bench = bench::Bench::new(cloud, case)?;
        match part {
            Part::Life => life::life(&bench).await?,
            Part::Existence(mishap) => faults::existence(&bench, mishap).await?,
            Part::Edit(edit) => life::edit(&bench, &case.edits[edit]).await?,
            Part::EditMishap(edit, mishap) => {
                faults::edit(&bench, &case.edits[edit], mishap).await?;
            }
        }
        bench.clear().await
    };
    let what = checked.await.err()?;
    Some(Broken { part: name, what })
}
