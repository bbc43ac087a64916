//! `init`: writes .pmcp/deploy.toml from what the project is made of. Never overwrites.

use std::fs;
use std::io::Write;
use std::path::Path;

use mcpdeploy_build::{self as build, Detected, DetectedPackage};
use mcpdeploy_config as config;
use serde_json::json;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::cli::{Auth, Global, Init, Transport};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{CONFIG, Project};
use crate::screen::Screen;

/// What is said of a server that anybody may call.
const OPEN: &str = "# Anybody may call the server. With enabled = true and provider = \"cognito\", callers log in.\n";

/// What is said of one whose callers log in.
const GUARDED: &str =
    "# Callers log in; MCP clients find out where by themselves. Accounts are set up below.\n";

/// What may be wanted of the pool, to be uncommented.
const POOL: &str = r#"

# [auth.cognito]
# self_registration = true       # people make themselves an account; else you add them
# mfa = "required"               # an authenticator app; "optional" when nothing is said
# social_providers = ["google"]  # wants a table [auth.cognito.providers.google]
# retain = false                 # destroying the deployment deletes the pool, with everybody in it"#;

pub(crate) fn run(global: &Global, args: &Init, screen: &Screen) -> Result<Exit, Failure> {
    let project = Project::open(global)?;
    let path = project.config_path();
    if path.exists() {
        return Err(Failure::usage(format!(
            "{} is there already; it is left as it is",
            path.display()
        ))
        .next("mcpdeploy validate"));
    }
    let detected = match build::detect(&project.root) {
        Ok(detected) => Some(detected),
        Err(build::BuildError::NoManifest { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let found = detected
        .as_ref()
        .map(|d| choose(d, args, screen))
        .transpose()?
        .flatten();
    let transport = args.transport.map_or_else(
        || found.map_or(build::Transport::Lambda, |package| package.transport),
        build::Transport::from,
    );
    let name = name(args, found, &project.root, screen)?;
    let auth = auth(args, screen)?;
    let region = region(global);
    let text = write(&name, &region, transport, auth, found);
    // What is written must be something that every other command takes.
    config::load(CONFIG, &text, config::DEFAULT_ENVIRONMENT)?;
    save(&path, &text)?;
    ignore(&project.root)?;

    screen.result(
        "init",
        &format!(
            "Wrote {}{}",
            path.display(),
            found.map_or_else(String::new, |p| format!(
                " for the package {}, which speaks {}",
                p.name,
                in_words(transport)
            ))
        ),
        json!({
            "file": path,
            "name": name,
            "region": region,
            "package": found.map(|p| &p.name),
            "transport": key(transport),
            "auth": match auth {
                Auth::None => "none",
                Auth::Cognito => "cognito",
            },
        }),
    );
    // Whether Lambda starts it can be seen for certain; what else it speaks cannot.
    if let Some(package) = found
        && package.lambda != (transport == build::Transport::Lambda)
    {
        screen.warn(&if package.lambda {
            format!(
                "{} is a server for the Lambda Runtime API (it has lambda_http or lambda_runtime): as a server that speaks {} it will not start",
                package.name,
                in_words(transport)
            )
        } else {
            format!(
                "{} does not look like a server for the Lambda Runtime API (no lambda_http, no lambda_runtime): it will build, but Lambda cannot talk to it; it looks like one that speaks {}",
                package.name,
                in_words(package.transport)
            )
        });
    }
    if found.is_none() {
        screen.warn("there is no Cargo package with a binary here: set `binary` under [server] to a ready executable");
    }
    screen.next("mcpdeploy --local deploy to try it on this machine, or mcpdeploy plan for AWS");
    Ok(Exit::Done)
}

/// The package to deploy: the only sensible one, or the one that the user picks.
fn choose<'a>(
    detected: &'a Detected,
    args: &Init,
    screen: &Screen,
) -> Result<Option<&'a DetectedPackage>, Failure> {
    if detected.packages.is_empty() {
        return Ok(None);
    }
    if let Ok(choice) = build::choose(detected, None, args.name.as_deref().unwrap_or_default()) {
        return Ok(Some(choice.package));
    }
    let names: Vec<&str> = detected.packages.iter().map(|p| p.name.as_str()).collect();
    let unclear = || {
        Failure::usage(format!(
            "several packages could be the server: {}",
            names.join(", ")
        ))
        .hint("say which: mcpdeploy init --name NAME, with the name of one of them")
    };
    if args.yes || !screen.can_ask() {
        return Err(unclear());
    }
    let answer = screen.ask(&format!(
        "Which package is the server? ({})",
        names.join(", ")
    ))?;
    let answer = answer.trim();
    let package = detected
        .packages
        .iter()
        .find(|package| package.name == answer);
    package.map(Some).ok_or_else(unclear)
}

/// The server's name: as asked, or after the package, or after the folder.
fn name(
    args: &Init,
    found: Option<&DetectedPackage>,
    root: &Path,
    screen: &Screen,
) -> Result<String, Failure> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let folder = fs::canonicalize(root)
        .ok()
        .and_then(|root| Some(root.file_name()?.to_string_lossy().into_owned()));
    let guess = found
        .map(|package| package.name.trim_end_matches("-lambda").to_owned())
        .or(folder)
        .unwrap_or_else(|| "mcp-server".to_owned());
    let guess: String = guess
        .to_ascii_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let guess = guess.trim_matches(|c| c == '-' || c == '_').to_owned();
    if args.yes || !screen.can_ask() {
        return Ok(guess);
    }
    let answer = screen.ask(&format!("The server's name [{guess}]"))?;
    let answer = answer.trim();
    Ok(if answer.is_empty() {
        guess
    } else {
        answer.to_owned()
    })
}

