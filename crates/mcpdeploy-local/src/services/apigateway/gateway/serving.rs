//! What an API serves: its stages, with everything that a request needs read beforehand.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::super::model::{
    self, Api, AuthorizationType, AuthorizerType, IntegrationType, RouteSettings, Snapshot,
};
use super::access_log::AccessLog;
use super::cors::Cors;
use super::event::Format;
use super::identity::Source;
use super::matcher::{Pattern, Table};
use super::parameters::Mapping;
use super::throttle::Limit;
use crate::cloud::ACCOUNT;

/// The stages of an API, by name.
#[derive(Debug, Default)]
pub(super) struct Serving(HashMap<String, Arc<Stage>>);

/// A stage and what it serves.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) routes: Table<Arc<Route>>,
    pub(super) cors: Option<Cors>,
    pub(super) log: Option<AccessLog>,
    /// The default endpoint answers 404.
    pub(super) disabled: bool,
}

/// A route of a stage.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) key: String,
    /// By what a function knows who invokes it.
    pub(super) source_arn: Arc<str>,
    pub(super) guard: Guard,
    pub(super) integration: Option<Integration>,
    pub(super) limit: Option<Limit>,
    pub(super) detailed_metrics: bool,
}

/// Where a route leads.
#[derive(Debug)]
pub(super) struct Integration {
    pub(super) backend: Backend,
    pub(super) timeout: Duration,
    pub(super) mappings: Vec<Mapping>,
}

/// What answers.
#[derive(Debug)]
pub(super) enum Backend {
    Function {
        arn: Arc<str>,
        format: Format,
    },
    Http {
        /// `ANY` or the method of the request that is made.
        method: String,
        url: String,
    },
}

/// Who may take a route.
#[derive(Debug)]
pub(super) enum Guard {
    Everybody,
    /// Those who sign with credentials.
    Signed,
    Jwt(JwtGuard),
    Function(FunctionGuard),
    /// An authorizer that is not there any more: nobody.
    Nobody,
}

/// Those with a token.
#[derive(Debug)]
pub(super) struct JwtGuard {
    pub(super) source: Source,
    pub(super) issuer: String,
    pub(super) audience: Vec<String>,
    /// Any of these; no matter which when there are none.
    pub(super) scopes: Vec<String>,
}

/// Those whom a function lets pass.
#[derive(Debug)]
pub(super) struct FunctionGuard {
    pub(super) id: String,
    pub(super) function: Arc<str>,
    pub(super) source_arn: Arc<str>,
    pub(super) sources: Vec<Source>,
    pub(super) format: Format,
    pub(super) simple: bool,
    pub(super) ttl: Duration,
}

impl Serving {
    /// Reads an API.
    pub(super) fn new(api: &Api) -> Self {
        let stages = api.stages.values().map(|stage| {
            let id = stage.deployment_id.as_deref();
            let deployment = id.and_then(|id| api.deployments.get(id));
            let empty = Snapshot::default();
            let snapshot = deployment.map_or(&empty, |deployment| &deployment.snapshot);
            let name = stage.stage_name.clone();
            (name, Arc::new(Stage::new(api, stage, snapshot)))
        });
        Self(stages.collect())
    }

    /// The stage that a path means, and the path within it. `path` starts with a slash.
    pub(super) fn stage<'p>(&self, path: &'p str) -> Option<(&Arc<Stage>, &'p str)> {
        let rest = path.get(1..).unwrap_or_default();
        let first = rest.split('/').next().unwrap_or_default();
        // `$default` is no name in a path: it answers at the root only.
        if let Some(stage) = self.0.get(first)
            && first != "$default"
        {
            let inside = &rest[first.len()..];
            return Some((stage, if inside.is_empty() { "/" } else { inside }));
        }
        self.0.get("$default").map(|stage| (stage, path))
    }
}

