use std::sync::Arc;

use tokio::sync::Semaphore;

use super::*;

fn lane(pace: &Pace) -> Lane {
    let kind = KindName::new("aws.lambda.function").unwrap();
    pace.lane(&kind, &Placement::default())
}

fn answer(turn: Turn, class: Option<FaultClass>) {
    turn.answered(&class.map_or(Ok(()), |class| Err(class.error("no"))));
}

/// A lane that was throttled just now: 2.1 calls a second.
fn limited(pace: &Pace) -> Lane {
    let lane = lane(pace);
    answer(lane.try_turn().unwrap(), Some(FaultClass::Throttled));
    lane
}

#[tokio::test(start_paused = true)]
async fn services_accounts_and_regions_are_apart() {
    let pace = Pace::new();
    let here = limited(&pace);
    assert!(!here.is_open());
    let open = |kind: &str, region: Option<&str>| {
        let placement = Placement {
            region: region.map(str::to_owned),
            account: None,
        };
        pace.clone()
            .lane(&KindName::new(kind).unwrap(), &placement)
            .is_open()
    };
    assert!(!open("aws.lambda.alias", None));
    assert!(open("aws.iam.role", None));
    assert!(open("aws.lambda.function", Some("us-east-1")));
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served_at_the_rate() {
    let lane = limited(&Pace::new());
    let start = Instant::now();
    let went = Mutex::new(Vec::new());
    let go = async |name: usize| {
        let _turn = lane.wait(None).await;
        went.lock()
            .unwrap()
            .push((name, start.elapsed().as_millis()));
    };
    tokio::join!(go(0), go(1), go(2), go(3));
    let went = went.into_inner().unwrap();
    assert!(went.iter().map(|(name, _)| *name).eq(0..4));
    for (name, at) in went {
        // 2.1 a second; a timer is a millisecond late at most.
        let ideal = (name as f64 + 1.0) / 2.1 * 1000.0;
        assert!((at as f64 - ideal).abs() < 3.0, "{name} at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_leaves_the_queue() {
    let lane = limited(&Pace::new());
    let (mut first, mut second) = (Box::pin(lane.wait(None)), Box::pin(lane.wait(None)));
    for waiting in [&mut first, &mut second] {
        assert!(poll_once(waiting).await.is_none());
    }
    assert_eq!(lane.opens_in(), None);
    let wait = lane.expected_wait();
    drop(first);
    assert!(lane.expected_wait() < wait);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(poll_once(&mut second).await.is_some());
    drop(second);
    assert!(lane.opens_in().is_some());
}

/// Polls once.
async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_those_who_wait() {
    let lane = limited(&Pace::new());
    let mut waiting = Box::pin(lane.wait(None));
    assert!(poll_once(&mut waiting).await.is_none());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(lane.try_turn().is_none());
    assert!(!lane.is_open());
    let _turn = waiting.await;
    assert!(lane.try_turn().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_lent_while_its_holder_waits() {
    let pace = Pace::new();
    let lane = limited(&pace);
    let slots = Arc::new(Semaphore::new(1));
    let mut moves = pace.moves();
    let slot = || Arc::clone(&slots).try_acquire_owned();
    let access = Access::new(lane.clone(), slot().unwrap());
    assert!(slot().is_err());
    let mut turn = Box::pin(access.turn());
    assert!(poll_once(&mut turn).await.is_none());
    assert!(moves.has_changed().unwrap());
    moves.mark_unchanged();
    let other = slot().unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Its turn has come, and the slot is not free.
    assert!(poll_once(&mut turn).await.is_none());
    drop(other);
    let (turn, queued) = turn.await;
    assert_eq!(queued.as_secs(), 10);
    // It goes now, so a throttled answer is no old news.
    assert_eq!(turn.sent, Instant::now());
    assert!(slot().is_err());
    access.leave();
    assert!(slot().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_the_service_did_not_answer_says_nothing() {
    let lane = lane(&Pace::new());
    answer(lane.try_turn().unwrap(), Some(FaultClass::Transient));
    drop(lane.try_turn().unwrap());
    assert_eq!(lane.since_accepted(), None);
    // A refusal for another reason was a call that it took.
    answer(lane.try_turn().unwrap(), Some(FaultClass::Denied));
    assert_eq!(lane.since_accepted(), Some(Duration::ZERO));
}
