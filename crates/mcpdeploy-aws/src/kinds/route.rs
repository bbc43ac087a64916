//! `aws.apigatewayv2.route`: which requests of an HTTP API go to which integration.
//!
//! Facts, from the API Gateway v2 API reference:
//! - a key, `<METHOD> </path>` or `$default`, is unique within the API; the id is the service's;
//! - `ANY` stands for every method, `{name}` for one segment, `{name+}` at the end for the rest;
//!   the most specific route wins;
//! - its target is `integrations/<id>`.

use aws_sdk_apigatewayv2::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::{InputSet, wrong};
use super::integration::{child_id, child_permissions, split};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ApiId, AuthorizerId, IntegrationId, RouteId};

const TARGET: &str = "integrations/";
const METHODS: [&str; 8] = [
    "ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS",
];

/// A route of an HTTP API.
#[derive(Debug)]
pub enum Route {}

/// What one can ask of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteInputs {
    /// The API it belongs to.
    pub api: Input<ApiId>,
    /// What it is for: `ANY /mcp`, `GET /files/{name}`, `ANY /mcp/{proxy+}` or `$default`.
    pub route_key: String,
    /// Where requests go.
    pub target: Input<IntegrationId>,
    /// Who may call it.
    #[serde(default)]
    pub authorization: Authorization,
    /// The authorizer that decides it.
    #[serde(default)]
    pub authorizer: Option<Input<AuthorizerId>>,
    /// Scopes of which a token must have one.
    #[serde(default)]
    pub scopes: InputSet<String>,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Authorization {
    /// Everybody.
    #[default]
    #[serde(rename = "NONE")]
    None,
    /// Whoever has a token that the authorizer takes.
    #[serde(rename = "JWT")]
    Jwt,
    /// Whoever signs with credentials that IAM allows it.
    #[serde(rename = "AWS_IAM")]
    Iam,
    /// Whoever the authorizer's function lets in.
    #[serde(rename = "CUSTOM")]
    Custom,
}

impl Authorization {
    fn observed(authorization: Option<&sdk::AuthorizationType>) -> Self {
        match authorization.map(sdk::AuthorizationType::as_str) {
            Some("JWT") => Self::Jwt,
            Some("AWS_IAM") => Self::Iam,
            Some("CUSTOM") => Self::Custom,
            _ => Self::None,
        }
    }

    fn to_sdk(self) -> sdk::AuthorizationType {
        match self {
            Self::None => sdk::AuthorizationType::None,
            Self::Jwt => sdk::AuthorizationType::Jwt,
            Self::Iam => sdk::AuthorizationType::AwsIam,
            Self::Custom => sdk::AuthorizationType::Custom,
        }
    }
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteOutputs {
    /// Its id within the API.
    pub id: RouteId,
}

impl Route {
    /// Refers to the id of the route at `address`.
    #[must_use]
    pub fn id(address: &Address) -> Ref<RouteId> {
        Ref::new(address, "/id")
    }
}

impl Kind for Route {
    const NAME: &'static str = "aws.apigatewayv2.route";
    const REPLACE_ON: &'static [&'static str] = &["/api", "/route_key"];

