//! `aws.apigatewayv2.authorizer`: who may call a route of an HTTP API.
//!
//! Facts, from the API Gateway v2 API reference and developer guide:
//! - a name is given by us, but need not be unique: an authorizer is found again by it within the
//!   API; the id is the service's;
//! - a `JWT` authorizer checks signature, issuer, expiry, audience (`aud`, or `client_id` where there
//!   is no `aud`) and, by the route, scopes; it takes the token from where its one identity source
//!   says;
//! - a `REQUEST` authorizer asks a Lambda function, whose URI is
//!   `arn:…:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations`; its
//!   answers are kept for 0 to 3600 seconds for each value of the identity sources;
//! - simple answers (`isAuthorized`) need the payload format 2.0;
//! - one sort cannot become the other in place;
//! - one that a route has cannot be deleted.

use std::collections::BTreeSet;

use aws_sdk_apigatewayv2::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::{InputSet, int, uint, wrong};
use super::integration::{child_id, child_permissions, split};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ApiId, AuthorizerId, partition};

/// The header that clients send their tokens in.
const TOKEN: &str = "$request.header.Authorization";

/// An authorizer of an HTTP API.
#[derive(Debug)]
pub enum Authorizer {}

/// How an authorizer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sort {
    /// By a token.
    #[serde(rename = "JWT")]
    Jwt,
    /// By what a function says.
    #[serde(rename = "REQUEST")]
    Request,
}

/// What one can ask of an authorizer: `jwt` or `function`, as its sort is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizerInputs {
    /// The API it belongs to.
    pub api: Input<ApiId>,
    /// Its name, 1 to 128 characters.
    pub name: String,
    /// How it decides.
    #[serde(rename = "type")]
    pub sort: Sort,
    /// Whose tokens it takes.
    #[serde(default)]
    pub jwt: Option<Jwt>,
    /// Which function it asks.
    #[serde(default)]
    pub function: Option<FunctionAuthorizer>,
    /// Where in the request it looks: `$request.header.Authorization`.
    #[serde(default = "sources")]
    pub identity_sources: BTreeSet<String>,
}

/// Tokens that are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Who issued them; its keys are at `<issuer>/.well-known/openid-configuration`.
    pub issuer: Input<String>,
    /// For whom: one of these is in `aud`, or in `client_id` where there is no `aud`.
    pub audience: InputSet<String>,
}

/// A function that is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionAuthorizer {
    /// The ARN of the function, version or alias.
    pub arn: Input<String>,
    /// For how many seconds an answer holds, 0 to 3600.
    #[serde(default)]
    pub ttl_seconds: u32,
    /// Whether it answers `isAuthorized` instead of a policy.
    #[serde(default = "super::inputs::yes")]
    pub simple_responses: bool,
}

