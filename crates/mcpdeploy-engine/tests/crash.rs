//! A run is broken off, or a call goes wrong, at every single call and at every durable write: the
//! next run ends with exactly what an undisturbed one would have left.

use mcpdeploy_engine::kind::FaultClass;
use mcpdeploy_testkit::{At, CallOp, Disk, Fault, Lab, Moment, Picture, Ran, Rng};

use crate::scenes::{Scene, scenes};

/// A lab in which the scene is about to begin.
pub(crate) async fn set(scene: &Scene) -> Lab {
    let mut lab = Lab::new();
    if let Some(before) = &scene.before {
        let summary = lab.run(&before.desired).await.unwrap();
        assert!(summary.is_complete(), "{summary:?}");
    }
    if let Some(left) = &scene.left {
        for kind in ["fake.named", "fake.tagged", "fake.child"] {
            let refused = Fault::Fail(FaultClass::Denied);
            let deletions = At::Kind(kind, CallOp::Delete);
            lab.cloud.arm(deletions, refused, usize::MAX);
        }
        let summary = lab.run(&left.desired).await.unwrap();
        assert!(summary.failed > 0, "{summary:?}");
        lab.cloud.disarm();
        let state = lab.state().unwrap();
        assert!(state.resources.values().any(|r| !r.deposed.is_empty()));
    }
    lab.cloud.set_lax(scene.lax);
    lab
}

/// As [`set`], on a disk that counts.
pub(crate) async fn watched(scene: &Scene) -> (Lab, Disk) {
    let mut lab = set(scene).await;
    let disk = Disk::new();
    lab.watch(&disk);
    (lab, disk)
}

/// A scene as it goes when nothing disturbs it.
pub(crate) struct Undisturbed {
    /// How many calls it makes, those of reading included.
    pub(crate) calls: usize,
    /// How many durable writes.
    pub(crate) writes: usize,
    /// What it leaves.
    pub(crate) picture: Picture,
}

pub(crate) async fn undisturbed(scene: &Scene) -> Undisturbed {
    let (mut lab, disk) = watched(scene).await;
    let before = lab.cloud.call_count();
    match run(&mut lab, scene).await {
        Ran::Ended(Ok(summary)) => assert!(summary.is_complete(), "{}: {summary:?}", scene.name),
        Ran::Ended(Err(error)) => panic!("{}: {error}", scene.name),
        Ran::Killed => panic!("nothing was to kill it"),
    }
    let calls = lab.cloud.call_count() - before;
    let writes = disk.writes().len();
    lab.check(&scene.after.desired).await;
    Undisturbed {
        calls,
        writes,
        picture: picture(&mut lab, scene).await,
    }
}

pub(crate) async fn run(lab: &mut Lab, scene: &Scene) -> Ran {
    lab.run_until_killed(&scene.after.desired, &scene.options)
        .await
}

/// What there is in the end. What the cloud chose by itself is taken in by one more run, so that it
/// does not matter who looked when.
pub(crate) async fn picture(lab: &mut Lab, scene: &Scene) -> Picture {
    lab.run(&scene.after.desired).await.unwrap();
    lab.picture().unwrap()
}

/// The next run makes it good, whatever happened: the same objects and the same state.
pub(crate) async fn ends_as(lab: &mut Lab, scene: &Scene, undisturbed: &Undisturbed) {
    lab.converge(&scene.after.desired).await;
    let now = picture(lab, scene).await;
    let (now, quiet) = (format!("{now:#?}"), format!("{:#?}", undisturbed.picture));
    let only = |a: &str, b: &str| -> Vec<String> {
        let there: std::collections::HashSet<&str> = b.lines().collect();
        let new = a.lines().filter(|line| !there.contains(line));
        new.map(str::to_owned).collect()
    };
    assert!(
        now == quiet,
        "{}: {:#?} instead of {:#?}",
        scene.name,
        only(&now, &quiet),
        only(&quiet, &now)
    );
}

async fn every_call(fault: Fault) {
    for scene in scenes() {
        let quiet = undisturbed(&scene).await;
        for number in 0..quiet.calls {
            let mut lab = set(&scene).await;
            let first = lab.cloud.call_count();
            lab.cloud.arm(At::Number(first + number), fault, 1);
            eprintln!("{}: {fault:?} at call {number}", scene.name);
            let ran = run(&mut lab, &scene).await;
            let kills = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
            assert_eq!(matches!(ran, Ran::Killed), kills, "{ran:?}");
            ends_as(&mut lab, &scene, &quiet).await;
        }
    }
}

async fn every_write(when: Moment) {
    for scene in scenes() {
        let quiet = undisturbed(&scene).await;
        assert!(quiet.writes > 5, "{}: {}", scene.name, quiet.writes);
        for number in 0..quiet.writes {
            let (mut lab, disk) = watched(&scene).await;
            disk.kill(number, when, &lab.cloud);
            eprintln!("{}: killed {when:?} write {number}", scene.name);
            let ran = run(&mut lab, &scene).await;
            // After the last write there is nothing at which it could die any more.
            let ends = when == Moment::After && number + 1 == quiet.writes;
            assert_eq!(matches!(ran, Ran::Killed), !ends, "{ran:?}");
            disk.mend();
            ends_as(&mut lab, &scene, &quiet).await;
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
async fn killed_before_any_write() {
    every_write(Moment::Before).await;
}

#[tokio::test(start_paused = true)]
async fn killed_after_any_write() {
    every_write(Moment::After).await;
}

/// Arms one way to be killed, at one of the next calls or writes.
fn arm(rng: &mut Rng, lab: &Lab, disk: &Disk) {
    let number = rng.below(30);
    let write = disk.writes().len() + rng.below(16);
    let call = At::Number(lab.cloud.call_count() + number);
    match rng.below(4) {
        0 => lab.cloud.arm(call, Fault::CrashBefore, 1),
        1 => lab.cloud.arm(call, Fault::CrashAfter, 1),
        2 => disk.kill(write, Moment::Before, &lab.cloud),
        _ => disk.kill(write, Moment::After, &lab.cloud),
    }
}

/// The run that recovers is killed as well, and the one after it.
#[tokio::test(start_paused = true)]
async fn killed_again_while_recovering() {
    for (index, scene) in scenes().iter().enumerate() {
        let quiet = undisturbed(scene).await;
        let mut kills = 0;
        for seed in 0..45 {
            let mut rng = Rng::new(1000 * index as u64 + seed);
            let (mut lab, disk) = watched(scene).await;
            eprintln!("{}: seed {seed}", scene.name);
            for _ in 0..3 {
                arm(&mut rng, &lab, &disk);
                kills += usize::from(matches!(run(&mut lab, scene).await, Ran::Killed));
                disk.mend();
            }
            ends_as(&mut lab, scene, &quiet).await;
        }
        assert!(kills > 30, "{}: only {kills} kills", scene.name);
    }
}
