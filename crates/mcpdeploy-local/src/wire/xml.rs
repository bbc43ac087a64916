//! XML answers, of the query protocol and of S3.
//!
//! A list is written as `<member>` items, as the query protocol does. S3's lists are flattened: a
//! value `{"$flat": [...]}` repeats the element itself.

use quick_xml::escape::escape;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Fault, MAP, TIME, iso};

/// Marks a list whose items repeat the element of the list.
pub(super) const FLAT: &str = "$flat";

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// `<CreateRoleResponse><CreateRoleResult>…</CreateRoleResult><ResponseMetadata>…`.
pub(super) fn query_response(
    operation: &str,
    namespace: &str,
    request_id: &str,
    output: &Value,
) -> Vec<u8> {
    let mut out = format!("<{operation}Response xmlns=\"{namespace}\">");
    element(&mut out, &format!("{operation}Result"), output);
    out.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    out.into_bytes()
}

/// `<ErrorResponse><Error><Type>Sender</Type>…`.
pub(super) fn query_fault(fault: &Fault, namespace: &str, request_id: &str) -> Vec<u8> {
    let side = if fault.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{side}</Type><Code>{}</Code>\
         <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(fault.code.as_str()),
        escape(fault.message.as_str()),
    )
    .into_bytes()
}

/// S3's `<Error><Code>…`.
pub(super) fn rest_fault(fault: &Fault, resource: &str, request_id: &str) -> Vec<u8> {
    let mut out = format!(
        "{HEAD}<Error><Code>{}</Code><Message>{}</Message>",
        escape(fault.code.as_str()),
        escape(fault.message.as_str()),
    );
    for (name, value) in &fault.fields {
        element(&mut out, name, value);
    }
    out.push_str(&format!(
        "<Resource>{}</Resource><RequestId>{request_id}</RequestId></Error>",
        escape(resource)
    ));
    out.into_bytes()
}

/// A document whose root is the one field of `output`.
pub(super) fn document(output: &Value, namespace: &str) -> Vec<u8> {
    let mut out = HEAD.to_owned();
    if let Value::Object(fields) = output {
        for (root, value) in fields {
            out.push_str(&format!("<{root} xmlns=\"{namespace}\">"));
            content(&mut out, value);
            out.push_str(&format!("</{root}>"));
        }
    }
    out.into_bytes()
}

fn element(out: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    if let Some(Value::Array(items)) = value.get(FLAT) {
        for item in items {
            element(out, name, item);
        }
        return;
    }
    out.push_str(&format!("<{name}>"));
    content(out, value);
    out.push_str(&format!("</{name}>"));
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds since 1970 fit into 64 bits"
)]
fn content(out: &mut String, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&escape(text.as_str())),
        Value::Array(items) => {
            for item in items {
                element(out, "member", item);
            }
        }
        Value::Object(fields) => {
            if let Some(seconds) = fields.get(TIME).and_then(Value::as_f64) {
                let nanos = (seconds * 1000.0).round() as i128 * 1_000_000;
                if let Ok(at) = OffsetDateTime::from_unix_timestamp_nanos(nanos) {
                    out.push_str(&iso(at));
                }
            } else if let Some(Value::Object(entries)) = fields.get(MAP) {
                for (key, value) in entries {
                    out.push_str("<entry>");
                    element(out, "key", &Value::String(key.clone()));
                    element(out, "value", value);
                    out.push_str("</entry>");
                }
            } else {
                for (name, value) in fields {
                    element(out, name, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{map, time};
    use super::*;

    #[test]
    fn an_output_of_the_query_protocol() {
        let output = json!({
            "Name": "a<b",
            "Tags": [{"Key": "k"}],
            "At": time(OffsetDateTime::UNIX_EPOCH),
            "Attributes": map([("x".to_owned(), json!("1"))]),
            "Nothing": null,
        });
        assert_eq!(
            String::from_utf8(query_response("Get", "urn:x", "id-1", &output)).unwrap(),
            "<GetResponse xmlns=\"urn:x\"><GetResult><Name>a&lt;b</Name>\
             <Tags><member><Key>k</Key></member></Tags><At>1970-01-01T00:00:00Z</At>\
             <Attributes><entry><key>x</key><value>1</value></entry></Attributes></GetResult>\
             <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetResponse>"
        );
    }

    #[test]
    fn a_document_with_a_flat_list() {
        let output =
            json!({"ListBucketResult": {"Contents": {FLAT: [{"Key": "a"}, {"Key": "b"}]}}});
        assert_eq!(
            String::from_utf8(document(&output, "urn:s3")).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"urn:s3\">\
             <Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents></ListBucketResult>"
        );
    }
}
