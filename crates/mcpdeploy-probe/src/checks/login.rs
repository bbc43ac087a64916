//! How strangers are turned away, and whether they are told where to log in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpdeploy_login::Challenge;
use serde_json::{Value, json};

use super::metadata;
use crate::catalog::{CheckId, Era, LoginCheck};
use crate::client::{Call, Client};
use crate::http::{RENAMED_CHALLENGE, Reply, Token};
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
        let challenge = reply.challenge().map(str::to_owned);
        run.login = Some(Login {
            scopes: challenge
                .as_deref()
                .and_then(Challenge::bearer)
                .map(|challenge| challenge.scopes())
                .unwrap_or_default(),
            challenge,
            ..Login::default()
        });
    }
    let id = CheckId::Login;
    run.check(id(LoginCheck::Challenge), |run| {
        challenge(stranger, run.options.require_login)
    });
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
        .and_then(Challenge::bearer)
        .and_then(|challenge| challenge.get("resource_metadata").map(str::to_owned));
    metadata::all(run, asked);
    run.check(id(LoginCheck::UnsignedToken), |run| unsigned(run));
}

/// The first request of a client, with that token.
fn hello(run: &Run<'_>, token: Token) -> Call {
    let client = Client::new(Era::Modern, run.options);
    let mut call = client.call("server/discover", json!({}));
    call.http = call.http.token(token);
    call
}

fn challenge(stranger: Result<Reply, Outcome>, required: bool) -> Result<Outcome, Outcome> {
    let reply = stranger?;
    if reply.status != 401 {
        let words = in_words(&reply);
        return Ok(match reply.status {
            200 if required => {
                Outcome::failed("strangers are answered, and a login was to be needed")
                    .hint("look at what stands before the server: anybody comes in".to_owned())
            }
            200 => Outcome::warned("strangers are answered: no login is needed"),
            _ => Outcome::failed(format!("a stranger is answered with {words}, not 401")),
        });
    }
    let guess = "clients then have to guess that the metadata is at the well-known place";
    let Some(header) = reply.header("www-authenticate") else {
        let why = if reply.header(RENAMED_CHALLENGE).is_some() {
            format!(
                "what stands before the server has made {RENAMED_CHALLENGE} of WWW-Authenticate"
            )
        } else {
            "the 401 has no WWW-Authenticate".to_owned()
        };
        return Ok(Outcome::warned(why).hint(guess.to_owned()));
    };
    let Some(challenge) = Challenge::bearer(header) else {
        let schemes = Challenge::all(header).into_iter().map(|one| one.scheme);
        let schemes = schemes.collect::<Vec<_>>().join(", ");
        return Ok(Outcome::failed(format!(
            "the challenge is for {schemes}, not Bearer"
        )));
    };
    if challenge.get("resource_metadata").is_none() {
        return Ok(
            Outcome::warned("the challenge names no resource_metadata").hint(guess.to_owned())
        );
    }
    Ok(Outcome::passed())
}

fn forged(run: &Run<'_>) -> Result<Outcome, Outcome> {
    let reply = hello(run, Token::Forged).send(run.http)?;
    Ok(turned_away(&reply, "a token that nobody issued"))
}

/// Tokens in which everything is right but the signature: of its issuer, for this endpoint, with all
/// scopes. There is none, or a made-up one.
fn unsigned(run: &Run<'_>) -> Result<Outcome, Outcome> {
    let login = run.login.clone().unwrap_or_default();
    let endpoint = run.http.endpoint().to_string();
    let claims = json!({
        "iss": login.authorization_servers.first(),
        "aud": endpoint,
        "sub": "mcpdeploy",
        "client_id": "mcpdeploy",
        "token_use": "access",
        "scope": login.scopes.join(" "),
        // The year 2100.
        "exp": 4_102_444_800_u64,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for (algorithm, signature, what) in [
        ("none", "", "a token without a signature"),
        ("RS256", "bWFkZS11cA", "a token with a made-up signature"),
    ] {
        let head = json!({"alg": algorithm, "typ": "JWT", "kid": "mcpdeploy"});
        let token = format!("{}.{}.{signature}", part(&head), part(&claims));
        let call = hello(run, Token::None).header("Authorization", format!("Bearer {token}"));
        let outcome = turned_away(&call.send(run.http)?, what);
        if !matches!(outcome, Outcome::Passed { .. }) {
            return Ok(outcome);
        }
    }
    Ok(Outcome::passed())
}

/// Whether the reply refuses what was sent.
fn turned_away(reply: &Reply, what: &str) -> Outcome {
    let words = in_words(reply);
    match reply.status {
        401 => Outcome::passed(),
        200 => Outcome::failed(format!("{what} is taken"))
            .hint("look at what checks the tokens: anybody comes in".to_owned()),
        400..=499 => Outcome::warned(format!("{what} is answered with {words}, not 401")),
        _ => Outcome::failed(format!("{what} is answered with {words}, not 401")),
    }
}

fn refused(reply: &Reply) -> Outcome {
    let challenge = reply.challenge().and_then(Challenge::bearer);
    let said = challenge.as_ref().and_then(|challenge| {
        let words = ["error_description", "error"];
        words.iter().find_map(|name| challenge.get(name))
    });
    let why = said.map_or_else(
        || "the token is refused".to_owned(),
        |said| format!("the token is refused: {said}"),
    );
    Outcome::failed(why)
        .hint("look whether it has run out, and whether it was issued for this URL".to_owned())
}
