//! From the first create to the last delete, without faults.

use mcpdeploy_engine::plan::{Mode, PlanOptions, Reason};
use mcpdeploy_testkit::{Lab, Stack, owner_tags};
use serde_json::json;

use crate::support::{actions, address, changes_since, reason};

fn pair() -> Stack {
    Stack::new()
        .with("fake.named.a", json!({"text": "one"}))
        .with(
            "fake.tagged.b",
            json!({"text": "${fake.named.a.text}", "uses": ["${fake.named.a.uid}"], "size": 3}),
        )
}

#[tokio::test(start_paused = true)]
async fn create_then_nothing_then_destroy() {
    let mut lab = Lab::new();
    let stack = pair().output("where", "at ${fake.tagged.b.uid}");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["fake.named.a: create", "fake.tagged.b: create"]
    );
    assert_eq!(*reason(&plan, "fake.named.a"), Reason::New);
    let unknown = &plan.actions[1].changes;
    assert!(
        unknown
            .iter()
            .any(|c| c.pointer == "/text" && c.after == json!({"$unknown": "fake.named.a#/text"})),
        "{unknown:#?}"
    );

    lab.converge(&stack.desired).await;
    let state = lab.state().unwrap();
    assert_eq!(state.outputs["where"], "at tagged-2");
    assert_eq!(state.serial, 1);

    // Nothing to do: nothing is called but reads. What the cloud chose by itself is taken in
    // once; after that nothing is written.
    lab.run(&stack.desired).await.unwrap();
    let (calls, files) = (lab.cloud.call_count(), lab.files());
    lab.run(&stack.desired).await.unwrap();
    assert_eq!(changes_since(&lab, calls), [""; 0]);
    assert!(lab.files() == files);

    let calls = lab.cloud.call_count();
    lab.destroy(&stack.desired).await.unwrap();
    assert_eq!(
        changes_since(&lab, calls),
        ["Delete fake.tagged.b", "Delete fake.named.a"]
    );
    assert_eq!(lab.cloud.objects(), []);
    let state = lab.state().unwrap();
    assert!(state.is_empty());
    assert!(state.outputs.is_empty());
}

/// What was emptied and comes back under another name is called by that.
#[tokio::test(start_paused = true)]
async fn an_emptied_deployment_takes_its_new_name() {
    let mut lab = Lab::new();
    let mut stack = pair();
    lab.converge(&stack.desired).await;
    lab.destroy(&stack.desired).await.unwrap();
    stack.desired.deployment = "other".to_owned();
    // To destroy nothing under another name is still nothing.
    let files = lab.files();
    lab.destroy(&stack.desired).await.unwrap();
    assert!(lab.files() == files);
    lab.converge(&stack.desired).await;
    assert_eq!(lab.state().unwrap().deployment, "other");
}

#[tokio::test(start_paused = true)]
async fn planning_writes_nothing() {
    let mut lab = Lab::new();
    lab.plan(&pair().desired).await.unwrap();
    assert!(!lab.folder().exists());
    lab.converge(&pair().desired).await;
    let files = lab.files();
    let mut changed = pair();
    changed.at("fake.named.a").inputs["text"] = json!("two");
    lab.plan(&changed.desired).await.unwrap();
    lab.plan(&Stack::new().desired).await.unwrap();
    assert!(lab.files() == files);
}

