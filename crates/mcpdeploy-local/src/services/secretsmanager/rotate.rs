//! Rotation: a function makes the next value.
//!
//! A rotation is four invocations of the function, one for each step; the function itself moves the
//! labels in the last of them. A step that fails ends it, and leaves the `AWSPENDING` version, as
//! AWS does. What the rules say about time is kept and shown, but nothing is rotated by the clock.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{PENDING, Rotation, Version};
use super::{At, SecretId, SecretsManager, State, invalid_parameter, invalid_request};
use crate::cloud::Cloud;
use crate::services::lambda::{Refused, ServiceInvoke};
use crate::wire::{Fault, Reply};

const PRINCIPAL: &str = "secretsmanager.amazonaws.com";

/// Source: "Lambda rotation functions" in the user guide.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RotateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    #[serde(rename = "RotationLambdaARN")]
    function: Option<String>,
    rotation_rules: Option<Value>,
    rotate_immediately: Option<bool>,
}

/// A rotation that runs.
#[derive(Debug, Clone)]
struct Run {
    at: At,
    arn: String,
    function: String,
    token: String,
}

impl SecretsManager {
    pub(super) async fn rotate(
        &self,
        cloud: &Cloud,
        at: At,
        input: RotateSecret,
    ) -> Result<Reply, Fault> {
        let now = input.rotate_immediately.unwrap_or(true);
        let (run, name, before) = {
            let mut state = self.state();
            state.forget(&at)?;
            state.begin(at, input, now)?
        };
        let answer = json!({
            "ARN": run.arn,
            "Name": name,
            "VersionId": now.then_some(&run.token),
        });
        if !now {
            return Ok(Reply::output(answer));
        }
        // The first step tells whether the function can be invoked at all.
        match run.step(cloud, STEPS[0]).await {
            Err(Some(refused)) => {
                self.state().abandon(&run, before)?;
                Err(refused)
            }
            first => {
                let owner = cloud.clone();
                cloud.tasks().spawn(async move {
                    if first.is_ok() {
                        run.finish(&owner).await;
                    }
                });
                Ok(Reply::output(answer))
            }
        }
    }
}

impl State {
    /// Keeps the rotation's settings and makes the pending version. Also returns the settings of
    /// before.
    fn begin(
        &mut self,
        at: At,
        input: RotateSecret,
        now: bool,
    ) -> Result<(Run, String, Option<Rotation>), Fault> {
        let (key, mut secret) = self.living(&at, &input.secret_id)?;
        let token = match input.client_request_token {
            Some(token) if (32..=64).contains(&token.len()) => token,
            Some(_) => {
                return Err(invalid_parameter(
                    "ClientRequestToken must be 32-64 characters long.",
                ));
            }
            None => uuid::Uuid::new_v4().to_string(),
        };
        let before = secret.rotation.clone();
        let had = before.as_ref().map(|rotation| rotation.function.clone());
        let Some(function) = input.function.or(had) else {
            return Err(invalid_request(
                "No Lambda rotation function ARN is associated with this secret.",
            ));
        };
        let rules = input
            .rotation_rules
            .or_else(|| before.as_ref().map(|rotation| rotation.rules.clone()));
        if now && secret.staged(PENDING).is_some_and(|v| v.id != token) {
            let busy = secret.staged(PENDING) != secret.staged(super::record::CURRENT);
            if busy {
                return Err(invalid_request(
                    "A previous rotation isn't complete. That rotation will be reattempted.",
                ));
            }
        }
        secret.rotation = Some(Rotation {
            enabled: true,
            function: function.clone(),
            rules: rules.unwrap_or_else(|| json!({})),
            rotated: before.as_ref().and_then(|rotation| rotation.rotated),
        });
        secret.changed = at.now;
        if now && secret.version(&token).is_none() {
            secret.versions.push(Version {
                id: token.clone(),
                stages: Vec::new(),
                content: None,
                created: at.now,
            });
            secret.label(&token, PENDING);
        }
        let run = Run {
            at,
            arn: secret.arn.clone(),
            function,
            token,
        };
        let name = secret.name.clone();
        self.secrets.put(&key, secret)?;
        Ok((run, name, before))
    }

    /// Takes a rotation back that could not begin.
    fn abandon(&mut self, run: &Run, before: Option<Rotation>) -> Result<(), Fault> {
        let Ok((key, mut secret)) = self.find(&run.at, &run.arn) else {
            return Ok(());
        };
        secret.rotation = before;
        secret
            .versions
            .retain(|version| version.id != run.token || version.content.is_some());
        Ok(self.secrets.put(&key, secret)?)
    }

    pub(super) fn cancel_rotation(&mut self, at: &At, input: &SecretId) -> Result<Reply, Fault> {
        self.change(at, &input.secret_id, |secret| {
            let Some(rotation) = &mut secret.rotation else {
                return Err(invalid_request(
                    "You tried to cancel the rotation of a secret that has none.",
                ));
            };
            rotation.enabled = false;
            Ok(())
        })
    }
}

impl Run {
    /// Invokes the function for one step. The error is none when the function itself failed.
    async fn step(&self, cloud: &Cloud, step: &str) -> Result<(), Option<Fault>> {
        let event = json!({
            "Step": step,
            "SecretId": self.arn,
            "ClientRequestToken": self.token,
        });
        let invoke = ServiceInvoke {
            function: &self.function,
            payload: Bytes::from(event.to_string()),
            principal: PRINCIPAL,
            source_arn: &self.arn,
            trace: None,
        };
        match cloud.services().lambda.invoke_for(cloud, invoke).await {
            Ok(ran) if !ran.failed => Ok(()),
            Ok(_) => Err(None),
            Err(Refused::NotFound(_) | Refused::Forbidden) => Err(Some(Fault::bad(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.",
            ))),
            Err(Refused::Throttled) => Err(Some(Fault::bad(
                "LimitExceededException",
                "The rotation function is throttled.",
            ))),
            Err(Refused::Invalid(why)) => Err(Some(invalid_request(why))),
        }
    }

    /// The steps after the first, and what is noted at the end.
    async fn finish(&self, cloud: &Cloud) {
        for step in &STEPS[1..] {
            if let Err(refused) = self.step(cloud, step).await {
                tracing::warn!(secret = self.arn, step, ?refused, "a rotation failed");
                return;
            }
        }
        let mut state = cloud.services().secretsmanager.state();
        let Ok((key, mut secret)) = state.find(&self.at, &self.arn) else {
            return;
        };
        if let Some(rotation) = &mut secret.rotation {
            rotation.rotated = Some(cloud.now());
        }
        if let Err(error) = state.secrets.put(&key, secret) {
            tracing::warn!(%error, "the end of a rotation could not be kept");
        }
    }
}
