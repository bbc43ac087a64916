//! In which order things happen, and how many at a time.

use std::collections::HashMap;
use std::time::Duration;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::{Event, Outcome};
use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_testkit::{At, CallOp, Fault, Lab, Stack};
use serde_json::json;

use crate::support::address;

/// When work on each resource began and ended, in places of the event stream.
fn spans(events: &[Event]) -> HashMap<Address, (usize, usize)> {
    let mut spans = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        if let Event::NodeStarted { address, .. } = event {
            spans.insert(address.clone(), (at, usize::MAX));
        }
        if let Event::NodeFinished { address, .. } = event
            && let Some(span) = spans.get_mut(address)
        {
            span.1 = at;
        }
    }
    spans
}

/// The most that were at work at one moment, of those that `counts` takes.
fn most_at_once(events: &[Event], counts: impl Fn(&Address) -> bool) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for event in events {
        if let Event::NodeStarted { address, .. } = event
            && counts(address)
        {
            now += 1;
        }
        if let Event::NodeFinished { address, .. } = event
            && counts(address)
        {
            now = now.saturating_sub(1);
        }
        most = most.max(now);
    }
    most
}

#[tokio::test(start_paused = true)]
async fn children_of_one_parent_change_one_at_a_time() {
    let mut lab = Lab::new();
    lab.cloud.set_latency(Duration::from_millis(20));
    let mut stack = Stack::new()
        .with("fake.named.p", json!({}))
        .with("fake.named.q", json!({}));
    for index in 0..12 {
        let parent = if index % 3 == 0 { "q" } else { "p" };
        stack.add(
            &format!("fake.child.{parent}{index}"),
            json!({"parent": format!("${{fake.named.{parent}.uid}}"), "key": format!("{index}")}),
        );
    }
    let of = |parent: &'static str| {
        move |a: &Address| a.kind().as_str() == "fake.child" && a.name().starts_with(parent)
    };
    lab.converge(&stack.desired).await;
    for resource in &mut stack.desired.resources {
        resource.inputs["text"] = json!("two");
    }
    lab.converge(&stack.desired).await;
    lab.destroy(&stack.desired).await.unwrap();
    assert_eq!(most_at_once(&lab.events, of("p")), 1);
    assert_eq!(most_at_once(&lab.events, of("q")), 1);
    // The two parents' children do not wait for each other.
    assert_eq!(
        most_at_once(&lab.events, |a| a.kind().as_str() == "fake.child"),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_than_asked_at_the_same_time() {
    let mut stack = Stack::new();
    for index in 0..20 {
        stack.add(&format!("fake.tagged.r{index}"), json!({}));
    }
    for parallelism in [1, 3, 50] {
        let mut lab = Lab::new();
        lab.parallelism = parallelism;
        lab.cloud.set_latency(Duration::from_millis(5));
        lab.converge(&stack.desired).await;
        assert_eq!(most_at_once(&lab.events, |_| true), parallelism.min(20));
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_path_goes_first() {
    let mut lab = Lab::new();
    lab.parallelism = 1;
    let stack = Stack::new()
        .with("fake.named.single", json!({}))
        .with("fake.named.head", json!({}))
        .with("fake.named.mid", json!({"text": "${fake.named.head.text}"}))
        .with("fake.slow.heavy", json!({"text": "${fake.named.mid.text}"}))
        .with("fake.slow.alone", json!({}));
    lab.converge(&stack.desired).await;
    let mut order: Vec<_> = spans(&lab.events).into_iter().collect();
    order.sort_by_key(|(_, (began, _))| *began);
    let order: Vec<&str> = order.iter().map(|(a, _)| a.name()).collect();
    assert_eq!(order, ["head", "mid", "heavy", "alone", "single"]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_takes_as_long_as_the_longest_chain() {
    let mut lab = Lab::new();
    lab.parallelism = 64;
    lab.cloud.set_latency(Duration::from_millis(100));
    let mut stack = Stack::new().with("fake.tagged.r0", json!({}));
    for index in 1..5 {
        let before = format!("${{fake.tagged.r{}.uid}}", index - 1);
        stack.add(&format!("fake.tagged.r{index}"), json!({"uses": [before]}));
    }
    for index in 0..30 {
        stack.add(&format!("fake.tagged.w{index}"), json!({}));
    }
    let plan = lab.plan(&stack.desired).await.unwrap();
    let summary = lab.apply(&plan).await.unwrap();
    // Five times a create and a settle.
    assert!((1000..1050).contains(&summary.elapsed_ms), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_skips_its_descendants_and_nothing_else() {
    let mut lab = Lab::new();
    let stack = Stack::new()
        .with("fake.tagged.a", json!({}))
        .with("fake.tagged.b", json!({"uses": ["${fake.tagged.a.uid}"]}))
        .with("fake.tagged.c", json!({"uses": ["${fake.tagged.b.uid}"]}))
        .with("fake.tagged.d", json!({"uses": ["${fake.tagged.a.uid}"]}))
        .with(
            "fake.tagged.e",
            json!({"uses": ["${fake.tagged.c.uid}", "${fake.tagged.d.uid}"]}),
        )
        .with("fake.tagged.f", json!({}));
    let denied = Fault::Fail(FaultClass::Denied);
    lab.cloud.arm(
        At::Site(address("fake.tagged.b"), CallOp::Create),
        denied,
        1,
    );
    let summary = lab.run(&stack.desired).await.unwrap();
    assert_eq!(
        (summary.created, summary.failed, summary.skipped),
        (3, 1, 2)
    );
    let mut skipped: Vec<(String, String)> = Vec::new();
    for event in &lab.events {
        if let Event::NodeFinished {
            address,
            outcome: Outcome::Skipped { because },
            ..
        } = event
        {
            skipped.push((address.to_string(), because.to_string()));
        }
    }
    let b = || "fake.tagged.b".to_owned();
    assert_eq!(
        skipped,
        [
            ("fake.tagged.c".to_owned(), b()),
            ("fake.tagged.e".to_owned(), b())
        ]
    );
    lab.converge(&stack.desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_deletion_keeps_what_it_depends_on() {
    let mut lab = Lab::new();
    let stack = Stack::new()
        .with("fake.tagged.a", json!({}))
        .with("fake.tagged.b", json!({"uses": ["${fake.tagged.a.uid}"]}));
    lab.converge(&stack.desired).await;
    let denied = Fault::Fail(FaultClass::Denied);
    lab.cloud.arm(
        At::Site(address("fake.tagged.b"), CallOp::Delete),
        denied,
        1,
    );
    let summary = lab.destroy(&stack.desired).await.unwrap();
    assert_eq!(
        (summary.deleted, summary.failed, summary.skipped),
        (0, 1, 1)
    );
    assert_eq!(lab.cloud.objects().len(), 2);
    lab.destroy(&stack.desired).await.unwrap();
    assert_eq!(lab.cloud.objects(), []);
}
