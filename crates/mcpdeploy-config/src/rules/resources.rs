//! `[[resources]]`: unique addresses, references that can be read, dependencies that make sense.

use std::collections::HashMap;

use crate::mistake::Mistake;
use crate::node::{Node, Value};
use crate::reference::{bad_references, place_in_file};

/// Collects the mistakes of the view's `[[resources]]`; `text` is the file, for places within strings.
pub(crate) fn resources(view: &Node, text: &str, mistakes: &mut Vec<Mistake>) {
    let mut seen = HashMap::new();
    for entry in view.list("resources") {
        if let Some(inputs) = entry.at("inputs") {
            references(inputs, text, mistakes);
        }
        let (Some(kind), Some(name)) = (entry.at("kind"), entry.at("name")) else {
            continue;
        };
        let (Some(kind), Some(called)) = (kind.str(), name.str()) else {
            continue;
        };
        let address = format!("{kind}.{called}");
        for dependency in entry.list("depends_on") {
            if dependency.str() == Some(&address) {
                mistakes.push(
                    Mistake::new(
                        format!("`{address}` depends on itself"),
                        dependency.span.clone(),
                        "this is the resource itself",
                    )
                    .help("remove it"),
                );
            }
        }
        for pointer in entry.list("lifecycle.ignore_changes") {
            pointing(pointer, mistakes);
        }
        if let Some(first) = seen.insert(address.clone(), name.span.clone()) {
            mistakes.push(
                Mistake::new(
                    format!("there are two resources `{address}`"),
                    name.span.clone(),
                    "again here",
                )
                .also(first, "first here")
                .help("give one of them another name"),
            );
        }
    }
}

fn references(inputs: &Node, text: &str, mistakes: &mut Vec<Mistake>) {
    inputs.walk(&mut |_, _, node| {
        let Value::String(value) = &node.value else {
            return;
        };
        for bad in bad_references(value) {
            let place = place_in_file(text, &node.span, value, &bad.within);
            mistakes.push(Mistake::new(bad.message, place, bad.label).help(bad.help));
        }
    });
}

fn pointing(pointer: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(text) = pointer.str() else { return };
    let bad_escape = text
        .split('~')
        .skip(1)
        .any(|rest| !rest.starts_with(['0', '1']));
    if bad_escape {
        mistakes.push(
            Mistake::new(
                format!("\"{text}\" is not a JSON pointer"),
                pointer.span.clone(),
                "~ begins an escape",
            )
            .help("write ~0 for ~ and ~1 for /"),
        );
    }
}
