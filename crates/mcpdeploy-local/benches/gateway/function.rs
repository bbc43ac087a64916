//! The function: reads a call of a tool and answers with what it saw. It says for how long it had
//! the request itself, so that the rest of the time is that of those between.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Failed;
use crate::http::Connection;

/// The variable that tells one configuration of the function from another.
pub(crate) const GENERATION: &str = "GENERATION";

const INVOCATION: &str = "/2018-06-01/runtime/invocation";

/// What the function is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    jsonrpc: String,
    id: usize,
    method: String,
    params: serde_json::Value,
    /// Host and port of who says when the function goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<String>,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// That of the question.
    pub(crate) id: usize,
    pub(crate) pid: u32,
    /// How many requests the process has had, with this one.
    pub(crate) run: u64,
    pub(crate) generation: String,
    nanos: u64,
}

impl Question {
    pub(crate) fn new(id: usize) -> Self {
        Self {
            jsonrpc: "2.0".to_owned(),
            id,
            method: "tools/call".to_owned(),
            params: json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
            gate: None,
        }
    }

    pub(crate) fn at_gate(id: usize, gate: &str) -> Self {
        Self {
            gate: Some(gate.to_owned()),
            ..Self::new(id)
        }
    }
}

impl Answer {
    /// How long the function had the request.
    pub(crate) fn own(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// Reads the answer to question `id`.
    pub(crate) fn read(body: &[u8], id: usize) -> Result<Self, Failed> {
        let answer: Self = serde_json::from_slice(body)?;
        if answer.id != id {
            return Err(format!("question {id} got the answer to {}", answer.id).into());
        }
        Ok(answer)
    }
}

/// Answers a question that came at `began`, as request number `run`.
pub(crate) fn answer(question: &[u8], began: Instant, run: u64) -> io::Result<Vec<u8>> {
    let question: Question = serde_json::from_slice(question)?;
    if let Some(gate) = question.gate {
        let mut gate = TcpStream::connect(gate)?;
        // Who says nothing may wait at a port that was too crowded to know of the connection.
        gate.write_all(b"?")?;
        gate.read_exact(&mut [0])?;
    }
    let answer = Answer {
        id: question.id,
        pid: std::process::id(),
        run,
        generation: std::env::var(GENERATION).unwrap_or_default(),
        nanos: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
    };
    Ok(serde_json::to_vec(&answer)?)
}

/// An event of payload format 2.0, as far as the function looks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) body: String,
}

/// An answer of payload format 2.0.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    status_code: u16,
    headers: serde_json::Value,
    pub(crate) body: String,
}

/// Answers events of a Runtime API until it is gone.
pub(crate) fn serve(api: &str) -> io::Result<()> {
    let mut connection = Connection::open(api)?;
    for run in 1.. {
        let next = connection.ask(&format!("GET {INVOCATION}/next"), &[], b"")?;
        let began = Instant::now();
        let event: Event = serde_json::from_slice(&next.body)?;
        let reply = Reply {
            status_code: 200,
            headers: json!({"content-type": "application/json"}),
            body: String::from_utf8(answer(event.body.as_bytes(), began, run)?)
                .map_err(io::Error::other)?,
        };
        let id = next.header("lambda-runtime-aws-request-id");
        let path = format!("POST {INVOCATION}/{}/response", id.unwrap_or_default());
        connection.ask(&path, &[], &serde_json::to_vec(&reply)?)?;
    }
    Ok(())
}
