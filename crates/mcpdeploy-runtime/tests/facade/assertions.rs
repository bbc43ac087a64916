//! Clients that sign with a key of their document, as ChatGPT does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Response, StatusCode};
use mcpdeploy_runtime::outbound::Reach;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::support::{
    APP, BASE, Setup, VERIFIER, assert_stays, authorize, error_of, json_of, settings, text_of,
};

const URL: &str = "https://app.example/client.json";
const KEYS: &str = "https://app.example/jwks.json";
const NOW: u64 = 1_000_000;

/// A key, its name, and how it is published.
struct Signer {
    kid: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self { kid, pair }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "kid": self.kid,
            "x": number(&point[1..33]),
            "y": number(&point[33..]),
        })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.unwrap());
        format!("{signed}.{signature}")
    }

    /// What the client sends at `now`.
    fn assertion(&self, jti: &str, now: u64) -> String {
        self.sign(&self.header(), &claims(jti, now))
    }

    fn header(&self) -> Value {
        json!({"alg": "ES256", "kid": self.kid})
    }
}

fn claims(jti: &str, now: u64) -> Value {
    json!({
        "iss": URL,
        "sub": URL,
        "aud": format!("{BASE}/token"),
        "iat": now,
        "exp": now + 300,
        "jti": jti,
    })
}

fn document() -> Value {
    json!({
        "client_id": URL,
        "client_name": "Signing",
        "redirect_uris": [APP],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks_uri": KEYS,
    })
}

fn publish(setup: &Setup, url: &str, value: &Value) {
    let answer = Response::builder().header("content-type", "application/json");
    let answer = answer.body(Bytes::from(value.to_string())).unwrap();
    put(setup, url, answer);
}

fn put(setup: &Setup, url: &str, answer: Response<Bytes>) {
    let mut documents = setup.world.documents.lock().unwrap();
    documents.insert(url.to_owned(), answer);
}

