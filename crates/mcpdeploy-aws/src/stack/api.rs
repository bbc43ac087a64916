//! The HTTP API before the function.

use std::collections::BTreeMap;

use mcpdeploy_config::Server;
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::Input;

use super::names::Names;
use super::{Place, Stack, joined, reference};
use crate::ids::text;
use crate::kinds::{
    AccessLogs, Alias, Api, ApiInputs, Authorization, Authorizer, Cors, Function, InputSet,
    Integration, IntegrationInputs, LogGroup, LogGroupInputs, Permission, PermissionInputs, Route,
    RouteInputs, Stage, StageInputs, Throttling,
};

/// What MCP clients in a browser send.
const ALLOW_HEADERS: [&str; 8] = [
    "accept",
    "authorization",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
];
/// What they must be able to read.
const EXPOSE_HEADERS: [&str; 2] = ["mcp-session-id", "www-authenticate"];
/// The longest that an HTTP API waits for its integration, in milliseconds.
const LONGEST_WAIT_MS: u32 = 30_000;

impl Stack<'_> {
    pub(super) fn api(
        &mut self,
        server: &Server,
        place: &Place,
        names: &Names,
        (function, alias): (&Address, &Address),
        secrets: &[(String, Option<Address>)],
    ) -> Address {
        let name = server.name.as_str();
        let gateway = &self.config.api_gateway;
        let access_logs = gateway.access_logs;
        let throttling = Throttling {
            rate_limit: f64::from(gateway.rate_limit),
            burst_limit: gateway.burst_limit,
        };
        let api = self.add::<Api>(
            name,
            &ApiInputs {
                name: names.full.clone(),
                description: Some(format!("MCP server {}", names.full)),
                cors: cors(&gateway.cors_origins),
                disable_execute_api_endpoint: false,
                tags: Tags::new(),
            },
        );
        let integration = self.add::<Integration>(
            name,
            &IntegrationInputs {
                api: Api::id(&api).into(),
                uri: text(Alias::arn(alias)),
                payload_format_version: "2.0".to_owned(),
                timeout_ms: LONGEST_WAIT_MS.min(server.timeout_seconds.saturating_mul(1000)),
            },
        );
        // Every method goes to the server: only it knows the answers that its clients expect, and
        // a gateway's own 404 would confuse those that find out the protocol's era by trying.
        let route_key = if server.mcp_path == "/" {
            "$default".to_owned()
        } else {
            format!("ANY {}", server.mcp_path)
        };
        let guard = self.login(server, place, names, &api, secrets);
        self.add::<Route>(
            "mcp",
            &RouteInputs {
                api: Api::id(&api).into(),
                route_key,
                target: Integration::id(&integration).into(),
                authorization: match guard {
                    Some(_) => Authorization::Jwt,
                    None => Authorization::None,
                },
                authorizer: guard
                    .as_ref()
                    .map(|guard| Authorizer::id(&guard.authorizer).into()),
                scopes: guard
                    .as_ref()
                    .map(|guard| guard.scopes.clone())
                    .unwrap_or_default(),
            },
        );
        // A browser asks first, without a token; that needs a route which wants none.
        // <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>
        if guard.is_some() {
            self.add::<Route>(
                "mcp-preflight",
                &RouteInputs {
                    api: Api::id(&api).into(),
                    route_key: format!("OPTIONS {}", server.mcp_path),
                    target: Integration::id(&integration).into(),
                    authorization: Authorization::None,
                    authorizer: None,
                    scopes: InputSet::default(),
                },
            );
        }
        let access_logs = access_logs.then(|| {
            let group = self.add::<LogGroup>(
                &format!("{name}-access"),
                &LogGroupInputs {
                    name: names.access_log_group.clone().into(),
                    retention_days: Some(self.config.observability.log_retention_days),
                    tags: Tags::new(),
                },
            );
            AccessLogs::to(LogGroup::arn(&group))
        });
        // Only `$default`: another stage's name would be in every path, and break the well-known
        // ones at the root.
        self.add::<Stage>(
            "default",
            &StageInputs {
                api: Api::id(&api).into(),
                name: "$default".into(),
                auto_deploy: true,
                throttling: Some(throttling),
                detailed_metrics: false,
                access_logs,
                variables: BTreeMap::new(),
                tags: Tags::new(),
            },
        );
        let any_call = joined([reference(&api, "/execution_arn"), "/*/*".into()]);
        self.add::<Permission>(
            "api",
            &PermissionInputs {
                function: Function::name(function).into(),
                qualifier: Some(Alias::name(alias).into()),
                statement_id: "mcpdeploy-api".to_owned(),
                action: "lambda:InvokeFunction".to_owned(),
                principal: "apigateway.amazonaws.com".to_owned(),
                source_arn: Some(Input::Open(any_call)),
                source_account: None,
            },
        );
        self.output("api_id", reference(&api, "/id"));
        self.urls(&api, &server.mcp_path);
        api
    }
}

fn cors(origins: &[String]) -> Option<Cors> {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    (!origins.is_empty()).then(|| Cors {
        allow_origins: origins
            .iter()
            .map(|origin| origin.to_ascii_lowercase())
            .collect(),
        allow_methods: set(&["DELETE", "GET", "OPTIONS", "POST"]),
        allow_headers: set(&ALLOW_HEADERS),
        expose_headers: set(&EXPOSE_HEADERS),
        max_age_seconds: 3600,
        allow_credentials: false,
    })
}
