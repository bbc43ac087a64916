//! Signing in by the API: `InitiateAuth` and what answers its challenges.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::input::Input;
use super::model::{Client, Granted, Pool};
use super::passing::{Pending, Step};
use super::signin::{Progress, unknown};
use super::tokens::Tokens;
use super::users::own;
use super::{Cognito, doors, faults, random, secret_hash, srp};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault};

/// Who calls: the administrator's operations name the pool and may do more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Anybody,
    Admin,
}

const FLOWS: [&str; 8] = [
    "USER_SRP_AUTH",
    "REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN",
    "CUSTOM_AUTH",
    "ADMIN_NO_SRP_AUTH",
    "USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "USER_AUTH",
];

impl Cognito {
    pub(super) async fn initiate_auth(
        &self,
        cloud: &Cloud,
        call: &Call,
        caller: Caller,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let (pool, client) = self.pool_and_client(input, caller)?;
        let flow = input.one_of("AuthFlow", &FLOWS)?.unwrap_or_default();
        let parameters = input.map("AuthParameters")?;
        let parameter = |name: &str| {
            let missing = || faults::parameter(format!("Missing required parameter {name}"));
            parameters.get(name).map(String::as_str).ok_or_else(missing)
        };
        let hash = parameters.get("SECRET_HASH").map(String::as_str);
        let not_enabled = |allowed: bool| match (allowed, caller) {
            (true, _) => Ok(()),
            (false, Caller::Admin) => {
                Err(faults::parameter("Auth flow not enabled for this client"))
            }
            (false, Caller::Anybody) => Err(faults::parameter(format!(
                "{flow} flow not enabled for this client"
            ))),
        };
        let progress = match (flow, caller) {
            ("USER_PASSWORD_AUTH", Caller::Anybody) => {
                not_enabled(client.allows_flow("ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"))?;
                let name = parameter("USERNAME")?;
                secret_hash::check(&client, name, hash)?;
                self.sign_in(cloud, &pool, &client, name, parameter("PASSWORD")?)
                    .await?
            }
            ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Admin) => {
                not_enabled(
                    client.allows_flow("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"),
                )?;
                let name = parameter("USERNAME")?;
                secret_hash::check(&client, name, hash)?;
                self.sign_in(cloud, &pool, &client, name, parameter("PASSWORD")?)
                    .await?
            }
            ("USER_SRP_AUTH", _) => {
                not_enabled(client.allows_flow("ALLOW_USER_SRP_AUTH", "USER_SRP_AUTH"))?;
                let name = parameter("USERNAME")?;
                secret_hash::check(&client, name, hash)?;
                let number = parameter("SRP_A")?;
                return self.begin_srp(cloud, &pool, &client, name, number).await;
            }
            ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) => {
                not_enabled(client.allows_flow("ALLOW_REFRESH_TOKEN_AUTH", ""))?;
                let token = parameter("REFRESH_TOKEN")?;
                self.check_refresh_hash(cloud, &client, token, hash)?;
                let base = doors::base(cloud, &call.headers);
                let tokens = self.refresh(cloud, &base, &client.id, token).await?;
                return Ok(result(&tokens));
            }
            ("CUSTOM_AUTH" | "USER_AUTH", _) => {
                return Err(Fault::absent(format!("the flow {flow}")));
            }
            _ => return Err(faults::parameter("Initiate Auth method not supported")),
        };
        self.progress(cloud, call, &client, progress).await
    }

    /// The hash of a refresh is of the user's name, or of their `sub`.
    fn check_refresh_hash(
        &self,
        cloud: &Cloud,
        client: &Client,
        token: &str,
        hash: Option<&str>,
    ) -> Result<(), Fault> {
        let grant = self.grant(cloud, &client.id, token)?;
        let state = self.state();
        let user = state.users.get(&grant.user).ok_or_else(faults::no_user)?;
        secret_hash::check(client, &user.username, hash)
            .or_else(|fault| secret_hash::check(client, &user.sub, hash).map_err(|_| fault))
    }

    fn pool_and_client(&self, input: Input<'_>, caller: Caller) -> Result<(Pool, Client), Fault> {
        let state = self.state();
        let id = input.filled("ClientId")?;
        if caller == Caller::Admin {
            let pool = input.text("UserPoolId")?;
            return Ok((state.pool(pool)?.clone(), state.client(pool, id)?.clone()));
        }
        let (pool, client) = state.client_by_id(id)?;
        Ok((pool.clone(), client.clone()))
    }

    async fn begin_srp(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        name: &str,
        number: &str,
    ) -> Result<Value, Fault> {
        let found = self.state().user(&pool.id, name).map(own);
        let now = cloud.now();
        let (key, username, kept) = match found {
            Ok((key, user)) => {
                if self.passing().locked(&key, now) {
                    return Err(faults::not_authorized("Password attempts exceeded"));
                }
                (key, user.username.clone(), user.password)
            }
            Err(fault) if client.tells_of_users() => return Err(fault),
            // Who does not exist gets a challenge that no password answers.
            Err(_) => (format!("{}/", pool.id), name.to_owned(), None),
        };
        let (pool_id, user, number) = (pool.id.clone(), username.clone(), number.to_owned());
        let work = move || {
            let (salt, verifier) = match kept {
                Some(kept) => (kept.srp_salt.0, kept.srp_verifier.0),
                None => srp::verifier(&pool_id, &user, &random::token()),
            };
            srp::exchange(&verifier, &number).map(|(server, exchange)| (salt, server, exchange))
        };
        let answer = cloud.tasks().spawn_blocking(work).await;
        let answer = answer.map_err(|_| Fault::internal("an SRP exchange failed"))?;
        let (salt, server, exchange) =
            answer.ok_or_else(|| faults::parameter("Invalid SRP_A value"))?;
        let block = STANDARD.encode(random::bytes::<48>());
        let pending = Pending {
            client: client.id.clone(),
            user: key,
            step: Step::Password(Box::new(exchange)),
        };
        self.passing()
            .wait_at(block.clone(), pending, now, client.session_validity());
        Ok(json!({
            "ChallengeName": "PASSWORD_VERIFIER",
            "ChallengeParameters": {
                "SALT": salt,
                "SECRET_BLOCK": block,
                "SRP_B": server,
                "USERNAME": username,
                "USER_ID_FOR_SRP": username,
            },
        }))
    }

    /// The proof of the password, by the block of the challenge that it answers.
    fn end_srp(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        client: &Client,
        response: impl Fn(&str) -> Result<String, Fault>,
    ) -> Result<Progress, Fault> {
        let (block, name) = (
            response("PASSWORD_CLAIM_SECRET_BLOCK")?,
            response("USERNAME")?,
        );
        let decode = |text: &str| STANDARD.decode(text).unwrap_or_default();
        let signature = decode(&response("PASSWORD_CLAIM_SIGNATURE")?);
        let timestamp = response("TIMESTAMP")?;
        let now = cloud.now();
        let pending = self.passing().resume(&block, now);
        let pending = pending.filter(|pending| pending.client == client.id);
        let pending = pending.ok_or_else(faults::wrong_password)?;
        let Step::Password(exchange) = &pending.step else {
            return Err(faults::bad_session());
        };
        let found = self.state().users.get(&pending.user).cloned();
        let user = found.ok_or_else(|| unknown(client))?;
        let means = self.state().find_user(pool, &name);
        let proves = exchange.proves(
            &pool.id,
            &user.username,
            &decode(&block),
            &timestamp,
            &signature,
        );
        if means.as_ref() != Some(&pending.user) || !proves {
            self.passing().failed(&pending.user, now);
            return Err(faults::wrong_password());
        }
        self.passing().succeeded(&pending.user);
        self.after_password(cloud, pool, client, &pending.user, &user)
    }

    pub(super) async fn respond_to_challenge(
        &self,
        cloud: &Cloud,
        call: &Call,
        caller: Caller,
    ) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let (pool, client) = self.pool_and_client(input, caller)?;
        let responses = input.map("ChallengeResponses")?;
        let response = |name: &str| {
            let missing = || faults::parameter(format!("Missing required parameter {name}"));
            responses.get(name).cloned().ok_or_else(missing)
        };
        let hash = responses.get("SECRET_HASH").map(String::as_str);
        secret_hash::check(&client, &response("USERNAME")?, hash)?;
        let session = input.text_if("Session")?;
        let session =
            || session.ok_or_else(|| faults::parameter("Missing required parameter Session"));
        let progress = match input.text("ChallengeName")? {
            "PASSWORD_VERIFIER" => self.end_srp(cloud, &pool, &client, response)?,
            "NEW_PASSWORD_REQUIRED" => {
                let password = response("NEW_PASSWORD")?;
                let session = session()?;
                self.set_given_attributes(cloud, &pool, session, &responses)?;
                self.new_password(cloud, &pool, &client, session, &password)
                    .await?
            }
            "SOFTWARE_TOKEN_MFA" => {
                let code = response("SOFTWARE_TOKEN_MFA_CODE")?;
                self.software_token(cloud, &client, session()?, &code)?
            }
            "MFA_SETUP" => self.after_set_up(cloud, &client, session()?)?,
            other => return Err(Fault::absent(format!("the challenge {other}"))),
        };
        self.progress(cloud, call, &client, progress).await
    }

    /// Attributes that come with a new password: `userAttributes.name`.
    fn set_given_attributes(
        &self,
        cloud: &Cloud,
        pool: &Pool,
        session: &str,
        responses: &std::collections::BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let given: Vec<(String, String)> = responses
            .iter()
            .filter_map(|(name, value)| {
                let name = name.strip_prefix("userAttributes.")?;
                Some((name.to_owned(), value.clone()))
            })
            .collect();
        let pending = self.passing().pending(session, cloud.now()).cloned();
        match pending {
            Some(pending) if !given.is_empty() => {
                let mut state = self.state();
                super::users::update_attributes(&mut state, cloud, pool, &pending.user, &given)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Tokens, or the next challenge.
    async fn progress(
        &self,
        cloud: &Cloud,
        call: &Call,
        client: &Client,
        progress: Progress,
    ) -> Result<Value, Fault> {
        match progress {
            Progress::Done(user) => {
                let base = doors::base(cloud, &call.headers);
                let now = cloud.now().unix_timestamp();
                let tokens = self
                    .issue(cloud, &base, &client.id, &user, Granted::Api, now)
                    .await?;
                Ok(result(&tokens))
            }
            Progress::Wait { session, step } => self.challenge(&client.id, &session, &step, cloud),
        }
    }

    fn challenge(
        &self,
        client: &str,
        session: &str,
        step: &Step,
        cloud: &Cloud,
    ) -> Result<Value, Fault> {
        let pending = self.passing().pending(session, cloud.now()).cloned();
        let pending = pending.filter(|pending| pending.client == client);
        let pending = pending.ok_or_else(faults::bad_session)?;
        let state = self.state();
        let user = state
            .users
            .get(&pending.user)
            .ok_or_else(faults::bad_session)?;
        let (name, mut parameters) = match step {
            Step::NewPassword => {
                let pool = state.pool(&user.pool)?;
                let missing: Vec<String> = pool
                    .schema
                    .iter()
                    .filter(|one| one.required && user.attribute(&one.name).is_none())
                    .map(|one| format!("userAttributes.{}", one.name))
                    .collect();
                let attributes: Value = user
                    .attributes
                    .iter()
                    .filter(|(name, _)| *name != "sub")
                    .map(|(name, value)| (name.clone(), json!(value)))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
                (
                    "NEW_PASSWORD_REQUIRED",
                    json!({
                        "requiredAttributes": json!(missing).to_string(),
                        "userAttributes": attributes.to_string(),
                    }),
                )
            }
            Step::SoftwareToken => ("SOFTWARE_TOKEN_MFA", json!({})),
            Step::SetUp { .. } => (
                "MFA_SETUP",
                json!({"MFAS_CAN_SETUP": "[\"SOFTWARE_TOKEN_MFA\"]"}),
            ),
            Step::Password(_) => return Err(faults::bad_session()),
        };
        parameters["USER_ID_FOR_SRP"] = json!(user.username);
        Ok(json!({
            "ChallengeName": name,
            "Session": session,
            "ChallengeParameters": parameters,
        }))
    }
}

pub(super) fn result(tokens: &Tokens) -> Value {
    let text = |secret: &Option<super::model::Secret>| {
        let secret = secret.as_ref();
        secret.map(|secret| secret.0.clone())
    };
    json!({
        "ChallengeParameters": {},
        "AuthenticationResult": {
            "AccessToken": tokens.access.0,
            "ExpiresIn": tokens.expires_in,
            "TokenType": "Bearer",
            "RefreshToken": text(&tokens.refresh),
            "IdToken": text(&tokens.id),
        },
    })
}
