use serde_json::{Value, json};

use super::support_telemetry::{Running, now};

struct Logs(Running);

impl Logs {
    fn call(&self, operation: &str, input: Value) -> (u16, Value) {
        self.0
            .json("logs", &format!("Logs_20140328.{operation}"), &input)
    }

    #[track_caller]
    fn fine(&self, operation: &str, input: Value) -> Value {
        let (status, output) = self.call(operation, input);
        assert_eq!(status, 200, "{operation}: {output}");
        output
    }

    #[track_caller]
    fn refused(&self, operation: &str, input: Value) -> String {
        let (status, output) = self.call(operation, input);
        assert_eq!(status, 400, "{operation}: {output}");
        format!(
            "{}: {}",
            output["__type"].as_str().unwrap(),
            output["message"].as_str().unwrap()
        )
    }

    /// A group `g` with streams `a` and `b` of these events.
    fn filled(self, a: &[(i64, &str)], b: &[(i64, &str)]) -> Self {
        self.fine("CreateLogGroup", json!({"logGroupName": "g"}));
        for (stream, events) in [("a", a), ("b", b)] {
            let name = json!({"logGroupName": "g", "logStreamName": stream});
            self.fine("CreateLogStream", name.clone());
            let events: Vec<Value> = events
                .iter()
                .map(|(at, message)| json!({"timestamp": at, "message": message}))
                .collect();
            let mut put = name;
            if !events.is_empty() {
                put["logEvents"] = events.into();
                self.fine("PutLogEvents", put);
            }
        }
        self
    }
}

