//! The arithmetic of one service's rate. Waits for nothing and has no clock: time is passed in.
//!
//! After the adaptive mode of the AWS SDKs' retries: no limit before the first throttled answer;
//! then a token bucket whose rate is cut by [`BETA`] and recovers along a cubic curve, flat around
//! the rate that was too much. Different from theirs, for the reasons in `docs/adr/0011`: one wave
//! of throttled answers cuts once, only accepted calls are measured, and a rate that nobody uses
//! stays as it is until it is forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What a cut leaves of the rate.
const BETA: f64 = 0.7;
/// How steeply the rate recovers.
const STEEPNESS: f64 = 0.4;
/// What a cut leaves of what got through since the one before. Both found the service without a
/// token, so that is what it takes.
const KEPT: f64 = 0.95;
/// A service that was not called for so long has its burst again.
const FORGOTTEN: Duration = Duration::from_secs(10);
/// Never slower, in calls a second.
const LEAST: f64 = 0.5;
/// What a service is thought to take at least when it throttles for the first time: as much as the
/// slowest control planes do.
const FIRST_GUESS: f64 = 3.0;
/// Over how long the rate of accepted calls is measured.
const WINDOW: Duration = Duration::from_secs(1);
/// What rounding may keep a token short of a whole one.
const ROUNDING: f64 = 1e-6;

#[derive(Debug, Default)]
pub(super) struct Bucket {
    limit: Option<Limit>,
    /// When calls were accepted, within the window.
    accepted: VecDeque<Instant>,
    last_accepted: Option<Instant>,
}

#[derive(Debug)]
struct Limit {
    /// In calls a second.
    rate: f64,
    tokens: f64,
    filled: Instant,
    /// The rate that was too much.
    top: f64,
    /// When the rate was cut.
    cut: Instant,
    /// How many calls were accepted since.
    accepted: u32,
    /// When a token was last taken.
    used: Instant,
}

impl Bucket {
    /// Takes a token: `Ok` with whether it was the last one, or how long until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<bool, Duration> {
        let forgotten = |limit: &mut Limit| now.duration_since(limit.used) > FORGOTTEN;
        if self.limit.take_if(forgotten).is_some() {
            self.accepted.clear();
        }
        let Some(limit) = &mut self.limit else {
            return Ok(false);
        };
        limit.fill(now);
        if limit.tokens < 1.0 - ROUNDING {
            return Err(limit.until(1.0));
        }
        limit.tokens -= 1.0;
        limit.used = now;
        Ok(limit.tokens < 1.0)
    }

    /// How long until there are tokens for `ahead` others and one more.
    pub(super) fn wait(&mut self, now: Instant, ahead: usize) -> Duration {
        let Some(limit) = &mut self.limit else {
            return Duration::ZERO;
        };
        limit.fill(now);
        limit.until(ahead as f64 + 1.0)
    }

    /// A call was let in. `scarce`: it took the last token. Returns whether the rate rose.
    pub(super) fn accept(&mut self, now: Instant, scarce: bool) -> bool {
        self.last_accepted = Some(now);
        self.accepted.push_back(now);
        let measured = self.measure(now);
        if let Some(limit) = &mut self.limit {
            limit.accepted = limit.accepted.saturating_add(1);
        }
        match &mut self.limit {
            // A rate that is not used up has not been tried: it is no reason for a higher one.
            Some(limit) if scarce => limit.recover(now, measured),
            Some(_) | None => false,
        }
    }

    /// A call that was sent at `sent` was throttled.
    pub(super) fn throttle(&mut self, now: Instant, sent: Instant) {
        match &self.limit {
            // It was sent before the rate was cut: the same wave.
            Some(limit) if sent <= limit.cut => {}
            Some(limit) => {
                let kept = limit.got_through(now).min(limit.rate) * KEPT;
                self.limit = Some(Limit::cut(limit.rate, kept, now));
            }
            None => {
                let measured = self.measure(now);
                self.limit = Some(Limit::cut(measured.max(FIRST_GUESS), 0.0, now));
            }
        }
    }

    /// When the service last took a call.
    pub(super) fn last_accepted(&self) -> Option<Instant> {
        self.last_accepted
    }

    /// Accepted calls a second.
    fn measure(&mut self, now: Instant) -> f64 {
        while self
            .accepted
            .front()
            .is_some_and(|at| now.duration_since(*at) > WINDOW)
        {
            self.accepted.pop_front();
        }
        self.accepted.len() as f64 / WINDOW.as_secs_f64()
    }
}

impl Limit {
    /// After `rate` was too much; `kept` is certainly not.
    fn cut(rate: f64, kept: f64, now: Instant) -> Self {
        Self {
            rate: (rate * BETA).max(kept).max(LEAST),
            // The service has none left.
            tokens: 0.0,
            filled: now,
            top: rate,
            cut: now,
            accepted: 0,
            used: now,
        }
    }

    /// Accepted calls a second since the cut; none where that is too short a time to tell.
    fn got_through(&self, now: Instant) -> f64 {
        let since = now.duration_since(self.cut);
        if since < WINDOW {
            return 0.0;
        }
        f64::from(self.accepted) / since.as_secs_f64()
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.duration_since(self.filled).as_secs_f64();
        // A second's worth at most: what was not used in a pause does not come as one burst.
        self.tokens = (self.tokens + passed * self.rate).min(self.rate.max(1.0));
        self.filled = now;
    }

