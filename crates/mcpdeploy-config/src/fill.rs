//! Fills the types from a view that has passed every check.

use std::collections::BTreeMap;

use crate::mistake::Mistake;
use crate::model::{DeployConfig, Lifecycle, ResourceConfig, Spanned};
use crate::node::Node;
use crate::schema::FOREIGN;

/// The configuration of a view. The shape check has passed, so only our own mistake can make this fail.
pub(crate) fn fill(view: &Node) -> Result<DeployConfig, Mistake> {
    let ours = view.without(FOREIGN).without(&["resources"]);
    let mut config: DeployConfig = serde_json::from_value(ours.json()).map_err(|error| {
        Mistake::nowhere(format!("the file could not be read: {error}"))
            .help("this is a fault of mcpdeploy, not of the file; please report it")
    })?;
    config.resources = view
        .list("resources")
        .iter()
        .filter_map(|entry| resource(entry))
        .collect();
    Ok(config)
}

fn resource(entry: &Node) -> Option<ResourceConfig> {
    let text = |node: &Node| {
        Some(Spanned {
            value: node.str()?.to_owned(),
            span: node.span.clone(),
        })
    };
    let mut input_spans = BTreeMap::new();
    let mut input_key_spans = BTreeMap::new();
    let inputs = match entry.at("inputs") {
        Some(inputs) => {
            inputs.walk(&mut |pointer, key, node| {
                input_spans.insert(pointer.to_owned(), node.span.clone());
                if let Some(key) = key {
                    input_key_spans.insert(pointer.to_owned(), key.clone());
                }
            });
            inputs.json()
        }
        None => {
            input_spans.insert(String::new(), entry.span.clone());
            serde_json::json!({})
        }
    };
    let lifecycle: Lifecycle = entry
        .at("lifecycle")
        .and_then(|lifecycle| serde_json::from_value(lifecycle.json()).ok())
        .unwrap_or_default();
    let depends_on = entry.list("depends_on");
    Some(ResourceConfig {
        kind: text(entry.at("kind")?)?,
        name: text(entry.at("name")?)?,
        inputs,
        input_spans,
        input_key_spans,
        depends_on: depends_on.iter().filter_map(|node| text(node)).collect(),
        lifecycle,
        span: entry.span.clone(),
    })
}
