use ciborium::value::Value as Cbor;
use serde_json::{Value, json};

use super::support_telemetry::{Running, element, now};

/// A structure in CBOR.
fn map(fields: &[(&str, Cbor)]) -> Cbor {
    Cbor::Map(
        fields
            .iter()
            .map(|(name, value)| (Cbor::from(*name), value.clone()))
            .collect(),
    )
}

fn list(items: &[Cbor]) -> Cbor {
    Cbor::Array(items.to_vec())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit into 52 bits"
)]
fn moment(millis: i64) -> Cbor {
    Cbor::Tag(1, Box::new(Cbor::Float(millis as f64 / 1000.0)))
}

fn get<'a>(value: &'a Cbor, name: &str) -> &'a Cbor {
    let fields = value.as_map().unwrap();
    let found = fields.iter().find(|(key, _)| key.as_text() == Some(name));
    &found.unwrap_or_else(|| panic!("{name} in {value:?}")).1
}

#[test]
fn values_go_in_and_out_in_cbor() {
    let cloud = Running::start(None);
    let at = now() - 120_000;
    let metric = [("MetricName", "M".into()), ("Timestamp", moment(at))];
    let data = list(&[
        map(&[&metric[..], &[("Value", Cbor::Float(2.0))]].concat()),
        map(&[
            &metric[..],
            &[
                ("Values", list(&[4.into(), Cbor::Float(6.5)])),
                ("Counts", list(&[Cbor::Float(2.0), 1.into()])),
            ],
        ]
        .concat()),
    ]);
    let (answer, _) = cloud.cbor(
        "monitoring",
        "PutMetricData",
        &map(&[("Namespace", "N".into()), ("MetricData", data)]),
    );
    assert_eq!(answer.status, 200);
    let stat = |id: &str, stat: &str| {
        let metric = map(&[("Namespace", "N".into()), ("MetricName", "M".into())]);
        let stat = map(&[
            ("Metric", metric),
            ("Period", 60.into()),
            ("Stat", stat.into()),
        ]);
        map(&[("Id", id.into()), ("MetricStat", stat)])
    };
    let math = map(&[
        ("Id", "e".into()),
        ("Expression", "sum / n".into()),
        ("Label", "mean".into()),
    ]);
    let input = map(&[
        ("StartTime", moment(at - 600_000)),
        ("EndTime", moment(at + 600_000)),
        (
            "MetricDataQueries",
            list(&[
                stat("sum", "Sum"),
                stat("n", "SampleCount"),
                stat("p", "p50"),
                math,
            ]),
        ),
    ]);
    let (answer, output) = cloud.cbor("monitoring", "GetMetricData", &input);
    assert_eq!(answer.status, 200, "{output:?}");
    let results = get(&output, "MetricDataResults").as_array().unwrap();
    let values: Vec<f64> = results
        .iter()
        .map(|result| {
            get(result, "Values").as_array().unwrap()[0]
                .as_float()
                .unwrap()
        })
        .collect();
    assert_eq!(values, [16.5, 4.0, 4.0, 4.125]);
    assert_eq!(get(&results[3], "Label").as_text(), Some("mean"));
    let minute = at - at.rem_euclid(60_000);
    // Periods start with the minute of the start time.
    assert_eq!(
        get(&results[0], "Timestamps").as_array().unwrap(),
        &[moment(minute)]
    );
}

#[test]
fn faults_have_the_name_of_their_shape_and_the_code_of_old() {
    let cloud = Running::start(None);
    let name = map(&[("DashboardName", "none".into())]);
    let (answer, output) = cloud.cbor("monitoring", "GetDashboard", &name);
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.query_error.as_deref(),
        Some("ResourceNotFound;Sender")
    );
    assert_eq!(
        get(&output, "__type").as_text(),
        Some("com.amazonaws.cloudwatch#DashboardNotFoundError")
    );

    let (status, xml) = cloud.query(
        "monitoring",
        &[("Action", "GetDashboard"), ("DashboardName", "none")],
    );
    assert_eq!(
        (status, element(&xml, "Code")),
        (404, Some("ResourceNotFound")),
        "{xml}"
    );

    let (status, output) = cloud.json(
        "monitoring",
        "GraniteServiceVersion20100801.GetDashboard",
        &json!({"DashboardName": "none"}),
    );
    assert_eq!(
        (status, output["__type"].as_str()),
        (404, Some("DashboardNotFoundError"))
    );
}

