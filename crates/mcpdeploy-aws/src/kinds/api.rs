//! `aws.apigatewayv2.api`: an HTTP API of API Gateway v2.
//!
//! Facts, from the API Gateway v2 API reference and what the service answers:
//! - CreateApi takes neither a name of ours for its id nor a client token: an API is found again
//!   by its owner tags, which GetApis lists along;
//! - CreateApi, GetApi and GetApis answer everything, tags included, but no ARN and no account;
//! - UpdateApi replaces the CORS configuration as a whole and cannot remove it:
//!   DeleteCorsConfiguration does;
//! - the names of headers in a CORS configuration are kept in lower case;
//! - credentials and the origin `*` do not go together;
//! - an API with CORS answers preflight requests itself and overrides the backend's CORS headers;
//! - IAM knows the calls as verbs on paths: a creation with tags needs POST on `/tags/*` too.

use aws_sdk_apigatewayv2::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Tags, Who,
    same_owner,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inputs::{some_text, wrong};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{ApiEndpoint, ApiId, partition};
use crate::tags;

mod cors;

pub use cors::Cors;

/// An HTTP API.
#[derive(Debug)]
pub enum Api {}

/// What one can ask of an HTTP API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiInputs {
    /// Its name, which need not be unique: 1 to 128 characters.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Which pages of other origins may call it; none when not set.
    #[serde(default)]
    pub cors: Option<Cors>,
    /// Whether it answers at its custom domains only.
    #[serde(default)]
    pub disable_execute_api_endpoint: bool,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiOutputs {
    /// Its id.
    pub id: ApiId,
    /// Where it answers, e.g. `https://<id>.execute-api.<region>.amazonaws.com`.
    pub endpoint: ApiEndpoint,
    /// The beginning of the ARNs of its calls, `arn:aws:execute-api:<region>:<account>:<id>`: with
    /// `/*/*` after it, the source of a permission to invoke a function.
    pub execution_arn: String,
    /// Its own ARN, `arn:aws:apigateway:<region>::/apis/<id>`.
    pub arn: String,
}

impl Api {
    /// Refers to the id of the API at `address`.
    #[must_use]
    pub fn id(address: &Address) -> Ref<ApiId> {
        Ref::new(address, "/id")
    }

    /// Refers to where the API at `address` answers.
    #[must_use]
    pub fn endpoint(address: &Address) -> Ref<ApiEndpoint> {
        Ref::new(address, "/endpoint")
    }

    /// Refers to the beginning of the ARNs of calls to the API at `address`.
    #[must_use]
    pub fn execution_arn(address: &Address) -> Ref<String> {
        Ref::new(address, "/execution_arn")
    }

    /// Refers to the ARN of the API at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<String> {
        Ref::new(address, "/arn")
    }
}

