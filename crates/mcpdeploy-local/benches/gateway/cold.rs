//! The first request of a new process, beside the process alone: started and fed by a Runtime API
//! that does nothing else.

use std::fmt::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::function::{Answer, Event, GENERATION, Question, Reply};
use crate::http::Connection;
use crate::report::Times;
use crate::world::World;

/// A table of so many cold starts each way, in turn.
pub(crate) fn measure(world: &World, count: usize) -> Result<String, Failed> {
    let mut through = Vec::new();
    let mut alone = Vec::new();
    for id in 0..count {
        through.push(request(world, id)?);
        alone.push(process(id)?);
    }
    let more: Times = through
        .iter()
        .zip(&alone)
        .map(|(through, alone)| through.saturating_sub(*alone))
        .collect();
    let mut table = String::new();
    writeln!(
        table,
        "cold: the first request of a new process, {count} times each way, in turn; ms"
    )?;
    writeln!(table, "{:32} {:>8} {:>8} {:>8}", "", "p50", "p90", "max")?;
    let rows = [
        ("the process alone", alone.into_iter().collect()),
        (
            "through gateway and function",
            through.into_iter().collect(),
        ),
        ("more, pair by pair", more),
    ];
    for (name, times) in rows {
        let [a, b, c] = [0.5, 0.9, 1.0].map(|share| Times::millis(&times, share));
        writeln!(table, "{name:32} {a:>8.2} {b:>8.2} {c:>8.2}")?;
    }
    Ok(table)
}

/// A request that finds no process.
fn request(world: &World, id: usize) -> Result<Duration, Failed> {
    let generation = format!("cold {id}");
    world.set_generation(&generation)?;
    let mut connection = Connection::open(&world.api)?;
    // The process of the configuration before is to be gone.
    thread::sleep(Duration::from_millis(50));
    let question = serde_json::to_vec(&Question::new(id))?;
    let began = Instant::now();
    let content = ["content-type: application/json".to_owned()];
    let answer = connection.ask("POST /mcp", &content, &question)?;
    let took = began.elapsed();
    let answer = Answer::read(&answer.body, id)?;
    if (answer.run, answer.generation.as_str()) != (1, generation.as_str()) {
        return Err(format!("not a cold start: {answer:?}").into());
    }
    Ok(took)
}

/// From the start of a process until its answer has come.
fn process(id: usize) -> Result<Duration, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let host = listener.local_addr()?.to_string();
    let event = serde_json::to_vec(&Event {
        body: serde_json::to_string(&Question::new(id))?,
    })?;
    let program = std::env::current_exe()?;
    let began = Instant::now();
    let mut child = Command::new(program)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &host)
        .env(GENERATION, "alone")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut connection = Connection::of(listener.accept()?.0, &host)?;
    connection.read()?;
    let headers = ["lambda-runtime-aws-request-id: 1".to_owned()];
    connection.answer("200 OK", &headers, &event)?;
    let answer = connection.read()?;
    let took = began.elapsed();
    connection.answer("202 Accepted", &[], b"")?;
    child.kill()?;
    child.wait()?;
    let reply: Reply = serde_json::from_slice(&answer.body)?;
    Answer::read(reply.body.as_bytes(), id)?;
    Ok(took)
}
