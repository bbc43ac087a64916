//! API Gateway v2: HTTP APIs, and the gateway that serves them.
//!
//! The control plane keeps each API as one row and compiles it for the gateway at every change. Every
//! API has a loopback port of its own, kept with it, so that its root is a root.

mod apis;
mod authorizers;
mod deployments;
mod faults;
mod gateway;
mod ids;
mod integrations;
mod model;
mod paging;
mod routes;
mod stages;
mod tags;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::{Value, json};

use self::gateway::keys::KeySets;
use self::gateway::listen::{Listener, Live};
use self::model::Api;
use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Body, Call, Content, Fault, Reply, iso};

/// The service.
#[derive(Debug)]
pub(crate) struct ApiGateway {
    state: Mutex<State>,
    keys: KeySets,
    #[cfg(test)]
    script: Mutex<Option<gateway::tests::Script>>,
}

#[derive(Debug)]
struct State {
    /// By `<region>/<id>`.
    apis: Collection<Api>,
    /// By id: ids are of one region only.
    live: HashMap<String, Arc<Live>>,
}

impl ApiGateway {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            state: Mutex::new(State {
                apis: storage.collection("apigateway.apis")?,
                live: HashMap::new(),
            }),
            keys: KeySets::default(),
            #[cfg(test)]
            script: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What functions do in tests of the gateway.
    #[cfg(test)]
    fn script(&self) -> Option<gateway::tests::Script> {
        self.script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The keys of the issuers of tokens.
    fn keys(&self) -> &KeySets {
        &self.keys
    }

    /// Opens the port of each API that there is; another one where that is taken.
    pub(crate) async fn start(&self, cloud: &Cloud) {
        let mut state = self.state();
        let keys: Vec<String> = state.apis.iter().map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            let Some(api) = state.apis.get(&key) else {
                continue;
            };
            let mut api = api.clone();
            let id = api.settings.api_id.clone();
            let live = Live::of(&api);
            state.live.insert(id.clone(), Arc::clone(&live));
            let listener = match Listener::bind(api.port) {
                Ok(listener) => listener,
                Err(error) => {
                    let moved = Listener::bind(0).and_then(|new| Ok((new.port()?, new)));
                    let (port, listener) = match moved {
                        Ok(moved) => moved,
                        Err(error) => {
                            tracing::warn!(%error, api = id, "an API cannot be reached by a port");
                            continue;
                        }
                    };
                    tracing::warn!(%error, api = id, from = api.port, to = port, "the port of an API is taken: its endpoint has changed");
                    api.port = port;
                    api.settings.api_endpoint = format!("http://127.0.0.1:{port}");
                    if let Err(error) = state.apis.put(&key, api) {
                        tracing::warn!(%error, api = id, "the new endpoint of an API cannot be kept");
                    }
                    listener
                }
            };
            live.listen(cloud, listener);
        }
    }

    /// Answers a request that came by the common port.
    pub(crate) async fn request(
        &self,
        cloud: &Cloud,
        door: &ApiDoor,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let live = self.state().live.get(&door.api).cloned();
        match live {
            Some(live) => gateway::answer(cloud, &live, &door.prefix, request).await,
            None => gateway::no_api(),
        }
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = call.method.clone();
        let (operation, answer) = self.route(cloud, call, method.as_str(), &path);
        operation.clone_into(&mut call.operation);
        answer
    }

