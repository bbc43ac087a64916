//! App clients: what may ask a pool for tokens, and how.

use serde_json::{Map, Value, json};

use super::input::{Input, page};
use super::model::{Client, Pool, Secret, TokenKind};
use super::state::{State, key};
use super::{Cognito, branding, faults, random};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, time};

/// What a client is told and says again.
const SETTINGS: [&str; 20] = [
    "RefreshTokenValidity",
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "CallbackURLs",
    "LogoutURLs",
    "DefaultRedirectURI",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AllowedOAuthFlowsUserPoolClient",
    "AnalyticsConfiguration",
    "PreventUserExistenceErrors",
    "EnableTokenRevocation",
    "EnablePropagateAdditionalUserContextData",
    "AuthSessionValidity",
    "RefreshTokenRotation",
];

const FLOWS: [&str; 9] = [
    "ADMIN_NO_SRP_AUTH",
    "CUSTOM_AUTH_FLOW_ONLY",
    "USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_CUSTOM_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_AUTH",
];

impl Cognito {
    pub(super) fn create_client(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let pool = state.pool(input.text("UserPoolId")?)?;
        let name = checked_name(input.filled("ClientName")?)?;
        let generate = input.flag("GenerateSecret")?.unwrap_or_default();
        let given = input.text_if("ClientSecret")?;
        if generate && given.is_some() {
            return Err(faults::parameter(
                "GenerateSecret and ClientSecret cannot both be specified.",
            ));
        }
        let secret = match given {
            Some(secret) => Some(checked_secret(secret)?),
            None => generate.then(|| Secret(random::lowercase(51))),
        };
        let settings = settings(&state, pool, input, secret.is_some())?;
        let now = cloud.now();
        let client = Client {
            id: random::lowercase(26),
            pool: pool.id.clone(),
            name,
            secret,
            created: now,
            modified: now,
            settings,
        };
        state.clients.put(&client.id, client.clone())?;
        Ok(json!({"UserPoolClient": describe(&client)}))
    }

    pub(super) fn describe_client(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let state = self.state();
        let client = state.client(input.text("UserPoolId")?, input.text("ClientId")?)?;
        Ok(json!({"UserPoolClient": describe(client)}))
    }

    /// What is not told goes back to its default, as at AWS.
    pub(super) fn update_client(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let pool = state.pool(input.text("UserPoolId")?)?;
        let id = input.text("ClientId")?;
        let client = state.client(&pool.id, id)?;
        let name = input.text_if("ClientName")?.map(checked_name).transpose()?;
        let settings = settings(&state, pool, input, client.secret.is_some())?;
        let now = cloud.now();
        let client = state.clients.update(id, |client| {
            client.settings = settings;
            client.modified = now;
            client.name = name.unwrap_or_else(|| std::mem::take(&mut client.name));
            client.clone()
        })?;
        let client = client.ok_or_else(|| faults::no_client(id))?;
        Ok(json!({"UserPoolClient": describe(&client)}))
    }

    pub(super) fn delete_client(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let pool = input.text("UserPoolId")?;
        let id = state.client(pool, input.text("ClientId")?)?.id.clone();
        state.forget_grants(|grant| grant.client == id)?;
        state.customizations.remove(&key(pool, &id))?;
        if let Some(branding) = branding::key_of_client(&state, pool, &id) {
            state.brandings.remove(&branding)?;
        }
        state.clients.remove(&id)?;
        Ok(json!({}))
    }

    pub(super) fn list_clients(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let state = self.state();
        let pool = &state.pool(input.text("UserPoolId")?)?.id;
        let most = input.within("MaxResults", 1, 60)?.unwrap_or(60);
        let token = input.text_if("NextToken")?;
        let clients = state.clients_of(pool);
        let (clients, next) = page(clients, |client| client.id.clone(), token, most);
        let clients: Vec<Value> = clients
            .into_iter()
            .map(|client| {
                json!({"ClientId": client.id, "UserPoolId": pool, "ClientName": client.name})
            })
            .collect();
        Ok(json!({"UserPoolClients": clients, "NextToken": next}))
    }
}

fn checked_name(name: &str) -> Result<String, Fault> {
    let fits = |letter: char| {
        letter.is_alphanumeric() || letter.is_whitespace() || "_+=,.@-".contains(letter)
    };
    if name.chars().all(fits) && (1..=128).contains(&name.chars().count()) {
        return Ok(name.to_owned());
    }
    Err(super::input::constraint(
        name,
        "ClientName",
        r"Member must satisfy regular expression pattern: [\w\s+=,.@-]+",
    ))
}