impl Stage {
    fn new(api: &Api, stage: &model::Stage, snapshot: &Snapshot) -> Self {
        let routes = snapshot.routes.values().map(|route| {
            let own = stage.route_settings.get(&route.route_key);
            let read = Route::new(api, stage, snapshot, route, own);
            (Pattern::read(&route.route_key), Arc::new(read))
        });
        Self {
            name: stage.stage_name.clone(),
            variables: stage.stage_variables.clone(),
            routes: Table::new(routes),
            cors: snapshot.cors.as_ref().map(Cors::new),
            log: stage
                .access_log_settings
                .as_ref()
                .and_then(|settings| AccessLog::new(api, stage, settings)),
            disabled: snapshot.disabled,
        }
    }

    /// A stage without routes, for tests.
    #[cfg(test)]
    pub(super) fn bare(name: &str, variables: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            name: name.to_owned(),
            variables: variables.iter().map(own).collect(),
            routes: Table::new([]),
            cors: None,
            log: None,
            disabled: false,
        }
    }
}

impl Route {
    fn new(
        api: &Api,
        stage: &model::Stage,
        snapshot: &Snapshot,
        route: &model::Route,
        own: Option<&RouteSettings>,
    ) -> Self {
        let default = &stage.default_route_settings;
        let rate = own
            .and_then(|own| own.throttling_rate_limit)
            .or(default.throttling_rate_limit);
        let burst = own
            .and_then(|own| own.throttling_burst_limit)
            .or(default.throttling_burst_limit);
        let integration = route
            .integration()
            .and_then(|id| snapshot.integrations.get(id));
        Self {
            key: route.route_key.clone(),
            source_arn: source_arn(api, &stage.stage_name, &route.route_key).into(),
            guard: Guard::new(api, snapshot, route),
            integration: integration.map(|found| Integration::new(stage, found)),
            limit: limit(rate, burst),
            detailed_metrics: own
                .and_then(|own| own.detailed_metrics_enabled)
                .or(default.detailed_metrics_enabled)
                .unwrap_or_default(),
        }
    }

    /// A route to nowhere, for tests.
    #[cfg(test)]
    pub(super) fn bare(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            source_arn: "".into(),
            guard: Guard::Everybody,
            integration: None,
            limit: None,
            detailed_metrics: false,
        }
    }

    /// The path of the route key, `$default` for the catch-all, and its method.
    pub(super) fn resource(&self) -> (&str, &str) {
        self.key
            .split_once(' ')
            .map_or((self.key.as_str(), "ANY"), |(method, path)| (path, method))
    }
}

/// Where only one of two limits is set, the other one is the account's: 10000 requests a second, 5000
/// at once.
fn limit(rate: Option<f64>, burst: Option<u32>) -> Option<Limit> {
    (rate.is_some() || burst.is_some()).then(|| Limit {
        rate: rate.unwrap_or(10_000.0),
        burst: burst.map_or(5_000.0, f64::from),
    })
}

/// `arn:aws:execute-api:<region>:<account>:<api>`.
pub(super) fn execution_arn(region: &str, api: &str) -> String {
    format!("arn:aws:execute-api:{region}:{ACCOUNT}:{api}")
}

/// By what a route invokes: stage, method and path of its key; `*` for ANY, and `$default` alone.
fn source_arn(api: &Api, stage: &str, key: &str) -> String {
    let base = execution_arn(&api.region, &api.settings.api_id);
    match key.split_once(' ') {
        None => format!("{base}/{stage}/{key}"),
        Some(("ANY", path)) => format!("{base}/{stage}/*{path}"),
        Some((method, path)) => format!("{base}/{stage}/{method}{path}"),
    }
}

impl Integration {
    fn new(stage: &model::Stage, integration: &model::Integration) -> Self {
        let uri = with_variables(&integration.integration_uri, &stage.stage_variables);
        let backend = match integration.integration_type {
            IntegrationType::AwsProxy => Backend::Function {
                arn: function_arn(&uri).into(),
                format: Format::read(&integration.payload_format_version),
            },
            IntegrationType::HttpProxy => Backend::Http {
                method: integration
                    .integration_method
                    .clone()
                    .unwrap_or_else(|| "ANY".to_owned()),
                url: uri,
            },
        };
        Self {
            backend,
            timeout: Duration::from_millis(integration.timeout_in_millis.into()),
            mappings: integration
                .request_parameters
                .iter()
                .filter_map(|(key, value)| Mapping::read(key, value).ok())
                .collect(),
        }
    }
}

