//! `aws.lambda.version`: a published version of a function, which never changes again.
//!
//! Facts, from the Lambda API reference and developer guide:
//! - PublishVersion numbers versions itself and takes no token; when neither code nor
//!   configuration has changed since the last one it gives that one back;
//! - a version's description is its own, and it is the only thing one can write on a version: the
//!   mark by which one whose answer was lost is found again stands there;
//! - a version may be `Pending` at first (e.g. with SnapStart) and cannot be invoked until then;
//! - deleting one that an alias points at is refused.
//!
//! A replaced version stays, for rolling back: pruning is another matter.

use aws_sdk_lambda::types::FunctionConfiguration;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lambda_shared::{Progress, arn, progress, serial_key, wait_ready};
use crate::artifacts::CodeSha256;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{FunctionName, QualifiedArn, VersionNumber};

/// What stands before the mark in a version's description.
const MARK: &str = "mcpdeploy:";
/// How much of the fingerprint the mark has.
const MARK_LEN: usize = 16;
/// The longest description that leaves room for the mark.
const MOST_DESCRIPTION: usize = 256 - MARK.len() - MARK_LEN - 1;

/// A published version.
#[derive(Debug)]
pub enum Version {}

/// What one can ask of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionInputs {
    /// The function it is of.
    pub function: Input<FunctionName>,
    /// The function's fingerprint: another one asks for another version.
    pub fingerprint: Input<String>,
    /// The digest that the code must have; Lambda refuses to publish any other.
    #[serde(default)]
    pub code_sha256: Option<CodeSha256>,
    /// What is new in it, at most 229 characters. Said when it is published: another wording alone
    /// publishes nothing, since Lambda would give back the same version with the old one.
    #[serde(default)]
    pub description: String,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VersionOutputs {
    /// Its number.
    pub version: VersionNumber,
    /// Its ARN, which ends in its number.
    pub arn: QualifiedArn,
}

impl Version {
    /// Refers to the number of the version at `address`.
    #[must_use]
    pub fn version(address: &Address) -> Ref<VersionNumber> {
        Ref::new(address, "/version")
    }

    /// Refers to the ARN of the version at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<QualifiedArn> {
        Ref::new(address, "/arn")
    }
}

impl Kind for Version {
    const NAME: &'static str = "aws.lambda.version";
    const REPLACE_ON: &'static [&'static str] = &["/function", "/fingerprint", "/code_sha256"];
    const KEEP_REPLACED: bool = true;
    const TYPICAL_MS: u32 = 700;

    type Clients = Clients;
    type Inputs = VersionInputs;
    type Outputs = VersionOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::InParent {
            parent: inputs.function.get().to_string(),
            key: inputs.fingerprint.get().clone(),
        }
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        Some(serial_key(&inputs.function))
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        if inputs.description.chars().count() > MOST_DESCRIPTION {
            return Err((
                "/description".to_owned(),
                format!("the description has more than {MOST_DESCRIPTION} characters"),
            ));
        }
        match &inputs.code_sha256 {
            Some(digest) => digest
                .to_hex()
                .map(|_| ())
                .map_err(|message| ("/code_sha256".to_owned(), message)),
            None => Ok(()),
        }
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let function = arn(inputs.function.known(), placement);
        let any = format!("{function}:*");
        match op {
            Op::Read => vec![
                Permission::new("lambda:GetFunctionConfiguration", any),
                Permission::new("lambda:ListVersionsByFunction", function),
            ],
            Op::Create => vec![
                Permission::new("lambda:GetFunctionConfiguration", any),
                Permission::new("lambda:PublishVersion", function),
            ],
            Op::Update => Vec::new(),
            Op::Delete => vec![Permission::new("lambda:DeleteFunction", any)],
        }
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let found = match who.id {
            Some(id) => by_id(cx, id).await?,
            None => by_mark(cx, who).await?,
        };
        Ok(found.and_then(|found| observed(&found, who.inputs)))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let function = want.function.get();
        let answer = cx
            .clients
            .lambda()
            .publish_version()
            .function_name(function)
            .set_code_sha256(want.code_sha256.as_ref().map(ToString::to_string))
            .description(marked(&want.description, want.fingerprint.get()))
            .send()
            .await
            .fault("lambda", "PublishVersion", function)?;
        let (Some(version), Some(arn)) = (answer.version(), answer.function_arn()) else {
            return Err(
                KindError::fatal("Lambda answered without the version").on(function.as_str())
            );
        };
        let id = format!("{function}:{version}");
        let progress = progress(
            answer.state(),
            answer.state_reason(),
            answer.last_update_status(),
            answer.last_update_status_reason(),
        );
        Ok(if progress == Progress::Ready {
            Created::with(id, outputs(version, arn))
        } else {
            Created::id(id)
        })
    }

    async fn configure(
        _: &Cx<'_, Clients>,
        _: &PhysicalId,
        _: &Self::Inputs,
        _: &Delta<'_>,
    ) -> Result<(), KindError> {
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        let (function, version) = parts(id)?;
        let what = "waiting until the version is active";
        let ready = wait_ready(cx, function, Some(version), what).await?;
        Ok(outputs(version, ready.function_arn().unwrap_or_default()))
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (function, version) = parts(id)?;
        cx.clients
            .lambda()
            .delete_function()
            .function_name(function)
            .qualifier(version)
            .send()
            .await
            .removed("lambda", "DeleteFunction", id)
    }
}

