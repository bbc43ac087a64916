//! Many resources against services that throttle as AWS does, and against a cloud that takes its
//! time: how long it takes, compared with what it must take at least. All on the virtual clock.

use std::time::Duration;

use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::{CancelLevel, Event, Summary};
use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_engine::pace::Pace;
use mcpdeploy_engine::plan::Plan;
use mcpdeploy_testkit::{CallOp, FakeCloud, Lab, Stack};
use serde_json::json;
use tokio::time::Instant;

const LEFT: &str = "fake.left.item";
const RIGHT: &str = "fake.right.item";
const FREE: &str = "fake.free.item";

/// What a service takes: calls a second, and at once.
#[derive(Debug, Clone, Copy)]
struct Limit {
    rate: f64,
    burst: f64,
}

impl Limit {
    /// The least time for so many calls.
    fn ideal(self, calls: usize) -> f64 {
        (calls as f64 - self.burst).max(0.0) / self.rate
    }
}

/// The least time for so many calls in all, each of which takes a tenth of a second.
fn crowd(calls: usize, parallelism: usize) -> f64 {
    calls as f64 * 0.1 / parallelism as f64
}

/// As Lambda's control plane, and as API Gateway's.
const LAMBDA: Limit = Limit {
    rate: 15.0,
    burst: 15.0,
};
const GATEWAY: Limit = Limit {
    rate: 10.0,
    burst: 40.0,
};

fn items(count: usize, kinds: &[&str]) -> Stack {
    let mut stack = Stack::new();
    for kind in kinds {
        for index in 0..count {
            stack.add(&format!("{kind}.{}{index}", &kind[5..6]), json!({}));
        }
    }
    stack
}

fn lab(parallelism: usize) -> Lab {
    let mut lab = Lab::new();
    lab.parallelism = parallelism;
    lab.cloud.set_latency(Duration::from_millis(100));
    lab.cloud.set_limit("fake.left", LAMBDA.rate, LAMBDA.burst);
    lab.cloud
        .set_limit("fake.right", GATEWAY.rate, GATEWAY.burst);
    lab
}

fn seconds(summary: &Summary) -> f64 {
    summary.elapsed_ms as f64 / 1000.0
}

/// Whether a time is near the ideal one; says what it is.
fn near(what: &str, took: f64, ideal: f64, lab: &Lab) {
    let (left, right) = (
        lab.cloud.throttled("fake.left"),
        lab.cloud.throttled("fake.right"),
    );
    eprintln!(
        "{what}: {took:.2} s, ideal {ideal:.2} s, ratio {:.3}, throttled {left} + {right}",
        took / ideal
    );
    assert!(took >= ideal, "{what}: {took} s is less than {ideal} s");
    assert!(
        took <= 1.25 * ideal,
        "{what}: {took} s instead of {ideal} s"
    );
}

#[tokio::test(start_paused = true)]
async fn three_hundred_resources_at_the_pace_of_their_services() {
    for parallelism in [4, 10, 50] {
        let mut lab = lab(parallelism);
        let stack = items(100, &[LEFT, RIGHT, FREE]);
        let plan = lab.plan(&stack.desired).await.unwrap();
        pause().await;

        // A creation and a question whether it is usable.
        let summary = lab.apply(&plan).await.unwrap();
        assert_eq!(summary.created, 300);
        let ideal = LAMBDA
            .ideal(200)
            .max(GATEWAY.ideal(200))
            .max(crowd(600, parallelism));
        near(
            &format!("apply, {parallelism} at once"),
            seconds(&summary),
            ideal,
            &lab,
        );
        lab.check_cloud(&stack.desired);

        pause().await;
        let started = Instant::now();
        let plan = lab.plan(&stack.desired).await.unwrap();
        assert!(plan.is_empty());
        let took = started.elapsed().as_secs_f64();
        let ideal = LAMBDA
            .ideal(100)
            .max(GATEWAY.ideal(100))
            .max(crowd(300, parallelism));
        near(
            &format!("refresh, {parallelism} at once"),
            took,
            ideal,
            &lab,
        );

        pause().await;
        let started = Instant::now();
        let summary = lab.destroy(&stack.desired).await.unwrap();
        assert_eq!(summary.deleted, 300);
        // Each is read and removed.
        let ideal = LAMBDA
            .ideal(200)
            .max(GATEWAY.ideal(200))
            .max(crowd(600, parallelism));
        let took = started.elapsed().as_secs_f64();
        near(
            &format!("destroy, {parallelism} at once"),
            took,
            ideal,
            &lab,
        );

        assert!(most_at_once(&lab) <= parallelism);
        let told = throttles(&lab.events).count();
        assert!(told > 0, "nobody was told");
    }
}

