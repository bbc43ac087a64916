//! Which operation a request means, by method and path.

use http::Method;

/// An operation, with the parts of the path that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) operation: Operation,
    /// A function's name or ARN, or the ARN of what has tags.
    pub(super) of: String,
    /// An alias's name or a statement's id.
    pub(super) item: String,
}

/// The operations that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    AddPermission,
    CreateAlias,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteFunctionConcurrency,
    DeleteFunctionEventInvokeConfig,
    DeleteProvisionedConcurrencyConfig,
    GetAccountSettings,
    GetAlias,
    GetFunction,
    GetFunctionCodeSigningConfig,
    GetFunctionConcurrency,
    GetFunctionConfiguration,
    GetFunctionEventInvokeConfig,
    GetFunctionRecursionConfig,
    GetFunctionUrlConfig,
    GetPolicy,
    GetProvisionedConcurrencyConfig,
    GetRuntimeManagementConfig,
    Invoke,
    InvokeAsync,
    InvokeWithResponseStream,
    ListAliases,
    ListEventSourceMappings,
    ListFunctionEventInvokeConfigs,
    ListFunctionUrlConfigs,
    ListFunctions,
    ListLayers,
    ListProvisionedConcurrencyConfigs,
    ListTags,
    ListVersionsByFunction,
    PublishVersion,
    PutFunctionConcurrency,
    PutFunctionEventInvokeConfig,
    PutProvisionedConcurrencyConfig,
    RemovePermission,
    TagResource,
    UntagResource,
    UpdateAlias,
    UpdateFunctionCode,
    UpdateFunctionConfiguration,
    UpdateFunctionEventInvokeConfig,
}

impl Route {
    /// Finds the operation; nothing when there is none here. `list` is the query's `List`, which
    /// alone tells two operations apart.
    pub(super) fn find(method: &Method, path: &[String], list: Option<&str>) -> Option<Self> {
        use Operation as O;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (version, path) = path.split_first()?;
        let is_date =
            version.len() == 10 && version.chars().all(|c| c.is_ascii_digit() || c == '-');
        if !is_date {
            return None;
        }
        let method = method.as_str();
        let (operation, of, item) = match (method, path) {
            ("GET", ["account-settings"]) => (O::GetAccountSettings, "", ""),
            ("GET", ["event-source-mappings"]) => (O::ListEventSourceMappings, "", ""),
            ("GET", ["layers"]) => (O::ListLayers, "", ""),
            ("GET", ["tags", arn]) => (O::ListTags, *arn, ""),
            ("POST", ["tags", arn]) => (O::TagResource, *arn, ""),
            ("DELETE", ["tags", arn]) => (O::UntagResource, *arn, ""),
            ("GET", ["functions"]) => (O::ListFunctions, "", ""),
            ("POST", ["functions"]) => (O::CreateFunction, "", ""),
            ("GET", ["functions", f]) => (O::GetFunction, *f, ""),
            ("DELETE", ["functions", f]) => (O::DeleteFunction, *f, ""),
            (_, ["functions", f, "aliases", name]) => (
                match method {
                    "GET" => O::GetAlias,
                    "PUT" => O::UpdateAlias,
                    "DELETE" => O::DeleteAlias,
                    _ => return None,
                },
                *f,
                *name,
            ),
            ("DELETE", ["functions", f, "policy", sid]) => (O::RemovePermission, *f, *sid),
            ("GET", ["functions", f, "event-invoke-config", "list"]) => {
                (O::ListFunctionEventInvokeConfigs, *f, "")
            }
            (_, ["functions", f, rest]) => (Operation::of_function(method, rest, list)?, *f, ""),
            _ => return None,
        };
        Some(Self {
            operation,
            of: of.to_owned(),
            item: item.to_owned(),
        })
    }
}

impl Operation {
    fn of_function(method: &str, rest: &str, list: Option<&str>) -> Option<Self> {
        Some(match (method, rest) {
            ("GET", "aliases") => Self::ListAliases,
            ("POST", "aliases") => Self::CreateAlias,
            ("PUT", "code") => Self::UpdateFunctionCode,
            ("GET", "code-signing-config") => Self::GetFunctionCodeSigningConfig,
            ("GET", "concurrency") => Self::GetFunctionConcurrency,
            ("PUT", "concurrency") => Self::PutFunctionConcurrency,
            ("DELETE", "concurrency") => Self::DeleteFunctionConcurrency,
            ("GET", "configuration") => Self::GetFunctionConfiguration,
            ("PUT", "configuration") => Self::UpdateFunctionConfiguration,
            ("GET", "event-invoke-config") => Self::GetFunctionEventInvokeConfig,
            ("PUT", "event-invoke-config") => Self::PutFunctionEventInvokeConfig,
            ("POST", "event-invoke-config") => Self::UpdateFunctionEventInvokeConfig,
            ("DELETE", "event-invoke-config") => Self::DeleteFunctionEventInvokeConfig,
            ("POST", "invocations") => Self::Invoke,
            ("POST", "invoke-async") => Self::InvokeAsync,
            ("POST", "response-streaming-invocations") => Self::InvokeWithResponseStream,
            ("GET", "policy") => Self::GetPolicy,
            ("POST", "policy") => Self::AddPermission,
            ("GET", "provisioned-concurrency") if list == Some("ALL") => {
                Self::ListProvisionedConcurrencyConfigs
            }
            ("GET", "provisioned-concurrency") => Self::GetProvisionedConcurrencyConfig,
            ("PUT", "provisioned-concurrency") => Self::PutProvisionedConcurrencyConfig,
            ("DELETE", "provisioned-concurrency") => Self::DeleteProvisionedConcurrencyConfig,
            ("GET", "recursion-config") => Self::GetFunctionRecursionConfig,
            ("GET", "runtime-management-config") => Self::GetRuntimeManagementConfig,
            ("GET", "url") => Self::GetFunctionUrlConfig,
            ("GET", "urls") => Self::ListFunctionUrlConfigs,
            ("GET", "versions") => Self::ListVersionsByFunction,
            ("POST", "versions") => Self::PublishVersion,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_method_and_path() {
        let find = |method: &Method, path: &str, list| {
            let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
            Route::find(method, &parts, list).map(|route| {
                let name = format!("{:?}", route.operation);
                (name, route.of, route.item)
            })
        };
        let is = |name: &str, of: &str, item: &str| Some((name.into(), of.into(), item.into()));
        assert_eq!(
            find(&Method::POST, "2015-03-31/functions", None),
            is("CreateFunction", "", "")
        );
        assert_eq!(
            find(&Method::PUT, "2015-03-31/functions/f/aliases/live", None),
            is("UpdateAlias", "f", "live")
        );
        let path = "2019-09-30/functions/f/provisioned-concurrency";
        assert_eq!(
            find(&Method::GET, path, None),
            is("GetProvisionedConcurrencyConfig", "f", "")
        );
        assert_eq!(
            find(&Method::GET, path, Some("ALL")),
            is("ListProvisionedConcurrencyConfigs", "f", "")
        );
        assert_eq!(
            find(&Method::POST, "2018-10-31/layers/x/versions", None),
            None
        );
        assert_eq!(find(&Method::GET, "functions/f", None), None);
    }
}
