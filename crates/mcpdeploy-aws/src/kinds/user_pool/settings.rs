//! The settings of a user pool, as Cognito takes and gives them.

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::PhysicalId;
use mcpdeploy_engine::kind::{Cx, KindError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UserPoolInputs;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::kinds::inputs::{int, uint, wrong, yes};
use crate::tags;

/// What passwords must be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    /// How long they are at least, 6 to 99.
    #[serde(default = "eight")]
    pub minimum_length: u32,
    /// Whether there must be a small letter.
    #[serde(default = "yes")]
    pub require_lowercase: bool,
    /// Whether there must be a capital letter.
    #[serde(default = "yes")]
    pub require_uppercase: bool,
    /// Whether there must be a digit.
    #[serde(default = "yes")]
    pub require_numbers: bool,
    /// Whether there must be a special character.
    #[serde(default = "yes")]
    pub require_symbols: bool,
    /// For how many days the password holds that an administrator gives a new user, 1 to 365.
    #[serde(default = "seven")]
    pub temporary_password_days: u32,
}

fn eight() -> u32 {
    8
}

fn seven() -> u32 {
    7
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            minimum_length: eight(),
            require_lowercase: true,
            require_uppercase: true,
            require_numbers: true,
            require_symbols: true,
            temporary_password_days: seven(),
        }
    }
}

impl PasswordPolicy {
    pub(super) fn validate(&self) -> Result<(), (String, String)> {
        if !(6..=99).contains(&self.minimum_length) {
            return wrong(
                "/password/minimum_length",
                "a password's least length is 6 to 99 characters",
            );
        }
        // Cognito takes 0 for 7.
        if !(1..=365).contains(&self.temporary_password_days) {
            return wrong(
                "/password/temporary_password_days",
                "a temporary password holds for 1 to 365 days",
            );
        }
        Ok(())
    }

    /// `have`: what the pool has, of which the rest is kept.
    pub(super) fn to_sdk(self, have: Option<&sdk::UserPoolPolicyType>) -> sdk::UserPoolPolicyType {
        let history = have
            .and_then(|have| have.password_policy())
            .and_then(|policy| policy.password_history_size());
        let password = sdk::PasswordPolicyType::builder()
            .minimum_length(int(self.minimum_length))
            .require_lowercase(self.require_lowercase)
            .require_uppercase(self.require_uppercase)
            .require_numbers(self.require_numbers)
            .require_symbols(self.require_symbols)
            .temporary_password_validity_days(int(self.temporary_password_days))
            .set_password_history_size(history)
            .build();
        sdk::UserPoolPolicyType::builder()
            .password_policy(password)
            .set_sign_in_policy(have.and_then(|have| have.sign_in_policy().cloned()))
            .build()
    }

    fn observed(pool: &sdk::UserPoolType) -> Self {
        let policy = pool
            .policies()
            .and_then(|policies| policies.password_policy());
        policy.map_or_else(Self::default, |policy| Self {
            minimum_length: uint(policy.minimum_length()),
            require_lowercase: policy.require_lowercase(),
            require_uppercase: policy.require_uppercase(),
            require_numbers: policy.require_numbers(),
            require_symbols: policy.require_symbols(),
            temporary_password_days: uint(Some(policy.temporary_password_validity_days())),
        })
    }
}

/// Whether people need a second factor, an authenticator app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mfa {
    /// Nobody has one.
    #[default]
    Off,
    /// Whoever wants one.
    Optional,
    /// Everybody.
    Required,
}

impl Mfa {
    fn to_sdk(self) -> sdk::UserPoolMfaType {
        match self {
            Self::Off => sdk::UserPoolMfaType::Off,
            Self::Optional => sdk::UserPoolMfaType::Optional,
            Self::Required => sdk::UserPoolMfaType::On,
        }
    }

