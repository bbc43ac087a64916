//! Statistics: of a period's values, one number. Source: "CloudWatch statistics definitions".

use super::aggregate::Aggregate;

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// `p95`: so many in a hundred are not larger.
    Percentile(f64),
    /// Of the values within a range only.
    Within(Measure, Range),
}

/// What is told of the values within a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Measure {
    /// `tm`: their average.
    TrimmedMean,
    /// `wm`: the average of all, those outside being set to the range's ends.
    WinsorizedMean,
    /// `tc`: how many they are.
    TrimmedCount,
    /// `ts`: their sum.
    TrimmedSum,
    /// `PR`: how many of a hundred they are.
    PercentileRank,
}

/// A range of values: more than the lower end, up to the upper end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Range {
    /// In parts of a hundred of all values.
    Percent(f64, f64),
    /// As values.
    Values(f64, f64),
}

impl Statistic {
    /// Reads `Sum`, `p99.9`, `tm90`, `TM(10%:90%)`, `PR(:300)`, `IQM`.
    pub(in super::super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "IQM" | "iqm" => Self::Within(Measure::TrimmedMean, Range::Percent(25.0, 75.0)),
            _ => {
                let at = text.find(|c: char| !c.is_ascii_alphabetic())?;
                let (kind, rest) = text.split_at(at);
                match (kind, rest.strip_prefix('(')) {
                    ("p", None) => Self::Percentile(percent(rest)?),
                    ("pr" | "PR", Some(range)) => match range_of(range)? {
                        range @ Range::Values(..) => Self::Within(Measure::PercentileRank, range),
                        Range::Percent(..) => return None,
                    },
                    (kind, Some(range)) => Self::Within(measure(kind)?, range_of(range)?),
                    (kind, None) => {
                        Self::Within(measure(kind)?, Range::Percent(0.0, percent(rest)?))
                    }
                }
            }
        })
    }

    /// Whether it is one of the five that always were: `Statistic`, not `ExtendedStatistic`.
    pub(in super::super) fn is_simple(self) -> bool {
        match self {
            Self::SampleCount | Self::Average | Self::Sum | Self::Minimum | Self::Maximum => true,
            Self::Percentile(_) | Self::Within(..) => false,
        }
    }

    /// The statistic of what was measured; nothing when it cannot be told.
    pub(super) fn of(self, parts: &[&Aggregate]) -> Option<f64> {
        let count: f64 = parts.iter().map(|part| part.count).sum();
        if count <= 0.0 {
            return None;
        }
        let sum = || parts.iter().map(|part| part.sum).sum::<f64>();
        let value = match self {
            Self::SampleCount => count,
            Self::Average => sum() / count,
            Self::Sum => sum(),
            Self::Minimum => parts
                .iter()
                .map(|part| part.min)
                .fold(f64::INFINITY, f64::min),
            Self::Maximum => parts
                .iter()
                .map(|part| part.max)
                .fold(f64::NEG_INFINITY, f64::max),
            Self::Percentile(percent) => percentile(&values(parts)?, percent)?,
            Self::Within(measure, range) => within(&values(parts)?, measure, range)?,
        };
        value.is_finite().then_some(value)
    }
}

fn percent(text: &str) -> Option<f64> {
    let fits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let number: f64 = text.parse().ok()?;
    (fits && (0.0..=100.0).contains(&number)).then_some(number)
}

fn measure(kind: &str) -> Option<Measure> {
    Some(match kind {
        "tm" | "TM" => Measure::TrimmedMean,
        "wm" | "WM" => Measure::WinsorizedMean,
        "tc" | "TC" => Measure::TrimmedCount,
        "ts" | "TS" => Measure::TrimmedSum,
        _ => return None,
    })
}

/// Reads `10%:90%)`, `:99%)`, `100:2000)`.
fn range_of(text: &str) -> Option<Range> {
    let (low, high) = text.strip_suffix(')')?.split_once(':')?;
    if low.ends_with('%') || high.ends_with('%') {
        let end = |text: &str, open: f64| match text {
            "" => Some(open),
            text => percent(text.strip_suffix('%')?),
        };
        let (low, high) = (end(low, 0.0)?, end(high, 100.0)?);
        return (low < high).then_some(Range::Percent(low, high));
    }
    let end = |text: &str, open: f64| match text {
        "" => Some(open),
        text => text.parse().ok().filter(|number: &f64| number.is_finite()),
    };
    let (low, high) = (end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?);
    (low < high && (low.is_finite() || high.is_finite())).then_some(Range::Values(low, high))
}

/// All values and how often each, by value; nothing when some are not known, or below zero: of such
/// CloudWatch tells no percentiles.
fn values(parts: &[&Aggregate]) -> Option<Vec<(f64, f64)>> {
    if parts.iter().any(|part| part.opaque || part.min < 0.0) {
        return None;
    }
    let mut all: Vec<(f64, f64)> = parts
        .iter()
        .flat_map(|part| &part.values)
        .copied()
        .collect();
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    Some(all)
}

