//! The disk fails, is full, or has something on it that we did not write.

use std::io::Write as _;
use std::path::Path;

use mcpdeploy_engine::durable::Write;
use mcpdeploy_engine::journal::{JournalError, parse_journal, write_journal};
use mcpdeploy_engine::record::Record;
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::{Store, StoreError};
use mcpdeploy_testkit::{Failed, Lab, Ran, run_info};

use crate::crash::watched;
use crate::scenes::{Scene, mixed, scenes};

fn put(path: &Path, bytes: &[u8]) {
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(bytes).unwrap();
}

async fn writes_in(scene: &Scene) -> Vec<Write> {
    let (mut lab, disk) = watched(scene).await;
    let ran = lab
        .run_until_killed(&scene.after.desired, &scene.options)
        .await;
    assert!(matches!(ran, Ran::Ended(Ok(_))), "{}: {ran:?}", scene.name);
    disk.writes()
}

/// Every durable write fails once, or fails and so do all after it: the run ends with an error
/// that says so, the next one with what is wanted.
async fn every_write(times: usize, torn: bool) {
    for scene in scenes() {
        let writes = writes_in(&scene).await;
        assert!(writes.len() > 5, "{writes:?}");
        for (number, write) in writes.iter().enumerate() {
            eprintln!("{}: {write:?}, number {number}, fails", scene.name);
            let (mut lab, disk) = watched(&scene).await;
            disk.fail(number, times);
            let ran = lab
                .run_until_killed(&scene.after.desired, &scene.options)
                .await;
            let Ran::Ended(Err(error)) = ran else {
                panic!("the failed write was not reported: {ran:?}");
            };
            let text = format!("{error:?}");
            assert!(text.contains("StorageFull"), "{text}");
            disk.mend();
            if torn && *write == Write::Journal {
                let mut file = std::fs::File::options()
                    .append(true)
                    .open(lab.journal_path())
                    .unwrap();
                let lines = std::fs::read_to_string(lab.journal_path());
                let number = lines.unwrap().lines().count();
                write!(file, "{{\"seq\":{number},\"record\":{{").unwrap();
            }
            lab.converge(&scene.after.desired).await;
            let names: Vec<String> = lab.files().into_iter().map(|f| f.0).collect();
            assert!(
                names.iter().all(|n| n == "state.json" || n == "state.lock"),
                "{names:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_write_fails_once() {
    every_write(1, false).await;
}

#[tokio::test(start_paused = true)]
async fn any_write_fails_and_all_after_it() {
    every_write(usize::MAX, false).await;
}

#[tokio::test(start_paused = true)]
async fn any_write_is_torn() {
    every_write(usize::MAX, true).await;
}

/// Runs the scene up to the end of its journal and no further.
async fn with_journal(scene: &Scene) -> Lab {
    let (mut lab, disk) = watched(scene).await;
    let writes = writes_in(scene).await;
    let last = writes.iter().rposition(|w| *w == Write::Temporary).unwrap();
    disk.fail(last, usize::MAX);
    let ran = lab
        .run_until_killed(&scene.after.desired, &scene.options)
        .await;
    assert!(matches!(ran, Ran::Ended(Err(_))), "{ran:?}");
    disk.mend();
    lab
}

#[tokio::test(start_paused = true)]
async fn every_prefix_of_a_journal_folds() {
    for scene in scenes() {
        let lab = with_journal(&scene).await;
        let bytes = std::fs::read(lab.journal_path()).unwrap();
        let (_, all) = parse_journal("", &bytes).unwrap().unwrap();
        assert!(matches!(all.last(), Some(Record::Ended { ok: true })));
        let mut folded = Vec::new();
        for end in 0..=bytes.len() {
            // Every line's end and a few bytes around it, and some in the middle.
            let near = bytes[end.saturating_sub(2)..(end + 1).min(bytes.len())].contains(&b'\n');
            if !near && end % 97 != 0 {
                continue;
            }
            put(&lab.journal_path(), &bytes[..end]);
            let loaded = lab.store.load().unwrap();
            if let Some(state) = loaded.state {
                // Whatever the state is, it can be written and read again.
                let text = serde_json::to_string(&state).unwrap();
                assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
                folded.push(loaded.records);
            }
        }
        assert_eq!(folded.last(), Some(&all.len()));
        assert!(folded.is_sorted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_in_the_state_already_is_dropped() {
    for scene in scenes() {
        let (mut lab, disk) = watched(&scene).await;
        let writes = writes_in(&scene).await;
        let last = writes
            .iter()
            .rposition(|w| *w == Write::RemoveJournal)
            .unwrap();
        disk.fail(last, usize::MAX);
        lab.run_until_killed(&scene.after.desired, &scene.options)
            .await;
        disk.mend();
        let loaded = lab.store.load().unwrap();
        assert!(loaded.interrupted.is_none());
        assert!(lab.journal_path().exists());
        lab.converge(&scene.after.desired).await;
    }
}

fn first() -> Scene {
    scenes().into_iter().next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_damaged_journal_stops_everything_and_is_not_touched() {
    let mut lab = with_journal(&first()).await;
    let path = lab.journal_path();
    let sound = std::fs::read(&path).unwrap();
    let last_line = sound[..sound.len() - 1]
        .iter()
        .rposition(|&b| b == b'\n')
        .unwrap();
    for at in [0, 40, sound.len() / 2, last_line + 20] {
        let mut damaged = sound.clone();
        damaged[at] ^= 4;
        put(&path, &damaged);
        let error = lab.run(&mixed().desired).await.unwrap_err();
        assert!(
            matches!(
                error,
                Failed::Store(StoreError::Journal(JournalError::Damaged { .. }))
            ),
            "{error:?}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), damaged);
    }
    // A line is missing in the middle: the numbers give it away.
    let lines: Vec<&[u8]> = sound.split_inclusive(|&b| b == b'\n').collect();
    put(&path, &[&lines[..2], &lines[3..]].concat().concat());
    assert!(lab.store.load().is_err());
    put(&path, b"something else altogether\n");
    assert!(lab.store.load().is_err());
    put(&path, &sound);
    lab.converge(&mixed().desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_journal_of_another_state_is_refused() {
    let mut lab = with_journal(&first()).await;
    let journal = std::fs::read(lab.journal_path()).unwrap();
    let other = with_journal(&first()).await;
    put(
        &other.state_path(),
        &serde_json::to_vec(&other.state().unwrap()).unwrap(),
    );
    put(&other.journal_path(), &journal);
    assert!(matches!(other.store.load(), Err(StoreError::Foreign(_))));
    // The state was put back to an older one, or lost, while a later journal is there.
    lab.converge(&mixed().desired).await;
    let scene = &scenes()[1];
    let later = with_journal(scene).await;
    std::fs::remove_file(later.state_path()).unwrap();
    assert!(matches!(later.store.load(), Err(StoreError::Foreign(_))));
}

#[tokio::test(start_paused = true)]
async fn a_newer_or_broken_state_is_refused_and_never_written_over() {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    let path = lab.state_path();
    let sound = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
    let newer = sound.replacen("\"format\": 1", "\"format\": 2, \"news\": true", 1);
    let unknown = sound.replacen("\"format\": 1", "\"format\": 1, \"news\": true", 1);
    let half = &sound[..sound.len() / 2];
    let mut old = lab.state().unwrap();
    for bad in [
        newer.as_str(),
        unknown.as_str(),
        half,
        "",
        "[]",
        "{\"format\": 7}",
    ] {
        put(&path, bad.as_bytes());
        let error = lab.run(&mixed().desired).await.unwrap_err();
        match error {
            Failed::Store(StoreError::Newer { found, .. }) => assert!(found > 1),
            Failed::Store(StoreError::Unreadable { .. }) => {}
            other => panic!("{other:?}"),
        }
        // Nor by somebody who still has an older one in memory.
        let lock = lab.store.lock(&run_info()).unwrap();
        if bad != unknown {
            lab.store.begin(&lock, &mut old, run_info()).unwrap_err();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bad);
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_journal_is_refused() {
    let lab = with_journal(&first()).await;
    let path = lab.journal_path();
    let bytes = std::fs::read(&path).unwrap();
    let (mut begun, _) = parse_journal("", &bytes).unwrap().unwrap();
    begun.format = 2;
    put(&path, &write_journal(begun, &[]));
    assert!(matches!(
        lab.store.load(),
        Err(StoreError::Journal(JournalError::Newer { found: 2, .. }))
    ));
}

#[tokio::test(start_paused = true)]
async fn what_changed_since_it_was_read_is_not_written_over() {
    let mut lab = Lab::new();
    let mut early = lab.state().unwrap();
    let plan = lab
        .plan_from(&early, &mixed().desired, &Default::default())
        .await
        .unwrap();
    lab.converge(&mixed().desired).await;
    let files = lab.files();
    let cancel = mcpdeploy_engine::cancel::channel().1;
    let error = lab.apply_to(&mut early, &plan, cancel).await.unwrap_err();
    assert!(format!("{error:?}").contains("Changed"), "{error:?}");
    let backup = lab.store.replace_with_backup(
        &lab.store.lock(&run_info()).unwrap(),
        Some(&early.clone()),
        &mut early,
    );
    assert!(backup.is_err());
    assert!(lab.files() == files);
}

#[tokio::test(start_paused = true)]
async fn the_folder_vanishes_in_the_middle() {
    let mut lab = Lab::new();
    lab.cloud.set_latency(std::time::Duration::from_millis(10));
    let dir = lab.folder().to_owned();
    let desired = mixed().desired;
    let ran = tokio::select! {
        ran = lab.run(&desired) => ran,
        () = async {
            tokio::time::sleep(std::time::Duration::from_millis(35)).await;
            std::fs::remove_dir_all(&dir).unwrap();
            std::future::pending::<()>().await;
        } => unreachable!(),
    };
    // The open journal still takes records; the state has nowhere to go, and that is said.
    assert!(matches!(ran, Err(Failed::Apply(_))), "{ran:?}");
    // All is found again: by name, by tag, in its parent.
    lab.converge(&mixed().desired).await;
}

#[test]
fn one_holds_the_lock_and_the_other_is_told_who() {
    let lab = Lab::new();
    let other = Store::local(lab.folder());
    let lock = lab.store.lock(&run_info()).unwrap();
    match other.lock(&run_info()) {
        Err(StoreError::Locked { holder, .. }) => assert_eq!(holder.by, Some(run_info())),
        other => panic!("{other:?}"),
    }
    drop(lock);
    other.lock(&run_info()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replaced_state_leaves_a_backup() {
    let mut lab = Lab::new();
    lab.converge(&mixed().desired).await;
    let old = lab.state().unwrap();
    let bytes = std::fs::read(lab.state_path()).unwrap();
    let mut new = old.clone();
    new.resources.clear();
    let lock = lab.store.lock(&run_info()).unwrap();
    let backup = lab
        .store
        .replace_with_backup(&lock, Some(&old), &mut new)
        .unwrap()
        .unwrap();
    assert!(std::fs::read(backup).unwrap() == bytes);
    let now = lab.state().unwrap();
    assert_eq!(now.serial, old.serial + 1);
    assert!(now.is_empty());
    drop(lock);
    // Everything is still there and is taken in again.
    lab.converge(&mixed().desired).await;
}

/// The test below runs itself once more, in a process that may write only small files.
const LIMITED: &str = "MCPDEPLOY_TEST_LIMITED_DIR";

#[tokio::test]
async fn a_full_disk_loses_nothing() {
    if let Ok(dir) = std::env::var(LIMITED) {
        let mut lab = Lab::new();
        lab.store = Store::local(dir);
        let mut stack = mixed();
        stack.at("fake.named.top").inputs["text"] = serde_json::json!("x".repeat(9000));
        let error = lab.run(&stack.desired).await.unwrap_err();
        let text = format!("{error:?}");
        assert!(
            text.contains("FileTooLarge") || text.contains("StorageFull"),
            "{text}"
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact disk::a_full_disk_loses_nothing",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(LIMITED, dir.path())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    // What was recorded is there, intents and all, up to where the disk was full.
    let loaded = Store::local(dir.path()).load().unwrap();
    assert!(loaded.interrupted.is_some());
    assert!(loaded.records > 2);
    let state = loaded.state.unwrap();
    assert!(!state.resources.is_empty());
    assert!(!dir.path().join("state.json").exists());
}
