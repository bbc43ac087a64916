//! The facade in its function: settings from the environment, secrets from Secrets Manager, endpoints
//! from the issuer, a login through the Runtime API.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::elsewhere::{Elsewhere, KEY_ARN, key};
use crate::lambda::{Answer, Function, event};
use crate::visit::{APP, BASE, Visit, between, encoded, query_of, settings, start};

#[test]
fn a_person_logs_in_through_the_function() {
    let elsewhere = Elsewhere::start();
    let mut function = start(&elsewhere, &settings(&elsewhere), &[]);
    let mut visit = Visit {
        function: &mut function,
        elsewhere: elsewhere.clone(),
        cookies: HashMap::new(),
    };
    let metadata = visit.get("/.well-known/oauth-authorization-server").json();
    assert_eq!(metadata["issuer"], BASE);
    // The issuer's own document said that it can.
    assert_eq!(metadata["revocation_endpoint"], format!("{BASE}/revoke"));
    let client = visit.register();
    let code = visit.code(&client);
    let tokens = visit.trade(&client, &code);
    assert_eq!(tokens.status(), 200, "{tokens:?}");
    let tokens = tokens.json();
    assert_eq!(tokens["access_token"], "canary.access.token");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("refresh_token", refresh),
    ];
    let again = visit.post("/token", &form);
    assert_eq!(again.status(), 200, "{again:?}");
    // Both stages of the key and the client's secret, each once; the issuer's document once.
    let asked = elsewhere.asked.lock().unwrap();
    let of = |what: &str| asked.iter().filter(|each| each.contains(what)).count();
    assert_eq!((of("GetSecretValue"), of("openid-configuration")), (3, 1));
}

/// What the facade's own tests show in detail, once over the whole way: event, function, upstream.
#[test]
fn attacks_are_refused_over_the_wire() {
    let elsewhere = Elsewhere::start();
    let mut function = start(&elsewhere, &settings(&elsewhere), &[]);
    let mut visit = Visit {
        function: &mut function,
        elsewhere: elsewhere.clone(),
        cookies: HashMap::new(),
    };
    let client = visit.register();
    let refused = |answer: Answer, status: i64| {
        assert_eq!(answer.status(), status, "{answer:?}");
        assert!(answer.0["headers"].get("location").is_none(), "{answer:?}");
    };
    // An attacker's redirect URI, and documents where no client has one.
    let evil = "https://evil.example/cb";
    for (client, uri) in [
        (client.as_str(), evil),
        ("https://169.254.169.254/c.json", APP),
        ("https://[::ffff:a9fe:a9fe]/c.json", APP),
    ] {
        let query = encoded(&[("client_id", client), ("redirect_uri", uri)]);
        refused(visit.get(&format!("/authorize?{query}")), 400);
    }
    // CSRF: the attacker's ticket in the victim's browser.
    let ticket = visit.asked(&client);
    let attacker = std::mem::take(&mut visit.cookies);
    let agreed = [("ticket", ticket.as_str()), ("decision", "approve")];
    refused(visit.post("/consent", &agreed), 403);
    // A state that comes in another browser, changed, or again.
    visit.cookies = attacker;
    let page = visit.post("/consent", &agreed);
    let onward = between(page.text(), "content=\"0;url=", "\"").replace("&amp;", "&");
    let asked = query_of(&onward);
    let back = |state: &str| format!("/callback?{}", encoded(&[("code", "c"), ("state", state)]));
    let mine = std::mem::take(&mut visit.cookies);
    refused(visit.get(&back(&asked["state"])), 400);
    visit.cookies = mine;
    refused(visit.get(&back(&format!("{}A", asked["state"]))), 400);
    assert_eq!(visit.get(&back(&asked["state"])).status(), 302);
    refused(visit.get(&back(&asked["state"])), 400);
    // A foreign code, and one for the second time.
    visit.cookies.clear();
    let code = visit.code(&client);
    let thief = visit.register();
    refused(visit.trade(&thief, &code), 400);
    assert_eq!(visit.trade(&client, &code).status(), 200);
    refused(visit.trade(&client, &code), 400);
}

