use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::outbound::{Answering, Bounds, OutboundError};

/// Secrets Manager with one key in two stages, and nothing else.
#[derive(Default)]
struct Manager {
    keys: Mutex<HashMap<&'static str, u8>>,
    down: Mutex<bool>,
    asked: AtomicU64,
}

impl Outbound for Manager {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Answering<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let input: Value = serde_json::from_slice(request.body()).unwrap();
        let stage = input["VersionStage"].as_str().unwrap();
        let key = self.keys.lock().unwrap().get(stage).copied();
        let (status, body) = match key {
            Some(key) => (
                200,
                json!({"SecretString": BASE64_STANDARD.encode([key; 32])}),
            ),
            None => (400, json!({"__type": "ResourceNotFoundException"})),
        };
        let answer = Response::builder().status(status);
        let answer = answer.body(Bytes::from(body.to_string())).unwrap();
        let down = *self.down.lock().unwrap();
        Box::pin(async move {
            if down {
                Err(OutboundError::Timeout)
            } else {
                Ok(answer)
            }
        })
    }
}

struct Setup {
    function: Function,
    manager: Arc<Manager>,
    now: Arc<AtomicU64>,
}

impl Setup {
    /// A function that starts now, with its own clock.
    async fn new(manager: &Arc<Manager>) -> Self {
        let settings = json!({
            "issuer": "https://mcp.example",
            "resources": [{"url": "https://mcp.example/mcp"}],
            "scopes": [],
            "upstream": {
                "issuer": "https://issuer.example",
                "authorize": "https://issuer.example/authorize",
                "token": "https://issuer.example/token",
                "client_id": "ours",
            },
        });
        let environment: Environment = [
            (SETTINGS, settings.to_string().as_str()),
            (KEY, "arn:key"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let now = Arc::new(AtomicU64::new(1_000_000));
        let time = Arc::clone(&now);
        let clock = Clock::new(move || time.load(Ordering::Relaxed));
        let log = Log::to(Box::new(std::io::sink()));
        let outbound = Arc::<Manager>::clone(manager);
        let function = Function::with(&environment, &log, outbound, clock);
        Self {
            function: function.await.unwrap(),
            manager: Arc::clone(manager),
            now,
        }
    }

    fn later(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    fn asked(&self) -> u64 {
        self.manager.asked.swap(0, Ordering::Relaxed)
    }

    async fn register(&self) -> String {
        let request = Request::post("/register")
            .header("content-type", "application/json")
            .body(Bytes::from(
                r#"{"redirect_uris":["https://app.example/cb"]}"#,
            ));
        let answer = self.function.answer(request.unwrap()).await;
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        answer["client_id"].as_str().unwrap().to_owned()
    }

    /// Whether the client's id is known here.
    async fn knows(&self, client: &str) -> bool {
        let uri = format!("/authorize?client_id={client}&redirect_uri=https://app.example/cb");
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        let answer = self.function.answer(request).await;
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        !text.contains("No such client")
    }
}

fn manager(keys: &[(&'static str, u8)]) -> Arc<Manager> {
    let manager = Manager::default();
    manager.keys.lock().unwrap().extend(keys.iter().copied());
    Arc::new(manager)
}

#[tokio::test]
async fn secrets_are_read_again_when_they_are_old() {
    let manager = manager(&[("AWSCURRENT", 1)]);
    let setup = Setup::new(&manager).await;
    assert_eq!(setup.asked(), 2);
    setup.later(FRESH - 1);
    let old = setup.register().await;
    assert_eq!(setup.asked(), 0);
    let rotated = [("AWSPREVIOUS", 1), ("AWSCURRENT", 2)];
    manager.keys.lock().unwrap().extend(rotated);
    setup.later(1);
    let new = setup.register().await;
    assert_eq!(setup.asked(), 2);
    assert!(setup.knows(&old).await && setup.knows(&new).await);
    assert_eq!(setup.asked(), 0);
    // It was sealed with the new key: after another rotation it opens, and the old one does not.
    let rotated = [("AWSPREVIOUS", 2), ("AWSCURRENT", 3)];
    manager.keys.lock().unwrap().extend(rotated);
    setup.later(FRESH);
    assert!(setup.knows(&new).await);
    assert!(!setup.knows(&old).await);
}

#[tokio::test]
async fn what_another_function_sealed_with_a_newer_key_opens_at_once() {
    let manager = manager(&[("AWSCURRENT", 1)]);
    let warm = Setup::new(&manager).await;
    let rotated = [("AWSPREVIOUS", 1), ("AWSCURRENT", 2)];
    manager.keys.lock().unwrap().extend(rotated);
    let fresh = Setup::new(&manager).await;
    let client = fresh.register().await;
    warm.later(BETWEEN);
    warm.asked();
    assert!(warm.knows(&client).await);
    assert_eq!(warm.asked(), 2);
    // Forgeries do not make it ask each time.
    let forged = "A".repeat(200);
    for _ in 0..3 {
        assert!(!warm.knows(&forged).await);
    }
    assert_eq!(warm.asked(), 0);
    warm.later(BETWEEN);
    assert!(!warm.knows(&forged).await);
    assert_eq!(warm.asked(), 2);
}

#[tokio::test]
async fn secrets_that_cannot_be_read_again_go_on_counting() {
    let manager = manager(&[("AWSCURRENT", 1)]);
    let setup = Setup::new(&manager).await;
    let client = setup.register().await;
    *manager.down.lock().unwrap() = true;
    setup.later(FRESH);
    assert!(setup.knows(&client).await);
    assert!(setup.asked() > 2);
    // It is not tried again with the next request.
    assert!(setup.knows(&client).await);
    assert_eq!(setup.asked(), 0);
}
