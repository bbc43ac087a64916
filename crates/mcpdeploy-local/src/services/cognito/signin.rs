//! The steps of a sign-in, however it comes: by the API or by the pages.

use time::Duration;

use super::model::{Client, Mfa, Pool, User, UserStatus};
use super::passing::{Pending, SetUpSecret, Step};
use super::password::{self, Wording};
use super::users::own;
use super::{Cognito, faults, random, totp};
use crate::cloud::Cloud;
use crate::wire::Fault;

/// Where a sign-in has got to.
#[derive(Debug)]
pub(super) enum Progress {
    /// The user is who they say; this is the key of their row.
    Done(String),
    /// There is another step, in this session.
    Wait { session: String, step: Step },
}

impl Cognito {
    /// The first step by password.
    pub(super) async fn sign_in(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        name: &str,
        password: &str,
    ) -> Result<Progress, Fault> {
        let found = self.state().user(&pool.id, name).map(own).ok();
        let now = cloud.now();
        let attempts = found.as_ref().map(|(key, _)| key.as_str());
        if attempts.is_some_and(|key| self.passing().locked(key, now)) {
            return Err(faults::not_authorized("Password attempts exceeded"));
        }
        let user = found.as_ref().map(|(_, user)| user);
        let right = password::is(cloud, user, password).await?;
        let Some((key, user)) = found else {
            return Err(unknown(client));
        };
        check_resettable(&user)?;
        if !right {
            self.passing().failed(&key, now);
            return Err(faults::wrong_password());
        }
        self.passing().succeeded(&key);
        self.after_password(cloud, pool, client, &key, &user)
    }

    /// What comes after the password was shown to be right.
    pub(super) fn after_password(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        key: &str,
        user: &User,
    ) -> Result<Progress, Fault> {
        if !user.enabled {
            return Err(faults::not_authorized("User is disabled."));
        }
        match user.status {
            UserStatus::Confirmed => Ok(self.after_new_password(cloud, pool, client, key, user)),
            UserStatus::Unconfirmed => Err(Fault::bad(
                "UserNotConfirmedException",
                "User is not confirmed.",
            )),
            UserStatus::ResetRequired => check_resettable(user)
                .map(|()| self.after_new_password(cloud, pool, client, key, user)),
            UserStatus::ForceChangePassword => {
                if user
                    .temporary_until
                    .is_some_and(|until| until <= cloud.now())
                {
                    return Err(faults::not_authorized(
                        "Temporary password has expired and must be reset by an administrator.",
                    ));
                }
                Ok(self.wait(cloud, client, key, Step::NewPassword))
            }
        }
    }

    /// What comes after the user has a password of their own.
    fn after_new_password(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        key: &str,
        user: &User,
    ) -> Progress {
        match (pool.mfa(), user.token_enabled()) {
            (Mfa::Optional | Mfa::On, true) => self.wait(cloud, client, key, Step::SoftwareToken),
            (Mfa::On, false) => {
                let step = Step::SetUp {
                    secret: None,
                    verified: false,
                };
                self.wait(cloud, client, key, step)
            }
            (Mfa::Off, _) | (Mfa::Optional, false) => Progress::Done(key.to_owned()),
        }
    }

    /// Keeps a sign-in until its next step.
    pub(super) fn wait(&self, cloud: &Cloud, client: &Client, key: &str, step: Step) -> Progress {
        let pending = Pending {
            client: client.id.clone(),
            user: key.to_owned(),
            step: step.clone(),
        };
        let lasts: Duration = client.session_validity();
        let session = self.passing().wait(pending, cloud.now(), lasts);
        Progress::Wait { session, step }
    }

    /// The sign-in of a session, which is good once.
    pub(super) fn resume(
        &self,
        cloud: &Cloud,
        client: &Client,
        session: &str,
    ) -> Result<(String, User, Step), Fault> {
        let pending = self.passing().resume(session, cloud.now());
        let pending = pending.filter(|pending| pending.client == client.id);
        let pending = pending.ok_or_else(|| {
            faults::not_authorized("Invalid session for the user, session is expired.")
        })?;
        let state = self.state();
        let user = state.users.get(&pending.user);
        let user = user.ok_or_else(faults::bad_session)?.clone();
        Ok((pending.user, user, pending.step))
    }

    /// The step in which a temporary password becomes the user's own. A password that does not do
    /// leaves the session as it was, for another try.
    pub(super) async fn new_password(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        session: &str,
        password: &str,
    ) -> Result<Progress, Fault> {
        password::check(pool.policy(), password, Wording::Other)?;
        let (key, user, step) = self.resume(cloud, client, session)?;
        if !matches!(step, Step::NewPassword) {
            return Err(faults::bad_session());
        }
        let hash = password::hash(cloud, &pool.id, &user.username, password).await?;
        let user = self.state().change_user(&key, |user| {
            user.password = Some(hash);
            user.status = UserStatus::Confirmed;
            user.temporary_until = None;
            user.modified = cloud.now();
            user.clone()
        })?;
        Ok(self.after_new_password(cloud, pool, client, &key, &user))
    }

