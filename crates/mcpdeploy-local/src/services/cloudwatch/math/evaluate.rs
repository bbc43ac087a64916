//! What an expression is worth: a number, points over time, or a list of such.

use std::collections::BTreeMap;

use super::functions;
use super::parse::{Expression, Operator};

/// Points over time.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Series {
    pub(in super::super) label: String,
    /// Seconds.
    pub(in super::super) period: i64,
    /// By seconds since 1970.
    pub(in super::super) points: BTreeMap<i64, f64>,
}

impl Series {
    /// Another series of the same name: points where `of` tells a number.
    pub(super) fn map(&self, of: impl Fn(i64, f64) -> Option<f64>) -> Self {
        let points = self.points.iter().filter_map(|(at, value)| {
            let value = of(*at, *value).filter(|value| value.is_finite())?;
            Some((*at, value))
        });
        Self {
            label: self.label.clone(),
            period: self.period,
            points: points.collect(),
        }
    }
}

/// What an id stands for.
#[derive(Debug)]
pub(in super::super) enum Term {
    Series(Series),
    Expression(Expression),
}

/// Where points can be: from `start` on, each `period`, before `end`. All in seconds.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Grid {
    pub(in super::super) start: i64,
    pub(in super::super) end: i64,
    pub(in super::super) period: i64,
}

impl Grid {
    pub(super) fn times(self) -> impl Iterator<Item = i64> {
        let step = usize::try_from(self.period).unwrap_or(60).max(1);
        (self.start..self.end).step_by(step)
    }
}

/// What an expression is worth.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Worth {
    Number(f64),
    Text(String),
    Series(Series),
    List(Vec<Worth>),
}

/// Evaluates the expressions of a request.
#[derive(Debug)]
pub(in super::super) struct Evaluator<'a> {
    terms: &'a BTreeMap<&'a str, Term>,
    /// Those that are no expressions, in the order of the request.
    metrics: &'a [(String, Series)],
    pub(super) grid: Grid,
    /// The ids that are being evaluated, to see those that refer to themselves.
    path: Vec<&'a str>,
}

impl<'a> Evaluator<'a> {
    pub(in super::super) fn new(
        terms: &'a BTreeMap<&'a str, Term>,
        metrics: &'a [(String, Series)],
        grid: Grid,
    ) -> Self {
        Self {
            terms,
            metrics,
            grid,
            path: Vec::new(),
        }
    }

    /// The series of an id; says why there is none.
    pub(in super::super) fn series(mut self, id: &str) -> Result<Vec<Series>, String> {
        match self.name(id)? {
            Worth::Series(series) => Ok(vec![series]),
            Worth::List(items) => items
                .into_iter()
                .map(|item| match item {
                    Worth::Series(series) => Ok(series),
                    Worth::Number(_) | Worth::Text(_) | Worth::List(_) => Err(no_series()),
                })
                .collect(),
            Worth::Number(_) | Worth::Text(_) => Err(no_series()),
        }
    }

    fn name(&mut self, id: &str) -> Result<Worth, String> {
        let Some((id, term)) = self.terms.get_key_value(id) else {
            return Err(format!("Undefined id '{id}'"));
        };
        match term {
            Term::Series(series) => Ok(Worth::Series(series.clone())),
            Term::Expression(_) if self.path.contains(id) => {
                Err(format!("'{id}' refers to itself"))
            }
            Term::Expression(expression) => {
                self.path.push(id);
                let worth = self.worth(expression);
                self.path.pop();
                worth
            }
        }
    }

    /// What an expression is worth.
    pub(super) fn worth(&mut self, expression: &Expression) -> Result<Worth, String> {
        match expression {
            Expression::Number(number) => Ok(Worth::Number(*number)),
            Expression::Text(text) => Ok(Worth::Text(text.clone())),
            Expression::Name(name) => self.name(name),
            Expression::List(items) => {
                let items = items.iter().map(|item| self.worth(item));
                Ok(Worth::List(items.collect::<Result<_, _>>()?))
            }
            Expression::Negative(inner) => {
                let inner = self.worth(inner)?;
                each(inner, &|_, value| Some(-value))
            }
            Expression::Binary(operator, left, right) => {
                let left = self.worth(left)?;
                let right = self.worth(right)?;
                binary(*operator, left, right)
            }
            Expression::Call(name, arguments) => functions::call(self, name, arguments),
        }
    }

    /// The metrics whose id has `part` in it.
    pub(super) fn metrics(&self, part: &str) -> Worth {
        let found = self.metrics.iter().filter(|(id, _)| id.contains(part));
        Worth::List(
            found
                .map(|(_, series)| Worth::Series(series.clone()))
                .collect(),
        )
    }
}

fn no_series() -> String {
    "The final result of an expression must be a time series or an array of time series".to_owned()
}

/// Applies a function to every number.
pub(super) fn each(worth: Worth, of: &dyn Fn(i64, f64) -> Option<f64>) -> Result<Worth, String> {
    match worth {
        Worth::Number(number) => of(0, number)
            .map(Worth::Number)
            .ok_or_else(|| "it is no number".to_owned()),
        Worth::Series(series) => Ok(Worth::Series(series.map(of))),
        Worth::List(items) => {
            let items = items.into_iter().map(|item| each(item, of));
            Ok(Worth::List(items.collect::<Result<_, _>>()?))
        }
        Worth::Text(text) => Err(format!("text '{text}' is no operand")),
    }
}

fn binary(operator: Operator, left: Worth, right: Worth) -> Result<Worth, String> {
    match (left, right) {
        (Worth::Number(left), Worth::Number(right)) => {
            Ok(Worth::Number(apply(operator, left, right)))
        }
        (Worth::Series(left), Worth::Series(right)) => {
            let at_both = left.map(|at, value| {
                let other = right.points.get(&at)?;
                Some(apply(operator, value, *other))
            });
            Ok(Worth::Series(at_both))
        }
        (left, Worth::Number(right)) => each(left, &|_, value| Some(apply(operator, value, right))),
        (Worth::Number(left), right) => each(right, &|_, value| Some(apply(operator, left, value))),
        (Worth::List(items), right @ Worth::Series(_)) => {
            let items = items
                .into_iter()
                .map(|item| binary(operator, item, right.clone()));
            Ok(Worth::List(items.collect::<Result<_, _>>()?))
        }
        (left @ Worth::Series(_), Worth::List(items)) => {
            let items = items
                .into_iter()
                .map(|item| binary(operator, left.clone(), item));
            Ok(Worth::List(items.collect::<Result<_, _>>()?))
        }
        (Worth::List(_), Worth::List(_)) => {
            Err("an array cannot be combined with an array".to_owned())
        }
        (Worth::Text(text), _) | (_, Worth::Text(text)) => {
            Err(format!("text '{text}' is no operand"))
        }
    }
}

/// What cannot be told, as a division by zero, is no finite number; no point comes of it.
fn apply(operator: Operator, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Power => left.powf(right),
        Operator::Equal => truth(left.partial_cmp(&right) == Some(std::cmp::Ordering::Equal)),
        Operator::NotEqual => truth(left.partial_cmp(&right) != Some(std::cmp::Ordering::Equal)),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::And => truth(is_true(left) && is_true(right)),
        Operator::Or => truth(is_true(left) || is_true(right)),
    }
}

/// Every number but zero is true.
pub(super) fn is_true(number: f64) -> bool {
    number.abs() > 0.0
}
