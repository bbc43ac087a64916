//! A login from its beginning to its end, and what becomes of it: renewed, told, forgotten.

use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use crate::authorization::{Attempt, Wish};
use crate::browser::Browser;
use crate::callback::Callback;
use crate::challenge::Challenge;
use crate::discovery::{self, Door, Found};
use crate::documents::ServerDocument;
use crate::error::LoginError;
use crate::http::{Http, Options, Reach};
use crate::kept::{Kept, KeptError, Login, now};
use crate::registration::{Origin, Registration, is_document_url, register};
use crate::secret::Secret;
use crate::tokens::{self, Refused, Tokens};

/// A token is renewed so many seconds before it runs out: it has to last for what it is fetched for.
const MARGIN: u64 = 60;

/// How a login is to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Scopes to ask for beside those that the server names.
    pub scopes: Vec<String>,
    /// Ask for those of the login that is kept as well, so that nothing is lost by another one.
    pub keep_scopes: bool,
    /// The authorization server to log in at; the first that the server names, without it.
    pub issuer: Option<String>,
    /// A client that was registered by hand, at [`Wanted::issuer`] and nowhere else.
    pub client: Option<(String, Option<Secret>)>,
    /// The URL of a document that describes this client, for servers that take such.
    pub document: Option<String>,
    /// The port that the browser comes back to; any, without it.
    pub callback_port: Option<u16>,
    /// Who shows the login page.
    pub browser: Browser,
    /// How long the person may take.
    pub wait: Duration,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            scopes: Vec::new(),
            keep_scopes: false,
            issuer: None,
            client: None,
            document: None,
            callback_port: None,
            browser: Browser::default(),
            wait: Duration::from_secs(300),
        }
    }
}

/// The person who logs in, as far as the terminal reaches them.
pub trait Person {
    /// The login page is there. Lines that are sent to `pasted` are taken for the address that the
    /// browser was sent back to.
    fn visit(&mut self, visit: &Visit<'_>, pasted: Sender<String>);

    /// Something came back, or was pasted, that is not the answer to this login. It is not used, and
    /// the login goes on waiting.
    fn foreign(&mut self);
}

/// A login page that somebody has to visit.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The page.
    pub url: &'a str,
    /// Whose page it is.
    pub issuer: &'a str,
    /// What is asked for.
    pub scopes: &'a [String],
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// Why no browser could be opened; none when one was, or was not to be.
    pub unopened: Option<std::io::Error>,
}

/// A token that is good, as far as can be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// The authorization server that gave it.
    pub issuer: String,
    /// What it is for.
    pub resource: String,
    /// Its scopes, as far as the server told.
    pub scopes: Vec<String>,
    /// How many seconds it lasts; none when the server did not tell.
    pub lasts: Option<u64>,
    /// Whether it is renewed without asking when it runs out.
    pub renews: bool,
}

impl From<&Login> for Token {
    fn from(login: &Login) -> Self {
        Self {
            secret: login.access_token.clone(),
            issuer: login.issuer.clone(),
            resource: login.resource.clone(),
            scopes: login.scopes.clone(),
            lasts: login.expires_at.map(|end| end.saturating_sub(now())),
            renews: login.refresh_token.is_some(),
        }
    }
}

/// A login that is forgotten.
#[derive(Debug)]
pub struct Forgotten {
    /// The endpoint.
    pub endpoint: String,
    /// The authorization server.
    pub issuer: String,
    /// Whether its tokens were ended there; an error when that was tried and did not work, none when
    /// the server has no way of doing it.
    pub revoked: Option<Result<(), LoginError>>,
}

/// Logs in, and keeps what comes of it.
pub struct Client {
    http: Http,
    kept: Kept,
}

impl Client {
    /// A client that keeps its logins there. Nothing is sent or read yet.
    ///
    /// # Errors
    ///
    /// The certificates to trust cannot be read.
    pub fn new(kept: Kept, options: &Options) -> Result<Self, LoginError> {
        Ok(Self {
            http: Http::new(options)?,
            kept,
        })
    }

