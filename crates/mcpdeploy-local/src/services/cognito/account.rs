//! What users do with their own account, by their access token.

use serde_json::{Value, json};

use super::input::Input;
use super::model::{Purpose, SoftwareToken};
use super::password::{self, Wording};
use super::signup::take_code;
use super::users;
use super::{Cognito, faults, random, totp};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault};

impl Cognito {
    /// The key of the row of the user who shows the call's access token.
    async fn me(&self, cloud: &Cloud, input: Input<'_>) -> Result<String, Fault> {
        let bearer = self.account(cloud, input.text("AccessToken")?).await?;
        Ok(bearer.user)
    }

    pub(super) async fn get_user(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let key = self.me(cloud, Input(&call.input)).await?;
        let state = self.state();
        let user = state.users.get(&key).ok_or_else(faults::no_user)?;
        let described = json!({
            "Username": user.username,
            "UserAttributes": users::attribute_list(user),
        });
        Ok(users::with_mfa(described, user))
    }

    pub(super) async fn change_password(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let key = self.me(cloud, input).await?;
        let user = self.state().users.get(&key).cloned();
        let user = user.ok_or_else(faults::no_user)?;
        let pool = self.state().pool(&user.pool)?.clone();
        let now = cloud.now();
        if self.passing().locked(&key, now) {
            return Err(Fault::bad(
                "LimitExceededException",
                "Attempt limit exceeded, please try after some time.",
            ));
        }
        let proposed = input.text("ProposedPassword")?;
        password::check(pool.policy(), proposed, Wording::Other)?;
        let previous = input.text_if("PreviousPassword")?.unwrap_or_default();
        if !password::is(cloud, Some(&user), previous).await? {
            self.passing().failed(&key, now);
            return Err(faults::wrong_password());
        }
        let hash = password::hash(cloud, &pool.id, &user.username, proposed).await?;
        self.state().change_user(&key, |user| {
            user.password = Some(hash);
            user.modified = now;
        })?;
        Ok(json!({}))
    }

    pub(super) async fn update_own_attributes(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let key = self.me(cloud, input).await?;
        let attributes = input.attributes("UserAttributes")?;
        if attributes
            .iter()
            .any(|(name, _)| name.ends_with("_verified"))
        {
            return Err(faults::not_authorized(
                "A client attempted to write unauthorized attribute",
            ));
        }
        let pool = {
            let mut state = self.state();
            let user = state.users.get(&key).ok_or_else(faults::no_user)?;
            let pool = state.pool(&user.pool)?.clone();
            users::update_attributes(&mut state, cloud, &pool, &key, &attributes)?;
            pool
        };
        let verified = pool.list("AutoVerifiedAttributes");
        let mut sent = Vec::new();
        for (name, _) in attributes {
            if verified.contains(&name) {
                let purpose = Purpose::VerifyAttribute(name.clone());
                sent.push(self.send_code(cloud, &key, &name, purpose)?);
            }
        }
        Ok(json!({"CodeDeliveryDetailsList": sent}))
    }

    pub(super) async fn delete_own_attributes(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let key = self.me(cloud, input).await?;
        let names = input.texts("UserAttributeNames")?;
        users::delete_attributes(&mut self.state(), cloud, &key, &names)?;
        Ok(json!({}))
    }

    pub(super) async fn send_attribute_code(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let key = self.me(cloud, input).await?;
        let name = address(input)?;
        let purpose = Purpose::VerifyAttribute(name.to_owned());
        let details = self.send_code(cloud, &key, name, purpose)?;
        Ok(json!({"CodeDeliveryDetails": details}))
    }

    pub(super) async fn verify_attribute(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let key = self.me(cloud, input).await?;
        let name = address(input)?;
        let purpose = Purpose::VerifyAttribute(name.to_owned());
        let mut state = self.state();
        take_code(&mut state, cloud, &key, &purpose, input.filled("Code")?)?;
        state.change_user(&key, |user| {
            let verified = format!("{name}_verified");
            user.attributes.insert(verified, "true".to_owned());
        })?;
        Ok(json!({}))
    }

    pub(super) async fn delete_own_user(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let key = self.me(cloud, Input(&call.input)).await?;
        users::remove(&mut self.state(), &key)?;
        self.passing().forget_user(&key);
        Ok(json!({}))
    }

    pub(super) async fn global_sign_out(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let key = self.me(cloud, Input(&call.input)).await?;
        self.state().sign_out(&key)?;
        Ok(json!({}))
    }

    /// By the refresh token; what is revoked already, or unknown, is no error, as RFC 7009 has it.
    pub(super) fn revoke_token(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let id = input.filled("ClientId")?;
        let client = self.state().client_by_id(id)?.1.clone();
        let given = input.text_if("ClientSecret")?;
        if client.secret.as_ref().map(|secret| secret.0.as_str()) != given {
            return Err(Fault::bad(
                "UnauthorizedException",
                "Invalid client credentials",
            ));
        }
        self.revoke(cloud, &client.id, input.filled("Token")?)?;
        Ok(json!({}))
    }

