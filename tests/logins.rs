//! `login`, `logout` and `test` with the built binary, at an MCP server behind a login on loopback. The
//! browser is a command that goes where it is sent.

use std::sync::{Arc, OnceLock};

use mcpdeploy_testkit::server::{Req, Resp, Server};
use serde_json::{Value, json};

use crate::support::project::{Project, root};

const OFFLINE: &str = r#"
[target]
type = "resources"
name = "words"

[[resources]]
kind = "mcpdeploy.data"
name = "a"
inputs = { word = "hello" }
"#;

/// An MCP server of the older era behind a login, and its authorization server. Each login gives the
/// next token; `use` is what it begins with, and tools want `more`.
fn world() -> Server {
    let root: Arc<OnceLock<String>> = Arc::default();
    let known = Arc::clone(&root);
    let server = Server::start(move |req| answer(req, known.get().expect("it has started")));
    root.set(server.root()).expect("it starts once");
    server
}

fn answer(req: &Req, root: &str) -> Resp {
    match req.path.as_str() {
        "/.well-known/oauth-protected-resource/mcp" => Resp::json(
            200,
            &json!({"resource": format!("{root}/mcp"), "authorization_servers": [root]}),
        ),
        "/.well-known/oauth-authorization-server" => Resp::json(
            200,
            &json!({
                "issuer": root,
                "authorization_endpoint": format!("{root}/authorize"),
                "token_endpoint": format!("{root}/token"),
                "registration_endpoint": format!("{root}/register"),
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["use", "more"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            }),
        ),
        "/register" => Resp::json(201, &json!({"client_id": "registered"})),
        // The code is the scopes that it is for.
        "/authorize" => {
            let get = |name: &str| req.get(name).unwrap_or_default();
            let to = format!(
                "{}?state={}&code={}",
                get("redirect_uri"),
                get("state"),
                get("scope").replace(' ', "-")
            );
            Resp::empty(302).header("location", &to)
        }
        "/token" => {
            let code = req.get("code").unwrap_or_default();
            let token = format!("s3cret-{code}");
            Resp::json(200, &json!({"access_token": token, "token_type": "Bearer"}))
        }
        "/mcp" => guarded(req, root),
        _ => Resp::empty(404),
    }
}

fn guarded(req: &Req, root: &str) -> Resp {
    let metadata = format!("{root}/.well-known/oauth-protected-resource/mcp");
    let token = req.header("authorization").unwrap_or_default();
    let Some(scopes) = token.strip_prefix("Bearer s3cret-") else {
        let challenge = format!("Bearer resource_metadata=\"{metadata}\", scope=\"use\"");
        return Resp::empty(401).header("www-authenticate", &challenge);
    };
    let message = req.json();
    if message["method"] == "tools/list" && !scopes.contains("more") {
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"more\"";
        return Resp::empty(403).header("www-authenticate", challenge);
    }
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "guarded", "version": "1"},
        }),
        Some("tools/list") => json!({"tools": []}),
        _ if message["id"].is_null() => return Resp::empty(202),
        _ => {
            let error = json!({"code": -32601, "message": "no"});
            let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
            return Resp::json(400, &body);
        }
    };
    Resp::json(
        200,
        &json!({"jsonrpc": "2.0", "id": message["id"], "result": result}),
    )
}

/// A project whose browser goes where it is sent.
fn project() -> Project {
    let script = root().join("tests/clients/login.py");
    Project::offline(OFFLINE).with_env("BROWSER", &format!("python3 {} browser", script.display()))
}

fn kept(project: &Project) -> Value {
    let text = project.read(".local/state/mcpdeploy/logins.json");
    serde_json::from_str(&text).expect("it is JSON")
}

const SPEAKS: &str = "--only=speaks-mcp,login.token";

