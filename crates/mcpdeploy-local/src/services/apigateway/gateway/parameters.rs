//! Parameter mapping: what a gateway changes in a request before the integration sees it.
//!
//! Source: "Transform API requests and responses for HTTP APIs".

use thiserror::Error;

use super::exchange::Exchange;
use super::expression::Expression;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Mapping {
    change: Change,
    place: Place,
    value: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Append,
    Overwrite,
    Remove,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Header(String),
    Query(String),
    Path,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Expression),
}

/// A mapping that does not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in super::super) enum WrongMapping {
    #[error("Invalid mapping expression specified: {0}")]
    Expression(String),
    #[error("Operations on header {0} are restricted")]
    Reserved(String),
    #[error("Invalid mapping expression parameter specified: {0}")]
    Place(String),
    #[error("the embedded cloud does not have values from $request.body yet: {0}")]
    Body(String),
}

impl Mapping {
    /// Reads a request parameter, e.g. `append:header.x-id` = `$context.requestId`.
    pub(in super::super) fn read(key: &str, value: &str) -> Result<Self, WrongMapping> {
        let wrong = || WrongMapping::Place(key.to_owned());
        let (change, place) = key.split_once(':').ok_or_else(wrong)?;
        let change = match change {
            "append" => Change::Append,
            "overwrite" => Change::Overwrite,
            "remove" => Change::Remove,
            _ => return Err(wrong()),
        };
        let place = if place == "path" {
            if change != Change::Overwrite {
                return Err(wrong());
            }
            Place::Path
        } else if let Some(name) = place.strip_prefix("header.") {
            let name = name.to_ascii_lowercase();
            if reserved(&name) {
                return Err(WrongMapping::Reserved(name));
            }
            Place::Header(name)
        } else if let Some(name) = place.strip_prefix("querystring.") {
            Place::Query(name.to_owned())
        } else {
            return Err(wrong());
        };
        Ok(Self {
            change,
            place,
            value: if change == Change::Remove {
                Vec::new()
            } else {
                parts(value)?
            },
        })
    }

    /// Makes the change. Where an expression has no value, nothing changes.
    pub(super) fn apply(&self, exchange: &mut Exchange) {
        let mut value = String::new();
        for part in &self.value {
            match part {
                Part::Text(text) => value.push_str(text),
                Part::Value(expression) => match expression.value(exchange) {
                    Some(text) => value.push_str(&text),
                    None => return,
                },
            }
        }
        match &self.place {
            Place::Path => {
                exchange.path = if value.starts_with('/') {
                    value
                } else {
                    format!("/{value}")
                };
            }
            Place::Header(name) => {
                let headers = &mut exchange.headers;
                match self.change {
                    Change::Remove => headers.retain(|(key, _)| key != name),
                    Change::Overwrite => {
                        headers.retain(|(key, _)| key != name);
                        headers.push((name.clone(), vec![value]));
                    }
                    Change::Append => match headers.iter_mut().find(|(key, _)| key == name) {
                        Some((_, values)) => values.push(value),
                        None => headers.push((name.clone(), vec![value])),
                    },
                }
            }
            Place::Query(name) => {
                if self.change != Change::Append {
                    exchange.query.retain(|(key, _)| key != name);
                }
                if self.change != Change::Remove {
                    exchange.query.push((name.clone(), value));
                }
                exchange.raw_query = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&exchange.query)
                    .finish();
            }
        }
    }
}

/// Headers that cannot be changed. (Source: the same page, reserved headers.)
fn reserved(name: &str) -> bool {
    const NAMES: [&str; 18] = [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-location",
        "forwarded",
        "keep-alive",
        "origin",
        "proxy-authenticate",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "via",
        "proxy-authorization",
    ];
    NAMES.contains(&name)
        || ["access-control-", "apigw-", "x-amz-", "x-amzn-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Text with expressions: a whole `$…`, or any number of `${…}` between text.
fn parts(value: &str) -> Result<Vec<Part>, WrongMapping> {
    let expression = |text: &str| {
        if text.starts_with("$request.body") {
            return Err(WrongMapping::Body(text.to_owned()));
        }
        Expression::read(text)
            .map(Part::Value)
            .ok_or_else(|| WrongMapping::Expression(value.to_owned()))
    };
    if value.starts_with('$') && !value.starts_with("${") {
        return Ok(vec![expression(value)?]);
    }
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((text, after)) = rest.split_once("${") {
        let (inside, after) = after
            .split_once('}')
            .ok_or_else(|| WrongMapping::Expression(value.to_owned()))?;
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        parts.push(expression(&format!("${inside}"))?);
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_read_or_refused() {
        for (key, value, error) in [
            ("append:header.x-id", "$context.requestId", None),
            ("overwrite:path", "/v1${request.path}", None),
            ("remove:querystring.debug", "''", None),
            ("overwrite:header.x", "plain", None),
            (
                "append:header.Origin",
                "x",
                Some("Operations on header origin are restricted"),
            ),
            (
                "append:path",
                "x",
                Some("Invalid mapping expression parameter specified: append:path"),
            ),
            (
                "append:header.x",
                "$nothing.x",
                Some("Invalid mapping expression specified: $nothing.x"),
            ),
            (
                "append:header.x",
                "$request.body.id",
                Some(
                    "the embedded cloud does not have values from $request.body yet: $request.body.id",
                ),
            ),
        ] {
            let read = Mapping::read(key, value).map_err(|error| error.to_string());
            assert_eq!(read.err().as_deref(), error, "{key} = {value}");
        }
    }
}
