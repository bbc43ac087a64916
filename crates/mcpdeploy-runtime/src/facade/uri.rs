//! Redirect URIs: which may be registered, and whether the one asked for is a registered one.
//!
//! Stricter than RFC 3986 on purpose. A browser repairs what it is given (backslashes, blanks, user
//! names), and a URI that two parsers read differently is how codes end up at an attacker's.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longer than any real one; a sealed state must still fit in a URL.
const LONGEST: usize = 1024;

/// Schemes that a browser acts upon itself: a redirect there runs or shows something.
const FORBIDDEN: [&str; 17] = [
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "javascript",
    "jar",
    "mailto",
    "mhtml",
    "resource",
    "vbscript",
    "view-source",
    "ws",
];

/// Where a redirect URI leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaches {
    /// A host on the web.
    Web,
    /// A program listening on the person's own machine.
    Loopback,
    /// An app on the person's own machine, by a scheme of its own.
    App,
}

/// Why a redirect URI cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadUri {
    #[error("is longer than 1024 characters")]
    Long,
    #[error("has characters that no URI has")]
    Characters,
    #[error("has a fragment")]
    Fragment,
    #[error("has no scheme, or one that apps cannot have")]
    Scheme,
    #[error("has no host, or a user name before it")]
    Host,
    #[error("is plain http, which only loopback addresses may be")]
    Plain,
}

/// A redirect URI, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Redirect<'a> {
    pub(super) reaches: Reaches,
    scheme: &'a str,
    /// For an app, what follows the scheme, if it is a host.
    host: &'a str,
    port: Option<u16>,
    /// Path and query.
    rest: &'a str,
}

impl<'a> Redirect<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, BadUri> {
        if text.len() > LONGEST {
            return Err(BadUri::Long);
        }
        if text.contains('#') {
            return Err(BadUri::Fragment);
        }
        if !text.bytes().all(is_uri_character) {
            return Err(BadUri::Characters);
        }
        let (scheme, after) = text.split_once(':').ok_or(BadUri::Scheme)?;
        if !is_scheme(scheme) || FORBIDDEN.contains(&scheme) {
            return Err(BadUri::Scheme);
        }
        let web = scheme == "https" || scheme == "http";
        let Some(after) = after.strip_prefix("//") else {
            return if web {
                Err(BadUri::Host)
            } else {
                Ok(Self::app(scheme, "", after))
            };
        };
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        if authority.contains('@') {
            return Err(BadUri::Host);
        }
        if !web {
            return Ok(Self::app(scheme, authority, rest));
        }
        let (host, port) = host_and_port(authority).ok_or(BadUri::Host)?;
        let reaches = if is_loopback(host) {
            Reaches::Loopback
        } else if scheme == "http" {
            return Err(BadUri::Plain);
        } else {
            Reaches::Web
        };
        Ok(Self {
            reaches,
            scheme,
            host,
            port,
            rest,
        })
    }

    fn app(scheme: &'a str, host: &'a str, rest: &'a str) -> Self {
        Self {
            reaches: Reaches::App,
            scheme,
            host,
            port: None,
            rest,
        }
    }

    /// What a person is shown of it, and what a consent holds for.
    pub(super) fn origin(&self) -> String {
        match (self.reaches, self.port) {
            (Reaches::App, _) => format!("{}:", self.scheme),
            (Reaches::Web | Reaches::Loopback, None) => format!("{}://{}", self.scheme, self.host),
            (Reaches::Web | Reaches::Loopback, Some(port)) => {
                format!("{}://{}:{port}", self.scheme, self.host)
            }
        }
    }

    /// Its host, or the scheme by which an app is called.
    pub(super) fn shown(&self) -> String {
        match self.reaches {
            Reaches::Web => self.origin().split_off("https://".len()),
            Reaches::Loopback => format!("an app on this computer ({})", self.host),
            Reaches::App => format!("the app that opens {}: links", self.scheme),
        }
    }
}

/// Whether `asked` is `registered`: exactly, or on a loopback address but for the port (RFC 8252).
pub(super) fn matches(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(registered), Ok(asked)) = (Redirect::parse(registered), Redirect::parse(asked)) else {
        return false;
    };
    registered.reaches == Reaches::Loopback
        && asked.reaches == Reaches::Loopback
        && registered.scheme == asked.scheme
        && registered.host == asked.host
        && registered.rest == asked.rest
}

/// `uri` with these parameters added to its query.
pub(super) fn with_query<'p>(
    uri: &str,
    parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{joint}{query}")
}

