//! Dashboards, which belong to the account and to no region.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::{constraint, invalid_value, not_found};
use super::input::{millis, output_moment, required, text, texts};
use super::{CloudWatch, tags};
use crate::cloud::{ACCOUNT, Cloud};
use crate::wire::{Call, Fault};

/// How many dashboards an answer holds at most.
const PAGE: usize = 1000;

/// A dashboard's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Dashboard {
    body: String,
    /// Milliseconds since 1970.
    modified: i64,
    pub(super) tags: BTreeMap<String, String>,
}

fn arn(name: &str) -> String {
    format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}")
}

impl CloudWatch {
    pub(super) fn put_dashboard(&self, cloud: &Cloud, call: &Call) -> Result<Value, Fault> {
        let name = required(&call.input, "DashboardName", "DashboardName")?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.len() > 255 || !name.chars().all(fits) {
            return Err(invalid_value(format!(
                "The value {name} for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_)."
            )));
        }
        let body = text(&call.input, "DashboardBody").unwrap_or_default();
        check(body)?;
        let tags = tags::read(&call.input, "Tags")?;
        let mut state = self.lock();
        let tags = state
            .dashboards
            .get(name)
            .map_or(tags, |old| old.tags.clone());
        let dashboard = Dashboard {
            body: body.to_owned(),
            modified: millis(cloud.now()),
            tags,
        };
        state.dashboards.put(name, dashboard)?;
        Ok(json!({"DashboardValidationMessages": []}))
    }

    pub(super) fn get_dashboard(&self, call: &Call) -> Result<Value, Fault> {
        let name = required(&call.input, "DashboardName", "DashboardName")?;
        let state = self.lock();
        let dashboard = state
            .dashboards
            .get(name)
            .ok_or_else(|| no_dashboard(name))?;
        Ok(json!({
            "DashboardArn": arn(name),
            "DashboardBody": dashboard.body,
            "DashboardName": name,
        }))
    }

    pub(super) fn list_dashboards(&self, call: &Call) -> Result<Value, Fault> {
        let prefix = text(&call.input, "DashboardNamePrefix").unwrap_or_default();
        let after = text(&call.input, "NextToken");
        let state = self.lock();
        let mut found = state
            .dashboards
            .under(prefix)
            .filter(|(name, _)| after.is_none_or(|after| *name > after));
        let page: Vec<(&str, &Dashboard)> = found.by_ref().take(PAGE).collect();
        let next = found.next().and(page.last()).map(|(name, _)| *name);
        let entries: Vec<Value> = page
            .iter()
            .map(|(name, dashboard)| {
                json!({
                    "DashboardName": name,
                    "DashboardArn": arn(name),
                    "LastModified": output_moment(dashboard.modified),
                    "Size": dashboard.body.len(),
                })
            })
            .collect();
        Ok(json!({"DashboardEntries": entries, "NextToken": next}))
    }

    pub(super) fn delete_dashboards(&self, call: &Call) -> Result<Value, Fault> {
        let names = texts(&call.input, "DashboardNames");
        if names.is_empty() {
            return Err(invalid_value("Need at least 1 dashboard"));
        }
        let mut state = self.lock();
        // All or nothing.
        if let Some(name) = names.iter().find(|name| !state.dashboards.contains(name)) {
            return Err(no_dashboard(name));
        }
        for name in &names {
            state.dashboards.remove(name)?;
        }
        Ok(Value::Null)
    }
}

fn no_dashboard(name: &str) -> Fault {
    not_found(
        "DashboardNotFoundError",
        format!("Dashboard {name} does not exist"),
    )
}

/// Refuses a body that is no dashboard. Only what every dashboard has is looked at: its widgets,
/// where they are, and what each kind cannot do without.
fn check(body: &str) -> Result<(), Fault> {
    if body.len() > 1_000_000 {
        return Err(constraint(
            "(body)",
            "dashboardBody",
            "Member must have length less than or equal to 1000000",
        ));
    }
    let refuse = |message: String, problems: &[(String, String)]| {
        let messages: Vec<Value> = problems
            .iter()
            .map(|(path, message)| json!({"DataPath": path, "Message": message}))
            .collect();
        let fault = Fault::new(
            StatusCode::BAD_REQUEST,
            "DashboardInvalidInputError",
            message,
        );
        Err(fault.field("dashboardValidationMessages", messages))
    };
    let Ok(Value::Object(dashboard)) = serde_json::from_str(body) else {
        let message = "The field DashboardBody must be a valid JSON object";
        return refuse(message.to_owned(), &[(String::new(), message.to_owned())]);
    };
    let mut problems = Vec::new();
    match dashboard.get("widgets") {
        None => problems.push((
            String::new(),
            "Should have required property 'widgets'".to_owned(),
        )),
        Some(Value::Array(widgets)) => {
            for (index, widget) in widgets.iter().enumerate() {
                check_widget(widget, &format!("/widgets/{index}"), &mut problems);
            }
        }
        Some(_) => problems.push(("/widgets".to_owned(), "Should be array".to_owned())),
    }
    if problems.is_empty() {
        return Ok(());
    }
    let listed: Vec<Value> = problems
        .iter()
        .map(|(path, message)| json!({"dataPath": path, "message": message}))
        .collect();
    let listed = serde_json::to_string_pretty(&listed).unwrap_or_default();
    let (count, errors) = (
        problems.len(),
        if problems.len() == 1 {
            "error"
        } else {
            "errors"
        },
    );
    refuse(
        format!("The dashboard body is invalid, there are {count} validation {errors}:\n{listed}"),
        &problems,
    )
}

