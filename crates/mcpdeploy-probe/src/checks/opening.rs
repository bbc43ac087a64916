//! The first words: does anything answer, and which eras does it speak?

use std::cell::OnceCell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::catalog::{CheckId, Era, LegacyCheck, ModernCheck};
use crate::client::{Call, Client, SERVER_KEY, send};
use crate::http::Reply;
use crate::message::{self, Answer, in_words};
use crate::report::{EraFound, Outcome, Server};
use crate::run::{Run, Spoken};

/// The versions that begin with a handshake.
pub(crate) const HANDSHAKES: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What came of trying an era.
pub(crate) enum Opening {
    /// The server speaks it.
    Spoken(Rc<Spoken>),
    /// It does not.
    Mute(Mute),
    /// It wants a login first.
    Locked(Reply),
}

/// Why an era is not spoken.
pub(crate) struct Mute {
    why: String,
    hint: Option<String>,
    versions: Vec<String>,
    /// It broke down rather than said no.
    broken: bool,
}

impl Mute {
    pub(crate) fn new(why: String) -> Self {
        Self {
            why,
            hint: None,
            versions: Vec::new(),
            broken: false,
        }
    }

    fn reply(what: &str, reply: &Reply) -> Self {
        Self {
            hint: message::hint(reply),
            broken: reply.status >= 500,
            ..Self::new(format!("{what} is answered with {}", in_words(reply)))
        }
    }

    fn silence(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Failed { why, hint } | Outcome::Warned { why, hint } => Self {
                hint,
                broken: true,
                ..Self::new(why)
            },
            Outcome::Skipped { why } => Self::new(why),
            Outcome::Passed { note } => Self::new(note.unwrap_or_default()),
        }
    }
}

impl Opening {
    pub(crate) fn mute(why: &str) -> Self {
        Self::Mute(Mute::new(why.to_owned()))
    }
}

fn discover(run: &Run<'_>) -> (Client, Call) {
    let client = Client::new(Era::Modern, run.options);
    let call = client.call("server/discover", json!({}));
    (client, call)
}

