//! `[auth]`: nobody may believe that login is on when it is not, and what one says of people,
//! scopes and clients has to agree.

mod providers;
mod scopes;

use crate::mistake::Mistake;
use crate::model::Ttl;
use crate::node::Node;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Words that the prefix of a login page may not have.
///
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html>
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];
/// Paths that the login has on the server's own address.
const LOGIN_PATHS: [&str; 6] = [
    "/authorize",
    "/callback",
    "/consent",
    "/register",
    "/revoke",
    "/token",
];
/// Keys about a pool that is made.
const OF_A_NEW_POOL: [&str; 6] = [
    "mfa",
    "password_min_length",
    "retain",
    "self_registration",
    "social_providers",
    "user_pool_name",
];

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    switched(view, mistakes);
    lifetimes(view, mistakes);
    let provider = view.at("auth.provider").and_then(Node::str);
    let on = view.at("auth.enabled").and_then(Node::bool) == Some(true);
    if on {
        paths(view, mistakes);
        match provider {
            Some("cognito") => {
                pool(view, mistakes);
                scopes::check(view, mistakes);
                providers::check(view, mistakes);
            }
            Some("oidc") => issuer(view, mistakes),
            _ => {}
        }
    }
    second_factor(view, provider, mistakes);
    callbacks(view, mistakes);
}

/// Whether login is on, and who knows the users.
fn switched(view: &Node, mistakes: &mut Vec<Mistake>) {
    let enabled = view.entry_at("auth.enabled");
    let provider = view.at("auth.provider");
    let named = provider.and_then(Node::str).filter(|name| *name != "none");
    match enabled.map(|entry| (entry, entry.node.bool())) {
        Some((entry, Some(true))) if named.is_none() => mistakes.push(
            Mistake::new(
                "login is on, but nobody knows the users",
                provider.map_or(entry.node.span.clone(), |node| node.span.clone()),
                "who logs people in?",
            )
            .help("set provider = \"cognito\" for a user pool of Amazon Cognito, or \"oidc\" for an identity provider of your own"),
        ),
        None => {
            if let (Some(name), Some(provider)) = (named, provider) {
                mistakes.push(
                    Mistake::new(
                        format!("it is not said whether login with {name} is on"),
                        provider.span.clone(),
                        "chosen here, but not switched on or off",
                    )
                    .help("set enabled = true under [auth]; with enabled = false anybody who knows the URL can call the server"),
                );
            }
        }
        Some(_) => {}
    }
}

/// What Cognito takes, and that a refresh token outlives what it is for.
fn lifetimes(view: &Node, mistakes: &mut Vec<Mistake>) {
    const ACCESS: &str = "auth.cognito.access_token_ttl";
    const REFRESH: &str = "auth.cognito.refresh_token_ttl";
    lifetime(view, ACCESS, (300, DAY), "5m to 1d", mistakes);
    lifetime(view, REFRESH, (HOUR, 3_650 * DAY), "1h to 3650d", mistakes);
    let of = |path| Some((view.at(path)?, Ttl::parse(view.at(path)?.str()?)?));
    if let (Some((_, access)), Some((node, refresh))) = (of(ACCESS), of(REFRESH))
        && refresh.seconds() < access.seconds()
    {
        mistakes.push(
            Mistake::new(
                format!(
                    "the refresh token ends ({}) before the access token that it renews ({})",
                    refresh.as_str(),
                    access.as_str()
                ),
                node.span.clone(),
                "too short",
            )
            .help("make it at least as long as access_token_ttl"),
        );
    }
}

fn lifetime(
    view: &Node,
    path: &str,
    (least, most): (u64, u64),
    allowed: &str,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(node) = view.at(path) else { return };
    let Some(ttl) = node.str().and_then(Ttl::parse) else {
        return;
    };
    if ttl.seconds() < least || ttl.seconds() > most {
        let key = path.rsplit('.').next().unwrap_or(path);
        mistakes.push(Mistake::new(
            format!("`{key}` is {}: Cognito allows {allowed}", ttl.as_str()),
            node.span.clone(),
            if ttl.seconds() < least {
                "too short"
            } else {
                "too long"
            },
        ));
    }
}