    /// Revokes a refresh token, and with it the access tokens that came of it.
    pub(super) fn revoke(&self, cloud: &Cloud, client: &str, token: &str) -> Result<(), Fault> {
        if let Ok(grant) = self.grant(cloud, client, token) {
            let mut state = self.state();
            state
                .grants
                .update(&grant.id, |grant| grant.revoked = true)?;
        }
        Ok(())
    }

    /// By an access token, or by the session of a sign-in that wants a token set up.
    pub(super) async fn associate_software_token(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        if let Some(session) = input.text_if("Session")? {
            let (session, secret) = self.begin_set_up(cloud, session)?;
            return Ok(json!({"SecretCode": totp::base32(&secret.0), "Session": session}));
        }
        let key = self.me(cloud, input).await?;
        self.check_software_tokens(&key)?;
        let secret = random::bytes::<32>();
        self.state().change_user(&key, |user| {
            // The token that is asked for stays until the new one is verified.
            user.new_token = Some(super::model::Secret(hex::encode(secret)));
        })?;
        Ok(json!({"SecretCode": totp::base32(&secret)}))
    }

    fn check_software_tokens(&self, key: &str) -> Result<(), Fault> {
        let state = self.state();
        let user = state.users.get(key).ok_or_else(faults::no_user)?;
        let pool = state.pool(&user.pool)?;
        if pool.software_token || pool.mfa() != super::model::Mfa::Off {
            return Ok(());
        }
        Err(Fault::bad(
            "SoftwareTokenMFANotFoundException",
            "Software Token MFA has not been enabled by the userPool",
        ))
    }

    pub(super) async fn verify_software_token(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let code = input.filled("UserCode")?;
        if let Some(session) = input.text_if("Session")? {
            let session = self.end_set_up(cloud, session, code)?;
            return Ok(json!({"Status": "SUCCESS", "Session": session}));
        }
        let key = self.me(cloud, input).await?;
        let user = self.state().users.get(&key).cloned();
        let secret = user
            .and_then(|user| user.new_token)
            .ok_or_else(|| faults::parameter("User has not set up software token mfa"))?;
        let secret = hex::decode(&secret.0).unwrap_or_default();
        let step = totp::step_of(&secret, code, cloud.now())
            .ok_or_else(|| Fault::bad("EnableSoftwareTokenMFAException", "Code mismatch"))?;
        self.keep_token(&key, &secret, step, false)?;
        Ok(json!({"Status": "SUCCESS"}))
    }

    /// Keeps a software token that its user has shown to have.
    pub(super) fn keep_token(
        &self,
        key: &str,
        secret: &[u8],
        step: u64,
        enabled: bool,
    ) -> Result<(), Fault> {
        let secret = super::model::Secret(hex::encode(secret));
        self.state().change_user(key, |user| {
            let enabled = enabled || user.token_enabled();
            user.new_token = None;
            user.token = Some(SoftwareToken {
                secret,
                verified: true,
                enabled,
                preferred: enabled,
                last_step: step,
            });
        })
    }

    pub(super) async fn set_own_mfa(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let key = self.me(cloud, input).await?;
        self.set_mfa(&key, input)
    }

    pub(super) fn admin_set_mfa(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let (pool, name) = (input.text("UserPoolId")?, input.text("Username")?);
        let key = self.state().user(pool, name)?.0;
        self.set_mfa(&key, input)
    }

    fn set_mfa(&self, key: &str, input: Input<'_>) -> Result<Value, Fault> {
        for other in ["SMSMfaSettings", "EmailMfaSettings"] {
            let settings = input.structure(other)?;
            let enabled = settings.map(|settings| settings.flag("Enabled"));
            if enabled.transpose()?.flatten().unwrap_or_default() {
                return Err(Fault::absent(format!("the second factor of {other}")));
            }
        }
        let Some(settings) = input.structure("SoftwareTokenMfaSettings")? else {
            return Ok(json!({}));
        };
        let enabled = settings.flag("Enabled")?.unwrap_or_default();
        let preferred = settings.flag("PreferredMfa")?.unwrap_or_default();
        let mut state = self.state();
        let has = state.users.get(key).ok_or_else(faults::no_user)?;
        let has = has.token.as_ref().is_some_and(|token| token.verified);
        if enabled && !has {
            return Err(faults::parameter(
                "User has not verified software token mfa",
            ));
        }
        state.change_user(key, |user| {
            if let Some(token) = &mut user.token {
                token.enabled = enabled;
                token.preferred = enabled && preferred;
            }
        })?;
        Ok(json!({}))
    }
}

fn address<'a>(input: Input<'a>) -> Result<&'a str, Fault> {
    let name = input.filled("AttributeName")?;
    match name {
        "email" | "phone_number" => Ok(name),
        _ => Err(faults::parameter(format!(
            "Attribute {name} cannot be verified."
        ))),
    }
}
