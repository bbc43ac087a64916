//! The pages of people who sign up, and of those who forgot their password.

use http::Response;

use super::super::model::Domain;
use super::super::{Cognito, users};
use super::ask::Ask;
use super::authorize::refused;
use super::html::{Field, Kind, Page};
use super::login::FOREIGN;
use super::visit::{Visit, redirect};
use crate::cloud::Cloud;
use crate::wire::{Body, Fault};

impl Cognito {
    pub(super) fn sign_up_page(&self, domain: &Domain, visit: &Visit) -> Response<Body> {
        match self.ask(domain, visit) {
            Ok(ask) if ask.pool.admin_only() => redirect(&visit.here("/login"), None),
            Ok(ask) => sign_up_page(visit, &ask, None),
            Err(refusal) => refused(visit, &refusal),
        }
    }

    pub(super) async fn sign_up_form(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let ask = match self.ask(domain, visit) {
            Ok(ask) => ask,
            Err(refusal) => return refused(visit, &refusal),
        };
        if !visit.is_own_form() {
            return sign_up_page(visit, &ask, Some(FOREIGN));
        }
        let name = visit.form("username").unwrap_or_default().trim();
        let password = visit.form("password").unwrap_or_default();
        // Only what the page asks for: the form is the visitor's to write.
        let asked = asked_attributes(&ask);
        let attributes = visit
            .fields()
            .iter()
            .filter(|(field, value)| asked.contains(field) && !value.is_empty())
            .cloned()
            .collect();
        let made = self
            .register(cloud, &ask.pool, name, password, attributes)
            .await;
        match made {
            Ok(_) => confirm_page(visit, &ask, name, None),
            Err(fault) => sign_up_page(visit, &ask, Some(&fault.message)),
        }
    }

    pub(super) fn confirm_form(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        self.with_name(domain, visit, confirm_page, |ask, name| {
            let code = visit.form("code").unwrap_or_default().trim();
            self.confirm(cloud, &ask.pool, &ask.client, name, code)?;
            // The password has to be shown now: whoever has the code need not be who signed up.
            Ok(redirect(&visit.here("/login"), None))
        })
    }

    pub(super) fn resend_form(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        self.with_name(domain, visit, confirm_page, |ask, name| {
            self.resend(cloud, &ask.pool, &ask.client, name)?;
            Ok(confirm_page(visit, ask, name, None))
        })
    }

    pub(super) fn forgot_page(&self, domain: &Domain, visit: &Visit) -> Response<Body> {
        match self.ask(domain, visit) {
            Ok(ask) => forgot_page(visit, &ask, "", None),
            Err(refusal) => refused(visit, &refusal),
        }
    }

    pub(super) fn forgot_form(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        self.with_name(domain, visit, forgot_page, |ask, name| {
            let found = self.state().user(&ask.pool.id, name).map(users::own);
            match found {
                Ok((key, user)) => {
                    self.send_reset(cloud, &ask.pool, &key, &user)?;
                }
                Err(fault) if ask.client.tells_of_users() => return Err(fault),
                // Nobody learns here who exists.
                Err(_) => {}
            }
            Ok(reset_page(visit, ask, name, None))
        })
    }

    pub(super) async fn reset_form(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let ask = match self.ask(domain, visit) {
            Ok(ask) => ask,
            Err(refusal) => return refused(visit, &refusal),
        };
        let name = visit.form("username").unwrap_or_default().trim();
        if !visit.is_own_form() {
            return reset_page(visit, &ask, name, Some(FOREIGN));
        }
        let code = visit.form("code").unwrap_or_default().trim();
        let password = visit.form("new_password").unwrap_or_default();
        let done = self
            .reset_password(cloud, &ask.pool, &ask.client, name, code, password)
            .await;
        match done {
            Ok(()) => redirect(&visit.here("/login"), None),
            Err(fault) => reset_page(visit, &ask, name, Some(&fault.message)),
        }
    }

    /// Does what a form with a user's name asks for; a fault goes on `again`, the form's own page.
    fn with_name(
        &self,
        domain: &Domain,
        visit: &Visit,
        again: fn(&Visit, &Ask, &str, Option<&str>) -> Response<Body>,
        act: impl FnOnce(&Ask, &str) -> Result<Response<Body>, Fault>,
    ) -> Response<Body> {
        let ask = match self.ask(domain, visit) {
            Ok(ask) => ask,
            Err(refusal) => return refused(visit, &refusal),
        };
        let name = visit.form("username").unwrap_or_default().trim();
        if !visit.is_own_form() {
            return again(visit, &ask, name, Some(FOREIGN));
        }
        act(&ask, name).unwrap_or_else(|fault| again(visit, &ask, name, Some(&fault.message)))
    }
}

