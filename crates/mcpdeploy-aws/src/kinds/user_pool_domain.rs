//! `aws.cognito.user_pool_domain`: where a pool's login pages and OAuth endpoints are.
//!
//! Facts, from the Cognito user pools API reference and developer guide:
//! - a prefix is unique within the region, across all accounts; a custom domain within AWS. Neither
//!   may contain `aws`, `amazon` or `cognito`;
//! - DescribeUserPoolDomain of one that there is not answers with an empty description;
//! - a pool has one domain of a kind, so the old one goes before the new one comes;
//! - a custom domain's certificate is in us-east-1, wherever the pool is, and a DNS record must point
//!   at the CloudFront distribution that it is given;
//! - managed login (version 2) shows pages to clients that have a branding, and only to those; it is
//!   what makes access tokens name their audience. The classic pages are version 1.

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, FaultClass, Identity, Kind, KindError, Observed, Op, Permission, Placement,
    Poll, ReplaceOrder, Who,
};
use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cognito_shared::{child_id, emulator, in_pool, pool_arn, serial_key, split};
use super::inputs::wrong;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{UserPoolId, dns_suffix, partition};

/// Words that no prefix may contain.
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];

/// A domain of a user pool.
#[derive(Debug)]
pub enum UserPoolDomain {}

/// What one can ask of a domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPoolDomainInputs {
    /// The pool it belongs to.
    pub user_pool: Input<UserPoolId>,
    /// A prefix of 1 to 63 small letters, digits and hyphens; or, with a certificate, a domain of
    /// one's own.
    pub domain: String,
    /// The certificate (in us-east-1) of a domain of one's own.
    #[serde(default)]
    pub certificate_arn: Option<Input<String>>,
    /// Which pages it shows.
    #[serde(default)]
    pub pages: LoginPages,
}

/// The login pages that a domain shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginPages {
    /// Managed login.
    #[default]
    Managed,
    /// The classic hosted UI.
    Classic,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserPoolDomainOutputs {
    /// The prefix or the domain.
    pub domain: String,
    /// The beginning of the addresses of its pages and endpoints, without a slash at the end:
    /// `<base_url>/oauth2/authorize`, `<base_url>/oauth2/token`, `<base_url>/login`.
    pub base_url: String,
    /// The CloudFront distribution that the DNS record of a domain of one's own points at.
    pub distribution: Option<String>,
}

impl UserPoolDomain {
    /// Refers to where the pages of the domain at `address` are.
    #[must_use]
    pub fn base_url(address: &Address) -> Ref<String> {
        Ref::new(address, "/base_url")
    }

    /// Where the pages of a domain on AWS are: `domain` is a prefix, or, with a dot, a domain of one's
    /// own.
    #[must_use]
    pub fn base_url_of(domain: &str, region: &str) -> String {
        base_url(domain, domain.contains('.'), region)
    }

    /// Refers to the prefix or the domain at `address`.
    #[must_use]
    pub fn domain(address: &Address) -> Ref<String> {
        Ref::new(address, "/domain")
    }
}

impl LoginPages {
    fn version(self) -> i32 {
        match self {
            Self::Classic => 1,
            Self::Managed => 2,
        }
    }
}

impl UserPoolDomainInputs {
    fn custom_to_sdk(&self) -> Result<Option<sdk::CustomDomainConfigType>, KindError> {
        let custom = |arn: &Input<String>| {
            sdk::CustomDomainConfigType::builder()
                .certificate_arn(arn.get())
                .build()
                .map_err(|error| KindError::fatal(error.to_string()))
        };
        self.certificate_arn.as_ref().map(custom).transpose()
    }
}

