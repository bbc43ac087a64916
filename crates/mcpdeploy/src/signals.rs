//! Signals: the first asks the run to drain, the second to abandon, the third ends the process.
//!
//! CI systems send SIGINT, wait 7.5 s, send SIGTERM, wait 2.5 s, and kill: whichever signal comes,
//! the next is more urgent than the one before.

use mcpdeploy_engine::cancel::Canceller;
use mcpdeploy_engine::event::CancelLevel;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::exit::Exit;

/// Passes signals on to a run for as long as the guard lives.
pub(crate) struct Watch(JoinHandle<()>);

impl Watch {
    pub(crate) fn start(canceller: Canceller) -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the guard aborts the task with the run"
        )]
        let task = tokio::spawn(async move {
            for level in [Some(CancelLevel::Drain), Some(CancelLevel::Abandon), None] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                match level {
                    Some(level) => canceller.cancel(level),
                    // The user wants out now; the journal has all.
                    None => std::process::exit(i32::from(Exit::Interrupted.code())),
                }
            }
        });
        Ok(Self(task))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Hears signals for what comes after a run and may take long: once somebody has listened for them,
/// they no longer end the process by themselves.
pub(crate) struct After {
    interrupt: Signal,
    terminate: Signal,
}

impl After {
    /// Listens from the run's beginning, so that none is lost between the run and what comes after.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// From now on a signal ends the process, also one that came too late to stop the run.
    pub(crate) fn end_process(mut self) -> Ends {
        #[expect(
            clippy::disallowed_methods,
            reason = "the guard aborts the task with what it guards"
        )]
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
        Ends(task)
    }
}

/// Lets signals end the process, for as long as the guard lives.
pub(crate) struct Ends(JoinHandle<()>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}
