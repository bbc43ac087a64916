//! What only the era without a handshake has: discovery, and headers that repeat the body.

use serde_json::{Value, json};

use crate::catalog::{CheckId, Era, ModernCheck};
use crate::client::{CAPABILITIES_KEY, Call, SERVER_KEY, VERSION_KEY};
use crate::message::{self, error_of, in_words, result_of};
use crate::report::Outcome;
use crate::run::{Run, Spoken};

/// A version that there is not yet; an old one may be taken for the other era.
const NO_VERSION: &str = "2099-01-01";
const DISCOVER: &str = "server/discover";

pub(crate) fn all(run: &mut Run<'_>, spoken: &Spoken) {
    use ModernCheck::{
        Discover, MethodHeader, NameHeader, NoSession, RequiredMeta, UnsupportedVersion,
        VersionHeader,
    };
    run.check(CheckId::Modern(Discover), |_| hello(spoken));
    run.check(CheckId::Modern(NoSession), |run| no_session(run, spoken));
    run.check(CheckId::Modern(RequiredMeta), |run| {
        required_meta(run, spoken)
    });
    run.check(CheckId::Modern(UnsupportedVersion), |run| {
        unsupported_version(run, spoken)
    });
    run.check(CheckId::Modern(VersionHeader), |run| {
        version_header(run, spoken)
    });
    run.check(CheckId::Modern(MethodHeader), |run| {
        method_header(run, spoken)
    });
    run.check(CheckId::Modern(NameHeader), |run| name_header(run, spoken));
}

/// What every result has to have; `cacheable`: what results have that clients may keep.
pub(crate) fn result_fields(result: &Value, cacheable: bool, errors: &mut Vec<String>) {
    if result["resultType"] != "complete" {
        errors.push("resultType is not \"complete\"".to_owned());
    }
    if cacheable {
        if result["ttlMs"].as_f64().is_none_or(|ttl| ttl < 0.0) {
            errors.push("ttlMs is no number from 0".to_owned());
        }
        if !matches!(result["cacheScope"].as_str(), Some("public" | "private")) {
            errors.push("cacheScope is neither \"public\" nor \"private\"".to_owned());
        }
    }
}

fn hello(spoken: &Spoken) -> Result<Outcome, Outcome> {
    let reply = spoken.said.as_ref().map_err(Clone::clone)?;
    let hello = &spoken.hello;
    if hello.is_null() {
        return Err(Outcome::failed(format!(
            "it is answered with {}",
            in_words(reply)
        )));
    }
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    if reply.status != 200 {
        errors.push(format!("HTTP {} and a result", reply.status));
    }
    let versions = hello["supportedVersions"].as_array();
    if versions.is_none_or(|versions| !versions.iter().any(|v| v == Era::Modern.version())) {
        errors.push(format!(
            "supportedVersions does not name {}",
            Era::Modern.version()
        ));
    }
    if !hello["capabilities"].is_object() {
        errors.push("its capabilities are no object".to_owned());
    }
    result_fields(hello, true, &mut errors);
    if hello["_meta"][SERVER_KEY]["name"].as_str().is_none() {
        warnings.push(format!(
            "it does not name itself in _meta[\"{SERVER_KEY}\"]"
        ));
    }
    Ok(Outcome::of(&errors, &warnings, None))
}

fn no_session(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = spoken
        .client
        .call(DISCOVER, json!({}))
        .header("Mcp-Session-Id", "mcpdeploy-no-such-session");
    let reply = call.send(run.http)?;
    Ok(if reply.status >= 500 {
        Outcome::failed(format!("it is answered with {}", in_words(&reply)))
    } else if result_of(DISCOVER, &reply, &call.id).is_err() && !spoken.hello.is_null() {
        Outcome::warned(format!("a session id is not ignored: {}", in_words(&reply)))
    } else if reply.header("mcp-session-id").is_some() {
        Outcome::warned("it makes a session, which this era has not")
    } else {
        Outcome::passed()
    })
}

