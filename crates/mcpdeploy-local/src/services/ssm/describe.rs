//! Describing parameters: everything but their values.

use serde::Deserialize;
use serde_json::{Value, json};

use super::get::page;
use super::record::Parameter;
use super::{At, State};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    #[serde(default)]
    parameter_filters: Vec<Filter>,
    /// The older form.
    #[serde(default)]
    filters: Vec<Value>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// What parameters to describe. All filters must fit, of each one value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    option: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

impl Filter {
    fn fits(&self, parameter: &Parameter) -> Result<bool, Fault> {
        let option = self.option.as_deref();
        let any = |fits: &dyn Fn(&str) -> bool| self.values.iter().any(|value| fits(value));
        let version = parameter.last();
        let key = version.and_then(|version| version.key.as_deref());
        Ok(match (self.key.as_str(), option) {
            ("Name", None | Some("Equals")) => any(&|value| {
                // With or without the first slash.
                let plain = |name: &str| name.strip_prefix('/').unwrap_or(name).to_owned();
                plain(value) == plain(&parameter.name)
            }),
            ("Name", Some("BeginsWith")) => any(&|value| {
                let plain = parameter.name.strip_prefix('/');
                parameter.name.starts_with(value)
                    || plain.is_some_and(|name| name.starts_with(value))
            }),
            ("Name", Some("Contains")) => any(&|value| parameter.name.contains(value)),
            ("Path", None | Some("OneLevel" | "Recursive")) => any(&|value| {
                let folder = format!("{}/", value.trim_end_matches('/'));
                let below = parameter.name.strip_prefix(&folder);
                let deep = option == Some("Recursive");
                below.is_some_and(|below| deep || !below.contains('/'))
            }),
            ("Type", None | Some("Equals")) => any(&|value| parameter.kind.as_str() == value),
            ("KeyId", None | Some("Equals")) => any(&|value| key == Some(value)),
            (name, None | Some("Equals")) if name.starts_with("tag:") => {
                let wanted = &name["tag:".len()..];
                let tag = parameter.tags.iter().find(|tag| tag.key == wanted);
                tag.is_some_and(|tag| self.values.is_empty() || self.values.contains(&tag.value))
            }
            (name, option) => {
                return Err(Fault::absent(format!(
                    "the filter {name} ({}) of DescribeParameters",
                    option.unwrap_or("Equals")
                )));
            }
        })
    }
}

impl State {
    pub(super) fn describe(&self, at: &At, input: &Describe) -> Result<Reply, Fault> {
        if !input.filters.is_empty() {
            return Err(Fault::absent("the older filters of DescribeParameters"));
        }
        let page = page(input.max_results, 50, input.next_token.as_deref())?;
        let mut found = Vec::new();
        for parameter in self.all(at) {
            let mut fits = true;
            for filter in &input.parameter_filters {
                fits &= filter.fits(parameter)?;
            }
            if let Some(version) = parameter.last().filter(|_| fits) {
                found.push(parameter.described(at, version));
            }
        }
        let (found, next) = page.of(found);
        Ok(Reply::output(
            json!({"Parameters": found, "NextToken": next}),
        ))
    }
}