fn messages(output: &Value) -> Vec<&str> {
    let events = output["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["message"].as_str().unwrap())
        .collect()
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let start = now() - 10_000;
    let logs = Logs(Running::start(Some(folder.path()))).filled(
        &[(start, "one"), (start + 2, "three")],
        &[(start + 1, "two")],
    );
    logs.fine(
        "PutRetentionPolicy",
        json!({"logGroupName": "g", "retentionInDays": 7}),
    );
    logs.fine(
        "TagLogGroup",
        json!({"logGroupName": "g", "tags": {"k": "v"}}),
    );
    logs.0.stop();

    let logs = Logs(Running::start(Some(folder.path())));
    let groups = logs.fine("DescribeLogGroups", json!({}));
    assert_eq!(groups["logGroups"][0]["retentionInDays"], 7);
    let arn = &groups["logGroups"][0]["arn"];
    assert_eq!(
        logs.fine("ListTagsForResource", json!({"resourceArn": arn}))["tags"],
        json!({"k": "v"})
    );
    let found = logs.fine("FilterLogEvents", json!({"logGroupName": "g"}));
    assert_eq!(messages(&found), ["one", "two", "three"]);
    let from_tail = logs.fine(
        "FilterLogEvents",
        json!({"logGroupName": "g", "startFromHead": false, "startTime": start, "endTime": start + 1}),
    );
    assert_eq!(messages(&from_tail), ["two", "one"]);

    logs.fine(
        "DeleteLogStream",
        json!({"logGroupName": "g", "logStreamName": "a"}),
    );
    logs.fine(
        "CreateLogStream",
        json!({"logGroupName": "g", "logStreamName": "a"}),
    );
    logs.0.stop();
    let logs = Logs(Running::start(Some(folder.path())));
    let found = logs.fine("FilterLogEvents", json!({"logGroupName": "g"}));
    assert_eq!(messages(&found), ["two"]);
}

#[test]
fn pages_lead_through_all_events_and_back() {
    let start = now() - 10_000;
    let texts: Vec<String> = (0..7).map(|n| n.to_string()).collect();
    // Some at the same moment.
    let events: Vec<(i64, &str)> = texts
        .iter()
        .zip(0..)
        .map(|(text, n)| (start + n / 2, text.as_str()))
        .collect();
    let logs = Logs(Running::start(None)).filled(&events, &events);
    for head in [true, false] {
        let mut seen = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut input =
                json!({"logGroupName": "g", "limit": 3, "startFromHead": head, "startTime": start});
            if token.is_string() {
                input["nextToken"] = token;
            }
            let page = logs.fine("FilterLogEvents", input);
            seen.extend(
                page["events"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|event| event["eventId"].as_str().unwrap().to_owned()),
            );
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        let in_order = if head {
            seen.is_sorted()
        } else {
            seen.iter().rev().is_sorted()
        };
        assert!(in_order, "{seen:?}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 14);
    }

    let stream = json!({"logGroupName": "g", "logStreamName": "a", "limit": 3});
    let get = |token: &Value| {
        let mut input = stream.clone();
        if token.is_string() {
            input["nextToken"] = token.clone();
        }
        logs.fine("GetLogEvents", input)
    };
    let last = get(&Value::Null);
    assert_eq!(messages(&last), ["4", "5", "6"]);
    let end = get(&last["nextForwardToken"]);
    assert_eq!(
        (messages(&end), &end["nextForwardToken"]),
        (vec![], &last["nextForwardToken"])
    );
    let before = get(&last["nextBackwardToken"]);
    assert_eq!(messages(&before), ["1", "2", "3"]);
    let first = get(&before["nextBackwardToken"]);
    assert_eq!(messages(&first), ["0"]);
    let beginning = get(&first["nextBackwardToken"]);
    assert_eq!(
        (messages(&beginning), &beginning["nextBackwardToken"]),
        (vec![], &first["nextBackwardToken"])
    );
    assert_eq!(messages(&get(&first["nextForwardToken"])), ["1", "2", "3"]);
}

#[test]
fn metric_filters_make_values_of_events() {
    let logs = Logs(Running::start(None)).filled(&[], &[]);
    let metric = |name: &str, value: &str, dimensions: Value| json!([{"metricName": name, "metricNamespace": "N", "metricValue": value, "dimensions": dimensions}]);
    for (filter, pattern, transformation) in [
        (
            "errors",
            "{ $.level = \"ERROR\" }",
            metric("errors", "1", Value::Null),
        ),
        (
            "sizes",
            "[..., size]",
            metric("sizes", "$size", Value::Null),
        ),
        (
            "times",
            "{ $.ms = * }",
            metric("times", "$.ms", json!({"Operation": "$.op"})),
        ),
    ] {
        logs.fine(
            "PutMetricFilter",
            json!({"logGroupName": "g", "filterName": filter, "filterPattern": pattern, "metricTransformations": transformation}),
        );
    }
    let at = now();
    let texts = [
        r#"{"level":"ERROR","ms":5,"op":"add"}"#,
        r#"{"level":"INFO","ms":7,"op":"add"}"#,
        r#"{"ms":9}"#,
        "GET /x 12",
        "GET /y 30",
    ];
    let events: Vec<Value> = texts
        .iter()
        .map(|text| json!({"timestamp": at, "message": text}))
        .collect();
    logs.fine(
        "PutLogEvents",
        json!({"logGroupName": "g", "logStreamName": "a", "logEvents": events}),
    );
    let sum = |metric: &str, dimensions: &[(&str, &str)]| {
        let (start, end) = ((at - 120_000).to_string(), (at + 120_000).to_string());
        let seconds = |millis: &str| format!("{}.0", millis.parse::<i64>().unwrap() / 1000);
        let (start, end) = (seconds(&start), seconds(&end));
        let mut form = vec![
            ("Action", "GetMetricStatistics"),
            ("Namespace", "N"),
            ("MetricName", metric),
            ("StartTime", start.as_str()),
            ("EndTime", end.as_str()),
            ("Period", "600"),
            ("Statistics.member.1", "Sum"),
        ];
        for (name, value) in dimensions {
            form.extend([
                ("Dimensions.member.1.Name", *name),
                ("Dimensions.member.1.Value", *value),
            ]);
        }
        let (status, xml) = logs.0.query("monitoring", &form);
        assert_eq!(status, 200, "{xml}");
        super::support_telemetry::element(&xml, "Sum").map(str::to_owned)
    };
    assert_eq!(sum("errors", &[]).as_deref(), Some("1.0"));
    assert_eq!(sum("sizes", &[]).as_deref(), Some("42.0"));
    assert_eq!(
        sum("times", &[("Operation", "add")]).as_deref(),
        Some("12.0")
    );
    // An event without the field of a dimension gives none.
    assert_eq!(sum("times", &[]), None);
}

#[test]
fn what_is_wrong_is_refused_as_aws_does() {
    let logs = Logs(Running::start(None)).filled(&[], &[]);
    let at = now();
    let put =
        |events: Value| json!({"logGroupName": "g", "logStreamName": "a", "logEvents": events});
    let event = |message: &str| json!({"timestamp": at, "message": message});
    for (operation, input, wanted) in [
        (
            "CreateLogGroup",
            json!({"logGroupName": "g"}),
            "ResourceAlreadyExistsException: The specified log group already exists",
        ),
        (
            "CreateLogGroup",
            json!({"logGroupName": "a b"}),
            "InvalidParameterException: 1 validation error detected: Value 'a b' at 'logGroupName'",
        ),
        (
            "DeleteLogGroup",
            json!({"logGroupName": "none"}),
            "ResourceNotFoundException: The specified log group does not exist.",
        ),
        (
            "GetLogEvents",
            json!({"logGroupName": "g", "logStreamName": "none"}),
            "ResourceNotFoundException: The specified log stream does not exist.",
        ),
        (
            "GetLogEvents",
            json!({"logGroupName": "g", "logStreamName": "a", "nextToken": "x"}),
            "InvalidParameterException: The specified nextToken is invalid.",
        ),
        (
            "FilterLogEvents",
            json!({"logGroupName": "g", "filterPattern": "a:b"}),
            "InvalidParameterException: Invalid filter pattern",
        ),
        (
            "FilterLogEvents",
            json!({"logGroupName": "g", "logGroupIdentifier": "g"}),
            "InvalidParameterException: ",
        ),
        (
            "FilterLogEvents",
            json!({"logGroupName": "g", "startFromHead": false}),
            "InvalidParameterException: ",
        ),
        (
            "PutLogEvents",
            put(json!([])),
            "InvalidParameterException: 1 validation error detected",
        ),
        (
            "PutLogEvents",
            put(json!([event("")])),
            "InvalidParameterException: 1 validation error detected",
        ),
        (
            "PutLogEvents",
            put(json!([event(&"x".repeat(1_048_576))])),
            "InvalidParameterException: Log event too large: 1048602 bytes",
        ),
        (
            "PutLogEvents",
            put(json!([
                event(&"x".repeat(600_000)),
                event(&"x".repeat(600_000))
            ])),
            "InvalidParameterException: Upload too large: 1200052 bytes",
        ),
        (
            "DeleteMetricFilter",
            json!({"logGroupName": "g", "filterName": "none"}),
            "ResourceNotFoundException: ",
        ),
        (
            "ListTagsForResource",
            json!({"resourceArn": "g"}),
            "InvalidParameterException: ",
        ),
    ] {
        let refused = logs.refused(operation, input);
        assert!(refused.starts_with(wanted), "{operation}: {refused}");
    }
    let (status, output) = logs.call("StartQuery", json!({}));
    assert_eq!(
        (status, output["__type"].as_str()),
        (501, Some("NotImplementedException"))
    );
}

#[test]
fn patterns_can_be_tried() {
    let logs = Logs(Running::start(None));
    let found = logs.fine(
        "TestMetricFilter",
        json!({"filterPattern": "[ip, status = 4*]", "logEventMessages": ["1.2.3.4 200", "1.2.3.4 404"]}),
    );
    assert_eq!(
        found["matches"],
        json!([{"eventNumber": 2, "eventMessage": "1.2.3.4 404", "extractedValues": {"$ip": "1.2.3.4", "$status": "404"}}])
    );
}
