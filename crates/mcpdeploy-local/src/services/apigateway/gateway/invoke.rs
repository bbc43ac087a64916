//! How a gateway runs functions.

use std::sync::Arc;

use bytes::Bytes;

use crate::cloud::Cloud;
use crate::services::lambda::{Ran, Refused, ServiceInvoke};

/// Runs a function as API Gateway. It goes on when nobody waits for it any more, as on AWS, where a
/// gateway that gave up does not stop a function.
pub(super) async fn invoke(
    cloud: &Cloud,
    function: &Arc<str>,
    source_arn: &Arc<str>,
    trace: Option<String>,
    payload: Bytes,
) -> Result<Ran, Refused> {
    let owner = cloud.clone();
    let (function, source_arn) = (Arc::clone(function), Arc::clone(source_arn));
    let running = cloud.tasks().spawn(async move {
        let invoke = ServiceInvoke {
            function: &function,
            payload,
            principal: "apigateway.amazonaws.com",
            source_arn: &source_arn,
            trace: trace.as_deref(),
        };
        run(&owner, invoke).await
    });
    running
        .await
        .unwrap_or_else(|error| Err(Refused::Invalid(error.to_string())))
}

#[cfg(not(test))]
async fn run(cloud: &Cloud, invoke: ServiceInvoke<'_>) -> Result<Ran, Refused> {
    cloud.services().lambda.invoke_for(cloud, invoke).await
}

/// In tests of the gateway, functions are scripts.
#[cfg(test)]
async fn run(cloud: &Cloud, invoke: ServiceInvoke<'_>) -> Result<Ran, Refused> {
    let script = cloud.services().apigateway.script();
    match script {
        Some(script) => script.run(&invoke).await,
        None => cloud.services().lambda.invoke_for(cloud, invoke).await,
    }
}