impl Kind for UserPoolDomain {
    const NAME: &'static str = "aws.cognito.user_pool_domain";
    const REPLACE_ON: &'static [&'static str] = &["/user_pool", "/domain"];
    const REPLACE_ORDER: ReplaceOrder = ReplaceOrder::DeleteFirst;
    const TYPICAL_MS: u32 = 3_000;

    type Clients = Clients;
    type Inputs = UserPoolDomainInputs;
    type Outputs = UserPoolDomainOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        in_pool(&inputs.user_pool, &inputs.domain)
    }

    fn serial_key(inputs: &Self::Inputs) -> Option<String> {
        serial_key(&inputs.user_pool)
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let domain = &inputs.domain;
        let labels = domain.split('.');
        if inputs.certificate_arn.is_some() {
            if !labels.clone().all(is_label) || labels.count() < 2 {
                return wrong(
                    "/domain",
                    format!("`{domain}` is no domain in small letters"),
                );
            }
            return Ok(());
        }
        if !is_label(domain) {
            let hint = if domain.contains('.') {
                "; a domain of your own needs a certificate"
            } else {
                ""
            };
            return wrong(
                "/domain",
                format!(
                    "`{domain}` is no prefix: 1 to 63 small letters, digits and hyphens, with none of them at an end{hint}"
                ),
            );
        }
        if let Some(word) = RESERVED.iter().find(|word| domain.contains(**word)) {
            return wrong("/domain", format!("no prefix may contain `{word}`"));
        }
        Ok(())
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let pool = inputs.user_pool.known().map_or("*", UserPoolId::as_str);
        let on_pool: &[&str] = match op {
            Op::Read => &[],
            Op::Create => &["cognito-idp:CreateUserPoolDomain"],
            Op::Update => &["cognito-idp:UpdateUserPoolDomain"],
            Op::Delete => &["cognito-idp:DeleteUserPoolDomain"],
        };
        let mut permissions = Permission::all(on_pool, &pool_arn(pool, placement));
        // Asked by its name, whoever's it is.
        permissions.push(Permission::new("cognito-idp:DescribeUserPoolDomain", "*"));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let (pool, name) = match who.id {
            Some(id) => split(id)?,
            None => (
                who.inputs.user_pool.get().as_str(),
                who.inputs.domain.as_str(),
            ),
        };
        let found = describe(cx, name).await?;
        // Another pool's is none of ours.
        let Some(found) = found.filter(|found| found.user_pool_id() == Some(pool)) else {
            return Ok(None);
        };
        if found.status() == Some(&sdk::DomainStatusType::Deleting) {
            return Ok(None);
        }
        let pages = match found.managed_login_version() {
            Some(2) => LoginPages::Managed,
            _ => LoginPages::Classic,
        };
        Ok(Some(Observed {
            id: child_id(pool, name),
            outputs: outputs(cx, &found),
            inputs: UserPoolDomainInputs {
                user_pool: UserPoolId::new(pool).into(),
                domain: name.to_owned(),
                certificate_arn: certificate(&found).map(Into::into),
                pages,
            },
            unobserved: &[],
        }))
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        let pool = want.user_pool.get();
        let answer = cx
            .clients
            .cognito()
            .create_user_pool_domain()
            .user_pool_id(pool)
            .domain(&want.domain)
            .set_custom_domain_config(want.custom_to_sdk()?)
            .managed_login_version(want.pages.version())
            .send()
            .await
            .fault("cognito-idp", "CreateUserPoolDomain", &want.domain);
        answer.map_err(taken)?;
        Ok(Created::id(child_id(pool.as_str(), &want.domain).as_str()))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        if !delta.updates_any(&["/certificate_arn", "/pages"]) {
            return Ok(());
        }
        let (pool, domain) = split(id)?;
        cx.clients
            .cognito()
            .update_user_pool_domain()
            .user_pool_id(pool)
            .domain(domain)
            .set_custom_domain_config(want.custom_to_sdk()?)
            .managed_login_version(want.pages.version())
            .send()
            .await
            .fault("cognito-idp", "UpdateUserPoolDomain", id)
            .map(|_| ())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
        _: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        let (_, domain) = split(id)?;
        cx.poll(Poll::MINUTES, "waiting for the login domain", || async {
            let found = describe(cx, domain).await?;
            match found.as_ref().and_then(|found| found.status()) {
                Some(sdk::DomainStatusType::Creating | sdk::DomainStatusType::Updating) => Ok(None),
                Some(sdk::DomainStatusType::Failed) => {
                    Err(KindError::fatal("the login domain could not be set up").on(domain))
                }
                _ => match found {
                    Some(found) => Ok(Some(outputs(cx, &found))),
                    None => Err(KindError::fatal("the login domain is gone again").on(domain)),
                },
            }
        })
        .await
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        let (pool, domain) = split(id)?;
        cx.clients
            .cognito()
            .delete_user_pool_domain()
            .user_pool_id(pool)
            .domain(domain)
            .send()
            .await
            .removed("cognito-idp", "DeleteUserPoolDomain", id)?;
        cx.poll(
            Poll::MINUTES,
            "waiting until the login domain is gone",
            || async {
                let found = describe(cx, domain).await?;
                let there = found.is_some_and(|found| found.user_pool_id() == Some(pool));
                Ok((!there).then_some(()))
            },
        )
        .await
    }
}

