//! Calls of API Gateway v2, signed as far as a cloud that checks no signatures looks.

use mcpdeploy_local::{Cloud, Settings};
use serde_json::Value;

/// A running cloud of a test.
pub(crate) struct World(Cloud);

impl World {
    pub(crate) async fn new() -> Self {
        Self(Cloud::start(Settings::default()).await.unwrap())
    }

    /// `POST /v2/apis` with an input: the status, the kind of error and the body.
    pub(crate) async fn call(&self, request: &str, input: Value) -> (u16, String, Value) {
        let (method, path) = request.split_once(' ').unwrap();
        let url = format!("{}{path}", self.0.endpoint());
        let credential = "Credential=test/20260101/us-east-1/apigateway/aws4_request";
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", format!("AWS4-HMAC-SHA256 {credential}"))
            .body(input.to_string())
            .unwrap();
        let sent = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .allow_non_standard_methods(true)
                .build()
                .into();
            let mut answer = agent.run(request).unwrap();
            let kind = answer.headers().get("x-amzn-errortype");
            let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
            let body = answer.body_mut().read_to_string().unwrap();
            let body = serde_json::from_str(&body).unwrap_or_default();
            (answer.status().as_u16(), kind, body)
        });
        sent.await.unwrap()
    }

    /// A call that succeeds.
    pub(crate) async fn ok(&self, request: &str, input: Value) -> Value {
        let (status, _, body) = self.call(request, input).await;
        assert!(status < 300, "{request}: {status} {body}");
        body
    }
}
