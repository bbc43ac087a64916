//! What an account has, as the services' lists tell it: the ids that the kinds would give.
//!
//! Apart from the kinds on purpose: it must not share their mistakes.

mod login;

use mcpdeploy_aws::clients::Clients;
use mcpdeploy_testkit::check_kind::Inventory;
use serde_json::Value;

use super::place::GIVEN;
use crate::support::emulator::{Product, REGION};
use crate::support::http;

/// Everything of one kind.
pub(crate) async fn list(lister: &Lister<'_>, kind: &str) -> Inventory {
    let clients = lister.clients;
    let found: Vec<String> = match kind {
        "aws.logs.log_group" => {
            let call = clients.logs().describe_log_groups().send();
            let groups = call.await.expect("log groups are listed").log_groups;
            all(groups, |group| group.log_group_name)
        }
        "aws.iam.role" => {
            let call = clients.iam().list_roles().send();
            let roles = call.await.expect("roles are listed").roles;
            roles.into_iter().map(|role| role.role_name).collect()
        }
        "aws.s3.bucket" => buckets(clients).await,
        "aws.s3.object" => objects(clients).await,
        "aws.lambda.function" => functions(clients).await,
        "aws.lambda.version" => versions(clients).await,
        "aws.lambda.alias" => aliases(clients).await,
        "aws.lambda.permission" => statements(clients).await,
        "aws.apigatewayv2.api" => apis(clients).await,
        "aws.apigatewayv2.integration" => {
            let mut found = Vec::new();
            for api in apis(clients).await {
                let call = clients
                    .apigatewayv2()
                    .get_integrations()
                    .api_id(&api)
                    .send();
                let items = call.await.expect("integrations are listed").items;
                found.extend(all(items, |item| {
                    item.integration_id.map(|id| format!("{api}/{id}"))
                }));
            }
            found
        }
        "aws.apigatewayv2.route" => {
            let mut found = Vec::new();
            for api in apis(clients).await {
                let call = clients.apigatewayv2().get_routes().api_id(&api).send();
                let items = call.await.expect("routes are listed").items;
                found.extend(all(items, |item| {
                    item.route_id.map(|id| format!("{api}/{id}"))
                }));
            }
            found
        }
        "aws.apigatewayv2.authorizer" => {
            let mut found = Vec::new();
            for api in apis(clients).await {
                let call = clients.apigatewayv2().get_authorizers().api_id(&api).send();
                let items = call.await.expect("authorizers are listed").items;
                found.extend(all(items, |item| {
                    item.authorizer_id.map(|id| format!("{api}/{id}"))
                }));
            }
            found
        }
        "aws.apigatewayv2.stage" => {
            let mut found = Vec::new();
            for api in apis(clients).await {
                let call = clients.apigatewayv2().get_stages().api_id(&api).send();
                let items = call.await.expect("stages are listed").items;
                found.extend(all(items, |item| {
                    item.stage_name.map(|name| format!("{api}/{name}"))
                }));
            }
            found
        }
        "aws.sns.topic" => {
            let call = clients.sns().list_topics().send();
            let topics = call.await.expect("topics are listed").topics;
            all(topics, |topic| topic.topic_arn)
        }
        "aws.sns.subscription" => {
            let call = clients.sns().list_subscriptions().send();
            let subscriptions = call.await.expect("subscriptions are listed").subscriptions;
            all(subscriptions, |subscription| subscription.subscription_arn)
        }
        "aws.cloudwatch.alarm" => {
            let call = clients.cloudwatch().describe_alarms().send();
            let alarms = call.await.expect("alarms are listed").metric_alarms;
            all(alarms, |alarm| alarm.alarm_name)
        }
        "aws.cloudwatch.dashboard" if lister.product == Product::Ministack => lister.dashboards(),
        "aws.cloudwatch.dashboard" => {
            let call = clients.cloudwatch().list_dashboards().send();
            let entries = call.await.expect("dashboards are listed").dashboard_entries;
            all(entries, |entry| entry.dashboard_name)
        }
        "aws.dynamodb.table" => {
            let call = clients.dynamodb().list_tables().send();
            let names = call.await.expect("tables are listed").table_names;
            all(names, Some)
        }
        "aws.kms.key" => keys(clients).await,
        "aws.kms.alias" => {
            let call = clients.kms().list_aliases().send();
            let aliases = call.await.expect("aliases of keys are listed").aliases;
            // AWS's own are there from the beginning.
            all(aliases, |alias| {
                alias
                    .alias_name
                    .filter(|name| !name.starts_with("alias/aws/"))
            })
        }
        "aws.ssm.parameter" => {
            let call = clients.ssm().describe_parameters().send();
            let parameters = call.await.expect("parameters are listed").parameters;
            all(parameters, |parameter| parameter.name)
        }
        kind if kind.starts_with("aws.cognito.") => login::list(clients, kind).await,
        "aws.secretsmanager.secret" => {
            let call = clients.secretsmanager().list_secrets().send();
            let secrets = call.await.expect("secrets are listed").secret_list;
            // One whose deletion is scheduled is gone for all that we care.
            let theirs = |name: &Option<String>| name.as_deref() != Some(GIVEN);
            all(secrets, |secret| {
                let there = secret.deleted_date.is_none() && theirs(&secret.name);
                secret.arn.filter(|_| there)
            })
        }
        other => panic!("nobody knows how to list {other}"),
    };
    let mut inventory: Inventory = found.into_iter().map(|id| (id, String::new())).collect();
    if kind == "aws.lambda.alias" {
        for (id, details) in &mut inventory {
            *details = provisioned(clients, id).await;
        }
    }
    if kind == "aws.secretsmanager.secret" {
        for (id, details) in &mut inventory {
            *details = versions_of(clients, id).await;
        }
    }
    inventory
}

