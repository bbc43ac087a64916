//! Many requests at a time, and which processes take them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Bench, Limits, PATIENT, answer, eventually, is_running};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_many_come_at_once() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
def handler(event):
    time.sleep(0.02)
    return [event, os.getpid()]
loop(handler)
"#,
    ));
    let runs: Vec<_> = (0..60)
        .map(|number| bench.spawn(&program, &number.to_string()))
        .collect();
    let mut pids = HashSet::new();
    for (number, run) in runs.into_iter().enumerate() {
        let got = answer(&run.await.unwrap());
        assert_eq!(got[0], number);
        pids.insert(got[1].as_u64().unwrap());
    }
    // One at a time each: and processes that were free took what waited for a new one.
    assert!(pids.len() > 1 && pids.len() < 60, "{}", pids.len());
    bench.runtime.stop().await;
    assert!(!pids.into_iter().any(is_running));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_processes_as_runs_when_runs_wait_for_each_other() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
def handler(event):
    open(f"here-{event}", "w").close()
    while sum(name.startswith("here-") for name in os.listdir(".")) < 12:
        time.sleep(0.01)
    return os.getpid()
loop(handler)
"#,
    ));
    let runs: Vec<_> = (0..12)
        .map(|number| bench.spawn(&program, &number.to_string()))
        .collect();
    let mut pids = HashSet::new();
    for run in runs {
        pids.insert(answer(&run.await.unwrap()).as_u64().unwrap());
    }
    assert_eq!(pids.len(), 12);
    assert_eq!(bench.runtime.processes("us-east-1", "f"), 12);
    assert_eq!(bench.runtime.processes("eu-west-1", "f"), 0);
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_was_busy_last_is_used_first() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
def handler(event):
    if event:
        open(event, "w").close()
        while not os.path.exists("b" if event == "a" else "a"):
            time.sleep(0.01)
    return os.getpid()
loop(handler)
"#,
    ));
    let both = [
        bench.spawn(&program, r#""a""#),
        bench.spawn(&program, r#""b""#),
    ];
    for run in both {
        answer(&run.await.unwrap());
    }
    let pid = answer(&bench.run(&program, "null").await);
    for _ in 0..5 {
        assert_eq!(answer(&bench.run(&program, "null").await), pid);
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retired_processes_end_and_those_at_work_after_their_run() {
    let bench = Bench::new().await;
    let body = r#"
def handler(event):
    if event:
        open("busy", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
    return os.getpid()
loop(handler)
"#;
    let program = Arc::new(bench.python(body));
    let idle = answer(&bench.run(&program, "null").await).as_u64().unwrap();
    let other = Arc::new(super::Program {
        version: "7".to_owned(),
        ..Arc::unwrap_or_clone(program.clone())
    });
    let kept = answer(&bench.run(&other, "null").await).as_u64().unwrap();

    bench.runtime.retire(&program.arn, Some("$LATEST"));
    eventually("the end of an idle process", || !is_running(idle)).await;
    assert!(is_running(kept));

    let busy = bench.spawn(&program, "1");
    let path = bench.path().join("busy");
    eventually("a run", || path.exists()).await;
    bench.runtime.retire(&program.arn, None);
    eventually("the end of the other version", || !is_running(kept)).await;
    bench.package("go", b"", 0o644);
    let pid = answer(&busy.await.unwrap()).as_u64().unwrap();
    assert_ne!(pid, idle);
    eventually("the end of a busy process", || !is_running(pid)).await;
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_processes_end_after_a_while() {
    let limits = Limits {
        idle: Duration::from_millis(100),
        ..PATIENT
    };
    let bench = Bench::with(limits).await;
    let program = Arc::new(bench.python("loop(lambda event: os.getpid())"));
    let pid = answer(&bench.run(&program, "{}").await).as_u64().unwrap();
    eventually("the end of an idle process", || !is_running(pid)).await;
    let run = bench.run(&program, "{}").await;
    assert!(run.init.is_some());
    bench.runtime.stop().await;
}

/// A process that ends while it is idle is not missed by the next request.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_idle_is_replaced() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
threading.Thread(target=lambda: (time.sleep(0.3), os._exit(1))).start()
loop(lambda event: os.getpid())
"#,
    ));
    let pid = answer(&bench.run(&program, "{}").await).as_u64().unwrap();
    eventually("its end", || !is_running(pid)).await;
    // Perhaps it is not yet known that it ended: then the run says so, as it does on AWS.
    eventually("that it is known", || {
        bench.runtime.0.environments.is_empty()
    })
    .await;
    let run = bench.run(&program, "{}").await;
    assert_ne!(answer(&run).as_u64().unwrap(), pid);
    bench.runtime.stop().await;
}
