use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::Value;

use super::support_telemetry::{Running, element};

fn topic(cloud: &Running, more: &[(&str, &str)]) -> String {
    let form = [&[("Action", "CreateTopic"), ("Name", "t")][..], more].concat();
    let (status, xml) = cloud.query("sns", &form);
    assert_eq!(status, 200, "{xml}");
    element(&xml, "TopicArn").unwrap().to_owned()
}

/// A web endpoint that takes everything: its address, and what it got: the kind and the body.
fn endpoint() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut kind, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim();
                if line.is_empty() {
                    break;
                }
                if let Some((name, value)) = line.split_once(": ") {
                    match name.to_ascii_lowercase().as_str() {
                        "x-amz-sns-message-type" => value.clone_into(&mut kind),
                        "content-length" => length = value.parse().unwrap(),
                        _ => {}
                    }
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            if sender
                .send((kind, serde_json::from_slice(&body).unwrap()))
                .is_err()
            {
                break;
            }
        }
    });
    (url, receiver)
}

#[test]
fn a_web_endpoint_confirms_and_gets_what_its_policy_lets_through() {
    let cloud = Running::start(None);
    let topic = topic(&cloud, &[]);
    let (url, received) = endpoint();
    let subscribe = [
        ("Action", "Subscribe"),
        ("TopicArn", topic.as_str()),
        ("Protocol", "http"),
        ("Endpoint", url.as_str()),
        ("ReturnSubscriptionArn", "true"),
        ("Attributes.entry.1.key", "FilterPolicy"),
        ("Attributes.entry.1.value", r#"{"colour": ["blue"]}"#),
    ];
    let (_, xml) = cloud.query("sns", &subscribe);
    let arn = element(&xml, "SubscriptionArn").unwrap().to_owned();
    let unsubscribe = [("Action", "Unsubscribe"), ("SubscriptionArn", arn.as_str())];
    let (status, xml) = cloud.query("sns", &unsubscribe);
    assert!(
        status == 400 && xml.contains("pending confirmation"),
        "{xml}"
    );

    let (kind, message) = received.recv().unwrap();
    assert_eq!(kind, "SubscriptionConfirmation");
    let (status, xml) = cloud.visit(message["SubscribeURL"].as_str().unwrap());
    assert_eq!(
        (status, element(&xml, "SubscriptionArn")),
        (200, Some(arn.as_str()))
    );

    let publish = |message: &str, colour: &str| {
        let (status, xml) = cloud.query(
            "sns",
            &[
                ("Action", "Publish"),
                ("TopicArn", topic.as_str()),
                ("Message", message),
                ("Subject", "s"),
                ("MessageAttributes.entry.1.Name", "colour"),
                ("MessageAttributes.entry.1.Value.DataType", "String"),
                ("MessageAttributes.entry.1.Value.StringValue", colour),
            ],
        );
        assert_eq!(status, 200, "{xml}");
    };
    publish("no", "red");
    publish("yes", "blue");
    let (kind, message) = received.recv().unwrap();
    assert_eq!(kind, "Notification");
    assert_eq!(
        (&message["Message"], &message["Subject"]),
        (&"yes".into(), &"s".into())
    );
    assert_eq!(message["MessageAttributes"]["colour"]["Value"], "blue");

    assert_eq!(cloud.query("sns", &unsubscribe).0, 200);
    let (_, xml) = cloud.query(
        "sns",
        &[
            ("Action", "GetTopicAttributes"),
            ("TopicArn", topic.as_str()),
        ],
    );
    assert!(
        xml.contains("<key>SubscriptionsDeleted</key><value>1</value>"),
        "{xml}"
    );
}

#[test]
fn topics_and_subscriptions_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Running::start(Some(folder.path()));
    let arn = topic(
        &cloud,
        &[
            ("Attributes.entry.1.key", "DisplayName"),
            ("Attributes.entry.1.value", "d"),
        ],
    );
    let subscribe = [
        ("Action", "Subscribe"),
        ("TopicArn", arn.as_str()),
        ("Protocol", "email"),
        ("Endpoint", "a@example.com"),
    ];
    cloud.query("sns", &subscribe);
    cloud.stop();
    let cloud = Running::start(Some(folder.path()));
    let (_, xml) = cloud.query(
        "sns",
        &[
            ("Action", "ListSubscriptionsByTopic"),
            ("TopicArn", arn.as_str()),
        ],
    );
    assert_eq!(
        element(&xml, "SubscriptionArn"),
        Some("PendingConfirmation")
    );
    let (_, xml) = cloud.query(
        "sns",
        &[("Action", "GetTopicAttributes"), ("TopicArn", arn.as_str())],
    );
    assert!(
        xml.contains("<key>DisplayName</key><value>d</value>"),
        "{xml}"
    );
    assert_eq!(
        cloud
            .query(
                "sns",
                &[("Action", "DeleteTopic"), ("TopicArn", arn.as_str())]
            )
            .0,
        200
    );
    let (_, xml) = cloud.query("sns", &[("Action", "ListSubscriptions")]);
    assert_eq!(element(&xml, "SubscriptionArn"), None);
}

