//! People who sign up themselves, and people who forgot their password.

use serde_json::{Value, json};
use time::Duration;

use super::input::Input;
use super::model::{Client, Pool, Purpose, Secret, SentCode, User, UserStatus};
use super::outbox::{self, Message};
use super::password::{self, Wording};
use super::state::State;
use super::users::{check_free, new_user, not_unconfirmed, own};
use super::{Cognito, faults, random, schema, secret_hash};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault};

/// How long a code that confirms somebody can be used. Source: "Signing up and confirming".
const SIGN_UP_CODE: Duration = Duration::hours(24);
/// How long a code for another password can be used. Source: "Resetting passwords".
const RESET_CODE: Duration = Duration::hours(1);

impl Cognito {
    pub(super) async fn sign_up(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let name = input.filled("Username")?;
        let (pool, _) = self.client_of(input, name)?;
        let attributes = input.attributes("UserAttributes")?;
        let password = input.text("Password")?;
        let user = self
            .register(cloud, &pool, name, password, attributes)
            .await?;
        let sent = confirm_by(&pool, &user);
        Ok(json!({
            "UserConfirmed": false,
            "UserSub": user.sub,
            "CodeDeliveryDetails": sent.map(|attribute| delivery(&user, attribute)),
        }))
    }

    /// Makes the account of somebody who signs up, and sends the code that confirms them.
    pub(super) async fn register(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        name: &str,
        password: &str,
        mut attributes: Vec<(String, String)>,
    ) -> Result<User, Fault> {
        if pool.admin_only() {
            return Err(faults::not_authorized(
                "SignUp is not permitted for this user pool",
            ));
        }
        password::check(pool.policy(), password, Wording::SignUp)?;
        let verifies = |name: &str| name.ends_with("_verified") || name == "sub";
        if attributes.iter().any(|(name, _)| verifies(name)) {
            return Err(faults::not_authorized(
                "A client attempted to write unauthorized attribute",
            ));
        }
        let mut user = new_user(pool, name, &mut attributes, cloud.now())?;
        schema::check_required(pool, &attributes)?;
        user.password = Some(password::hash(cloud, &pool.id, &user.username, password).await?);
        let mut state = self.state();
        check_free(&state, pool, name, &user, "User already exists")?;
        let key = State::user_key(pool, &user.username);
        state.users.put(&key, user.clone())?;
        drop(state);
        if let Some(attribute) = confirm_by(pool, &user) {
            self.send_code(cloud, &key, attribute, Purpose::ConfirmSignUp)?;
        }
        Ok(user)
    }

    /// Sends a code and remembers it; an older one for the same is good no more.
    pub(super) fn send_code(
        &self,
        cloud: &Cloud,
        key: &str,
        attribute: &str,
        purpose: Purpose,
    ) -> Result<Value, Fault> {
        let code = random::digits(6);
        let lasts = match purpose {
            Purpose::ForgotPassword => RESET_CODE,
            Purpose::ConfirmSignUp | Purpose::VerifyAttribute(_) => SIGN_UP_CODE,
        };
        let now = cloud.now();
        let sent = SentCode {
            purpose,
            code: Secret(code.clone()),
            expires: now + lasts,
            wrong: 0,
        };
        let mut state = self.state();
        let user = state.change_user(key, |user| {
            user.codes
                .retain(|old| old.purpose != sent.purpose && old.expires > now);
            user.codes.push(sent);
            user.clone()
        })?;
        drop(state);
        self.outbox
            .send(&user, attribute, Message::Code(&code), now)?;
        Ok(delivery(&user, attribute))
    }

    pub(super) fn confirm_sign_up(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let name = input.filled("Username")?;
        let (pool, client) = self.client_of(input, name)?;
        let code = input.filled("ConfirmationCode")?;
        self.confirm(cloud, &pool, &client, name, code)?;
        Ok(json!({}))
    }

    pub(super) fn confirm(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        name: &str,
        code: &str,
    ) -> Result<(), Fault> {
        let mut state = self.state();
        let Ok((key, user)) = state.user(&pool.id, name).map(own) else {
            return Err(unknown(client, faults::expired_code()));
        };
        if user.status != UserStatus::Unconfirmed {
            return Err(not_unconfirmed(&user));
        }
        take_code(&mut state, cloud, &key, &Purpose::ConfirmSignUp, code)?;
        let now = cloud.now();
        let by = confirm_by(pool, &user);
        state.change_user(&key, |user| {
            user.status = UserStatus::Confirmed;
            user.modified = now;
            if let Some(attribute) = by {
                let verified = format!("{attribute}_verified");
                user.attributes.insert(verified, "true".to_owned());
            }
        })
    }

