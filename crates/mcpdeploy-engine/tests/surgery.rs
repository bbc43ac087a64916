//! The state is changed by hand (`state mv`, `rm`, `push`), and the process is killed at any write of
//! that: what was before or what is to be, and nothing in between.

use mcpdeploy_engine::record::{Record, Slot};
use mcpdeploy_engine::state::State;
use mcpdeploy_testkit::{At, CallOp, Disk, Fault, Lab, Moment, killable};

use crate::crash::{run, watched};
use crate::scenes::{mixed, scenes};
use crate::support::address;

/// A deployment; `interrupted`: with the journal of a run that was killed.
async fn before(interrupted: bool) -> (Lab, Disk) {
    let scene = &scenes()[1];
    let (mut lab, disk) = watched(scene).await;
    if interrupted {
        let at = At::Kind("fake.tagged", CallOp::Configure);
        lab.cloud.arm(at, Fault::CrashAfter, 1);
        run(&mut lab, scene).await;
        assert!(lab.journal_path().exists());
    }
    (lab, disk)
}

/// What is done, but for its serial.
fn changed(old: &State) -> State {
    let mut new = old.clone();
    for record in [
        Record::Moved {
            from: address("fake.named.top"),
            to: address("fake.named.roof"),
        },
        Record::Forgotten {
            address: address("fake.child.c"),
            slot: Slot::Current,
        },
    ] {
        new.fold(&record).unwrap();
    }
    new
}

fn same(a: &State, b: &State) -> bool {
    let mut a = a.clone();
    a.serial = b.serial;
    a == *b
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_write_of_a_change_by_hand() {
    for interrupted in [false, true] {
        for when in [Moment::Before, Moment::After] {
            let mut ends = Vec::new();
            for number in 0.. {
                let (mut lab, disk) = before(interrupted).await;
                let old = lab.state().unwrap();
                let mut new = changed(&old);
                let number = disk.writes().len() + number;
                disk.kill(number, when, &lab.cloud);
                let cloud = lab.cloud.clone();
                let done = killable(&cloud, async {
                    let lock = lab.store.lock(&lab.by).unwrap();
                    lab.store.replace_with_backup(&lock, Some(&old), &mut new)
                })
                .await;
                disk.mend();
                lab.cloud.disarm();
                let now = lab.state().unwrap();
                assert!(same(&now, &old) || same(&now, &new), "{now:#?}");
                ends.push(same(&now, &new));
                if same(&now, &new) {
                    let backup = format!("state.json.backup-{}", old.serial);
                    let backup = std::fs::read(lab.folder().join(backup)).unwrap();
                    assert_eq!(serde_json::from_slice::<State>(&backup).unwrap(), old);
                }
                // What was forgotten is found again, what was moved gets its name back.
                let mut stack = mixed();
                let back = (address("fake.named.roof"), address("fake.named.top"));
                stack.desired.moved = vec![back];
                lab.converge(&stack.desired).await;
                if done.is_some() {
                    break;
                }
            }
            // Nothing of it at first, all of it at last, and once only from one to the other.
            assert!(ends.len() > 5 && !ends[0] && ends.is_sorted(), "{ends:?}");
            assert_eq!(ends.last(), Some(&true));
        }
    }
}
