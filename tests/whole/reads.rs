//! What a plan without changes asks: each resource once, and the alarms all together.

use std::collections::BTreeMap;

use mcpdeploy_engine::plan::PlanOptions;
use mcpdeploy_testkit::check_kind::Calls;

use super::rig::{Rig, run};
use super::{CHANGED, STACK};
use crate::kinds::place::zips;

/// Each operation, and what it reads.
const READS: [(&str, usize); 18] = [
    ("apigatewayv2:GetApi", 1),
    ("apigatewayv2:GetIntegration", 1),
    ("apigatewayv2:GetRoute", 1),
    ("apigatewayv2:GetStage", 1),
    // Five alarms.
    ("cloudwatch:DescribeAlarms", 1),
    ("cloudwatch:GetDashboard", 1),
    // IAM keeps a role, the names of its policies and each policy apart. All are asked at the same
    // time; who looked at the role only would not see that somebody gave it more rights.
    ("iam:GetRole", 1),
    ("iam:GetRolePolicy", 3),
    ("iam:ListAttachedRolePolicies", 1),
    ("iam:ListRolePolicies", 1),
    ("lambda:GetAlias", 1),
    ("lambda:GetFunction", 1),
    // Of the version.
    ("lambda:GetFunctionConfiguration", 1),
    ("lambda:GetPolicy", 1),
    ("logs:DescribeLogGroups", 2),
    ("secretsmanager:DescribeSecret", 1),
    ("sns:GetSubscriptionAttributes", 1),
    ("sns:GetTopicAttributes", 1),
];

/// The operations since the last reset, each with how often it was called.
fn called(rig: &Rig) -> BTreeMap<String, usize> {
    let mut called = BTreeMap::new();
    for (service, operation) in rig.wire.recorded() {
        *called.entry(format!("{service}:{operation}")).or_default() += 1;
    }
    called
}

#[test]
fn a_plan_without_changes_reads_each_resource_once() {
    run(async {
        let mut rig = Rig::new().await;
        let desired = rig.desired(STACK, &zips()[0]);
        let ended = rig.lab.run(&desired).await;
        rig.ended_well(ended, "apply");
        rig.wire.reset();
        let plan = rig.plan(&desired, &PlanOptions::default()).await;
        assert!(plan.is_noop(), "{:#?} {:#?}", plan.preamble, plan.steps);
        let wanted: BTreeMap<String, usize> = READS
            .into_iter()
            .map(|(operation, times)| (operation.to_owned(), times))
            .collect();
        assert_eq!(called(&rig), wanted);
        let calls = rig.wire.count();
        assert_eq!(calls, wanted.values().sum::<usize>(), "nothing goes unseen");
        // But for what the role has besides itself, there is no more than a call a resource.
        assert!(calls - 5 <= desired.resources.len(), "{calls} calls");
    });
}

/// The alarms are found together too, those that are not there along with those that are.
#[test]
fn what_changes_is_read_no_more_often() {
    run(async {
        let mut rig = Rig::new().await;
        let [code, other] = zips();
        let desired = rig.desired(STACK, code);
        let ended = rig.lab.run(&desired).await;
        rig.ended_well(ended, "apply");
        let gone = rig.others.cloudwatch().delete_alarms();
        let gone = gone.alarm_names("calculator-latency").send().await;
        gone.expect("the alarm can be deleted");
        let changed = rig.desired(&CHANGED, other);
        rig.wire.reset();
        let plan = rig.plan(&changed, &PlanOptions::default()).await;
        assert!(!plan.is_noop());
        let called = called(&rig);
        assert_eq!(called["lambda:GetFunction"], 1);
        // Once for what is known, once for what is looked for since it has gone.
        assert_eq!(called["cloudwatch:DescribeAlarms"], 1, "{called:#?}");
    });
}
