//! Removing alarms, setting their state, and switching their actions.

use serde_json::Value;

use super::describe::read_state;
use super::key;
use crate::cloud::Cloud;
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{constraint, missing, not_found};
use crate::services::cloudwatch::input::{millis, required, text, texts};
use crate::wire::{Call, Fault};

/// How long a state that somebody set is kept, in milliseconds: until AWS would look next.
const HELD: i64 = 60_000;

impl CloudWatch {
    pub(in super::super) fn delete_alarms(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let names = texts(&call.input, "AlarmNames");
        if names.is_empty() {
            return Err(missing("AlarmNames"));
        }
        if names.len() > 100 {
            let wanted = "Member must have length less than or equal to 100";
            return Err(constraint(
                &format!("[{} names]", names.len()),
                "alarmNames",
                wanted,
            ));
        }
        let mut state = self.lock();
        // All or nothing.
        let gone = names
            .iter()
            .find(|name| !state.alarms.contains(&key(&call.region, name)));
        if let Some(name) = gone {
            return Err(not_found(
                "ResourceNotFound",
                format!("The alarm {name} does not exist."),
            ));
        }
        for name in &names {
            if let Some(alarm) = state.alarms.remove(&key(&call.region, name))? {
                let now = millis(cloud.now());
                state
                    .history
                    .configured(&call.region, name, alarm.kind(), "deleted", now);
            }
        }
        Ok(Value::Null)
    }

    pub(in super::super) fn set_alarm_state(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = &call.input;
        let name = required(input, "AlarmName", "AlarmName")?;
        let value = read_state(required(input, "StateValue", "StateValue")?)?;
        let reason = text(input, "StateReason").ok_or_else(|| missing("StateReason"))?;
        let data = text(input, "StateReasonData");
        if data.is_some_and(|data| serde_json::from_str::<Value>(data).is_err()) {
            return Err(Fault::bad(
                "InvalidFormatFault",
                "StateReasonData is not valid JSON.",
            ));
        }
        let now = cloud.now();
        let key = key(&call.region, name);
        let change = {
            let mut state = self.lock();
            let held = state
                .alarms
                .update(&key, |alarm| alarm.state.held_until = millis(now) + HELD)?;
            held.ok_or_else(|| {
                not_found(
                    "ResourceNotFound",
                    format!("The alarm {name} does not exist."),
                )
            })?;
            state.transition(
                &call.region,
                name,
                value,
                reason.to_owned(),
                data.map(str::to_owned),
                millis(now),
            )
        };
        if let Some(change) = change {
            self.act(cloud, &change, now);
        }
        Ok(Value::Null)
    }

    /// Names of alarms that are not there are passed over, as AWS does.
    pub(in super::super) fn enable_alarm_actions(
        &self,
        call: &Call,
        enabled: bool,
    ) -> Result<Value, Fault> {
        let names = texts(&call.input, "AlarmNames");
        if names.is_empty() {
            return Err(missing("AlarmNames"));
        }
        let mut state = self.lock();
        for name in names {
            state.alarms.update(&key(&call.region, &name), |alarm| {
                alarm.actions_enabled = enabled
            })?;
        }
        Ok(Value::Null)
    }
}
