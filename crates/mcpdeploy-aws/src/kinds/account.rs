//! The account that a resource is in, for ARNs that no answer tells.

use mcpdeploy_engine::kind::{Cx, KindError};

use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::partition;

/// The account: the placement's, else asked for.
pub(super) async fn account(cx: &Cx<'_, Clients>) -> Result<String, KindError> {
    if let Some(account) = &cx.placement.account {
        return Ok(account.clone());
    }
    let answer = cx.clients.sts().get_caller_identity().send().await.fault(
        "sts",
        "GetCallerIdentity",
        "the caller",
    )?;
    Ok(answer.account.unwrap_or_default())
}

/// The ARN of something in the resource's region and account.
pub(super) async fn regional_arn(
    cx: &Cx<'_, Clients>,
    service: &str,
    rest: &str,
) -> Result<String, KindError> {
    let region = cx.clients.region();
    let account = account(cx).await?;
    Ok(format!(
        "arn:{}:{service}:{region}:{account}:{rest}",
        partition(region)
    ))
}
