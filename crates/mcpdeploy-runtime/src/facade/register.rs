//! `/register` (RFC 7591): a client makes itself known. Its id is what it said of itself, sealed.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer, Code, Fault};
use super::client::{Origin, Record, digest};
use super::route::{Facade, media_type};
use super::scopes::among;
use super::seal;
use super::trail::Trail;
use super::uri::{Reaches, Redirect, fits};

/// The id carries them, and travels in URLs.
const MOST_URIS: usize = 10;
const MOST_OF_URIS: usize = 2048;
const LONGEST_NAME: usize = 100;

/// What a client says of itself, as far as it matters here; the rest is ignored, as the RFC wants.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    redirect_uris: Vec<String>,
    client_name: Option<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<String>,
    scope: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    None,
    Basic,
    Post,
}

impl Method {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

impl Facade {
    pub(super) fn register(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        trail: &mut Trail,
    ) -> Result<Answer, Fault> {
        if media_type(headers) != Some("application/json") {
            return Err(metadata("the body must be application/json"));
        }
        let said: Said = serde_json::from_slice(body).map_err(|fault| unreadable(&fault))?;
        self.check_redirects(&said.redirect_uris)?;
        let kind = application_type(&said);
        check_types(&said)?;
        let name = said.client_name.as_deref().map(shown_name);
        trail.client.clone_from(&name);
        let method = self.method(&said, name.as_deref())?;
        let scope = self.registered_scope(said.scope.as_deref());

        let secret = (method != Method::None).then(seal::random);
        let now = self.clock.now();
        let until = now + self.settings.lifetimes.registration;
        let record = Record {
            name,
            redirect_uris: said.redirect_uris,
            secret: secret.as_deref().map(|secret| digest(&[secret])),
        };
        let mut document = json!({
            "client_id": self.held().sealer.seal(&record, until),
            "client_id_issued_at": now,
            "redirect_uris": record.redirect_uris,
            "application_type": kind,
            "token_endpoint_auth_method": method.as_str(),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": scope,
        });
        if let Some(name) = &record.name {
            document["client_name"] = json!(name);
        }
        if let Some(secret) = secret {
            document["client_secret"] = json!(secret);
            document["client_secret_expires_at"] = json!(until);
        }
        Ok(answer::json_answer(StatusCode::CREATED, &document))
    }

    fn check_redirects(&self, uris: &[String]) -> Result<(), Fault> {
        let bad = |why: String| Fault::new(Code::InvalidRedirectUri, why);
        if uris.is_empty() {
            return Err(bad("redirect_uris is empty or missing".to_owned()));
        }
        if uris.len() > MOST_URIS || uris.iter().map(String::len).sum::<usize>() > MOST_OF_URIS {
            return Err(bad(format!(
                "redirect_uris has more than {MOST_URIS} of them or than {MOST_OF_URIS} characters"
            )));
        }
        let patterns = &self.settings.dcr.redirect_patterns;
        for uri in uris {
            Redirect::parse(uri).map_err(|why| bad(format!("the redirect URI {uri} {why}")))?;
            // It would be compared to the letter, and whoever sends it means something else.
            if uri.contains('*') {
                return Err(bad(format!(
                    "the redirect URI {uri} has a wildcard; each one has to be named"
                )));
            }
            if !patterns.is_empty() && !patterns.iter().any(|pattern| fits(pattern, uri)) {
                return Err(bad(format!(
                    "clients at the redirect URI {uri} are not let in here"
                )));
            }
        }
        Ok(())
    }

    fn method(&self, said: &Said, name: Option<&str>) -> Result<Method, Fault> {
        let name = name.unwrap_or_default().to_lowercase();
        let keeps_no_secret = || {
            let mut patterns = self.settings.dcr.public_client_patterns.iter();
            patterns.any(|pattern| name.contains(&pattern.to_lowercase()))
        };
        match said.token_endpoint_auth_method.as_deref() {
            None if keeps_no_secret() => Ok(Method::None),
            // The RFC's own default.
            None | Some("client_secret_basic") => Ok(Method::Basic),
            Some("client_secret_post") => Ok(Method::Post),
            Some("none") => Ok(Method::None),
            Some(other) => Err(metadata(&format!(
                "token_endpoint_auth_method cannot be {other}"
            ))),
        }
    }

    /// Of the scopes that were asked for those that it may have; the RFC lets a server lessen them.
    fn registered_scope(&self, asked: Option<&str>) -> String {
        let (default, allowed) = self.scopes_of(Origin::Registered);
        let granted = among(asked.unwrap_or_default(), &allowed);
        if granted.is_empty() { default } else { granted }.join(" ")
    }
}

/// What OpenID Connect calls web or native. Where the redirect URIs say otherwise than the client,
/// they count: some call themselves web beside a scheme of their own, because that is the default.
fn application_type(said: &Said) -> &'static str {
    let mut uris = said.redirect_uris.iter();
    let all_web =
        uris.all(|uri| Redirect::parse(uri).is_ok_and(|redirect| redirect.reaches == Reaches::Web));
    if all_web && said.application_type.as_deref() != Some("native") {
        "web"
    } else {
        "native"
    }
}

fn check_types(said: &Said) -> Result<(), Fault> {
    let lacks = |given: &Option<Vec<String>>, needed: &str| {
        given
            .as_ref()
            .is_some_and(|given| !given.iter().any(|each| each == needed))
    };
    if lacks(&said.grant_types, "authorization_code") {
        return Err(metadata("grant_types lacks authorization_code"));
    }
    if lacks(&said.response_types, "code") {
        return Err(metadata("response_types lacks code"));
    }
    Ok(())
}

/// A name that can be put in front of a person: one line, no characters that turn text around.
pub(super) fn shown_name(name: &str) -> String {
    name.chars()
        .filter(|character| {
            !character.is_control()
                && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        })
        .take(LONGEST_NAME)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Where the metadata cannot be read. What is there is not repeated, as serde would: it may be secret.
fn unreadable(fault: &serde_json::Error) -> Fault {
    let (line, column) = (fault.line(), fault.column());
    metadata(&format!(
        "unreadable metadata at line {line}, column {column}"
    ))
}

fn metadata(why: &str) -> Fault {
    Fault::new(Code::InvalidClientMetadata, why)
}
