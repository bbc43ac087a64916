//! The whole MCP stack on the real kinds: the engine in this process, over an embedded cloud in
//! this process, so that each call can be counted and cut off.

mod crashes;
mod drift;
mod reads;
mod rig;
mod throttled;

use std::sync::LazyLock;

/// Everything that a deploy.toml without login can ask for.
const STACK: &str = r#"
[target]
type = "aws-lambda"
version = "1.0.0"

[aws]
region = "us-east-1"

[server]
name = "calculator"
memory_mb = 256
timeout_seconds = 30

[environment]
RUST_LOG = "info"

[secrets]
API_TOKEN = "what the server calls others with"

[auth]
enabled = false

[tags]
team = "numbers"

[observability]
log_retention_days = 30
enable_xray = true
create_dashboard = true
alarm_email = "ops@example.com"

[observability.alarms]
error_threshold = 10
latency_threshold_ms = 5000
error_rate_percent = 5.0
throttles = 3

[api_gateway]
cors_origins = ["https://example.com", "https://example.org"]
access_logs = true
"#;

/// The same with other properties of many resources.
static CHANGED: LazyLock<String> = LazyLock::new(|| {
    let changes = [
        ("memory_mb = 256", "memory_mb = 512"),
        ("timeout_seconds = 30", "timeout_seconds = 20"),
        (
            "RUST_LOG = \"info\"",
            "RUST_LOG = \"debug\"\nMODE = \"fast\"",
        ),
        ("team = \"numbers\"", "team = \"sums\""),
        ("log_retention_days = 30", "log_retention_days = 14"),
        ("enable_xray = true", "enable_xray = false"),
        ("error_threshold = 10", "error_threshold = 20"),
        ("[\"https://example.com\", ", "["),
    ];
    changes.iter().fold(STACK.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
});

/// The same under another name, which replaces what is named after the server.
static RENAMED: LazyLock<String> =
    LazyLock::new(|| CHANGED.replace("name = \"calculator\"", "name = \"adder\""));

/// What a login adds: a pool that goes with the rest, so that nothing has to be left.
const LOGIN: &str = r#"[auth]
enabled = true
provider = "cognito"
callback_urls = ["https://example.com/callback"]

[auth.cognito]
retain = false
access_token_ttl = "1h"

[auth.scopes.custom]
"mcp/sums" = "Have sums done"
"#;

/// The stack with a login, as it is first, changed, and renamed.
static WITH_LOGIN: LazyLock<[String; 3]> = LazyLock::new(|| {
    let with = |text: &str, login: &str| {
        let none = "[auth]\nenabled = false\n";
        assert!(text.contains(none), "{text}");
        text.replace(none, login)
    };
    let changes = [
        ("\"1h\"", "\"30m\""),
        ("\"mcp/sums\"", "\"mcp/products\""),
        ("example.com/callback", "example.org/callback"),
    ];
    let changed = changes.iter().fold(LOGIN.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    [
        with(STACK, LOGIN),
        with(&CHANGED, &changed),
        with(&RENAMED, &changed),
    ]
});
