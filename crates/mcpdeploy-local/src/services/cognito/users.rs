//! Users, as an administrator sees them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use time::Duration;

use super::input::Input;
use super::model::{Pool, User, UserStatus};
use super::outbox::Message;
use super::password::{self, Wording};
use super::state::State;
use super::{Cognito, faults, random, schema};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, time};

impl Cognito {
    pub(super) async fn admin_create_user(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let pool = self.state().pool(input.text("UserPoolId")?)?.clone();
        let name = input.filled("Username")?;
        let action = input.one_of("MessageAction", &["RESEND", "SUPPRESS"])?;
        let given = input.text_if("TemporaryPassword")?;
        let password = given.map_or_else(|| password::temporary(pool.policy()), str::to_owned);
        password::check(pool.policy(), &password, Wording::AdminCreate)?;
        let days = Duration::days(pool.policy().temporary_password_validity_days);
        let now = cloud.now();
        if action == Some("RESEND") {
            let (_, user) = self.state().user(&pool.id, name).map(own)?;
            if user.status != UserStatus::ForceChangePassword {
                return Err(Fault::bad(
                    "UnsupportedUserStateException",
                    format!("Resend not possible. {name} status is not FORCE_CHANGE_PASSWORD"),
                ));
            }
        }
        let mut attributes = input.attributes("UserAttributes")?;
        let mut user = match action {
            Some("RESEND") => self.state().user(&pool.id, name).map(own)?.1,
            _ => new_user(&pool, name, &mut attributes, now)?,
        };
        user.status = UserStatus::ForceChangePassword;
        user.temporary_until = Some(now + days);
        let hash = password::hash(cloud, &pool.id, &user.username, &password).await?;
        user.password = Some(hash);
        let mut state = self.state();
        let key = State::user_key(&pool, &user.username);
        if action != Some("RESEND") {
            check_free(&state, &pool, name, &user, "User account already exists")?;
            check_aliases(&mut state, &pool, &user, input.flag("ForceAliasCreation")?)?;
        }
        state.users.put(&key, user.clone())?;
        drop(state);
        if action != Some("SUPPRESS") {
            let media = input.texts("DesiredDeliveryMediums")?;
            let attribute = if media.contains(&"EMAIL") || user.attribute("phone_number").is_none()
            {
                "email"
            } else {
                "phone_number"
            };
            self.outbox
                .send(&user, attribute, Message::Invitation(&password), now)?;
        }
        Ok(json!({"User": describe(&user, "Attributes")}))
    }

    pub(super) fn admin_get_user(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let (_, user) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        Ok(with_mfa(describe(user, "UserAttributes"), user))
    }

    pub(super) fn admin_delete_user(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (key, _) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        remove(&mut state, &key)?;
        drop(state);
        self.passing().forget_user(&key);
        Ok(json!({}))
    }

    pub(super) async fn admin_set_password(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let pool = self.state().pool(input.text("UserPoolId")?)?.clone();
        let name = input.text("Username")?;
        let (key, user) = self.state().user(&pool.id, name).map(own)?;
        let password = input.text("Password")?;
        password::check(pool.policy(), password, Wording::Other)?;
        let permanent = input.flag("Permanent")?.unwrap_or_default();
        let hash = password::hash(cloud, &pool.id, &user.username, password).await?;
        let now = cloud.now();
        let days = Duration::days(pool.policy().temporary_password_validity_days);
        let mut state = self.state();
        state.change_user(&key, |user| {
            user.password = Some(hash);
            user.modified = now;
            user.status = if permanent {
                UserStatus::Confirmed
            } else {
                UserStatus::ForceChangePassword
            };
            user.temporary_until = (!permanent).then_some(now + days);
        })?;
        drop(state);
        self.passing().succeeded(&key);
        Ok(json!({}))
    }

    pub(super) fn admin_update_attributes(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (key, user) = state
            .user(input.text("UserPoolId")?, input.text("Username")?)
            .map(own)?;
        let pool = state.pool(&user.pool)?.clone();
        let attributes = input.attributes("UserAttributes")?;
        update_attributes(&mut state, cloud, &pool, &key, &attributes)?;
        Ok(json!({}))
    }