/// The attributes that a sign-up page asks for besides the name: those that the pool requires or
/// verifies.
fn asked_attributes(ask: &Ask) -> Vec<String> {
    let by = ask.pool.list("UsernameAttributes");
    let verified = ask.pool.list("AutoVerifiedAttributes");
    ask.pool
        .schema
        .iter()
        .map(|attribute| (attribute, &attribute.name))
        .filter(|(attribute, name)| attribute.required || verified.contains(name))
        .filter(|(_, name)| *name != "sub" && by.first() != Some(name))
        .map(|(_, name)| name.clone())
        .collect()
}

fn sign_up_page(visit: &Visit, ask: &Ask, error: Option<&str>) -> Response<Body> {
    let by = ask.pool.list("UsernameAttributes");
    let (label, kind) = match by.first().map(String::as_str) {
        Some("email") => ("Email address", Kind::Email),
        Some(_) => ("Phone number", Kind::Phone),
        None => ("User name", Kind::Username),
    };
    let asked = asked_attributes(ask);
    let labels: Vec<String> = asked.iter().map(|name| label_of(name)).collect();
    let mut fields = vec![Field {
        name: "username",
        label,
        kind,
        value: visit.form("username").unwrap_or_default(),
    }];
    for (name, label) in asked.iter().zip(&labels) {
        let kind = match name.as_str() {
            "email" => Kind::Email,
            "phone_number" => Kind::Phone,
            _ => Kind::Text,
        };
        let value = visit.form(name).unwrap_or_default();
        fields.push(Field {
            name,
            label,
            kind,
            value,
        });
    }
    fields.push(Field {
        name: "password",
        label: "Password",
        kind: Kind::NewPassword,
        value: "",
    });
    Page {
        title: "Sign up",
        client: &ask.client.name,
        error,
        action: visit.here("/signup"),
        fields,
        button: "Sign up",
        links: vec![(visit.here("/login"), "Have an account already? Sign in")],
        ..Page::default()
    }
    .response(visit)
}

/// `phone_number` as people read it: `Phone number`.
fn label_of(attribute: &str) -> String {
    let bare = attribute.trim_start_matches("custom:").replace('_', " ");
    let mut letters = bare.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

pub(super) fn confirm_page(
    visit: &Visit,
    ask: &Ask,
    name: &str,
    error: Option<&str>,
) -> Response<Body> {
    Page {
        title: "Confirm your account",
        client: &ask.client.name,
        text: "We sent you a code. Please enter it here.",
        error,
        action: visit.here("/confirmUser"),
        hidden: vec![("username", name)],
        fields: vec![Field::CODE],
        button: "Confirm",
        other: Some((visit.here("/resendcode"), "Send another code")),
        links: vec![(visit.here("/login"), "Sign in")],
        ..Page::default()
    }
    .response(visit)
}

fn forgot_page(visit: &Visit, ask: &Ask, name: &str, error: Option<&str>) -> Response<Body> {
    Page {
        title: "Forgot your password?",
        client: &ask.client.name,
        text: "We send you a code by which you can set another.",
        error,
        action: visit.here("/forgotPassword"),
        fields: vec![Field {
            name: "username",
            label: "User name",
            kind: Kind::Username,
            value: name,
        }],
        button: "Send the code",
        links: vec![(visit.here("/login"), "Sign in")],
        ..Page::default()
    }
    .response(visit)
}

pub(super) fn reset_page(
    visit: &Visit,
    ask: &Ask,
    name: &str,
    error: Option<&str>,
) -> Response<Body> {
    Page {
        title: "Set a new password",
        client: &ask.client.name,
        text: "We sent you a code. Please enter it here, with a new password.",
        error,
        action: visit.here("/confirmForgotPassword"),
        hidden: vec![("username", name)],
        fields: vec![Field::CODE, Field::NEW_PASSWORD],
        button: "Set the password",
        links: vec![(visit.here("/login"), "Sign in")],
        ..Page::default()
    }
    .response(visit)
}
