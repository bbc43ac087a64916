//! What a person sees: the question, the way onward, and what went wrong. No script, no image, one
//! style sheet whose digest is in the policy; whatever a client says of itself is escaped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use sha2::{Digest as _, Sha256};

use super::answer::{self, Answer};
use super::client::{Client, Origin};
use super::flow::Ask;
use super::uri::{Reaches, Redirect};

const STYLE: &str = include_str!("page.css");

/// A scope as a person reads it.
pub(super) struct Shown<'s> {
    /// What it allows.
    pub(super) description: &'s str,
    /// What it is called.
    pub(super) name: &'s str,
}

/// Makes pages.
pub(super) struct Page {
    policy: String,
}

impl Page {
    pub(super) fn new() -> Self {
        let digest = STANDARD.encode(Sha256::digest(STYLE));
        Self {
            policy: format!(
                "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'"
            ),
        }
    }

    /// Asks whether `client` may have what it asks for. "Deny" is the first button, so that it is
    /// what a key pressed too early would choose.
    pub(super) fn consent(
        &self,
        client: &Client,
        ask: &Ask,
        resource: &str,
        scopes: &[Shown<'_>],
        action: &str,
        ticket: &str,
    ) -> Answer {
        let name = client
            .name
            .as_deref()
            .filter(|name| !name.is_empty())
            .unwrap_or("An app without a name");
        let (returns, local) = Redirect::parse(&ask.redirect_uri).map_or_else(
            |_| (String::new(), true),
            |redirect| (redirect.shown(), redirect.reaches != Reaches::Web),
        );
        let described = match client.origin {
            Origin::Document => Redirect::parse(&client.id).map_or_else(
                |_| String::new(),
                |url| format!("<dt>Described by</dt><dd>{}</dd>", escaped(&url.shown())),
            ),
            Origin::Known | Origin::Registered => String::new(),
        };
        let warned = match (client.origin, local) {
            (_, true) => {
                "<p class=\"warn\">Any program on this computer can ask in this name. \
                 Allow it only if you have just started the login yourself.</p>"
            }
            (Origin::Registered, false) => {
                "<p class=\"warn\">The app chose this name itself; nobody has checked it. \
                 Allow it only if you have just started the login there.</p>"
            }
            (Origin::Known | Origin::Document, false) => "",
        };
        let list = if scopes.is_empty() {
            "<p>It asks for nothing but that you log in.</p>".to_owned()
        } else {
            let items: String = scopes
                .iter()
                .map(|scope| {
                    let (description, name) = (escaped(scope.description), escaped(scope.name));
                    format!("<li>{description} <small>{name}</small></li>")
                })
                .collect();
            format!("<p>It will be able to:</p><ul>{items}</ul>")
        };
        let body = format!(
            "<h1>Let {name} use {resource}?</h1>\
             <dl><dt>App</dt><dd>{name}</dd>{described}\
             <dt>You return to</dt><dd>{returns}</dd></dl>\
             {warned}{list}\
             <form method=\"post\" action=\"{action}\">\
             <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
             <button type=\"submit\" name=\"decision\" value=\"deny\">Deny</button>\
             <button type=\"submit\" name=\"decision\" value=\"approve\" class=\"yes\">Allow</button>\
             </form>",
            name = escaped(name),
            resource = escaped(resource),
            returns = escaped(&returns),
            action = escaped(action),
            ticket = escaped(ticket),
        );
        self.page(StatusCode::OK, "Allow access?", "", &body)
    }

    /// Takes the person on to `location`. Not a redirect: the policy's `form-action` would have to
    /// name every site that a login leads over, and browsers check it along all redirects of a form.
    pub(super) fn onward(&self, location: &str) -> Answer {
        let location = escaped(location);
        let refresh = format!("<meta http-equiv=\"refresh\" content=\"0;url={location}\">");
        let body = format!("<h1>One moment…</h1><p><a href=\"{location}\">Go on</a></p>");
        self.page(StatusCode::OK, "One moment", &refresh, &body)
    }

    /// Says what went wrong, where no client may be told.
    pub(super) fn fault(&self, status: StatusCode, why: &str) -> Answer {
        let body = format!(
            "<h1>This cannot go on</h1><p>{}.</p>\
             <p>Nothing was allowed. Begin again from the app that sent you here.</p>",
            escaped(&sentence(why))
        );
        self.page(status, "This cannot go on", "", &body)
    }

    /// Says what went wrong, and lets the person go back to a site that nobody vouches for.
    pub(super) fn fault_of_stranger(
        &self,
        why: &str,
        redirect_uri: &str,
        location: &str,
    ) -> Answer {
        let shown = Redirect::parse(redirect_uri)
            .map_or_else(|_| String::new(), |redirect| redirect.shown());
        let body = format!(
            "<h1>This cannot go on</h1><p>{}.</p><p>Nothing was allowed.</p>\
             <p><a href=\"{}\" rel=\"noreferrer\">Go back to {}</a></p>",
            escaped(&sentence(why)),
            escaped(location),
            escaped(&shown),
        );
        self.page(StatusCode::BAD_REQUEST, "This cannot go on", "", &body)
    }

    fn page(&self, status: StatusCode, title: &str, head: &str, body: &str) -> Answer {
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title}</title>{head}<style>{STYLE}</style></head>\
             <body><main>{body}</main></body></html>"
        );
        answer::page(status, html, &self.policy)
    }
}

/// A fragment of a sentence as one of its own.
fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Text as HTML shows it, in elements and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}
