//! A case for each kind: the resource, what it needs, and edits that touch each of its properties.

mod data;
mod gateway;
mod keys;
mod lambda;
mod login;
mod watch;

use mcpdeploy_engine::kind::ReplaceOrder;
use mcpdeploy_engine::plan::Action;

pub(super) use data::{bucket, object, parameter, role, secret, table};
pub(super) use gateway::{api, authorizer, integration, route, stage};
pub(super) use keys::{kms_alias, kms_key};
pub(super) use lambda::{alias, function, permission, version};
pub(super) use login::{
    identity_provider, login_branding, resource_server, user_group, user_pool, user_pool_client,
    user_pool_domain,
};
pub(super) use watch::{alarm, dashboard, log_group, subscription, topic};

/// It changes in place.
const UPDATE: Action = Action::Update;
/// The new one comes before the old one goes.
const REPLACE: Action = Action::Replace {
    order: ReplaceOrder::CreateFirst,
};
/// The new one has the old one's name.
const SUCCEED: Action = Action::Replace {
    order: ReplaceOrder::DeleteFirst,
};
