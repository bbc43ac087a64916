//! Identity sources of authorizers: where a request says who makes it.

use super::exchange::Exchange;
use super::expression::Expression;

/// An identity source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Source(Expression);

impl Source {
    /// Reads `$request.header.x`, `$request.querystring.x`, `$context.x` or `$stageVariables.x`.
    pub(in super::super) fn read(text: &str) -> Option<Self> {
        let expression = Expression::read(text)?;
        match expression {
            Expression::Header(_)
            | Expression::Query(_)
            | Expression::Context(_)
            | Expression::StageVariable(_) => Some(Self(expression)),
            Expression::Path | Expression::PathParameter(_) => None,
        }
    }

    /// What a request says; nothing counts as absent.
    pub(super) fn value(&self, exchange: &Exchange) -> Option<String> {
        self.0.value(exchange).filter(|value| !value.is_empty())
    }
}
