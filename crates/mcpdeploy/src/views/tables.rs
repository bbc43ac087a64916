//! Lists that several commands show: outputs, checks, the history.

use serde::Serialize;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::style::{Paint, Theme};
use super::text;

/// The outputs of a deployment.
pub(crate) fn outputs(outputs: &Map<String, Value>, theme: &Theme) -> String {
    let mut columns = Columns::default();
    for (name, value) in outputs {
        columns.painted([(Paint::Faint, name.clone()), (Paint::Plain, output(value))]);
    }
    if columns.is_empty() {
        return "There are no outputs yet.\n".to_owned();
    }
    columns.render(theme)
}

/// Text as it is, anything else as JSON.
fn output(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// How it is.
    pub(crate) verdict: Verdict,
    /// What was looked at, e.g. `credentials`.
    pub(crate) name: String,
    /// What was found.
    pub(crate) found: String,
    /// How to mend it.
    pub(crate) mend: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// In order.
    Good,
    /// Not in order.
    Bad,
    /// Not looked at, or of no matter here.
    Skipped,
}

/// A line for each check, and below it how to mend what is not in order.
pub(crate) fn checks(checks: &[Check], theme: &Theme) -> String {
    let column = checks
        .iter()
        .map(|check| text::width(&check.name))
        .max()
        .unwrap_or(0)
        .min(theme.width / 3);
    let mut out = String::new();
    for check in checks {
        let (mark, paint) = match check.verdict {
            Verdict::Good => (theme.tick(), Paint::Good),
            Verdict::Bad => (theme.cross(), Paint::Bad),
            Verdict::Skipped => (theme.dash(), Paint::Faint),
        };
        let name = text::pad(
            &text::cut(&text::one_line(&check.name), column, theme),
            column,
        );
        let head = format!("  {} {name}  ", theme.paint(paint, mark));
        out.push_str(&text::hang(
            &head,
            &theme.ours(&text::clean(&check.found)),
            theme.width,
            &|l| l.to_owned(),
        ));
        if let Some(mend) = &check.mend {
            let head = format!(
                "{}{} ",
                " ".repeat(4 + column + 2),
                theme.paint(Paint::Accent, "help:")
            );
            out.push_str(&text::hang(
                &head,
                &theme.ours(&text::clean(mend)),
                theme.width,
                &|l| l.to_owned(),
            ));
        }
    }
    out
}

/// What is told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretRow {
    /// As deploy.toml names it.
    pub(crate) name: String,
    /// Which service keeps it.
    pub(crate) backend: &'static str,
    /// E.g. `set` or `not set`.
    pub(crate) state: &'static str,
    /// Whether it can be read.
    pub(crate) has_value: bool,
    /// When it changed last; empty when nobody knows.
    pub(crate) changed: String,
    /// How often it is rotated; empty when it is not.
    pub(crate) rotation: String,
    /// Its ARN, or what stands for it.
    pub(crate) arn: String,
}

/// A line for each secret.
pub(crate) fn secrets(rows: &[SecretRow], theme: &Theme) -> String {
    let mut table = Columns::new(&["NAME", "BACKEND", "VALUE", "CHANGED", "ROTATION", "ARN"]);
    for row in rows {
        let paint = if row.has_value {
            Paint::Good
        } else {
            Paint::Warn
        };
        let or_dash = |text: &str| match text {
            "" => theme.dash().to_string(),
            text => text.to_owned(),
        };
        table.painted([
            (Paint::Accent, row.name.clone()),
            (Paint::Plain, row.backend.to_owned()),
            (paint, row.state.to_owned()),
            (Paint::Faint, or_dash(&row.changed)),
            (Paint::Plain, or_dash(&row.rotation)),
            (Paint::Faint, row.arn.clone()),
        ]);
    }
    table.render(theme)
}

/// One apply of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    /// When, as it is to be shown.
    pub(crate) when: String,
    /// Who, and where.
    pub(crate) who: String,
    /// What changed, e.g. `2 updated, 1 published`.
    pub(crate) what: String,
    /// The version that it made live, where there are versions.
    pub(crate) version: Option<String>,
    /// Whether all went well.
    pub(crate) ok: bool,
}

/// Every apply, in the order given; `live`: the version that is.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for `mcpdeploy history`, which is not there yet")
)]
pub(crate) fn history(past: &[Past], live: Option<&str>, theme: &Theme) -> String {
    let mut columns = Columns::new(&["", "when", "version", "what", "who"]);
    for one in past {
        let (mark, paint) = if one.ok {
            (theme.tick(), Paint::Good)
        } else {
            (theme.cross(), Paint::Bad)
        };
        let version = match &one.version {
            Some(version) if live == Some(version) => format!("{version} (live)"),
            Some(version) => version.clone(),
            None => theme.dash().to_owned(),
        };
        columns.painted([
            (paint, mark.to_owned()),
            (Paint::Plain, one.when.clone()),
            (Paint::Accent, version),
            (Paint::Plain, one.what.clone()),
            (Paint::Faint, one.who.clone()),
        ]);
    }
    if columns.is_empty() {
        return "Nothing was applied yet.\n".to_owned();
    }
    columns.render(theme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists() {
        let theme = Theme::plain(80);
        let check = |verdict, name: &str, found: &str, mend: Option<&str>| Check {
            verdict,
            name: name.to_owned(),
            found: found.to_owned(),
            mend: mend.map(str::to_owned),
        };
        let found = [
            check(
                Verdict::Good,
                "credentials",
                "profile default, account 1234-5678-9012",
                None,
            ),
            check(
                Verdict::Bad,
                "cross target",
                "the Rust target aarch64-unknown-linux-musl is not installed, so that servers for Lambda on Graviton cannot be built",
                Some("rustup target add aarch64-unknown-linux-musl"),
            ),
            check(Verdict::Skipped, "docker", "not needed", None),
        ];
        insta::assert_snapshot!("checks", checks(&found, &theme));

        let past = |when: &str, version: Option<&str>, what: &str, ok| Past {
            when: when.to_owned(),
            who: "ana on ci-7".to_owned(),
            what: what.to_owned(),
            version: version.map(str::to_owned),
            ok,
        };
        let all = [
            past(
                "2026-11-03 14:02 UTC",
                Some("8"),
                "2 updated, 1 published",
                true,
            ),
            past(
                "2026-11-03 13:55 UTC",
                None,
                "1 updated, 1 failed: AccessDeniedException on the function's code",
                false,
            ),
            past("2026-11-01 09:12 UTC", Some("7"), "14 created", true),
        ];
        insta::assert_snapshot!("history", history(&all, Some("8"), &theme));

        let values = json!({"mcp_url": "https://abc123.execute-api.us-east-1.amazonaws.com/mcp", "versions": [7, 8]});
        insta::assert_snapshot!("outputs", outputs(values.as_object().unwrap(), &theme));
        assert_eq!(outputs(&Map::new(), &theme), "There are no outputs yet.\n");
    }
}
