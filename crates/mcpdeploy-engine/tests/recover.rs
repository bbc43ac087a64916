//! What a run leaves behind, the next one finds.

use mcpdeploy_engine::event::{Event, Finding};
use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_engine::plan::{Plan, PlanOptions, Reason, StepOp};
use mcpdeploy_engine::record::{Record, Slot};
use mcpdeploy_testkit::{At, CallOp, FakeInputs, Fault, Lab, Ran, Stack};
use serde_json::json;

use crate::support::{actions, address, changes_since, reason};

fn zoned(zone: &str) -> Stack {
    Stack::new()
        .with(
            "fake.named.a",
            json!({"name": format!("a-{zone}"), "zone": zone}),
        )
        .with("fake.tagged.b", json!({"uses": ["${fake.named.a.uid}"]}))
}

fn site(at: &str, op: CallOp) -> At {
    At::Site(address(at), op)
}

#[tokio::test(start_paused = true)]
async fn what_a_replacement_left_behind_goes_with_the_next_run() {
    let mut lab = Lab::new();
    lab.converge(&zoned("z1").desired).await;
    lab.cloud.arm(
        site("fake.named.a", CallOp::Delete),
        Fault::Fail(FaultClass::Denied),
        1,
    );
    let summary = lab.run(&zoned("z2").desired).await.unwrap();
    assert_eq!((summary.created, summary.failed), (1, 1));
    let state = lab.state().unwrap();
    assert_eq!(state.resources[&address("fake.named.a")].deposed.len(), 1);
    let plan = lab.plan(&zoned("z2").desired).await.unwrap();
    assert_eq!(actions(&plan), ["fake.named.a: delete replaced"]);
    assert_eq!(*reason(&plan, "fake.named.a"), Reason::Replaced);
    lab.converge(&zoned("z2").desired).await;
}

