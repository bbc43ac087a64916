//! What makes a cloud slow: limits of its services, and objects that take a while.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::cloud::Object;
use crate::fault::CallOp;

#[derive(Default)]
pub(crate) struct Weather {
    limits: BTreeMap<&'static str, Limit>,
    pub(crate) calls: BTreeMap<(&'static str, CallOp), usize>,
    pub(crate) propagation: HashMap<&'static str, Duration>,
    pub(crate) pending: HashMap<&'static str, Duration>,
    pub(crate) lag: HashMap<&'static str, Duration>,
    /// When each object was made, by its id.
    births: HashMap<String, Instant>,
}

/// A token bucket, as AWS has them.
struct Limit {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
    throttled: usize,
}

impl Weather {
    pub(crate) fn set_limit(&mut self, service: &'static str, rate: f64, burst: f64) {
        let limit = Limit {
            rate,
            burst,
            tokens: burst,
            filled: Instant::now(),
            throttled: 0,
        };
        self.limits.insert(service, limit);
    }

    pub(crate) fn throttled(&self, service: &str) -> usize {
        self.limits.get(service).map_or(0, |limit| limit.throttled)
    }

    /// Whether the kind's service takes one more call now.
    pub(crate) fn takes(&mut self, kind: &str) -> bool {
        let service = kind.rsplit_once('.').map_or("", |(service, _)| service);
        self.limits.get_mut(service).is_none_or(Limit::take)
    }

    pub(crate) fn born(&mut self, uid: &str) {
        self.births.insert(uid.to_owned(), Instant::now());
    }

    pub(crate) fn is_visible(&self, object: &Object) -> bool {
        self.is_over(&self.propagation, object)
    }

    pub(crate) fn is_listed(&self, object: &Object) -> bool {
        self.is_over(&self.lag, object)
    }

    pub(crate) fn is_usable(&self, object: &Object) -> bool {
        self.is_over(&self.pending, object)
    }

    fn is_over(&self, times: &HashMap<&'static str, Duration>, object: &Object) -> bool {
        let time = times.get(object.kind).copied().unwrap_or_default();
        let birth = self.births.get(&object.uid);
        birth.is_none_or(|birth| birth.elapsed() >= time)
    }
}

impl Limit {
    fn take(&mut self) -> bool {
        let passed = self.filled.elapsed().as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
        self.filled = Instant::now();
        let takes = self.tokens >= 1.0;
        if takes {
            self.tokens -= 1.0;
        } else {
            self.throttled += 1;
        }
        takes
    }
}
