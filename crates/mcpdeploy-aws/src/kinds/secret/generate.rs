//! Values that nobody types: random bytes, made where they are given to Secrets Manager and kept
//! nowhere else.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mcpdeploy_engine::kind::{Cx, FaultClass, KindError};
use ring::rand::{SecureRandom, SystemRandom};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;

/// The label of the version that is given out when no other is asked for.
const CURRENT: &str = "AWSCURRENT";
/// A key of 128 bits is the shortest that is one.
const LEAST: u16 = 16;
/// As Base64 this fits in what a parameter of Systems Manager takes as well.
const MOST: u16 = 3072;

/// A value that is made when the secret has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// How many random bytes: 16 to 3072. The value is their Base64.
    pub bytes: u16,
}

impl Generate {
    pub(crate) fn validate(self) -> Result<(), (String, String)> {
        if (LEAST..=MOST).contains(&self.bytes) {
            return Ok(());
        }
        wrong(
            "/generate/bytes",
            format!("a generated value has {LEAST} to {MOST} bytes"),
        )
    }

    /// A new value: standard Base64 of that many random bytes.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn value(self) -> Result<String, KindError> {
        let mut bytes = vec![0; self.bytes.into()];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| KindError::fatal("the system gives no random bytes"))?;
        Ok(BASE64_STANDARD.encode(&bytes))
    }
}

/// The id of the version that is given out; none when the secret has no value.
pub(crate) fn current_version(secret: &DescribeSecretOutput) -> Option<String> {
    let mut versions = secret.version_ids_to_stages()?.iter();
    let (id, _) = versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT))?;
    Some(id.clone())
}

/// Gives a secret that was found without a value its first one. However often, and whoever does it
/// at the same time: the version's id follows from the secret's, and one id has one value.
///
/// PutSecretValue, in the API reference: "If a version with this token already exists and the
/// version of the SecretString and SecretBinary values are different from those in the request, then
/// the operation fails because you can't modify an existing version".
pub(super) async fn fill(
    cx: &Cx<'_, Clients>,
    arn: &str,
    generate: Generate,
) -> Result<(), KindError> {
    let put = cx
        .clients
        .secretsmanager()
        .put_secret_value()
        .secret_id(arn)
        .client_request_token(first_version(arn))
        .secret_string(generate.value()?)
        .send()
        .await
        .fault("secretsmanager", "PutSecretValue", arn);
    match put {
        Err(error) if error.class == FaultClass::Exists => Ok(()),
        other => other.map(|_| ()),
    }
}

fn first_version(arn: &str) -> String {
    hex::encode(Sha256::digest(format!("the first value of {arn}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_random_and_as_long_as_asked() {
        for bytes in [LEAST, 32, MOST] {
            let generate = Generate { bytes };
            assert_eq!(generate.validate(), Ok(()));
            let value = generate.value().unwrap();
            let long = BASE64_STANDARD.decode(&value).unwrap().len();
            assert_eq!(long, usize::from(bytes));
            assert_ne!(value, generate.value().unwrap());
        }
        assert!(Generate { bytes: LEAST - 1 }.validate().is_err());
        assert!(Generate { bytes: MOST + 1 }.validate().is_err());
    }

    #[test]
    fn the_first_version_of_a_secret_has_one_id() {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-a1B2c3";
        assert_eq!(first_version(arn), first_version(arn));
        assert_ne!(first_version(arn), first_version("another"));
        // "between 32 and 64 characters"
        assert_eq!(first_version(arn).len(), 64);
    }

    #[test]
    fn a_value_is_what_has_the_current_label() {
        let with = |stages: &[&str]| {
            let stages = stages.iter().map(ToString::to_string).collect();
            DescribeSecretOutput::builder()
                .version_ids_to_stages("1", stages)
                .build()
        };
        let current = |secret| current_version(&secret).is_some();
        assert!(current(with(&["AWSPENDING", "AWSCURRENT"])));
        // A rotation has begun, and there is nothing to be read yet.
        assert!(!current(with(&["AWSPENDING"])));
        assert!(!current(DescribeSecretOutput::builder().build()));
    }
}
