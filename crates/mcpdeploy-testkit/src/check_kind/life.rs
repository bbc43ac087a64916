//! The life of a resource without mishaps: made, read, made again, lost and found, edited, removed.

use std::collections::BTreeSet;

use mcpdeploy_engine::import;
use mcpdeploy_engine::kind::{Delta, DynCx, FaultClass, Identity};
use mcpdeploy_engine::plan::Action;
use mcpdeploy_engine::state::Instance;

use super::bench::{Bench, is_taken, none, told};
use super::{Checked, Edit, Skip};
use crate::fault::Fault;

/// From nothing to nothing.
pub(super) async fn life(bench: &Bench<'_>) -> Checked {
    let wanted = &bench.case.desired;
    let at = |step: &'static str| move |what: String| format!("{step}: {what}");
    bench.run(&bench.base).await.map_err(at("what it needs"))?;
    let plan = bench.plan(wanted).await?;
    if bench.action(&plan) != Some(Action::Create) {
        return Err(format!("create was not planned: {:#?}", plan.actions));
    }
    bench.run(wanted).await.map_err(at("create"))?;
    failing_reads(bench).await.map_err(at("failing reads"))?;
    twice(bench).await.map_err(at("twice"))?;
    lost(bench).await.map_err(at("the state lost"))?;
    imported(bench).await.map_err(at("import"))?;
    let had = instance(bench)?;
    bench.run(&bench.base).await.map_err(at("delete"))?;
    let kind = bench
        .graph(wanted)?
        .get(&bench.case.subject)
        .map(|node| node.kind.clone());
    let cx = DynCx::new(&bench.case.subject, &had.placement, &|_| ());
    if let Some(kind) = kind {
        let again = kind.delete(&cx, &had.id, &had.inputs).await;
        again.map_err(|error| format!("deleted twice: {error:?}"))?;
    }
    Ok(())
}

/// There and back without faults.
pub(super) async fn edit(bench: &Bench<'_>, edit: &Edit) -> Checked {
    let wanted = &bench.case.desired;
    bench.run(wanted).await?;
    for (way, desired, expected) in [
        ("there", &edit.desired, edit.there),
        ("back", wanted, edit.back),
    ] {
        let plan = bench.plan(desired).await?;
        if bench.action(&plan) != Some(expected) {
            return Err(format!(
                "{way}: expected {expected:?}, planned {:#?}",
                plan.actions
            ));
        }
        bench
            .run(desired)
            .await
            .map_err(|what| format!("{way}: {what}"))?;
    }
    bench.run(&edit.desired).await?;
    if edit.protects {
        let plan = bench.plan(&bench.base).await?;
        if bench.apply(&plan).await?.is_empty() {
            return Err("it was removed, though it is protected".to_owned());
        }
        bench.run(wanted).await?;
    }
    // Otherwise it is removed in its changed form.
    Ok(())
}

/// The resource under test as the state has it.
fn instance(bench: &Bench<'_>) -> Result<Instance, String> {
    let state = bench.state()?;
    let found = state.current(&bench.case.subject).cloned();
    found.ok_or_else(|| "the state does not have it".to_owned())
}

/// Each read fails once: the plan is empty all the same.
async fn failing_reads(bench: &Bench<'_>) -> Checked {
    let mut number = 0;
    loop {
        bench.calls().reset();
        bench
            .calls()
            .fail(number, Fault::Fail(FaultClass::Transient));
        let plan = bench.plan(&bench.case.desired).await?;
        let struck = bench.calls().count() > number;
        bench.calls().reset();
        if !plan.is_empty() {
            return Err(format!("call {number}: {:#?}", plan.actions));
        }
        if !struck {
            return Ok(());
        }
        number += 1;
    }
}

