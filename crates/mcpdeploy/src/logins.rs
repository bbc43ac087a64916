//! Logins as the commands use them: where they are kept, what the person is shown, and which token a
//! run of checks has.

use std::io::BufRead;
use std::sync::mpsc::Sender;

use mcpdeploy_login::{
    Browser, Challenge, Client, Kept, LoginError, Options, Person, Secret, Token, Visit, Wanted,
};
use mcpdeploy_probe::Bearer;
use serde_json::json;

use crate::checks::{self, Renewer};
use crate::cli::{Test, When};
use crate::endpoint::Endpoint;
use crate::failure::{Failure, causes};
use crate::screen::Screen;

/// A token for machines without a person: CI systems.
const TOKEN: &str = "MCPDEPLOY_TOKEN";

/// How many logins one run may ask a person for.
const MOST_LOGINS: u32 = 3;

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        let failure = match &error {
            LoginError::NotAUrl(_)
            | LoginError::NotADocument(_)
            | LoginError::NotCertificates(_) => Self::usage(error.to_string()),
            LoginError::Unsafe { .. }
            | LoginError::Unanswered { .. }
            | LoginError::Unexpected { .. }
            | LoginError::NoLogin(_)
            | LoginError::NoMetadata { .. }
            | LoginError::BadDocument { .. }
            | LoginError::OtherResource { .. }
            | LoginError::OtherIssuer { .. }
            | LoginError::NotItsServer { .. }
            | LoginError::CannotRegister(_)
            | LoginError::NotRegistered { .. }
            | LoginError::CannotAuthenticate { .. }
            | LoginError::NoListener { .. }
            | LoginError::NoRandomness
            | LoginError::TooLate(_)
            | LoginError::Denied(_)
            | LoginError::MixedUp { .. }
            | LoginError::NoCode
            | LoginError::NoToken { .. }
            | LoginError::NothingToAdd(_)
            | LoginError::Kept(_) => Self::failed(error.to_string()),
        };
        let failure = causes(&error).into_iter().fold(failure, Self::cause);
        error.hint().into_iter().fold(failure, Self::hint)
    }
}

/// The client that logs in, with the logins of this person.
pub(crate) fn client() -> Result<Client, Failure> {
    let kept = Kept::of_environment(|name| std::env::var(name).ok()).map_err(LoginError::from)?;
    let options = Options {
        ca_certificates: checks::ca_certificates()?,
        ..Options::default()
    };
    Ok(Client::new(kept, &options)?)
}

/// The browser that the environment names, or the desktop's.
pub(crate) fn browser() -> Browser {
    // A list with colons between, of which the first is the favourite.
    let named = std::env::var("BROWSER").unwrap_or_default();
    match named.split(':').next().filter(|first| !first.is_empty()) {
        Some(command) => Browser::Command(command.to_owned()),
        None => Browser::Desktop,
    }
}

/// The person at the terminal.
pub(crate) struct AtTerminal<'a> {
    pub(crate) screen: &'a Screen,
}

impl Person for AtTerminal<'_> {
    fn visit(&mut self, visit: &Visit<'_>, pasted: Sender<String>) {
        let scopes = match visit.scopes {
            [] => String::new(),
            scopes => format!(", for {}", scopes.join(", ")),
        };
        let mut text = format!("Log in at {}{scopes}:\n\n  {}\n", visit.issuer, visit.url);
        if let Some(error) = &visit.unopened {
            text.push_str(&format!(
                "\nNo browser could be opened ({error}): open it by hand."
            ));
        }
        if self.screen.can_ask() {
            text.push_str("\nA browser on another machine ends at an address that it cannot show: paste that here.");
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                    if pasted.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        text.push_str("\nWaiting until the browser comes back; Ctrl-C gives up.");
        let data = json!({
            "visit": visit.url,
            "issuer": visit.issuer,
            "scopes": visit.scopes,
            "redirect_uri": visit.redirect_uri,
        });
        self.screen.ask_to("login", &text, data);
    }

    fn foreign(&mut self) {
        self.screen
            .warn("what came back is not the answer to this login; still waiting for it");
    }
}

/// How a run of checks comes in: with which token, and what is done where that is refused.
pub(crate) struct Entry<'a> {
    screen: &'a Screen,
    url: String,
    /// None when the token was given from outside, or no login is to be used.
    client: Option<Client>,
    bearer: Option<Bearer>,
    /// The token, as far as it is ours to renew.
    current: Option<Secret>,
    /// Whether the token was refused since it was renewed.
    renewed: bool,
    may_ask: bool,
    logins: u32,
}

impl<'a> Entry<'a> {
    /// As the command line and the environment say.
    pub(crate) fn new(
        endpoint: &Endpoint,
        args: &Test,
        screen: &'a Screen,
    ) -> Result<Self, Failure> {
        if let Some(bearer) = given(args.bearer_from_env.as_deref())? {
            return Ok(Self {
                bearer: Some(bearer),
                ..Self::stranger(&endpoint.url, screen)
            });
        }
        let may_ask = match args.login {
            When::Never => return Ok(Self::stranger(&endpoint.url, screen)),
            When::Always => true,
            When::Auto => screen.can_ask(),
        };
        let mut entry = Self::kept(&endpoint.url, screen)?;
        entry.may_ask = may_ask;
        // What an emulator has under another name, no browser could open.
        if entry.may_ask && entry.bearer.is_none() && endpoint.via.is_none() {
            entry.first_login()?;
        }
        Ok(entry)
    }

