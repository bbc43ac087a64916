//! How long a request takes through the gateway and a function, beside the same handler without them.
//!
//! `cargo bench -p mcpdeploy-local` prints tables; what is compared is measured in one run, in turn.
//! No time makes it fail, but a lost request or a wrong answer does.
//!
//! | part | measures |
//! |---|---|
//! | `warm` | 200 requests a second through the gateway, by the Invoke API, and directly |
//! | `cold` | the first request of a new process, beside the process alone |
//! | `flights` | 1,000 requests in flight at once, each in a process of its own |
//!
//! Names of parts as arguments run these only; `--quick` makes them short, to see that they work:
//! `cargo bench -p mcpdeploy-local -- warm --quick`.
//!
//! The function is this program, started as a `bootstrap`: see `function`.

#![expect(clippy::print_stdout, reason = "a bench prints its tables")]

mod cold;
mod direct;
mod flights;
mod function;
mod http;
mod report;
mod warm;
mod world;

use world::World;

/// A bench that came to no figures.
type Failed = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    // A process of the function is this program, too.
    if let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
        return Ok(function::serve(&api)?);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    // Cargo adds `--bench`.
    let parts: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    let world = World::new()?;
    if wanted("warm") {
        println!("{}", warm::measure(&world, if quick { 1 } else { 5 })?);
    }
    if wanted("cold") {
        println!("{}", cold::measure(&world, if quick { 5 } else { 30 })?);
    }
    if wanted("flights") {
        let flights = if quick { 100 } else { 1_000 };
        println!("{}", flights::measure(&world, flights)?);
    }
    world.stop();
    Ok(())
}
