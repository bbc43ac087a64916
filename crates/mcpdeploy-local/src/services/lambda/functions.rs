//! Functions: made, read, listed and deleted.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Lambda;
use super::faults::{Violations, conflict, invalid, no_function, too_large};
use super::model::{Configuration, Function, Logging, Package, revision};
use super::names::{self, LATEST, Target};
use super::rows::page;
use super::settings::Settings;
use super::source::Source;
use super::tags;
use super::view::{self, Moment};
use crate::cloud::{ACCOUNT, Cloud};
use crate::services::iam::Assumable;
use crate::wire::{Call, Fault, Reply};

/// The largest body of CreateFunction and UpdateFunctionCode, in bytes: 50 MB of zip in base64.
const LARGEST_REQUEST: usize = 70_167_211;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    function_name: Option<String>,
    code: Option<Source>,
    architectures: Option<Vec<String>>,
    package_type: Option<String>,
    publish: Option<bool>,
    publish_to: Option<String>,
    code_signing_config_arn: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

impl Lambda {
    pub(super) async fn create_function(&self, cloud: &Cloud, call: &Call) -> Result<Reply, Fault> {
        check_size(call, "CreateFunction")?;
        let create: Create = call.json()?;
        let settings: Settings = call.json()?;
        let name = create.check(&settings)?;
        let target = Target::of(call, &name)?;
        if target.qualifier.is_some() {
            return Err(Violations::one(
                &name,
                "functionName",
                "Member must not have a qualifier",
            ));
        }
        if target.name.len() > 64 {
            return Err(invalid(format!(
                "1 validation error detected: Value '{}' at 'functionName' failed to satisfy \
                 constraint: Member must have length less than or equal to 64",
                target.name
            )));
        }
        settings.check()?;
        let exists = || conflict(format!("Function already exist: {}", target.name));
        if self.lock().functions.contains(&target.key()) {
            return Err(exists());
        }
        let (Some(role), Some(runtime), Some(handler)) =
            (&settings.role, &settings.runtime, &settings.handler)
        else {
            return Err(invalid(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
            ));
        };
        check_role(cloud, role)?;
        if let Some(tags) = &create.tags {
            tags::check(tags)?;
        }
        let now = cloud.now();
        let mut latest = Configuration {
            runtime: runtime.clone(),
            role: role.clone(),
            handler: handler.clone(),
            description: String::new(),
            timeout: 3,
            memory_mb: 128,
            ephemeral_mb: 512,
            environment: None,
            architecture: create.architecture(),
            tracing: "PassThrough".to_owned(),
            dead_letter: None,
            kms_key: None,
            logging: Logging {
                format: "Text".to_owned(),
                application_level: None,
                system_level: None,
                group: format!("/aws/lambda/{}", target.name),
            },
            package: Package {
                digest: String::new(),
                size: 0,
            },
            build: revision(),
            revision: revision(),
            last_modified: now,
            active_at: now,
            updated_at: None,
        };
        settings.apply(&mut latest);
        let code = create.code.unwrap_or_default();
        latest.package = self.package(cloud, code).await?;
        // The time that it takes begins when the code is there.
        latest.last_modified = cloud.now();
        latest.active_at = cloud.now() + cloud.switches().pending;
        let mut function = Function {
            id: revision(),
            region: target.region.clone(),
            name: target.name.clone(),
            latest,
            previous: None,
            versions: BTreeMap::new(),
            last_version: 0,
            aliases: BTreeMap::new(),
            policies: BTreeMap::new(),
            tags: create.tags.unwrap_or_default(),
            reserved: None,
            provisioned: BTreeMap::new(),
            event_invoke: BTreeMap::new(),
        };
        let mut rows = self.lock();
        if rows.functions.contains(&target.key()) {
            return Err(exists());
        }
        let output = if create.publish == Some(true) {
            rows.publish(&mut function, None, cloud)?
        } else {
            let told = view::latest(&function, false);
            view::configuration(&function, &function.latest, told, Moment::Changed)
        };
        rows.functions.put(&target.key(), function)?;
        Ok(created(output))
    }

    /// Keeps the code of a call, wherever it is.
    pub(super) async fn package(&self, cloud: &Cloud, code: Source) -> Result<Package, Fault> {
        let zip = code.bytes(cloud).await?;
        self.packages.keep(zip).await
    }

    pub(super) fn get_function(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let rows = self.lock();
        let function = rows.function(&target)?;
        let (shown, told) = rows.shown(function, &target)?;
        let tags = (!function.tags.is_empty()).then_some(&function.tags);
        let concurrency = function
            .reserved
            .map(|reserved| json!({ "ReservedConcurrentExecutions": reserved }));
        Ok(Reply::output(json!({
            "Configuration":
                view::configuration(function, shown, told, Moment::Now(cloud.now())),
            "Code": {
                "RepositoryType": "S3",
                "Location": format!(
                    "{}{}{}.zip",
                    cloud.endpoint(),
                    super::DOOR,
                    shown.package.digest
                ),
            },
            "Tags": tags,
            "Concurrency": concurrency,
        })))
    }

    pub(super) fn get_function_configuration(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let rows = self.lock();
        let function = rows.function(&target)?;
        let (shown, told) = rows.shown(function, &target)?;
        let moment = Moment::Now(cloud.now());
        Ok(Reply::output(view::configuration(
            function, shown, told, moment,
        )))
    }

