//! A real MCP server from nothing to deployed, changed, renamed and gone again.

use serde_json::{Value, json};

use crate::support::emulator::{Account, Emulator, Product};
use crate::support::http;
use crate::support::project::{Project, calculator_config};

/// Everything that the calculator's file asks for.
const STACK: [&str; 14] = [
    "aws.apigatewayv2.api.calculator",
    "aws.apigatewayv2.integration.calculator",
    "aws.apigatewayv2.route.mcp",
    "aws.apigatewayv2.stage.default",
    "aws.cloudwatch.alarm.errors",
    "aws.cloudwatch.alarm.gateway-5xx",
    "aws.cloudwatch.alarm.latency",
    "aws.cloudwatch.dashboard.calculator",
    "aws.iam.role.exec",
    "aws.lambda.alias.live",
    "aws.lambda.function.calculator",
    "aws.lambda.permission.api",
    "aws.lambda.version.calculator",
    "aws.logs.log_group.calculator",
];

/// Calls a tool of the deployed server through its API.
fn call_tool(account: &Account<'_>, project: &Project, name: &str, arguments: &Value) -> Value {
    let url = project.output("mcp_url");
    let (host, path) = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .expect("the output is a URL");
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    });
    let headers = [
        ("host", host),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    // An API of ministack is known by its name, which not every machine can resolve.
    let url = match account.product() {
        Product::Ministack => format!("{}/{path}", account.endpoint()),
        Product::Embedded | Product::Moto => url.clone(),
    };
    let answer = http::request("POST", &url, &headers, request.to_string().as_bytes())
        .expect("the API answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn expected(verb: &str) -> Vec<String> {
    STACK
        .iter()
        .map(|address| format!("{verb} {address}"))
        .collect()
}

/// The cloud as `inventory` lists it, without what is empty.
fn what_is_left(account: &Account<'_>) -> Value {
    let inventory = account.inventory();
    let left: serde_json::Map<String, Value> = inventory
        .as_object()
        .expect("an inventory is an object")
        .iter()
        .filter(|(_, value)| match value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(items) => !items.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Value::Object(left)
}

#[test]
fn the_calculator_lives_on_ministack() {
    the_calculator_lives_on(Product::Ministack);
}

#[test]
fn the_calculator_lives_in_the_embedded_cloud() {
    the_calculator_lives_on(Product::Embedded);
}

fn the_calculator_lives_on(product: Product) {
    let emulator = Emulator::start(product);
    let account = emulator.default_account();
    let before = what_is_left(&account);
    let project = Project::in_account(&account, &calculator_config());

    // Create.
    assert_eq!(project.plan(&[]).actions(), expected("create"));
    project
        .run(&["apply", "--auto-approve"])
        .ok()
        .says("calculator is live")
        .says("/mcp");
    project.plan(&[]).assert_empty();
    project
        .run(&["plan", "--detailed-exitcode"])
        .ok()
        .says("No changes");

    // It works.
    let answer = call_tool(&account, &project, "add", &json!({"a": 2, "b": 40}));
    assert!(answer.to_string().contains("42"), "{answer}");
    let answer = call_tool(&account, &project, "divide", &json!({"a": 1, "b": 0}));
    assert_eq!(answer["result"]["isError"], true, "{answer}");

    // More memory: the function changes in place, and that is published.
    project.edit("memory_mb = 256", "memory_mb = 512");
    assert_eq!(
        project.plan(&[]).actions(),
        [
            "publish aws.lambda.version.calculator",
            "update aws.lambda.alias.live",
            "update aws.lambda.function.calculator",
        ]
    );
    project.run(&["plan", "--detailed-exitcode"]).code(2);
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
    assert_eq!(project.output("version"), "2");
    let inventory = account.inventory();
    assert!(inventory.to_string().contains("512"), "{inventory:#}");
    let kept = &project.state()["resources"]["aws.lambda.version.calculator"]["history"];
    assert_eq!(
        kept.as_array().map(Vec::len),
        Some(1),
        "version 1 stays: {kept}"
    );
    call_tool(&account, &project, "add", &json!({"a": 1, "b": 1}));

    // Another name: what cannot be renamed is replaced, the new one first; the URL stays.
    let url = project.output("mcp_url");
    project.edit("name = \"calculator\"", "name = \"reckoner\"");
    let plan = project.plan(&[]);
    let actions = plan.actions();
    for replaced in [
        "function.reckoner",
        "version.reckoner",
        "alias.live",
        "permission.api",
    ] {
        assert!(
            actions.contains(&format!("replace aws.lambda.{replaced}")),
            "{replaced}: {actions:#?}"
        );
    }
    assert!(
        actions.contains(&"update aws.apigatewayv2.api.reckoner".to_owned()),
        "{actions:#?}"
    );
    let steps: Vec<String> = plan.0["steps"]
        .as_array()
        .expect("a plan has steps")
        .iter()
        .map(|step| {
            let op = step["op"]
                .as_object()
                .and_then(|op| op.keys().next().cloned());
            format!(
                "{} {}",
                op.unwrap_or_default(),
                step["address"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let place = |step: &str| {
        steps
            .iter()
            .position(|s| s == step)
            .unwrap_or_else(|| panic!("no step {step} in {steps:#?}"))
    };
    assert!(
        place("create aws.lambda.function.reckoner") < place("delete aws.lambda.function.reckoner"),
        "{steps:#?}"
    );
    assert!(
        place("delete aws.lambda.alias.live") < place("delete aws.lambda.function.reckoner"),
        "{steps:#?}"
    );
    project.run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
    assert_eq!(project.output("mcp_url"), url);
    let answer = call_tool(&account, &project, "multiply", &json!({"a": 6, "b": 7}));
    assert!(answer.to_string().contains("42"), "{answer}");
    assert!(
        !account
            .inventory()
            .to_string()
            .contains("function:calculator"),
        "the old function is gone"
    );

    // Gone, to nothing: the cloud itself says so.
    project.run(&["destroy"]).code(2).says("--auto-approve");
    project.run(&["destroy", "--auto-approve"]).ok();
    assert_eq!(what_is_left(&account), before);
    project
        .run(&["destroy", "--auto-approve"])
        .ok()
        .says("nothing to destroy");
}

/// Moto answers 404 to a permission on an alias and knows no CloudWatch in the protocol that the SDK
/// speaks: both are its faults. Everything else of the stack is applied there as well.
#[test]
fn the_calculators_stack_on_moto() {
    let emulator = Emulator::start(Product::Moto);
    let account = emulator.default_account();
    let before = what_is_left(&account);
    let project = Project::in_account(&account, &calculator_config());
    let targets: Vec<String> = STACK
        .iter()
        .filter(|address| works_on_moto(address))
        .map(|address| format!("--target={address}"))
        .collect();
    let mut with: Vec<&str> = targets.iter().map(String::as_str).collect();

    let created: Vec<String> = expected("create")
        .into_iter()
        .filter(|action| works_on_moto(action))
        .collect();
    assert_eq!(project.plan(&with).actions(), created);
    let mut apply = vec!["apply", "--auto-approve"];
    apply.extend(&with);
    project.run(&apply).ok();
    project.plan(&with).assert_empty();

    project.edit("memory_mb = 256", "memory_mb = 512");
    assert_eq!(
        project.plan(&with).actions(),
        [
            "publish aws.lambda.version.calculator",
            "update aws.lambda.alias.live",
            "update aws.lambda.function.calculator",
        ]
    );
    project.run(&apply).ok();
    project.plan(&with).assert_empty();
    with.clear();

    project.run(&["destroy", "--auto-approve"]).ok();
    assert_eq!(what_is_left(&account), before);
}

fn works_on_moto(address: &str) -> bool {
    !address.contains("lambda.permission") && !address.contains("aws.cloudwatch")
}

/// A workspace that another tool made, with the file that it generated: nobody edits anything.
#[test]
fn another_tools_workspace_deploys_without_edits() {
    let emulator = Emulator::start(Product::Ministack);
    let account = emulator.default_account();
    let from = crate::support::project::root().join("fixtures/pmcp-workspace");
    let project = Project::in_account(&account, "");
    copy(&from, project.path());
    // The toolchain is found through these.
    let run = |args: &[&str]| {
        let home = std::env::var_os("HOME").unwrap_or_default();
        let mut command = project.command(args);
        command
            .env("HOME", home)
            .env("CARGO_TARGET_DIR", project.path().join("target"));
        for key in ["CARGO_HOME", "RUSTUP_HOME"] {
            if let Some(value) = std::env::var_os(key) {
                command.env(key, value);
            }
        }
        let output = command.output().expect("the binary runs");
        crate::support::project::Ran::new(args, &output)
    };
    run(&["validate"]).ok();
    run(&["plan"]).ok().says("to create");
    run(&["apply", "--auto-approve"]).ok();
    project.plan(&[]).assert_empty();
    let inventory = account.inventory().to_string();
    for there in ["alarm", "dashboard"] {
        assert!(inventory.contains(there), "{inventory}");
    }
    project.run(&["destroy", "--auto-approve"]).ok();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the entry can be read");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.ends_with("target") || from.ends_with("build") {
            continue;
        }
        if from.is_dir() {
            std::fs::create_dir_all(&to).expect("the folder can be made");
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("the file can be copied");
        }
    }
}
