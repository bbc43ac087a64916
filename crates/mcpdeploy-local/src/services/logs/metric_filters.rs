//! Metric filters: events that match become values of metrics as they come in.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::faults::{constraint, invalid, limit, no_filter, no_group};
use super::groups::{read_token, token};
use super::pattern::Pattern;
use super::{Logs, group_key, millis};
use crate::cloud::Cloud;
use crate::services::cloudwatch::Sample;
use crate::storage::{Collection, ReadError, Storage, StorageError};
use crate::wire::{Call, Fault};

/// How many filters a group can have (CloudWatch Logs quotas).
const MOST: usize = 100;

/// A filter's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Filter {
    pattern: String,
    transformation: Transformation,
    /// Milliseconds since 1970.
    created: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transformation {
    metric_name: String,
    metric_namespace: String,
    /// A number, or a field of the pattern: `$size`, `$.latency`.
    metric_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<f64>,
    /// Names of dimensions to fields of the pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

/// All filters: rows, and what is applied to events.
#[derive(Debug)]
pub(super) struct Filters {
    /// By `region/group:filter`.
    rows: Collection<Filter>,
    /// The filters of a group, by the group's key.
    ready: HashMap<String, Vec<(Pattern, Transformation)>>,
}

/// A value for a metric, owned.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Emitted {
    namespace: String,
    metric: String,
    dimensions: Vec<(String, String)>,
    value: f64,
    unit: String,
    at: i64,
}

impl Emitted {
    /// Hands it to CloudWatch.
    pub(super) fn record(&self, cloud: &Cloud, region: &str) {
        let dimensions: Vec<(&str, &str)> = self
            .dimensions
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let nanos = i128::from(self.at) * 1_000_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos);
        let sample = Sample {
            namespace: &self.namespace,
            metric: &self.metric,
            dimensions: &dimensions,
            value: self.value,
            unit: &self.unit,
            at: at.unwrap_or_else(|_| cloud.now()),
            region,
        };
        cloud.services().cloudwatch.record(cloud, sample);
    }
}

