//! Lambda: functions, versions, aliases, and running them.
//!
//! | module | owns |
//! |---|---|
//! | `route` | which operation a request means |
//! | `names` | which function, version or alias a call means |
//! | `model`, `rows`, `view` | what is kept, how it is found, how it looks from outside |
//! | `settings`, `runtimes`, `source`, `code` | what can be asked of a function, and its package |
//! | `functions`, `update`, `versions`, `aliases`, `permissions`, `tags`, `concurrency`, `events` | the operations |
//! | `invocations`, `invoke`, `asynchronous`, `stream`, `flights`, `metrics` | running a function |
//! | `runtime` | the processes |
//!
//! Not there: layers, networks, file systems, container images, event source mappings, function
//! URLs, destinations, code signing, durable functions. What asks for one of them is told so.

mod aliases;
mod asynchronous;
mod code;
mod concurrency;
mod events;
mod faults;
mod flights;
mod functions;
mod invocations;
mod invoke;
mod metrics;
mod model;
mod names;
mod permissions;
mod rest;
mod route;
mod rows;
pub(crate) mod runtime;
mod runtimes;
mod settings;
mod source;
mod stream;
mod tags;
mod update;
mod versions;
mod view;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};

use self::code::Packages;
use self::flights::Flights;
use self::route::{Operation, Route};
use self::rows::Rows;
use self::runtime::Runtime;
use crate::cloud::Cloud;
use crate::running::FunctionStatus;
use crate::server::plain;
use crate::storage::{ReadError, Storage};
use crate::wire::{Body, Call, Fault, Reply, full};

/// Where the port serves packages: what stands before `<digest>.zip`.
const DOOR: &str = "/_aws/lambda/code/";

/// The service.
#[derive(Debug)]
pub(crate) struct Lambda {
    rows: Mutex<Rows>,
    packages: Packages,
    flights: Flights,
    runtime: Runtime,
}

