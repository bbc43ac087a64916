//! Filter patterns, as metric filters and FilterLogEvents take them: terms, JSON conditions, and
//! conditions on fields between spaces. Source: "Filter pattern syntax for metric filters,
//! subscription filters, filter log events, and Live Tail" in the CloudWatch Logs user guide.

mod json;
mod spaced;
mod terms;
mod text;

use serde_json::Value;

use super::faults::invalid;
use crate::wire::Fault;

/// A pattern that was read.
#[derive(Debug)]
pub(super) enum Pattern {
    /// The empty pattern matches everything.
    All,
    Terms(terms::Terms),
    Json(json::Condition),
    Spaced(spaced::Spaced),
}

/// What a pattern reads from a message that it matches.
#[derive(Debug)]
pub(super) enum Fields<'a> {
    None,
    Json(&'a json::Condition, Value),
    /// Names, as in `$ip`, and values.
    Spaced(Vec<(String, String)>),
}

impl Fields<'_> {
    /// A field as text: `$.latency` of JSON, `$size` of fields between spaces.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::None => None,
            Self::Json(_, value) => json::select(value, name).and_then(json::text),
            Self::Spaced(fields) => {
                let found = fields.iter().find(|(field, _)| field == name);
                found.map(|(_, value)| value.clone())
            }
        }
    }

    /// All that the pattern names.
    pub(super) fn named(&self) -> Vec<(String, String)> {
        match self {
            Self::None => Vec::new(),
            Self::Json(condition, value) => condition
                .selectors()
                .into_iter()
                .filter_map(|name| {
                    Some((
                        name.to_owned(),
                        json::select(value, name).and_then(json::text)?,
                    ))
                })
                .collect(),
            Self::Spaced(fields) => fields.clone(),
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// `InvalidParameterException` when it does not read.
    pub(super) fn read(pattern: &str) -> Result<Self, Fault> {
        let text = pattern.trim();
        if pattern.chars().count() > 1024 {
            return Err(invalid(
                "Filter pattern is too long: 1024 characters at most.",
            ));
        }
        let read = if text.is_empty() {
            Ok(Self::All)
        } else if text.starts_with('{') {
            json::Condition::read(text).map(Self::Json)
        } else if text.starts_with('[') {
            spaced::Spaced::read(text).map(Self::Spaced)
        } else {
            terms::Terms::read(text).map(Self::Terms)
        };
        read.map_err(|why| invalid(format!("Invalid filter pattern: {why}")))
    }

    /// Whether a message matches.
    pub(super) fn matches(&self, message: &str) -> bool {
        self.find(message).is_some()
    }

    /// What the pattern reads from a message; nothing when it does not match.
    pub(super) fn find(&self, message: &str) -> Option<Fields<'_>> {
        match self {
            Self::All => Some(Fields::None),
            Self::Terms(terms) => terms.matches(message).then_some(Fields::None),
            Self::Json(condition) => {
                let value: Value = serde_json::from_str(message.trim()).ok()?;
                condition
                    .matches(&value)
                    .then_some(Fields::Json(condition, value))
            }
            Self::Spaced(spaced) => spaced.find(message).map(Fields::Spaced),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let read = Pattern::read(pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault:?}"));
        for message in matching {
            assert!(read.matches(message), "{pattern} should match {message}");
        }
        for message in others {
            assert!(
                !read.matches(message),
                "{pattern} should not match {message}"
            );
        }
    }

    #[test]
    fn terms() {
        let bad = "[ERROR 400] BAD REQUEST";
        let unauthorized = "[ERROR 401] UNAUTHORIZED REQUEST";
        let fine = "[SUCCESS 200] AUTHORIZED REQUEST";
        check("", &[bad, ""], &[]);
        check("ERROR", &[bad, unauthorized], &[fine, "error"]);
        check("ERROR REQUEST", &[bad, unauthorized], &[fine]);
        check("\"BAD REQUEST\"", &[bad], &["REQUEST BAD"]);
        check("\"say \\\"hi\\\"\"", &["they say \"hi\""], &["they say hi"]);
        check("REQUEST -ERROR", &[fine], &[bad]);
        check("REQUEST -\"ERROR 401\"", &[fine, bad], &[unauthorized]);
        check("-ERROR", &[fine], &[bad]);
        check("?400 ?200", &[bad, fine], &[unauthorized]);
        // Beside other terms, `?` counts for nothing.
        check("?400 UNAUTHORIZED", &[unauthorized], &[bad]);
        check("%AUTHORIZED%", &[unauthorized, fine], &[bad]);
        check("%4[0-9]1%", &[unauthorized], &[bad]);
        check(
            "\"Task timed out\"",
            &["x Task timed out after 3.00 seconds"],
            &["Task ok"],
        );
    }

    #[test]
    fn json_conditions() {
        let event = r#"{"level":"ERROR","ms":5,"ok":true,"none":null,"user":{"name":"ann","ids":[7,8]},"a.b":1,"ip":"10.0.0.7"}"#;
        for pattern in [
            r#"{ $.level = "ERROR" }"#,
            "{ $.level = ERROR }",
            r#"{ $.level = "ERROR" && $.ms > 3 }"#,
            r#"{ ($.level = "INFO") || (($.ms >= 5) && ($.ms <= 5)) }"#,
            "{ $.ms = 5 }",
            "{ $.ms = 5.0 }",
            "{ $.ms != 4 }",
            "{ $.ms < 1e1 }",
            "{ $.level = E*R }",
            r#"{ $.level = "*RR*" }"#,
            "{ $.level != INFO }",
            "{ $.ok IS TRUE }",
            "{ $.none IS NULL }",
            "{ $.missing NOT EXISTS }",
            "{ $.user.name = ann }",
            "{ $.user.ids[0] = 7 }",
            "{ $.user.ids[*] = 8 }",
            "{ $['a.b'] = 1 }",
            "{ $.ip = 10.0.* }",
            "{ $.ip = %^10\\.0% }",
            "{$.level=ERROR&&$.ms=5}",
        ] {
            check(pattern, &[event], &["no json", "[]"]);
        }
        for pattern in [
            "{ $.level = error }",
            "{ $.ms > 5 }",
            "{ $.level > 3 }",
            "{ $.ok IS FALSE }",
            "{ $.ms IS NULL }",
            "{ $.ms NOT EXISTS }",
            "{ $.missing != 1 }",
            "{ $.missing IS NULL }",
            "{ $.level = ERROR && $.ms > 5 }",
            "{ $.user = ann }",
        ] {
            check(pattern, &[], &[event]);
        }
    }

    #[test]
    fn fields_between_spaces() {
        let line = r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
        for pattern in [
            "[ip, user, name, timestamp, request, status_code, bytes]",
            "[ip, user, name, timestamp, request, status_code = 4*, bytes > 1000]",
            "[ip, user, name, timestamp, request = *.html*, status_code = 4*, bytes]",
            "[..., status_code = 404, bytes]",
            "[ip, ...]",
            "[ip = 127.0.*, ..., bytes]",
            "[..., status_code = 400 || status_code = 404, bytes]",
            "[ip, user, name, timestamp, request, status_code != 2* && status_code < 500, bytes]",
            "[ip, user, name = \"frank\", ...]",
            "[ip = %^127\\.%, ...]",
        ] {
            check(pattern, &[line], &[""]);
        }
        for pattern in [
            "[ip, user]",
            "[..., status_code = 5*, bytes]",
            "[..., bytes < 1000]",
            "[ip, user, name, timestamp, request, status_code, bytes, more]",
        ] {
            check(pattern, &[], &[line]);
        }
        check("[w1=ERROR, w2]", &["ERROR x"], &["INFO x"]);
        check(
            "[w1!=ERROR&&w1!=WARN, w2]",
            &["INFO x"],
            &["ERROR x", "WARN x"],
        );
    }

    #[test]
    fn what_is_read_from_a_message() {
        let spaced = Pattern::read("[ip, ..., bytes > 1]").unwrap();
        let fields = spaced.find("1.2.3.4 a \"b c\" 30").unwrap();
        assert_eq!(fields.get("$bytes").as_deref(), Some("30"));
        assert_eq!(fields.get("$nothing"), None);
        let read = fields.named();
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("$ip", "1.2.3.4"),
                ("$2", "a"),
                ("$3", "b c"),
                ("$bytes", "30")
            ]
        );

        let json = Pattern::read("{ $.ms > 1 && $.op = * }").unwrap();
        let fields = json.find(r#"{"ms": 2.5, "op": "add", "x": true}"#).unwrap();
        assert_eq!(fields.get("$.x").as_deref(), Some("true"));
        let read = fields.named();
        assert_eq!(
            read,
            [
                ("$.ms".to_owned(), "2.5".to_owned()),
                ("$.op".to_owned(), "add".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "a:b",
            "{",
            "{ }",
            "{ $.x }",
            "{ x = 1 }",
            "{ $.x = }",
            "{ $.x = 1 &&",
            "{ $.x = 1 } y",
            "{ ($.x = 1 }",
            "{ $.x > a }",
            "[",
            "[a",
            "[a, b] c",
            "[..., a, ...]",
            "\"open",
            "%open",
            "%(x)%",
            "[a = ]",
            "[a, b, a]",
            "[b = 1 || c = 2]",
        ] {
            let fault = Pattern::read(pattern).expect_err(pattern);
            assert_eq!(fault.code, "InvalidParameterException", "{pattern}");
        }
    }
}
