//! What an authorize request asks for, and how it is refused.
//!
//! Source: "The redirect and authorization endpoint". A request whose client or redirect URI is no good
//! ends at a page of ours, since nobody knows who would be told; all else is told to the client.

use super::super::model::{Client, Domain, Pool};
use super::super::state::{State, key};
use super::visit::Visit;

/// A request that can be granted.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) pool: Pool,
    pub(super) client: Client,
    pub(super) redirect_uri: String,
    /// Whether tokens are wanted at once, in the fragment of the redirect.
    pub(super) implicit: bool,
    pub(super) scopes: Vec<String>,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) prompts: Vec<String>,
}

/// A request that cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Shown to the person at the browser.
    Shown {
        error: String,
        client: Option<String>,
    },
    /// Told to the client.
    Told(String),
    /// Managed login has no pages for this client.
    NoPages,
    /// The embedded cloud does not have what is asked for.
    Absent(String),
}

/// The longest and the shortest challenge. Source: RFC 7636, 4.2.
const CHALLENGE: std::ops::RangeInclusive<usize> = 43..=128;

impl Ask {
    /// Reads the query of a visit.
    pub(super) fn read(state: &State, domain: &Domain, visit: &Visit) -> Result<Self, Refusal> {
        let shown = |error: &str, client: Option<&str>| Refusal::Shown {
            error: error.to_owned(),
            client: client.map(str::to_owned),
        };
        let Some(id) = visit.query("client_id") else {
            return Err(shown(
                "Required String parameter 'client_id' is not present",
                None,
            ));
        };
        let client = state.client(&domain.pool, id);
        let client = client.map_err(|_| shown("Client does not exist.", None))?;
        let pool = state.pool(&domain.pool);
        let pool = pool.map_err(|_| shown("Client does not exist.", None))?;
        if !client.oauth() {
            return Err(shown("Client is not enabled for OAuth2.0 flows.", Some(id)));
        }
        // One of several would be a guess.
        let redirect_uri = visit.query("redirect_uri").unwrap_or_default();
        if visit.count("redirect_uri") != 1 || !client.has("CallbackURLs", redirect_uri) {
            return Err(shown("redirect_mismatch", Some(id)));
        }
        let mut ask = Self {
            pool: pool.clone(),
            client: client.clone(),
            redirect_uri: redirect_uri.to_owned(),
            implicit: visit.query("response_type") == Some("token"),
            scopes: Vec::new(),
            state: visit.query("state").map(str::to_owned),
            nonce: visit.query("nonce").map(str::to_owned),
            challenge: visit.query("code_challenge").map(str::to_owned),
            resource: None,
            prompts: Vec::new(),
        };
        ask.check_type(visit)?;
        ask.scopes = ask.scopes(visit)?;
        ask.check_challenge(visit)?;
        ask.resource = ask.resource(state, domain, visit)?;
        ask.prompts = ask.prompts(visit)?;
        ask.check_provider(state, visit)?;
        if domain.login_version == 2
            && !super::super::branding::has_branding(state, &pool.id, &client.id)
        {
            return Err(Refusal::NoPages);
        }
        Ok(ask)
    }

    fn check_type(&self, visit: &Visit) -> Result<(), Refusal> {
        let flow = match visit.query("response_type") {
            Some("code") => "code",
            Some("token") => "implicit",
            Some(_) | None => return Err(self.refuse("invalid_request", None)),
        };
        if self.client.has("AllowedOAuthFlows", flow) {
            return Ok(());
        }
        Err(self.refuse("unauthorized_client", None))
    }

