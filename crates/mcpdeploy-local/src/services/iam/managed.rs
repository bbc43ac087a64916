//! The policies of AWS that this cloud knows: those that functions and their servers are given.
//!
//! Source: "AWS Managed Policy Reference Guide". The documents of the short ones are here; those of
//! the long ones change every month and are not.

use serde_json::{Value, json};

use super::model::encoded;

/// A policy of AWS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Managed {
    /// Path and name, e.g. `service-role/AWSLambdaBasicExecutionRole`.
    place: &'static str,
    version: u32,
    /// When it was made.
    created: &'static str,
    /// What its one statement allows on every resource; nothing when its document is not here.
    allows: Option<&'static [&'static str]>,
}

const fn policy(
    place: &'static str,
    version: u32,
    created: &'static str,
    allows: Option<&'static [&'static str]>,
) -> Managed {
    Managed {
        place,
        version,
        created,
        allows,
    }
}

const ALL: &[Managed] = &[
    policy("AWSLambda_FullAccess", 7, "2020-11-17T21:14:08Z", None),
    policy("AWSLambda_ReadOnlyAccess", 5, "2020-11-17T21:10:32Z", None),
    policy(
        "AWSXRayDaemonWriteAccess",
        2,
        "2018-08-28T23:00:33Z",
        Some(&[
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ]),
    ),
    policy(
        "AWSXrayFullAccess",
        2,
        "2016-12-01T18:30:55Z",
        Some(&["xray:*"]),
    ),
    policy(
        "AdministratorAccess",
        1,
        "2015-02-06T18:39:46Z",
        Some(&["*"]),
    ),
    policy(
        "AmazonAPIGatewayAdministrator",
        1,
        "2015-07-09T17:34:45Z",
        None,
    ),
    policy(
        "AmazonAPIGatewayInvokeFullAccess",
        2,
        "2015-07-09T17:36:12Z",
        None,
    ),
    policy("AmazonBedrockFullAccess", 11, "2023-12-06T15:47:17Z", None),
    policy("AmazonBedrockReadOnly", 7, "2023-12-06T15:48:19Z", None),
    policy("AmazonCognitoPowerUser", 9, "2015-03-24T17:14:56Z", None),
    policy("AmazonCognitoReadOnly", 4, "2015-03-24T17:06:46Z", None),
    policy("AmazonDynamoDBFullAccess", 15, "2015-02-06T18:40:11Z", None),
    policy(
        "AmazonDynamoDBFullAccess_v2",
        3,
        "2025-05-22T14:52:06Z",
        None,
    ),
    policy(
        "AmazonDynamoDBReadOnlyAccess",
        15,
        "2015-02-06T18:40:12Z",
        None,
    ),
    policy(
        "AmazonEventBridgeFullAccess",
        7,
        "2019-07-11T14:08:55Z",
        None,
    ),
    policy(
        "AmazonS3FullAccess",
        2,
        "2015-02-06T18:40:58Z",
        Some(&["s3:*", "s3-object-lambda:*"]),
    ),
    policy(
        "AmazonS3ReadOnlyAccess",
        3,
        "2015-02-06T18:40:59Z",
        Some(&[
            "s3:Get*",
            "s3:List*",
            "s3:Describe*",
            "s3-object-lambda:Get*",
            "s3-object-lambda:List*",
        ]),
    ),
    policy("AmazonSNSFullAccess", 2, "2015-02-06T18:41:05Z", None),
    policy("AmazonSNSReadOnlyAccess", 2, "2015-02-06T18:41:06Z", None),
    policy(
        "AmazonSQSFullAccess",
        1,
        "2015-02-06T18:41:07Z",
        Some(&["sqs:*"]),
    ),
    policy(
        "AmazonSSMReadOnlyAccess",
        1,
        "2015-05-29T17:44:19Z",
        Some(&["ssm:Describe*", "ssm:Get*", "ssm:List*"]),
    ),
    policy("CloudWatchFullAccess", 4, "2015-02-06T18:40:00Z", None),
    policy("CloudWatchFullAccessV2", 17, "2023-08-01T11:32:57Z", None),
    policy(
        "CloudWatchLambdaApplicationSignalsExecutionRolePolicy",
        1,
        "2024-10-16T19:09:17Z",
        None,
    ),
    // Its second statement is narrower; `document` writes it.
    policy(
        INSIGHTS,
        1,
        "2020-10-07T19:27:06Z",
        Some(&["logs:CreateLogGroup"]),
    ),
    policy("CloudWatchLogsFullAccess", 8, "2015-02-06T18:40:02Z", None),
    policy(
        "CloudWatchLogsReadOnlyAccess",
        12,
        "2015-02-06T18:40:03Z",
        None,
    ),
    policy("CloudWatchReadOnlyAccess", 25, "2015-02-06T18:40:01Z", None),
    policy("IAMFullAccess", 2, "2015-02-06T18:40:38Z", None),
    policy("IAMReadOnlyAccess", 4, "2015-02-06T18:40:39Z", None),
    policy("PowerUserAccess", 12, "2015-02-06T18:39:47Z", None),
    policy("ReadOnlyAccess", 190, "2015-02-06T18:39:48Z", None),
    policy("SecretsManagerReadWrite", 6, "2018-04-04T18:05:29Z", None),
    policy("SecurityAudit", 94, "2015-02-06T18:41:01Z", None),
    policy(
        "job-function/ViewOnlyAccess",
        46,
        "2016-11-10T17:20:15Z",
        None,
    ),
    policy(
        "service-role/AWSLambdaBasicExecutionRole",
        1,
        "2015-04-09T15:03:43Z",
        Some(&[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ]),
    ),
    policy(
        "service-role/AWSLambdaDynamoDBExecutionRole",
        1,
        "2015-04-09T15:09:29Z",
        Some(&[
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ]),
    ),
    policy(
        "service-role/AWSLambdaENIManagementAccess",
        2,
        "2016-12-06T00:37:27Z",
        Some(&[
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]),
    ),
    policy(
        "service-role/AWSLambdaKinesisExecutionRole",
        2,
        "2015-04-09T15:14:16Z",
        Some(&[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:ListStreams",
            "kinesis:SubscribeToShard",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ]),
    ),
    policy(
        "service-role/AWSLambdaMSKExecutionRole",
        2,
        "2020-08-11T17:35:05Z",
        None,
    ),
    policy(
        "service-role/AWSLambdaRole",
        1,
        "2015-02-06T18:41:28Z",
        Some(&["lambda:InvokeFunction"]),
    ),
    policy(
        "service-role/AWSLambdaSQSQueueExecutionRole",
        1,
        "2018-06-14T21:50:45Z",
        Some(&[
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ]),
    ),
    policy(
        "service-role/AWSLambdaVPCAccessExecutionRole",
        3,
        "2016-02-11T23:15:26Z",
        Some(&[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]),
    ),
    policy(
        "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
        1,
        "2015-11-11T23:41:46Z",
        Some(&[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            "logs:GetLogEvents",
            "logs:FilterLogEvents",
        ]),
    ),
];

