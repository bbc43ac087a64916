//! `ListUsers`, and its filters.

use serde_json::{Value, json};

use super::input::{Input, page};
use super::model::User;
use super::{Cognito, faults, users};
use crate::wire::{Call, Fault};

/// What can be filtered by. Source: `ListUsers`, `Filter`.
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// `name = "value"`, or `^=` for values that start so.
#[derive(Debug, PartialEq, Eq)]
struct Filter {
    name: String,
    value: String,
    starts: bool,
}

impl Cognito {
    pub(super) fn list_users(&self, call: &Call) -> Result<Value, Fault> {
        let (input, state) = (Input(&call.input), self.state());
        let pool = state.pool(input.text("UserPoolId")?)?;
        let filter = input.text_if("Filter")?.filter(|text| !text.is_empty());
        let filter = filter.map(parse).transpose()?;
        let only = input.texts("AttributesToGet")?;
        if let Some(unknown) = only.iter().find(|name| pool.attribute(name).is_none()) {
            return Err(faults::parameter(format!(
                "user.{unknown}: Attribute does not exist in the schema."
            )));
        }
        let most = input.within("Limit", 0, 60)?.unwrap_or(60);
        let all = state.users_of(&pool.id).map(|(_, user)| user);
        let found = all.filter(|user| filter.as_ref().is_none_or(|filter| filter.fits(user)));
        let token = input.text_if("PaginationToken")?;
        let (found, next) = page(found, |user| user.username.clone(), token, most);
        let found: Vec<Value> = found
            .into_iter()
            .map(|user| {
                let mut described = users::describe(user, "Attributes");
                if !only.is_empty()
                    && let Some(list) = described["Attributes"].as_array_mut()
                {
                    list.retain(|one| {
                        one["Name"]
                            .as_str()
                            .is_some_and(|name| only.contains(&name))
                    });
                }
                described
            })
            .collect();
        Ok(json!({"Users": found, "PaginationToken": next}))
    }
}

fn parse(text: &str) -> Result<Filter, Fault> {
    let bad = || faults::parameter("Error while parsing filter");
    let (left, right) = text.split_once('=').ok_or_else(bad)?;
    let (name, starts) = match left.strip_suffix('^') {
        Some(name) => (name, true),
        None => (left, false),
    };
    let name = name.trim().trim_matches('"');
    let quoted = right.trim();
    let value = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let value = value.ok_or_else(bad)?.replace("\\\"", "\"");
    if !SEARCHABLE.contains(&name) {
        return Err(faults::parameter(format!(
            "Invalid search attribute: {name}"
        )));
    }
    Ok(Filter {
        name: name.to_owned(),
        value,
        starts,
    })
}

impl Filter {
    fn fits(&self, user: &User) -> bool {
        let enabled = if user.enabled { "Enabled" } else { "Disabled" };
        let value = match self.name.as_str() {
            "username" => Some(user.username.as_str()),
            "cognito:user_status" => Some(user.status.name()),
            "status" => Some(enabled),
            name => user.attribute(name),
        };
        value.is_some_and(|value| {
            if self.starts {
                value.starts_with(&self.value)
            } else {
                value == self.value
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_as_people_write_them() {
        let filter = |name: &str, value: &str, starts| Filter {
            name: name.to_owned(),
            value: value.to_owned(),
            starts,
        };
        for (text, wanted) in [
            (r#"email = "a@b.c""#, filter("email", "a@b.c", false)),
            (r#"email="a@b.c""#, filter("email", "a@b.c", false)),
            (r#""username" ^= "ann""#, filter("username", "ann", true)),
            (r#"status = "Enabled""#, filter("status", "Enabled", false)),
        ] {
            assert_eq!(parse(text).unwrap(), wanted, "{text}");
        }
        for (text, wanted) in [
            ("email", "Error while parsing filter"),
            ("email = a@b.c", "Error while parsing filter"),
            (r#"custom:x = "1""#, "Invalid search attribute: custom:x"),
        ] {
            assert_eq!(parse(text).unwrap_err().message, wanted);
        }
    }
}
