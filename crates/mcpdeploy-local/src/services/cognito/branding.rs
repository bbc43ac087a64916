//! How a pool's pages shall look: kept, and not applied. Whether a client has a managed login
//! branding decides whether managed login shows it any page at all.

use serde_json::{Value, json};

use super::input::Input;
use super::model::Stored;
use super::state::{State, key};
use super::{Cognito, faults, random};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, time};

const SETTINGS: [&str; 3] = ["UseCognitoProvidedValues", "Settings", "Assets"];

impl Cognito {
    pub(super) fn create_branding(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = input.text("UserPoolId")?;
        let client = state.client(pool, input.filled("ClientId")?)?.id.clone();
        check(input)?;
        if has_branding(&state, pool, &client) {
            return Err(Fault::bad(
                "ManagedLoginBrandingExistsException",
                "ManagedLoginBranding already exists for this client",
            ));
        }
        let (now, id) = (cloud.now(), random::uuid());
        let mut fields = input.pick(&SETTINGS);
        fields.insert("ManagedLoginBrandingId".to_owned(), json!(id));
        fields.insert("ClientId".to_owned(), json!(client));
        fields
            .entry("UseCognitoProvidedValues")
            .or_insert(json!(false));
        let branding = Stored {
            created: now,
            modified: now,
            fields,
        };
        state.brandings.put(&key(pool, &id), branding.clone())?;
        Ok(json!({"ManagedLoginBranding": describe(pool, &branding)}))
    }

    pub(super) fn describe_branding(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let pool = &state.pool(input.text("UserPoolId")?)?.id;
        let id = input.filled("ManagedLoginBrandingId")?;
        let branding = state.brandings.get(&key(pool, id));
        let branding = branding.ok_or_else(no_branding)?;
        Ok(json!({"ManagedLoginBranding": describe(pool, branding)}))
    }

    pub(super) fn describe_branding_by_client(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let pool = input.text("UserPoolId")?;
        let client = &state.client(pool, input.filled("ClientId")?)?.id;
        let branding = of_client(&state, pool, client).ok_or_else(no_branding)?;
        Ok(json!({"ManagedLoginBranding": describe(pool, branding)}))
    }

    pub(super) fn update_branding(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let id = input.filled("ManagedLoginBrandingId")?;
        check(input)?;
        let (now, new) = (cloud.now(), input.pick(&SETTINGS));
        let branding = state.brandings.update(&key(&pool, id), |branding| {
            branding.fields.extend(new);
            branding.modified = now;
            branding.clone()
        })?;
        let branding = branding.ok_or_else(no_branding)?;
        Ok(json!({"ManagedLoginBranding": describe(&pool, &branding)}))
    }

    pub(super) fn delete_branding(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let id = input.filled("ManagedLoginBrandingId")?;
        let removed = state.brandings.remove(&key(&pool, id))?;
        removed.ok_or_else(no_branding)?;
        Ok(json!({}))
    }

    pub(super) fn set_customization(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let (pool, client) = customized(&state, input)?;
        if state.domain_of(&pool).is_none() {
            return Err(faults::parameter(
                "There has to be an existing domain associated with this user pool",
            ));
        }
        if input.value("ImageFile").is_some() {
            return Err(Fault::absent("logos of the classic hosted UI"));
        }
        let row = key(&pool, &client);
        let now = cloud.now();
        let old = state.customizations.get(&row);
        let mut fields = input.pick(&["CSS"]);
        fields.insert(
            "CSSVersion".to_owned(),
            json!(now.unix_timestamp().to_string()),
        );
        let customization = Stored {
            created: old.map_or(now, |old| old.created),
            modified: now,
            fields,
        };
        state.customizations.put(&row, customization.clone())?;
        let described = describe_customization(&pool, &client, &customization);
        Ok(json!({"UICustomization": described}))
    }

    /// A client without its own has that of the pool; where there is none, it is empty.
    pub(super) fn get_customization(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let (pool, client) = customized(&state, input)?;
        let own = state.customizations.get(&key(&pool, &client));
        let found = own.or_else(|| state.customizations.get(&key(&pool, "ALL")));
        let described = found.map_or_else(
            || json!({}),
            |found| describe_customization(&pool, &client, found),
        );
        Ok(json!({"UICustomization": described}))
    }
}

/// Whether managed login has pages for a client.
pub(super) fn has_branding(state: &State, pool: &str, client: &str) -> bool {
    of_client(state, pool, client).is_some()
}

fn of_client<'a>(state: &'a State, pool: &str, client: &str) -> Option<&'a Stored> {
    let row = key_of_client(state, pool, client)?;
    state.brandings.get(&row)
}

/// The key of the branding of a client.
pub(super) fn key_of_client(state: &State, pool: &str, client: &str) -> Option<String> {
    let prefix = key(pool, "");
    let mut all = state.brandings.under(&prefix);
    let found = all.find(|(_, one)| one.fields["ClientId"] == client);
    found.map(|(row, _)| row.to_owned())
}

fn check(input: Input<'_>) -> Result<(), Fault> {
    let provided = input.flag("UseCognitoProvidedValues")?.unwrap_or_default();
    let own = input.value("Settings").is_some() || input.value("Assets").is_some();
    if provided && own {
        return Err(faults::parameter(
            "Cannot specify Settings or Assets when UseCognitoProvidedValues is true",
        ));
    }
    Ok(())
}

fn no_branding() -> Fault {
    faults::not_found("ManagedLoginBranding does not exist.")
}

fn describe(pool: &str, branding: &Stored) -> Value {
    let mut all = branding.fields.clone();
    // Which client it is for is not said again.
    all.remove("ClientId");
    for (name, value) in [
        ("UserPoolId", json!(pool)),
        ("CreationDate", time(branding.created)),
        ("LastModifiedDate", time(branding.modified)),
    ] {
        all.insert(name.to_owned(), value);
    }
    Value::Object(all)
}

fn customized(state: &State, input: Input<'_>) -> Result<(String, String), Fault> {
    let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
    let client = match input.text_if("ClientId")? {
        None | Some("ALL") => "ALL".to_owned(),
        Some(client) => state.client(&pool, client)?.id.clone(),
    };
    Ok((pool, client))
}

fn describe_customization(pool: &str, client: &str, customization: &Stored) -> Value {
    let mut all = customization.fields.clone();
    for (name, value) in [
        ("UserPoolId", json!(pool)),
        ("ClientId", json!(client)),
        ("CreationDate", time(customization.created)),
        ("LastModifiedDate", time(customization.modified)),
    ] {
        all.insert(name.to_owned(), value);
    }
    Value::Object(all)
}
