//! What the server offers: tools, resources and prompts, with all pages, and a resource to read.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Value, json};

use super::discovery::result_fields;
use crate::catalog::{CheckId, CommonCheck, Era};
use crate::report::Outcome;
use crate::run::{Run, Spoken};
use crate::tools::{Findings, look_at};

/// More pages than anybody has: a server that goes on for ever is left here.
const MOST_PAGES: usize = 200;

pub(crate) fn all(run: &mut Run<'_>, spoken: &Spoken) {
    use CommonCheck::{PromptsList, ResourcesList, ResourcesRead, ToolDefinitions, ToolsList};
    let era = spoken.client.era;
    let id = |check| CheckId::Common(era, check);
    run.check(id(ToolsList), |run| {
        has(spoken, "tools")?;
        Ok(counted(tools(run, spoken)?.len(), "tool"))
    });
    run.check(id(ToolDefinitions), |run| {
        has(spoken, "tools")?;
        let tools = tools(run, spoken).map_err(|_| Outcome::skipped("tools/list fails"))?;
        let Findings { errors, warnings } = look_at(&tools, era);
        Ok(Outcome::of(&errors, &warnings, None))
    });
    run.check(id(ResourcesList), |run| {
        has(spoken, "resources")?;
        let resources = resources(run, spoken)?;
        let errors = wrong_keys(&resources, "uri", "resource", has_scheme);
        Ok(match errors.is_empty() {
            true => counted(resources.len(), "resource"),
            false => Outcome::of(&errors, &[], None),
        })
    });
    run.check(id(ResourcesRead), |run| read_first(run, spoken));
    run.check(id(PromptsList), |run| {
        has(spoken, "prompts")?;
        let prompts = list(run, spoken, "prompts/list", "prompts")?;
        let errors = wrong_keys(&prompts, "name", "prompt", |name| !name.is_empty());
        Ok(match errors.is_empty() {
            true => counted(prompts.len(), "prompt"),
            false => Outcome::of(&errors, &[], None),
        })
    });
}

fn has(spoken: &Spoken, what: &str) -> Result<(), Outcome> {
    if spoken.client.has(what) {
        return Ok(());
    }
    Err(Outcome::skipped(format!("the server has no {what}")))
}

fn counted(count: usize, what: &str) -> Outcome {
    let plural = if count == 1 { "" } else { "s" };
    Outcome::noted(format!("{count} {what}{plural}"))
}

/// All tools, asked for once.
pub(crate) fn tools(run: &Run<'_>, spoken: &Spoken) -> Result<Rc<Vec<Value>>, Outcome> {
    spoken
        .tools
        .get_or_init(|| list(run, spoken, "tools/list", "tools").map(Rc::new))
        .clone()
}

fn resources(run: &Run<'_>, spoken: &Spoken) -> Result<Rc<Vec<Value>>, Outcome> {
    spoken
        .resources
        .get_or_init(|| list(run, spoken, "resources/list", "resources").map(Rc::new))
        .clone()
}

/// All pages of a list.
fn list(run: &Run<'_>, spoken: &Spoken, method: &str, key: &str) -> Result<Vec<Value>, Outcome> {
    let mut items = Vec::new();
    let mut seen = BTreeSet::new();
    let mut params = json!({});
    for _ in 0..MOST_PAGES {
        let result = spoken.client.call(method, params).result(run.http)?;
        let page = result[key]
            .as_array()
            .ok_or_else(|| Outcome::failed(format!("the result of {method} has no {key}")))?;
        if spoken.client.era == Era::Modern {
            let mut errors = Vec::new();
            result_fields(&result, true, &mut errors);
            if !errors.is_empty() {
                return Err(Outcome::of(&errors, &[], None));
            }
        }
        items.extend(page.iter().cloned());
        match &result["nextCursor"] {
            Value::Null => return Ok(items),
            Value::String(cursor) => {
                if !seen.insert(cursor.clone()) {
                    return Err(Outcome::failed(format!(
                        "the pages of {method} go round in a circle"
                    )));
                }
                params = json!({"cursor": cursor});
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Err(Outcome::failed(format!(
                    "nextCursor of {method} is no text"
                )));
            }
        }
    }
    Err(Outcome::failed(format!(
        "{method} has more than {MOST_PAGES} pages"
    )))
}

/// What is wrong about what items go by.
fn wrong_keys(items: &[Value], key: &str, what: &str, good: fn(&str) -> bool) -> Vec<String> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, item) in items.iter().enumerate() {
        match item[key].as_str().filter(|value| good(value)) {
            None => errors.push(format!("{what} {} has no good {key}", at + 1)),
            Some(value) if !seen.insert(value) => {
                errors.push(format!("two {what}s have the {key} {value}"));
            }
            Some(_) => {}
        }
        if item["name"].as_str().is_none() && key != "name" {
            errors.push(format!("{what} {} has no name", at + 1));
        }
    }
    errors
}

/// RFC 3986's `scheme:`.
fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

fn read_first(run: &Run<'_>, spoken: &Spoken) -> Result<Outcome, Outcome> {
    has(spoken, "resources")?;
    let resources = resources(run, spoken).map_err(|_| Outcome::skipped("resources/list fails"))?;
    let uri = resources
        .iter()
        .find_map(|resource| resource["uri"].as_str())
        .ok_or_else(|| Outcome::skipped("there are none"))?;
    let call = spoken.client.call("resources/read", json!({"uri": uri}));
    let result = call.result(run.http)?;
    let contents = result["contents"]
        .as_array()
        .ok_or_else(|| Outcome::failed("the result has no contents"))?;
    let mut errors = Vec::new();
    for content in contents {
        if content["uri"].as_str().is_none() {
            errors.push("a content has no uri".to_owned());
        }
        if content["text"].as_str().is_none() && content["blob"].as_str().is_none() {
            errors.push("a content has neither text nor blob".to_owned());
        }
    }
    if spoken.client.era == Era::Modern {
        result_fields(&result, true, &mut errors);
    }
    Ok(Outcome::of(&errors, &[], Some(uri.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::has_scheme;

    #[test]
    fn a_uri_has_a_scheme() {
        assert!(has_scheme("calculator://constants"));
        assert!(has_scheme("urn:x"));
        assert!(!has_scheme("constants"));
        assert!(!has_scheme("1a:b"));
    }
}
