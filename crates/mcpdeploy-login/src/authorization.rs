//! One login's own values, the page that the person is sent to, and what may be believed of the answer
//! (OAuth 2.1, 4.1; RFC 7636; RFC 9207).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::documents::ServerDocument;
use crate::error::{LoginError, oauth, shown};
use crate::secret::Secret;

/// What one login is recognised by. It lives in memory only, until its code is used.
#[derive(Clone)]
pub(crate) struct Attempt {
    state: String,
    verifier: Secret,
    issuer: String,
    must_name_issuer: bool,
    pub(crate) redirect_uri: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Returned {
    /// The answer to this login.
    Answer(Result<Secret, LoginError>),
    /// Not the answer to this login, whatever it is.
    Foreign,
}

/// What the login page is told.
pub(crate) struct Wish<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) scopes: &'a [String],
}

fn random() -> Result<String, LoginError> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| LoginError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Attempt {
    pub(crate) fn new(server: &ServerDocument, redirect_uri: String) -> Result<Self, LoginError> {
        Ok(Self {
            state: random()?,
            verifier: Secret::new(random()?),
            issuer: server.issuer.clone(),
            must_name_issuer: server.authorization_response_iss_parameter_supported,
            redirect_uri,
        })
    }

    pub(crate) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// The page to open.
    pub(crate) fn page(&self, endpoint: &str, wish: &Wish<'_>) -> String {
        let challenge = digest(&SHA256, self.verifier.reveal().as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let scope = wish.scopes.join(" ");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", wish.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", &self.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", wish.resource),
        ]);
        if !scope.is_empty() {
            query.append_pair("scope", &scope);
        }
        if wish.scopes.iter().any(|scope| scope == "offline_access") {
            // OpenID Connect Core, 11: without it, offline_access is ignored.
            query.append_pair("prompt", "consent");
        }
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        format!("{endpoint}{joint}{}", query.finish())
    }

    /// What a query that came to the redirect URI is.
    pub(crate) fn read(&self, query: &str) -> Returned {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let get = |name: &str| {
            let mut found = pairs.iter().filter(|(known, _)| known == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) => Some(value.as_str()),
                // Given twice, it is nobody's guess which is meant (RFC 6749, 3.1).
                (Some(_), Some(_)) | (None, _) => None,
            }
        };
        if get("state") != Some(&self.state) {
            return Returned::Foreign;
        }
        let named = pairs.iter().any(|(name, _)| name == "iss");
        Returned::Answer(match get("iss") {
            Some(issuer) if issuer != self.issuer => {
                Err(self.mixed_up(format!("is from {}", shown(issuer))))
            }
            None if named || self.must_name_issuer => {
                Err(self.mixed_up("does not say who it is from".to_owned()))
            }
            Some(_) | None => match (get("error"), get("code")) {
                (Some(error), _) => Err(LoginError::Denied(oauth(error, get("error_description")))),
                (None, Some(code)) if !code.is_empty() => Ok(Secret::new(code)),
                (None, _) => Err(LoginError::NoCode),
            },
        })
    }

    fn mixed_up(&self, said: String) -> LoginError {
        LoginError::MixedUp {
            said,
            expected: self.issuer.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(must_name_issuer: bool) -> Attempt {
        Attempt {
            state: "s".to_owned(),
            // RFC 7636, appendix B.
            verifier: Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            issuer: "https://a.test".to_owned(),
            must_name_issuer,
            redirect_uri: "http://127.0.0.1:1/callback".to_owned(),
        }
    }

    #[test]
    fn the_page_carries_what_the_specifications_ask_for() {
        let scopes = ["a".to_owned(), "offline_access".to_owned()];
        let wish = Wish {
            client_id: "c d",
            resource: "https://m.test/mcp",
            scopes: &scopes,
        };
        let page = attempt(false).page("https://a.test/authorize?tenant=1", &wish);
        assert_eq!(
            page,
            "https://a.test/authorize?tenant=1&response_type=code&client_id=c+d\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&state=s\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &resource=https%3A%2F%2Fm.test%2Fmcp&scope=a+offline_access&prompt=consent"
        );
        let wish = Wish {
            scopes: &[],
            ..wish
        };
        let page = attempt(false).page("https://a.test/authorize", &wish);
        assert!(page.contains("/authorize?response_type"), "{page}");
        assert!(!page.contains("scope"), "{page}");
    }

    #[test]
    fn every_login_has_values_of_its_own() {
        assert_ne!(random().unwrap(), random().unwrap());
        assert_eq!(random().unwrap().len(), 43);
    }

    #[test]
    fn an_answer_is_believed_only_when_all_of_it_fits() {
        let good = "state=s&code=c&iss=https%3A%2F%2Fa.test";
        for (query, must, expected) in [
            (good, true, "code"),
            (good, false, "code"),
            ("state=s&code=c", false, "code"),
            ("state=s&code=c", true, "does not say"),
            ("state=s&code=c&iss=https://a.test/", false, "is from"),
            ("state=s&code=c&iss=https://A.test", false, "is from"),
            (
                "state=s&code=c&iss=https://a.test&iss=x",
                false,
                "does not say",
            ),
            // Whose error it is has to be known before it is shown.
            (
                "state=s&error=access_denied&iss=https://b.test",
                false,
                "is from",
            ),
            (
                "state=s&error=access_denied&error_description=no%1B[2J",
                false,
                "refused: access_denied (no [2J)",
            ),
            ("state=s", false, "no code"),
            ("state=s&code=", false, "no code"),
            ("state=s&code=a&code=b", false, "no code"),
            ("state=t&code=c", false, "foreign"),
            ("state=s&state=s&code=c", false, "foreign"),
            ("code=c", false, "foreign"),
            ("", false, "foreign"),
        ] {
            let said = match attempt(must).read(query) {
                Returned::Answer(Ok(code)) => {
                    assert_eq!(code.reveal(), "c");
                    "code".to_owned()
                }
                Returned::Answer(Err(error)) => error.to_string(),
                Returned::Foreign => "foreign".to_owned(),
            };
            assert!(said.contains(expected), "{query}: {said}");
        }
    }
}
