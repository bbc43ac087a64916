//! Changes of a mixed stack, for tests that break off a run at every point.

use mcpdeploy_engine::plan::{Mode, PlanOptions};
use mcpdeploy_testkit::Stack;
use serde_json::json;

use crate::support::address;

/// From one stack to another.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) before: Option<Stack>,
    /// Applied after `before` by a run that was refused every deletion.
    pub(crate) left: Option<Stack>,
    pub(crate) after: Stack,
    pub(crate) options: PlanOptions,
    /// Objects may go while others refer to them: in place of a resource that is deleted first,
    /// those who stay refer to nothing for a while.
    pub(crate) lax: bool,
}

/// All fake kinds, and references of all sorts between them.
pub(crate) fn mixed() -> Stack {
    Stack::new()
        .with("mcpdeploy.data.d", json!({"value": "one"}))
        .with("fake.named.base", json!({"name": "base-z1", "zone": "z1", "text": "one"}))
        .with(
            "fake.tagged.t",
            json!({"text": "${fake.named.base.text}", "uses": ["${fake.named.base.uid}"], "size": 3}),
        )
        .with(
            "fake.child.c",
            json!({"parent": "${fake.named.base.uid}", "key": "c", "text": "${mcpdeploy.data.d.value}"}),
        )
        .with(
            "fake.child.e",
            json!({"parent": "${fake.named.base.uid}", "key": "e", "uses": ["${fake.child.c.uid}"]}),
        )
        .with("fake.version.v", json!({"parent": "${fake.named.base.uid}", "text": "one"}))
        .with(
            "fake.named.top",
            json!({"zone": "z1", "uses": ["${fake.tagged.t.uid}", "${fake.child.e.uid}"]}),
        )
}

fn changed(change: impl FnOnce(&mut Stack)) -> Stack {
    let mut stack = mixed();
    change(&mut stack);
    stack
}

pub(crate) fn scenes() -> Vec<Scene> {
    let scene = |name, after| Scene {
        name,
        before: Some(mixed()),
        left: None,
        after,
        options: PlanOptions::default(),
        lax: false,
    };
    vec![
        Scene {
            before: None,
            ..scene("create", mixed())
        },
        scene(
            "update",
            changed(|stack| {
                stack.at("mcpdeploy.data.d").inputs["value"] = json!("two");
                stack.at("fake.named.base").inputs["text"] = json!("two");
                stack.at("fake.named.base").inputs["size"] = json!(9);
                stack.at("fake.tagged.t").inputs["size"] = json!(4);
                stack.at("fake.tagged.t").inputs["tags"]["team"] = json!("blue");
            }),
        ),
        scene(
            "replace, create first, all that refers to it too",
            changed(|stack| {
                stack.at("fake.named.base").inputs["zone"] = json!("z2");
                stack.at("fake.named.base").inputs["name"] = json!("base-z2");
            }),
        ),
        Scene {
            lax: true,
            ..scene(
                "replace, delete first",
                changed(|stack| {
                    stack.at("fake.named.top").inputs["zone"] = json!("z2");
                    stack.at("fake.child.c").inputs["zone"] = json!("z2");
                }),
            )
        },
        scene(
            "publish",
            changed(|stack| stack.at("fake.version.v").inputs["text"] = json!("two")),
        ),
        scene(
            "remove and add",
            changed(|stack| {
                let gone = ["fake.tagged.t", "fake.child.e", "fake.version.v"];
                stack
                    .desired
                    .resources
                    .retain(|r| !gone.contains(&r.address.as_str()));
                stack.at("fake.named.top").inputs["uses"] = json!([]);
                stack.add(
                    "fake.tagged.new",
                    json!({"uses": ["${fake.named.top.uid}"]}),
                );
                stack.add(
                    "fake.child.n",
                    json!({"parent": "${fake.named.top.uid}", "key": "e"}),
                );
            }),
        ),
        Scene {
            lax: true,
            ..scene(
                "a name is handed over",
                changed(|stack| {
                    stack
                        .desired
                        .resources
                        .retain(|r| r.address.as_str() != "fake.child.e");
                    let inputs = json!({"parent": "${fake.named.base.uid}", "key": "e"});
                    stack.add("fake.child.f", inputs);
                    stack.at("fake.named.top").inputs["uses"] =
                        json!([{"$ref": "fake.tagged.t#/uid"}, {"$ref": "fake.child.f#/uid"}]);
                }),
            )
        },
        Scene {
            options: destroy(),
            ..scene("destroy", Stack::new())
        },
        Scene {
            left: Some(in_zone("z2")),
            ..scene(
                "what a replacement left behind, and another replacement",
                in_zone("z3"),
            )
        },
        Scene {
            left: Some(in_zone("z2")),
            options: destroy(),
            ..scene("what a replacement left behind, and destroy", Stack::new())
        },
        Scene {
            before: Some(named("a", "b", "one")),
            ..scene("moved and changed", moved())
        },
        Scene {
            before: Some(triggered(1)),
            ..scene("data that replaces what refers to it", triggered(2))
        },
        Scene {
            options: PlanOptions {
                replace: vec![address("fake.tagged.t")],
                ..PlanOptions::default()
            },
            lax: true,
            ..scene("replaced on request", mixed())
        },
    ]
}

fn destroy() -> PlanOptions {
    PlanOptions {
        mode: Mode::Destroy,
        ..PlanOptions::default()
    }
}

/// The base in another zone under another name: it and what lives in it are replaced.
fn in_zone(zone: &str) -> Stack {
    changed(|stack| {
        stack.at("fake.named.base").inputs["zone"] = json!(zone);
        stack.at("fake.named.base").inputs["name"] = json!(format!("base-{zone}"));
    })
}

/// Something with a name, something with tags and a child, under these addresses.
fn named(parent: &str, other: &str, text: &str) -> Stack {
    Stack::new()
        .with(
            &format!("fake.named.{parent}"),
            json!({"name": "n", "text": text}),
        )
        .with(
            &format!("fake.tagged.{other}"),
            json!({"text": format!("${{fake.named.{parent}.text}}")}),
        )
        .with(
            "fake.child.c",
            json!({"parent": format!("${{fake.named.{parent}.uid}}"), "key": "c"}),
        )
}

/// The same things under other addresses, with another text.
fn moved() -> Stack {
    let mut stack = named("x", "y", "two");
    stack.desired.moved = vec![
        (address("fake.named.a"), address("fake.named.x")),
        (address("fake.tagged.b"), address("fake.tagged.y")),
    ];
    stack
}

fn triggered(number: u32) -> Stack {
    Stack::new()
        .with(
            "mcpdeploy.data.d",
            json!({"value": format!("v{number}"), "triggers": {"n": number}}),
        )
        .with(
            "fake.tagged.t",
            json!({"zone": "${mcpdeploy.data.d.id}", "text": "${mcpdeploy.data.d.value}"}),
        )
        .with("mcpdeploy.data.e", json!({"of": "${fake.tagged.t.uid}"}))
}
