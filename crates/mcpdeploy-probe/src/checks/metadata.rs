//! The documents that tell clients where to log in: of the protected resource (RFC 9728) and of its
//! authorization server (RFC 8414).

use mcpdeploy_login::places;
use serde_json::Value;
use ureq::http::Method;

use crate::catalog::{CheckId, LoginCheck};
use crate::client::send;
use crate::http::{Request, Token};
use crate::message::in_words;
use crate::report::Outcome;
use crate::run::Run;

/// Looks for both documents. `asked`: where the challenge says that the first is.
pub(crate) fn all(run: &mut Run<'_>, asked: Option<String>) {
    let id = CheckId::Login;
    let mut issuer = None;
    if [LoginCheck::Resource, LoginCheck::Server]
        .iter()
        .all(|check| !run.options.wants(id(*check)))
    {
        return;
    }
    let found = resource(run, asked, &mut issuer);
    run.check(id(LoginCheck::Resource), |_| found);
    run.check(id(LoginCheck::Server), |run| match &issuer {
        Some(issuer) => server(run, issuer),
        None => Err(Outcome::skipped(
            "the metadata names no authorization server",
        )),
    });
}

/// Fetches a document; `Err` says why there is none.
fn document(run: &Run<'_>, url: &str) -> Result<Value, String> {
    if !run.http.may_fetch(url) {
        return Err(format!("{url} is not fetched: it is no https URL"));
    }
    let mut request = Request::new(Method::GET)
        .header("Accept", "application/json")
        .token(Token::None);
    request.url = Some(url.to_owned());
    let reply = send(run.http, &request, url).map_err(|outcome| match outcome {
        Outcome::Failed { why, .. } | Outcome::Warned { why, .. } | Outcome::Skipped { why } => why,
        Outcome::Passed { .. } => format!("{url} gets no answer"),
    })?;
    if reply.status != 200 {
        return Err(format!("{url} is answered with {}", in_words(&reply)));
    }
    serde_json::from_str::<Value>(&reply.body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| format!("{url} is no JSON object"))
}

/// The first of the places that has the document.
fn first(run: &Run<'_>, places: &[String]) -> Result<(String, Value), String> {
    let mut whys = Vec::new();
    for place in places {
        match document(run, place) {
            Ok(document) => return Ok((place.clone(), document)),
            Err(why) => whys.push(why),
        }
    }
    Err(whys.join("; "))
}

fn resource(
    run: &mut Run<'_>,
    asked: Option<String>,
    issuer: &mut Option<String>,
) -> Result<Outcome, Outcome> {
    let endpoint = run.http.endpoint().to_string();
    let places = match asked {
        Some(asked) => vec![asked],
        None => places::of_resource(&endpoint).unwrap_or_default(),
    };
    let (place, document) = first(run, &places).map_err(|why| {
        Outcome::failed(why)
            .hint("without it, clients cannot find out where to log in (RFC 9728)".to_owned())
    })?;
    let list = |key: &str| -> Vec<String> {
        let list = document[key]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        list.iter().filter_map(text).collect()
    };
    let servers = list("authorization_servers");
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    match document["resource"].as_str() {
        None => errors.push("it names no resource".to_owned()),
        Some(named) if !places::is_at_or_above(named, &endpoint) => {
            errors.push(format!("it is of {named}, not of {endpoint}"));
        }
        Some(named) if named != endpoint => warnings.push(format!(
            "it is of {named}, above {endpoint}: clients that go by RFC 9728 to the letter refuse it"
        )),
        Some(_) => {}
    }
    if servers.is_empty() {
        errors.push("it names no authorization_servers".to_owned());
    }
    *issuer = servers.first().cloned();
    if let Some(login) = &mut run.login {
        login.resource_metadata = Some(place);
        login.authorization_servers = servers;
        if login.scopes.is_empty() {
            login.scopes = list("scopes_supported");
        }
    }
    let note = issuer.as_ref().map(|issuer| format!("log in at {issuer}"));
    Ok(Outcome::of(&errors, &warnings, note))
}

fn server(run: &Run<'_>, issuer: &str) -> Result<Outcome, Outcome> {
    let places = places::of_issuer(issuer)
        .ok_or_else(|| Outcome::failed(format!("the authorization server {issuer:?} is no URL")))?;
    let (_, document) = first(run, &places).map_err(|why| {
        Outcome::failed(why).hint("without it, clients cannot log in there (RFC 8414)".to_owned())
    })?;
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    if document["issuer"] != issuer {
        errors.push(format!(
            "its issuer is {}, not {issuer}",
            document["issuer"]
        ));
    }
    for key in ["authorization_endpoint", "token_endpoint"] {
        if document[key].as_str().is_none() {
            errors.push(format!("it names no {key}"));
        }
    }
    let has = |key: &str, value: &str| {
        let list = document[key].as_array();
        list.is_some_and(|list| list.iter().any(|item| item == value))
    };
    if !has("code_challenge_methods_supported", "S256") {
        errors.push(
            "code_challenge_methods_supported does not name S256: clients refuse to go on"
                .to_owned(),
        );
    }
    if !document["scopes_supported"].is_array() {
        warnings.push("it names no scopes_supported: some clients then ask for none".to_owned());
    }
    let registers = document["registration_endpoint"].is_string()
        || document["client_id_metadata_document_supported"] == true;
    if !registers {
        warnings.push("clients that it does not know beforehand cannot register".to_owned());
    }
    Ok(Outcome::of(&errors, &warnings, None))
}