#[test]
fn a_login_is_kept_used_printed_and_ended() {
    let (world, project) = (world(), project());
    let url = format!("{}/mcp", world.root());
    let stranger = project.run(&["test", &url, SPEAKS]).code(1);
    stranger
        .says("It wants a login")
        .says(&format!("mcpdeploy login {url}"));
    project
        .run(&["login", "--print-token", &url])
        .code(1)
        .says("there is no good login");

    project
        .run(&["login", &url, "--browser", "false", "--wait", "1s"])
        .code(1)
        .says("No browser could be opened (the command failed: exit status: 1)")
        .says("nobody came back");
    let ran = project.run(&["login", &url]).ok();
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!shown.contains("s3cret"), "{shown}");
    ran.says(&format!("Logged in to {url} at {}", world.root()))
        .says(&format!("{}/authorize?", world.root()));

    let ran = project.run(&["test", &url, SPEAKS, "-v"]).ok();
    let shown = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!shown.contains("s3cret"), "{shown}");
    ran.says("guarded 1, protocol 2025-11-25")
        .says("the given token is taken");
    project
        .run(&["test", &url, SPEAKS, "--login", "never"])
        .code(1);

    let printed = project.run(&["login", "--print-token", &url]).ok().stdout;
    assert_eq!(printed, "s3cret-use\n");

    project.run(&["logout", &url]).ok().says("Logged out of");
    project
        .run(&["logout", &url])
        .ok()
        .says("There is no login to");
    project
        .run(&["logout", "--all"])
        .ok()
        .says("There is no login.");
    project.run(&["test", &url, SPEAKS]).code(1);
    assert_eq!(kept(&project)["logins"], json!({}));
}

#[test]
fn a_token_from_the_environment_goes_before_what_is_kept() {
    let (world, project) = (world(), project());
    let url = format!("{}/mcp", world.root());
    project.run(&["login", &url]).ok();
    let project = project.with_env("MCPDEPLOY_TOKEN", "stale");
    project
        .run(&["test", &url, SPEAKS])
        .code(1)
        .says("the token is refused");
    let project = project.with_env("MCPDEPLOY_TOKEN", "s3cret-use");
    project.run(&["test", &url, SPEAKS]).ok();
    project
        .with_env("MCPDEPLOY_TOKEN", "a b")
        .run(&["test", &url])
        .code(2)
        .says("MCPDEPLOY_TOKEN holds no token");
}

#[test]
fn a_test_logs_in_and_asks_for_more_where_it_is_told_to() {
    let (world, project) = (world(), project());
    let url = format!("{}/mcp", world.root());
    let args = ["test", &url, "--only", "legacy.tools-list"];
    // Without somebody to ask, it is told what to do.
    project.run(&["login", &url]).ok();
    project
        .run(&args)
        .code(3)
        .says("mcpdeploy login --scope more");
    project.run(&["logout", &url]).ok();
    project
        .run(&[&args[..], &["--login", "always"]].concat())
        .ok();
    let asked: Vec<_> = world
        .seen("/authorize")
        .iter()
        .map(|page| page.get("scope").unwrap_or_default())
        .collect();
    assert_eq!(asked, ["use", "use", "use more"]);
    // It is kept for the next time.
    project.run(&args).ok();
    assert_eq!(world.seen("/register").len(), 2);
}

#[test]
fn a_client_of_ones_own_is_named_with_its_issuer_and_its_secret_is_no_argument() {
    let (world, project) = (world(), project());
    let url = format!("{}/mcp", world.root());
    project
        .run(&["login", &url, "--client-id", "mine"])
        .code(2)
        .says("--issuer");
    let by_hand = [
        "login",
        &url,
        "--issuer",
        &world.root(),
        "--client-id",
        "mine",
    ];
    project
        .run(&[&by_hand[..], &["--client-secret"]].concat())
        .code(2)
        .says("MCPDEPLOY_CLIENT_SECRET");
    let project = project.with_env("MCPDEPLOY_CLIENT_SECRET", "p4ss");
    let ran = project.run(&by_hand).ok();
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("p4ss"));
    let exchange = &world.seen("/token")[0];
    assert_eq!(exchange.get("client_secret").as_deref(), Some("p4ss"));
    project
        .run(&["login", &url, "--issuer", "https://other.test"])
        .code(1)
        .says("is none of its authorization servers");
}

#[test]
fn programs_are_told_where_to_log_in() {
    let (world, project) = (world(), project());
    let url = format!("{}/mcp", world.root());
    let events = project.run(&["--json", "login", &url]).ok().events();
    let data: Vec<&Value> = events
        .iter()
        .filter_map(|event| event.get("data"))
        .collect();
    assert_eq!(data[0]["issuer"], world.root());
    assert_eq!(data[0]["scopes"], json!(["use"]));
    assert_eq!(data[1]["endpoint"], url);
    assert_eq!(data[1]["renews"], false);
}

#[test]
fn nobody_is_logged_in_where_nobody_has_to_be() {
    let project = project();
    let open = Server::start(|_| Resp::json(404, &json!({})));
    project
        .run(&["login", &open.root()])
        .code(1)
        .says("asks for no login");
    project
        .run(&["login", "http://example.com/mcp"])
        .code(1)
        .says("is no https URL");
    project
        .run(&["login", "x"])
        .code(2)
        .says("no http or https URL");
    project.run(&["login"]).code(2).says("has no endpoint yet");
}
