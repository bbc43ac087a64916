//! What only the era with a handshake has: `initialize`, versions agreed on, sessions, `ping`.

use serde_json::{Value, json};

use super::methods::end_session;
use super::opening::{HANDSHAKES, initialize};
use crate::catalog::{CheckId, Era, LegacyCheck};
use crate::client::NO_VERSION;
use crate::message::{self, Answer, in_words};
use crate::report::Outcome;
use crate::run::{Run, Spoken};

pub(crate) fn all(run: &mut Run<'_>, spoken: &Spoken) {
    use LegacyCheck::{BadVersion, Initialize, Initialized, Negotiation, Ping, UnknownSession};
    run.check(CheckId::Legacy(Initialize), |_| Ok(hello(spoken)));
    run.check(CheckId::Legacy(Initialized), |_| notified(spoken));
    run.check(CheckId::Legacy(Negotiation), |run| negotiation(run, spoken));
    run.check(CheckId::Legacy(Ping), |run| ping(run, spoken));
    run.check(CheckId::Legacy(UnknownSession), |run| {
        unknown_session(run, spoken)
    });
    run.check(CheckId::Legacy(BadVersion), |run| bad_version(run, spoken));
}

fn hello(spoken: &Spoken) -> Outcome {
    let hello = &spoken.hello;
    let mut errors = Vec::new();
    match hello["protocolVersion"].as_str() {
        None => errors.push("it tells no protocolVersion".to_owned()),
        Some(version) if !HANDSHAKES.contains(&version) => {
            errors.push(format!("the version {version} has no handshake"));
        }
        Some(_) => {}
    }
    for key in ["name", "version"] {
        if hello["serverInfo"][key].as_str().is_none_or(str::is_empty) {
            errors.push(format!("it tells no serverInfo.{key}"));
        }
    }
    if !hello["capabilities"].is_object() {
        errors.push("its capabilities are no object".to_owned());
    }
    if let Some(session) = &spoken.client.session
        && (session.is_empty() || !session.chars().all(|c| c.is_ascii_graphic()))
    {
        errors.push("its session id has other than visible ASCII".to_owned());
    }
    let version = &spoken.client.version;
    let mut note = format!("version {version}");
    if version != Era::Legacy.version() {
        note.push_str(&format!(", {} was asked for", Era::Legacy.version()));
    }
    if spoken.client.session.is_some() {
        note.push_str(", with sessions");
    }
    Outcome::of(&errors, &[], Some(note))
}

fn notified(spoken: &Spoken) -> Result<Outcome, Outcome> {
    let reply = match &spoken.notified {
        Some(reply) => reply.as_ref().map_err(Clone::clone)?,
        None => return Ok(Outcome::skipped("this era has no such notification")),
    };
    Ok(if reply.status != 202 {
        Outcome::failed(format!("it is answered with {}, not 202", in_words(reply)))
            .hint(message::hint(reply))
    } else if !reply.body.trim().is_empty() {
        Outcome::warned("the 202 has a body")
    } else {
        Outcome::passed()
    })
}

fn negotiation(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = initialize(&spoken.client, NO_VERSION);
    let reply = call.send(run.http)?;
    end_session(run, &spoken.client, reply.header("mcp-session-id"));
    let answer = message::answer(&reply, &call.id)
        .map_err(|what| Outcome::failed(format!("{NO_VERSION} is answered with {what}")))?;
    Ok(match answer {
        Answer::Result(result) => match result["protocolVersion"].as_str() {
            Some(version) if HANDSHAKES.contains(&version) => {
                Outcome::noted(format!("offers {version}"))
            }
            Some(version) => Outcome::failed(format!(
                "it agrees to the version {version}, which there never was"
            )),
            None => Outcome::failed("it tells no protocolVersion"),
        },
        Answer::Error(error) if error.code == -32602 => Outcome::noted("refuses it with -32602"),
        Answer::Error(_) => Outcome::warned(format!(
            "{NO_VERSION} is answered with {}, not with a version that the server knows",
            in_words(&reply)
        )),
    })
}

fn ping(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let client = &spoken.client;
    let by_number = client.call("ping", json!({})).result(run.http)?;
    let text = client.call_with_id("ping", json!({}), json!("ping-by-text"));
    let by_text = text.result(run.http)?;
    let empty = |result: &Value| result.as_object().is_some_and(|result| result.is_empty());
    Ok(if empty(&by_number) && empty(&by_text) {
        Outcome::passed()
    } else {
        Outcome::warned("the result is not empty")
    })
}

fn unknown_session(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = spoken
        .client
        .call("ping", json!({}))
        .header("Mcp-Session-Id", "mcpdeploy-no-such-session");
    let reply = call.send(run.http)?;
    let words = in_words(&reply);
    Ok(match (reply.status, &spoken.client.session) {
        (404, _) => Outcome::passed(),
        (200, None) => Outcome::noted("ignored: the server has no sessions"),
        (200, Some(_)) => Outcome::failed("a session that there never was is taken")
            .hint("answer 404: clients begin a new session by it".to_owned()),
        (500.., _) => Outcome::failed(format!("it is answered with {words}")),
        _ => Outcome::warned(format!("it is answered with {words}, not 404"))
            .hint("clients begin a new session on 404 only".to_owned()),
    })
}

fn bad_version(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = spoken
        .client
        .call("ping", json!({}))
        .header("MCP-Protocol-Version", NO_VERSION);
    let reply = call.send(run.http)?;
    let words = in_words(&reply);
    Ok(match reply.status {
        400 => Outcome::passed(),
        401..=499 => Outcome::warned(format!("it is answered with {words}, not 400")),
        _ => Outcome::failed(format!("it is answered with {words}, not 400")),
    })
}
