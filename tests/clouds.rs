//! The same scenario in the embedded cloud, on ministack and on moto: the same plan, the same
//! outputs, the same errors, but for a written list of differences.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::emulator::{Emulator, Product};
use crate::support::project::{Project, calculator_config};

/// What differs for a reason, and where. Everything else is the same everywhere.
struct Difference {
    product: Product,
    /// The resource, or the output, that differs.
    what: &'static str,
    #[expect(dead_code, reason = "for whoever reads the table")]
    because: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        product: Product::Moto,
        what: "aws.lambda.permission",
        because: "answers 404 to a permission on an alias",
    },
    Difference {
        product: Product::Moto,
        what: "aws.cloudwatch",
        because: "does not speak CBOR, the only protocol of the Rust SDK's CloudWatch",
    },
];

fn differs(product: Product, text: &str) -> bool {
    DIFFERENCES
        .iter()
        .any(|row| row.product == product && text.contains(row.what))
}

/// What a user sees of the scenario, step by step.
type Story = BTreeMap<&'static str, Value>;

/// A value without what every cloud chooses for itself.
fn neutral(value: &Value, account: &str, endpoint: &str) -> Value {
    match value {
        // A fingerprint covers ARNs, which name the account.
        Value::String(text) if is_sha256(text) => Value::from("SHA256"),
        Value::String(text) => {
            let text = text
                .replace(account, "ACCOUNT")
                .replace(endpoint, "ENDPOINT");
            Value::String(text)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| neutral(item, account, endpoint))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), neutral(value, account, endpoint)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn story(product: Product) -> Story {
    let emulator = Emulator::start(product);
    let account = emulator.default_account();
    let project = Project::in_account(&account, &calculator_config());
    let mut story = Story::new();
    let plain = |value: &Value| neutral(value, account.id(), account.endpoint());

    // What moto cannot do is left out there, and nowhere else.
    let all = project.plan(&[]);
    let addresses: Vec<String> = all.0["actions"]
        .as_array()
        .expect("actions")
        .iter()
        .map(|action| action["address"].as_str().expect("an address").to_owned())
        .collect();
    story.insert("the addresses", addresses.clone().into());
    let left_out = addresses.iter().any(|at| differs(product, at));
    let targets: Vec<String> = addresses
        .iter()
        .filter(|at| !differs(product, at))
        .map(|at| format!("--target={at}"))
        .collect();
    let mut with: Vec<&str> = Vec::new();
    if left_out {
        with.extend(targets.iter().map(String::as_str));
    }
    let planned = |with: &[&str]| {
        let plan = project.plan(with);
        let actions = plan.0["actions"].as_array().expect("actions").clone();
        let kept = actions.into_iter().filter(|action| {
            !DIFFERENCES.iter().any(|row| {
                action["address"]
                    .as_str()
                    .is_some_and(|at| at.contains(row.what))
            })
        });
        kept.map(|action| plain(&action)).collect::<Vec<_>>()
    };
    story.insert("the first plan", planned(&with).into());
    let apply = [&["apply", "--auto-approve"], with.as_slice()].concat();
    project.run(&apply).ok();
    story.insert("the second plan", planned(&with).into());

    let mut outputs = project.state()["outputs"].clone();
    // The addresses are the cloud's own; that there are some is not.
    for name in ["mcp_url", "url", "api_id"] {
        if let Some(value) = outputs.get_mut(name) {
            *value = Value::Bool(value.as_str().is_some_and(|text| !text.is_empty()));
        }
    }
    story.insert("the outputs", plain(&outputs));

    project.edit("memory_mb = 256", "memory_mb = 512");
    story.insert("the plan with more memory", planned(&with).into());
    project.run(&apply).ok();

    // A name that somebody else has.
    let other = Project::in_account(&account, &calculator_config());
    let failed = other.run(&["apply", "--auto-approve", "--target=aws.iam.role.exec"]);
    story.insert("the exit code where the name is taken", failed.code.into());
    let said = failed.stderr + &failed.stdout;
    story.insert(
        "the hint where the name is taken",
        said.contains("mcpdeploy import").into(),
    );

    project.run(&["destroy", "--auto-approve"]).ok();
    story.insert(
        "what is left in the state",
        project.state()["resources"].clone(),
    );
    story
}

#[test]
fn the_same_on_three_clouds() {
    let embedded = story(Product::Embedded);
    for product in [Product::Ministack, Product::Moto] {
        let other = story(product);
        for (step, here) in &embedded {
            let there = &other[step];
            assert_eq!(here, there, "{step}: the embedded cloud, and {product:?}");
        }
    }
}