    type Clients = Clients;
    type Inputs = RouteInputs;
    type Outputs = RouteOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs
                .api
                .known()
                .map(ToString::to_string)
                .unwrap_or_default(),
            key: inputs.route_key.clone(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        inputs.api.known().map(ToString::to_string)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        validate_key(&inputs.route_key)?;
        let needs_one = match inputs.authorization {
            Authorization::Jwt | Authorization::Custom => true,
            Authorization::None | Authorization::Iam => false,
        };
        match (needs_one, &inputs.authorizer) {
            (true, None) => wrong("/authorizer", "say which authorizer decides"),
            (false, Some(_)) => wrong(
                "/authorizer",
                "only a route whose authorization is JWT or CUSTOM takes an authorizer",
            ),
            (true | false, _)
                if !inputs.scopes.is_empty() && inputs.authorization != Authorization::Jwt =>
            {
                wrong(
                    "/scopes",
                    "only a route whose authorization is JWT takes scopes",
                )
            }
            (true | false, _) => Ok(()),
        }
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        child_permissions(op, &inputs.api, "routes", placement)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (api, found) = match who.id {
            Some(id) => {
                let (api, route) = split(id)?;
                (api, get(cx, api, route).await?)
            }
            None => {
                let api = who.inputs.api.get().as_str();
                (api, find(cx, api, &who).await?)
            }
        };
        let Some(route) = found else { return Ok(None) };
        let id = route.route_id().unwrap_or_default();
        let target = route.target().unwrap_or_default();
        Ok(Some(Observed {
            id: child_id(api, id),
            outputs: RouteOutputs {
                id: RouteId::new(id),
            },
            inputs: RouteInputs {
                api: ApiId::new(api).into(),
                route_key: route.route_key().unwrap_or_default().to_owned(),
                target: IntegrationId::new(target.strip_prefix(TARGET).unwrap_or(target)).into(),
                authorization: Authorization::observed(route.authorization_type()),
                authorizer: route
                    .authorizer_id()
                    .filter(|id| !id.is_empty())
                    .map(|id| AuthorizerId::new(id).into()),
                scopes: route
                    .authorization_scopes()
                    .iter()
                    .map(|scope| Input::Value(scope.clone()))
                    .collect(),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let api = want.api.get();
        let answer = cx
            .clients
            .apigatewayv2()
            .create_route()
            .api_id(api)
            .route_key(&want.route_key)
            .target(format!("{TARGET}{}", want.target.get()))
            .authorization_type(want.authorization.to_sdk())
            .set_authorizer_id(want.authorizer.as_ref().map(|id| id.get().into()))
            .set_authorization_scopes(scopes(want))
            .send()
            .await
            .fault(
                "apigatewayv2",
                "CreateRoute",
                format!("{api} {}", want.route_key),
            )?;
        let id = answer.route_id().unwrap_or_default();
        let outputs = RouteOutputs {
            id: RouteId::new(id),
        };
        Ok(Created::with(child_id(api.as_str(), id).as_str(), outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&["/target", "/authorization", "/authorizer", "/scopes"]) {
            return Ok(());
        }
        let (api, route) = split(id)?;
        // What is not named stays: an authorizer and scopes go by being set to nothing.
        let authorizer = want.authorizer.as_ref().map(|id| id.get().to_string());
        let authorizer = authorizer.or_else(|| delta.updates("/authorizer").then(String::new));
        let no_scopes = || delta.updates("/scopes").then(Vec::new);
        cx.clients
            .apigatewayv2()
            .update_route()
            .api_id(api)
            .route_id(route)
            .target(format!("{TARGET}{}", want.target.get()))
            .authorization_type(want.authorization.to_sdk())
            .set_authorizer_id(authorizer)
            .set_authorization_scopes(scopes(want).or_else(no_scopes))
            .send()
            .await
            .fault("apigatewayv2", "UpdateRoute", id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let (_, route) = split(id)?;
        Ok(so_far.unwrap_or_else(|| RouteOutputs {
            id: RouteId::new(route),
        }))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (api, route) = split(id)?;
        cx.clients
            .apigatewayv2()
            .delete_route()
            .api_id(api)
            .route_id(route)
            .send()
            .await
            .removed("apigatewayv2", "DeleteRoute", id)
    }
}

fn scopes(want: &RouteInputs) -> Option<Vec<String>> {
    (!want.scopes.is_empty()).then(|| {
        want.scopes
            .iter()
            .map(|scope| scope.get().clone())
            .collect()
    })
}

fn validate_key(key: &str) -> Result<(), (String, String)> {
    if key == "$default" {
        return Ok(());
    }
    let parts = key
        .split_once(' ')
        .filter(|(_, path)| path.starts_with('/'));
    let Some((method, path)) = parts else {
        return wrong(
            "/route_key",
            format!("`{key}` is no route: it takes the form `ANY /path`, or `$default`"),
        );
    };
    if !METHODS.contains(&method) {
        return wrong(
            "/route_key",
            format!("`{method}` is no method of a route: {}", METHODS.join(", ")),
        );
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let greedy = segments.iter().position(|segment| segment.ends_with("+}"));
    if greedy.is_some_and(|at| at + 1 != segments.len()) {
        return wrong(
            "/route_key",
            format!("in `{key}` only the last segment can take the rest of the path"),
        );
    }
    if path.contains(char::is_whitespace) {
        return wrong("/route_key", format!("`{key}` has white space in its path"));
    }
    Ok(())
}

async fn get(cx: &Cx<'_, Clients>, api: &str, id: &str) -> Result<Option<sdk::Route>, KindError> {
    let answer = cx
        .clients
        .apigatewayv2()
        .get_route()
        .api_id(api)
        .route_id(id)
        .send()
        .await
        .found("apigatewayv2", "GetRoute", id)?;
    Ok(answer.map(|found| {
        sdk::Route::builder()
            .set_route_id(found.route_id)
            .set_route_key(found.route_key)
            .set_target(found.target)
            .set_authorization_type(found.authorization_type)
            .set_authorizer_id(found.authorizer_id)
            .set_authorization_scopes(found.authorization_scopes)
            .build()
    }))
}

/// The route with our key.
async fn find(
    cx: &Cx<'_, Clients>,
    api: &str,
    who: &Who<'_, RouteInputs>,
) -> Result<Option<sdk::Route>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .apigatewayv2()
            .get_routes()
            .api_id(api)
            .set_next_token(next)
            .send()
            .await
            .found("apigatewayv2", "GetRoutes", api)?;
        let Some(page) = page else { return Ok(None) };
        let found = page.items.into_iter().flatten().find(|route| {
            let id = child_id(api, route.route_id().unwrap_or_default());
            route.route_key() == Some(&who.inputs.route_key) && !who.others.contains(&id)
        });
        next = page.next_token.filter(|token| !token.is_empty());
        if found.is_some() || next.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(more: serde_json::Value) -> Result<(), String> {
        let mut inputs = json!({"api": "a", "route_key": "ANY /mcp", "target": "i"});
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        Route::validate(&serde_json::from_value(inputs).unwrap()).map_err(|(at, _)| at)
    }

    #[test]
    fn keys() {
        for key in [
            "$default",
            "ANY /",
            "GET /a/{b}",
            "ANY /mcp/{proxy+}",
            "ANY /.well-known/x",
        ] {
            assert_eq!(check(json!({"route_key": key})), Ok(()), "{key}");
        }
        for key in [
            "",
            "/mcp",
            "ANY",
            "ANY mcp",
            "any /mcp",
            "FETCH /mcp",
            "ANY /{a+}/b",
            "ANY /a b",
        ] {
            assert_eq!(
                check(json!({"route_key": key})),
                Err("/route_key".to_owned()),
                "{key}"
            );
        }
    }

    #[test]
    fn what_decides_must_be_said_and_only_then() {
        assert_eq!(check(json!({"authorization": "AWS_IAM"})), Ok(()));
        let jwt = json!({"authorization": "JWT", "authorizer": "x", "scopes": ["mcp/read"]});
        assert_eq!(check(jwt), Ok(()));
        assert_eq!(
            check(json!({"authorization": "JWT"})),
            Err("/authorizer".to_owned())
        );
        assert_eq!(
            check(json!({"authorizer": "x"})),
            Err("/authorizer".to_owned())
        );
        assert_eq!(check(json!({"scopes": ["a"]})), Err("/scopes".to_owned()));
        let custom = json!({"authorization": "CUSTOM", "authorizer": "x", "scopes": ["a"]});
        assert_eq!(check(custom), Err("/scopes".to_owned()));
    }
}
