//! Which step is next: those whose dependencies are done and whose service can be called, the one
//! with the longest way behind it first, and never two with the same serial key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::plan::Step;

/// The place of a step in the plan.
pub(super) type StepId = u32;

/// The place of a service among those of the plan.
pub(super) type LaneId = usize;

type Rank = (u64, Reverse<StepId>);
type Queue = BinaryHeap<Rank>;

/// Who has a serial key.
#[derive(Clone, Copy)]
enum Holder {
    /// A step that has begun.
    Begun,
    /// One that waited for it and can begin: until then, one with a longer way takes it from it.
    Next(StepId),
}

pub(super) struct Schedule {
    /// How many steps each one still waits for.
    waiting: Vec<u32>,
    /// Which steps wait for each one.
    dependents: Vec<Vec<StepId>>,
    /// The time from the start of each step to the end of the longest chain that begins with it.
    path_ms: Vec<u64>,
    /// The service of each step.
    lanes: Vec<LaneId>,
    /// What can begin, by service.
    ready: Vec<Queue>,
    done: Vec<bool>,
    /// Serial keys that are held.
    busy: HashMap<String, Holder>,
    /// Who waits for a key, the longest path first.
    queued: HashMap<String, Queue>,
    /// Keys handed on to steps that were queued for them and are ready again.
    handed: HashMap<StepId, String>,
}

impl Schedule {
    /// `lanes`: the service of each step.
    pub(super) fn new(steps: &[Step], lanes: Vec<LaneId>) -> Self {
        let mut dependents = vec![Vec::new(); steps.len()];
        let mut waiting = Vec::with_capacity(steps.len());
        for (id, step) in (0..).zip(steps) {
            waiting.push(u32::try_from(step.after.len()).unwrap_or(u32::MAX));
            for &before in &step.after {
                dependents[before as usize].push(id);
            }
        }
        // Steps stand in an order that works, so one pass from the end sees every chain.
        let mut path_ms = vec![0; steps.len()];
        for (index, step) in steps.iter().enumerate().rev() {
            let longest = dependents[index]
                .iter()
                .map(|&next| path_ms[next as usize])
                .max();
            path_ms[index] = u64::from(step.typical_ms) + longest.unwrap_or(0);
        }
        let mut schedule = Self {
            waiting,
            dependents,
            path_ms,
            ready: vec![Queue::new(); lanes.iter().max().map_or(0, |most| most + 1)],
            lanes,
            done: vec![false; steps.len()],
            busy: HashMap::new(),
            queued: HashMap::new(),
            handed: HashMap::new(),
        };
        for id in (0..).take(steps.len()) {
            if schedule.waiting[id as usize] == 0 {
                schedule.make_ready(id);
            }
        }
        schedule
    }

    /// The longest way first; of two that are as long, the one that the plan has first.
    fn rank(&self, id: StepId) -> Rank {
        (self.path_ms[id as usize], Reverse(id))
    }

    fn make_ready(&mut self, id: StepId) {
        let rank = self.rank(id);
        self.ready[self.lanes[id as usize]].push(rank);
    }

    /// The services for which a step can begin now.
    pub(super) fn ready_lanes(&self) -> impl Iterator<Item = LaneId> {
        let ready = |lane: &LaneId| !self.ready[*lane].is_empty();
        (0..self.ready.len()).filter(ready)
    }

    /// The service of a step.
    pub(super) fn lane(&self, id: StepId) -> LaneId {
        self.lanes[id as usize]
    }

    /// Whether the step ended well.
    pub(super) fn is_done(&self, id: StepId) -> bool {
        self.done[id as usize]
    }

    /// The next step to begin, of those whose service is `open`.
    pub(super) fn pop(&mut self, open: impl Fn(LaneId) -> bool) -> Option<StepId> {
        let first = self
            .ready_lanes()
            .filter(|lane| open(*lane))
            .max_by_key(|lane| self.ready[*lane].peek().copied())?;
        self.ready[first].pop().map(|(_, Reverse(id))| id)
    }

