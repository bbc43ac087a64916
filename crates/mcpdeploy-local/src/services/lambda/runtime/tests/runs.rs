//! What a process gets, and what its runs look like.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Bench, Limits, RunRequest, answer, error, request, tail, without_numbers};
use crate::seen::Seen;

#[tokio::test(flavor = "multi_thread")]
async fn a_process_has_lambdas_variables_and_no_others() {
    let bench = Bench::new().await;
    // Python adds some of its own to what it was given.
    let mut program = bench.python(
        r#"
given = open("/proc/self/environ").read().strip("\x00").split("\x00")
loop(lambda event: dict((line.split("=", 1) for line in given), cwd=os.getcwd()))
"#,
    );
    program.environment = BTreeMap::from([
        ("STAGE".to_owned(), "prod".to_owned()),
        ("TZ".to_owned(), "Europe/Berlin".to_owned()),
        ("AWS_REGION".to_owned(), "not-this".to_owned()),
    ]);
    let run = bench.run(&Arc::new(program), "{}").await;
    let mut variables: BTreeMap<String, String> = serde_json::from_value(answer(&run)).unwrap();
    let stream = variables.remove("AWS_LAMBDA_LOG_STREAM_NAME").unwrap();
    let (date, id) = stream.split_once("/[$LATEST]").unwrap();
    assert_eq!((date.len(), id.len()), (10, 32), "{stream}");
    let api = variables.remove("AWS_LAMBDA_RUNTIME_API").unwrap();
    assert!(api.starts_with("127.0.0.1:"), "{api}");
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        assert!(!variables.remove(name).unwrap().is_empty());
    }
    let code = bench.path().display().to_string();
    let libraries = format!(
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{code}:{code}/lib:/opt/lib"
    );
    let endpoint = bench.cloud.endpoint();
    let expected = [
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", &code),
        ("LANG", "en_US.UTF-8"),
        ("LD_LIBRARY_PATH", &libraries),
        (
            "PATH",
            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        ),
        ("STAGE", "prod"),
        ("TZ", "Europe/Berlin"),
        ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
        ("_AWS_XRAY_DAEMON_PORT", "2000"),
        ("_HANDLER", "the.handler"),
        ("cwd", &code),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables, BTreeMap::from(expected));
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_lambdas_headers() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
while True:
    id, event, headers = next()
    left = int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
    respond(id, {"event": event, "left": left,
        "headers": {name.lower(): value for name, value in headers.items()}})
"#,
    ));
    let got = answer(&bench.run(&program, r#"{"a":[1]}"#).await);
    assert_eq!(got["event"], json!({ "a": [1] }));
    let left = got["left"].as_f64().unwrap();
    assert!(left > 0.0 && left <= 20.0, "{left}");
    let headers = &got["headers"];
    for (name, value) in [
        ("lambda-runtime-aws-request-id", "r"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:f:live",
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
        ),
        ("lambda-runtime-client-context", r#"{"custom":{"a":"1"}}"#),
        ("content-type", "application/json"),
    ] {
        assert_eq!(headers[name], value);
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_cold_run_and_a_warm_one() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
print("starting", flush=True)
def handler(event):
    print("to stdout", flush=True)
    print("to stderr", file=sys.stderr)
    return os.getpid()
loop(handler)
"#,
    ));
    let mut seen = bench.cloud.watch();
    let cold = bench.run(&program, "{}").await;
    let warm = bench.run(&program, "{}").await;
    assert_eq!(answer(&cold), answer(&warm));
    assert!(cold.init.is_some() && warm.init.is_none());
    let run = "START RequestId: r Version: $LATEST\nto stdout\nto stderr\nEND RequestId: r\n\
               REPORT RequestId: r\tDuration: N ms\tBilled Duration: N ms\tMemory Size: N MB\tMax Memory Used: N MB\t";
    let init = "INIT_START Runtime Version: provided:al2023.v97\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:c41794fa37de91d5a4c88f2a471b21f574288707c433f12c13d96fe25015cab8\nstarting\n";
    assert_eq!(without_numbers(&tail(&warm)), format!("{run}\n"));
    // This bootstrap would not run on AWS, which is said once, after the cold start.
    let hint = cold.hint.clone().unwrap();
    assert!(hint.contains("python3"), "{hint}");
    assert_eq!(warm.hint, None);
    assert_eq!(
        without_numbers(&tail(&cold)),
        format!("{init}{run}Init Duration: N ms\t\n[mcpdeploy] hint: {hint}\n")
    );
    let mut lines = Vec::new();
    while let Ok(Seen::Log { line, .. }) = seen.try_recv() {
        lines.push(line);
    }
    let each = ["to stdout", "to stderr"];
    assert_eq!(
        lines,
        [&["starting"][..], &each, &each].concat(),
        "only the function's own"
    );
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_are_split_and_the_tail_is_four_kilobytes() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
def handler(event):
    print("x" * (600 * 1024), end="", flush=True)
    print("\n" + "\n".join(str(n) for n in range(2000)), flush=True)
    return 1
loop(handler)
"#,
    ));
    let mut seen = bench.cloud.watch();
    let run = bench.run(&program, "{}").await;
    assert_eq!(run.log_tail.len(), 4096);
    assert!(tail(&run).contains("\n1999\nEND RequestId: r\n"));
    let mut lengths = Vec::new();
    while let Ok(Seen::Log { line, .. }) = seen.try_recv() {
        lengths.push(line.len());
    }
    let kilobyte = 1024;
    assert_eq!(
        lengths.get(..3),
        Some(&[256 * kilobyte, 256 * kilobyte, 88 * kilobyte][..])
    );
    assert_eq!(lengths.len(), 2003);
    bench.runtime.stop().await;
}

