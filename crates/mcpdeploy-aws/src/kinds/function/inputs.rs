//! What one can ask of a function.

use std::collections::BTreeMap;

use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::Input;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{default_log_group, known};
use crate::artifacts::CodeSha256;
use crate::ids::{BucketName, FunctionName, LogGroupName, ObjectKey, RoleArn};
use crate::tags;

/// The largest zip that Lambda takes inline, in bytes.
const MOST_INLINE: u64 = 50 * 1024 * 1024;
/// All names and values of the environment together, in bytes.
const MOST_ENVIRONMENT: usize = 4096;

/// What one can ask of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionInputs {
    /// Its name: 1 to 64 letters, digits, `-` and `_`.
    pub name: FunctionName,
    /// The role it runs as.
    pub role: Input<RoleArn>,
    /// Its code.
    pub code: Code,
    /// What the runtime calls; custom runtimes ignore it.
    #[serde(default = "bootstrap")]
    pub handler: String,
    /// The runtime, e.g. `provided.al2023`.
    #[serde(default = "provided")]
    pub runtime: String,
    /// The processors it runs on.
    #[serde(default)]
    pub architecture: Architecture,
    /// Its memory in MB: 128 to 10240. Processor time comes in proportion.
    #[serde(default = "least_memory")]
    pub memory_mb: u32,
    /// How long one invocation may take, in seconds: 1 to 900.
    #[serde(default = "short")]
    pub timeout_seconds: u32,
    /// The size of `/tmp` in MB: 512 to 10240.
    #[serde(default = "least_storage")]
    pub ephemeral_storage_mb: u32,
    /// Its environment variables.
    #[serde(default)]
    pub environment: BTreeMap<String, Input<String>>,
    /// Whether invocations are traced by X-Ray.
    #[serde(default)]
    pub tracing: Tracing,
    /// The ARNs of layer versions, in order: later ones overwrite files of earlier ones.
    #[serde(default)]
    pub layers: Vec<Input<String>>,
    /// How many invocations may run at a time, taken out of the account's; unreserved when not
    /// set.
    #[serde(default)]
    pub reserved_concurrency: Option<u32>,
    /// What it is for, at most 256 characters.
    #[serde(default)]
    pub description: String,
    /// The log group it logs to: `/aws/lambda/<name>` when not set, which Lambda then makes itself
    /// and keeps for ever.
    #[serde(default)]
    pub log_group: Option<Input<LogGroupName>>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// The code of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The SHA-256 of the zip in Base64: Lambda's `CodeSha256`.
    pub sha256: CodeSha256,
    /// The size of the zip in bytes.
    pub size: u64,
    /// Where the zip lies in S3; sent inline when not set, which Lambda allows up to 50 MB.
    #[serde(default)]
    pub s3: Option<CodeObject>,
}

/// Where a zip lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeObject {
    /// The bucket, in the function's region.
    pub bucket: Input<BucketName>,
    /// The object's key.
    pub key: Input<ObjectKey>,
}

/// The processors a function runs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Architecture {
    /// 64-bit x86.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit ARM (Graviton).
    #[serde(rename = "arm64")]
    Arm64,
}

/// Whether invocations are traced by X-Ray.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Tracing {
    /// Lambda samples invocations itself.
    Active,
    /// Only what the caller has chosen to trace.
    #[default]
    PassThrough,
}

fn bootstrap() -> String {
    "bootstrap".to_owned()
}

fn provided() -> String {
    "provided.al2023".to_owned()
}

fn least_memory() -> u32 {
    128
}

fn short() -> u32 {
    3
}

fn least_storage() -> u32 {
    512
}

impl FunctionInputs {
    /// A function with Lambda's defaults.
    #[must_use]
    pub fn new(name: impl Into<FunctionName>, role: impl Into<Input<RoleArn>>, code: Code) -> Self {
        Self {
            name: name.into(),
            role: role.into(),
            code,
            handler: bootstrap(),
            runtime: provided(),
            architecture: Architecture::default(),
            memory_mb: least_memory(),
            timeout_seconds: short(),
            ephemeral_storage_mb: least_storage(),
            environment: BTreeMap::new(),
            tracing: Tracing::default(),
            layers: Vec::new(),
            reserved_concurrency: None,
            description: String::new(),
            log_group: None,
            tags: Tags::new(),
        }
    }

    /// The digest of everything that publishing a version freezes.
    ///
    /// The description is left out: a version has one of its own, and another wording is no
    /// release.
    pub(super) fn fingerprint(&self) -> String {
        let log_group = known(&self.log_group)
            .map_or_else(|| default_log_group(&self.name), |group| group.to_string());
        let frozen = json!([
            self.code.sha256,
            self.role,
            self.handler,
            self.runtime,
            self.architecture,
            self.memory_mb,
            self.timeout_seconds,
            self.ephemeral_storage_mb,
            self.environment,
            self.tracing,
            self.layers,
            log_group,
        ]);
        hex::encode(Sha256::digest(frozen.to_string()))
    }

