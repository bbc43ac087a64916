//! Shows the mistakes that are found behind the file at their place in it.

use std::collections::HashMap;

use mcpdeploy_aws::stack::{StackError, StackErrors};
use mcpdeploy_config::{ConfigErrors, Loaded, ResourceConfig};
use mcpdeploy_engine::graph::{GraphError, GraphErrors};
use mcpdeploy_engine::kind::InputError;

use crate::exit::Exit;
use crate::failure::{Failure, What};
use crate::views::errors::Report;

/// The entries of the file by address: mistakes may be as many as resources.
fn entries(loaded: &Loaded) -> HashMap<String, &ResourceConfig> {
    let resources = loaded.config.resources.iter();
    resources.map(|entry| (entry.address(), entry)).collect()
}

/// Mistakes in what the file asks for.
pub(crate) fn stack(loaded: &Loaded, errors: &StackErrors) -> Failure {
    let entries = entries(loaded);
    let placed = errors.0.iter().map(|error| match error {
        StackError::Key { key, message, help } => {
            let span = loaded.span_of(key);
            loaded
                .source
                .error(message, span, "here", Some(help.clone()))
        }
        StackError::Resource {
            address,
            pointer,
            message,
        } => {
            let resource = entries.get(address);
            let span = resource.map(|resource| {
                let value = resource.input_spans.get(pointer);
                value.cloned().unwrap_or_else(|| resource.span.clone())
            });
            let help =
                resource.map(|r| format!("see what it takes: mcpdeploy schema {}", r.kind.value));
            loaded
                .source
                .error(format!("{address}: {message}"), span, "here", help)
        }
    });
    ConfigErrors::new(loaded.source.clone(), placed.collect()).into()
}

/// Mistakes in how the resources fit together.
pub(crate) fn graph(loaded: &Loaded, errors: GraphErrors) -> Failure {
    let entries = entries(loaded);
    let mut placed = Vec::new();
    let mut others = Vec::new();
    for error in errors.0 {
        let resource = error
            .address()
            .and_then(|address| entries.get(address.as_str()));
        match (resource, &error) {
            (
                Some(resource),
                GraphError::Input {
                    error: InputError { pointer, message },
                    ..
                },
            ) => {
                let span = resource
                    .input_key_spans
                    .get(pointer)
                    .filter(|_| message.starts_with("unknown field"))
                    .or_else(|| resource.input_spans.get(pointer))
                    .or_else(|| resource.input_spans.get(""))
                    .cloned()
                    .unwrap_or_else(|| resource.span.clone());
                placed.push(loaded.source.error(
                    format!("{}: {message}", resource.address()),
                    Some(span),
                    "here",
                    Some(format!(
                        "see what it takes: mcpdeploy schema {}",
                        resource.kind.value
                    )),
                ));
            }
            (Some(resource), GraphError::UnknownKind { .. }) => placed.push(loaded.source.error(
                format!("there is no kind `{}`", resource.kind.value),
                Some(resource.kind.span.clone()),
                "unknown kind",
                Some("see the kinds there are: mcpdeploy schema".to_owned()),
            )),
            (Some(resource), _) => placed.push(loaded.source.error(
                error.to_string(),
                Some(resource.span.clone()),
                "this resource",
                None,
            )),
            (None, _) => others.push(Report::new(error.to_string())),
        }
    }
    if others.is_empty() {
        ConfigErrors::new(loaded.source.clone(), placed).into()
    } else {
        others.extend(placed.iter().map(|e| Report::new(e.message().to_owned())));
        Failure {
            exit: Exit::Usage,
            what: What::Reports(others),
        }
    }
}