/// A pool of one's own is used as it is, and the login page's prefix is one that AWS takes.
fn pool(view: &Node, mistakes: &mut Vec<Mistake>) {
    if let Some(existing) = view.entry_at("auth.cognito.user_pool_id") {
        for key in OF_A_NEW_POOL {
            let Some(entry) = view.entry_at(&format!("auth.cognito.{key}")) else {
                continue;
            };
            mistakes.push(
                Mistake::new(
                    format!("`{key}` is about a pool that is made"),
                    entry.key.clone(),
                    "does nothing to an existing pool",
                )
                .also(existing.node.span.clone(), "this pool exists")
                .help("remove it, or user_pool_id"),
            );
        }
        if view.at("auth.cognito.domain").is_none() {
            mistakes.push(
                Mistake::new(
                    "it is not said where the existing pool's login page is",
                    existing.node.span.clone(),
                    "a pool with a domain of its own",
                )
                .help("set domain to the prefix in its address, https://PREFIX.auth.REGION.amazoncognito.com"),
            );
        }
    }
    let Some(domain) = view.at("auth.cognito.domain") else {
        return;
    };
    let text = domain.str().unwrap_or_default();
    if let Some(word) = RESERVED.iter().find(|word| text.contains(*word)) {
        mistakes.push(
            Mistake::new(
                format!("a login page's address may not have \"{word}\" in it"),
                domain.span.clone(),
                "Cognito refuses it",
            )
            .help("choose another prefix"),
        );
    }
}

/// An identity provider of one's own.
fn issuer(view: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(oidc) = view.entry_at("auth.oidc") else {
        let span = view.at("auth.provider").map_or(0..0, |n| n.span.clone());
        mistakes.push(
            Mistake::new("it is not said which issuer logs people in", span, "which one?").help(
                "add [auth.oidc] with issuer = \"https://login.example.com/\" and client_id = \"…\"",
            ),
        );
        return;
    };
    providers::secret(view, &oidc.node, mistakes);
    if let Some(entry) = oidc.node.entry("jwks_url") {
        mistakes.push(
            Mistake::new(
                "API Gateway finds an issuer's keys by its discovery document alone",
                entry.key.clone(),
                "cannot be told otherwise",
            )
            .help("remove it; the document is at <issuer>/.well-known/openid-configuration"),
        );
    }
    if let Some(issuer) = oidc.node.at("issuer")
        && issuer
            .str()
            .is_some_and(|url| url.trim_end_matches('/') == "https://accounts.google.com")
    {
        mistakes.push(
            Mistake::new(
                "Google's access tokens cannot be checked: they are no JWTs",
                issuer.span.clone(),
                "gives opaque tokens",
            )
            .help("let people log in with Google through a user pool: provider = \"cognito\" and social_providers = [\"google\"]"),
        );
    }
}

/// The login answers on the server's own address.
fn paths(view: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(path) = view.at("server.mcp_path") else {
        return;
    };
    let text = path.str().unwrap_or_default();
    if LOGIN_PATHS.contains(&text) || text.starts_with("/.well-known") {
        mistakes.push(
            Mistake::new(
                format!("with login, {text} belongs to the login"),
                path.span.clone(),
                "taken",
            )
            .help("choose another path, such as \"/mcp\""),
        );
    }
}

fn second_factor(view: &Node, provider: Option<&str>, mistakes: &mut Vec<Mistake>) {
    let Some(required) = view
        .entry_at("auth.mfa_required")
        .filter(|entry| entry.node.bool() == Some(true))
    else {
        return;
    };
    if provider == Some("oidc") {
        mistakes.push(
            Mistake::new(
                "whether a second factor is needed is for the issuer to say",
                required.key.clone(),
                "works with Cognito only",
            )
            .help("require it in the issuer's own settings, and remove this key"),
        );
    }
    if let Some(existing) = view.at("auth.cognito.user_pool_id") {
        mistakes.push(
            Mistake::new(
                "whether a second factor is needed is for the existing pool to say",
                required.key.clone(),
                "is about a pool that is made",
            )
            .also(existing.span.clone(), "this pool exists")
            .help("require it in the pool's own settings, and remove this key"),
        );
    }
    if let Some(mfa) = view.at("auth.cognito.mfa")
        && matches!(mfa.str(), Some("off" | "optional"))
    {
        mistakes.push(
            Mistake::new(
                "a second factor cannot be both required and not",
                mfa.span.clone(),
                "says it is not required",
            )
            .also(required.node.span.clone(), "says it is")
            .help("remove one of the two"),
        );
    }
}

/// Where nobody may be sent back to.
fn callbacks(view: &Node, mistakes: &mut Vec<Mistake>) {
    for item in view.list("auth.callback_urls") {
        let Some(url) = item.str() else { continue };
        let scheme = url.split(':').next().unwrap_or_default();
        let why = if matches!(
            scheme,
            "javascript" | "data" | "vbscript" | "file" | "about" | "blob"
        ) {
            "a page that runs what it is sent"
        } else if url.contains('#') {
            "has a fragment, which the answer would be lost in"
        } else if url.contains('*') {
            "callback URLs are compared exactly"
        } else if scheme == "http" && !loopback(url) {
            "the code would travel unencrypted"
        } else {
            continue;
        };
        mistakes.push(
            Mistake::new("nobody can be sent back there", item.span.clone(), why)
                .help("use https://, http://127.0.0.1 or a scheme of an app's own"),
        );
    }
}

fn loopback(url: &str) -> bool {
    let host = url.trim_start_matches("http://");
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(host, "127.0.0.1" | "localhost" | "::1")
}
