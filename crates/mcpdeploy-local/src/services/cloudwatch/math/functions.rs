//! The functions of metric math.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::evaluate::{Evaluator, Series, Worth, each, is_true};
use super::parse::Expression;

/// Calls a function.
pub(super) fn call(
    evaluator: &mut Evaluator<'_>,
    name: &str,
    arguments: &[Expression],
) -> Result<Worth, String> {
    match name {
        "METRICS" => {
            return match arguments {
                [] => Ok(evaluator.metrics("")),
                [Expression::Text(part)] => Ok(evaluator.metrics(part)),
                _ => Err("METRICS takes nothing or a text".to_owned()),
            };
        }
        "FILL" => {
            let [what, with] = arguments else {
                return Err("FILL takes 2 arguments".to_owned());
            };
            return fill(evaluator, what, with);
        }
        "SORT" => return sort(evaluator, arguments),
        "SEARCH"
        | "ANOMALY_DETECTION_BAND"
        | "INSIGHT_RULE_METRIC"
        | "SERVICE_QUOTA"
        | "LAMBDA"
        | "DB_PERF_INSIGHTS" => {
            return Err(format!("the embedded cloud does not have {name} yet"));
        }
        _ => {}
    }
    let mut values = arguments
        .iter()
        .map(|argument| evaluator.worth(argument))
        .collect::<Result<Vec<Worth>, String>>()?
        .into_iter();
    let (first, second, third) = (values.next(), values.next(), values.next());
    let first = first.ok_or_else(|| format!("{name} takes an argument"))?;
    if values.next().is_some() {
        return Err(format!("{name} takes fewer arguments"));
    }
    if name == "IF" {
        return choose(first, second.ok_or("IF takes 2 or 3 arguments")?, third);
    }
    if name == "SLICE" {
        return slice(first, second, third);
    }
    if second.is_some() {
        return Err(format!(
            "{name} takes 1 argument; several series are an array: [m1, m2]"
        ));
    }
    match name {
        "ABS" => each(first, &|_, value| Some(value.abs())),
        "CEIL" => each(first, &|_, value| Some(value.ceil())),
        "FLOOR" => each(first, &|_, value| Some(value.floor())),
        "LOG" => each(first, &|_, value| Some(value.ln())),
        "LOG10" => each(first, &|_, value| Some(value.log10())),
        "AVG" => summary(first, |values| {
            Some(values.iter().sum::<f64>() / count(values))
        }),
        "SUM" => summary(first, |values| Some(values.iter().sum())),
        "MAX" => summary(first, |values| values.iter().copied().reduce(f64::max)),
        "MIN" => summary(first, |values| values.iter().copied().reduce(f64::min)),
        "STDDEV" => summary(first, deviation),
        "FIRST" => number_of(name, first, |series| series.points.values().next().copied()),
        "LAST" => number_of(name, first, |series| {
            series.points.values().next_back().copied()
        }),
        "DATAPOINT_COUNT" => number_of(name, first, |series| Some(length(series.points.len()))),
        "PERIOD" => number_of(name, first, |series| Some(seconds(series.period))),
        "METRIC_COUNT" => match first {
            Worth::List(items) => Ok(Worth::Number(length(items.len()))),
            Worth::Series(_) => Ok(Worth::Number(1.0)),
            Worth::Number(_) | Worth::Text(_) => Err("METRIC_COUNT takes an array".to_owned()),
        },
        "REMOVE_EMPTY" => match first {
            Worth::List(items) => Ok(Worth::List(
                items.into_iter().filter(|item| !is_empty(item)).collect(),
            )),
            other @ (Worth::Series(_) | Worth::Number(_) | Worth::Text(_)) => Ok(other),
        },
        "RATE" => pairwise(name, first, |(before, from), (at, to)| {
            (to - from) / seconds(at - before)
        }),
        "DIFF" => pairwise(name, first, |(_, from), (_, to)| to - from),
        "DIFF_TIME" => pairwise(name, first, |(before, _), (at, _)| seconds(at - before)),
        "RUNNING_SUM" => series_of(name, first, &|series| {
            let mut sum = 0.0;
            let points = series.points.iter().map(|(at, value)| {
                sum += value;
                (*at, sum)
            });
            points.collect()
        }),
        "TIME_SERIES" => match first {
            Worth::Number(number) => Ok(Worth::Series(Series {
                label: number.to_string(),
                period: evaluator.grid.period,
                points: evaluator.grid.times().map(|at| (at, number)).collect(),
            })),
            Worth::Series(_) | Worth::List(_) | Worth::Text(_) => {
                Err("TIME_SERIES takes a number".to_owned())
            }
        },
        "EPOCH" => each(first, &|at, _| Some(seconds(at))),
        "MINUTE" => clock(first, |at| at.minute().into()),
        "HOUR" => clock(first, |at| at.hour().into()),
        "DAY" => clock(first, |at| at.weekday().number_from_monday().into()),
        "DATE" => clock(first, |at| at.day().into()),
        "MONTH" => clock(first, |at| u8::from(at.month()).into()),
        "YEAR" => clock(first, OffsetDateTime::year),
        _ => Err(format!("Unknown function '{name}'")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no list is that long")]
fn length(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 fit into 52 bits"
)]
fn seconds(seconds: i64) -> f64 {
    seconds as f64
}

fn count(values: &[f64]) -> f64 {
    length(values.len())
}

fn deviation(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / count(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / count(values)).sqrt())
}

fn is_empty(worth: &Worth) -> bool {
    match worth {
        Worth::Series(series) => series.points.is_empty(),
        Worth::Number(_) | Worth::Text(_) => false,
        Worth::List(items) => items.is_empty(),
    }
}

/// Of a series, a number; of an array, a series: of each moment that any of its series has.
fn summary(worth: Worth, of: impl Fn(&[f64]) -> Option<f64>) -> Result<Worth, String> {
    let items = match worth {
        Worth::Number(number) => return Ok(Worth::Number(number)),
        Worth::Series(series) => {
            let values: Vec<f64> = series.points.into_values().collect();
            let number = Some(values)
                .filter(|values| !values.is_empty())
                .and_then(|values| of(&values));
            // Without points there is nothing to tell, and what is computed with it has no points.
            return Ok(Worth::Number(number.unwrap_or(f64::NAN)));
        }
        Worth::List(items) => items,
        Worth::Text(text) => return Err(format!("text '{text}' is no operand")),
    };
    let mut series: Vec<&Series> = Vec::new();
    let mut numbers: Vec<f64> = Vec::new();
    for item in &items {
        match item {
            Worth::Number(number) => numbers.push(*number),
            Worth::Series(one) => series.push(one),
            Worth::Text(_) | Worth::List(_) => {
                return Err("an array holds series and numbers".to_owned());
            }
        }
    }
    let Some(first) = series.first() else {
        return of(&numbers)
            .map(Worth::Number)
            .ok_or_else(|| "an array is empty".to_owned());
    };
    let times: BTreeSet<i64> = series
        .iter()
        .flat_map(|series| series.points.keys())
        .copied()
        .collect();
    let points = times.into_iter().filter_map(|at| {
        let mut values = numbers.clone();
        values.extend(series.iter().filter_map(|series| series.points.get(&at)));
        Some((at, of(&values).filter(|value| value.is_finite())?))
    });
    Ok(Worth::Series(Series {
        label: first.label.clone(),
        period: first.period,
        points: points.collect(),
    }))
}

fn number_of(
    name: &str,
    worth: Worth,
    of: impl Fn(&Series) -> Option<f64>,
) -> Result<Worth, String> {
    match worth {
        Worth::Series(series) => Ok(Worth::Number(of(&series).unwrap_or(f64::NAN))),
        Worth::Number(_) | Worth::Text(_) | Worth::List(_) => {
            Err(format!("{name} takes a time series"))
        }
    }
}

/// Makes other points of each series.
fn series_of(
    name: &str,
    worth: Worth,
    of: &dyn Fn(&Series) -> BTreeMap<i64, f64>,
) -> Result<Worth, String> {
    match worth {
        Worth::Series(series) => Ok(Worth::Series(Series {
            points: of(&series),
            ..series
        })),
        Worth::List(items) => {
            let items = items.into_iter().map(|item| series_of(name, item, of));
            Ok(Worth::List(items.collect::<Result<_, _>>()?))
        }
        Worth::Number(_) | Worth::Text(_) => Err(format!("{name} takes time series")),
    }
}

/// Makes a point of every two that follow each other.
fn pairwise(
    name: &str,
    worth: Worth,
    of: impl Fn((i64, f64), (i64, f64)) -> f64,
) -> Result<Worth, String> {
    series_of(name, worth, &|series| {
        let points: Vec<(i64, f64)> = series
            .points
            .iter()
            .map(|(at, value)| (*at, *value))
            .collect();
        points
            .windows(2)
            .map(|pair| (pair[1].0, of(pair[0], pair[1])))
            .collect()
    })
}

fn clock(worth: Worth, of: impl Fn(OffsetDateTime) -> i32) -> Result<Worth, String> {
    each(worth, &|at, _| {
        let at = OffsetDateTime::from_unix_timestamp(at).ok()?;
        Some(f64::from(of(at)))
    })
}

fn choose(condition: Worth, then: Worth, otherwise: Option<Worth>) -> Result<Worth, String> {
    let value = |worth: &Worth, at: i64| match worth {
        Worth::Number(number) => Some(*number),
        Worth::Series(series) => series.points.get(&at).copied(),
        Worth::Text(_) | Worth::List(_) => None,
    };
    for worth in [Some(&then), otherwise.as_ref(), Some(&condition)]
        .into_iter()
        .flatten()
    {
        if matches!(worth, Worth::Text(_) | Worth::List(_)) {
            return Err("IF takes time series and numbers".to_owned());
        }
    }
    match condition {
        Worth::Series(series) => Ok(Worth::Series(series.map(|at, holds| {
            if is_true(holds) {
                value(&then, at)
            } else {
                otherwise
                    .as_ref()
                    .and_then(|otherwise| value(otherwise, at))
            }
        }))),
        Worth::Number(holds) if is_true(holds) => Ok(then),
        Worth::Number(_) => otherwise
            .ok_or_else(|| "IF takes 3 arguments when its condition is a number".to_owned()),
        Worth::Text(_) | Worth::List(_) => {
            Err("the condition of IF is a time series or a number".to_owned())
        }
    }
}

fn fill(
    evaluator: &mut Evaluator<'_>,
    what: &Expression,
    with: &Expression,
) -> Result<Worth, String> {
    let grid = evaluator.grid;
    let what = evaluator.worth(what)?;
    let name = if let Expression::Name(name) = with {
        name.as_str()
    } else {
        ""
    };
    match name {
        "REPEAT" => series_of("FILL", what, &|series| {
            let mut last = None;
            let points = grid.times().filter_map(|at| {
                last = series.points.get(&at).copied().or(last);
                Some((at, last?))
            });
            points.collect()
        }),
        "LINEAR" => series_of("FILL", what, &|series| {
            let points = grid.times().filter_map(|at| {
                let (before, from) = series.points.range(..=at).next_back()?;
                let (after, to) = series.points.range(at..).next()?;
                let part = seconds(at - before) / seconds((after - before).max(1));
                Some((at, from + (to - from) * part))
            });
            points.collect()
        }),
        _ => {
            let with = evaluator.worth(with)?;
            if matches!(with, Worth::Text(_) | Worth::List(_)) {
                return Err("FILL takes a number, a time series, REPEAT or LINEAR".to_owned());
            }
            series_of("FILL", what, &|series| {
                let points = grid.times().filter_map(|at| {
                    let known = series.points.get(&at).copied();
                    let value = known.or_else(|| match &with {
                        Worth::Number(number) => Some(*number),
                        Worth::Series(other) => other.points.get(&at).copied(),
                        Worth::Text(_) | Worth::List(_) => None,
                    });
                    Some((at, value?))
                });
                points.collect()
            })
        }
    }
}

fn slice(worth: Worth, from: Option<Worth>, until: Option<Worth>) -> Result<Worth, String> {
    let Worth::List(items) = worth else {
        return Err("SLICE takes an array".to_owned());
    };
    let index = |worth: Option<Worth>, default: usize| match worth {
        None => Ok(default),
        Some(worth) => whole(&worth).map(|index| index.min(items.len())),
    };
    let from_given = from.ok_or("SLICE takes 2 or 3 arguments")?;
    // With one index, it is where the slice ends (user guide).
    let (from, until) = match until {
        Some(until) => (
            index(Some(from_given), 0)?,
            index(Some(until), items.len())?,
        ),
        None => (0, index(Some(from_given), items.len())?),
    };
    let count = until.saturating_sub(from);
    Ok(Worth::List(
        items.into_iter().skip(from).take(count).collect(),
    ))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be a small whole number"
)]
fn whole(worth: &Worth) -> Result<usize, String> {
    match worth {
        Worth::Number(number) if (0.0..1e6).contains(number) => Ok(*number as usize),
        Worth::Number(_) | Worth::Series(_) | Worth::List(_) | Worth::Text(_) => {
            Err("an index is a whole number".to_owned())
        }
    }
}

