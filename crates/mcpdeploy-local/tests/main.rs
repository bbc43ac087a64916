//! The embedded cloud from outside, one module a service.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends, and says where"
)]

mod cloud {
    mod apigateway;
    mod support_apigateway;
}
