//! Requests at a steady rate to processes that are there: through the gateway, by the Invoke API,
//! and to the same handler directly.
//!
//! The times of the requests are fixed beforehand, and a request counts from its time on, whether or
//! not somebody was free to send it (so a slow answer is not left out of what comes after it).

use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::direct::Direct;
use crate::function::{Answer, Event, Question, Reply};
use crate::http::Connection;
use crate::report::Times;
use crate::world::{World, authorization};

/// Between two requests: 200 a second.
const BETWEEN: Duration = Duration::from_millis(5);

/// How many requests can be under way.
const CONNECTIONS: usize = 32;

/// The ways are measured in turn, so often.
const ROUNDS: usize = 4;

/// How a question comes to the handler.
#[derive(Debug, Clone, Copy)]
enum Way {
    Direct,
    Gateway,
    Invoke,
}

/// One request, from the time that it should have been sent at.
#[derive(Debug)]
struct Sent {
    whole: Duration,
    own: Duration,
    /// Whether a process was started for it.
    cold: bool,
}

/// A table of [`ROUNDS`] rounds, in which each way is taken for so many seconds.
pub(crate) fn measure(world: &World, seconds: u64) -> Result<String, Failed> {
    let direct = Direct::start()?;
    let ways = [Way::Direct, Way::Gateway, Way::Invoke];
    let host = |way| match way {
        Way::Direct => direct.host.as_str(),
        Way::Gateway => world.api.as_str(),
        Way::Invoke => world.control.as_str(),
    };
    for way in ways {
        run(way, host(way), 200)?;
    }
    let count = usize::try_from(seconds)? * 200;
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (way, sent) in ways.into_iter().zip(&mut all) {
            sent.extend(run(way, host(way), count)?);
        }
    }
    let mut table = String::new();
    writeln!(
        table,
        "warm: 200 requests a second, {ROUNDS} rounds of {seconds} s each way, in turn; ms from the scheduled time"
    )?;
    writeln!(
        table,
        "{:32} {:>8} {:>8} {:>8} {:>8}",
        "", "p50", "p90", "p99", "max"
    )?;
    let mut added = Vec::new();
    for (way, sent) in ways.into_iter().zip(&all) {
        let name = match way {
            Way::Direct => "the handler directly",
            Way::Gateway => "through gateway and function",
            Way::Invoke => "by the Invoke API",
        };
        let whole: Times = sent.iter().map(|sent| sent.whole).collect();
        let rest: Times = sent.iter().map(|sent| sent.whole - sent.own).collect();
        row(&mut table, name, &whole)?;
        row(&mut table, "  without the handler's own time", &rest)?;
        added.push(rest);
    }
    if let [direct, gateway, _] = added.as_slice() {
        let ratio = |share| gateway.millis(share) / direct.millis(share);
        writeln!(
            table,
            "{:32} {:>7.1}x {:>7.1}x {:>7.1}x {:>7.1}x",
            "gateway and function / directly",
            ratio(0.5),
            ratio(0.9),
            ratio(0.99),
            ratio(1.0)
        )?;
    }
    let [_, gateway, invoke] = &all;
    let cold = gateway.iter().chain(invoke).filter(|sent| sent.cold);
    writeln!(
        table,
        "{} requests each way, all answered; {} cold starts",
        gateway.len(),
        cold.count()
    )?;
    Ok(table)
}

fn row(table: &mut String, name: &str, times: &Times) -> std::fmt::Result {
    let [a, b, c, d] = [0.5, 0.9, 0.99, 1.0].map(|share| times.millis(share));
    writeln!(table, "{name:32} {a:>8.3} {b:>8.3} {c:>8.3} {d:>8.3}")
}

/// Sends so many requests, each at its time.
fn run(way: Way, host: &str, count: usize) -> Result<Vec<Sent>, Failed> {
    let next = AtomicUsize::new(0);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(host)?);
    }
    let start = Instant::now() + Duration::from_millis(50);
    let done: Result<Vec<Vec<Sent>>, Failed> = thread::scope(|scope| {
        let senders: Vec<_> = connections
            .into_iter()
            .map(|mut connection| {
                let next = &next;
                scope.spawn(move || {
                    let mut all = Vec::new();
                    loop {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        if id >= count {
                            return Ok(all);
                        }
                        let at = start + BETWEEN * u32::try_from(id)?;
                        thread::sleep(at.saturating_duration_since(Instant::now()));
                        let answer = way.ask(&mut connection, id);
                        let answer = answer.map_err(|error| format!("request {id}: {error}"))?;
                        all.push(Sent {
                            whole: at.elapsed(),
                            own: answer.own(),
                            cold: answer.run == 1,
                        });
                    }
                })
            })
            .collect();
        let joined = senders.into_iter().map(|sender| sender.join());
        joined
            .map(|sent| sent.map_err(|_| Failed::from("a sender panicked"))?)
            .collect()
    });
    let done: Vec<Sent> = done?.into_iter().flatten().collect();
    if done.len() != count {
        return Err(format!("{} of {count} requests were answered", done.len()).into());
    }
    Ok(done)
}

impl Way {
    fn ask(self, connection: &mut Connection, id: usize) -> Result<Answer, Failed> {
        let question = serde_json::to_string(&Question::new(id))?;
        let mut headers = vec!["content-type: application/json".to_owned()];
        let (request, body) = match self {
            Self::Direct | Self::Gateway => ("POST /mcp", question),
            Self::Invoke => {
                headers.push(authorization("lambda"));
                let event = serde_json::to_string(&Event { body: question })?;
                ("POST /2015-03-31/functions/bench/invocations", event)
            }
        };
        let answer = connection.ask(request, &headers, body.as_bytes())?;
        if answer.status() != "200" {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(format!("{} {text}", answer.status()).into());
        }
        match self {
            Self::Direct | Self::Gateway => Answer::read(&answer.body, id),
            Self::Invoke => {
                let reply: Reply = serde_json::from_slice(&answer.body)?;
                Answer::read(reply.body.as_bytes(), id)
            }
        }
    }
}
