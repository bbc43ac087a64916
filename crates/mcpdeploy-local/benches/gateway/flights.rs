//! Many requests in flight at once, each in a process of its own: the function waits at a gate that
//! opens when all are there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::function::{Answer, Question};
use crate::http::Connection;
use crate::report::Times;
use crate::world::World;

/// How long the gate waits; the gateway gives a function 30 s.
const PATIENCE: Duration = Duration::from_secs(25);

/// A thread that waits needs little.
const STACK: usize = 128 * 1024;

/// What came of one round.
#[derive(Debug)]
struct Round {
    /// How many functions waited at once.
    at_once: usize,
    /// Until all were there.
    gathered: Duration,
    /// Until the last answer.
    whole: Duration,
    answers: Vec<Answer>,
}

/// A table of two rounds of so many requests: processes are started in the first.
pub(crate) fn measure(world: &World, count: usize) -> Result<String, Failed> {
    world.set_generation("flights")?;
    let mut table = String::new();
    writeln!(table, "flights: {count} requests in flight at once")?;
    writeln!(
        table,
        "{:12} {:>8} {:>10} {:>12} {:>12} {:>10}",
        "", "at once", "processes", "all there", "all answered", "own p50"
    )?;
    for name in ["cold", "warm"] {
        let round = round(world, count)?;
        let pids: BTreeSet<u32> = round.answers.iter().map(|answer| answer.pid).collect();
        let own: Times = round.answers.iter().map(Answer::own).collect();
        if own.len() != count {
            return Err(format!("{} of {count} requests were answered", own.len()).into());
        }
        writeln!(
            table,
            "{name:12} {:>8} {:>10} {:>10.2} s {:>10.2} s {:>8.2} s",
            round.at_once,
            pids.len(),
            round.gathered.as_secs_f64(),
            round.whole.as_secs_f64(),
            own.millis(0.5) / 1000.0,
        )?;
    }
    writeln!(
        table,
        "nothing lost, each answer its request's; {} processes there afterwards",
        world.processes()
    )?;
    Ok(table)
}

fn round(world: &World, count: usize) -> Result<Round, Failed> {
    let listener = world.listener()?;
    let gate = listener.local_addr()?.to_string();
    let ready = Barrier::new(count + 1);
    thread::scope(|scope| {
        let mut senders = Vec::new();
        for id in 0..count {
            let (ready, gate) = (&ready, gate.as_str());
            let sender = thread::Builder::new().stack_size(STACK);
            senders.push(sender.spawn_scoped(scope, move || {
                let connection = Connection::open(&world.api);
                ready.wait();
                ask(connection?, id, gate).map_err(|error| format!("request {id}: {error}").into())
            })?);
        }
        ready.wait();
        let began = Instant::now();
        let (at_once, gathered) = hold(&listener, count, began)?;
        drop(listener);
        let joined = senders.into_iter().map(|sender| sender.join());
        let answers: Result<Vec<Answer>, Failed> = joined
            .map(|answer| answer.map_err(|_| Failed::from("a sender panicked"))?)
            .collect();
        Ok(Round {
            at_once,
            gathered,
            whole: began.elapsed(),
            answers: answers?,
        })
    })
}

fn ask(mut connection: Connection, id: usize, gate: &str) -> Result<Answer, Failed> {
    let question = serde_json::to_vec(&Question::at_gate(id, gate))?;
    let content = ["content-type: application/json".to_owned()];
    let began = Instant::now();
    let answer = connection.ask("POST /mcp", &content, &question)?;
    if answer.status() != "200" {
        let text = String::from_utf8_lossy(&answer.body);
        let seconds = began.elapsed().as_secs_f64();
        return Err(format!("{} {text} after {seconds:.2} s", answer.status()).into());
    }
    Answer::read(&answer.body, id)
}

/// Keeps functions waiting until so many are there, or patience ends, and lets them go. How many
/// there were at once, and when.
fn hold(listener: &TcpListener, count: usize, began: Instant) -> io::Result<(usize, Duration)> {
    let mut waiting = Vec::new();
    while waiting.len() < count && began.elapsed() < PATIENCE {
        waiting.extend(arrival(listener)?);
    }
    let all_there = (waiting.len(), began.elapsed());
    let mut passed = 0;
    while passed < count && began.elapsed() < 2 * PATIENCE {
        for mut stream in waiting.drain(..) {
            stream.write_all(b"!")?;
            passed += 1;
        }
        // Those who come too late pass the open gate.
        if passed < count {
            waiting.extend(arrival(listener)?);
        }
    }
    Ok(all_there)
}

/// Who comes, if anybody does, in a millisecond.
fn arrival(listener: &TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nonblocking(false)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            thread::sleep(Duration::from_millis(1));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
