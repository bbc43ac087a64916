//! `aws.logs.log_group`: a log group of CloudWatch Logs.
//!
//! Facts, from the CloudWatch Logs API reference:
//! - a name is unique within account and region;
//! - CreateLogGroup takes tags but no retention; PutRetentionPolicy takes one of a list of values;
//! - DescribeLogGroups finds by prefix and answers in the order of names, so that an exact match
//!   comes first; it tells the retention but no tags;
//! - ARNs come with and without a trailing `:*`; tagging and Lambda's and API Gateway's settings
//!   want the one without.

use mcpdeploy_engine::address::{Address, PhysicalId};
use mcpdeploy_engine::kind::{
    Created, Cx, Delta, Identity, Kind, KindError, Observed, Op, Permission, Placement, Tags, Who,
};
use mcpdeploy_engine::value::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clients::Clients;
use crate::fault::Fault;
use crate::ids::{LogGroupArn, LogGroupName, partition};
use crate::tags;

/// What PutRetentionPolicy takes, in days.
const RETENTION: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// A log group.
#[derive(Debug)]
pub enum LogGroup {}

/// What one can ask of a log group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogGroupInputs {
    /// Its name, e.g. `/aws/lambda/calculator`.
    pub name: LogGroupName,
    /// How many days events are kept; for ever when not set. CloudWatch Logs takes 1, 3, 5, 7, 14,
    /// 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653.
    #[serde(default)]
    pub retention_days: Option<u32>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What others can refer to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogGroupOutputs {
    /// Its ARN, without the trailing `:*`.
    pub arn: LogGroupArn,
    /// Its name.
    pub name: LogGroupName,
}

impl LogGroup {
    /// Refers to the ARN of the log group at `address`.
    #[must_use]
    pub fn arn(address: &Address) -> Ref<LogGroupArn> {
        Ref::new(address, "/arn")
    }

    /// Refers to the name of the log group at `address`.
    #[must_use]
    pub fn name(address: &Address) -> Ref<LogGroupName> {
        Ref::new(address, "/name")
    }
}

