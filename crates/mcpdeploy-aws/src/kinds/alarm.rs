//! `aws.cloudwatch.alarm`: a metric alarm of CloudWatch.
//!
//! Facts, from the CloudWatch API reference:
//! - a name is unique within account and region; PutMetricAlarm creates and replaces without
//!   asking whose it is, so a creation looks first;
//! - it sets tags only when it creates; DescribeAlarms tells none;
//! - it watches one metric with a statistic, or metrics and expressions of which exactly one
//!   returns data;
//! - percentiles are an "extended statistic", a field of its own;
//! - without `datapoints_to_alarm` all evaluation periods must breach;
//! - DescribeAlarms takes up to 100 names, and answers with 50 unless asked for more;
//! - lists of metrics and dimensions come back in any order.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Tags, Who, same_owner,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::regional_arn;
use super::inputs::{InputSet, int, some_text, uint, wrong, yes};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{AlarmArn, AlarmName, TopicArn, partition};
use crate::tags;

mod judgement;
mod metrics;

pub use judgement::{Comparison, MissingData};
pub use metrics::{MetricQuery, MetricStat};

/// A metric alarm.
#[derive(Debug)]
pub enum Alarm {}

/// What one can ask of an alarm: `metric` or `metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmInputs {
    /// Its name: 1 to 255 characters.
    pub name: AlarmName,
    /// What it means and what to do about it.
    #[serde(default)]
    pub description: Option<String>,
    /// The one metric that it watches.
    #[serde(default)]
    pub metric: Option<MetricStat>,
    /// Several metrics and expressions by their ids; exactly one returns data.
    #[serde(default)]
    pub metrics: BTreeMap<String, MetricQuery>,
    /// How many periods it looks at.
    #[serde(default = "one")]
    pub evaluation_periods: u32,
    /// How many of them must breach; all when not set.
    #[serde(default)]
    pub datapoints_to_alarm: Option<u32>,
    /// What values are compared with.
    pub threshold: f64,
    /// How.
    pub comparison: Comparison,
    /// What a period without data counts as.
    #[serde(default)]
    pub missing_data: MissingData,
    /// Whether it tells anybody.
    #[serde(default = "yes")]
    pub actions_enabled: bool,
    /// Who is told when it goes off.
    #[serde(default)]
    pub alarm_actions: InputSet<TopicArn>,
    /// Who is told when it is over.
    #[serde(default)]
    pub ok_actions: InputSet<TopicArn>,
    /// Who is told when there is too little data to say.
    #[serde(default)]
    pub insufficient_data_actions: InputSet<TopicArn>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

fn one() -> u32 {
    1
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmOutputs {
    /// Its ARN.
    pub arn: AlarmArn,
    /// Its name.
    pub name: AlarmName,
}

impl Alarm {
    /// Refers to the ARN of the alarm at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<AlarmArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the alarm at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<AlarmName> {
        Ref::new(address, "/name")
    }
}

impl Kind for Alarm {
    const NAME: &'static str = "aws.cloudwatch.alarm";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    const TAGGABLE: bool = true;
    const READ_TOGETHER: usize = 100;

