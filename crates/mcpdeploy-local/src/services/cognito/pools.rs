//! User pools: create, describe, update, list, delete.

use serde_json::{Map, Value, json};

use super::input::{Input, page};
use super::model::Pool;
use super::state::{self, State};
use super::{Cognito, faults, random, schema};
use crate::cloud::{ACCOUNT, Cloud};
use crate::storage::StorageError;
use crate::wire::{Call, Fault, time};

/// What a pool is told and says again.
const SETTINGS: [&str; 17] = [
    "Policies",
    "DeletionProtection",
    "AutoVerifiedAttributes",
    "AliasAttributes",
    "UsernameAttributes",
    "SmsVerificationMessage",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "VerificationMessageTemplate",
    "SmsAuthenticationMessage",
    "MfaConfiguration",
    "UserAttributeUpdateSettings",
    "EmailConfiguration",
    "SmsConfiguration",
    "AdminCreateUserConfig",
    "UserPoolAddOns",
    "UserPoolTier",
];
/// Further ones that stay as they were at the creation, or when they are not told again.
const KEPT: [&str; 3] = [
    "UsernameConfiguration",
    "AliasAttributes",
    "UsernameAttributes",
];

impl Cognito {
    pub(super) fn create_pool(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let name = checked_name(input.filled("PoolName")?)?;
        let settings = settings(input)?;
        let schema = schema::read(input.list("Schema")?)?;
        let now = cloud.now();
        let id = format!("{}_{}", call.region, random::alphanumeric(9));
        let pool = Pool {
            arn: format!(
                "arn:aws:cognito-idp:{}:{ACCOUNT}:userpool/{id}",
                call.region
            ),
            id,
            name,
            created: now,
            modified: now,
            settings,
            schema,
            tags: input.map("UserPoolTags")?,
            software_token: false,
            mfa: Map::new(),
        };
        let mut state = self.state();
        state.pools.put(&pool.id, pool.clone())?;
        Ok(json!({"UserPool": describe(&state, &pool)}))
    }

    pub(super) fn describe_pool(&self, call: &Call) -> Result<Value, Fault> {
        let state = self.state();
        let pool = state.pool(Input(&call.input).text("UserPoolId")?)?;
        Ok(json!({"UserPool": describe(&state, pool)}))
    }

    /// What is not told goes back to its default, as at AWS.
    pub(super) fn update_pool(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let id = input.text("UserPoolId")?;
        let mut new = settings(input)?;
        let mut state = self.state();
        let pool = state.pool(id)?;
        for name in KEPT {
            new.remove(name);
            if let Some(old) = pool.settings.get(name) {
                new.insert(name.to_owned(), old.clone());
            }
        }
        let name = input.text_if("PoolName")?.map(checked_name).transpose()?;
        let tags = match input.value("UserPoolTags") {
            Some(_) => Some(input.map("UserPoolTags")?),
            None => None,
        };
        let now = cloud.now();
        state.pools.update(id, |pool| {
            pool.settings = new;
            pool.modified = now;
            pool.name = name.unwrap_or_else(|| std::mem::take(&mut pool.name));
            pool.tags = tags.unwrap_or_else(|| std::mem::take(&mut pool.tags));
        })?;
        Ok(json!({}))
    }

    pub(super) fn delete_pool(&self, call: &Call) -> Result<Value, Fault> {
        let id = Input(&call.input).text("UserPoolId")?;
        let mut state = self.state();
        let pool = state.pool(id)?;
        if pool.protected() {
            return Err(faults::parameter(
                "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
            ));
        }
        if state.domain_of(id).is_some() {
            return Err(faults::parameter(
                "User pool cannot be deleted. It has a domain configured that should be deleted first.",
            ));
        }
        remove(&mut state, id)?;
        drop(state);
        self.keys.forget(id);
        Ok(json!({}))
    }