async fn by_id(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
) -> Result<Option<FunctionConfiguration>, KindError> {
    let (function, version) = parts(id)?;
    let answer = cx
        .clients
        .lambda()
        .get_function_configuration()
        .function_name(function)
        .qualifier(version)
        .send()
        .await
        .found("lambda", "GetFunctionConfiguration", id)?;
    Ok(answer.map(|answer| {
        FunctionConfiguration::builder()
            .set_function_name(answer.function_name)
            .set_function_arn(answer.function_arn)
            .set_version(answer.version)
            .set_description(answer.description)
            .set_code_sha256(answer.code_sha256)
            .build()
    }))
}

/// The newest version that bears the mark: an older one with the same fingerprint was published
/// before something else came between.
async fn by_mark(
    cx: &Cx<'_, Clients>,
    who: Who<'_, VersionInputs>,
) -> Result<Option<FunctionConfiguration>, KindError> {
    let function = who.inputs.function.get();
    let mark = mark(who.inputs.fingerprint.get());
    let mut newest: Option<(u64, FunctionConfiguration)> = None;
    let mut marker = None;
    loop {
        let page = cx
            .clients
            .lambda()
            .list_versions_by_function()
            .function_name(function)
            .set_marker(marker.take())
            .send()
            .await
            .found("lambda", "ListVersionsByFunction", function)?;
        let Some(page) = page else {
            return Ok(None);
        };
        for version in page.versions.unwrap_or_default() {
            let number = version
                .version()
                .and_then(|number| number.parse::<u64>().ok());
            let Some(number) = number else { continue };
            let id = format!("{function}:{number}");
            let other = who.others.iter().any(|other| other.as_str() == id);
            let ours = !other
                && version
                    .description()
                    .is_some_and(|text| text.ends_with(&mark));
            if ours && newest.as_ref().is_none_or(|(best, _)| *best < number) {
                newest = Some((number, version));
            }
        }
        match page.next_marker {
            Some(next) if !next.is_empty() => marker = Some(next),
            _ => return Ok(newest.map(|(_, version)| version)),
        }
    }
}

fn observed(found: &FunctionConfiguration, asked: &VersionInputs) -> Option<Observed<Version>> {
    let version = found.version()?;
    let function = FunctionName::new(found.function_name()?);
    let code_sha256 = asked
        .code_sha256
        .as_ref()
        .and_then(|_| found.code_sha256())
        .map(CodeSha256::new);
    Some(Observed {
        id: PhysicalId::new(format!("{function}:{version}")),
        inputs: VersionInputs {
            function: function.into(),
            fingerprint: asked.fingerprint.clone(),
            code_sha256,
            description: asked.description.clone(),
        },
        outputs: outputs(version, found.function_arn().unwrap_or_default()),
        // A version cannot change, and its mark may be another's: when nothing has changed since,
        // Lambda gives an older version back. Its code is looked at all the same.
        unobserved: &["/fingerprint", "/description"],
    })
}

fn outputs(version: &str, arn: &str) -> VersionOutputs {
    VersionOutputs {
        version: VersionNumber::new(version),
        arn: QualifiedArn::new(arn),
    }
}

fn mark(fingerprint: &str) -> String {
    let head: String = fingerprint.chars().take(MARK_LEN).collect();
    format!("{MARK}{head}")
}

fn marked(description: &str, fingerprint: &str) -> String {
    let mark = mark(fingerprint);
    if description.is_empty() {
        mark
    } else {
        format!("{description} {mark}")
    }
}

/// `<function>:<version>`.
fn parts(id: &PhysicalId) -> Result<(&str, &str), KindError> {
    id.as_str().rsplit_once(':').ok_or_else(|| {
        KindError::fatal("the id of a version is <function>:<number>").on(id.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef";

    fn asked(description: &str) -> VersionInputs {
        VersionInputs {
            function: FunctionName::new("x").into(),
            fingerprint: FINGERPRINT.into(),
            code_sha256: None,
            description: description.to_owned(),
        }
    }

    fn found(description: &str) -> FunctionConfiguration {
        FunctionConfiguration::builder()
            .function_name("x")
            .function_arn("arn:aws:lambda:eu-central-1:1:function:x:7")
            .version("7")
            .description(description)
            .build()
    }

    #[test]
    fn the_mark_ends_the_description() {
        for description in ["", "now with tools"] {
            let marked = marked(description, FINGERPRINT);
            assert!(marked.ends_with("mcpdeploy:0123456789abcdef"), "{marked}");
            assert!(marked.starts_with(description), "{marked}");
        }
    }

    #[test]
    fn an_older_version_given_back_is_no_difference() {
        let observed = observed(&found("mcpdeploy:ffffffffffffffff"), &asked("x")).unwrap();
        assert_eq!(observed.inputs, asked("x"));
        assert_eq!(observed.id.as_str(), "x:7");
    }

    #[test]
    fn other_code_is_a_difference() {
        let mut asked = asked("");
        asked.code_sha256 = Some(CodeSha256::of(b"mine"));
        let mut found = found("");
        found.code_sha256 = Some(CodeSha256::of(b"other").to_string());
        let observed = observed(&found, &asked).unwrap();
        assert_eq!(observed.inputs.code_sha256, Some(CodeSha256::of(b"other")));
    }

    #[test]
    fn a_description_leaves_room_for_the_mark() {
        let longest = "x".repeat(MOST_DESCRIPTION);
        assert!(Version::validate(&asked(&longest)).is_ok());
        assert_eq!(marked(&longest, FINGERPRINT).len(), 256);
        assert!(Version::validate(&asked(&format!("{longest}x"))).is_err());
    }
}
