//! Authorizers: who decides whether a request may pass.

use serde::Deserialize;

use super::faults::{bad, conflict, no, required};
use super::gateway::identity::Source;
use super::ids;
use super::model::{Api, Authorizer, AuthorizerType, JwtConfiguration};
use crate::wire::Fault;

/// The input of CreateAuthorizer and UpdateAuthorizer: what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AuthorizerInput {
    authorizer_credentials_arn: Option<String>,
    authorizer_payload_format_version: Option<String>,
    authorizer_result_ttl_in_seconds: Option<i64>,
    authorizer_type: Option<String>,
    authorizer_uri: Option<String>,
    enable_simple_responses: Option<bool>,
    identity_source: Option<Vec<String>>,
    identity_validation_expression: Option<String>,
    jwt_configuration: Option<JwtConfiguration>,
    name: Option<String>,
}

pub(super) fn create(api: &mut Api, input: AuthorizerInput) -> Result<Authorizer, Fault> {
    required(input.authorizer_type.as_deref(), "AuthorizerType")?;
    required(input.name.as_deref(), "Name")?;
    required(input.identity_source.as_deref(), "IdentitySource")?;
    let mut authorizer = Authorizer {
        authorizer_id: ids::short(6),
        ..Authorizer::default()
    };
    apply(api, &mut authorizer, input)?;
    let id = authorizer.authorizer_id.clone();
    api.authorizers.insert(id, authorizer.clone());
    Ok(authorizer)
}

pub(super) fn update(api: &mut Api, id: &str, input: AuthorizerInput) -> Result<Authorizer, Fault> {
    let mut authorizer = get(api, id)?.clone();
    apply(api, &mut authorizer, input)?;
    api.authorizers.insert(id.to_owned(), authorizer.clone());
    Ok(authorizer)
}

pub(super) fn get<'a>(api: &'a Api, id: &str) -> Result<&'a Authorizer, Fault> {
    api.authorizers.get(id).ok_or_else(|| no("Authorizer", id))
}

pub(super) fn delete(api: &mut Api, id: &str) -> Result<(), Fault> {
    get(api, id)?;
    let routes: Vec<&str> = api
        .routes
        .values()
        .filter(|route| route.authorizer_id.as_deref() == Some(id))
        .map(|route| route.route_id.as_str())
        .collect();
    if !routes.is_empty() {
        return Err(conflict(format!(
            "Cannot delete Authorizer because it is referenced by the following Routes with Ids: [{}]",
            routes.join(", ")
        )));
    }
    api.authorizers.remove(id);
    Ok(())
}

fn apply(api: &Api, authorizer: &mut Authorizer, input: AuthorizerInput) -> Result<(), Fault> {
    if let Some(name) = input.name {
        if name.is_empty() || name.chars().count() > 128 {
            return Err(bad("Name must have a length of 1 to 128 characters"));
        }
        let other = api
            .authorizers
            .values()
            .any(|other| other.name == name && other.authorizer_id != authorizer.authorizer_id);
        if other {
            return Err(conflict(format!(
                "Authorizer name {name} already exists for this API"
            )));
        }
        authorizer.name = name;
    }
    if let Some(kind) = input.authorizer_type {
        authorizer.authorizer_type = match kind.as_str() {
            "JWT" => AuthorizerType::Jwt,
            "REQUEST" => AuthorizerType::Request,
            _ => return Err(bad("Invalid authorizer type specified")),
        };
    }
    if input
        .identity_validation_expression
        .is_some_and(|expression| !expression.is_empty())
    {
        return Err(bad(
            "IdentityValidationExpression is not supported for HTTP APIs",
        ));
    }
    if let Some(sources) = input.identity_source {
        authorizer.identity_source = sources;
    }
    for source in &authorizer.identity_source {
        if Source::read(source).is_none() {
            return Err(bad(format!("Invalid identity source: {source}")));
        }
    }
    if let Some(configuration) = input.jwt_configuration {
        authorizer.jwt_configuration = Some(configuration);
    }
    if let Some(uri) = input.authorizer_uri {
        authorizer.authorizer_uri = Some(uri);
    }
    if let Some(arn) = input.authorizer_credentials_arn {
        authorizer.authorizer_credentials_arn = Some(arn).filter(|arn| !arn.is_empty());
    }
    if let Some(version) = input.authorizer_payload_format_version {
        if !["1.0", "2.0"].contains(&version.as_str()) {
            return Err(bad("AuthorizerPayloadFormatVersion must be 1.0 or 2.0"));
        }
        authorizer.authorizer_payload_format_version = Some(version);
    }
    if let Some(simple) = input.enable_simple_responses {
        authorizer.enable_simple_responses = Some(simple);
    }
    if let Some(ttl) = input.authorizer_result_ttl_in_seconds {
        let ttl = u32::try_from(ttl).ok().filter(|ttl| *ttl <= 3600);
        let ttl =
            ttl.ok_or_else(|| bad("AuthorizerResultTtlInSeconds must be between 0 and 3600"))?;
        authorizer.authorizer_result_ttl_in_seconds = Some(ttl);
    }
    match authorizer.authorizer_type {
        AuthorizerType::Jwt => check_jwt(authorizer),
        AuthorizerType::Request => check_request(authorizer),
    }
}

fn check_jwt(authorizer: &Authorizer) -> Result<(), Fault> {
    if authorizer.authorizer_uri.is_some() {
        return Err(bad("AuthorizerUri is not supported for JWT authorizers"));
    }
    if authorizer.authorizer_payload_format_version.is_some() {
        return Err(bad(
            "AuthorizerPayloadFormatVersion is not supported for JWT authorizers",
        ));
    }
    if authorizer.identity_source.len() != 1 {
        return Err(bad("JWT authorizers need exactly one identity source"));
    }
    let configuration = authorizer
        .jwt_configuration
        .as_ref()
        .ok_or_else(|| bad("JwtConfiguration is required for JWT authorizers"))?;
    let issuer = &configuration.issuer;
    // AWS takes issuers by https only; the user pools of this cloud are on loopback.
    if !issuer.starts_with("https://") && !issuer.starts_with("http://") {
        return Err(bad(format!(
            "Caught exception when connecting to {issuer} for issuer {issuer}. Issuer must have a protocol of 'https'"
        )));
    }
    if configuration.audience.iter().all(String::is_empty) {
        return Err(bad("Audience is required for JWT authorizers"));
    }
    Ok(())
}

fn check_request(authorizer: &Authorizer) -> Result<(), Fault> {
    if authorizer.jwt_configuration.is_some() {
        return Err(bad(
            "JwtConfiguration is supported only for JWT authorizers",
        ));
    }
    let uri = authorizer.authorizer_uri.as_deref().unwrap_or_default();
    if !uri.starts_with("arn:") || !uri.contains(":lambda:") {
        return Err(bad(
            "Invalid AuthorizerUri: a REQUEST authorizer needs a function's",
        ));
    }
    let Some(version) = authorizer.authorizer_payload_format_version.as_deref() else {
        return Err(bad(
            "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer",
        ));
    };
    if version == "1.0" && authorizer.enable_simple_responses == Some(true) {
        return Err(bad(
            "EnableSimpleResponses is not supported for AuthorizerPayloadFormatVersion 1.0",
        ));
    }
    if authorizer.authorizer_result_ttl_in_seconds.unwrap_or(0) > 0
        && authorizer.identity_source.is_empty()
    {
        return Err(bad(
            "Identity sources are required when results of the authorizer are cached",
        ));
    }
    Ok(())
}