    pub(super) fn list_pools(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let most = input.within("MaxResults", 1, 60)?;
        let most = most.ok_or_else(|| faults::parameter("1 validation error detected: Value null at 'maxResults' failed to satisfy constraint: Member must not be null"))?;
        let state = self.state();
        let pools = state.pools.iter().map(|(_, pool)| pool);
        let pools = pools.filter(|pool| pool.region() == call.region);
        let token = input.text_if("NextToken")?;
        let (pools, next) = page(pools, |pool| pool.id.clone(), token, most);
        let pools: Vec<Value> = pools
            .into_iter()
            .map(|pool| {
                json!({
                    "Id": pool.id,
                    "Name": pool.name,
                    "LambdaConfig": {},
                    "CreationDate": time(pool.created),
                    "LastModifiedDate": time(pool.modified),
                })
            })
            .collect();
        Ok(json!({"UserPools": pools, "NextToken": next}))
    }

    pub(super) fn add_attributes(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let id = input.text("UserPoolId")?;
        let schema = schema::add(state.pool(id)?, input.list("CustomAttributes")?)?;
        state.pools.update(id, |pool| pool.schema = schema)?;
        Ok(json!({}))
    }
}

/// Users, clients and all else of a pool go with it. The pool itself goes last, so that a failure on
/// the way leaves it to be deleted again.
fn remove(state: &mut State, id: &str) -> Result<(), StorageError> {
    let clients: Vec<String> = state.clients_of(id).map(|one| one.id.clone()).collect();
    for client in clients {
        state.clients.remove(&client)?;
    }
    state.forget_grants(|grant| grant.pool == id)?;
    state::clear(&mut state.users, id)?;
    state::clear(&mut state.groups, id)?;
    state::clear(&mut state.servers, id)?;
    state::clear(&mut state.providers, id)?;
    state::clear(&mut state.brandings, id)?;
    state::clear(&mut state.customizations, id)?;
    state.pools.remove(id)?;
    Ok(())
}

fn checked_name(name: &str) -> Result<String, Fault> {
    let fits = |letter: char| {
        letter.is_alphanumeric() || letter.is_whitespace() || "_+=,.@-".contains(letter)
    };
    if name.chars().all(fits) && name.chars().count() <= 128 {
        return Ok(name.to_owned());
    }
    Err(super::input::constraint(
        name,
        "PoolName",
        r"Member must satisfy regular expression pattern: [\w\s+=,.@-]+",
    ))
}

/// The settings of a pool that is told these, with AWS's defaults.
fn settings(input: Input<'_>) -> Result<Map<String, Value>, Fault> {
    refuse_absent(input)?;
    input.one_of("MfaConfiguration", &["OFF", "ON", "OPTIONAL"])?;
    input.one_of("DeletionProtection", &["ACTIVE", "INACTIVE"])?;
    input.one_of("UserPoolTier", &["LITE", "ESSENTIALS", "PLUS"])?;
    let mut settings = input.pick(&SETTINGS);
    settings.extend(input.pick(&["UsernameConfiguration", "AccountRecoverySetting"]));
    let default = |settings: &mut Map<String, Value>, name: &str, value: Value| {
        settings.entry(name).or_insert(value);
    };
    default(&mut settings, "MfaConfiguration", json!("OFF"));
    default(&mut settings, "DeletionProtection", json!("INACTIVE"));
    default(&mut settings, "UserPoolTier", json!("ESSENTIALS"));
    default(
        &mut settings,
        "EmailConfiguration",
        json!({"EmailSendingAccount": "COGNITO_DEFAULT"}),
    );
    default(
        &mut settings,
        "VerificationMessageTemplate",
        json!({"DefaultEmailOption": "CONFIRM_WITH_CODE"}),
    );
    settings.insert("Policies".to_owned(), policies(input)?);
    settings.insert("AdminCreateUserConfig".to_owned(), admin_config(input)?);
    Ok(settings)
}

