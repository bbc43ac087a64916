//! Servers that know only the era without handshake (2026-07-28): how one is found out about, and how
//! a client of the older era speaks to it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::message::{self, Answer, INTERNAL_ERROR, Members, RpcError};
use super::modern::{CAPABILITIES_KEY, CLIENT_KEY, PROGRESS, SERVER_KEY, VERSION, VERSION_KEY};
use super::session::{self, Hello};

/// What a result has that the older era does not know.
const NEW_IN_RESULTS: [&str; 3] = ["resultType", "ttlMs", "cacheScope"];

/// The parameters of `server/discover`.
pub(super) fn question() -> Box<RawValue> {
    introduced(None)
}

/// What the server says of itself, from its answer to `server/discover`; the error says what is wrong
/// with it.
pub(super) fn hello(answer: &RawValue) -> Result<Hello, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Discovered {
        supported_versions: Vec<String>,
        #[serde(default)]
        capabilities: Value,
        instructions: Option<String>,
        #[serde(default, rename = "_meta")]
        meta: Value,
    }
    let found: Discovered = serde_json::from_str(answer.get())
        .map_err(|error| format!("its answer to server/discover cannot be read: {error}"))?;
    if !found
        .supported_versions
        .iter()
        .any(|known| known == VERSION)
    {
        return Err(format!(
            "it speaks {}, and none that is known here",
            found.supported_versions.join(", ")
        ));
    }
    Ok(Hello {
        // What clients of the older era are told: they are answered as in its newest version.
        protocol_version: session::VERSION.to_owned(),
        capabilities: found.capabilities,
        server_info: found.meta.get(SERVER_KEY).cloned().unwrap_or_default(),
        instructions: found.instructions,
        modern_only: true,
    })
}

/// Parameters of a client that names no version, with what each request of this era has.
pub(super) fn introduced(params: Option<&RawValue>) -> Box<RawValue> {
    let none = message::object(&Members::new());
    let me = json!({"name": "mcpdeploy-runtime", "version": env!("CARGO_PKG_VERSION")});
    message::with_meta(params.unwrap_or(&none), |meta| {
        meta.shift_remove(PROGRESS);
        for (name, value) in [
            (VERSION_KEY, json!(VERSION)),
            (CAPABILITIES_KEY, json!({})),
            (CLIENT_KEY, me),
        ] {
            meta.insert(name.to_owned(), message::raw(&value));
        }
    })
}

/// Parameters of a client of this era, without what would make the server tell of progress that
/// reaches nobody.
pub(super) fn passed_on(params: Option<&RawValue>) -> Option<Box<RawValue>> {
    let params = params?;
    if !params.get().contains(PROGRESS) {
        return Some(params.to_owned());
    }
    Some(message::with_meta(params, |meta| {
        meta.shift_remove(PROGRESS);
    }))
}

/// An answer as the older era has it.
pub(super) fn for_older_client(answer: Answer) -> Answer {
    let Answer::Result(result) = answer else {
        return answer;
    };
    let Some(mut members) = message::members(&result) else {
        return Answer::Result(result);
    };
    let kind: Option<String> = members
        .get("resultType")
        .and_then(|kind| serde_json::from_str(kind.get()).ok());
    if kind.is_some_and(|kind| kind != "complete") {
        let why = "the server wants to know more, which only clients of 2026-07-28 can be asked";
        return RpcError::new(INTERNAL_ERROR, why).to_answer();
    }
    for name in NEW_IN_RESULTS {
        members.shift_remove(name);
    }
    Answer::Result(message::object(&members))
}
