//! Cross-origin resource sharing of an HTTP API, in one form whatever the form written.

use std::collections::BTreeSet;

use aws_sdk_apigatewayv2::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::super::inputs::{int, uint, wrong};

/// The longest time that browsers may keep a preflight answer, in seconds.
const MAX_AGE: u32 = 86_400;

/// Cross-origin resource sharing: what API Gateway answers to preflight requests. Each list is a
/// set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins, e.g. `https://example.com`, or `*`.
    #[serde(default, deserialize_with = "lower")]
    pub allow_origins: BTreeSet<String>,
    /// Methods, e.g. `POST`, or `*`.
    #[serde(default, deserialize_with = "upper")]
    pub allow_methods: BTreeSet<String>,
    /// Headers that a request may have, in any case, or `*`.
    #[serde(default, deserialize_with = "lower")]
    pub allow_headers: BTreeSet<String>,
    /// Headers of the answer that a page may read, in any case, or `*`.
    #[serde(default, deserialize_with = "lower")]
    pub expose_headers: BTreeSet<String>,
    /// How many seconds a browser may keep the answer, at most 86400.
    #[serde(default)]
    pub max_age_seconds: u32,
    /// Whether requests may carry cookies and the like.
    #[serde(default)]
    pub allow_credentials: bool,
}

fn lower<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(lowered(&Vec::<String>::deserialize(deserializer)?))
}

fn upper<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    Ok(uppered(&Vec::<String>::deserialize(deserializer)?))
}

fn lowered(items: &[String]) -> BTreeSet<String> {
    items.iter().map(|item| item.to_ascii_lowercase()).collect()
}

fn uppered(items: &[String]) -> BTreeSet<String> {
    items.iter().map(|item| item.to_ascii_uppercase()).collect()
}

impl Cors {
    pub(super) fn observed(cors: &sdk::Cors) -> Self {
        Self {
            allow_origins: lowered(cors.allow_origins()),
            allow_methods: uppered(cors.allow_methods()),
            allow_headers: lowered(cors.allow_headers()),
            expose_headers: lowered(cors.expose_headers()),
            max_age_seconds: uint(cors.max_age()),
            allow_credentials: cors.allow_credentials().unwrap_or_default(),
        }
    }

    pub(super) fn to_sdk(&self) -> sdk::Cors {
        let list =
            |set: &BTreeSet<String>| (!set.is_empty()).then(|| set.iter().cloned().collect());
        sdk::Cors::builder()
            .set_allow_origins(list(&self.allow_origins))
            .set_allow_methods(list(&self.allow_methods))
            .set_allow_headers(list(&self.allow_headers))
            .set_expose_headers(list(&self.expose_headers))
            .max_age(int(self.max_age_seconds))
            .allow_credentials(self.allow_credentials)
            .build()
    }

    pub(super) fn validate(&self) -> Result<(), (String, String)> {
        if self.max_age_seconds > MAX_AGE {
            return wrong(
                "/cors/max_age_seconds",
                format!("at most {MAX_AGE} seconds"),
            );
        }
        if self.allow_credentials && self.allow_origins.contains("*") {
            return wrong(
                "/cors/allow_credentials",
                "credentials cannot be allowed for every origin: name the origins instead of `*`",
            );
        }
        for origin in &self.allow_origins {
            let whole = origin.split_once("://").is_some_and(|(scheme, host)| {
                !scheme.is_empty() && !host.is_empty() && !host.contains('/')
            });
            if origin != "*" && !whole {
                return wrong(
                    "/cors/allow_origins",
                    format!(
                        "`{origin}` is no origin: it takes the form https://example.com, without a path"
                    ),
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cors(cors: serde_json::Value) -> Cors {
        serde_json::from_value(cors).unwrap()
    }

    #[test]
    fn cors_has_one_form() {
        let a = cors(json!({
            "allow_origins": ["HTTPS://Example.com", "https://a.example"],
            "allow_headers": ["Content-Type", "Authorization"],
            "allow_methods": ["post", "GET"],
        }));
        let b = cors(json!({
            "allow_origins": ["https://a.example", "https://example.com"],
            "allow_headers": ["authorization", "content-type", "AUTHORIZATION"],
            "allow_methods": ["GET", "POST"],
        }));
        assert_eq!(a, b);
        assert_eq!(Cors::observed(&a.to_sdk()), a);
    }

    #[test]
    fn impossible_cors_is_refused() {
        for (wrong, at) in [
            (json!({"max_age_seconds": 86_401}), "/cors/max_age_seconds"),
            (
                json!({"allow_origins": ["*"], "allow_credentials": true}),
                "/cors/allow_credentials",
            ),
            (
                json!({"allow_origins": ["example.com"]}),
                "/cors/allow_origins",
            ),
            (
                json!({"allow_origins": ["https://example.com/"]}),
                "/cors/allow_origins",
            ),
        ] {
            assert_eq!(cors(wrong).validate().unwrap_err().0, at);
        }
        let fine = json!({"allow_origins": ["https://example.com", "http://localhost:3000"], "allow_credentials": true});
        assert_eq!(cors(fine).validate(), Ok(()));
    }
}