fn check_widget(widget: &Value, path: &str, problems: &mut Vec<(String, String)>) {
    let mut wrong = |path: String, message: &str| problems.push((path, message.to_owned()));
    if !widget.is_object() {
        return wrong(path.to_owned(), "Should be object");
    }
    let kind = widget.get("type").and_then(Value::as_str);
    match kind {
        None => wrong(path.to_owned(), "Should have required property 'type'"),
        Some("metric" | "text" | "log" | "alarm" | "explorer" | "custom" | "chart") => {}
        Some(_) => wrong(
            format!("{path}/type"),
            "Should be equal to one of the allowed values",
        ),
    }
    for (name, least, most) in [
        ("x", 0, 23),
        ("y", 0, i64::MAX),
        ("width", 1, 24),
        ("height", 1, 1000),
    ] {
        match widget.get(name).map(Value::as_i64) {
            None => {}
            Some(Some(value)) if value < least => {
                wrong(format!("{path}/{name}"), &format!("Should be >= {least}"))
            }
            Some(Some(value)) if value > most => {
                wrong(format!("{path}/{name}"), &format!("Should be <= {most}"))
            }
            Some(Some(_)) => {}
            Some(None) => wrong(format!("{path}/{name}"), "Should be integer"),
        }
    }
    let Some(properties) = widget.get("properties").filter(|value| value.is_object()) else {
        return wrong(
            path.to_owned(),
            "Should have required property 'properties'",
        );
    };
    let at = format!("{path}/properties");
    let has = |name: &str| properties.get(name).is_some();
    match kind {
        Some("metric") if !has("metrics") && !has("annotations") => {
            wrong(at.clone(), "Should have required property 'metrics'");
            wrong(
                at.clone(),
                "The metric widget should have specified a region and a data source or an alarm annotation",
            );
            wrong(at, "Should have required property 'annotations'");
        }
        Some("metric") => {
            let metrics = properties.get("metrics").map(Value::as_array);
            match metrics {
                None => {}
                Some(None) => wrong(format!("{at}/metrics"), "Should be array"),
                Some(Some(metrics)) => {
                    for (index, metric) in metrics.iter().enumerate() {
                        if !metric.is_array() {
                            wrong(format!("{at}/metrics/{index}"), "Should be array");
                            wrong(
                                format!("{at}/metrics/{index}"),
                                "Field \"metrics\" has to be an array of array of strings, with an optional metricRenderer object as last element",
                            );
                        }
                    }
                }
            }
        }
        Some("text") if !has("markdown") => wrong(at, "Should have required property 'markdown'"),
        Some("log") if !has("query") && !has("queryLanguage") => {
            wrong(at, "Should have required property 'query'")
        }
        Some("alarm") if !has("alarms") => wrong(at, "Should have required property 'alarms'"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_dashboards() {
        for body in [
            json!({"widgets": []}),
            json!({"start": "-PT3H", "widgets": [{"type": "text", "x": 0, "y": 9, "width": 24, "height": 1, "properties": {"markdown": "x"}}]}),
            json!({"widgets": [{"type": "metric", "properties": {"region": "r", "metrics": [["N", "M", {"stat": "Sum"}]]}}]}),
        ] {
            assert_eq!(check(&body.to_string()), Ok(()), "{body}");
        }
    }

    #[test]
    fn bodies_that_are_none() {
        let paths = |body: &str| -> Vec<String> {
            let fault = check(body).unwrap_err();
            assert_eq!(fault.code, "DashboardInvalidInputError");
            let messages = fault.fields["dashboardValidationMessages"]
                .as_array()
                .unwrap()
                .clone();
            messages
                .iter()
                .map(|message| message["DataPath"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(paths("no json"), [""]);
        assert_eq!(paths("[]"), [""]);
        assert_eq!(paths("{}"), [""]);
        assert_eq!(paths(r#"{"widgets": 1}"#), ["/widgets"]);
        let widgets = json!({"widgets": [
            {"type": "metric", "properties": {}},
            {"type": "pie", "x": 99, "width": "wide"},
            {"properties": {}},
            {"type": "metric", "properties": {"metrics": ["M"]}},
        ]});
        assert_eq!(
            paths(&widgets.to_string()),
            [
                "/widgets/0/properties",
                "/widgets/0/properties",
                "/widgets/0/properties",
                "/widgets/1/type",
                "/widgets/1/x",
                "/widgets/1/width",
                "/widgets/1",
                "/widgets/2",
                "/widgets/3/properties/metrics/0",
                "/widgets/3/properties/metrics/0",
            ]
        );
    }
}
