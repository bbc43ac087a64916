//! What the gateway's tests stand on: a cloud whose functions are scripts, and real sockets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Settings};
use crate::services::lambda::{Ran, Refused, ServiceInvoke};

/// What functions do.
#[derive(Clone)]
pub(in super::super) struct Script(Arc<Function>);

/// A function's ARN, the source's ARN and the event, and what is done.
type Function = dyn Fn(&str, &str, Value) -> Does + Send + Sync;

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

/// What a function does.
pub(super) enum Does {
    Answer(Value),
    Fail(Value),
    Refuse(Refused),
    /// It never comes to an end.
    Hang,
}

impl Script {
    pub(super) async fn run(&self, invoke: &ServiceInvoke<'_>) -> Result<Ran, Refused> {
        assert_eq!(invoke.principal, "apigateway.amazonaws.com");
        let event = serde_json::from_slice(&invoke.payload).unwrap();
        let ran = |payload: Value, failed| Ran {
            payload: Bytes::from(payload.to_string()),
            failed,
        };
        match (self.0)(invoke.function, invoke.source_arn, event) {
            Does::Answer(payload) => Ok(ran(payload, false)),
            Does::Fail(payload) => Ok(ran(payload, true)),
            Does::Refuse(refused) => Err(refused),
            Does::Hang => std::future::pending().await,
        }
    }
}

/// A cloud with scripted functions.
pub(super) struct World {
    pub(super) cloud: Cloud,
}

pub(super) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

impl World {
    pub(super) async fn new(
        script: impl Fn(&str, &str, Value) -> Does + Send + Sync + 'static,
    ) -> Self {
        let cloud = Cloud::start(Settings::default()).await.unwrap();
        let service = &cloud.services().apigateway;
        *service.script.lock().unwrap() = Some(Script(Arc::new(script)));
        Self { cloud }
    }

    /// A call of the control plane, which must succeed.
    pub(super) async fn call(&self, request: &str, input: Value) -> Value {
        let (status, value) = call(&self.cloud, request, &input).await;
        assert!(status < 300, "{request}: {status} {value}");
        value
    }

    /// An API with a `$default` stage that deploys by itself and these routes to the function, each
    /// with more members. Its id and its endpoint.
    pub(super) async fn api(&self, more: Value, routes: &[(&str, Value)]) -> (String, String) {
        let mut input = json!({"name": "a", "protocolType": "HTTP"});
        merge(&mut input, more);
        let api = self.call("POST /v2/apis", input).await;
        let id = api["apiId"].as_str().unwrap().to_owned();
        let integration = json!({"integrationType": "AWS_PROXY", "integrationUri": FUNCTION,
            "payloadFormatVersion": "2.0", "timeoutInMillis": 500});
        let path = format!("POST /v2/apis/{id}/integrations");
        let integration = self.call(&path, integration).await;
        let target = format!(
            "integrations/{}",
            integration["integrationId"].as_str().unwrap()
        );
        for (key, more) in routes {
            let mut route = json!({"routeKey": key, "target": target});
            merge(&mut route, more.clone());
            self.call(&format!("POST /v2/apis/{id}/routes"), route)
                .await;
        }
        let stage = json!({"stageName": "$default", "autoDeploy": true});
        self.call(&format!("POST /v2/apis/{id}/stages"), stage)
            .await;
        (id, api["apiEndpoint"].as_str().unwrap().to_owned())
    }
}

fn merge(into: &mut Value, more: Value) {
    for (name, value) in more.as_object().unwrap() {
        into[name] = value.clone();
    }
}

/// A call of the control plane: status and body.
pub(super) async fn call(cloud: &Cloud, request: &str, input: &Value) -> (u16, Value) {
    let (method, path) = request.split_once(' ').unwrap();
    let credential = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/apigateway/aws4_request";
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", credential)
        .body(Bytes::from(input.to_string()))
        .unwrap();
    let answer = cloud.call(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// An answer of the gateway.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A request to a gateway.
pub(super) async fn send(request: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let (method, url) = request.split_once(' ').unwrap();
    let mut builder = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let request = builder.body(body.to_owned()).unwrap();
    let sent = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let mut answer = agent.run(request).unwrap();
        Got {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.body_mut().read_to_string().unwrap(),
        }
    });
    sent.await.unwrap()
}