#[test]
fn what_is_published_is_checked() {
    let cloud = Running::start(None);
    let arn = topic(&cloud, &[]);
    let (_, xml) = cloud.query(
        "sns",
        &[
            ("Action", "CreateTopic"),
            ("Name", "q.fifo"),
            ("Attributes.entry.1.key", "FifoTopic"),
            ("Attributes.entry.1.value", "true"),
        ],
    );
    let fifo = element(&xml, "TopicArn").unwrap().to_owned();
    for (topic, more, wanted) in [
        (&arn, vec![("Message", "x")], ""),
        (
            &arn,
            vec![("Message", "")],
            "Invalid parameter: Empty message",
        ),
        (
            &arn,
            vec![("Message", "x"), ("Subject", "a\nb")],
            "Invalid parameter: Subject",
        ),
        (
            &arn,
            vec![("Message", "x"), ("MessageStructure", "json")],
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            &arn,
            vec![("Message", "{}"), ("MessageStructure", "json")],
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
        (
            &arn,
            vec![
                ("Message", r#"{"default":"x"}"#),
                ("MessageStructure", "json"),
            ],
            "",
        ),
        (
            &fifo,
            vec![("Message", "x")],
            "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
        ),
        (
            &fifo,
            vec![("Message", "x"), ("MessageGroupId", "g")],
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled",
        ),
        (
            &fifo,
            vec![
                ("Message", "x"),
                ("MessageGroupId", "g"),
                ("MessageDeduplicationId", "d"),
            ],
            "",
        ),
    ] {
        let form = [
            vec![("Action", "Publish"), ("TopicArn", topic.as_str())],
            more.clone(),
        ]
        .concat();
        let (status, xml) = cloud.query("sns", &form);
        if wanted.is_empty() {
            assert_eq!(status, 200, "{more:?}: {xml}");
        } else {
            assert_eq!(
                (status, element(&xml, "Code")),
                (400, Some("InvalidParameter")),
                "{more:?}"
            );
            assert!(
                element(&xml, "Message").unwrap().starts_with(wanted),
                "{more:?}: {xml}"
            );
        }
    }
    let again = [
        ("Action", "Publish"),
        ("TopicArn", fifo.as_str()),
        ("Message", "x"),
        ("MessageGroupId", "g"),
        ("MessageDeduplicationId", "d"),
    ];
    let id = |xml: &str| element(xml, "MessageId").unwrap().to_owned();
    assert_eq!(
        id(&cloud.query("sns", &again).1),
        id(&cloud.query("sns", &again).1)
    );

    let batch = [
        ("Action", "PublishBatch"),
        ("TopicArn", arn.as_str()),
        ("PublishBatchRequestEntries.member.1.Id", "a"),
        ("PublishBatchRequestEntries.member.1.Message", "x"),
        ("PublishBatchRequestEntries.member.2.Id", "b"),
        ("PublishBatchRequestEntries.member.2.Message", ""),
    ];
    let (status, xml) = cloud.query("sns", &batch);
    assert_eq!(status, 200, "{xml}");
    assert!(
        element(&xml, "Successful").unwrap().contains("<Id>a</Id>"),
        "{xml}"
    );
    assert!(
        element(&xml, "Failed")
            .unwrap()
            .contains("<Code>InvalidParameter</Code>"),
        "{xml}"
    );
    let twice = batch.map(|(name, value)| (name, if value == "b" { "a" } else { value }));
    let (_, xml) = cloud.query("sns", &twice);
    assert_eq!(element(&xml, "Code"), Some("BatchEntryIdsNotDistinct"));
}
