//! What was measured: for each metric, what came within each minute (or second, where somebody
//! measured by the second).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

use super::aggregate::Aggregate;
use super::log::{Line, Log};
use super::statistic::Statistic;
use super::{KEPT, Metric, Unit, key};
use crate::services::cloudwatch::Sample;
use crate::services::cloudwatch::input::millis;
use crate::storage::{ReadError, StorageError};

/// All metrics of all regions.
#[derive(Debug)]
pub(in super::super) struct Store {
    /// By key: region, namespace, name, dimensions.
    series: BTreeMap<String, Series>,
    last_number: u64,
    log: Log,
}

#[derive(Debug)]
struct Series {
    number: u64,
    region: String,
    metric: Metric,
    /// By seconds since 1970, at the start of the minute or second.
    buckets: BTreeMap<i64, Vec<(Unit, Aggregate)>>,
}

impl Series {
    fn add(&mut self, bucket: i64, unit: Unit, more: &Aggregate) {
        let units = self.buckets.entry(bucket).or_default();
        match units.iter_mut().find(|(known, _)| *known == unit) {
            Some((_, aggregate)) => aggregate.merge(more),
            None => units.push((unit, more.clone())),
        }
    }
}

/// What somebody puts: values of a metric at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Datum {
    pub(super) metric: Metric,
    /// Seconds since 1970, at the start of the minute or second.
    pub(super) bucket: i64,
    pub(super) unit: Unit,
    pub(super) values: Aggregate,
}

/// Which points of a metric are asked for. Times are seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The first period starts here.
    pub(super) start: i64,
    /// Nothing from here on.
    pub(super) end: i64,
    /// Seconds.
    pub(super) period: i64,
}

impl Store {
    /// Opens the file in this folder; what is older than 15 days at `now` is let go.
    pub(in super::super) fn open(folder: &Path, now: i64) -> Result<Self, ReadError> {
        let (mut log, lines) = Log::open(folder.join("metrics.jsonl"))?;
        let count = lines.len();
        let mut store = BTreeMap::new();
        let mut keys = BTreeMap::new();
        let oldest = (now - KEPT) / 1000;
        let mut last_number = 0;
        for line in lines {
            let (number, bucket, unit, values) = match line {
                Line::Metric(number, region, metric) => {
                    last_number = last_number.max(number);
                    let key = metric.key(&region);
                    keys.insert(number, key.clone());
                    let buckets = BTreeMap::new();
                    store.insert(
                        key,
                        Series {
                            number,
                            region,
                            metric,
                            buckets,
                        },
                    );
                    continue;
                }
                Line::Value(number, bucket, unit, value, count) => {
                    (number, bucket, unit, Aggregate::of(value, count))
                }
                Line::Set(number, bucket, unit, values) => (number, bucket, unit, values),
            };
            let series = keys.get(&number).and_then(|key| store.get_mut(key));
            if let Some(series) = series.filter(|_| bucket >= oldest) {
                series.add(bucket, unit, &values);
            }
        }
        store.retain(|_, series| !series.buckets.is_empty());
        let now_lines: Vec<Line> = store.values().flat_map(lines_of).collect();
        if count > 2 * now_lines.len() + 64 {
            log.rewrite(now_lines.iter())?;
        } else if count > 0 && now_lines.is_empty() {
            log.rewrite(std::iter::empty())?;
        }
        Ok(Self {
            series: store,
            last_number,
            log,
        })
    }

