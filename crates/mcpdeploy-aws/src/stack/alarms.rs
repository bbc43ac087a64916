//! Alarms, and the topic that tells of them.

use std::collections::BTreeMap;

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::Input;

use super::Stack;
use super::names::Names;
use crate::ids::{AlarmName, text};
use crate::kinds::{
    Alarm, AlarmInputs, Api, Comparison, Function, InputSet, MetricQuery, MetricStat, MissingData,
    Subscription, SubscriptionInputs, Topic, TopicInputs,
};

/// The time over which an alarm looks, in seconds.
const PERIOD: u32 = 300;

struct Wanted {
    name: &'static str,
    description: String,
    metric: Option<MetricStat>,
    metrics: BTreeMap<String, MetricQuery>,
    threshold: f64,
}

impl Stack<'_> {
    /// The topic that alarms go to, when somebody is to be told.
    pub(super) fn topic(&mut self, names: &Names) -> Option<Address> {
        let email = self.config.observability.alarm_email.clone()?;
        let topic = self.add::<Topic>(
            "alarms",
            &TopicInputs {
                name: format!("{}-alarms", names.full),
                display_name: None,
                kms_key: None,
                policy: None,
                tags: Tags::new(),
            },
        );
        self.add::<Subscription>(
            "alarms-email",
            &SubscriptionInputs {
                topic: Topic::arn(&topic).into(),
                protocol: "email".to_owned(),
                endpoint: Input::Value(email),
                raw_delivery: false,
            },
        );
        Some(topic)
    }

    pub(super) fn alarms(
        &mut self,
        names: &Names,
        function: &Address,
        api: &Address,
        topic: Option<&Address>,
    ) {
        let alarms = self.config.observability.alarms;
        let of_function = |metric: &str, statistic: &str| MetricStat {
            namespace: "AWS/Lambda".to_owned(),
            name: metric.to_owned(),
            dimensions: BTreeMap::from([(
                "FunctionName".to_owned(),
                text(Function::name(function)),
            )]),
            statistic: statistic.to_owned(),
            period_seconds: PERIOD,
            unit: None,
        };
        let of_api = |metric: &str, statistic: &str| MetricStat {
            namespace: "AWS/ApiGateway".to_owned(),
            dimensions: BTreeMap::from([("ApiId".to_owned(), text(Api::id(api)))]),
            ..of_function(metric, statistic)
        };
        let mut wanted = Vec::new();
        let mut single = |name, description: String, metric, threshold: f64| {
            wanted.push(Wanted {
                name,
                description,
                metric: Some(metric),
                metrics: BTreeMap::new(),
                threshold,
            });
        };
        if let Some(errors) = alarms.error_threshold {
            single(
                "errors",
                format!("The server failed {errors} times or more within 5 minutes"),
                of_function("Errors", "Sum"),
                f64::from(errors),
            );
            single(
                "gateway-5xx",
                format!("Callers got {errors} server errors or more within 5 minutes"),
                of_api("5xx", "Sum"),
                f64::from(errors),
            );
        }
        if let Some(ms) = alarms.latency_threshold_ms {
            single(
                "latency",
                format!("One request in twenty took {ms} ms or longer over 5 minutes (p95)"),
                of_function("Duration", "p95"),
                f64::from(ms),
            );
        }
        if let Some(throttles) = alarms.throttles {
            single(
                "throttles",
                format!("Lambda turned away {throttles} requests or more within 5 minutes"),
                of_function("Throttles", "Sum"),
                f64::from(throttles),
            );
        }
        if let Some(percent) = alarms.error_rate_percent {
            let metrics = BTreeMap::from([
                (
                    "errors".to_owned(),
                    MetricQuery::metric(of_function("Errors", "Sum")),
                ),
                (
                    "invocations".to_owned(),
                    MetricQuery::metric(of_function("Invocations", "Sum")),
                ),
                (
                    "rate".to_owned(),
                    MetricQuery::expression("100 * errors / MAX([invocations, 1])")
                        .returned("Failed requests in a hundred"),
                ),
            ]);
            wanted.push(Wanted {
                name: "error-rate",
                description: format!(
                    "{percent} requests in a hundred or more failed over 5 minutes"
                ),
                metric: None,
                metrics,
                threshold: percent,
            });
        }
        for alarm in wanted {
            self.alarm(names, alarm, topic);
        }
    }

    fn alarm(&mut self, names: &Names, wanted: Wanted, topic: Option<&Address>) {
        let told = || -> InputSet<_> {
            topic
                .map(|topic| Input::from(Topic::arn(topic)))
                .into_iter()
                .collect()
        };
        self.add::<Alarm>(
            wanted.name,
            &AlarmInputs {
                name: AlarmName::new(format!("{}-{}", names.full, wanted.name)),
                description: Some(wanted.description),
                metric: wanted.metric,
                metrics: wanted.metrics,
                evaluation_periods: 1,
                datapoints_to_alarm: None,
                threshold: wanted.threshold,
                comparison: Comparison::GreaterThanOrEqualToThreshold,
                // A server that nobody calls is not in trouble.
                missing_data: MissingData::NotBreaching,
                actions_enabled: true,
                alarm_actions: told(),
                ok_actions: told(),
                insufficient_data_actions: InputSet::default(),
                tags: Tags::new(),
            },
        );
    }
}
