//! `GET` and `DELETE` on the endpoint.

use serde_json::json;
use ureq::http::Method;

use super::opening::initialize;
use crate::catalog::{CheckId, CommonCheck, Era};
use crate::client::{Client, send};
use crate::http::{Content, Reply, Request};
use crate::message::{self, in_words};
use crate::report::Outcome;
use crate::run::{Run, Spoken};

pub(crate) fn all(run: &mut Run<'_>, spoken: &Spoken) {
    let era = spoken.client.era;
    run.check(CheckId::Common(era, CommonCheck::Get), |run| {
        get(run, spoken)
    });
    run.check(CheckId::Common(era, CommonCheck::Delete), |run| match era {
        Era::Legacy => delete_session(run, spoken),
        Era::Modern => delete(run, spoken),
    });
}

fn get(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let mut request = spoken
        .client
        .with_context(Request::new(Method::GET).header("Accept", "text/event-stream"));
    request.only_head = true;
    let reply = send(run.http, &request, "GET")?;
    let streams = reply.status == 200 && reply.content() == Content::EventStream;
    let words = format!("it is answered with {}", in_words(&reply));
    let both = run.spoken(Era::Legacy).is_some();
    Ok(match spoken.client.era {
        _ if reply.status == 405 => Outcome::passed(),
        Era::Legacy if streams => Outcome::noted("an event stream"),
        Era::Legacy => Outcome::failed(format!("{words}, not 405 or a stream")).hint(
            "clients take anything but 405 for an error: every method on the path has to come to the server"
                .to_owned(),
        ),
        Era::Modern if streams && both => Outcome::noted("an event stream, for the older era"),
        Era::Modern if reply.status >= 500 => Outcome::failed(format!("{words}, not 405")),
        Era::Modern => Outcome::warned(format!("{words}, not 405")),
    })
}

fn delete(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let request = spoken.client.with_context(Request::new(Method::DELETE));
    let reply = send(run.http, &request, "DELETE")?;
    let words = format!("it is answered with {}", in_words(&reply));
    let both = run.spoken(Era::Legacy).is_some();
    Ok(match reply.status {
        405 => Outcome::passed(),
        200..=204 | 400 | 404 if both => {
            Outcome::noted(format!("HTTP {}, for the older era", reply.status))
        }
        500.. => Outcome::failed(format!("{words}, not 405")),
        _ => Outcome::warned(format!("{words}, not 405")),
    })
}

fn delete_session(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let mut client = spoken.client.clone();
    if client.session.is_some() {
        // Of its own: the other checks still need theirs.
        let begun = initialize(&client, &client.version).send(run.http)?;
        client.session = begun.header("mcp-session-id").map(str::to_owned);
    }
    let request = client.with_context(Request::new(Method::DELETE));
    let reply: Reply = send(run.http, &request, "DELETE")?;
    let words = format!("it is answered with {}", in_words(&reply));
    match (reply.status, &client.session) {
        (405, _) => return Ok(Outcome::passed()),
        (200..=204 | 404, None) => {
            return Ok(Outcome::noted(format!("HTTP {}", reply.status)));
        }
        (200..=204, Some(_)) => {}
        (400, None) => {
            return Ok(Outcome::warned(format!("{words}, not 405"))
                .hint("a server without sessions answers 405".to_owned()));
        }
        _ => {
            return Err(Outcome::failed(format!("{words}, not 405")).hint(message::hint(&reply)));
        }
    }
    let after = client.call("ping", json!({})).send(run.http)?;
    Ok(match after.status {
        404 => Outcome::noted("ends the session"),
        _ => Outcome::failed(format!(
            "the session that was ended still answers: {}",
            in_words(&after)
        )),
    })
}

/// Ends a session that is not needed any more. What comes of it is of no matter: the server forgets
/// it sooner or later.
pub(crate) fn end_session(run: &Run<'_>, client: &Client, session: Option<&str>) {
    let Some(session) = session else {
        return;
    };
    run.http.keep(false);
    let request = client
        .with_context(Request::new(Method::DELETE))
        .header("Mcp-Session-Id", session);
    let _ = run.http.send(&request);
    run.http.keep(true);
}
