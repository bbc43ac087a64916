//! Reading a call's input, with the faults that AWS has for members that are missing or out of range.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::faults;
use crate::wire::Fault;

/// The members of an input, or of a structure in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub(super) &'a Value);

impl<'a> Input<'a> {
    /// A member, when it is there and not null.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let wrong = || {
            let message = format!("{name} cannot be converted to {wanted}");
            Fault::bad("SerializationException", message)
        };
        read(value).map(Some).ok_or_else(wrong)
    }

    pub(super) fn text_if(self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.typed(name, "String", Value::as_str)
    }

    /// A text that must be there.
    pub(super) fn text(self, name: &str) -> Result<&'a str, Fault> {
        self.text_if(name)?.ok_or_else(|| missing(name))
    }

    /// A text that must be there, and not be empty.
    pub(super) fn filled(self, name: &str) -> Result<&'a str, Fault> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Err(constraint(
                text,
                name,
                "Member must have length greater than or equal to 1",
            ));
        }
        Ok(text)
    }

    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, Fault> {
        self.typed(name, "Boolean", Value::as_bool)
    }

    /// A number between two bounds, both included.
    pub(super) fn within(self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Fault> {
        let number = self.typed(name, "Integer", Value::as_i64)?;
        match number {
            Some(number) if number < least => Err(constraint(
                &number.to_string(),
                name,
                &format!("Member must have value greater than or equal to {least}"),
            )),
            Some(number) if number > most => Err(constraint(
                &number.to_string(),
                name,
                &format!("Member must have value less than or equal to {most}"),
            )),
            Some(_) | None => Ok(number),
        }
    }

    /// A text out of a closed set.
    pub(super) fn one_of(self, name: &str, set: &[&str]) -> Result<Option<&'a str>, Fault> {
        let text = self.text_if(name)?;
        match text {
            Some(text) if !set.contains(&text) => Err(constraint(
                text,
                name,
                &format!("Member must satisfy enum value set: [{}]", set.join(", ")),
            )),
            Some(_) | None => Ok(text),
        }
    }

    /// A list of texts; an absent one is empty.
    pub(super) fn texts(self, name: &str) -> Result<Vec<&'a str>, Fault> {
        let read = |value: &'a Value| value.as_array()?.iter().map(Value::as_str).collect();
        Ok(self.typed(name, "List", read)?.unwrap_or_default())
    }

    pub(super) fn list(self, name: &str) -> Result<&'a [Value], Fault> {
        let list = self.typed(name, "List", |value| value.as_array().map(Vec::as_slice))?;
        Ok(list.unwrap_or_default())
    }

    pub(super) fn structure(self, name: &str) -> Result<Option<Input<'a>>, Fault> {
        self.typed(name, "Structure", |value| {
            value.is_object().then_some(Input(value))
        })
    }

    /// A map of texts; an absent one is empty.
    pub(super) fn map(self, name: &str) -> Result<BTreeMap<String, String>, Fault> {
        let read = |value: &'a Value| {
            let entries = value.as_object()?.iter();
            entries
                .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect()
        };
        Ok(self.typed(name, "Map", read)?.unwrap_or_default())
    }

    /// A list of `{Name, Value}`, as attributes come.
    pub(super) fn attributes(self, name: &str) -> Result<Vec<(String, String)>, Fault> {
        self.list(name)?
            .iter()
            .map(|one| {
                let one = Input(one);
                let value = one.text_if("Value")?.unwrap_or_default();
                Ok((one.filled("Name")?.to_owned(), value.to_owned()))
            })
            .collect()
    }

    /// The members of these names that are there, as they came.
    pub(super) fn pick(self, names: &[&str]) -> Map<String, Value> {
        names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.value(name)?.clone())))
            .collect()
    }
}

fn missing(name: &str) -> Fault {
    faults::parameter(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        lower(name)
    ))
}

/// A member that is not as its shape says.
pub(super) fn constraint(value: &str, name: &str, constraint: &str) -> Fault {
    faults::parameter(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: {constraint}",
        lower(name)
    ))
}

/// A member's name as validation errors have it: `userPoolId`.
fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// One page of a list: the items after `token`, and the token of the next page. `name` is what the
/// token is made of, in the order of the list.
pub(super) fn page<T>(
    items: impl Iterator<Item = T>,
    name: impl Fn(&T) -> String,
    token: Option<&str>,
    size: i64,
) -> (Vec<T>, Option<String>) {
    let size = usize::try_from(size).unwrap_or(1).max(1);
    let after = token.unwrap_or_default().to_owned();
    let mut rest: Vec<T> = items
        .skip_while(|item| !after.is_empty() && hex::encode(name(item)) != after)
        .skip(usize::from(!after.is_empty()))
        .take(size + 1)
        .collect();
    let more = rest.len() > size;
    rest.truncate(size);
    let next = rest.last().filter(|_| more);
    let next = next.map(|last| hex::encode(name(last)));
    (rest, next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_are_missing_or_out_of_range() {
        let value = json!({"Name": "", "Size": 7, "Tier": "GOLD", "Flag": "yes"});
        let input = Input(&value);
        let message = |fault: Fault| fault.message;
        assert_eq!(
            message(input.text("UserPoolId").unwrap_err()),
            "1 validation error detected: Value null at 'userPoolId' failed to satisfy constraint: Member must not be null"
        );
        assert!(message(input.filled("Name").unwrap_err()).contains("greater than or equal to 1"));
        assert!(message(input.within("Size", 1, 6).unwrap_err()).contains("less than or equal"));
        assert!(message(input.one_of("Tier", &["LITE"]).unwrap_err()).contains("[LITE]"));
        assert_eq!(
            input.flag("Flag").unwrap_err().code,
            "SerializationException"
        );
    }

    #[test]
    fn pages_follow_one_another() {
        let name = |item: &&str| (*item).to_owned();
        let items = ["a", "b", "c"];
        let (first, token) = page(items.into_iter(), name, None, 2);
        assert_eq!(first, ["a", "b"]);
        let (second, token) = page(items.into_iter(), name, token.as_deref(), 2);
        assert_eq!((second, token), (vec!["c"], None));
    }
}
