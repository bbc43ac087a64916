//! A cloud, and calls of its services in each of the protocols that clients speak.

use std::path::Path;

use ciborium::value::Value as Cbor;
use mcpdeploy_local::{Cloud, Settings, Switches};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A cloud with a runtime of its own; ends when dropped.
pub(super) struct Running {
    runtime: Runtime,
    cloud: Cloud,
    agent: ureq::Agent,
}

/// An answer: its status, its headers that matter, its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) query_error: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Running {
    /// Starts a cloud with this folder, or a temporary one.
    pub(super) fn start(data: Option<&Path>) -> Self {
        let runtime = Runtime::new().unwrap();
        let settings = Settings {
            data: data.map(Path::to_owned),
            ..Settings::default()
        };
        let cloud = runtime.block_on(Cloud::start(settings)).unwrap();
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Self {
            runtime,
            cloud,
            agent: config.build().into(),
        }
    }

    /// Ends it, so that everything is written.
    pub(super) fn stop(self) {
        self.runtime.block_on(self.cloud.stop());
    }

    fn send(&self, service: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.cloud.endpoint()))
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
                ),
            );
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).unwrap();
        let header = response.headers().get("x-amzn-query-error");
        Answer {
            status: response.status().as_u16(),
            query_error: header.map(|value| value.to_str().unwrap().to_owned()),
            body: response.body_mut().read_to_vec().unwrap(),
        }
    }

    /// A call in JSON 1.1: the status and the body.
    pub(super) fn json(&self, service: &str, target: &str, input: &Value) -> (u16, Value) {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ];
        let answer = self.send(service, "/", &headers, input.to_string().as_bytes());
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// A call of a REST service with a JSON body: the status and the body.
    pub(super) fn post(&self, service: &str, path: &str, input: &Value) -> (u16, Value) {
        let headers = [("content-type", "application/json")];
        let answer = self.send(service, path, &headers, input.to_string().as_bytes());
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Makes things worse from now on.
    pub(super) fn switch(&self, switches: Switches) {
        self.cloud.switch(switches);
    }

    /// A call of the query protocol: the status and the XML.
    pub(super) fn query(&self, service: &str, form: &[(&str, &str)]) -> (u16, String) {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(form);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send(service, "/", &headers, text.finish().as_bytes());
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// A call in CBOR.
    pub(super) fn cbor(&self, service: &str, operation: &str, input: &Cbor) -> (Answer, Cbor) {
        let mut body = Vec::new();
        ciborium::into_writer(input, &mut body).unwrap();
        let path = format!("/service/X/operation/{operation}");
        let headers = [
            ("content-type", "application/cbor"),
            ("smithy-protocol", "rpc-v2-cbor"),
        ];
        let answer = self.send(service, &path, &headers, &body);
        let output = ciborium::from_reader(answer.body.as_slice()).unwrap();
        (answer, output)
    }

    /// Follows a link, unsigned.
    pub(super) fn visit(&self, url: &str) -> (u16, String) {
        let mut response = self.agent.get(url).call().unwrap();
        (
            response.status().as_u16(),
            response.body_mut().read_to_string().unwrap(),
        )
    }
}

/// What is between `<name>` and `</name>`, the first time.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    i64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap()
}
