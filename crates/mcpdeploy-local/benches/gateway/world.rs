//! A cloud with this program as a function behind an HTTP API.

use std::io::{Cursor, Write};
use std::net::Ipv4Addr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mcpdeploy_local::{Cloud, Settings};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::Failed;
use crate::function::GENERATION;
use crate::http::Connection;

const ROLE: &str = "arn:aws:iam::000000000000:role/bench";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:bench";

/// The cloud, in a runtime of its own.
#[derive(Debug)]
pub(crate) struct World {
    runtime: Runtime,
    cloud: Cloud,
    /// Host and port of the control plane.
    pub(crate) control: String,
    /// Host and port of the HTTP API.
    pub(crate) api: String,
}

impl World {
    pub(crate) fn new() -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let cloud = runtime.block_on(Cloud::start(Settings::default()))?;
        let mut world = Self {
            control: host(&cloud.endpoint()).to_owned(),
            api: String::new(),
            runtime,
            cloud,
        };
        world.create()?;
        Ok(world)
    }

    fn create(&mut self) -> Result<(), Failed> {
        let trust = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }});
        let fields = [
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", "bench"),
            ("AssumeRolePolicyDocument", &trust.to_string()),
        ];
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let content = "content-type: application/x-www-form-urlencoded";
        self.call("iam", "POST /", content, form.as_bytes())?;
        self.json(
            "lambda",
            "POST /2015-03-31/functions",
            &json!({
                "FunctionName": "bench", "Runtime": "provided.al2023", "Handler": "bootstrap",
                "Role": ROLE, "Code": {"ZipFile": package()?}, "Timeout": 60, "MemorySize": 512,
                "Architectures": [if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }],
            }),
        )?;
        let api = self.json(
            "apigateway",
            "POST /v2/apis",
            &json!({
                "name": "bench", "protocolType": "HTTP", "target": FUNCTION, "routeKey": "ANY /mcp",
            }),
        )?;
        let endpoint = api["apiEndpoint"].as_str().unwrap_or_default();
        self.api = host(endpoint).to_owned();
        let id = api["apiId"].as_str().unwrap_or_default();
        self.json(
            "lambda",
            "POST /2015-03-31/functions/bench/policy",
            &json!({
                "StatementId": "api", "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": format!("arn:aws:execute-api:us-east-1:000000000000:{id}/*"),
            }),
        )?;
        Ok(())
    }

    /// Changes the function's configuration: its processes end, and the next request starts one.
    pub(crate) fn set_generation(&self, generation: &str) -> Result<(), Failed> {
        self.json(
            "lambda",
            "PUT /2015-03-31/functions/bench/configuration",
            &json!({"Environment": {"Variables": {GENERATION: generation}}}),
        )?;
        Ok(())
    }

    /// How many processes the function has now.
    pub(crate) fn processes(&self) -> usize {
        let functions = self.cloud.status().functions;
        functions.iter().map(|function| function.processes).sum()
    }

    /// A free port where very many may wait to be taken, which those of std and tokio have no room
    /// for. It does not block.
    pub(crate) fn listener(&self) -> std::io::Result<std::net::TcpListener> {
        let _entered = self.runtime.enter();
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        socket.listen(4096)?.into_std()
    }

    /// Ends the cloud and its processes.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.cloud.stop());
    }

    fn json(&self, service: &str, request: &str, input: &Value) -> Result<Value, Failed> {
        let content = "content-type: application/json";
        let body = self.call(service, request, content, input.to_string().as_bytes())?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn call(
        &self,
        service: &str,
        request: &str,
        content: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Failed> {
        let mut connection = Connection::open(&self.control)?;
        let headers = [content.to_owned(), authorization(service)];
        let answer = connection.ask(request, &headers, body)?;
        if !answer.status().starts_with('2') {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(format!("{request}: {} {text}", answer.status()).into());
        }
        Ok(answer.body)
    }
}

/// The header of a call, signed as far as a cloud that checks no signatures looks.
pub(crate) fn authorization(service: &str) -> String {
    let credential = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
    format!("authorization: AWS4-HMAC-SHA256 {credential}")
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}

/// This program as the `bootstrap` of a package, in base64.
fn package() -> Result<String, Failed> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    zip.write_all(&std::fs::read(std::env::current_exe()?)?)?;
    Ok(BASE64_STANDARD.encode(zip.finish()?.into_inner()))
}
