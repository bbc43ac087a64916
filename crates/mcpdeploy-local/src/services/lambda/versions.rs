//! Published versions: `$LATEST` as it was, under a number.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Lambda;
use super::faults::{Violations, conflict, invalid};
use super::functions::created;
use super::model::{Configuration, Function, revision};
use super::names::Target;
use super::rows::{Rows, page};
use super::update::check_change;
use super::view::{self, Moment, Told};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publish {
    code_sha256: Option<String>,
    description: Option<String>,
    revision_id: Option<String>,
    publish_to: Option<String>,
}

impl Lambda {
    pub(super) fn publish_version(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let publish: Publish = call.json()?;
        let mut violations = Violations::default();
        if let Some(description) = &publish.description {
            violations.longest(description, "description", 256);
        }
        violations.check()?;
        if publish.publish_to.is_some() {
            return Err(Fault::absent("publishing to $LATEST.PUBLISHED"));
        }
        let mut rows = self.lock();
        let mut function = rows.function(&target)?.clone();
        check_change(&function, publish.revision_id.as_deref(), cloud.now())?;
        let current = view::code_sha256(&function.latest.package);
        if let Some(wanted) = publish.code_sha256.filter(|wanted| *wanted != current) {
            return Err(invalid(format!(
                "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST \
                 ({current}). Please try again with the CodeSHA256 in $LATEST."
            )));
        }
        let output = rows.publish(&mut function, publish.description, cloud)?;
        rows.functions.put(&target.key(), function)?;
        Ok(created(output))
    }

    pub(super) fn list_versions(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        let target = Target::of(call, function)?;
        let rows = self.lock();
        let function = rows.function(&target)?;
        let mut listed = vec![view::listed(
            function,
            &function.latest,
            view::latest(function, true),
        )];
        listed.extend(rows.published(function));
        let (page, marker) = page(listed, call.query("Marker"), call.query("MaxItems"), 50)?;
        Ok(Reply::output(
            json!({ "Versions": page, "NextMarker": marker }),
        ))
    }
}

impl Rows {
    /// Gives `$LATEST` a number, unless the last version is just the same. The caller puts the
    /// function's row; until then nothing lists the version.
    pub(super) fn publish(
        &mut self,
        function: &mut Function,
        description: Option<String>,
        cloud: &Cloud,
    ) -> Result<Value, Fault> {
        let now = cloud.now();
        if let Some((&number, revision)) = function.versions.last_key_value()
            && let Some(last) = self.version(function, number)
            && last.build == function.latest.build
        {
            let version = number.to_string();
            let told = Told {
                version: &version,
                qualifier: Some(&version),
                revision,
            };
            return Ok(view::configuration(function, last, told, Moment::Now(now)));
        }
        let number = function.last_version + 1;
        let version = Configuration {
            description: description.unwrap_or_else(|| function.latest.description.clone()),
            revision: revision(),
            active_at: now + cloud.switches().pending,
            updated_at: None,
            ..function.latest.clone()
        };
        let text = number.to_string();
        let told = Told {
            version: &text,
            qualifier: Some(&text),
            revision: &version.revision,
        };
        let output = view::configuration(function, &version, told, Moment::Changed);
        function.last_version = number;
        function.versions.insert(number, version.revision.clone());
        function.latest.revision = revision();
        self.versions.put(&function.version_key(number), version)?;
        Ok(output)
    }

    /// The published versions as lists have them, the oldest first.
    pub(super) fn published<'a>(
        &'a self,
        function: &'a Function,
    ) -> impl Iterator<Item = Value> + 'a {
        function.versions.iter().filter_map(|(number, revision)| {
            let version = number.to_string();
            let told = Told {
                version: &version,
                qualifier: Some(&version),
                revision,
            };
            let shown = self.version(function, *number)?;
            Some(view::listed(function, shown, told))
        })
    }

    /// Deletes a version, and what belongs to it. One that there is not is deleted already.
    pub(super) fn delete_version(&mut self, target: &Target, version: &str) -> Result<(), Fault> {
        let function = self.function(target)?;
        let number = version.parse().ok();
        let Some(number) = number.filter(|number| function.versions.contains_key(number)) else {
            return Ok(());
        };
        let aliases: Vec<&str> = function
            .aliases
            .iter()
            .filter(|(_, alias)| {
                alias.version == version
                    || alias.additional.is_some_and(|(other, _)| other == number)
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if !aliases.is_empty() {
            return Err(conflict(format!(
                "Unable to delete version because the following aliases reference it: [{}]",
                aliases.join(", ")
            )));
        }
        let key = function.version_key(number);
        self.change(target, |function| {
            function.versions.remove(&number);
            function.forget(version);
            Ok(())
        })?;
        // Nothing lists it any more: a row that stays is only dead weight.
        drop(self.versions.remove(&key));
        Ok(())
    }
}

impl Function {
    /// Removes what belongs to a version or an alias that is deleted.
    pub(super) fn forget(&mut self, qualifier: &str) {
        self.policies.remove(qualifier);
        self.provisioned.remove(qualifier);
        self.event_invoke.remove(qualifier);
    }
}