fn sources() -> BTreeSet<String> {
    BTreeSet::from([TOKEN.to_owned()])
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorizerOutputs {
    /// Its id within the API.
    pub id: AuthorizerId,
}

impl Authorizer {
    /// Refers to the id of the authorizer at `address`: what a route names.
    #[must_use]
    pub fn id(address: &Address) -> Ref<AuthorizerId> {
        Ref::new(address, "/id")
    }
}

impl Sort {
    fn to_sdk(self) -> sdk::AuthorizerType {
        match self {
            Self::Jwt => sdk::AuthorizerType::Jwt,
            Self::Request => sdk::AuthorizerType::Request,
        }
    }
}

impl AuthorizerInputs {
    /// The header that clients send their tokens in.
    pub const TOKEN: &str = TOKEN;

    fn jwt_to_sdk(&self) -> Option<sdk::JwtConfiguration> {
        self.jwt.as_ref().map(|jwt| {
            sdk::JwtConfiguration::builder()
                .issuer(jwt.issuer.get())
                .set_audience(Some(
                    jwt.audience.iter().map(|each| each.get().clone()).collect(),
                ))
                .build()
        })
    }

    fn sources_to_sdk(&self) -> Vec<String> {
        self.identity_sources.iter().cloned().collect()
    }
}

impl FunctionAuthorizer {
    fn uri(&self, region: &str) -> String {
        format!(
            "arn:{}:apigateway:{region}:lambda:path/2015-03-31/functions/{}/invocations",
            partition(region),
            self.arn.get()
        )
    }

    fn observed(found: &sdk::Authorizer) -> Self {
        let uri = found.authorizer_uri().unwrap_or_default();
        let arn = uri
            .split_once("/functions/")
            .map_or(uri, |(_, rest)| rest.trim_end_matches("/invocations"));
        Self {
            arn: arn.into(),
            ttl_seconds: uint(found.authorizer_result_ttl_in_seconds()),
            simple_responses: found.enable_simple_responses().unwrap_or_default(),
        }
    }
}

impl Kind for Authorizer {
    const NAME: &'static str = "aws.apigatewayv2.authorizer";
    const REPLACE_ON: &'static [&'static str] = &["/api", "/type"];

    type Clients = Clients;
    type Inputs = AuthorizerInputs;
    type Outputs = AuthorizerOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs
                .api
                .known()
                .map(ToString::to_string)
                .unwrap_or_default(),
            key: inputs.name.clone(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        inputs.api.known().map(ToString::to_string)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if inputs.name.is_empty() || inputs.name.chars().count() > 128 {
            return wrong("/name", "a name of 1 to 128 characters");
        }
        match (inputs.sort, &inputs.jwt, &inputs.function) {
            (Sort::Jwt, Some(jwt), None) => {
                if inputs.identity_sources.len() != 1 {
                    return wrong("/identity_sources", "a token comes from one place");
                }
                if jwt.audience.is_empty() {
                    return wrong(
                        "/jwt/audience",
                        "without an audience tokens for any other service would be taken",
                    );
                }
                Ok(())
            }
            (Sort::Request, None, Some(function)) => {
                if function.ttl_seconds > 3600 {
                    return wrong(
                        "/function/ttl_seconds",
                        "an answer holds for 3600 seconds at most",
                    );
                }
                if function.ttl_seconds > 0 && inputs.identity_sources.is_empty() {
                    return wrong(
                        "/identity_sources",
                        "an answer holds for what is in these, so there must be one",
                    );
                }
                Ok(())
            }
            (Sort::Jwt, _, Some(_)) => wrong("/function", "a JWT authorizer asks no function"),
            (Sort::Jwt, None, None) => wrong("/jwt", "say whose tokens are taken"),
            (Sort::Request, Some(_), _) => wrong("/jwt", "a REQUEST authorizer takes no tokens"),
            (Sort::Request, None, None) => wrong("/function", "say which function is asked"),
        }
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        child_permissions(op, &inputs.api, "authorizers", placement)
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (api, found) = match who.id {
            Some(id) => {
                let (api, authorizer) = split(id)?;
                (api, get(cx, api, authorizer).await?)
            }
            None => {
                let api = who.inputs.api.get().as_str();
                (api, find(cx, api, &who).await?)
            }
        };
        let Some(found) = found else { return Ok(None) };
        let id = found.authorizer_id().unwrap_or_default();
        let asks = found.authorizer_type() == Some(&sdk::AuthorizerType::Request);
        let sort = if asks { Sort::Request } else { Sort::Jwt };
        Ok(Some(Observed {
            id: child_id(api, id),
            outputs: AuthorizerOutputs {
                id: AuthorizerId::new(id),
            },
            inputs: AuthorizerInputs {
                api: ApiId::new(api).into(),
                name: found.name().unwrap_or_default().to_owned(),
                sort,
                jwt: found.jwt_configuration().filter(|_| !asks).map(|jwt| Jwt {
                    issuer: jwt.issuer().unwrap_or_default().into(),
                    audience: jwt
                        .audience()
                        .iter()
                        .map(|each| each.as_str().into())
                        .collect(),
                }),
                function: asks.then(|| FunctionAuthorizer::observed(&found)),
                identity_sources: found.identity_source().iter().cloned().collect(),
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let api = want.api.get();
        let region = cx.clients.region();
        let function = want.function.as_ref();
        let answer = cx
            .clients
            .apigatewayv2()
            .create_authorizer()
            .api_id(api)
            .name(&want.name)
            .authorizer_type(want.sort.to_sdk())
            .set_identity_source(Some(want.sources_to_sdk()))
            .set_jwt_configuration(want.jwt_to_sdk())
            .set_authorizer_uri(function.map(|function| function.uri(region)))
            .set_authorizer_payload_format_version(function.map(|_| "2.0".to_owned()))
            .set_authorizer_result_ttl_in_seconds(function.map(|f| int(f.ttl_seconds)))
            .set_enable_simple_responses(function.map(|f| f.simple_responses))
            .send()
            .await
            .fault(
                "apigatewayv2",
                "CreateAuthorizer",
                format!("{api} {}", want.name),
            )?;
        let id = answer.authorizer_id().unwrap_or_default();
        let outputs = AuthorizerOutputs {
            id: AuthorizerId::new(id),
        };
        Ok(Created::with(child_id(api.as_str(), id).as_str(), outputs))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&["/name", "/jwt", "/function", "/identity_sources"]) {
            return Ok(());
        }
        let (api, authorizer) = split(id)?;
        let region = cx.clients.region();
        let function = want.function.as_ref();
        cx.clients
            .apigatewayv2()
            .update_authorizer()
            .api_id(api)
            .authorizer_id(authorizer)
            .name(&want.name)
            .authorizer_type(want.sort.to_sdk())
            .set_identity_source(Some(want.sources_to_sdk()))
            .set_jwt_configuration(want.jwt_to_sdk())
            .set_authorizer_uri(function.map(|function| function.uri(region)))
            .set_authorizer_payload_format_version(function.map(|_| "2.0".to_owned()))
            .set_authorizer_result_ttl_in_seconds(function.map(|f| int(f.ttl_seconds)))
            .set_enable_simple_responses(function.map(|f| f.simple_responses))
            .send()
            .await
            .fault("apigatewayv2", "UpdateAuthorizer", id)
            .map(|_| ())
    }

    async fn settle(
        _: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let (_, authorizer) = split(id)?;
        Ok(so_far.unwrap_or_else(|| AuthorizerOutputs {
            id: AuthorizerId::new(authorizer),
        }))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (api, authorizer) = split(id)?;
        cx.clients
            .apigatewayv2()
            .delete_authorizer()
            .api_id(api)
            .authorizer_id(authorizer)
            .send()
            .await
            .removed("apigatewayv2", "DeleteAuthorizer", id)
    }
}

async fn get(
    cx: &Cx<'_, Clients>,
    api: &str,
    id: &str,
) -> Result<Option<sdk::Authorizer>, KindError> {
    let answer = cx
        .clients
        .apigatewayv2()
        .get_authorizer()
        .api_id(api)
        .authorizer_id(id)
        .send()
        .await
        .found("apigatewayv2", "GetAuthorizer", id)?;
    Ok(answer.map(|found| {
        sdk::Authorizer::builder()
            .set_authorizer_id(found.authorizer_id)
            .set_authorizer_type(found.authorizer_type)
            .set_authorizer_uri(found.authorizer_uri)
            .set_authorizer_result_ttl_in_seconds(found.authorizer_result_ttl_in_seconds)
            .set_enable_simple_responses(found.enable_simple_responses)
            .set_identity_source(found.identity_source)
            .set_jwt_configuration(found.jwt_configuration)
            .set_name(found.name)
            .build()
    }))
}

/// The authorizer of that name.
async fn find(
    cx: &Cx<'_, Clients>,
    api: &str,
    who: &Who<'_, AuthorizerInputs>,
) -> Result<Option<sdk::Authorizer>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .apigatewayv2()
            .get_authorizers()
            .api_id(api)
            .set_next_token(next)
            .send()
            .await
            .found("apigatewayv2", "GetAuthorizers", api)?;
        let Some(page) = page else { return Ok(None) };
        let ours = page.items.into_iter().flatten().find(|found| {
            let id = child_id(api, found.authorizer_id().unwrap_or_default());
            found.name() == Some(&who.inputs.name) && !who.others.contains(&id)
        });
        next = page.next_token.filter(|token| !token.is_empty());
        if ours.is_some() || next.is_none() {
            return Ok(ours);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(more: Value) -> Result<(), (String, String)> {
        let mut inputs = json!({"api": "a", "name": "mcp"});
        for (key, value) in more.as_object().unwrap() {
            inputs[key] = value.clone();
        }
        Authorizer::validate(&serde_json::from_value(inputs).unwrap())
    }

    #[test]
    fn either_tokens_or_a_function_decides() {
        let jwt = json!({"issuer": "https://issuer.example", "audience": ["mcp"]});
        let function = json!({"arn": "arn:aws:lambda:us-east-1:123456789012:function:who"});
        let check = |sort: &str, mut more: Value| {
            more["type"] = sort.into();
            check(more).map_err(|(pointer, _)| pointer)
        };
        assert_eq!(check("JWT", json!({"jwt": jwt})), Ok(()));
        assert_eq!(check("REQUEST", json!({"function": function})), Ok(()));
        let both = json!({"jwt": jwt, "function": function});
        assert_eq!(check("JWT", both.clone()), Err("/function".to_owned()));
        assert_eq!(check("REQUEST", both), Err("/jwt".to_owned()));
        assert_eq!(check("JWT", json!({})), Err("/jwt".to_owned()));
        let open = json!({"issuer": "https://issuer.example", "audience": []});
        assert_eq!(
            check("JWT", json!({"jwt": open})),
            Err("/jwt/audience".to_owned())
        );
    }

    #[test]
    fn a_functions_arn_comes_back_out_of_its_uri() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:who:live";
        let function = FunctionAuthorizer {
            arn: arn.into(),
            ttl_seconds: 60,
            simple_responses: true,
        };
        let found = sdk::Authorizer::builder()
            .authorizer_uri(function.uri("us-east-1"))
            .authorizer_result_ttl_in_seconds(60)
            .enable_simple_responses(true)
            .build();
        assert_eq!(FunctionAuthorizer::observed(&found), function);
    }
}