    type Clients = Clients;
    type Inputs = AlarmInputs;
    type Outputs = AlarmOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if inputs.name.as_str().is_empty() || inputs.name.as_str().chars().count() > 255 {
            return wrong("/name", "an alarm's name has 1 to 255 characters");
        }
        match (&inputs.metric, inputs.metrics.is_empty()) {
            (Some(metric), true) => metric.validate("/metric")?,
            (None, false) => metrics::validate(&inputs.metrics)?,
            (Some(_), false) => {
                return wrong(
                    "/metrics",
                    "an alarm watches either one `metric` or several `metrics`",
                );
            }
            (None, true) => return wrong("", "an alarm needs a `metric` or `metrics` to watch"),
        }
        if inputs.comparison.is_band() {
            return wrong(
                "/comparison",
                "bands of anomaly detection are not supported",
            );
        }
        if !inputs.threshold.is_finite() {
            return wrong("/threshold", "the threshold must be a number");
        }
        let periods = inputs.evaluation_periods;
        if periods == 0 {
            return wrong("/evaluation_periods", "an alarm looks at 1 period at least");
        }
        if inputs
            .datapoints_to_alarm
            .is_some_and(|points| !(1..=periods).contains(&points))
        {
            return wrong(
                "/datapoints_to_alarm",
                format!("1 to {periods}, the number of evaluation periods"),
            );
        }
        let longest = inputs
            .metrics
            .values()
            .filter_map(MetricQuery::period_seconds);
        let period = longest
            .chain(inputs.metric.iter().map(|metric| metric.period_seconds))
            .max();
        let most = if period.unwrap_or_default() >= 3_600 {
            604_800
        } else {
            86_400
        };
        if u64::from(periods) * u64::from(period.unwrap_or_default()) > most {
            return wrong(
                "/evaluation_periods",
                format!("an alarm of this period looks back {most} seconds at most"),
            );
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let region = placement.region_or_any();
        let account = placement.account_or_any();
        let alarm = format!(
            "arn:{}:cloudwatch:{region}:{account}:alarm:",
            partition(region)
        );
        let on = format!("{alarm}{}", inputs.name);
        // DescribeAlarms is checked against all alarms, even when it names one.
        let describe = Permission::new("cloudwatch:DescribeAlarms", format!("{alarm}*"));
        let actions: &[&str] = match op {
            Op::Read => &["cloudwatch:ListTagsForResource"],
            Op::Create => &[
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:ListTagsForResource",
            ],
            Op::Update => &[
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            Op::Delete => return Permission::all(&["cloudwatch:DeleteAlarms"], &on),
        };
        let mut permissions = vec![describe];
        permissions.extend(Permission::all(actions, &on));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let found = describe(cx, &[name(&who)]).await?;
        Ok(found.first().map(|alarm| observed(alarm, who.inputs)))
    }

    async fn read_together(
        cx: &Cx<'_, Clients>,
        who: &[Who<'_, Self::Inputs>],
    ) -> Result<Vec<Option<Observed<Self>>>, KindError> {
        let names: Vec<&str> = who.iter().map(name).collect();
        let found = describe(cx, &names).await?;
        let of = |who: &Who<'_, Self::Inputs>| {
            let alarm = found
                .iter()
                .find(|alarm| alarm.alarm_name() == Some(name(who)));
            alarm.map(|alarm| observed(alarm, who.inputs))
        };
        Ok(who.iter().map(of).collect())
    }

    async fn read_tags(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<Option<Tags>, KindError> {
        list_tags(cx, &arn(cx, id.as_str()).await?).await
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let name = want.name.as_str();
        if let [found, ..] = describe(cx, &[name]).await?.as_slice() {
            let tags = list_tags(cx, found.alarm_arn().unwrap_or_default()).await?;
            if !same_owner(&tags.unwrap_or_default(), &want.tags) {
                return Err(FaultClass::Exists
                    .error(format!("an alarm named `{name}` is there already"))
                    .on(name)
                    .hint("choose another name, remove it, or `mcpdeploy import` it"));
            }
        }
        put(cx, want).await?;
        let outputs = match &cx.placement.account {
            Some(_) => Some(outputs(name, &arn(cx, name).await?)),
            None => None,
        };
        Ok(Created {
            id: PhysicalId::new(name),
            outputs,
        })
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        let Delta::Changed(pointers) = delta else {
            return Ok(());
        };
        if pointers.iter().any(|pointer| !pointer.starts_with("/tags")) {
            put(cx, want).await?;
        }
        if delta.updates("/tags") {
            put_tags(cx, &arn(cx, id.as_str()).await?, &want.tags).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        match so_far {
            Some(outputs) => Ok(outputs),
            None => Ok(outputs(id.as_str(), &arn(cx, id.as_str()).await?)),
        }
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .cloudwatch()
            .delete_alarms()
            .alarm_names(id.as_str())
            .send()
            .await
            .removed("cloudwatch", "DeleteAlarms", id)
    }
}

async fn arn(cx: &Cx<'_, Clients>, name: &str) -> Result<String, KindError> {
    regional_arn(cx, "cloudwatch", &format!("alarm:{name}")).await
}

fn outputs(name: &str, arn: &str) -> AlarmOutputs {
    AlarmOutputs {
        arn: AlarmArn::new(arn),
        name: AlarmName::new(name),
    }
}

fn name<'a>(who: &Who<'a, AlarmInputs>) -> &'a str {
    who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str)
}