    /// Whether the endpoint lets nobody in without a login.
    ///
    /// # Errors
    ///
    /// It cannot be reached.
    pub fn is_locked(&self, endpoint: &str) -> Result<bool, LoginError> {
        Reach::of(endpoint)?;
        Ok(matches!(
            discovery::knock(&self.http, endpoint)?,
            Door::Locked(_)
        ))
    }

    /// The token that is kept for the endpoint, renewed when it has run out. None when there is none,
    /// or it cannot be renewed any more.
    ///
    /// # Errors
    ///
    /// What is kept cannot be read, or the authorization server cannot be reached.
    pub fn token(&self, endpoint: &str) -> Result<Option<Token>, LoginError> {
        let content = self.kept.read()?;
        match content.logins.get(endpoint) {
            None => Ok(None),
            Some(login) if is_good(login) => Ok(Some(login.into())),
            Some(login) => self.renew(endpoint, &login.access_token),
        }
    }

    /// A new token in the place of one that was refused or has run out, without asking anybody. None
    /// when that cannot be had.
    ///
    /// # Errors
    ///
    /// What is kept cannot be read or written, or the authorization server cannot be reached.
    pub fn renew(&self, endpoint: &str, refused: &Secret) -> Result<Option<Token>, LoginError> {
        self.kept.change(|content| {
            let Some(login) = content.logins.get_mut(endpoint) else {
                return Ok(None);
            };
            if login.access_token != *refused && is_good(login) {
                // Another run was quicker.
                return Ok(Some((&*login).into()));
            }
            let Some(refresh) = login.refresh_token.clone() else {
                return Ok(None);
            };
            // Without a scope, the new token has those of the old one (RFC 6749, 6).
            let grant = [
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh.reveal()),
                ("resource", &login.resource),
            ];
            match tokens::ask(&self.http, &login.token_endpoint, &login.client, &grant) {
                Ok(tokens) => {
                    login.take(tokens);
                    Ok(Some((&*login).into()))
                }
                Err(Refused::ForGood { client, .. }) => {
                    login.refresh_token = None;
                    let issuer = login.issuer.clone();
                    if client {
                        content.clients.remove(&issuer);
                    }
                    Ok(None)
                }
                Err(Refused::ThisTime(why)) => Err(why),
            }
        })
    }

    /// Logs in to the endpoint, by a browser.
    ///
    /// # Errors
    ///
    /// Whatever stands between: see [`LoginError`].
    pub fn login(
        &self,
        endpoint: &str,
        wanted: &Wanted,
        person: &mut dyn Person,
    ) -> Result<Token, LoginError> {
        Reach::of(endpoint)?;
        let door = discovery::knock(&self.http, endpoint)?;
        let challenge = match &door {
            Door::Locked(challenge) => challenge.as_ref(),
            Door::Open => None,
        };
        match self.log_in(endpoint, challenge, wanted, person) {
            // Some let strangers in and want a login for a few things only: their metadata tells.
            Err(LoginError::NoMetadata { .. }) if matches!(door, Door::Open) => {
                Err(LoginError::NoLogin(endpoint.to_owned()))
            }
            result => result,
        }
    }

    /// Logs in again, for more scopes: the server refused a request and said which it takes.
    ///
    /// # Errors
    ///
    /// [`LoginError::NothingToAdd`] when they were all asked for already, and whatever else stands
    /// between.
    pub fn step_up(
        &self,
        endpoint: &str,
        challenge: &Challenge,
        wanted: &Wanted,
        person: &mut dyn Person,
    ) -> Result<Token, LoginError> {
        let asked = self.asked(endpoint)?;
        let scopes = challenge.scopes();
        if scopes.iter().all(|scope| asked.contains(scope)) {
            return Err(LoginError::NothingToAdd(scopes));
        }
        let wanted = Wanted {
            keep_scopes: true,
            ..wanted.clone()
        };
        self.log_in(endpoint, Some(challenge), &wanted, person)
    }

    fn asked(&self, endpoint: &str) -> Result<Vec<String>, LoginError> {
        let content = self.kept.read()?;
        let login = content.logins.get(endpoint);
        Ok(login.map_or_else(Vec::new, |login| login.asked.clone()))
    }

    fn log_in(
        &self,
        endpoint: &str,
        challenge: Option<&Challenge>,
        wanted: &Wanted,
        person: &mut dyn Person,
    ) -> Result<Token, LoginError> {
        let reach = Reach::of(endpoint)?;
        let issuer = wanted.issuer.as_deref();
        let found = discovery::find(&self.http, reach, endpoint, challenge, issuer)?;
        let before = if wanted.keep_scopes {
            self.asked(endpoint)?
        } else {
            Vec::new()
        };
        let scopes = scopes(&found, [before, wanted.scopes.clone()].concat());
        let known = self.kept.read()?.clients.get(&found.server.issuer).cloned();
        let port = wanted
            .callback_port
            .or_else(|| known.as_ref().and_then(|known| known.port));
        let callback = match Callback::bind(port) {
            // The port of an earlier registration may be somebody else's by now.
            Err(_) if wanted.callback_port.is_none() && port.is_some() => Callback::bind(None)?,
            bound => bound?,
        };
        let client = self.client(&found.server, wanted, known, &callback)?;
        let attempt = Attempt::new(&found.server, callback.redirect_uri())?;
        let wish = Wish {
            client_id: &client.client_id,
            resource: &found.resource,
            scopes: &scopes,
        };
        let page = attempt.page(&found.server.authorization_endpoint, &wish);
        let (sender, pasted) = mpsc::channel();
        let visit = Visit {
            url: &page,
            issuer: &found.server.issuer,
            scopes: &scopes,
            redirect_uri: &attempt.redirect_uri,
            unopened: wanted.browser.open(&page).err(),
        };
        person.visit(&visit, sender);
        let code = callback.wait(&attempt, wanted.wait, pasted, &mut || person.foreign())?;
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.reveal()),
            ("redirect_uri", &attempt.redirect_uri),
            ("code_verifier", attempt.verifier().reveal()),
            ("resource", &found.resource),
        ];
        let url = &found.server.token_endpoint;
        let tokens = match tokens::ask(&self.http, url, &client, &grant) {
            Ok(tokens) => tokens,
            Err(refused) => {
                if matches!(refused, Refused::ForGood { client: true, .. }) {
                    self.kept.change(|content| {
                        content.clients.remove(&found.server.issuer);
                        Ok::<_, KeptError>(())
                    })?;
                }
                return Err(refused.into());
            }
        };
        self.keep(endpoint, found, client, scopes, tokens)
    }

    /// The client to log in as, in the order of MCP's specification: registered by hand, by a
    /// document, by asking.
    fn client(
        &self,
        server: &ServerDocument,
        wanted: &Wanted,
        known: Option<Registration>,
        callback: &Callback,
    ) -> Result<Registration, LoginError> {
        if let Some((id, secret)) = &wanted.client {
            return Registration::by_hand(server, id, secret.clone());
        }
        let known = known.filter(|known| known.serves(callback.port()));
        if let Some(known) = known
            .as_ref()
            .filter(|known| known.origin == Origin::ByHand)
        {
            return Ok(known.clone());
        }
        if let Some(url) = &wanted.document {
            if !is_document_url(url) {
                return Err(LoginError::NotADocument(url.clone()));
            }
            if server.client_id_metadata_document_supported {
                return Ok(Registration::document(url));
            }
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let redirect_uri = callback.redirect_uri();
        let client = register(&self.http, server, &redirect_uri, callback.port())?;
        // At once: should the person never come back, the next try needs no other one.
        self.kept.change(|content| {
            let issuer = server.issuer.clone();
            content.clients.insert(issuer, client.clone());
            Ok::<_, KeptError>(())
        })?;
        Ok(client)
    }

    fn keep(
        &self,
        endpoint: &str,
        found: Found,
        client: Registration,
        asked: Vec<String>,
        tokens: Tokens,
    ) -> Result<Token, LoginError> {
        let server = found.server;
        let mut login = Login {
            issuer: server.issuer.clone(),
            resource: found.resource,
            token_endpoint: server.token_endpoint,
            revocation_endpoint: server.revocation_endpoint,
            scopes: asked.clone(),
            asked,
            access_token: tokens.access.clone(),
            expires_at: None,
            refresh_token: None,
            client,
        };
        login.take(tokens);
        let token = Token::from(&login);
        self.kept.change(|content| {
            if login.client.origin != Origin::Dynamic {
                // It has shown to be right: from now on it need not be named.
                let client = login.client.clone();
                content.clients.insert(server.issuer, client);
            }
            content.logins.insert(endpoint.to_owned(), login);
            Ok::<_, LoginError>(token)
        })
    }

    /// The endpoints that there are logins to.
    ///
    /// # Errors
    ///
    /// What is kept cannot be read.
    pub fn endpoints(&self) -> Result<Vec<String>, LoginError> {
        Ok(self.kept.read()?.logins.into_keys().collect())
    }

    /// Forgets the login to an endpoint and the client that made it, and ends its tokens where the
    /// server lets clients do that. None when there is no login.
    ///
    /// # Errors
    ///
    /// What is kept cannot be read or written. That tokens could not be ended is told in the value.
    pub fn logout(&self, endpoint: &str) -> Result<Option<Forgotten>, LoginError> {
        if !self.kept.read()?.logins.contains_key(endpoint) {
            return Ok(None);
        }
        let login = self.kept.change(|content| {
            let login = content.logins.remove(endpoint);
            if let Some(login) = &login
                && !content
                    .logins
                    .values()
                    .any(|other| other.issuer == login.issuer)
            {
                content.clients.remove(&login.issuer);
            }
            Ok::<_, LoginError>(login)
        })?;
        Ok(login.map(|login| Forgotten {
            endpoint: endpoint.to_owned(),
            issuer: login.issuer.clone(),
            revoked: self.revoke(&login),
        }))
    }

    /// With a refresh token, the access tokens that it gave end as well (RFC 7009, 2.1).
    fn revoke(&self, login: &Login) -> Option<Result<(), LoginError>> {
        let url = login.revocation_endpoint.as_ref()?;
        let (token, hint) = match &login.refresh_token {
            Some(refresh) => (refresh, "refresh_token"),
            None => (&login.access_token, "access_token"),
        };
        Some(tokens::revoke(&self.http, url, &login.client, token, hint))
    }
}

fn is_good(login: &Login) -> bool {
    login.expires_at.is_none_or(|end| end > now() + MARGIN)
}

/// What to ask for: what the server names, more, and what gives a refresh token where the
/// authorization server knows it (MCP 2026-07-28, "Refresh Tokens").
fn scopes(found: &Found, more: Vec<String>) -> Vec<String> {
    const OFFLINE: &str = "offline_access";
    let mut scopes: Vec<String> = Vec::new();
    let known = found.server.scopes_supported.as_deref().unwrap_or_default();
    let offline = known.iter().filter(|scope| *scope == OFFLINE).cloned();
    for scope in more.into_iter().chain(found.scopes.clone()).chain(offline) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

impl Login {
    /// Takes new tokens in. A refresh token is replaced only when another came with them.
    fn take(&mut self, tokens: Tokens) {
        self.access_token = tokens.access;
        self.expires_at = tokens.expires_at;
        if tokens.refresh.is_some() {
            self.refresh_token = tokens.refresh;
        }
        if let Some(scopes) = tokens.scopes {
            self.scopes = scopes;
        }
    }
}