    /// Takes a value of a service. Written with the next flush.
    pub(in super::super) fn record(&mut self, sample: &Sample<'_>) {
        let Some(unit) = Unit::parse(sample.unit).filter(|_| sample.value.is_finite()) else {
            tracing::debug!(?sample, "no value of a metric");
            return;
        };
        let mut dimensions = sample.dimensions.to_vec();
        dimensions.sort_unstable();
        let key = key(
            sample.region,
            sample.namespace,
            sample.metric,
            dimensions.iter().copied(),
        );
        if !self.series.contains_key(&key) {
            let metric = Metric {
                namespace: sample.namespace.to_owned(),
                name: sample.metric.to_owned(),
                dimensions: dimensions
                    .iter()
                    .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                    .collect(),
            };
            let line = self.introduce(sample.region, metric);
            self.log.note(&line);
        }
        let Some(series) = self.series.get_mut(&key) else {
            return;
        };
        let bucket = millis(sample.at).div_euclid(60_000) * 60;
        series.add(bucket, unit, &Aggregate::of(sample.value, 1.0));
        self.log
            .note(&Line::Value(series.number, bucket, unit, sample.value, 1.0));
    }

    /// Takes what a caller puts: all of it, or nothing.
    pub(super) fn put(&mut self, region: &str, data: Vec<Datum>) -> Result<(), StorageError> {
        let mut lines = Vec::with_capacity(data.len());
        let mut new = Vec::new();
        for datum in &data {
            let key = datum.metric.key(region);
            let number = match self.series.get(&key) {
                Some(series) => series.number,
                None => {
                    let line = self.introduce(region, datum.metric.clone());
                    lines.push(line);
                    new.push(key);
                    self.last_number
                }
            };
            lines.push(Line::Set(
                number,
                datum.bucket,
                datum.unit,
                datum.values.clone(),
            ));
        }
        if let Err(error) = self.log.write(&lines) {
            for key in new {
                self.series.remove(&key);
            }
            return Err(error);
        }
        for datum in data {
            if let Some(series) = self.series.get_mut(&datum.metric.key(region)) {
                series.add(datum.bucket, datum.unit, &datum.values);
            }
        }
        Ok(())
    }

    fn introduce(&mut self, region: &str, metric: Metric) -> Line {
        self.last_number += 1;
        let series = Series {
            number: self.last_number,
            region: region.to_owned(),
            metric: metric.clone(),
            buckets: BTreeMap::new(),
        };
        self.series.insert(metric.key(region), series);
        Line::Metric(self.last_number, region.to_owned(), metric)
    }

    /// Writes what waits.
    pub(in super::super) fn flush(&mut self) {
        if let Err(error) = self.log.flush() {
            tracing::warn!(%error, "values of metrics are not written yet");
        }
    }

    /// Lets go what is older than 15 days at `now`, in milliseconds since 1970.
    pub(in super::super) fn forget(&mut self, now: i64) {
        let oldest = (now - KEPT) / 1000;
        for series in self.series.values_mut() {
            while series
                .buckets
                .first_key_value()
                .is_some_and(|(at, _)| *at < oldest)
            {
                series.buckets.pop_first();
            }
        }
    }

    /// A statistic of a metric for each period in which it can be told, by time.
    pub(super) fn points(
        &self,
        region: &str,
        metric: &Metric,
        statistic: Statistic,
        unit: Option<Unit>,
        window: Window,
    ) -> BTreeMap<i64, f64> {
        let mut points = BTreeMap::new();
        self.each_period(region, metric, window, |start, units| {
            let parts: Vec<&Aggregate> = units
                .iter()
                .filter(|(known, _)| unit.is_none_or(|unit| unit == *known))
                .map(|(_, aggregate)| aggregate)
                .collect();
            if let Some(value) = statistic.of(&parts) {
                points.insert(start, value);
            }
        });
        points
    }

    /// Calls with the start of each period of the window in which something came, and what came.
    pub(super) fn each_period(
        &self,
        region: &str,
        metric: &Metric,
        window: Window,
        mut each: impl FnMut(i64, &[&(Unit, Aggregate)]),
    ) {
        let Some(series) = self.series.get(&metric.key(region)) else {
            return;
        };
        let mut current: Option<i64> = None;
        let mut parts: Vec<&(Unit, Aggregate)> = Vec::new();
        if window.start >= window.end {
            return;
        }
        for (at, units) in series.buckets.range(window.start..window.end) {
            let start = at - (at - window.start).rem_euclid(window.period);
            if let Some(last) = current
                && last != start
            {
                each(last, &parts);
                parts.clear();
            }
            current = Some(start);
            parts.extend(units);
        }
        if let Some(last) = current {
            each(last, &parts);
        }
    }

