//! How the pages look: one template, one style, no scripts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::visit::{Visit, private};
use crate::wire::{Body, full};

const STYLE: &str = include_str!("page.css");

/// A field of a form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: Kind,
    pub(super) value: &'a str,
}

impl Field<'_> {
    /// Where a code goes that we sent, or that an authenticator app shows.
    pub(super) const CODE: Self = Self {
        name: "code",
        label: "Code",
        kind: Kind::Code,
        value: "",
    };
    /// Where somebody chooses a password.
    pub(super) const NEW_PASSWORD: Self = Self {
        name: "new_password",
        label: "New password",
        kind: Kind::NewPassword,
        value: "",
    };
}

/// What is typed into a field, for keyboards and password managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Username,
    Email,
    Phone,
    Text,
    Password,
    NewPassword,
    Code,
}

impl Kind {
    const fn attributes(self) -> &'static str {
        match self {
            Self::Username => {
                r#"type="text" autocomplete="username" autocapitalize="none" spellcheck="false""#
            }
            Self::Email => r#"type="email" autocomplete="email" spellcheck="false""#,
            Self::Phone => r#"type="tel" autocomplete="tel""#,
            Self::Text => r#"type="text""#,
            Self::Password => r#"type="password" autocomplete="current-password""#,
            Self::NewPassword => r#"type="password" autocomplete="new-password""#,
            Self::Code => {
                r#"type="text" inputmode="numeric" autocomplete="one-time-code" spellcheck="false""#
            }
        }
    }
}

/// A page with a form.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// The client's name.
    pub(super) client: &'a str,
    pub(super) text: &'a str,
    pub(super) error: Option<&'a str>,
    /// Something to read off the page and type elsewhere.
    pub(super) shown: Option<&'a str>,
    pub(super) action: String,
    pub(super) fields: Vec<Field<'a>>,
    pub(super) hidden: Vec<(&'a str, &'a str)>,
    pub(super) button: &'a str,
    /// A second form, with nothing to type: its action and its button.
    pub(super) other: Option<(String, &'a str)>,
    /// Address and text.
    pub(super) links: Vec<(String, &'a str)>,
}

/// Text as it may stand in a page, also between quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

impl Page<'_> {
    /// The page, with the cookie that its forms need.
    pub(super) fn response(&self, visit: &Visit) -> Response<Body> {
        let status = if self.error.is_some() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        let mut response = document(status, self.title, &self.body(visit.csrf()));
        if let Some(cookie) = visit.csrf_cookie() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    fn body(&self, csrf: &str) -> String {
        let mut html = String::new();
        if !self.client.is_empty() {
            add(
                &mut html,
                &format!("<p class=\"client\">{}</p>", escape(self.client)),
            );
        }
        add(&mut html, &format!("<h1>{}</h1>", escape(self.title)));
        if !self.text.is_empty() {
            add(&mut html, &format!("<p>{}</p>", escape(self.text)));
        }
        if let Some(error) = self.error {
            let error = escape(error);
            add(
                &mut html,
                &format!("<p class=\"error\" role=\"alert\">{error}</p>"),
            );
        }
        if let Some(shown) = self.shown {
            add(&mut html, &format!("<p><code>{}</code></p>", escape(shown)));
        }
        let mut hidden = String::new();
        for (name, value) in self.hidden.iter().chain([&("_csrf", csrf)]) {
            let (name, value) = (escape(name), escape(value));
            add(
                &mut hidden,
                &format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"),
            );
        }
        let action = escape(&self.action);
        add(
            &mut html,
            &format!("<form method=\"post\" action=\"{action}\">{hidden}"),
        );
        // Where something is filled in already, the first empty field is the one to type in.
        let first = self.fields.iter().position(|field| field.value.is_empty());
        for (index, field) in self.fields.iter().enumerate() {
            let (name, value) = (escape(field.name), escape(field.value));
            let focus = if Some(index) == first {
                " autofocus"
            } else {
                ""
            };
            add(
                &mut html,
                &format!(
                    "<label for=\"{name}\">{}</label><input id=\"{name}\" name=\"{name}\" value=\"{value}\" {} required{focus}>",
                    escape(field.label),
                    field.kind.attributes(),
                ),
            );
        }
        let button = escape(self.button);
        add(&mut html, &format!("<button>{button}</button></form>"));
        if let Some((action, button)) = &self.other {
            let (action, button) = (escape(action), escape(button));
            add(
                &mut html,
                &format!(
                    "<form method=\"post\" action=\"{action}\">{hidden}<button class=\"quiet\">{button}</button></form>"
                ),
            );
        }
        if !self.links.is_empty() {
            html.push_str("<nav>");
            for (address, text) in &self.links {
                let (address, text) = (escape(address), escape(text));
                add(&mut html, &format!("<a href=\"{address}\">{text}</a>"));
            }
            html.push_str("</nav>");
        }
        html
    }
}

fn add(html: &mut String, part: &str) {
    html.push_str(part);
    html.push('\n');
}

/// A page that only says something.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    let body = format!("<h1>{}</h1>\n<p>{}</p>", escape(title), escape(text));
    document(status, title, &body)
}

/// What went wrong with an address, as Cognito shows it.
pub(super) fn error(error: &str) -> Response<Body> {
    let title = "An error was encountered with the requested page.";
    let body = format!(
        "<h1>{title}</h1>\n<p class=\"error\" role=\"alert\">{}</p>",
        escape(error)
    );
    document(StatusCode::BAD_REQUEST, "Error", &body)
}

/// What the embedded cloud does not have.
pub(super) fn absent(text: &str) -> Response<Body> {
    message(StatusCode::NOT_IMPLEMENTED, "Not available here", text)
}

fn document(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let title = escape(title);
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    );
    let mut response = Response::new(full(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // No `form-action`: browsers hold the redirects after a form to it as well, and they lead to the
    // client and from there to wherever it wants.
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    private(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_type_becomes_markup() {
        let page = Page {
            title: "<b>",
            client: "\"><script>",
            error: Some("'&'"),
            fields: vec![Field {
                name: "username",
                label: "User name",
                kind: Kind::Username,
                value: "\" onfocus=\"x",
            }],
            ..Page::default()
        };
        let html = page.body("token");
        for bad in ["<b>", "<script>", "onfocus=\"x", "'&'"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
        assert!(html.contains("&quot; onfocus=&quot;x"));
    }
}
