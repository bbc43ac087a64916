//! What others change in the cloud: `plan` shows those properties and no others, with the value
//! that was asked for and the one that is there, and an apply sets them back. What is only written
//! otherwise is no change.

mod properties;

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_apigatewayv2::types::Cors;
use mcpdeploy_aws::clients::Clients;
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::plan::{Mode, Plan, PlanOptions};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_testkit::check_kind::Calls;
use serde_json::Value;

use super::STACK;
use super::rig::{Rig, run};
use crate::kinds::place::zips;

const NAME: &str = "calculator";
const ROLE: &str = "calculator-us-east-1-exec";
const LOG_GROUP: &str = "/aws/lambda/calculator";
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:calculator";
const TOPIC_ARN: &str = "arn:aws:sns:us-east-1:000000000000:calculator-alarms";

/// The stack, deployed.
struct Deployed {
    rig: Rig,
    desired: Desired,
}

impl Deployed {
    async fn new() -> Self {
        let mut rig = Rig::new().await;
        let desired = rig.desired(STACK, &zips()[0]);
        let ended = rig.lab.run(&desired).await;
        rig.ended_well(ended, "apply");
        Self { rig, desired }
    }

    /// Other people's clients.
    fn others(&self) -> Arc<Clients> {
        Arc::clone(&self.rig.others)
    }

    fn api(&self) -> String {
        let state = self.rig.lab.state().expect("a state");
        state.outputs["api_id"].as_str().expect("a text").to_owned()
    }

    async fn plan(&mut self, mode: Mode) -> Plan {
        let options = PlanOptions {
            mode,
            ..PlanOptions::default()
        };
        self.rig.plan(&self.desired, &options).await
    }

    /// Somebody else calls; what the plan then shows has to be this. Then it is set back.
    #[track_caller]
    fn shows<T, E: Debug>(
        &mut self,
        call: impl Future<Output = Result<T, E>>,
        drift: &[&str],
        actions: &[&str],
    ) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            call.await.expect("others may change it");
            let plan = self.plan(Mode::Normal).await;
            assert_eq!(drifted(&plan), drift, "{place}");
            assert_eq!(planned(&plan), actions, "{place}");
            let ended = self.rig.lab.run(&self.desired).await;
            self.rig.ended_well(ended, &place.to_string());
            self.rig.lab.check(&self.desired).await;
        }
    }
}

/// What changed outside, a line a property.
fn drifted(plan: &Plan) -> Vec<String> {
    let lines = plan.drift.iter().flat_map(|drift| {
        let address = &drift.address;
        let gone = drift
            .changes
            .is_empty()
            .then(|| format!("{address} is gone"));
        let changes = drift.changes.iter().map(move |change| {
            let (asked, there) = (&change.before, &change.after);
            format!("{address} {}: {asked} -> {there}", change.pointer)
        });
        gone.into_iter().chain(changes)
    });
    lines.collect()
}

/// What is planned, a line an action.
fn planned(plan: &Plan) -> Vec<String> {
    let line = |action: &mcpdeploy_engine::plan::PlannedAction| {
        let pointers = action.changes.iter().map(|change| change.pointer.as_str());
        let pointers: Vec<&str> = pointers.collect();
        format!(
            "{:?} {} {}",
            action.action,
            action.address,
            pointers.join(" ")
        )
    };
    plan.actions.iter().map(line).collect()
}

/// CORS as the stack sets it, with these origins.
fn cors(origins: &[&str]) -> aws_sdk_apigatewayv2::types::builders::CorsBuilder {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    Cors::builder()
        .set_allow_origins(texts(origins))
        // In another order than the stack's.
        .set_allow_methods(texts(&["POST", "GET", "OPTIONS", "DELETE"]))
        .set_allow_headers(texts(&[
            "mcp-session-id",
            "mcp-protocol-version",
            "mcp-name",
            "mcp-method",
            "last-event-id",
            "content-type",
            "authorization",
            "accept",
        ]))
        .set_expose_headers(texts(&["www-authenticate", "mcp-session-id"]))
        .max_age(3600)
}

