//! What happens, as it happens: in a terminal a line for each resource that moves and a bar below
//! them; elsewhere one plain line for each resource that is done, and nothing else.

mod lines;
mod live;
mod model;

use std::io::Write;

use indicatif::ProgressDrawTarget;
use mcpdeploy_engine::event::{Event, Sink};
use mcpdeploy_engine::plan::Plan;

use super::style::Theme;
use live::Live;
use model::InFlight;

/// Shows a run to people.
pub(crate) struct Human {
    theme: Theme,
    out: Out,
    /// The column of addresses, in characters.
    addresses: usize,
    in_flight: InFlight,
}

enum Out {
    /// Lines, one after the other.
    Lines(Box<dyn Write + Send>),
    /// A terminal on which lines move.
    Live(Live),
}

impl Human {
    /// Plain lines, for what is no terminal.
    pub(crate) fn lines(out: impl Write + Send + 'static, theme: Theme) -> Self {
        Self::with(Out::Lines(Box::new(out)), theme)
    }

    /// Moving lines on the terminal behind standard error.
    pub(crate) fn live(theme: Theme) -> Self {
        Self::live_on(std::io::stderr(), ProgressDrawTarget::stderr(), theme)
    }

    fn live_on(out: impl Write + Send + 'static, target: ProgressDrawTarget, theme: Theme) -> Self {
        Self::with(Out::Live(Live::new(Box::new(out), target, theme)), theme)
    }

    fn with(out: Out, theme: Theme) -> Self {
        Self {
            theme,
            out,
            addresses: lines::ADDRESSES,
            in_flight: InFlight::default(),
        }
    }

    /// Lines up the addresses of this plan.
    pub(crate) fn aligned_to(mut self, plan: &Plan) -> Self {
        let longest = plan
            .steps
            .iter()
            .map(|step| step.address.as_str().len())
            .max();
        self.addresses = lines::column(longest.unwrap_or(0), &self.theme);
        self
    }

    fn say(&mut self, line: &str, important: bool) {
        match &mut self.out {
            // One write a line: what reads never sees half of one. Whoever stopped reading does not
            // stop the run.
            Out::Lines(out) => {
                let _ = out
                    .write_all(format!("{line}\n").as_bytes())
                    .and_then(|()| out.flush());
            }
            Out::Live(live) => live.say(line.to_owned(), important),
        }
    }
}

impl Sink for Human {
    fn event(&mut self, event: &Event) {
        match event {
            Event::NodeFinished {
                address,
                op,
                outcome,
                elapsed_ms,
            } => {
                let begun = self.in_flight.finished(address);
                let done = lines::Done {
                    address,
                    op: *op,
                    outcome,
                    elapsed_ms: *elapsed_ms,
                    begun,
                };
                let line = lines::finished(&done, self.addresses, &self.theme);
                self.say(&line, lines::is_important(outcome));
            }
            Event::NodeStarted { address, .. } => self.in_flight.started(address),
            Event::CancelRequested { level } => {
                let line = lines::stopping(*level, self.in_flight.len());
                self.say(&line, true);
            }
            // The plan tells what was recovered.
            Event::Recovered { .. }
            | Event::RunStarted { .. }
            | Event::Reading { .. }
            | Event::NodePhase { .. }
            | Event::NodeRetrying { .. }
            | Event::RunFinished { .. } => {}
        }
        if let Out::Live(live) = &self.out {
            live.event(event);
        }
    }
}

#[cfg(test)]
mod tests;
