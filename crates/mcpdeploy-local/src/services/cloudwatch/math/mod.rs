//! Metric math: expressions of GetMetricData and of alarms. Source: "Using math expressions with
//! CloudWatch metrics" in the user guide.
//!
//! It must not know where points come from.

mod evaluate;
mod functions;
mod parse;

pub(super) use evaluate::{Evaluator, Grid, Series, Term};
pub(super) use parse::Expression;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn series(points: &[(i64, f64)]) -> Series {
        Series {
            label: "m".to_owned(),
            period: 60,
            points: points.iter().copied().collect(),
        }
    }

    /// Three metrics over five minutes: `errors`, `invocations` (none in the last minute), `rare`.
    fn run(expression: &str) -> Result<Vec<Series>, String> {
        let errors = series(&[(0, 1.0), (60, 0.0), (120, 4.0), (180, 2.0)]);
        let invocations = series(&[(0, 10.0), (60, 0.0), (120, 8.0), (180, 4.0)]);
        let rare = series(&[(60, 3.0), (180, 9.0)]);
        let metrics: Vec<(String, Series)> = [
            ("errors", errors),
            ("invocations", invocations),
            ("rare", rare),
        ]
        .map(|(id, series)| (id.to_owned(), series))
        .to_vec();
        let mut terms: BTreeMap<&str, Term> = metrics
            .iter()
            .map(|(id, s)| (id.as_str(), Term::Series(s.clone())))
            .collect();
        terms.insert("half", Term::Expression(Expression::read("errors / 2")?));
        terms.insert("loop", Term::Expression(Expression::read("loop + 1")?));
        terms.insert("e", Term::Expression(Expression::read(expression)?));
        let grid = Grid {
            start: 0,
            end: 300,
            period: 60,
        };
        Evaluator::new(&terms, &metrics, grid).series("e")
    }

    #[track_caller]
    fn check(expression: &str, wanted: &[(i64, f64)]) {
        let found = run(expression).unwrap_or_else(|why| panic!("{expression}: {why}"));
        let [found] = found.as_slice() else {
            panic!("{expression}: {} series", found.len());
        };
        let points: Vec<(i64, f64)> = found
            .points
            .iter()
            .map(|(at, value)| (*at, *value))
            .collect();
        assert_eq!(points, wanted, "{expression}");
    }

    #[test]
    fn arithmetic() {
        check("errors + 1", &[(0, 2.0), (60, 1.0), (120, 5.0), (180, 3.0)]);
        check("errors + rare", &[(60, 3.0), (180, 11.0)]);
        check(
            "-errors",
            &[(0, -1.0), (60, -0.0), (120, -4.0), (180, -2.0)],
        );
        check("rare - 2 * 3 ^ 2 / 9", &[(60, 1.0), (180, 7.0)]);
        check("(rare - 2) * 3", &[(60, 3.0), (180, 21.0)]);
        check("2 ^ 3 ^ 2 + rare", &[(60, 515.0), (180, 521.0)]);
        // What cannot be divided gives no point.
        check(
            "100 * errors / invocations",
            &[(0, 10.0), (120, 50.0), (180, 50.0)],
        );
        // The alarm on the rate of errors of our own deployments.
        check(
            "100 * errors / MAX([invocations, 1])",
            &[(0, 10.0), (60, 0.0), (120, 50.0), (180, 50.0)],
        );
        check("half", &[(0, 0.5), (60, 0.0), (120, 2.0), (180, 1.0)]);
    }

    #[test]
    fn comparisons() {
        check("rare > 5", &[(60, 0.0), (180, 1.0)]);
        check("rare >= 3 AND rare < 9", &[(60, 1.0), (180, 0.0)]);
        check("rare == 3 OR rare != 9", &[(60, 1.0), (180, 0.0)]);
        check("rare <= 3 || rare > 8 && 1", &[(60, 1.0), (180, 1.0)]);
        check("IF(rare > 5, rare, 0)", &[(60, 0.0), (180, 9.0)]);
        check(
            "IF(invocations, errors, -1)",
            &[(0, 1.0), (60, -1.0), (120, 4.0), (180, 2.0)],
        );
        check("IF(1, rare, errors)", &[(60, 3.0), (180, 9.0)]);
        check("IF(rare > 5, errors)", &[(180, 2.0)]);
    }

    #[test]
    fn functions_of_one_series() {
        check(
            "FILL(rare, 0)",
            &[(0, 0.0), (60, 3.0), (120, 0.0), (180, 9.0), (240, 0.0)],
        );
        check(
            "FILL(rare, REPEAT)",
            &[(60, 3.0), (120, 3.0), (180, 9.0), (240, 9.0)],
        );
        check("FILL(rare, LINEAR)", &[(60, 3.0), (120, 6.0), (180, 9.0)]);
        check(
            "FILL(rare, errors)",
            &[(0, 1.0), (60, 3.0), (120, 4.0), (180, 9.0)],
        );
        check("RATE(rare)", &[(180, 0.05)]);
        check("DIFF(errors)", &[(60, -1.0), (120, 4.0), (180, -2.0)]);
        check("DIFF_TIME(rare)", &[(180, 120.0)]);
        check(
            "RUNNING_SUM(errors)",
            &[(0, 1.0), (60, 1.0), (120, 5.0), (180, 7.0)],
        );
        check("rare / PERIOD(rare)", &[(60, 0.05), (180, 0.15)]);
        check("rare - AVG(rare)", &[(60, -3.0), (180, 3.0)]);
        check(
            "rare + SUM(errors) + MAX(errors) + MIN(errors)",
            &[(60, 14.0), (180, 20.0)],
        );
        check(
            "rare * 0 + FIRST(rare) + LAST(rare) + DATAPOINT_COUNT(rare)",
            &[(60, 14.0), (180, 14.0)],
        );
        check(
            "ABS(-rare) + CEIL(0.5) + FLOOR(0.5)",
            &[(60, 4.0), (180, 10.0)],
        );
        check(
            "LOG10(rare * 0 + 100) + LOG(rare * 0 + 1)",
            &[(60, 2.0), (180, 2.0)],
        );
        check(
            "TIME_SERIES(7)",
            &[(0, 7.0), (60, 7.0), (120, 7.0), (180, 7.0), (240, 7.0)],
        );
        check(
            "MINUTE(rare) + HOUR(rare) + DAY(rare) + YEAR(rare)",
            &[(60, 1975.0), (180, 1977.0)],
        );
        check("STDDEV([rare, rare + 2])", &[(60, 1.0), (180, 1.0)]);
    }

    #[test]
    fn functions_of_several_series() {
        check(
            "SUM([errors, rare])",
            &[(0, 1.0), (60, 3.0), (120, 4.0), (180, 11.0)],
        );
        check(
            "AVG([errors, rare])",
            &[(0, 1.0), (60, 1.5), (120, 4.0), (180, 5.5)],
        );
        check(
            "SUM(METRICS())",
            &[(0, 11.0), (60, 3.0), (120, 12.0), (180, 15.0)],
        );
        check(
            "MAX(METRICS(\"r\"))",
            &[(0, 1.0), (60, 3.0), (120, 4.0), (180, 9.0)],
        );
        check("rare * METRIC_COUNT(METRICS())", &[(60, 9.0), (180, 27.0)]);
        check(
            "SUM(METRICS() * 2)",
            &[(0, 22.0), (60, 6.0), (120, 24.0), (180, 30.0)],
        );
        check(
            "SUM(SLICE(METRICS(), 0, 2))",
            &[(0, 11.0), (60, 0.0), (120, 12.0), (180, 6.0)],
        );
        check(
            "SUM(SLICE(SORT(METRICS(), SUM, ASC), 0, 1))",
            &[(0, 1.0), (60, 0.0), (120, 4.0), (180, 2.0)],
        );
        assert_eq!(run("METRICS()").unwrap().len(), 3);
        assert_eq!(
            run("REMOVE_EMPTY([rare, IF(rare > 99, rare)])")
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn what_is_no_expression() {
        for expression in [
            "",
            "1 +",
            "(errors",
            "errors errors",
            "errors @ 2",
            "NOTHING(errors)",
            "missing + 1",
            "loop",
            "SEARCH('{AWS/Lambda,FunctionName}', 'Sum', 300)",
            "ANOMALY_DETECTION_BAND(errors)",
            "AVG(errors)",
            "5",
            "RATE()",
            "RATE(1)",
            "FILL(errors)",
            "errors + \"x\"",
            "[errors",
            "IF(errors)",
            "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((errors",
        ] {
            assert!(run(expression).is_err(), "{expression}");
        }
    }
}
