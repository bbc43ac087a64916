//! Rotation: who makes new values, and how often.
//!
//! Facts, from the API reference of RotateSecret and DescribeSecret:
//! - RotateSecret sets function and rules; with `RotateImmediately` false it changes no value, and
//!   only has the function test what is there;
//! - the schedule is given as `AutomaticallyAfterDays` or as `ScheduleExpression`, never both; after
//!   a rotation the former is told whichever was given;
//! - an interval in hours is at least four, one in days at most 999 (1000 without an expression);
//! - CancelRotateSecret leaves function and rules, and takes `RotationEnabled` away.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::RotationRulesType;
use mcpdeploy_engine::kind::{Cx, KindError};
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::inputs::{some_text, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::FunctionArn;

/// How new values are made without anybody asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The function that makes them. It must allow `secretsmanager.amazonaws.com` to invoke it.
    pub function: Input<FunctionArn>,
    /// When: `rate(30 days)`, `rate(12 hours)` or `cron(…)`, as Secrets Manager writes it.
    pub schedule: Schedule,
}

/// A schedule of Secrets Manager, in one form: `rate(1 day)`, never `rate(1 days)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Schedule(String);

impl From<String> for Schedule {
    fn from(text: String) -> Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let rate = text
            .strip_prefix("rate(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|rest| rest.split_once(' '));
        let parsed = rate.and_then(|(number, unit)| Some((number.parse::<u32>().ok()?, unit)));
        match parsed {
            Some((number, "day" | "days")) => Self::days(number),
            Some((number, "hour" | "hours")) => Self::hours(number),
            Some(_) | None => Self(text),
        }
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.0
    }
}

impl Schedule {
    /// Every so many days.
    #[must_use]
    pub fn days(number: u32) -> Self {
        Self(format!("rate({number} day{})", plural(number)))
    }

    /// Every so many hours; whole days are days.
    #[must_use]
    pub fn hours(number: u32) -> Self {
        if number > 0 && number.is_multiple_of(24) {
            return Self::days(number / 24);
        }
        Self(format!("rate({number} hour{})", plural(number)))
    }

    fn rate(&self) -> Option<(u32, &str)> {
        let (number, unit) = self
            .0
            .strip_prefix("rate(")?
            .strip_suffix(')')?
            .split_once(' ')?;
        Some((number.parse().ok()?, unit))
    }

    /// The days, where it is a number of them.
    fn in_days(&self) -> Option<i64> {
        let (number, unit) = self.rate()?;
        unit.starts_with("day").then_some(number.into())
    }

    fn is_possible(&self) -> bool {
        match self.rate() {
            Some((number, "day" | "days")) => (1..=1000).contains(&number),
            Some((number, "hour" | "hours")) => (4..=999).contains(&number),
            Some(_) => false,
            None => self.0.starts_with("cron(") && self.0.ends_with(')'),
        }
    }
}

fn plural(number: u32) -> &'static str {
    if number == 1 { "" } else { "s" }
}

impl Rotation {
    pub(super) fn validate(&self) -> Result<(), (String, String)> {
        if self.schedule.is_possible() {
            return Ok(());
        }
        wrong(
            "/rotation/schedule",
            format!(
                "`{}` is no schedule: `rate(N days)` with 1 to 1000, `rate(N hours)` with 4 to 999, or `cron(…)`",
                self.schedule.0
            ),
        )
    }

    /// What a secret's description says, if it is rotated.
    pub(crate) fn of(secret: &DescribeSecretOutput) -> Option<Self> {
        if secret.rotation_enabled() != Some(true) {
            return None;
        }
        let rules = secret.rotation_rules();
        let schedule = rules.and_then(|rules| {
            let expression = some_text(rules.schedule_expression()).map(Schedule::from);
            let days = rules.automatically_after_days();
            let days = days.and_then(|days| u32::try_from(days).ok());
            expression.or_else(|| days.map(Schedule::days))
        });
        Some(Self {
            function: FunctionArn::new(secret.rotation_lambda_arn().unwrap_or_default()).into(),
            schedule: schedule.unwrap_or_else(|| Schedule(String::new())),
        })
    }

    /// Makes it so, without rotating now.
    pub(super) async fn set(&self, cx: &Cx<'_, Clients>, arn: &str) -> Result<(), KindError> {
        let rules = match self.schedule.in_days() {
            Some(days) => RotationRulesType::builder().automatically_after_days(days),
            None => RotationRulesType::builder().schedule_expression(&self.schedule.0),
        };
        cx.clients
            .secretsmanager()
            .rotate_secret()
            .secret_id(arn)
            .rotation_lambda_arn(self.function.get())
            .rotation_rules(rules.build())
            .rotate_immediately(false)
            .send()
            .await
            .fault("secretsmanager", "RotateSecret", arn)
            .map(|_| ())
    }
}

/// No rotation any more.
pub(super) async fn cancel(cx: &Cx<'_, Clients>, arn: &str) -> Result<(), KindError> {
    cx.clients
        .secretsmanager()
        .cancel_rotate_secret()
        .secret_id(arn)
        .send()
        .await
        .fault("secretsmanager", "CancelRotateSecret", arn)
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Schedule {
        Schedule::from(text.to_owned())
    }

    #[test]
    fn one_schedule_is_written_in_one_way() {
        for (text, one) in [
            ("rate(1 days)", "rate(1 day)"),
            ("rate( 30  days)", "rate( 30 days)"),
            ("rate(24 hours)", "rate(1 day)"),
            ("rate(12 hour)", "rate(12 hours)"),
            ("cron(0  8 1 * ? *)", "cron(0 8 1 * ? *)"),
        ] {
            assert_eq!(String::from(schedule(text)), one);
        }
        assert_eq!(schedule("rate(48 hours)").in_days(), Some(2));
        assert_eq!(schedule("rate(5 hours)").in_days(), None);
    }

    #[test]
    fn impossible_schedules_are_refused() {
        for good in [
            "rate(1 day)",
            "rate(1000 days)",
            "rate(4 hours)",
            "cron(0 8 1 * ? *)",
        ] {
            assert!(schedule(good).is_possible(), "{good}");
        }
        for bad in [
            "rate(0 days)",
            "rate(1001 days)",
            "rate(3 hours)",
            "rate(5 minutes)",
            "30d",
            "",
        ] {
            assert!(!schedule(bad).is_possible(), "{bad}");
        }
    }

    #[test]
    fn what_was_cancelled_is_no_rotation() {
        let rules = |rules: aws_sdk_secretsmanager::types::builders::RotationRulesTypeBuilder| {
            DescribeSecretOutput::builder()
                .rotation_enabled(true)
                .rotation_lambda_arn("arn:f")
                .rotation_rules(rules.build())
        };
        let days = rules(RotationRulesType::builder().automatically_after_days(7));
        let told = Rotation::of(&days.clone().build()).map(|rotation| rotation.schedule);
        assert_eq!(told, Some(Schedule::days(7)));
        let both = rules(
            RotationRulesType::builder()
                .automatically_after_days(1)
                .schedule_expression("rate(8 hours)"),
        );
        let told = Rotation::of(&both.build()).map(|rotation| rotation.schedule);
        assert_eq!(told, Some(Schedule::hours(8)));
        assert_eq!(Rotation::of(&days.rotation_enabled(false).build()), None);
    }
}
