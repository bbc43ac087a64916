//! Signature Version 4, as far as JSON services need it: the whole request is there, and its path is
//! made of characters that stand for themselves. The SDK's signer would bring a second SHA-2 with it.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, HeaderValue, Request};
use ring::hmac;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

use super::credentials::Credentials;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What a signature is good for, beside the request.
pub(super) struct Scope<'s> {
    pub(super) region: &'s str,
    pub(super) service: &'s str,
    pub(super) now: OffsetDateTime,
}

/// Signs `request` with all headers that it has. Those that the connection adds later are not signed.
pub(super) fn sign(request: &mut Request<Bytes>, credentials: &Credentials, scope: &Scope<'_>) {
    let time = scope
        .now
        .format(format_description!(
            "[year][month][day]T[hour][minute][second]Z"
        ))
        .unwrap_or_default();
    let day = time.get(..8).unwrap_or_default();
    if let Some(host) = request.uri().authority().map(|host| host.as_str().parse()) {
        set(request, HOST, host);
    }
    set(request, DATE, time.parse());
    if let Some(token) = &credentials.session_token {
        set(request, TOKEN, token.expose_secret().parse());
    }

    let (canonical, signed) = canonical(request);
    let service = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{time}\n{service}\n{}", digest(&canonical));
    let first = format!("AWS4{}", credentials.secret_key.expose_secret());
    let key = [scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(keyed(first.as_bytes(), day), |key, part| {
            keyed(key.as_ref(), part)
        });
    let signature = hex(keyed(key.as_ref(), &to_sign).as_ref());
    let key_id = &credentials.key_id;
    let header = format!(
        "{ALGORITHM} Credential={key_id}/{service}, SignedHeaders={signed}, Signature={signature}"
    );
    set(request, AUTHORIZATION, header.parse());
}

/// A value with characters that no header has is not sent; AWS then says that it is missing.
fn set(
    request: &mut Request<Bytes>,
    name: HeaderName,
    value: Result<HeaderValue, http::header::InvalidHeaderValue>,
) {
    if let Ok(mut value) = value {
        value.set_sensitive(name == AUTHORIZATION || name == TOKEN);
        request.headers_mut().insert(name, value);
    }
}

/// The request as both sides write it, and the names of the headers in it.
fn canonical(request: &Request<Bytes>) -> (String, String) {
    let mut headers: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default().trim()))
        .collect();
    headers.sort_unstable();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut text = format!("{}\n{}\n\n", request.method(), request.uri().path());
    for (name, value) in headers {
        text.push_str(name);
        text.push(':');
        text.push_str(value);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&names);
    text.push('\n');
    text.push_str(&hex(&Sha256::digest(request.body())));
    (text, names)
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn keyed(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// Of the test suite that AWS publishes for signers (aws-signing-test-suite/v4).
    #[test]
    fn signatures_are_those_of_the_published_examples() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let form = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", "13"),
            (
                "x-amz-content-sha256",
                "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
            ),
        ];
        for (name, token, headers, body, signed, signature) in [
            (
                "post-vanilla",
                None,
                &[][..],
                "",
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "post-sts-header-before",
                Some(token),
                &[],
                "",
                "host;x-amz-date;x-amz-security-token",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
            (
                "post-x-www-form-urlencoded",
                None,
                &form,
                "Param1=value1",
                "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
        ] {
            let credentials = Credentials {
                key_id: "AKIDEXAMPLE".to_owned(),
                secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
                session_token: token.map(Into::into),
            };
            let mut request = Request::post("https://example.amazonaws.com/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut request = request.body(Bytes::from(body)).unwrap();
            let scope = Scope {
                region: "us-east-1",
                service: "service",
                now: datetime!(2015-08-30 12:36:00 UTC),
            };
            sign(&mut request, &credentials, &scope);
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders={signed}, Signature={signature}"
            );
            assert_eq!(
                request.headers()[AUTHORIZATION],
                expected.as_str(),
                "{name}"
            );
        }
    }
}
