//! The sign-in page and the steps after it: another password, a second factor.

use http::Response;

use super::super::Cognito;
use super::super::model::Domain;
use super::super::passing::Step;
use super::super::signin::Progress;
use super::super::totp;
use super::ask::Ask;
use super::authorize::refused;
use super::html::{Field, Kind, Page};
use super::visit::Visit;
use crate::cloud::Cloud;
use crate::wire::{Body, Fault};

/// A form that was not sent from a page that this browser got from us not long ago.
pub(super) const FOREIGN: &str = "This page was open for too long. Please try again.";

impl Cognito {
    pub(super) async fn login_page(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let ask = match self.ask(domain, visit) {
            Ok(ask) => ask,
            Err(refusal) => return refused(visit, &refusal),
        };
        if let Some(response) = self.without_password(cloud, visit, &ask).await {
            return response;
        }
        sign_in_page(
            visit,
            &ask,
            visit.query("login_hint").unwrap_or_default(),
            None,
        )
    }

    pub(super) async fn login(
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
            return sign_in_page(visit, &ask, name, Some(FOREIGN));
        }
        let password = visit.form("password").unwrap_or_default();
        let progress = self
            .sign_in(cloud, &ask.pool, &ask.client, name, password)
            .await;
        match progress {
            Ok(progress) => self.next_page(cloud, visit, &ask, progress).await,
            Err(fault) => match fault.code.as_str() {
                "UserNotConfirmedException" => super::people::confirm_page(visit, &ask, name, None),
                "PasswordResetRequiredException" => {
                    super::people::reset_page(visit, &ask, name, None)
                }
                _ => sign_in_page(visit, &ask, name, Some(&fault.message)),
            },
        }
    }

    /// The way back to the client, or the page of the next step.
    pub(super) async fn next_page(
        &self,
        cloud: &Cloud,
        visit: &Visit,
        ask: &Ask,
        progress: Progress,
    ) -> Response<Body> {
        match progress {
            Progress::Done(user) => self.enter(cloud, visit, ask, &user).await,
            Progress::Wait { session, step } => match step {
                Step::NewPassword => new_password_page(visit, ask, &session, None),
                Step::SoftwareToken => code_page(visit, ask, &session, None),
                Step::SetUp { .. } => match self.begin_set_up(cloud, &session) {
                    Ok((session, secret)) => {
                        let secret = totp::base32(&secret.0);
                        set_up_page(visit, ask, &session, &secret, None)
                    }
                    Err(fault) => sign_in_page(visit, ask, "", Some(&fault.message)),
                },
                Step::Password(_) => sign_in_page(visit, ask, "", None),
            },
        }
    }

    pub(super) async fn change_temporary(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let (ask, session) = match self.step(domain, visit) {
            Ok(step) => step,
            Err(response) => return response,
        };
        let password = visit.form("new_password").unwrap_or_default();
        if visit.form("confirm_password").unwrap_or_default() != password {
            let error = "The passwords are not the same.";
            return new_password_page(visit, &ask, session, Some(error));
        }
        let progress = self
            .new_password(cloud, &ask.pool, &ask.client, session, password)
            .await;
        match progress {
            Ok(progress) => self.next_page(cloud, visit, &ask, progress).await,
            Err(fault) if fault.code == "InvalidPasswordException" => {
                new_password_page(visit, &ask, session, Some(&fault.message))
            }
            Err(fault) => sign_in_page(visit, &ask, "", Some(&fault.message)),
        }
    }

    pub(super) async fn second_factor(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let (ask, session) = match self.step(domain, visit) {
            Ok(step) => step,
            Err(response) => return response,
        };
        let code = visit.form("code").unwrap_or_default().trim();
        match self.software_token(cloud, &ask.client, session, code) {
            Ok(progress) => self.next_page(cloud, visit, &ask, progress).await,
            Err(fault) if self.waits(cloud, session) => {
                code_page(visit, &ask, session, Some(&fault.message))
            }
            Err(fault) => sign_in_page(visit, &ask, "", Some(&fault.message)),
        }
    }

    pub(super) async fn set_up_factor(
        &self,
        cloud: &Cloud,
        domain: &Domain,
        visit: &Visit,
    ) -> Response<Body> {
        let (ask, session) = match self.step(domain, visit) {
            Ok(step) => step,
            Err(response) => return response,
        };
        let code = visit.form("code").unwrap_or_default().trim();
        let done = self
            .end_set_up(cloud, session, code)
            .and_then(|session| self.after_set_up(cloud, &ask.client, &session));
        match done {
            Ok(progress) => self.next_page(cloud, visit, &ask, progress).await,
            Err(fault) => match self.shown_secret(cloud, session) {
                Some(secret) => set_up_page(visit, &ask, session, &secret, Some(&words(&fault))),
                None => sign_in_page(visit, &ask, "", Some(&fault.message)),
            },
        }
    }

    /// What was asked for and the session of a later step, when the form is from a page of ours.
    fn step<'a>(
        &self,
        domain: &Domain,
        visit: &'a Visit,
    ) -> Result<(Ask, &'a str), Response<Body>> {
        let ask = self.ask(domain, visit);
        let ask = ask.map_err(|refusal| refused(visit, &refusal))?;
        match visit.form("session") {
            Some(session) if visit.is_own_form() => Ok((ask, session)),
            Some(_) | None => Err(sign_in_page(visit, &ask, "", Some(FOREIGN))),
        }
    }

    /// Whether a session still waits for its step.
    fn waits(&self, cloud: &Cloud, session: &str) -> bool {
        self.passing().pending(session, cloud.now()).is_some()
    }

    /// The secret of a software token that is being set up.
    fn shown_secret(&self, cloud: &Cloud, session: &str) -> Option<String> {
        let passing = self.passing();
        match &passing.pending(session, cloud.now())?.step {
            Step::SetUp {
                secret: Some(secret),
                ..
            } => Some(totp::base32(&secret.0)),
            Step::SetUp { secret: None, .. }
            | Step::Password(_)
            | Step::NewPassword
            | Step::SoftwareToken => None,
        }
    }
}

