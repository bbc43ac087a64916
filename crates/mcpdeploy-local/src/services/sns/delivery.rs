//! How messages reach those who subscribed: functions are invoked, web endpoints get a POST, mails
//! are written into the outbox.
//!
//! Nobody signs for this cloud: the signature of a message is empty.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::publish::{Attribute, Message, Published};
use super::subscriptions::Subscription;
use crate::cloud::Cloud;
use crate::services::lambda::{Refused, ServiceInvoke};
use crate::wire::iso;

/// How often a delivery is tried, and how long is waited in between. AWS tries for longer.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// How long a web endpoint may take (AWS: 15 seconds).
const PATIENCE: Duration = Duration::from_secs(15);

/// What somebody needs to confirm a subscription.
#[derive(Debug)]
pub(super) struct Confirmation {
    pub(super) topic: String,
    pub(super) token: String,
}

/// Asks an endpoint to confirm its subscription.
pub(super) fn ask(
    cloud: &Cloud,
    outbox: &Path,
    protocol: &str,
    endpoint: &str,
    confirmation: Confirmation,
) {
    let Confirmation { topic, token } = confirmation;
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let url = format!(
        "{}/?Action=ConfirmSubscription&TopicArn={}&Token={token}",
        cloud.endpoint(),
        encode(&topic)
    );
    let text = format!(
        "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL included in this message."
    );
    let message = json!({
        "Type": "SubscriptionConfirmation",
        "MessageId": uuid::Uuid::new_v4().to_string(),
        "Token": token,
        "TopicArn": topic,
        "Message": text,
        "SubscribeURL": url,
        "Timestamp": iso(cloud.now()),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": "",
    });
    match protocol {
        "http" => post(
            cloud,
            endpoint,
            "SubscriptionConfirmation",
            &topic,
            None,
            &message.to_string(),
        ),
        "https" => tracing::warn!(
            endpoint,
            url,
            "the embedded cloud does not call https endpoints: confirm by hand"
        ),
        _ => mail(
            cloud,
            outbox,
            endpoint,
            "AWS Notification - Subscription Confirmation",
            &text,
            &topic,
            Some(&url),
        ),
    }
}

/// Delivers a message to one who subscribed.
pub(super) fn deliver(
    cloud: &Cloud,
    outbox: &Path,
    topic: &str,
    arn: &str,
    subscription: &Subscription,
    message: &Message,
    published: &Published,
) {
    let text = message.text_for(&subscription.protocol);
    let raw = subscription
        .attributes
        .get("RawMessageDelivery")
        .is_some_and(|raw| raw == "true");
    let unsubscribe = format!(
        "{}/?Action=Unsubscribe&SubscriptionArn={arn}",
        cloud.endpoint()
    );
    let attributes = message
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), Attribute::output(value)));
    let attributes = Value::Object(attributes.collect());
    let body = json!({
        "Type": "Notification",
        "MessageId": published.id,
        "TopicArn": topic,
        "Subject": message.subject,
        "Message": text,
        "Timestamp": iso(cloud.now()),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": "",
        "UnsubscribeURL": unsubscribe,
        "MessageAttributes": attributes,
    });
    match subscription.protocol.as_str() {
        "lambda" => {
            let mut sns = body;
            // Events of functions spell these two otherwise.
            for (old, new) in [
                ("SigningCertURL", "SigningCertUrl"),
                ("UnsubscribeURL", "UnsubscribeUrl"),
            ] {
                if let Some(value) = sns
                    .as_object_mut()
                    .and_then(|fields| fields.shift_remove(old))
                {
                    sns[new] = value;
                }
            }
            let event = json!({"Records": [{
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": arn,
                "Sns": sns,
            }]});
            invoke(cloud, &subscription.endpoint, topic, &event);
        }
        "http" => {
            let sent = if raw {
                text
            } else {
                without_nothing(body).to_string()
            };
            post(
                cloud,
                &subscription.endpoint,
                "Notification",
                topic,
                Some(arn),
                &sent,
            );
        }
        "email" => {
            let subject = message
                .subject
                .as_deref()
                .unwrap_or("AWS Notification Message");
            mail(
                cloud,
                outbox,
                &subscription.endpoint,
                subject,
                &text,
                topic,
                None,
            );
        }
        "email-json" => {
            let text = without_nothing(body).to_string();
            mail(
                cloud,
                outbox,
                &subscription.endpoint,
                "AWS Notification Message",
                &text,
                topic,
                None,
            );
        }
        // There are no queues here, and no certificates of the servers of others.
        other => tracing::warn!(protocol = other, arn, "a message cannot be delivered"),
    }
}

