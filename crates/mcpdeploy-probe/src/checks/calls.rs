//! Tools that are called, with arguments made from their schemas.
//!
//! Every tool is called once, in the newest era that the server speaks; in the other era one tool is,
//! to see that calls work there too: a call may cost something.

use serde_json::{Value, json};

use super::lists;
use crate::catalog::{CheckId, CommonCheck, Era};
use crate::exchange::beginning;
use crate::message::{self, Answer, RpcError, in_words};
use crate::report::Outcome;
use crate::run::{Run, Spoken};
use crate::sample::{self, Sample};
use crate::tools::{headers_of_call, may_call, validator};

pub(crate) fn all(run: &mut Run<'_>, spoken: &Spoken) {
    let era = spoken.client.era;
    let id = CheckId::Common(era, CommonCheck::ToolsCall);
    if !run.options.wants(id) {
        return;
    }
    let tools = match lists::tools(run, spoken) {
        Ok(tools) if spoken.client.has("tools") => tools,
        Ok(_) => return run.check(id, |_| Ok(Outcome::skipped("the server has no tools"))),
        Err(_) => return run.check(id, |_| Ok(Outcome::skipped("tools/list fails"))),
    };
    let newest = run.newest().is_some_and(|newest| newest.client.era == era);
    for tool in tools.iter() {
        let name = tool["name"].as_str().unwrap_or_default();
        let plan = plan(run, tool);
        if !newest && plan.is_err() {
            continue;
        }
        run.check_on(id, Some(name), |run| call(run, spoken, tool, &plan?));
        if !newest {
            break;
        }
    }
}

/// The arguments that a tool is called with, or why it is not called.
fn plan(run: &Run<'_>, tool: &Value) -> Result<Sample, Outcome> {
    may_call(tool, run.options.call_tools).map_err(Outcome::skipped)?;
    sample::arguments(&tool["inputSchema"])
        .ok_or_else(|| Outcome::skipped("no arguments could be made that its inputSchema allows"))
}

fn call(run: &Run<'_>, spoken: &Spoken, tool: &Value, sample: &Sample) -> Result<Outcome, Outcome> {
    let params = json!({"name": tool["name"], "arguments": sample.arguments});
    let mut call = spoken.client.call("tools/call", params);
    if spoken.client.era == Era::Modern {
        for (name, value) in headers_of_call(&tool["inputSchema"], &sample.arguments) {
            call = call.header(&name, value);
        }
    }
    let reply = call.send(run.http)?;
    let answer = message::answer(&reply, &call.id).map_err(|what| {
        Outcome::failed(format!("it is answered with {what}")).hint(message::hint(&reply))
    })?;
    match answer {
        Answer::Result(result) if reply.status == 200 => {
            Ok(judge(tool, &result, sample, spoken.client.era))
        }
        Answer::Result(_) => Err(Outcome::failed(format!(
            "it is answered with a result and HTTP {}",
            reply.status
        ))),
        Answer::Error(RpcError { code: -32602, .. }) => Err(Outcome::warned(format!(
            "arguments that its inputSchema allows are refused: {}",
            in_words(&reply)
        ))
        .hint(format!("it was called with {}", sample.arguments))),
        Answer::Error(_) => Err(Outcome::failed(format!(
            "it is answered with {}",
            in_words(&reply)
        ))
        .hint(format!("it was called with {}", sample.arguments))),
    }
}

fn judge(tool: &Value, result: &Value, sample: &Sample, era: Era) -> Outcome {
    if era == Era::Modern && result["resultType"] == "input_required" {
        return Outcome::noted("asks for input, which was not given");
    }
    let mut errors = Vec::new();
    if era == Era::Modern && result["resultType"] != "complete" {
        errors.push("resultType is not \"complete\"".to_owned());
    }
    match result["content"].as_array() {
        None => errors.push("the result has no content".to_owned()),
        Some(content) => errors.extend(content.iter().filter_map(wrong_content)),
    }
    let is_error = result["isError"] == true;
    let output = tool.get("outputSchema").filter(|schema| !schema.is_null());
    if let Some(output) = output
        && !is_error
    {
        match (result.get("structuredContent"), validator(output)) {
            (None, _) => errors.push(
                "the tool has an outputSchema and the result no structuredContent".to_owned(),
            ),
            (Some(structured), Ok(validator)) => {
                if let Err(error) = validator.validate(structured) {
                    let at = error.instance_path().as_str();
                    let at = if at.is_empty() { "its root" } else { at };
                    errors.push(format!(
                        "structuredContent is not as the outputSchema says: {error} (at {at})"
                    ));
                }
            }
            // That the schema is no good is a finding of its own.
            (Some(_), Err(_)) => {}
        }
    }
    let called = format!("called with {}", sample.arguments);
    if !errors.is_empty() {
        return Outcome::of(&errors, &[], None).hint(called);
    }
    if !is_error {
        return Outcome::noted(called);
    }
    let said = beginning(result["content"][0]["text"].as_str().unwrap_or_default());
    if sample.invented {
        // It may well have no answer to values that somebody made up.
        return Outcome::noted(format!(
            "{called}: answers with an error of its own: {said}"
        ));
    }
    Outcome::warned(format!("it answers with an error of its own: {said}")).hint(called)
}

fn wrong_content(content: &Value) -> Option<String> {
    let kind = content["type"].as_str().unwrap_or_default();
    let needed: &[&str] = match kind {
        "text" => &["text"],
        "image" | "audio" => &["data", "mimeType"],
        "resource_link" => &["uri", "name"],
        "resource" => &[],
        _ => return Some(format!("a content is of the unknown type {kind:?}")),
    };
    if kind == "resource" && !content["resource"].is_object() {
        return Some("a content of type resource has no resource".to_owned());
    }
    needed
        .iter()
        .find(|key| content[**key].as_str().is_none())
        .map(|key| format!("a content of type {kind} has no {key}"))
}
