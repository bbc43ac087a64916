//! `aws.lambda.function`: a Lambda function from a zip, `$LATEST` only.
//!
//! Facts, from the Lambda API reference and developer guide:
//! - CreateFunction and UpdateFunctionCode take up to 50 MB of zip inline, larger ones from a
//!   bucket of the function's region; `CodeSha256` is the zip's digest;
//! - after either update `LastUpdateStatus` is `InProgress`, and any other change is refused until
//!   it is `Successful`; after creation the same holds for `State` `Pending`;
//! - a role is not assumable for some seconds after its creation: CreateFunction then fails with
//!   `InvalidParameterValueException`, which [`crate::fault`] classes as propagation;
//! - GetFunction tells configuration, tags and reserved concurrency in one call;
//! - an empty `Variables` map or layer list in an update clears them, an absent one leaves them;
//! - without a logging configuration Lambda logs to `/aws/lambda/<name>` and makes that group,
//!   without retention, when it is not there.

mod configure;
mod inputs;
mod observe;

use aws_sdk_lambda::types::FunctionCode;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lambda_shared::{Progress, arn, invoke_arn, progress, serial_key, wait_ready};
use crate::clients::{Clients, upload_timeouts};
use crate::fault::Fault;
use crate::ids::{BucketName, FunctionArn, FunctionName, InvokeArn, RoleArn, partition};
use crate::tags;

pub use inputs::{Architecture, Code, CodeObject, FunctionInputs, Tracing};

/// A Lambda function.
#[derive(Debug)]
pub enum Function {}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionOutputs {
    /// Its ARN, without qualifier.
    pub arn: FunctionArn,
    /// Its name.
    pub name: FunctionName,
    /// The ARN by which API Gateway invokes `$LATEST`.
    pub invoke_arn: InvokeArn,
    /// The digest of everything that publishing a version freezes: another one asks for another
    /// version.
    pub fingerprint: String,
}

impl Function {
    /// Refers to the ARN of the function at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<FunctionArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the function at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<FunctionName> {
        Ref::new(address, "/name")
    }

    /// Refers to the ARN by which API Gateway invokes the function at `address`.
    #[must_use]
    pub fn invoke_arn(address: &Address) -> Ref<InvokeArn> {
        Ref::new(address, "/invoke_arn")
    }

    /// Refers to the fingerprint of the function at `address`.
    #[must_use]
    pub fn fingerprint(address: &Address) -> Ref<String> {
        Ref::new(address, "/fingerprint")
    }
}

impl Kind for Function {
    const NAME: &'static str = "aws.lambda.function";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    const VOLATILE: &'static [(&'static str, &'static str)] = &[
        ("/role", "/fingerprint"),
        ("/code/sha256", "/fingerprint"),
        ("/handler", "/fingerprint"),
        ("/runtime", "/fingerprint"),
        ("/architecture", "/fingerprint"),
        ("/memory_mb", "/fingerprint"),
        ("/timeout_seconds", "/fingerprint"),
        ("/ephemeral_storage_mb", "/fingerprint"),
        ("/environment", "/fingerprint"),
        ("/tracing", "/fingerprint"),
        ("/layers", "/fingerprint"),
        ("/log_group", "/fingerprint"),
    ];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 8000;

