//! Authorizers that are functions.
//!
//! Source: "Control access to HTTP APIs with AWS Lambda authorizers".

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::event;
use super::exchange::{Authorized, Exchange};
use super::invoke::invoke;
use super::serving::{FunctionGuard, execution_arn};
use crate::cloud::Cloud;

/// What functions decided, by stage, authorizer and identity, until when.
#[derive(Debug, Default)]
pub(super) struct Decisions(Mutex<HashMap<String, (Instant, Answer)>>);

/// How many decisions are kept before old ones are looked for.
const MANY: usize = 10_000;

/// What a function answered.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    verdict: Verdict,
    principal: Option<String>,
    context: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
enum Verdict {
    /// `isAuthorized`.
    Simple(bool),
    /// The statements of a policy. A kept one is asked anew for every route.
    Policy(Vec<Statement>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// Why a request does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// It does not say who makes it.
    Anonymous,
    /// The function says no.
    Forbidden,
    /// The function failed, or what it answered is no answer.
    Broken,
}

impl Decisions {
    /// Forgets all: the authorizers may have changed.
    pub(super) fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn get(&self, key: &str) -> Option<Answer> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, answer) = kept.get(key)?;
        (Instant::now() < *until).then(|| answer.clone())
    }

    fn put(&self, key: String, until: Instant, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MANY {
            let now = Instant::now();
            kept.retain(|_, (until, _)| now < *until);
        }
        kept.insert(key, (until, answer));
    }
}

/// Lets a function decide.
pub(super) async fn authorize(
    cloud: &Cloud,
    exchange: &Exchange,
    guard: &FunctionGuard,
) -> Result<Authorized, Denied> {
    let mut identity = Vec::with_capacity(guard.sources.len());
    for source in &guard.sources {
        identity.push(source.value(exchange).ok_or(Denied::Anonymous)?);
    }
    let arn = request_arn(exchange);
    let key = (!guard.ttl.is_zero()).then(|| {
        let identity = identity.join("\u{0}");
        format!("{}\u{0}{}\u{0}{identity}", exchange.stage.name, guard.id)
    });
    let kept = key
        .as_deref()
        .and_then(|key| exchange.api.decisions.get(key));
    let answer = match kept {
        Some(answer) => answer,
        None => {
            let answer = ask(cloud, exchange, guard, &arn, &identity).await?;
            if let Some(key) = key {
                let until = Instant::now() + guard.ttl;
                exchange.api.decisions.put(key, until, answer.clone());
            }
            answer
        }
    };
    let allowed = match &answer.verdict {
        Verdict::Simple(allowed) => *allowed,
        Verdict::Policy(statements) => allows(statements, &arn),
    };
    if !allowed {
        return Err(Denied::Forbidden);
    }
    Ok(Authorized::Function {
        principal: answer.principal,
        context: answer.context,
    })
}

/// `arn:…:<api>/<stage>/<METHOD>/<path>` of a request, as policies name it.
fn request_arn(exchange: &Exchange) -> String {
    let base = execution_arn(&exchange.api.region, &exchange.api.id);
    let stage = &exchange.stage.name;
    let prefix = format!("/{stage}");
    let inside = exchange.path.strip_prefix(&prefix);
    let path = inside.unwrap_or(&exchange.path);
    format!("{base}/{stage}/{}{path}", exchange.method)
}

async fn ask(
    cloud: &Cloud,
    exchange: &Exchange,
    guard: &FunctionGuard,
    arn: &str,
    identity: &[String],
) -> Result<Answer, Denied> {
    let event = event::authorizer(exchange, guard.format, arn, identity);
    let payload = event.to_string().into();
    let trace = exchange.header("x-amzn-trace-id").map(|ids| ids.join(","));
    let ran = invoke(cloud, &guard.function, &guard.source_arn, trace, payload).await;
    match ran {
        Ok(ran) if !ran.failed => read(&ran.payload, guard.simple).ok_or(Denied::Broken),
        Ok(_) | Err(_) => Err(Denied::Broken),
    }
}

