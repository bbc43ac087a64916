//! What state an alarm is in, by its points. No clock, no storage: points in, verdict out.
//!
//! Source: "Evaluating an alarm" and "Configuring how alarms treat missing data" in the user guide,
//! whose tables are the tests below.

use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::{Comparison, MetricWatch, StateValue};
use crate::services::cloudwatch::input::at;

/// How many periods before the evaluated ones are looked at when points are missing.
const MORE: i64 = 2;

/// A state, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) value: StateValue,
    pub(super) reason: String,
    /// The points that were evaluated, newest first: seconds since 1970 and values.
    pub(super) evaluated: Vec<(i64, f64)>,
}

/// The periods that are looked at: from, to, in seconds since 1970.
pub(super) fn window(watch: &MetricWatch, period: i64, now: OffsetDateTime) -> (i64, i64) {
    let grain = period.min(60);
    let now = now.unix_timestamp();
    let complete = now - now.rem_euclid(grain);
    // A sum or a maximum that is beyond the threshold stays so when its minute completes; one that
    // is not yet above a lower threshold may still get there.
    let end = match watch.comparison {
        Comparison::GreaterOrEqual | Comparison::Greater => complete + grain,
        Comparison::Less | Comparison::LessOrEqual => complete,
    };
    (end - period * (watch.evaluation_periods + MORE), end)
}

/// Tells the state by the points of the window, oldest first, or nothing when it stays what it is.
pub(super) fn judge(
    watch: &MetricWatch,
    points: &[(i64, f64)],
    before: StateValue,
) -> Option<Verdict> {
    let wanted = usize::try_from(watch.evaluation_periods).unwrap_or(usize::MAX);
    let needed = watch
        .datapoints_to_alarm
        .unwrap_or(watch.evaluation_periods);
    let needed = usize::try_from(needed).unwrap_or(usize::MAX);
    let evaluated: Vec<(i64, f64)> = points.iter().rev().take(wanted).copied().collect();
    let breaching = evaluated
        .iter()
        .filter(|(_, value)| breaches(watch, *value))
        .count();
    let missing = wanted - evaluated.len();
    let treatment = watch.treat_missing_data.as_deref().unwrap_or("missing");
    let alarm = match treatment {
        "breaching" => breaching + missing >= needed,
        "notBreaching" => breaching >= needed,
        // Those that are there decide.
        _ if evaluated.is_empty() => return by_nothing(watch, treatment),
        "ignore" => {
            let enough = breaching >= needed;
            if !enough && breaching >= needed.min(evaluated.len()) {
                return None;
            }
            enough
        }
        _ => breaching >= needed.min(evaluated.len()),
    };
    let value = if alarm {
        StateValue::Alarm
    } else {
        StateValue::Ok
    };
    let filled = ["breaching", "notBreaching"]
        .contains(&treatment)
        .then_some((treatment, missing));
    let reason = if evaluated.is_empty() {
        no_points(watch, treatment)
    } else {
        reason(watch, value, before, &evaluated, breaching, filled)
    };
    Some(Verdict {
        value,
        reason,
        evaluated,
    })
}

fn by_nothing(watch: &MetricWatch, treatment: &str) -> Option<Verdict> {
    let wanted = watch.evaluation_periods;
    (treatment != "ignore").then(|| Verdict {
        value: StateValue::InsufficientData,
        reason: if wanted == 1 {
            "Insufficient Data: 1 datapoint was unknown.".to_owned()
        } else {
            format!("Insufficient Data: {wanted} datapoints were unknown.")
        },
        evaluated: Vec::new(),
    })
}

fn breaches(watch: &MetricWatch, value: f64) -> bool {
    match watch.comparison {
        Comparison::GreaterOrEqual => value >= watch.threshold,
        Comparison::Greater => value > watch.threshold,
        Comparison::Less => value < watch.threshold,
        Comparison::LessOrEqual => value <= watch.threshold,
    }
}

fn treated(treatment: &str) -> &'static str {
    if treatment == "breaching" {
        "Breaching"
    } else {
        "NonBreaching"
    }
}

fn no_points(watch: &MetricWatch, treatment: &str) -> String {
    let wanted = watch.evaluation_periods;
    let (periods, points, were) = if wanted == 1 {
        ("period", "datapoint", "was")
    } else {
        ("periods", "datapoints", "were")
    };
    format!(
        "Threshold Crossed: no datapoints were received for {wanted} {periods} and {wanted} missing {points} {were} treated as [{}].",
        treated(treatment)
    )
}

