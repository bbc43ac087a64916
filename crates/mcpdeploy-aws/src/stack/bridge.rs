//! What the runtime is told, where the server knows no Lambda. The variables are those of
//! `mcpdeploy-runtime`; docs/runtime.md has their meaning.

use mcpdeploy_config::{DeployConfig, Server, Transport};
use mcpdeploy_engine::value::Input;
use serde_json::json;

use super::{address, joined, login, reference};
use crate::kinds::Api;

/// Where the build puts the server's executable, beside the runtime.
const PROGRAM: &str = "./server";

/// The runtime's variables; none when the server's binary is the function's own.
pub(super) fn told(config: &DeployConfig, server: &Server) -> Vec<(&'static str, Input<String>)> {
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
    let origins = &config.api_gateway.cors_origins;
    if server.transport == Transport::Stdio && !origins.is_empty() {
        told.push((
            "MCPDEPLOY_ALLOWED_ORIGINS",
            Input::Value(origins.join(",").to_ascii_lowercase()),
        ));
    }
    let auth = &config.auth;
    if auth.enabled && !auth.tools.is_empty() {
        told.push(("MCPDEPLOY_TOOL_SCOPES", login::tool_scopes(auth, server)));
        let path = server.mcp_path.trim_end_matches('/');
        let metadata = joined([
            reference(&address::<Api>(&server.name), "/endpoint"),
            json!(format!("/.well-known/oauth-protected-resource{path}")),
        ]);
        told.push(("MCPDEPLOY_RESOURCE_METADATA", Input::Open(metadata)));
    }
    told
}

#[cfg(test)]
mod tests {
    use mcpdeploy_config::load;
    use mcpdeploy_engine::value::{Lookup, Reference, resolve};
    use serde_json::{Value, json};

    use super::told;

    const FILE: &str = r#"
[server]
name = "notes"
transport = "stdio"
args = ["--stdio", "a \"b\""]

[api_gateway]
cors_origins = ["https://a.example", "https://B.example"]

[auth]
enabled = false

[auth.tools]
"delete_*" = ["mcp/write"]
"#;

    fn variables(file: &str, login: bool) -> Value {
        let mut config = load("deploy.toml", file, "default").unwrap().config;
        config.auth.enabled = login;
        let told = told(&config, config.server.as_ref().unwrap());
        told.into_iter()
            .map(|(name, value)| (name.to_owned(), serde_json::to_value(value).unwrap()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    #[test]
    fn the_runtime_is_told_what_the_file_says() {
        let mut expected = json!({
            "MCPDEPLOY_ROLE": "stdio",
            "MCPDEPLOY_COMMAND": r#"["./server","--stdio","a \"b\""]"#,
            "MCPDEPLOY_ALLOWED_ORIGINS": "https://a.example,https://b.example",
        });
        assert_eq!(
            variables(FILE, false),
            expected,
            "nobody's token is checked"
        );
        let mut seen = variables(FILE, true);
        let metadata = seen["MCPDEPLOY_RESOURCE_METADATA"].take().to_string();
        assert!(
            metadata.contains("aws.apigatewayv2.api.notes"),
            "{metadata}"
        );
        assert!(
            metadata.contains("/.well-known/oauth-protected-resource/mcp"),
            "{metadata}"
        );
        expected["MCPDEPLOY_TOOL_SCOPES"] = r#"{"delete_*":["mcp/write"]}"#.into();
        expected["MCPDEPLOY_RESOURCE_METADATA"] = Value::Null;
        assert_eq!(seen, expected);

        // A web server looks at origins itself, and is started by its name alone.
        let web = FILE
            .replace("\"stdio\"", "\"http\"")
            .replace("args = [\"--stdio\", \"a \\\"b\\\"\"]", "");
        assert_eq!(variables(&web, false), json!({"MCPDEPLOY_ROLE": "http"}));
        let lambda = "[server]\nname = \"notes\"\n";
        assert_eq!(variables(lambda, true), json!({}));
    }

    /// What the file calls `mcp/write` is called after the MCP URL in the tokens of a pool.
    #[test]
    fn scopes_of_tools_are_called_as_in_tokens() {
        let file = FILE
            .replace("enabled = false", "enabled = true\nprovider = \"cognito\"")
            .replace(
                "[\"mcp/write\"]",
                "[\"mcp/write\", \"mcp/prune\"]\n\n[auth.scopes.custom]\n\"mcp/prune\" = \"Remove all\"",
            );
        let told = variables(&file, true);
        let url = |_: &Reference| Lookup::Known(json!("https://x.example"));
        let of = |name: &str| resolve(&told[name], &mut { url }).unwrap();
        assert_eq!(
            of("MCPDEPLOY_TOOL_SCOPES"),
            r#"{"delete_*":["https://x.example/mcp/write","https://x.example/mcp/prune"]}"#
        );
        assert_eq!(
            of("MCPDEPLOY_RESOURCE_METADATA"),
            "https://x.example/.well-known/oauth-protected-resource/mcp"
        );
    }
}