    pub(super) fn resend_code(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let name = input.filled("Username")?;
        let (pool, client) = self.client_of(input, name)?;
        let details = self.resend(cloud, &pool, &client, name)?;
        Ok(json!({"CodeDeliveryDetails": details}))
    }

    pub(super) fn resend(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        name: &str,
    ) -> Result<Value, Fault> {
        let found = self.state().user(&pool.id, name).map(own);
        let Ok((key, user)) = found else {
            if client.tells_of_users() {
                return Err(faults::no_user());
            }
            return Ok(outbox::delivery("email", &invented(name)));
        };
        if user.status != UserStatus::Unconfirmed {
            return Err(faults::parameter("User is already confirmed."));
        }
        let attribute = confirm_by(pool, &user)
            .ok_or_else(|| faults::parameter("Auto verification not turned on."))?;
        self.send_code(cloud, &key, attribute, Purpose::ConfirmSignUp)
    }

    pub(super) fn forgot_password(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let name = input.filled("Username")?;
        let (pool, client) = self.client_of(input, name)?;
        let found = self.state().user(&pool.id, name).map(own);
        let Ok((key, user)) = found else {
            if client.tells_of_users() {
                return Err(Fault::bad(
                    "UserNotFoundException",
                    "Username/client id combination not found.",
                ));
            }
            return Ok(json!({"CodeDeliveryDetails": outbox::delivery("email", &invented(name))}));
        };
        let details = self.send_reset(cloud, &pool, &key, &user)?;
        Ok(json!({"CodeDeliveryDetails": details}))
    }

    /// Sends the code by which a user sets another password.
    pub(super) fn send_reset(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        key: &str,
        user: &User,
    ) -> Result<Value, Fault> {
        if !user.enabled {
            return Err(faults::not_authorized("User is disabled."));
        }
        match user.status {
            UserStatus::Confirmed | UserStatus::ResetRequired => {}
            UserStatus::ForceChangePassword | UserStatus::Unconfirmed => {
                return Err(faults::not_authorized(
                    "User password cannot be reset in the current state.",
                ));
            }
        }
        let attribute = recovery(pool, user)?.ok_or_else(|| {
            faults::parameter(
                "Cannot reset password for the user as there is no registered/verified email or phone_number",
            )
        })?;
        self.send_code(cloud, key, attribute, Purpose::ForgotPassword)
    }

    pub(super) fn admin_reset_password(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let pool = self.state().pool(input.text("UserPoolId")?)?.clone();
        let name = input.text("Username")?;
        let (key, user) = self.state().user(&pool.id, name).map(own)?;
        self.send_reset(cloud, &pool, &key, &user)?;
        self.state().change_user(&key, |user| {
            user.status = UserStatus::ResetRequired;
            user.modified = cloud.now();
        })?;
        Ok(json!({}))
    }

    pub(super) async fn confirm_forgot_password(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let name = input.filled("Username")?;
        let (pool, client) = self.client_of(input, name)?;
        let (code, password) = (input.filled("ConfirmationCode")?, input.text("Password")?);
        self.reset_password(cloud, &pool, &client, name, code, password)
            .await?;
        Ok(json!({}))
    }

    /// Sets another password, by the code that was sent.
    pub(super) async fn reset_password(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        name: &str,
        code: &str,
        password: &str,
    ) -> Result<(), Fault> {
        password::check(pool.policy(), password, Wording::Other)?;
        let found = self.state().user(&pool.id, name).map(own);
        let Ok((key, user)) = found else {
            return Err(unknown(client, faults::expired_code()));
        };
        let hash = password::hash(cloud, &pool.id, &user.username, password).await?;
        let mut state = self.state();
        take_code(&mut state, cloud, &key, &Purpose::ForgotPassword, code)?;
        let verified = recovery(pool, &user)?;
        let now = cloud.now();
        state.change_user(&key, |user| {
            user.password = Some(hash);
            user.status = UserStatus::Confirmed;
            user.modified = now;
            user.temporary_until = None;
            if let Some(attribute) = verified {
                let verified = format!("{attribute}_verified");
                user.attributes.insert(verified, "true".to_owned());
            }
        })?;
        drop(state);
        self.passing().succeeded(&key);
        Ok(())
    }