/// The services' bursts are there again.
async fn pause() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// The waits that were told after throttled answers.
fn throttles(events: &[Event]) -> impl Iterator<Item = u64> + '_ {
    events.iter().filter_map(|event| match event {
        Event::NodeRetrying { fault, wait_ms, .. } if fault.class == FaultClass::Throttled => {
            Some(*wait_ms)
        }
        _ => None,
    })
}

/// The most calls that were under way at one moment.
fn most_at_once(lab: &Lab) -> usize {
    let mut ticks: Vec<(u64, bool)> = Vec::new();
    for call in lab.cloud.calls() {
        ticks.push((call.began, true));
        ticks.push((call.ended.unwrap(), false));
    }
    ticks.sort_unstable();
    let (mut now, mut most) = (0_usize, 0);
    for (_, begins) in ticks {
        now = if begins { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    most
}

#[tokio::test(start_paused = true)]
async fn operations_of_several_calls_keep_the_pace_too() {
    let mut lab = lab(10);
    lab.cloud.set_calls(LEFT, CallOp::Read, 3);
    lab.cloud.set_calls(LEFT, CallOp::Settle, 4);
    lab.cloud.set_calls(RIGHT, CallOp::Settle, 3);
    let stack = items(150, &[LEFT, RIGHT]);
    let plan = lab.plan(&stack.desired).await.unwrap();
    pause().await;
    let summary = lab.apply(&plan).await.unwrap();
    assert_eq!(summary.created, 300);
    let ideal = LAMBDA.ideal(5 * 150).max(GATEWAY.ideal(4 * 150));
    near("apply, 4 and 5 calls each", seconds(&summary), ideal, &lab);

    pause().await;
    let started = Instant::now();
    lab.plan(&stack.desired).await.unwrap();
    let took = started.elapsed().as_secs_f64();
    near("refresh, 3 calls each", took, LAMBDA.ideal(450), &lab);
}

/// A plan from which nothing was learned about the services.
async fn plan_unlimited(lab: &mut Lab, stack: &Stack) -> Plan {
    for service in ["fake.left", "fake.right"] {
        lab.cloud.set_limit(service, 1e6, 1e6);
    }
    lab.plan(&stack.desired).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_throttle_is_not_slowed() {
    // Those of the slow services are ready first, and more than there are slots.
    let stack = items(100, &[LEFT, RIGHT, FREE]);
    let mut took = Vec::new();
    for slow in [false, true] {
        let mut lab = lab(10);
        let plan = plan_unlimited(&mut lab, &stack).await;
        if slow {
            lab.cloud.set_limit("fake.left", 2.0, 2.0);
            lab.cloud.set_limit("fake.right", 2.0, 2.0);
        }
        let cloud = lab.cloud.clone();
        let started = Instant::now();
        let all_free = async {
            let free = |cloud: &FakeCloud| {
                let objects = cloud.objects();
                objects.iter().filter(|object| object.kind == FREE).count()
            };
            while free(&cloud) < 100 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            started.elapsed().as_secs_f64()
        };
        let (summary, all_free) = tokio::join!(lab.apply(&plan), all_free);
        assert_eq!(summary.unwrap().created, 300);
        took.push(all_free);
    }
    eprintln!(
        "free ones: {:.2} s, beside slow ones {:.2} s",
        took[0], took[1]
    );
    assert!(took[1] <= took[0], "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_is_no_failure() {
    // Four hundred calls at one a second, all of them begun at once: some wait longer than the
    // five minutes after which a throttled call gives up.
    let mut lab = lab(200);
    let slow = Limit {
        rate: 1.0,
        burst: 5.0,
    };
    let stack = items(200, &[LEFT]);
    let plan = plan_unlimited(&mut lab, &stack).await;
    lab.cloud.set_limit("fake.left", slow.rate, slow.burst);
    let summary = lab.apply(&plan).await.unwrap();
    assert_eq!(summary.created, 200);
    near(
        "200 at once at 1/s",
        seconds(&summary),
        slow.ideal(400),
        &lab,
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_nothing_is_given_up() {
    let mut lab = lab(10);
    let stack = items(3, &[LEFT]).with("fake.free.item.other", json!({}));
    let plan = plan_unlimited(&mut lab, &stack).await;
    lab.cloud.set_limit("fake.left", 0.0, 0.0);
    let summary = lab.apply(&plan).await.unwrap();
    assert_eq!((summary.created, summary.failed), (1, 3));
    assert!((300.0..320.0).contains(&seconds(&summary)), "{summary:?}");
    // One every two seconds, once the rate is down.
    assert!(lab.cloud.throttled("fake.left") < 170);
}

/// Applies to a service that throttles, and asks to stop after 5 s.
async fn stopped(level: CancelLevel) -> (Lab, Stack, Summary, Duration) {
    let mut lab = lab(10);
    let stack = items(100, &[LEFT]);
    let plan = plan_unlimited(&mut lab, &stack).await;
    lab.cloud.set_limit("fake.left", 2.0, 5.0);
    let mut state = lab.state().unwrap();
    let (canceller, cancel) = cancel::channel();
    let stop = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        canceller.cancel(level);
        Instant::now()
    };
    let (summary, asked) = tokio::join!(lab.apply_to(&mut state, &plan, cancel), stop);
    (lab, stack, summary.unwrap(), asked.elapsed())
}

#[tokio::test(start_paused = true)]
async fn draining_finishes_what_has_begun_and_begins_nothing() {
    let (mut lab, stack, summary, took) = stopped(CancelLevel::Drain).await;
    assert_eq!(summary.failed, 0);
    assert!(summary.created > 0);
    assert_eq!(summary.created + summary.cancelled, 100);
    // At most ten had begun, with a call or two to go.
    assert!(took < Duration::from_secs(12), "{took:?}");
    assert!(lab.state().unwrap().pending.is_empty());
    lab.converge(&stack.desired).await;
}

#[tokio::test(start_paused = true)]
async fn abandoning_waits_for_no_turn() {
    let (mut lab, stack, summary, took) = stopped(CancelLevel::Abandon).await;
    assert_eq!(summary.created + summary.cancelled, 100);
    assert_eq!(took, Duration::ZERO);
    assert!(!lab.state().unwrap().pending.is_empty());
    lab.converge(&stack.desired).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_much_longer_than_the_others() {
    let mut lab = lab(10);
    let stack = items(100, &[LEFT]);
    lab.converge(&stack.desired).await;
    let slowest = lab.events.iter().filter_map(|event| match event {
        Event::NodeFinished { elapsed_ms, .. } => Some(*elapsed_ms),
        _ => None,
    });
    // Ten at a time at fifteen calls a second: less than a second for each of two calls.
    let slowest = slowest.max().unwrap();
    assert!(slowest < 4_000, "{slowest} ms");
}

#[tokio::test(start_paused = true)]
async fn the_pace_that_reading_found_is_the_one_that_applying_begins_with() {
    let stack = items(100, &[LEFT]);
    let mut throttled = Vec::new();
    for shared in [false, true] {
        let mut lab = lab(50);
        let plan = lab.plan(&stack.desired).await.unwrap();
        if !shared {
            lab.pace = Pace::new();
        }
        let before = lab.cloud.throttled("fake.left");
        lab.apply(&plan).await.unwrap();
        throttled.push(lab.cloud.throttled("fake.left") - before);
    }
    assert!(throttled[1] < throttled[0] / 2, "{throttled:?}");
}

/// A role, a function that needs it, what hangs on the function, and much beside it.
fn server() -> Stack {
    let mut stack = Stack::new()
        .with("fake.named.role", json!({}))
        .with(
            "fake.slow.function",
            json!({"uses": ["${fake.named.role.uid}"], "text": "code"}),
        )
        .with(
            "fake.version.version",
            json!({"parent": "${fake.slow.function.uid}", "text": "code"}),
        )
        .with(
            "fake.child.permission",
            json!({"parent": "${fake.slow.function.uid}", "key": "permission"}),
        );
    for index in 0..20 {
        stack.add(&format!("fake.tagged.beside{index}"), json!({"size": 3}));
    }
    stack
}

#[tokio::test(start_paused = true)]
async fn an_apply_takes_as_long_as_its_longest_chain() {
    let mut worst: f64 = 0.0;
    for propagation_ms in (4_000..15_000).step_by(250) {
        for pending_ms in [1_200, 2_000, 4_700] {
            let mut lab = Lab::new();
            lab.parallelism = 10;
            lab.cloud.set_latency(Duration::from_millis(200));
            let (role, function) = (
                Duration::from_millis(propagation_ms),
                Duration::from_millis(pending_ms),
            );
            lab.cloud.set_propagation("fake.named", role);
            lab.cloud.set_pending("fake.slow", function);
            let stack = server();
            let plan = lab.plan(&stack.desired).await.unwrap();
            let summary = lab.apply(&plan).await.unwrap();
            assert!(summary.is_complete());
            // The role is there after 200 ms; a call that is answered the moment it can be was
            // made just in time. The version and the permission change one after the other, with
            // two calls each.
            let chain = 200 + propagation_ms + pending_ms + 4 * 200;
            let ratio = summary.elapsed_ms as f64 / chain as f64;
            worst = worst.max(ratio);
            assert!(
                ratio <= 1.10,
                "{} ms instead of {chain} ms with {propagation_ms} + {pending_ms}",
                summary.elapsed_ms
            );
        }
    }
    eprintln!("the worst apply takes {worst:.3} of its longest chain");
}
