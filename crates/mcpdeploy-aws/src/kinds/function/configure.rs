//! Changing a function.

use aws_sdk_lambda::types::{
    self as sdk, Environment, EphemeralStorage, LoggingConfig, TracingConfig, TracingMode,
};
use mcpdeploy_engine::kind::{Cx, Delta, KindError};
use mcpdeploy_engine::value::Input;

use super::{Architecture, FunctionInputs, Tracing, default_log_group, known, uploading};
use crate::clients::{Clients, upload_timeouts};
use crate::fault::Fault;
use crate::kinds::lambda_shared::{Progress, arn, failed, progress, wait_ready};
use crate::tags;

/// What UpdateFunctionConfiguration sets.
const CONFIGURATION: &[&str] = &[
    "/role",
    "/handler",
    "/runtime",
    "/memory_mb",
    "/timeout_seconds",
    "/ephemeral_storage_mb",
    "/environment",
    "/tracing",
    "/layers",
    "/description",
    "/log_group",
];

pub(super) async fn configure(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &FunctionInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    // The configuration first: a new role may have to be waited for, and each try would upload the
    // code again. Nobody sees `$LATEST` between the two but who invokes it without an alias.
    if delta.updates_any(CONFIGURATION) {
        update_configuration(cx, name, want).await?;
    }
    if delta.updates_any(&["/code/sha256", "/architecture"]) {
        update_code(cx, name, want).await?;
    }
    if delta.updates("/reserved_concurrency")
        || delta.is_created() && want.reserved_concurrency.is_some()
    {
        configure_concurrency(cx, name, want).await?;
    }
    if delta.updates("/tags") {
        configure_tags(cx, name, want).await?;
    }
    Ok(())
}

async fn update_code(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &FunctionInputs,
) -> Result<(), KindError> {
    let mut call = cx
        .clients
        .lambda()
        .update_function_code()
        .function_name(name)
        .architectures(want.architecture.into())
        .publish(false);
    call = match &want.code.s3 {
        Some(object) => call.s3_bucket(object.bucket.get()).s3_key(object.key.get()),
        None => {
            let zip = cx.clients.artifacts.bytes(&want.code.sha256).await?;
            call.zip_file(zip.into())
        }
    };
    cx.phase("uploading the code");
    let answer = call
        .customize()
        .config_override(aws_sdk_lambda::config::Builder::new().timeout_config(upload_timeouts()))
        .send()
        .await
        .fault("lambda", "UpdateFunctionCode", name)
        .map_err(|error| uploading(want, error))?;
    let progress = progress(
        answer.state(),
        answer.state_reason(),
        answer.last_update_status(),
        answer.last_update_status_reason(),
    );
    wait(cx, name, progress).await
}

async fn update_configuration(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &FunctionInputs,
) -> Result<(), KindError> {
    let answer = cx
        .clients
        .lambda()
        .update_function_configuration()
        .function_name(name)
        .role(want.role.get())
        .handler(&want.handler)
        .runtime(want.runtime.as_str().into())
        .description(&want.description)
        .memory_size(int(want.memory_mb))
        .timeout(int(want.timeout_seconds))
        .ephemeral_storage(storage(want)?)
        .environment(environment(want))
        .tracing_config(tracing(want))
        .set_layers(Some(layers(want)))
        .logging_config(logging(want))
        .send()
        .await
        .fault("lambda", "UpdateFunctionConfiguration", name)?;
    let progress = progress(
        answer.state(),
        answer.state_reason(),
        answer.last_update_status(),
        answer.last_update_status_reason(),
    );
    wait(cx, name, progress).await
}

/// Waits until Lambda takes the next change: here rather than in `settle`, because one update is
/// two changes.
async fn wait(cx: &Cx<'_, Clients>, name: &str, progress: Progress) -> Result<(), KindError> {
    match progress {
        Progress::Ready => Ok(()),
        Progress::Failed(reason) => Err(failed(name, &reason)),
        Progress::Busy => wait_ready(cx, name, None, "waiting until the update settles")
            .await
            .map(|_| ()),
    }
}

async fn configure_concurrency(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &FunctionInputs,
) -> Result<(), KindError> {
    let lambda = cx.clients.lambda();
    match want.reserved_concurrency {
        Some(reserved) => lambda
            .put_function_concurrency()
            .function_name(name)
            .reserved_concurrent_executions(int(reserved))
            .send()
            .await
            .fault("lambda", "PutFunctionConcurrency", name)
            .map(|_| ()),
        None => lambda
            .delete_function_concurrency()
            .function_name(name)
            .send()
            .await
            .fault("lambda", "DeleteFunctionConcurrency", name)
            .map(|_| ()),
    }
}

async fn configure_tags(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &FunctionInputs,
) -> Result<(), KindError> {
    let lambda = cx.clients.lambda();
    // Tagging wants the ARN.
    let arn = match &cx.placement.account {
        Some(_) => arn(Some(&want.name), cx.placement),
        None => wait_ready(cx, name, None, "waiting until the function is active")
            .await?
            .function_arn
            .unwrap_or_default(),
    };
    let arn = arn.as_str();
    let answer = lambda
        .list_tags()
        .resource(arn)
        .send()
        .await
        .fault("lambda", "ListTags", arn)?;
    let changes = tags::changes(&tags::from_map(answer.tags()), &want.tags);
    if !changes.set.is_empty() {
        lambda
            .tag_resource()
            .resource(arn)
            .set_tags(Some(tags::to_map(&changes.set)))
            .send()
            .await
            .fault("lambda", "TagResource", arn)?;
    }
    if !changes.remove.is_empty() {
        lambda
            .untag_resource()
            .resource(arn)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("lambda", "UntagResource", arn)?;
    }
    Ok(())
}

pub(super) fn environment(want: &FunctionInputs) -> Environment {
    let variables = want
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), value.get().clone()))
        .collect();
    Environment::builder()
        .set_variables(Some(variables))
        .build()
}

pub(super) fn layers(want: &FunctionInputs) -> Vec<String> {
    want.layers.iter().map(Input::get).cloned().collect()
}

pub(super) fn logging(want: &FunctionInputs) -> LoggingConfig {
    let group = known(&want.log_group)
        .map_or_else(|| default_log_group(&want.name), |group| group.to_string());
    LoggingConfig::builder().log_group(group).build()
}

pub(super) fn tracing(want: &FunctionInputs) -> TracingConfig {
    let mode = match want.tracing {
        Tracing::Active => TracingMode::Active,
        Tracing::PassThrough => TracingMode::PassThrough,
    };
    TracingConfig::builder().mode(mode).build()
}

pub(super) fn storage(want: &FunctionInputs) -> Result<EphemeralStorage, KindError> {
    EphemeralStorage::builder()
        .size(int(want.ephemeral_storage_mb))
        .build()
        .map_err(|error| KindError::fatal(error.to_string()))
}

pub(super) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl From<Architecture> for sdk::Architecture {
    fn from(architecture: Architecture) -> Self {
        match architecture {
            Architecture::X86_64 => Self::X8664,
            Architecture::Arm64 => Self::Arm64,
        }
    }
}
