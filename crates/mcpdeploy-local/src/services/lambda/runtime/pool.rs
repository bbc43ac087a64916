//! Who runs what: the environments of one revision, and the requests that wait for one.
//!
//! A request goes to the environment that was busy last. Without an idle one it waits, and a start is
//! begun for it; it is taken by whichever environment is free first, that one or another. A start
//! whose request was taken meanwhile is not carried out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

use super::bootstrap::Bootstrap;
use super::{Program, Run, RunRequest};

/// A request, and who waits for its run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request: RunRequest,
    pub(super) reply: oneshot::Sender<Run>,
}

/// What an environment does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Run this.
    Job(Job),
    /// Wait. When the sender goes, end.
    Idle(oneshot::Receiver<Job>),
    /// End.
    End,
}

/// The environments of one revision.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) program: Arc<Program>,
    bootstrap: OnceLock<Bootstrap>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that was busy last is last.
    idle: Vec<(u64, oneshot::Sender<Job>)>,
    waiting: VecDeque<Job>,
    /// Starts that were asked for and are neither done nor given up: never fewer than wait, unless
    /// this machine could start no more.
    starting: usize,
    /// Environments that have started and not ended.
    alive: usize,
    /// Nobody stays idle.
    retired: bool,
    /// Nothing more is run.
    closed: bool,
}

