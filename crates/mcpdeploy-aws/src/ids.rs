//! Names, ids and ARNs, each a type of its own: a role's ARN is no bucket's name.

use std::fmt;

use mcpdeploy_engine::value::{Input, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as AWS writes it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<&$name> for String {
            fn from(id: &$name) -> Self {
                id.0.clone()
            }
        }

        impl IntoText for $name {
            fn into_text(self) -> Input<String> {
                Input::Value(self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

ids! {
    /// The ARN of a CloudWatch alarm.
    AlarmArn;
    /// The name of a CloudWatch alarm.
    AlarmName;
    /// The ARN of a Lambda alias: `arn:aws:lambda:<region>:<account>:function:<name>:<alias>`.
    AliasArn;
    /// The name of a Lambda alias, e.g. `live`.
    AliasName;
    /// The id of an API Gateway v2 API.
    ApiId;
    /// The address an API answers at, e.g. `https://<id>.execute-api.<region>.amazonaws.com`.
    ApiEndpoint;
    /// The id of an API Gateway v2 authorizer.
    AuthorizerId;
    /// The ARN of an S3 bucket.
    BucketArn;
    /// The name of an S3 bucket.
    BucketName;
    /// The name of a CloudWatch dashboard.
    DashboardName;
    /// The ARN of a Lambda function, without qualifier.
    FunctionArn;
    /// The name of a Lambda function, without qualifier.
    FunctionName;
    /// The ARN by which API Gateway invokes a Lambda function, version or alias:
    /// `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<arn>/invocations`.
    InvokeArn;
    /// The id of an API Gateway v2 integration.
    IntegrationId;
    /// The name of a KMS alias, `alias/…`.
    KmsAliasName;
    /// The ARN of a KMS key.
    KmsKeyArn;
    /// The id of a KMS key.
    KmsKeyId;
    /// The ARN of a log group, without the trailing `:*`.
    LogGroupArn;
    /// The name of a log group.
    LogGroupName;
    /// The key of an S3 object.
    ObjectKey;
    /// The ARN of a parameter of Systems Manager.
    ParameterArn;
    /// The name of a parameter of Systems Manager: a word, or a path that begins with a slash.
    ParameterName;
    /// The ARN of an IAM policy.
    PolicyArn;
    /// The ARN of a published version: `arn:aws:lambda:<region>:<account>:function:<name>:<number>`.
    QualifiedArn;
    /// The identifier of a Cognito resource server, e.g. an MCP server's URL.
    ResourceServerId;
    /// The ARN of an IAM role.
    RoleArn;
    /// The name of an IAM role.
    RoleName;
    /// The id of an API Gateway v2 route.
    RouteId;
    /// The ARN of a secret, with its random suffix.
    SecretArn;
    /// The name of a secret.
    SecretName;
    /// The name of an API Gateway v2 stage.
    StageName;
    /// The ARN of an SNS subscription.
    SubscriptionArn;
    /// The ARN of a DynamoDB table.
    TableArn;
    /// The name of a DynamoDB table.
    TableName;
    /// The ARN of an SNS topic.
    TopicArn;
    /// The ARN of a Cognito user pool.
    UserPoolArn;
    /// The id of an app client of a Cognito user pool.
    UserPoolClientId;
    /// The id of a Cognito user pool: `<region>_<letters and digits>`.
    UserPoolId;
    /// The number of a published version of a function.
    VersionNumber;
}

/// What can stand where plain text is asked for, e.g. in a function's environment: an id, a text or
/// a reference to one.
pub trait IntoText {
    /// The text, or the reference to it.
    fn into_text(self) -> Input<String>;
}

impl<T> IntoText for Ref<T> {
    fn into_text(self) -> Input<String> {
        match Input::<T>::from(self) {
            Input::Open(open) => Input::Open(open),
            Input::Value(_) => unreachable!("a reference is open"),
        }
    }
}

impl<T: Into<String>> IntoText for Input<T> {
    fn into_text(self) -> Input<String> {
        match self {
            Self::Value(id) => Input::Value(id.into()),
            Self::Open(open) => Input::Open(open),
        }
    }
}

impl IntoText for String {
    fn into_text(self) -> Input<String> {
        Input::Value(self)
    }
}

impl IntoText for &str {
    fn into_text(self) -> Input<String> {
        Input::Value(self.to_owned())
    }
}

/// An id as plain text; a reference stays one.
#[must_use]
pub fn text(id: impl IntoText) -> Input<String> {
    id.into_text()
}

/// The partition of a region: the second part of the ARNs in it.
///
/// From the SDK's partition data, by region prefix.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    match region.split_once('-').map(|(prefix, _)| prefix) {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        Some("us") if region.starts_with("us-isob-") => "aws-iso-b",
        Some("us") if region.starts_with("us-isof-") => "aws-iso-f",
        Some("us") if region.starts_with("us-iso-") => "aws-iso",
        Some("eu") if region.starts_with("eu-isoe-") => "aws-iso-e",
        Some("eusc") => "aws-eusc",
        _ => "aws",
    }
}

/// The end of AWS's own host names in a region.
///
/// From `partitions.json` of botocore, by partition.
#[must_use]
pub fn dns_suffix(region: &str) -> &'static str {
    match partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use mcpdeploy_engine::address::Address;

    use super::*;

    #[test]
    fn ids_are_plain_text_in_json() {
        let arn = RoleArn::new("arn:aws:iam::123456789012:role/x");
        let json = serde_json::to_value(&arn).unwrap();
        assert_eq!(json, "arn:aws:iam::123456789012:role/x");
        assert_eq!(serde_json::from_value::<RoleArn>(json).unwrap(), arn);
    }

    #[test]
    fn a_reference_stays_a_reference_as_text() {
        let address: Address = "aws.iam.role.exec".parse().unwrap();
        let input = text(Ref::<RoleArn>::new(&address, "/arn"));
        assert_eq!(
            serde_json::to_value(input).unwrap(),
            serde_json::json!({"$ref": "aws.iam.role.exec#/arn"})
        );
        assert_eq!(text(RoleArn::new("x")).known().unwrap(), "x");
    }

    #[test]
    fn partitions() {
        for (region, expected) in [
            ("us-east-1", "aws"),
            ("eu-central-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
            ("*", "aws"),
        ] {
            assert_eq!(partition(region), expected, "{region}");
        }
    }
}