#[tokio::test(start_paused = true)]
async fn back_to_the_name_of_what_was_left_behind() {
    let mut lab = Lab::new();
    lab.cloud.set_lax(true);
    lab.converge(&zoned("z1").desired).await;
    lab.cloud.arm(
        site("fake.named.a", CallOp::Delete),
        Fault::Fail(FaultClass::Denied),
        1,
    );
    lab.run(&zoned("z2").desired).await.unwrap();
    // The file goes back: the old one still has the name that the new one is to have.
    lab.converge(&zoned("z1").desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_creation_is_adopted_and_told() {
    for (kind, inputs) in [
        ("fake.named.x", json!({"size": 4, "text": "t"})),
        ("fake.tagged.x", json!({"size": 4, "text": "t"})),
    ] {
        let mut lab = Lab::new();
        let stack = Stack::new().with(kind, inputs);
        lab.cloud
            .arm(site(kind, CallOp::Create), Fault::CrashAfter, 1);
        let options = PlanOptions::default();
        let ran = lab.run_until_killed(&stack.desired, &options).await;
        assert!(matches!(ran, Ran::Killed));
        let plan = lab.plan(&stack.desired).await.unwrap();
        assert_eq!(plan.recovered.len(), 1);
        assert_eq!(*reason(&plan, kind), Reason::Incomplete);
        lab.converge(&stack.desired).await;
        let told = lab.events.iter().any(|event| {
            matches!(
                event,
                Event::Recovered {
                    finding: Finding::Adopted,
                    ..
                }
            )
        });
        assert!(told);
        assert_eq!(lab.cloud.objects().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_creation_whose_name_somebody_took_does_not_block_for_ever() {
    let mut lab = Lab::new();
    let stack = |name: &str| Stack::new().with("fake.named.a", json!({"name": name}));
    lab.cloud
        .arm(site("fake.named.a", CallOp::Create), Fault::CrashBefore, 1);
    lab.run_until_killed(&stack("one").desired, &PlanOptions::default())
        .await;
    let theirs = FakeInputs {
        name: "one".into(),
        ..FakeInputs::default()
    };
    let uid = lab
        .cloud
        .plant("fake.named", &address("fake.named.theirs"), theirs);
    // As long as the name is wanted, it is an error.
    lab.run(&stack("one").desired).await.unwrap_err();
    // With another name all is well, and theirs is left alone.
    lab.run(&stack("two").desired).await.unwrap();
    lab.cloud.vanish(&uid);
    lab.check(&stack("two").desired).await;
}

#[tokio::test(start_paused = true)]
async fn moves_are_made_after_what_is_open_is_settled() {
    let mut lab = Lab::new();
    let stack = Stack::new().with("fake.named.a", json!({"name": "n"}));
    lab.cloud
        .arm(site("fake.named.a", CallOp::Create), Fault::CrashAfter, 1);
    lab.run_until_killed(&stack.desired, &PlanOptions::default())
        .await;
    let uid = lab.cloud.objects()[0].uid.clone();
    let mut stack = Stack::new().with("fake.named.b", json!({"name": "n"}));
    stack.desired.moved = vec![(address("fake.named.a"), address("fake.named.b"))];
    lab.converge(&stack.desired).await;
    assert_eq!(lab.cloud.objects()[0].uid, uid);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_visible_yet_is_waited_for() {
    let mut lab = Lab::new();
    for (op, class, times) in [
        (CallOp::Create, FaultClass::Propagation, 5),
        (CallOp::Settle, FaultClass::Pending, 5),
        (CallOp::Configure, FaultClass::Concurrent, 3),
        (CallOp::Create, FaultClass::Transient, 2),
    ] {
        lab.cloud
            .arm(At::Kind("fake.named", op), Fault::Fail(class), times);
    }
    let stack = Stack::new().with("fake.named.a", json!({"size": 3}));
    lab.converge(&stack.desired).await;
    let retries = lab
        .events
        .iter()
        .filter(|e| matches!(e, Event::NodeRetrying { .. }))
        .count();
    assert_eq!(retries, 15);
}

#[tokio::test(start_paused = true)]
async fn a_creation_never_answers_and_the_read_fails_too() {
    let mut lab = Lab::new();
    let stack = Stack::new().with("fake.tagged.a", json!({}));
    lab.cloud
        .arm(site("fake.tagged.a", CallOp::Create), Fault::LoseAnswer, 1);
    // One read is the search before planning; those after the lost answer are refused.
    let plan = lab.plan(&stack.desired).await.unwrap();
    lab.cloud.arm(
        site("fake.tagged.a", CallOp::Read),
        Fault::Fail(FaultClass::Denied),
        1,
    );
    let summary = lab.apply(&plan).await.unwrap();
    assert_eq!(summary.failed, 1);
    // It is there, nobody knows, and the state says that this is open.
    assert_eq!(lab.state().unwrap().pending.len(), 1);
    assert_eq!(lab.cloud.objects().len(), 1);
    lab.converge(&stack.desired).await;
}

fn named_after(zone: &str) -> Stack {
    Stack::new()
        .with("fake.tagged.n", json!({"text": "same", "size": 1}))
        .with(
            "fake.named.a",
            json!({"name": "x-${fake.tagged.n.text}", "zone": zone}),
        )
}

/// A plan that replaces `a` create-first since its new name is not known; when it is known, it is
/// the old one.
async fn deceived(lab: &mut Lab) -> Plan {
    lab.converge(&named_after("z1").desired).await;
    let mut changed = named_after("z2");
    changed.at("fake.tagged.n").inputs["text"] = json!("other");
    let mut plan = lab.plan(&changed.desired).await.unwrap();
    assert!(actions(&plan).contains(&"fake.named.a: replace, create first".to_owned()));
    for step in &mut plan.steps {
        if let StepOp::Update { wanted } = &mut step.op {
            wanted.inputs["text"] = json!("same");
        }
    }
    plan
}

#[tokio::test(start_paused = true)]
async fn a_name_known_only_at_apply_that_is_the_old_one_is_no_new_resource() {
    let mut lab = Lab::new();
    let plan = deceived(&mut lab).await;
    let summary = lab.apply(&plan).await.unwrap();
    assert_eq!(summary.failed, 1, "the old one was taken for the new one");
    let calls = lab.cloud.call_count();
    // The next plan knows the name and chooses the order that works.
    lab.converge(&named_after("z2").desired).await;
    assert_eq!(
        changes_since(&lab, calls),
        ["Delete fake.named.a", "Create fake.named.a"]
    );
}

#[tokio::test(start_paused = true)]
async fn nor_is_it_when_the_run_is_killed() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut lab = Lab::new();
        let plan = deceived(&mut lab).await;
        lab.cloud
            .arm(site("fake.named.a", CallOp::Create), fault, 1);
        let cloud = lab.cloud.clone();
        tokio::select! {
            biased;
            () = cloud.crashed() => lab.cloud.disarm(),
            ended = lab.apply(&plan) => panic!("{ended:?}"),
        }
        // What the kill left open is a creation that did not happen.
        let plan = lab.plan(&named_after("z2").desired).await.unwrap();
        assert_eq!(plan.recovered[0].finding, Finding::NotCreated);
        lab.converge(&named_after("z2").desired).await;
    }
}

#[tokio::test(start_paused = true)]
async fn killed_and_then_something_else_is_wanted() {
    let scenes = crate::scenes::scenes();
    for (index, scene) in scenes.iter().enumerate() {
        for number in (6..30).step_by(3) {
            let other = &scenes[(index + number) % scenes.len()];
            let mut lab = crate::crash::set(scene).await;
            lab.cloud.set_lax(true);
            let at = lab.cloud.call_count() + number;
            lab.cloud.arm(At::Number(at), Fault::CrashAfter, 1);
            eprintln!("{} at {number}, then {}", scene.name, other.name);
            lab.run_until_killed(&scene.after.desired, &scene.options)
                .await;
            lab.converge(&other.after.desired).await;
        }
    }
}

/// What an interrupted run left open is found under the address that it has been given since, and
/// not looked for once it is forgotten.
#[tokio::test(start_paused = true)]
async fn moved_and_forgotten_by_hand_while_something_is_open() {
    for op in [CallOp::Configure, CallOp::Delete] {
        for forget in [false, true] {
            let mut lab = Lab::new();
            let stack = |name: &str, size: u32| {
                Stack::new().with(
                    &format!("fake.named.{name}"),
                    json!({"name": "n", "size": size}),
                )
            };
            lab.converge(&stack("a", 1).desired).await;
            lab.cloud
                .arm(site("fake.named.a", op), Fault::CrashAfter, 1);
            let wanted = match op {
                CallOp::Delete => Stack::new(),
                _ => stack("a", 2),
            };
            lab.run_until_killed(&wanted.desired, &PlanOptions::default())
                .await;
            let old = lab.state().unwrap();
            assert_eq!(old.pending.len(), 1);
            let mut new = old.clone();
            let (from, to) = (address("fake.named.a"), address("fake.named.b"));
            let record = if forget {
                let slot = Slot::Current;
                Record::Forgotten {
                    address: from,
                    slot,
                }
            } else {
                Record::Moved { from, to }
            };
            new.fold(&record).unwrap();
            assert_eq!(new.pending.is_empty(), forget);
            let lock = lab.store.lock(&lab.by).unwrap();
            lab.store
                .replace_with_backup(&lock, Some(&old), &mut new)
                .unwrap();
            drop(lock);
            let name = if forget { "a" } else { "b" };
            lab.converge(&stack(name, 2).desired).await;
        }
    }
}
