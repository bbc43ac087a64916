//! What passes through the embedded cloud, a line each: requests, runs, what functions write.

use mcpdeploy_local::Seen;

use super::style::{Paint, Theme};
use super::text;
use crate::screen::Screen;

/// Shows what passes.
pub(crate) struct Passing<'a> {
    screen: &'a Screen,
}

impl<'a> Passing<'a> {
    pub(crate) fn new(screen: &'a Screen) -> Self {
        Self { screen }
    }

    /// Shows one thing.
    pub(crate) fn show(&mut self, seen: &Seen) {
        self.screen.seen(seen);
    }
}

/// The line for one thing; none when it is of no interest without `-v`.
pub(crate) fn line(seen: &Seen, verbose: bool, theme: &Theme) -> Option<String> {
    Some(match seen {
        Seen::Call {
            service,
            operation,
            status,
            millis,
        } => {
            if !verbose {
                return None;
            }
            let outcome = if *status == 0 {
                theme.paint(Paint::Bad, "lost").into_owned()
            } else {
                painted_status(*status, theme)
            };
            format!("  {service} {operation}  {outcome}  {}", took(*millis))
        }
        Seen::Request {
            method,
            path,
            status,
            millis,
            mcp,
            ..
        } => {
            let what = match mcp {
                Some(mcp) => format!("  {}", theme.paint(Paint::Accent, text::one_line(mcp))),
                None => String::new(),
            };
            format!(
                "{method} {}{what}  {}  {}",
                text::clean(path),
                painted_status(*status, theme),
                took(*millis)
            )
        }
        Seen::Invocation {
            function,
            version,
            millis,
            init_millis,
            error,
            hint,
        } => {
            let cold =
                init_millis.map_or_else(String::new, |init| format!(", cold start {}", took(init)));
            let mut line = format!("  {function} {version}  {}{cold}", took(*millis));
            if let Some(error) = error {
                line.push_str(&format!(
                    "\n  {} {}",
                    theme.paint(Paint::Bad, theme.cross()),
                    text::one_line(error)
                ));
            } else if !verbose && init_millis.is_none() {
                return None;
            }
            if let Some(hint) = hint {
                line.push_str(&format!(
                    "\n    {} {hint}",
                    theme.paint(Paint::Strong, "help:")
                ));
            }
            line
        }
        Seen::Log { function, line } => {
            let head = theme.paint(Paint::Faint, format!("  {function} |"));
            format!("{head} {}", text::clean(line))
        }
    })
}

fn painted_status(status: u16, theme: &Theme) -> String {
    let paint = match status {
        0..=399 => Paint::Good,
        400..=499 => Paint::Warn,
        _ => Paint::Bad,
    };
    theme.paint(paint, status.to_string()).into_owned()
}

fn took(millis: f64) -> String {
    if millis < 1000.0 {
        format!("{millis:.1} ms")
    } else {
        format!("{:.1} s", millis / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_and_none_for_what_nobody_asked_for() {
        let theme = Theme::plain(80);
        let request = Seen::Request {
            api: "abc".to_owned(),
            method: "POST".to_owned(),
            path: "/mcp".to_owned(),
            status: 200,
            millis: 3.24,
            mcp: Some("tools/call add".to_owned()),
        };
        assert_eq!(
            line(&request, false, &theme).unwrap(),
            "POST /mcp  tools/call add  200  3.2 ms"
        );
        let warm = Seen::Invocation {
            function: "calculator".to_owned(),
            version: "7".to_owned(),
            millis: 2.0,
            init_millis: None,
            error: None,
            hint: None,
        };
        assert_eq!(line(&warm, false, &theme), None);
        let failed = Seen::Invocation {
            function: "calculator".to_owned(),
            version: "7".to_owned(),
            millis: 1500.0,
            init_millis: Some(12.0),
            error: Some("Runtime.ExitError: exit status 1".to_owned()),
            hint: Some("look at its log".to_owned()),
        };
        assert_eq!(
            line(&failed, false, &theme).unwrap(),
            "  calculator 7  1.5 s, cold start 12.0 ms\n  ✗ Runtime.ExitError: exit status 1\n    help: look at its log"
        );
        let call = Seen::Call {
            service: "lambda".to_owned(),
            operation: "GetFunction".to_owned(),
            status: 0,
            millis: 1.0,
        };
        assert_eq!(line(&call, false, &theme), None);
        assert_eq!(
            line(&call, true, &theme).unwrap(),
            "  lambda GetFunction  lost  1.0 ms"
        );
    }
}
