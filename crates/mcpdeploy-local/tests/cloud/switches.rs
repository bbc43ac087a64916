//! What the switches make worse, as AWS is bad at times.

use std::io::Write;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mcpdeploy_local::{Fault, Switches, Throttle};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::support_telemetry::Running;

const LONG: Duration = Duration::from_secs(600);

fn role(cloud: &Running, name: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let form = [
        ("Action", "CreateRole"),
        ("Version", "2010-05-08"),
        ("RoleName", name),
        ("AssumeRolePolicyDocument", &trust.to_string()),
    ];
    let (status, xml) = cloud.query("iam", &form);
    assert_eq!(status, 200, "{xml}");
    format!("arn:aws:iam::000000000000:role/{name}")
}

fn create(cloud: &Running, name: &str, role: &str) -> (u16, Value) {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let executable = SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", executable).unwrap();
    zip.write_all(b"#!/bin/sh\n").unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let input = json!({"FunctionName": name, "Role": role, "Runtime": "provided.al2023",
        "Handler": "bootstrap", "Code": {"ZipFile": BASE64_STANDARD.encode(zip)}});
    cloud.post("lambda", "/2015-03-31/functions", &input)
}

#[test]
fn a_fresh_role_is_unknown_to_lambda_for_a_while() {
    let cloud = Running::start(None);
    cloud.switch(Switches {
        iam_propagation: LONG,
        ..Switches::default()
    });
    let role = role(&cloud, "exec");
    let (status, said) = create(&cloud, "f", &role);
    assert_eq!(status, 400);
    let message = "The role defined for the function cannot be assumed by Lambda.";
    assert_eq!(said["message"], message, "{said}");
    cloud.switch(Switches::default());
    assert_eq!(create(&cloud, "f", &role).0, 201);
    cloud.stop();
}

#[test]
fn a_change_is_pending_for_a_while_and_the_next_one_conflicts() {
    let cloud = Running::start(None);
    let role = role(&cloud, "exec");
    cloud.switch(Switches {
        pending: LONG,
        ..Switches::default()
    });
    let (status, made) = create(&cloud, "f", &role);
    assert_eq!((status, &made["State"]), (201, &json!("Pending")), "{made}");
    let path = "/2015-03-31/functions/f/versions";
    let (status, said) = cloud.post("lambda", path, &json!({}));
    assert_eq!((status, &said["Type"]), (409, &json!("User")), "{said}");
    cloud.stop();
}

#[test]
fn a_service_takes_so_many_calls() {
    let cloud = Running::start(None);
    let throttle = Throttle {
        rate: 0.001,
        burst: 2.0,
    };
    cloud.switch(Switches {
        throttle: Some(throttle),
        ..Switches::default()
    });
    let list = [("Action", "ListRoles"), ("Version", "2010-05-08")];
    let topics = [("Action", "ListTopics"), ("Version", "2010-03-31")];
    assert_eq!(cloud.query("iam", &list).0, 200);
    assert_eq!(cloud.query("iam", &list).0, 200);
    let (status, said) = cloud.query("iam", &list);
    assert_eq!(status, 400);
    assert!(said.contains("<Code>Throttling</Code>"), "{said}");
    // Another service has its own measure.
    assert_eq!(cloud.query("sns", &topics).0, 200);
    cloud.stop();
}

#[test]
fn the_named_call_fails_and_the_next_does_not() {
    let cloud = Running::start(None);
    let fault: Fault = "2=fail".parse().unwrap();
    cloud.switch(Switches {
        faults: vec![fault],
        ..Switches::default()
    });
    let list = [("Action", "ListRoles"), ("Version", "2010-05-08")];
    let statuses = [(); 3].map(|()| cloud.query("iam", &list).0);
    assert_eq!(statuses, [200, 500, 200]);
    cloud.stop();
}
