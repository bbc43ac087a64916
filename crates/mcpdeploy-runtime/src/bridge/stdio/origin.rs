//! Which pages may call the server from a browser.

use ::http::HeaderMap;
use ::http::header::{HOST, ORIGIN};

/// What `MCPDEPLOY_ALLOWED_ORIGINS` lists, besides the server's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origins {
    listed: Vec<String>,
    any: bool,
}

impl Origins {
    /// A list with commas between; `*` is any.
    pub(super) fn read(list: Option<&str>) -> Self {
        let listed: Vec<String> = list
            .unwrap_or_default()
            .split(',')
            .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
            .filter(|origin| !origin.is_empty())
            .collect();
        Self {
            any: listed.iter().any(|origin| origin == "*"),
            listed,
        }
    }

    /// Whether a request with these headers may pass. Without an origin, it is no page's.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        if self.any {
            return true;
        }
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else {
            return false;
        };
        let Some((_, authority)) = origin.split_once("://") else {
            return false;
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
            || is_loopback(authority)
            || self.listed.contains(&origin)
    }
}

/// Tools on the client's own machine, such as inspectors, are pages there.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_pages_pass() {
        for (list, origin, passes) in [
            (None, None, true),
            (None, Some("https://mcp.example.com"), true),
            (None, Some("https://evil.example"), false),
            (None, Some("https://mcp.example.com.evil.example"), false),
            (None, Some("http://localhost.evil.example"), false),
            (None, Some("http://localhost:6274"), true),
            (None, Some("http://[::1]:6274"), true),
            (None, Some("null"), false),
            (
                Some("https://a.example, https://B.example/"),
                Some("https://b.example"),
                true,
            ),
            (Some("https://a.example"), Some("https://b.example"), false),
            (Some("*"), Some("https://b.example"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "mcp.example.com".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            let allowed = Origins::read(list).allow(&headers);
            assert_eq!(allowed, passes, "{list:?} {origin:?}");
        }
    }
}