fn published(signer: &Signer) -> Setup {
    let setup = Setup::new();
    publish(&setup, URL, &document());
    publish(&setup, KEYS, &json!({"keys": [signer.public()]}));
    setup
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn trade(
    setup: &Setup,
    code: &str,
    assertion: &str,
    more: &[(&str, &str)],
) -> Response<Bytes> {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", APP),
        ("code_verifier", VERIFIER),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    form.extend(more);
    setup.post("/token", &form).await
}

#[tokio::test]
async fn a_client_that_signs_gets_its_tokens_and_keeps_them() {
    let signer = Signer::new("k");
    let setup = published(&signer);
    let code = setup.code(URL, APP).await;
    let named = [("client_id", URL)];
    let answer = trade(&setup, &code, &signer.assertion("1", NOW), &named).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
    let refresh = json_of(&answer)["refresh_token"].clone();
    let refresh = refresh.as_str().unwrap();
    let again = |assertion: String| {
        let form = [
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), refresh.to_owned()),
            ("client_assertion_type".to_owned(), TYPE.to_owned()),
            ("client_assertion".to_owned(), assertion),
        ];
        let setup = &setup;
        async move {
            let form: Vec<(&str, &str)> =
                form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            setup.post("/token", &form).await
        }
    };
    let answer = again(signer.assertion("2", NOW)).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
    // Document and keys were fetched once each, with the reach of a stranger's URLs.
    let asked = setup.world.asked.lock().unwrap().clone();
    for url in [URL, KEYS] {
        let fetched: Vec<_> = asked.iter().filter(|(each, _)| each == url).collect();
        assert_eq!(fetched, [&(url.to_owned(), Reach::Public)]);
    }
    // Who has the refresh token and not the key gets nothing, nor revokes it.
    for path in ["/token", "/revoke"] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", URL),
            ("refresh_token", refresh),
            ("token", refresh),
        ];
        let answer = setup.post(path, &form).await;
        assert_eq!(
            error_of(&answer),
            (401, "invalid_client".to_owned()),
            "{path}"
        );
    }
    let assertion = signer.assertion("3", NOW);
    let form = [
        ("token", refresh),
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion),
    ];
    assert_eq!(setup.post("/revoke", &form).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_said_it_signs_does_not_get_in_without() {
    let signer = Signer::new("k");
    let setup = published(&signer);
    let code = setup.code(URL, APP).await;
    let answer = setup.trade(URL, &code).await;
    assert_eq!(error_of(&answer), (401, "invalid_client".to_owned()));
    // Its document may say that it makes do with less.
    let setup = published(&signer);
    let mut lenient = document();
    lenient["token_endpoint_auth_methods_supported"] = json!(["none", "private_key_jwt"]);
    publish(&setup, URL, &lenient);
    for signed in [true, false] {
        let code = setup.code(URL, APP).await;
        let answer = if signed {
            trade(&setup, &code, &signer.assertion("1", NOW), &[]).await
        } else {
            setup.trade(URL, &code).await
        };
        assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
    }
}

#[tokio::test]
async fn an_assertion_that_is_not_the_clients_or_not_for_here_is_refused() {
    let signer = Signer::new("k");
    let stranger = Signer::new("k");
    let with = |name: &str, value: Value| {
        let mut claims = claims(name, NOW);
        claims[name] = value;
        signer.sign(&signer.header(), &claims)
    };
    let headed = |header: Value| signer.sign(&header, &claims("h", NOW));
    let setup = published(&signer);
    let code = setup.code(URL, APP).await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!(
        "{}.{}.",
        part(&json!({"alg": "none"})),
        part(&claims("n", NOW))
    );
    let good = signer.assertion("good", NOW);
    let cut = &good[..good.len() - 2];
    for (assertion, why) in [
        (stranger.assertion("1", NOW), "not signed with a key"),
        (signer.assertion("2", NOW - 300), "expired"),
        (with("exp", json!(NOW + 7200)), "good for too long"),
        (with("nbf", json!(NOW + 61)), "not good yet"),
        (with("iat", json!(NOW + 61)), "not good yet"),
        (
            with("aud", json!("https://evil.example/token")),
            "another issuer",
        ),
        (
            with("aud", json!(format!("{BASE}.evil.example"))),
            "another issuer",
        ),
        (with("aud", json!([])), "another issuer"),
        (
            with("iss", json!("https://evil.example/c")),
            "another client",
        ),
        (
            with("sub", json!("https://evil.example/c")),
            "another client",
        ),
        (with("jti", json!(null)), "says all it has to"),
        (with("exp", json!(null)), "says all it has to"),
        (
            headed(json!({"alg": "HS256", "kid": "k"})),
            "RS256 or ES256",
        ),
        (
            headed(json!({"alg": "RS256", "kid": "k"})),
            "not signed with a key",
        ),
        (
            headed(json!({"alg": "ES256", "kid": "other"})),
            "not signed with a key",
        ),
        (
            headed(json!({"alg": "ES256", "crit": ["b64"]})),
            "extensions",
        ),
        (unsigned, "RS256 or ES256"),
        (cut.to_owned(), "not signed with a key"),
        ("x".to_owned(), "is no JWT"),
        ("x".repeat(8193), "must be a JWT"),
    ] {
        let answer = trade(&setup, &code, &assertion, &[]).await;
        assert_eq!(
            error_of(&answer),
            (401, "invalid_client".to_owned()),
            "{why}"
        );
        assert!(
            text_of(&answer).contains(why),
            "{why}: {}",
            text_of(&answer)
        );
    }
    for (more, status) in [
        (("client_id", "https://evil.example/c"), 401),
        (("client_secret", "x"), 400),
    ] {
        let answer = trade(&setup, &code, &good, &[more]).await;
        assert_eq!(answer.status().as_u16(), status);
    }
    // None of it reached the upstream, or used the assertion up.
    let answer = trade(&setup, &code, &good, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
    let code = setup.code(URL, APP).await;
    let answer = trade(&setup, &code, &good, &[]).await;
    assert!(text_of(&answer).contains("was used before"));
}

#[tokio::test]
async fn a_client_signs_for_itself_only() {
    let signer = Signer::new("k");
    let setup = published(&signer);
    let client = setup.client(APP).await;
    let code = setup.code(&client, APP).await;
    let answer = trade(&setup, &code, &signer.assertion("1", NOW), &[]).await;
    assert_eq!(error_of(&answer), (400, "invalid_grant".to_owned()));
    // One that registered has no key to sign with.
    let mut claims = claims("2", NOW);
    claims["iss"] = json!(client);
    claims["sub"] = json!(client);
    let assertion = signer.sign(&signer.header(), &claims);
    let answer = trade(&setup, &code, &assertion, &[]).await;
    assert_eq!(error_of(&answer), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn keys_that_were_changed_are_fetched_anew_but_not_each_time() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let setup = published(&old);
    let fetched = || {
        let asked = setup.world.asked.lock().unwrap();
        asked.iter().filter(|(url, _)| url == KEYS).count()
    };
    let code = setup.code(URL, APP).await;
    trade(&setup, &code, &old.assertion("1", NOW), &[]).await;
    publish(&setup, KEYS, &json!({"keys": [new.public()]}));
    let code = setup.code(URL, APP).await;
    for (later, count, status) in [(0, 1, 401), (59, 1, 401), (1, 2, 200)] {
        setup.later(later);
        let jti = format!("later {later}");
        let answer = trade(&setup, &code, &new.assertion(&jti, NOW), &[]).await;
        assert_eq!((fetched(), answer.status().as_u16()), (count, status));
    }
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_no_refusal_and_bad_ones_are() {
    let signer = Signer::new("k");
    let setup = published(&signer);
    let code = setup.code(URL, APP).await;
    let broken = Response::builder().status(500).body(Bytes::new()).unwrap();
    put(&setup, KEYS, broken);
    let answer = trade(&setup, &code, &signer.assertion("1", NOW), &[]).await;
    assert_eq!(
        error_of(&answer),
        (503, "temporarily_unavailable".to_owned())
    );
    publish(&setup, KEYS, &json!({"keys": "none"}));
    let answer = trade(&setup, &code, &signer.assertion("2", NOW), &[]).await;
    assert_eq!(error_of(&answer), (401, "invalid_client".to_owned()));
    // A redirect leads to somebody else's keys.
    let away = Response::builder()
        .status(302)
        .header("location", "http://169.254.169.254/");
    let away = away.body(Bytes::new()).unwrap();
    put(&setup, KEYS, away);
    let answer = trade(&setup, &code, &signer.assertion("3", NOW), &[]).await;
    assert_eq!(answer.status().as_u16(), 503);
    assert!(
        setup
            .world
            .asked
            .lock()
            .unwrap()
            .iter()
            .all(|(url, _)| !url.contains("169.254"))
    );
}

#[tokio::test]
async fn documents_that_contradict_themselves_are_not_taken() {
    let signer = Signer::new("k");
    let setup = Setup::new();
    for (name, value) in [
        ("jwks_uri", Value::Null),
        ("jwks_uri", json!("http://app.example/jwks.json")),
        ("jwks_uri", json!("https://127.0.0.1/jwks.json")),
        ("jwks", json!({"keys": []})),
        ("token_endpoint_auth_signing_alg", json!("HS256")),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
    ] {
        let mut document = document();
        document[name] = value;
        publish(&setup, URL, &document);
        assert_stays(&setup.get(&authorize(URL, APP, &[])).await, 400);
    }
    // Keys in the document itself are as good.
    let mut inline = document();
    inline["jwks_uri"] = Value::Null;
    inline["jwks"] = json!({"keys": [signer.public()]});
    publish(&setup, URL, &inline);
    let code = setup.code(URL, APP).await;
    let answer = trade(&setup, &code, &signer.assertion("1", NOW), &[]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{}", text_of(&answer));
}

#[tokio::test]
async fn the_metadata_says_how_clients_may_sign() {
    let path = "/.well-known/oauth-authorization-server";
    let document = json_of(&Setup::new().get(path).await);
    let methods = document["token_endpoint_auth_methods_supported"].as_array();
    assert!(methods.unwrap().contains(&json!("private_key_jwt")));
    let signing = &document["token_endpoint_auth_signing_alg_values_supported"];
    assert_eq!(*signing, json!(["RS256", "ES256"]));
    let mut without = settings();
    without["cimd"] = json!({"enabled": false});
    let document = json_of(&Setup::with(&without).get(path).await);
    assert!(!document.to_string().contains("private_key_jwt"));
    assert!(!document.to_string().contains("signing_alg"));
}