    /// Takes the serial key for a step, or queues the step until the key is free.
    pub(super) fn take_key(&mut self, id: StepId, key: &str) -> bool {
        if let Some(handed) = self.handed.remove(&id) {
            if handed == key {
                self.busy.insert(handed, Holder::Begun);
                return true;
            }
            self.free_key(&handed);
        }
        match self.busy.get(key).copied() {
            None => {}
            // What has just become ready may be what everything waits for. The other one is ready
            // still, and comes into the queue when its turn comes.
            Some(Holder::Next(other)) if self.rank(other) < self.rank(id) => {
                self.handed.remove(&other);
            }
            Some(Holder::Begun | Holder::Next(_)) => {
                let rank = self.rank(id);
                self.queued.entry(key.to_owned()).or_default().push(rank);
                return false;
            }
        }
        self.busy.insert(key.to_owned(), Holder::Begun);
        true
    }

    /// Gives a serial key back: the first in its queue has it now and is ready again.
    pub(super) fn free_key(&mut self, key: &str) {
        let next = self.queued.get_mut(key).and_then(BinaryHeap::pop);
        match next {
            Some((_, Reverse(id))) => {
                self.busy.insert(key.to_owned(), Holder::Next(id));
                self.handed.insert(id, key.to_owned());
                self.make_ready(id);
            }
            None => {
                self.queued.remove(key);
                self.busy.remove(key);
            }
        }
    }

    /// A step does not begin after all: a key that was handed to it goes on to the next.
    pub(super) fn give_up(&mut self, id: StepId) {
        if let Some(key) = self.handed.remove(&id) {
            self.free_key(&key);
        }
    }

    /// A step ended well: its dependents wait for one less.
    pub(super) fn done(&mut self, id: StepId) {
        self.done[id as usize] = true;
        for index in 0..self.dependents[id as usize].len() {
            let next = self.dependents[id as usize][index];
            self.waiting[next as usize] -= 1;
            if self.waiting[next as usize] == 0 {
                self.make_ready(next);
            }
        }
    }

