//! Each property that others change is shown, and no other.

use aws_sdk_apigatewayv2::types::RouteSettings;
use aws_sdk_iam::types::Tag;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{AliasRoutingConfiguration, Environment};
use serde_json::{Value, json};

use super::{Deployed, FUNCTION_ARN, LOG_GROUP, NAME, ROLE, cors};
use crate::kinds::place::zips;
use crate::whole::CHANGED;
use crate::whole::rig::run;

/// A change of the function means a version of it and the alias on that.
const PUBLISHED: [&str; 2] = [
    "Publish aws.lambda.version.calculator /fingerprint",
    "Update aws.lambda.alias.live /version",
];

#[test]
fn of_the_function() {
    run(async {
        let mut it = Deployed::new().await;
        let others = it.others();
        let configure = || {
            others
                .lambda()
                .update_function_configuration()
                .function_name(NAME)
        };
        it.shows(
            configure().memory_size(512).send(),
            &["aws.lambda.function.calculator /memory_mb: 256 -> 512"],
            &[
                "Update aws.lambda.function.calculator /memory_mb",
                PUBLISHED[0],
                PUBLISHED[1],
            ],
        )
        .await;
        it.shows(
            configure().timeout(7).send(),
            &["aws.lambda.function.calculator /timeout_seconds: 30 -> 7"],
            &[
                "Update aws.lambda.function.calculator /timeout_seconds",
                PUBLISHED[0],
                PUBLISHED[1],
            ],
        )
        .await;
        let state = it.rig.lab.state().expect("a state");
        let function = "aws.lambda.function.calculator"
            .parse()
            .expect("an address");
        let function = state.current(&function).expect("it is there");
        let secret = function.inputs["environment"]["API_TOKEN_SECRET_ARN"].clone();
        let environment = Environment::builder()
            .variables("RUST_LOG", "trace")
            .variables("API_TOKEN_SECRET_ARN", secret.as_str().expect("an ARN"))
            .variables("THEIRS", "1")
            .build();
        it.shows(
            configure().environment(environment).send(),
            &[
                r#"aws.lambda.function.calculator /environment/RUST_LOG: "info" -> "trace""#,
                r#"aws.lambda.function.calculator /environment/THEIRS: null -> "1""#,
            ],
            &[
                "Update aws.lambda.function.calculator /environment/RUST_LOG /environment/THEIRS",
                PUBLISHED[0],
                PUBLISHED[1],
            ],
        )
        .await;
        let [ours, theirs] = zips();
        let code = std::fs::read(theirs.path()).expect("the zip is there");
        let update = others.lambda().update_function_code().function_name(NAME);
        it.shows(
            update.zip_file(Blob::new(code)).send(),
            &[&format!(
                "aws.lambda.function.calculator /code/sha256: {} -> {}",
                json!(ours.sha256),
                json!(theirs.sha256)
            )],
            &[
                "Update aws.lambda.function.calculator /code/sha256",
                PUBLISHED[0],
                PUBLISHED[1],
            ],
        )
        .await;
        // What is no part of a version publishes none.
        it.shows(
            configure().description("theirs").send(),
            &[r#"aws.lambda.function.calculator /description: "MCP server calculator" -> "theirs""#],
            &["Update aws.lambda.function.calculator /description"],
        )
        .await;
        let tag = others.lambda().tag_resource().resource(FUNCTION_ARN);
        it.shows(
            tag.tags("theirs", "1").tags("team", "words").send(),
            &[
                r#"aws.lambda.function.calculator /tags/team: "numbers" -> "words""#,
                r#"aws.lambda.function.calculator /tags/theirs: null -> "1""#,
            ],
            &["Update aws.lambda.function.calculator /tags/team /tags/theirs"],
        )
        .await;
    });
}

#[test]
fn of_the_alias() {
    run(async {
        let mut it = Deployed::new().await;
        let others = it.others();
        // A second version, to which calls can go.
        let changed = CHANGED.as_str();
        it.desired = it.rig.desired(changed, &zips()[1]);
        let ended = it.rig.lab.run(&it.desired).await;
        it.rig.ended_well(ended, "another version");
        let update = || {
            others
                .lambda()
                .update_alias()
                .function_name(NAME)
                .name("live")
        };
        let weights = AliasRoutingConfiguration::builder();
        it.shows(
            update()
                .routing_config(weights.additional_version_weights("1", 0.25).build())
                .send(),
            &["aws.lambda.alias.live /weights/1: null -> 0.25"],
            &["Update aws.lambda.alias.live /weights/1"],
        )
        .await;
        it.shows(
            update().function_version("1").send(),
            &[r#"aws.lambda.alias.live /version: "2" -> "1""#],
            &["Update aws.lambda.alias.live /version"],
        )
        .await;
        let remove = others.lambda().remove_permission().function_name(NAME);
        it.shows(
            remove.qualifier("live").statement_id("mcpdeploy-api").send(),
            &["aws.lambda.permission.api is gone"],
            &["Create aws.lambda.permission.api /function /qualifier /statement_id /action /principal /source_arn"],
        )
        .await;
    });
}

#[test]
fn of_the_role() {
    run(async {
        let mut it = Deployed::new().await;
        let others = it.others();
        let iam = others.iam();
        let put = |name: &str, document: Value| {
            let put = iam.put_role_policy().role_name(ROLE).policy_name(name);
            put.policy_document(document.to_string()).send()
        };
        let statement =
            json!({"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"});
        it.shows(
            put("xray", json!({"Version": "2012-10-17", "Statement": [statement]})),
            &[concat!(
                r#"aws.iam.role.exec /inline_policies/xray/Statement: [{"Effect":"Allow","Action":["xray:PutTelemetryRecords","xray:PutTraceSegments"],"Resource":["*"]}] -> "#,
                r#"[{"Effect":"Allow","Action":["xray:PutTraceSegments"],"Resource":["*"]}]"#
            )],
            &["Update aws.iam.role.exec /inline_policies/xray/Statement"],
        )
        .await;
        it.shows(
            put("theirs", json!({"Version": "2012-10-17", "Statement": [statement]})),
            &[r#"aws.iam.role.exec /inline_policies/theirs: null -> {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["xray:PutTraceSegments"],"Resource":["*"]}]}"#],
            &["Update aws.iam.role.exec /inline_policies/theirs"],
        )
        .await;
        let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
        it.shows(
            iam.attach_role_policy()
                .role_name(ROLE)
                .policy_arn(administrator)
                .send(),
            &[&format!(
                "aws.iam.role.exec /managed_policies: [] -> [\"{administrator}\"]"
            )],
            &["Update aws.iam.role.exec /managed_policies"],
        )
        .await;
        let tag = Tag::builder()
            .key("theirs")
            .value("1")
            .build()
            .expect("a tag");
        it.shows(
            iam.tag_role().role_name(ROLE).tags(tag).send(),
            &[r#"aws.iam.role.exec /tags/theirs: null -> "1""#],
            &["Update aws.iam.role.exec /tags/theirs"],
        )
        .await;
    });
}

#[test]
fn of_the_api() {
    run(async {
        let mut it = Deployed::new().await;
        let (others, api) = (it.others(), it.api());
        let gateway = others.apigatewayv2();
        let cors = cors(&["https://example.com", "https://theirs.example"]).build();
        it.shows(
            gateway.update_api().api_id(&api).cors_configuration(cors).send(),
            &[concat!(
                r#"aws.apigatewayv2.api.calculator /cors/allow_origins: "#,
                r#"["https://example.com","https://example.org"] -> ["https://example.com","https://theirs.example"]"#
            )],
            &["Update aws.apigatewayv2.api.calculator /cors/allow_origins"],
        )
        .await;
        let arn = format!("arn:aws:apigateway:us-east-1::/apis/{api}");
        it.shows(
            gateway
                .tag_resource()
                .resource_arn(arn)
                .tags("theirs", "1")
                .send(),
            &[r#"aws.apigatewayv2.api.calculator /tags/theirs: null -> "1""#],
            &["Update aws.apigatewayv2.api.calculator /tags/theirs"],
        )
        .await;
        let slow = RouteSettings::builder()
            .throttling_burst_limit(2000)
            .throttling_rate_limit(2.0);
        let stage = gateway.update_stage().api_id(&api).stage_name("$default");
        it.shows(
            stage.default_route_settings(slow.build()).send(),
            &["aws.apigatewayv2.stage.default /throttling/rate_limit: 1000.0 -> 2.0"],
            &["Update aws.apigatewayv2.stage.default /throttling/rate_limit"],
        )
        .await;
        let route = gateway
            .get_routes()
            .api_id(&api)
            .send()
            .await
            .expect("routes are listed");
        let route = route
            .items()
            .first()
            .and_then(|route| route.route_id())
            .expect("an id")
            .to_owned();
        it.shows(
            gateway.delete_route().api_id(&api).route_id(route).send(),
            &["aws.apigatewayv2.route.mcp is gone"],
            &["Create aws.apigatewayv2.route.mcp /api /route_key /target /authorization /scopes"],
        )
        .await;
    });
}

#[test]
fn of_what_watches() {
    run(async {
        let mut it = Deployed::new().await;
        let others = it.others();
        it.shows(
            others
                .logs()
                .put_retention_policy()
                .log_group_name(LOG_GROUP)
                .retention_in_days(7)
                .send(),
            &["aws.logs.log_group.calculator /retention_days: 30 -> 7"],
            &["Update aws.logs.log_group.calculator /retention_days"],
        )
        .await;
        it.shows(
            others
                .logs()
                .delete_retention_policy()
                .log_group_name(LOG_GROUP)
                .send(),
            &["aws.logs.log_group.calculator /retention_days: 30 -> null"],
            &["Update aws.logs.log_group.calculator /retention_days"],
        )
        .await;
        let watch = others.cloudwatch();
        it.shows(
            watch
                .disable_alarm_actions()
                .alarm_names("calculator-latency")
                .send(),
            &["aws.cloudwatch.alarm.latency /actions_enabled: true -> false"],
            &["Update aws.cloudwatch.alarm.latency /actions_enabled"],
        )
        .await;
        it.shows(
            watch.delete_alarms().alarm_names("calculator-throttles").send(),
            &["aws.cloudwatch.alarm.throttles is gone"],
            &["Create aws.cloudwatch.alarm.throttles /name /description /metric /metrics /evaluation_periods /threshold /comparison /missing_data /actions_enabled /alarm_actions /ok_actions /insufficient_data_actions /tags"],
        )
        .await;
    });
}