fn read(payload: &[u8], simple: bool) -> Option<Answer> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    let context = match value.get("context") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(context)) => context.clone(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return None;
        }
    };
    let principal = value.get("principalId").and_then(Value::as_str);
    let verdict = if simple {
        Verdict::Simple(value.get("isAuthorized")?.as_bool()?)
    } else {
        // A policy without a principal is no answer.
        principal?;
        let statements = match value.get("policyDocument")?.get("Statement")? {
            Value::Array(items) => items.iter().map(statement).collect::<Option<_>>()?,
            one @ Value::Object(_) => vec![statement(one)?],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        Verdict::Policy(statements)
    };
    Some(Answer {
        verdict,
        principal: principal.map(ToOwned::to_owned),
        context,
    })
}

fn statement(value: &Value) -> Option<Statement> {
    let list = |name: &str| match value.get(name)? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(ToOwned::to_owned))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    Some(Statement {
        allow: match value.get("Effect")?.as_str()? {
            "Allow" => true,
            "Deny" => false,
            _ => return None,
        },
        actions: list("Action")?,
        resources: list("Resource")?,
    })
}

/// Something allows it and nothing denies it.
fn allows(statements: &[Statement], arn: &str) -> bool {
    let about = |statement: &&Statement| {
        let action =
            |pattern: &String| wildcard(&pattern.to_ascii_lowercase(), "execute-api:invoke");
        let resource = |pattern: &String| wildcard(pattern, arn);
        statement.actions.iter().any(action) && statement.resources.iter().any(resource)
    };
    let mut matching = statements.iter().filter(about).peekable();
    matching.peek().is_some() && matching.all(|statement| statement.allow)
}

/// `*` stands for any text, `?` for any character.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Where the last star was, and how far it has been stretched.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            Some(_) | None => match star {
                Some((place, stretched)) => {
                    star = Some((place, stretched + 1));
                    at = place + 1;
                    seen = stretched + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn policies() {
        let arn = "arn:aws:execute-api:us-east-1:000000000000:abc/$default/GET/pets/1";
        let allow = |resource: &str| json!({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource});
        let deny = |resource: &str| json!({"Effect": "Deny", "Action": ["execute-api:*"], "Resource": [resource]});
        for (statements, expected) in [
            (json!([allow("*")]), Some(true)),
            (json!(allow(arn)), Some(true)),
            (
                json!([allow("arn:aws:execute-api:*:*:abc/*/GET/pets/?")]),
                Some(true),
            ),
            (
                json!([allow("arn:aws:execute-api:*:*:abc/*/POST/*")]),
                Some(false),
            ),
            (json!([allow("*"), deny("*/pets/*")]), Some(false)),
            (json!([allow("*"), deny("*/dogs/*")]), Some(true)),
            (json!([]), Some(false)),
            (
                json!([{"Effect": "Maybe", "Action": "*", "Resource": "*"}]),
                None,
            ),
            (json!("all"), None),
        ] {
            let answer = json!({"principalId": "me", "policyDocument": {"Statement": statements}});
            let answer = read(answer.to_string().as_bytes(), false);
            let got = answer.map(|answer| match answer.verdict {
                Verdict::Policy(statements) => allows(&statements, arn),
                Verdict::Simple(_) => panic!("no policy"),
            });
            assert_eq!(got, expected, "{statements}");
        }
    }

    #[test]
    fn answers_that_are_none() {
        assert!(read(br#"{"isAuthorized":true,"context":{"a":1}}"#, true).is_some());
        assert!(read(br#"{"isAuthorized":"yes"}"#, true).is_none());
        assert!(read(br#"{"isAuthorized":true}"#, false).is_none());
        assert!(read(br#"{"policyDocument":{"Statement":[]}}"#, false).is_none());
        assert!(read(b"true", true).is_none());
    }
}
