//! What a caller can set about a function, and whether it may.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::faults::{Violations, invalid};
use super::model::{Configuration, Logging};
use super::runtimes;
use crate::wire::Fault;

/// All names and values of an environment together, as JSON, in bytes.
const LARGEST_ENVIRONMENT: usize = 4096;
/// Source: the API's model, `RoleArn`.
const ROLE_PATTERN: &str = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";

/// Variables that are Lambda's. Source: "Defined runtime environment variables".
const RESERVED: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

/// What CreateFunction and UpdateFunctionConfiguration have in common.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Settings {
    pub(super) role: Option<String>,
    pub(super) runtime: Option<String>,
    pub(super) handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    environment: Option<Environment>,
    ephemeral_storage: Option<EphemeralStorage>,
    tracing_config: Option<Tracing>,
    dead_letter_config: Option<DeadLetter>,
    logging_config: Option<LoggingInput>,
    #[serde(rename = "KMSKeyArn")]
    kms_key_arn: Option<String>,
    vpc_config: Option<Vpc>,
    snap_start: Option<SnapStart>,
    layers: Option<Vec<String>>,
    file_system_configs: Option<Vec<Value>>,
    image_config: Option<Value>,
    capacity_provider_config: Option<Value>,
    durable_config: Option<Value>,
    tenancy_config: Option<Value>,
    pub(super) revision_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EphemeralStorage {
    size: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tracing {
    mode: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeadLetter {
    target_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LoggingInput {
    log_format: Option<String>,
    application_log_level: Option<String>,
    system_log_level: Option<String>,
    log_group: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vpc {
    #[serde(default)]
    subnet_ids: Vec<String>,
    #[serde(default)]
    security_group_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnapStart {
    apply_on: Option<String>,
}

impl Settings {
    /// Notes what the service's model does not allow.
    pub(super) fn note(&self, violations: &mut Violations) {
        if let Some(role) = &self.role
            && !is_role(role)
        {
            violations.add(
                role,
                "role",
                &format!("Member must satisfy regular expression pattern: {ROLE_PATTERN}"),
            );
        }
        if let Some(handler) = &self.handler {
            violations.longest(handler, "handler", 128);
            if handler.is_empty() || handler.chars().any(char::is_whitespace) {
                violations.add(
                    handler,
                    "handler",
                    r"Member must satisfy regular expression pattern: [^\s]+",
                );
            }
        }
        if let Some(description) = &self.description {
            violations.longest(description, "description", 256);
        }
        if let Some(timeout) = self.timeout {
            violations.bounds(timeout, "timeout", 1, 900);
        }
        if let Some(memory) = self.memory_size {
            violations.bounds(memory, "memorySize", 128, 10240);
        }
        if let Some(size) = self.ephemeral_storage.as_ref().and_then(|s| s.size) {
            violations.bounds(size, "ephemeralStorage.size", 512, 10240);
        }
        if let Some(mode) = self.tracing_config.as_ref().and_then(|t| t.mode.as_ref()) {
            violations.one_of(mode, "tracingConfig.mode", &["Active", "PassThrough"]);
        }
        if let Some(apply_on) = self.snap_start.as_ref().and_then(|s| s.apply_on.as_ref()) {
            violations.one_of(
                apply_on,
                "snapStart.applyOn",
                &["PublishedVersions", "None"],
            );
        }
        if let Some(logging) = &self.logging_config {
            logging.note(violations);
        }
        let names = self
            .environment
            .iter()
            .filter_map(|environment| environment.variables.as_ref())
            .flat_map(BTreeMap::keys);
        // `_HANDLER` breaks the pattern too, and is told as reserved.
        if names
            .clone()
            .any(|name| !is_variable(name) && !RESERVED.contains(&name.as_str()))
        {
            violations.add_hidden(
                "environment.variables",
                "Map keys must satisfy constraint: [Member must satisfy regular expression \
                 pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]",
            );
        }
    }

    /// What the model allows and the service refuses.
    ///
    /// # Errors
    /// `InvalidParameterValueException`, or that the embedded cloud does not have it.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if let Some(runtime) = &self.runtime {
            runtimes::check(runtime)?;
        }
        if let Some(variables) = self.environment.as_ref().and_then(|e| e.variables.as_ref()) {
            check_environment(variables)?;
        }
        if let Some(logging) = &self.logging_config {
            logging.check()?;
        }
        if let Some(arn) = self.dead_letter() {
            check_dead_letter(arn)?;
        }
        let some = |list: &Option<Vec<Value>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let set = |value: &Option<Value>| {
            let value = value.as_ref();
            value.is_some_and(|v| v.as_object().is_none_or(|fields| !fields.is_empty()))
        };
        let absent = |what: &str| Err(Fault::absent(what));
        if self
            .layers
            .as_ref()
            .is_some_and(|layers| !layers.is_empty())
        {
            return absent("layers of functions");
        }
        if some(&self.file_system_configs) {
            return absent("file systems of functions");
        }
        if set(&self.image_config) {
            return absent("functions from container images");
        }
        if set(&self.capacity_provider_config) {
            return absent("capacity providers of functions");
        }
        if set(&self.durable_config) {
            return absent("durable functions");
        }
        if set(&self.tenancy_config) {
            return absent("tenant isolation of functions");
        }
        if let Some(vpc) = &self.vpc_config
            && !(vpc.subnet_ids.is_empty() && vpc.security_group_ids.is_empty())
        {
            return absent("networks of functions (VpcConfig)");
        }
        let snap = self.snap_start.as_ref().and_then(|s| s.apply_on.as_deref());
        match (snap, &self.runtime) {
            (Some("PublishedVersions"), Some(runtime)) if runtime.starts_with("provided") => {
                Err(invalid(format!(
                    "{runtime} is not supported for SnapStart enabled functions."
                )))
            }
            (Some("PublishedVersions"), _) => absent("SnapStart"),
            (Some(_) | None, _) => Ok(()),
        }
    }

    fn dead_letter(&self) -> Option<&str> {
        let config = self.dead_letter_config.as_ref()?;
        config.target_arn.as_deref().filter(|arn| !arn.is_empty())
    }

    /// Writes what is set into a configuration.
    pub(super) fn apply(self, to: &mut Configuration) {
        if let Some(arn) = self.dead_letter().map(str::to_owned) {
            to.dead_letter = Some(arn);
        } else if self.dead_letter_config.is_some() {
            to.dead_letter = None;
        }
        if let Some(role) = self.role {
            to.role = role;
        }
        if let Some(runtime) = self.runtime {
            to.runtime = runtime;
        }
        if let Some(handler) = self.handler {
            to.handler = handler;
        }
        if let Some(description) = self.description {
            to.description = description;
        }
        if let Some(timeout) = self.timeout {
            to.timeout = number(timeout);
        }
        if let Some(memory) = self.memory_size {
            to.memory_mb = number(memory);
        }
        if let Some(size) = self.ephemeral_storage.and_then(|storage| storage.size) {
            to.ephemeral_mb = number(size);
        }
        if let Some(environment) = self.environment {
            to.environment = Some(environment.variables.unwrap_or_default());
        }
        if let Some(mode) = self.tracing_config.and_then(|tracing| tracing.mode) {
            to.tracing = mode;
        }
        if let Some(key) = self.kms_key_arn {
            to.kms_key = Some(key).filter(|key| !key.is_empty());
        }
        if let Some(logging) = self.logging_config {
            logging.apply(&mut to.logging);
        }
    }
}

impl LoggingInput {
    fn note(&self, violations: &mut Violations) {
        if let Some(format) = &self.log_format {
            violations.one_of(format, "loggingConfig.logFormat", &["JSON", "Text"]);
        }
        if let Some(level) = &self.application_log_level {
            violations.one_of(
                level,
                "loggingConfig.applicationLogLevel",
                &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"],
            );
        }
        if let Some(level) = &self.system_log_level {
            violations.one_of(
                level,
                "loggingConfig.systemLogLevel",
                &["DEBUG", "INFO", "WARN"],
            );
        }
        if let Some(group) = &self.log_group {
            violations.longest(group, "loggingConfig.logGroup", 512);
            let fits = |c: char| c.is_ascii_alphanumeric() || ".-_/#".contains(c);
            if group.is_empty() || !group.chars().all(fits) {
                violations.add(
                    group,
                    "loggingConfig.logGroup",
                    r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
                );
            }
        }
    }

    fn check(&self) -> Result<(), Fault> {
        let levels = self.application_log_level.is_some() || self.system_log_level.is_some();
        if levels && self.log_format.as_deref() == Some("Text") {
            return Err(invalid(
                "To set ApplicationLogLevel or SystemLogLevel, set your LogFormat to JSON.",
            ));
        }
        Ok(())
    }

    fn apply(self, to: &mut Logging) {
        if let Some(format) = self.log_format {
            let json = format == "JSON";
            // Switching to JSON sets both levels, switching to text removes them.
            let default = json.then(|| "INFO".to_owned());
            if json != (to.format == "JSON") {
                to.application_level.clone_from(&default);
                to.system_level = default;
            }
            to.format = format;
        }
        if let Some(level) = self.application_log_level {
            to.application_level = Some(level);
        }
        if let Some(level) = self.system_log_level {
            to.system_level = Some(level);
        }
        if let Some(group) = self.log_group {
            to.group = group;
        }
    }
}

fn check_environment(variables: &BTreeMap<String, String>) -> Result<(), Fault> {
    let reserved: Vec<&str> = variables
        .keys()
        .map(String::as_str)
        .filter(|name| RESERVED.contains(name))
        .collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided contains reserved keys that are currently not supported \
             for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    let text = serde_json::to_string(variables).unwrap_or_default();
    if text.len() > LARGEST_ENVIRONMENT {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit. String measured: {text}"
        )));
    }
    Ok(())
}

