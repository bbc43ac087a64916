//! Random stacks, edits and faults: in the end the cloud has what is wanted, whatever happened.

use std::collections::{HashMap, HashSet};

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::Event;
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_engine::plan::{Plan, PlanOptions, StepOp};
use mcpdeploy_engine::record::{Record, Slot};
use mcpdeploy_engine::state::State;
use mcpdeploy_testkit::{At, Fault, Lab, Rng, Stack, layered};
use proptest::prelude::*;
use serde_json::json;

/// `ENGINE_CASES` asks for more than the few that every run has time for.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("ENGINE_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|n| n.parse().ok()).unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

pub(crate) fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// Changes some resources of the stack, removes some that nothing refers to.
fn edit(stack: &mut Stack, rng: &mut Rng) {
    let resources = &mut stack.desired.resources;
    for resource in resources.iter_mut() {
        if rng.one_in(3) && resource.inputs["text"].is_string() {
            resource.inputs["text"] = json!(format!("t{}", rng.below(4)));
        }
        if rng.one_in(5) && resource.inputs.get("zone").is_some() {
            let zone = format!("z{}", rng.below(3));
            if let Some(name) = resource.inputs["name"].as_str()
                && name.contains("-z")
            {
                resource.inputs["name"] = json!(format!("{}-{zone}", resource.address.name()));
            }
            resource.inputs["zone"] = json!(zone);
        }
        if rng.one_in(4) {
            resource.inputs["size"] = json!(rng.below(4) + 1);
        }
    }
    let text = serde_json::to_string(&resources.iter().map(|r| &r.inputs).collect::<Vec<_>>());
    let text = text.unwrap();
    resources.retain(|r| !rng.one_in(4) || text.contains(&format!("{}#", r.address)));
    // Names may be handed over: one that is new wants what another one had.
    if rng.one_in(3)
        && let Some(named) = resources
            .iter_mut()
            .find(|r| r.address.kind().as_str() == "fake.named")
        && !text.contains(&format!("{}#", named.address))
    {
        let address = format!("fake.named.x{}", named.address.name());
        named.inputs["tags"]["mcpdeploy:address"] = json!(address);
        named.address = address.parse().unwrap();
    }
}

fn fault(rng: &mut Rng) -> Fault {
    match rng.below(8) {
        0 | 1 => Fault::CrashBefore,
        2 | 3 => Fault::CrashAfter,
        4 => Fault::LoseAnswer,
        5 => Fault::Fail(FaultClass::Transient),
        6 => Fault::Fail(FaultClass::Propagation),
        _ => Fault::Fail(FaultClass::Denied),
    }
}

/// A stack, edits of it with faults in between, and at last nothing.
async fn story(seed: u64, size: usize, edits: usize) {
    let mut rng = Rng::new(seed);
    let mut lab = Lab::new();
    lab.parallelism = 1 + rng.below(6);
    lab.cloud.set_lax(true);
    let mut stack = layered(&mut rng, size);
    for number in 0..=edits {
        if number == edits {
            stack = Stack::new();
        } else if rng.one_in(4) {
            stack = layered(&mut rng, size);
        } else if number > 0 {
            edit(&mut stack, &mut rng);
        }
        for _ in 0..rng.below(3) {
            let at = lab.cloud.call_count() + rng.below(60);
            lab.cloud.arm(At::Number(at), fault(&mut rng), 1);
            // How it ends does not matter here: the next run makes it good.
            let options = PlanOptions::default();
            let _ = lab.run_until_killed(&stack.desired, &options).await;
        }
        let state = lab.state().unwrap();
        let files = lab.files();
        let plan = lab.plan(&stack.desired).await.unwrap();
        assert!(lab.files() == files, "planning wrote something");
        check_order(
            &plan,
            &state,
            &Graph::build(stack.desired.clone(), &lab.registry).unwrap(),
        );
        lab.events.clear();
        lab.converge(&stack.desired).await;
        check_events(&plan, &lab.events);
    }
    let kept = lab.cloud.objects();
    assert!(
        kept.iter().all(|object| object.kind == "fake.version"),
        "{kept:#?}"
    );
}

/// Dependencies are made before what needs them; what recorded a dependency goes before that.
pub(crate) fn check_order(plan: &Plan, state: &State, graph: &Graph) {
    let mut now = state.clone();
    for record in &plan.preamble {
        if !matches!(record, Record::Rewired { .. } | Record::Forgotten { .. }) {
            now.fold(record).unwrap();
        }
    }
    // All that comes before each step.
    let mut before: Vec<HashSet<usize>> = Vec::new();
    for step in &plan.steps {
        let mut all = HashSet::new();
        for &direct in &step.after {
            all.insert(direct as usize);
            all.extend(&before[direct as usize]);
        }
        before.push(all);
    }
    let mut makes: HashMap<&Address, usize> = HashMap::new();
    let mut deletes: HashMap<(&Address, Slot), usize> = HashMap::new();
    for (index, step) in plan.steps.iter().enumerate() {
        match &step.op {
            StepOp::Create { .. } | StepOp::Update { .. } => makes.insert(&step.address, index),
            StepOp::Delete { slot } => deletes.insert((&step.address, *slot), index),
        };
    }
    for (address, &make) in &makes {
        for dependency in graph.dependencies(address) {
            if let Some(needed) = makes.get(&dependency) {
                assert!(
                    before[make].contains(needed),
                    "{address} before {dependency}"
                );
            }
        }
    }
    for (&(address, slot), &delete) in &deletes {
        let instance = now
            .resources
            .get(address)
            .and_then(|r| r.instance(slot).or(r.current.as_ref()));
        for dependency in instance.into_iter().flat_map(|i| &i.depends_on) {
            for (&(other, _), later) in &deletes {
                if other == dependency {
                    assert!(
                        before[*later].contains(&delete),
                        "{dependency} goes before {address}"
                    );
                }
            }
        }
    }
}

/// Nothing begins before what it waits for has ended.
pub(crate) fn check_events(plan: &Plan, events: &[Event]) {
    let mut began = HashMap::new();
    let mut ended = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        if let Event::NodeStarted { address, op } = event {
            began.insert((address.clone(), *op), at);
        }
        if let Event::NodeFinished { address, op, .. } = event {
            ended.insert((address.clone(), *op), at);
        }
    }
    for step in &plan.steps {
        for &first in &step.after {
            let first = &plan.steps[first as usize];
            let ended = ended.get(&(first.address.clone(), first.node_op()));
            let began = began.get(&(step.address.clone(), step.node_op()));
            assert!(
                ended < began || began.is_none(),
                "{} {}",
                first.address,
                step.address
            );
        }
    }
}

proptest! {
    #![proptest_config(config(120))]
    #[test]
    fn whatever_happens_the_end_is_right(seed in any::<u64>(), size in 1_usize..12, edits in 1_usize..5) {
        run(story(seed, size, edits));
    }
}

/// Stories that once ended badly.
#[test]
fn stories_that_went_wrong_once() {
    for (seed, size, edits) in [
        (16_951_106_647_821_118_872, 4, 2),
        (15_739_785_416_515_420_008, 10, 2),
    ] {
        run(story(seed, size, edits));
    }
}