    fn observed(pool: &sdk::UserPoolType) -> Self {
        match pool.mfa_configuration() {
            Some(sdk::UserPoolMfaType::On) => Self::Required,
            Some(sdk::UserPoolMfaType::Optional) => Self::Optional,
            _ => Self::Off,
        }
    }
}

/// By what people log in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// By their e-mail address.
    #[default]
    Email,
    /// By a name.
    Username,
}

impl SignIn {
    pub(super) fn to_sdk(self) -> Option<Vec<sdk::UsernameAttributeType>> {
        match self {
            Self::Email => Some(vec![sdk::UsernameAttributeType::Email]),
            Self::Username => None,
        }
    }

    fn observed(pool: &sdk::UserPoolType) -> Self {
        let by_email = pool
            .username_attributes()
            .contains(&sdk::UsernameAttributeType::Email);
        if by_email {
            Self::Email
        } else {
            Self::Username
        }
    }
}

/// What a pool can do, and what it costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeaturePlan {
    /// The least: the classic pages, and no audience in access tokens.
    Lite,
    /// Managed login, and access tokens for one resource.
    #[default]
    Essentials,
    /// Protection against threats too.
    Plus,
}

impl FeaturePlan {
    pub(super) fn to_sdk(self) -> sdk::UserPoolTierType {
        match self {
            Self::Lite => sdk::UserPoolTierType::Lite,
            Self::Essentials => sdk::UserPoolTierType::Essentials,
            Self::Plus => sdk::UserPoolTierType::Plus,
        }
    }

    fn observed(pool: &sdk::UserPoolType) -> Self {
        match pool.user_pool_tier() {
            Some(sdk::UserPoolTierType::Lite) => Self::Lite,
            Some(sdk::UserPoolTierType::Plus) => Self::Plus,
            _ => Self::Essentials,
        }
    }
}

/// Names and addresses are the same in capitals and small letters.
pub(super) fn any_case() -> Result<sdk::UsernameConfigurationType, KindError> {
    let built = sdk::UsernameConfigurationType::builder()
        .case_sensitive(false)
        .build();
    built.map_err(incomplete)
}

/// Who has forgotten the password gets in again by mail.
pub(super) fn recovery() -> Result<sdk::AccountRecoverySettingType, KindError> {
    let by_mail = sdk::RecoveryOptionType::builder()
        .name(sdk::RecoveryOptionNameType::VerifiedEmail)
        .priority(1)
        .build()
        .map_err(incomplete)?;
    Ok(sdk::AccountRecoverySettingType::builder()
        .recovery_mechanisms(by_mail)
        .build())
}

pub(super) fn sign_up(
    allowed: bool,
    have: Option<&sdk::AdminCreateUserConfigType>,
) -> sdk::AdminCreateUserConfigType {
    // Without the days that a temporary password holds: those are of the password policy, and both
    // together are refused.
    sdk::AdminCreateUserConfigType::builder()
        .allow_admin_create_user_only(!allowed)
        .set_invite_message_template(have.and_then(|have| have.invite_message_template().cloned()))
        .build()
}

pub(super) fn protection(on: bool) -> sdk::DeletionProtectionType {
    if on {
        sdk::DeletionProtectionType::Active
    } else {
        sdk::DeletionProtectionType::Inactive
    }
}

fn incomplete(error: impl std::error::Error) -> KindError {
    KindError::fatal(error.to_string())
}

/// The inputs that give what is there.
pub(super) fn observed(pool: &sdk::UserPoolType) -> UserPoolInputs {
    let admin = pool.admin_create_user_config();
    UserPoolInputs {
        name: pool.name().unwrap_or_default().to_owned(),
        password: PasswordPolicy::observed(pool),
        mfa: Mfa::observed(pool),
        sign_in: SignIn::observed(pool),
        self_registration: !admin.is_some_and(|admin| admin.allow_admin_create_user_only()),
        plan: FeaturePlan::observed(pool),
        deletion_protection: pool.deletion_protection()
            == Some(&sdk::DeletionProtectionType::Active),
        tags: tags::from_map(pool.user_pool_tags()),
    }
}

