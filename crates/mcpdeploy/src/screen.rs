//! What the user sees: results on standard output, everything else on standard error, or JSON
//! lines. Commands hand values over; nothing else in this crate prints.
#![expect(
    clippy::print_stderr,
    reason = "this is where the views meet the terminal"
)]

mod asking;
mod hidden;

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mcpdeploy_config::{DEFAULT_ENVIRONMENT, Loaded};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::event::{Event, Sink, Summary};
use mcpdeploy_engine::plan::Plan;
use mcpdeploy_engine::said::Said;
use mcpdeploy_engine::state::State;
use mcpdeploy_local::{Seen, Status};
use serde_json::{Map, Value, json};

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::{Failure, What};
use crate::session::Session;
use crate::views::errors::{Report, render_reports, render_unfinished};
use crate::views::json::JsonLines;
use crate::views::outcome::Ledger;
use crate::views::plan::{PlanContext, about, next_line, render_plan};
use crate::views::progress::Human;
use crate::views::style::{Paint, Stream, Theme};
use crate::views::summary::render_box;
use crate::views::{local, seen, state as state_view, tables};

/// What names the environment where `--env` does not.
const ENVIRONMENT: &str = "MCPDEPLOY_ENV";

/// The terminal, or whoever reads instead.
pub(crate) struct Screen {
    out: Theme,
    err: Theme,
    json: Option<Mutex<JsonLines<io::Stdout>>>,
    quiet: bool,
    verbose: bool,
    asks: bool,
    live: bool,
    /// Whether commands are to be named with `--local`.
    local: bool,
    /// The environment that commands are to be named with.
    environment: Option<String>,
}