/// Where the issuer registers clients itself, it needs no key, no credentials and no network.
#[test]
fn where_clients_go_to_the_issuer_it_has_nothing_secret() {
    let directions = json!({
        "authorization_server": "https://issuer.example/",
        "resources": [{"url": format!("{BASE}/mcp")}],
        "scopes": [{"name": "read", "description": "Read"}],
    });
    let settings = directions.to_string();
    let mut function = Function::start("facade", &[("MCPDEPLOY_FACADE", &settings)]);
    let path = "/.well-known/oauth-protected-resource/mcp";
    let found = function.ask(&event("GET", path, &[], None));
    assert_eq!(found.status(), 200, "{found:?}");
    let servers = &found.json()["authorization_servers"];
    assert_eq!(servers, &json!(["https://issuer.example/"]));
    let other = "/.well-known/oauth-authorization-server";
    assert_eq!(function.ask(&event("GET", other, &[], None)).status(), 404);
    let (_, log) = function.terminate();
    assert!(
        log.iter()
            .any(|line| line.contains(&format!("GET {path} 200")))
    );
}

/// All that is secret, or would let somebody go on in the person's place, is called a canary here, or
/// was sealed.
#[test]
fn the_log_tells_of_each_request_and_nothing_secret() {
    let elsewhere = Elsewhere::start();
    let mut function = start(&elsewhere, &settings(&elsewhere), &[]);
    let mut visit = Visit {
        function: &mut function,
        elsewhere: elsewhere.clone(),
        cookies: HashMap::new(),
    };
    let client = visit.register();
    let code = visit.code(&client);
    let tokens = visit.trade(&client, &code).json();
    visit.trade(&client, &code);
    let refusal = json!({"error": "invalid_client", "error_description": "canary"});
    *elsewhere.refuses.lock().unwrap() = Some((400, refusal));
    visit.trade(&client, &code);
    // In another browser, where nobody agreed before.
    let mut cookies = std::mem::take(&mut visit.cookies);
    let ticket = visit.asked(&client);
    cookies.extend(visit.cookies.clone());
    visit.post("/consent", &[("ticket", &ticket), ("decision", "deny")]);
    visit.post(
        "/consent",
        &[("ticket", "canary-ticket"), ("decision", "approve")],
    );
    visit.get("/callback?code=canary-code&state=canary-state");
    visit.get(
        "/authorize?client_id=canary-client&state=canary-state&redirect_uri=https://a.example",
    );
    visit.get("/canary-path?canary-query");
    visit.get("/.well-known/oauth-protected-resource/mcp?canary-query");
    let refresh = [
        ("refresh_token", "canary"),
        ("client_id", "x"),
        ("client_secret", "canary"),
    ];
    visit.post("/token", &refresh);
    let assertion = [
        ("client_assertion", "canary.canary.canary"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
    ];
    visit.post("/token", &assertion);
    visit.send(
        "POST",
        "/register",
        "application/json",
        Some("{\"redirect_uris\": \"canary\"}"),
    );

    let (_, log) = function.terminate();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let secrets = cookies
        .values()
        .map(String::as_str)
        .filter(|value| !value.is_empty());
    for secret in secrets.chain(["canary", &client, &code, &ticket, refresh, &key(1)]) {
        assert!(
            !log.iter().any(|line| line.contains(secret)),
            "{secret} in {log:#?}"
        );
    }
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no {message}: {log:#?}"))
    };
    let registered = line("POST /register 201");
    assert_eq!(registered["client"], "An app");
    assert_eq!(registered["level"], "INFO");
    assert_eq!(registered["requestId"], "invocation-1");
    let asked = line("GET /authorize 200");
    assert_eq!(asked["returnsTo"], "app.example");
    assert_eq!(asked["client"], "An app");
    let flow = asked["flow"].as_str().unwrap();
    for message in ["POST /consent 200", "GET /callback 302"] {
        assert_eq!(line(message)["flow"], flow, "{message}");
    }
    assert_eq!(line("POST /token 200")["client"], "An app");
    let used = line("POST /token 400");
    assert_eq!(
        (&used["error"], &used["level"]),
        (&json!("invalid_grant"), &json!("WARN"))
    );
    // What the upstream says of us is told by its code.
    let upstream = line("POST /token 502");
    assert_eq!(upstream["level"], "ERROR");
    assert_eq!(upstream["reason"], "the issuer answered 400 invalid_client");
    let denied = lines.iter().any(|line| line["error"] == "access_denied");
    assert!(denied, "{log:#?}");
    assert_eq!(line("GET /callback 400")["error"], "invalid_request");
    assert_eq!(line("GET (another path) 404")["path"], "");
    line("GET /.well-known/oauth-protected-resource/mcp 200");
    assert_eq!(
        line("POST /register 400")["error"],
        "invalid_client_metadata"
    );
    assert_eq!(lines.len(), 17, "{log:#?}");
}

#[test]
fn a_key_that_was_rotated_opens_what_it_sealed() {
    let elsewhere = Elsewhere::start();
    let all = settings(&elsewhere);
    let mut first = start(&elsewhere, &all, &[]);
    let mut visit = Visit {
        function: &mut first,
        elsewhere: elsewhere.clone(),
        cookies: HashMap::new(),
    };
    let client = visit.register();
    elsewhere.put(KEY_ARN, "AWSPREVIOUS", &key(1));
    elsewhere.put(KEY_ARN, "AWSCURRENT", &key(2));
    let mut second = start(&elsewhere, &all, &[]);
    let mut visit = Visit {
        function: &mut second,
        elsewhere: elsewhere.clone(),
        cookies: HashMap::new(),
    };
    visit.asked(&client);
}

#[test]
fn what_keeps_it_from_starting_is_told_to_lambda() {
    let elsewhere = Elsewhere::start();
    elsewhere.put("arn:no-key", "AWSCURRENT", "canary");
    let denied = Err("AccessDeniedException".to_owned());
    let mut secrets = elsewhere.secrets.lock().unwrap();
    secrets.insert(("arn:denied".to_owned(), "AWSCURRENT".to_owned()), denied);
    drop(secrets);
    let mut other = settings(&elsewhere);
    other["upstream"]["issuer"] = json!(format!("{}/other", elsewhere.url));
    let mut slash = settings(&elsewhere);
    slash["upstream"]["issuer"] = json!(format!("{}/pool/", elsewhere.url));
    let mut unknown = settings(&elsewhere);
    unknown["isuer"] = json!(BASE);
    let all = settings(&elsewhere);
    for (settings, more, said) in [
        (
            &all,
            ("MCPDEPLOY_FACADE", ""),
            "MCPDEPLOY_FACADE is not set",
        ),
        (
            &all,
            ("MCPDEPLOY_FACADE_KEY", ""),
            "MCPDEPLOY_FACADE_KEY is not set",
        ),
        (&all, ("AWS_REGION", ""), "AWS_REGION is not set"),
        (
            &unknown,
            ("A", "b"),
            "failed to read MCPDEPLOY_FACADE: unknown field `isuer`",
        ),
        (
            &all,
            ("MCPDEPLOY_FACADE_KEY", "arn:nothing"),
            "failed to read the secret arn:nothing: GetSecretValue was answered with ResourceNotFoundException (400)",
        ),
        (
            &all,
            ("MCPDEPLOY_FACADE_KEY", "arn:denied"),
            "failed to read the secret arn:denied: GetSecretValue was answered with AccessDeniedException (400)",
        ),
        (
            &all,
            ("MCPDEPLOY_FACADE_KEY", "arn:no-key"),
            "failed to take the secret arn:no-key for a key: a key must be base64 of 32 bytes",
        ),
        (
            &all,
            ("AWS_ENDPOINT_URL", "http://198.51.100.1/"),
            "the host has an address that may not be asked",
        ),
        (
            &other,
            ("A", "b"),
            "/other/.well-known/openid-configuration was answered with 404",
        ),
        (&slash, ("A", "b"), "is that of another issuer"),
    ] {
        let mut function = start(&elsewhere, settings, &[more]);
        let posted = function.posted();
        assert!(posted.path.ends_with("/init/error"), "{}", posted.path);
        let error = posted.json()["errorMessage"].as_str().unwrap().to_owned();
        assert!(error.contains(said), "{error}");
        let (code, log) = function.ended();
        assert_eq!(code, Some(1));
        assert!(!format!("{error}{log:?}").contains("canary"), "{log:?}");
    }
}
