//! The query protocol's input: `Tags.member.1.Key=a` is `{"Tags": [{"Key": "a"}]}`.
//!
//! All leaves are strings. Maps come as `Attributes.entry.1.key=a&Attributes.entry.1.value=b`, or with
//! `Name` and `Value`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A form as a tree of the parts of its names.
#[derive(Default)]
struct Node {
    text: Option<String>,
    parts: BTreeMap<String, Node>,
}

/// Reads a form. `Action` and `Version` are left out.
pub(super) fn decode(form: &[u8]) -> Value {
    let mut root = Node::default();
    for (name, value) in form_urlencoded::parse(form) {
        if name == "Action" || name == "Version" {
            continue;
        }
        let mut node = &mut root;
        for part in name.split('.') {
            node = node.parts.entry(part.to_owned()).or_default();
        }
        node.text = Some(value.into_owned());
    }
    let input = value(root);
    if input.is_null() {
        // A call without inputs has an input all the same.
        return Value::Object(Map::new());
    }
    input
}

fn value(mut node: Node) -> Value {
    if node.parts.is_empty() {
        return node.text.map_or(Value::Null, Value::String);
    }
    if node.parts.len() == 1 {
        if let Some(list) = node.parts.remove("member") {
            return Value::Array(numbered(list).map(value).collect());
        }
        if let Some(list) = node.parts.remove("entry") {
            let entries = numbered(list).filter_map(|mut entry| {
                // SNS has maps of both spellings.
                let mut part =
                    |names: [&str; 2]| names.iter().find_map(|name| entry.parts.remove(*name));
                let key = part(["key", "Name"])?.text?;
                Some((key, value(part(["value", "Value"])?)))
            });
            return Value::Object(entries.collect());
        }
    }
    let fields: Map<String, Value> = node.parts.into_iter().map(|(k, v)| (k, value(v))).collect();
    Value::Object(fields)
}

/// The parts `1`, `2`, … `10` in the order of their numbers. An empty list comes as `Tags.member=`.
fn numbered(list: Node) -> impl Iterator<Item = Node> {
    let mut items: Vec<(u32, Node)> = list
        .parts
        .into_iter()
        .filter_map(|(number, node)| Some((number.parse().ok()?, node)))
        .collect();
    items.sort_by_key(|(number, _)| *number);
    items.into_iter().map(|(_, node)| node)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_structures_and_maps() {
        let form = b"Action=CreateRole&Version=2010-05-08&RoleName=a%20b\
            &Tags.member.2.Key=y&Tags.member.1.Key=x&Tags.member.1.Value=&Tags.member.10.Key=z\
            &Attributes.entry.1.key=k&Attributes.entry.1.value=v&A.B=1&Empty.member=\
            &Named.entry.1.Name=n&Named.entry.1.Value.DataType=String";
        assert_eq!(
            decode(form),
            json!({
                "RoleName": "a b",
                "Tags": [{"Key": "x", "Value": ""}, {"Key": "y"}, {"Key": "z"}],
                "Attributes": {"k": "v"},
                "A": {"B": "1"},
                "Empty": [],
                "Named": {"n": {"DataType": "String"}},
            })
        );
        assert_eq!(decode(b"Action=ListRoles&Version=2010-05-08"), json!({}));
    }
}