    /// Finds the operation of a call and does it.
    fn route(
        &self,
        cloud: &Cloud,
        call: &Call,
        method: &str,
        path: &[&str],
    ) -> (&'static str, Result<Reply, Fault>) {
        let now = &iso(cloud.now());
        match (method, path) {
            ("POST", ["v2", "apis"]) => ("CreateApi", self.create_api(cloud, call, now)),
            ("GET", ["v2", "apis"]) => ("GetApis", self.list_apis(call)),
            ("GET", ["v2", "apis", id]) => {
                ("GetApi", self.read(call, id, |api| Ok(apis::output(api))))
            }
            ("PATCH", ["v2", "apis", id]) => (
                "UpdateApi",
                self.update(cloud, call, id, |api| {
                    apis::update(api, call.json()?)?;
                    Ok(apis::output(api))
                }),
            ),
            ("DELETE", ["v2", "apis", id]) => ("DeleteApi", self.delete_api(call, id)),
            ("DELETE", ["v2", "apis", id, "cors"]) => (
                "DeleteCorsConfiguration",
                self.delete(cloud, call, id, |api| {
                    api.settings.cors_configuration = None;
                    Ok(())
                }),
            ),
            ("POST", ["v2", "apis", id, "integrations"]) => (
                "CreateIntegration",
                self.create(cloud, call, id, |api| {
                    integrations::create(api, call.json()?)
                }),
            ),
            ("GET", ["v2", "apis", id, "integrations"]) => (
                "GetIntegrations",
                self.read(call, id, |api| paging::page(call, named(&api.integrations))),
            ),
            ("GET", ["v2", "apis", id, "integrations", it]) => (
                "GetIntegration",
                self.read(call, id, |api| Ok(json!(integrations::get(api, it)?))),
            ),
            ("PATCH", ["v2", "apis", id, "integrations", it]) => (
                "UpdateIntegration",
                self.update(cloud, call, id, |api| {
                    integrations::update(api, it, call.json()?)
                }),
            ),
            ("DELETE", ["v2", "apis", id, "integrations", it]) => (
                "DeleteIntegration",
                self.delete(cloud, call, id, |api| integrations::delete(api, it)),
            ),
            ("POST", ["v2", "apis", id, "routes"]) => (
                "CreateRoute",
                self.create(cloud, call, id, |api| routes::create(api, call.json()?)),
            ),
            ("GET", ["v2", "apis", id, "routes"]) => (
                "GetRoutes",
                self.read(call, id, |api| paging::page(call, named(&api.routes))),
            ),
            ("GET", ["v2", "apis", id, "routes", it]) => (
                "GetRoute",
                self.read(call, id, |api| Ok(json!(routes::get(api, it)?))),
            ),
            ("PATCH", ["v2", "apis", id, "routes", it]) => (
                "UpdateRoute",
                self.update(cloud, call, id, |api| routes::update(api, it, call.json()?)),
            ),
            ("DELETE", ["v2", "apis", id, "routes", it]) => (
                "DeleteRoute",
                self.delete(cloud, call, id, |api| routes::delete(api, it)),
            ),
            ("POST", ["v2", "apis", id, "authorizers"]) => (
                "CreateAuthorizer",
                self.create(cloud, call, id, |api| {
                    authorizers::create(api, call.json()?)
                }),
            ),
            ("GET", ["v2", "apis", id, "authorizers"]) => (
                "GetAuthorizers",
                self.read(call, id, |api| paging::page(call, named(&api.authorizers))),
            ),
            ("GET", ["v2", "apis", id, "authorizers", it]) => (
                "GetAuthorizer",
                self.read(call, id, |api| Ok(json!(authorizers::get(api, it)?))),
            ),
            ("PATCH", ["v2", "apis", id, "authorizers", it]) => (
                "UpdateAuthorizer",
                self.update(cloud, call, id, |api| {
                    authorizers::update(api, it, call.json()?)
                }),
            ),
            ("DELETE", ["v2", "apis", id, "authorizers", it]) => (
                "DeleteAuthorizer",
                self.delete(cloud, call, id, |api| authorizers::delete(api, it)),
            ),
            ("POST", ["v2", "apis", id, "stages"]) => (
                "CreateStage",
                self.create(cloud, call, id, |api| {
                    stages::create(api, call.json()?, now)
                }),
            ),
            ("GET", ["v2", "apis", id, "stages"]) => (
                "GetStages",
                self.read(call, id, |api| paging::page(call, named(&api.stages))),
            ),
            ("GET", ["v2", "apis", id, "stages", it]) => (
                "GetStage",
                self.read(call, id, |api| Ok(json!(stages::get(api, it)?))),
            ),
            ("PATCH", ["v2", "apis", id, "stages", it]) => (
                "UpdateStage",
                self.update(cloud, call, id, |api| {
                    stages::update(api, it, call.json()?, now)
                }),
            ),
            ("DELETE", ["v2", "apis", id, "stages", it]) => (
                "DeleteStage",
                self.delete(cloud, call, id, |api| stages::delete(api, it)),
            ),
            ("DELETE", ["v2", "apis", id, "stages", it, "accesslogsettings"]) => (
                "DeleteAccessLogSettings",
                self.delete(cloud, call, id, |api| {
                    stages::delete_access_logs(api, it, now)
                }),
            ),
            ("DELETE", ["v2", "apis", id, "stages", it, "routesettings", key]) => (
                "DeleteRouteSettings",
                self.delete(cloud, call, id, |api| {
                    stages::delete_route_settings(api, it, key, now)
                }),
            ),
            ("DELETE", ["v2", "apis", id, "stages", it, "cache", "authorizers"]) => (
                "ResetAuthorizersCache",
                // Every change forgets what authorizers decided.
                self.delete(cloud, call, id, |api| stages::get(api, it).map(|_| ())),
            ),
            ("POST", ["v2", "apis", id, "deployments"]) => (
                "CreateDeployment",
                self.create(cloud, call, id, |api| {
                    deployments::create(api, call.json()?, now)
                }),
            ),
            ("GET", ["v2", "apis", id, "deployments"]) => (
                "GetDeployments",
                self.read(call, id, |api| {
                    let all = api.deployments.iter();
                    paging::page(call, all.map(|(id, it)| (id.as_str(), &it.settings)))
                }),
            ),
            ("GET", ["v2", "apis", id, "deployments", it]) => (
                "GetDeployment",
                self.read(call, id, |api| {
                    Ok(json!(deployments::get(api, it)?.settings))
                }),
            ),
            ("PATCH", ["v2", "apis", id, "deployments", it]) => (
                "UpdateDeployment",
                self.update(cloud, call, id, |api| {
                    deployments::update(api, it, call.json()?)
                }),
            ),
            ("DELETE", ["v2", "apis", id, "deployments", it]) => (
                "DeleteDeployment",
                self.delete(cloud, call, id, |api| deployments::delete(api, it)),
            ),
            // Not every client encodes the slashes of an ARN.
            (_, ["v2", "tags", arn @ ..]) => self.tags(cloud, call, method, &arn.join("/")),
            _ => ("", Err(absent(method, path))),
        }
    }

