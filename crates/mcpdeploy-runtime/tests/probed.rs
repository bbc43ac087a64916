//! A server that nobody changed, behind its bridge, under the checks of `mcpdeploy test`.

use mcpdeploy_probe::{CheckDone, Era, Options, Probe};

use crate::lambda::Function;
use crate::{gateway, stdio, stdio_modern_only};

#[test]
fn a_stdio_server_passes_the_checks_of_both_eras() {
    passes(stdio::function(&[]));
}

#[test]
fn one_that_knows_only_the_newer_era_does_as_well() {
    passes(stdio_modern_only::function());
}

fn passes(function: Function) {
    let address = gateway::before(function);
    let options = Options {
        require: vec![Era::Legacy, Era::Modern],
        ..Options::default()
    };
    let probe = Probe::new(&format!("http://{address}/mcp"), options).unwrap();
    let report = probe.run(&mut |_| {});
    let failures: Vec<&CheckDone> = report.failures().collect();
    assert!(failures.is_empty(), "{failures:#?}");
    assert_eq!(report.counts.warned, 0, "{report:#?}");
    assert!(report.counts.passed > 20, "{:?}", report.counts);
}
