//! Cross-origin resource sharing, which the gateway answers itself.
//!
//! Source: "Configure CORS for HTTP APIs": headers are added for requests with an `Origin`; a
//! preflight request also has `Access-Control-Request-Method`; what the backend says is overwritten.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::super::model;

/// An API's CORS configuration, with its headers ready.
#[derive(Debug, Clone)]
pub(super) struct Cors {
    origins: Vec<String>,
    credentials: bool,
    /// For the answer to a preflight request.
    preflight: HeaderMap,
    expose: Option<HeaderValue>,
}

/// The headers that only the gateway sets where CORS is configured.
const OURS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

impl Cors {
    pub(super) fn new(cors: &model::Cors) -> Self {
        let list = |items: &Option<Vec<String>>| {
            let items = items.as_deref().unwrap_or_default();
            HeaderValue::from_str(&items.join(","))
                .ok()
                .filter(|value| !value.is_empty())
        };
        let mut preflight = HeaderMap::new();
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, list(&cors.allow_methods)),
            (ACCESS_CONTROL_ALLOW_HEADERS, list(&cors.allow_headers)),
            (
                ACCESS_CONTROL_MAX_AGE,
                cors.max_age.filter(|age| *age != 0).map(HeaderValue::from),
            ),
        ] {
            if let Some(value) = value {
                preflight.insert(name, value);
            }
        }
        Self {
            origins: cors.allow_origins.clone().unwrap_or_default(),
            credentials: cors.allow_credentials.unwrap_or_default(),
            preflight,
            expose: list(&cors.expose_headers),
        }
    }

    /// Whether a request is a preflight request.
    pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
        method == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Sets the headers of an answer to a request from `origin`.
    pub(super) fn apply(&self, origin: Option<&HeaderValue>, preflight: bool, to: &mut HeaderMap) {
        for name in OURS {
            to.remove(name);
        }
        let Some(allowed) = origin.and_then(|origin| self.allowed(origin)) else {
            return;
        };
        to.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            to.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
        if preflight {
            to.extend(self.preflight.clone());
        }
        if let Some(expose) = &self.expose {
            to.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }

    /// What `Access-Control-Allow-Origin` says to this origin.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        let text = origin.to_str().ok()?;
        let fits = |pattern: &String| match pattern.split_once('*') {
            None => pattern.eq_ignore_ascii_case(text),
            // `https://*` stands for every origin of a scheme.
            Some((start, end)) => {
                text.len() >= start.len() + end.len()
                    && text.starts_with(start)
                    && text.ends_with(end)
            }
        };
        if self.origins.iter().any(|pattern| pattern == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        self.origins.iter().any(fits).then(|| origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The CORS headers of an answer whose backend set some of its own.
    fn headers(cors: serde_json::Value, origin: Option<&str>, preflight: bool) -> Vec<String> {
        let cors = Cors::new(&serde_json::from_value(cors).unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(
            ACCESS_CONTROL_ALLOW_ORIGIN,
            "http://backend".parse().unwrap(),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, "1".parse().unwrap());
        let origin = origin.map(|origin| origin.parse().unwrap());
        cors.apply(origin.as_ref(), preflight, &mut headers);
        let mut all: Vec<String> = headers
            .iter()
            .map(|(name, value)| {
                let name = name.as_str().trim_start_matches("access-control-");
                format!("{name}: {}", value.to_str().unwrap())
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn cors_headers() {
        let any = json!({"allowOrigins": ["*"], "allowMethods": ["GET", "POST"],
            "allowHeaders": ["authorization", "x"], "exposeHeaders": ["mcp-session-id"], "maxAge": 300});
        let named =
            json!({"allowOrigins": ["https://a.example", "http://*"], "allowCredentials": true});
        let none: [&str; 0] = [];
        assert_eq!(
            headers(any.clone(), Some("https://x"), true),
            [
                "allow-headers: authorization,x",
                "allow-methods: GET,POST",
                "allow-origin: *",
                "expose-headers: mcp-session-id",
                "max-age: 300"
            ]
        );
        assert_eq!(
            headers(any.clone(), Some("https://x"), false),
            ["allow-origin: *", "expose-headers: mcp-session-id"]
        );
        assert_eq!(headers(any, None, false), none);
        for (origin, expected) in [
            ("https://a.example", Some("allow-origin: https://a.example")),
            (
                "http://b.example:8080",
                Some("allow-origin: http://b.example:8080"),
            ),
            ("https://b.example", None),
            ("https://a.example.evil", None),
            ("null", None),
        ] {
            let got = headers(named.clone(), Some(origin), true);
            let expected: Vec<_> = expected
                .map(|allowed| vec!["allow-credentials: true", allowed])
                .unwrap_or_default();
            assert_eq!(got, expected, "{origin}");
        }
    }
}