    pub(super) fn list_functions(&self, call: &Call) -> Result<Reply, Fault> {
        let all = match call.query("FunctionVersion") {
            None => false,
            Some("ALL") => true,
            Some(other) => {
                return Err(Violations::one(
                    other,
                    "functionVersion",
                    "Member must satisfy enum value set: [ALL]",
                ));
            }
        };
        let rows = self.lock();
        let prefix = names::key(&call.region, "");
        let mut listed = Vec::new();
        for (_, function) in rows.functions.under(&prefix) {
            let told = view::latest(function, all);
            listed.push(view::listed(function, &function.latest, told));
            if all {
                listed.extend(rows.published(function));
            }
        }
        let (page, marker) = page(listed, call.query("Marker"), call.query("MaxItems"), 50)?;
        Ok(Reply::output(
            json!({ "Functions": page, "NextMarker": marker }),
        ))
    }

    pub(super) fn delete_function(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let mut rows = self.lock();
        let arn = match target.qualifier.as_deref() {
            None => {
                let Some(function) = rows.functions.remove(&target.key())? else {
                    return Err(no_function(&target.arn()));
                };
                for number in function.versions.keys() {
                    // Nothing lists it any more: a row that stays is only dead weight.
                    drop(rows.versions.remove(&function.version_key(*number)));
                }
                self.runtime.retire(&function.arn(), None);
                function.arn()
            }
            Some(LATEST) => {
                return Err(invalid(
                    "$LATEST version cannot be deleted without deleting the function.",
                ));
            }
            Some(qualifier) if names::is_alias(qualifier) => {
                return Err(invalid("Deletion of aliases is not currently supported."));
            }
            Some(version) => {
                rows.delete_version(&target, version)?;
                let arn = rows.function(&target)?.arn();
                self.runtime.retire(&arn, Some(version));
                arn
            }
        };
        tracing::debug!(arn, "deleted");
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

impl Create {
    /// The function's name, when what the model and the service ask of a new function is there.
    fn check(&self, settings: &Settings) -> Result<String, Fault> {
        let mut violations = Violations::default();
        if self.function_name.is_none() {
            violations.missing("functionName");
        }
        if settings.role.is_none() {
            violations.missing("role");
        }
        if self.code.is_none() {
            violations.missing("code");
        }
        settings.note(&mut violations);
        if let Some(package_type) = &self.package_type {
            violations.one_of(package_type, "packageType", &["Image", "Zip"]);
        }
        note_architectures(self.architectures.as_deref(), &mut violations);
        violations.check()?;
        if self.package_type.as_deref() == Some("Image") {
            return Err(Fault::absent("functions from container images"));
        }
        if self.publish_to.is_some() {
            return Err(Fault::absent("publishing to $LATEST.PUBLISHED"));
        }
        if self.code_signing_config_arn.is_some() {
            return Err(Fault::absent("code signing"));
        }
        Ok(self.function_name.clone().unwrap_or_default())
    }

    fn architecture(&self) -> String {
        let first = self.architectures.iter().flatten().next();
        first.map_or_else(|| "x86_64".to_owned(), Clone::clone)
    }
}

/// Notes what is wrong with a list of architectures: there is exactly one.
pub(super) fn note_architectures(given: Option<&[String]>, violations: &mut Violations) {
    let Some(given) = given else {
        return;
    };
    let text = format!("[{}]", given.join(", "));
    match given {
        [only] if only == "x86_64" || only == "arm64" => {}
        [_] => violations.add(
            &text,
            "architectures",
            "Member must satisfy constraint: [Member must satisfy enum value set: \
             [x86_64, arm64], Member must not be null]",
        ),
        [] => violations.add(
            &text,
            "architectures",
            "Member must have length greater than or equal to 1",
        ),
        [_, _, ..] => violations.add(
            &text,
            "architectures",
            "Member must have length less than or equal to 1",
        ),
    }
}

/// Whether Lambda may take on a role.
///
/// # Errors
/// As AWS says it: the same for a role that there is not, and for one that does not trust Lambda.
pub(super) fn check_role(cloud: &Cloud, role: &str) -> Result<(), Fault> {
    if role.split(':').nth(4) != Some(ACCOUNT) {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            "Cross-account pass role is not allowed.",
        ));
    }
    let iam = &cloud.services().iam;
    match iam.assumable(cloud, role, "lambda.amazonaws.com") {
        Assumable::Yes => Ok(()),
        Assumable::Missing | Assumable::Untrusted => Err(invalid(
            "The role defined for the function cannot be assumed by Lambda.",
        )),
    }
}

/// Refuses bodies that AWS does not take.
///
/// # Errors
/// `RequestEntityTooLargeException`.
pub(super) fn check_size(call: &Call, operation: &str) -> Result<(), Fault> {
    if call.body.len() > LARGEST_REQUEST {
        return Err(too_large(
            "RequestEntityTooLargeException",
            format!(
                "Request must be smaller than {LARGEST_REQUEST} bytes for the {operation} operation"
            ),
        ));
    }
    Ok(())
}

/// An answer with status 201.
pub(super) fn created(output: Value) -> Reply {
    Reply {
        status: StatusCode::CREATED,
        ..Reply::output(output)
    }
}