    fn tags(
        &self,
        cloud: &Cloud,
        call: &Call,
        method: &str,
        arn: &str,
    ) -> (&'static str, Result<Reply, Fault>) {
        let target = tags::Target::read(arn).and_then(|target| {
            let here = target.region == call.region;
            here.then_some(target)
                .ok_or_else(|| faults::bad("Invalid resource ARN specified in the request"))
        });
        match method {
            "GET" => (
                "GetTags",
                target.and_then(|it| self.read(call, &it.api, |api| tags::get(api, &it))),
            ),
            "POST" => (
                "TagResource",
                target.and_then(|it| {
                    self.change(cloud, call, &it.api, |api| {
                        tags::set(api, &it, call.json()?)
                    })?;
                    Ok(with(StatusCode::CREATED, json!({})))
                }),
            ),
            "DELETE" => (
                "UntagResource",
                target.and_then(|it| {
                    let keys = call.query.iter().filter(|(name, _)| name == "tagKeys");
                    let keys: Vec<&str> = keys.map(|(_, key)| key.as_str()).collect();
                    self.delete(cloud, call, &it.api, |api| tags::remove(api, &it, &keys))
                }),
            ),
            _ => ("", Err(absent(method, &["v2", "tags"]))),
        }
    }

    fn create_api(&self, cloud: &Cloud, call: &Call, now: &str) -> Result<Reply, Fault> {
        let input = call.json()?;
        let failed = |error: std::io::Error| {
            Fault::internal(format!(
                "the embedded cloud has no port for the API: {error}"
            ))
        };
        let listener = Listener::bind(0).map_err(failed)?;
        let port = listener.port().map_err(failed)?;
        let id = ids::short(10);
        let mut api = apis::create(input, &call.region, &id, port, now)?;
        deployments::deploy_by_itself(&mut api, "$default", now);
        let live = Live::of(&api);
        let output = apis::output(&api);
        let mut state = self.state();
        state.apis.put(&key(call, &id), api)?;
        state.live.insert(id, Arc::clone(&live));
        drop(state);
        live.listen(cloud, listener);
        Ok(with(StatusCode::CREATED, output))
    }

