//! Cognito user pools: users, clients, sign-in pages and tokens.
//!
//! | modules | own |
//! |---|---|
//! | `pools`, `schema`, `pool_mfa`, `clients`, `domains`, `resource_servers`, `branding`, `providers`, `tags` | what a pool is configured with |
//! | `users`, `user_search`, `groups` | users, as an administrator sees them |
//! | `signup`, `account` | what people do about their own account |
//! | `signin`, `auth` | the steps of a sign-in, and the API to them |
//! | `tokens`, `rotation`, `keys` | what tokens say, how they are refreshed and who signs them |
//! | `doors` | the pages and the OAuth endpoints |
//! | `state`, `model`, `passing` | what is kept, on disk and in memory |

mod account;
mod auth;
mod branding;
mod clients;
mod domains;
mod doors;
mod faults;
mod groups;
mod input;
mod keys;
mod model;
mod outbox;
mod passing;
mod password;
mod pool_mfa;
mod pools;
mod providers;
mod random;
mod resource_servers;
mod rotation;
mod schema;
mod secret_hash;
mod signin;
mod signup;
mod srp;
mod state;
mod tags;
mod tokens;
mod totp;
mod user_search;
mod users;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use doors::is_door;

use auth::Caller;
use keys::Keys;
use outbox::Outbox;
use passing::Passing;
use state::State;

