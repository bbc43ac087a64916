//! Calls that are waited for, from within asynchronous code or without.

use std::future::Future;
use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// A thread of its own that makes calls. The clients that are used on it belong to it: their
/// connections are driven there.
#[derive(Debug)]
pub(super) struct Bridge(Option<Runtime>);

impl Bridge {
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Makes a call and waits for what comes of it.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<T> {
        let gone = || io::Error::other("the call was cut off");
        let runtime = self.0.as_ref().ok_or_else(gone)?;
        let (answer, answers) = mpsc::sync_channel(1);
        runtime.spawn(async move {
            // Whoever asked waits for it.
            let _ = answer.send(call.await);
        });
        let wait = move || answers.recv().map_err(|_| gone());
        // Others of the caller's runtime go on meanwhile, where there are threads for that.
        match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            Ok(_) | Err(_) => wait(),
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // A runtime may not wait for its end within another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_waited_for_anywhere() {
        let bridge = Bridge::new().unwrap();
        let call = || async {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            7
        };
        assert_eq!(bridge.wait(call()).unwrap(), 7);
        let single = Builder::new_current_thread().build().unwrap();
        assert_eq!(single.block_on(async { bridge.wait(call()).unwrap() }), 7);
        let many = Builder::new_multi_thread().build().unwrap();
        assert_eq!(many.block_on(async { bridge.wait(call()).unwrap() }), 7);
        many.block_on(async move { drop(bridge) });
    }
}
