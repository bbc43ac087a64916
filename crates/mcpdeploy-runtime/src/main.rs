//! The bootstrap of a function. `MCPDEPLOY_ROLE` says what it is.

use std::process::ExitCode;

use mcpdeploy_runtime::bridge::scopes::guarded;
use mcpdeploy_runtime::bridge::{http, stdio};
use mcpdeploy_runtime::lambda::{RuntimeApi, Stopped, serve};
use mcpdeploy_runtime::log::{Level, Log, in_full};
use mcpdeploy_runtime::oauth;
use mcpdeploy_runtime::settings::{Environment, Role, SettingsError};

fn main() -> ExitCode {
    let log = Log::stderr();
    // One thread: an environment of Lambda runs one invocation at a time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            log.line(
                Level::Error,
                &format!("failed to start the runtime: {error}"),
            );
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&log)) {
        Ok(Stopped::Told) => ExitCode::SUCCESS,
        Ok(Stopped::Init(error)) => {
            log.line(Level::Error, &error.to_string());
            ExitCode::FAILURE
        }
        Err(error) => {
            log.line(Level::Error, &error);
            ExitCode::FAILURE
        }
    }
}

/// Runs the role until Lambda ends it.
async fn run(log: &Log) -> Result<Stopped, String> {
    let environment = Environment::of_process();
    let api = RuntimeApi::from_environment(&environment, log.clone()).map_err(|e| in_full(&e))?;
    let ended = match Role::from_environment(&environment) {
        Ok(Role::Http) => {
            let bridge = http::Bridge::start(&environment, log);
            serve(&api, guarded(&environment, bridge)).await
        }
        Ok(Role::Stdio) => {
            let bridge = stdio::Bridge::start(&environment, log);
            serve(&api, guarded(&environment, bridge)).await
        }
        Ok(Role::Facade) => {
            let start = oauth::Function::start(&environment, log);
            serve(&api, async { start.await.map_err(|error| in_full(&error)) }).await
        }
        Err(error) => serve(&api, refused(error)).await,
    };
    ended.map_err(|error| in_full(&error))
}

/// A role that does not come to be, so that Lambda hears why.
async fn refused(error: SettingsError) -> Result<http::Bridge, SettingsError> {
    Err(error)
}
