//! Resource servers: the APIs that scopes are of.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::input::{Input, page};
use super::model::ResourceServer;
use super::state::key;
use super::{Cognito, faults};
use crate::wire::{Call, Fault};

impl Cognito {
    pub(super) fn create_resource_server(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let server = read(input)?;
        state.pool(&server.pool)?;
        let key = key(&server.pool, &server.identifier);
        if state.servers.contains(&key) {
            return Err(faults::parameter(format!(
                "{} already exists in user pool {}.",
                server.identifier, server.pool
            )));
        }
        state.servers.put(&key, server.clone())?;
        Ok(json!({"ResourceServer": describe(&server)}))
    }

    pub(super) fn describe_resource_server(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let pool = &state.pool(input.text("UserPoolId")?)?.id;
        let identifier = input.text("Identifier")?;
        let server = state.servers.get(&key(pool, identifier));
        let server = server.ok_or_else(|| no_server(identifier))?;
        Ok(json!({"ResourceServer": describe(server)}))
    }

    pub(super) fn update_resource_server(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let server = read(input)?;
        state.pool(&server.pool)?;
        let key = key(&server.pool, &server.identifier);
        if !state.servers.contains(&key) {
            return Err(no_server(&server.identifier));
        }
        state.servers.put(&key, server.clone())?;
        Ok(json!({"ResourceServer": describe(&server)}))
    }

    pub(super) fn delete_resource_server(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let identifier = input.text("Identifier")?;
        let removed = state.servers.remove(&key(&pool, identifier))?;
        removed.ok_or_else(|| no_server(identifier))?;
        Ok(json!({}))
    }

    pub(super) fn list_resource_servers(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let prefix = key(&state.pool(input.text("UserPoolId")?)?.id, "");
        let most = input.within("MaxResults", 1, 50)?.unwrap_or(50);
        let servers = state.servers.under(&prefix).map(|(_, server)| server);
        let token = input.text_if("NextToken")?;
        let name = |server: &&ResourceServer| server.identifier.clone();
        let (servers, next) = page(servers, name, token, most);
        let servers: Vec<Value> = servers.into_iter().map(describe).collect();
        Ok(json!({"ResourceServers": servers, "NextToken": next}))
    }
}

fn read(input: Input<'_>) -> Result<ResourceServer, Fault> {
    let identifier = input.filled("Identifier")?;
    // Printable, without space, double quote and backslash: what a scope may be made of.
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let pattern = |name: &str, value: &str, pattern: &str| {
        let text = format!("Member must satisfy regular expression pattern: {pattern}");
        super::input::constraint(value, name, &text)
    };
    if !identifier.bytes().all(fits) || identifier.len() > 256 {
        return Err(pattern(
            "Identifier",
            identifier,
            r"[\x21\x23-\x5B\x5D-\x7E]+",
        ));
    }
    let mut seen = BTreeSet::new();
    let mut scopes = Vec::new();
    for scope in input.list("Scopes")? {
        let scope = Input(scope);
        let name = scope.filled("ScopeName")?;
        if !name.bytes().all(|byte| fits(byte) && byte != b'/') || name.len() > 256 {
            return Err(pattern(
                "ScopeName",
                name,
                r"[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+",
            ));
        }
        if !seen.insert(name) {
            return Err(faults::parameter(format!("Duplicate scope name: {name}")));
        }
        let description = scope.filled("ScopeDescription")?;
        scopes.push((name.to_owned(), description.to_owned()));
    }
    if scopes.len() > 100 {
        return Err(faults::parameter(
            "1 validation error detected: Value at 'scopes' failed to satisfy constraint: Member must have length less than or equal to 100",
        ));
    }
    Ok(ResourceServer {
        pool: input.text("UserPoolId")?.to_owned(),
        identifier: identifier.to_owned(),
        name: input.filled("Name")?.to_owned(),
        scopes,
    })
}

fn no_server(identifier: &str) -> Fault {
    faults::not_found(format!("Resource server {identifier} does not exist."))
}

fn describe(server: &ResourceServer) -> Value {
    let scopes: Vec<Value> = server
        .scopes
        .iter()
        .map(|(name, description)| json!({"ScopeName": name, "ScopeDescription": description}))
        .collect();
    json!({
        "UserPoolId": server.pool,
        "Identifier": server.identifier,
        "Name": server.name,
        "Scopes": scopes,
    })
}
