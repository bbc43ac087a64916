//! Lets a fault strike each call in turn.

use super::bench::Bench;
use super::{Checked, Edit, Skip};
use crate::fault::Fault;

/// No operation makes that many calls.
const MANY: usize = 60;

/// Creates and deletes with a fault at each call in turn.
pub(super) async fn existence(bench: &Bench<'_>, fault: Fault) -> Checked {
    let wanted = &bench.case.desired;
    bench.run(&bench.base).await?;
    let lost = matches!(fault, Fault::LoseAnswer | Fault::CrashAfter);
    if lost && bench.case.skips.contains(&Skip::LostCreation) {
        bench.run(wanted).await?;
        return each_call(
            async |number| bench.run_with(&bench.base, number, fault).await,
            async || bench.run(wanted).await,
        )
        .await;
    }
    let there = async |number| {
        let struck = bench.run_with(wanted, number, fault).await;
        struck.map_err(|what| format!("create, {what}"))
    };
    let back = async |number| {
        let struck = bench.run_with(&bench.base, number, fault).await;
        struck.map_err(|what| format!("delete, {what}"))
    };
    both_ways(there, back).await
}

/// Makes an edit and undoes it, with a fault at each call in turn.
pub(super) async fn edit(bench: &Bench<'_>, edit: &Edit, fault: Fault) -> Checked {
    let wanted = &bench.case.desired;
    bench.run(&edit.desired).await?;
    let edited = bench.details().await;
    bench.run(wanted).await?;
    let original = bench.details().await;
    let there = async |number| {
        let struck = bench.run_with(&edit.desired, number, fault).await?;
        same(&edited, &bench.details().await)?;
        Ok(struck)
    };
    let back = async |number| {
        let struck = bench.run_with(wanted, number, fault).await;
        let struck = struck.map_err(|what| format!("back, {what}"))?;
        same(&original, &bench.details().await).map_err(|what| format!("back, {what}"))?;
        Ok(struck)
    };
    both_ways(there, back).await
}

/// That a run with mishaps leaves what one without them leaves.
fn same(expected: &[String], there: &[String]) -> Checked {
    if there == expected {
        Ok(())
    } else {
        Err(format!("without mishaps it was {expected:?}, now {there:?}"))
    }
}

/// There with a fault and back with one, until neither way has so many calls.
async fn both_ways(
    there: impl AsyncFn(usize) -> Result<bool, String>,
    back: impl AsyncFn(usize) -> Result<bool, String>,
) -> Checked {
    for number in 0..MANY {
        // Both, whatever the first says.
        let struck = [there(number).await?, back(number).await?];
        if struck == [false, false] {
            return Ok(());
        }
    }
    Err(format!("more than {MANY} calls"))
}

/// There with a fault, back without.
async fn each_call(
    there: impl AsyncFn(usize) -> Result<bool, String>,
    back: impl AsyncFn() -> Checked,
) -> Checked {
    for number in 0..MANY {
        if !there(number).await? {
            return Ok(());
        }
        back().await?;
    }
    Err(format!("more than {MANY} calls"))
}