    pub(super) fn admin_delete_attributes(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (key, _) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        let names = input.texts("UserAttributeNames")?;
        delete_attributes(&mut state, cloud, &key, &names)?;
        Ok(json!({}))
    }

    pub(super) fn admin_enable(
        &self,
        cloud: &Cloud,
        call: &Call,
        enabled: bool,
    ) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (key, _) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        let now = cloud.now();
        state.change_user(&key, |user| {
            user.enabled = enabled;
            user.modified = now;
        })?;
        if !enabled {
            state.sign_out(&key)?;
        }
        Ok(json!({}))
    }

    pub(super) fn admin_confirm(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (key, user) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        if user.status != UserStatus::Unconfirmed {
            return Err(not_unconfirmed(user));
        }
        let now = cloud.now();
        state.change_user(&key, |user| {
            user.status = UserStatus::Confirmed;
            user.modified = now;
        })?;
        Ok(json!({}))
    }

    pub(super) fn admin_sign_out(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (key, _) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        state.sign_out(&key)?;
        Ok(json!({}))
    }
}

/// A user of their own rather than a borrowed one, so that the lock can go.
pub(super) fn own((key, user): (String, &User)) -> (String, User) {
    (key, user.clone())
}

pub(super) fn not_unconfirmed(user: &User) -> Fault {
    faults::not_authorized(format!(
        "User cannot be confirmed. Current status is {}",
        user.status.name()
    ))
}

/// A user of this name. Where users sign in with an attribute, the name becomes that attribute, and
/// the username is the user's `sub`.
pub(super) fn new_user(
    pool: &Pool,
    name: &str,
    attributes: &mut Vec<(String, String)>,
    now: time::OffsetDateTime,
) -> Result<User, Fault> {
    let by = pool.list("UsernameAttributes");
    let aliases = pool.list("AliasAttributes");
    let sub = random::uuid();
    let username = if by.is_empty() {
        for (alias, looks, what) in [
            ("email", schema::plausible_email(name), "email"),
            (
                "phone_number",
                schema::plausible_phone(name),
                "phone number",
            ),
        ] {
            if looks && aliases.iter().any(|one| one == alias) {
                return Err(faults::parameter(format!(
                    "Username cannot be of {what} format, since user pool is configured for {what} alias."
                )));
            }
        }
        if name.chars().any(char::is_whitespace) || name.chars().count() > 128 {
            return Err(super::input::constraint(
                name,
                "Username",
                r"Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+",
            ));
        }
        name.to_owned()
    } else {
        let (email, phone) = (has(&by, "email"), has(&by, "phone_number"));
        let attribute = if email && schema::plausible_email(name) {
            "email"
        } else if phone && schema::plausible_phone(name) {
            "phone_number"
        } else {
            return Err(faults::parameter(match (email, phone) {
                (true, true) => "Username should be either an email or a phone number.",
                (true, false) => "Username should be an email.",
                (false, _) => "Username should be a phone number.",
            }));
        };
        if !attributes.iter().any(|(name, _)| name == attribute) {
            attributes.push((attribute.to_owned(), name.to_owned()));
        }
        sub.clone()
    };
    schema::check(pool, attributes)?;
    let mut kept: BTreeMap<String, String> = attributes.iter().cloned().collect();
    kept.insert("sub".to_owned(), sub.clone());
    Ok(User {
        pool: pool.id.clone(),
        username,
        sub,
        created: now,
        modified: now,
        enabled: true,
        status: UserStatus::Unconfirmed,
        attributes: kept,
        groups: BTreeSet::new(),
        password: None,
        temporary_until: None,
        codes: Vec::new(),
        token: None,
        new_token: None,
    })
}

fn has(list: &[String], item: &str) -> bool {
    list.iter().any(|one| one == item)
}

/// Whether nobody has this name, nor what people sign in with in this pool.
pub(super) fn check_free(
    state: &State,
    pool: &Pool,
    name: &str,
    user: &User,
    taken: &str,
) -> Result<(), Fault> {
    let exists = |message: &str| Err(Fault::bad("UsernameExistsException", message));
    if state.users.contains(&State::user_key(pool, &user.username))
        || state.find_user(pool, name).is_some()
    {
        return exists(taken);
    }
    for attribute in pool.list("UsernameAttributes") {
        let value = user.attribute(&attribute);
        if value.is_some_and(|value| state.find_user(pool, value).is_some()) {
            return exists(&format!(
                "An account with the given {attribute} already exists."
            ));
        }
    }
    Ok(())
}