fn checked_secret(secret: &str) -> Result<Secret, Fault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'+';
    if (24..=64).contains(&secret.len()) && secret.bytes().all(fits) {
        return Ok(Secret(secret.to_owned()));
    }
    Err(faults::parameter(
        "1 validation error detected: Value at 'clientSecret' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+]+",
    ))
}

/// The settings of a client that is told these, with AWS's defaults.
fn settings(
    state: &State,
    pool: &Pool,
    input: Input<'_>,
    secret: bool,
) -> Result<Map<String, Value>, Fault> {
    input.one_of("PreventUserExistenceErrors", &["LEGACY", "ENABLED"])?;
    input.within("AuthSessionValidity", 3, 15)?;
    check_auth_flows(input)?;
    check_oauth(state, pool, input, secret)?;
    check_urls(input)?;
    check_providers(state, pool, input)?;
    for (member, what) in [("ReadAttributes", "read"), ("WriteAttributes", "write")] {
        let names = input.texts(member)?;
        if names.iter().any(|name| pool.attribute(name).is_none()) {
            return Err(faults::parameter(format!(
                "Invalid {what} attributes specified while creating a client"
            )));
        }
    }
    if input.value("AnalyticsConfiguration").is_some() {
        return Err(Fault::absent("Pinpoint analytics of app clients"));
    }
    check_rotation(input)?;
    let mut settings = input.pick(&SETTINGS);
    for (name, default) in [
        ("RefreshTokenValidity", json!(30)),
        ("AllowedOAuthFlowsUserPoolClient", json!(false)),
        ("EnableTokenRevocation", json!(true)),
        ("EnablePropagateAdditionalUserContextData", json!(false)),
        ("AuthSessionValidity", json!(3)),
    ] {
        settings.entry(name).or_insert(default);
    }
    let client = Client {
        id: String::new(),
        pool: String::new(),
        name: String::new(),
        secret: None,
        created: pool.created,
        modified: pool.created,
        settings,
    };
    check_validities(&client)?;
    Ok(client.settings)
}

/// Access and ID tokens: five minutes to a day; refresh tokens: an hour to ten years, and longer than
/// the others. Source: `CreateUserPoolClient`.
fn check_validities(client: &Client) -> Result<(), Fault> {
    let units = client.settings.get("TokenValidityUnits");
    if let Some(units) = units {
        let units = Input(units);
        for name in ["AccessToken", "IdToken", "RefreshToken"] {
            units.one_of(name, &["seconds", "minutes", "hours", "days"])?;
        }
    }
    let (hour, day) = (time::Duration::HOUR, time::Duration::DAY);
    let refresh = client.validity(TokenKind::Refresh);
    let mut fits = (hour..=day * 3650).contains(&refresh);
    for kind in [TokenKind::Access, TokenKind::Id] {
        let validity = client.validity(kind);
        fits &= (hour / 12..=day).contains(&validity) && validity <= refresh;
    }
    if fits {
        return Ok(());
    }
    Err(faults::parameter("Invalid range for token validity."))
}

fn check_auth_flows(input: Input<'_>) -> Result<(), Fault> {
    let flows = input.texts("ExplicitAuthFlows")?;
    if let Some(unknown) = flows.iter().find(|flow| !FLOWS.contains(flow)) {
        return Err(super::input::constraint(
            unknown,
            "ExplicitAuthFlows",
            &format!("Member must satisfy enum value set: [{}]", FLOWS.join(", ")),
        ));
    }
    let new = flows.iter().filter(|flow| flow.starts_with("ALLOW_"));
    let new = new.count();
    if new != 0 && new != flows.len() {
        return Err(faults::parameter(
            "ExplicitAuthFlows values with the ALLOW_ prefix cannot be used along with values without it.",
        ));
    }
    Ok(())
}

/// Rotated refresh tokens are not for `REFRESH_TOKEN_AUTH`. Source: `RefreshTokenRotationType`.
fn check_rotation(input: Input<'_>) -> Result<(), Fault> {
    let Some(rotation) = input.structure("RefreshTokenRotation")? else {
        return Ok(());
    };
    let feature = rotation.one_of("Feature", &["ENABLED", "DISABLED"])?;
    rotation.within("RetryGracePeriodSeconds", 0, 60)?;
    let flows = input.texts("ExplicitAuthFlows")?;
    if feature == Some("ENABLED") && flows.contains(&"ALLOW_REFRESH_TOKEN_AUTH") {
        return Err(faults::parameter(
            "Refresh token rotation cannot be enabled when ALLOW_REFRESH_TOKEN_AUTH is an allowed flow of the client.",
        ));
    }
    Ok(())
}

