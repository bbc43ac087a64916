//! The embedded cloud from outside, one module a service.

mod cloud {
    mod apigateway;
    mod support_apigateway;
}
