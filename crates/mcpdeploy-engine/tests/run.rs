//! A run as its watchers see it: events, stopping it, and outputs.

use std::time::Duration;

use mcpdeploy_engine::cancel::{self, Canceller};
use mcpdeploy_engine::event::{CancelLevel, Event, Outcome, Summary};
use mcpdeploy_engine::plan::PlanOptions;
use mcpdeploy_testkit::{At, CallOp, Fault, Lab, Stack};
use serde_json::json;

use crate::support::address;

/// A chain of three whose second takes long, and one apart.
fn slow() -> Stack {
    Stack::new()
        .with("fake.named.a", json!({"size": 2}))
        .with(
            "fake.slow.b",
            json!({"ms": 60_000, "uses": ["${fake.named.a.uid}"]}),
        )
        .with("fake.named.c", json!({"uses": ["${fake.slow.b.uid}"]}))
        .with("fake.slow.apart", json!({"ms": 1_000}))
}

async fn stopped(lab: &mut Lab, stack: &Stack, stop: impl AsyncFn(&Canceller)) -> Summary {
    let (canceller, cancel) = cancel::channel();
    let options = PlanOptions::default();
    let (summary, ()) = tokio::join!(
        lab.run_with(&stack.desired, &options, cancel),
        stop(&canceller)
    );
    summary.unwrap()
}

#[tokio::test(start_paused = true)]
async fn draining_finishes_what_is_in_flight() {
    let mut lab = Lab::new();
    let started = tokio::time::Instant::now();
    let summary = stopped(&mut lab, &slow(), async |canceller| {
        tokio::time::sleep(Duration::from_secs(5)).await;
        canceller.cancel(CancelLevel::Drain);
    })
    .await;
    assert!(started.elapsed() >= Duration::from_secs(60));
    assert_eq!(
        (summary.created, summary.cancelled, summary.failed),
        (3, 1, 0)
    );
    assert!(!summary.is_complete());
    assert!(lab.state().unwrap().pending.is_empty());
    lab.converge(&slow().desired).await;
}

#[tokio::test(start_paused = true)]
async fn abandoning_leaves_what_is_in_flight_for_the_next_run() {
    let mut lab = Lab::new();
    let started = tokio::time::Instant::now();
    let summary = stopped(&mut lab, &slow(), async |canceller| {
        tokio::time::sleep(Duration::from_secs(5)).await;
        canceller.cancel(CancelLevel::Drain);
        tokio::time::sleep(Duration::from_secs(1)).await;
        canceller.cancel(CancelLevel::Abandon);
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(7));
    assert_eq!((summary.created, summary.cancelled), (2, 2));
    let state = lab.state().unwrap();
    assert_eq!(state.pending.len(), 1);
    assert!(!lab.journal_path().exists(), "the state has it all");
    lab.converge(&slow().desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_can_be_abandoned() {
    let mut lab = Lab::new();
    lab.cloud.arm(
        At::Site(address("fake.named.a"), CallOp::Create),
        Fault::Hang,
        1,
    );
    let summary = stopped(&mut lab, &slow(), async |canceller| {
        tokio::time::sleep(Duration::from_secs(600)).await;
        canceller.cancel(CancelLevel::Abandon);
    })
    .await;
    assert_eq!((summary.created, summary.cancelled), (1, 3));
    lab.converge(&slow().desired).await;
}

#[tokio::test(start_paused = true)]
async fn stopped_before_it_began() {
    let mut lab = Lab::new();
    for level in [CancelLevel::Drain, CancelLevel::Abandon] {
        let (canceller, cancel) = cancel::channel();
        canceller.cancel(level);
        let options = PlanOptions::default();
        let summary = lab
            .run_with(&slow().desired, &options, cancel)
            .await
            .unwrap();
        assert_eq!(summary.cancelled, 4);
        assert_eq!(lab.cloud.objects(), []);
    }
    lab.converge(&slow().desired).await;
}

#[tokio::test(start_paused = true)]
async fn stopped_at_any_moment() {
    let stack = crate::scenes::mixed();
    for level in [CancelLevel::Drain, CancelLevel::Abandon] {
        for moment in 0..40 {
            let mut lab = Lab::new();
            lab.cloud.set_latency(Duration::from_millis(10));
            stopped(&mut lab, &stack, async |canceller| {
                tokio::time::sleep(Duration::from_millis(moment * 5 + 1)).await;
                canceller.cancel(level);
            })
            .await;
            lab.converge(&stack.desired).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_step_begins_and_ends_once_and_the_summary_counts_them() {
    for scene in crate::scenes::scenes() {
        let mut lab = crate::crash::set(&scene).await;
        lab.events.clear();
        let plan = lab
            .plan_with(&scene.after.desired, &scene.options)
            .await
            .unwrap();
        lab.apply(&plan).await.unwrap();
        let mut open = Vec::new();
        let mut ended = 0;
        let mut events = lab
            .events
            .iter()
            .filter(|e| !matches!(e, Event::Reading { .. }));
        assert!(
            matches!(events.next(), Some(Event::RunStarted { steps, .. }) if *steps == plan.steps.len())
        );
        for event in events {
            match event {
                Event::NodeStarted { address, op } => open.push((address, op)),
                Event::NodeFinished {
                    address,
                    op,
                    outcome,
                    ..
                } => {
                    assert_eq!(*outcome, Outcome::Succeeded);
                    let at = open.iter().position(|o| *o == (address, op)).unwrap();
                    open.remove(at);
                    ended += 1;
                }
                Event::RunFinished { summary } => {
                    assert_eq!(summary.created + summary.updated + summary.deleted, ended);
                    assert_eq!(ended, plan.steps.len());
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(open.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn outputs_are_told_as_far_as_they_are_known() {
    let mut lab = Lab::new();
    let stack = slow()
        .output("a", "${fake.named.a.uid}")
        .output("both", "${fake.named.a.uid} ${fake.named.c.uid}");
    let denied = Fault::Fail(mcpdeploy_engine::kind::FaultClass::Denied);
    lab.cloud
        .arm(At::Site(address("fake.named.c"), CallOp::Create), denied, 1);
    lab.run(&stack.desired).await.unwrap();
    let a = lab.cloud.of(&address("fake.named.a"))[0].uid.clone();
    assert_eq!(json!(lab.state().unwrap().outputs), json!({ "a": a }));
    lab.converge(&stack.desired).await;
    assert_eq!(lab.state().unwrap().outputs.len(), 2);
    // Another output, and nothing else: the state learns it.
    let mut stack = stack;
    stack.desired.outputs.shift_remove("both");
    lab.converge(&stack.desired).await;
    assert_eq!(json!(lab.state().unwrap().outputs), json!({ "a": a }));
}
