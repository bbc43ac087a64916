//! `login`: logs in to an MCP endpoint and keeps the tokens.

use mcpdeploy_login::{Browser, LoginError, Secret, Token, Wanted};
use serde_json::json;

use crate::cli::{Global, Login};
use crate::endpoint::Endpoint;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logins::{self, AtTerminal};
use crate::screen::Screen;
use crate::views::text;

/// The secret of a client that was registered by hand. An argument would be in lists of processes.
const SECRET: &str = "MCPDEPLOY_CLIENT_SECRET";

pub(crate) async fn run(global: &Global, args: &Login, screen: &Screen) -> Result<Exit, Failure> {
    if args.wait.is_zero() {
        return Err(Failure::usage("--wait is 0: nobody can log in in no time"));
    }
    let endpoint = Endpoint::named_or_deployed(global, args.url.as_deref(), screen).await?;
    if endpoint.via.is_some() {
        return Err(Failure::usage(format!(
            "{} is a name that only the emulator knows: no browser could log in there",
            endpoint.url
        )));
    }
    let client = logins::client()?;
    if args.print_token {
        let token = tokio::task::block_in_place(|| client.token(&endpoint.url))?;
        let token = token.ok_or_else(|| {
            Failure::failed(format!("there is no good login to {}", endpoint.url))
                .next(endpoint.command("login"))
        })?;
        let secret = token.secret.reveal();
        screen.result("login", secret, json!({"token": secret}));
        return Ok(Exit::Done);
    }
    let wanted = Wanted {
        scopes: args.scope.clone(),
        keep_scopes: false,
        issuer: args.issuer.clone(),
        client: by_hand(args, screen)?,
        document: args.client_metadata.clone(),
        callback_port: args.callback_port,
        browser: match (&args.browser, args.no_browser) {
            (Some(command), _) => Browser::Command(command.clone()),
            (None, true) => Browser::None,
            (None, false) => logins::browser(),
        },
        wait: args.wait,
    };
    let mut person = AtTerminal { screen };
    let login = || client.login(&endpoint.url, &wanted, &mut person);
    let token = match tokio::task::block_in_place(login) {
        Ok(token) => token,
        Err(error @ LoginError::NoLogin(_)) if endpoint.wants_login => {
            return Err(Failure::from(error)
                .hint("deploy.toml has a login that is not deployed yet")
                .next(endpoint.command("deploy")));
        }
        Err(error @ LoginError::NoLogin(_)) => {
            return Err(Failure::from(error).next(endpoint.command("test")));
        }
        Err(error) => return Err(error.into()),
    };
    screen.result(
        "login",
        &text::wrap(&in_words(&endpoint, &token), screen.theme().width).join("\n"),
        json!({
            "endpoint": endpoint.url,
            "issuer": token.issuer,
            "resource": token.resource,
            "scopes": token.scopes,
            "lasts_seconds": token.lasts,
            "renews": token.renews,
        }),
    );
    screen.next(&endpoint.command("test"));
    Ok(Exit::Done)
}

/// The client that was registered by hand, where one is named.
fn by_hand(args: &Login, screen: &Screen) -> Result<Option<(String, Option<Secret>)>, Failure> {
    let Some(id) = &args.client_id else {
        return Ok(None);
    };
    let secret = match std::env::var(SECRET)
        .ok()
        .filter(|secret| !secret.is_empty())
    {
        Some(secret) => Some(secret),
        None if args.client_secret => Some(screen.ask_hidden(
            &format!("Secret of {id}"),
            &format!("put it into the environment variable {SECRET}"),
        )?),
        None => None,
    };
    Ok(Some((id.clone(), secret.map(Secret::new))))
}

fn in_words(endpoint: &Endpoint, token: &Token) -> String {
    let scopes = match token.scopes.as_slice() {
        [] => String::new(),
        scopes => format!(", for {}", scopes.join(", ")),
    };
    let lasts = match (token.lasts, token.renews) {
        (_, true) => "renewed without asking when it runs out".to_owned(),
        (Some(seconds), false) => format!("good for {} minutes", seconds / 60),
        (None, false) => "good until the server refuses it".to_owned(),
    };
    format!(
        "Logged in to {} at {}{scopes}; {lasts}.",
        endpoint.url, token.issuer
    )
}