    fn list_apis(&self, call: &Call) -> Result<Reply, Fault> {
        let state = self.state();
        let prefix = key(call, "");
        let all = state.apis.under(&prefix);
        let items = all.map(|(_, api)| (api.settings.api_id.as_str(), &api.settings));
        Ok(Reply::output(paging::page(call, items)?))
    }

    fn delete_api(&self, call: &Call, id: &str) -> Result<Reply, Fault> {
        let mut state = self.state();
        let removed = state.apis.remove(&key(call, id))?;
        removed.ok_or_else(|| faults::no_api(id))?;
        if let Some(live) = state.live.remove(id) {
            live.close();
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    fn read(
        &self,
        call: &Call,
        id: &str,
        read: impl FnOnce(&Api) -> Result<Value, Fault>,
    ) -> Result<Reply, Fault> {
        let state = self.state();
        let api = state.apis.get(&key(call, id));
        let api = api.ok_or_else(|| faults::no_api(id))?;
        Ok(Reply::output(read(api)?))
    }

    fn create<T: Serialize>(
        &self,
        cloud: &Cloud,
        call: &Call,
        id: &str,
        change: impl FnOnce(&mut Api) -> Result<T, Fault>,
    ) -> Result<Reply, Fault> {
        let made = self.change(cloud, call, id, change)?;
        Ok(with(StatusCode::CREATED, json!(made)))
    }

    fn update<T: Serialize>(
        &self,
        cloud: &Cloud,
        call: &Call,
        id: &str,
        change: impl FnOnce(&mut Api) -> Result<T, Fault>,
    ) -> Result<Reply, Fault> {
        let changed = self.change(cloud, call, id, change)?;
        Ok(Reply::output(json!(changed)))
    }

    fn delete(
        &self,
        cloud: &Cloud,
        call: &Call,
        id: &str,
        change: impl FnOnce(&mut Api) -> Result<(), Fault>,
    ) -> Result<Reply, Fault> {
        self.change(cloud, call, id, change)?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    /// Changes an API, deploys the change to the stages that do so by themselves, keeps it, and lets
    /// the gateway know. A change that fails leaves everything as it was.
    fn change<T>(
        &self,
        cloud: &Cloud,
        call: &Call,
        id: &str,
        change: impl FnOnce(&mut Api) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut state = self.state();
        let key = key(call, id);
        let before = state.apis.get(&key).ok_or_else(|| faults::no_api(id))?;
        let mut api = before.clone();
        let result = change(&mut api)?;
        deployments::deploy_changes(before, &mut api, &iso(cloud.now()));
        if let Some(live) = state.live.get(id) {
            let live = Arc::clone(live);
            state.apis.put(&key, api.clone())?;
            live.serve(&api);
        } else {
            state.apis.put(&key, api)?;
        }
        Ok(result)
    }
}

fn key(call: &Call, id: &str) -> String {
    format!("{}/{id}", call.region)
}

fn with(status: StatusCode, output: Value) -> Reply {
    Reply::with_status(status, Content::Output(output))
}

fn named<T>(items: &std::collections::BTreeMap<String, T>) -> impl Iterator<Item = (&str, &T)> {
    items.iter().map(|(id, item)| (id.as_str(), item))
}

/// What of API Gateway v2 is not there: WebSocket's parts, models, domain names, VPC links, portals,
/// import and export.
fn absent(method: &str, path: &[&str]) -> Fault {
    Fault::absent(format!("{method} /{} of API Gateway", path.join("/")))
}

/// Which API a request on the common port means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiDoor {
    /// The API's id.
    pub(crate) api: String,
    /// What stands before the path as the API sees it: empty, or `/_aws/execute-api/<id>`.
    pub(crate) prefix: String,
}

impl ApiDoor {
    /// By host (`<id>.execute-api.…`) or by path (`/_aws/execute-api/<id>/<stage>/…`).
    pub(crate) fn find(host: &str, path: &str) -> Option<Self> {
        if let Some((api, rest)) = host.split_once('.')
            && rest.starts_with("execute-api.")
        {
            return Some(Self {
                api: api.to_owned(),
                prefix: String::new(),
            });
        }
        let rest = path.strip_prefix("/_aws/execute-api/")?;
        let api = rest.split('/').next()?;
        Some(Self {
            api: api.to_owned(),
            prefix: format!("/_aws/execute-api/{api}"),
        })
    }
}