/// Sets whether there is a second factor.
pub(super) async fn put_mfa(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
    mfa: Mfa,
) -> Result<(), KindError> {
    // One that is switched off and configured at the same time is refused.
    let app = (mfa != Mfa::Off).then(|| {
        sdk::SoftwareTokenMfaConfigType::builder()
            .enabled(true)
            .build()
    });
    cx.clients
        .cognito()
        .set_user_pool_mfa_config()
        .user_pool_id(id.as_str())
        .mfa_configuration(mfa.to_sdk())
        .set_software_token_mfa_configuration(app)
        .send()
        .await
        .fault("cognito-idp", "SetUserPoolMfaConfig", id)
        .map(|_| ())
}

/// Sets everything but the second factor, which is as wanted already, and leaves what is not ours
/// as it is.
pub(super) async fn put(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
    want: &UserPoolInputs,
    have: &sdk::UserPoolType,
) -> Result<(), KindError> {
    let have = have.clone();
    cx.clients
        .cognito()
        .update_user_pool()
        .user_pool_id(id.as_str())
        .pool_name(&want.name)
        .policies(want.password.to_sdk(have.policies()))
        .mfa_configuration(want.mfa.to_sdk())
        .auto_verified_attributes(sdk::VerifiedAttributeType::Email)
        .account_recovery_setting(recovery()?)
        .admin_create_user_config(sign_up(
            want.self_registration,
            have.admin_create_user_config(),
        ))
        .user_pool_tier(want.plan.to_sdk())
        .deletion_protection(protection(want.deletion_protection))
        .set_user_pool_tags(Some(tags::to_map(&want.tags)))
        .set_lambda_config(have.lambda_config)
        .set_sms_verification_message(have.sms_verification_message)
        .set_email_verification_message(have.email_verification_message)
        .set_email_verification_subject(have.email_verification_subject)
        .set_verification_message_template(have.verification_message_template)
        .set_sms_authentication_message(have.sms_authentication_message)
        .set_user_attribute_update_settings(have.user_attribute_update_settings)
        .set_device_configuration(have.device_configuration)
        .set_email_configuration(have.email_configuration)
        .set_sms_configuration(have.sms_configuration)
        .set_user_pool_add_ons(have.user_pool_add_ons)
        .set_key_configuration(have.key_configuration)
        .set_issuer_configuration(have.issuer_configuration)
        .set_acr_configuration(have.acr_configuration)
        .send()
        .await
        .fault("cognito-idp", "UpdateUserPool", id)
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_set_stays() {
        let have = sdk::UserPoolPolicyType::builder()
            .password_policy(
                sdk::PasswordPolicyType::builder()
                    .minimum_length(20)
                    .password_history_size(5)
                    .build(),
            )
            .sign_in_policy(
                sdk::SignInPolicyType::builder()
                    .allowed_first_auth_factors(sdk::AuthFactorType::EmailOtp)
                    .build(),
            )
            .build();
        let policy = PasswordPolicy::default().to_sdk(Some(&have));
        let password = policy.password_policy().unwrap();
        assert_eq!(password.minimum_length(), Some(8));
        assert_eq!(password.password_history_size(), Some(5));
        assert_eq!(policy.sign_in_policy(), have.sign_in_policy());
    }

    #[test]
    fn impossible_passwords_are_refused() {
        let check = |length, days| {
            let policy = PasswordPolicy {
                minimum_length: length,
                temporary_password_days: days,
                ..PasswordPolicy::default()
            };
            policy.validate().map_err(|(at, _)| at)
        };
        assert_eq!(check(12, 1), Ok(()));
        assert_eq!(check(5, 1), Err("/password/minimum_length".to_owned()));
        assert_eq!(check(100, 1), Err("/password/minimum_length".to_owned()));
        assert_eq!(
            check(8, 0),
            Err("/password/temporary_password_days".to_owned())
        );
    }
}
