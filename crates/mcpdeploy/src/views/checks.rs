//! Checks of an endpoint, a line each as they are made, and what came of all of them.

use mcpdeploy_probe::{CheckDone, Exchange, Outcome, Report, Verdict};

use super::style::{Paint, Theme};
use super::text;

/// Where the notes begin, so that they stand in one column.
const TITLE: usize = 48;
/// How far what belongs to a check is set in.
const INDENT: usize = 6;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What failed, and a line for all.
    Brief,
    /// A line for each check.
    Lines,
    /// What was sent and received as well.
    Exchanges,
}

/// The view of a run of checks.
pub(crate) struct Checks {
    url: String,
    detail: Detail,
    theme: Theme,
    group: String,
    /// Tools that were not called, and why not.
    uncalled: Vec<(String, String)>,
}

impl Checks {
    pub(crate) fn new(url: &str, detail: Detail, theme: Theme) -> Self {
        Self {
            url: url.to_owned(),
            detail,
            theme,
            group: String::new(),
            uncalled: Vec::new(),
        }
    }

    /// A check that was made; empty when it is not worth a line.
    pub(crate) fn check(&mut self, done: &CheckDone) -> String {
        let mut out = String::new();
        let (group, name) = done.id.split_once('.').unwrap_or(("", &done.id));
        if let (Outcome::Skipped { why }, "tools-call", Some(tool)) =
            (&done.outcome, name, &done.subject)
        {
            self.uncalled.push((tool.clone(), why.clone()));
            if self.detail != Detail::Exchanges {
                return out;
            }
        }
        if self.detail == Detail::Brief && !done.outcome.is_failure() {
            return out;
        }
        if self.detail != Detail::Brief && self.group != group {
            if self.group.is_empty() {
                out.push_str(&format!("{}\n", text::one_line(&self.url)));
            }
            group.clone_into(&mut self.group);
            let heading = self.theme.paint(Paint::Strong, heading(group));
            out.push_str(&format!("\n{heading}\n"));
        }
        self.line(done, &mut out);
        if self.detail == Detail::Exchanges {
            for exchange in &done.exchanges {
                self.exchange(exchange, &mut out);
            }
        }
        ended(out)
    }

    fn line(&self, done: &CheckDone, out: &mut String) {
        let theme = &self.theme;
        let (mark, paint) = match done.outcome {
            Outcome::Passed { .. } => (theme.tick(), Paint::Good),
            Outcome::Warned { .. } => ("!", Paint::Warn),
            Outcome::Failed { .. } => (theme.cross(), Paint::Bad),
            Outcome::Skipped { .. } => (theme.dash(), Paint::Faint),
        };
        let title = match &done.subject {
            Some(subject) => format!("{}: {}", done.title, text::one_line(subject)),
            None => done.title.clone(),
        };
        let title = text::pad(&text::cut(&title, TITLE, theme), TITLE);
        let head = format!("  {} {title}  ", theme.paint(paint, mark));
        let faint = |line: &str| theme.paint(Paint::Faint, line.to_owned()).into_owned();
        match &done.outcome {
            Outcome::Passed { note } => {
                let note = text::clean(note.as_deref().unwrap_or_default());
                out.push_str(&text::hang(&head, &note, theme.width, &faint));
            }
            Outcome::Skipped { why } => {
                out.push_str(&text::hang(&head, &text::clean(why), theme.width, &faint));
            }
            Outcome::Warned { why, hint } | Outcome::Failed { why, hint } => {
                out.push_str(&text::hang(&head, &done.id, theme.width, &faint));
                let plain = |line: &str| line.to_owned();
                let inside = " ".repeat(INDENT);
                out.push_str(&text::hang(&inside, &text::clean(why), theme.width, &plain));
                if let Some(hint) = hint {
                    let head = format!("{inside}{} ", theme.paint(Paint::Accent, "help:"));
                    out.push_str(&text::hang(&head, &text::clean(hint), theme.width, &plain));
                }
                if let Some(page) = done.page.as_ref().filter(|_| self.detail != Detail::Brief) {
                    // Not wrapped: terminals make a link of it.
                    out.push_str(&format!("{inside}{}\n", faint(page)));
                }
            }
        }
    }

