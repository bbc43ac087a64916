//! What the runtime is told, where the server knows no Lambda. The variables are those of
//! `mcpdeploy-runtime`; docs/runtime.md has their meaning.

use mcpdeploy_config::{Server, Transport};
use mcpdeploy_engine::value::Input;
use serde_json::json;

use super::{Stack, address, joined, reference};
use crate::kinds::Api;

/// Where the build puts the server's executable, beside the runtime.
const PROGRAM: &str = "./server";

impl Stack<'_> {
    /// The runtime's variables; none when the server's binary is the function's own.
    pub(super) fn bridge(&self, server: &Server) -> Vec<(&'static str, Input<String>)> {
        let role = match server.transport {
            Transport::Lambda => return Vec::new(),
            Transport::Http => "http",
            Transport::Stdio => "stdio",
        };
        let mut told = vec![("MCPDEPLOY_ROLE", Input::Value(role.to_owned()))];
        if !server.args.is_empty() {
            let command: Vec<&str> = [PROGRAM]
                .into_iter()
                .chain(server.args.iter().map(String::as_str))
                .collect();
            told.push((
                "MCPDEPLOY_COMMAND",
                Input::Value(json!(command).to_string()),
            ));
        }
        // A web server looks at origins itself.
        let origins = &self.config.api_gateway.cors_origins;
        if server.transport == Transport::Stdio && !origins.is_empty() {
            told.push((
                "MCPDEPLOY_ALLOWED_ORIGINS",
                Input::Value(origins.join(",").to_ascii_lowercase()),
            ));
        }
        let auth = &self.config.auth;
        if auth.enabled && !auth.tools.is_empty() {
            told.push(("MCPDEPLOY_TOOL_SCOPES", self.tool_scopes(server)));
            let path = server.mcp_path.trim_end_matches('/');
            let metadata = joined([
                reference(&address::<Api>(&server.name), "/endpoint"),
                json!(format!("/.well-known/oauth-protected-resource{path}")),
            ]);
            told.push(("MCPDEPLOY_RESOURCE_METADATA", Input::Open(metadata)));
        }
        told
    }
}
