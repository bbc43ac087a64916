//! Reading a function back into the inputs that would give it.

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{self as sdk, FunctionConfiguration, TracingMode};
use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::kind::Observed;
use mcpdeploy_engine::value::Input;

use super::{
    Architecture, Code, Function, FunctionInputs, Tracing, default_log_group, known, outputs,
};
use crate::artifacts::CodeSha256;
use crate::ids::{FunctionName, LogGroupName, RoleArn};
use crate::tags;

/// Lambda does not tell where the code came from, and its size says no more than its digest.
const UNOBSERVED: &[&str] = &["/code/s3", "/code/size"];
/// As [`UNOBSERVED`], when the caller may not see the environment (a key of KMS) or the tags.
const HIDDEN_ENVIRONMENT: &[&str] = &["/code/s3", "/code/size", "/environment"];
const HIDDEN_TAGS: &[&str] = &["/code/s3", "/code/size", "/tags"];
const HIDDEN_BOTH: &[&str] = &["/code/s3", "/code/size", "/environment", "/tags"];

/// The function as it is; `asked` are the inputs that it is compared with.
pub(super) fn observe(
    region: &str,
    answer: &GetFunctionOutput,
    asked: &FunctionInputs,
) -> Option<Observed<Function>> {
    let configuration = answer.configuration()?;
    let name = FunctionName::new(configuration.function_name()?);
    let hidden_environment = configuration
        .environment()
        .is_some_and(|environment| environment.error().is_some());
    let unobserved = match (hidden_environment, answer.tags_error().is_some()) {
        (false, false) => UNOBSERVED,
        (true, false) => HIDDEN_ENVIRONMENT,
        (false, true) => HIDDEN_TAGS,
        (true, true) => HIDDEN_BOTH,
    };
    let mut inputs = FunctionInputs {
        log_group: log_group(configuration, &name, asked),
        name,
        role: RoleArn::new(configuration.role().unwrap_or_default()).into(),
        code: Code {
            sha256: CodeSha256::new(configuration.code_sha256().unwrap_or_default()),
            size: u64::try_from(configuration.code_size).unwrap_or_default(),
            s3: asked.code.s3.clone(),
        },
        handler: configuration.handler().unwrap_or_default().to_owned(),
        runtime: configuration
            .runtime()
            .map_or_else(String::new, |runtime| runtime.as_str().to_owned()),
        architecture: match configuration.architectures().first() {
            Some(sdk::Architecture::Arm64) => Architecture::Arm64,
            _ => Architecture::X86_64,
        },
        memory_mb: number(configuration.memory_size()).unwrap_or(128),
        timeout_seconds: number(configuration.timeout()).unwrap_or(3),
        ephemeral_storage_mb: configuration
            .ephemeral_storage()
            .and_then(|storage| number(Some(storage.size())))
            .unwrap_or(512),
        environment: configuration
            .environment()
            .and_then(|environment| environment.variables())
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), Input::Value(value.clone())))
            .collect(),
        tracing: match configuration
            .tracing_config()
            .and_then(|tracing| tracing.mode())
        {
            Some(TracingMode::Active) => Tracing::Active,
            _ => Tracing::PassThrough,
        },
        layers: configuration
            .layers()
            .iter()
            .filter_map(|layer| layer.arn())
            .map(Input::from)
            .collect(),
        reserved_concurrency: answer
            .concurrency()
            .and_then(|concurrency| number(concurrency.reserved_concurrent_executions())),
        description: configuration.description().unwrap_or_default().to_owned(),
        tags: tags::from_map(answer.tags()),
    };
    if hidden_environment {
        inputs.environment.clone_from(&asked.environment);
    }
    let arn = configuration.function_arn().unwrap_or_default();
    Some(Observed {
        id: PhysicalId::new(inputs.name.as_str()),
        outputs: outputs(region, arn, &inputs),
        inputs,
        unobserved,
    })
}

/// Lambda names the default group too, which is no difference where none was asked for.
fn log_group(
    configuration: &FunctionConfiguration,
    name: &FunctionName,
    asked: &FunctionInputs,
) -> Option<Input<LogGroupName>> {
    let group = configuration
        .logging_config()
        .and_then(|logging| logging.log_group());
    let default = default_log_group(name);
    let asked = known(&asked.log_group);
    match group {
        Some(group) if group != default || asked.is_some() => Some(LogGroupName::new(group).into()),
        // Emulators leave it out.
        None => asked
            .filter(|asked| asked.as_str() == default)
            .map(Input::from),
        Some(_) => None,
    }
}

fn number(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::types::{
        Concurrency, EnvironmentError, EnvironmentResponse, LoggingConfig, Runtime,
    };

    use super::*;

    fn asked() -> FunctionInputs {
        let code = Code {
            sha256: CodeSha256::of(b"zip"),
            size: 3,
            s3: None,
        };
        FunctionInputs::new("x", RoleArn::new("arn:aws:iam::1:role/x"), code)
    }

    fn configuration() -> sdk::builders::FunctionConfigurationBuilder {
        FunctionConfiguration::builder()
            .function_name("x")
            .function_arn("arn:aws:lambda:eu-central-1:1:function:x")
            .role("arn:aws:iam::1:role/x")
            .handler("bootstrap")
            .runtime(Runtime::from("provided.al2023"))
            .code_sha256(CodeSha256::of(b"zip").as_str())
            .code_size(3)
            .timeout(3)
            .logging_config(LoggingConfig::builder().log_group("/aws/lambda/x").build())
    }

    fn observe_one(
        configuration: sdk::builders::FunctionConfigurationBuilder,
        asked: &FunctionInputs,
    ) -> Observed<Function> {
        let answer = GetFunctionOutput::builder()
            .configuration(configuration.build())
            .build();
        observe("eu-central-1", &answer, asked).unwrap()
    }

    #[test]
    fn what_lambda_fills_in_is_no_difference() {
        let observed = observe_one(configuration(), &asked());
        assert_eq!(observed.inputs, asked());
        assert_eq!(observed.outputs.fingerprint, asked().fingerprint());
        assert_eq!(
            observed.outputs.invoke_arn.as_str(),
            "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:1:function:x/invocations"
        );
        let mut explicit = asked();
        explicit.log_group = Some(LogGroupName::new("/aws/lambda/x").into());
        assert_eq!(observe_one(configuration(), &explicit).inputs, explicit);
    }

    #[test]
    fn a_hidden_environment_counts_as_unchanged() {
        let mut asked = asked();
        asked.environment.insert("AB".into(), "x".into());
        let error = EnvironmentError::builder()
            .error_code("AccessDeniedException")
            .build();
        let hidden = EnvironmentResponse::builder().error(error).build();
        let observed = observe_one(configuration().environment(hidden), &asked);
        assert!(observed.unobserved.contains(&"/environment"));
        assert_eq!(observed.outputs.fingerprint, asked.fingerprint());
    }

    #[test]
    fn drift_is_seen() {
        let answer = GetFunctionOutput::builder()
            .configuration(configuration().memory_size(256).build())
            .concurrency(
                Concurrency::builder()
                    .reserved_concurrent_executions(5)
                    .build(),
            )
            .build();
        let observed = observe("eu-central-1", &answer, &asked()).unwrap();
        assert_eq!(observed.inputs.memory_mb, 256);
        assert_eq!(observed.inputs.reserved_concurrency, Some(5));
        assert_ne!(observed.outputs.fingerprint, asked().fingerprint());
    }
}
