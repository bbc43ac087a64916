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
mod operations;
mod paging;
mod routes;
mod stages;
mod tags;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;

use self::gateway::keys::KeySets;
use self::gateway::listen::{Listener, Live};
use self::model::Api;
use crate::cloud::Cloud;
use crate::running::ApiStatus;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Body, Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct ApiGateway {
    state: Mutex<State>,
    keys: KeySets,
    #[cfg(test)]
    script: Mutex<Option<gateway::testing::Script>>,
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

    /// The APIs that there are, for `local status`.
    pub(crate) fn status(&self) -> Vec<ApiStatus> {
        let state = self.state();
        let apis = state.apis.iter().filter_map(|(key, api)| {
            let (_, id) = key.split_once('/')?;
            Some(ApiStatus {
                id: id.to_owned(),
                name: api.settings.name.clone(),
                endpoint: api.settings.api_endpoint.clone(),
            })
        });
        apis.collect()
    }

    /// What functions do in tests of the gateway.
    #[cfg(test)]
    fn script(&self) -> Option<gateway::testing::Script> {
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
