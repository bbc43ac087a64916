//! Tokens at the gateway: an issuer on loopback, tokens signed with a key of the test.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding};
use serde_json::{Value, json};

use super::testing::{Does, World, send};

/// A key of the tests, and of nobody else.
fn key() -> KeyPair {
    let text: String = include_str!("test_key.b64").split_whitespace().collect();
    KeyPair::from_pkcs8(&BASE64_STANDARD.decode(text).unwrap()).unwrap()
}

fn jwks() -> Value {
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key().public());
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    json!({"keys": [
        {"kty": "EC", "kid": "other"},
        {"kty": "RSA", "kid": "k1", "use": "sig", "n": encode(&public.n), "e": encode(&public.e)},
    ]})
}

fn sign(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let encoding: &dyn RsaEncoding = match header["alg"].as_str() {
        Some("RS384") => &RSA_PKCS1_SHA384,
        Some("RS512") => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    };
    let key = key();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        encoding,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn tokens() {
    // The issuer is an API of the same cloud.
    let world = World::new(|_, _, event| {
        let host = event["headers"]["host"].as_str().unwrap();
        match event["rawPath"].as_str().unwrap() {
            "/.well-known/openid-configuration" => {
                Does::Answer(json!({"jwks_uri": format!("http://{host}/keys")}))
            }
            "/keys" => Does::Answer(jwks()),
            _ => Does::Answer(event["requestContext"]["authorizer"]["jwt"].clone()),
        }
    })
    .await;
    let (_, issuer) = world.api(json!({}), &[("$default", json!({}))]).await;
    let (id, endpoint) = world.api(json!({}), &[]).await;
    let authorizer = |issuer: &str, name: &str| {
        json!({"authorizerType": "JWT", "name": name,
            "identitySource": ["$request.header.Authorization"],
            "jwtConfiguration": {"issuer": issuer, "audience": ["app", "other"]}})
    };
    let all = world
        .call(&format!("GET /v2/apis/{id}/integrations"), json!({}))
        .await;
    let target = format!(
        "integrations/{}",
        all["items"][0]["integrationId"].as_str().unwrap()
    );
    for (path, issuer, scopes) in [
        ("/open", issuer.as_str(), json!([])),
        ("/scoped", issuer.as_str(), json!(["mcp/call", "mcp/admin"])),
        ("/silent", "http://127.0.0.1:1", json!([])),
    ] {
        let made = world
            .call(
                &format!("POST /v2/apis/{id}/authorizers"),
                authorizer(issuer, path),
            )
            .await;
        let route = json!({"routeKey": format!("GET {path}"), "target": target,
            "authorizationType": "JWT", "authorizerId": made["authorizerId"],
            "authorizationScopes": scopes});
        world
            .call(&format!("POST /v2/apis/{id}/routes"), route)
            .await;
    }

    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let good = json!({"iss": issuer, "aud": "app", "exp": now + 600, "iat": now - 10, "sub": "me"});
    let with = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        sign(&json!({"alg": "RS256", "kid": "k1"}), &claims)
    };
    let header = |header: Value| sign(&header, &good);
    let mut tampered = with(json!({}));
    let payload = BASE64_URL_SAFE_NO_PAD
        .encode(json!({"iss": issuer, "aud": "app", "exp": now + 600, "sub": "you"}).to_string());
    tampered = {
        let parts: Vec<&str> = tampered.split('.').collect();
        format!("{}.{payload}.{}", parts[0], parts[2])
    };
    let invalid = |why: &str| {
        format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{why}\"")
    };
    let scoped = |error: &str, why: &str| {
        format!("Bearer scope=\"mcp/call mcp/admin\" error=\"{error}\" error_description=\"{why}\"")
    };
    let expired = "the token has expired";
    let audience = "the token does not have a valid audience";
    let fine = String::new;
    for (name, path, token, status, challenge) in [
        ("none", "/open", String::new(), 401, "Bearer".to_owned()),
        ("good", "/open", with(json!({})), 200, fine()),
        (
            "bare",
            "/open",
            format!("bare {}", with(json!({}))),
            200,
            fine(),
        ),
        (
            "list",
            "/open",
            with(json!({"aud": ["x", "other"]})),
            200,
            fine(),
        ),
        (
            "client",
            "/open",
            with(json!({"aud": null, "client_id": "app"})),
            200,
            fine(),
        ),
        (
            "384",
            "/open",
            header(json!({"alg": "RS384", "kid": "k1"})),
            200,
            fine(),
        ),
        (
            "512",
            "/open",
            header(json!({"alg": "RS512", "kid": "k1"})),
            200,
            fine(),
        ),
        (
            "no kid",
            "/open",
            header(json!({"alg": "RS256"})),
            200,
            fine(),
        ),
        (
            "words",
            "/open",
            "not-a-token".to_owned(),
            401,
            invalid("token contains an invalid number of segments"),
        ),
        (
            "alg none",
            "/open",
            header(json!({"alg": "none", "kid": "k1"})),
            401,
            invalid("signing method none is invalid"),
        ),
        (
            "alg HS256",
            "/open",
            header(json!({"alg": "HS256", "kid": "k1"})),
            401,
            invalid("signing method HS256 is invalid"),
        ),
        (
            "kid",
            "/open",
            header(json!({"alg": "RS256", "kid": "k2"})),
            401,
            invalid("unable to find a key that matches the token's kid"),
        ),
        (
            "tampered",
            "/open",
            tampered,
            401,
            invalid("the token's signature is invalid"),
        ),
        (
            "expired",
            "/open",
            with(json!({"exp": now - 1})),
            401,
            invalid(expired),
        ),
        (
            "no exp",
            "/open",
            with(json!({"exp": null})),
            401,
            invalid(expired),
        ),
        (
            "nbf",
            "/open",
            with(json!({"nbf": now + 60})),
            401,
            invalid("the token is not valid yet"),
        ),
        (
            "iat",
            "/open",
            with(json!({"iat": now + 60})),
            401,
            invalid("the token is not valid yet"),
        ),
        (
            "iss",
            "/open",
            with(json!({"iss": "http://evil"})),
            401,
            invalid("the token does not have a valid issuer"),
        ),
        (
            "aud",
            "/open",
            with(json!({"aud": "x"})),
            401,
            invalid(audience),
        ),
        (
            "aud and client",
            "/open",
            with(json!({"aud": "x", "client_id": "app"})),
            401,
            invalid(audience),
        ),
        (
            "silent",
            "/silent",
            with(json!({})),
            401,
            invalid("OIDC discovery endpoint communication error"),
        ),
        (
            "scope",
            "/scoped",
            with(json!({"scope": "openid mcp/call"})),
            200,
            fine(),
        ),
        (
            "scp",
            "/scoped",
            with(json!({"scp": ["mcp/admin"]})),
            200,
            fine(),
        ),
        (
            "no scope",
            "/scoped",
            with(json!({})),
            403,
            scoped(
                "insufficient_scope",
                "the token does not have any of the required scopes",
            ),
        ),
        (
            "expired, no scope",
            "/scoped",
            with(json!({"exp": 1})),
            401,
            scoped("invalid_token", expired),
        ),
    ] {
        let value = match token.strip_prefix("bare ") {
            Some(bare) => bare.to_owned(),
            None => format!("Bearer {token}"),
        };
        let headers: Vec<_> = (!token.is_empty())
            .then_some(("authorization", value.as_str()))
            .into_iter()
            .collect();
        let got = send(&format!("GET {endpoint}{path}"), &headers, "").await;
        let expected = Some(challenge.as_str()).filter(|text| !text.is_empty());
        assert_eq!(
            (got.status, got.header("www-authenticate")),
            (status, expected),
            "{name}"
        );
        let message = match status {
            401 => r#"{"message":"Unauthorized"}"#,
            403 => r#"{"message":"Forbidden"}"#,
            _ => continue,
        };
        assert_eq!(got.body, message, "{name}");
    }

    let token = with(json!({"groups": ["a", "b"], "n": 5, "ok": true, "scope": "mcp/call"}));
    let value = format!("bearer {token}");
    let got = send(
        &format!("GET {endpoint}/scoped"),
        &[("authorization", &value)],
        "",
    )
    .await;
    let got: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(got["scopes"], json!(["mcp/call", "mcp/admin"]));
    let mut claims = got["claims"].clone();
    for name in ["exp", "iat"] {
        assert!(claims[name].is_string());
        claims.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(
        claims,
        json!({"iss": issuer, "aud": "app", "sub": "me", "groups": "[a b]", "n": "5", "ok": "true",
            "scope": "mcp/call"})
    );
}
