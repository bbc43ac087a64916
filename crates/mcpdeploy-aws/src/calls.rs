//! Watching which operations are called: for tests that hold a kind to the permissions it declares,
//! and for whoever wants to count.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Told service (by the name that [`crate::fault`] uses) and operation before each call.
pub type OnCall = Arc<dyn Fn(&str, &str) + Send + Sync>;

pub(crate) fn interceptor(on_call: OnCall) -> SharedInterceptor {
    SharedInterceptor::new(Watch(on_call))
}

struct Watch(OnCall);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    // At the hook before this one the operation is not known yet.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = bag.load::<Metadata>() {
            (self.0)(service(metadata.service()), metadata.name());
        }
        Ok(())
    }
}

/// Our name for a service, from the SDK's.
fn service(sdk_id: &str) -> &str {
    match sdk_id {
        "ApiGatewayV2" => "apigatewayv2",
        "CloudWatch" => "cloudwatch",
        "CloudWatch Logs" => "logs",
        "Cognito Identity Provider" => "cognito-idp",
        "DynamoDB" => "dynamodb",
        "IAM" => "iam",
        "KMS" => "kms",
        "Lambda" => "lambda",
        "S3" => "s3",
        "Secrets Manager" => "secretsmanager",
        "SNS" => "sns",
        "SSM" => "ssm",
        "STS" => "sts",
        other => other,
    }
}