    /// The client of an unsigned call and its pool, when the call's secret hash is as it should be.
    pub(super) fn client_of(&self, input: Input<'_>, name: &str) -> Result<(Pool, Client), Fault> {
        let state = self.state();
        let (pool, client) = state.client_by_id(input.filled("ClientId")?)?;
        secret_hash::check(client, name, input.text_if("SecretHash")?)?;
        Ok((pool.clone(), client.clone()))
    }
}

/// What a client hears of a user who does not exist.
fn unknown(client: &Client, instead: Fault) -> Fault {
    if client.tells_of_users() {
        faults::no_user()
    } else {
        instead
    }
}

/// An address for a user who does not exist, so that the answer looks like any other.
fn invented(name: &str) -> String {
    let first = name.chars().next().unwrap_or('u');
    format!("{first}@{first}")
}

/// Takes a code that was sent, when it is this one. Wrong ones are counted: a code of six digits is
/// not there to be guessed.
pub(super) fn take_code(
    state: &mut State,
    cloud: &Cloud,
    key: &str,
    purpose: &Purpose,
    code: &str,
) -> Result<(), Fault> {
    let now = cloud.now();
    let user = state.users.get(key).ok_or_else(faults::no_user)?;
    let sent = user.code(purpose, now).ok_or_else(faults::expired_code)?;
    if sent.code.0 != code {
        let over = sent.wrong >= WRONG_CODES;
        state.change_user(key, |user| {
            for sent in user
                .codes
                .iter_mut()
                .filter(|sent| sent.purpose == *purpose)
            {
                sent.wrong += 1;
            }
            user.codes
                .retain(|sent| sent.purpose != *purpose || sent.wrong <= WRONG_CODES);
        })?;
        return Err(if over {
            Fault::bad(
                "LimitExceededException",
                "Attempt limit exceeded, please try after some time.",
            )
        } else {
            faults::code_mismatch()
        });
    }
    state.change_user(key, |user| {
        user.codes.retain(|sent| sent.purpose != *purpose);
    })
}

/// How many wrong codes are let pass before another has to be sent.
const WRONG_CODES: u32 = 9;

/// The attribute to which the code of somebody who signs up goes, when the pool verifies any.
pub(super) fn confirm_by(pool: &Pool, user: &User) -> Option<&'static str> {
    let verified = pool.list("AutoVerifiedAttributes");
    // Where both are verified, the code goes to the phone. Source: "Signing up and confirming".
    ["phone_number", "email"].into_iter().find(|attribute| {
        verified.iter().any(|one| one == attribute) && user.attribute(attribute).is_some()
    })
}

/// The attribute by which a user gets a password anew.
fn recovery(pool: &Pool, user: &User) -> Result<Option<&'static str>, Fault> {
    let setting = pool.settings.get("AccountRecoverySetting");
    let mechanisms = setting.and_then(|setting| setting.get("RecoveryMechanisms"));
    let mechanisms = mechanisms.and_then(Value::as_array);
    let mut wanted: Vec<(i64, &str)> = match mechanisms {
        Some(list) => list
            .iter()
            .filter_map(|one| Some((one.get("Priority")?.as_i64()?, one.get("Name")?.as_str()?)))
            .collect(),
        // A pool that was told nothing prefers the phone.
        None => vec![(1, "verified_phone_number"), (2, "verified_email")],
    };
    wanted.sort_unstable();
    if wanted.iter().any(|(_, name)| *name == "admin_only") {
        return Err(faults::not_authorized(
            "Contact administrator to reset password.",
        ));
    }
    Ok(wanted.into_iter().find_map(|(_, name)| match name {
        "verified_phone_number" if user.verified("phone_number") => Some("phone_number"),
        "verified_email" if user.verified("email") => Some("email"),
        _ => None,
    }))
}

fn delivery(user: &User, attribute: &str) -> Value {
    outbox::delivery(attribute, user.attribute(attribute).unwrap_or_default())
}