    fn exchange(&self, exchange: &Exchange, out: &mut String) {
        let theme = &self.theme;
        let faint = |line: &str| theme.paint(Paint::Faint, line.to_owned()).into_owned();
        let mut block = |head: &str, lines: &[String]| {
            for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
                let mark = if at == 0 { head } else { " " };
                let head = format!("{}{mark} ", " ".repeat(INDENT));
                out.push_str(&text::hang(&head, &text::clean(line), theme.width, &faint));
            }
        };
        let headers = |headers: &[(String, String)]| -> Vec<String> {
            let line = |(name, value): &(String, String)| format!("{name}: {value}");
            headers.iter().map(line).collect()
        };
        let mut sent = vec![exchange.request.clone()];
        sent.extend(headers(&exchange.sent_headers));
        sent.push(exchange.sent.clone());
        block(">", &sent);
        let took = format!("{} ms", exchange.duration_us / 1000);
        let mut received = vec![match exchange.status {
            Some(status) => format!("HTTP {status}, {took}"),
            None => format!("no answer, {took}"),
        }];
        received.extend(headers(&exchange.received_headers));
        received.push(exchange.received.clone());
        block("<", &received);
    }

    /// What came of all of it.
    pub(crate) fn end(&self, report: &Report) -> String {
        let theme = &self.theme;
        let mut out = String::new();
        if self.detail != Detail::Brief {
            out.push('\n');
            self.not_called(&mut out);
        }
        let counts = report.counts;
        let parts: Vec<String> = [
            (counts.passed, "passed", Paint::Good),
            (counts.warned, "with a warning", Paint::Warn),
            (counts.failed, "failed", Paint::Bad),
            (counts.skipped, "skipped", Paint::Faint),
        ]
        .into_iter()
        .filter(|(count, what, _)| *count > 0 || *what == "passed")
        .map(|(count, what, paint)| theme.paint(paint, format!("{count} {what}")).into_owned())
        .collect();
        let mut facts = vec![parts.join(", "), seconds(report.duration_us)];
        if let Some(server) = &report.server {
            let version = server.version.as_deref().unwrap_or_default();
            facts.push(text::one_line(&format!("{} {version}", server.name)));
        }
        let spoken: Vec<&str> = report
            .eras
            .iter()
            .filter(|era| era.spoken)
            .flat_map(|era| era.versions.iter().map(String::as_str))
            .collect();
        if !spoken.is_empty() {
            facts.push(format!("speaks {}", text::one_line(&spoken.join(", "))));
        }
        if self.detail == Detail::Brief {
            facts.insert(0, "checks".to_owned());
        }
        let facts = facts.join(theme.dot());
        out.push_str(&text::hang("  ", &facts, theme.width, &|line| {
            line.to_owned()
        }));
        if self.detail == Detail::Exchanges {
            for slow in &report.slowest {
                let subject = slow.subject.as_deref().unwrap_or_default();
                let what = text::one_line(&format!("{} {subject}", slow.id));
                out.push_str(&format!("  {what} took {}\n", seconds(slow.duration_us)));
            }
        }
        self.verdict(report, &mut out);
        ended(out)
    }

    fn not_called(&self, out: &mut String) {
        let mut whys: Vec<(&str, Vec<String>)> = Vec::new();
        for (tool, why) in &self.uncalled {
            let tool = text::one_line(tool);
            match whys.iter_mut().find(|(known, _)| known == why) {
                Some((_, tools)) => tools.push(tool),
                None => whys.push((why, vec![tool])),
            }
        }
        for (why, tools) in &whys {
            let count = tools.len();
            let what = match count {
                1 => "1 tool was not called".to_owned(),
                _ => format!("{count} tools were not called"),
            };
            let line = format!("{what}, {}: {why}", tools.join(", "));
            let head = format!("  {} ", self.theme.paint(Paint::Faint, self.theme.dash()));
            out.push_str(&text::hang(
                &head,
                &text::clean(&line),
                self.theme.width,
                &|line| line.to_owned(),
            ));
        }
        if whys.iter().any(|(why, _)| why.contains("annotated")) {
            let help = self.theme.paint(Paint::Accent, "help:");
            let all = "--call-tools all, or destructive, calls more of them";
            out.push_str(&format!("    {help} {all}\n"));
        }
    }

    fn verdict(&self, report: &Report, out: &mut String) {
        let line = match report.verdict {
            Verdict::Passed | Verdict::Failed => return,
            Verdict::Unreachable => "  There was no answer: nothing could be checked.".to_owned(),
            Verdict::NeedsLogin => {
                let login = report.login.clone().unwrap_or_default();
                let at = match login.authorization_servers.first() {
                    Some(server) => format!(" at {}", text::one_line(server)),
                    None => String::new(),
                };
                let wants = format!("  It wants a login{at}: what is behind that was not checked.");
                format!(
                    "{}\n  {} machines put a token into MCPDEPLOY_TOKEN (or --bearer-from-env VAR)",
                    text::wrap(&wants, self.theme.width).join("\n"),
                    self.theme.paint(Paint::Accent, "help:")
                )
            }
        };
        out.push_str(&line);
    }
}

fn heading(group: &str) -> &str {
    match group {
        "transport" => "HTTP",
        "login" => "Login",
        "legacy" => "Protocol up to 2025-11-25",
        "modern" => "Protocol 2026-07-28",
        other => other,
    }
}

