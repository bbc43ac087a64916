//! User pools and their parts.

use mcpdeploy_testkit::check_kind::Case;
use serde_json::{Value, json};

use super::{REPLACE, SUCCEED, UPDATE};
use crate::kinds::place::{GIVEN, Place};
use crate::support::emulator::Product;

const POOL: (&str, &str) = (
    "aws.cognito.user_pool.users",
    "${aws.cognito.user_pool.users.id}",
);
const OTHER: (&str, &str) = (
    "aws.cognito.user_pool.others",
    "${aws.cognito.user_pool.others.id}",
);
const CLIENT: (&str, &str) = (
    "aws.cognito.user_pool_client.mcp",
    "${aws.cognito.user_pool_client.mcp.id}",
);

/// Both pools have one name: only their tags tell them apart.
fn pools() -> [(&'static str, Value); 2] {
    [POOL, OTHER].map(|(address, _)| (address, json!({"name": "users"})))
}

fn of_client(address: &'static str, name: &str) -> (&'static str, Value) {
    let inputs = json!({
        "user_pool": POOL.1,
        "name": name,
        "scopes": ["openid"],
        "callback_urls": ["https://mcp.example/callback"],
    });
    (address, inputs)
}

pub(in crate::kinds) fn user_pool(place: &Place) -> Case {
    let inputs = json!({"name": "users", "tags": {"team": "a", "cost": "1"}});
    place
        .case(&[(OTHER.0, json!({"name": "users"})), (POOL.0, inputs)])
        .edit("name", UPDATE, json!({"name": "people"}))
        .edit(
            "password",
            UPDATE,
            json!({"password": {
                "minimum_length": 14,
                "require_symbols": false,
                "temporary_password_days": 3,
            }}),
        )
        .edit("second factor", UPDATE, json!({"mfa": "optional"}))
        .edit(
            "second factor for all",
            UPDATE,
            json!({"mfa": "required", "self_registration": true}),
        )
        .edit("sign-up", UPDATE, json!({"self_registration": true}))
        .edit("plan", UPDATE, json!({"plan": "plus"}))
        .edit("protection", UPDATE, json!({"deletion_protection": true}))
        .protects()
        .edit("tags", UPDATE, json!({"tags": {"team": "b", "more": "2"}}))
        .edit("names", REPLACE, json!({"sign_in": "username"}))
        .build()
}

pub(in crate::kinds) fn user_pool_client(place: &Place) -> Case {
    let mut resources = Vec::from(pools());
    let (address, mut inputs) = of_client(CLIENT.0, "mcp");
    // Moto cannot delete resource servers.
    if place.product != Product::Moto {
        let server = json!({
            "user_pool": POOL.1,
            "identifier": "https://mcp.example/mcp",
            "name": "mcp",
            "scopes": {"read": "Reads everything"},
        });
        resources.push(("aws.cognito.resource_server.mcp", server));
        let scope = "${aws.cognito.resource_server.mcp.identifier}/read";
        inputs["scopes"] = json!(["openid", scope]);
    }
    inputs["logout_urls"] = json!(["https://mcp.example/bye"]);
    resources.push((address, inputs));
    place
        .case(&resources)
        .edit("name", UPDATE, json!({"name": "other"}))
        .edit("scopes", UPDATE, json!({"scopes": ["email", "openid"]}))
        .edit(
            "addresses",
            UPDATE,
            json!({
                "callback_urls": ["https://mcp.example/b", "http://localhost:3000/cb"],
                "logout_urls": [],
            }),
        )
        .edit(
            "no OAuth",
            UPDATE,
            json!({"flows": [], "scopes": [], "callback_urls": [], "logout_urls": []}),
        )
        .edit(
            "flows of the API",
            UPDATE,
            json!({"api_flows": ["srp", "refresh"]}),
        )
        .edit(
            "lifetimes",
            UPDATE,
            json!({"tokens": {"access_seconds": 900, "id_seconds": 600, "refresh_seconds": 86400}}),
        )
        .edit(
            "rotation",
            UPDATE,
            json!({"rotation": {"grace_seconds": 30}, "api_flows": ["srp"]}),
        )
        .edit("revocation", UPDATE, json!({"token_revocation": false}))
        .edit("existence", UPDATE, json!({"hide_user_existence": false}))
        .edit("secret", SUCCEED, json!({"confidential": true}))
        .edit(
            "pool",
            REPLACE,
            json!({"user_pool": OTHER.1, "scopes": ["openid"]}),
        )
        .build()
}

pub(in crate::kinds) fn user_pool_domain(place: &Place) -> Case {
    let name = format!("check-{}", place.account);
    let mut resources = Vec::from(pools());
    resources.push((
        "aws.cognito.user_pool_domain.login",
        json!({"user_pool": POOL.1, "domain": name}),
    ));
    place
        .case(&resources)
        .edit("pages", UPDATE, json!({"pages": "classic"}))
        .edit("domain", SUCCEED, json!({"domain": format!("{name}-b")}))
        .edit("pool", SUCCEED, json!({"user_pool": OTHER.1}))
        .build()
}

pub(in crate::kinds) fn resource_server(place: &Place) -> Case {
    let mut resources = Vec::from(pools());
    let inputs = json!({
        "user_pool": POOL.1,
        "identifier": "https://mcp.example/mcp",
        "name": "mcp",
        "scopes": {"read": "Reads everything", "write": "Writes everything"},
    });
    resources.push(("aws.cognito.resource_server.mcp", inputs));
    place
        .case(&resources)
        .edit("name", UPDATE, json!({"name": "other"}))
        .edit(
            "scopes",
            UPDATE,
            json!({"scopes": {"read": "Reads", "call": "Calls tools"}}),
        )
        .edit("no scopes", UPDATE, json!({"scopes": {}}))
        .edit("identifier", REPLACE, json!({"identifier": "mcp"}))
        .edit("pool", REPLACE, json!({"user_pool": OTHER.1}))
        .build()
}

pub(in crate::kinds) fn login_branding(place: &Place) -> Case {
    let mut resources = Vec::from(pools());
    resources.push(of_client(CLIENT.0, "mcp"));
    resources.push(of_client("aws.cognito.user_pool_client.other", "other"));
    resources.push((
        "aws.cognito.managed_login_branding.mcp",
        json!({"user_pool": POOL.1, "client": CLIENT.1}),
    ));
    place
        .case(&resources)
        .edit(
            "client",
            REPLACE,
            json!({"client": "${aws.cognito.user_pool_client.other.id}"}),
        )
        .build()
}

pub(in crate::kinds) fn identity_provider(place: &Place) -> Case {
    let mut resources = Vec::from(pools());
    let secret = |member: &str| json!({"secret_arn": GIVEN, "member": member});
    let oidc = json!({"issuer": "https://issuer.example"});
    let endpoints = json!({
        "authorize_url": "https://issuer.example/authorize",
        "token_url": "https://issuer.example/token",
        "attributes_url": "https://issuer.example/userinfo",
        "jwks_uri": "https://issuer.example/jwks",
    });
    let inputs = json!({
        "user_pool": POOL.1,
        "name": "corp",
        "type": "oidc",
        "client_id": "mcp",
        "client_secret": secret("a"),
        "oidc": oidc,
        "scopes": ["openid", "email"],
        "attributes": {"email": "email"},
    });
    resources.push(("aws.cognito.identity_provider.corp", inputs));
    place
        .case(&resources)
        .edit("client", UPDATE, json!({"client_id": "other"}))
        .edit("secret", UPDATE, json!({"client_secret": secret("b")}))
        .edit("scopes", UPDATE, json!({"scopes": ["openid", "profile"]}))
        .edit(
            "endpoints",
            UPDATE,
            json!({"oidc": {
                "issuer": "https://other.example",
                "attributes_by_post": true,
                "endpoints": endpoints,
            }}),
        )
        .edit(
            "attributes",
            UPDATE,
            json!({"attributes": {"email": "mail", "name": "name"}}),
        )
        .edit("name", REPLACE, json!({"name": "company"}))
        .edit(
            "Google",
            REPLACE,
            json!({"type": "google", "name": "Google", "oidc": null, "scopes": ["email"]}),
        )
        .edit("pool", REPLACE, json!({"user_pool": OTHER.1}))
        .build()
}

pub(in crate::kinds) fn user_group(place: &Place) -> Case {
    let mut resources = Vec::from(pools());
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let inputs = json!({
        "user_pool": POOL.1,
        "name": "admins",
        "description": "who may do everything",
        "precedence": 1,
        "role": role("admins"),
    });
    resources.push(("aws.cognito.group.admins", inputs));
    place
        .case(&resources)
        .edit("description", UPDATE, json!({"description": "other"}))
        .edit("no description", UPDATE, json!({"description": null}))
        .edit("precedence", UPDATE, json!({"precedence": 0}))
        .edit("role", UPDATE, json!({"role": role("others")}))
        .edit("name", REPLACE, json!({"name": "others"}))
        .edit("pool", REPLACE, json!({"user_pool": OTHER.1}))
        .build()
}
