//! Domains: where a pool's pages are.

use serde_json::{Value, json};

use super::input::Input;
use super::model::{Domain, Pool};
use super::{Cognito, faults, random};
use crate::cloud::{ACCOUNT, Cloud};
use crate::wire::{Call, Fault};

/// Words that no prefix may have in it. Source: "Configuring a user pool domain".
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];

impl Cognito {
    pub(super) fn create_domain(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let pool = state.pool(input.text("UserPoolId")?)?;
        let name = input.filled("Domain")?;
        let custom = input.structure("CustomDomainConfig")?;
        if let Some(custom) = custom {
            custom.filled("CertificateArn")?;
        }
        check_name(name, custom.is_some())?;
        let login_version = login_version(input, pool)?.unwrap_or(1);
        if state.domain_of(&pool.id).is_some() {
            return Err(faults::parameter(
                "User pool already has a domain configured.",
            ));
        }
        if state.domains.contains(name) {
            return Err(faults::parameter(
                "Domain already associated with another user pool.",
            ));
        }
        let domain = Domain {
            name: name.to_owned(),
            pool: pool.id.clone(),
            login_version,
            custom: custom.map(|custom| custom.0.clone()),
            distribution: format!("d{}.cloudfront.net", random::lowercase(13)),
            version: cloud.now().unix_timestamp().to_string(),
        };
        let answer = answer(&domain);
        state.domains.put(name, domain)?;
        Ok(answer)
    }

    /// A domain that there is not is an empty description, as at AWS.
    pub(super) fn describe_domain(&self, call: &Call) -> Result<Value, Fault> {
        let name = Input(&call.input).text("Domain")?;
        let state = self.state();
        let description = state.domains.get(name).map_or_else(
            || json!({}),
            |domain| {
                json!({
                    "UserPoolId": domain.pool,
                    "AWSAccountId": ACCOUNT,
                    "Domain": domain.name,
                    "S3Bucket": "aws-cognito-prod-assets",
                    "CloudFrontDistribution": domain.distribution,
                    "Version": domain.version,
                    "Status": "ACTIVE",
                    "CustomDomainConfig": domain.custom.clone().unwrap_or_else(|| json!({})),
                    "ManagedLoginVersion": domain.login_version,
                })
            },
        );
        Ok(json!({"DomainDescription": description}))
    }

    pub(super) fn update_domain(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let pool = state.pool(input.text("UserPoolId")?)?;
        let version = login_version(input, pool)?;
        let custom = input.structure("CustomDomainConfig")?;
        let custom = custom.map(|custom| custom.0.clone());
        let name = input.text("Domain")?;
        if state
            .domains
            .get(name)
            .is_none_or(|domain| domain.pool != pool.id)
        {
            return Err(no_domain());
        }
        let domain = state.domains.update(name, |domain| {
            domain.login_version = version.unwrap_or(domain.login_version);
            if custom.is_some() && domain.custom.is_some() {
                domain.custom = custom;
            }
            domain.clone()
        })?;
        Ok(answer(&domain.ok_or_else(no_domain)?))
    }

    pub(super) fn delete_domain(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let (name, pool) = (input.text("Domain")?, input.text("UserPoolId")?);
        if state
            .domains
            .get(name)
            .is_none_or(|domain| domain.pool != pool)
        {
            return Err(no_domain());
        }
        state.domains.remove(name)?;
        Ok(json!({}))
    }
}

fn no_domain() -> Fault {
    faults::parameter("No such domain or user pool exists.")
}

/// The distribution is told of custom domains alone: their DNS record points at it.
fn answer(domain: &Domain) -> Value {
    json!({
        "ManagedLoginVersion": domain.login_version,
        "CloudFrontDomain": domain.custom.is_some().then_some(&domain.distribution),
    })
}

fn login_version(input: Input<'_>, pool: &Pool) -> Result<Option<i64>, Fault> {
    let version = input.within("ManagedLoginVersion", 1, 2)?;
    if version == Some(2) && pool.setting("UserPoolTier") == "LITE" {
        return Err(Fault::bad(
            "FeatureUnavailableInTierException",
            "Managed login is not available in the LITE tier.",
        ));
    }
    Ok(version)
}

fn check_name(name: &str, custom: bool) -> Result<(), Fault> {
    if custom {
        let labels = name.split('.');
        if labels.clone().count() > 1 && labels.clone().all(is_label) {
            return Ok(());
        }
    } else if is_label(name) {
        if let Some(word) = RESERVED.iter().find(|word| name.contains(**word)) {
            return Err(faults::parameter(format!(
                "Domain cannot contain reserved word: {word}"
            )));
        }
        return Ok(());
    }
    Err(super::input::constraint(
        name,
        "Domain",
        r"Member must satisfy regular expression pattern: ^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$",
    ))
}

fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