#[tokio::test(start_paused = true)]
async fn an_update_in_place_ripples_only_through_what_it_changes() {
    let mut lab = Lab::new();
    let mut stack = pair();
    lab.converge(&stack.desired).await;

    // The size is not an output of anything: b is not touched.
    stack.at("fake.named.a").inputs["size"] = json!(5);
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(actions(&plan), ["fake.named.a: update"]);
    assert_eq!(
        *reason(&plan, "fake.named.a"),
        Reason::Changed {
            pointers: vec!["/size".into()]
        }
    );
    lab.converge(&stack.desired).await;

    // The text is, and b refers to it.
    stack.at("fake.named.a").inputs["text"] = json!("two");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["fake.named.a: update", "fake.tagged.b: update"]
    );
    assert_eq!(
        *reason(&plan, "fake.tagged.b"),
        Reason::DependencyChanges {
            dependency: address("fake.named.a"),
            pointers: vec!["/text".into()]
        }
    );
    lab.converge(&stack.desired).await;

    // No longer said: the cloud's own choice again, and that is no difference afterwards.
    stack.at("fake.named.a").inputs["size"] = json!(null);
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(actions(&plan), ["fake.named.a: update"]);
    lab.converge(&stack.desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_creates_first_where_names_allow_it() {
    let mut lab = Lab::new();
    let mut stack = Stack::new()
        .with("fake.named.a", json!({"name": "a-z1", "zone": "z1"}))
        .with("fake.tagged.b", json!({"uses": ["${fake.named.a.uid}"]}));
    lab.converge(&stack.desired).await;
    stack.at("fake.named.a").inputs["zone"] = json!("z2");
    stack.at("fake.named.a").inputs["name"] = json!("a-z2");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "fake.named.a: replace, create first",
            "fake.tagged.b: update"
        ]
    );
    let calls = lab.cloud.call_count();
    lab.converge(&stack.desired).await;
    assert_eq!(
        changes_since(&lab, calls),
        [
            "Create fake.named.a",
            "Configure fake.tagged.b",
            "Delete fake.named.a"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_replacement_under_the_same_name_deletes_first() {
    let mut lab = Lab::new();
    let mut stack = Stack::new()
        .with("fake.named.a", json!({"zone": "z1"}))
        .with(
            "fake.child.b",
            json!({"parent": "${fake.named.a.uid}", "key": "k"}),
        );
    lab.converge(&stack.desired).await;
    stack.at("fake.named.a").inputs["zone"] = json!("z2");
    let plan = lab.plan(&stack.desired).await.unwrap();
    // The child lives in what goes first, so it must go before.
    assert_eq!(
        actions(&plan),
        [
            "fake.named.a: replace, delete first",
            "fake.child.b: replace, delete first"
        ]
    );
    let calls = lab.cloud.call_count();
    lab.converge(&stack.desired).await;
    assert_eq!(
        changes_since(&lab, calls),
        [
            "Delete fake.child.b",
            "Delete fake.named.a",
            "Create fake.named.a",
            "Create fake.child.b"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_is_published_and_the_old_one_kept() {
    let mut lab = Lab::new();
    let mut stack = Stack::new().with("fake.named.a", json!({})).with(
        "fake.version.v",
        json!({"parent": "${fake.named.a.uid}", "text": "one"}),
    );
    lab.converge(&stack.desired).await;
    stack.at("fake.version.v").inputs["text"] = json!("two");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(actions(&plan), ["fake.version.v: publish"]);
    lab.converge(&stack.desired).await;
    let there = lab.cloud.of(&address("fake.version.v"));
    assert_eq!(there.len(), 2);
    let state = lab.state().unwrap();
    let kept = &state.resources[&address("fake.version.v")].history;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].id.as_str(), there[0].uid);
    // Back again: another version, not the first one once more.
    stack.at("fake.version.v").inputs["text"] = json!("one");
    lab.converge(&stack.desired).await;
    assert_eq!(lab.cloud.of(&address("fake.version.v")).len(), 3);
    lab.destroy(&stack.desired).await.unwrap();
    assert_eq!(lab.cloud.objects(), []);
}

#[tokio::test(start_paused = true)]
async fn a_moved_resource_keeps_its_object() {
    let mut lab = Lab::new();
    lab.converge(&pair().desired).await;
    let uid = lab.cloud.of(&address("fake.named.a"))[0].uid.clone();
    let mut stack = Stack::new()
        .with("fake.named.new", json!({"text": "one", "name": "a"}))
        .with(
            "fake.tagged.b",
            json!({"text": "${fake.named.new.text}", "uses": ["${fake.named.new.uid}"], "size": 3}),
        );
    stack.desired.moved = vec![(address("fake.named.a"), address("fake.named.new"))];
    let plan = lab.plan(&stack.desired).await.unwrap();
    // Only our tag with the address changes.
    assert_eq!(actions(&plan), ["fake.named.new: update"]);
    lab.converge(&stack.desired).await;
    assert_eq!(lab.cloud.of(&address("fake.named.new"))[0].uid, uid);
}

#[tokio::test(start_paused = true)]
async fn moves_in_a_row_are_all_made() {
    let mut lab = Lab::new();
    let stack = Stack::new()
        .with("fake.named.a", json!({"name": "one"}))
        .with("fake.named.b", json!({"name": "two"}));
    lab.converge(&stack.desired).await;
    let mut stack = Stack::new()
        .with("fake.named.b", json!({"name": "one"}))
        .with("fake.named.c", json!({"name": "two"}));
    stack.desired.moved = vec![
        (address("fake.named.a"), address("fake.named.b")),
        (address("fake.named.b"), address("fake.named.c")),
    ];
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["fake.named.b: update", "fake.named.c: update"]
    );
    lab.converge(&stack.desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_is_not_told_hands_the_name_over() {
    let mut lab = Lab::new();
    lab.cloud.set_lax(true);
    lab.converge(&pair().desired).await;
    // `a` goes and `new` wants its name; `b` stays and refers to `new` from now on.
    let stack = Stack::new()
        .with("fake.named.new", json!({"text": "one", "name": "a"}))
        .with(
            "fake.tagged.b",
            json!({"text": "${fake.named.new.text}", "uses": ["${fake.named.new.uid}"], "size": 3}),
        );
    let calls = lab.cloud.call_count();
    lab.converge(&stack.desired).await;
    assert_eq!(
        changes_since(&lab, calls),
        [
            "Delete fake.named.a",
            "Create fake.named.new",
            "Configure fake.tagged.b"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_child_renamed_without_telling_is_not_lost() {
    let mut lab = Lab::new();
    let parent = Stack::new().with("fake.named.p", json!({}));
    let inputs = json!({"parent": "${fake.named.p.uid}", "key": "k"});
    lab.converge(&parent.clone().with("fake.child.a", inputs.clone()).desired)
        .await;
    lab.converge(&parent.with("fake.child.b", inputs).desired)
        .await;
}

#[tokio::test(start_paused = true)]
async fn names_are_swapped() {
    let mut lab = Lab::new();
    let stack = |a: &str, b: &str| {
        Stack::new()
            .with("fake.named.a", json!({"name": a}))
            .with("fake.named.b", json!({"name": b}))
    };
    lab.converge(&stack("one", "two").desired).await;
    lab.converge(&stack("two", "one").desired).await;
    // A chain without a circle needs no deletion first.
    let plan = lab.plan(&stack("one", "three").desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "fake.named.a: replace, create first",
            "fake.named.b: replace, create first"
        ]
    );
    lab.converge(&stack("one", "three").desired).await;
}

#[tokio::test(start_paused = true)]
async fn deletes_follow_recorded_dependencies_not_those_of_the_file() {
    let mut lab = Lab::new();
    let stack = Stack::new()
        .with("fake.tagged.c", json!({}))
        .with("fake.tagged.b", json!({"uses": ["${fake.tagged.c.uid}"]}))
        .with("fake.tagged.a", json!({"uses": ["${fake.tagged.b.uid}"]}));
    lab.converge(&stack.desired).await;
    // The file has nothing any more; only the state knows.
    let calls = lab.cloud.call_count();
    lab.converge(&Stack::new().desired).await;
    assert_eq!(
        changes_since(&lab, calls),
        [
            "Delete fake.tagged.a",
            "Delete fake.tagged.b",
            "Delete fake.tagged.c"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_stays_lets_go_before_its_dependency_goes() {
    let mut lab = Lab::new();
    let mut stack = pair();
    lab.converge(&stack.desired).await;
    let b = stack.desired.resources.pop().unwrap();
    stack.desired.resources = vec![b];
    stack.at("fake.tagged.b").inputs["text"] = json!("own");
    stack.at("fake.tagged.b").inputs["uses"] = json!([]);
    let calls = lab.cloud.call_count();
    lab.converge(&stack.desired).await;
    assert_eq!(
        changes_since(&lab, calls),
        ["Configure fake.tagged.b", "Delete fake.named.a"]
    );
}

#[tokio::test(start_paused = true)]
async fn data_hands_values_on_and_replaces_on_triggers() {
    let mut lab = Lab::new();
    let stack = |value: &str, trigger: u32| {
        Stack::new()
            .with(
                "mcpdeploy.data.d",
                json!({"value": value, "triggers": {"n": trigger}}),
            )
            .with(
                "fake.tagged.t",
                json!({"text": "${mcpdeploy.data.d.value}", "zone": "${mcpdeploy.data.d.id}"}),
            )
    };
    lab.converge(&stack("one", 1).desired).await;
    let plan = lab.plan(&stack("two", 1).desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        ["mcpdeploy.data.d: update", "fake.tagged.t: update"]
    );
    lab.converge(&stack("two", 1).desired).await;
    let plan = lab.plan(&stack("two", 2).desired).await.unwrap();
    assert_eq!(
        actions(&plan),
        [
            "mcpdeploy.data.d: replace, create first",
            "fake.tagged.t: replace, create first"
        ]
    );
    lab.converge(&stack("two", 2).desired).await;
    lab.destroy(&stack("two", 2).desired).await.unwrap();
    assert!(lab.state().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn refresh_only_takes_in_what_is_there_and_changes_nothing() {
    let mut lab = Lab::new();
    lab.converge(&pair().desired).await;
    lab.cloud
        .tamper("named-1", |inputs| inputs.text = "other".into());
    let options = PlanOptions {
        mode: Mode::RefreshOnly,
        ..PlanOptions::default()
    };
    let plan = lab.plan_with(&pair().desired, &options).await.unwrap();
    assert!(plan.steps.is_empty());
    assert_eq!(plan.drift.len(), 1);
    let calls = lab.cloud.call_count();
    lab.apply(&plan).await.unwrap();
    assert_eq!(changes_since(&lab, calls), [""; 0]);
    let state = lab.state().unwrap();
    let instance = state.current(&address("fake.named.a")).unwrap();
    assert_eq!(instance.there()["text"], "other");
    assert_eq!(instance.inputs["text"], "one");
    lab.converge(&pair().desired).await;
}

#[tokio::test(start_paused = true)]
async fn tags_of_a_kind_that_does_not_read_them_are_set_all_the_same() {
    let mut lab = Lab::new();
    let mut stack = pair();
    lab.converge(&stack.desired).await;
    stack.at("fake.tagged.b").inputs["tags"]["team"] = json!("blue");
    let plan = lab.plan(&stack.desired).await.unwrap();
    assert_eq!(actions(&plan), ["fake.tagged.b: update"]);
    lab.converge(&stack.desired).await;
    let mut tags = owner_tags(&address("fake.tagged.b"));
    tags.insert("team".to_owned(), "blue".to_owned());
    assert_eq!(lab.cloud.of(&address("fake.tagged.b"))[0].tags(), &tags);
}
