//! Servers that want a login.

use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpdeploy_probe::{Bearer, Options, Outcome, Pick, Renew, Report, Verdict};
use mcpdeploy_testkit::server::{Req, Resp, Server, Twist};
use serde_json::{Value, json};

use crate::right::{BOTH, Right, not_passed, options, probe};

/// A good server behind a good login: only `Bearer right` comes in.
fn guarded(twist: Twist) -> Server {
    let right = Right::new(BOTH);
    let root: Arc<OnceLock<String>> = Arc::default();
    let known = Arc::clone(&root);
    let server = Server::start(move |req| {
        let mut resp = answer(req, &right, known.get().unwrap());
        twist(req, &mut resp);
        resp
    });
    root.set(server.root()).unwrap();
    server
}

fn answer(req: &Req, right: &Right, root: &str) -> Resp {
    match req.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => Resp::json(
            200,
            &json!({"resource": format!("{root}/mcp"), "authorization_servers": [root], "scopes_supported": ["use"]}),
        ),
        "/.well-known/oauth-authorization-server" => Resp::json(
            200,
            &json!({
                "issuer": root,
                "authorization_endpoint": format!("{root}/authorize"),
                "token_endpoint": format!("{root}/token"),
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["use"],
                "client_id_metadata_document_supported": true,
            }),
        ),
        _ if req.header("authorization") == Some("Bearer right") => right.answer(req),
        _ => {
            let metadata = format!("{root}/.well-known/oauth-protected-resource/mcp");
            Resp::json(401, &json!({"message": "Unauthorized"})).header(
                "www-authenticate",
                &format!("Bearer error=\"invalid_token\", error_description=\"it ran out\", resource_metadata=\"{metadata}\""),
            )
        }
    }
}

fn run(server: &Server, token: Option<&str>) -> Report {
    let bearer = token.map(|token| Bearer::new(token).unwrap());
    probe(
        &server.url(),
        Options {
            bearer,
            keep_exchanges: true,
            ..options()
        },
    )
}

#[test]
fn without_a_token_it_is_told_where_to_log_in() {
    let server = guarded(|_, _| {});
    let report = run(&server, None);
    assert_eq!(report.verdict, Verdict::NeedsLogin);
    assert_eq!(not_passed(&report), []);
    let ids: Vec<&str> = report
        .checks
        .iter()
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "transport.connect",
            "login.challenge",
            "login.forged-token",
            "login.resource",
            "login.server",
            "login.unsigned-token"
        ]
    );
    let login = report.login.unwrap();
    assert_eq!(login.authorization_servers, [server.root()]);
    assert_eq!(login.scopes, ["use"]);
    assert!(login.challenge.unwrap().starts_with("Bearer "));
}

#[test]
fn with_a_token_everything_is_checked_and_the_token_told_to_nobody() {
    let server = guarded(|_, _| {});
    let report = run(&server, Some("right"));
    assert_eq!(report.verdict, Verdict::Passed, "{report:#?}");
    assert!(report.checks.len() > 40);
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("Bearer right"));
}

#[test]
fn a_token_that_is_refused_is_no_failure_of_the_server() {
    let server = guarded(|_, _| {});
    let report = run(&server, Some("stale"));
    assert_eq!(report.verdict, Verdict::NeedsLogin);
    let failed = report.failures().next().unwrap();
    assert_eq!(failed.id, "login.token");
    let Outcome::Failed { why, .. } = &failed.outcome else {
        panic!("{failed:?}");
    };
    assert_eq!(why, "the token is refused: it ran out");
}

/// As AWS's function URLs send it on.
fn rename(resp: &mut Resp) {
    for (name, _) in &mut resp.headers {
        if name == "www-authenticate" {
            *name = "x-amzn-remapped-www-authenticate".to_owned();
        }
    }
}

#[test]
fn a_login_that_is_wrong_is_found_by_its_check() {
    fn change(req: &Req, resp: &mut Resp, part: &str, change: impl FnOnce(&mut Value)) {
        if req.path.contains(part) {
            resp.edit(change);
        }
    }
    let wrongs: Vec<(&str, &str, Twist)> = vec![
        ("login.challenge", "warned", |_, resp| {
            resp.headers.retain(|(name, _)| name != "www-authenticate")
        }),
        ("login.challenge", "warned", |_, resp| rename(resp)),
        ("login.challenge", "warned", |_, resp| {
            if resp.status == 401 {
                *resp = resp.clone().header("www-authenticate", "Bearer");
            }
        }),
        ("login.challenge", "failed", |_, resp| {
            if resp.status == 401 {
                *resp = resp.clone().header("www-authenticate", "Basic realm=\"x\"");
            }
        }),
        ("login.forged-token", "failed", |req, resp| {
            if req
                .header("authorization")
                .is_some_and(|token| token.contains("made-up"))
            {
                *resp = Resp::json(200, &json!({}));
            }
        }),
        ("login.resource", "failed", |req, resp| {
            change(req, resp, "protected-resource", |document| {
                document["resource"] = json!("https://other.test/mcp");
            });
        }),
        ("login.server", "failed", |req, resp| {
            change(req, resp, "authorization-server", |document| {
                document["code_challenge_methods_supported"] = Value::Null;
            });
        }),
        ("login.server", "failed", |req, resp| {
            change(req, resp, "authorization-server", |document| {
                document["issuer"] = json!("https://other.test");
            });
        }),
        ("login.server", "warned", |req, resp| {
            change(req, resp, "authorization-server", |document| {
                document["scopes_supported"] = Value::Null;
            });
        }),
    ];
    for (id, how, twist) in wrongs {
        let report = run(&guarded(twist), None);
        assert_eq!(not_passed(&report), [(id.to_owned(), how)]);
        let failed = how == "failed";
        assert_eq!(report.verdict == Verdict::Failed, failed, "{id}");
    }
}