/// Sends a call that has to be refused, with 400 and that code; `what` is wrong about it.
fn refused(run: &Run<'_>, call: &Call, code: i64, what: &str) -> Result<(), String> {
    let reply = match call.send(run.http) {
        Ok(reply) => reply,
        Err(_) => return Err(format!("{what} gets no answer")),
    };
    let got = error_of(&reply).map(|error| error.code);
    if reply.status == 400 && got == Some(code) {
        return Ok(());
    }
    Err(format!(
        "{what} is answered with {}, not with 400 and {code}",
        in_words(&reply)
    ))
}

fn verdict(results: Vec<Result<(), String>>) -> Outcome {
    let errors: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    Outcome::of(&errors, &[], None)
}

fn required_meta(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let without = |key: &str| {
        let mut meta = spoken.client.meta();
        if let Value::Object(meta) = &mut meta {
            meta.remove(key);
        }
        spoken.client.call(DISCOVER, json!({"_meta": meta}))
    };
    let mut bare = spoken.client.call(DISCOVER, json!({}));
    bare.http.body = Some(
        json!({"jsonrpc": "2.0", "id": bare.id, "method": DISCOVER, "params": {}}).to_string(),
    );
    Ok(verdict(vec![
        refused(run, &bare, -32602, "a request without _meta"),
        refused(
            run,
            &without(VERSION_KEY),
            -32602,
            "one without its version",
        ),
        refused(
            run,
            &without(CAPABILITIES_KEY),
            -32602,
            "one without the client's capabilities",
        ),
    ]))
}

fn with_version(spoken: &Spoken, version: &str) -> Call {
    let mut meta = spoken.client.meta();
    meta[VERSION_KEY] = json!(version);
    spoken.client.call(DISCOVER, json!({"_meta": meta}))
}

fn unsupported_version(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = with_version(spoken, NO_VERSION).header("MCP-Protocol-Version", NO_VERSION);
    let reply = call.send(run.http)?;
    let error = error_of(&reply).filter(|error| error.code == -32022);
    let Some(error) = error.filter(|_| reply.status == 400) else {
        return Err(Outcome::failed(format!(
            "{NO_VERSION} is answered with {}, not with 400 and -32022",
            in_words(&reply)
        ))
        .hint(message::hint(&reply)));
    };
    let mut errors = Vec::new();
    let supported = error.data["supported"].as_array();
    if supported.is_none_or(|all| !all.iter().any(|v| v == Era::Modern.version())) {
        errors.push(format!(
            "data.supported does not name {}",
            Era::Modern.version()
        ));
    }
    if error.data["requested"] != NO_VERSION {
        errors.push("data.requested is not the version that was asked for".to_owned());
    }
    Ok(Outcome::of(&errors, &[], None))
}

fn version_header(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = with_version(spoken, NO_VERSION);
    Ok(verdict(vec![refused(
        run,
        &call,
        -32020,
        "another version in the header than in the body",
    )]))
}

fn method_header(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    let call = spoken.client.call(DISCOVER, json!({}));
    let wrong = call.clone().header("Mcp-Method", "tools/list");
    Ok(verdict(vec![
        refused(run, &wrong, -32020, "another method in the header"),
        refused(
            run,
            &call.without("Mcp-Method"),
            -32020,
            "a request without Mcp-Method",
        ),
    ]))
}

fn name_header(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    if !spoken.client.has("tools") {
        return Err(Outcome::skipped("the server has no tools"));
    }
    // A tool that there is not: should the header go unseen, nothing is called.
    let params = json!({"name": "mcpdeploy-no-such-tool", "arguments": {}});
    let call = spoken.client.call("tools/call", params);
    Ok(verdict(vec![
        refused(
            run,
            &call.clone().header("Mcp-Name", "mcpdeploy-another-tool"),
            -32020,
            "another name in the header",
        ),
        refused(
            run,
            &call.without("Mcp-Name"),
            -32020,
            "a call without Mcp-Name",
        ),
    ]))
}