fn check_oauth(state: &State, pool: &Pool, input: Input<'_>, secret: bool) -> Result<(), Fault> {
    let flows = input.texts("AllowedOAuthFlows")?;
    let known = ["code", "implicit", "client_credentials"];
    if let Some(unknown) = flows.iter().find(|flow| !known.contains(flow)) {
        return Err(super::input::constraint(
            unknown,
            "AllowedOAuthFlows",
            &format!("Member must satisfy enum value set: [{}]", known.join(", ")),
        ));
    }
    let scopes = input.texts("AllowedOAuthScopes")?;
    for scope in &scopes {
        if !state.has_scope(&pool.id, scope) {
            return Err(Fault::bad(
                "ScopeDoesNotExistException",
                format!("Invalid scope requested: {scope} scope does not exist"),
            ));
        }
    }
    let enabled = input.flag("AllowedOAuthFlowsUserPoolClient")?;
    if enabled.unwrap_or_default() && (flows.is_empty() || scopes.is_empty()) {
        return Err(faults::parameter(
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.",
        ));
    }
    let invalid = |message: &str| Err(Fault::bad("InvalidOAuthFlowException", message));
    if flows.contains(&"client_credentials") {
        if flows.len() > 1 {
            return invalid(
                "client_credentials flow can not be selected along with code flow or implicit flow.",
            );
        }
        if !secret {
            return invalid(
                "client_credentials flow can not be selected if client does not have a client secret.",
            );
        }
    }
    Ok(())
}

fn check_urls(input: Input<'_>) -> Result<(), Fault> {
    let callbacks = input.texts("CallbackURLs")?;
    for url in callbacks.iter().chain(&input.texts("LogoutURLs")?) {
        check_url(url)?;
    }
    if let Some(default) = input.text_if("DefaultRedirectURI")? {
        check_url(default)?;
        if !callbacks.contains(&default) {
            return Err(faults::parameter(
                "DefaultRedirectURI must be in the list of callback URLs.",
            ));
        }
    }
    Ok(())
}

/// A URL to go back to is absolute, has no fragment, and is not plain http except on this machine.
/// Source: `CreateUserPoolClient`, `CallbackURLs`.
fn check_url(url: &str) -> Result<(), Fault> {
    let bad = |why: &str| Err(faults::parameter(format!("{url} {why}")));
    let Some((scheme, rest)) = url.split_once(':') else {
        return bad("is not a valid URL.");
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let starts = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if !starts || !scheme.bytes().all(fits) || rest.is_empty() || url.contains(char::is_whitespace)
    {
        return bad("is not a valid URL.");
    }
    if url.contains('#') {
        return bad("cannot contain a fragment.");
    }
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if web && rest.trim_start_matches('/').is_empty() {
        return bad("is not a valid URL.");
    }
    if scheme.eq_ignore_ascii_case("http") {
        let authority = rest.trim_start_matches('/');
        let authority = authority.split(['/', '?']).next().unwrap_or_default();
        if !super::doors::is_loopback(authority) {
            return bad("cannot use the HTTP protocol.");
        }
    }
    Ok(())
}

fn check_providers(state: &State, pool: &Pool, input: Input<'_>) -> Result<(), Fault> {
    for name in input.texts("SupportedIdentityProviders")? {
        if name != "COGNITO" && !state.providers.contains(&key(&pool.id, name)) {
            return Err(faults::parameter(format!(
                "The provider {name} does not exist for User Pool {}.",
                pool.id
            )));
        }
    }
    Ok(())
}

/// A client as `DescribeUserPoolClient` has it.
fn describe(client: &Client) -> Value {
    let mut all = client.settings.clone();
    for (name, value) in [
        ("UserPoolId", json!(client.pool)),
        ("ClientId", json!(client.id)),
        ("ClientName", json!(client.name)),
        ("CreationDate", time(client.created)),
        ("LastModifiedDate", time(client.modified)),
        (
            "ClientSecret",
            json!(client.secret.as_ref().map(|secret| &secret.0)),
        ),
    ] {
        all.insert(name.to_owned(), value);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_to_go_back_to() {
        for good in [
            "https://example.com/callback",
            "http://localhost",
            "http://localhost:8080/a?b=c",
            "http://127.0.0.1:1/",
            "http://[::1]:8080/cb",
            "myapp://callback",
            "com.example.app:/callback",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("http://example.com/cb", "cannot use the HTTP protocol."),
            (
                "http://localhost.evil.com/",
                "cannot use the HTTP protocol.",
            ),
            ("https://a.example/#x", "cannot contain a fragment."),
            ("/relative", "is not a valid URL."),
            ("https://", "is not a valid URL."),
        ] {
            assert_eq!(check_url(bad).unwrap_err().message, format!("{bad} {why}"));
        }
    }
}