    pub(super) fn validate(&self) -> Result<(), (String, String)> {
        let wrong = |at: &str, message: String| Err((at.to_owned(), message));
        let name = self.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return wrong(
                "/name",
                format!("`{name}` is no function's name: 1 to 64 letters, digits, `-` and `_`"),
            );
        }
        if let Err(message) = self.code.sha256.to_hex() {
            return wrong("/code/sha256", message);
        }
        if self.code.s3.is_none() && self.code.size > MOST_INLINE {
            return wrong(
                "/code",
                format!(
                    "the zip has {} bytes: Lambda takes at most {MOST_INLINE} inline, a larger one must lie in S3",
                    self.code.size
                ),
            );
        }
        let ranges = [
            ("/memory_mb", self.memory_mb, 128, 10240),
            ("/timeout_seconds", self.timeout_seconds, 1, 900),
            (
                "/ephemeral_storage_mb",
                self.ephemeral_storage_mb,
                512,
                10240,
            ),
        ];
        for (at, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return wrong(
                    at,
                    format!("Lambda takes {least} to {most} here, not {value}"),
                );
            }
        }
        if self.layers.len() > 5 {
            return wrong(
                "/layers",
                format!("{} layers: Lambda takes at most 5", self.layers.len()),
            );
        }
        if self.description.chars().count() > 256 {
            return wrong(
                "/description",
                "the description has more than 256 characters".to_owned(),
            );
        }
        self.validate_environment()?;
        tags::validate(&self.tags)
    }

    fn validate_environment(&self) -> Result<(), (String, String)> {
        let wrong = |message: String| Err(("/environment".to_owned(), message));
        for name in self.environment.keys() {
            let rest = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.len() < 2
                || !name.starts_with(|c: char| c.is_ascii_alphabetic())
                || !name.chars().all(rest)
            {
                return wrong(format!(
                    "`{name}` is no name for a variable: at least two letters, digits and `_`, the first a letter"
                ));
            }
            if RESERVED.contains(&name.as_str())
                || name.starts_with("AWS_LAMBDA_") && name != "AWS_LAMBDA_EXEC_WRAPPER"
            {
                return wrong(format!(
                    "Lambda sets `{name}` itself and does not let others set it"
                ));
            }
        }
        let size: usize = self
            .environment
            .iter()
            .map(|(name, value)| name.len() + value.known().map_or(0, String::len))
            .sum();
        if size > MOST_ENVIRONMENT {
            return wrong(format!(
                "the variables have {size} bytes together: Lambda takes at most {MOST_ENVIRONMENT}"
            ));
        }
        Ok(())
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
const RESERVED: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> FunctionInputs {
        let code = Code {
            sha256: CodeSha256::of(b"zip"),
            size: 3,
            s3: None,
        };
        FunctionInputs::new("x", RoleArn::new("arn:aws:iam::1:role/x"), code)
    }

    #[test]
    fn defaults_are_lambdas() {
        let json = json!({
            "name": "x",
            "role": "arn:aws:iam::1:role/x",
            "code": {"sha256": CodeSha256::of(b"zip"), "size": 3},
        });
        assert_eq!(
            serde_json::from_value::<FunctionInputs>(json).unwrap(),
            function()
        );
    }

    #[test]
    fn impossible_functions_are_refused() {
        assert_eq!(function().validate(), Ok(()));
        let check = |change: &dyn Fn(&mut FunctionInputs), at: &str| {
            let mut inputs = function();
            change(&mut inputs);
            assert_eq!(inputs.validate().unwrap_err().0, at);
        };
        check(&|f| f.name = "a.b".into(), "/name");
        check(&|f| f.code.size = MOST_INLINE + 1, "/code");
        check(&|f| f.code.sha256 = CodeSha256::new("x"), "/code/sha256");
        check(&|f| f.memory_mb = 64, "/memory_mb");
        check(&|f| f.timeout_seconds = 901, "/timeout_seconds");
        check(&|f| f.ephemeral_storage_mb = 0, "/ephemeral_storage_mb");
        check(&|f| f.layers = vec!["l".into(); 6], "/layers");
        for name in ["A", "1A", "A-B", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME"] {
            check(
                &|f| {
                    f.environment.insert(name.into(), "x".into());
                },
                "/environment",
            );
        }
        check(
            &|f| {
                f.environment
                    .insert("BIG".into(), Input::Value("x".repeat(4096)));
            },
            "/environment",
        );
    }

    #[test]
    fn a_large_zip_may_lie_in_s3() {
        let mut inputs = function();
        inputs.code.size = MOST_INLINE + 1;
        inputs.code.s3 = Some(CodeObject {
            bucket: BucketName::new("b").into(),
            key: ObjectKey::new("k").into(),
        });
        assert_eq!(inputs.validate(), Ok(()));
    }

    #[test]
    fn the_fingerprint_is_of_what_a_version_freezes() {
        let base = function().fingerprint();
        let with = |change: &dyn Fn(&mut FunctionInputs)| {
            let mut inputs = function();
            change(&mut inputs);
            inputs.fingerprint()
        };
        assert_eq!(base, with(&|f| f.description = "other".into()));
        assert_eq!(base, with(&|f| f.reserved_concurrency = Some(1)));
        assert_eq!(
            base,
            with(&|f| f.log_group = Some(LogGroupName::new("/aws/lambda/x").into()))
        );
        assert_ne!(base, with(&|f| f.memory_mb = 256));
        assert_ne!(base, with(&|f| f.code.sha256 = CodeSha256::of(b"other")));
        assert_ne!(
            base,
            with(&|f| f.log_group = Some(LogGroupName::new("/x").into()))
        );
        assert_ne!(
            base,
            with(&|f| {
                f.environment.insert("AB".into(), "x".into());
            })
        );
    }
}
