//! Groups, and who is in them.

use serde_json::{Value, json};

use super::input::{Input, page};
use super::model::Group;
use super::state::{State, key};
use super::{Cognito, faults, users};
use crate::cloud::Cloud;
use crate::wire::{Call, Fault, time};

impl Cognito {
    pub(super) fn create_group(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?.id.clone();
        let name = input.filled("GroupName")?;
        let now = cloud.now();
        let group = Group {
            pool,
            name: name.to_owned(),
            created: now,
            modified: now,
            description: input.text_if("Description")?.map(str::to_owned),
            role: input.text_if("RoleArn")?.map(str::to_owned),
            precedence: input.within("Precedence", 0, i64::MAX)?,
        };
        let key = key(&group.pool, name);
        if state.groups.contains(&key) {
            return Err(Fault::bad(
                "GroupExistsException",
                "A group with the name already exists.",
            ));
        }
        state.groups.put(&key, group.clone())?;
        Ok(json!({"Group": describe(&group)}))
    }

    pub(super) fn get_group(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let key = group_key(&state, input)?;
        let group = state.groups.get(&key).ok_or_else(no_group)?;
        Ok(json!({"Group": describe(group)}))
    }

    pub(super) fn update_group(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let key = group_key(&state, input)?;
        let description = input.text_if("Description")?.map(str::to_owned);
        let role = input.text_if("RoleArn")?.map(str::to_owned);
        let precedence = input.within("Precedence", 0, i64::MAX)?;
        let now = cloud.now();
        let group = state.groups.update(&key, |group| {
            group.description = description.or(group.description.take());
            group.role = role.or(group.role.take());
            group.precedence = precedence.or(group.precedence);
            group.modified = now;
            group.clone()
        })?;
        Ok(json!({"Group": describe(&group.ok_or_else(no_group)?)}))
    }

    pub(super) fn delete_group(&self, call: &Call) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let row = group_key(&state, input)?;
        let group = state.groups.get(&row).ok_or_else(no_group)?.clone();
        let members: Vec<String> = state
            .users_of(&group.pool)
            .filter(|(_, user)| user.groups.contains(&group.name))
            .map(|(key, _)| key.to_owned())
            .collect();
        for member in members {
            state.change_user(&member, |user| user.groups.remove(&group.name))?;
        }
        state.groups.remove(&row)?;
        Ok(json!({}))
    }

    pub(super) fn list_groups(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let prefix = key(&state.pool(input.text("UserPoolId")?)?.id, "");
        let groups = state.groups.under(&prefix).map(|(_, group)| group);
        list(groups, input)
    }

    pub(super) fn list_groups_for_user(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let (_, user) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        let groups = user.groups.iter();
        let groups = groups.filter_map(|name| state.groups.get(&key(&user.pool, name)));
        list(groups, input)
    }

    pub(super) fn list_users_in_group(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let row = group_key(&state, input)?;
        let group = state.groups.get(&row).ok_or_else(no_group)?;
        let most = input.within("Limit", 0, 60)?.unwrap_or(60);
        let members = state.users_of(&group.pool).map(|(_, user)| user);
        let members = members.filter(|user| user.groups.contains(&group.name));
        let token = input.text_if("NextToken")?;
        let (members, next) = page(members, |user| user.username.clone(), token, most);
        let members: Vec<Value> = members
            .into_iter()
            .map(|user| users::describe(user, "Attributes"))
            .collect();
        Ok(json!({"Users": members, "NextToken": next}))
    }

    pub(super) fn add_to_group(&self, call: &Call) -> Result<Value, Fault> {
        self.membership(call, true)
    }

    pub(super) fn remove_from_group(&self, call: &Call) -> Result<Value, Fault> {
        self.membership(call, false)
    }

    fn membership(&self, call: &Call, member: bool) -> Result<Value, Fault> {
        let (input, mut state) = (Input(&call.input), self.state());
        let row = group_key(&state, input)?;
        let group = state.groups.get(&row).ok_or_else(no_group)?.name.clone();
        let (user, _) = state.user(input.text("UserPoolId")?, input.text("Username")?)?;
        state.change_user(&user, |user| {
            if member {
                user.groups.insert(group)
            } else {
                user.groups.remove(&group)
            }
        })?;
        Ok(json!({}))
    }
}

fn group_key(state: &State, input: Input<'_>) -> Result<String, Fault> {
    let pool = state.pool(input.text("UserPoolId")?)?;
    Ok(key(&pool.id, input.text("GroupName")?))
}

fn list<'a>(groups: impl Iterator<Item = &'a Group>, input: Input<'_>) -> Result<Value, Fault> {
    let most = input.within("Limit", 0, 60)?.unwrap_or(60);
    let token = input.text_if("NextToken")?;
    let (groups, next) = page(groups, |group| group.name.clone(), token, most);
    let groups: Vec<Value> = groups.into_iter().map(describe).collect();
    Ok(json!({"Groups": groups, "NextToken": next}))
}

fn no_group() -> Fault {
    faults::not_found("Group not found.")
}

fn describe(group: &Group) -> Value {
    json!({
        "GroupName": group.name,
        "UserPoolId": group.pool,
        "Description": group.description,
        "RoleArn": group.role,
        "Precedence": group.precedence,
        "CreationDate": time(group.created),
        "LastModifiedDate": time(group.modified),
    })
}
