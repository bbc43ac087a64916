//! `aws.cognito.user_pool`: a user pool of Cognito: who may log in, and how.
//!
//! People log in by their e-mail address, which is verified and by which they get in again when
//! they have forgotten their password; or by a name of their own.
//!
//! Facts, from the Cognito user pools API reference:
//! - names need not be unique: a pool is found again by its owner tags, which ListUserPools does
//!   not tell. So those of the same name are asked for theirs;
//! - UpdateUserPool sets back what it is not told: what nobody here manages (triggers, messages,
//!   the sender of mails) is told as it is;
//! - a pool cannot be created with a second factor other than by SMS: SetUserPoolMfaConfig adds the
//!   authenticator app;
//! - by what people log in is decided at the creation, and stays;
//! - tokens have the issuer `https://cognito-idp.<region>.amazonaws.com/<id>`, or, where the pool's
//!   issuer configuration says UPDATED, `https://issuer-cognito-idp.<region>.amazonaws.com/<id>`;
//! - a pool that is protected or has a domain cannot be deleted.

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Tags, Who,
    same_owner,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cognito_shared::{emulator, pool_arn};
use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{UserPoolArn, UserPoolId, dns_suffix};
use crate::tags;

mod settings;

pub use settings::{FeaturePlan, Mfa, PasswordPolicy, SignIn};

/// A user pool.
#[derive(Debug)]
pub enum UserPool {}

/// What one can ask of a user pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPoolInputs {
    /// Its name, which need not be unique: 1 to 128 letters, digits, spaces and `_+=,.@-`.
    pub name: String,
    /// What passwords must be like.
    #[serde(default)]
    pub password: PasswordPolicy,
    /// Whether people need an authenticator app (TOTP) to log in.
    #[serde(default)]
    pub mfa: Mfa,
    /// By what people log in.
    #[serde(default)]
    pub sign_in: SignIn,
    /// Whether people may sign up by themselves; else only an administrator adds users.
    #[serde(default)]
    pub self_registration: bool,
    /// What it can do, and what it costs. Access tokens name their audience from `essentials` on.
    #[serde(default)]
    pub plan: FeaturePlan,
    /// Whether it cannot be deleted.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserPoolOutputs {
    /// Its id.
    pub id: UserPoolId,
    /// Its ARN.
    pub arn: UserPoolArn,
    /// The issuer of its tokens, without a slash at the end; its keys are at
    /// `<issuer>/.well-known/jwks.json`.
    pub issuer: String,
}

impl UserPool {
    /// Refers to the id of the pool at `address`.
    #[must_use]
    pub fn id(address: &Address) -> Ref<UserPoolId> {
        Ref::new(address, "/id")
    }

    /// Refers to the ARN of the pool at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<UserPoolArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the issuer of the tokens of the pool at `address`.
    #[must_use]
    pub fn issuer(address: &Address) -> Ref<String> {
        Ref::new(address, "/issuer")
    }

    /// The issuer of the tokens of the pool `id` on AWS, as it is unless the pool says otherwise.
    #[must_use]
    pub fn issuer_of(id: &str, region: &str) -> String {
        format!("https://cognito-idp.{region}.{}/{id}", dns_suffix(region))
    }
}