/// Sends the first request of all, again and again while a fresh deployment warms up.
pub(crate) fn knock(run: &mut Run<'_>) -> Result<Reply, Outcome> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(250);
    loop {
        let (_, call) = discover(run);
        let answer = run.http.send(&call.http);
        let warm = answer.as_ref().is_ok_and(|reply| !is_warming_up(reply));
        if warm || begun.elapsed() + pause > run.options.warm_up {
            return answer.map_err(|unanswered| {
                Outcome::failed(unanswered.to_string()).hint(unanswered.hint().map(str::to_owned))
            });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Whether a fresh deployment may answer so, before it is everywhere and awake.
fn is_warming_up(reply: &Reply) -> bool {
    match reply.status {
        429 | 500 | 502 | 503 | 504 => true,
        403 | 404 => message::messages(reply)
            .first()
            .is_none_or(|body| body.get("jsonrpc").is_none()),
        _ => false,
    }
}

/// What is told of the first reply.
pub(crate) fn reached(first: &Reply, elapsed: Duration) -> Outcome {
    let after = elapsed.saturating_sub(first.took);
    let mut note = format!("in {} ms", first.took.as_millis());
    if after > Duration::from_millis(200) {
        note.push_str(&format!(
            ", after {:.1} s of warming up",
            after.as_secs_f64()
        ));
    }
    Outcome::noted(note)
}

fn spoken(client: Client, hello: Value, said: Result<Reply, Outcome>) -> Opening {
    Opening::Spoken(Rc::new(Spoken {
        client,
        hello,
        said,
        notified: None,
        tools: OnceCell::new(),
        resources: OnceCell::new(),
    }))
}

/// Whether the reply to `server/discover` is that of a server of the newer era.
pub(crate) fn modern(run: &mut Run<'_>, reply: Reply) -> Opening {
    const METHOD: &str = "server/discover";
    if reply.status == 401 {
        return Opening::Locked(reply);
    }
    let (mut client, call) = discover(run);
    // Every call of a fresh client has the same id as the one that was sent.
    let opening = match message::answer(&reply, &call.id) {
        Ok(Answer::Result(hello)) => {
            client.capabilities = hello["capabilities"].clone();
            let versions = strings(&hello["supportedVersions"]);
            if versions.is_empty() || versions.contains(&client.version) {
                spoken(client, hello, Ok(reply))
            } else {
                only(versions)
            }
        }
        Ok(Answer::Error(error)) => match error.code {
            -32022 => {
                let versions = strings(&error.data["supported"]);
                if versions.contains(&client.version) {
                    spoken(client, Value::Null, Ok(reply))
                } else {
                    only(versions)
                }
            }
            -32020 | -32021 => spoken(client, Value::Null, Ok(reply)),
            -32601 if speaks_without_discovery(run, &client) => {
                // It has to be asked for everything: it could not say what it has.
                client.capabilities = json!({"tools": {}});
                spoken(client, Value::Null, Ok(reply))
            }
            _ => Opening::Mute(Mute::reply(METHOD, &reply)),
        },
        Err(_) => Opening::Mute(Mute::reply(METHOD, &reply)),
    };
    if let Opening::Spoken(spoken) = &opening {
        run.modern = Some(Rc::clone(spoken));
    }
    opening
}

fn only(versions: Vec<String>) -> Opening {
    let named = if versions.is_empty() {
        "others only".to_owned()
    } else {
        format!("only {}", versions.join(", "))
    };
    Opening::Mute(Mute {
        versions,
        ..Mute::new(format!(
            "of the versions {named}, and this knows {}",
            Era::Modern.version()
        ))
    })
}

/// Whether a server that knows no discovery answers the newer era's requests all the same.
fn speaks_without_discovery(run: &Run<'_>, client: &Client) -> bool {
    client
        .call("tools/list", json!({}))
        .result(run.http)
        .is_ok_and(|result| result.get("resultType").is_some())
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    list.iter().filter_map(text).collect()
}

/// Says hello as the older era does, and that it is done with it.
pub(crate) fn legacy(run: &mut Run<'_>) -> Opening {
    const METHOD: &str = "initialize";
    let mut client = Client::new(Era::Legacy, run.options);
    let call = initialize(&client, Era::Legacy.version());
    let reply = match call.send(run.http) {
        Ok(reply) => reply,
        Err(outcome) => return Opening::Mute(Mute::silence(outcome)),
    };
    if reply.status == 401 {
        return Opening::Locked(reply);
    }
    let hello = match message::answer(&reply, &call.id) {
        Ok(Answer::Result(hello)) if reply.status == 200 => hello,
        Ok(Answer::Error(error)) if error.code == -32022 => {
            return Opening::Mute(Mute {
                versions: strings(&error.data["supported"]),
                ..Mute::reply(METHOD, &reply)
            });
        }
        Ok(Answer::Result(_) | Answer::Error(_)) | Err(_) => {
            return Opening::Mute(Mute::reply(METHOD, &reply));
        }
    };
    client.session = reply.header("mcp-session-id").map(str::to_owned);
    client.capabilities = hello["capabilities"].clone();
    if let Some(version) = hello["protocolVersion"].as_str() {
        version.clone_into(&mut client.version);
    }
    let notified = send(
        run.http,
        &client.notification("notifications/initialized"),
        "notifications/initialized",
    );
    let spoken = Rc::new(Spoken {
        client,
        hello,
        said: Ok(reply),
        notified: Some(notified),
        tools: OnceCell::new(),
        resources: OnceCell::new(),
    });
    run.legacy = Some(Rc::clone(&spoken));
    Opening::Spoken(spoken)
}

/// `initialize` with that version. The header comes with what follows: it is not agreed on yet.
pub(crate) fn initialize(client: &Client, version: &str) -> Call {
    client
        .call("initialize", client.introduction(version))
        .without("MCP-Protocol-Version")
        .without("Mcp-Session-Id")
}

/// Whether it is an MCP server at all; notes what is known of it.
pub(crate) fn speaks(run: &mut Run<'_>, legacy: &Opening, modern: &Opening) -> Outcome {
    let mut tongues = Vec::new();
    let mut whys: Vec<&Mute> = Vec::new();
    for (era, opening) in [(Era::Legacy, legacy), (Era::Modern, modern)] {
        let mut found = EraFound {
            era,
            spoken: false,
            versions: Vec::new(),
            why: None,
        };
        match opening {
            Opening::Spoken(spoken) => {
                let server = match era {
                    Era::Legacy => {
                        found.versions = vec![spoken.client.version.clone()];
                        &spoken.hello["serverInfo"]
                    }
                    Era::Modern => {
                        let named = strings(&spoken.hello["supportedVersions"]);
                        let newer = |version: &String| !HANDSHAKES.contains(&version.as_str());
                        found.versions = named.into_iter().filter(newer).collect();
                        &spoken.hello["_meta"][SERVER_KEY]
                    }
                };
                found.spoken = true;
                tongues.push(spoken.client.version.clone());
                if let Some(name) = server["name"].as_str() {
                    run.server = Some(Server {
                        name: name.to_owned(),
                        version: server["version"].as_str().map(str::to_owned),
                    });
                }
            }
            Opening::Mute(mute) => {
                found.why = Some(mute.why.clone());
                found.versions.clone_from(&mute.versions);
                whys.push(mute);
            }
            Opening::Locked(_) => found.why = Some("it wants a login".to_owned()),
        }
        run.eras.push(found);
    }
    if tongues.is_empty() {
        let hint = whys.iter().find_map(|mute| mute.hint.clone());
        let whys: Vec<&str> = whys.iter().map(|mute| mute.why.as_str()).collect();
        return Outcome::failed(format!("it speaks neither era: {}", whys.join("; "))).hint(hint);
    }
    let who = run.server.as_ref().map_or_else(
        || "a server that does not tell its name".to_owned(),
        |server| match &server.version {
            Some(version) => format!("{} {version}", server.name),
            None => server.name.clone(),
        },
    );
    Outcome::noted(format!("{who}, protocol {}", tongues.join(" and ")))
}

/// Tells that an era is not spoken; that is a failure only where it has to be.
pub(crate) fn not_spoken(run: &mut Run<'_>, era: Era, mute: &Mute) {
    let id = match era {
        Era::Legacy => CheckId::Legacy(LegacyCheck::Initialize),
        Era::Modern => CheckId::Modern(ModernCheck::Discover),
    };
    let outcome = if run.options.require.contains(&era) {
        Outcome::failed(mute.why.clone()).hint(mute.hint.clone())
    } else if mute.broken {
        Outcome::warned(mute.why.clone()).hint(
            "a server without this era answers with a 4xx or a JSON-RPC error, so that clients go on with the other"
                .to_owned(),
        )
    } else {
        Outcome::skipped(format!("the server does not speak this era: {}", mute.why))
    };
    run.check(id, |_| Ok(outcome));
}