/// Whether `text` is `pattern`, in which `*` stands for anything but a slash.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let reach = rest.find('/').unwrap_or(rest.len());
            (0..=reach)
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| fits(after, &rest[at..]))
        }),
    }
}

fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
}

fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            (host, Some(port.parse().ok()?))
        }
        Some(_) | None => (authority, None),
    };
    let named = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-');
    let literal = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
    (named || literal).then_some((host, port))
}

/// Only these three: a name that merely resolves to loopback is somebody's DNS.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host == Ipv4Addr::LOCALHOST.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_redirect_uri() {
        for (text, expected) in [
            ("https://app.example/cb", Ok(Reaches::Web)),
            ("https://app.example:8443/cb?a=b", Ok(Reaches::Web)),
            ("https://app.example", Ok(Reaches::Web)),
            ("http://127.0.0.1/cb", Ok(Reaches::Loopback)),
            ("http://[::1]:9/cb", Ok(Reaches::Loopback)),
            ("http://localhost:1234/", Ok(Reaches::Loopback)),
            (
                "cursor://anysphere.cursor-mcp/oauth/callback",
                Ok(Reaches::App),
            ),
            ("com.example.app:/cb", Ok(Reaches::App)),
            ("http://app.example/cb", Err(BadUri::Plain)),
            ("http://127.0.0.1.evil.example/cb", Err(BadUri::Plain)),
            ("http://127.0.0.2/cb", Err(BadUri::Plain)),
            ("https://app.example/cb#x", Err(BadUri::Fragment)),
            ("https://app.example@evil.example/", Err(BadUri::Host)),
            ("https:/app.example/", Err(BadUri::Host)),
            ("https:///cb", Err(BadUri::Host)),
            ("https://app.example:/cb", Err(BadUri::Host)),
            ("https://app.example:99999/cb", Err(BadUri::Host)),
            ("https://app%2eexample/cb", Err(BadUri::Host)),
            (
                "https://app.example\\@evil.example/",
                Err(BadUri::Characters),
            ),
            ("https://app.example/ cb", Err(BadUri::Characters)),
            ("https://app.example/\ncb", Err(BadUri::Characters)),
            ("https://äpp.example/", Err(BadUri::Characters)),
            ("javascript:alert(1)", Err(BadUri::Scheme)),
            ("data:text/html,x", Err(BadUri::Scheme)),
            ("JavaScript:alert(1)", Err(BadUri::Scheme)),
            ("//evil.example/", Err(BadUri::Scheme)),
            ("/cb", Err(BadUri::Scheme)),
            ("", Err(BadUri::Scheme)),
        ] {
            assert_eq!(
                Redirect::parse(text).map(|redirect| redirect.reaches),
                expected,
                "{text:?}"
            );
        }
        let long = format!("https://app.example/{}", "a".repeat(1024));
        assert_eq!(Redirect::parse(&long), Err(BadUri::Long));
    }

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        for (registered, asked, expected) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:5000/cb", true),
            ("http://[::1]/cb", "http://[::1]:5000/cb", true),
            ("http://localhost/cb", "http://localhost:5000/cb", true),
            ("http://localhost/cb", "http://127.0.0.1:5000/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb2", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb?x=1", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:5000/cb", false),
            (
                "http://127.0.0.1/cb",
                "http://127.0.0.1:5@evil.example/cb",
                false,
            ),
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example:444/cb", false),
            ("https://a.example/cb", "https://a.example/cb/", false),
            ("https://a.example/cb", "https://a.example/cb?x=1", false),
            ("https://a.example/cb", "https://a.example/x/../cb", false),
            ("https://a.example/cb", "https://A.example/cb", false),
            ("app:/cb", "app:/cb2", false),
        ] {
            assert_eq!(matches(registered, asked), expected, "{registered} {asked}");
        }
    }

    #[test]
    fn a_star_stops_at_a_slash() {
        for (pattern, text, expected) in [
            ("claude.ai", "claude.ai", true),
            ("*.example", "a.b.example", true),
            ("*.example", "example", false),
            ("https://*.example/*", "https://a.example/cb", true),
            ("https://*.example/*", "https://evil/.example/cb", false),
            ("https://a.example/*", "https://a.example/cb/x", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_query_is_added_to_what_is_there() {
        assert_eq!(with_query("a:/b", [("c", "d e")]), "a:/b?c=d+e");
        assert_eq!(with_query("a:/b?x=y", [("c", "&")]), "a:/b?x=y&c=%26");
    }
}
