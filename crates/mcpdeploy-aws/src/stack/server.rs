//! The server: its function with log group, role, version and alias, and all that belongs to it.

use std::collections::BTreeMap;

use mcpdeploy_config::{self as config, Server};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::Tags;
use mcpdeploy_engine::value::Input;
use serde_json::json;

use super::names::Names;
use super::secrets::Entry;
use super::{Code, Place, Stack, joined, reference};
use crate::kinds::{
    Alias, AliasInputs, Architecture, Bucket, BucketInputs, Code as FunctionCode, CodeObject,
    Function, FunctionInputs, LogGroup, LogGroupInputs, Object, ObjectInputs, Role, RoleInputs,
    Tracing, Version, VersionInputs,
};
use crate::policy::PolicyDocument;

/// What one call takes as a zip; a larger one goes through S3.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>: "50 MB (zipped, for
/// direct upload)".
pub(super) const INLINE_LIMIT: u64 = 50 * 1024 * 1024;
/// The alias that the API invokes.
pub(super) const ALIAS: &str = "live";

impl Stack<'_> {
    pub(super) fn server(&mut self, server: &Server, code: &Code, place: &Place, names: &Names) {
        let name = server.name.as_str();
        let observability = &self.config.observability;
        let log_group = self.add::<LogGroup>(
            name,
            &LogGroupInputs {
                name: names.log_group.clone().into(),
                retention_days: Some(observability.log_retention_days),
                tags: Tags::new(),
            },
        );
        let secrets = self.secrets(names);
        let own: Vec<Entry> = secrets
            .iter()
            .filter(|(name, _)| !self.is_for_login(name))
            .cloned()
            .collect();
        let role = self.add::<Role>(
            "exec",
            &RoleInputs {
                name: names.role.clone().into(),
                path: "/".to_owned(),
                description: format!("What the MCP server {} may do", names.full),
                assume_role_policy: PolicyDocument::trust_service("lambda.amazonaws.com"),
                inline_policies: self.policies(place, &names.log_group, &own),
                managed_policies: std::collections::BTreeSet::new(),
                max_session_seconds: 3600,
                permissions_boundary: None,
                tags: Tags::new(),
            },
        );
        let function = self.function(server, code, names, &log_group, &role, &own);
        let version = self.add::<Version>(
            name,
            &VersionInputs {
                function: Function::name(&function).into(),
                fingerprint: Function::fingerprint(&function).into(),
                code_sha256: Some(code.sha256.clone()),
                description: String::new(),
            },
        );
        let alias = self.add::<Alias>(
            ALIAS,
            &AliasInputs {
                function: Function::name(&function).into(),
                name: ALIAS.into(),
                version: Version::version(&version).into(),
                weights: BTreeMap::new(),
                description: "What callers reach".to_owned(),
                provisioned_concurrency: server.provisioned_concurrency,
            },
        );
        let api = self.api(server, place, names, (&function, &alias), &secrets);
        let topic = self.topic(names);
        self.alarms(names, &function, &api, topic.as_ref());
        if self.config.observability.create_dashboard {
            self.dashboard(names, place, &function, &api);
        }

        self.output("function", reference(&function, "/name"));
        self.output("function_arn", reference(&function, "/arn"));
        self.output("version", reference(&version, "/version"));
        self.output("alias", json!(ALIAS));
        self.output("log_group", reference(&log_group, "/name"));
        self.output("role", reference(&role, "/arn"));
        self.output("region", json!(place.region));
        self.output("account", json!(place.account));
        for (secret, address) in &secrets {
            if let Some(address) = address {
                self.output(
                    &format!("secret_{}", secret.to_lowercase()),
                    reference(address, "/name"),
                );
            }
        }
    }

    fn function(
        &mut self,
        server: &Server,
        code: &Code,
        names: &Names,
        log_group: &Address,
        role: &Address,
        secrets: &[Entry],
    ) -> Address {
        let s3 = (code.size > INLINE_LIMIT).then(|| self.upload(code, names));
        let architecture = match server.architecture {
            config::Architecture::X86_64 => Architecture::X86_64,
            config::Architecture::Arm64 => Architecture::Arm64,
        };
        let tracing = if self.config.observability.enable_xray {
            Tracing::Active
        } else {
            Tracing::PassThrough
        };
        let mut environment = self.environment(secrets);
        for (name, value) in super::bridge::told(self.config, server) {
            environment.insert(name.to_owned(), value);
        }
        self.add::<Function>(
            &server.name,
            &FunctionInputs {
                name: names.full.clone().into(),
                role: Role::arn(role).into(),
                code: FunctionCode {
                    sha256: code.sha256.clone(),
                    size: code.size,
                    s3,
                },
                handler: "bootstrap".to_owned(),
                runtime: "provided.al2023".to_owned(),
                architecture,
                memory_mb: server.memory_mb,
                timeout_seconds: server.timeout_seconds,
                ephemeral_storage_mb: server.ephemeral_storage_mb,
                environment,
                tracing,
                layers: Vec::new(),
                reserved_concurrency: server.reserved_concurrency,
                description: format!("MCP server {}", names.full),
                log_group: Some(LogGroup::name(log_group).into()),
                tags: Tags::new(),
            },
        )
    }

    /// The variables of the file, and for each secret the ARN to read it by.
    fn environment(&self, secrets: &[Entry]) -> BTreeMap<String, Input<String>> {
        let mut environment: BTreeMap<String, Input<String>> = self
            .config
            .environment
            .iter()
            .map(|(key, value)| (key.clone(), Input::Value(value.clone())))
            .collect();
        environment.extend(self.secret_variables(secrets));
        environment
    }

    /// A bucket with the code in it, under its digest.
    fn upload(&mut self, code: &Code, names: &Names) -> CodeObject {
        let bucket = self.add::<Bucket>(
            "code",
            &BucketInputs {
                name: names.bucket.clone().into(),
                force_destroy: true,
                versioning: false,
                expiration_days: None,
                block_public_access: true,
                tags: Tags::new(),
            },
        );
        let digest = code.sha256.to_hex().unwrap_or_else(|_| "code".to_owned());
        let object = self.add::<Object>(
            "code",
            &ObjectInputs {
                bucket: Bucket::name(&bucket).into(),
                key: format!("{digest}.zip").into(),
                source: code.sha256.clone(),
            },
        );
        CodeObject {
            bucket: Object::bucket(&object).into(),
            key: Object::key(&object).into(),
        }
    }

    /// The URL at which clients reach the server.
    pub(super) fn urls(&mut self, api: &Address, path: &str) {
        let endpoint = reference(api, "/endpoint");
        self.output("url", endpoint.clone());
        self.output("mcp_url", joined([endpoint, json!(path)]));
    }
}
