//! Which route a request takes.
//!
//! Source: "Create routes for HTTP APIs", Routing API requests: a full match of path and method,
//! then a match with a greedy path variable, then `$default`; of several, the most specific.

use std::borrow::Cow;
use std::cmp::Ordering;

use http::Method;
use percent_encoding::percent_decode_str;

/// Names and values of path parameters.
pub(super) type Params = Vec<(String, String)>;

/// A route key, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Which method; any when none.
    method: Option<Method>,
    /// The path's parts; none for `$default`.
    segments: Option<Vec<Segment>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

impl Segment {
    fn read(text: &str) -> Self {
        let inside = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match inside.map(|name| (name, name.strip_suffix('+'))) {
            None => Self::Literal(text.to_owned()),
            Some((_, Some(name))) => Self::Greedy(name.to_owned()),
            Some((name, None)) => Self::Variable(name.to_owned()),
        }
    }

    /// Smaller is more specific.
    const fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Variable(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

impl Pattern {
    /// Reads a route key that [`super::super::routes::check_key`] takes.
    pub(super) fn read(key: &str) -> Self {
        let Some((method, path)) = key.split_once(' ') else {
            return Self {
                method: None,
                segments: None,
            };
        };
        Self {
            method: Some(method)
                .filter(|method| *method != "ANY")
                .and_then(|method| method.parse().ok()),
            segments: Some(path.split('/').skip(1).map(Segment::read).collect()),
        }
    }

    fn greedy(&self) -> bool {
        let last = self.segments.as_ref().and_then(|segments| segments.last());
        matches!(last, Some(Segment::Greedy(_)))
    }

    /// The more specific one is the smaller one.
    fn order(&self, other: &Self) -> Ordering {
        let (Some(mine), Some(theirs)) = (&self.segments, &other.segments) else {
            return self.segments.is_none().cmp(&other.segments.is_none());
        };
        let ranks = |segments: &[Segment]| segments.iter().map(Segment::rank).collect::<Vec<_>>();
        self.greedy()
            .cmp(&other.greedy())
            .then_with(|| ranks(mine).cmp(&ranks(theirs)))
            .then_with(|| self.method.is_none().cmp(&other.method.is_none()))
    }

    fn matches(&self, method: &Method, path: &[Cow<'_, str>]) -> Option<Params> {
        if self.method.as_ref().is_some_and(|mine| mine != method) {
            return None;
        }
        let mut params = Params::new();
        let Some(segments) = &self.segments else {
            return Some(params);
        };
        let mut rest = path;
        for segment in segments {
            let (first, others) = rest.split_first()?;
            match segment {
                Segment::Literal(text) if text == first => {}
                Segment::Variable(name) if !first.is_empty() => {
                    params.push((name.clone(), first.clone().into_owned()));
                }
                Segment::Greedy(name) if rest != [""] => {
                    params.push((name.clone(), rest.join("/")));
                    return Some(params);
                }
                Segment::Literal(_) | Segment::Variable(_) | Segment::Greedy(_) => return None,
            }
            rest = others;
        }
        rest.is_empty().then_some(params)
    }
}

/// The routes of a stage, the most specific first.
#[derive(Debug)]
pub(super) struct Table<T>(Vec<(Pattern, T)>);

impl<T> Table<T> {
    pub(super) fn new(routes: impl IntoIterator<Item = (Pattern, T)>) -> Self {
        let mut routes: Vec<_> = routes.into_iter().collect();
        routes.sort_by(|(a, _), (b, _)| a.order(b));
        Self(routes)
    }

    /// The route for a method and a path as it came, percent-encoded.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(&T, Params)> {
        let segments: Vec<Cow<'_, str>> = path
            .split('/')
            .skip(1)
            .map(|part| percent_decode_str(part).decode_utf8_lossy())
            .collect();
        self.0.iter().find_map(|(pattern, route)| {
            let params = pattern.matches(method, &segments)?;
            Some((route, params))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(keys: &[&'static str]) -> Table<&'static str> {
        Table::new(keys.iter().map(|key| (Pattern::read(key), *key)))
    }

    #[test]
    fn the_most_specific_route_wins() {
        // The first five rows are the example of the developer guide.
        let guide = [
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "GET /pets/dog/{id}",
            "GET /pets/dog/1",
        ];
        let more = [
            "ANY /mcp",
            "POST /mcp",
            "ANY /a/b",
            "GET /a/{x}",
            "GET /{x}/b",
            "GET /",
            "OPTIONS /{proxy+}",
        ];
        let guide = table(&guide);
        let more = table(&more);
        for (table, request, route) in [
            (&guide, "GET /pets/dog/1", Some("GET /pets/dog/1")),
            (&guide, "GET /pets/dog/2", Some("GET /pets/dog/{id}")),
            (&guide, "GET /pets/cat/1", Some("GET /pets/{proxy+}")),
            (&guide, "POST /test/5", Some("ANY /{proxy+}")),
            (&guide, "GET /", Some("$default")),
            (&guide, "POST /pets/dog/1", Some("ANY /{proxy+}")),
            (&guide, "GET /pets", Some("ANY /{proxy+}")),
            (&guide, "GET /pets/", Some("ANY /{proxy+}")),
            (&more, "POST /mcp", Some("POST /mcp")),
            (&more, "GET /mcp", Some("ANY /mcp")),
            (&more, "GET /mcp/", None),
            (&more, "GET /a/b", Some("ANY /a/b")),
            (&more, "GET /a/c", Some("GET /a/{x}")),
            (&more, "GET /c/b", Some("GET /{x}/b")),
            (&more, "GET /a/", None),
            (&more, "GET /", Some("GET /")),
            (&more, "POST /", None),
            (&more, "OPTIONS /a/b", Some("ANY /a/b")),
            (&more, "OPTIONS /x/y/z", Some("OPTIONS /{proxy+}")),
        ] {
            let (method, path) = request.split_once(' ').unwrap();
            let found = table.find(&method.parse().unwrap(), path);
            assert_eq!(found.map(|(route, _)| *route), route, "{request}");
        }
    }

    #[test]
    fn path_parameters_are_decoded() {
        let table = table(&["GET /{a}/x/{rest+}"]);
        let (_, params) = table.find(&Method::GET, "/1%2F2/x/a%20b/c%C3%A9/").unwrap();
        let expected = [("a", "1/2"), ("rest", "a b/cé/")];
        let expected: Params = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(params, expected);
    }
}