    /// The metrics of a region of which something came since `oldest` (seconds since 1970), from
    /// behind a key on, with their keys.
    pub(super) fn list<'a>(
        &'a self,
        region: &str,
        after: Option<&str>,
        oldest: i64,
    ) -> impl Iterator<Item = (&'a str, &'a Metric)> {
        let start = after.map_or(format!("{region}\0"), str::to_owned);
        let region = region.to_owned();
        self.series
            .range::<str, _>((Bound::Excluded(start.as_str()), Bound::Unbounded))
            .take_while(move |(_, series)| series.region == region)
            .filter(move |(_, series)| {
                series
                    .buckets
                    .last_key_value()
                    .is_some_and(|(at, _)| *at >= oldest)
            })
            .map(|(key, series)| (key.as_str(), &series.metric))
    }
}

fn lines_of(series: &Series) -> Vec<Line> {
    let mut lines = vec![Line::Metric(
        series.number,
        series.region.clone(),
        series.metric.clone(),
    )];
    for (bucket, units) in &series.buckets {
        for (unit, values) in units {
            lines.push(Line::Set(series.number, *bucket, *unit, values.clone()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::*;

    fn sample(value: f64, second: i64) -> Sample<'static> {
        Sample {
            namespace: "AWS/Lambda",
            metric: "Duration",
            dimensions: &[("FunctionName", "x")],
            value,
            unit: "Milliseconds",
            at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(second),
            region: "r",
        }
    }

    fn sums(store: &Store, period: i64) -> Vec<(i64, f64)> {
        let metric = Metric {
            namespace: "AWS/Lambda".into(),
            name: "Duration".into(),
            dimensions: vec![("FunctionName".into(), "x".into())],
        };
        let window = Window {
            start: 0,
            end: 600,
            period,
        };
        store
            .points("r", &metric, Statistic::Sum, None, window)
            .into_iter()
            .collect()
    }

    #[test]
    fn values_are_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), 0).unwrap();
        for (value, second) in [(1.0, 0), (2.0, 59), (4.0, 60), (8.0, 300), (f64::NAN, 0)] {
            store.record(&sample(value, second));
        }
        let wanted = [(0, 3.0), (60, 4.0), (300, 8.0)];
        assert_eq!(sums(&store, 60), wanted);
        assert_eq!(sums(&store, 300), [(0, 7.0), (300, 8.0)]);
        drop(store);
        let mut again = Store::open(folder.path(), 0).unwrap();
        assert_eq!(sums(&again, 60), wanted);
        for _ in 0..200 {
            again.record(&sample(0.0, 0));
        }
        drop(again);
        let path = folder.path().join("metrics.jsonl");
        let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines() > 200);
        let third = Store::open(folder.path(), 0).unwrap();
        assert_eq!(sums(&third, 60), wanted);
        assert_eq!(lines(), 4);
        drop(third);
        let later = Store::open(folder.path(), KEPT + 61_000).unwrap();
        assert_eq!(sums(&later, 60), [(300, 8.0)]);
    }

    #[test]
    fn a_put_that_cannot_be_written_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), 0).unwrap();
        std::fs::create_dir(folder.path().join("metrics.jsonl")).unwrap();
        let metric = Metric {
            namespace: "n".into(),
            name: "m".into(),
            dimensions: vec![],
        };
        let datum = Datum {
            metric,
            bucket: 0,
            unit: Unit::NONE,
            values: Aggregate::of(1.0, 1.0),
        };
        assert!(store.put("r", vec![datum]).is_err());
        assert_eq!(store.list("r", None, 0).count(), 0);
        assert!(store.series.is_empty());
    }
}