/// Those of these names that there are.
async fn describe(
    cx: &Cx<'_, Clients>,
    names: &[&str],
) -> Result<Vec<sdk::MetricAlarm>, KindError> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let on = names.join(", ");
    let answer = cx
        .clients
        .cloudwatch()
        .describe_alarms()
        .max_records(100)
        .set_alarm_names(Some(names.clone()))
        .alarm_types(sdk::AlarmType::MetricAlarm)
        .send()
        .await
        .fault("cloudwatch", "DescribeAlarms", &on)?;
    let mut alarms = answer.metric_alarms.unwrap_or_default();
    alarms.retain(|alarm| {
        let name = alarm.alarm_name();
        names.iter().any(|wanted| name == Some(wanted))
    });
    Ok(alarms)
}

fn observed(alarm: &sdk::MetricAlarm, asked: &AlarmInputs) -> Observed<Alarm> {
    let name = alarm.alarm_name().unwrap_or_default();
    Observed {
        id: PhysicalId::new(name),
        outputs: outputs(name, alarm.alarm_arn().unwrap_or_default()),
        inputs: inputs(alarm, asked),
        // Every alarm watches something: an answer that names nothing does not tell what.
        unobserved: match alarm.metric_name().is_none() && alarm.metrics().is_empty() {
            true => &["/tags", "/metrics"],
            false => &["/tags"],
        },
    }
}

fn inputs(alarm: &sdk::MetricAlarm, asked: &AlarmInputs) -> AlarmInputs {
    let actions = |arns: &[String]| arns.iter().map(|arn| TopicArn::new(arn).into()).collect();
    let periods = uint(alarm.evaluation_periods());
    let points = alarm.datapoints_to_alarm().map(|points| uint(Some(points)));
    AlarmInputs {
        name: AlarmName::new(alarm.alarm_name().unwrap_or_default()),
        description: some_text(alarm.alarm_description()),
        metric: MetricStat::observed_alarm(alarm),
        metrics: metrics::observed(alarm.metrics()),
        evaluation_periods: periods,
        // "All of them" may be said or left out.
        datapoints_to_alarm: match (asked.datapoints_to_alarm, points) {
            (None, Some(points)) if points == periods => None,
            (Some(_), None) => Some(periods),
            (_, points) => points,
        },
        threshold: alarm.threshold().unwrap_or_default(),
        comparison: Comparison::observed(alarm.comparison_operator()),
        missing_data: MissingData::observed(alarm.treat_missing_data()),
        actions_enabled: alarm.actions_enabled().unwrap_or(true),
        alarm_actions: actions(alarm.alarm_actions()),
        ok_actions: actions(alarm.ok_actions()),
        insufficient_data_actions: actions(alarm.insufficient_data_actions()),
        tags: Tags::new(),
    }
}

/// Creates or replaces it.
async fn put(cx: &Cx<'_, Clients>, want: &AlarmInputs) -> Result<(), KindError> {
    let actions = |set: &InputSet<TopicArn>| Some(set.iter().map(|arn| arn.get().into()).collect());
    let call = cx
        .clients
        .cloudwatch()
        .put_metric_alarm()
        .alarm_name(&want.name)
        .set_alarm_description(want.description.clone())
        .evaluation_periods(int(want.evaluation_periods))
        .set_datapoints_to_alarm(want.datapoints_to_alarm.map(int))
        .threshold(want.threshold)
        .comparison_operator(want.comparison.to_sdk())
        .treat_missing_data(want.missing_data.as_str())
        .actions_enabled(want.actions_enabled)
        .set_alarm_actions(actions(&want.alarm_actions))
        .set_ok_actions(actions(&want.ok_actions))
        .set_insufficient_data_actions(actions(&want.insufficient_data_actions))
        .set_tags((!want.tags.is_empty()).then(|| sdk_tags(&want.tags)));
    let call = match &want.metric {
        Some(metric) => metric.put(call),
        None => call.set_metrics(Some(metrics::to_sdk(&want.metrics))),
    };
    call.send()
        .await
        .fault("cloudwatch", "PutMetricAlarm", &want.name)
        .map(|_| ())
}

