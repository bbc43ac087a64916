//! Which runs are under way, and whether another one may begin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many runs an account has at once in a region. Source: "Lambda quotas".
pub(super) const ACCOUNT_CONCURRENCY: u32 = 1000;

/// The runs under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Flights(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    functions: HashMap<String, u32>,
    /// Runs of functions without a reserve, by region.
    pools: HashMap<String, u32>,
}

/// A run under way; it has landed when this is dropped.
#[derive(Debug)]
pub(super) struct Flight {
    flights: Flights,
    function: String,
    /// The region whose pool it is of.
    pool: Option<String>,
    /// How many runs of the function were under way with this one.
    pub(super) concurrent: u32,
}

/// Why another run may not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// The function's reserve is used up.
    Reserve,
    /// What the account has for functions without a reserve is used up.
    Pool,
}

impl Flights {
    /// Begins a run of the function of this key. `unreserved` tells how many runs of functions
    /// without a reserve there may be; it is asked only when that could be too many.
    pub(super) fn begin(
        &self,
        function: &str,
        region: &str,
        reserved: Option<u32>,
        unreserved: impl FnOnce() -> u32,
    ) -> Result<Flight, Full> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = counts.functions.get(function).copied().unwrap_or_default();
        let pool = match reserved {
            Some(reserved) if under_way >= reserved => return Err(Full::Reserve),
            Some(_) => None,
            None => {
                let pool = counts.pools.get(region).copied().unwrap_or_default();
                // There are always at least 100.
                if pool >= 100 && pool >= unreserved() {
                    return Err(Full::Pool);
                }
                Some(region.to_owned())
            }
        };
        *counts.functions.entry(function.to_owned()).or_default() += 1;
        if let Some(pool) = &pool {
            *counts.pools.entry(pool.clone()).or_default() += 1;
        }
        drop(counts);
        Ok(Flight {
            flights: self.clone(),
            function: function.to_owned(),
            pool,
            concurrent: under_way + 1,
        })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let counts = &mut *self
            .flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        less(&mut counts.functions, &self.function);
        if let Some(pool) = &self.pool {
            less(&mut counts.pools, pool);
        }
    }
}

fn less(counts: &mut HashMap<String, u32>, key: &str) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_a_limit_and_frees_up() {
        let flights = Flights::default();
        let begin = || flights.begin("r/f", "r", Some(2), || 900);
        let first = begin().unwrap();
        let second = begin().unwrap();
        assert_eq!((first.concurrent, second.concurrent), (1, 2));
        assert_eq!(begin().unwrap_err(), Full::Reserve);
        drop(first);
        assert!(begin().is_ok());
        assert_eq!(
            flights.begin("r/g", "r", Some(0), || 900).unwrap_err(),
            Full::Reserve
        );
    }

    #[test]
    fn functions_without_a_reserve_share_a_regions_pool() {
        let flights = Flights::default();
        let begin = |n: u32, region: &str| {
            let function = format!("{region}/{n}");
            flights.begin(&function, region, None, || 150)
        };
        let all: Vec<_> = (0..150).map(|n| begin(n, "r").unwrap()).collect();
        assert_eq!(begin(150, "r").unwrap_err(), Full::Pool);
        assert!(begin(150, "s").is_ok());
        assert!(flights.begin("r/x", "r", Some(1), || 150).is_ok());
        drop(all);
        assert!(begin(150, "r").is_ok());
    }
}