impl Pool {
    pub(super) fn new(program: Arc<Program>) -> Self {
        Self {
            program,
            bootstrap: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// The package's `bootstrap`, looked at once.
    pub(super) fn bootstrap(&self) -> &Bootstrap {
        self.bootstrap
            .get_or_init(|| Bootstrap::examine(&self.program.code, &self.program.architecture))
    }

    /// Takes a request. Whether a start must be begun for it.
    pub(super) fn offer(&self, mut job: Job) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        while let Some((_, idle)) = state.idle.pop() {
            match idle.send(job) {
                Ok(()) => return false,
                // It has just ended.
                Err(back) => job = back,
            }
        }
        state.waiting.push_back(job);
        state.begin_start()
    }

    /// Whether a start that was begun is still to be carried out. When not, it does not count
    /// any more.
    pub(super) fn start_is_needed(&self) -> bool {
        let mut state = self.lock();
        let needed = state.starting <= state.waiting.len();
        if !needed {
            state.starting -= 1;
        }
        needed
    }

    /// A start was carried out: there is one environment more, though perhaps without a process.
    pub(super) fn started(&self) {
        let mut state = self.lock();
        state.starting -= 1;
        state.alive += 1;
    }

    /// A start could not be carried out. The requests that nobody is left for.
    pub(super) fn start_impossible(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.starting -= 1;
        if state.starting > 0 || state.alive > 0 {
            return Vec::new();
        }
        state.waiting.drain(..).collect()
    }

    /// An environment has ended. Whether a start must be begun for a request that waits.
    pub(super) fn ended(&self) -> bool {
        let mut state = self.lock();
        state.alive -= 1;
        state.begin_start()
    }

    /// How many environments there are.
    pub(super) fn alive(&self) -> usize {
        self.lock().alive
    }

    /// A request that waits.
    pub(super) fn take(&self) -> Option<Job> {
        self.lock().waiting.pop_front()
    }

    /// Gives back a request whose environment ended before it could run: it is the next.
    pub(super) fn put_back(&self, job: Job) {
        let mut state = self.lock();
        if !state.closed {
            state.waiting.push_front(job);
        }
    }

    /// What the free environment `id` does next.
    pub(super) fn next(&self, id: u64) -> Next {
        let mut state = self.lock();
        if let Some(job) = state.waiting.pop_front() {
            return Next::Job(job);
        }
        if state.retired || state.closed {
            return Next::End;
        }
        let (sender, receiver) = oneshot::channel();
        state.idle.push((id, sender));
        Next::Idle(receiver)
    }

    /// Takes an environment out of the idle ones. When it is not among them, a request is on its
    /// way to it, or it is to end.
    pub(super) fn no_longer_idle(&self, id: u64) -> bool {
        let mut state = self.lock();
        let before = state.idle.len();
        state.idle.retain(|(other, _)| *other != id);
        state.idle.len() < before
    }

    /// Ends the idle environments, and the others when nothing waits for them any more.
    pub(super) fn retire(&self) {
        let mut state = self.lock();
        state.retired = true;
        state.idle.clear();
    }

    /// Drops what waits, and takes nothing more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.idle.clear();
        state.waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin_start(&mut self) -> bool {
        let needed = !self.closed && self.starting < self.waiting.len();
        self.starting += usize::from(needed);
        needed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn pool() -> Pool {
        Pool::new(Arc::new(Program {
            function: "f".to_owned(),
            version: "1".to_owned(),
            arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
            region: "us-east-1".to_owned(),
            revision: "1".to_owned(),
            code: PathBuf::new(),
            architecture: "x86_64".to_owned(),
            handler: "h".to_owned(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            environment: BTreeMap::new(),
            role: "r".to_owned(),
            log_group: "g".to_owned(),
        }))
    }

    fn job(id: &str) -> (Job, oneshot::Receiver<Run>) {
        let (reply, run) = oneshot::channel();
        let request = RunRequest {
            request_id: id.to_owned(),
            invoked_arn: String::new(),
            payload: Bytes::new(),
            client_context: None,
            trace: None,
            log: false,
        };
        (Job { request, reply }, run)
    }

    fn id(next: Next) -> String {
        match next {
            Next::Job(job) => job.request.request_id,
            other @ (Next::Idle(_) | Next::End) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_free_environment_takes_what_waits_for_a_new_one() {
        let pool = pool();
        assert!(pool.offer(job("a").0));
        assert!(pool.start_is_needed());
        pool.started();
        assert_eq!(id(pool.next(1)), "a");
        // Two more come while it is busy; it is free before the second start is carried out.
        assert!(pool.offer(job("b").0));
        assert!(pool.offer(job("c").0));
        assert!(pool.start_is_needed());
        assert_eq!(id(pool.next(1)), "b");
        assert!(!pool.start_is_needed());
        pool.started();
        assert_eq!(id(pool.next(2)), "c");
    }

    #[test]
    fn what_was_given_to_a_dead_environment_comes_back() {
        let pool = pool();
        assert!(pool.offer(job("a").0));
        pool.started();
        drop(id(pool.next(1)));
        let Next::Idle(mut idle) = pool.next(1) else {
            panic!("it is idle")
        };
        assert!(!pool.offer(job("b").0));
        assert!(!pool.no_longer_idle(1));
        pool.put_back(idle.try_recv().unwrap());
        assert!(pool.ended(), "a start for what came back");
        pool.started();
        assert_eq!(id(pool.next(2)), "b");
    }

    #[test]
    fn without_room_for_a_process_requests_wait_for_those_that_are() {
        let pool = pool();
        assert!(pool.offer(job("a").0));
        pool.started();
        assert_eq!(id(pool.next(1)), "a");
        assert!(pool.offer(job("b").0));
        assert!(pool.start_impossible().is_empty());
        assert_eq!(id(pool.next(1)), "b");
        assert!(!pool.ended());
        // And when there is none, they fail.
        assert!(pool.offer(job("c").0));
        assert!(pool.offer(job("d").0));
        assert!(
            pool.start_impossible().is_empty(),
            "another start may do it"
        );
        assert_eq!(pool.start_impossible().len(), 2);
    }

    #[test]
    fn a_closed_pool_drops_what_waits() {
        let pool = pool();
        let (a, mut run) = job("a");
        assert!(pool.offer(a));
        pool.close();
        assert!(run.try_recv().is_err());
        assert!(!pool.offer(job("b").0));
        assert!(matches!(pool.next(1), Next::End));
    }
}