async fn list_tags(cx: &Cx<'_, Clients>, arn: &str) -> Result<Option<Tags>, KindError> {
    let answer = cx
        .clients
        .cloudwatch()
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .found("cloudwatch", "ListTagsForResource", arn)?;
    let pairs = |tag: &sdk::Tag| {
        (
            tag.key().unwrap_or_default().to_owned(),
            tag.value().unwrap_or_default().to_owned(),
        )
    };
    Ok(answer.map(|answer| tags::from_pairs(answer.tags().iter().map(pairs))))
}

async fn put_tags(cx: &Cx<'_, Clients>, arn: &str, want: &Tags) -> Result<(), KindError> {
    let have = list_tags(cx, arn).await?.unwrap_or_default();
    let changes = tags::changes(&have, want);
    let client = cx.clients.cloudwatch();
    if !changes.set.is_empty() {
        client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(sdk_tags(&changes.set)))
            .send()
            .await
            .fault("cloudwatch", "TagResource", arn)?;
    }
    if !changes.remove.is_empty() {
        client
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("cloudwatch", "UntagResource", arn)?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Vec<sdk::Tag> {
    let tag = |(key, value)| sdk::Tag::builder().key(key).value(value).build();
    tags.iter().map(tag).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(more: serde_json::Value) -> Result<(), String> {
        let mut inputs = json!({
            "name": "x", "threshold": 1, "comparison": "GreaterThanThreshold",
            "metric": {"namespace": "AWS/Lambda", "name": "Errors", "statistic": "Sum"},
        });
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        Alarm::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
    }

    #[test]
    fn impossible_alarms_are_refused() {
        assert_eq!(check(json!({})), Ok(()));
        let rate = json!({
            "metric": null,
            "metrics": {
                "errors": {"metric": {"namespace": "AWS/Lambda", "name": "Errors", "statistic": "Sum"}},
                "rate": {"expression": "errors * 100", "return_data": true},
            },
        });
        assert_eq!(check(rate.clone()), Ok(()));
        for (more, at) in [
            (json!({"metric": null}), ""),
            (json!({"metrics": rate["metrics"]}), "/metrics"),
            (json!({"evaluation_periods": 0}), "/evaluation_periods"),
            (json!({"evaluation_periods": 1441}), "/evaluation_periods"),
            (json!({"datapoints_to_alarm": 2}), "/datapoints_to_alarm"),
            (json!({"name": ""}), "/name"),
            (
                json!({"comparison": "LessThanLowerThreshold"}),
                "/comparison",
            ),
        ] {
            assert_eq!(check(more), Err(at.to_owned()));
        }
    }

    #[test]
    fn all_datapoints_may_be_said_or_left_out() {
        let mut asked: AlarmInputs = serde_json::from_value(json!({
            "name": "x", "threshold": 1, "comparison": "LessThanThreshold", "evaluation_periods": 3,
        }))
        .unwrap();
        let alarm = |points| {
            sdk::MetricAlarm::builder()
                .evaluation_periods(3)
                .set_datapoints_to_alarm(points)
                .build()
        };
        assert_eq!(inputs(&alarm(Some(3)), &asked).datapoints_to_alarm, None);
        assert_eq!(inputs(&alarm(Some(2)), &asked).datapoints_to_alarm, Some(2));
        asked.datapoints_to_alarm = Some(3);
        assert_eq!(inputs(&alarm(None), &asked).datapoints_to_alarm, Some(3));
    }
}
