//! Lets a mishap strike each call in turn.

use super::bench::Bench;
use super::{Checked, Edit, Inventory, Mishap, Skip};
use crate::fault::Fault;

/// No operation makes that many calls.
const MANY: usize = 60;

impl Mishap {
    /// Where the mishap of that round strikes, and how.
    ///
    /// A process that is killed before its call leaves what one leaves that is killed after the
    /// call before, but for the first call.
    fn round(self, round: usize) -> (usize, Fault) {
        match self {
            Self::Unsent => (round, Fault::Fail(super::TRANSIENT)),
            Self::AnswerLost => (round, Fault::LoseAnswer),
            Self::Killed => match round.checked_sub(1) {
                None => (0, Fault::CrashBefore),
                Some(number) => (number, Fault::CrashAfter),
            },
        }
    }
}

/// Creates and deletes with a mishap at each call in turn.
pub(super) async fn existence(bench: &Bench<'_>, mishap: Mishap) -> Checked {
    let wanted = &bench.case.desired;
    bench.run(&bench.base).await?;
    let skipped = match mishap {
        Mishap::Unsent => false,
        Mishap::AnswerLost | Mishap::Killed => bench.case.skips.contains(&Skip::LostCreation),
    };
    let there = async |round| {
        if skipped {
            bench.run(wanted).await?;
            return Ok(false);
        }
        let (number, fault) = mishap.round(round);
        let ran = bench.run_with(wanted, number, fault).await;
        ran.map(|(struck, _)| struck)
            .map_err(|what| format!("create, {what}"))
    };
    let back = async |round| {
        let (number, fault) = mishap.round(round);
        let ran = bench.run_with(&bench.base, number, fault).await;
        ran.map(|(struck, _)| struck)
            .map_err(|what| format!("delete, {what}"))
    };
    both_ways(there, back).await
}

/// Makes an edit and undoes it, with a mishap at each call in turn.
pub(super) async fn edit(bench: &Bench<'_>, edit: &Edit, mishap: Mishap) -> Checked {
    let wanted = &bench.case.desired;
    let edited = bench.run(&edit.desired).await?;
    let original = bench.run(wanted).await?;
    let there = async |round| {
        let (number, fault) = mishap.round(round);
        let (struck, there) = bench.run_with(&edit.desired, number, fault).await?;
        same(&edited, &there)?;
        Ok(struck)
    };
    let back = async |round| {
        let (number, fault) = mishap.round(round);
        let ran = bench.run_with(wanted, number, fault).await;
        let (struck, there) = ran.map_err(|what| format!("back, {what}"))?;
        same(&original, &there).map_err(|what| format!("back, {what}"))?;
        Ok(struck)
    };
    both_ways(there, back).await
}

/// That a run with mishaps leaves what one without them leaves, whatever the ids.
fn same(expected: &Inventory, there: &Inventory) -> Checked {
    let details = |of: &Inventory| {
        let mut details: Vec<String> = of.values().cloned().collect();
        details.sort();
        details.dedup();
        details
    };
    if details(there) == details(expected) {
        Ok(())
    } else {
        Err(format!(
            "without mishaps it was {expected:?}, now {there:?}"
        ))
    }
}

/// There with a mishap and back with one, until neither way has so many calls.
async fn both_ways(
    there: impl AsyncFn(usize) -> Result<bool, String>,
    back: impl AsyncFn(usize) -> Result<bool, String>,
) -> Checked {
    for round in 0..MANY {
        // Both, whatever the first says.
        let struck = [there(round).await?, back(round).await?];
        if struck == [false, false] {
            return Ok(());
        }
    }
    Err(format!("more than {MANY} calls"))
}
