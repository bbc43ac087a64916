//! The policies of a role: those written into it and those attached to it.

use std::collections::BTreeSet;

use mcpdeploy_engine::kind::{Cx, Delta, KindError};
use mcpdeploy_engine::value::push_pointer;

use super::RoleInputs;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::PolicyArn;
use crate::join;
use crate::policy::PolicyDocument;

pub(super) async fn configure_inline(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    if !delta.touches("/inline_policies") {
        return Ok(());
    }
    let there = match delta {
        Delta::Created => BTreeSet::new(),
        Delta::Changed(_) => inline_names(cx, name).await?,
    };
    let changed = |policy: &str| {
        let mut pointer = "/inline_policies".to_owned();
        push_pointer(&mut pointer, policy);
        !there.contains(policy) || delta.touches(&pointer)
    };
    let puts = want
        .inline_policies
        .iter()
        .filter(|(policy, _)| changed(policy))
        .map(|(policy, document)| put_inline(cx, name, policy, document));
    join::all(puts).await?;
    let surplus = there
        .iter()
        .filter(|policy| !want.inline_policies.contains_key(*policy));
    join::all(surplus.map(|policy| delete_inline(cx, name, policy))).await?;
    Ok(())
}

pub(super) async fn configure_managed(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: &RoleInputs,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    if !delta.touches("/managed_policies") {
        return Ok(());
    }
    let there = match delta {
        Delta::Created => BTreeSet::new(),
        Delta::Changed(_) => attached(cx, name).await?,
    };
    let missing = want.managed_policies.difference(&there);
    join::all(missing.map(|policy| attach(cx, name, policy))).await?;
    let surplus = there.difference(&want.managed_policies);
    join::all(surplus.map(|policy| detach(cx, name, policy))).await?;
    Ok(())
}

/// The names of the inline policies; none when there is no such role.
pub(super) async fn inline_names(
    cx: &Cx<'_, Clients>,
    name: &str,
) -> Result<BTreeSet<String>, KindError> {
    let mut names = BTreeSet::new();
    let mut marker = None;
    loop {
        let list = || async {
            let list = cx.clients.iam().list_role_policies().role_name(name);
            let answer = list.set_marker(marker.clone()).send().await;
            answer.found("iam", "ListRolePolicies", name)
        };
        let answer = cx.in_turn(list).await?;
        let Some(answer) = answer else {
            return Ok(names);
        };
        names.extend(answer.policy_names);
        match answer.marker.filter(|_| answer.is_truncated) {
            Some(next) => marker = Some(next),
            None => return Ok(names),
        }
    }
}

/// The ARNs of the attached policies; none when there is no such role.
pub(super) async fn attached(
    cx: &Cx<'_, Clients>,
    name: &str,
) -> Result<BTreeSet<PolicyArn>, KindError> {
    let mut arns = BTreeSet::new();
    let mut marker = None;
    loop {
        let list = || async {
            let list = cx.clients.iam().list_attached_role_policies();
            let list = list.role_name(name).set_marker(marker.clone());
            list.send()
                .await
                .found("iam", "ListAttachedRolePolicies", name)
        };
        let answer = cx.in_turn(list).await?;
        let Some(answer) = answer else {
            return Ok(arns);
        };
        let policies = answer.attached_policies.unwrap_or_default();
        arns.extend(
            policies
                .into_iter()
                .filter_map(|policy| policy.policy_arn)
                .map(PolicyArn::new),
        );
        match answer.marker.filter(|_| answer.is_truncated) {
            Some(next) => marker = Some(next),
            None => return Ok(arns),
        }
    }
}

pub(super) async fn document(
    cx: &Cx<'_, Clients>,
    name: &str,
    policy: &str,
) -> Result<Option<(String, PolicyDocument)>, KindError> {
    let get = || async {
        let get = cx.clients.iam().get_role_policy().role_name(name);
        let answer = get.policy_name(policy).send().await;
        answer.found("iam", "GetRolePolicy", name)
    };
    let answer = cx.in_turn(get).await?;
    Ok(answer.map(|answer| {
        (
            policy.to_owned(),
            PolicyDocument::observed(&answer.policy_document),
        )
    }))
}

async fn put_inline(
    cx: &Cx<'_, Clients>,
    name: &str,
    policy: &str,
    document: &PolicyDocument,
) -> Result<(), KindError> {
    cx.in_turn(|| async {
        cx.clients
            .iam()
            .put_role_policy()
            .role_name(name)
            .policy_name(policy)
            .policy_document(document.to_text())
            .send()
            .await
            .fault("iam", "PutRolePolicy", name)
            .map(|_| ())
    })
    .await
}

pub(super) async fn delete_inline(
    cx: &Cx<'_, Clients>,
    name: &str,
    policy: &str,
) -> Result<(), KindError> {
    cx.in_turn(|| async {
        cx.clients
            .iam()
            .delete_role_policy()
            .role_name(name)
            .policy_name(policy)
            .send()
            .await
            .removed("iam", "DeleteRolePolicy", name)
    })
    .await
}

async fn attach(cx: &Cx<'_, Clients>, name: &str, policy: &PolicyArn) -> Result<(), KindError> {
    cx.in_turn(|| async {
        cx.clients
            .iam()
            .attach_role_policy()
            .role_name(name)
            .policy_arn(policy)
            .send()
            .await
            .fault("iam", "AttachRolePolicy", name)
            .map(|_| ())
    })
    .await
}

pub(super) async fn detach(
    cx: &Cx<'_, Clients>,
    name: &str,
    policy: &PolicyArn,
) -> Result<(), KindError> {
    cx.in_turn(|| async {
        cx.clients
            .iam()
            .detach_role_policy()
            .role_name(name)
            .policy_arn(policy)
            .send()
            .await
            .removed("iam", "DetachRolePolicy", name)
    })
    .await
}