    type Clients = Clients;
    type Inputs = FunctionInputs;
    type Outputs = FunctionOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        Some(serial_key(&inputs.name.clone().into()))
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        inputs.validate()
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let actions: &[&str] = match op {
            Op::Read => &["lambda:GetFunction"],
            Op::Create => &[
                "lambda:CreateFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:PutFunctionConcurrency",
                "lambda:TagResource",
            ],
            Op::Update => &[
                "lambda:DeleteFunctionConcurrency",
                "lambda:GetFunctionConfiguration",
                "lambda:ListTags",
                "lambda:PutFunctionConcurrency",
                "lambda:TagResource",
                "lambda:UntagResource",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ],
            Op::Delete => &["lambda:DeleteFunction"],
        };
        let mut all = Permission::all(actions, &arn(Some(&inputs.name), placement));
        if matches!(op, Op::Create | Op::Update) {
            all.extend(passed_on(inputs, placement));
        }
        all
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let answer = cx
            .clients
            .lambda()
            .get_function()
            .function_name(name)
            .send()
            .await
            .found("lambda", "GetFunction", name)?;
        Ok(answer.and_then(|answer| observe::observe(cx.clients.region(), &answer, who.inputs)))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let code = match &want.code.s3 {
            Some(object) => FunctionCode::builder()
                .s3_bucket(object.bucket.get())
                .s3_key(object.key.get())
                .build(),
            None => {
                let zip = cx.clients.artifacts.bytes(&want.code.sha256).await?;
                FunctionCode::builder().zip_file(zip.into()).build()
            }
        };
        let answer = cx
            .clients
            .lambda()
            .create_function()
            .function_name(&want.name)
            .role(want.role.get())
            .code(code)
            .handler(&want.handler)
            .runtime(want.runtime.as_str().into())
            .architectures(want.architecture.into())
            .set_description(Some(want.description.clone()).filter(|text| !text.is_empty()))
            .memory_size(configure::int(want.memory_mb))
            .timeout(configure::int(want.timeout_seconds))
            .ephemeral_storage(configure::storage(want)?)
            .environment(configure::environment(want))
            .tracing_config(configure::tracing(want))
            .set_layers(Some(configure::layers(want)).filter(|layers| !layers.is_empty()))
            .set_logging_config(want.log_group.as_ref().map(|_| configure::logging(want)))
            .set_tags((!want.tags.is_empty()).then(|| tags::to_map(&want.tags)))
            .publish(false)
            .customize()
            .config_override(
                aws_sdk_lambda::config::Builder::new().timeout_config(upload_timeouts()),
            )
            .send()
            .await
            .fault("lambda", "CreateFunction", &want.name)
            .map_err(|error| uploading(want, error))?;
        let progress = progress(
            answer.state(),
            answer.state_reason(),
            answer.last_update_status(),
            answer.last_update_status_reason(),
        );
        Ok(match answer.function_arn() {
            Some(arn) if progress == Progress::Ready => {
                Created::with(&want.name, outputs(cx.clients.region(), arn, want))
            }
            _ => Created::id(&want.name),
        })
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        configure::configure(cx, id.as_str(), want, delta).await
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(so_far) = so_far {
            // After an update `configure` has waited already; only the fingerprint is another.
            return Ok(FunctionOutputs {
                fingerprint: want.fingerprint(),
                ..so_far
            });
        }
        let ready = wait_ready(
            cx,
            id.as_str(),
            None,
            "waiting until the function is active",
        )
        .await?;
        let arn = ready.function_arn().unwrap_or_default();
        Ok(outputs(cx.clients.region(), arn, want))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .lambda()
            .delete_function()
            .function_name(id.as_str())
            .send()
            .await
            .removed("lambda", "DeleteFunction", id)
    }
}

/// What the caller must be allowed to pass on to the function.
fn passed_on(inputs: &FunctionInputs, placement: &Placement) -> Vec<Permission> {
    let partition = partition(placement.region_or_any());
    let role = inputs.role.known().map_or_else(
        || format!("arn:{partition}:iam::{}:role/*", placement.account_or_any()),
        RoleArn::to_string,
    );
    let mut all = vec![Permission::new("iam:PassRole", role)];
    if let Some(object) = &inputs.code.s3 {
        let bucket = object.bucket.known().map_or("*", BucketName::as_str);
        let key = object.key.known().map_or("*", |key| key.as_str());
        all.push(Permission::new(
            "s3:GetObject",
            format!("arn:{partition}:s3:::{bucket}/{key}"),
        ));
    }
    all.extend(inputs.layers.iter().map(|layer| {
        let layer = layer.known().map_or("*", String::as_str);
        Permission::new("lambda:GetLayerVersion", layer)
    }));
    all
}

/// The failure of a call that carries the code: unless that is in a bucket, each try uploads it.
fn uploading(want: &FunctionInputs, error: KindError) -> KindError {
    match want.code.s3 {
        Some(_) => error,
        None => error.costly(),
    }
}

fn outputs(region: &str, arn: &str, inputs: &FunctionInputs) -> FunctionOutputs {
    FunctionOutputs {
        arn: FunctionArn::new(arn),
        name: inputs.name.clone(),
        invoke_arn: invoke_arn(region, arn),
        fingerprint: inputs.fingerprint(),
    }
}

/// The log group that Lambda uses when it is not told another.
fn default_log_group(name: &FunctionName) -> String {
    format!("/aws/lambda/{name}")
}

/// Reads a known input.
fn known<T: Clone>(input: &Option<Input<T>>) -> Option<T> {
    input.as_ref().and_then(Input::known).cloned()
}
