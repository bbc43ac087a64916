//! What is of HTTP and of no era: content types, origins, and how long calls take.

use serde_json::json;
use ureq::http::Method;

use super::errors::harmless;
use crate::catalog::{CheckId, TransportCheck};
use crate::client::send;
use crate::http::{Reply, Request};
use crate::message::{in_words, result_of};
use crate::report::{Latency, Outcome, micros};
use crate::run::{Run, Spoken};

/// An origin that no server knows: `.invalid` is nobody's (RFC 2606).
const FOREIGN: &str = "https://mcpdeploy-probe.invalid";

/// What clients in browsers send.
const BROWSERS_SEND: [&str; 7] = [
    "authorization",
    "content-type",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
    "mcp-session-id",
    "last-event-id",
];

pub(crate) fn all(run: &mut Run<'_>) {
    use TransportCheck::{ContentTypes, Cors, ForeignOrigin, Latency};
    let Some(spoken) = run.newest() else {
        return;
    };
    run.check(CheckId::Transport(ForeignOrigin), |run| {
        foreign_origin(run, &spoken)
    });
    for origin in run.options.cors_origins.clone() {
        run.check_on(CheckId::Transport(Cors), Some(&origin), |run| {
            cors(run, &spoken, &origin)
        });
    }
    run.check(CheckId::Transport(Latency), |run| latency(run, &spoken));
    // Last: it looks at what all the others received.
    run.check(CheckId::Transport(ContentTypes), |run| {
        Ok(Outcome::of(&run.http.odd_contents(), &[], None))
    });
}

fn foreign_origin(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = harmless(spoken).header("Origin", FOREIGN);
    let reply = call.send(run.http)?;
    let words = in_words(&reply);
    Ok(match reply.status {
        403 => Outcome::passed(),
        200 => Outcome::warned("a request from any origin is answered").hint(
            "the specification asks servers to look at Origin against DNS rebinding, which is of matter on this machine and in private networks more than behind a login"
                .to_owned(),
        ),
        400..=499 => Outcome::warned(format!("it is answered with {words}, not 403")),
        _ => Outcome::failed(format!("it is answered with {words}")),
    })
}

/// The values of a header that is a list, in lower case.
fn listed(reply: &Reply, name: &str) -> Vec<String> {
    reply
        .headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .flat_map(|(_, value)| value.split(','))
        .map(|value| value.trim().to_ascii_lowercase())
        .collect()
}

fn cors(run: &Run<'_>, spoken: &Spoken, origin: &str) -> Result<Outcome, Outcome> {
    let mut errors = Vec::new();
    let preflight = Request::new(Method::OPTIONS)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", BROWSERS_SEND.join(","))
        .token(crate::http::Token::None);
    let reply = send(run.http, &preflight, "the preflight")?;
    if !(200..300).contains(&reply.status) {
        return Err(Outcome::failed(format!(
            "the preflight is answered with {}",
            in_words(&reply)
        )));
    }
    let lets_in = |reply: &Reply| {
        listed(reply, "access-control-allow-origin")
            .iter()
            .any(|allowed| allowed == "*" || *allowed == origin.to_ascii_lowercase())
    };
    if !lets_in(&reply) {
        errors.push("the preflight does not allow the origin".to_owned());
    }
    let methods = listed(&reply, "access-control-allow-methods");
    if !methods
        .iter()
        .any(|method| method == "post" || method == "*")
    {
        errors.push("the preflight does not allow POST".to_owned());
    }
    let allowed = listed(&reply, "access-control-allow-headers");
    let any = allowed.iter().any(|header| header == "*");
    let missing: Vec<&str> = BROWSERS_SEND
        .into_iter()
        // `*` does not cover it (the Fetch standard's CORS-unsafe names).
        .filter(|name| !(any && *name != "authorization"))
        .filter(|name| !allowed.iter().any(|header| header == name))
        .collect();
    if !missing.is_empty() {
        errors.push(format!(
            "the headers {} are not allowed",
            missing.join(", ")
        ));
    }
    let reply = harmless(spoken).header("Origin", origin).send(run.http)?;
    if !lets_in(&reply) {
        errors.push("the reply itself does not allow the origin".to_owned());
    }
    let exposed = listed(&reply, "access-control-expose-headers");
    let mut warnings = Vec::new();
    let session = run
        .legacy
        .as_ref()
        .is_some_and(|legacy| legacy.client.session.is_some());
    let wanted = [
        ("mcp-session-id", session),
        ("www-authenticate", run.http.has_token()),
    ];
    for (name, _) in wanted.iter().filter(|(_, wanted)| *wanted) {
        if !exposed.iter().any(|header| header == name || header == "*") {
            warnings.push(format!("the header {name} is not exposed"));
        }
    }
    Ok(Outcome::of(&errors, &warnings, None))
}

fn latency(run: &mut Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    if run.options.latency_calls == 0 {
        return Err(Outcome::skipped("no calls are to be made for it"));
    }
    let mut took = Vec::new();
    run.http.keep(false);
    let calls: Result<(), Outcome> = (0..run.options.latency_calls).try_for_each(|_| {
        let call = match spoken.hello.is_null() {
            true => spoken.client.call("tools/list", json!({})),
            false => harmless(spoken),
        };
        let reply = call.send(run.http)?;
        took.push(reply.took);
        result_of("the call", &reply, &call.id).map(|_| ())
    });
    run.http.keep(true);
    calls?;
    let latency = Latency::of(took).ok_or_else(|| Outcome::skipped("nothing was measured"))?;
    run.latency = Some(latency);
    let said = format!(
        "p50 {}, p95 {}, max {} of {} calls",
        milliseconds(latency.p50_us),
        milliseconds(latency.p95_us),
        milliseconds(latency.max_us),
        latency.calls
    );
    Ok(match run.options.p95_at_most {
        Some(most) if latency.p95_us > micros(most) => Outcome::failed(format!(
            "{said}: the p95 is over {}",
            milliseconds(micros(most))
        )),
        Some(_) | None => Outcome::noted(said),
    })
}

fn milliseconds(micros: u64) -> String {
    if micros < 10_000 {
        return format!("{}.{} ms", micros / 1000, micros % 1000 / 100);
    }
    format!("{} ms", micros / 1000)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times_are_short() {
        assert_eq!(milliseconds(1_260), "1.2 ms");
        assert_eq!(milliseconds(42_900), "42 ms");
    }
}