/// Each operation on what is there already changes nothing and tells the same.
async fn twice(bench: &Bench<'_>) -> Checked {
    let graph = bench.graph(&bench.case.desired)?;
    let Some(node) = graph.get(&bench.case.subject) else {
        return Err("it is not in the graph".to_owned());
    };
    let kind = &*node.kind;
    let had = instance(bench)?;
    let cx = DynCx::new(&bench.case.subject, &had.placement, &|_| ());
    let all: BTreeSet<String> = had
        .inputs
        .as_object()
        .into_iter()
        .flatten()
        // What is not wanted never differs.
        .filter(|(_, value)| !value.is_null())
        .map(|(key, _)| format!("/{key}"))
        .collect();
    let outputs = &had.outputs;
    for (delta, so_far) in [
        (Delta::Created, None),
        (Delta::Created, Some(outputs)),
        (Delta::Changed(&all), None),
        (Delta::Changed(&all), Some(outputs)),
    ] {
        if !delta.is_created() && bench.case.skips.contains(&Skip::ConfigureTwice) {
            continue;
        }
        let told = |what: &str, error| format!("{what} with {delta:?}: {error:?}");
        kind.configure(&cx, &had.id, &had.inputs, delta)
            .await
            .map_err(|error| told("configure", error))?;
        let again = kind
            .settle(&cx, &had.id, &had.inputs, so_far.cloned())
            .await
            .map_err(|error| told("settle", error))?;
        if again != *outputs {
            return Err(format!("settled to {again} after {outputs}"));
        }
    }
    bench.settled(&bench.case.desired).await?;

    let named = matches!(kind.identity(&had.inputs), Some(Identity::Name(_)));
    if named && !bench.case.skips.contains(&Skip::CreateTwice) {
        match kind.create(&cx, &had.inputs).await {
            Ok((id, _)) if id == had.id => {}
            Ok((id, _)) => return Err(format!("created twice: {} and {id}", had.id)),
            Err(error) if error.class == FaultClass::Exists => {}
            Err(error) => return Err(format!("created twice: {error:?}")),
        }
    }
    bench.settled(&bench.case.desired).await?;
    Ok(())
}

/// The state is lost: what carries our tags or lives in what does is found again.
async fn lost(bench: &Bench<'_>) -> Checked {
    let wanted = &bench.case.desired;
    let had = instance(bench)?;
    let graph = bench.graph(wanted)?;
    let kind = graph.get(&bench.case.subject).map(|node| node.kind.clone());
    let found_again = kind.is_some_and(|kind| {
        kind.taggable() || matches!(kind.identity(&had.inputs), Some(Identity::InParent { .. }))
    });
    bench.lose_state()?;
    bench.calls().reset();
    let plan = bench.try_plan(wanted).await;
    bench.check_reads(wanted)?;
    match plan {
        Err(failed) if !found_again && is_taken(&failed) => {}
        Err(failed) => return Err(told(failed)),
        Ok(plan) if bench.action(&plan) == Some(Action::Adopt) => {
            bench.apply_checked(wanted, &plan).await?;
            bench.settled(wanted).await?;
            let has = instance(bench)?;
            if (&has.id, &has.outputs) != (&had.id, &had.outputs) {
                return Err(format!("adopted {has:?}, was {had:?}"));
            }
        }
        Ok(plan) => return Err(format!("it was not adopted: {:#?}", plan.actions)),
    }
    Ok(())
}

/// The state is lost, and the resource is imported by its id.
async fn imported(bench: &Bench<'_>) -> Checked {
    let wanted = &bench.case.desired;
    // What could not be adopted is in the cloud and not in the state: found by its inventory.
    let there = bench.cloud.inventory(bench.kind()).await;
    bench.lose_state()?;
    bench.run_base_adopted().await?;
    let known: BTreeSet<String> = bench
        .state()?
        .resources
        .values()
        .flat_map(|resource| resource.ids().map(ToString::to_string).collect::<Vec<_>>())
        .collect();
    let mut ids = there.into_keys().filter(|id| !known.contains(id));
    let (Some(id), None) = (ids.next(), ids.next()) else {
        return Err("there is not exactly one to import".to_owned());
    };
    let graph = bench.graph(wanted)?;
    let state = bench.state()?;
    let id = mcpdeploy_engine::address::PhysicalId::new(id);
    let plan = import::plan(&graph, &state, bench.registry(), &bench.case.subject, id)
        .await
        .map_err(told)?;
    none(&bench.apply(&plan).await?)?;
    // What an import does not see is set by the next run.
    let plan = bench.plan(wanted).await?;
    if !matches!(bench.action(&plan), None | Some(Action::Update)) {
        return Err(format!("after the import: {:#?}", plan.actions));
    }
    none(&bench.apply(&plan).await?)?;
    bench.settled(wanted).await?;
    Ok(())
}

impl Bench<'_> {
    /// Adopts what the resource under test needs.
    async fn run_base_adopted(&self) -> Checked {
        if self.base.resources.is_empty() {
            return Ok(());
        }
        let plan = self.plan(&self.base).await?;
        none(&self.apply(&plan).await?)
    }
}
