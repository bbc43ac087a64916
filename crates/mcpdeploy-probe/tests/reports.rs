//! The report for other programs: JSON by its schema, and JUnit XML.

use std::path::Path;

use mcpdeploy_probe::{
    CheckDone, Counts, Exchange, FORMAT, Outcome, Report, Verdict, schema, to_junit,
};
use mcpdeploy_testkit::server::Server;
use serde_json::Value;

use crate::right::{BOTH, Right, options, probe};

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let (file, schema) = schema::report();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../state-schemas")
        .join(file);
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        #[expect(
            clippy::disallowed_methods,
            reason = "a file of the sources, written by hand"
        )]
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{file} is old: make schemas");
}

#[test]
fn a_report_is_as_its_schema_says_and_reads_back() {
    let right = Right::new(BOTH);
    let server = Server::start(move |req| right.answer(req));
    let mut options = options();
    options.keep_exchanges = true;
    let report = probe(&server.url(), options);
    let json = serde_json::to_value(&report).unwrap();
    let validator = jsonschema::validator_for(&schema::report().1).unwrap();
    if let Err(error) = validator.validate(&json) {
        panic!("{error} at {}", error.instance_path());
    }
    let back: Report = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(back, report);
    // What it came out as stands beside the id, not in an object of its own.
    assert_eq!(json["checks"][0]["outcome"], Value::from("passed"));
}

fn done(id: &str, subject: Option<&str>, outcome: Outcome) -> CheckDone {
    CheckDone {
        id: id.to_owned(),
        subject: subject.map(str::to_owned),
        title: "it is so".to_owned(),
        outcome,
        duration_us: 1500,
        page: None,
        exchanges: Vec::new(),
    }
}

#[test]
fn junit_has_a_suite_for_each_group() {
    let mut failed = done(
        "legacy.tools-call",
        Some("a<b"),
        Outcome::Failed {
            why: "it is \"wrong\" & so on\u{1}".to_owned(),
            hint: Some("mend it".to_owned()),
        },
    );
    failed.exchanges.push(Exchange {
        request: "POST http://x.test/mcp".to_owned(),
        sent_headers: Vec::new(),
        sent: "{}".to_owned(),
        status: Some(500),
        received_headers: Vec::new(),
        received: "]]> broken".to_owned(),
        duration_us: 1,
    });
    let report = Report {
        format: FORMAT,
        url: "http://x.test/mcp".to_owned(),
        verdict: Verdict::Failed,
        server: None,
        eras: Vec::new(),
        login: None,
        counts: Counts::default(),
        latency: None,
        slowest: Vec::new(),
        duration_us: 3_000_000,
        checks: vec![
            done("transport.connect", None, Outcome::Passed { note: None }),
            failed,
            done(
                "legacy.get",
                None,
                Outcome::Skipped {
                    why: "no time".to_owned(),
                },
            ),
            done(
                "transport.latency",
                None,
                Outcome::Warned {
                    why: "slow".to_owned(),
                    hint: None,
                },
            ),
        ],
    };
    let xml = to_junit(&report).unwrap();
    for part in [
        r#"tests="4" skipped="1" failures="1" errors="0""#,
        r#"<testsuite name="transport" tests="2""#,
        r#"<testsuite name="legacy" tests="2""#,
        r#"name="tools-call a&lt;b" classname="mcp.legacy" time="0.002""#,
        r#"message="it is &quot;wrong&quot; &amp; so on""#,
        "help: mend it",
        "&lt; HTTP 500 ]]&gt; broken",
        r#"<skipped message="no time"/>"#,
        "<system-out>warning: slow</system-out>",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
}