/// What the Runtime API answers to a runtime that uses it wrongly, and that the run goes on.
#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_api_refuses_what_lambdas_refuses() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
seen = [
    call("POST", "invocation/r/response", "1")[:2],
]
id, event, _ = next()
seen += [
    call("POST", "init/error", "{}")[:2],
    call("POST", "invocation/other/response", "1")[:2],
    call("GET", "invocation/nothing")[:2],
    call("PUT", "invocation/next")[:2],
]
# Asking again in the middle of a run gives the same run again.
assert next()[0] == id
other = http.client.HTTPConnection(HOST)
status, body, _ = call("POST", f"invocation/{id}/response", json.dumps([
    [status, body.decode()] for status, body in seen]))
late = call("POST", f"invocation/{id}/error", "{}")[:2]
id, event, _ = next()
respond(id, [status, body.decode(), late[0], late[1].decode()])
loop(lambda event: 1)
"#,
    ));
    let refused = |kind: &str, message: &str| {
        json!({ "errorMessage": message, "errorType": kind }).to_string()
    };
    let unknown = refused("InvalidRequestID", "Invalid request ID");
    let transition = |from: &str, to: &str| {
        let text = format!(
            "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
        );
        refused("InvalidStateTransition", &text)
    };
    let first = answer(&bench.run(&program, "{}").await);
    let expected = json!([
        [400, unknown],
        [403, transition("Running", "InitError")],
        [400, unknown],
        [404, "404 page not found\n"],
        [404, "404 page not found\n"],
    ]);
    assert_eq!(first, expected);
    let second = answer(&bench.run(&program, "{}").await);
    let late = transition("RuntimeResponseSentState", "InvocationErrorResponse");
    assert_eq!(second, json!([202, "{\"status\":\"OK\"}\n", 403, late]));
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_reports_its_error_stays() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
while True:
    id, event, _ = next()
    call("POST", f"invocation/{id}/error", json.dumps({"errorType": "Bad", "pid": os.getpid()}),
        {"Lambda-Runtime-Function-Error-Type": "Function.Bad"})
"#,
    ));
    let first = bench.run(&program, "{}").await;
    let second = bench.run(&program, "{}").await;
    let payload = error(&first);
    assert_eq!(
        serde_json::from_str::<Value>(&payload).unwrap()["errorType"],
        "Bad"
    );
    assert_eq!(error(&second), payload);
    assert!(tail(&second).ends_with("MB\t\n"), "{}", tail(&second));
    bench.runtime.stop().await;
}

/// The caller has its answer while the process goes on; the next run waits for it or has another.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_does_not_wait_for_what_comes_after_it() {
    let bench = Bench::with(Limits::default()).await;
    let program = Arc::new(bench.python(
        r#"
id, event, _ = next()
respond(id, os.getpid())
while not os.path.exists(event["until"]):
    time.sleep(0.01)
print("done after all", flush=True)
loop(lambda event: os.getpid())
"#,
    ));
    let until = bench.path().join("until");
    let payload = json!({ "until": until }).to_string();
    let mut seen = bench.cloud.watch();
    let run = bench.run(&program, &payload).await;
    assert!(answer(&run).is_u64());
    assert!(!tail(&run).contains("REPORT"));
    bench.package("until", b"", 0o644);
    let line = tokio::time::timeout(Duration::from_secs(10), seen.recv()).await;
    let Ok(Ok(Seen::Log { line, .. })) = line else {
        panic!("{line:?}")
    };
    assert_eq!(line, "done after all");
    bench.runtime.stop().await;
}

/// Who wants the log gets all of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_the_log_waits_for_the_end_of_the_run() {
    let bench = Bench::with(Limits {
        grace: Duration::ZERO,
        ..Limits::default()
    })
    .await;
    let program = Arc::new(bench.python(
        r#"
id, event, _ = next()
respond(id, 1)
time.sleep(0.05)
print("and this", flush=True)
loop(lambda event: 1)
"#,
    ));
    let asked = RunRequest {
        log: true,
        ..request("{}")
    };
    let run = bench.runtime.run(&bench.cloud, program, asked).await;
    assert!(tail(&run).contains("and this\nEND"), "{}", tail(&run));
    bench.runtime.stop().await;
}
