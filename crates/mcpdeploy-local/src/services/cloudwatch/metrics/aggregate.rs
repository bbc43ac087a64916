//! What was measured within a minute or a second: counts, and the values as far as they fit.

use serde::{Deserialize, Serialize};

/// How many different values are kept apart. Beyond, neighbours become one, so that percentiles of
/// a very busy minute are near, not exact.
const MOST: usize = 1024;

/// Values of one unit within a minute or a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Aggregate {
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Values and how often each, by value.
    pub(super) values: Vec<(f64, f64)>,
    /// Some came as statistics, of which nobody knows the values.
    pub(super) opaque: bool,
}

impl Aggregate {
    /// One value, so many times.
    pub(super) fn of(value: f64, count: f64) -> Self {
        Self {
            count,
            sum: value * count,
            min: value,
            max: value,
            values: vec![(value, count)],
            opaque: false,
        }
    }

    /// Statistics of values that somebody else measured.
    pub(super) fn of_statistics(count: f64, sum: f64, min: f64, max: f64) -> Self {
        // When all are the same, they are known after all.
        let same = min.total_cmp(&max).is_eq();
        Self {
            count,
            sum,
            min,
            max,
            values: if same { vec![(min, count)] } else { Vec::new() },
            opaque: !same,
        }
    }

    /// Adds others to these.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.opaque |= other.opaque;
        for &(value, count) in &other.values {
            let at = self
                .values
                .partition_point(|(known, _)| known.total_cmp(&value).is_lt());
            match self.values.get_mut(at) {
                Some((known, counted)) if known.total_cmp(&value).is_eq() => *counted += count,
                _ => self.values.insert(at, (value, count)),
            }
        }
        if self.values.len() > MOST {
            self.thin();
        }
    }

    /// Makes one of every two neighbours, the first and the last excepted.
    fn thin(&mut self) {
        let last = self.values.len() - 1;
        let mut kept = vec![self.values[0]];
        for pair in self.values[1..last].chunks(2) {
            let count: f64 = pair.iter().map(|(_, count)| count).sum();
            let sum: f64 = pair.iter().map(|(value, count)| value * count).sum();
            kept.push((sum / count, count));
        }
        kept.push(self.values[last]);
        self.values = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_add_up_and_stay_bounded() {
        let mut all = Aggregate::of(5.0, 1.0);
        for value in (0..5000).rev() {
            all.merge(&Aggregate::of(f64::from(value), 2.0));
        }
        assert!(all.values.len() <= MOST);
        assert_eq!(all.count, 10_001.0);
        assert_eq!((all.min, all.max), (0.0, 4999.0));
        assert_eq!(all.values.first().unwrap().0, 0.0);
        assert_eq!(all.values.last().unwrap().0, 4999.0);
        let weights: f64 = all.values.iter().map(|(_, count)| count).sum();
        assert_eq!(weights, 10_001.0);
        assert!(all.values.is_sorted_by(|a, b| a.0 < b.0));
    }
}
