//! What is in flight, and what a terminal shows of it at a moment.

use std::time::{Duration, Instant};

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::{Event, NodeOp, Outcome};

use crate::views::style::{Paint, Theme};
use crate::views::text;
use crate::views::value;
use crate::views::words;

/// Resources shown while they move; of the others only the number.
const ROWS: usize = 10;
/// Reading that takes less than this is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_millis(500);
const BAR: usize = 24;
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_ASCII: [&str; 4] = ["|", "/", "-", "\\"];

/// The resources in flight, by name.
#[derive(Debug, Default)]
pub(super) struct InFlight(std::collections::HashSet<Address>);

impl InFlight {
    pub(super) fn started(&mut self, address: &Address) {
        self.0.insert(address.clone());
    }

    /// Whether it was in flight.
    pub(super) fn finished(&mut self, address: &Address) -> bool {
        self.0.remove(address)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The moving part of a run.
#[derive(Debug, Default)]
pub(super) struct Model {
    run: Option<Run>,
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Run {
    began: Instant,
    steps: usize,
    finished: usize,
    failed: usize,
    /// In the order in which they began. No more than run at once, so walking it is cheap.
    moving: Vec<Moving>,
}

#[derive(Debug)]
struct Moving {
    address: Address,
    op: NodeOp,
    began: Instant,
    note: Option<String>,
}

#[derive(Debug)]
struct Reading {
    began: Instant,
    done: usize,
    total: usize,
}

impl Model {
    pub(super) fn take(&mut self, event: &Event, now: Instant) {
        match event {
            Event::RunStarted { steps, .. } => {
                self.reading = None;
                self.run = Some(Run {
                    began: now,
                    steps: *steps,
                    finished: 0,
                    failed: 0,
                    moving: Vec::new(),
                });
            }
            Event::RunFinished { .. } => *self = Self::default(),
            Event::Reading { done, total } => {
                let began = self.reading.as_ref().map_or(now, |reading| reading.began);
                let (done, total) = (*done, *total);
                self.reading = (done < total).then_some(Reading { began, done, total });
            }
            Event::NodeStarted { address, op } => {
                if let Some(run) = &mut self.run {
                    run.moving.push(Moving {
                        address: address.clone(),
                        op: *op,
                        began: now,
                        note: None,
                    });
                }
            }
            Event::NodePhase { address, phase } => self.note(address, text::one_line(phase)),
            Event::NodeRetrying {
                address,
                fault,
                wait_ms,
            } => {
                let note = format!(
                    "{}, again in {}",
                    words::fault(fault.class),
                    value::span(*wait_ms)
                );
                self.note(address, note);
            }
            Event::NodeFinished {
                address, outcome, ..
            } => {
                if let Some(run) = &mut self.run {
                    run.finished += 1;
                    run.failed += usize::from(matches!(outcome, Outcome::Failed(_)));
                    if let Some(at) = run.moving.iter().position(|m| m.address == *address) {
                        run.moving.remove(at);
                    }
                }
            }
            Event::Recovered { .. } | Event::CancelRequested { .. } => {}
        }
    }

    fn note(&mut self, address: &Address, note: String) {
        let moving = self.run.iter_mut().flat_map(|run| &mut run.moving);
        if let Some(moving) = moving.into_iter().find(|m| m.address == *address) {
            moving.note = Some(note);
        }
    }

    /// The lines to show now; none when nothing moves.
    pub(super) fn frame(&self, now: Instant, theme: &Theme) -> Vec<String> {
        if let Some(run) = &self.run {
            return run.frame(now, theme);
        }
        match &self.reading {
            Some(reading) if now.duration_since(reading.began) >= WORTH_A_LINE => {
                let spinner = theme.paint(
                    Paint::Accent,
                    spinner(now.duration_since(reading.began), theme),
                );
                vec![format!(
                    "  {spinner} reading {} of {}",
                    reading.done, reading.total
                )]
            }
            Some(_) | None => Vec::new(),
        }
    }
}

impl Run {
    fn frame(&self, now: Instant, theme: &Theme) -> Vec<String> {
        let shown = &self.moving[..self.moving.len().min(ROWS)];
        let longest = shown
            .iter()
            .map(|m| m.address.as_str().len())
            .max()
            .unwrap_or(0);
        let column = longest.min(theme.width / 2);
        let mut lines: Vec<String> = shown
            .iter()
            .map(|moving| moving.line(now, column, theme))
            .collect();
        if self.moving.len() > ROWS {
            lines.push(format!(
                "    {} and {} more",
                theme.ellipsis(),
                self.moving.len() - ROWS
            ));
        }
        lines.push(self.bar(now, theme));
        lines
    }

    fn bar(&self, now: Instant, theme: &Theme) -> String {
        let (full, empty) = if theme.unicode {
            ("█", "░")
        } else {
            ("#", ".")
        };
        let filled = (self.finished * BAR)
            .checked_div(self.steps)
            .unwrap_or(BAR)
            .min(BAR);
        let mut line = format!(
            "  [{}{}] {} of {}   {}",
            theme.paint(Paint::Good, full.repeat(filled)),
            theme.paint(Paint::Faint, empty.repeat(BAR - filled)),
            self.finished,
            self.steps,
            elapsed(now, self.began)
        );
        if self.failed > 0 {
            line.push_str(&format!(
                "   {}",
                theme.paint(Paint::Bad, format!("{} failed", self.failed))
            ));
        }
        line
    }
}

impl Moving {
    fn line(&self, now: Instant, column: usize, theme: &Theme) -> String {
        let age = now.duration_since(self.began);
        let address = text::pad(&text::cut(self.address.as_str(), column, theme), column);
        let elapsed = elapsed(now, self.began);
        let note = self.note.as_deref().unwrap_or(words::doing(self.op));
        // One column stays free: a full line would wrap on some terminals.
        let room = theme
            .width
            .saturating_sub(4 + column + 2 + 3 + elapsed.len() + 1);
        let note = text::cut(&theme.ours(note), room, theme);
        format!(
            "  {} {address}  {note}   {}",
            theme.paint(Paint::Accent, spinner(age, theme)),
            theme.paint(Paint::Faint, elapsed)
        )
    }
}

fn elapsed(now: Instant, began: Instant) -> String {
    value::span(u64::try_from(now.duration_since(began).as_millis()).unwrap_or(u64::MAX))
}

fn spinner(age: Duration, theme: &Theme) -> &'static str {
    let frames: &[&str] = if theme.unicode {
        &SPINNER
    } else {
        &SPINNER_ASCII
    };
    let frame = usize::try_from(age.as_millis() / 100).unwrap_or(0);
    frames[frame % frames.len()]
}
