//! Views as a whole, against what they showed before.

mod plans;
mod replay;
mod samples;
mod states;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use mcpdeploy_engine::event::Event;

use mcpdeploy_engine::said::{Line, Said};

/// A writer that can be looked into.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The recorded streams.
pub(crate) const STREAMS: [(&str, &str); 6] = [
    (
        "apply",
        include_str!("../../../../../fixtures/events/apply.jsonl"),
    ),
    (
        "failing",
        include_str!("../../../../../fixtures/events/failing.jsonl"),
    ),
    (
        "retries",
        include_str!("../../../../../fixtures/events/retries.jsonl"),
    ),
    (
        "recovered",
        include_str!("../../../../../fixtures/events/recovered.jsonl"),
    ),
    (
        "cancelled",
        include_str!("../../../../../fixtures/events/cancelled.jsonl"),
    ),
    (
        "replacement",
        include_str!("../../../../../fixtures/events/replacement.jsonl"),
    ),
];

/// The events of a recorded stream.
pub(crate) fn fixture(name: &str) -> Vec<Event> {
    let (_, text) = STREAMS.iter().find(|(stream, _)| *stream == name).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter_map(|line| match line {
            Line::Event(event) => Some(event),
            Line::Said(said) => {
                assert!(matches!(*said, Said::Version { format: 1, .. }));
                None
            }
        })
        .collect()
}

/// Colours as something that can be read and compared.
pub(crate) fn legible(text: &str) -> String {
    text.replace('\u{1b}', "␛")
}
