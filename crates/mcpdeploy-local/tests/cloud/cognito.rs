//! Refresh tokens that are good once.

use serde_json::{Value, json};

use super::support_telemetry::Running;

const PASSWORD: &str = "Correct-horse-7-battery";

/// A pool with a user, and clients in it.
struct Pool {
    cloud: Running,
    id: String,
}

impl Pool {
    fn new() -> Self {
        let cloud = Running::start(None);
        let mut pool = Self {
            cloud,
            id: String::new(),
        };
        let made = pool.ok("CreateUserPool", &json!({"PoolName": "users"}));
        pool.id = text(&made["UserPool"]["Id"]);
        pool.ok(
            "AdminCreateUser",
            &json!({"UserPoolId": pool.id, "Username": "ann", "MessageAction": "SUPPRESS"}),
        );
        pool.ok(
            "AdminSetUserPassword",
            &json!({"UserPoolId": pool.id, "Username": "ann", "Password": PASSWORD, "Permanent": true}),
        );
        pool
    }

    fn call(&self, operation: &str, input: &Value) -> (u16, Value) {
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        self.cloud.json("cognito-idp", &target, input)
    }

    fn ok(&self, operation: &str, input: &Value) -> Value {
        let (status, said) = self.call(operation, input);
        assert_eq!(status, 200, "{operation}: {said}");
        said
    }

    /// The id of a client with this rotation.
    fn client(&self, rotation: &Value, more: &Value) -> String {
        let mut input = json!({
            "UserPoolId": self.id,
            "ClientName": "mcp",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
            "RefreshTokenRotation": rotation,
        });
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        let made = self.ok("CreateUserPoolClient", &input);
        text(&made["UserPoolClient"]["ClientId"])
    }

    /// The refresh token of a sign-in.
    fn sign_in(&self, client: &str) -> String {
        let input = json!({
            "ClientId": client,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": "ann", "PASSWORD": PASSWORD},
        });
        let said = self.ok("InitiateAuth", &input);
        text(&said["AuthenticationResult"]["RefreshToken"])
    }

    fn refresh(&self, client: &str, token: &str) -> (u16, Value) {
        let input = json!({"ClientId": client, "RefreshToken": token});
        self.call("GetTokensFromRefreshToken", &input)
    }

    /// The next refresh token.
    fn next(&self, client: &str, token: &str) -> String {
        let (status, said) = self.refresh(client, token);
        assert_eq!(status, 200, "{said}");
        let tokens = &said["AuthenticationResult"];
        assert!(tokens["AccessToken"].is_string(), "{said}");
        text(&tokens["RefreshToken"])
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn error(said: &Value) -> &str {
    said["__type"].as_str().unwrap_or_default()
}

#[test]
fn a_rotated_token_is_good_once() {
    let pool = Pool::new();
    let client = pool.client(&json!({"Feature": "ENABLED"}), &json!({}));
    let first = pool.sign_in(&client);
    let second = pool.next(&client, &first);
    assert_ne!(first, second);
    let (status, said) = pool.refresh(&client, &first);
    assert_eq!((status, error(&said)), (400, "RefreshTokenReuseException"));
    // The one that took its place is not harmed.
    let third = pool.next(&client, &second);
    assert_ne!(second, third);
    // One that was never there, or is of before the last, is none.
    let (status, said) = pool.refresh(&client, &first);
    assert_eq!((status, error(&said)), (400, "NotAuthorizedException"));
    pool.cloud.stop();
}

#[test]
fn an_old_token_holds_for_the_grace_period() {
    let pool = Pool::new();
    let rotation = json!({"Feature": "ENABLED", "RetryGracePeriodSeconds": 60});
    let client = pool.client(&rotation, &json!({}));
    let first = pool.sign_in(&client);
    let lost = pool.next(&client, &first);
    let second = pool.next(&client, &first);
    assert_ne!(lost, second);
    // What the first answer told, nobody heard.
    assert_eq!(pool.refresh(&client, &lost).0, 400);
    pool.next(&client, &second);
    pool.cloud.stop();
}

#[test]
fn without_rotation_a_token_stays_good() {
    let pool = Pool::new();
    let client = pool.client(&json!({"Feature": "DISABLED"}), &json!({}));
    let token = pool.sign_in(&client);
    for _ in 0..2 {
        let (status, said) = pool.refresh(&client, &token);
        assert_eq!(status, 200, "{said}");
        assert!(said["AuthenticationResult"]["RefreshToken"].is_null());
    }
    pool.cloud.stop();
}

#[test]
fn a_confidential_client_refreshes_with_its_secret() {
    let pool = Pool::new();
    let rotation = json!({"Feature": "ENABLED"});
    let client = pool.client(&rotation, &json!({"GenerateSecret": true}));
    let (status, said) = pool.refresh(&client, "x.y");
    assert_eq!((status, error(&said)), (400, "NotAuthorizedException"));
    assert!(said.to_string().contains("secret"), "{said}");
    pool.cloud.stop();
}

#[test]
fn rotation_and_the_old_flow_do_not_go_together() {
    let pool = Pool::new();
    let input = json!({
        "UserPoolId": pool.id,
        "ClientName": "mcp",
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "RefreshTokenRotation": {"Feature": "ENABLED"},
    });
    let (status, said) = pool.call("CreateUserPoolClient", &input);
    assert_eq!((status, error(&said)), (400, "InvalidParameterException"));
    pool.cloud.stop();
}