/// A verified alias is one user's at a time: a new one takes it over, when that is asked for.
fn check_aliases(
    state: &mut State,
    pool: &Pool,
    user: &User,
    force: Option<bool>,
) -> Result<(), Fault> {
    for alias in ["email", "phone_number"] {
        if !has(&pool.list("AliasAttributes"), alias) || !user.verified(alias) {
            continue;
        }
        let value = user.attribute(alias);
        let owner = value.and_then(|value| state.find_user(pool, value));
        let Some(owner) = owner else { continue };
        if !force.unwrap_or_default() {
            return Err(Fault::bad(
                "AliasExistsException",
                format!("An account with the {alias} already exists."),
            ));
        }
        state.change_user(&owner, |owner| {
            owner
                .attributes
                .insert(format!("{alias}_verified"), "false".to_owned())
        })?;
    }
    Ok(())
}

/// Sets attributes of a user. An address that changes is not verified any more, unless the caller
/// says so.
pub(super) fn update_attributes(
    state: &mut State,
    cloud: &Cloud,
    pool: &Pool,
    key: &str,
    attributes: &[(String, String)],
) -> Result<(), Fault> {
    schema::check(pool, attributes)?;
    for (name, _) in attributes {
        let mutable = pool.attribute(name).is_some_and(|one| one.mutable);
        if !mutable {
            return Err(faults::parameter(format!(
                "user.{name}: Attribute cannot be updated."
            )));
        }
    }
    for (name, value) in attributes {
        let by = has(&pool.list("UsernameAttributes"), name);
        let owner = state.find_user(pool, value);
        if by && owner.is_some_and(|owner| owner != key) {
            return Err(Fault::bad(
                "AliasExistsException",
                format!("An account with the given {name} already exists."),
            ));
        }
    }
    let now = cloud.now();
    state.change_user(key, |user| {
        for (name, value) in attributes {
            let old = user.attributes.insert(name.clone(), value.clone());
            let address = name == "email" || name == "phone_number";
            if address && old.as_ref() != Some(value) {
                let verified = format!("{name}_verified");
                user.attributes.insert(verified, "false".to_owned());
            }
        }
        for (name, value) in attributes {
            if name.ends_with("_verified") {
                user.attributes.insert(name.clone(), value.clone());
            }
        }
        user.modified = now;
    })
}

pub(super) fn delete_attributes(
    state: &mut State,
    cloud: &Cloud,
    key: &str,
    names: &[&str],
) -> Result<(), Fault> {
    if names.contains(&"sub") {
        return Err(faults::parameter("user.sub: Attribute cannot be deleted."));
    }
    let now = cloud.now();
    state.change_user(key, |user| {
        for name in names {
            user.attributes.remove(*name);
            user.attributes.remove(&format!("{name}_verified"));
        }
        user.modified = now;
    })
}

/// Removes a user and what they were granted.
pub(super) fn remove(state: &mut State, key: &str) -> Result<(), Fault> {
    state.forget_grants(|grant| grant.user == key)?;
    state.users.remove(key)?;
    Ok(())
}

/// A user, with the attributes under the name that the operation has for them.
pub(super) fn describe(user: &User, attributes: &str) -> Value {
    json!({
        "Username": user.username,
        attributes: attribute_list(user),
        "UserCreateDate": time(user.created),
        "UserLastModifiedDate": time(user.modified),
        "Enabled": user.enabled,
        "UserStatus": user.status.name(),
    })
}

/// In the order of their names: AWS promises none.
pub(super) fn attribute_list(user: &User) -> Value {
    let list = user.attributes.iter();
    list.map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect()
}

/// With what the user has for a second factor.
pub(super) fn with_mfa(mut described: Value, user: &User) -> Value {
    if user.token_enabled() {
        described["UserMFASettingList"] = json!(["SOFTWARE_TOKEN_MFA"]);
        if user.token.as_ref().is_some_and(|token| token.preferred) {
            described["PreferredMfaSetting"] = json!("SOFTWARE_TOKEN_MFA");
        }
    }
    described
}
