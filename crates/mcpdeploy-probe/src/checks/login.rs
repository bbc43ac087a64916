//! How strangers are turned away, and whether they are told where to log in.

use serde_json::json;

use super::metadata;
use crate::catalog::{CheckId, Era, LoginCheck};
use crate::client::{Call, Client};
use crate::http::{Reply, Token};
use crate::message::in_words;
use crate::report::{Login, Outcome};
use crate::run::Run;

/// The checks of a server that wants a login. `refusal`: its 401 to the very first request, when
/// that is how the run ends.
pub(crate) fn all(run: &mut Run<'_>, refusal: Option<Reply>) {
    let with_token = run.http.has_token();
    let stranger = match &refusal {
        Some(reply) if !with_token => Ok(reply.clone()),
        Some(_) | None => hello(run, Token::None).send(run.http),
    };
    if let Ok(reply) = &stranger {
        let challenge = reply.header("www-authenticate").map(str::to_owned);
        run.login = Some(Login {
            scopes: challenge
                .as_deref()
                .and_then(|challenge| parameter(challenge, "scope"))
                .map(|scopes| scopes.split(' ').map(str::to_owned).collect())
                .unwrap_or_default(),
            challenge,
            ..Login::default()
        });
    }
    let id = CheckId::Login;
    run.check(id(LoginCheck::Challenge), |_| challenge(stranger));
    run.check(id(LoginCheck::ForgedToken), |run| forged(run));
    if with_token {
        run.check(id(LoginCheck::Token), |_| {
            Ok(match &refusal {
                None => Outcome::passed(),
                Some(reply) => refused(reply),
            })
        });
    }
    let asked = run
        .login
        .as_ref()
        .and_then(|login| login.challenge.as_deref())
        .and_then(|challenge| parameter(challenge, "resource_metadata"));
    metadata::all(run, asked);
}

/// The first request of a client, with that token.
fn hello(run: &Run<'_>, token: Token) -> Call {
    let client = Client::new(Era::Modern, run.options);
    let mut call = client.call("server/discover", json!({}));
    call.http = call.http.token(token);
    call
}

fn challenge(stranger: Result<Reply, Outcome>) -> Result<Outcome, Outcome> {
    let reply = stranger?;
    if reply.status != 401 {
        let words = in_words(&reply);
        return Ok(match reply.status {
            200 => Outcome::warned("strangers are answered: no login is needed"),
            _ => Outcome::failed(format!("a stranger is answered with {words}, not 401")),
        });
    }
    let Some(challenge) = reply.header("www-authenticate") else {
        return Ok(Outcome::warned("the 401 has no WWW-Authenticate").hint(
            "clients then have to guess that the metadata is at the well-known place".to_owned(),
        ));
    };
    let scheme = challenge.split_whitespace().next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Outcome::failed(format!(
            "the challenge is for {scheme}, not Bearer"
        )));
    }
    if parameter(challenge, "resource_metadata").is_none() {
        return Ok(
            Outcome::warned("the challenge names no resource_metadata").hint(
                "clients then have to guess that the metadata is at the well-known place"
                    .to_owned(),
            ),
        );
    }
    Ok(Outcome::passed())
}

fn forged(run: &Run<'_>) -> Result<Outcome, Outcome> {
    let reply = hello(run, Token::Forged).send(run.http)?;
    let words = in_words(&reply);
    Ok(match reply.status {
        401 => Outcome::passed(),
        200 => Outcome::failed("a token that nobody issued is taken")
            .hint("look at what checks the tokens: anybody comes in".to_owned()),
        400..=499 => Outcome::warned(format!("it is answered with {words}, not 401")),
        _ => Outcome::failed(format!("it is answered with {words}, not 401")),
    })
}

fn refused(reply: &Reply) -> Outcome {
    let challenge = reply.header("www-authenticate").unwrap_or_default();
    let said = ["error_description", "error"]
        .iter()
        .find_map(|name| parameter(challenge, name));
    let why = said.map_or_else(
        || "the token is refused".to_owned(),
        |said| format!("the token is refused: {said}"),
    );
    Outcome::failed(why)
        .hint("look whether it has run out, and whether it was issued for this URL".to_owned())
}
