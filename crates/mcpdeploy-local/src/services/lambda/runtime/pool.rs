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