    /// All that can no longer happen since this step failed, in order; all of it is `dead` then.
    /// What was dead before is left out, with what comes after it: that is dead too. So a thousand
    /// failures before the same steps walk over these once.
    pub(super) fn bury(&self, id: StepId, dead: &mut [bool]) -> Vec<StepId> {
        dead[id as usize] = true;
        let mut found = Vec::new();
        let mut todo = vec![id];
        while let Some(at) = todo.pop() {
            for &next in &self.dependents[at as usize] {
                if !std::mem::replace(&mut dead[next as usize], true) {
                    found.push(next);
                    todo.push(next);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepOp;
    use crate::record::Slot;

    fn step(after: &[u32], typical_ms: u32) -> Step {
        Step {
            address: "mcpdeploy.data.x".parse().unwrap(),
            op: StepOp::Delete {
                slot: Slot::Current,
            },
            after: after.to_vec(),
            typical_ms,
        }
    }

    fn any(_: LaneId) -> bool {
        true
    }

    #[test]
    fn the_longest_remaining_path_goes_first() {
        // 0 is long itself; 1 is short but begins a longer chain.
        let mut schedule = Schedule::new(
            &[
                step(&[], 500),
                step(&[], 100),
                step(&[1], 300),
                step(&[2], 300),
            ],
            vec![0; 4],
        );
        assert_eq!(schedule.pop(any), Some(1));
        assert_eq!(schedule.pop(any), Some(0));
        assert_eq!(schedule.pop(any), None);
        schedule.done(1);
        assert_eq!(schedule.pop(any), Some(2));
        let mut dead = [false; 4];
        assert_eq!(schedule.bury(1, &mut dead), [2, 3]);
        assert_eq!(dead, [false, true, true, true]);
        assert_eq!(schedule.bury(2, &mut dead), [0; 0]);
    }

    #[test]
    fn a_serial_key_is_held_by_one_at_a_time() {
        let mut schedule = Schedule::new(&[step(&[], 1), step(&[], 1)], vec![0, 0]);
        let (a, b) = (schedule.pop(any).unwrap(), schedule.pop(any).unwrap());
        assert!(schedule.take_key(a, "api"));
        assert!(!schedule.take_key(b, "api"));
        assert_eq!(schedule.pop(any), None);
        schedule.free_key("api");
        assert_eq!(schedule.pop(any), Some(b));
        assert!(schedule.take_key(b, "api"));
    }

    #[test]
    fn a_key_handed_to_a_step_that_gives_up_goes_on() {
        let mut schedule = Schedule::new(&[step(&[], 3), step(&[], 2), step(&[], 1)], vec![0; 3]);
        for id in 0..3 {
            assert_eq!(schedule.pop(any), Some(id));
            assert_eq!(schedule.take_key(id, "api"), id == 0);
        }
        schedule.free_key("api");
        assert_eq!(schedule.pop(any), Some(1));
        schedule.give_up(1);
        assert_eq!(schedule.pop(any), Some(2));
        assert!(schedule.take_key(2, "api"));
        schedule.free_key("api");
        assert!(schedule.take_key(1, "api"));
    }

    #[test]
    fn a_key_goes_to_what_has_just_become_ready_when_that_has_a_longer_way() {
        // 0 holds the key and 1 waits for it; 2 comes after 0 and begins a long chain.
        let steps = [
            step(&[], 2),
            step(&[], 1),
            step(&[0], 1),
            step(&[2], 9),
            step(&[], 1),
        ];
        let mut schedule = Schedule::new(&steps, vec![0; 5]);
        assert_eq!(schedule.pop(any), Some(0));
        assert!(schedule.take_key(0, "api"));
        for id in [1, 4] {
            assert_eq!(schedule.pop(any), Some(id));
            assert!(!schedule.take_key(id, "api"));
        }
        schedule.free_key("api");
        schedule.done(0);
        assert_eq!(schedule.pop(any), Some(2));
        assert!(schedule.take_key(2, "api"));
        // 1 was to have it, and waits again.
        assert_eq!(schedule.pop(any), Some(1));
        assert!(!schedule.take_key(1, "api"));
        assert_eq!(schedule.pop(any), None);
        for id in [1, 4] {
            schedule.free_key("api");
            assert_eq!(schedule.pop(any), Some(id));
            assert!(schedule.take_key(id, "api"));
        }
    }

    #[test]
    fn a_key_handed_to_a_step_that_lost_it_again_is_not_given_up_twice() {
        let steps = [step(&[], 3), step(&[], 1), step(&[0], 2)];
        let mut schedule = Schedule::new(&steps, vec![0; 3]);
        for id in 0..2 {
            assert_eq!(schedule.pop(any), Some(id));
            assert_eq!(schedule.take_key(id, "api"), id == 0);
        }
        schedule.free_key("api");
        schedule.done(0);
        assert_eq!(schedule.pop(any), Some(2));
        assert!(schedule.take_key(2, "api"));
        assert_eq!(schedule.pop(any), Some(1));
        schedule.give_up(1);
        assert!(!schedule.take_key(1, "api"));
    }

    #[test]
    fn what_waits_for_its_service_keeps_nobody_else_and_no_place() {
        let steps = [30, 20, 10, 40].map(|ms| step(&[], ms));
        let mut schedule = Schedule::new(&steps, vec![0, 0, 1, 0]);
        let first = |lane| lane != 0;
        assert_eq!(schedule.pop(first), Some(2));
        assert_eq!(schedule.pop(first), None);
        assert!(schedule.ready_lanes().eq([0]));
        // Once it is open, the longest path goes first as ever.
        assert_eq!(schedule.pop(any), Some(3));
        assert_eq!(schedule.pop(any), Some(0));
        assert_eq!(schedule.pop(any), Some(1));
        assert_eq!(schedule.ready_lanes().count(), 0);
    }
}
