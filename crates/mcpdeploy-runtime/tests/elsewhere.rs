//! What the facade asks over the network: Secrets Manager, and an issuer that checks what Cognito
//! checks. Plain http on loopback, as the embedded cloud has it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::lambda::headers;

pub(crate) const KEY_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:key";
pub(crate) const SECRET_ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:client";
pub(crate) const CLIENT_SECRET: &str = "canary-client-secret";

/// What is there, and what was asked.
pub(crate) struct Elsewhere {
    pub(crate) url: String,
    /// ARN and stage: the secret, or the error.
    pub(crate) secrets: Mutex<HashMap<(String, String), Result<String, String>>>,
    /// Codes that were given out and not used: to their challenge.
    pub(crate) codes: Mutex<HashMap<String, String>>,
    /// What the token endpoint answers instead, when it refuses.
    pub(crate) refuses: Mutex<Option<(u16, Value)>>,
    /// Method and path, with the operation for AWS.
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Elsewhere {
    pub(crate) fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let elsewhere = Arc::new(Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            secrets: Mutex::default(),
            codes: Mutex::default(),
            refuses: Mutex::default(),
            asked: Mutex::default(),
        });
        elsewhere.put(KEY_ARN, "AWSCURRENT", &key(1));
        elsewhere.put(SECRET_ARN, "AWSCURRENT", CLIENT_SECRET);
        let all = Arc::clone(&elsewhere);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                all.connection(stream);
            }
        });
        elsewhere
    }

    pub(crate) fn put(&self, arn: &str, stage: &str, value: &str) {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert((arn.to_owned(), stage.to_owned()), Ok(value.to_owned()));
    }

    fn connection(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let sent = headers(&mut reader);
        let length = sent.get("content-length").map_or(0, |l| l.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = self.answer(line.split(' ').nth(1).unwrap(), &sent, &body);
        let answer = answer.to_string();
        let length = answer.len();
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all((head + &answer).as_bytes()).unwrap();
    }

    fn answer(&self, path: &str, sent: &HashMap<String, String>, body: &[u8]) -> (u16, Value) {
        let target = sent.get("x-amz-target").map_or("", String::as_str);
        self.asked.lock().unwrap().push(format!("{path} {target}"));
        let url = &self.url;
        match path {
            "/" => {
                assert_eq!(target, "secretsmanager.GetSecretValue");
                assert!(sent["authorization"].starts_with("AWS4-HMAC-SHA256 Credential=AKID/"));
                self.secret(&serde_json::from_slice(body).unwrap())
            }
            "/pool/.well-known/openid-configuration" => (
                200,
                json!({
                    "issuer": format!("{url}/pool"),
                    "authorization_endpoint": format!("{url}/oauth2/authorize"),
                    "token_endpoint": format!("{url}/oauth2/token"),
                    "revocation_endpoint": format!("{url}/oauth2/revoke"),
                }),
            ),
            "/oauth2/token" => self.token(sent, body),
            _ => (404, json!({})),
        }
    }

    fn secret(&self, input: &Value) -> (u16, Value) {
        let text = |name: &str| input[name].as_str().unwrap().to_owned();
        let wanted = (text("SecretId"), text("VersionStage"));
        match self.secrets.lock().unwrap().get(&wanted) {
            Some(Ok(value)) => (200, json!({ "SecretString": value })),
            Some(Err(code)) => (400, json!({ "__type": code, "Message": "canary" })),
            None => (400, json!({ "__type": "ResourceNotFoundException" })),
        }
    }

    fn token(&self, sent: &HashMap<String, String>, body: &[u8]) -> (u16, Value) {
        let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
        let ours = BASE64_STANDARD.encode(format!("ours:{CLIENT_SECRET}"));
        assert_eq!(sent["authorization"], format!("Basic {ours}"));
        if let Some(refusal) = self.refuses.lock().unwrap().clone() {
            return refusal;
        }
        if form["grant_type"] == "authorization_code" {
            let made = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
            if self.codes.lock().unwrap().remove(&form["code"]) != Some(made) {
                return (400, json!({ "error": "invalid_grant" }));
            }
        } else {
            assert_eq!(form["refresh_token"], "canary-refresh");
        }
        let tokens = json!({
            "access_token": "canary.access.token",
            "refresh_token": "canary-refresh",
            "token_type": "Bearer",
            "expires_in": 3600,
        });
        (200, tokens)
    }
}

/// A key as the secret has it.
pub(crate) fn key(byte: u8) -> String {
    BASE64_STANDARD.encode([byte; 32])
}