impl Filters {
    pub(super) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let rows: Collection<Filter> = storage.collection("logs.metric_filters")?;
        let mut filters = Self {
            rows,
            ready: HashMap::new(),
        };
        let groups: Vec<String> = filters
            .rows
            .iter()
            .filter_map(|(key, _)| key.rsplit_once(':'))
            .map(|(group, _)| group.to_owned())
            .collect();
        for group in groups {
            filters.prepare(&group);
        }
        Ok(filters)
    }

    /// How many filters a group has.
    pub(super) fn count(&self, group: &str) -> usize {
        self.ready.get(group).map_or(0, Vec::len)
    }

    pub(super) fn remove_all(&mut self, group: &str) -> Result<(), StorageError> {
        let prefix = format!("{group}:");
        let keys: Vec<String> = self
            .rows
            .under(&prefix)
            .map(|(key, _)| key.to_owned())
            .collect();
        for key in keys {
            self.rows.remove(&key)?;
        }
        self.ready.remove(group);
        Ok(())
    }

    /// Reads the patterns of a group's filters anew.
    fn prepare(&mut self, group: &str) {
        let prefix = format!("{group}:");
        let ready: Vec<_> = self
            .rows
            .under(&prefix)
            // What is kept had been read before it was kept.
            .filter_map(|(_, row)| {
                Some((
                    Pattern::read(&row.pattern).ok()?,
                    row.transformation.clone(),
                ))
            })
            .collect();
        if ready.is_empty() {
            self.ready.remove(group);
        } else {
            self.ready.insert(group.to_owned(), ready);
        }
    }

    /// What these events are worth: a value for each that matches, or the default value for a batch
    /// in which none does.
    pub(super) fn samples(&self, group: &str, now: i64, events: &[(i64, String)]) -> Vec<Emitted> {
        let Some(filters) = self.ready.get(group) else {
            return Vec::new();
        };
        let mut samples = Vec::new();
        for (pattern, to) in filters {
            let emit = |value, dimensions, at| Emitted {
                namespace: to.metric_namespace.clone(),
                metric: to.metric_name.clone(),
                dimensions,
                value,
                unit: to.unit.clone().unwrap_or_else(|| "None".to_owned()),
                at,
            };
            let mut matched = false;
            for (at, message) in events {
                let Some(fields) = pattern.find(message) else {
                    continue;
                };
                matched = true;
                let value = match to.metric_value.starts_with('$') {
                    true => fields
                        .get(&to.metric_value)
                        .and_then(|text| text.parse().ok()),
                    false => to.metric_value.parse().ok(),
                };
                let Some(value) = value.filter(|value: &f64| value.is_finite()) else {
                    continue;
                };
                let wanted = to.dimensions.iter().flatten();
                // An event without one of the fields gives no value (PutMetricFilter).
                let dimensions: Option<Vec<(String, String)>> = wanted
                    .map(|(name, field)| Some((name.clone(), fields.get(field)?)))
                    .collect();
                samples.extend(dimensions.map(|dimensions| emit(value, dimensions, *at)));
            }
            if let Some(default) = to.default_value
                && !matched
                && !events.is_empty()
            {
                samples.push(emit(default, Vec::new(), now));
            }
        }
        samples
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Put {
    log_group_name: String,
    filter_name: String,
    filter_pattern: String,
    metric_transformations: Vec<Transformation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    log_group_name: Option<String>,
    filter_name_prefix: Option<String>,
    metric_name: Option<String>,
    metric_namespace: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    log_group_name: String,
    filter_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    filter_pattern: String,
    log_event_messages: Vec<String>,
}

impl Logs {
    pub(super) fn put_metric_filter(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Option<Value>, Fault> {
        let input: Put = call.typed()?;
        let name = &input.filter_name;
        if name.is_empty() || name.len() > 512 || name.contains([':', '*']) {
            let wanted = "Member must satisfy regular expression pattern: [^:*]*";
            return Err(constraint(name.as_str(), "filterName", wanted));
        }
        let [transformation] = <[Transformation; 1]>::try_from(input.metric_transformations)
            .map_err(|all| {
                let wanted = "Member must have length between 1 and 1, inclusive";
                constraint(
                    format!("[{} members]", all.len()),
                    "metricTransformations",
                    wanted,
                )
            })?;
        Pattern::read(&input.filter_pattern)?;
        check(&transformation)?;
        let group = group_key(&call.region, &input.log_group_name);
        let key = format!("{group}:{name}");
        let mut state = self.lock();
        if !state.groups.contains(&group) {
            return Err(no_group());
        }
        if state.filters.count(&group) >= MOST && !state.filters.rows.contains(&key) {
            return Err(Fault::bad(
                "LimitExceededException",
                "Resource limit exceeded.",
            ));
        }
        let row = Filter {
            pattern: input.filter_pattern,
            transformation,
            created: millis(cloud.now()),
        };
        state.filters.rows.put(&key, row)?;
        state.filters.prepare(&group);
        Ok(None)
    }

    pub(super) fn describe_metric_filters(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Describe = call.typed()?;
        let limit = limit(input.limit, 50)?;
        if input.metric_name.is_some() != input.metric_namespace.is_some() {
            return Err(invalid(
                "metricName and metricNamespace must be specified together.",
            ));
        }
        let after = input.next_token.as_deref().map(read_token).transpose()?;
        let region = format!("{}/", call.region);
        let state = self.lock();
        if let Some(group) = &input.log_group_name
            && !state.groups.contains(&group_key(&call.region, group))
        {
            return Err(no_group());
        }
        let prefix = input.filter_name_prefix.unwrap_or_default();
        let mut wanted = state.filters.rows.under(&region).filter_map(|(key, row)| {
            let (group, name) = key[region.len()..].rsplit_once(':')?;
            let to = &row.transformation;
            let fits = input
                .log_group_name
                .as_deref()
                .is_none_or(|one| one == group)
                && name.starts_with(&prefix)
                && input
                    .metric_name
                    .as_ref()
                    .is_none_or(|m| *m == to.metric_name)
                && input
                    .metric_namespace
                    .as_ref()
                    .is_none_or(|n| *n == to.metric_namespace)
                && after.as_deref().is_none_or(|after| key > after);
            fits.then_some((key, group, name, row))
        });
        let page: Vec<_> = wanted.by_ref().take(limit).collect();
        let next = wanted.next().and(page.last()).map(|(key, ..)| token(key));
        let filters: Vec<Value> = page
            .into_iter()
            .map(|(_, group, name, row)| {
                json!({
                    "filterName": name,
                    "filterPattern": row.pattern,
                    "metricTransformations": [row.transformation],
                    "creationTime": row.created,
                    "logGroupName": group,
                })
            })
            .collect();
        Ok(Some(json!({"metricFilters": filters, "nextToken": next})))
    }

    pub(super) fn delete_metric_filter(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Named = call.typed()?;
        let group = group_key(&call.region, &input.log_group_name);
        let mut state = self.lock();
        if !state.groups.contains(&group) {
            return Err(no_group());
        }
        let key = format!("{group}:{}", input.filter_name);
        state.filters.rows.remove(&key)?.ok_or_else(no_filter)?;
        state.filters.prepare(&group);
        Ok(None)
    }
}

fn check(to: &Transformation) -> Result<(), Fault> {
    let value = &to.metric_value;
    if !value.starts_with('$') && value.parse::<f64>().is_err() {
        return Err(invalid(format!(
            "Invalid metric transformation: metricValue '{value}' must be a number or a field of the pattern."
        )));
    }
    let dimensions = to.dimensions.as_ref().map_or(0, BTreeMap::len);
    if dimensions > 3 {
        return Err(invalid(
            "A metric filter can have no more than 3 dimensions.",
        ));
    }
    if dimensions > 0 && to.default_value.is_some() {
        return Err(invalid(
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
        ));
    }
    Ok(())
}

/// TestMetricFilter: which of these messages a pattern matches, and what it reads from them.
pub(super) fn test(call: &Call) -> Result<Option<Value>, Fault> {
    let input: Test = call.typed()?;
    let pattern = Pattern::read(&input.filter_pattern)?;
    let matches: Vec<Value> = input
        .log_event_messages
        .iter()
        .enumerate()
        .filter_map(|(index, message)| Some((index, message, pattern.find(message)?)))
        .map(|(index, message, fields)| {
            json!({
                "eventNumber": index + 1,
                "eventMessage": message,
                "extractedValues": crate::wire::map(
                    fields.named().into_iter().map(|(name, value)| (name, json!(value))),
                ),
            })
        })
        .collect();
    Ok(Some(json!({"matches": matches})))
}