const INSIGHTS: &str = "CloudWatchLambdaInsightsExecutionRolePolicy";
const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// Whether an ARN is one of AWS's own policies, known here or not.
pub(super) fn is_of_aws(arn: &str) -> bool {
    arn.starts_with(PREFIX)
}

/// The policy of this ARN.
pub(super) fn find(arn: &str) -> Option<Managed> {
    let place = arn.strip_prefix(PREFIX)?;
    ALL.iter().find(|policy| policy.place == place).copied()
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Managed> {
    ALL.iter().copied()
}

impl Managed {
    pub(super) fn arn(self) -> String {
        format!("{PREFIX}{}", self.place)
    }

    pub(super) fn name(self) -> &'static str {
        self.place.rsplit('/').next().unwrap_or(self.place)
    }

    /// With slashes at both ends.
    pub(super) fn path(self) -> String {
        let path = self.place.strip_suffix(self.name()).unwrap_or_default();
        format!("/{path}")
    }

    pub(super) fn version_id(self) -> String {
        format!("v{}", self.version)
    }

    pub(super) fn told(self, attachments: usize, boundaries: usize) -> Value {
        json!({
            "PolicyName": self.name(),
            "PolicyId": self.id(),
            "Arn": self.arn(),
            "Path": self.path(),
            "DefaultVersionId": self.version_id(),
            "AttachmentCount": attachments,
            "PermissionsBoundaryUsageCount": boundaries,
            "IsAttachable": true,
            "CreateDate": self.created,
            "UpdateDate": self.created,
        })
    }

    /// Its version; nothing when the document is not here and is asked for.
    pub(super) fn version(self, document: bool) -> Option<Value> {
        let document = match document {
            true => Some(encoded(&self.document()?)),
            false => None,
        };
        Some(json!({
            "Document": document,
            "VersionId": self.version_id(),
            "IsDefaultVersion": true,
            "CreateDate": self.created,
        }))
    }

    fn document(self) -> Option<String> {
        let action = match self.allows? {
            [only] => json!(only),
            all => json!(all),
        };
        let mut statements = vec![json!({ "Effect": "Allow", "Action": action, "Resource": "*" })];
        if self.place == INSIGHTS {
            statements.push(json!({
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "arn:aws:logs:*:*:log-group:/aws/lambda-insights:*",
            }));
        }
        Some(json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
    }

    /// The same for the same policy, as ids are.
    fn id(self) -> String {
        use sha2::{Digest, Sha256};

        let digest = hex::encode_upper(Sha256::digest(self.place));
        format!("ANPA{}", digest.get(..17).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::{Purpose, check};
    use super::*;

    #[test]
    fn they_are_found_by_arn_and_have_lawful_documents() {
        let basic = find("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole");
        let basic = basic.unwrap();
        assert_eq!(basic.name(), "AWSLambdaBasicExecutionRole");
        assert_eq!(basic.path(), "/service-role/");
        assert!(find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none());
        for policy in all() {
            assert_eq!(find(&policy.arn()).unwrap().place, policy.place);
            if let Some(document) = policy.document() {
                assert!(
                    check(&document, Purpose::Managed, |_| false).is_ok(),
                    "{policy:?}"
                );
            }
        }
    }
}