/// A fault in words for people, where AWS's are for programs.
fn words(fault: &Fault) -> String {
    match fault.code.as_str() {
        "EnableSoftwareTokenMFAException" => "The code is not right. Please try again.".to_owned(),
        _ => fault.message.clone(),
    }
}

fn sign_in_page(visit: &Visit, ask: &Ask, name: &str, error: Option<&str>) -> Response<Body> {
    let by = ask.pool.list("UsernameAttributes");
    let aliases = ask.pool.list("AliasAttributes");
    let has = |list: &[String], item: &str| list.iter().any(|one| one == item);
    let label = match (has(&by, "email"), has(&by, "phone_number")) {
        (true, true) => "Email address or phone number",
        (true, false) => "Email address",
        (false, true) => "Phone number",
        (false, false) if has(&aliases, "email") => "User name or email address",
        (false, false) => "User name",
    };
    let mut links = vec![(visit.here("/forgotPassword"), "Forgot your password?")];
    if !ask.pool.admin_only() {
        links.push((visit.here("/signup"), "Sign up"));
    }
    Page {
        title: "Sign in",
        client: &ask.client.name,
        error,
        action: visit.here("/login"),
        fields: vec![
            Field {
                name: "username",
                label,
                kind: Kind::Username,
                value: name,
            },
            Field {
                name: "password",
                label: "Password",
                kind: Kind::Password,
                value: "",
            },
        ],
        button: "Sign in",
        links,
        ..Page::default()
    }
    .response(visit)
}

fn new_password_page(
    visit: &Visit,
    ask: &Ask,
    session: &str,
    error: Option<&str>,
) -> Response<Body> {
    Page {
        title: "Choose a new password",
        client: &ask.client.name,
        text: "Your password was temporary. Please choose one of your own.",
        error,
        action: visit.here("/changePassword"),
        hidden: vec![("session", session)],
        fields: vec![
            Field::NEW_PASSWORD,
            Field {
                name: "confirm_password",
                label: "New password again",
                kind: Kind::NewPassword,
                value: "",
            },
        ],
        button: "Continue",
        ..Page::default()
    }
    .response(visit)
}

fn code_page(visit: &Visit, ask: &Ask, session: &str, error: Option<&str>) -> Response<Body> {
    Page {
        title: "Enter your code",
        client: &ask.client.name,
        text: "Your authenticator app shows a code of six digits.",
        error,
        action: visit.here("/mfa"),
        hidden: vec![("session", session)],
        fields: vec![Field::CODE],
        button: "Sign in",
        ..Page::default()
    }
    .response(visit)
}

fn set_up_page(
    visit: &Visit,
    ask: &Ask,
    session: &str,
    secret: &str,
    error: Option<&str>,
) -> Response<Body> {
    Page {
        title: "Set up an authenticator app",
        client: &ask.client.name,
        text: "Add an account to your authenticator app with this key, and enter the code that it shows.",
        error,
        shown: Some(secret),
        action: visit.here("/mfaSetup"),
        hidden: vec![("session", session)],
        fields: vec![Field::CODE],
        button: "Continue",
        ..Page::default()
    }
    .response(visit)
}
