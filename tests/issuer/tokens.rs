//! Whose tokens the gateway takes: each wrong one is refused, for its own reason.

use ring::hmac;
use serde_json::{Value, json};

use super::own::{Issuer, KEY_ID, Key, encode, now, unsigned};
use super::{AUDIENCE, CLIENT, config};
use crate::support::http::{self, Response};
use crate::support::local::{Local, call};

/// The scopes of the server.
const SCOPES: &str = r#"
[auth.scopes.custom]
"notes/read" = "Read notes"
"notes/write" = "Keep notes"
"#;

fn reads(url: &str, headers: &[(&str, &str)]) -> Response {
    call(url, headers, "read", &json!({"name": "a"}))
}

fn with_token(url: &str, token: &str) -> Response {
    reads(url, &[("authorization", &format!("Bearer {token}"))])
}

#[test]
fn only_good_tokens_are_let_in() {
    let issuer = Issuer::new();
    let local = Local::deployed(&config("http", &issuer, SCOPES));
    let url = local.url();

    let good = issuer.claims("openid notes/read");
    let let_in = with_token(&url, &issuer.sign(&good));
    assert_eq!(let_in.status, 200, "a good token: {}", let_in.text());
    assert!(let_in.text().contains("there is no note a"));

    // What is wrong is wrong in one way only.
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        issuer.sign(&claims)
    };
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid, "typ": "JWT"});
    let none = format!("{}.", unsigned(&header("none", KEY_ID), &good));
    let unsigned_rs256 = format!("{}.", unsigned(&header("RS256", KEY_ID), &good));
    let symmetric = {
        let text = unsigned(&header("HS256", KEY_ID), &good);
        let key = hmac::Key::new(hmac::HMAC_SHA256, issuer.key().public());
        format!(
            "{text}.{}",
            encode(hmac::sign(&key, text.as_bytes()).as_ref())
        )
    };
    let other = Key::new();
    let (_, signature) = issuer
        .sign(&good)
        .rsplit_once('.')
        .map(owned)
        .expect("a token");
    let tampered = {
        let mut more = good.clone();
        more["scope"] = json!("notes/write");
        format!("{}.{signature}", unsigned(&header("RS256", KEY_ID), &more))
    };
    for (case, token) in [
        (
            "wrong audience",
            with("aud", json!("https://others.example")),
        ),
        ("the client as audience", with("aud", json!(CLIENT))),
        ("no audience", with("aud", Value::Null)),
        ("expired", with("exp", json!(now() - 1))),
        ("without an end", with("exp", Value::Null)),
        ("not yet valid", with("nbf", json!(now() + 300))),
        ("issued in the future", with("iat", json!(now() + 300))),
        ("wrong issuer", with("iss", json!("https://issuer.example"))),
        (
            "issuer with a slash",
            with("iss", json!(format!("{}/", issuer.url()))),
        ),
        ("alg none", none),
        ("no signature", unsigned_rs256),
        ("HS256 with the public key as secret", symmetric),
        (
            "unknown kid",
            issuer.key().sign(&header("RS256", "yesterday"), &good),
        ),
        (
            "another key under the same kid",
            other.sign(&header("RS256", KEY_ID), &good),
        ),
        ("another's signature", tampered),
        ("garbage", "a.b.c".to_owned()),
        ("no token at all", "garbage".to_owned()),
        ("nothing", String::new()),
    ] {
        let refused = with_token(&url, &token);
        assert_eq!(refused.status, 401, "{case}: {}", refused.text());
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer"), "{case}: {challenge}");
    }

    let token = issuer.sign(&good);
    let bearer = format!("Bearer {token}");
    let twice = [
        ("authorization", bearer.as_str()),
        ("authorization", &bearer),
    ];
    assert_eq!(reads(&url, &twice).status, 401, "two Authorization headers");
    let in_query = format!("{url}?access_token={token}");
    assert_eq!(reads(&in_query, &[]).status, 401, "a token in the query");
    let basic = [("authorization", "Basic YWRhOmFkYQ==")];
    assert_eq!(reads(&url, &basic).status, 401, "another scheme");

    // Who has a token of the issuer's, but not for this.
    for (case, scope) in [
        ("no scope", ""),
        ("another scope", "openid email"),
        ("a scope that only begins so", "notes/reader"),
        ("a scope in capitals", "NOTES/READ"),
    ] {
        let refused = with_token(&url, &issuer.token(scope));
        assert_eq!(refused.status, 403, "{case}: {}", refused.text());
        let challenge = refused.header("www-authenticate").unwrap_or_default();
        assert!(
            challenge.contains("error=\"insufficient_scope\"")
                && challenge.contains("scope=\"notes/read notes/write\""),
            "{case}: {challenge}"
        );
    }
    assert_eq!(with_token(&url, &issuer.token("notes/write")).status, 200);
    let list = with("aud", json!(["https://others.example", AUDIENCE]));
    assert_eq!(with_token(&url, &list).status, 200, "one of two audiences");
}

fn owned((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

/// A stranger is told nothing by API Gateway's 401, and finds everything where the specification says.
#[test]
fn a_stranger_finds_the_way_to_the_login() {
    let issuer = Issuer::new();
    let local = Local::deployed(&config("stdio", &issuer, SCOPES));
    let url = local.url();
    assert_eq!(reads(&url, &[]).status, 401);
    let base = url.strip_suffix("/mcp").expect("it ends with the path");
    let get = |address: &str| {
        let answer = http::request("GET", address, &[], b"").expect("it answers");
        assert_eq!(answer.status, 200, "{address}: {}", answer.text());
        answer.json()
    };
    let resource = get(&format!("{base}/.well-known/oauth-protected-resource/mcp"));
    assert_eq!(resource["resource"], url.as_str());
    let servers = &resource["authorization_servers"];
    assert_eq!(servers, &json!([base]));
    let scopes = resource["scopes_supported"].as_array().expect("scopes");
    assert!(scopes.contains(&json!("notes/read")), "{scopes:?}");
    let server = get(&format!("{base}/.well-known/oauth-authorization-server"));
    assert_eq!(server["issuer"], base);
    for endpoint in [
        "authorization_endpoint",
        "token_endpoint",
        "registration_endpoint",
    ] {
        let address = server[endpoint].as_str().unwrap_or_default();
        assert!(address.starts_with(base), "{endpoint}: {address}");
    }
}
