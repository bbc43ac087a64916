//! What the function may do: write its own logs, read its own secrets, and what `[iam]` names.
//! Nothing else.

use std::collections::BTreeMap;

use mcpdeploy_config::{Access, Effect, Iam};

use super::secrets::Entry;
use super::{Place, Stack};
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
        secrets: &[Entry],
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
        if let Some(policy) = self.secrets_policy(secrets, place) {
            policies.insert("secrets".to_owned(), policy);
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
