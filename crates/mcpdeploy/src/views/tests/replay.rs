//! Recorded streams, replayed into plain text.

use mcpdeploy_engine::event::{Event, Sink};
use mcpdeploy_engine::plan::Recovered;

use super::{STREAMS, Shared, fixture};
use crate::views::errors::render_unfinished;
use crate::views::json::JsonLines;
use crate::views::outcome::Ledger;
use crate::views::progress::Human;
use crate::views::recovered;
use crate::views::style::Theme;
use crate::views::text;

fn replay(name: &str, theme: Theme) -> String {
    let out = Shared::default();
    let mut human = Human::lines(out.clone(), theme);
    let mut ledger = Ledger::default();
    let mut recovered = Vec::new();
    let mut interrupted = None;
    for event in fixture(name) {
        human.event(&event);
        ledger.event(&event);
        if let Event::Recovered {
            address,
            finding,
            from,
        } = event
        {
            interrupted = interrupted.or(from);
            recovered.push(Recovered { address, finding });
        }
    }
    let mut shown = String::new();
    if !recovered.is_empty() {
        shown.push_str(&recovered::render(interrupted.as_ref(), &recovered, &theme));
        shown.push('\n');
    }
    shown.push_str(&out.text());
    if !ledger.is_complete() {
        shown.push('\n');
        let help = [
            "this plan needs 23 permissions; see which are missing: mcpdeploy permissions --check"
                .to_owned(),
        ];
        let (help, next) = match ledger.stopped {
            Some(_) => (&help[..0], "mcpdeploy apply goes on from here"),
            None => (
                &help[..],
                "when it is mended, run mcpdeploy apply again; it goes on from here.",
            ),
        };
        shown.push_str(&render_unfinished(&ledger, help, next, &theme));
    }
    shown
}

#[test]
fn streams_as_plain_text() {
    for (name, _) in STREAMS {
        for (width, unicode) in [(80, true), (120, true), (80, false)] {
            let theme = Theme {
                unicode,
                ..Theme::plain(width)
            };
            let shown = replay(name, theme);
            for line in shown.lines() {
                assert!(text::width(line) <= width, "{name} at {width}: {line}");
                assert!(unicode || line.is_ascii(), "{name}: {line}");
            }
            let ascii = if unicode { "" } else { "_ascii" };
            insta::assert_snapshot!(format!("replay_{name}_{width}{ascii}"), shown);
        }
    }
}

#[test]
fn streams_as_json_are_what_was_recorded() {
    for (name, recorded) in STREAMS {
        let mut out = Vec::new();
        let mut lines = JsonLines::new(&mut out);
        for event in fixture(name) {
            lines.event(&event);
        }
        assert_eq!(String::from_utf8(out).unwrap(), recorded, "{name}");
    }
}

#[test]
fn what_came_of_a_run() {
    for (name, _) in STREAMS {
        let mut ledger = Ledger::default();
        for event in fixture(name) {
            ledger.event(&event);
        }
        let expected = !["failing", "cancelled"].contains(&name);
        assert_eq!(ledger.is_complete(), expected, "{name}");
        let summary = ledger.summary.clone().unwrap();
        let all = ledger.done() + summary.failed + summary.skipped + summary.cancelled;
        assert_eq!(all, ledger.steps, "{name}");
        assert_eq!(ledger.failures.len(), summary.failed, "{name}");
    }
}