fn policies(input: Input<'_>) -> Result<Value, Fault> {
    let policies = input.structure("Policies")?;
    let password = match policies {
        Some(policies) => policies.structure("PasswordPolicy")?,
        None => None,
    };
    let mut policy = match password {
        Some(given) => {
            given.within("MinimumLength", 6, 99)?;
            given.within("TemporaryPasswordValidityDays", 0, 365)?;
            given.within("PasswordHistorySize", 0, 24)?;
            let mut policy = json!({
                "MinimumLength": 8,
                "RequireUppercase": false,
                "RequireLowercase": false,
                "RequireNumbers": false,
                "RequireSymbols": false,
            });
            for name in [
                "RequireUppercase",
                "RequireLowercase",
                "RequireNumbers",
                "RequireSymbols",
            ] {
                if let Some(flag) = given.flag(name)? {
                    policy[name] = flag.into();
                }
            }
            for name in [
                "MinimumLength",
                "PasswordHistorySize",
                "TemporaryPasswordValidityDays",
            ] {
                if let Some(number) = given.value(name) {
                    policy[name] = number.clone();
                }
            }
            policy
        }
        None => json!({
            "MinimumLength": 8,
            "RequireUppercase": true,
            "RequireLowercase": true,
            "RequireNumbers": true,
            "RequireSymbols": true,
        }),
    };
    // Zero stands for the default as well: it is what older clients send for "not set".
    let days = policy.get("TemporaryPasswordValidityDays");
    if days.is_none_or(|days| days == 0) {
        policy["TemporaryPasswordValidityDays"] = 7.into();
    }
    let first = policies.and_then(|policies| policies.value("SignInPolicy"));
    let first = first.cloned();
    if let Some(given) = &first {
        let factors = Input(given).texts("AllowedFirstAuthFactors")?;
        if factors.iter().any(|factor| *factor != "PASSWORD") {
            return Err(Fault::absent(
                "first factors other than PASSWORD (one-time codes, passkeys)",
            ));
        }
    }
    let first = first.unwrap_or_else(|| json!({"AllowedFirstAuthFactors": ["PASSWORD"]}));
    Ok(json!({"PasswordPolicy": policy, "SignInPolicy": first}))
}

fn admin_config(input: Input<'_>) -> Result<Value, Fault> {
    let given = input.structure("AdminCreateUserConfig")?;
    let mut config = given.map_or_else(|| json!({}), |given| given.0.clone());
    let only = given.map(|given| given.flag("AllowAdminCreateUserOnly"));
    config["AllowAdminCreateUserOnly"] = only.transpose()?.flatten().unwrap_or_default().into();
    if config.get("UnusedAccountValidityDays").is_none() {
        config["UnusedAccountValidityDays"] = 7.into();
    }
    Ok(config)
}

/// Settings that would be accepted and then do nothing are refused.
fn refuse_absent(input: Input<'_>) -> Result<(), Fault> {
    let filled = |name: &str| {
        let members = input.value(name).and_then(Value::as_object);
        members.is_some_and(|members| !members.is_empty())
    };
    if filled("LambdaConfig") {
        return Err(Fault::absent("Lambda triggers of user pools"));
    }
    if filled("DeviceConfiguration") {
        return Err(Fault::absent("remembered devices of user pools"));
    }
    Ok(())
}

/// A pool as `DescribeUserPool` has it.
fn describe(state: &State, pool: &Pool) -> Value {
    let mut all = pool.settings.clone();
    let domain = state.domain_of(&pool.id);
    let (prefix, custom) = match domain {
        Some(domain) if domain.custom.is_some() => (None, Some(&domain.name)),
        Some(domain) => (Some(&domain.name), None),
        None => (None, None),
    };
    let users = state.users_of(&pool.id).count();
    for (name, value) in [
        ("Id", json!(pool.id)),
        ("Arn", json!(pool.arn)),
        ("Name", json!(pool.name)),
        ("LambdaConfig", json!({})),
        ("CreationDate", time(pool.created)),
        ("LastModifiedDate", time(pool.modified)),
        ("SchemaAttributes", json!(pool.schema)),
        ("UserPoolTags", json!(pool.tags)),
        ("EstimatedNumberOfUsers", json!(users)),
        ("Domain", json!(prefix)),
        ("CustomDomain", json!(custom)),
    ] {
        all.insert(name.to_owned(), value);
    }
    Value::Object(all)
}