/// What is needed to list.
pub(crate) struct Lister<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) product: Product,
    pub(crate) endpoint: &'a str,
    /// The key by which the emulator knows the account.
    pub(crate) key: &'a str,
}

impl Lister<'_> {
    /// Ministack tells times in a form that the SDK cannot read, so it is asked without the SDK.
    fn dashboards(&self) -> Vec<String> {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{REGION}/monitoring/aws4_request, \
             SignedHeaders=host, Signature=0",
            self.key
        );
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", authorization.as_str()),
        ];
        let body = b"Action=ListDashboards&Version=2010-08-01";
        let answer = http::request("POST", self.endpoint, &headers, body);
        let text = answer.expect("the emulator answers").text();
        let names = text.split("<DashboardName>").skip(1);
        names
            .filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()))
            .collect()
    }
}

/// How many instances of an alias are kept warm: its kind looks only where it is asked for some.
async fn provisioned(clients: &Clients, alias: &str) -> String {
    let (function, name) = alias.split_once(':').unwrap_or_default();
    let call = clients
        .lambda()
        .get_provisioned_concurrency_config()
        .function_name(function)
        .qualifier(name)
        .send();
    // That there are none is an error.
    let number = call
        .await
        .ok()
        .and_then(|answer| answer.requested_provisioned_concurrent_executions);
    format!("{number:?} instances")
}

/// How many values a secret has had: what is generated is generated once.
async fn versions_of(clients: &Clients, secret: &str) -> String {
    let call = clients
        .secretsmanager()
        .describe_secret()
        .secret_id(secret)
        .send();
    let versions = call
        .await
        .expect("a secret is described")
        .version_ids_to_stages;
    format!("{} versions", versions.map_or(0, |versions| versions.len()))
}

fn all<T>(items: Option<Vec<T>>, id: impl Fn(T) -> Option<String>) -> Vec<String> {
    items.into_iter().flatten().filter_map(id).collect()
}

async fn buckets(clients: &Clients) -> Vec<String> {
    let call = clients.s3().list_buckets().send();
    let buckets = call.await.expect("buckets are listed").buckets;
    all(buckets, |bucket| bucket.name)
}

async fn objects(clients: &Clients) -> Vec<String> {
    let mut found = Vec::new();
    for bucket in buckets(clients).await {
        let call = clients.s3().list_objects_v2().bucket(&bucket).send();
        let contents = call.await.expect("objects are listed").contents;
        found.extend(all(contents, |object| {
            object.key.map(|key| format!("{bucket}/{key}"))
        }));
    }
    found
}

/// Without those whose deletion is scheduled.
async fn keys(clients: &Clients) -> Vec<String> {
    let call = clients.kms().list_keys().send();
    let keys = call.await.expect("keys are listed").keys;
    let mut found = Vec::new();
    for id in all(keys, |key| key.key_id) {
        let call = clients.kms().describe_key().key_id(&id).send();
        let key = call.await.expect("the key is described").key_metadata;
        if key.is_some_and(|key| key.deletion_date.is_none()) {
            found.push(id);
        }
    }
    found
}

async fn functions(clients: &Clients) -> Vec<String> {
    let call = clients.lambda().list_functions().send();
    let functions = call.await.expect("functions are listed").functions;
    all(functions, |function| function.function_name)
}

async fn versions(clients: &Clients) -> Vec<String> {
    let mut found = Vec::new();
    for function in functions(clients).await {
        let call = clients
            .lambda()
            .list_versions_by_function()
            .function_name(&function)
            .send();
        let versions = call.await.expect("versions are listed").versions;
        found.extend(all(versions, |version| {
            let number = version.version.filter(|number| number != "$LATEST");
            number.map(|number| format!("{function}:{number}"))
        }));
    }
    found
}

async fn aliases(clients: &Clients) -> Vec<String> {
    let mut found = Vec::new();
    for function in functions(clients).await {
        let call = clients
            .lambda()
            .list_aliases()
            .function_name(&function)
            .send();
        let aliases = call.await.expect("aliases are listed").aliases;
        found.extend(all(aliases, |alias| {
            alias.name.map(|name| format!("{function}:{name}"))
        }));
    }
    found
}

/// The statements of all functions' and aliases' policies. Each says what it is about, so that
/// one that is told for another does not count twice.
async fn statements(clients: &Clients) -> Vec<String> {
    let mut targets = functions(clients).await;
    targets.extend(aliases(clients).await);
    let mut found = Vec::new();
    for target in targets {
        let (function, qualifier) = match target.split_once(':') {
            Some((function, qualifier)) => (function, Some(qualifier.to_owned())),
            None => (target.as_str(), None),
        };
        let call = clients
            .lambda()
            .get_policy()
            .function_name(function)
            .set_qualifier(qualifier)
            .send();
        // That there is none is an error.
        let Some(policy) = call.await.ok().and_then(|answer| answer.policy) else {
            continue;
        };
        let policy: Value = serde_json::from_str(&policy).expect("a policy is JSON");
        for statement in policy["Statement"].as_array().into_iter().flatten() {
            let about = statement["Resource"].as_str().unwrap_or_default();
            if about.ends_with(&format!(":function:{target}")) {
                let id = statement["Sid"].as_str().unwrap_or_default();
                found.push(format!("{target}/{id}"));
            }
        }
    }
    found
}

async fn apis(clients: &Clients) -> Vec<String> {
    let call = clients.apigatewayv2().get_apis().send();
    let items = call.await.expect("APIs are listed").items;
    all(items, |api| api.api_id)
}