/// Web endpoints see no members that hold nothing.
fn without_nothing(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| {
            !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty())
        });
    }
    body
}

fn invoke(cloud: &Cloud, function: &str, topic: &str, event: &Value) {
    let (owner, function, topic) = (cloud.clone(), function.to_owned(), topic.to_owned());
    let payload = Bytes::from(event.to_string());
    cloud.tasks().spawn(async move {
        for attempt in 1..=TRIES {
            let invoke = ServiceInvoke {
                function: &function,
                payload: payload.clone(),
                principal: "sns.amazonaws.com",
                source_arn: &topic,
                trace: None,
            };
            match owner.services().lambda.invoke_for(&owner, invoke).await {
                Ok(ran) if !ran.failed => return,
                Ok(_) | Err(Refused::Throttled) if attempt < TRIES => {}
                Ok(_) => tracing::warn!(function, topic, "a function failed with a message"),
                Err(refused) => {
                    tracing::warn!(
                        function,
                        topic,
                        ?refused,
                        "a message does not reach its function"
                    );
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = owner.ending().cancelled() => return,
            }
        }
    });
}

fn post(cloud: &Cloud, url: &str, kind: &str, topic: &str, subscription: Option<&str>, body: &str) {
    let mut request = Request::post(url)
        .header("content-type", "text/plain; charset=UTF-8")
        .header("user-agent", "Amazon Simple Notification Service Agent")
        .header("x-amz-sns-message-type", kind)
        .header("x-amz-sns-topic-arn", topic);
    if let Some(arn) = subscription {
        request = request.header("x-amz-sns-subscription-arn", arn);
    }
    let Ok(request) = request.body(Full::new(Bytes::from(body.to_owned()))) else {
        tracing::warn!(url, "no address of a web endpoint");
        return;
    };
    let owner = cloud.clone();
    cloud.tasks().spawn(async move {
        for attempt in 1..=TRIES {
            let sent = tokio::select! {
                sent = tokio::time::timeout(PATIENCE, send(request.clone())) => sent,
                () = owner.ending().cancelled() => return,
            };
            let why = match sent {
                Ok(Ok(status)) if status.is_success() => return,
                Ok(Ok(status)) => status.to_string(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it takes too long".to_owned(),
            };
            tracing::warn!(uri = %request.uri(), why, attempt, "a web endpoint did not take a message");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = owner.ending().cancelled() => return,
            }
        }
    });
}

/// One request over a connection of its own.
async fn send(
    mut request: Request<Full<Bytes>>,
) -> Result<http::StatusCode, Box<dyn std::error::Error + Send + Sync>> {
    let uri = request.uri().clone();
    let host = uri.host().ok_or("it has no host")?.to_owned();
    let port = uri.port_u16().unwrap_or(80);
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    request
        .headers_mut()
        .insert(http::header::HOST, authority.parse()?);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok::<_, hyper::Error>(status)
    };
    tokio::pin!(connection);
    tokio::select! {
        status = exchange => Ok(status?),
        ended = &mut connection => {
            ended?;
            Err("the connection ended".into())
        }
    }
}

fn mail(
    cloud: &Cloud,
    outbox: &Path,
    to: &str,
    subject: &str,
    text: &str,
    topic: &str,
    confirm: Option<&str>,
) {
    tracing::info!(to, subject, topic, "a mail, had this been AWS");
    let mut line = json!({
        "at": iso(cloud.now()),
        "to": to,
        "topic": topic,
        "subject": subject,
        "text": text,
    });
    if let Some(url) = confirm {
        line["confirm"] = url.into();
    }
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(outbox)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = written {
        tracing::warn!(%error, to, subject, "a mail cannot be kept");
    }
}