impl Kind for LogGroup {
    const NAME: &'static str = "aws.logs.log_group";
    const REPLACE_ON: &'static [&'static str] = &["/name"];
    const TAGGABLE: bool = true;
    const TYPICAL_MS: u32 = 400;

    type Clients = Clients;
    type Inputs = LogGroupInputs;
    type Outputs = LogGroupOutputs;

    fn identity(inputs: &Self::Inputs) -> Identity {
        Identity::Name(inputs.name.to_string())
    }

    fn validate(inputs: &Self::Inputs) -> Result<(), (String, String)> {
        let name = inputs.name.as_str();
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
        if name.is_empty() || name.len() > 512 || !name.chars().all(fits) {
            return Err((
                "/name".to_owned(),
                format!("`{name}` is no log group's name: 1 to 512 letters, digits and `_-/.#`"),
            ));
        }
        if let Some(days) = inputs.retention_days
            && !RETENTION.contains(&days)
        {
            let longer = RETENTION.iter().find(|&&allowed| allowed > days);
            let shorter = RETENTION.iter().rev().find(|&&allowed| allowed < days);
            let near: Vec<String> = [shorter, longer]
                .into_iter()
                .flatten()
                .map(u32::to_string)
                .collect();
            return Err((
                "/retention_days".to_owned(),
                format!(
                    "CloudWatch Logs cannot keep events for {days} days; near it are {}",
                    near.join(" and ")
                ),
            ));
        }
        tags::validate(&inputs.tags)
    }

    fn permissions(op: Op, inputs: &Self::Inputs, placement: &Placement) -> Vec<Permission> {
        let arn = arn(&inputs.name, placement);
        // Some actions are checked against the ARN with `:*`, some without: a `*` covers both.
        let on = format!("{arn}*");
        let all = format!(
            "{}*",
            arn.split(":log-group:").next().unwrap_or("*").to_owned() + ":log-group:"
        );
        let mut permissions = vec![Permission::new("logs:DescribeLogGroups", all)];
        let more: &[&str] = match op {
            Op::Read => &["logs:ListTagsForResource"],
            Op::Create => &[
                "logs:CreateLogGroup",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
            ],
            Op::Update => &[
                "logs:PutRetentionPolicy",
                "logs:DeleteRetentionPolicy",
                "logs:ListTagsForResource",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            Op::Delete => &["logs:DeleteLogGroup"],
        };
        permissions.extend(Permission::all(more, &on));
        permissions
    }

    async fn read(
        cx: &Cx<'_, Clients>,
        who: Who<'_, Self::Inputs>,
    ) -> Result<Option<Observed<Self>>, KindError> {
        let name = who.id.map_or(who.inputs.name.as_str(), PhysicalId::as_str);
        let answer = cx
            .clients
            .logs()
            .describe_log_groups()
            .log_group_name_prefix(name)
            .limit(1)
            .send()
            .await
            .found("logs", "DescribeLogGroups", name)?;
        let group = answer
            .and_then(|answer| answer.log_groups)
            .into_iter()
            .flatten()
            .find(|group| group.log_group_name() == Some(name));
        Ok(group.map(|group| Observed {
            id: PhysicalId::new(name),
            inputs: LogGroupInputs {
                name: LogGroupName::new(name),
                retention_days: group
                    .retention_in_days
                    .and_then(|days| u32::try_from(days).ok()),
                tags: Tags::new(),
            },
            outputs: outputs(
                name,
                group
                    .log_group_arn()
                    .or_else(|| group.arn())
                    .unwrap_or_default(),
            ),
            unobserved: &["/tags"],
        }))
    }

    async fn read_tags(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        inputs: &Self::Inputs,
    ) -> Result<Option<Tags>, KindError> {
        let who = Who {
            id: Some(id),
            inputs,
            others: &[],
        };
        match Self::read(cx, who).await? {
            Some(found) => list_tags(cx, &found.outputs.arn).await,
            None => Ok(None),
        }
    }

    async fn create(cx: &Cx<'_, Clients>, want: &Self::Inputs) -> Result<Created<Self>, KindError> {
        cx.clients
            .logs()
            .create_log_group()
            .log_group_name(&want.name)
            .set_tags((!want.tags.is_empty()).then(|| tags::to_map(&want.tags)))
            .send()
            .await
            .fault("logs", "CreateLogGroup", &want.name)?;
        Ok(Created::id(&want.name))
    }

    async fn configure(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        delta: &Delta<'_>,
    ) -> Result<(), KindError> {
        let logs = cx.clients.logs();
        let name = id.as_str();
        if delta.touches("/retention_days") {
            match want.retention_days {
                Some(days) => {
                    logs.put_retention_policy()
                        .log_group_name(name)
                        .retention_in_days(i32::try_from(days).unwrap_or(i32::MAX))
                        .send()
                        .await
                        .fault("logs", "PutRetentionPolicy", name)?;
                }
                None if delta.is_created() => {}
                None => {
                    logs.delete_retention_policy()
                        .log_group_name(name)
                        .send()
                        .await
                        .fault("logs", "DeleteRetentionPolicy", name)?;
                }
            }
        }
        if delta.updates("/tags") {
            configure_tags(cx, id, want).await?;
        }
        Ok(())
    }

    async fn settle(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        want: &Self::Inputs,
        so_far: Option<Self::Outputs>,
    ) -> Result<Self::Outputs, KindError> {
        if let Some(outputs) = so_far {
            return Ok(outputs);
        }
        if let Placement {
            region: Some(region),
            account: Some(account),
        } = cx.placement
        {
            // CreateLogGroup answers nothing, but an ARN has a fixed form.
            let partition = partition(region);
            let name = id.as_str();
            let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:{name}");
            return Ok(outputs(name, &arn));
        }
        let who = Who {
            id: Some(id),
            inputs: want,
            others: &[],
        };
        match Self::read(cx, who).await? {
            Some(found) => Ok(found.outputs),
            None => Err(KindError::fatal("the log group is gone again").on(id.as_str())),
        }
    }

    async fn delete(
        cx: &Cx<'_, Clients>,
        id: &PhysicalId,
        _: &Self::Inputs,
    ) -> Result<(), KindError> {
        cx.clients
            .logs()
            .delete_log_group()
            .log_group_name(id.as_str())
            .send()
            .await
            .removed("logs", "DeleteLogGroup", id)
    }
}

