//! Everything that can go wrong with a cloud, a disk and a clock: a run either comes to its end all
//! the same, or stops with the state saved and says what failed; the next one makes it good.

use std::io;
use std::time::Duration;

use mcpdeploy_engine::cancel;
use mcpdeploy_engine::event::{CancelLevel, Event, Outcome};
use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_engine::refresh::{Problem, RefreshErrors};
use mcpdeploy_engine::store::Store;
use mcpdeploy_testkit::{At, CallOp, Failed, Fault, Lab, Ran};

use crate::crash::{ends_as, run, set, undisturbed, watched};
use crate::scenes::{Scene, mixed, scenes};
use crate::support::changes_since;

/// One fault at every call, or at every so manieth: the run gets over it by itself.
async fn got_over(class: FaultClass, times: usize, every: usize) {
    for (index, scene) in scenes().iter().enumerate() {
        let quiet = undisturbed(scene).await;
        for number in (index % every..quiet.calls).step_by(every) {
            let mut lab = set(scene).await;
            let at = lab.cloud.call_count() + number;
            // Each try is a call of its own, so the fault strikes the same operation again.
            for again in 0..times {
                lab.cloud.arm(At::Number(at + again), Fault::Fail(class), 1);
            }
            eprintln!("{}: {class:?} at call {number}", scene.name);
            match run(&mut lab, scene).await {
                Ran::Ended(Ok(summary)) => assert!(summary.is_complete(), "{summary:?}"),
                other => panic!("{other:?}"),
            }
            lab.check(&scene.after.desired).await;
            assert!(lab.store.load().unwrap().interrupted.is_none());
            ends_as(&mut lab, scene, &quiet).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn throttled() {
    got_over(FaultClass::Throttled, 1, 1).await;
}

#[tokio::test(start_paused = true)]
async fn failed_and_reset() {
    got_over(FaultClass::Transient, 3, 3).await;
}

#[tokio::test(start_paused = true)]
async fn not_visible_yet() {
    got_over(FaultClass::Propagation, 5, 4).await;
}

#[tokio::test(start_paused = true)]
async fn busy() {
    got_over(FaultClass::Pending, 5, 4).await;
}

#[tokio::test(start_paused = true)]
async fn changed_by_another_at_the_same_time() {
    got_over(FaultClass::Concurrent, 2, 4).await;
}

/// A run that cannot get over what happens has said what failed and on what, and has saved all that
/// it knows.
fn stopped(lab: &Lab, ran: &Ran, class: FaultClass) {
    match ran {
        Ran::Ended(Ok(summary)) => {
            assert!(summary.failed > 0, "{summary:?}");
            let told = lab.events.iter().any(|event| match event {
                Event::NodeFinished {
                    outcome: Outcome::Failed(fault),
                    ..
                } => fault.class == class,
                _ => false,
            });
            assert!(told, "{:#?}", lab.events);
            let loaded = lab.store.load().unwrap();
            assert!(loaded.interrupted.is_none(), "the journal was left");
            assert!(loaded.state.is_some());
        }
        // While looking: nothing was done yet.
        Ran::Ended(Err(Failed::Refresh(RefreshErrors::Problems(problems)))) => {
            for problem in problems {
                match problem {
                    Problem::Unreadable { fault, .. } => assert_eq!(fault.class, class),
                    Problem::Taken { .. } => panic!("{problem:?}"),
                }
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn refused_once() {
    for scene in scenes() {
        let quiet = undisturbed(&scene).await;
        for number in 0..quiet.calls {
            let mut lab = set(&scene).await;
            lab.events.clear();
            let at = At::Number(lab.cloud.call_count() + number);
            lab.cloud.arm(at, Fault::Fail(FaultClass::Denied), 1);
            eprintln!("{}: refused at call {number}", scene.name);
            let ran = run(&mut lab, &scene).await;
            stopped(&lab, &ran, FaultClass::Denied);
            ends_as(&mut lab, &scene, &quiet).await;
        }
    }
}

/// From some call on everything is refused, the reads as well; before it, an answer is lost or not.
#[tokio::test(start_paused = true)]
async fn credentials_expire_in_the_middle() {
    for (index, scene) in scenes().iter().enumerate() {
        let quiet = undisturbed(scene).await;
        for number in (index % 2..quiet.calls).step_by(2) {
            let mut lab = set(scene).await;
            lab.events.clear();
            let at = lab.cloud.call_count() + number;
            let from = if number % 4 < 2 {
                at
            } else {
                lab.cloud.arm(At::Number(at), Fault::LoseAnswer, 1);
                at + 1
            };
            let refused = Fault::Fail(FaultClass::Denied);
            lab.cloud.arm(At::From(from), refused, usize::MAX);
            eprintln!("{}: expired at call {number}", scene.name);
            let ran = run(&mut lab, scene).await;
            // A creation whose answer is lost, and that cannot be looked for, fails as what it was.
            match &ran {
                Ran::Ended(Ok(summary)) => {
                    assert!(
                        !summary.is_complete() || number + 2 >= quiet.calls,
                        "{summary:?}"
                    );
                    assert!(lab.store.load().unwrap().interrupted.is_none());
                }
                other => stopped(&lab, other, FaultClass::Denied),
            }
            ends_as(&mut lab, scene, &quiet).await;
        }
    }
}

/// A service that is down for longer than we try: what does not need it is done, the rest is saved
/// for later.
#[tokio::test(start_paused = true)]
async fn down_for_long() {
    for class in [
        FaultClass::Throttled,
        FaultClass::Transient,
        FaultClass::Propagation,
        FaultClass::Pending,
        FaultClass::Concurrent,
    ] {
        for op in [CallOp::Create, CallOp::Configure, CallOp::Settle] {
            let scene = &scenes()[0];
            let mut lab = set(scene).await;
            let down = At::Kind("fake.tagged", op);
            lab.cloud.arm(down, Fault::Fail(class), usize::MAX);
            let ran = run(&mut lab, scene).await;
            stopped(&lab, &ran, class);
            // What does not need it was made.
            assert!(lab.cloud.objects().iter().any(|o| o.kind == "fake.child"));
            ends_as(&mut lab, scene, &undisturbed(scene).await).await;
        }
    }
}

/// A call that never answers: whoever waits can stop waiting, and nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers() {
    for (index, scene) in scenes().iter().enumerate() {
        let quiet = undisturbed(scene).await;
        for number in (index % 3..quiet.calls).step_by(3) {
            let mut lab = set(scene).await;
            let desired = &scene.after.desired;
            let before = lab.cloud.call_count();
            let plan = lab.plan_with(desired, &scene.options).await.unwrap();
            let reads = lab.cloud.call_count() - before;
            let Some(number) = number.checked_sub(reads) else {
                continue;
            };
            let at = At::Number(lab.cloud.call_count() + number);
            lab.cloud.arm(at, Fault::Hang, 1);
            let mut state = lab.state().unwrap();
            let (canceller, cancel) = cancel::channel();
            let (summary, ()) = tokio::join!(lab.apply_to(&mut state, &plan, cancel), async {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                canceller.cancel(CancelLevel::Abandon);
            });
            let summary = summary.unwrap();
            assert!(summary.cancelled > 0, "{summary:?}");
            assert!(lab.store.load().unwrap().interrupted.is_none());
            lab.cloud.disarm();
            ends_as(&mut lab, scene, &quiet).await;
        }
    }
}

/// A folder that takes no more writes from some write on: the error names the file, nothing is
/// called any more, and once it takes them again all is made good.
async fn unwritable(how: io::ErrorKind, every: usize) {
    for (index, scene) in scenes().iter().enumerate() {
        let quiet = undisturbed(scene).await;
        for number in (index % every..quiet.writes).step_by(every) {
            let (mut lab, disk) = watched(scene).await;
            disk.fail_with(number, usize::MAX, how);
            let calls = lab.cloud.call_count();
            eprintln!("{}: {how:?} from write {number} on", scene.name);
            let Ran::Ended(Err(error)) = run(&mut lab, scene).await else {
                panic!("it was not reported");
            };
            let folder = lab.folder().display().to_string();
            assert!(error.to_string().contains(&folder), "{error} names no file");
            if number == 0 {
                assert_eq!(changes_since(&lab, calls), [""; 0]);
            }
            disk.mend();
            ends_as(&mut lab, scene, &quiet).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_becomes_read_only() {
    unwritable(io::ErrorKind::ReadOnlyFilesystem, 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_becomes_somebody_elses() {
    unwritable(io::ErrorKind::PermissionDenied, 5).await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_made() {
    let mut lab = Lab::new();
    let file = lab.dir().join("file");
    std::fs::File::create(&file).unwrap();
    lab.store = Store::local(file.join("deployment"));
    // Planning needs no folder; whether one can be had is known before anything is called.
    let calls = lab.cloud.call_count();
    let error = lab.run(&mixed().desired).await.unwrap_err();
    assert!(matches!(error, Failed::Store(_)), "{error:?}");
    assert_eq!(changes_since(&lab, calls), [""; 0]);
    assert_eq!(lab.cloud.objects(), []);
}

/// The machine sleeps for a day in the middle of a run, at any moment.
#[tokio::test(start_paused = true)]
async fn the_clock_jumps() {
    let scene: &Scene = &scenes()[0];
    let quiet = undisturbed(scene).await;
    for moment in 0..30 {
        let mut lab = set(scene).await;
        lab.cloud.set_latency(Duration::from_millis(10));
        // Something is being waited for when it happens.
        let busy = Fault::Fail(FaultClass::Pending);
        lab.cloud
            .arm(At::Kind("fake.named", CallOp::Settle), busy, 12);
        let (ran, ()) = tokio::join!(run(&mut lab, scene), async {
            tokio::time::sleep(Duration::from_millis(moment * 9)).await;
            tokio::time::advance(Duration::from_secs(86_400)).await;
        });
        let Ran::Ended(Ok(summary)) = ran else {
            panic!("{ran:?}");
        };
        // What was waited for may be given up after such a time; then that is said.
        if !summary.is_complete() {
            stopped(&lab, &Ran::Ended(Ok(summary)), FaultClass::Pending);
        }
        lab.cloud.set_latency(Duration::ZERO);
        ends_as(&mut lab, scene, &quiet).await;
    }
}

/// The next run's clock is a hundred years behind that of the one that was killed, or no clock at
/// all: nothing is decided by what time it says it is.
#[tokio::test(start_paused = true)]
async fn the_clock_was_wrong() {
    let scene = &scenes()[1];
    let quiet = undisturbed(scene).await;
    for (then, now) in [
        ("2126-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("", "not a time"),
    ] {
        let mut lab = set(scene).await;
        lab.by.at = then.to_owned();
        let at = At::Kind("fake.tagged", CallOp::Configure);
        lab.cloud.arm(at, Fault::CrashAfter, 1);
        assert!(matches!(run(&mut lab, scene).await, Ran::Killed));
        assert_eq!(lab.store.load().unwrap().interrupted.unwrap().at, then);
        lab.by.at = now.to_owned();
        ends_as(&mut lab, scene, &quiet).await;
    }
}

/// A list that lags: what was made a moment ago is not found by tags or in its parent yet, and the
/// answer to the creation was lost, or the run was killed before it came. Nothing is made twice.
async fn lagging(fault: Fault) {
    let kinds = ["fake.tagged", "fake.child"];
    for scene in scenes() {
        let quiet = undisturbed(&scene).await;
        for number in 0..quiet.calls {
            let mut lab = set(&scene).await;
            for kind in kinds {
                lab.cloud.set_lag(kind, Duration::from_millis(1800));
            }
            let at = lab.cloud.call_count() + number;
            lab.cloud.arm(At::Number(at), fault, 1);
            eprintln!("{}: {fault:?} at call {number}", scene.name);
            run(&mut lab, &scene).await;
            lab.converge(&scene.after.desired).await;
            ends_as(&mut lab, &scene, &quiet).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lags_after_a_lost_answer() {
    lagging(Fault::LoseAnswer).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_lags_after_a_crash() {
    lagging(Fault::CrashAfter).await;
}