/// Between the two values next to the place, in proportion.
fn percentile(values: &[(f64, f64)], percent: f64) -> Option<f64> {
    let count: f64 = values.iter().map(|(_, count)| count).sum();
    let place = (count - 1.0).max(0.0) * percent / 100.0;
    let mut before = 0.0;
    let mut last: Option<f64> = None;
    for &(value, count) in values {
        // This value takes the places `before` to `before + count - 1`.
        if place <= before {
            return Some(match last {
                Some(last) => value - (value - last) * (before - place),
                None => value,
            });
        }
        before += count;
        if place <= before - 1.0 {
            return Some(value);
        }
        last = Some(value);
    }
    last
}

fn within(values: &[(f64, f64)], measure: Measure, range: Range) -> Option<f64> {
    let all: f64 = values.iter().map(|(_, count)| count).sum();
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let (mut below, mut above) = (0.0, 0.0);
    let mut passed = 0.0;
    for &(value, count) in values {
        let (under, inside) = match range {
            Range::Values(low, _) if value <= low => (count, 0.0),
            Range::Values(_, high) if value > high => (0.0, 0.0),
            Range::Values(..) => (0.0, count),
            Range::Percent(low, high) => {
                let (low, high) = (all * low / 100.0, all * high / 100.0);
                let under = (low - passed).clamp(0.0, count);
                let over = (passed + count - high).clamp(0.0, count - under);
                (under, count - under - over)
            }
        };
        passed += count;
        below += under;
        above += count - under - inside;
        if inside > 0.0 {
            kept.push((value, inside));
        }
    }
    let count: f64 = kept.iter().map(|(_, count)| count).sum();
    let sum: f64 = kept.iter().map(|(value, count)| value * count).sum();
    match measure {
        Measure::TrimmedCount => Some(count),
        Measure::TrimmedSum => Some(sum),
        Measure::TrimmedMean => (count > 0.0).then(|| sum / count),
        Measure::PercentileRank => Some(100.0 * count / all),
        Measure::WinsorizedMean => {
            let (first, last) = (kept.first()?.0, kept.last()?.0);
            Some((sum + below * first + above * last) / all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate(values: &[f64]) -> Aggregate {
        let mut all = Aggregate::of(values[0], 1.0);
        for value in &values[1..] {
            all.merge(&Aggregate::of(*value, 1.0));
        }
        all
    }

    #[test]
    fn statistics_of_one_to_ten() {
        let (odd, even) = (
            aggregate(&[1., 3., 5., 7., 9.]),
            aggregate(&[2., 4., 6., 8., 10.]),
        );
        for (statistic, wanted) in [
            ("SampleCount", 10.0),
            ("Sum", 55.0),
            ("Average", 5.5),
            ("Minimum", 1.0),
            ("Maximum", 10.0),
            ("p0", 1.0),
            ("p50", 5.5),
            ("p90", 9.1),
            ("p100", 10.0),
            ("tm90", 5.0),
            ("TM(10%:90%)", 5.5),
            ("TM(2:4)", 3.5),
            ("IQM", 5.5),
            ("tc50", 5.0),
            ("TS(:30%)", 6.0),
            ("PR(:3)", 30.0),
            ("PR(8:)", 20.0),
            ("WM(20%:80%)", 5.5),
            ("wm80", 5.2),
        ] {
            let read = Statistic::parse(statistic).unwrap_or_else(|| panic!("{statistic}"));
            let value = read.of(&[&odd, &even]).unwrap();
            assert!(
                (value - wanted).abs() < 1e-9,
                "{statistic}: {value}, not {wanted}"
            );
        }
    }

    #[test]
    fn percentiles_need_the_values() {
        let p50 = Statistic::Percentile(50.0);
        let told = Aggregate::of_statistics(4.0, 10.0, 1.0, 4.0);
        assert_eq!(p50.of(&[&told]), None);
        assert_eq!(Statistic::Average.of(&[&told]), Some(2.5));
        let same = Aggregate::of_statistics(4.0, 8.0, 2.0, 2.0);
        assert_eq!(p50.of(&[&same]), Some(2.0));
        assert_eq!(p50.of(&[&aggregate(&[-1.0, 1.0])]), None);
        assert_eq!(Statistic::Sum.of(&[]), None);
    }

    #[test]
    fn what_is_no_statistic() {
        for text in [
            "",
            "sum",
            "p",
            "p101",
            "p-1",
            "pp5",
            "TM(90%:10%)",
            "TM()",
            "TM(:)",
            "PR(10%:)",
            "PR5",
            "x9",
            "p5e1",
        ] {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }
}
