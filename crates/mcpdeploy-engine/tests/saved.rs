//! Plans that were saved: they say the same when read again, and go stale.

use mcpdeploy_engine::apply::ApplyError;
use mcpdeploy_engine::cancel;
use mcpdeploy_engine::plan::{Plan, PlanOptions};
use mcpdeploy_testkit::{At, Failed, Fault, Lab};
use serde_json::json;

use crate::scenes::{mixed, scenes};

#[tokio::test(start_paused = true)]
async fn a_saved_plan_survives_the_file_and_goes_stale_with_the_state() {
    for scene in scenes() {
        let mut lab = crate::crash::set(&scene).await;
        let plan = lab
            .plan_with(&scene.after.desired, &scene.options)
            .await
            .unwrap();
        let text = serde_json::to_string(&plan).unwrap();
        let read = Plan::from_slice(text.as_bytes()).unwrap();
        assert_eq!(read, plan);
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        lab.apply(&read).await.unwrap();
        lab.check(&scene.after.desired).await;
        match lab.apply(&read).await {
            Err(Failed::Apply(ApplyError::Stale { .. })) => {}
            unexpected => panic!("{unexpected:?}"),
        }
        let mut other = Lab::new();
        other.converge(&mixed().desired).await;
        let mut foreign = read.clone();
        foreign.serial = other.state().unwrap().serial;
        match other.apply(&foreign).await {
            Err(Failed::Apply(ApplyError::OtherLineage)) => {}
            unexpected => panic!("{unexpected:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_stale_after_a_run_that_was_killed() {
    let mut lab = Lab::new();
    let plan = lab.plan(&mixed().desired).await.unwrap();
    let count = lab.cloud.call_count();
    lab.cloud.arm(At::Number(count + 12), Fault::CrashAfter, 1);
    lab.run_until_killed(&mixed().desired, &PlanOptions::default())
        .await;
    let mut plan = plan;
    match lab.apply(&plan).await {
        // The killed run began on a new state of its own.
        Err(Failed::Apply(ApplyError::OtherLineage)) => {}
        unexpected => panic!("{unexpected:?}"),
    }
    plan.lineage = lab.state().unwrap().lineage;
    match lab.apply(&plan).await {
        Err(Failed::Apply(ApplyError::Stale { planned: 0, .. })) => {}
        unexpected => panic!("{unexpected:?}"),
    }
    lab.converge(&mixed().desired).await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_file_that_is_none_is_refused() {
    let mut lab = Lab::new();
    let plan = lab.plan(&mixed().desired).await.unwrap();
    let mut newer = serde_json::to_value(&plan).unwrap();
    newer["format"] = json!(2);
    for text in [newer.to_string(), "{}".to_owned(), "nonsense".to_owned()] {
        assert!(Plan::from_slice(text.as_bytes()).is_err(), "{text}");
    }
    // Steps that wait for later ones, or for none that there is.
    for after in [0, 1, 99] {
        let mut plan = plan.clone();
        plan.steps[0].after = vec![after];
        let mut state = lab.state().unwrap();
        let result = lab.apply_to(&mut state, &plan, cancel::channel().1).await;
        assert!(
            matches!(result, Err(Failed::Apply(ApplyError::Fold(_)))),
            "{result:?}"
        );
    }
    assert_eq!(lab.cloud.objects(), []);
}
