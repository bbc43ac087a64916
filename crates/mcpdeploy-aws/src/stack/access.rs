//! What the function may do: write its own logs, read its own secrets, and what `[iam]` names.
//! Nothing else.

use std::collections::BTreeMap;

use mcpdeploy_config::{Access, Effect, Iam, SecretSource};
use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::value::Ref;

use super::{Place, Stack};
use crate::ids::{SecretArn, text};
use crate::kinds::Secret;
use crate::policy::{PolicyDocument, Statement};

/// Reading items.
const TABLE_READ: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
];
/// Writing items.
const TABLE_WRITE: &[&str] = &[
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
];

impl Stack<'_> {
    /// The inline policies of the function's role, by name.
    pub(super) fn policies(
        &self,
        place: &Place,
        log_group: &str,
        secrets: &[(String, Option<Address>)],
    ) -> BTreeMap<String, PolicyDocument> {
        let mut policies = BTreeMap::new();
        let Place {
            region,
            account,
            partition,
            ..
        } = place;
        let logs = format!("arn:{partition}:logs:{region}:{account}:log-group:{log_group}:*");
        policies.insert(
            "logs".to_owned(),
            PolicyDocument::new([
                Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"]).on(logs),
            ]),
        );
        if self.config.observability.enable_xray {
            // X-Ray knows no resources for these two.
            let xray =
                Statement::allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"]).on("*");
            policies.insert("xray".to_owned(), PolicyDocument::new([xray]));
        }
        if !secrets.is_empty() {
            let mut statement = Statement::allow(["secretsmanager:GetSecretValue"]);
            for (name, address) in secrets {
                statement = match (address, self.config.secrets.get(name)) {
                    (Some(address), _) => {
                        let arn: Ref<SecretArn> = Secret::arn(address);
                        statement.on(text(arn))
                    }
                    (None, Some(SecretSource::Existing { arn })) => statement.on(full_arn(arn)),
                    (None, Some(SecretSource::Managed { .. }) | None) => statement,
                };
            }
            policies.insert("secrets".to_owned(), PolicyDocument::new([statement]));
        }
        let iam = &self.config.iam;
        let statements = tables(iam, place)
            .into_iter()
            .chain(buckets(iam, place))
            .chain(own(iam))
            .collect::<Vec<_>>();
        if !statements.is_empty() {
            policies.insert("iam".to_owned(), PolicyDocument::new(statements));
        }
        policies
    }
}

/// Secrets Manager adds six characters to a secret's ARN; an ARN without them still means it.
fn full_arn(arn: &str) -> String {
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

fn has(access: &[Access]) -> (bool, bool) {
    let both = access.contains(&Access::ReadWrite);
    (
        both || access.contains(&Access::Read),
        both || access.contains(&Access::Write),
    )
}

fn tables(iam: &Iam, place: &Place) -> Vec<Statement> {
    iam.tables
        .iter()
        .map(|table| {
            let (reads, writes) = has(&table.actions);
            let actions = (if reads { TABLE_READ } else { &[] })
                .iter()
                .chain(if writes { TABLE_WRITE } else { &[] })
                .copied();
            let arn = format!(
                "arn:{}:dynamodb:{}:{}:table/{}",
                place.partition, place.region, place.account, table.name
            );
            let statement = Statement::allow(actions).on(arn.clone());
            if table.include_indexes {
                statement.on(format!("{arn}/index/*"))
            } else {
                statement
            }
        })
        .collect()
}

fn buckets(iam: &Iam, place: &Place) -> Vec<Statement> {
    let mut statements = Vec::new();
    for bucket in &iam.buckets {
        let (reads, writes) = has(&bucket.actions);
        let arn = format!("arn:{}:s3:::{}", place.partition, bucket.name);
        let mut objects = Vec::new();
        if reads {
            objects.push("s3:GetObject");
            statements.push(Statement::allow(["s3:ListBucket"]).on(arn.clone()));
        }
        if writes {
            objects.extend(["s3:DeleteObject", "s3:PutObject"]);
        }
        statements.push(Statement::allow(objects).on(format!("{arn}/*")));
    }
    statements
}

fn own(iam: &Iam) -> Vec<Statement> {
    iam.statements
        .iter()
        .map(|wanted| {
            let actions = wanted.actions.iter().map(String::as_str);
            let statement = match wanted.effect {
                Effect::Allow => Statement::allow(actions),
                Effect::Deny => Statement::deny(actions),
            };
            wanted
                .resources
                .iter()
                .fold(statement, |statement, resource| {
                    statement.on(resource.clone())
                })
        })
        .collect()
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