    /// The scopes asked for, each once; without any, all that the client may have.
    fn scopes(&self, visit: &Visit) -> Result<Vec<String>, Refusal> {
        let allowed = self.client.list("AllowedOAuthScopes");
        let Some(text) = visit.query("scope") else {
            return Ok(allowed.into_iter().map(str::to_owned).collect());
        };
        let mut scopes: Vec<String> = Vec::new();
        for scope in text.split_ascii_whitespace() {
            if !allowed.contains(&scope) {
                return Err(self.refuse("invalid_request", Some("invalid_scope")));
            }
            if !scopes.iter().any(|one| one == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(scopes)
    }

    fn check_challenge(&self, visit: &Visit) -> Result<(), Refusal> {
        let method = visit.query("code_challenge_method");
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        match (&self.challenge, method) {
            (None, None) => Ok(()),
            (Some(challenge), Some("S256"))
                if CHALLENGE.contains(&challenge.len()) && challenge.bytes().all(fits) =>
            {
                Ok(())
            }
            _ => Err(self.refuse("invalid_request", None)),
        }
    }

    /// The resource to which the access token is bound: it becomes its `aud`, whatever the scopes.
    ///
    /// Source: "Scopes, M2M, and resource servers", Resource binding: managed login binds, in all
    /// tiers but the cheapest (the classic pages pay no heed); one resource each time, which is a URL
    /// by the rules of callback URLs. The guide lets it be any URL; here it has to be a resource
    /// server of the pool too, as clients were refused with `invalid_grant` where it was none. What
    /// works here works there either way.
    fn resource(
        &self,
        state: &State,
        domain: &Domain,
        visit: &Visit,
    ) -> Result<Option<String>, Refusal> {
        let Some(resource) = visit.query("resource") else {
            return Ok(None);
        };
        if domain.login_version != 2 || self.pool.setting("UserPoolTier") == "LITE" {
            return Ok(None);
        }
        let server = state.servers.contains(&key(&self.pool.id, resource));
        if visit.count("resource") != 1 || !is_url(resource) || !server {
            return Err(self.refuse("invalid_grant", Some("invalid_resource")));
        }
        Ok(Some(resource.to_owned()))
    }

    fn prompts(&self, visit: &Visit) -> Result<Vec<String>, Refusal> {
        let text = visit.query("prompt").unwrap_or_default();
        let prompts: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
        let known = ["none", "login", "select_account", "consent"];
        let unknown = prompts.iter().any(|one| !known.contains(&one.as_str()));
        let none = prompts.iter().any(|one| one == "none");
        if unknown || (none && prompts.len() > 1) {
            return Err(self.refuse("invalid_request", None));
        }
        Ok(prompts)
    }

    fn check_provider(&self, state: &State, visit: &Visit) -> Result<(), Refusal> {
        let asked = visit
            .query("identity_provider")
            .or(visit.query("idp_identifier"));
        match asked {
            Some("COGNITO") | None => {
                let providers = self.client.list("SupportedIdentityProviders");
                if providers.is_empty() || providers.contains(&"COGNITO") {
                    return Ok(());
                }
                let names = providers.join(", ");
                Err(Refusal::Absent(format!(
                    "People sign in to this client by {names}. The embedded cloud has no sign-in by other identity providers yet."
                )))
            }
            Some(name) if state.providers.contains(&key(&self.pool.id, name)) => {
                Err(Refusal::Absent(format!(
                    "The embedded cloud has no sign-in by other identity providers yet, nor by {name}."
                )))
            }
            Some(_) => Err(self.refuse("invalid_request", None)),
        }
    }

    /// Tells the client no, with the parameters in the order in which Cognito has them.
    pub(super) fn refuse(&self, error: &str, description: Option<&str>) -> Refusal {
        let mut parameters = Vec::new();
        if let Some(description) = description {
            parameters.push(("error_description", description));
        }
        if let Some(state) = &self.state {
            parameters.push(("state", state));
        }
        parameters.push(("error", error));
        Refusal::Told(self.back(&parameters))
    }

    /// The redirect URI with these parameters: in the fragment where tokens are wanted.
    pub(super) fn back(&self, parameters: &[(&str, &str)]) -> String {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(parameters);
        let uri = &self.redirect_uri;
        let separator = match (self.implicit, uri.contains('?')) {
            (true, _) => '#',
            (false, true) => '&',
            (false, false) => '?',
        };
        format!("{uri}{separator}{}", encoded.finish())
    }
}

/// Whether a resource is a URL as Cognito wants it: `https`, a scheme of an app's own, or `http` on
/// this machine (Cognito knows `localhost` alone; the embedded cloud's own URLs have `127.0.0.1`).
fn is_url(resource: &str) -> bool {
    let Some((scheme, rest)) = resource.split_once("://") else {
        return false;
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let web = scheme.eq_ignore_ascii_case("http");
    scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(fits)
        && !authority.is_empty()
        && !resource.contains('#')
        && (!web || super::is_loopback(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_urls() {
        for good in [
            "https://mcp.example/mcp",
            "http://localhost:8080/mcp",
            "http://127.0.0.1:4600/mcp",
            "myapp://api",
        ] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "mcp",
            "https://",
            "http://mcp.example/mcp",
            "http://localhost.evil.example/",
            "https://mcp.example/#x",
            "1x://a",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