/// A text with each `${stageVariables.x}` as it is in a stage.
fn with_variables(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{stageVariables.{name}}}"), value)
        })
}

/// The function in an integration's URI: its ARN, or
/// `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<arn>/invocations`.
fn function_arn(uri: &str) -> &str {
    uri.split_once("/functions/")
        .map(|(_, rest)| rest.strip_suffix("/invocations").unwrap_or(rest))
        .unwrap_or(uri)
}

impl Guard {
    fn new(api: &Api, snapshot: &Snapshot, route: &model::Route) -> Self {
        match route.authorization_type {
            AuthorizationType::None => return Self::Everybody,
            AuthorizationType::AwsIam => return Self::Signed,
            AuthorizationType::Custom | AuthorizationType::Jwt => {}
        }
        let id = route.authorizer_id.as_deref();
        let Some(authorizer) = id.and_then(|id| snapshot.authorizers.get(id)) else {
            return Self::Nobody;
        };
        let mut sources = authorizer
            .identity_source
            .iter()
            .filter_map(|text| Source::read(text));
        match authorizer.authorizer_type {
            AuthorizerType::Jwt => {
                let configuration = authorizer.jwt_configuration.clone().unwrap_or_default();
                let Some(source) = sources.next() else {
                    return Self::Nobody;
                };
                Self::Jwt(JwtGuard {
                    source,
                    issuer: configuration.issuer,
                    audience: configuration.audience,
                    scopes: route.authorization_scopes.clone(),
                })
            }
            AuthorizerType::Request => {
                let uri = authorizer.authorizer_uri.as_deref().unwrap_or_default();
                let id = &authorizer.authorizer_id;
                let base = execution_arn(&api.region, &api.settings.api_id);
                Self::Function(FunctionGuard {
                    id: id.clone(),
                    function: function_arn(uri).into(),
                    source_arn: format!("{base}/authorizers/{id}").into(),
                    sources: sources.collect(),
                    format: Format::read(
                        authorizer
                            .authorizer_payload_format_version
                            .as_deref()
                            .unwrap_or("2.0"),
                    ),
                    simple: authorizer.enable_simple_responses.unwrap_or_default(),
                    ttl: Duration::from_secs(
                        authorizer
                            .authorizer_result_ttl_in_seconds
                            .unwrap_or_default()
                            .into(),
                    ),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_integrations() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f:live";
        let long = format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        );
        assert_eq!(function_arn(arn), arn);
        assert_eq!(function_arn(&long), arn);
        let variables = BTreeMap::from([("fn".to_owned(), "f".to_owned())]);
        let text = "arn:aws:lambda:us-east-1:000000000000:function:${stageVariables.fn}:live";
        assert_eq!(with_variables(text, &variables), arn);
    }

    #[test]
    fn the_stage_of_a_path() {
        let stage = |name: &str| (name.to_owned(), Arc::new(Stage::bare(name, &[])));
        let both = Serving(HashMap::from([stage("$default"), stage("dev")]));
        let one = Serving(HashMap::from([stage("dev")]));
        for (serving, path, expected) in [
            (&both, "/", Some(("$default", "/"))),
            (&both, "/mcp", Some(("$default", "/mcp"))),
            (&both, "/dev", Some(("dev", "/"))),
            (&both, "/dev/", Some(("dev", "/"))),
            (&both, "/dev/mcp", Some(("dev", "/mcp"))),
            (&both, "/develop", Some(("$default", "/develop"))),
            (&both, "/$default/x", Some(("$default", "/$default/x"))),
            (&one, "/mcp", None),
            (&one, "/dev/mcp", Some(("dev", "/mcp"))),
        ] {
            let found = serving.stage(path);
            let found = found.map(|(stage, path)| (stage.name.as_str(), path));
            assert_eq!(found, expected, "{path}");
        }
    }
}
