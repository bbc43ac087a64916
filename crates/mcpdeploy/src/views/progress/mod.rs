//! What happens, as it happens: in a terminal a line for each resource that moves and a bar below
//! them; elsewhere one plain line for each resource that is done, and nothing else.

mod lines;
mod live;
mod model;

use std::io::Write;

use indicatif::ProgressDrawTarget;
use mcpdeploy_engine::event::{Event, Sink};
use mcpdeploy_engine::plan::{Plan, Recovered};
use mcpdeploy_engine::record::RunInfo;

use super::recovered;
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
    tells_recoveries: bool,
    told_recovery: bool,
    interrupted: Option<RunInfo>,
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
        Self::live_on(ProgressDrawTarget::stderr(), theme)
    }

    fn live_on(target: ProgressDrawTarget, theme: Theme) -> Self {
        Self::with(Out::Live(Live::new(target, theme)), theme)
    }

    fn with(out: Out, theme: Theme) -> Self {
        Self {
            theme,
            out,
            addresses: lines::ADDRESSES,
            in_flight: InFlight::default(),
            tells_recoveries: false,
            told_recovery: false,
            interrupted: None,
        }
    }

    /// Lines up the addresses of this plan.
    pub(crate) fn aligned_to(mut self, plan: &Plan) -> Self {
        let longest = plan.steps.iter().map(|step| step.address.as_str().len()).max();
        self.addresses = lines::column(longest.unwrap_or(0), &self.theme);
        self
    }

    /// Tells what was recovered. A plan tells it too: this is for runs that show none.
    pub(crate) fn telling_recoveries(mut self) -> Self {
        self.tells_recoveries = true;
        self
    }

    /// The run whose open operations were settled, once that was heard of.
    pub(crate) fn interrupted(&self) -> Option<&RunInfo> {
        self.interrupted.as_ref()
    }

    /// Does something that writes to the terminal, the moving lines out of its way.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.out {
            Out::Lines(_) => write(),
            Out::Live(live) => live.suspend(write),
        }
    }

    fn say(&mut self, line: &str, important: bool) {
        match &mut self.out {
            // Whoever stopped reading does not stop the run.
            Out::Lines(out) => {
                let _ = writeln!(out, "{line}").and_then(|()| out.flush());
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
            Event::Recovered {
                address,
                finding,
                from,
            } => {
                if self.interrupted.is_none() {
                    self.interrupted.clone_from(from);
                }
                if self.tells_recoveries {
                    if !self.told_recovery {
                        let heading = recovered::heading(self.interrupted.as_ref(), &self.theme);
                        self.say(heading.trim_end(), true);
                        self.told_recovery = true;
                    }
                    let one = Recovered {
                        address: address.clone(),
                        finding: *finding,
                    };
                    let line = recovered::line(&one, self.addresses, &self.theme);
                    self.say(line.trim_end(), true);
                }
            }
            Event::RunStarted { .. }
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
