//! The `[[resources]]` of the file.

use mcpdeploy_config::ResourceConfig;
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::{Kind, Placement};
use mcpdeploy_engine::resource::{Lifecycle, Resource};
use mcpdeploy_engine::value;
use serde_json::{Value, json};

use super::{Stack, StackError};
use crate::artifacts::CodeSha256;
use crate::kinds::{Function, Table};

impl Stack<'_> {
    pub(super) fn extra(&mut self, wanted: &ResourceConfig) {
        match self.extra_resource(wanted) {
            Ok(resource) => self.desired.resources.push(resource),
            Err((pointer, message)) => self.errors.push(StackError::Resource {
                address: wanted.address(),
                pointer,
                message,
            }),
        }
    }

    fn extra_resource(&self, wanted: &ResourceConfig) -> Result<Resource, (String, String)> {
        let whole = |error: &dyn std::fmt::Display| (String::new(), error.to_string());
        let address =
            Address::new(&wanted.kind.value, &wanted.name.value).map_err(|e| whole(&e))?;
        let is_kind = |kind: &str| self.registry.get(kind).is_some();
        let mut inputs = value::interpolate(&wanted.inputs, &is_kind)
            .map_err(|(pointer, error)| (pointer, error.to_string()))?;
        if self
            .registry
            .get(&wanted.kind.value)
            .is_some_and(|kind| kind.taggable())
        {
            self.tag(&address, &mut inputs);
        }
        self.name_table(&address, &mut inputs);
        self.take_zip(&address, &mut inputs)?;

        let depends_on = wanted
            .depends_on
            .iter()
            .map(|on| on.value.parse().map_err(|e| whole(&e)))
            .collect::<Result<_, _>>()?;
        let lifecycle = &wanted.lifecycle;
        let of_aws = wanted.kind.value.starts_with("aws.");
        Ok(Resource {
            address,
            inputs,
            depends_on,
            lifecycle: Lifecycle {
                protect: lifecycle.protect,
                retain: lifecycle.retain,
                ignore_changes: lifecycle.ignore_changes.clone(),
                create_before_destroy: lifecycle.create_before_destroy,
            },
            placement: if of_aws {
                self.placement()
            } else {
                Placement::default()
            },
            origin: Some(format!("[[resources]] {}", wanted.address())),
        })
    }

    /// A table that is not named is called after the deployment.
    fn name_table(&self, address: &Address, inputs: &mut Value) {
        if address.kind().as_str() != Table::NAME || !inputs["name"].is_null() {
            return;
        }
        let environment = match self.setting.environment {
            "default" => String::new(),
            other => format!("-{other}"),
        };
        inputs["name"] = json!(format!(
            "{}{environment}-{}",
            self.desired.deployment,
            address.name()
        ));
    }

    /// A function's `code = { zip = "path" }` becomes the digest and size of the file: plans and
    /// states hold no paths.
    fn take_zip(&self, address: &Address, inputs: &mut Value) -> Result<(), (String, String)> {
        if address.kind().as_str() != Function::NAME {
            return Ok(());
        }
        let Some(path) = inputs.pointer("/code/zip").and_then(Value::as_str) else {
            return Ok(());
        };
        let path = self.setting.root.join(path);
        let bytes = std::fs::read(&path).map_err(|error| {
            (
                "/code/zip".to_owned(),
                format!("failed to read {}: {error}", path.display()),
            )
        })?;
        let digest = CodeSha256::of(&bytes);
        inputs["code"] = json!({"sha256": digest, "size": bytes.len()});
        self.setting.artifacts.insert(digest, path);
        Ok(())
    }
}
