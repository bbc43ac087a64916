//! `[auth]`: login is yet to come, and nobody may believe that it is on.

use crate::mistake::Mistake;
use crate::model::Ttl;
use crate::node::Node;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

pub(super) fn check(view: &Node, mistakes: &mut Vec<Mistake>) {
    let enabled = view.entry_at("auth.enabled");
    let provider = view.at("auth.provider");
    let named = provider.and_then(Node::str).filter(|name| *name != "none");
    if let Some(entry) = enabled
        && entry.node.bool() == Some(true)
    {
        let who = match named {
            Some(name) => format!("login with {name}"),
            None => "login".to_owned(),
        };
        mistakes.push(
            Mistake::new(
                format!("{who} is not there yet in this version"),
                entry.node.span.clone(),
                "login is yet to come",
            )
            .help("set enabled = false to deploy without login: then anybody who knows the URL can call the server, unless it checks callers itself"),
        );
    } else if enabled.is_none()
        && let (Some(name), Some(provider)) = (named, provider)
    {
        mistakes.push(
            Mistake::new(
                format!("it is not said whether login with {name} is on"),
                provider.span.clone(),
                "chosen here, but not switched on or off",
            )
            .help("login is not there yet in this version: set enabled = false under [auth] to deploy without"),
        );
    }
    lifetime(
        view,
        "auth.cognito.access_token_ttl",
        (300, DAY),
        "5m to 1d",
        mistakes,
    );
    lifetime(
        view,
        "auth.cognito.refresh_token_ttl",
        (HOUR, 3_650 * DAY),
        "1h to 3650d",
        mistakes,
    );
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
