//! Cut off at each call of the API in turn, then run again: the cloud has what an undisturbed run
//! leaves, nothing more and nothing less.
//!
//! Four runs of the whole stack follow each other in one cloud: create, update, replace, destroy.
//! In round N each of them is cut off at its Nth call, until none of them makes so many. With a login
//! the stack is twice as large: there, not every call has its round.

use mcpdeploy_engine::cancel;
use mcpdeploy_engine::plan::{Mode, PlanOptions};
use mcpdeploy_engine::resource::Desired;
use mcpdeploy_testkit::Fault;

use super::rig::{Listed, Rig, run};
use super::{CHANGED, RENAMED, STACK, WITH_LOGIN};
use crate::kinds::place::zips;

/// No run makes that many calls.
const MANY: usize = 200;

/// The runs, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Create,
    Update,
    Replace,
    Destroy,
}

const PHASES: [Phase; 4] = [Phase::Create, Phase::Update, Phase::Replace, Phase::Destroy];

/// What is deployed: at first, changed, and renamed.
type Files<'a> = [&'a str; 3];

impl Phase {
    /// What is wanted, in the cloud as the phase before has left it.
    fn desired(self, rig: &Rig, [first, changed, renamed]: Files<'_>) -> Desired {
        let [code, other] = zips();
        match self {
            Self::Create => rig.desired(first, code),
            Self::Update => rig.desired(changed, other),
            // At the end, what is wanted is not looked at.
            Self::Replace | Self::Destroy => rig.desired(renamed, other),
        }
    }

    fn options(self) -> PlanOptions {
        let mode = match self {
            Self::Create | Self::Update | Self::Replace => Mode::Normal,
            Self::Destroy => Mode::Destroy,
        };
        PlanOptions {
            mode,
            ..PlanOptions::default()
        }
    }
}

/// How a run is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Killed when the call is made and before its answer comes. One that is killed before its
    /// call leaves what one leaves that is killed after the call before, but for the first call.
    Killed,
    /// The call is made and its answer lost; the run goes on.
    Lost,
}

impl Cut {
    /// What strikes in the round of that number, always at the call of that number.
    fn fault(self, number: usize) -> Fault {
        match self {
            Self::Killed if number == 0 => Fault::CrashBefore,
            Self::Killed => Fault::CrashAfter,
            Self::Lost => Fault::LoseAnswer,
        }
    }
}

/// What there is of each kind.
type Shape = Vec<(String, Vec<String>)>;

/// What is listed, without the ids that are others each time.
fn shape(listed: &Listed) -> Shape {
    let plain = |kind: &str, id: &String| match kind {
        "aws.apigatewayv2.api"
        | "aws.apigatewayv2.authorizer"
        | "aws.apigatewayv2.integration"
        | "aws.apigatewayv2.route" => String::new(),
        // All are named after their pool's id.
        _ if kind.starts_with("aws.cognito.") => String::new(),
        // After the API's id.
        "aws.apigatewayv2.stage" => id.split_once('/').map_or("", |(_, name)| name).to_owned(),
        _ => id.clone(),
    };
    listed
        .iter()
        .map(|(kind, ids)| (kind.clone(), ids.iter().map(|id| plain(kind, id)).collect()))
        .collect()
}

/// What each phase leaves undisturbed.
async fn undisturbed(rig: &mut Rig, files: Files<'_>) -> Vec<Shape> {
    let mut left = Vec::new();
    for phase in PHASES {
        let desired = phase.desired(rig, files);
        let cancel = cancel::channel().1;
        let ended = rig.lab.run_with(&desired, &phase.options(), cancel).await;
        rig.ended_well(ended, &format!("{phase:?}, undisturbed"));
        left.push(shape(&settled(rig, phase, &desired).await));
    }
    left
}

/// Looks that nothing is left to do or open, and that the state has what the cloud lists.
async fn settled(rig: &mut Rig, phase: Phase, desired: &Desired) -> Listed {
    match phase {
        Phase::Create | Phase::Update | Phase::Replace => rig.lab.check(desired).await,
        Phase::Destroy => {
            let plan = rig.plan(desired, &phase.options()).await;
            assert!(plan.is_noop(), "{:#?}", plan.actions);
            assert!(!rig.lab.journal_path().exists());
        }
    }
    let listed = rig.listed().await;
    assert_eq!(listed, rig.known(), "the cloud and the state");
    listed
}

/// Cuts every run off at each call in turn, or at each of every `step`.
async fn matrix(cut: Cut, files: Files<'_>, step: usize) {
    let mut rig = Rig::new().await;
    let wanted = undisturbed(&mut rig, files).await;
    for number in (0..MANY).step_by(step) {
        let mut struck_any = false;
        for (phase, wanted) in PHASES.into_iter().zip(&wanted) {
            let what = format!("{phase:?}, {cut:?} at call {number}");
            let desired = phase.desired(&rig, files);
            let options = phase.options();
            // What is there has just been looked at.
            rig.lab.read = false;
            let (ended, struck) = rig
                .run_with(&desired, &options, number, cut.fault(number))
                .await;
            rig.lab.read = true;
            struck_any |= struck;
            match ended {
                // Who hears no answer looks, and goes on by itself.
                Some(ended) => rig.ended_well(ended, &what),
                None => {
                    let desired = phase.desired(&rig, files);
                    let again = cancel::channel().1;
                    let ended = rig.lab.run_with(&desired, &options, again).await;
                    rig.ended_well(ended, &format!("{what}, run again"));
                }
            }
            assert_eq!(
                shape(&settled(&mut rig, phase, &desired).await),
                *wanted,
                "{what}"
            );
        }
        if !struck_any {
            assert!(number > 30, "a stack has more calls than {number}");
            return;
        }
    }
    panic!("more than {MANY} calls");
}

fn without_login() -> Files<'static> {
    [STACK, &CHANGED, &RENAMED]
}

fn with_login() -> Files<'static> {
    WITH_LOGIN.each_ref().map(String::as_str)
}

#[test]
fn killed_at_each_call() {
    run(matrix(Cut::Killed, without_login(), 1));
}

#[test]
fn the_answer_of_each_call_lost() {
    run(matrix(Cut::Lost, without_login(), 1));
}

#[test]
fn with_a_login_killed_at_every_few_calls() {
    run(matrix(Cut::Killed, with_login(), 11));
}

#[test]
fn with_a_login_the_answer_of_every_few_calls_lost() {
    run(matrix(Cut::Lost, with_login(), 17));
}
