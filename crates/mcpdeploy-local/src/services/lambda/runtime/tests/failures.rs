//! Bootstraps that fail: for each Lambda's words, and ours.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::{Bench, Limits, PATIENT, answer, error, tail, without_numbers};

/// A failing bootstrap: what it is, its error's type and message, and a part of the hint.
struct Case {
    bootstrap: Vec<u8>,
    mode: u32,
    kind: &'static str,
    message: &'static str,
    hint: &'static str,
}

fn case(
    bootstrap: impl Into<Vec<u8>>,
    kind: &'static str,
    message: &'static str,
    hint: &'static str,
) -> Case {
    Case {
        bootstrap: bootstrap.into(),
        mode: 0o755,
        kind,
        message,
        hint,
    }
}

const ENTRY: &str = "Runtime.InvalidEntrypoint";
const EXIT: &str = "Runtime.ExitError";

fn elf(machine: u8) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 2;
    header[18] = machine;
    header[20] = 1;
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstraps_that_do_not_start() {
    let bench = Bench::new().await;
    let format = "fork/exec /var/task/bootstrap: exec format error";
    let absent = "fork/exec /var/task/bootstrap: no such file or directory";
    let cases = [
        Case {
            mode: 0o644,
            ..case(
                "#!/bin/sh\n",
                ENTRY,
                "fork/exec /var/task/bootstrap: permission denied",
                "chmod 755",
            )
        },
        case("", ENTRY, format, "is empty"),
        case("exit 0\n", ENTRY, format, "begins with `#!`"),
        case("MZ", ENTRY, format, "is a Windows program"),
        case(
            b"\xcf\xfa\xed\xfe".to_vec(),
            ENTRY,
            format,
            "is a macOS program",
        ),
        case(
            elf(183),
            ENTRY,
            format,
            "the binary is for arm64, the function is x86_64: build with `mcpdeploy build --arch x86_64`",
        ),
        case(elf(3), ENTRY, format, "the binary is for 32-bit x86"),
        case(
            "#!/no/such/interpreter\n",
            ENTRY,
            absent,
            "interpreter `/no/such/interpreter` is not here",
        ),
        case("#!/bin/sh\r\nexit 0\r\n", ENTRY, absent, "Unix line ends"),
        case(
            "#!/bin/sh\nexit 0\n",
            EXIT,
            "Runtime exited without providing a reason",
            "it ended before it asked for a run",
        ),
        case(
            "#!/bin/sh\nexit 3\n",
            EXIT,
            "Runtime exited with error: exit status 3",
            "it ended at its start",
        ),
        case(
            "#!/bin/sh\nexit 101\n",
            EXIT,
            "Runtime exited with error: exit status 101",
            "it panicked",
        ),
        case(
            "#!/bin/sh\nno-such-command\n",
            EXIT,
            "Runtime exited with error: exit status 127",
            "a command of the script was not found",
        ),
        case(
            "#!/bin/sh\necho \"./bootstrap: /lib64/libc.so.6: version 'GLIBC_2.39' not found\" >&2\nexit 1\n",
            EXIT,
            "Runtime exited with error: exit status 1",
            "link it statically",
        ),
        case(
            "#!/bin/sh\nkill -SEGV $$\n",
            EXIT,
            "Runtime exited with error: signal: segmentation fault",
            "it crashed in machine code",
        ),
        case(
            "#!/bin/sh\nkill -ILL $$\n",
            EXIT,
            "Runtime exited with error: signal: illegal instruction",
            "target-cpu=native",
        ),
        case(
            "#!/bin/sh\nkill -KILL $$\n",
            EXIT,
            "Runtime exited with error: signal: killed",
            "killed from outside",
        ),
    ];
    let mut program = bench.program("");
    program.architecture = "x86_64".to_owned();
    for (number, case) in cases.iter().enumerate() {
        bench.package("bootstrap", &case.bootstrap, case.mode);
        program.revision = number.to_string();
        let run = bench.run(&Arc::new(program.clone()), "{}").await;
        let expected = format!(
            r#"{{"errorType":"{}","errorMessage":"RequestId: r Error: {}"}}"#,
            case.kind, case.message
        );
        assert_eq!(error(&run), expected);
        let hint = run.hint.clone().unwrap_or_default();
        assert!(hint.contains(case.hint), "{} has {hint:?}", case.hint);
        let log = without_numbers(&tail(&run));
        let status = format!("Status: error\tError Type: {}\n", case.kind);
        let end = format!(
            "INIT_REPORT Init Duration: N ms\tPhase: invoke\t{status}\
             START RequestId: r Version: $LATEST\nEND RequestId: r\n\
             REPORT RequestId: r\tDuration: N ms\tBilled Duration: N ms\tMemory Size: N MB\tMax Memory Used: N MB\t{status}\
             [mcpdeploy] hint: {hint}\n"
        );
        assert!(log.ends_with(&without_numbers(&end)), "{log}");
        let first = format!("INIT_REPORT Init Duration: N ms\tPhase: init\t{status}");
        assert!(log.contains(&first), "{log}");
        assert_eq!(run.init, None);
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_without_a_bootstrap() {
    let bench = Bench::new().await;
    let mut program = bench.program("");
    let message = r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: r Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}"#;
    for (number, (path, hint)) in [
        (None, "the package is empty"),
        (Some("server"), "the package has only server: name"),
        (Some("out/bootstrap"), "it is at `out/bootstrap`"),
        (Some("bootstrap/x"), "`bootstrap` is a folder"),
    ]
    .into_iter()
    .enumerate()
    {
        program.code = bench.path().join(number.to_string());
        program.revision = number.to_string();
        fs::create_dir(&program.code).unwrap();
        if let Some(path) = path {
            let path = program.code.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::File::create(path).unwrap();
        }
        let run = bench.run(&Arc::new(program.clone()), "{}").await;
        assert_eq!(error(&run), message);
        assert!(run.hint.unwrap().contains(hint), "{hint}");
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_fail_in_a_run() {
    let bench = Bench::new().await;
    let cases = [
        (
            "next(); sys.exit(0)",
            "Runtime exited without providing a reason",
            "return from the handler",
        ),
        (
            "next(); sys.exit(7)",
            "Runtime exited with error: exit status 7",
            "it ended in the middle of a run",
        ),
        (
            "next(); os.kill(os.getpid(), signal.SIGABRT)",
            "Runtime exited with error: signal: aborted",
            "it aborted",
        ),
        (
            "next(); call('GET', 'invocation/nxt'); sys.exit(1)",
            "Runtime exited with error: exit status 1",
            "it asked the Runtime API for `GET /2018-06-01/runtime/invocation/nxt`, which is not there; it ended",
        ),
        (
            r#"
next()
connection = socket.create_connection(HOST.split(":"))
connection.sendall(b"\x00 this is no request\r\n\r\n")
connection.recv(1000)
sys.exit(1)"#,
            "Runtime exited with error: exit status 1",
            "what it sent to the Runtime API is not HTTP; it ended",
        ),
        (
            r#"
next()
api.request("POST", "/2020-01-01/extension/register", "{}")
answer = api.getresponse()
sys.exit(4 if b"Extension.NotSupported" in answer.read() else 5)"#,
            "Runtime exited with error: exit status 4",
            "it uses the Extensions API, which is not here; it ended",
        ),
    ];
    for (number, (body, message, hint)) in cases.into_iter().enumerate() {
        let mut program = bench.python(body);
        program.revision = number.to_string();
        let program = Arc::new(program);
        let run = bench.run(&program, "{}").await;
        let expected =
            format!(r#"{{"errorType":"{EXIT}","errorMessage":"RequestId: r Error: {message}"}}"#);
        assert_eq!(error(&run), expected);
        let said = run.hint.clone().unwrap();
        assert!(said.contains(hint), "{said}");
        let log = tail(&run);
        assert!(run.init.is_some());
        let end = format!("Status: error\tError Type: {EXIT}\n[mcpdeploy] hint: {said}\n");
        assert!(log.ends_with(&end), "{log}");
        // The next run has a new process.
        assert!(bench.run(&program, "{}").await.init.is_some());
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_at_the_start_are_the_functions_own() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
call("POST", "init/error", '{"errorType":"ConfigError","errorMessage":"no TABLE"}',
    {"Lambda-Runtime-Function-Error-Type": "Runtime.ConfigError"})
sys.exit(1)
"#,
    ));
    let run = bench.run(&program, "{}").await;
    let expected = r#"{"errorType":"ConfigError","errorMessage":"no TABLE"}"#;
    assert_eq!(error(&run), expected);
    assert_eq!(
        tail(&run)
            .matches("Status: error\tError Type: Runtime.ConfigError\n")
            .count(),
        3
    );
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cut_at_its_time() {
    let bench = Bench::new().await;
    let mut program = bench.python("next(); print('hanging', flush=True); time.sleep(600)");
    program.timeout = Duration::from_secs(1);
    let run = bench.run(&Arc::new(program), "{}").await;
    let expected = r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 1.00 seconds"}"#;
    assert_eq!(error(&run), expected);
    assert_eq!(run.duration, Duration::from_secs(1));
    assert!(run.hint.unwrap().contains("server.timeout_seconds"));
    let log = String::from_utf8_lossy(&run.log_tail);
    assert!(log.contains("hanging\nEND"), "{log}");
    assert!(log.contains("\tDuration: 1000.00 ms\t"), "{log}");
    assert!(log.contains("\tStatus: timeout\n"), "{log}");
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_takes_too_long_is_tried_again_in_the_run() {
    let limits = Limits {
        init: Duration::from_millis(300),
        ..PATIENT
    };
    let bench = Bench::with(limits).await;
    let mut program = bench.program("#!/bin/sh\nexec sleep 600\n");
    program.timeout = Duration::from_secs(1);
    let run = bench.run(&Arc::new(program.clone()), "{}").await;
    let expected = r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r Error: Task timed out after 1.00 seconds"}"#;
    assert_eq!(error(&run), expected);
    let hint = run.hint.clone().unwrap();
    assert!(
        hint.contains("did not ask the Runtime API for a run within 1 s"),
        "{hint}"
    );
    let log = tail(&run);
    for line in [
        "INIT_REPORT Init Duration: 300.00 ms\tPhase: init\tStatus: timeout\n",
        "INIT_REPORT Init Duration: 1000.00 ms\tPhase: invoke\tStatus: timeout\n",
    ] {
        assert!(log.contains(line), "{log}");
    }

    let mut program = bench.python("call('GET', 'invocation/nxt'); time.sleep(600)");
    program.revision = "lost".to_owned();
    program.timeout = Duration::from_secs(1);
    let hint = bench.run(&Arc::new(program), "{}").await.hint.unwrap();
    assert_eq!(
        hint,
        "it asked the Runtime API for `GET /2018-06-01/runtime/invocation/nxt`, which is not there, \
         and never for a run: see GET /2018-06-01/runtime/invocation/next"
    );

    let mut program = bench.python(
        r#"
if not os.path.exists("tried"):
    open("tried", "w").close()
    time.sleep(600)
loop(lambda event: "at last")
"#,
    );
    program.revision = "2".to_owned();
    let run = bench.run(&Arc::new(program), "{}").await;
    assert_eq!(answer(&run), "at last");
    assert_eq!(run.init, None);
    assert!(run.hint.unwrap().contains("within 0.3 s"));
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited() {
    let bench = Bench::new().await;
    for (revision, child) in [("alone", false), ("with a child", true)] {
        let hog = "x = bytearray(400 * 1024 * 1024); time.sleep(600)";
        let mut program = bench.python(&if child {
            format!("next(); subprocess.run(['/usr/bin/python3', '-ISc', 'import time; {hog}'])")
        } else {
            format!("next(); {hog}")
        });
        program.revision = revision.to_owned();
        let run = bench.run(&Arc::new(program), "{}").await;
        let expected = r#"{"errorType":"Runtime.OutOfMemory","errorMessage":"RequestId: r Error: Runtime exited with error: signal: killed"}"#;
        assert_eq!(error(&run), expected);
        let hint = run.hint.clone().unwrap();
        assert_eq!(hint, "it used more than its 256 MB: raise server.memory_mb");
        let end = format!(
            "\tMemory Size: 256 MB\tMax Memory Used: 256 MB\tInit Duration: N ms\tStatus: error\tError Type: Runtime.OutOfMemory\n[mcpdeploy] hint: {hint}\n"
        );
        let log = tail(&run);
        let (before, after) = log.split_once("Init Duration: ").unwrap();
        let (_, after) = after.split_once(" ms").unwrap();
        assert!(
            format!("{before}Init Duration: N ms{after}").ends_with(&end),
            "{log}"
        );
    }
    bench.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_a_largest_size() {
    let bench = Bench::new().await;
    let program = Arc::new(bench.python(
        r#"
while True:
    id, event, _ = next()
    status, body, _ = call("POST", f"invocation/{id}/response", b"1" * event)
    print(status, body.decode(), flush=True)
"#,
    ));
    let largest = 6 * 1024 * 1024 + 100;
    let run = bench.run(&program, &largest.to_string()).await;
    let super::Outcome::Payload(payload) = &run.outcome else {
        panic!("{run:?}")
    };
    assert_eq!(payload.len(), largest);
    let run = bench.run(&program, &(largest + 1).to_string()).await;
    let expected = r#"{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}"#;
    assert_eq!(error(&run), expected);
    assert!(run.hint.clone().unwrap().contains("at most 6 MB"));
    let told = r#"413 {"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}"#;
    assert!(tail(&run).contains(told), "{}", tail(&run));
    // The process is there for more.
    assert_eq!(run.init, None);
    assert_eq!(answer(&bench.run(&program, "1").await), 1);
    bench.runtime.stop().await;
}
