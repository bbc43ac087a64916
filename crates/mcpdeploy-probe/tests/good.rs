//! The good server passes, in whatever form it is good.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mcpdeploy_probe::{CallTools, Era, Options, Verdict};
use mcpdeploy_testkit::server::Server;

use crate::right::{BOTH, Good, Right, not_passed, options, probe};

fn of(id: &str) -> (String, &'static str) {
    (id.to_owned(), "skipped")
}

#[test]
fn a_good_server_passes_in_every_form() {
    for good in [
        BOTH,
        Good {
            sessions: false,
            ..BOTH
        },
        Good {
            streams: true,
            ..BOTH
        },
    ] {
        let right = Right::new(good);
        let server = Server::start(move |req| right.answer(req));
        let report = probe(
            &server.url(),
            Options {
                cors_origins: vec!["https://app.test".to_owned()],
                ..options()
            },
        );
        assert_eq!(
            not_passed(&report),
            [of("modern.tools-call[note]"), of("modern.tools-call[wipe]")],
            "{good:?}"
        );
        assert_eq!(report.verdict, Verdict::Passed);
        assert_eq!(report.counts.skipped, 2);
        assert_eq!(report.slowest.len(), 3);
        assert_eq!(report.latency.unwrap().calls, 3);
        assert_eq!(report.server.unwrap().name, "good");
    }
}

#[test]
fn an_era_that_is_not_spoken_is_told_and_no_failure() {
    for (good, era, id) in [
        (
            Good {
                modern: false,
                ..BOTH
            },
            Era::Modern,
            "modern.discover",
        ),
        (
            Good {
                legacy: false,
                ..BOTH
            },
            Era::Legacy,
            "legacy.initialize",
        ),
    ] {
        let right = Right::new(good);
        let server = Server::start(move |req| right.answer(req));
        let report = probe(&server.url(), options());
        assert_eq!(report.verdict, Verdict::Passed);
        assert!(not_passed(&report).contains(&of(id)), "{report:#?}");
        let found = report.eras.iter().find(|found| found.era == era).unwrap();
        assert!(!found.spoken && found.why.is_some(), "{found:?}");

        let report = probe(
            &server.url(),
            Options {
                require: vec![era],
                ..options()
            },
        );
        assert_eq!(report.verdict, Verdict::Failed);
        assert_eq!(report.failures().next().unwrap().id, id);
    }
}

#[test]
fn tools_are_called_once_and_only_those_that_may_be() {
    for (choice, expected) in [
        (CallTools::None, vec![]),
        (CallTools::ReadOnly, vec!["add", "add"]),
        (CallTools::All, vec!["add", "add", "note"]),
        (CallTools::Destructive, vec!["add", "add", "note", "wipe"]),
    ] {
        let right = Arc::new(Right::new(BOTH));
        let answers = Arc::clone(&right);
        let server = Server::start(move |req| answers.answer(req));
        let report = probe(
            &server.url(),
            Options {
                call_tools: choice,
                ..options()
            },
        );
        assert_eq!(report.verdict, Verdict::Passed);
        assert_eq!(*right.calls.lock().unwrap(), expected, "{choice:?}");
    }
}

#[test]
fn sessions_are_ended() {
    let right = Arc::new(Right::new(BOTH));
    let answers = Arc::clone(&right);
    let server = Server::start(move |req| answers.answer(req));
    probe(&server.url(), options());
    assert_eq!(*right.sessions.lock().unwrap(), BTreeSet::new());
    assert!(right.count.load(Ordering::SeqCst) > 1);
}
