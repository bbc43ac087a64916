//! Values in Systems Manager's Parameter Store.

use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging};
use mcpdeploy_engine::kind::{FaultClass, KindError, Tags};

use super::{Held, Set, Value, check_owner};
use crate::clients::Clients;
use crate::fault::Fault;
use crate::kinds::ParameterInputs;
use crate::kinds::parameter::sdk_tags;
use crate::tags;

/// `tagged`: its tags are asked for as well.
pub(super) async fn look(
    clients: &Clients,
    id: &str,
    tagged: bool,
) -> Result<Option<Held>, KindError> {
    // Without decryption: what is told of the value is what only KMS can read.
    let call = clients.ssm().get_parameter().name(id);
    let found = call.send().await.found("ssm", "GetParameter", id)?;
    let Some(parameter) = found.and_then(|answer| answer.parameter) else {
        return Ok(None);
    };
    let tags = if tagged {
        observed_tags(clients, id).await?
    } else {
        Tags::new()
    };
    Ok(Some(Held {
        arn: parameter.arn().unwrap_or_default().to_owned(),
        has_value: true,
        changed: parameter.last_modified_date().map(|at| at.secs()),
        rotation: None,
        deleted: false,
        tags,
    }))
}

async fn observed_tags(clients: &Clients, name: &str) -> Result<Tags, KindError> {
    let answer = clients
        .ssm()
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .send()
        .await
        .fault("ssm", "ListTagsForResource", name)?;
    let list = answer.tag_list.unwrap_or_default();
    Ok(tags::from_pairs(
        list.into_iter().map(|tag| (tag.key, tag.value)),
    ))
}

pub(super) async fn set(
    clients: &Clients,
    wanted: &ParameterInputs,
    value: &Value,
) -> Result<Set, KindError> {
    let name = wanted.name.as_str();
    let put = |overwrite: bool| {
        clients
            .ssm()
            .put_parameter()
            .name(name)
            .r#type(ParameterType::SecureString)
            .value(value.expose())
            .set_description(wanted.description.clone())
            .set_key_id(wanted.kms_key_id.as_ref().map(|key| key.get().clone()))
            .overwrite(overwrite)
    };
    let made = put(false).set_tags(Some(sdk_tags(&wanted.tags)?));
    match made.send().await.fault("ssm", "PutParameter", name) {
        Ok(_) => return Ok(Set::Created),
        Err(error) if error.class == FaultClass::Exists => {}
        Err(error) => return Err(error),
    }
    check_owner(name, &observed_tags(clients, name).await?, &wanted.tags)?;
    let changed = put(true).send().await;
    changed.fault("ssm", "PutParameter", name)?;
    Ok(Set::Changed)
}

pub(super) async fn remove(clients: &Clients, wanted: &ParameterInputs) -> Result<bool, KindError> {
    let name = wanted.name.as_str();
    let Some(there) = look(clients, name, true).await? else {
        return Ok(false);
    };
    check_owner(name, &there.tags, &wanted.tags)?;
    let call = clients.ssm().delete_parameter().name(name);
    call.send().await.removed("ssm", "DeleteParameter", name)?;
    Ok(true)
}
