//! STS: who is calling, and credentials of roles.
//!
//! Nothing checks signatures or expiry: an access key only tells who is calling. A key that nobody
//! gave out is the account's root.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::cloud::{ACCOUNT, Cloud};
use crate::services::iam::{Who, random};
use crate::storage::{Collection, ReadError, Storage, StorageError};
use crate::wire::{Call, Fault, Reply, time};

/// How long the credentials of a function are good, as those that Lambda hands out.
const FUNCTION_SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// The service.
#[derive(Debug)]
pub(crate) struct Sts {
    /// By access key.
    sessions: Mutex<Collection<Session>>,
}

/// Who calls with credentials that were given out.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    arn: String,
    /// The user id: for a role `<role id>:<session>`.
    user_id: String,
    #[serde(with = "rfc3339")]
    expires: OffsetDateTime,
}

/// Temporary credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    pub(crate) expires: OffsetDateTime,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRole {
    role_arn: Option<String>,
    role_session_name: Option<String>,
    duration_seconds: Option<String>,
    external_id: Option<String>,
}

impl Sts {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            sessions: Mutex::new(storage.collection("sts.sessions")?),
        })
    }

    /// Answers a call.
    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let output = match call.operation.as_str() {
            "GetCallerIdentity" => {
                let (arn, user_id) = self.caller(cloud, &call.access_key);
                Ok(json!({ "UserId": user_id, "Account": ACCOUNT, "Arn": arn }))
            }
            "AssumeRole" => self.assume_role(cloud, call),
            "GetSessionToken" => self.session_token(cloud, call),
            "GetAccessKeyInfo" => Ok(json!({ "Account": ACCOUNT })),
            other => Err(Fault::absent(format!("sts.{other}"))),
        };
        output.map(Reply::output)
    }

    /// Credentials by which a service acts as a role, e.g. those in the environment of a function.
    /// The session has this name; GetCallerIdentity then tells it.
    ///
    /// # Errors
    /// When they cannot be kept.
    pub(crate) fn credentials_for(
        &self,
        cloud: &Cloud,
        role_arn: &str,
        session: &str,
    ) -> Result<Credentials, StorageError> {
        let facts = cloud.services().iam.facts(role_arn);
        // A function outlives its role; its session keeps the role's name.
        let (name, id) = match facts {
            Some(facts) => (facts.name, facts.id),
            None => {
                let name = role_arn.rsplit('/').next().unwrap_or(role_arn);
                (name.to_owned(), random("AROA", 17))
            }
        };
        let session = session_of(&name, &id, session, cloud.now() + FUNCTION_SESSION);
        self.give(cloud, session)
    }

    /// The ARN and the user id of a caller.
    fn caller(&self, cloud: &Cloud, access_key: &str) -> (String, String) {
        if let Some(session) = self.lock().get(access_key) {
            return (session.arn.clone(), session.user_id.clone());
        }
        let owner = cloud.services().iam.owner(access_key);
        owner.unwrap_or_else(|| (format!("arn:aws:iam::{ACCOUNT}:root"), ACCOUNT.to_owned()))
    }

    fn assume_role(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input: AssumeRole = call.typed()?;
        let role = input.role_arn.unwrap_or_default();
        if !(role.starts_with("arn:") && role.contains(":role/")) {
            return Err(invalid(format!("{role} is invalid")));
        }
        let name = input.role_session_name.unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&name.len()) || !name.chars().all(fits) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{name}' at 'roleSessionName' failed to \
                 satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            )));
        }
        let seconds = duration(input.duration_seconds.as_deref(), 3600)?;
        let (caller, _) = self.caller(cloud, &call.access_key);
        let who = Who::Caller {
            arn: &caller,
            external_id: input.external_id.as_deref(),
        };
        let facts = cloud.services().iam.assume(&role, who).ok_or_else(|| {
            Fault::new(
                StatusCode::FORBIDDEN,
                "AccessDenied",
                format!(
                    "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}"
                ),
            )
        })?;
        if seconds > facts.max_session {
            return Err(invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let expires = cloud.now() + Duration::from_secs(u64::from(seconds));
        let session = session_of(&facts.name, &facts.id, &name, expires);
        let user = json!({ "AssumedRoleId": session.user_id, "Arn": session.arn });
        let credentials = self.give(cloud, session)?;
        Ok(json!({ "Credentials": credentials.told(), "AssumedRoleUser": user }))
    }

    fn session_token(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input: AssumeRole = call.typed()?;
        let seconds = duration(input.duration_seconds.as_deref(), 43_200)?;
        let (arn, user_id) = self.caller(cloud, &call.access_key);
        if arn.contains(":assumed-role/") {
            return Err(Fault::new(
                StatusCode::FORBIDDEN,
                "AccessDenied",
                "Cannot call GetSessionToken with session credentials",
            ));
        }
        let expires = cloud.now() + Duration::from_secs(u64::from(seconds));
        let credentials = self.give(
            cloud,
            Session {
                arn,
                user_id,
                expires,
            },
        )?;
        Ok(json!({ "Credentials": credentials.told() }))
    }

    /// Gives out credentials, and forgets those that have expired.
    fn give(&self, cloud: &Cloud, session: Session) -> Result<Credentials, StorageError> {
        let credentials = Credentials {
            access_key_id: random("ASIA", 16),
            secret_access_key: random("", 20) + &random("", 20),
            session_token: (0..6).map(|_| random("", 32)).collect(),
            expires: session.expires,
        };
        let now = cloud.now();
        let mut sessions = self.lock();
        let expired: Vec<String> = sessions
            .iter()
            .filter(|(_, session)| session.expires < now)
            .map(|(key, _)| key.to_owned())
            .collect();
        for key in expired {
            sessions.remove(&key)?;
        }
        sessions.put(&credentials.access_key_id, session)?;
        Ok(credentials)
    }

    fn lock(&self) -> MutexGuard<'_, Collection<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credentials {
    fn told(&self) -> Value {
        json!({
            "AccessKeyId": self.access_key_id,
            "SecretAccessKey": self.secret_access_key,
            "SessionToken": self.session_token,
            "Expiration": time(self.expires),
        })
    }
}

fn session_of(role: &str, role_id: &str, session: &str, expires: OffsetDateTime) -> Session {
    Session {
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"),
        user_id: format!("{role_id}:{session}"),
        expires,
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::bad("ValidationError", message)
}

/// How long credentials are to be good: 15 minutes to 36 hours, in seconds.
fn duration(given: Option<&str>, default: u32) -> Result<u32, Fault> {
    let Some(text) = given else {
        return Ok(default);
    };
    let constraint = match text.parse::<u32>() {
        Ok(seconds @ 900..=129_600) => return Ok(seconds),
        Ok(seconds) if seconds > 129_600 => "Member must have value less than or equal to 129600",
        Ok(_) | Err(_) => "Member must have value greater than or equal to 900",
    };
    Err(invalid(format!(
        "1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy \
         constraint: {constraint}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_bounds() {
        assert_eq!(duration(None, 3600).unwrap(), 3600);
        assert_eq!(duration(Some("900"), 3600).unwrap(), 900);
        for bad in ["899", "129601", "long"] {
            assert_eq!(duration(Some(bad), 1).unwrap_err().code, "ValidationError");
        }
    }
}
