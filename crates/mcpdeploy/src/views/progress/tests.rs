use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::{Event, NodeOp, Outcome, Summary};
use mcpdeploy_engine::record::RunInfo;

use super::model::Model;
use super::*;
use crate::views::tests::{Shared, fixture};
use crate::views::text;

fn run(steps: usize) -> Event {
    Event::RunStarted {
        format: 1,
        by: RunInfo {
            run: "r".to_owned(),
            at: "2026-11-03T14:02:11Z".to_owned(),
            pid: 1,
            host: "h".to_owned(),
            command: "apply".to_owned(),
        },
        deployment: "d".to_owned(),
        environment: "e".to_owned(),
        steps,
    }
}

fn data(number: usize) -> Address {
    Address::new("mcpdeploy.data", &format!("node-{number}")).unwrap()
}

fn started(number: usize) -> Event {
    Event::NodeStarted {
        address: data(number),
        op: NodeOp::Create,
    }
}

fn finished(number: usize) -> Event {
    Event::NodeFinished {
        address: data(number),
        op: NodeOp::Create,
        outcome: Outcome::Succeeded,
        elapsed_ms: 0,
    }
}

fn play(sink: &mut dyn Sink, steps: usize) -> Duration {
    let began = Instant::now();
    sink.event(&run(steps));
    for number in 0..steps {
        sink.event(&started(number));
        sink.event(&finished(number));
    }
    sink.event(&Event::RunFinished {
        summary: Summary::default(),
    });
    began.elapsed()
}

#[test]
fn five_thousand_steps_cost_next_to_nothing() {
    let out = Shared::default();
    let mut human = Human::lines(out.clone(), Theme::plain(80));
    let took = play(&mut human, 5_000);
    assert_eq!(out.text().lines().count(), 5_000);
    // A tenth of it in a release build: this is for debug builds on a busy machine.
    assert!(took < Duration::from_secs(1), "{took:?}");
    println!("lines: {took:?}");

    let screen = Recorder::default();
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let mut human = Human::live_on(screen.clone(), target, Theme::plain(80));
    let took = play(&mut human, 5_000);
    drop(human);
    assert!(took < Duration::from_secs(1), "{took:?}");
    println!("live: {took:?}");
    let lines = screen.text().lines().count();
    assert!(lines < 500, "{lines} lines were drawn");
}

#[test]
fn a_run_moves_and_leaves_its_lines() {
    let mut model = Model::default();
    let began = Instant::now();
    let mut shown = String::new();
    for (index, event) in fixture("retries").iter().enumerate() {
        let now = began + Duration::from_millis(300 * index as u64);
        model.take(event, now);
        for theme in [
            Theme::plain(80),
            Theme {
                unicode: false,
                ..Theme::plain(80)
            },
        ] {
            for line in model.frame(now + Duration::from_millis(150), &theme) {
                assert!(text::width(&line) < 80, "{line}");
                if theme.unicode {
                    shown.push_str(&line);
                    shown.push('\n');
                } else {
                    assert!(line.is_ascii(), "{line}");
                }
            }
        }
        shown.push_str("--\n");
    }
    insta::assert_snapshot!("frames", shown);
}

#[test]
fn only_a_bounded_number_moves() {
    let mut model = Model::default();
    let now = Instant::now();
    model.take(&run(40), now);
    for number in 0..30 {
        model.take(&started(number), now);
    }
    let frame = model.frame(now, &Theme::plain(80));
    assert_eq!(frame.len(), 12);
    assert_eq!(frame[10], "    … and 20 more");
    assert_eq!(frame[11], "  [░░░░░░░░░░░░░░░░░░░░░░░░] 0 of 40   0.0 s");
}

#[test]
fn reading_is_shown_only_when_it_takes_long() {
    let mut model = Model::default();
    let began = Instant::now();
    let theme = Theme::plain(80);
    model.take(&Event::Reading { done: 1, total: 20 }, began);
    assert_eq!(
        model.frame(began + Duration::from_millis(400), &theme),
        Vec::<String>::new()
    );
    model.take(
        &Event::Reading {
            done: 14,
            total: 20,
        },
        began + Duration::from_millis(600),
    );
    assert_eq!(
        model.frame(began + Duration::from_millis(600), &theme),
        ["  ⠦ reading 14 of 20"]
    );
    model.take(
        &Event::Reading {
            done: 20,
            total: 20,
        },
        began + Duration::from_millis(700),
    );
    assert_eq!(
        model.frame(began + Duration::from_millis(700), &theme),
        Vec::<String>::new()
    );
}

#[test]
fn what_stays_on_a_terminal_is_what_a_file_gets() {
    for name in ["apply", "failing", "recovered", "cancelled"] {
        let file = Shared::default();
        let screen = Recorder::default();
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let mut sinks = [
            Human::lines(file.clone(), Theme::plain(80)),
            Human::live_on(screen.clone(), target, Theme::plain(80)),
        ];
        for event in fixture(name) {
            for sink in &mut sinks {
                sink.event(&event);
            }
        }
        drop(sinks);
        let screen = screen.text();
        for line in file.text().lines() {
            assert!(screen.contains(line), "{name}: {line:?} is not in {screen}");
        }
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap()
            .push_str(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A terminal that remembers the lines that were written to it.
#[derive(Debug, Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

impl Recorder {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl indicatif::TermLike for Recorder {
    fn width(&self) -> u16 {
        80
    }
    fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
        Ok(())
    }
    fn write_line(&self, line: &str) -> std::io::Result<()> {
        let mut text = self.0.lock().unwrap();
        text.push_str(line);
        text.push('\n');
        Ok(())
    }
    fn write_str(&self, part: &str) -> std::io::Result<()> {
        self.0.lock().unwrap().push_str(part);
        Ok(())
    }
    fn clear_line(&self) -> std::io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> std::io::Result<()> {
        Ok(())
    }
}
