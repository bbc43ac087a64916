//! A run is broken off, or a call goes wrong, at every single call: the next run ends with exactly
//! what is wanted.

use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_testkit::{At, Fault, Lab, Ran};

use crate::scenes::{Scene, scenes};

/// A lab in which the scene is about to begin.
pub(crate) async fn set(scene: &Scene) -> Lab {
    let mut lab = Lab::new();
    if let Some(before) = &scene.before {
        let summary = lab.run(&before.desired).await.unwrap();
        assert!(summary.is_complete(), "{summary:?}");
    }
    lab.cloud.set_lax(scene.lax);
    lab
}

/// How many calls the scene makes, those of reading included.
async fn calls_in(scene: &Scene) -> usize {
    let mut lab = set(scene).await;
    let before = lab.cloud.call_count();
    match lab
        .run_until_killed(&scene.after.desired, &scene.options)
        .await
    {
        Ran::Ended(Ok(summary)) => assert!(summary.is_complete(), "{}: {summary:?}", scene.name),
        Ran::Ended(Err(error)) => panic!("{}: {error}", scene.name),
        Ran::Killed => panic!("nothing was to kill it"),
    }
    let count = lab.cloud.call_count() - before;
    lab.check(&scene.after.desired).await;
    count
}

async fn every_call(fault: Fault) {
    for scene in scenes() {
        let count = calls_in(&scene).await;
        for number in 0..count {
            let mut lab = set(&scene).await;
            let first = lab.cloud.call_count();
            lab.cloud.arm(At::Number(first + number), fault, 1);
            eprintln!("{}: {fault:?} at call {number} of {count}", scene.name);
            let ran = lab
                .run_until_killed(&scene.after.desired, &scene.options)
                .await;
            let kills = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
            assert_eq!(matches!(ran, Ran::Killed), kills, "{ran:?}");
            lab.converge(&scene.after.desired).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_before_any_call() {
    every_call(Fault::CrashBefore).await;
}

#[tokio::test(start_paused = true)]
async fn killed_after_any_call() {
    every_call(Fault::CrashAfter).await;
}

#[tokio::test(start_paused = true)]
async fn any_answer_lost() {
    every_call(Fault::LoseAnswer).await;
}

#[tokio::test(start_paused = true)]
async fn any_call_throttled() {
    every_call(Fault::Fail(FaultClass::Throttled)).await;
}

#[tokio::test(start_paused = true)]
async fn any_call_refused() {
    every_call(Fault::Fail(FaultClass::Denied)).await;
}
