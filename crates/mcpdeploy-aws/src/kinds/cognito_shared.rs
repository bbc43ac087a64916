//! What the kinds of Cognito have in common: ids within a pool, ARNs, and where Cognito answers.

use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::kind::{Identity, KindError, Op, Permission, Placement};
use mcpdeploy_engine::value::Input;

use crate::clients::Clients;
use crate::ids::{UserPoolId, dns_suffix, partition};

/// The id of what belongs to a pool: `<pool id>/<its own id>`.
pub(super) fn child_id(pool: &str, id: &str) -> PhysicalId {
    PhysicalId::new(format!("{pool}/{id}"))
}

/// The pool's id and the child's of an id that [`child_id`] made. A child's may have slashes in it.
pub(super) fn split(id: &PhysicalId) -> Result<(&str, &str), KindError> {
    let parts = id.as_str().split_once('/');
    parts
        .filter(|(pool, child)| !pool.is_empty() && !child.is_empty())
        .ok_or_else(|| KindError::fatal(format!("`{id}` is not of the form <pool id>/<id>")))
}

/// Found by a key that is unique within the pool.
pub(super) fn in_pool(pool: &Input<UserPoolId>, key: impl Into<String>) -> Identity {
    Identity::InParent {
        parent: pool.known().map(ToString::to_string).unwrap_or_default(),
        key: key.into(),
    }
}

/// A pool and what belongs to it change one at a time: Cognito refuses the second of two changes
/// under way.
pub(super) fn serial_key(pool: &Input<UserPoolId>) -> Option<String> {
    pool.known().map(|pool| format!("cognito:{pool}"))
}

/// The ARN of a pool, `*` for what is not known yet; for permissions.
pub(super) fn pool_arn(pool: &str, placement: &Placement) -> String {
    let region = placement.region_or_any();
    format!(
        "arn:{}:cognito-idp:{region}:{}:userpool/{pool}",
        partition(region),
        placement.account_or_any()
    )
}

/// What the operations on a child of a pool need: the actions for reading, creating, updating and
/// deleting, in this order.
pub(super) fn child_permissions(
    op: Op,
    pool: &Input<UserPoolId>,
    placement: &Placement,
    actions: [&[&str]; 4],
) -> Vec<Permission> {
    let pool = pool.known().map_or("*", UserPoolId::as_str);
    let [read, create, update, delete] = actions;
    let actions = match op {
        Op::Read => read,
        Op::Create => create,
        Op::Update => update,
        Op::Delete => delete,
    };
    Permission::all(actions, &pool_arn(pool, placement))
}

/// The address of an emulator or an embedded cloud, when that is where Cognito's calls go. Another
/// endpoint of AWS (FIPS, VPC) changes nothing about what a pool is called.
pub(crate) fn emulator(clients: &Clients) -> Option<String> {
    let endpoint = clients.cognito_endpoint()?;
    (!is_aws(&endpoint, clients.region())).then(|| endpoint.trim_end_matches('/').to_owned())
}

fn is_aws(endpoint: &str, region: &str) -> bool {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    [dns_suffix(region), "amazonaws.com", "api.aws"]
        .iter()
        .any(|suffix| {
            host.strip_suffix(suffix)
                .is_some_and(|name| name.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_apart_again() {
        let id = child_id("eu-central-1_a", "https://mcp.example/mcp");
        assert_eq!(
            split(&id).unwrap(),
            ("eu-central-1_a", "https://mcp.example/mcp")
        );
        for bad in ["eu-central-1_a", "/x", "eu-central-1_a/"] {
            assert!(split(&PhysicalId::new(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn which_endpoints_are_of_aws() {
        for (endpoint, region, expected) in [
            (
                "https://cognito-idp-fips.us-east-1.amazonaws.com",
                "us-east-1",
                true,
            ),
            (
                "https://vpce-1.cognito-idp.us-east-1.vpce.amazonaws.com:443/",
                "us-east-1",
                true,
            ),
            ("https://cognito-idp.us-east-1.api.aws", "us-east-1", true),
            (
                "https://cognito-idp.us-iso-east-1.c2s.ic.gov",
                "us-iso-east-1",
                true,
            ),
            ("http://127.0.0.1:4566", "us-east-1", false),
            ("http://localhost:4566/amazonaws.com", "us-east-1", false),
            ("https://notamazonaws.com", "us-east-1", false),
        ] {
            assert_eq!(is_aws(endpoint, region), expected, "{endpoint}");
        }
    }
}
