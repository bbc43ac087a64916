//! Calls side by side, on the caller's task.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

/// Runs all of them at the same time and gives their answers in order, or the first failure of
/// those (in order) once all have ended: a call under way is never dropped half-way.
///
/// # Errors
/// The first failure.
pub(crate) async fn all<T, E, F>(futures: impl IntoIterator<Item = F>) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<T, E>> + Send,
{
    enum Slot<F: Future> {
        Runs(Pin<Box<F>>),
        Done(Option<F::Output>),
    }
    let mut slots: Vec<Slot<F>> = futures
        .into_iter()
        .map(|future| Slot::Runs(Box::pin(future)))
        .collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for slot in &mut slots {
            if let Slot::Runs(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = Slot::Done(Some(output)),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    slots
        .into_iter()
        .filter_map(|slot| match slot {
            Slot::Done(output) => output,
            Slot::Runs(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn answers_come_in_order_and_side_by_side() {
        let started = std::time::Instant::now();
        let wait = |ms: u64| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            if ms == 1 { Err(ms) } else { Ok(ms) }
        };
        assert_eq!(
            all([wait(60), wait(40), wait(50)]).await,
            Ok(vec![60, 40, 50])
        );
        assert_eq!(all([wait(60), wait(1)]).await, Err(1));
        assert!(started.elapsed() < Duration::from_millis(250));
    }
}