impl Kind for UserPool {
    const NAME: &'static str = "aws.cognito.user_pool";
    const REPLACE_ON: &'static [&'static str] = &["/sign_in"];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 600;

    type Clients = Clients;
    type Inputs = UserPoolInputs;
    type Outputs = UserPoolOutputs;

    fn identity(_: &Self::Inputs) -> Identity {
        Identity::OwnerTag
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let fits = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_+=,.@-".contains(c);
        let name = &inputs.name;
        if name.is_empty() || name.chars().count() > 128 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!(
                    "`{name}` is no pool's name: 1 to 128 letters, digits, spaces and `_+=,.@-`"
                ),
            );
        }
        inputs.password.validate()?;
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, _: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let pool = pool_arn("*", placement);
        // A pool that is not there yet, and the list of all, have no ARN.
        let (everywhere, on_pools): (&[&str], &[&str]) = match op {
            Op::Read => (
                &["cognito-idp:ListUserPools"],
                &["cognito-idp:DescribeUserPool"],
            ),
            Op::Create => (
                &["cognito-idp:CreateUserPool"],
                &[
                    "cognito-idp:DescribeUserPool",
                    "cognito-idp:SetUserPoolMfaConfig",
                    "cognito-idp:TagResource",
                ],
            ),
            Op::Update => (
                &[],
                &[
                    "cognito-idp:DescribeUserPool",
                    "cognito-idp:SetUserPoolMfaConfig",
                    "cognito-idp:UpdateUserPool",
                    "cognito-idp:TagResource",
                    "cognito-idp:UntagResource",
                ],
            ),
            Op::Delete => (&[], &["cognito-idp:DeleteUserPool"]),
        };
        let mut permissions = Permission::all(everywhere, "*");
        permissions.extend(Permission::all(on_pools, &pool));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let found = match who.id {
            Some(id) => describe(cx, id.as_str()).await?,
            None => find(cx, who).await?,
        };
        let Some(pool) = found else { return Ok(None) };
        Ok(Some(Observed {
            id: PhysicalId::new(pool.id().unwrap_or_default()),
            outputs: outputs(cx, &pool),
            inputs: settings::observed(&pool),
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let answer = cx
            .clients
            .cognito()
            .create_user_pool()
            .pool_name(&want.name)
            .policies(want.password.to_sdk(None))
            .set_username_attributes(want.sign_in.to_sdk())
            .username_configuration(settings::any_case()?)
            .auto_verified_attributes(sdk::VerifiedAttributeType::Email)
            .account_recovery_setting(settings::recovery()?)
            .admin_create_user_config(settings::sign_up(want.self_registration, None))
            .user_pool_tier(want.plan.to_sdk())
            .deletion_protection(settings::protection(want.deletion_protection))
            .set_user_pool_tags((!want.tags.is_empty()).then(|| tags::to_map(&want.tags)))
            .send()
            .await
            .fault("cognito-idp", "CreateUserPool", &want.name)?;
        let pool = answer.user_pool().ok_or_else(|| no_pool(&want.name))?;
        let id = pool.id().unwrap_or_default();
        Ok(Created::with(id, outputs(cx, pool)))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if delta.updates("/mfa") || delta.is_created() && want.mfa != Mfa::Off {
            settings::put_mfa(cx, id, want.mfa).await?;
        }
        if delta.is_created() {
            return Ok(());
        }
        let Some(have) = describe(cx, id.as_str()).await? else {
            return Err(no_pool(id));
        };
        if delta.updates_any(&[
            "/name",
            "/password",
            "/self_registration",
            "/plan",
            "/deletion_protection",
        ]) {
            settings::put(cx, id, want, &have).await?;
        }
        if delta.updates("/tags") {
            put_tags(cx, &have, &want.tags).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        let pool = describe(cx, id.as_str()).await?;
        pool.map(|pool| outputs(cx, &pool))
            .ok_or_else(|| no_pool(id))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .cognito()
            .delete_user_pool()
            .user_pool_id(id.as_str())
            .send()
            .await
            .removed("cognito-idp", "DeleteUserPool", id)
    }
}

fn no_pool(id: impl ToString) -> KindError {
    KindError::fatal("the user pool is gone again").on(id.to_string())
}

async fn describe(cx: &Cx<'_, Clients>, id: &str) -> Result<Option<sdk::UserPoolType>, KindError> {
    let answer = cx
        .clients
        .cognito()
        .describe_user_pool()
        .user_pool_id(id)
        .send()
        .await
        .found("cognito-idp", "DescribeUserPool", id)?;
    Ok(answer.and_then(|answer| answer.user_pool))
}

/// The pool of that name that carries our owner tags.
async fn find(
    cx: &Cx<'_, Clients>,
    who: Who<'_, UserPoolInputs>,
) -> Result<Option<sdk::UserPoolType>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .cognito()
            .list_user_pools()
            .max_results(60)
            .set_next_token(next)
            .send()
            .await
            .fault("cognito-idp", "ListUserPools", &who.inputs.name)?;
        for told in page.user_pools.into_iter().flatten() {
            let id = told.id().unwrap_or_default();
            let other = who.others.iter().any(|other| other.as_str() == id);
            if other || told.name() != Some(&who.inputs.name) {
                continue;
            }
            // Deleted since it was listed, it is none of ours.
            let pool = cx.in_turn(|| describe(cx, id)).await?;
            let ours = pool.filter(|pool| {
                same_owner(&tags::from_map(pool.user_pool_tags()), &who.inputs.tags)
            });
            if ours.is_some() {
                return Ok(ours);
            }
        }
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(None);
        }
    }
}

fn outputs(cx: &Cx<'_, Clients>, pool: &sdk::UserPoolType) -> UserPoolOutputs {
    let id = pool.id().unwrap_or_default();
    let issuer = pool.issuer_configuration().and_then(|of| of.r#type());
    let host = match issuer {
        Some(sdk::IssuerType::Updated) => "issuer-cognito-idp",
        _ => "cognito-idp",
    };
    let region = cx.clients.region();
    let issuer = emulator(cx.clients).map_or_else(
        || format!("https://{host}.{region}.{}/{id}", dns_suffix(region)),
        |endpoint| format!("{endpoint}/{id}"),
    );
    UserPoolOutputs {
        id: UserPoolId::new(id),
        arn: UserPoolArn::new(pool.arn().unwrap_or_default()),
        issuer,
    }
}

async fn put_tags(
    cx: &Cx<'_, Clients>,
    have: &sdk::UserPoolType,
    want: &Tags,
) -> Result<(), KindError> {
    let arn = have.arn().unwrap_or_default();
    let changes = tags::changes(&tags::from_map(have.user_pool_tags()), want);
    let client = cx.clients.cognito();
    if !changes.set.is_empty() {
        client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags::to_map(&changes.set)))
            .send()
            .await
            .fault("cognito-idp", "TagResource", arn)?;
    }
    if !changes.remove.is_empty() {
        client
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("cognito-idp", "UntagResource", arn)?;
    }
    Ok(())
}
