//! The embedded cloud from outside: over its port, as any client sees it.

#[cfg(test)]
mod cloud {
    mod apigateway;
    mod cloudwatch;
    mod cognito;
    mod logs;
    mod sns;
    mod support_apigateway;
    mod support_telemetry;
    mod switches;
}
