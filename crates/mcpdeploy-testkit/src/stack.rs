//! What is wanted, put together for tests: by hand, in chains, in random layers.

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::{Tags, owner_tag};
use mcpdeploy_engine::resource::{Desired, Resource};
use mcpdeploy_engine::value::interpolate;
use serde_json::{Value, json};

use crate::rng::Rng;

/// Wanted resources of fake kinds, with owner tags where they are taken.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// All that is wanted.
    pub desired: Desired,
}

fn is_kind(kind: &str) -> bool {
    let parts: Vec<&str> = kind.split('.').collect();
    match parts[..] {
        ["mcpdeploy", "data"] | ["fake", "left" | "right" | "free", "item"] => true,
        ["fake", kind] => !matches!(kind, "left" | "right" | "free"),
        _ => false,
    }
}

/// The tags by which a resource of the test deployment is known as ours.
#[must_use]
pub fn owner_tags(address: &Address) -> Tags {
    [
        (owner_tag::DEPLOYMENT, "test"),
        (owner_tag::ENVIRONMENT, "default"),
        (owner_tag::ADDRESS, address.as_str()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}

impl Stack {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            desired: Desired {
                deployment: "test".to_owned(),
                environment: "default".to_owned(),
                ..Desired::default()
            },
        }
    }

    /// Adds a resource. Texts may have `${kind.name.output}` in them. A kind that has a name and
    /// is given none gets the address's; one that takes tags gets the owner's.
    ///
    /// # Panics
    /// When the address or an interpolation is malformed.
    #[must_use]
    pub fn with(mut self, address: &str, inputs: Value) -> Self {
        self.add(address, inputs);
        self
    }

    /// As [`Stack::with`], in place; the resource can then be given a lifecycle.
    ///
    /// # Panics
    /// When the address or an interpolation is malformed.
    #[expect(clippy::expect_used, reason = "tests want a panic")]
    pub fn add(&mut self, address: &str, inputs: Value) -> &mut Resource {
        let address: Address = address.parse().expect("a test's address");
        let mut inputs = interpolate(&inputs, &is_kind).expect("a test's inputs");
        let kind = address.kind().as_str();
        if let Value::Object(map) = &mut inputs {
            let item = kind.ends_with(".item");
            let named = item || matches!(kind, "fake.named" | "fake.slow");
            if named && !map.contains_key("name") {
                map.insert("name".to_owned(), json!(address.name()));
            }
            if named || kind == "fake.tagged" {
                let tags = map.entry("tags").or_insert_with(|| json!({}));
                for (key, value) in owner_tags(&address) {
                    tags[key] = json!(value);
                }
            }
        }
        self.desired.resources.push(Resource::new(address, inputs));
        let last = self.desired.resources.last_mut();
        last.expect("one was just added")
    }

    /// Adds an output of the deployment.
    ///
    /// # Panics
    /// When an interpolation is malformed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "tests want a panic")]
    pub fn output(mut self, name: &str, value: &str) -> Self {
        let value = interpolate(&json!(value), &is_kind).expect("a test's output");
        self.desired.outputs.insert(name.to_owned(), value);
        self
    }

    /// The resource at an address, to change it.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::expect_used, reason = "tests want a panic")]
    pub fn at(&mut self, address: &str) -> &mut Resource {
        let found = self
            .desired
            .resources
            .iter_mut()
            .find(|resource| resource.address.as_str() == address);
        found.expect("the test has no such resource")
    }
}

/// `count` resources of `mcpdeploy.data` in chains of `length`: each refers to the one before it.
///
/// # Panics
/// Never: the addresses are well-formed.
#[must_use]
#[expect(clippy::expect_used, reason = "tests want a panic")]
pub fn chains(count: usize, length: usize) -> Desired {
    let address = |index: usize| -> Address {
        Address::new("mcpdeploy.data", &format!("r{index}")).expect("a well-formed address")
    };
    let resources = (0..count)
        .map(|index| {
            let inputs = if index % length == 0 {
                json!({ "value": format!("v{index}") })
            } else {
                let before = format!("{}#/value", address(index - 1));
                json!({ "value": { "$ref": before }, "own": format!("v{index}") })
            };
            Resource::new(address(index), inputs)
        })
        .collect();
    Desired {
        resources,
        ..Stack::new().desired
    }
}

/// A random stack of all fake kinds: up to `size` resources, each of which refers only to ones
/// before it. The same `rng` gives the same stack.
#[must_use]
pub fn layered(rng: &mut Rng, size: usize) -> Stack {
    let mut stack = Stack::new();
    // What others can live in or refer to.
    let mut parents: Vec<String> = Vec::new();
    for index in 0..size {
        let uses: Vec<String> = parents
            .iter()
            .filter(|_| rng.one_in(3))
            .map(|parent| format!("${{{parent}.uid}}"))
            .collect();
        let text = if rng.one_in(3) && !parents.is_empty() {
            format!("${{{}.text}}", parents[rng.below(parents.len())])
        } else {
            format!("t{}", rng.below(3))
        };
        let zone = format!("z{}", rng.below(2));
        let address = match rng.below(if parents.is_empty() { 2 } else { 5 }) {
            0 => {
                let address = format!("fake.named.r{index}");
                // Half of them have a name that changes with the zone, so that create-first works.
                let name = if index % 2 == 0 {
                    format!("r{index}-{zone}")
                } else {
                    format!("r{index}")
                };
                let inputs = json!({"name": name, "zone": zone, "text": text, "uses": uses});
                stack.add(&address, inputs);
                address
            }
            1 => {
                let address = format!("fake.tagged.r{index}");
                stack.add(&address, json!({"zone": zone, "text": text, "uses": uses}));
                address
            }
            2 | 3 => {
                let address = format!("fake.child.r{index}");
                let parent = format!("${{{}.uid}}", parents[rng.below(parents.len())]);
                let inputs = json!({
                    "parent": parent, "key": format!("k{index}"), "text": text, "uses": uses,
                    "size": 1 + rng.below(3),
                });
                stack.add(&address, inputs);
                address
            }
            _ => {
                let address = format!("fake.version.r{index}");
                let parent = format!("${{{}.uid}}", parents[rng.below(parents.len())]);
                stack.add(&address, json!({"parent": parent, "text": text}));
                continue; // nothing refers to a version: old ones would be in use for ever
            }
        };
        parents.push(address);
    }
    stack
}
