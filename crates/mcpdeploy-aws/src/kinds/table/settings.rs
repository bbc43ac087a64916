//! What a table has beside its keys: stream, time to live, point-in-time recovery, tags.

use aws_sdk_dynamodb::types as sdk;
use mcpdeploy_engine::kind::{Cx, Delta, KindError, Tags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::index::incomplete;
use crate::clients::Clients;
use crate::fault::Fault;
use crate::tags;

/// What of a changed item the stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamView {
    /// Its keys.
    KeysOnly,
    /// The item as it is now.
    NewImage,
    /// The item as it was.
    OldImage,
    /// Both.
    NewAndOldImages,
}

impl StreamView {
    pub(super) fn to_sdk(self) -> Result<sdk::StreamSpecification, KindError> {
        let view = match self {
            Self::KeysOnly => sdk::StreamViewType::KeysOnly,
            Self::NewImage => sdk::StreamViewType::NewImage,
            Self::OldImage => sdk::StreamViewType::OldImage,
            Self::NewAndOldImages => sdk::StreamViewType::NewAndOldImages,
        };
        let specification = sdk::StreamSpecification::builder().stream_enabled(true);
        specification
            .stream_view_type(view)
            .build()
            .map_err(incomplete)
    }

    pub(super) fn observed(specification: Option<&sdk::StreamSpecification>) -> Option<Self> {
        let specification = specification.filter(|found| found.stream_enabled())?;
        Some(match specification.stream_view_type() {
            Some(sdk::StreamViewType::NewImage) => Self::NewImage,
            Some(sdk::StreamViewType::OldImage) => Self::OldImage,
            Some(sdk::StreamViewType::NewAndOldImages) => Self::NewAndOldImages,
            _ => Self::KeysOnly,
        })
    }
}

/// Switches the stream off, on, or off and on again: its view cannot be changed.
pub(super) async fn put_stream(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: Option<StreamView>,
    have: &sdk::TableDescription,
) -> Result<(), KindError> {
    let off = sdk::StreamSpecification::builder()
        .stream_enabled(false)
        .build()
        .map_err(incomplete)?;
    let is_on = StreamView::observed(have.stream_specification()).is_some();
    let on = want.map(StreamView::to_sdk).transpose()?;
    for specification in is_on.then_some(off).into_iter().chain(on) {
        cx.clients
            .dynamodb()
            .update_table()
            .table_name(name)
            .stream_specification(specification)
            .send()
            .await
            .fault("dynamodb", "UpdateTable", name)?;
        super::active(cx, name).await?;
    }
    Ok(())
}

pub(super) async fn ttl_attribute(
    cx: &Cx<'_, Clients>,
    name: &str,
) -> Result<Option<String>, KindError> {
    let answer = cx
        .clients
        .dynamodb()
        .describe_time_to_live()
        .table_name(name)
        .send()
        .await
        .found("dynamodb", "DescribeTimeToLive", name)?;
    let description = answer.and_then(|answer| answer.time_to_live_description);
    Ok(
        description.and_then(|description| match description.time_to_live_status() {
            Some(sdk::TimeToLiveStatus::Enabled | sdk::TimeToLiveStatus::Enabling) => {
                description.attribute_name
            }
            _ => None,
        }),
    )
}

/// Sets time to live. Another attribute means switching it off first, which the service allows
/// once an hour.
pub(super) async fn put_ttl(
    cx: &Cx<'_, Clients>,
    name: &str,
    want: Option<&str>,
    delta: &Delta<'_>,
) -> Result<(), KindError> {
    let have = if delta.is_created() {
        None
    } else {
        ttl_attribute(cx, name).await?
    };
    if have.as_deref() == want {
        return Ok(());
    }
    let off = have.as_deref().map(|attribute| (attribute, false));
    let on = want.map(|attribute| (attribute, true));
    for (attribute, enabled) in off.into_iter().chain(on) {
        let specification = sdk::TimeToLiveSpecification::builder().attribute_name(attribute);
        let answer = cx
            .clients
            .dynamodb()
            .update_time_to_live()
            .table_name(name)
            .time_to_live_specification(specification.enabled(enabled).build().map_err(incomplete)?)
            .send()
            .await
            .fault("dynamodb", "UpdateTimeToLive", name);
        match answer {
            // Said again after an answer was lost.
            Err(error)
                if error.message.contains("already enabled")
                    || error.message.contains("already disabled") => {}
            Err(error) if error.message.contains("modified multiple times") => {
                return Err(error.hint(
                    "DynamoDB allows one change of time to live an hour: apply again later",
                ));
            }
            other => drop(other?),
        }
    }
    Ok(())
}

pub(super) async fn point_in_time_recovery(
    cx: &Cx<'_, Clients>,
    name: &str,
) -> Result<bool, KindError> {
    let answer = cx
        .clients
        .dynamodb()
        .describe_continuous_backups()
        .table_name(name)
        .send()
        .await
        .found("dynamodb", "DescribeContinuousBackups", name)?;
    let status = answer
        .and_then(|answer| answer.continuous_backups_description)
        .and_then(|description| description.point_in_time_recovery_description)
        .and_then(|description| description.point_in_time_recovery_status);
    Ok(status == Some(sdk::PointInTimeRecoveryStatus::Enabled))
}

pub(super) async fn put_point_in_time_recovery(
    cx: &Cx<'_, Clients>,
    name: &str,
    enabled: bool,
) -> Result<(), KindError> {
    let specification = sdk::PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(enabled)
        .build()
        .map_err(incomplete)?;
    cx.clients
        .dynamodb()
        .update_continuous_backups()
        .table_name(name)
        .point_in_time_recovery_specification(specification)
        .send()
        .await
        .fault("dynamodb", "UpdateContinuousBackups", name)
        .map(|_| ())
}

pub(super) async fn list_tags(cx: &Cx<'_, Clients>, arn: &str) -> Result<Option<Tags>, KindError> {
    let mut found = Tags::new();
    let mut next = None;
    loop {
        let answer = cx
            .clients
            .dynamodb()
            .list_tags_of_resource()
            .resource_arn(arn)
            .set_next_token(next)
            .send()
            .await
            .found("dynamodb", "ListTagsOfResource", arn)?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        found.extend(tags::from_pairs(
            answer.tags().iter().map(|tag| (tag.key(), tag.value())),
        ));
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(Some(found));
        }
    }
}

pub(super) async fn put_tags(
    cx: &Cx<'_, Clients>,
    arn: &str,
    want: &Tags,
) -> Result<(), KindError> {
    let have = list_tags(cx, arn).await?.unwrap_or_default();
    let changes = tags::changes(&have, want);
    let client = cx.clients.dynamodb();
    if !changes.set.is_empty() {
        client
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(sdk_tags(&changes.set)?))
            .send()
            .await
            .fault("dynamodb", "TagResource", arn)?;
    }
    if !changes.remove.is_empty() {
        client
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(changes.remove))
            .send()
            .await
            .fault("dynamodb", "UntagResource", arn)?;
    }
    Ok(())
}

pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<sdk::Tag>, KindError> {
    let tag = |(key, value)| sdk::Tag::builder().key(key).value(value).build();
    tags.iter()
        .map(tag)
        .collect::<Result<_, _>>()
        .map_err(incomplete)
}