fn arn(name: &LogGroupName, placement: &Placement) -> String {
    let region = placement.region_or_any();
    format!(
        "arn:{}:logs:{region}:{}:log-group:{name}",
        partition(region),
        placement.account_or_any()
    )
}

fn outputs(name: &str, arn: &str) -> LogGroupOutputs {
    LogGroupOutputs {
        arn: LogGroupArn::new(arn.strip_suffix(":*").unwrap_or(arn)),
        name: LogGroupName::new(name),
    }
}

async fn list_tags(cx: &Cx<'_, Clients>, arn: &LogGroupArn) -> Result<Option<Tags>, KindError> {
    let answer = cx
        .clients
        .logs()
        .list_tags_for_resource()
        .resource_arn(arn.as_str())
        .send()
        .await
        .found("logs", "ListTagsForResource", arn)?;
    Ok(answer.map(|answer| tags::from_map(answer.tags())))
}

async fn configure_tags(
    cx: &Cx<'_, Clients>,
    id: &PhysicalId,
    want: &LogGroupInputs,
) -> Result<(), KindError> {
    let arn = LogGroup::settle(cx, id, want, None).await?.arn;
    let have = list_tags(cx, &arn).await?.unwrap_or_default();
    let changes = tags::changes(&have, &want.tags);
    let logs = cx.clients.logs();
    if !changes.set.is_empty() {
        logs.tag_resource()
            .resource_arn(arn.as_str())
            .set_tags(Some(tags::to_map(&changes.set)))
            .send()
            .await
            .fault("logs", "TagResource", &arn)?;
    }
    if !changes.remove.is_empty() {
        logs.untag_resource()
            .resource_arn(arn.as_str())
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("logs", "UntagResource", &arn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(name: &str, retention_days: Option<u32>) -> LogGroupInputs {
        LogGroupInputs {
            name: name.into(),
            retention_days,
            tags: Tags::new(),
        }
    }

    #[test]
    fn only_aws_values_of_retention() {
        assert!(LogGroup::validate(&inputs("/aws/lambda/x", None)).is_ok());
        assert!(LogGroup::validate(&inputs("/aws/lambda/x", Some(30))).is_ok());
        let (at, message) = LogGroup::validate(&inputs("x", Some(15))).unwrap_err();
        assert_eq!(at, "/retention_days");
        assert!(message.ends_with("14 and 30"), "{message}");
        assert!(LogGroup::validate(&inputs("x", Some(u32::MAX))).is_err());
        assert!(LogGroup::validate(&inputs("a b", None)).is_err());
    }

    #[test]
    fn an_arn_loses_its_star() {
        assert_eq!(
            outputs("x", "arn:aws:logs:r:1:log-group:x:*").arn.as_str(),
            "arn:aws:logs:r:1:log-group:x"
        );
    }

    #[test]
    fn permissions_name_the_group() {
        let placement = Placement {
            region: Some("eu-central-1".into()),
            account: Some("123456789012".into()),
        };
        let permissions = LogGroup::permissions(Op::Delete, &inputs("/x", None), &placement);
        assert_eq!(
            permissions,
            [
                Permission::new(
                    "logs:DescribeLogGroups",
                    "arn:aws:logs:eu-central-1:123456789012:log-group:*"
                ),
                Permission::new(
                    "logs:DeleteLogGroup",
                    "arn:aws:logs:eu-central-1:123456789012:log-group:/x*"
                ),
            ]
        );
    }
}
