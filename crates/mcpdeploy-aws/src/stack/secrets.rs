//! `[secrets]`: the resources without their values, what the function is told of them, and what it may
//! do to read them.

use std::collections::BTreeMap;

use mcpdeploy_config::{Inject, Secret as Wanted, SecretBackend, SecretRotation, SecretSource};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::{Input, parse_interpolation};
use serde_json::{Value, json};

use super::names::Names;
use super::{Place, Stack, StackError, joined, reference};
use crate::ids::{FunctionArn, text};
use crate::kinds::{Parameter, ParameterInputs, Rotation, Schedule, Secret, SecretInputs};
use crate::policy::{PolicyDocument, Statement};

const HOUR: u64 = 3_600;

/// An entry of the file: its name, and its address when it is ours.
pub(super) type Entry = (String, Option<Address>);

impl Stack<'_> {
    /// The secrets of the file; those that are ours as resources, without a value.
    pub(super) fn secrets(&mut self, names: &Names) -> Vec<Entry> {
        let wanted = self.config.secrets.clone();
        wanted
            .into_iter()
            .map(|(name, wanted)| {
                let address = self.secret(&name, &wanted, names);
                (name, address)
            })
            .collect()
    }

    fn secret(&mut self, name: &str, wanted: &Wanted, names: &Names) -> Option<Address> {
        let SecretSource::Managed { description } = &wanted.source else {
            return None;
        };
        let description = Some(description.clone()).filter(|text| !text.is_empty());
        let kms_key_id = wanted.kms_key.as_ref().map(|key| self.open(key));
        Some(match wanted.backend {
            SecretBackend::SecretsManager => {
                let rotation = wanted.rotation.as_ref().map(|wanted| self.rotation(wanted));
                self.add::<Secret>(
                    name,
                    &SecretInputs {
                        name: format!("{}/{name}", names.full).into(),
                        description,
                        kms_key_id,
                        generate: None,
                        rotation,
                        recovery_window_days: 30,
                        tags: Tags::new(),
                    },
                )
            }
            SecretBackend::Ssm => self.add::<Parameter>(
                name,
                &ParameterInputs {
                    // A name must not begin with aws or ssm, and a server's may.
                    name: format!("/mcpdeploy/{}/{name}", names.full).into(),
                    description,
                    kms_key_id,
                    generate: None,
                    tags: Tags::new(),
                },
            ),
        })
    }

    fn rotation(&mut self, wanted: &SecretRotation) -> Rotation {
        let hours = wanted.every.seconds() / HOUR;
        Rotation {
            function: match self.open(&wanted.lambda) {
                Input::Value(arn) => Input::Value(FunctionArn::new(arn)),
                Input::Open(open) => Input::Open(open),
            },
            schedule: Schedule::hours(u32::try_from(hours).unwrap_or(u32::MAX)),
        }
    }

    /// A text of the file that may have references in it.
    fn open(&mut self, written: &str) -> Input<String> {
        let is_kind = |kind: &str| self.registry.get(kind).is_some();
        match parse_interpolation(written, &is_kind) {
            Ok(Value::String(text)) => Input::Value(text),
            Ok(open) => Input::Open(open),
            Err(error) => {
                self.errors.push(StackError::Key {
                    key: "secrets",
                    message: error.to_string(),
                    help: "write an ARN, or a reference such as ${aws.lambda.function.rotate.arn}"
                        .to_owned(),
                });
                Input::Value(written.to_owned())
            }
        }
    }

    /// The ARN to read each secret by, with the entry.
    fn arns<'e>(
        &self,
        entries: &'e [Entry],
    ) -> impl Iterator<Item = (&'e str, &Wanted, Input<String>)> {
        entries.iter().filter_map(|(name, address)| {
            let wanted = self.config.secrets.get(name)?;
            let arn = match (address, &wanted.source) {
                (Some(address), _) => Input::Open(reference(address, "/arn")),
                (None, SecretSource::Existing { arn }) => text(arn.as_str()),
                (None, SecretSource::Managed { .. }) => return None,
            };
            Some((name.as_str(), wanted, arn))
        })
    }

    /// What the function is told: each secret's ARN, and which of them the runtime puts into variables.
    pub(super) fn secret_variables(&self, entries: &[Entry]) -> BTreeMap<String, Input<String>> {
        let mut told = BTreeMap::new();
        let mut injected = Vec::new();
        for (name, wanted, arn) in self.arns(entries) {
            if wanted.inject == Inject::Env {
                injected.push((name, arn.clone()));
            }
            told.insert(format!("{}_SECRET_ARN", name.to_uppercase()), arn);
        }
        if injected.is_empty() {
            return told;
        }
        let mut object = vec![json!("{")];
        for (index, (name, arn)) in injected.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Variables' names and ARNs have nothing in them that JSON would escape.
            object.push(json!(format!("{comma}\"{name}\":\"")));
            object.push(match arn {
                Input::Value(arn) => json!(arn),
                Input::Open(open) => open,
            });
            object.push(json!("\""));
        }
        object.push(json!("}"));
        told.insert("MCPDEPLOY_INJECT".to_owned(), Input::Open(joined(object)));
        let versions: Vec<Value> = entries
            .iter()
            .filter(|(name, _)| {
                let wanted = self.config.secrets.get(name);
                wanted.is_some_and(|wanted| wanted.inject == Inject::Env)
            })
            .filter_map(|(_, address)| address.as_ref())
            .flat_map(|address| [reference(address, "/version"), json!(" ")])
            .collect();
        // Nobody reads it: a value that changed makes the next apply start the server anew.
        if !versions.is_empty() {
            let versions = Input::Open(joined(versions));
            told.insert("MCPDEPLOY_INJECT_VERSIONS".to_owned(), versions);
        }
        told
    }

    /// What reading exactly these secrets takes; none when there are none.
    pub(super) fn secrets_policy(
        &self,
        entries: &[Entry],
        place: &Place,
    ) -> Option<PolicyDocument> {
        let mut secrets = None;
        let mut parameters = None;
        let mut keys = Vec::new();
        for (_, wanted, arn) in self.arns(entries) {
            let (slot, action) = match wanted.backend {
                SecretBackend::SecretsManager => (&mut secrets, "secretsmanager:GetSecretValue"),
                SecretBackend::Ssm => (&mut parameters, "ssm:GetParameter"),
            };
            let arn = match (arn, wanted.backend) {
                (Input::Value(arn), SecretBackend::SecretsManager) => text(full_arn(&arn)),
                (arn, SecretBackend::SecretsManager | SecretBackend::Ssm) => arn,
            };
            let statement = slot.take().unwrap_or_else(|| Statement::allow([action]));
            *slot = Some(statement.on(arn));
            // The services' own keys need no permission: their policies let in whoever may read.
            if let Some(key) = &wanted.kms_key
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        }
        let decrypt = keys.into_iter().map(|key| self.decrypt(key, place));
        let statements: Vec<Statement> = secrets
            .into_iter()
            .chain(parameters)
            .chain(decrypt)
            .collect();
        (!statements.is_empty()).then(|| PolicyDocument::new(statements))
    }

    /// Decrypting with exactly one key. What an alias stands for, only KMS knows.
    pub(super) fn decrypt(&self, key: &str, place: &Place) -> Statement {
        let Place {
            region,
            account,
            partition,
            ..
        } = place;
        let keys = format!("arn:{partition}:kms:{region}:{account}:key/");
        let statement = Statement::allow(["kms:Decrypt"]);
        let alias = key
            .find("alias/")
            .map(|at| &key[at..])
            .filter(|_| !key.contains("${"));
        match alias {
            Some(alias) => statement.on(format!("{keys}*")).condition(
                "ForAnyValue:StringEquals",
                "kms:ResourceAliases",
                alias,
            ),
            None if key.starts_with("arn:") => statement.on(key),
            None => {
                let is_kind = |kind: &str| self.registry.get(kind).is_some();
                match parse_interpolation(key, &is_kind) {
                    Ok(Value::String(id)) => statement.on(format!("{keys}{id}")),
                    Ok(open) => statement.on(Input::<String>::Open(open)),
                    // It is a mistake of its own already.
                    Err(_) => statement.on(format!("{keys}{key}")),
                }
            }
        }
    }
}

/// Secrets Manager adds six characters to a secret's ARN; an ARN without them still means it.
pub(super) fn full_arn(arn: &str) -> String {
    let name = arn.rsplit(':').next().unwrap_or_default();
    let has_suffix = name.rsplit_once('-').is_some_and(|(_, suffix)| {
        suffix.len() == 6 && suffix.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if has_suffix {
        arn.to_owned()
    } else {
        format!("{arn}-??????")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secrets_arn_without_its_suffix_is_completed() {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db";
        assert_eq!(full_arn(arn), format!("{arn}-??????"));
        let whole = format!("{arn}-a1B2c3");
        assert_eq!(full_arn(&whole), whole);
    }
}
