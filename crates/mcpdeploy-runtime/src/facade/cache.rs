//! What was fetched lately, by its URL; as much as is bounded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::CACHE_CONTROL;

/// How much is remembered, and for how many seconds at least and at most.
const REMEMBERED: usize = 64;
const SHORTEST: u64 = 60;
const LONGEST: u64 = 3600;
const UNSAID: u64 = 300;

/// Values with their ends.
pub(super) struct Cache<T>(Mutex<HashMap<String, (T, u64)>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    pub(super) fn get(&self, url: &str, now: u64) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(url)
            .filter(|(_, until)| *until > now)
            .map(|(value, _)| value.clone())
    }

    pub(super) fn put(&self, url: &str, value: T, now: u64, until: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (_, until)| *until > now);
        if all.len() >= REMEMBERED && !all.contains_key(url) {
            let soonest = all
                .iter()
                .min_by_key(|(_, (_, until))| *until)
                .map(|(url, _)| url.clone());
            all.remove(&soonest.unwrap_or_default());
        }
        all.insert(url.to_owned(), (value, until));
    }
}

/// For how many seconds an answer counts; its server says so within our bounds.
pub(super) fn freshness(headers: &HeaderMap) -> u64 {
    headers
        .get(CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            value
                .split(',')
                .find_map(|part| part.trim().strip_prefix("max-age="))
        })
        .and_then(|seconds| seconds.parse().ok())
        .map_or(UNSAID, |seconds: u64| seconds.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_forgets() {
        let cache = Cache::default();
        for id in 0..=REMEMBERED {
            cache.put(&id.to_string(), id, 0, 100 + id as u64);
        }
        assert_eq!(cache.0.lock().unwrap().len(), REMEMBERED);
        assert_eq!(cache.get("0", 0), None);
        assert_eq!(cache.get("1", 100), Some(1));
        assert_eq!(cache.get("1", 101), None);
    }

    #[test]
    fn freshness_is_what_the_server_says_within_bounds() {
        for (value, expected) in [
            ("max-age=600", 600),
            ("public, max-age=1", SHORTEST),
            ("max-age=999999", LONGEST),
            ("no-store", UNSAID),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, value.parse().unwrap());
            assert_eq!(freshness(&headers), expected, "{value}");
        }
    }
}
