//! Access logs: one line a request, in the words of the stage's format.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::model::{AccessLogSettings, Api, Stage};
use super::super::stages;
use super::exchange::Exchange;
use crate::cloud::Cloud;
use crate::services::logs::{LogLine, LogTarget};

/// Where and how a stage logs.
#[derive(Debug)]
pub(super) struct AccessLog {
    group: String,
    stream: String,
    format: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A variable of `$context`.
    Variable(String),
}

impl AccessLog {
    pub(super) fn new(api: &Api, stage: &Stage, settings: &AccessLogSettings) -> Option<Self> {
        let arn = settings.destination_arn.as_deref()?;
        let name = format!("{}/{}", api.settings.api_id, stage.stage_name);
        let digest = hex::encode(Sha256::digest(name));
        Some(Self {
            group: stages::log_group(arn)?.to_owned(),
            stream: digest.get(..32)?.to_owned(),
            format: parts(settings.format.as_deref()?),
        })
    }

    /// Writes the line of a request that is done.
    pub(super) fn write(&self, cloud: &Cloud, exchange: &Exchange) {
        let target = LogTarget {
            region: &exchange.api.region,
            group: &self.group,
            stream: &self.stream,
        };
        let line = LogLine {
            at: exchange.at,
            message: line(&self.format, exchange),
        };
        cloud.services().logs.append(cloud, target, vec![line]);
    }
}

fn line(format: &[Part], exchange: &Exchange) -> String {
    format.iter().fold(String::new(), |mut line, part| {
        match part {
            Part::Text(text) => line.push_str(text),
            // What has no value is a dash.
            Part::Variable(name) => match exchange.variable(name) {
                Some(value) => line.push_str(&escaped(value)),
                None => line.push('-'),
            },
        }
        line
    })
}

/// A value as it can stand between the quotes of a format in JSON.
fn escaped(value: String) -> String {
    if !value.contains(['"', '\\', '\n', '\r', '\t']) {
        return value;
    }
    let quoted = Value::String(value).to_string();
    let inside = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// A format's text and variables: `$context.` and a name of letters, digits, `.`, `_` and `-`.
fn parts(format: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some((text, after)) = rest.split_once("$context.") {
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric() && !"._-:".contains(c))
            .unwrap_or(after.len());
        let name = after[..end].trim_end_matches(['.', ':', '-']);
        parts.push(Part::Variable(name.to_owned()));
        rest = &after[name.len()..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::exchange::tests::exchange;
    use super::*;

    #[test]
    fn a_line_of_a_request() {
        let mut exchange = exchange("POST /mcp", &[("user-agent", "a \"b\"")], "{}");
        exchange.outcome.status = 502;
        exchange.outcome.integration_error = Some("bad".to_owned());
        exchange.outcome.response_length = 7;
        let format = "$context.identity.sourceIp - - [$context.requestTime] \"$context.httpMethod \
            $context.path $context.protocol\" $context.status $context.responseLength \
            $context.requestId {\"ua\":\"$context.identity.userAgent\",\"e\":\"$context.integrationErrorMessage\",\
            \"a\":\"$context.authorizer.claims.sub\",\"n\":$context.dataProcessed,\"x\":\"$context.nothing\"}.";
        assert_eq!(
            line(&parts(format), &exchange),
            "127.0.0.1 - - [21/Nov/2026:12:00:00 +0000] \"POST /mcp HTTP/1.1\" 502 7 \
             AAAAAAAAAAAAAAA= {\"ua\":\"a \\\"b\\\"\",\"e\":\"bad\",\"a\":\"-\",\"n\":9,\"x\":\"-\"}."
        );
    }
}
