//! Log groups and their retention.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{bad_token, constraint, exists, invalid, limit, no_group};
use super::{Logs, State, group_key, millis};
use crate::cloud::{ACCOUNT, Cloud};
use crate::wire::{Call, Fault};

/// What PutRetentionPolicy takes, in days (API reference).
const RETENTION: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

const DAY: i64 = 86_400_000;

/// A group's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Days; for ever when not set.
    pub(super) retention: Option<u32>,
    pub(super) kms_key: Option<String>,
    pub(super) class: String,
    #[serde(default)]
    pub(super) protected: bool,
    pub(super) tags: BTreeMap<String, String>,
}

impl Group {
    pub(super) fn new(now: i64) -> Self {
        Self {
            created: now,
            retention: None,
            kms_key: None,
            class: "STANDARD".to_owned(),
            protected: false,
            tags: BTreeMap::new(),
        }
    }

    /// Events before this moment have expired.
    pub(super) fn horizon(&self, now: i64) -> i64 {
        self.retention
            .map_or(i64::MIN, |days| now - i64::from(days) * DAY)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    log_group_name: String,
    kms_key_id: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    log_group_class: Option<String>,
    #[serde(default)]
    deletion_protection_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    log_group_identifiers: Option<Vec<String>>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

/// The input of operations that take a group's name and little else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    log_group_name: String,
    retention_in_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    log_group_name: Option<String>,
    resource_identifier: Option<String>,
    kms_key_id: Option<String>,
}

/// Reads the name of a group that is to be.
pub(super) fn check_name(name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.len() > 512 {
        let wanted = "Member must have length between 1 and 512, inclusive";
        return Err(constraint(name, "logGroupName", wanted));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
    if !name.chars().all(fits) {
        let wanted = r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+";
        return Err(constraint(name, "logGroupName", wanted));
    }
    Ok(())
}

/// A group's ARN, without `:*`.
pub(super) fn arn(region: &str, group: &str) -> String {
    format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}")
}

/// The group that an ARN, with or without `:*`, or a name means.
pub(super) fn name_of(identifier: &str) -> &str {
    let name = match identifier.split_once(":log-group:") {
        Some((_, name)) => name,
        None => identifier,
    };
    name.strip_suffix(":*").unwrap_or(name)
}

/// The group of the operations that take a name or an identifier, but not both.
pub(super) fn one_of(name: Option<&str>, identifier: Option<&str>) -> Result<String, Fault> {
    match (name, identifier) {
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(identifier)) => Ok(name_of(identifier).to_owned()),
        (Some(_), Some(_)) => Err(invalid(
            "LogGroup name and LogGroup identifier are mutually exclusive parameters.",
        )),
        (None, None) => Err(invalid(
            "Either LogGroup name or LogGroup identifier must be specified.",
        )),
    }
}

/// A token that stands for the name after which a list goes on.
pub(super) fn token(name: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(name)
}

/// The name that a token stands for.
pub(super) fn read_token(token: &str) -> Result<String, Fault> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| bad_token())?;
    String::from_utf8(bytes).map_err(|_| bad_token())
}

impl Logs {
    pub(super) fn create_group(&self, cloud: &Cloud, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Create = call.typed()?;
        check_name(&input.log_group_name)?;
        let class = input.log_group_class.as_deref().unwrap_or("STANDARD");
        if !["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"].contains(&class) {
            let wanted =
                "Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]";
            return Err(constraint(class, "logGroupClass", wanted));
        }
        let tags = input.tags.unwrap_or_default();
        super::tags::check(&tags)?;
        let key = group_key(&call.region, &input.log_group_name);
        let mut state = self.lock();
        if state.groups.contains(&key) {
            return Err(exists("log group"));
        }
        let group = Group {
            kms_key: input.kms_key_id,
            class: class.to_owned(),
            protected: input.deletion_protection_enabled,
            tags,
            ..Group::new(millis(cloud.now()))
        };
        state.groups.put(&key, group)?;
        Ok(None)
    }