/// Whether callers log in: as asked, else not.
fn auth(args: &Init, screen: &Screen) -> Result<Auth, Failure> {
    if let Some(auth) = args.auth {
        return Ok(auth);
    }
    if args.yes || !screen.can_ask() {
        return Ok(Auth::None);
    }
    let answer = screen.confirm("Must callers log in, with accounts in an Amazon Cognito pool?")?;
    Ok(if answer { Auth::Cognito } else { Auth::None })
}

fn region(global: &Global) -> String {
    let set = |name| std::env::var(name).ok().filter(|region| !region.is_empty());
    global
        .region
        .clone()
        .or_else(|| set("AWS_REGION"))
        .or_else(|| set("AWS_DEFAULT_REGION"))
        .unwrap_or_else(|| "us-east-1".to_owned())
}

impl From<Transport> for build::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Lambda => Self::Lambda,
            Transport::Http => Self::Http,
            Transport::Stdio => Self::Stdio,
        }
    }
}

/// The transport as the file has it.
fn key(transport: build::Transport) -> &'static str {
    match transport {
        build::Transport::Lambda => "lambda",
        build::Transport::Http => "http",
        build::Transport::Stdio => "stdio",
    }
}

fn in_words(transport: build::Transport) -> &'static str {
    match transport {
        build::Transport::Lambda => "to Lambda itself",
        build::Transport::Http => "HTTP",
        build::Transport::Stdio => "stdio",
    }
}

fn write(
    name: &str,
    region: &str,
    transport: build::Transport,
    auth: Auth,
    found: Option<&DetectedPackage>,
) -> String {
    let mut document = DocumentMut::new();
    let mut section = |key: &str, comment: &str, entries: Vec<(&str, Item)>| {
        let mut table = Table::new();
        for (key, item) in entries {
            table.insert(key, item);
        }
        let lead = if document.is_empty() { "" } else { "\n" };
        table.decor_mut().set_prefix(format!("{lead}{comment}"));
        document.insert(key, Item::Table(table));
    };
    section(
        "target",
        "# What mcpdeploy deploys. Every key: mcpdeploy schema deploy\n",
        vec![("type", value("aws-lambda")), ("version", value("1.0.0"))],
    );
    section("aws", "", vec![("region", value(region))]);
    let mut server = vec![
        ("name", value(name)),
        ("memory_mb", value(256)),
        ("timeout_seconds", value(30)),
    ];
    if transport != build::Transport::Lambda {
        server.push(("transport", value(key(transport))));
    }
    // Only needed when the name does not tell the package.
    if let Some(package) = found
        && package.name != name
        && package.name != format!("{name}-lambda")
    {
        server.push(("package", value(package.name.clone())));
    }
    section("server", "", server);
    section("environment", "", vec![("RUST_LOG", value("info"))]);
    match auth {
        Auth::None => section("auth", OPEN, vec![("enabled", value(false))]),
        Auth::Cognito => {
            let mut provider = toml_edit::Value::from("cognito");
            provider.decor_mut().set_suffix(POOL);
            let entries = vec![
                ("enabled", value(true)),
                ("provider", Item::Value(provider)),
            ];
            section("auth", GUARDED, entries);
        }
    }
    section(
        "observability",
        "",
        vec![
            ("log_retention_days", value(30)),
            ("enable_xray", value(true)),
            ("create_dashboard", value(true)),
        ],
    );
    let mut alarms = Table::new();
    alarms.insert("error_threshold", value(10));
    alarms.insert("latency_threshold_ms", value(5000));
    alarms.decor_mut().set_prefix("\n");
    if let Some(Item::Table(observability)) = document.get_mut("observability") {
        observability.insert("alarms", Item::Table(alarms));
    }
    document.to_string()
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // `create_new`: a file that came meanwhile is not overwritten either.
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error: std::io::Error| {
        Failure::failed(format!("failed to write {}", path.display())).cause(error)
    })
}

/// Keeps builds out of version control. The state stays in: it is needed by whoever deploys next.
fn ignore(root: &Path) -> Result<(), Failure> {
    let path = root.join(".pmcp/.gitignore");
    if path.exists() {
        return Ok(());
    }
    save(
        &path,
        "# Builds are made anew; locks and journals belong to a run. The state (deployments/*/state.json)\n\
         # is needed by whoever deploys next from another checkout: commit it, or share it otherwise.\n\
         build/\ndeployments/*/state.lock\ndeployments/*/journal.jsonl\ndeployments/*/state.json.backup-*\n",
    )
}
