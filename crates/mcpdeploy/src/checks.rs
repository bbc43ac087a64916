//! Runs the checks of an endpoint, for `test` and for `deploy`: off the async threads, each check
//! shown when it is made.

use mcpdeploy_probe::{Bearer, CheckDone, Options, Probe, ProbeError, Renew, Report, Via};
use serde_json::json;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::screen::Screen;
use crate::views::checks::Checks;

/// Who gets another token where one is refused.
pub(crate) trait Renewer {
    /// Another token; none when that cannot be had. The checks wait for it.
    fn renew(&mut self, status: u16, challenge: Option<&str>) -> Option<Bearer>;
}

/// A token that was refused while checks were made.
struct Refused {
    status: u16,
    challenge: Option<String>,
    answer: std::sync::mpsc::Sender<Option<Bearer>>,
}

/// Makes the checks and shows them; `command` is who asked.
pub(crate) async fn run(
    command: &str,
    url: &str,
    mut options: Options,
    mut view: Checks,
    screen: &Screen,
    mut renewer: Option<&mut dyn Renewer>,
) -> Result<Report, Failure> {
    let (ask, mut asked) = mpsc::unbounded_channel::<Refused>();
    options.renew = renewer.is_some().then(|| renewed_by(ask));
    let probe = Probe::new(url, options).map_err(not_started)?;
    let (send, mut receive) = mpsc::unbounded_channel::<CheckDone>();
    let run = tokio::task::spawn_blocking(move || {
        probe.run(&mut |done| {
            // Nobody listens any more when the run was interrupted.
            let _ = send.send(done.clone());
        })
    });
    let spinner = screen.spinner(&format!("Connecting to {url}"));
    loop {
        tokio::select! {
            done = receive.recv() => {
                spinner.end();
                let Some(done) = done else { break };
                let text = view.check(&done);
                tell(screen, command, &text, json!({"check": done}));
            }
            Some(refused) = asked.recv() => {
                spinner.end();
                let another = renewer
                    .as_deref_mut()
                    .and_then(|renewer| renewer.renew(refused.status, refused.challenge.as_deref()));
                // The checks wait as long as they run.
                let _ = refused.answer.send(another);
            }
        }
    }
    let report = match run.await {
        Ok(report) => report,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    tell(
        screen,
        command,
        &view.end(&report),
        json!({"report": report}),
    );
    Ok(report)
}

/// Asks here, from the thread of the checks.
fn renewed_by(ask: mpsc::UnboundedSender<Refused>) -> Renew {
    Renew::new(move |refused| {
        let (answer, another) = std::sync::mpsc::channel();
        let refused = Refused {
            status: refused.status,
            challenge: refused.challenge.map(str::to_owned),
            answer,
        };
        ask.send(refused).ok()?;
        another.recv().ok()?
    })
}

/// Programs are told everything, people what is worth a line.
fn tell(screen: &Screen, command: &str, text: &str, data: serde_json::Value) {
    if screen.is_json() || !text.is_empty() {
        screen.result(command, text, data);
    }
}

fn not_started(error: ProbeError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        ProbeError::NotAUrl(_) => failure.hint("for example: https://example.com/mcp"),
        ProbeError::TokenInClear => failure.hint("use https://, or leave the token out"),
        ProbeError::NotCertificates(_) => {
            failure.hint("AWS_CA_BUNDLE must name a file of PEM certificates")
        }
    }
}

/// The certificates to trust, where `AWS_CA_BUNDLE` names a file of them.
pub(crate) fn ca_certificates() -> Result<Option<Vec<u8>>, Failure> {
    let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    std::fs::read(&path).map(Some).map_err(|error| {
        Failure::usage(format!(
            "failed to read {}",
            std::path::Path::new(&path).display()
        ))
        .cause(error)
        .hint("AWS_CA_BUNDLE must name a file of PEM certificates")
    })
}

/// The way to an API at an emulator (`gateway`), whose own host name does not resolve: the emulator
/// is connected to and the name is sent as `Host`.
///
/// An API's name below an IP address (`<id>.execute-api.127.0.0.1`) is no host that a server could
/// parse: there, the emulators' own path for APIs is taken.
pub(crate) fn at_emulator(url: &str, gateway: &str) -> Option<Via> {
    let gateway = gateway.trim_end_matches('/');
    let (_, rest) = url.split_once("://")?;
    let host = rest.split('/').next().unwrap_or(rest);
    let name = host.split(':').next().unwrap_or(host);
    let (id, _) = name.split_once(".execute-api.")?;
    let below_an_address = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.parse::<u8>().is_ok());
    Some(if below_an_address {
        Via {
            base: format!("{gateway}/_aws/execute-api/{id}/$default"),
            host: None,
        }
    } else {
        Via {
            base: gateway.to_owned(),
            host: Some(host.to_owned()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_an_emulator_the_apis_host_is_sent_along() {
        let gateway = "http://127.0.0.1:4566/";
        assert_eq!(
            at_emulator(
                "https://abc.execute-api.us-east-1.amazonaws.com/mcp",
                gateway
            ),
            Some(Via {
                base: "http://127.0.0.1:4566".to_owned(),
                host: Some("abc.execute-api.us-east-1.amazonaws.com".to_owned()),
            })
        );
        assert_eq!(
            at_emulator("http://abc.execute-api.127.0.0.1:4566/mcp", gateway),
            Some(Via {
                base: "http://127.0.0.1:4566/_aws/execute-api/abc/$default".to_owned(),
                host: None,
            })
        );
        assert_eq!(at_emulator("http://127.0.0.1:3000/mcp", gateway), None);
    }
}
