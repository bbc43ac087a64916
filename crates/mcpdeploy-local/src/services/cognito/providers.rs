//! Identity providers. They are kept and listed; nobody signs in by them here.

use serde_json::{Value, json};

use super::input::{Input, page};
use super::model::Stored;
use super::state::key;
use super::{Cognito, faults};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, time};

const TYPES: [&str; 6] = [
    "SAML",
    "Facebook",
    "Google",
    "LoginWithAmazon",
    "SignInWithApple",
    "OIDC",
];

impl Cognito {
    pub(super) fn create_provider(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let name = input.filled("ProviderName")?;
        if input.one_of("ProviderType", &TYPES)?.is_none() {
            input.text("ProviderType")?;
        }
        input.map("ProviderDetails")?;
        let now = cloud.now();
        let provider = Stored {
            created: now,
            modified: now,
            fields: input.pick(&[
                "ProviderName",
                "ProviderType",
                "ProviderDetails",
                "AttributeMapping",
                "IdpIdentifiers",
            ]),
        };
        let row = key(&pool, name);
        if state.providers.contains(&row) {
            return Err(Fault::bad(
                "DuplicateProviderException",
                format!("A provider with the name {name} already exists in this user pool."),
            ));
        }
        state.providers.put(&row, provider.clone())?;
        Ok(json!({"IdentityProvider": describe(&pool, &provider)}))
    }

    pub(super) fn describe_provider(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?;
        let name = input.text("ProviderName")?;
        let provider = state.providers.get(&key(&pool.id, name));
        let provider = provider.ok_or_else(|| no_provider(name))?;
        Ok(json!({"IdentityProvider": describe(&pool.id, provider)}))
    }

    pub(super) fn update_provider(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let name = input.text("ProviderName")?;
        let new = input.pick(&["ProviderDetails", "AttributeMapping", "IdpIdentifiers"]);
        let now = cloud.now();
        let provider = state.providers.update(&key(&pool, name), |provider| {
            provider.fields.extend(new);
            provider.modified = now;
            provider.clone()
        })?;
        let provider = provider.ok_or_else(|| no_provider(name))?;
        Ok(json!({"IdentityProvider": describe(&pool, &provider)}))
    }

    pub(super) fn delete_provider(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let name = input.text("ProviderName")?;
        let removed = state.providers.remove(&key(&pool, name))?;
        removed.ok_or_else(|| no_provider(name))?;
        Ok(json!({}))
    }

    pub(super) fn list_providers(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let prefix = key(&state.pool(input.text("UserPoolId")?)?.id, "");
        let most = input.within("MaxResults", 0, 60)?.unwrap_or(60);
        let providers = state.providers.under(&prefix).map(|(_, one)| one);
        let token = input.text_if("NextToken")?;
        let name = |one: &&Stored| one.fields["ProviderName"].to_string();
        let (providers, next) = page(providers, name, token, most);
        let providers: Vec<Value> = providers
            .into_iter()
            .map(|one| {
                json!({
                    "ProviderName": one.fields["ProviderName"],
                    "ProviderType": one.fields["ProviderType"],
                    "CreationDate": time(one.created),
                    "LastModifiedDate": time(one.modified),
                })
            })
            .collect();
        Ok(json!({"Providers": providers, "NextToken": next}))
    }
}

fn no_provider(name: &str) -> Fault {
    faults::not_found(format!("Identity provider {name} does not exist."))
}

fn describe(pool: &str, provider: &Stored) -> Value {
    let mut all = provider.fields.clone();
    for (name, value) in [
        ("UserPoolId", json!(pool)),
        ("CreationDate", time(provider.created)),
        ("LastModifiedDate", time(provider.modified)),
    ] {
        all.insert(name.to_owned(), value);
    }
    Value::Object(all)
}