impl Screen {
    pub(crate) fn new(global: &Global) -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            out: Theme::detect(Stream::Stdout, global.no_color),
            err: Theme::detect(Stream::Stderr, global.no_color),
            json: global
                .json
                .then(|| Mutex::new(JsonLines::new(io::stdout()))),
            quiet: global.quiet,
            verbose: global.verbose > 0,
            asks: !global.no_input && !global.json && io::stdin().is_terminal(),
            live: terminal && !global.json && !global.quiet,
            local: global.local,
            environment: Some(global.env.clone()).filter(|env| {
                env != DEFAULT_ENVIRONMENT && std::env::var(ENVIRONMENT).as_ref() != Ok(env)
            }),
        }
    }

    /// For errors before the command line is understood.
    pub(crate) fn plain() -> Self {
        Self {
            out: Theme::detect(Stream::Stdout, false),
            err: Theme::detect(Stream::Stderr, false),
            json: None,
            quiet: false,
            verbose: false,
            asks: false,
            live: false,
            local: false,
            environment: None,
        }
    }

    /// Whether the output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// How text may look on standard output.
    pub(crate) fn theme(&self) -> Theme {
        self.out
    }

    fn said(&self, said: &Said) {
        if let Some(json) = &self.json {
            json.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .say(said);
        }
    }

    fn on_stdout(&self, text: &str) {
        // A reader that has gone away is no failure of ours.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    fn on_stderr(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// What a command found: text for people, data for programs.
    pub(crate) fn result(&self, command: &str, text: &str, data: Value) {
        if self.is_json() {
            self.said(&Said::Result {
                command: command.to_owned(),
                data,
            });
        } else {
            self.on_stdout(&format!("{}\n", self.out.ours(text)));
        }
    }

    /// A document as it is, whoever reads.
    pub(crate) fn line(&self, text: &str) {
        self.on_stdout(&format!("{text}\n"));
    }

    /// A JSON document as it is, whoever reads.
    pub(crate) fn document(&self, document: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::failed("failed to write JSON").cause(error))?;
        self.line(&text);
        Ok(())
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let _ = io::stdout().lock().write_all(bytes);
    }

    /// Something worth knowing.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet && !self.is_json() {
            self.on_stderr(&format!("{text}\n"));
        }
    }

    /// Something to look at.
    pub(crate) fn warn(&self, text: &str) {
        if self.is_json() {
            self.said(&Said::Warning {
                warning: text.to_owned(),
            });
        } else {
            let label = self.err.paint(Paint::Warn, "warning:");
            self.on_stderr(&format!("{label} {text}\n"));
        }
    }

    /// What to do next.
    pub(crate) fn next(&self, next: &str) {
        if !self.quiet && !self.is_json() {
            let next = self.command(next);
            self.on_stderr(&format!("\n{}", next_line(&next, &self.err)));
        }
    }

    /// A command as it is to be typed here.
    pub(crate) fn command(&self, text: &str) -> String {
        let own = ["mcpdeploy local", "mcpdeploy dev", "--local"];
        let mut options = String::new();
        if let Some(environment) = &self.environment {
            options.push_str(&format!("-e {environment} "));
        }
        if self.local && !own.iter().any(|own| text.contains(own)) {
            options.push_str("--local ");
        }
        text.replace("mcpdeploy ", &format!("mcpdeploy {options}"))
    }

    /// A report whose commands are as they are to be typed here.
    fn as_typed(&self, report: &Report) -> Report {
        Report {
            hints: report.hints.iter().map(|hint| self.command(hint)).collect(),
            next: report.next.as_ref().map(|next| self.command(next)),
            ..report.clone()
        }
    }

    /// Something that passes through the embedded cloud.
    pub(crate) fn seen(&self, seen: &Seen) {
        if self.quiet {
            return;
        }
        if self.is_json() {
            let data = serde_json::to_value(seen).unwrap_or_default();
            self.result("seen", "", data);
        } else if let Some(line) = seen::line(seen, self.verbose, &self.out) {
            self.line(&line);
        }
    }

    /// What the embedded cloud says of itself.
    pub(crate) fn local_status(&self, status: &Status) {
        let text = local::status(status, &self.out);
        let mut data = serde_json::to_value(status).unwrap_or_default();
        data["up"] = true.into();
        self.result("local status", text.trim_end(), data);
    }

    /// What of the file does nothing or may surprise.
    pub(crate) fn notes(&self, loaded: &Loaded) {
        if self.quiet || self.is_json() {
            return;
        }
        for note in &loaded.notes {
            let label = self.err.paint(Paint::Faint, "note:");
            let line = loaded.source.line_of(note.span.start);
            self.on_stderr(&format!(
                "{label} {}:{line}: {}\n",
                loaded.source.name(),
                note.message
            ));
        }
    }

    /// The plan.
    pub(crate) fn plan(
        &self,
        plan: &Plan,
        session: &Session,
        command: &'static str,
        next: Option<String>,
    ) {
        if self.is_json() {
            self.said(&Said::Planned {
                plan: Box::new(plan.clone()),
            });
            return;
        }
        let artifact = session.artifact.as_ref();
        let context = PlanContext {
            command,
            region: session.place.as_ref().map(|place| place.region.clone()),
            account: session.place.as_ref().map(|place| place.account.clone()),
            // What AWS takes is known; here it is over at once.
            estimated: (session.place.is_some() && !self.local).then(|| about(plan)),
            interrupted: session.stored.interrupted.clone(),
            sizes: artifact
                .map(|artifact| (artifact.code_sha256_base64.clone(), artifact.size))
                .into_iter()
                .collect(),
            verbose: self.verbose,
            next: next.filter(|_| !self.quiet).map(|next| self.command(&next)),
            ..PlanContext::default()
        };
        self.on_stdout(&render_plan(plan, &context, &self.out));
    }

    /// A plan from a file.
    pub(crate) fn saved_plan(&self, plan: &Plan, next: String) {
        let context = PlanContext {
            command: "show",
            verbose: self.verbose,
            next: Some(next),
            ..PlanContext::default()
        };
        self.on_stdout(&render_plan(plan, &context, &self.out));
    }

    /// Shows resources being read.
    pub(crate) fn reading(&self) -> Watch<'_> {
        self.watch(None)
    }

    /// Shows a plan being applied.
    pub(crate) fn progress(&self, plan: &Plan) -> Watch<'_> {
        self.watch(Some(plan))
    }

    fn watch(&self, plan: Option<&Plan>) -> Watch<'_> {
        let view = if self.is_json() || self.quiet {
            None
        } else {
            let human = if self.live {
                Human::live(self.err)
            } else {
                Human::lines(io::stderr(), self.err)
            };
            Some(match plan {
                Some(plan) => human.aligned_to(plan),
                None => human,
            })
        };
        Watch {
            screen: self,
            view,
            ledger: Ledger::default(),
        }
    }

    /// The end of an apply that did everything.
    pub(crate) fn applied(&self, title: &str, rows: &[(String, String)]) {
        if !self.is_json() {
            self.on_stdout(&format!("\n{}", render_box(title, rows, &self.out)));
        }
    }

    /// The end of one that did not.
    pub(crate) fn incomplete(&self, ledger: &Ledger, command: &str) {
        if self.is_json() {
            return; // every failure was an event of its own
        }
        let next = if ledger.failures.is_empty() {
            format!("mcpdeploy {command} goes on from here.")
        } else {
            format!("when it is mended, run mcpdeploy {command} again; it goes on from here.")
        };
        let next = self.command(&next);
        self.on_stderr(&format!(
            "\n{}",
            render_unfinished(ledger, &[], &next, &self.err)
        ));
    }

    /// The resources of the state.
    pub(crate) fn state(&self, state: &State) {
        self.on_stdout(&state_view::list(state, &self.out));
    }

    /// One resource of the state.
    pub(crate) fn resource(&self, state: &State, address: &Address) {
        if let Some(text) = state_view::show(state, address, &self.out) {
            self.on_stdout(&text);
        }
    }

    /// The outputs of the deployment.
    pub(crate) fn outputs(&self, outputs: &Map<String, Value>) {
        self.on_stdout(&tables::outputs(outputs, &self.out));
    }

    /// What `doctor` found.
    pub(crate) fn checks(&self, checks: &[tables::Check]) {
        if self.is_json() {
            self.result("doctor", "", json!({"checks": checks}));
        } else {
            self.on_stdout(&tables::checks(checks, &self.out));
        }
    }

    /// Something that takes its time.
    pub(crate) fn spinner(&self, what: &str) -> Spinner {
        let bar = self.live.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style =
                ProgressStyle::with_template("{spinner} {prefix}  {elapsed}  {wide_msg:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(what.to_owned());
            bar.enable_steady_tick(std::time::Duration::from_millis(100));
            bar
        });
        Spinner {
            bar,
            plain: !self.live && !self.quiet && !self.is_json(),
            verbose: self.verbose,
        }
    }

    /// Tells why a command did not end well, and gives its exit code.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        match &failure.what {
            What::Told => {}
            What::Config(errors) if self.is_json() => {
                for error in errors.errors() {
                    let line = error
                        .span()
                        .map(|span| errors.source_file().line_of(span.start));
                    let place = line.map(|line| format!("{}:{line}", errors.source_file().name()));
                    let mut report = Report::new(error.message());
                    report.on = place;
                    report.hints.extend(error.help_text().map(str::to_owned));
                    self.said(&Said::from(&report));
                }
            }
            What::Config(errors) => self.on_stderr(&errors.render(self.err.color, self.err.width)),
            What::Reports(reports) => {
                let reports: Vec<Report> = reports.iter().map(|r| self.as_typed(r)).collect();
                if self.is_json() {
                    reports
                        .iter()
                        .for_each(|report| self.said(&Said::from(report)));
                } else {
                    self.on_stderr(&render_reports(&reports, &self.err));
                }
            }
        }
        failure.exit
    }
}

