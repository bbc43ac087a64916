//! Keys that are not ours but well known: features to come, and words of other tools.
//! A plain "unknown key" would leave their writer puzzled.

use crate::typed_secrets::holds_a_value;

/// What is said about such a key.
pub(super) struct Known {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
}

/// Keys whose feature is to come: path, feature, and what to do until then.
const PLANNED: &[(&str, &str, &str)] = &[
    (
        "servers",
        "several servers behind one API",
        "give each server a folder with a deploy.toml of its own",
    ),
    (
        "canary",
        "canary deployment",
        "remove the section; a new version takes all traffic at once",
    ),
    (
        "budget",
        "a budget",
        "remove the section; AWS Budgets can watch the account meanwhile",
    ),
    (
        "domain",
        "a domain of your own",
        "remove the section; the server is reached at its API Gateway address",
    ),
    (
        "post_deploy_tests.apps_mode",
        "the check of widgets",
        "remove the key",
    ),
];

/// Words that people bring from elsewhere: path, and the key that is meant.
const MEANT: &[(&str, &str)] = &[
    ("env", "environment"),
    ("variables", "environment"),
    ("lambda.memory", "server.memory_mb"),
    ("lambda.memory_size", "server.memory_mb"),
    ("lambda.timeout", "server.timeout_seconds"),
    ("server.memory_size", "memory_mb"),
    ("server.runtime", "architecture"),
    ("server.concurrency", "reserved_concurrency"),
    ("server.path", "mcp_path"),
    ("server.bin", "binary"),
    ("server.crate", "package"),
    ("aws.account", "account_id"),
    ("aws.assume_role", "role_arn"),
    ("aws.endpoint", "endpoint_url"),
    ("auth.user_pool_id", "auth.cognito.user_pool_id"),
    ("auth.client_id", "auth.oidc.client_id"),
    ("observability.xray", "enable_xray"),
    ("observability.tracing", "enable_xray"),
    ("observability.dashboard", "create_dashboard"),
    ("observability.retention", "log_retention_days"),
    ("observability.alarms.errors", "error_threshold"),
    ("observability.alarms.latency_ms", "latency_threshold_ms"),
    ("observability.alarms.email", "observability.alarm_email"),
    ("api_gateway.throttle", "rate_limit"),
    ("api_gateway.allowed_origins", "cors_origins"),
    ("iam.policies", "statements"),
    ("iam.policy", "statements"),
    ("iam.statements.action", "actions"),
    ("iam.statements.resource", "resources"),
    ("state.backend", "type"),
    ("state.key", "prefix"),
    ("state.path", "prefix"),
    ("state.dynamodb_table", "lock_table"),
    ("state.kms_key_id", "state.encryption.kms_key"),
    ("state.encrypt", "state.encryption"),
    ("state.encryption.kms_key_id", "kms_key"),
    ("resources.type", "kind"),
    ("resources.id", "name"),
    ("resources.properties", "inputs"),
    ("resources.args", "inputs"),
    ("resources.dependsOn", "depends_on"),
    ("resources.lifecycle.prevent_destroy", "protect"),
    ("target.kind", "type"),
];

/// Keys of a server on Google Cloud Run: path, and what Lambda has instead.
const CLOUD_RUN: &[(&str, &str)] = &[
    ("server.memory", "use memory_mb, a number: memory_mb = 512"),
    (
        "server.cpu",
        "remove it; on Lambda the CPU grows with memory_mb",
    ),
    (
        "server.ingress",
        "remove it; the API is public, and [auth] decides who may call",
    ),
    (
        "server.allow_unauthenticated",
        "remove it; [auth] decides who may call",
    ),
    ("server.max_instances", "use reserved_concurrency"),
    ("server.min_instances", "use provisioned_concurrency"),
];

/// The key that people mean who write the one at `path`.
pub(super) fn meant_at(path: &str) -> Option<&'static str> {
    MEANT
        .iter()
        .find(|(known, _)| *known == path)
        .map(|(_, meant)| *meant)
}

/// What is known about the key at `path`, whose last part is `key`.
pub(super) fn known(path: &str, key: &str) -> Option<Known> {
    if let Some((_, feature, meanwhile)) = PLANNED.iter().find(|(known, ..)| *known == path) {
        return Some(Known {
            message: format!("`{key}` is not there yet in this version"),
            label: format!("{feature} is yet to come"),
            help: (*meanwhile).to_owned(),
        });
    }
    if let Some((_, instead)) = CLOUD_RUN.iter().find(|(known, _)| *known == path) {
        return Some(Known {
            message: format!("`{key}` is a key for Google Cloud Run"),
            label: "Lambda has no such setting".to_owned(),
            help: (*instead).to_owned(),
        });
    }
    if holds_a_value(path) {
        let help = match path.strip_prefix("secrets.").and_then(|path| path.split_once('.')) {
            Some((name, _)) => {
                format!("remove it, and set the value with mcpdeploy secrets set {name}")
            }
            None => "name it under [secrets] (OIDC_CLIENT_SECRET = \"for the login\"), give that name as `secret_name`, and set its value with mcpdeploy secrets set".to_owned(),
        };
        return Some(Known {
            message: "a secret's value must not be in the file".to_owned(),
            label: "remove this".to_owned(),
            help,
        });
    }
    // An environment is laid over the top level, and so are the environments within it.
    if path == "environments" {
        return Some(Known {
            message: "environments do not nest".to_owned(),
            label: "not within an environment".to_owned(),
            help: "move it to [environments.<name>] at the top level".to_owned(),
        });
    }
    let meant = meant_at(path)?;
    Some(Known {
        message: format!("unknown key `{key}`"),
        label: match meant.rsplit_once('.') {
            None => format!("did you mean `{meant}`?"),
            Some((section, leaf)) => format!("did you mean `{leaf}` under `[{section}]`?"),
        },
        help: String::new(),
    })
}