#[test]
fn documents_of_others_are_fetched_over_tls_only() {
    let server = guarded(|req, resp| {
        if req.path.contains("protected-resource") {
            resp.edit(|document| {
                document["authorization_servers"] = json!(["http://169.254.169.254/latest"]);
            });
        }
    });
    let report = run(&server, None);
    let failed = report.failures().next().unwrap();
    assert_eq!(failed.id, "login.server");
    assert_eq!(failed.exchanges, [], "something was sent");
}

#[test]
fn a_token_without_a_signature_is_taken_by_nobody() {
    for (algorithm, expected) in [
        ("none", "a token without a signature is taken"),
        ("RS256", "a token with a made-up signature is taken"),
    ] {
        let server = guarded(match algorithm {
            "none" => |req, resp| trust(req, resp, "none"),
            _ => |req, resp| trust(req, resp, "RS256"),
        });
        let report = run(&server, None);
        let failed = report.failures().next().unwrap();
        assert_eq!(failed.id, "login.unsigned-token");
        let Outcome::Failed { why, .. } = &failed.outcome else {
            panic!("{failed:?}");
        };
        assert_eq!(why, expected);
    }
}

/// Takes every token of that algorithm which says that it is for this endpoint, and from its issuer.
fn trust(req: &Req, resp: &mut Resp, algorithm: &str) {
    let token = req.header("authorization").unwrap_or_default();
    let parts: Vec<Value> = token
        .trim_start_matches("Bearer ")
        .split('.')
        .filter_map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok())
        .collect();
    let host = req.header("host").unwrap_or_default();
    if let [head, claims] = parts.as_slice()
        && head["alg"] == algorithm
        && claims["aud"] == format!("http://{host}/mcp")
        && claims["iss"] == format!("http://{host}")
        && claims["scope"] == "use"
    {
        *resp = Resp::json(200, &json!({}));
    }
}

#[test]
fn a_login_that_was_to_be_needed_and_is_not_is_a_failure() {
    let right = Right::new(BOTH);
    let server = Server::start(move |req| right.answer(req));
    let report = probe(
        &server.url(),
        Options {
            require_login: true,
            only: vec![Pick::new("login.challenge").unwrap()],
            ..options()
        },
    );
    assert_eq!(report.verdict, Verdict::Failed);
}

#[test]
fn a_resource_above_the_endpoint_is_warned_of() {
    let server = guarded(|req, resp| {
        if req.path.contains("protected-resource") {
            resp.edit(|document| {
                let root = document["authorization_servers"][0].clone();
                document["resource"] = root;
            });
        }
    });
    let report = run(&server, None);
    assert_eq!(
        not_passed(&report),
        [("login.resource".to_owned(), "warned")]
    );
}

/// A run with tokens to try one after another, and how often it asked for one.
fn renewing(server: &Server, tokens: &'static [&'static str]) -> (Report, Vec<u16>) {
    let asked: Arc<Mutex<Vec<u16>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let renew = Renew::new(move |refused| {
        assert!(refused.challenge.is_some());
        let mut seen = seen.lock().unwrap();
        seen.push(refused.status);
        Bearer::new(tokens.get(seen.len() - 1)?).ok()
    });
    let report = probe(
        &server.url(),
        Options {
            bearer: Some(Bearer::new("stale").unwrap()),
            renew: Some(renew),
            keep_exchanges: true,
            ..options()
        },
    );
    let asked = asked.lock().unwrap().clone();
    (report, asked)
}

#[test]
fn a_token_that_is_refused_is_renewed() {
    let server = guarded(|_, _| {});
    let (report, asked) = renewing(&server, &["stale-too", "right"]);
    assert_eq!(report.verdict, Verdict::Passed, "{report:#?}");
    assert_eq!(asked, [401, 401]);
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("Bearer right") && !text.contains("stale"));
}

#[test]
fn a_token_that_cannot_be_renewed_ends_the_asking() {
    let server = guarded(|_, _| {});
    let (report, asked) = renewing(&server, &[]);
    assert_eq!(report.verdict, Verdict::NeedsLogin);
    assert_eq!(asked, [401]);
}

#[test]
fn a_token_that_may_do_too_little_is_widened() {
    fn narrow(req: &Req, resp: &mut Resp) {
        if req.header("authorization") == Some("Bearer stale") {
            *resp = Resp::empty(403).header(
                "www-authenticate",
                "Bearer error=\"insufficient_scope\", scope=\"write\"",
            );
        }
    }
    let (report, asked) = renewing(&guarded(narrow), &["right"]);
    assert_eq!(report.verdict, Verdict::Passed, "{report:#?}");
    assert_eq!(asked, [403]);
    // Without another token, it is told how to get one.
    let (report, _) = renewing(&guarded(narrow), &[]);
    let failed = report.failures().next().unwrap();
    let Outcome::Failed { hint, .. } = &failed.outcome else {
        panic!("{failed:?}");
    };
    assert!(hint.as_ref().unwrap().contains("--scope write"), "{hint:?}");
}

#[test]
fn a_challenge_under_aws_own_name_is_one() {
    let server = guarded(|req, resp| {
        if req.header("authorization") == Some("Bearer stale") {
            *resp = Resp::empty(403).header(
                "www-authenticate",
                "Bearer error=\"insufficient_scope\", scope=\"write\"",
            );
        }
        rename(resp);
    });
    let (report, asked) = renewing(&server, &["right"]);
    assert_eq!(asked, [403]);
    assert!(report.failures().next().is_none(), "{report:#?}");
}