/// Other people write the same in other ways, or set what the file says nothing about.
#[test]
fn none_where_only_the_form_changed() {
    run(async {
        let mut it = Deployed::new().await;
        let (others, api) = (it.others(), it.api());
        let iam = others.iam();
        let put = iam.put_role_policy().role_name(ROLE).policy_name("xray");
        // Another order of keys and actions, a statement without its list, and spaces.
        let policy = r#"{ "Statement": { "Resource": ["*"], "Action": ["xray:PutTraceSegments",
            "xray:PutTelemetryRecords"], "Effect": "Allow" }, "Version": "2012-10-17" }"#;
        it.shows(put.policy_document(policy).send(), &[], &[]).await;
        let trust = iam.update_assume_role_policy().role_name(ROLE);
        let policy = r#"{ "Statement": [{ "Principal": { "Service": ["lambda.amazonaws.com"] },
            "Effect": "Allow", "Action": ["sts:AssumeRole"] }], "Version": "2012-10-17" }"#;
        it.shows(trust.policy_document(policy).send(), &[], &[])
            .await;
        let origins = cors(&["https://example.org", "https://example.com"]).build();
        let update = others.apigatewayv2().update_api().api_id(&api);
        it.shows(update.cors_configuration(origins).send(), &[], &[])
            .await;
        // The same tags, in another order.
        let untag = others.lambda().untag_resource().resource(FUNCTION_ARN);
        untag
            .tag_keys("team")
            .send()
            .await
            .expect("it can be taken away");
        let tag = others.lambda().tag_resource().resource(FUNCTION_ARN);
        it.shows(tag.tags("team", "numbers").send(), &[], &[]).await;
        let watch = others.cloudwatch();
        let board = watch.get_dashboard().dashboard_name(NAME).send().await;
        let board = board.expect("it is there").dashboard_body.expect("a body");
        let body: Value = serde_json::from_str(&board).expect("JSON");
        let body = serde_json::to_string_pretty(&turned(&body)).expect("JSON");
        assert_ne!(body, board);
        let put = watch.put_dashboard().dashboard_name(NAME);
        it.shows(put.dashboard_body(body).send(), &[], &[]).await;
        // Nothing is asked of these: they are the service's own, or other people's.
        let limit = others
            .lambda()
            .put_function_concurrency()
            .function_name(NAME);
        it.shows(limit.reserved_concurrent_executions(3).send(), &[], &[])
            .await;
        let display = others.sns().set_topic_attributes().topic_arn(TOPIC_ARN);
        let display = display
            .attribute_name("DisplayName")
            .attribute_value("Alarms");
        it.shows(display.send(), &[], &[]).await;
    });
}

/// With the keys of every object in the opposite order.
fn turned(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let pairs = map.iter().rev();
            Value::Object(
                pairs
                    .map(|(key, value)| (key.clone(), turned(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(turned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A refresh takes what there is into the state and changes nothing; the file still wants what it
/// wanted.
#[test]
fn a_refresh_only_looks() {
    run(async {
        let mut it = Deployed::new().await;
        let others = it.others();
        let configure = others.lambda().update_function_configuration();
        let changed = configure.function_name(NAME).memory_size(512).send().await;
        changed.expect("others may change it");
        let gone = others.cloudwatch().delete_alarms();
        let gone = gone.alarm_names("calculator-latency").send().await;
        gone.expect("others may delete it");
        let drift = [
            "aws.cloudwatch.alarm.latency is gone",
            "aws.lambda.function.calculator /memory_mb: 256 -> 512",
        ];

        let plan = it.plan(Mode::RefreshOnly).await;
        assert_eq!(drifted(&plan), drift);
        assert_eq!(planned(&plan), [""; 0]);
        it.rig.wire.reset();
        let options = PlanOptions {
            mode: Mode::RefreshOnly,
            ..PlanOptions::default()
        };
        let cancel = cancel::channel().1;
        let ended = it.rig.lab.run_with(&it.desired, &options, cancel).await;
        it.rig.ended_well(ended, "refresh");
        let reads = ["Get", "List", "Describe"];
        for (service, operation) in it.rig.wire.recorded() {
            let only_reads = reads.iter().any(|read| operation.starts_with(read));
            assert!(only_reads, "{service}:{operation}");
        }
        let state = it.rig.lab.state().expect("a state");
        let at = |address: &str| {
            state
                .current(&address.parse().expect("an address"))
                .cloned()
        };
        assert!(at("aws.cloudwatch.alarm.latency").is_none());
        let function = at("aws.lambda.function.calculator").expect("it is there");
        assert_eq!(function.there()["memory_mb"], 512);
        assert_eq!(function.inputs["memory_mb"], 256);

        // What is known now is no news, but still not what is wanted.
        let plan = it.plan(Mode::Normal).await;
        assert_eq!(drifted(&plan), drift[1..]);
        let wanted: Vec<String> = plan
            .actions
            .iter()
            .map(|action| action.address.to_string())
            .collect();
        assert!(
            wanted.contains(&"aws.cloudwatch.alarm.latency".to_owned()),
            "{wanted:?}"
        );
        let ended = it.rig.lab.run(&it.desired).await;
        it.rig.ended_well(ended, "apply");
        it.rig.lab.check(&it.desired).await;
        let there = others
            .lambda()
            .get_function_configuration()
            .function_name(NAME)
            .send();
        assert_eq!(there.await.expect("it is there").memory_size, Some(256));
    });
}