/// `SORT(array, MAX, DESC, 3)`.
fn sort(evaluator: &mut Evaluator<'_>, arguments: &[Expression]) -> Result<Worth, String> {
    let [
        what,
        Expression::Name(by),
        Expression::Name(order),
        rest @ ..,
    ] = arguments
    else {
        return Err("SORT takes an array, AVG, MAX, MIN or SUM, and ASC or DESC".to_owned());
    };
    let Worth::List(items) = evaluator.worth(what)? else {
        return Err("SORT takes an array".to_owned());
    };
    let descending = match order.as_str() {
        "ASC" => false,
        "DESC" => true,
        _ => return Err("SORT takes ASC or DESC".to_owned()),
    };
    let mut keyed = Vec::new();
    for item in items {
        let of = |values: &[f64]| match by.as_str() {
            "AVG" => Some(values.iter().sum::<f64>() / count(values)),
            "SUM" => Some(values.iter().sum()),
            "MAX" => values.iter().copied().reduce(f64::max),
            "MIN" => values.iter().copied().reduce(f64::min),
            _ => None,
        };
        let Worth::Number(key) = summary(item.clone(), of)? else {
            return Err("SORT takes an array of time series".to_owned());
        };
        keyed.push((key, item));
    }
    keyed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if descending {
        keyed.reverse();
    }
    if let Some(most) = rest.first() {
        let most = evaluator.worth(most)?;
        keyed.truncate(whole(&most)?);
    }
    Ok(Worth::List(
        keyed.into_iter().map(|(_, item)| item).collect(),
    ))
}
