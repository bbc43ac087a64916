//! How long the engine takes for resources that call nothing: what is left is the engine itself.
//!
//! `cargo bench -p mcpdeploy-engine` prints a table for `mcpdeploy.data` resources in chains of
//! three, each referring to the one before it. Beside it, Terraform's figures for the same graph of
//! 5,000 `terraform_data` resources, measured on a machine with 2 cores: apply 533 s, a plan
//! without changes 8.7 s, 666 MB at the peak. Terraform's are whole processes; here the process
//! start is missing, a few milliseconds.
//!
//! Each size runs in a process of its own, so that its peak of memory is its own.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::process::Command;
use std::time::{Duration, Instant};

use mcpdeploy_engine::apply::{ApplyOptions, apply};
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::Event;
use mcpdeploy_engine::graph::Graph;
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_engine::pace::Pace;
use mcpdeploy_engine::plan::{Plan, PlanOptions, plan};
use mcpdeploy_engine::refresh::{RefreshOptions, refresh};
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::Store;
use mcpdeploy_testkit::{FakeCloud, chains, run_info};

type Failed = Box<dyn std::error::Error>;

/// Terraform's figures for 5,000 resources; see above.
const TERRAFORM: (f64, f64, f64) = (533.0, 8.7, 666.0);

const SIZE: &str = "MCPDEPLOY_BENCH_SIZE";

fn main() -> Result<(), Failed> {
    if let Ok(size) = std::env::var(SIZE) {
        return one(size.parse()?);
    }
    println!(
        "{:>9} {:>12} {:>16} {:>12} {:>10}",
        "resources", "apply", "no-change plan", "destroy", "peak"
    );
    for size in [1_000, 5_000, 20_000] {
        let output = Command::new(std::env::current_exe()?)
            .env(SIZE, size.to_string())
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
        let [apply, plan, destroy, peak] = figures[..] else {
            return Err(format!("not four figures: {text}").into());
        };
        println!("{size:>9} {apply:>10.3} s {plan:>14.3} s {destroy:>10.3} s {peak:>7.0} MB");
        if size == 5_000 {
            let (their_apply, their_plan, their_peak) = TERRAFORM;
            println!(
                "Terraform {their_apply:>10.0} s {their_plan:>14.1} s {:>12} {their_peak:>7.0} MB",
                "-"
            );
            println!(
                "{:>9} {:>10.0} x {:>14.0} x {:>12} {:>8.1} x",
                "ratio",
                their_apply / apply,
                their_plan / plan,
                "-",
                their_peak / peak
            );
        }
    }
    Ok(())
}

/// Prints the seconds of an apply, a plan without changes and a destruction, and the peak in MB.
fn one(size: usize) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()?;
    let dir = tempfile::tempdir()?;
    let store = Store::local(dir.path());
    let bench = Bench {
        size,
        store,
        registry: registry(),
    };
    let timed = |mode| -> Result<(Duration, Plan), Failed> {
        let started = Instant::now();
        let plan = runtime.block_on(bench.run(mode))?;
        Ok((started.elapsed(), plan))
    };
    let (applying, _) = timed(Run::Apply)?;
    let (planning, plan) = timed(Run::Plan)?;
    if !plan.is_noop() || plan.unchanged.len() != size {
        return Err("the second plan is not empty".into());
    }
    let peak = peak_mb();
    let (destroying, _) = timed(Run::Destroy)?;
    println!(
        "{} {} {} {peak}",
        applying.as_secs_f64(),
        planning.as_secs_f64(),
        destroying.as_secs_f64()
    );
    Ok(())
}

struct Bench {
    size: usize,
    store: Store,
    registry: Registry,
}

#[derive(Clone, Copy, PartialEq)]
enum Run {
    Plan,
    Apply,
    Destroy,
}

impl Bench {
    /// What a command does from the loading of the state on, a graph built from scratch.
    async fn run(&self, run: Run) -> Result<Plan, Failed> {
        let graph = Graph::build(chains(self.size, 3), &self.registry)?;
        let loaded = self.store.load()?;
        let mut state = loaded
            .state
            .unwrap_or_else(|| State::new("test", "default"));
        let mut options = PlanOptions::default();
        if run == Run::Destroy {
            options.mode = mcpdeploy_engine::plan::Mode::Destroy;
        }
        let look = RefreshOptions {
            read: true,
            probe: true,
            parallelism: 10,
            pace: Pace::new(),
            mode: options.mode,
            targets: Vec::new(),
        };
        let mut events = 0;
        let mut sink = |_: &Event| events += 1;
        let findings = refresh(&graph, &state, &self.registry, &look, &mut sink).await?;
        let plan = plan(&graph, &state, findings, &options, &self.registry)?;
        if run == Run::Plan {
            return Ok(plan);
        }
        let lock = self.store.lock(&run_info())?;
        let summary = apply(
            &plan,
            &mut state,
            &self.store,
            &lock,
            &self.registry,
            run_info(),
            &ApplyOptions {
                parallelism: 10,
                pace: Pace::new(),
            },
            cancel::channel().1,
            &mut sink,
        )
        .await?;
        if !summary.is_complete() {
            return Err(format!("{summary:?}").into());
        }
        Ok(plan)
    }
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    mcpdeploy_testkit::register(&mut registry, &FakeCloud::new());
    registry
}

/// The most memory that this process ever had, in MB; 0 where the system does not tell.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1.024 / 1000.0
}