impl Kind for Api {
    const NAME: &'static str = "aws.apigatewayv2.api";
    const REPLACE_ON: &'static [&'static str] = &[];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 500;

    type Clients = Clients;
    type Inputs = ApiInputs;
    type Outputs = ApiOutputs;

    fn identity(_: &Self::Inputs) -> Identity {
        Identity::OwnerTag
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if inputs.name.is_empty() || inputs.name.chars().count() > 128 {
            return wrong("/name", "an API's name has 1 to 128 characters");
        }
        if let Some(cors) = &inputs.cors {
            cors.validate()?;
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, _: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let all = arn(placement.region_or_any(), "");
        let one = format!("{all}/*");
        let mut permissions = match op {
            Op::Read => vec![
                Permission::new("apigateway:GET", all),
                Permission::new("apigateway:GET", one),
            ],
            // GetApi tells the outputs where the account was not known when creating.
            Op::Create => vec![
                Permission::new("apigateway:POST", all),
                Permission::new("apigateway:GET", one),
            ],
            Op::Update => Permission::all(
                &["apigateway:GET", "apigateway:PATCH", "apigateway:DELETE"],
                &one,
            ),
            Op::Delete => vec![Permission::new("apigateway:DELETE", one)],
        };
        permissions.extend(tag_permissions(op, placement));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let found = match who.id {
            Some(id) => get(cx, id).await?,
            None => find(cx, who).await?,
        };
        let Some(api) = found else { return Ok(None) };
        let id = api.api_id().unwrap_or_default();
        let told = tags::from_map(api.tags());
        let arn = arn(cx.clients.region(), &format!("/{id}"));
        let tags = read_tags(cx, &arn, told, &who.inputs.tags).await?;
        Ok(Some(Observed {
            id: PhysicalId::new(id),
            outputs: outputs(cx, id, api.api_endpoint()).await?,
            inputs: ApiInputs {
                name: api.name().unwrap_or_default().to_owned(),
                description: some_text(api.description()),
                cors: api
                    .cors_configuration()
                    .map(Cors::observed)
                    .filter(|cors| *cors != Cors::default()),
                disable_execute_api_endpoint: api
                    .disable_execute_api_endpoint()
                    .unwrap_or_default(),
                tags,
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let answer = cx
            .clients
            .apigatewayv2()
            .create_api()
            .name(&want.name)
            .protocol_type(sdk::ProtocolType::Http)
            .set_description(want.description.clone())
            .set_cors_configuration(want.cors.as_ref().map(Cors::to_sdk))
            .disable_execute_api_endpoint(want.disable_execute_api_endpoint)
            .set_tags((!want.tags.is_empty()).then(|| tags::to_map(&want.tags)))
            .send()
            .await
            .fault("apigatewayv2", "CreateApi", &want.name)?;
        let id = answer.api_id().unwrap_or_default();
        // The account may take a call to find out: only where it is known is it part of the answer.
        let outputs = match &cx.placement.account {
            Some(_) => Some(outputs(cx, id, answer.api_endpoint()).await?),
            None => None,
        };
        Ok(Created {
            id: PhysicalId::new(id),
            outputs,
        })
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        let client = cx.clients.apigatewayv2();
        let cors_changed = delta.updates("/cors");
        if cors_changed && want.cors.is_none() {
            client
                .delete_cors_configuration()
                .api_id(id.as_str())
                .send()
                .await
                .removed("apigatewayv2", "DeleteCorsConfiguration", id)?;
        }
        let rest = delta.updates_any(&["/name", "/description", "/disable_execute_api_endpoint"]);
        if rest || cors_changed && want.cors.is_some() {
            client
                .update_api()
                .api_id(id.as_str())
                .name(&want.name)
                .description(want.description.as_deref().unwrap_or_default())
                .set_cors_configuration(want.cors.as_ref().map(Cors::to_sdk))
                .disable_execute_api_endpoint(want.disable_execute_api_endpoint)
                .send()
                .await
                .fault("apigatewayv2", "UpdateApi", id)?;
        }
        if delta.updates("/tags") {
            let arn = arn(cx.clients.region(), &format!("/{id}"));
            put_tags(cx, &arn, &want.tags).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        let Some(api) = get(cx, id).await? else {
            return Err(KindError::fatal("the API is gone again").on(id.as_str()));
        };
        outputs(cx, id.as_str(), api.api_endpoint()).await
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .apigatewayv2()
            .delete_api()
            .api_id(id.as_str())
            .send()
            .await
            .removed("apigatewayv2", "DeleteApi", id)
    }
}

async fn get(cx: &Cx<'_, Clients>, id: &PhysicalId) -> Result<Option<sdk::Api>, KindError> {
    let answer = cx
        .clients
        .apigatewayv2()
        .get_api()
        .api_id(id.as_str())
        .send()
        .await
        .found("apigatewayv2", "GetApi", id)?;
    // The two shapes of one thing: what is read of them is the same.
    Ok(answer.map(|api| {
        sdk::Api::builder()
            .set_api_id(api.api_id)
            .set_api_endpoint(api.api_endpoint)
            .set_name(api.name)
            .set_description(api.description)
            .set_cors_configuration(api.cors_configuration)
            .set_disable_execute_api_endpoint(api.disable_execute_api_endpoint)
            .set_tags(api.tags)
            .build()
    }))
}

/// The API that carries our owner tags.
async fn find(
    cx: &Cx<'_, Clients>,
    who: Who<'_, ApiInputs>,
) -> Result<Option<sdk::Api>, KindError> {
    let mut next = None;
    loop {
        let page = cx
            .clients
            .apigatewayv2()
            .get_apis()
            .max_results("500")
            .set_next_token(next)
            .send()
            .await
            .fault("apigatewayv2", "GetApis", &who.inputs.name)?;
        let ours = page.items.into_iter().flatten().find(|api| {
            let other = who
                .others
                .iter()
                .any(|other| Some(other.as_str()) == api.api_id());
            !other && same_owner(&tags::from_map(api.tags()), &who.inputs.tags)
        });
        next = page.next_token.filter(|token| !token.is_empty());
        if ours.is_some() || next.is_none() {
            return Ok(ours);
        }
    }
}

async fn outputs(
    cx: &Cx<'_, Clients>,
    id: &str,
    endpoint: Option<&str>,
) -> Result<ApiOutputs, KindError> {
    let region = cx.clients.region();
    let account = super::account::account(cx).await?;
    Ok(ApiOutputs {
        id: ApiId::new(id),
        endpoint: ApiEndpoint::new(endpoint.unwrap_or_default()),
        execution_arn: format!(
            "arn:{}:execute-api:{region}:{account}:{id}",
            partition(region)
        ),
        arn: arn(region, &format!("/{id}")),
    })
}

/// The ARN of what is at `/apis<path>`.
pub(super) fn arn(region: &str, path: &str) -> String {
    format!("arn:{}:apigateway:{region}::/apis{path}", partition(region))
}

/// What setting tags needs, beside the operation itself.
pub(super) fn tag_permissions(op: Op, placement: &Placement) -> Vec<Permission> {
    let region = placement.region_or_any();
    let on = format!("arn:{}:apigateway:{region}::/tags/*", partition(region));
    match op {
        Op::Read => Permission::all(&["apigateway:GET"], &on),
        Op::Create => Permission::all(
            &["apigateway:GET", "apigateway:POST", "apigateway:PUT"],
            &on,
        ),
        Op::Update => Permission::all(
            &[
                "apigateway:GET",
                "apigateway:POST",
                "apigateway:PUT",
                "apigateway:DELETE",
            ],
            &on,
        ),
        Op::Delete => Vec::new(),
    }
}

/// The tags at `arn`. `told`: what came along with a read. Where those are not the ones wanted,
/// GetTags has the last word: it knows a change at once.
pub(super) async fn read_tags(
    cx: &Cx<'_, Clients>,
    arn: &str,
    told: Tags,
    want: &Tags,
) -> Result<Tags, KindError> {
    if told == *want {
        return Ok(told);
    }
    let answer = cx
        .clients
        .apigatewayv2()
        .get_tags()
        .resource_arn(arn)
        .send()
        .await
        .found("apigatewayv2", "GetTags", arn)?;
    Ok(answer.map_or(told, |answer| tags::from_map(answer.tags())))
}

/// Makes the tags at `arn` what they should be.
pub(super) async fn put_tags(
    cx: &Cx<'_, Clients>,
    arn: &str,
    want: &Tags,
) -> Result<(), KindError> {
    let have = read_tags(cx, arn, Tags::new(), want).await?;
    let changes = tags::changes(&have, want);
    let client = cx.clients.apigatewayv2();
    if !changes.set.is_empty() {
        client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags::to_map(&changes.set)))
            .send()
            .await
            .fault("apigatewayv2", "TagResource", arn)?;
    }
    if !changes.remove.is_empty() {
        client
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("apigatewayv2", "UntagResource", arn)?;
    }
    Ok(())
}
