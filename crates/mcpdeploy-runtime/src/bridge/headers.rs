//! Which headers go to the server, and which come back.

use ::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

use crate::event::Context;
use crate::lambda::Call;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// The gateway's context, with the claims that an authorizer found, as JSON.
const REQUEST_CONTEXT: HeaderName = HeaderName::from_static("x-amzn-request-context");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-lambda-request-id");

/// How the server is called by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// As it listens: many MCP servers refuse other names, against DNS rebinding.
    Local,
    /// As the client called it.
    Public,
    /// Always so.
    Fixed(HeaderValue),
}

/// What concerns one connection only (RFC 9110, 7.6.1), and lengths, which are counted anew.
pub(super) fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        CONTENT_LENGTH,
        EXPECT,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ] {
        headers.remove(name);
    }
}

/// The headers of a request as the server gets them. What only this bridge may say replaces what a
/// client says by the same name.
pub(super) fn to_server(
    headers: &mut HeaderMap,
    context: Option<&Context>,
    call: &Call,
    host: &Host,
    local: &HeaderValue,
) {
    drop_hop_by_hop(headers);
    let set = |headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>| match value {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    };
    let read = |text: &str| HeaderValue::from_str(text).ok();
    let public = headers.remove(HOST).or_else(|| {
        let domain = context.and_then(|context| context.domain.as_deref());
        domain.and_then(read)
    });
    let called = match host {
        Host::Local => Some(local.clone()),
        Host::Public => public.clone().or_else(|| Some(local.clone())),
        Host::Fixed(value) => Some(value.clone()),
    };
    set(headers, HOST, called);
    set(headers, FORWARDED_HOST, public);
    if !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    }
    if !headers.contains_key(FORWARDED_FOR) {
        let ip = context.and_then(|context| context.source_ip.as_deref());
        set(headers, FORWARDED_FOR, ip.and_then(read));
    }
    set(headers, TRACE, call.trace.as_deref().and_then(read));
    let json = context.map(|context| context.json.as_str());
    set(headers, REQUEST_CONTEXT, json.and_then(read));
    set(headers, REQUEST_ID, read(&call.request_id));
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn sent(host: &Host, headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let call = Call {
            request_id: "r-1".to_owned(),
            deadline: Instant::now(),
            trace: Some("Root=1-2".to_owned()),
        };
        let context = Context {
            source_ip: Some("203.0.113.9".to_owned()),
            domain: Some("api.example.com".to_owned()),
            json: "{\"stage\":\"x\"}".to_owned(),
        };
        let local = HeaderValue::from_static("127.0.0.1:8000");
        to_server(&mut map, Some(&context), &call, host, &local);
        let mut sent: Vec<(String, String)> = map
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        sent.sort();
        sent
    }

    fn value(sent: &[(String, String)], name: &str) -> Option<String> {
        let found = sent.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.clone())
    }

    #[test]
    fn hop_by_hop_headers_stay_behind() {
        let sent = sent(
            &Host::Local,
            &[
                ("connection", "close, X-Secret"),
                ("x-secret", "1"),
                ("transfer-encoding", "chunked"),
                ("content-length", "9"),
                ("te", "trailers"),
                ("accept", "*/*"),
            ],
        );
        let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "accept",
                "host",
                "x-amzn-lambda-request-id",
                "x-amzn-request-context",
                "x-amzn-trace-id",
                "x-forwarded-for",
                "x-forwarded-host",
                "x-forwarded-proto",
            ]
        );
    }

    #[test]
    fn the_host_is_as_settings_want_it() {
        let fixed = Host::Fixed(HeaderValue::from_static("inner"));
        for (host, expected) in [
            (&Host::Local, "127.0.0.1:8000"),
            (&Host::Public, "mcp.example.com"),
            (&fixed, "inner"),
        ] {
            let sent = sent(host, &[("host", "mcp.example.com")]);
            assert_eq!(value(&sent, "host").as_deref(), Some(expected));
            assert_eq!(
                value(&sent, "x-forwarded-host").as_deref(),
                Some("mcp.example.com")
            );
        }
        let without = sent(&Host::Public, &[]);
        assert_eq!(value(&without, "host").as_deref(), Some("api.example.com"));
    }

    #[test]
    fn a_client_cannot_speak_for_the_gateway() {
        let sent = sent(
            &Host::Local,
            &[
                ("x-amzn-request-context", "{\"authorizer\":\"forged\"}"),
                ("x-amzn-lambda-request-id", "forged"),
                ("x-forwarded-host", "forged"),
                ("x-amzn-trace-id", "forged"),
            ],
        );
        assert!(sent.iter().all(|(_, value)| !value.contains("forged")));
        assert_eq!(
            value(&sent, "x-amzn-request-context").as_deref(),
            Some("{\"stage\":\"x\"}")
        );
    }
}
