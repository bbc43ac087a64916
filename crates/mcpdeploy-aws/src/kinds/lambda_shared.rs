//! What the kinds of Lambda have in common: ARNs, serial keys and waiting for a function.

use aws_sdk_lambda::types::{FunctionConfiguration, LastUpdateStatus, State};
use mcpdeploy_engine::kind::{Cx, KindError, Placement, Poll};
use mcpdeploy_engine::value::Input;

use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{FunctionName, InvokeArn, partition};

/// A function and all that belongs to it change one at a time: Lambda refuses the second of two
/// changes under way.
pub(super) fn serial_key(function: &Input<FunctionName>) -> String {
    match function {
        Input::Value(name) => format!("lambda:{name}"),
        Input::Open(open) => format!("lambda:{open}"),
    }
}

/// The ARN of a function, `*` for what is not known yet; for permissions.
pub(super) fn arn(function: Option<&FunctionName>, placement: &Placement) -> String {
    let region = placement.region_or_any();
    format!(
        "arn:{}:lambda:{region}:{}:function:{}",
        partition(region),
        placement.account_or_any(),
        function.map_or("*", FunctionName::as_str)
    )
}

/// The ARN by which API Gateway invokes what has the ARN `arn`.
pub(super) fn invoke_arn(region: &str, arn: &str) -> InvokeArn {
    InvokeArn::new(format!(
        "arn:{}:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        partition(region)
    ))
}

/// How far a function, or one version of it, has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It can be used and changed.
    Ready,
    /// Lambda is still at it.
    Busy,
    /// Lambda has given up, with this reason.
    Failed(String),
}

/// Reads the two states of a function. Emulators leave them out, which counts as ready.
pub(super) fn progress(
    state: Option<&State>,
    state_reason: Option<&str>,
    update: Option<&LastUpdateStatus>,
    update_reason: Option<&str>,
) -> Progress {
    let failed = |reason: Option<&str>| {
        Progress::Failed(reason.unwrap_or("Lambda gives no reason").to_owned())
    };
    match (state, update) {
        (Some(State::Failed), _) => failed(state_reason),
        (_, Some(LastUpdateStatus::Failed)) => failed(update_reason),
        (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => Progress::Busy,
        _ => Progress::Ready,
    }
}

/// [`progress`] of a whole configuration.
pub(super) fn progress_of(configuration: &FunctionConfiguration) -> Progress {
    progress(
        configuration.state(),
        configuration.state_reason(),
        configuration.last_update_status(),
        configuration.last_update_status_reason(),
    )
}

/// Waits until the function (or the version that `qualifier` names) is ready.
pub(super) async fn wait_ready(
    cx: &Cx<'_, Clients>,
    function: &str,
    qualifier: Option<&str>,
    what: &str,
) -> Result<FunctionConfiguration, KindError> {
    let lambda = cx.clients.lambda();
    cx.poll(Poll::SECONDS, what, || async move {
        let answer = lambda
            .get_function_configuration()
            .function_name(function)
            .set_qualifier(qualifier.map(str::to_owned))
            .send()
            .await
            .fault("lambda", "GetFunctionConfiguration", function)?;
        // The operation's answer has the fields of the type, but is not of it.
        let configuration = FunctionConfiguration::builder()
            .set_function_name(answer.function_name)
            .set_function_arn(answer.function_arn)
            .set_version(answer.version)
            .set_state(answer.state)
            .set_state_reason(answer.state_reason)
            .set_last_update_status(answer.last_update_status)
            .set_last_update_status_reason(answer.last_update_status_reason)
            .set_description(answer.description)
            .set_code_sha256(answer.code_sha256)
            .build();
        match progress_of(&configuration) {
            Progress::Ready => Ok(Some(configuration)),
            Progress::Busy => Ok(None),
            Progress::Failed(reason) => Err(failed(function, &reason)),
        }
    })
    .await
}

/// The error for a function that Lambda has given up.
pub(super) fn failed(function: &str, reason: &str) -> KindError {
    KindError::fatal(format!(
        "Lambda could not make the function ready: {reason}"
    ))
    .on(function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_needs_both_states() {
        use LastUpdateStatus as Update;
        let check = |state: Option<State>, update: Option<Update>, expected: Progress| {
            assert_eq!(
                progress(state.as_ref(), Some("s"), update.as_ref(), Some("u")),
                expected
            );
        };
        check(None, None, Progress::Ready);
        check(
            Some(State::Active),
            Some(Update::Successful),
            Progress::Ready,
        );
        check(
            Some(State::Inactive),
            Some(Update::Successful),
            Progress::Ready,
        );
        check(
            Some(State::Pending),
            Some(Update::InProgress),
            Progress::Busy,
        );
        check(
            Some(State::Active),
            Some(Update::InProgress),
            Progress::Busy,
        );
        check(Some(State::Failed), None, Progress::Failed("s".into()));
        check(
            Some(State::Active),
            Some(Update::Failed),
            Progress::Failed("u".into()),
        );
    }

    #[test]
    fn open_functions_still_share_a_key() {
        let open = || {
            Input::<FunctionName>::Open(serde_json::json!({"$ref": "aws.lambda.function.x#/name"}))
        };
        assert_eq!(serial_key(&open()), serial_key(&open()));
        assert_eq!(serial_key(&FunctionName::new("x").into()), "lambda:x");
    }
}
