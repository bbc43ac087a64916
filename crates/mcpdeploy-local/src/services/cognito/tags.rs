//! Tags of user pools.

use serde_json::{Value, json};

use super::input::Input;
use super::{Cognito, faults};
use crate::wire::{Call, Fault};

impl Cognito {
    pub(super) fn tag(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let id = pool_of(input)?;
        let tags = input.map("Tags")?;
        if tags.keys().any(|name| name.starts_with("aws:")) {
            return Err(faults::parameter("Tag keys cannot start with aws:"));
        }
        let tagged = self
            .state()
            .pools
            .update(id, |pool| pool.tags.extend(tags))?;
        tagged.ok_or_else(|| faults::no_pool(id))?;
        Ok(json!({}))
    }

    pub(super) fn untag(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let id = pool_of(input)?;
        let names = input.texts("TagKeys")?;
        let change = |pool: &mut super::model::Pool| {
            pool.tags.retain(|name, _| !names.contains(&name.as_str()));
        };
        let untagged = self.state().pools.update(id, change)?;
        untagged.ok_or_else(|| faults::no_pool(id))?;
        Ok(json!({}))
    }

    pub(super) fn list_tags(&self, call: &Call) -> Result<Value, Fault> {
        let id = pool_of(Input(&call.input))?;
        let state = self.state();
        Ok(json!({"Tags": state.pool(id)?.tags}))
    }
}

/// The pool of `arn:aws:cognito-idp:<region>:<account>:userpool/<id>`.
fn pool_of(input: Input<'_>) -> Result<&str, Fault> {
    let arn = input.filled("ResourceArn")?;
    let id = arn.split_once(":userpool/").map(|(_, id)| id);
    id.ok_or_else(|| faults::parameter(format!("Invalid ARN: {arn}")))
}
