//! URLs: where documents are looked for, what is below what, and what is on this machine.

use ureq::http::Uri;

/// Where the metadata of a protected resource may be (RFC 9728, and the root, which is MCP's own
/// addition), in the order of MCP's specification.
#[must_use]
pub fn of_resource(endpoint: &str) -> Option<Vec<String>> {
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    let (root, path) = root_and_path(endpoint)?;
    let mut places = vec![format!("{root}{WELL_KNOWN}{path}")];
    if !path.is_empty() {
        places.push(format!("{root}{WELL_KNOWN}"));
    }
    Some(places)
}

/// Where the metadata of an authorization server may be (RFC 8414 and OpenID Connect Discovery), in
/// the order of MCP's specification.
#[must_use]
pub fn of_issuer(issuer: &str) -> Option<Vec<String>> {
    let (root, path) = root_and_path(issuer)?;
    let mut places = vec![
        format!("{root}/.well-known/oauth-authorization-server{path}"),
        format!("{root}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        places.push(format!("{root}{path}/.well-known/openid-configuration"));
    }
    Some(places)
}

/// Whether the resource is the endpoint, or what the endpoint is below of: a server may protect all
/// of its paths alike.
#[must_use]
pub fn is_at_or_above(resource: &str, endpoint: &str) -> bool {
    let (Ok(resource), Ok(endpoint)) = (resource.parse::<Uri>(), endpoint.parse::<Uri>()) else {
        return false;
    };
    let path = resource.path().trim_end_matches('/');
    let below = endpoint
        .path()
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    resource
        .query()
        .is_none_or(|query| endpoint.query() == Some(query))
        && resource.scheme() == endpoint.scheme()
        && resource.authority() == endpoint.authority()
        && below
}

/// Whether the host is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Scheme and authority, and the path without a slash at its end.
fn root_and_path(url: &str) -> Option<(String, &str)> {
    let uri: Uri = url.parse().ok()?;
    let root = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    let rest = url.get(root.len()..)?;
    let path = rest.split(['?', '#']).next()?;
    Some((root, path.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_clients_look() {
        assert_eq!(
            of_issuer("https://login.test/pool").unwrap(),
            [
                "https://login.test/.well-known/oauth-authorization-server/pool",
                "https://login.test/.well-known/openid-configuration/pool",
                "https://login.test/pool/.well-known/openid-configuration",
            ]
        );
        assert_eq!(of_issuer("https://login.test").unwrap().len(), 2);
        assert_eq!(of_issuer("https://login.test/").unwrap().len(), 2);
        assert_eq!(of_issuer("login"), None);
        assert_eq!(
            of_resource("https://a.test/mcp?x=1").unwrap(),
            [
                "https://a.test/.well-known/oauth-protected-resource/mcp",
                "https://a.test/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(of_resource("https://a.test/").unwrap().len(), 1);
    }

    #[test]
    fn a_resource_is_the_endpoint_or_above_it() {
        for (resource, expected) in [
            ("https://a.test/mcp", true),
            ("https://a.test/mcp/", true),
            ("https://a.test", true),
            ("https://a.test/m", false),
            ("https://b.test/mcp", false),
            ("http://a.test/mcp", false),
            ("https://a.test:444/mcp", false),
            ("https://a.test/mcp?x=1", false),
            ("a.test", false),
        ] {
            let found = is_at_or_above(resource, "https://a.test/mcp");
            assert_eq!(found, expected, "{resource}");
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("localhost", true),
            ("a.localhost", true),
            ("localhost.test", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
