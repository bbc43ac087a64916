//! Token buckets of routes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// How many requests a route lets through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    /// Requests a second, in the long run.
    pub(super) rate: f64,
    /// Requests at once.
    pub(super) burst: f64,
}

/// The buckets of an API: one for each stage and route key. They outlive changes of the API.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<String, Bucket>>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Buckets {
    /// Takes a token for a request at `now`, when there is one.
    pub(super) fn take(&self, stage: &str, route: &str, limit: Limit, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(format!("{stage} {route}")).or_insert(Bucket {
            tokens: limit.burst,
            at: now,
        });
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = since.mul_add(limit.rate, bucket.tokens).min(limit.burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_route_lets_through_its_burst_and_then_its_rate() {
        let limit = Limit {
            rate: 2.0,
            burst: 3.0,
        };
        let buckets = Buckets::default();
        let start = Instant::now();
        for (millis, fine) in [
            (0, true),
            (0, true),
            (0, true),
            (0, false),
            (400, false),
            (500, true),
            (900, false),
            (1_000, true),
            (9_000, true),
            (9_000, true),
            (9_000, true),
            (9_000, false),
        ] {
            let now = start + Duration::from_millis(millis);
            assert_eq!(
                buckets.take("$default", "GET /", limit, now),
                fine,
                "{millis}"
            );
        }
        // Another route has another bucket; a changed limit counts at once; none lets none through.
        assert!(buckets.take("$default", "GET /x", limit, start));
        let none = Limit {
            rate: 0.0,
            burst: 0.0,
        };
        let later = start + Duration::from_secs(60);
        assert!(!buckets.take("$default", "GET /", none, later));
    }
}