fn seconds(micros: u64) -> String {
    if micros < 1_000_000 {
        return format!("{} ms", micros / 1000);
    }
    format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000)
}

/// Without the last line's end, which whoever prints it adds.
fn ended(mut text: String) -> String {
    let kept = text.trim_end().len();
    text.truncate(kept);
    text
}

#[cfg(test)]
mod tests {
    use mcpdeploy_probe::{Counts, EraFound, FORMAT, Login, Server};

    use super::*;

    fn done(id: &str, subject: Option<&str>, title: &str, outcome: Outcome) -> CheckDone {
        CheckDone {
            id: id.to_owned(),
            subject: subject.map(str::to_owned),
            title: title.to_owned(),
            outcome,
            duration_us: 1200,
            page: Some("https://spec.test/page".to_owned()),
            exchanges: vec![Exchange {
                request: "POST https://a.test/mcp".to_owned(),
                sent_headers: vec![("Accept".to_owned(), "application/json".to_owned())],
                sent: "{\"id\":1}".to_owned(),
                status: Some(200),
                received_headers: Vec::new(),
                received: "{\"id\":1,\"result\":{}}\u{1b}[31m".to_owned(),
                duration_us: 41_000,
            }],
        }
    }

    fn all() -> Vec<CheckDone> {
        let note = |text: &str| Outcome::Passed {
            note: Some(text.to_owned()),
        };
        let skipped = |why: &str| Outcome::Skipped {
            why: why.to_owned(),
        };
        vec![
            done("transport.connect", None, "the endpoint answers", note("in 42 ms")),
            done("legacy.ping", None, "ping is answered, with the id that was sent", Outcome::Passed { note: None }),
            done("legacy.get", None, "GET is 405 or an event stream", Outcome::Failed {
                why: "it is answered with HTTP 404: {\"message\":\"Not Found\"}, not 405 or a stream".to_owned(),
                hint: Some("clients take anything but 405 for an error: every method on the path has to come to the server".to_owned()),
            }),
            done("legacy.prompts-list", None, "prompts/list gives all pages", skipped("the server has no prompts")),
            done("modern.tools-call", Some("add"), "a tool answers as it promises", note("called with {\"a\":1,\"b\":1}")),
            done("modern.tools-call", Some("mail"), "a tool answers as it promises", skipped("it is not annotated as read-only")),
            done("transport.foreign-origin", None, "an unknown Origin is turned away with 403", Outcome::Warned {
                why: "a request from any origin is answered".to_owned(),
                hint: None,
            }),
        ]
    }

    fn report(verdict: Verdict) -> Report {
        Report {
            format: FORMAT,
            url: "https://a.test/mcp".to_owned(),
            verdict,
            server: Some(Server {
                name: "calculator".to_owned(),
                version: Some("1.0".to_owned()),
            }),
            eras: vec![EraFound {
                era: mcpdeploy_probe::Era::Legacy,
                spoken: true,
                versions: vec!["2025-11-25".to_owned()],
                why: None,
            }],
            login: Some(Login {
                authorization_servers: vec!["https://login.test".to_owned()],
                ..Login::default()
            }),
            counts: Counts {
                passed: 3,
                warned: 1,
                failed: 1,
                skipped: 2,
            },
            latency: None,
            slowest: Vec::new(),
            duration_us: 1_260_000,
            checks: Vec::new(),
        }
    }

    fn shown(detail: Detail) -> String {
        let mut view = Checks::new("https://a.test/mcp", detail, Theme::plain(80));
        let mut out: Vec<String> = all().iter().map(|done| view.check(done)).collect();
        out.retain(|text| !text.is_empty());
        out.push(view.end(&report(Verdict::Failed)));
        out.join("\n")
    }

    #[test]
    fn runs() {
        insta::assert_snapshot!("lines", shown(Detail::Lines));
        insta::assert_snapshot!("brief", shown(Detail::Brief));
        let exchanges = shown(Detail::Exchanges);
        assert!(
            exchanges.contains("> POST https://a.test/mcp"),
            "{exchanges}"
        );
        assert!(exchanges.contains("< HTTP 200, 41 ms"), "{exchanges}");
        assert!(
            !exchanges.contains('\u{1b}'),
            "a server's colours came through"
        );
    }

    #[test]
    fn a_login_and_silence_are_told_apart_from_failures() {
        let view = Checks::new("https://a.test/mcp", Detail::Lines, Theme::plain(80));
        let login = view.end(&report(Verdict::NeedsLogin));
        assert!(login.contains("a login at https://login.test"), "{login}");
        assert!(login.contains("--bearer-from-env"), "{login}");
        assert!(
            view.end(&report(Verdict::Unreachable))
                .contains("no answer")
        );
    }
}
