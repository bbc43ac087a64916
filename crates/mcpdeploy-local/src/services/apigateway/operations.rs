//! The operations of the control plane: which one a call means, and what each reads or changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::gateway::listen::{Listener, Live};
use super::model::Api;
use super::{
    ApiGateway, apis, authorizers, deployments, faults, ids, integrations, paging, routes, stages,
    tags,
};
use crate::cloud::Cloud;
use crate::wire::{Call, Content, Fault, Reply, iso};

impl ApiGateway {
    /// Finds the operation of a call and does it.
    pub(super) fn route(
        &self,
        cloud: &Cloud,
        call: &Call,
        method: &str,
        path: &[&str],
    ) -> (&'static str, Result<Reply, Fault>) {
        let now = &stamp(cloud);
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
            // None can be made.
            ("GET", ["v2", "domainnames"]) => {
                ("GetDomainNames", Ok(Reply::output(json!({"items": []}))))
            }
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
        deployments::deploy_changes(before, &mut api, &stamp(cloud));
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

/// Now, to the second, as API Gateway dates what it keeps.
fn stamp(cloud: &Cloud) -> String {
    let now = cloud.now();
    iso(now.replace_nanosecond(0).unwrap_or(now))
}

fn key(call: &Call, id: &str) -> String {
    format!("{}/{id}", call.region)
}

fn with(status: StatusCode, output: Value) -> Reply {
    Reply::with_status(status, Content::Output(output))
}

fn named<T>(items: &BTreeMap<String, T>) -> impl Iterator<Item = (&str, &T)> {
    items.iter().map(|(id, item)| (id.as_str(), item))
}

/// What of API Gateway v2 is not there: WebSocket's parts, models, domain names, VPC links, portals,
/// import and export.
fn absent(method: &str, path: &[&str]) -> Fault {
    Fault::absent(format!("{method} /{} of API Gateway", path.join("/")))
}
