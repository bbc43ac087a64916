//! The token endpoint: a code for tokens, a refresh token for new ones, and their end (RFC 7009).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{LoginError, oauth};
use crate::http::Http;
use crate::kept::now;
use crate::registration::{Method, Registration};
use crate::secret::Secret;

/// What an authorization server gave.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    /// In seconds since 1970; none when the server does not tell.
    pub(crate) expires_at: Option<u64>,
    pub(crate) refresh: Option<Secret>,
    /// Told only where they are others than were asked for (RFC 6749, 5.1).
    pub(crate) scopes: Option<Vec<String>>,
}

/// Why there are no new tokens.
pub(crate) enum Refused {
    /// The authorization server does not know the code, the refresh token or the client any more.
    ForGood {
        /// The client itself is not known.
        client: bool,
        why: LoginError,
    },
    /// It did not work this time.
    ThisTime(LoginError),
}

impl From<Refused> for LoginError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ForGood { why, .. } | Refused::ThisTime(why) => why,
        }
    }
}

#[derive(Deserialize)]
struct Answered {
    access_token: Secret,
    token_type: String,
    expires_in: Option<Value>,
    refresh_token: Option<Secret>,
    scope: Option<String>,
}

/// Asks for tokens.
pub(crate) fn ask(
    http: &Http,
    url: &str,
    client: &Registration,
    grant: &[(&str, &str)],
) -> Result<Tokens, Refused> {
    let (authorization, identity) = prove(client);
    let mut form = grant.to_vec();
    form.extend(identity.iter().map(|(name, value)| (*name, value.reveal())));
    let answer = http
        .post_form(url, authorization.as_ref(), &form)
        .map_err(Refused::ThisTime)?;
    let no_token = |why: String| LoginError::NoToken {
        url: url.to_owned(),
        why,
    };
    let document = answer.object().unwrap_or_default();
    if answer.status != 200 {
        let error = document["error"].as_str();
        let why = no_token(match error {
            Some(error) => oauth(error, document["error_description"].as_str()),
            None => format!("HTTP {}", answer.status),
        });
        return Err(match error {
            Some("invalid_client" | "unauthorized_client") => {
                Refused::ForGood { client: true, why }
            }
            Some("invalid_grant") => Refused::ForGood { client: false, why },
            Some(_) | None => Refused::ThisTime(why),
        });
    }
    // The body is not shown: it may have tokens in it.
    let answered: Answered = serde_json::from_value(document)
        .map_err(|_| Refused::ThisTime(no_token("its answer is no token response".to_owned())))?;
    if !answered.token_type.eq_ignore_ascii_case("bearer") {
        let kind = crate::error::shown(&answered.token_type);
        return Err(Refused::ThisTime(no_token(format!(
            "it is of the type {kind}, and only Bearer is there"
        ))));
    }
    let token = answered.access_token.reveal();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refused::ThisTime(no_token(
            "it has characters that a header cannot carry".to_owned(),
        )));
    }
    Ok(Tokens {
        expires_at: answered
            .expires_in
            .as_ref()
            .and_then(seconds)
            .map(|lifetime| now().saturating_add(lifetime)),
        access: answered.access_token,
        refresh: answered.refresh_token,
        scopes: answered
            .scope
            .map(|scope| scope.split_whitespace().map(str::to_owned).collect()),
    })
}

/// A number of seconds; some servers write it as text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Tells the server that the token is not needed any more.
pub(crate) fn revoke(
    http: &Http,
    url: &str,
    client: &Registration,
    token: &Secret,
    hint: &str,
) -> Result<(), LoginError> {
    let (authorization, identity) = prove(client);
    let mut form = vec![("token", token.reveal()), ("token_type_hint", hint)];
    form.extend(identity.iter().map(|(name, value)| (*name, value.reveal())));
    let answer = http.post_form(url, authorization.as_ref(), &form)?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(LoginError::Unexpected {
        url: url.to_owned(),
        with: answer.in_words(),
    })
}

/// How the client says who it is: in a header, or in the form.
fn prove(client: &Registration) -> (Option<Secret>, Vec<(&'static str, Secret)>) {
    let id = ("client_id", Secret::new(&client.client_id));
    match (client.method, &client.client_secret) {
        (Method::ClientSecretBasic, Some(secret)) => {
            // RFC 6749, 2.3.1: both are encoded as in a form first.
            let encoded = |text: &str| -> String {
                form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let pair = format!(
                "{}:{}",
                encoded(&client.client_id),
                encoded(secret.reveal())
            );
            let header = Secret::new(format!("Basic {}", STANDARD.encode(pair)));
            (Some(header), Vec::new())
        }
        (Method::ClientSecretPost, Some(secret)) => {
            (None, vec![id, ("client_secret", secret.clone())])
        }
        (Method::None | Method::ClientSecretBasic | Method::ClientSecretPost, _) => {
            (None, vec![id])
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registration::Origin;

    fn client(method: Method, secret: Option<&str>) -> Registration {
        Registration {
            client_id: "a:b".to_owned(),
            client_secret: secret.map(Secret::new),
            method,
            origin: Origin::ByHand,
            port: None,
            expires_at: None,
        }
    }

    #[test]
    fn a_client_says_who_it_is_as_its_server_wants_it() {
        let (header, form) = prove(&client(Method::ClientSecretBasic, Some("p w")));
        let expected = format!("Basic {}", STANDARD.encode("a%3Ab:p+w"));
        assert_eq!(header.unwrap().reveal(), expected);
        assert_eq!(form, []);
        let (header, form) = prove(&client(Method::ClientSecretPost, Some("pw")));
        assert_eq!(header, None);
        assert_eq!(form.len(), 2);
        let (header, form) = prove(&client(Method::None, Some("pw")));
        assert_eq!((header, form.len()), (None, 1));
    }

    #[test]
    fn lifetimes_come_as_numbers_and_as_text() {
        assert_eq!(seconds(&json!(3600)), Some(3600));
        assert_eq!(seconds(&json!("60")), Some(60));
        assert_eq!(seconds(&json!(-1)), None);
        assert_eq!(seconds(&json!("soon")), None);
    }
}
