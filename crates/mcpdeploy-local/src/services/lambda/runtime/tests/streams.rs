//! Answers that stream.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Bench, Outcome, Run, StreamError};

/// A function that streams `parts`, and then does `then`.
fn streaming(then: &str) -> String {
    format!(
        r#"
id, event, _ = next()
api.putrequest("POST", f"/2018-06-01/runtime/invocation/{{id}}/response")
for name, value in [
    ("Lambda-Runtime-Function-Response-Mode", "streaming"),
    ("Transfer-Encoding", "chunked"),
    ("Content-Type", "application/vnd.awslambda.http-integration-response"),
    ("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
]:
    api.putheader(name, value)
api.endheaders()
for part in event:
    api.send(b"%x\r\n%s\r\n" % (len(part), part.encode()))
{then}
loop(lambda event: os.getpid())
"#
    )
}

async fn read(run: Run) -> (String, Option<StreamError>) {
    let Outcome::Stream { mut chunks } = run.outcome else {
        panic!("{run:?}")
    };
    let mut text = String::new();
    while let Some(chunk) = chunks.recv().await {
        match chunk {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(error) => return (text, Some(error)),
        }
    }
    (text, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_streams_and_those_with_an_error() {
    let bench = Bench::new().await;
    let whole = r#"api.send(b"0\r\n\r\n"); api.getresponse().read()"#;
    let trailers = r#"
api.send(b"0\r\nLambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"
    b"Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n\r\n")
api.getresponse().read()"#;
    let exit = "sys.exit(5)";
    let hang = "time.sleep(600)";
    for (revision, then, error) in [
        ("whole", whole, None),
        (
            "trailers",
            trailers,
            Some(("Runtime.StreamError", r#"{"a":1}"#)),
        ),
        (
            "exit",
            exit,
            Some((
                "Runtime.ExitError",
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r Error: Runtime exited with error: exit status 5"}"#,
            )),
        ),
        (
            "hang",
            hang,
            Some((
                "Sandbox.Timedout",
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 1.00 seconds"}"#,
            )),
        ),
        (
            "closed",
            "api.close(); time.sleep(0.5)",
            Some((
                "Runtime.TruncatedResponse",
                r#"{"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: r Error: HTTP request detected as truncated"}"#,
            )),
        ),
    ] {
        let mut program = bench.python(&streaming(then));
        program.revision = revision.to_owned();
        if revision == "hang" {
            program.timeout = Duration::from_secs(1);
        }
        let program = Arc::new(program);
        let run = bench.run(&program, r#"["hello ", "world"]"#).await;
        let expected = error.map(|(kind, body)| StreamError {
            kind: kind.to_owned(),
            body: body.to_owned(),
        });
        let got = read(run).await;
        assert_eq!(got, ("hello world".to_owned(), expected), "{revision}");
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_come_as_they_are_made() {
    let bench = Bench::new().await;
    let go = bench.path().join("go");
    let program = Arc::new(bench.python(&streaming(&format!(
        r#"
while not os.path.exists({go:?}): time.sleep(0.01)
api.send(b"3\r\nend\r\n0\r\n\r\n")
api.getresponse().read()"#
    ))));
    let run = bench.run(&program, r#"["first"]"#).await;
    let Outcome::Stream { mut chunks } = run.outcome else {
        panic!("{run:?}")
    };
    assert_eq!(next(&mut chunks).await.as_deref(), Some("first"));
    bench.package("go", b"", 0o644);
    assert_eq!(next(&mut chunks).await.as_deref(), Some("end"));
    assert_eq!(next(&mut chunks).await, None);
    bench.runtime.stop().await;
}

async fn next(chunks: &mut mpsc::Receiver<Result<Bytes, StreamError>>) -> Option<String> {
    let chunk = chunks.recv().await?.unwrap();
    Some(String::from_utf8_lossy(&chunk).into_owned())
}

/// The reader goes away: the function comes to its end all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_reads_ends() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(&streaming(
        r#"
for _ in range(2000):
    api.send(b"400\r\n%s\r\n" % (b"x" * 1024))
api.send(b"0\r\n\r\n")
api.getresponse().read()
print("ended", flush=True)"#,
    )));
    let mut seen = bench.cloud.watch();
    drop(bench.run(&program, r#"["first"]"#).await);
    let line = tokio::time::timeout(Duration::from_secs(20), seen.recv()).await;
    assert!(format!("{line:?}").contains("ended"), "{line:?}");
    bench.runtime.stop().await;
}
