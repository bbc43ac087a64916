//! Plans as text.

use std::collections::BTreeMap;

use mcpdeploy_engine::plan::Plan;
use mcpdeploy_engine::record::RunInfo;
use serde_json::json;

use super::{legible, samples};
use crate::views::plan::{PlanContext, about, render_plan};
use crate::views::style::Theme;
use crate::views::text;

fn context() -> PlanContext {
    PlanContext {
        command: "plan",
        region: Some("us-east-1".to_owned()),
        account: Some("123456789012".to_owned()),
        cost: Some("1.92 → 1.61 USD a month".to_owned()),
        interrupted: Some(RunInfo {
            run: "r".to_owned(),
            at: "2026-11-03T14:02:11Z".to_owned(),
            pid: 4711,
            host: "ci-7".to_owned(),
            command: "apply".to_owned(),
        }),
        notes: BTreeMap::from([(
            "aws.lambda.version.calculator".parse().unwrap(),
            "version 7 stays for rollback".to_owned(),
        )]),
        sizes: BTreeMap::from([(samples::NEW_CODE.to_owned(), 2_718_281)]),
        next: Some("mcpdeploy apply        (saved with --out FILE: apply exactly this)".to_owned()),
        ..PlanContext::default()
    }
}

#[test]
fn plans_as_text() {
    let plans: [(&str, Plan); 3] = [
        ("update", samples::update()),
        ("everything", samples::everything()),
        ("hostile", samples::hostile()),
    ];
    for (name, plan) in plans {
        for (width, color, unicode, verbose) in [
            (80, false, true, false),
            (120, false, true, false),
            (80, true, true, false),
            (120, true, true, false),
            (80, false, false, false),
            (100, false, true, true),
        ] {
            let theme = Theme {
                color,
                unicode,
                width,
            };
            let context = PlanContext {
                verbose,
                estimated: Some(about(&plan)),
                ..context()
            };
            let shown = render_plan(&plan, &context, &theme);
            for line in shown.lines() {
                assert!(text::width(line) <= width, "{name} at {width}: {line}");
                assert!(color || !line.contains('\u{1b}'), "{name}: {line:?}");
                assert!(
                    unicode || line.is_ascii() || name == "hostile",
                    "{name}: {line}"
                );
                assert!(line == line.trim_end(), "{name}: {line:?}");
                assert!(!line.contains("mcpdeploy:"), "{name}: {line}");
            }
            let flags = [
                (color, "_color"),
                (!unicode, "_ascii"),
                (verbose, "_verbose"),
            ];
            let flags: String = flags
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, flag)| *flag)
                .collect();
            if name != "hostile" || width == 80 && !color {
                insta::assert_snapshot!(format!("plan_{name}_{width}{flags}"), legible(&shown));
            }
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    for plan in [samples::update(), samples::everything()] {
        let plain = render_plan(&plan, &context(), &Theme::plain(80));
        let coloured = render_plan(
            &plan,
            &context(),
            &Theme {
                color: true,
                ..Theme::plain(80)
            },
        );
        let mut stripped = String::new();
        for (index, part) in coloured.split("\u{1b}[").enumerate() {
            stripped.push_str(if index == 0 {
                part
            } else {
                part.split_once('m').unwrap().1
            });
        }
        assert_eq!(stripped, plain);
    }
}

#[test]
fn plans_of_nothing() {
    let check = |parts: serde_json::Value, expected: &str| {
        let shown = render_plan(
            &samples::plan(parts),
            &PlanContext::default(),
            &Theme::plain(80),
        );
        assert_eq!(shown.lines().nth(2), Some(expected), "{shown}");
    };
    let moved = json!([{"moved": {"from": "mcpdeploy.data.a", "to": "mcpdeploy.data.b"}}]);
    check(json!({}), "No changes. The cloud is as deploy.toml says.");
    check(
        json!({"preamble": moved}),
        "No changes. The cloud is as deploy.toml says; apply brings the state up to date",
    );
    check(
        json!({"options": {"mode": "destroy"}}),
        "Nothing is there to be destroyed.",
    );
    check(
        json!({"options": {"mode": "refresh_only"}}),
        "The state is as the cloud is.",
    );
    check(
        json!({"options": {"mode": "refresh_only"}, "preamble": moved}),
        "Apply takes into the state what was found; it changes nothing in the cloud.",
    );
}

#[test]
fn the_estimate_is_the_longest_chain() {
    assert_eq!(about(&samples::update()).as_millis(), 7_700);
    assert_eq!(about(&samples::plan(json!({}))).as_millis(), 0);
}