fn reason(
    watch: &MetricWatch,
    value: StateValue,
    before: StateValue,
    evaluated: &[(i64, f64)],
    breaching: usize,
    filled: Option<(&str, usize)>,
) -> String {
    let comparison = match watch.comparison {
        Comparison::GreaterOrEqual => "greater than or equal to",
        Comparison::Greater => "greater than",
        Comparison::Less => "less than",
        Comparison::LessOrEqual => "less than or equal to",
    };
    let alarm = value == StateValue::Alarm;
    let counted = if alarm {
        breaching
    } else {
        evaluated.len() - breaching
    };
    let shown: Vec<String> = evaluated
        .iter()
        .filter(|(_, point)| breaches(watch, *point) == alarm)
        .map(|(second, point)| format!("{point:?} ({})", day(*second)))
        .collect();
    let (was, not) = (
        if counted == 1 { "was" } else { "were" },
        if alarm { "" } else { " not" },
    );
    let needed = watch
        .datapoints_to_alarm
        .unwrap_or(watch.evaluation_periods);
    let least = if alarm {
        needed
    } else {
        watch.evaluation_periods - needed + 1
    };
    let mut text = format!(
        "Threshold Crossed: {counted} out of the last {} datapoints [{}] {was}{not} {comparison} the threshold ({:?})",
        evaluated.len(),
        shown.join(", "),
        watch.threshold,
    );
    if let Some((treatment, missing)) = filled
        && missing > 0
    {
        let (points, were) = if missing == 1 {
            ("datapoint", "was")
        } else {
            ("datapoints", "were")
        };
        text.push_str(&format!(
            " and {missing} missing {points} {were} treated as [{}]",
            treated(treatment)
        ));
    }
    let (from, to) = if alarm {
        ("OK", "ALARM")
    } else {
        ("ALARM", "OK")
    };
    let from = if before == StateValue::InsufficientData && alarm {
        "OK"
    } else {
        from
    };
    let points = if least == 1 {
        "datapoint"
    } else {
        "datapoints"
    };
    text.push_str(&format!(
        " (minimum {least} {points} for {from} -> {to} transition)."
    ));
    text
}

/// `21/11/26 12:20:00`.
fn day(second: i64) -> String {
    let format = format_description!("[day]/[month]/[year repr:last_two] [hour]:[minute]:[second]");
    at(second * 1000).format(&format).unwrap_or_default()
}

/// `2026-11-21T12:20:00.000+0000`, as AWS writes moments within texts.
pub(super) fn stamp(millis: i64) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000"
    );
    at(millis).format(&format).unwrap_or_default()
}