/// Watches a run: shows it, and keeps what came of it.
pub(crate) struct Watch<'a> {
    screen: &'a Screen,
    view: Option<Human>,
    pub(crate) ledger: Ledger,
}

impl Sink for Watch<'_> {
    fn event(&mut self, event: &Event) {
        self.ledger.event(event);
        if let Some(view) = &mut self.view {
            view.event(event);
        }
        if let Some(json) = &self.screen.json
            && !matches!(event, Event::Reading { .. })
        {
            json.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .event(event);
        }
    }
}

/// How long something took, and how many changes it made.
pub(crate) fn in_all(summary: &Summary) -> String {
    let changes = summary.created + summary.updated + summary.deleted;
    let plural = if changes == 1 { "" } else { "s" };
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let seconds = summary.elapsed_ms as f64 / 1000.0;
    format!("{changes} change{plural} in {seconds:.1} s")
}

/// Shows that something goes on.
pub(crate) struct Spinner {
    bar: Option<ProgressBar>,
    plain: bool,
    verbose: bool,
}

impl Spinner {
    /// What is done now.
    pub(crate) fn say(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(what.to_owned());
            bar.set_message("");
        } else if self.plain {
            eprintln!("{what}");
        }
    }

    /// A line of detail.
    pub(crate) fn detail(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.to_owned());
        } else if self.plain && self.verbose {
            eprintln!("  {line}");
        }
    }

    /// It is over.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
