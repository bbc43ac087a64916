//! How soon the facade asks for its secrets and for its first invocation, how long it takes for a
//! login, and how much memory it has had after many.
//!
//! `cargo bench -p mcpdeploy-runtime --bench facade`. Secrets Manager and the issuer are threads of
//! this program that answer at once, in plain http on loopback: the way to them is not in the figures.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and figures are its purpose"
)]

mod lambda;

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use lambda::{Figures, Lambda, invocation, message};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const STARTS: usize = 50;
const LOGINS: usize = 1_000;

const BASE: &str = "https://mcp.example.com";
const APP: &str = "https://app.example/cb";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-rfc-7636";

fn main() {
    let (url, asked) = elsewhere();
    start(&url, &asked);
    logins(&url);
}

fn start(url: &str, asked: &Receiver<Instant>) {
    let mut secrets = Vec::with_capacity(STARTS);
    let mut first = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begin = Instant::now();
        let lambda = facade(url);
        first.push(begin.elapsed());
        secrets.push(asked.recv().unwrap() - begin);
        drop(lambda);
        // It asked for all of them before it asked for an invocation.
        asked.try_iter().for_each(drop);
    }
    println!(
        "facade: from spawn to the first question for a secret {}",
        Figures::of(secrets)
    );
    println!(
        "facade: from spawn to the first next {}, with the secrets",
        Figures::of(first)
    );
}

/// Registration, consent, the way back and the tokens, each time by another client and browser.
fn logins(url: &str) {
    let mut lambda = facade(url);
    let before = most_memory(lambda.process.id());
    let took = (0..LOGINS).map(|_| login(&mut lambda)).collect();
    println!("facade: a login of five requests {}", Figures::of(took));
    let after = most_memory(lambda.process.id());
    println!("facade: at most {before} kB of memory before them, {after} kB after {LOGINS}");
}

fn login(lambda: &mut Lambda) -> Duration {
    let mut took = Duration::ZERO;
    let mut ask = |event: &Value, status: u16| {
        let (time, answer) = lambda.invoke(&invocation(event));
        took += time;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["statusCode"], status, "{answer}");
        answer
    };
    let body = |answer: &Value| answer["body"].as_str().unwrap().to_owned();
    let metadata = json!({"client_name": "Bench", "redirect_uris": [APP], "token_endpoint_auth_method": "none"});
    let registered = event(
        "POST",
        "/register",
        "",
        "application/json",
        &metadata.to_string(),
        &[],
    );
    let registered: Value = serde_json::from_str(&body(&ask(&registered, 201))).unwrap();
    let client = registered["client_id"].as_str().unwrap();

    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let query = encoded(&[
        ("client_id", client),
        ("redirect_uri", APP),
        ("response_type", "code"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let page = ask(&event("GET", "/authorize", &query, "", "", &[]), 200);
    let cookies = cookies(&page);
    let page = body(&page);
    let ticket = between(&page, "name=\"ticket\" value=\"", "\"");
    let form = encoded(&[("ticket", ticket), ("decision", "approve")]);
    let page = ask(&posted("/consent", &form, &cookies), 200);
    let onward = body(&page).replace("&amp;", "&");
    let state = between(&onward, "&state=", "&");
    let query = format!("code=c&state={state}");
    let back = ask(&event("GET", "/callback", &query, "", "", &cookies), 302);
    let location = back["headers"]["location"].as_str().unwrap();
    let code = between(location, "code=", "&");
    let form = encoded(&[
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", APP),
        ("code_verifier", VERIFIER),
    ]);
    let tokens = body(&ask(&posted("/token", &form, &[]), 200));
    assert!(tokens.contains("\"refresh_token\""), "{tokens}");
    took
}

/// The facade's function, asking for its first invocation.
fn facade(url: &str) -> Lambda {
    let settings = json!({
        "issuer": BASE,
        "resources": [{"url": format!("{BASE}/mcp")}],
        "scopes": [{"name": format!("{BASE}/mcp/read"), "description": "Read"}],
        "upstream": {
            "issuer": url,
            "authorize": format!("{url}/authorize"),
            "token": format!("{url}/token"),
            "client_id": "ours",
            "client_secret": "arn:secret",
        },
    })
    .to_string();
    let variables = [
        ("MCPDEPLOY_FACADE", settings.as_str()),
        ("MCPDEPLOY_FACADE_KEY", "arn:key"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", url),
    ];
    Lambda::start("facade", &variables)
}

/// Secrets Manager and the issuer; its URL, and when it was asked for a secret.
fn elsewhere() -> (String, Receiver<Instant>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            answer(stream, &tell);
        }
    });
    (url, asked)
}

fn answer(mut stream: TcpStream, tell: &Sender<Instant>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (head, _) = message(&mut reader);
    let body = if head.starts_with("POST /token ") {
        json!({"access_token": "a.b.c", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600})
    } else {
        // The bench may not listen any more.
        let _ = tell.send(Instant::now());
        json!({"SecretString": BASE64_STANDARD.encode([7; 32])})
    };
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).unwrap();
}

fn event(
    method: &str,
    path: &str,
    query: &str,
    kind: &str,
    body: &str,
    cookies: &[String],
) -> Value {
    json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": {"content-type": kind, "host": "mcp.example.com"},
        "requestContext": {
            "domainName": "mcp.example.com",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"},
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

fn posted(path: &str, form: &str, cookies: &[String]) -> Value {
    let kind = "application/x-www-form-urlencoded";
    event("POST", path, "", kind, form, cookies)
}

fn cookies(answer: &Value) -> Vec<String> {
    let all = answer["cookies"].as_array().into_iter().flatten();
    all.map(|cookie| {
        let pair = cookie.as_str().unwrap().split(';').next();
        pair.unwrap().to_owned()
    })
    .collect()
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields).finish()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap().1;
    rest.split_once(after).map_or(rest, |(found, _)| found)
}

/// The most memory that the process has had, in kB.
fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let fields: HashMap<&str, &str> = status
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let most = fields["VmHWM"].trim().trim_end_matches(" kB");
    most.parse().unwrap()
}
