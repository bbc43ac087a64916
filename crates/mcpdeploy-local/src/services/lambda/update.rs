//! Changing `$LATEST`: its code and its configuration.

use serde::Deserialize;
use time::OffsetDateTime;

use super::Lambda;
use super::faults::{Violations, conflict, stale};
use super::functions::{check_role, check_size, note_architectures};
use super::model::{Configuration, Function, revision};
use super::names::{LATEST, Target};
use super::settings::Settings;
use super::source::Source;
use super::view::{self, Moment};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateCode {
    architectures: Option<Vec<String>>,
    publish: Option<bool>,
    publish_to: Option<String>,
    dry_run: Option<bool>,
    revision_id: Option<String>,
}

impl Lambda {
    pub(super) async fn update_function_code(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        check_size(call, "UpdateFunctionCode")?;
        let target = Target::whole(call, function)?;
        let source: Source = call.json()?;
        let update: UpdateCode = call.json()?;
        let mut violations = Violations::default();
        note_architectures(update.architectures.as_deref(), &mut violations);
        violations.check()?;
        if update.publish_to.is_some() {
            return Err(Fault::absent("publishing to $LATEST.PUBLISHED"));
        }
        let expected = update.revision_id.as_deref();
        // Before the code is unpacked, and again after: others may have been faster.
        check_change(self.lock().function(&target)?, expected, cloud.now())?;
        let package = self.package(cloud, source).await?;
        let mut rows = self.lock();
        let mut function = rows.function(&target)?.clone();
        check_change(&function, expected, cloud.now())?;
        change(&mut function, cloud, |latest| {
            latest.package = package;
            if let Some(architecture) = update.architectures.into_iter().flatten().next() {
                latest.architecture = architecture;
            }
        });
        let output = if update.publish == Some(true) && update.dry_run != Some(true) {
            rows.publish(&mut function, None, cloud)?
        } else {
            let told = view::latest(&function, false);
            view::configuration(&function, &function.latest, told, Moment::Changed)
        };
        if update.dry_run != Some(true) {
            let arn = function.arn();
            rows.functions.put(&target.key(), function)?;
            self.runtime.retire(&arn, Some(LATEST));
        }
        Ok(Reply::output(output))
    }

    pub(super) fn update_function_configuration(
        &self,
        cloud: &Cloud,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = Target::whole(call, function)?;
        let settings: Settings = call.json()?;
        let mut violations = Violations::default();
        settings.note(&mut violations);
        violations.check()?;
        settings.check()?;
        let mut rows = self.lock();
        let expected = settings.revision_id.as_deref();
        check_change(rows.function(&target)?, expected, cloud.now())?;
        if let Some(role) = &settings.role {
            check_role(cloud, role)?;
        }
        let output = rows.change(&target, |function| {
            change(function, cloud, |latest| settings.apply(latest));
            let told = view::latest(function, false);
            Ok(view::configuration(
                function,
                &function.latest,
                told,
                Moment::Changed,
            ))
        })?;
        self.runtime.retire(&target.arn(), Some(LATEST));
        Ok(Reply::output(output))
    }
}

/// Whether `$LATEST` can be changed or published now.
///
/// # Errors
/// While it is being created or updated, and when it is of another revision than expected.
pub(super) fn check_change(
    function: &Function,
    expected: Option<&str>,
    now: OffsetDateTime,
) -> Result<(), Fault> {
    let latest = &function.latest;
    if latest.is_pending(now) {
        return Err(is_pending());
    }
    if latest.is_updating(now) {
        return Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            function.arn()
        )));
    }
    if expected.is_some_and(|expected| expected != latest.revision) {
        return Err(stale("GetFunction/GetAlias"));
    }
    Ok(())
}

/// What cannot be done to a function that is being created.
pub(super) fn is_pending() -> Fault {
    conflict(
        "The operation cannot be performed at this time. The function is currently in the \
         following state: Pending",
    )
}

/// Changes `$LATEST` by the clock: until then, what was there before is invoked.
fn change(function: &mut Function, cloud: &Cloud, change: impl FnOnce(&mut Configuration)) {
    let before = function.latest.clone();
    let latest = &mut function.latest;
    change(latest);
    if *latest != before {
        latest.build = revision();
    }
    latest.revision = revision();
    latest.last_modified = cloud.now();
    latest.updated_at = Some(latest.last_modified + cloud.switches().pending);
    function.previous = Some(Box::new(before));
}
