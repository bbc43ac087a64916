//! What the server does about requests that are wrong.

use serde_json::json;

use crate::catalog::{CheckId, CommonCheck, Era};
use crate::client::{Call, send};
use crate::message::{self, Answer, error_of, in_words};
use crate::report::Outcome;
use crate::run::{Run, Spoken};

pub(crate) fn all(run: &mut Run<'_>, spoken: &Spoken) {
    use CommonCheck::{BadParams, MalformedJson, UnknownMethod, UnknownTool, WrongAccept};
    let id = |check| CheckId::Common(spoken.client.era, check);
    run.check(id(UnknownMethod), |run| unknown_method(run, spoken));
    run.check(id(UnknownTool), |run| unknown_tool(run, spoken));
    run.check(id(BadParams), |run| bad_params(run, spoken));
    run.check(id(MalformedJson), |run| malformed_json(run, spoken));
    run.check(id(WrongAccept), |run| wrong_accept(run, spoken));
}

/// A request that every server answers and that does nothing.
pub(crate) fn harmless(spoken: &Spoken) -> Call {
    let method = match spoken.client.era {
        Era::Legacy => "ping",
        Era::Modern => "server/discover",
    };
    spoken.client.call(method, json!({}))
}

fn unknown_method(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = spoken.client.call("mcpdeploy/no-such-method", json!({}));
    let reply = call.send(run.http)?;
    let code = error_of(&reply).map(|error| error.code);
    let right = code == Some(-32601)
        && match spoken.client.era {
            Era::Legacy => reply.status < 500,
            Era::Modern => reply.status == 404,
        };
    if !right {
        return Err(
            Outcome::failed(format!("it is answered with {}", in_words(&reply)))
                .hint(message::hint(&reply)),
        );
    }
    // The error has to be for this request: `answer` says so.
    message::answer(&reply, &call.id)
        .map_err(|what| Outcome::failed(format!("it is answered with {what}")))?;
    Ok(Outcome::passed())
}

/// What came of a `tools/call` that cannot succeed; `right` are the codes for it.
fn must_fail(run: &Run<'_>, call: &Call, right: &[i64]) -> Result<Outcome, Outcome> {
    let reply = call.send(run.http)?;
    let words = in_words(&reply);
    let answer = message::answer(&reply, &call.id)
        .map_err(|what| Outcome::failed(format!("it is answered with {what}")))?;
    Ok(match answer {
        _ if reply.status >= 500 => Outcome::failed(format!("it is answered with {words}")),
        Answer::Error(error) if right.contains(&error.code) => Outcome::passed(),
        Answer::Error(_) => Outcome::warned(format!(
            "it is answered with {words}, not with {}",
            right[0]
        )),
        Answer::Result(result) if result["isError"] == true => {
            Outcome::noted(format!("as a tool's error, not as {}", right[0]))
        }
        Answer::Result(_) => Outcome::failed("it is answered as if all were well"),
    })
}

fn unknown_tool(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    if !spoken.client.has("tools") {
        return Err(Outcome::skipped("the server has no tools"));
    }
    let params = json!({"name": "mcpdeploy-no-such-tool", "arguments": {}});
    let call = spoken.client.call("tools/call", params);
    must_fail(run, &call, &[-32602])
}

fn bad_params(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    if !spoken.client.has("tools") {
        return Err(Outcome::skipped("the server has no tools"));
    }
    // No name of a tool: nothing can be called by it.
    let call = spoken.client.call("tools/call", json!({"arguments": {}}));
    let right: &[i64] = match spoken.client.era {
        Era::Legacy => &[-32602],
        // Its Mcp-Name is missing, too.
        Era::Modern => &[-32602, -32020],
    };
    must_fail(run, &call, right)
}

fn malformed_json(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let mut call = harmless(spoken);
    call.http.body = call.http.body.map(|body| body[..body.len() - 1].to_owned());
    call.http.awaits = None;
    let reply = send(run.http, &call.http, "a body that is no JSON")?;
    let words = in_words(&reply);
    let parse_error = error_of(&reply).is_some_and(|error| error.code == -32700);
    Ok(match reply.status {
        400 | 415 => Outcome::passed(),
        401..=499 => Outcome::warned(format!("it is answered with {words}, not 400")),
        200 if parse_error => Outcome::warned("it is answered with -32700, and HTTP 200, not 400"),
        _ => Outcome::failed(format!("it is answered with {words}, not 400")),
    })
}

fn wrong_accept(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let mut call = harmless(spoken).header("Accept", "image/png");
    call.http.awaits = None;
    let reply = send(run.http, &call.http, "a request for a picture")?;
    let words = in_words(&reply);
    Ok(match reply.status {
        406 => Outcome::passed(),
        // HTTP leaves it to the server to answer all the same (RFC 9110, 12.5.1).
        200 => Outcome::noted("answered all the same, as HTTP allows"),
        400..=499 => Outcome::noted(format!("refused with HTTP {}", reply.status)),
        _ => Outcome::failed(format!("it is answered with {words}")),
    })
}