fn check_dead_letter(arn: &str) -> Result<(), Fault> {
    match arn.split(':').nth(2) {
        Some("sns") => Ok(()),
        Some("sqs") => Err(Fault::absent("queues (SQS) as a dead letter's target")),
        Some(_) | None => Err(invalid(format!(
            "The provided dead letter target {arn} is invalid. Target must be an SNS topic or SQS queue ARN."
        ))),
    }
}

/// Numbers have been held to their bounds before.
fn number(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && name.len() > 1
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let arn = parts.next() == Some("arn");
    let partition = parts
        .next()
        .is_some_and(|part| part.is_empty() || part.starts_with("aws"));
    let iam = parts.next() == Some("iam") && parts.next() == Some("");
    let account = parts
        .next()
        .is_some_and(|part| part.len() == 12 && part.chars().all(|c| c.is_ascii_digit()));
    let name = parts.next().and_then(|part| part.strip_prefix("role"));
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@-_/".contains(c);
    arn && partition
        && iam
        && account
        && name.is_some_and(|name| !name.is_empty() && name != "/" && name.chars().all(fits))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Settings {
        serde_json::from_value(value).unwrap()
    }

    fn refused(value: Value) -> String {
        let settings = read(value);
        let mut violations = Violations::default();
        settings.note(&mut violations);
        let fault = violations.check().and_then(|()| settings.check());
        let fault = fault.unwrap_err();
        format!("{}: {}", fault.code, fault.message)
    }

    #[test]
    fn bounds_and_patterns() {
        for value in [
            json!({"Timeout": 0}),
            json!({"Timeout": 901}),
            json!({"MemorySize": 127}),
            json!({"MemorySize": 10241}),
            json!({"EphemeralStorage": {"Size": 511}}),
            json!({"Description": "x".repeat(257)}),
            json!({"Handler": "a b"}),
            json!({"TracingConfig": {"Mode": "On"}}),
            json!({"Role": "arn:aws:iam::1:role/x"}),
            json!({"Environment": {"Variables": {"1A": ""}}}),
            json!({"LoggingConfig": {"LogFormat": "text"}}),
            json!({"LoggingConfig": {"LogGroup": "a b"}}),
        ] {
            let text = refused(value);
            assert!(
                text.starts_with("ValidationException: 1 validation"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_environment_has_reserved_names_and_an_end() {
        let text =
            refused(json!({"Environment": {"Variables": {"AWS_REGION": "x", "_HANDLER": "y"}}}));
        assert!(
            text.ends_with("used in this request: AWS_REGION, _HANDLER"),
            "{text}"
        );
        let text = refused(json!({"Environment": {"Variables": {"AA": "x".repeat(4096)}}}));
        assert!(text.contains("exceeded the 4KB limit"), "{text}");
    }

    #[test]
    fn what_is_not_there_says_so() {
        for value in [
            json!({"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]}),
            json!({"VpcConfig": {"SubnetIds": ["subnet-1"]}}),
            json!({"ImageConfig": {"Command": ["x"]}}),
            json!({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:1:q"}}),
        ] {
            let text = refused(value);
            assert!(text.starts_with("NotImplementedException"), "{text}");
        }
        let nothing = json!({"Layers": [], "VpcConfig": {"SubnetIds": []}, "ImageConfig": {}});
        assert!(read(nothing).check().is_ok());
    }

    #[test]
    fn levels_come_and_go_with_the_format() {
        let mut logging = Logging {
            format: "Text".to_owned(),
            application_level: None,
            system_level: None,
            group: "/aws/lambda/f".to_owned(),
        };
        let mut apply = |value: Value| {
            let input: LoggingInput = serde_json::from_value(value).unwrap();
            input.apply(&mut logging);
            (
                logging.application_level.clone(),
                logging.system_level.clone(),
            )
        };
        let info = Some("INFO".to_owned());
        assert_eq!(
            apply(json!({"LogFormat": "JSON"})),
            (info.clone(), info.clone())
        );
        let warn = Some("WARN".to_owned());
        assert_eq!(
            apply(json!({"SystemLogLevel": "WARN"})),
            (info.clone(), warn.clone())
        );
        assert_eq!(apply(json!({"LogFormat": "JSON"})), (info, warn));
        assert_eq!(apply(json!({"LogFormat": "Text"})), (None, None));
    }
}
