//! What the plan decides, and what it refuses.

use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::import::{self, ImportError};
use mcpdeploy_engine::plan::{Mode, Plan, PlanError, PlanErrors, PlanOptions, Reason};
use mcpdeploy_engine::refresh::{Problem, RefreshErrors};
use mcpdeploy_testkit::{Failed, FakeInputs, Lab, Stack, owner_tags};
use serde_json::json;

use crate::scenes::{mixed, scenes};
use crate::support::{actions, address, changes_since, reason};

fn single() -> Stack {
    Stack::new().with("fake.named.a", json!({"text": "one", "size": 3}))
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_state_all_is_adopted() {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    let objects = lab.cloud.objects();
    std::fs::remove_file(lab.state_path()).unwrap();
    let plan = lab.plan(&mixed().desired).await.unwrap();
    let adopted = actions(&plan)
        .iter()
        .filter(|a| a.ends_with(": adopt"))
        .count();
    assert_eq!(adopted, 6, "{:?}", actions(&plan));
    assert_eq!(*reason(&plan, "fake.child.e"), Reason::Owned);
    lab.converge(&mixed().desired).await;
    assert_eq!(lab.cloud.objects(), objects);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_somebody_else_has_is_an_error() {
    let mut lab = Lab::new();
    let mut theirs = FakeInputs {
        name: "a".into(),
        ..FakeInputs::default()
    };
    let other = address("fake.named.other");
    for tags in [Default::default(), owner_tags(&other)] {
        theirs.tags = tags;
        let uid = lab.cloud.plant("fake.named", &other, theirs.clone());
        match lab.plan(&single().desired).await {
            Err(Failed::Refresh(RefreshErrors::Problems(problems))) => assert_eq!(
                problems,
                [Problem::Taken {
                    address: address("fake.named.a"),
                    id: PhysicalId::new("a"),
                }]
            ),
            unexpected => panic!("{unexpected:?}"),
        }
        // A destruction does not mind.
        lab.destroy(&single().desired).await.unwrap();
        assert_eq!(lab.cloud.objects().len(), 1);
        lab.cloud.vanish(&uid);
    }
    lab.converge(&single().desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_name_taken_between_plan_and_apply_is_an_error_and_not_ours() {
    let mut lab = Lab::new();
    let plan = lab.plan(&single().desired).await.unwrap();
    let theirs = FakeInputs {
        name: "a".into(),
        ..FakeInputs::default()
    };
    lab.cloud
        .plant("fake.named", &address("fake.named.other"), theirs);
    let summary = lab.apply(&plan).await.unwrap();
    assert_eq!(summary.failed, 1);
    assert!(lab.state().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn drift_is_shown_and_set_back() {
    let mut lab = Lab::new();
    lab.converge(&single().desired).await;
    lab.cloud.tamper("named-1", |inputs| {
        inputs.text = "theirs".into();
        inputs.tags.insert("extra".into(), "x".into());
    });
    let plan = lab.plan(&single().desired).await.unwrap();
    let pointers = vec!["/text".to_owned(), "/tags/extra".to_owned()];
    assert_eq!(*reason(&plan, "fake.named.a"), Reason::Drifted { pointers });
    assert_eq!(plan.drift.len(), 1);
    let change = &plan.drift[0].changes[0];
    assert_eq!(
        (&change.before, &change.after),
        (&json!("one"), &json!("theirs"))
    );
    lab.converge(&single().desired).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_created_again() {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    let base = lab.cloud.of(&address("fake.named.base"))[0].uid.clone();
    lab.cloud.vanish(&base); // its children go with it
    let plan = lab.plan(&mixed().desired).await.unwrap();
    assert_eq!(*reason(&plan, "fake.named.base"), Reason::Gone);
    assert_eq!(*reason(&plan, "fake.child.c"), Reason::Gone);
    assert_eq!(plan.drift.len(), 4);
    lab.converge(&mixed().desired).await;
}

#[tokio::test(start_paused = true)]
async fn ignored_changes_stay_as_they_are_there() {
    let mut lab = Lab::new();
    let mut stack = single();
    stack.at("fake.named.a").lifecycle.ignore_changes =
        vec!["/size".to_owned(), "/tags/theirs".to_owned()];
    lab.converge(&stack.desired).await;
    lab.cloud.tamper("named-1", |inputs| {
        inputs.size = Some(99);
        inputs.tags.insert("theirs".into(), "x".into());
    });
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert!(plan.is_empty(), "{:?}", actions(&plan));
    assert!(plan.drift.is_empty());
    // Something else changes, with a call that sends all tags.
    stack.at("fake.named.a").inputs["text"] = json!("two");
    stack.at("fake.named.a").inputs["tags"]["mine"] = json!("y");
    lab.run(&stack.desired).await.unwrap();
    let there = &lab.cloud.of(&address("fake.named.a"))[0].inputs;
    assert_eq!(there.size, Some(99));
    assert_eq!(there.tags["theirs"], "x");
    assert_eq!(there.tags["mine"], "y");
    assert_eq!(there.text.get(), "two");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert!(plan.is_empty(), "{:?}", actions(&plan));
}

fn errors(result: Result<Plan, Failed>) -> Vec<PlanError> {
    match result {
        Err(Failed::Plan(PlanErrors(errors))) => errors,
        unexpected => panic!("{unexpected:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_neither_replaced_nor_deleted() {
    let mut lab = Lab::new();
    let mut stack = single();
    lab.converge(&stack.desired).await;
    // Protecting changes nothing in the cloud, but the state knows from then on.
    stack.at("fake.named.a").lifecycle.protect = true;
    lab.converge(&stack.desired).await;
    let a = || address("fake.named.a");
    stack.at("fake.named.a").inputs["zone"] = json!("z9");
    let refused = |replaced| {
        vec![PlanError::Protected {
            address: a(),
            replaced,
        }]
    };
    assert_eq!(errors(lab.plan(&stack.desired).await), refused(true));
    assert_eq!(
        errors(lab.plan(&Stack::new().desired).await),
        refused(false)
    );
    let destroy = PlanOptions {
        mode: Mode::Destroy,
        ..PlanOptions::default()
    };
    assert_eq!(
        errors(lab.plan_with(&stack.desired, &destroy).await),
        refused(false)
    );
    // No longer protected: first the state learns of it.
    let stack = single();
    lab.converge(&stack.desired).await;
    lab.destroy(&stack.desired).await.unwrap();
    assert_eq!(lab.cloud.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_is_only_forgotten() {
    let mut lab = Lab::new();
    let mut stack = single().with("fake.tagged.b", json!({"uses": ["${fake.named.a.uid}"]}));
    stack.at("fake.named.a").lifecycle.retain = true;
    lab.converge(&stack.desired).await;
    let plan = lab.plan(&Stack::new().desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["fake.named.a: forget", "fake.tagged.b: delete"]
    );
    lab.run(&Stack::new().desired).await.unwrap();
    assert!(lab.state().unwrap().is_empty());
    assert_eq!(lab.cloud.objects().len(), 1);
    // Wanted again: it is known by its tags.
    lab.converge(&stack.desired).await;
    assert_eq!(lab.cloud.of(&address("fake.named.a")).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn create_before_destroy_is_obeyed_or_refused() {
    let mut lab = Lab::new();
    lab.cloud.set_lax(true);
    let mut stack = Stack::new()
        .with("fake.named.a", json!({"name": "a-z1", "zone": "z1"}))
        .with("fake.tagged.b", json!({"zone": "${fake.named.a.uid}"}));
    lab.converge(&stack.desired).await;
    // Asked the other way round.
    stack.at("fake.named.a").lifecycle.create_before_destroy = Some(false);
    stack.at("fake.named.a").inputs["zone"] = json!("z2");
    stack.at("fake.named.a").inputs["name"] = json!("a-z2");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "fake.named.a: replace, delete first",
            "fake.tagged.b: replace, delete first"
        ]
    );
    // Asked what cannot be.
    stack.at("fake.named.a").lifecycle.create_before_destroy = Some(true);
    stack.at("fake.named.a").inputs["name"] = json!("a-z1");
    assert_eq!(
        errors(lab.plan(&stack.desired).await),
        [PlanError::NameClash(address("fake.named.a"))]
    );
}

#[tokio::test(start_paused = true)]
async fn two_cannot_have_one_name() {
    let mut lab = Lab::new();
    let stack = single().with("fake.named.b", json!({"name": "a"}));
    let found = errors(lab.plan(&stack.desired).await);
    assert_eq!(
        found[0].to_string(),
        "fake.named.b: it has the same name as fake.named.a, and only one of them can exist"
    );
    // In another region it can.
    let mut stack = stack;
    stack.at("fake.named.b").placement.region = Some("elsewhere".to_owned());
    lab.plan(&stack.desired).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn targets_take_along_what_they_need() {
    let mut lab = Lab::new();
    let options = |targets: &[&str], mode| PlanOptions {
        mode,
        targets: targets.iter().map(|t| address(t)).collect(),
        ..PlanOptions::default()
    };
    let some = options(&["fake.child.e"], Mode::Normal);
    let plan = lab.plan_with(&mixed().desired, &some).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "mcpdeploy.data.d: create",
            "fake.named.base: create",
            "fake.child.c: create",
            "fake.child.e: create"
        ]
    );
    lab.apply(&plan).await.unwrap();
    lab.converge(&mixed().desired).await;

    let gone = options(&["fake.child.c"], Mode::Destroy);
    let plan = lab.plan_with(&mixed().desired, &gone).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "fake.child.c: delete",
            "fake.child.e: delete",
            "fake.named.top: delete"
        ]
    );
    lab.apply(&plan).await.unwrap();
    assert_eq!(lab.cloud.objects().len(), 3);
    lab.converge(&mixed().desired).await;

    let nothing = options(&["fake.named.nowhere"], Mode::Normal);
    assert_eq!(
        errors(lab.plan_with(&mixed().desired, &nothing).await),
        [PlanError::NoSuchResource(address("fake.named.nowhere"))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_replacement_can_be_asked_for() {
    let mut lab = Lab::new();
    lab.cloud.set_lax(true);
    lab.converge(&mixed().desired).await;
    let options = PlanOptions {
        replace: vec![address("fake.tagged.t")],
        ..PlanOptions::default()
    };
    let plan = lab.plan_with(&mixed().desired, &options).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "fake.tagged.t: replace, create first",
            "fake.named.top: update"
        ]
    );
    assert_eq!(*reason(&plan, "fake.tagged.t"), Reason::Requested);
    lab.apply(&plan).await.unwrap();
    lab.check(&mixed().desired).await;
}

#[tokio::test(start_paused = true)]
async fn planning_is_deterministic() {
    for scene in scenes() {
        let mut lab = crate::crash::set(&scene).await;
        let state = lab.state().unwrap();
        let options = &scene.options;
        let one = lab
            .plan_from(&state, &scene.after.desired, options)
            .await
            .unwrap();
        lab.parallelism = 1;
        let two = lab
            .plan_from(&state, &scene.after.desired, options)
            .await
            .unwrap();
        assert_eq!(one, two);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_over_open_operations_is_refused() {
    let mut lab = Lab::new();
    let count = lab.cloud.call_count();
    let crash = mcpdeploy_testkit::Fault::CrashAfter;
    lab.cloud
        .arm(mcpdeploy_testkit::At::Number(count + 12), crash, 1);
    lab.run_until_killed(&mixed().desired, &PlanOptions::default())
        .await;
    let state = lab.state().unwrap();
    assert!(!state.pending.is_empty());
    let graph = Graph::build(mixed().desired, &lab.registry).unwrap();
    let findings = mcpdeploy_engine::plan::Findings::default();
    let options = PlanOptions::default();
    let plan = mcpdeploy_engine::plan::plan(&graph, &state, findings, &options, &lab.registry);
    assert!(matches!(plan.unwrap_err().0[..], [PlanError::Findings(_)]));
}

#[tokio::test(start_paused = true)]
async fn without_reading_only_what_is_incomplete_is_read() {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    lab.read = false;
    let calls = lab.cloud.call_count();
    lab.run(&mixed().desired).await.unwrap();
    assert_eq!(lab.cloud.call_count(), calls);
    // An update fails half way and the file goes back to what it was.
    let mut stack = mixed();
    stack.at("fake.named.top").inputs["text"] = json!("two");
    let at =
        mcpdeploy_testkit::At::Site(address("fake.named.top"), mcpdeploy_testkit::CallOp::Settle);
    let denied = mcpdeploy_testkit::Fault::Fail(mcpdeploy_engine::kind::FaultClass::Denied);
    lab.cloud.arm(at, denied, 1);
    assert_eq!(lab.run(&stack.desired).await.unwrap().failed, 1);
    lab.run(&mixed().desired).await.unwrap();
    lab.check_cloud(&mixed().desired);
    assert!(
        changes_since(&lab, calls).len() == 2,
        "{:?}",
        changes_since(&lab, calls)
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_is_targeted_is_read() {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    let calls = lab.cloud.call_count();
    let options = PlanOptions {
        targets: vec![address("fake.child.c")],
        ..PlanOptions::default()
    };
    lab.plan_with(&mixed().desired, &options).await.unwrap();
    let mut read: Vec<String> = lab.cloud.calls()[calls..]
        .iter()
        .map(|call| call.address.to_string())
        .collect();
    read.sort();
    assert_eq!(read, ["fake.child.c", "fake.named.base"]);
}

#[tokio::test(start_paused = true)]
async fn what_exists_is_imported_once() {
    let mut lab = Lab::new();
    let theirs = FakeInputs {
        name: "a".into(),
        text: "theirs".into(),
        ..FakeInputs::default()
    };
    lab.cloud
        .plant("fake.named", &address("fake.named.a"), theirs);
    let stack = single().with("fake.named.b", json!({}));
    let graph = Graph::build(stack.desired.clone(), &lab.registry).unwrap();
    let state = lab.state().unwrap();
    let id = || PhysicalId::new("a");
    let (a, b) = (address("fake.named.a"), address("fake.named.b"));
    let plan = import::plan(&graph, &state, &lab.registry, &a, id())
        .await
        .unwrap();
    lab.apply(&plan).await.unwrap();
    let state = lab.state().unwrap();
    let again = import::plan(&graph, &state, &lab.registry, &b, id()).await;
    assert!(matches!(again, Err(ImportError::Managed(other)) if other == a));
    lab.converge(&stack.desired).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_state_what_only_its_tags_tell_is_adopted_though_its_dependency_is_gone() {
    let mut lab = Lab::new();
    let stack = Stack::new()
        .with("fake.named.a", json!({}))
        .with("fake.tagged.b", json!({"uses": ["${fake.named.a.uid}"]}));
    lab.converge(&stack.desired).await;
    lab.cloud.vanish("named-1");
    std::fs::remove_file(lab.state_path()).unwrap();
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["fake.named.a: create", "fake.tagged.b: adopt"]
    );
    lab.converge(&stack.desired).await;
    assert_eq!(lab.cloud.objects().len(), 2);
}