impl Lambda {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        let rows = Rows::open(storage)?;
        let packages = Packages::open(storage)?;
        // Only now is it certain that nothing runs or is being created with any of them.
        packages.sweep(&rows.packages());
        Ok(Self {
            rows: Mutex::new(rows),
            packages,
            flights: Flights::default(),
            runtime: Runtime::open(storage)?,
        })
    }

    /// Answers a call.
    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        use Operation as O;
        let path = call.segments();
        let route = Route::find(&call.method, &path, call.query("List"));
        let Some(Route {
            operation,
            of,
            item,
        }) = route
        else {
            let what = format!("lambda's {} {}", call.method, call.path);
            return Err(Fault::absent(what));
        };
        call.operation = format!("{operation:?}");
        let call = &*call;
        match operation {
            O::AddPermission => self.add_permission(call, &of),
            O::CreateAlias => self.create_alias(call, &of),
            O::CreateFunction => self.create_function(cloud, call).await,
            O::DeleteAlias => self.delete_alias(call, &of, &item),
            O::DeleteFunction => self.delete_function(call, &of),
            O::DeleteFunctionConcurrency => self.delete_concurrency(call, &of),
            O::DeleteFunctionEventInvokeConfig => self.delete_event_invoke(call, &of),
            O::DeleteProvisionedConcurrencyConfig => self.delete_provisioned(call, &of),
            O::GetAccountSettings => self.account_settings(call),
            O::GetAlias => self.get_alias(call, &of, &item),
            O::GetFunction => self.get_function(cloud, call, &of),
            O::GetFunctionCodeSigningConfig => self.get_code_signing(call, &of),
            O::GetFunctionConcurrency => self.get_concurrency(call, &of),
            O::GetFunctionConfiguration => self.get_function_configuration(cloud, call, &of),
            O::GetFunctionEventInvokeConfig => self.get_event_invoke(call, &of),
            O::GetFunctionRecursionConfig => self.get_recursion(call, &of),
            O::GetFunctionUrlConfig => self.get_url(call, &of),
            O::GetPolicy => self.get_policy(call, &of),
            O::GetProvisionedConcurrencyConfig => self.get_provisioned(cloud, call, &of),
            O::GetRuntimeManagementConfig => self.get_runtime_management(call, &of),
            O::Invoke => self.invoke(cloud, call, &of).await,
            O::InvokeAsync => self.invoke_async(cloud, call, &of),
            O::InvokeWithResponseStream => self.invoke_streaming(cloud, call, &of).await,
            O::ListAliases => self.list_aliases(call, &of),
            O::ListEventSourceMappings => Ok(Self::none_of("EventSourceMappings")),
            O::ListFunctionEventInvokeConfigs => self.list_event_invoke(call, &of),
            O::ListFunctionUrlConfigs => self.list_urls(call, &of),
            O::ListFunctions => self.list_functions(call),
            O::ListLayers => Ok(Self::none_of("Layers")),
            O::ListProvisionedConcurrencyConfigs => self.list_provisioned(cloud, call, &of),
            O::ListTags => self.list_tags(call, &of),
            O::ListVersionsByFunction => self.list_versions(call, &of),
            O::PublishVersion => self.publish_version(cloud, call, &of),
            O::PutFunctionConcurrency => self.put_concurrency(call, &of),
            O::PutFunctionEventInvokeConfig => self.put_event_invoke(cloud, call, &of, false),
            O::PutProvisionedConcurrencyConfig => self.put_provisioned(cloud, call, &of),
            O::RemovePermission => self.remove_permission(call, &of, &item),
            O::TagResource => self.tag_resource(call, &of),
            O::UntagResource => self.untag_resource(call, &of),
            O::UpdateAlias => self.update_alias(call, &of, &item),
            O::UpdateFunctionCode => self.update_function_code(cloud, call, &of).await,
            O::UpdateFunctionConfiguration => self.update_function_configuration(cloud, call, &of),
            O::UpdateFunctionEventInvokeConfig => self.put_event_invoke(cloud, call, &of, true),
        }
    }

    /// The functions that there are, for `local status`.
    pub(crate) fn status(&self) -> Vec<FunctionStatus> {
        let rows = self.lock();
        let keys = rows
            .functions
            .iter()
            .filter_map(|(key, _)| key.split_once('/'));
        keys.map(|(region, name)| FunctionStatus {
            name: name.to_owned(),
            region: region.to_owned(),
            processes: self.runtime.processes(region, name),
        })
        .collect()
    }

    /// Stops all processes.
    pub(crate) async fn stop(&self, _cloud: &Cloud) {
        self.runtime.stop().await;
    }

    /// Invokes a function for another service, which must have been given permission.
    pub(crate) async fn invoke_for(
        &self,
        cloud: &Cloud,
        invoke: ServiceInvoke<'_>,
    ) -> Result<Ran, Refused> {
        self.serve(cloud, invoke).await
    }

    /// Serves a package, where GetFunction says that it is.
    pub(crate) async fn download(&self, path: &str) -> Response<Body> {
        let digest = path
            .strip_prefix(DOOR)
            .and_then(|name| name.strip_suffix(".zip"));
        let zip = digest.and_then(|digest| self.packages.zip(digest));
        let read = match zip {
            Some(zip) => tokio::fs::read(zip).await.ok(),
            None => None,
        };
        match read {
            Some(bytes) => Response::new(full(bytes)),
            None => plain(StatusCode::NOT_FOUND, "no such package\n"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a path on the port is one of [`Lambda::download`]'s.
pub(crate) fn is_door(path: &str) -> bool {
    path.starts_with(DOOR)
}

/// An invocation by a service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceInvoke<'a> {
    /// An ARN, with or without a qualifier.
    pub(crate) function: &'a str,
    /// The event.
    pub(crate) payload: Bytes,
    /// E.g. `apigateway.amazonaws.com`.
    pub(crate) principal: &'a str,
    /// What calls, e.g. `arn:aws:execute-api:us-east-1:000000000000:id/$default/GET/mcp`.
    pub(crate) source_arn: &'a str,
    /// Sent to the function as its trace id, when there is one.
    pub(crate) trace: Option<&'a str>,
}

/// What a function gave back.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// Its result, or an error object when it failed.
    pub(crate) payload: Bytes,
    /// Whether it reported an error, or came to no end of its own.
    pub(crate) failed: bool,
}

/// A function that was not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such function, version or alias.
    NotFound(String),
    /// The resource policy does not allow it.
    Forbidden,
    /// Its concurrency is used up: 429.
    Throttled,
    /// It is not active (yet), or its payload is too large.
    Invalid(String),
}