    /// The step in which the user shows a code of their software token. A wrong code leaves the
    /// session as it was.
    pub(super) fn software_token(
        &self,
        cloud: &Cloud,
        client: &Client,
        session: &str,
        code: &str,
    ) -> Result<Progress, Fault> {
        let (key, user, step) = self.resume(cloud, client, session)?;
        if !matches!(step, Step::SoftwareToken) {
            return Err(faults::bad_session());
        }
        match self.check_token(cloud, &key, &user, code) {
            Ok(()) => Ok(Progress::Done(key)),
            Err(fault) => {
                let pending = Pending {
                    client: client.id.clone(),
                    user: key.clone(),
                    step,
                };
                // Six digits are not there to be guessed: the session goes when too many were wrong.
                let (now, lasts) = (cloud.now(), client.session_validity());
                let mut passing = self.passing();
                passing.failed(&key, now);
                if !passing.locked(&key, now) {
                    passing.wait_at(session.to_owned(), pending, now, lasts);
                }
                Err(fault)
            }
        }
    }

    /// Whether this is a code of the user's token that was not used before.
    fn check_token(&self, cloud: &Cloud, key: &str, user: &User, code: &str) -> Result<(), Fault> {
        let mismatch = || Fault::bad("CodeMismatchException", "Invalid code received for user");
        let token = user.token.as_ref().ok_or_else(mismatch)?;
        let secret = hex::decode(&token.secret.0).unwrap_or_default();
        let step = totp::step_of(&secret, code, cloud.now()).ok_or_else(mismatch)?;
        if step <= token.last_step {
            return Err(Fault::bad(
                "ExpiredCodeException",
                "Your software token has already been used once.",
            ));
        }
        self.state().change_user(key, |user| {
            if let Some(token) = &mut user.token {
                token.last_step = step;
            }
        })
    }

    /// A secret for a software token that is to be set up in this session, and the session anew.
    pub(super) fn begin_set_up(
        &self,
        cloud: &Cloud,
        session: &str,
    ) -> Result<(String, SetUpSecret), Fault> {
        let (now, secret) = (cloud.now(), SetUpSecret(random::bytes::<32>().to_vec()));
        let mut passing = self.passing();
        let pending = passing
            .resume(session, now)
            .ok_or_else(faults::bad_session)?;
        if !matches!(pending.step, Step::SetUp { .. }) {
            return Err(faults::bad_session());
        }
        let step = Step::SetUp {
            secret: Some(secret.clone()),
            verified: false,
        };
        let pending = Pending { step, ..pending };
        let session = passing.wait(pending, now, Duration::minutes(15));
        Ok((session, secret))
    }

    /// Whether the user has the software token that is being set up in this session; the session
    /// anew when they have.
    pub(super) fn end_set_up(
        &self,
        cloud: &Cloud,
        session: &str,
        code: &str,
    ) -> Result<String, Fault> {
        let now = cloud.now();
        let pending = self.passing().pending(session, now).cloned();
        let pending = pending.ok_or_else(faults::bad_session)?;
        let Step::SetUp {
            secret: Some(secret),
            ..
        } = &pending.step
        else {
            return Err(faults::bad_session());
        };
        let Some(step) = totp::step_of(&secret.0, code, now) else {
            let mut passing = self.passing();
            passing.failed(&pending.user, now);
            if passing.locked(&pending.user, now) {
                passing.resume(session, now);
            }
            return Err(Fault::bad(
                "EnableSoftwareTokenMFAException",
                "Code mismatch",
            ));
        };
        self.keep_token(&pending.user, &secret.0, step, true)?;
        let mut passing = self.passing();
        passing.resume(session, now);
        let step = Step::SetUp {
            secret: None,
            verified: true,
        };
        let pending = Pending { step, ..pending };
        Ok(passing.wait(pending, now, Duration::minutes(3)))
    }

    /// The last step of a sign-in in which a software token was set up.
    pub(super) fn after_set_up(
        &self,
        cloud: &Cloud,
        client: &Client,
        session: &str,
    ) -> Result<Progress, Fault> {
        let (key, _, step) = self.resume(cloud, client, session)?;
        match step {
            Step::SetUp { verified: true, .. } => Ok(Progress::Done(key)),
            Step::SetUp { .. } | Step::Password(_) | Step::NewPassword | Step::SoftwareToken => {
                Err(faults::bad_session())
            }
        }
    }
}

/// What a client hears of a user who does not exist.
pub(super) fn unknown(client: &Client) -> Fault {
    if client.tells_of_users() {
        faults::no_user()
    } else {
        faults::wrong_password()
    }
}

fn check_resettable(user: &User) -> Result<(), Fault> {
    if user.status == UserStatus::ResetRequired {
        return Err(Fault::bad(
            "PasswordResetRequiredException",
            "Password reset required for the user",
        ));
    }
    Ok(())
}
