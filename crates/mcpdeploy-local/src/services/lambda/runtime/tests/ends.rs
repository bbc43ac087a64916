//! No process outlives what it was for.

use std::sync::Arc;
use std::time::Duration;

use super::{Bench, answer, error, eventually, is_running};

/// A function with a child of its own, which prints both process ids into a file.
const FAMILY: &str = r#"
child = subprocess.Popen(["/bin/sleep", "600"])
with open("pids.new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename("pids.new", "pids")
"#;

async fn family(bench: &Bench) -> Vec<u64> {
    let path = bench.path().join("pids");
    eventually("a process", || path.exists()).await;
    let text = std::fs::read_to_string(path).unwrap();
    text.split(' ').map(|pid| pid.parse().unwrap()).collect()
}

async fn gone(pids: Vec<u64>) {
    for pid in pids {
        eventually("the end of a process", || !is_running(pid)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_the_idle_the_busy_and_those_that_start() {
    for body in [
        "loop(lambda event: 1)",
        "next(); time.sleep(600)",
        "time.sleep(600)",
    ] {
        let bench = Bench::new().await;
        let program = Arc::new(bench.python(&format!("{FAMILY}\n{body}")));
        let run = bench.spawn(&program, "{}");
        let pids = family(&bench).await;
        let idle = body.starts_with("loop");
        if idle {
            eventually("an answer", || run.is_finished()).await;
        }
        bench.runtime.stop().await;
        assert!(!is_running(pids[0]), "{body}");
        // Its child got the same signal; nobody here waits for it.
        gone(pids).await;
        let run = run.await.unwrap();
        if idle {
            assert_eq!(answer(&run), 1);
        } else {
            assert!(error(&run).contains("the embedded cloud was stopped"));
        }
        // Nothing more is run.
        let run = bench.run(&program, "{}").await;
        assert!(error(&run).contains("the embedded cloud was stopped"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_cloud_ends_processes() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(&format!("{FAMILY}\nloop(lambda event: 1)")));
    answer(&bench.run(&program, "{}").await);
    let pids = family(&bench).await;
    bench.cloud.stop().await;
    gone(pids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_run_and_a_dead_process_leave_no_children() {
    for body in ["next(); time.sleep(600)", "next(); os._exit(1)"] {
        let bench = Bench::new().await;
        let mut program = bench.python(&format!("{FAMILY}\n{body}"));
        program.timeout = Duration::from_secs(1);
        let run = bench.run(&Arc::new(program), "{}").await;
        error(&run);
        gone(family(&bench).await).await;
        bench.runtime.stop().await;
    }
}

/// Even when nothing is stopped: the end of the program itself.
#[test]
fn the_end_of_the_tasks_ends_processes() {
    let tasks = tokio::runtime::Runtime::new().unwrap();
    let pids = tasks.block_on(async {
        let bench = Bench::new().await;
        let program = Arc::new(bench.python(&format!("{FAMILY}\nloop(lambda event: 1)")));
        answer(&bench.run(&program, "{}").await);
        family(&bench).await
    });
    drop(tasks);
    tokio::runtime::Runtime::new().unwrap().block_on(gone(pids));
}

/// The caller goes away; the run does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_outlives_its_caller() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
def handler(event):
    open("began", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    open("done", "w").close()
    return 1
loop(handler)
"#,
    ));
    let run = bench.spawn(&program, "{}");
    let path = |name| bench.path().join(name);
    eventually("the run", || path("began").exists()).await;
    run.abort();
    bench.package("go", b"", 0o644);
    eventually("the end of the run", || path("done").exists()).await;
    bench.runtime.stop().await;
}