    /// Without any token.
    fn stranger(url: &str, screen: &'a Screen) -> Self {
        Self {
            screen,
            url: url.to_owned(),
            client: None,
            bearer: None,
            current: None,
            renewed: false,
            may_ask: false,
            logins: 0,
        }
    }

    /// With the login that is kept, if there is one. Nobody is asked for another.
    pub(crate) fn kept(url: &str, screen: &'a Screen) -> Result<Self, Failure> {
        let mut entry = Self::stranger(url, screen);
        if let Some(bearer) = given(None)? {
            entry.bearer = Some(bearer);
            return Ok(entry);
        }
        let client = match client() {
            Ok(client) => client,
            Err(failure) => {
                // Where nothing can be kept, there is nothing to come in with.
                let (why, _) = failure.in_short();
                screen.say(&format!("Without a login: {why}"));
                return Ok(entry);
            }
        };
        match tokio::task::block_in_place(|| client.token(url)) {
            Ok(token) => {
                entry.take(token);
            }
            // The checks tell more about a server than this could.
            Err(error) => screen.warn(&format!("the login that is kept is not used: {error}")),
        }
        entry.client = Some(client);
        Ok(entry)
    }

    fn take(&mut self, token: Option<Token>) -> Option<Bearer> {
        let token = token?;
        let bearer = Bearer::new(token.secret.reveal()).ok()?;
        self.current = Some(token.secret);
        self.bearer = Some(bearer.clone());
        Some(bearer)
    }

    fn first_login(&mut self) -> Result<(), Failure> {
        let Some(client) = &self.client else {
            return Ok(());
        };
        let locked = tokio::task::block_in_place(|| client.is_locked(&self.url));
        // One that cannot be reached is the checks' to tell.
        if matches!(locked, Ok(true)) {
            let token = self.log_in(None)?;
            self.take(Some(token));
        }
        Ok(())
    }

    /// Has the person log in: for more scopes, where a challenge asks for some.
    fn log_in(&mut self, more: Option<&Challenge>) -> Result<Token, LoginError> {
        self.logins += 1;
        let Some(client) = &self.client else {
            return Err(LoginError::NoLogin(self.url.clone()));
        };
        let mut person = AtTerminal {
            screen: self.screen,
        };
        let wanted = Wanted {
            browser: browser(),
            keep_scopes: true,
            ..Wanted::default()
        };
        tokio::task::block_in_place(|| match more {
            Some(challenge) => client.step_up(&self.url, challenge, &wanted, &mut person),
            None => client.login(&self.url, &wanted, &mut person),
        })
    }

    /// The token to begin with.
    pub(crate) fn bearer(&self) -> Option<Bearer> {
        self.bearer.clone()
    }

    /// Who is asked where it is refused.
    pub(crate) fn renewer(&mut self) -> Option<&mut dyn Renewer> {
        self.client.is_some().then_some(self as &mut dyn Renewer)
    }

    /// Without asking anybody: another one in the place of one that was refused.
    fn refreshed(&self) -> Result<Option<Token>, LoginError> {
        match (&self.client, &self.current) {
            (Some(client), Some(refused)) => {
                tokio::task::block_in_place(|| client.renew(&self.url, refused))
            }
            (Some(_) | None, _) => Ok(None),
        }
    }

    fn another(
        &mut self,
        status: u16,
        challenge: Option<&str>,
    ) -> Result<Option<Token>, LoginError> {
        if status == 401 && !self.renewed {
            self.renewed = true;
            if let Some(token) = self.refreshed()? {
                return Ok(Some(token));
            }
        }
        if !self.may_ask || self.logins >= MOST_LOGINS {
            return Ok(None);
        }
        self.renewed = false;
        let more = challenge
            .and_then(Challenge::bearer)
            .filter(|_| status == 403);
        self.log_in(more.as_ref()).map(Some)
    }
}

impl Renewer for Entry<'_> {
    fn renew(&mut self, status: u16, challenge: Option<&str>) -> Option<Bearer> {
        match self.another(status, challenge) {
            Ok(token) => self.take(token),
            Err(error) => {
                // The checks go on and tell what the server said.
                self.screen.warn(&error.to_string());
                None
            }
        }
    }
}

/// A token from outside: in the variable that was named, or in ours.
fn given(name: Option<&str>) -> Result<Option<Bearer>, Failure> {
    let token = match name {
        Some(name) => std::env::var(name)
            .map_err(|_| Failure::usage(format!("the environment variable {name} is not set")))?,
        None => match std::env::var(TOKEN) {
            Ok(token) if !token.is_empty() => token,
            Ok(_) | Err(_) => return Ok(None),
        },
    };
    Bearer::new(&token).map(Some).map_err(|error| {
        let name = name.unwrap_or(TOKEN);
        Failure::usage(format!("{name} holds no token: {error}"))
    })
}
