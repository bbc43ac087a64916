//! `[[resources]]`: what arrives, where it is, and how fast.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{good, messages};

const FILE: &str = r#"
[target]
type = "resources"

[[resources]]
kind = "aws.dynamodb.table"
name = "sessions"
inputs = { hash_key = "id", "a/b" = [1, { deep = "x" }] }
depends_on = ["aws.iam.role.exec"]
lifecycle = { protect = true, ignore_changes = ["/tags"] }

[[resources]]
kind = "mcpdeploy.data"
name = "links"

[resources.inputs]
arn = "${aws.dynamodb.table.sessions.arn}"
plain = "$${text}"
"#;

#[test]
fn inputs_arrive_with_their_places() {
    let loaded = good(FILE);
    let [sessions, links] = loaded.config.resources.as_slice() else {
        panic!("two resources");
    };
    assert_eq!(sessions.address(), "aws.dynamodb.table.sessions");
    assert_eq!(
        sessions.inputs,
        json!({"hash_key": "id", "a/b": [1, {"deep": "x"}]})
    );
    assert_eq!(sessions.depends_on[0].value, "aws.iam.role.exec");
    assert!(sessions.lifecycle.protect && !sessions.lifecycle.retain);
    assert_eq!(sessions.lifecycle.ignore_changes, ["/tags"]);
    assert_eq!(sessions.lifecycle.create_before_destroy, None);
    for (pointer, text) in [
        ("/hash_key", "\"id\""),
        ("/a~1b/0", "1"),
        ("/a~1b/1/deep", "\"x\""),
    ] {
        assert_eq!(&FILE[sessions.input_spans[pointer].clone()], text);
        if pointer != "/a~1b/0" {
            assert!(FILE[sessions.input_key_spans[pointer].clone()].len() > 3);
        }
    }
    assert_eq!(&FILE[sessions.kind.span.clone()], "\"aws.dynamodb.table\"");
    assert_eq!(&FILE[sessions.span.clone()], "[[resources]]");
    assert_eq!(links.inputs["plain"], "$${text}");
    assert!(links.input_spans.contains_key(""));
}

#[test]
fn a_file_of_resources_needs_no_server_and_has_a_name() {
    for (name, expected) in [("", "resources"), ("name = \"shared\"\n", "shared")] {
        let text = format!("[target]\ntype = \"resources\"\n{name}");
        assert_eq!(good(&text).config.deployment_name(), expected);
    }
    let loaded = good("[target]\ntype = \"resources\"\n[server]\nname = \"x\"\n");
    assert_eq!(loaded.notes.len(), 1);
    assert_eq!(loaded.config.deployment_name(), "resources");
}

#[test]
fn bad_resources_are_explained() {
    for (entry, message) in [
        ("kind = \"a.b\"", "`resources` needs `name`"),
        ("kind = \"a.b\"\nname = \"-x\"", "`name` cannot be \"-x\""),
        ("kind = \"A.b\"\nname = \"x\"", "`kind` cannot be \"A.b\""),
        (
            "kind = \"a.b\"\nname = \"x\"\ninputs = []",
            "`inputs` must be a table, not a list",
        ),
        (
            "kind = \"a.b\"\nname = \"x\"\ninputs = { a = \"${\" }",
            "a reference is not closed",
        ),
        (
            "kind = \"a.b\"\nname = \"x\"\ninputs = { a = inf }",
            "`a` must be a finite number",
        ),
        (
            "kind = \"a.b\"\nname = \"x\"\ndepends_on = [\"a.b.x\"]",
            "`a.b.x` depends on itself",
        ),
        (
            "kind = \"a.b\"\nname = \"x\"\ndepends_on = [\"x\"]",
            "`depends_on` cannot be \"x\"",
        ),
        (
            "kind = \"a.b\"\nname = \"x\"\nlifecycle = { ignore_changes = [\"/~x\"] }",
            "\"/~x\" is not a JSON pointer",
        ),
    ] {
        let text = format!("[target]\ntype = \"resources\"\n[[resources]]\n{entry}\n");
        assert_eq!(messages(&text), [message], "{entry}");
    }
}

#[test]
fn five_thousand_resources_load_quickly() {
    let mut text = String::from("[target]\ntype = \"resources\"\n");
    for index in 0..5_000 {
        write!(
            text,
            "[[resources]]\nkind = \"mcpdeploy.data\"\nname = \"r{index}\"\n\
             inputs = {{ size = {index}, from = \"${{mcpdeploy.data.r0.id}}\", tags = {{ a = \"b\" }} }}\n"
        )
        .expect("a string takes anything");
    }
    text.push_str("[environments.prod.tags]\na = \"b\"\n[environments.dev.tags]\na = \"b\"\n");
    let start = Instant::now();
    let loaded = good(&text);
    let took = start.elapsed();
    assert_eq!(loaded.config.resources.len(), 5_000);
    // Well under 0.1 s when optimised; the limit only has to catch what grows with the square.
    assert!(took < Duration::from_secs(4), "it took {took:?}");
}
