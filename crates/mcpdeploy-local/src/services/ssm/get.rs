//! Getting values.

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::{Parameter, Version};
use super::{At, State, invalid, missing};
use crate::services::page::{NoPage, Page};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    name: String,
    #[serde(default)]
    with_decryption: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetMany {
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByPath {
    path: String,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    with_decryption: bool,
    #[serde(default)]
    parameter_filters: Vec<Value>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct History {
    name: String,
    #[serde(default)]
    with_decryption: bool,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl State {
    /// By name or ARN, with a version behind a colon or without.
    fn find(&self, at: &At, wanted: &str) -> Result<(&Parameter, &Version, Option<String>), Fault> {
        let arn = at.arn("");
        let (plain, was_arn) = match wanted.strip_prefix(&arn) {
            Some(name) => (name, true),
            None => (wanted, false),
        };
        let (name, selector) = match plain.split_once(':') {
            Some((name, selector)) => (name, Some(selector)),
            None => (plain, None),
        };
        // An ARN does not tell whether the name begins with a slash.
        let parameter = self.parameters.get(&at.key(name)).or_else(|| {
            let with_slash = format!("/{name}");
            was_arn.then(|| self.parameters.get(&at.key(&with_slash)))?
        });
        let parameter = parameter.ok_or_else(|| missing(name))?;
        let version = match selector {
            None => parameter.last(),
            Some(number) => {
                let Ok(number) = number.parse::<u64>() else {
                    return Err(Fault::absent("labels of parameters"));
                };
                let mut versions = parameter.versions.iter();
                versions.find(|version| version.number == number)
            }
        };
        let version = version.ok_or_else(|| {
            Fault::bad(
                "ParameterVersionNotFound",
                format!("Systems Manager could not find version {plain}. Verify the version and try again."),
            )
        })?;
        Ok((
            parameter,
            version,
            selector.map(|number| format!(":{number}")),
        ))
    }

    pub(super) fn get(&self, at: &At, input: &Get) -> Result<Reply, Fault> {
        let (parameter, version, selector) = self.find(at, &input.name)?;
        let mut told = parameter.told(at, version, input.with_decryption);
        if let Some(selector) = selector {
            told["Selector"] = json!(selector);
        }
        Ok(Reply::output(json!({"Parameter": told})))
    }

    pub(super) fn get_many(&self, at: &At, input: &GetMany) -> Result<Reply, Fault> {
        if input.names.is_empty() || input.names.len() > 10 {
            return Err(invalid("Names must have 1 to 10 members."));
        }
        let (mut found, mut wrong) = (Vec::new(), Vec::new());
        for name in &input.names {
            match self.find(at, name) {
                Ok((parameter, version, _)) => {
                    found.push(parameter.told(at, version, input.with_decryption));
                }
                Err(_) => wrong.push(name),
            }
        }
        Ok(Reply::output(
            json!({"Parameters": found, "InvalidParameters": wrong}),
        ))
    }

    pub(super) fn by_path(&self, at: &At, input: &ByPath) -> Result<Reply, Fault> {
        if !input.path.starts_with('/') {
            return Err(invalid("The parameter path must begin with a slash."));
        }
        if !input.parameter_filters.is_empty() {
            return Err(Fault::absent("filters of GetParametersByPath"));
        }
        let page = page(input.max_results, 10, input.next_token.as_deref())?;
        let folder = format!("{}/", input.path.trim_end_matches('/'));
        let found = self
            .all(at)
            .filter(|parameter| {
                let below = parameter.name.strip_prefix(&folder);
                below.is_some_and(|below| input.recursive || !below.contains('/'))
            })
            .filter_map(|parameter| Some((parameter, parameter.last()?)))
            .collect();
        let (found, next) = page.of(found);
        let found: Vec<Value> = found
            .into_iter()
            .map(|(parameter, version)| parameter.told(at, version, input.with_decryption))
            .collect();
        Ok(Reply::output(
            json!({"Parameters": found, "NextToken": next}),
        ))
    }

    pub(super) fn history(&self, at: &At, input: &History) -> Result<Reply, Fault> {
        let page = page(input.max_results, 50, input.next_token.as_deref())?;
        let (parameter, ..) = self.find(at, &input.name)?;
        let (versions, next) = page.of(parameter.versions.iter().collect());
        let versions: Vec<Value> = versions
            .into_iter()
            .map(|version| {
                let mut told = parameter.described(at, version);
                let value = parameter.told(at, version, input.with_decryption);
                told["Value"] = value["Value"].clone();
                told["Labels"] = json!([]);
                told
            })
            .collect();
        Ok(Reply::output(
            json!({"Parameters": versions, "NextToken": next}),
        ))
    }
}

/// A page of at most `limit` rows, or this service's words about why there is none.
pub(super) fn page(most: Option<usize>, limit: usize, token: Option<&str>) -> Result<Page, Fault> {
    Page::new(most, limit, token).map_err(|none| match none {
        NoPage::Size(most) => invalid(format!(
            "1 validation error detected: Value '{most}' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to {limit}."
        )),
        NoPage::Token => Fault::bad("InvalidNextToken", "The specified token isn't valid."),
    })
}
