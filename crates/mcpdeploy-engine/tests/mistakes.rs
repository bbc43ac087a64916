//! What is wrong with what is wanted, before anything is looked at.

use mcpdeploy_engine::graph::{Graph, GraphError};
use mcpdeploy_testkit::{Lab, Stack, chains};
use serde_json::json;

fn mistakes(lab: &Lab, stack: Stack) -> Vec<String> {
    match Graph::build(stack.desired, &lab.registry) {
        Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
        Ok(_) => panic!("no mistakes were found"),
    }
}

#[test]
fn mistakes_are_found_all_at_once() {
    let lab = Lab::new();
    let stack = Stack::new()
        .with("fake.named.a", json!({}))
        .with("fake.named.a", json!({}))
        .with("fake.unheard_of.x", json!({}))
        .with("fake.tagged.b", json!({"text": "${fake.named.aa.text}"}))
        .with("fake.tagged.c", json!({"text": "${fake.named.a.colour}"}))
        .with("fake.tagged.d", json!({"tags": {"x": 1}}))
        .with("fake.tagged.e", json!({"size": 5000}))
        .with(
            "fake.tagged.f",
            json!({"text": "${fake.unheard_of.x.text}"}),
        )
        .with("fake.tagged.g", json!({"colour": "red"}));
    let found = mistakes(&lab, stack);
    let expected = [
        "fake.named.a is there twice",
        "fake.unheard_of.x: there is no kind `fake.unheard_of`",
        "fake.tagged.d: invalid type: integer `1`, expected a string (at `tags.x`)",
        "fake.tagged.e: the size is at most 1000 (at `size`)",
        "fake.tagged.b refers to `fake.named.aa#/text`, which is not there; did you mean `fake.named.a`?",
        "fake.tagged.c refers to `colour` of fake.named.a, which has only uid, text, revision",
    ];
    for text in expected {
        assert!(
            found.iter().any(|f| f == text),
            "{text}\nis not among {found:#?}"
        );
    }
    assert!(
        found.iter().any(|f| f.contains("unknown field `colour`")),
        "{found:#?}"
    );
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn thousands_of_mistakes_are_all_found_and_the_first_get_suggestions() {
    let lab = Lab::new();
    let mut stack = Stack::new();
    for index in 0..3_000 {
        let text = format!("${{fake.named.m{index}.text}}");
        stack = stack.with(&format!("fake.named.n{index}"), json!({ "text": text }));
    }
    let Err(errors) = Graph::build(stack.desired, &lab.registry) else {
        panic!("no mistakes were found");
    };
    let suggestions = errors.0.iter().map(|error| match error {
        GraphError::Dangling { suggestion, .. } => suggestion.is_some(),
        other => panic!("{other}"),
    });
    assert!(suggestions.eq((0..3_000).map(|index| index < 50)));
}

#[test]
fn cycles_are_shown() {
    let lab = Lab::new();
    let stack = Stack::new()
        .with("fake.tagged.ok", json!({}))
        .with("fake.tagged.a", json!({"text": "${fake.tagged.b.text}"}))
        .with(
            "fake.tagged.b",
            json!({"text": "${fake.tagged.c.text}", "uses": ["${fake.tagged.ok.uid}"]}),
        )
        .with("fake.tagged.c", json!({"text": "${fake.tagged.a.text}"}))
        .with(
            "fake.tagged.self",
            json!({"text": "${fake.tagged.self.text}"}),
        );
    let Err(errors) = Graph::build(stack.desired, &lab.registry) else {
        panic!("a cycle was taken");
    };
    let mut shown: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            "a cycle: fake.tagged.a → fake.tagged.b → fake.tagged.c → fake.tagged.a",
            "a cycle: fake.tagged.self → fake.tagged.self"
        ]
    );
    assert!(matches!(errors.0[0], GraphError::Cycle(_)));
}

#[test]
fn a_long_chain_is_no_problem_and_a_long_cycle_is_found() {
    let lab = Lab::new();
    let mut desired = chains(50_000, 50_000);
    let graph = Graph::build(desired.clone(), &lab.registry).unwrap();
    assert_eq!(graph.len(), 50_000);
    let last = format!("{}#/value", desired.resources[49_999].address);
    desired.resources[0].inputs["value"] = json!({ "$ref": last });
    let Err(errors) = Graph::build(desired, &lab.registry) else {
        panic!("a cycle was taken");
    };
    assert!(matches!(&errors.0[..], [GraphError::Cycle(cycle)] if cycle.len() == 50_001));
}
