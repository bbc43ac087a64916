//! Routes: which requests lead to which integration, and who may make them.

use serde::Deserialize;
use serde_json::Value;

use super::faults::{bad, conflict, length, no, required};
use super::ids;
use super::model::{Api, AuthorizationType, AuthorizerType, Route};
use crate::wire::Fault;

/// The input of CreateRoute and UpdateRoute: what is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RouteInput {
    api_key_required: Option<bool>,
    authorization_scopes: Option<Vec<String>>,
    authorization_type: Option<String>,
    authorizer_id: Option<String>,
    model_selection_expression: Option<Value>,
    operation_name: Option<String>,
    request_models: Option<Value>,
    request_parameters: Option<Value>,
    route_key: Option<String>,
    route_response_selection_expression: Option<Value>,
    target: Option<String>,
}

pub(super) fn create(api: &mut Api, input: RouteInput) -> Result<Route, Fault> {
    required(input.route_key.as_deref(), "RouteKey")?;
    let mut route = Route {
        route_id: ids::short(7),
        ..Route::default()
    };
    apply(api, &mut route, input)?;
    api.routes.insert(route.route_id.clone(), route.clone());
    Ok(route)
}

pub(super) fn update(api: &mut Api, id: &str, input: RouteInput) -> Result<Route, Fault> {
    let mut route = get(api, id)?.clone();
    apply(api, &mut route, input)?;
    api.routes.insert(id.to_owned(), route.clone());
    Ok(route)
}

pub(super) fn get<'a>(api: &'a Api, id: &str) -> Result<&'a Route, Fault> {
    api.routes.get(id).ok_or_else(|| no("Route", id))
}

pub(super) fn delete(api: &mut Api, id: &str) -> Result<(), Fault> {
    get(api, id)?;
    api.routes.remove(id);
    Ok(())
}

fn apply(api: &Api, route: &mut Route, input: RouteInput) -> Result<(), Fault> {
    for (name, value) in [
        (
            "ModelSelectionExpression",
            &input.model_selection_expression,
        ),
        ("RequestModels", &input.request_models),
        ("RequestParameters", &input.request_parameters),
        (
            "RouteResponseSelectionExpression",
            &input.route_response_selection_expression,
        ),
    ] {
        if value.as_ref().is_some_and(|value| !value.is_null()) {
            return Err(bad(format!(
                "{name} is supported only for WEBSOCKET protocol APIs"
            )));
        }
    }
    if input.api_key_required == Some(true) {
        return Err(bad(
            "ApiKeyRequired is not currently supported for HTTP APIs",
        ));
    }
    length(input.operation_name.as_deref(), "OperationName", 64)?;
    if let Some(key) = input.route_key {
        check_key(&key)?;
        let other = api
            .routes
            .values()
            .any(|other| other.route_key == key && other.route_id != route.route_id);
        if other {
            return Err(conflict(format!(
                "Route with key {key} already exists for this API"
            )));
        }
        route.route_key = key;
    }
    if let Some(target) = input.target {
        route.target = Some(target).filter(|target| !target.is_empty());
        if route.target.is_some() {
            check_target(api, route)?;
        }
    }
    if let Some(name) = input.operation_name {
        route.operation_name = Some(name).filter(|name| !name.is_empty());
    }
    if let Some(kind) = input.authorization_type {
        route.authorization_type = match kind.as_str() {
            "NONE" => AuthorizationType::None,
            "AWS_IAM" => AuthorizationType::AwsIam,
            "CUSTOM" => AuthorizationType::Custom,
            "JWT" => AuthorizationType::Jwt,
            _ => return Err(bad("Invalid authorization type specified")),
        };
        if matches!(
            route.authorization_type,
            AuthorizationType::None | AuthorizationType::AwsIam
        ) && input.authorizer_id.is_none()
        {
            route.authorizer_id = None;
            if input.authorization_scopes.is_none() {
                route.authorization_scopes.clear();
            }
        }
    }
    if let Some(id) = input.authorizer_id {
        route.authorizer_id = Some(id).filter(|id| !id.is_empty());
    }
    if let Some(scopes) = input.authorization_scopes {
        route.authorization_scopes = scopes;
    }
    check_authorization(api, route)
}