    fn until(&self, tokens: f64) -> Duration {
        let seconds = (tokens - ROUNDING - self.tokens).max(0.0) / self.rate;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    fn recover(&mut self, now: Instant, measured: f64) -> bool {
        // When the curve comes back to the rate that was too much.
        let back = (self.top * (1.0 - BETA) / STEEPNESS).cbrt();
        let since = now.duration_since(self.cut).as_secs_f64();
        let curve = STEEPNESS * (since - back).powi(3) + self.top;
        // The curve knows only the time; what got through says what is near.
        let rate = curve.min(2.0 * measured);
        let rises = rate > self.rate;
        if rises {
            self.fill(now);
            self.rate = rate;
        }
        rises
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    fn rate(bucket: &Bucket) -> f64 {
        bucket.limit.as_ref().map_or(f64::INFINITY, |l| l.rate)
    }

    /// A bucket that was throttled after `accepted` calls within a second.
    fn throttled(accepted: usize, now: Instant) -> Bucket {
        let mut bucket = Bucket::default();
        for _ in 0..accepted {
            bucket.accept(now, false);
        }
        bucket.throttle(now, now);
        bucket
    }

    #[test]
    fn there_is_no_limit_before_the_first_throttled_answer() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        for _ in 0..10_000 {
            assert_eq!(bucket.take(now), Ok(false));
            assert!(!bucket.accept(now, false));
        }
    }

    #[test]
    fn one_wave_cuts_once_and_the_next_one_again() {
        let start = Instant::now();
        let mut bucket = throttled(40, start);
        assert!((rate(&bucket) - 28.0).abs() < 1e-9);
        for _ in 0..10 {
            bucket.throttle(after(start, 100), start);
        }
        assert!((rate(&bucket) - 28.0).abs() < 1e-9);
        bucket.throttle(after(start, 200), after(start, 100));
        assert!((rate(&bucket) - 19.6).abs() < 1e-9);
    }

    #[test]
    fn it_never_comes_to_a_stop() {
        let start = Instant::now();
        let mut bucket = throttled(0, start);
        for second in 1..100 {
            let now = after(start, second * 1000);
            bucket.throttle(now, now);
        }
        assert!((rate(&bucket) - LEAST).abs() < 1e-9);
        assert!(bucket.wait(after(start, 99_000), 0) <= Duration::from_secs(2));
    }

    #[test]
    fn it_recovers_to_what_was_too_much_stays_near_it_and_goes_on() {
        let start = Instant::now();
        let mut bucket = throttled(40, start);
        let mut at = |ms: u64| {
            let now = after(start, ms);
            // All that the rate allows is used.
            for _ in 0..200 {
                bucket.accept(now, true);
            }
            rate(&bucket)
        };
        // Back at 40 after the third root of 40 * 0.3 / 0.4 = 3.1 s.
        assert!((35.0..40.0).contains(&at(2_000)));
        assert!((39.9..40.1).contains(&at(3_100)));
        assert!((40.1..41.0).contains(&at(4_000)));
        assert!(at(8_000) > 80.0);
    }

    #[test]
    fn what_is_not_used_does_not_rise() {
        let start = Instant::now();
        let mut bucket = throttled(40, start);
        // With tokens to spare, and with too few calls to tell.
        assert!(!bucket.accept(after(start, 60_000), false));
        assert!(!bucket.accept(after(start, 60_000), true));
        assert!((rate(&bucket) - 28.0).abs() < 1e-9);
    }

    #[test]
    fn tokens_come_at_the_rate_and_a_pause_saves_up_one_second() {
        let start = Instant::now();
        let mut bucket = throttled(10, start);
        let wait = bucket.take(start).unwrap_err();
        assert!((wait.as_secs_f64() - 1.0 / 7.0).abs() < 1e-3);
        assert!((bucket.wait(start, 2).as_secs_f64() - 3.0 / 7.0).abs() < 1e-3);
        assert_eq!(bucket.take(start + wait), Ok(true));
        let later = after(start, 9_000);
        let burst = (0..100).filter(|_| bucket.take(later).is_ok()).count();
        assert_eq!(burst, 7);
    }

    #[test]
    fn a_long_pause_and_the_limit_is_forgotten() {
        let start = Instant::now();
        let mut bucket = throttled(10, start);
        let later = after(start, 10_001);
        assert!((0..100).all(|_| bucket.take(later) == Ok(false)));
    }

    #[test]
    fn a_cut_leaves_what_got_through_since_the_one_before() {
        let start = Instant::now();
        let mut bucket = throttled(10, start);
        // Eight and more a second got through at a rate of seven.
        for call in 0..25 {
            bucket.accept(after(start, call * 120), false);
        }
        bucket.throttle(after(start, 3_000), after(start, 2_900));
        assert!((rate(&bucket) - 7.0 * KEPT).abs() < 1e-9);
        // Of one that takes two a second by now, it is less.
        for call in 0..6 {
            bucket.accept(after(start, 3_000 + call * 500), false);
        }
        bucket.throttle(after(start, 6_000), after(start, 5_900));
        assert!((rate(&bucket) - 7.0 * KEPT * BETA).abs() < 1e-9);
    }
}