/// What a verdict is founded on, as JSON in a text (StateReasonData).
pub(super) fn reason_data(
    watch: &MetricWatch,
    period: i64,
    statistic: Option<&str>,
    verdict: &Verdict,
    now: i64,
) -> String {
    let start = verdict
        .evaluated
        .last()
        .map(|(second, _)| stamp(second * 1000));
    let points: Vec<f64> = verdict
        .evaluated
        .iter()
        .rev()
        .map(|(_, value)| *value)
        .collect();
    let evaluated: Vec<_> = verdict
        .evaluated
        .iter()
        .map(|(second, value)| json!({"timestamp": stamp(second * 1000), "value": value}))
        .collect();
    let mut data = json!({
        "version": "1.0",
        "queryDate": stamp(now),
        "period": period,
        "recentDatapoints": points,
        "threshold": watch.threshold,
        "evaluatedDatapoints": evaluated,
    });
    if let Some(start) = start {
        data["startDate"] = start.into();
    }
    if let Some(statistic) = statistic {
        data["statistic"] = statistic.into();
    }
    data.to_string()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::services::cloudwatch::alarms::Points;
    use crate::services::cloudwatch::metrics::{Metric, MetricStat};

    fn watch(periods: i64, datapoints: Option<i64>, missing: &str) -> MetricWatch {
        MetricWatch {
            points: Points::One(MetricStat {
                metric: Metric {
                    namespace: "N".into(),
                    name: "M".into(),
                    dimensions: Vec::new(),
                },
                period: 60,
                statistic: "Sum".into(),
                unit: None,
            }),
            evaluation_periods: periods,
            datapoints_to_alarm: datapoints,
            threshold: 5.0,
            comparison: Comparison::Greater,
            treat_missing_data: Some(missing.into()),
            low_sample_count: None,
        }
    }

    /// `0 - X`: fine, missing, breaching; the newest last. Answers with the new state, `=` when it
    /// stays what it is.
    fn state(points: &str, periods: i64, datapoints: i64, missing: &str) -> &'static str {
        let points: Vec<(i64, f64)> = points
            .split(' ')
            .zip((0..).step_by(60))
            .filter_map(|(point, second)| match point {
                "X" => Some((second, 9.0)),
                "0" => Some((second, 0.0)),
                _ => None,
            })
            .collect();
        let verdict = judge(
            &watch(periods, Some(datapoints), missing),
            &points,
            StateValue::Ok,
        );
        verdict.map_or("=", |verdict| verdict.value.name())
    }

    #[test]
    fn missing_data_is_treated_as_the_user_guide_says() {
        let none = "INSUFFICIENT_DATA";
        // Points, periods, datapoints to alarm: missing, ignore, breaching, notBreaching.
        for (points, periods, datapoints, wanted) in [
            ("0 - X - X", 3, 3, ["OK", "OK", "OK", "OK"]),
            ("- - - - 0", 3, 3, ["OK", "OK", "OK", "OK"]),
            ("- - - - -", 3, 3, [none, "=", "ALARM", "OK"]),
            ("0 X X - X", 3, 3, ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("- - X - -", 3, 3, ["ALARM", "=", "ALARM", "OK"]),
            ("0 - X - X", 3, 2, ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("0 0 X 0 X", 3, 2, ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("0 - X - -", 3, 2, ["OK", "OK", "ALARM", "OK"]),
            ("- - - - 0", 3, 2, ["OK", "OK", "ALARM", "OK"]),
            ("- - - - X", 3, 2, ["ALARM", "=", "ALARM", "OK"]),
            ("- - -", 1, 1, [none, "=", "ALARM", "OK"]),
            ("X - -", 1, 1, ["ALARM", "ALARM", "ALARM", "ALARM"]),
            ("X X 0", 1, 1, ["OK", "OK", "OK", "OK"]),
        ] {
            let found = ["missing", "ignore", "breaching", "notBreaching"]
                .map(|missing| state(points, periods, datapoints, missing));
            assert_eq!(found, wanted, "{points}, {datapoints} of {periods}");
        }
    }

    #[test]
    fn reasons_read_as_those_of_aws() {
        let second = datetime!(2026-11-21 12:20:00 UTC).unix_timestamp();
        let reason = |periods, datapoints, missing, points: &[(i64, f64)]| {
            judge(&watch(periods, datapoints, missing), points, StateValue::Ok)
                .unwrap()
                .reason
        };
        assert_eq!(
            reason(1, None, "missing", &[(second, 6.0)]),
            "Threshold Crossed: 1 out of the last 1 datapoints [6.0 (21/11/26 12:20:00)] was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition)."
        );
        assert_eq!(
            reason(
                3,
                Some(2),
                "notBreaching",
                &[(second - 60, 7.5), (second, 6.0)]
            ),
            "Threshold Crossed: 2 out of the last 2 datapoints [6.0 (21/11/26 12:20:00), 7.5 (21/11/26 12:19:00)] were greater than the threshold (5.0) and 1 missing datapoint was treated as [NonBreaching] (minimum 2 datapoints for OK -> ALARM transition)."
        );
        assert_eq!(
            reason(1, None, "missing", &[(second, 1.0)]),
            "Threshold Crossed: 1 out of the last 1 datapoints [1.0 (21/11/26 12:20:00)] was not greater than the threshold (5.0) (minimum 1 datapoint for ALARM -> OK transition)."
        );
        assert_eq!(
            reason(1, None, "missing", &[]),
            "Insufficient Data: 1 datapoint was unknown."
        );
        assert_eq!(
            reason(2, None, "notBreaching", &[]),
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching]."
        );
    }

    #[test]
    fn comparisons_have_their_edges() {
        for (comparison, wanted) in [
            (Comparison::GreaterOrEqual, [false, true, true]),
            (Comparison::Greater, [false, false, true]),
            (Comparison::Less, [true, false, false]),
            (Comparison::LessOrEqual, [true, true, false]),
        ] {
            let watch = MetricWatch {
                comparison,
                ..watch(1, None, "missing")
            };
            assert_eq!(
                [4.0, 5.0, 6.0].map(|value| breaches(&watch, value)),
                wanted,
                "{comparison:?}"
            );
        }
    }

    #[test]
    fn windows_end_with_the_minute() {
        let now = datetime!(2026-11-21 12:20:30 UTC);
        let minute = datetime!(2026-11-21 12:20:00 UTC).unix_timestamp();
        let above = watch(1, None, "missing");
        let below = MetricWatch {
            comparison: Comparison::Less,
            ..above.clone()
        };
        assert_eq!(window(&above, 300, now), (minute + 60 - 900, minute + 60));
        assert_eq!(window(&below, 60, now), (minute - 180, minute));
        assert_eq!(window(&above, 10, now), (minute + 40 - 30, minute + 40));
    }
}
