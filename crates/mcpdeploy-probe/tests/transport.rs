//! What answers is no MCP server, or nothing answers at all.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcpdeploy_probe::{CheckDone, Options, Outcome, Pick, Probe, Verdict, Via};
use mcpdeploy_testkit::server::{Resp, Server};
use serde_json::json;

use crate::right::{BOTH, Right, options, probe};

fn said(check: &CheckDone) -> (String, String) {
    match &check.outcome {
        Outcome::Failed { why, hint } | Outcome::Warned { why, hint } => {
            (why.clone(), hint.clone().unwrap_or_default())
        }
        Outcome::Skipped { why } => (why.clone(), String::new()),
        Outcome::Passed { note } => (note.clone().unwrap_or_default(), String::new()),
    }
}

#[test]
fn nothing_answers() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs_up = Server::start(|_| Resp {
        hang_up: true,
        ..Resp::empty(200)
    });
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain_url = format!("https://{}/mcp", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let (long, short) = (Duration::from_secs(60), Duration::from_millis(300));
    for (url, timeout, part) in [
        (format!("http://{free}/mcp"), long, "refused"),
        (
            format!("http://{}/mcp", silent.local_addr().unwrap()),
            short,
            "no answer within 300 ms",
        ),
        (hangs_up.url(), long, "closed"),
        (plain_url, long, "does not speak TLS"),
        (
            "http://mcpdeploy.invalid/mcp".to_owned(),
            short,
            "does not resolve",
        ),
    ] {
        let report = probe(
            &url,
            Options {
                timeout,
                // That nothing answers is told whatever was chosen.
                only: vec![Pick::new("legacy.ping").unwrap()],
                ..options()
            },
        );
        assert_eq!(report.verdict, Verdict::Unreachable, "{url}");
        assert_eq!(report.checks.len(), 1);
        assert_eq!(report.checks[0].id, "transport.connect");
        let (why, _) = said(&report.checks[0]);
        // A resolver that is not there takes longer than it is given.
        let slow = url.contains("invalid") && why.contains("no answer within");
        assert!(why.contains(part) || slow, "{url}: {why}");
    }
}

#[test]
fn what_is_no_mcp_server_is_told_with_a_hint() {
    let not_found = r#"{"message":"Not Found"}"#;
    for (status, body, why_part, hint_part) in [
        (404, not_found, "HTTP 404", "path"),
        (
            200,
            "<!doctype html><html>",
            "no JSON-RPC message",
            "web page",
        ),
        (421, "Invalid Host header", "HTTP 421", "hosts"),
        (
            502,
            r#"{"message":"Internal Server Error"}"#,
            "HTTP 502",
            "logs",
        ),
    ] {
        let server = Server::start(move |_| Resp::text(status, body));
        let report = probe(&server.url(), options());
        assert_eq!(report.verdict, Verdict::Failed);
        let failed: Vec<&CheckDone> = report.failures().collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].id, "transport.speaks-mcp");
        assert_eq!(failed[0].exchanges.len(), 2, "both eras were tried");
        let (why, hint) = said(failed[0]);
        assert!(why.contains(why_part) || status == 200, "{why}");
        assert!(hint.contains(hint_part), "{status}: {hint}");
    }
    let moved = Server::start(|_| Resp::empty(308).header("location", "https://other.test/mcp"));
    let report = probe(&moved.url(), options());
    let (_, hint) = said(report.failures().next().unwrap());
    assert!(hint.contains("https://other.test/mcp"), "{hint}");
}

#[test]
fn a_fresh_deployment_is_waited_for() {
    let right = Right::new(BOTH);
    let seen = AtomicUsize::new(0);
    let server = Server::start(move |req| match seen.fetch_add(1, Ordering::SeqCst) {
        0 => Resp::json(404, &json!({"message": "Not Found"})),
        1 => Resp::json(503, &json!({"message": "Service Unavailable"})),
        _ => right.answer(req),
    });
    let wait = |warm_up| Options {
        warm_up,
        only: vec![
            Pick::new("connect").unwrap(),
            Pick::new("speaks-mcp").unwrap(),
        ],
        ..options()
    };
    let report = probe(&server.url(), wait(Duration::from_secs(60)));
    assert_eq!(report.verdict, Verdict::Passed, "{report:#?}");
    assert_eq!(report.checks.len(), 2);
}

#[test]
fn an_emulators_address_is_connected_to_under_the_apis_name() {
    let right = Right::new(BOTH);
    let server = Server::start(move |req| {
        assert_eq!(req.header("host"), Some("api.test"));
        right.answer(req)
    });
    let report = probe(
        "https://api.test/mcp",
        Options {
            via: Some(Via {
                base: server.root(),
                host: Some("api.test".to_owned()),
            }),
            ..options()
        },
    );
    assert_eq!(report.verdict, Verdict::Passed, "{report:#?}");
}

#[test]
fn latency_is_judged_only_against_a_threshold() {
    let right = Right::new(BOTH);
    let server = Server::start(move |req| right.answer(req));
    for (p95_at_most, verdict) in [
        (None, Verdict::Passed),
        (Some(Duration::ZERO), Verdict::Failed),
        (Some(Duration::from_secs(3600)), Verdict::Passed),
    ] {
        let report = probe(
            &server.url(),
            Options {
                p95_at_most,
                only: vec![Pick::new("latency").unwrap()],
                ..options()
            },
        );
        assert_eq!(report.verdict, verdict, "{p95_at_most:?}");
        assert_eq!(report.checks.len(), 1);
    }
}

#[test]
fn checks_are_handed_over_as_they_are_made() {
    let right = Right::new(BOTH);
    let server = Server::start(move |req| right.answer(req));
    let options = Options {
        skip: vec![Pick::new("modern").unwrap()],
        keep_exchanges: true,
        ..options()
    };
    let mut handed = Vec::new();
    let report = Probe::new(&server.url(), options)
        .unwrap()
        .run(&mut |done| handed.push(done.clone()));
    assert_eq!(handed, report.checks);
    assert!(handed.iter().all(|done| !done.id.starts_with("modern")));
    let ping = handed.iter().find(|done| done.id == "legacy.ping").unwrap();
    assert_eq!(ping.exchanges.len(), 2);
    assert_eq!(ping.exchanges[0].status, Some(200));
    let session = ping.exchanges[0]
        .sent_headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
    assert_eq!(session.map(|(_, value)| value.as_str()), Some("…"));
}
