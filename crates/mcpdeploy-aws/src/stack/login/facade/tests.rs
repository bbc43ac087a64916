use std::path::Path;

use mcpdeploy_config::load;
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_engine::resource::Desired;

use super::*;
use crate::artifacts::{Artifacts, CodeSha256};
use crate::stack::{Code, Place, Setting as StackSetting, desired};

const FILE: &str = r#"
[server]
name = "notes"

[secrets]
OIDC_SECRET = "of our client at the issuer"

[auth]
enabled = true
provider = "oidc"
callback_urls = ["https://app.example/callback"]

[auth.oidc]
issuer = "https://example.eu.auth0.com/"
client_id = "ours"
secret_name = "OIDC_SECRET"
audience = "https://api.example.com"
scopes = ["openid", "notes:read"]
"#;

fn stack(file: &str) -> Desired {
    let config = load("deploy.toml", file, "default").unwrap().config;
    let code = Code {
        sha256: CodeSha256::of(b"zip"),
        size: 3,
    };
    let place = Place {
        region: "us-east-1".into(),
        account: "123456789012".into(),
        partition: "aws".into(),
        emulator: None,
    };
    let setting = StackSetting {
        environment: "default",
        place: Some(&place),
        code: Some(&code),
        runtime: Some(&code),
        deployed_as: None,
        root: Path::new("."),
        artifacts: &Artifacts::default(),
    };
    desired(&config, &setting, &Registry::new()).unwrap()
}

fn inputs<'d>(desired: &'d Desired, address: &str) -> &'d Value {
    let mut all = desired.resources.iter();
    let found = all.find(|resource| resource.address.to_string() == address);
    &found.unwrap_or_else(|| panic!("no {address}")).inputs
}

/// The routes that lead to the login's function.
fn routes(desired: &Desired) -> Vec<&str> {
    let all = desired.resources.iter();
    let ours = all.filter(|resource| {
        let address = resource.address.to_string();
        address.starts_with("aws.apigatewayv2.route.login")
    });
    ours.map(|route| route.inputs["route_key"].as_str().unwrap())
        .collect()
}

#[test]
fn before_an_issuer_the_facade_has_all_that_a_login_takes() {
    let desired = stack(FILE);
    assert_eq!(routes(&desired), ROUTES.map(|(_, key)| key));
    let policies = &inputs(&desired, "aws.iam.role.login")["inline_policies"];
    let secrets = policies["secrets"].to_string();
    // The key, and our client's secret.
    assert!(secrets.contains("secret.login-key"), "{secrets}");
    assert!(secrets.contains("OIDC_SECRET"), "{secrets}");
    let environment = &inputs(&desired, "aws.lambda.function.notes-login")["environment"];
    assert!(environment.get("MCPDEPLOY_FACADE_KEY").is_some());
    let told = environment["MCPDEPLOY_FACADE"].to_string();
    assert!(told.contains("upstream"), "{told}");
    assert!(!told.contains("authorization_server"), "{told}");
    assert!(desired.outputs["issuer"].is_object(), "the API's address");
    assert_eq!(desired.outputs["client_id"], "notes");
}

#[test]
fn where_the_issuer_registers_clients_nothing_is_left_that_is_secret() {
    let desired = stack(&format!("{FILE}registers_clients = true\n"));
    assert_eq!(routes(&desired), ["ANY /.well-known/{proxy+}"]);
    let policies = &inputs(&desired, "aws.iam.role.login")["inline_policies"];
    let names: Vec<&String> = policies.as_object().unwrap().keys().collect();
    assert_eq!(names, ["logs"]);
    let mut all = desired.resources.iter();
    assert!(!all.any(|resource| resource.address.to_string().contains("login-key")));
    let environment = &inputs(&desired, "aws.lambda.function.notes-login")["environment"];
    let names: Vec<&String> = environment.as_object().unwrap().keys().collect();
    assert_eq!(names, ["MCPDEPLOY_FACADE", "MCPDEPLOY_ROLE"]);
    let told = environment["MCPDEPLOY_FACADE"].to_string();
    for said in [
        r#"\"authorization_server\":\"https://example.eu.auth0.com/\""#,
        r#"\"name\":\"notes:read\""#,
        "/mcp",
    ] {
        assert!(told.contains(said), "{said} in {told}");
    }
    for other in ["upstream", "client_id", "dcr", "issuer"] {
        assert!(!told.contains(other), "{other} in {told}");
    }
    assert_eq!(desired.outputs["issuer"], "https://example.eu.auth0.com/");
    assert!(!desired.outputs.contains_key("client_id"));
}