fn check_target(api: &Api, route: &Route) -> Result<(), Fault> {
    let target = route.target.as_deref().unwrap_or_default();
    let Some(id) = route.integration() else {
        return Err(bad(format!(
            "Invalid target {target} specified: it has to be of the form integrations/<integration id>"
        )));
    };
    if api.integrations.contains_key(id) {
        Ok(())
    } else {
        Err(bad(format!(
            "Invalid Integration identifier specified {id}"
        )))
    }
}

fn check_authorization(api: &Api, route: &Route) -> Result<(), Fault> {
    let wanted = match route.authorization_type {
        AuthorizationType::None | AuthorizationType::AwsIam => {
            if !route.authorization_scopes.is_empty() {
                return Err(bad(
                    "Authorization scopes are supported only for routes with authorization type JWT",
                ));
            }
            if route.authorizer_id.is_some() {
                return Err(bad(
                    "Authorizer is not supported for this authorization type",
                ));
            }
            return Ok(());
        }
        AuthorizationType::Custom => AuthorizerType::Request,
        AuthorizationType::Jwt => AuthorizerType::Jwt,
    };
    let id = route
        .authorizer_id
        .as_deref()
        .ok_or_else(|| bad("AuthorizerId is required for this authorization type"))?;
    let authorizer = api
        .authorizers
        .get(id)
        .ok_or_else(|| bad(format!("Invalid Authorizer identifier specified {id}")))?;
    if authorizer.authorizer_type != wanted {
        return Err(bad(
            "The authorizer's type does not match the route's authorization type",
        ));
    }
    if wanted == AuthorizerType::Request && !route.authorization_scopes.is_empty() {
        return Err(bad(
            "Authorization scopes are supported only for routes with authorization type JWT",
        ));
    }
    Ok(())
}

const METHODS: [&str; 8] = [
    "ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
];

/// Whether this is a route key: `$default`, or a method and a path.
pub(super) fn check_key(key: &str) -> Result<(), Fault> {
    let wrong = |why: &str| {
        bad(format!(
            "The provided route key is not formatted properly for HTTP protocol. {why}"
        ))
    };
    if key == "$default" {
        return Ok(());
    }
    let form = "Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"";
    let Some((method, path)) = key.split_once(' ') else {
        return Err(wrong(form));
    };
    if !METHODS.contains(&method) || !path.starts_with('/') || path.contains(' ') {
        return Err(wrong(form));
    }
    let mut names = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let Some(inside) = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            if segment.contains(['{', '}', '?', '#']) {
                return Err(wrong("Path parameters take up whole path parts"));
            }
            continue;
        };
        let (name, greedy) = match inside.strip_suffix('+') {
            Some(name) => (name, true),
            None => (inside, false),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            return Err(wrong(
                "A path parameter's name has letters, digits and ._-: only",
            ));
        }
        if greedy && segments.peek().is_some() {
            return Err(wrong(
                "A greedy path parameter must be at the end of the path",
            ));
        }
        if names.contains(&name) {
            return Err(wrong("Path parameters must have different names"));
        }
        names.push(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_key;

    #[test]
    fn route_keys() {
        for (key, fine) in [
            ("$default", true),
            ("GET /", true),
            ("ANY /mcp", true),
            ("ANY /{proxy+}", true),
            ("GET /pets/{id}/toys/{toy-id}", true),
            ("GET /.well-known/oauth-protected-resource", true),
            ("", false),
            ("GET", false),
            ("get /x", false),
            ("TRACE /x", false),
            ("GET x", false),
            ("GET  /x", false),
            ("GET /{proxy+}/x", false),
            ("GET /a{b}", false),
            ("GET /{}", false),
            ("GET /{a}/{a}", false),
            ("$connect", false),
        ] {
            assert_eq!(check_key(key).is_ok(), fine, "{key}");
        }
    }
}