use crate::cloud::Cloud;
use crate::storage::{ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Cognito {
    state: Mutex<State>,
    passing: Mutex<Passing>,
    keys: Keys,
    outbox: Outbox,
}

impl Cognito {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let folder = storage.folder("cognito")?;
        Ok(Self {
            state: Mutex::new(State::open(storage)?),
            passing: Mutex::default(),
            outbox: Outbox::new(folder.join("outbox.jsonl")),
            keys: Keys::new(folder),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn passing(&self) -> MutexGuard<'_, Passing> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let call = &*call;
        let output = match call.operation.as_str() {
            "AddCustomAttributes" => self.add_attributes(call),
            "AdminAddUserToGroup" => self.add_to_group(call),
            "AdminConfirmSignUp" => self.admin_confirm(cloud, call),
            "AdminCreateUser" => self.admin_create_user(cloud, call).await,
            "AdminDeleteUser" => self.admin_delete_user(call),
            "AdminDeleteUserAttributes" => self.admin_delete_attributes(cloud, call),
            "AdminDisableUser" => self.admin_enable(cloud, call, false),
            "AdminEnableUser" => self.admin_enable(cloud, call, true),
            "AdminGetUser" => self.admin_get_user(call),
            "AdminInitiateAuth" => self.initiate_auth(cloud, call, Caller::Admin).await,
            "AdminListGroupsForUser" => self.list_groups_for_user(call),
            "AdminRemoveUserFromGroup" => self.remove_from_group(call),
            "AdminResetUserPassword" => self.admin_reset_password(cloud, call),
            "AdminRespondToAuthChallenge" => {
                self.respond_to_challenge(cloud, call, Caller::Admin).await
            }
            "AdminSetUserMFAPreference" => self.admin_set_mfa(call),
            "AdminSetUserPassword" => self.admin_set_password(cloud, call).await,
            "AdminUpdateUserAttributes" => self.admin_update_attributes(cloud, call),
            "AdminUserGlobalSignOut" => self.admin_sign_out(call),
            "AssociateSoftwareToken" => self.associate_software_token(cloud, call).await,
            "ChangePassword" => self.change_password(cloud, call).await,
            "ConfirmForgotPassword" => self.confirm_forgot_password(cloud, call).await,
            "ConfirmSignUp" => self.confirm_sign_up(cloud, call),
            "CreateGroup" => self.create_group(cloud, call),
            "CreateIdentityProvider" => self.create_provider(cloud, call),
            "CreateManagedLoginBranding" => self.create_branding(cloud, call),
            "CreateResourceServer" => self.create_resource_server(call),
            "CreateUserPool" => self.create_pool(cloud, call),
            "CreateUserPoolClient" => self.create_client(cloud, call),
            "CreateUserPoolDomain" => self.create_domain(cloud, call),
            "DeleteGroup" => self.delete_group(call),
            "DeleteIdentityProvider" => self.delete_provider(call),
            "DeleteManagedLoginBranding" => self.delete_branding(call),
            "DeleteResourceServer" => self.delete_resource_server(call),
            "DeleteUser" => self.delete_own_user(cloud, call).await,
            "DeleteUserAttributes" => self.delete_own_attributes(cloud, call).await,
            "DeleteUserPool" => self.delete_pool(call),
            "DeleteUserPoolClient" => self.delete_client(call),
            "DeleteUserPoolDomain" => self.delete_domain(call),
            "DescribeIdentityProvider" => self.describe_provider(call),
            "DescribeManagedLoginBranding" => self.describe_branding(call),
            "DescribeManagedLoginBrandingByClient" => self.describe_branding_by_client(call),
            "DescribeResourceServer" => self.describe_resource_server(call),
            "DescribeUserPool" => self.describe_pool(call),
            "DescribeUserPoolClient" => self.describe_client(call),
            "DescribeUserPoolDomain" => self.describe_domain(call),
            "ForgotPassword" => self.forgot_password(cloud, call),
            "GetGroup" => self.get_group(call),
            "GetTokensFromRefreshToken" => self.tokens_from_refresh_token(cloud, call).await,
            "GetUICustomization" => self.get_customization(call),
            "GetUser" => self.get_user(cloud, call).await,
            "GetUserAttributeVerificationCode" => self.send_attribute_code(cloud, call).await,
            "GetUserPoolMfaConfig" => self.get_pool_mfa(call),
            "GlobalSignOut" => self.global_sign_out(cloud, call).await,
            "InitiateAuth" => self.initiate_auth(cloud, call, Caller::Anybody).await,
            "ListGroups" => self.list_groups(call),
            "ListIdentityProviders" => self.list_providers(call),
            "ListResourceServers" => self.list_resource_servers(call),
            "ListTagsForResource" => self.list_tags(call),
            "ListUserPoolClients" => self.list_clients(call),
            "ListUserPools" => self.list_pools(call),
            "ListUsers" => self.list_users(call),
            "ListUsersInGroup" => self.list_users_in_group(call),
            "ResendConfirmationCode" => self.resend_code(cloud, call),
            "RespondToAuthChallenge" => {
                self.respond_to_challenge(cloud, call, Caller::Anybody)
                    .await
            }
            "RevokeToken" => self.revoke_token(cloud, call),
            "SetUICustomization" => self.set_customization(cloud, call),
            "SetUserMFAPreference" => self.set_own_mfa(cloud, call).await,
            "SetUserPoolMfaConfig" => self.set_pool_mfa(call),
            "SignUp" => self.sign_up(cloud, call).await,
            "TagResource" => self.tag(call),
            "UntagResource" => self.untag(call),
            "UpdateGroup" => self.update_group(cloud, call),
            "UpdateIdentityProvider" => self.update_provider(cloud, call),
            "UpdateManagedLoginBranding" => self.update_branding(cloud, call),
            "UpdateResourceServer" => self.update_resource_server(call),
            "UpdateUserAttributes" => self.update_own_attributes(cloud, call).await,
            "UpdateUserPool" => self.update_pool(cloud, call),
            "UpdateUserPoolClient" => self.update_client(cloud, call),
            "UpdateUserPoolDomain" => self.update_domain(call),
            "VerifySoftwareToken" => self.verify_software_token(cloud, call).await,
            "VerifyUserAttribute" => self.verify_attribute(cloud, call).await,
            other => Err(Fault::absent(format!("cognito-idp.{other}"))),
        };
        output.map(Reply::output)
    }
}