/// A prefix is everybody's: there is nothing to import.
fn taken(error: KindError) -> KindError {
    if error.class == FaultClass::Exists {
        return error.hint(
            "prefixes are shared by all accounts of a region, and a pool has one domain: choose another prefix (`domain` under [auth.cognito])",
        );
    }
    error
}

fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

async fn describe(
    cx: &Cx<'_, Clients>,
    domain: &str,
) -> Result<Option<sdk::DomainDescriptionType>, KindError> {
    let answer = cx
        .clients
        .cognito()
        .describe_user_pool_domain()
        .domain(domain)
        .send()
        .await
        .found("cognito-idp", "DescribeUserPoolDomain", domain)?;
    let described = answer.and_then(|answer| answer.domain_description);
    Ok(described.filter(|described| described.user_pool_id().is_some()))
}

fn outputs(cx: &Cx<'_, Clients>, found: &sdk::DomainDescriptionType) -> UserPoolDomainOutputs {
    let domain = found.domain().unwrap_or_default();
    let custom = certificate(found).is_some();
    let base_url = emulator(cx.clients).map_or_else(
        || base_url(domain, custom, cx.clients.region()),
        |endpoint| format!("{endpoint}/_cognito/{domain}"),
    );
    let distribution = found.cloud_front_distribution();
    UserPoolDomainOutputs {
        domain: domain.to_owned(),
        base_url,
        distribution: distribution.filter(|_| custom).map(ToOwned::to_owned),
    }
}

/// The certificate of a domain of one's own; a prefix has an empty one.
fn certificate(found: &sdk::DomainDescriptionType) -> Option<&str> {
    let custom = found.custom_domain_config()?.certificate_arn();
    Some(custom).filter(|arn| !arn.is_empty())
}

/// Source: "Configuring a user pool domain" and, for GovCloud, "Amazon Cognito in AWS GovCloud (US)".
fn base_url(domain: &str, custom: bool, region: &str) -> String {
    if custom {
        return format!("https://{domain}");
    }
    let (auth, suffix) = match partition(region) {
        "aws" => ("auth", "amazoncognito.com"),
        "aws-us-gov" => ("auth-fips", "amazoncognito.com"),
        _ => ("auth", dns_suffix(region)),
    };
    format!("https://{domain}.{auth}.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prefixes_and_domains() {
        let check = |domain: &str, certificate: Option<&str>| {
            let inputs =
                json!({"user_pool": "p", "domain": domain, "certificate_arn": certificate});
            let inputs = serde_json::from_value(inputs).unwrap();
            UserPoolDomain::validate(&inputs).is_ok()
        };
        let certificate = Some("arn:aws:acm:us-east-1:123456789012:certificate/x");
        assert!(check("calculator-dev", None));
        assert!(check("login.example.com", certificate));
        for bad in ["", "-a", "a-", "A", "a.b", "my-aws-pool", "cognito1"] {
            assert!(!check(bad, None), "{bad}");
        }
        for bad in ["login", "Login.example.com", "login..com"] {
            assert!(!check(bad, certificate), "{bad}");
        }
    }

    #[test]
    fn where_the_pages_are() {
        for (custom, region, expected) in [
            (
                false,
                "eu-central-1",
                "https://a.auth.eu-central-1.amazoncognito.com",
            ),
            (
                false,
                "us-gov-west-1",
                "https://a.auth-fips.us-gov-west-1.amazoncognito.com",
            ),
            (true, "eu-central-1", "https://a"),
        ] {
            assert_eq!(base_url("a", custom, region), expected);
        }
    }
}
