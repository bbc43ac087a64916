//! Parameters and cookies of a request. A parameter given twice is an error (RFC 6749, section 3.1):
//! who reads the first and who reads the last must not see two requests.

use http::HeaderMap;
use http::header::COOKIE;

/// Parameters of a query or of a form.
pub(super) struct Params(Vec<(String, String)>);

/// A parameter that was given more than once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} is there more than once")]
pub(super) struct Twice(pub(super) &'static str);

impl Params {
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of `name`; an empty one counts as absent, as the RFC says.
    pub(super) fn one(&self, name: &'static str) -> Result<Option<&str>, Twice> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Twice(name));
        }
        Ok(first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty()))
    }
}

/// The cookie `name`, if the browser sent one.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_is_an_error_and_empty_is_absent() {
        let params = Params::parse(b"a=1&b=&c=x&c=y&d=%20+");
        assert_eq!(params.one("a"), Ok(Some("1")));
        assert_eq!(params.one("b"), Ok(None));
        assert_eq!(params.one("c"), Err(Twice("c")));
        assert_eq!(params.one("d"), Ok(Some("  ")));
        assert_eq!(params.one("e"), Ok(None));
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "xa=0; a=1".parse().unwrap());
        headers.append(COOKIE, "b=2=3".parse().unwrap());
        assert_eq!(cookie(&headers, "a"), Some("1"));
        assert_eq!(cookie(&headers, "b"), Some("2=3"));
        assert_eq!(cookie(&headers, "c"), None);
    }
}
