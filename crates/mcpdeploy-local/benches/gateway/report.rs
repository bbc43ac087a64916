//! Times, and what is said of many of them.

use std::time::Duration;

/// Some times in order.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// The time that this share of all does not exceed, in milliseconds; not a number without any.
    pub(crate) fn millis(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among some thousands"
        )]
        let place = (self.0.len() as f64 * share).ceil() as usize;
        let time = self.0.get(place.saturating_sub(1));
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}