    pub(super) fn describe_groups(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Describe = call.typed()?;
        if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
            return Err(invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        let limit = limit(input.limit, 50)?;
        let after = input.next_token.as_deref().map(read_token).transpose()?;
        let identifiers: Option<Vec<&str>> = input
            .log_group_identifiers
            .as_ref()
            .map(|all| all.iter().map(|one| name_of(one)).collect());
        let prefix = input.log_group_name_prefix.unwrap_or_default();
        let state = self.lock();
        let under = format!("{}/", call.region);
        let mut wanted = state
            .groups
            .under(&under)
            .map(|(key, group)| (&key[under.len()..], group))
            .filter(|(name, group)| {
                let pattern = input.log_group_name_pattern.as_deref();
                name.starts_with(&prefix)
                    && pattern.is_none_or(|pattern| name.contains(pattern))
                    && identifiers.as_ref().is_none_or(|all| all.contains(name))
                    && input
                        .log_group_class
                        .as_ref()
                        .is_none_or(|c| *c == group.class)
                    && after.as_deref().is_none_or(|after| *name > after)
            });
        let page: Vec<_> = wanted.by_ref().take(limit).collect();
        let next = wanted.next().and(page.last()).map(|(name, _)| token(name));
        let groups: Vec<Value> = page
            .into_iter()
            .map(|(name, group)| state.describe(&call.region, name, group))
            .collect();
        Ok(Some(json!({"logGroups": groups, "nextToken": next})))
    }

    pub(super) fn delete_group(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Named = call.typed()?;
        let region = &call.region;
        let key = group_key(region, &input.log_group_name);
        let mut state = self.lock();
        let group = state.groups.get(&key).ok_or_else(no_group)?;
        if group.protected {
            return Err(Fault::bad(
                "ValidationException",
                "The log group cannot be deleted because deletion protection is enabled.",
            ));
        }
        // Streams go first: a group without some of its streams is whole, streams without group are not.
        state.delete_streams(region, &input.log_group_name)?;
        state.filters.remove_all(&key)?;
        state.groups.remove(&key)?;
        Ok(None)
    }

    pub(super) fn put_retention(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Named = call.typed()?;
        let days = input.retention_in_days.unwrap_or_default();
        if !RETENTION.contains(&days) {
            let values: Vec<String> = RETENTION.iter().map(u32::to_string).collect();
            let wanted = format!(
                "Member must satisfy enum value set: [{}]",
                values.join(", ")
            );
            return Err(constraint(days, "retentionInDays", &wanted));
        }
        self.change(call, &input.log_group_name, |group| {
            group.retention = Some(days);
        })
    }

    pub(super) fn delete_retention(&self, call: &Call) -> Result<Option<Value>, Fault> {
        let input: Named = call.typed()?;
        self.change(call, &input.log_group_name, |group| group.retention = None)
    }

    /// Only noted: events are kept as they are.
    pub(super) fn set_key(&self, call: &Call, set: bool) -> Result<Option<Value>, Fault> {
        let input: Key = call.typed()?;
        let name = one_of(
            input.log_group_name.as_deref(),
            input.resource_identifier.as_deref(),
        )?;
        let kms_key = input.kms_key_id.filter(|_| set);
        self.change(call, &name, |group| group.kms_key = kms_key)
    }

    /// Changes a group's row.
    pub(super) fn change(
        &self,
        call: &Call,
        name: &str,
        change: impl FnOnce(&mut Group),
    ) -> Result<Option<Value>, Fault> {
        let key = group_key(&call.region, name);
        let changed = self.lock().groups.update(&key, change)?;
        changed.map(|()| None).ok_or_else(no_group)
    }
}

impl State {
    fn describe(&self, region: &str, name: &str, group: &Group) -> Value {
        let arn = arn(region, name);
        let stored: usize = self
            .streams_of(region, name)
            .into_iter()
            .map(|(_, key, _)| self.events.of(key).since(i64::MIN))
            .map(|events| events.iter().map(|event| event.size()).sum::<usize>())
            .sum();
        json!({
            "logGroupName": name,
            "creationTime": group.created,
            "retentionInDays": group.retention,
            "metricFilterCount": self.filters.count(&group_key(region, name)),
            "arn": format!("{arn}:*"),
            "storedBytes": stored,
            "kmsKeyId": group.kms_key,
            "logGroupClass": group.class,
            "logGroupArn": arn,
            "deletionProtectionEnabled": group.protected,
        })
    }
}