fn call(cloud: &Running, operation: &str, input: Value) -> Value {
    let (status, output) = cloud.json(
        "monitoring",
        &format!("GraniteServiceVersion20100801.{operation}"),
        &input,
    );
    assert_eq!(status, 200, "{operation}: {output}");
    output
}

#[test]
fn an_alarm_tells_its_topic() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Running::start(Some(folder.path()));
    let (_, xml) = cloud.query("sns", &[("Action", "CreateTopic"), ("Name", "t")]);
    let topic = element(&xml, "TopicArn").unwrap().to_owned();
    let subscribe = [
        ("Action", "Subscribe"),
        ("TopicArn", topic.as_str()),
        ("Protocol", "email"),
        ("Endpoint", "a@example.com"),
    ];
    cloud.query("sns", &subscribe);
    let outbox = || -> Vec<Value> {
        let text = std::fs::read_to_string(folder.path().join("sns/outbox.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let link = outbox()[0]["confirm"].as_str().unwrap().to_owned();
    assert_eq!(cloud.visit(&link).0, 200);

    call(
        &cloud,
        "PutMetricAlarm",
        json!({
            "AlarmName": "a/b", "Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [topic, "arn:aws:sns:us-east-1:000000000000:gone"],
        }),
    );
    call(
        &cloud,
        "SetAlarmState",
        json!({"AlarmName": "a/b", "StateValue": "ALARM", "StateReason": "as asked"}),
    );
    let mail = &outbox()[1];
    assert_eq!(mail["to"], "a@example.com");
    assert_eq!(mail["subject"], "ALARM: \"a/b\" in US East (N. Virginia)");
    let told: Value = serde_json::from_str(mail["text"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&told["NewStateValue"], &told["OldStateValue"]),
        (&json!("ALARM"), &json!("INSUFFICIENT_DATA"))
    );
    assert_eq!(told["Trigger"]["Statistic"], "SUM");

    cloud.stop();
    let cloud = Running::start(Some(folder.path()));
    let alarms = call(&cloud, "DescribeAlarms", json!({"StateValue": "ALARM"}));
    assert_eq!(alarms["MetricAlarms"][0]["StateReason"], "as asked");
    let history = call(
        &cloud,
        "DescribeAlarmHistory",
        json!({"AlarmName": "a/b", "ScanBy": "TimestampAscending"}),
    );
    let summaries: Vec<&str> = history["AlarmHistoryItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["HistorySummary"].as_str().unwrap())
        .collect();
    assert_eq!(
        summaries[..2],
        [
            "Alarm \"a/b\" created",
            "Alarm updated from INSUFFICIENT_DATA to ALARM"
        ]
    );
    assert!(
        summaries[2]
            .starts_with("Successfully executed action arn:aws:sns:us-east-1:000000000000:t"),
        "{summaries:?}"
    );
    assert!(
        summaries[3]
            .starts_with("Failed to execute action arn:aws:sns:us-east-1:000000000000:gone"),
        "{summaries:?}"
    );
}

#[test]
fn an_alarm_reads_back_as_it_was_put_in_every_protocol() {
    let cloud = Running::start(None);
    let form = [
        ("Action", "PutMetricAlarm"),
        ("AlarmName", "rate"),
        ("EvaluationPeriods", "2"),
        ("DatapointsToAlarm", "1"),
        ("Threshold", "5"),
        ("ComparisonOperator", "GreaterThanOrEqualToThreshold"),
        ("TreatMissingData", "notBreaching"),
        ("ActionsEnabled", "false"),
        ("AlarmActions", ""),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v"),
        ("Metrics.member.1.Id", "errors"),
        ("Metrics.member.1.ReturnData", "false"),
        ("Metrics.member.1.MetricStat.Stat", "Sum"),
        ("Metrics.member.1.MetricStat.Period", "300"),
        ("Metrics.member.1.MetricStat.Metric.Namespace", "AWS/Lambda"),
        ("Metrics.member.1.MetricStat.Metric.MetricName", "Errors"),
        (
            "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Name",
            "FunctionName",
        ),
        (
            "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Value",
            "f",
        ),
        ("Metrics.member.2.Id", "e"),
        (
            "Metrics.member.2.Expression",
            "100 * errors / MAX([errors, 1])",
        ),
    ];
    let (status, xml) = cloud.query("monitoring", &form);
    assert_eq!(status, 200, "{xml}");
    let found = call(&cloud, "DescribeAlarms", json!({"AlarmNames": ["rate"]}));
    let alarm = &found["MetricAlarms"][0];
    for (name, wanted) in [
        ("EvaluationPeriods", json!(2)),
        ("DatapointsToAlarm", json!(1)),
        ("Threshold", json!(5.0)),
        ("ActionsEnabled", json!(false)),
        ("AlarmActions", json!([])),
        ("StateValue", json!("INSUFFICIENT_DATA")),
        ("MetricName", Value::Null),
    ] {
        assert_eq!(alarm[name], wanted, "{name}");
    }
    assert_eq!(
        alarm["Metrics"],
        json!([
            {"Id": "errors", "ReturnData": false, "MetricStat": {
                "Stat": "Sum", "Period": 300,
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": "f"}]},
            }},
            {"Id": "e", "Expression": "100 * errors / MAX([errors, 1])", "ReturnData": true},
        ])
    );
    let arn = &alarm["AlarmArn"];
    assert_eq!(
        call(&cloud, "ListTagsForResource", json!({"ResourceARN": arn}))["Tags"],
        json!([{"Key": "k", "Value": "v"}])
    );
    // Put again, an alarm keeps its tags.
    let untagged: Vec<_> = form
        .into_iter()
        .filter(|(name, _)| !name.starts_with("Tags"))
        .collect();
    let (status, xml) = cloud.query("monitoring", &untagged);
    assert_eq!(status, 200, "{xml}");
    assert_eq!(
        call(&cloud, "ListTagsForResource", json!({"ResourceARN": arn}))["Tags"],
        json!([{"Key": "k", "Value": "v"}])
    );
}

#[test]
fn metrics_are_listed_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = Running::start(Some(folder.path()));
    for (name, dimension) in [("b", Some("x")), ("a", Some("y")), ("a", None)] {
        let dimensions: Vec<Value> = dimension
            .iter()
            .map(|value| json!({"Name": "D", "Value": value}))
            .collect();
        call(
            &cloud,
            "PutMetricData",
            json!({"Namespace": "N", "MetricData": [{"MetricName": name, "Value": 1, "Dimensions": dimensions}]}),
        );
    }
    cloud.stop();
    let cloud = Running::start(Some(folder.path()));
    let names = |input: Value| -> Vec<String> {
        let found = call(&cloud, "ListMetrics", input);
        let metrics = found["Metrics"].as_array().unwrap().iter();
        metrics
            .map(|metric| {
                format!(
                    "{}{}",
                    metric["MetricName"].as_str().unwrap(),
                    metric["Dimensions"][0]["Value"]
                        .as_str()
                        .unwrap_or_default()
                )
            })
            .collect()
    };
    assert_eq!(names(json!({})), ["a", "ay", "bx"]);
    assert_eq!(
        names(json!({"Namespace": "N", "MetricName": "a"})),
        ["a", "ay"]
    );
    assert_eq!(names(json!({"Dimensions": [{"Name": "D"}]})), ["ay", "bx"]);
    assert_eq!(
        names(json!({"Dimensions": [{"Name": "D", "Value": "x"}], "RecentlyActive": "PT3H"})),
        ["bx"]
    );
    assert!(names(json!({"Namespace": "M"})).is_empty());
}
