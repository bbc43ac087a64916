//! What the embedded cloud says of itself.

use mcpdeploy_local::Status;

use super::columns::Columns;
use super::style::{Paint, Theme};

/// Where it is, what it serves, what is made worse.
pub(crate) fn status(status: &Status, theme: &Theme) -> String {
    let mut rows = Columns::default();
    let mut row = |name: &str, value: String| {
        rows.painted([(Paint::Faint, name.to_owned()), (Paint::Plain, value)]);
    };
    row("AWS API", status.endpoint.clone());
    row("process", format!("{}, since {}", status.pid, status.since));
    if let Some(data) = &status.data {
        row("data", data.display().to_string());
    }
    for api in &status.apis {
        row("HTTP API", format!("{} ({})", api.endpoint, api.name));
    }
    for function in &status.functions {
        let plural = if function.processes == 1 { "" } else { "es" };
        row(
            "function",
            format!(
                "{} ({} process{plural}, {})",
                function.name, function.processes, function.region
            ),
        );
    }
    for switch in switches(status) {
        row("switch", switch);
    }
    format!("The embedded cloud is up.\n{}", rows.render(theme))
}

fn switches(status: &Status) -> Vec<String> {
    let switches = &status.switches;
    let mut out = Vec::new();
    if let Some(latency) = switches.latency {
        out.push(format!(
            "calls take {:?} (reads) and {:?} (changes)",
            latency.read, latency.write
        ));
    }
    if !switches.iam_propagation.is_zero() {
        out.push(format!(
            "fresh roles are unknown for {:?}",
            switches.iam_propagation
        ));
    }
    if !switches.pending.is_zero() {
        out.push(format!("changes are pending for {:?}", switches.pending));
    }
    if let Some(throttle) = switches.throttle {
        out.push(format!(
            "each service takes {} calls a second, {} at once",
            throttle.rate, throttle.burst
        ));
    }
    if !switches.faults.is_empty() {
        out.push(format!("{} calls go wrong", switches.faults.len()));
    }
    out
}
