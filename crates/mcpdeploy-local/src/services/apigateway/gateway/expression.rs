//! Expressions that name a part of a request: `$request.header.x`, `$context.requestId`,
//! `$stageVariables.x`.

use super::exchange::Exchange;

/// What an expression names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Expression {
    /// A header, by its name in lower case.
    Header(String),
    /// A parameter of the query.
    Query(String),
    /// A path parameter.
    PathParameter(String),
    /// The path.
    Path,
    /// A variable of the request's context.
    Context(String),
    /// A variable of the stage.
    StageVariable(String),
}

impl Expression {
    /// Reads an expression; none when it names nothing that there is.
    pub(in super::super) fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('$')?;
        if text == "request.path" {
            return Some(Self::Path);
        }
        let named = |prefix: &str| {
            let name = text.strip_prefix(prefix)?;
            (!name.is_empty()).then(|| name.to_owned())
        };
        named("request.header.")
            .map(|name| Self::Header(name.to_ascii_lowercase()))
            .or_else(|| named("request.querystring.").map(Self::Query))
            .or_else(|| named("request.path.").map(Self::PathParameter))
            .or_else(|| named("context.").map(Self::Context))
            .or_else(|| named("stageVariables.").map(Self::StageVariable))
    }

    /// What it is in a request; none when it is not there.
    pub(super) fn value(&self, exchange: &Exchange) -> Option<String> {
        match self {
            Self::Header(name) => exchange.header(name).map(|values| values.join(",")),
            Self::Query(name) => {
                let values: Vec<&str> = exchange
                    .query
                    .iter()
                    .filter(|(key, _)| key == name)
                    .map(|(_, value)| value.as_str())
                    .collect();
                (!values.is_empty()).then(|| values.join(","))
            }
            Self::PathParameter(name) => {
                let found = exchange.params.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| value.clone())
            }
            Self::Path => Some(exchange.path.clone()),
            Self::Context(name) => exchange.variable(name),
            Self::StageVariable(name) => exchange.stage.variables.get(name).cloned(),
        }
    }
}
