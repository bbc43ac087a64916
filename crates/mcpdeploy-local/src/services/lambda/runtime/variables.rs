//! The environment variables of a process: those that Lambda's `provided.al2023` has, and no others.
//!
//! Compared with what a function on AWS prints. Three things differ: the paths of the code are where
//! it really lies, because no `/var/task` can be made without privileges; `AWS_ENDPOINT_URL` leads
//! the function's own SDK clients to this cloud; and the X-Ray daemon's address has nobody listening.

use std::collections::BTreeMap;

use super::Program;
use crate::services::sts::Credentials;

/// All variables of a process whose Runtime API is at `runtime_api`, a host and a port.
pub(super) fn variables(
    program: &Program,
    endpoint: &str,
    runtime_api: &str,
    log_stream: &str,
    credentials: &Credentials,
) -> BTreeMap<String, String> {
    let code = program.code.display();
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        variables.insert(name.to_owned(), value.to_owned());
    };
    // These the function may replace,
    set("AWS_ENDPOINT_URL", endpoint);
    set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR");
    set("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000");
    set("LANG", "en_US.UTF-8");
    set(
        "LD_LIBRARY_PATH",
        &format!(
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{code}:{code}/lib:/opt/lib"
        ),
    );
    set(
        "PATH",
        "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    );
    set("TZ", ":UTC");
    for (name, value) in &program.environment {
        set(name, value);
    }
    // and these not.
    set("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
    set("AWS_SESSION_TOKEN", &credentials.session_token);
    set("AWS_REGION", &program.region);
    set("AWS_DEFAULT_REGION", &program.region);
    set("AWS_LAMBDA_FUNCTION_NAME", &program.function);
    set("AWS_LAMBDA_FUNCTION_VERSION", &program.version);
    set(
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        &program.memory_mb.to_string(),
    );
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set("AWS_LAMBDA_LOG_GROUP_NAME", &program.log_group);
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    set("AWS_LAMBDA_RUNTIME_API", runtime_api);
    set("LAMBDA_RUNTIME_DIR", "/var/runtime");
    set("LAMBDA_TASK_ROOT", &code.to_string());
    set("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1");
    set("_AWS_XRAY_DAEMON_PORT", "2000");
    set("_HANDLER", &program.handler);
    variables
}
