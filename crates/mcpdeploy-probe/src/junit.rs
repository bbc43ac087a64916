//! The report as JUnit XML, as CI systems read it: a suite for each group of checks. A warning is
//! a passed test with output.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::report::{CheckDone, Outcome, Report};

/// The report could not be written as XML.
#[derive(Debug, thiserror::Error)]
#[error("write the report as JUnit XML")]
pub struct JunitError(#[source] quick_junit::SerializeError);

/// The report as JUnit XML.
///
/// # Errors
///
/// Text of the report cannot be written as XML.
pub fn to_junit(report: &Report) -> Result<String, JunitError> {
    let mut document = Document::new("mcpdeploy test");
    document.set_time(Duration::from_micros(report.duration_us));
    let mut suites: Vec<TestSuite> = Vec::new();
    for check in &report.checks {
        let (group, name) = check.id.split_once('.').unwrap_or(("", &check.id));
        let at = match suites.iter().position(|suite| suite.name.as_str() == group) {
            Some(at) => at,
            None => {
                let mut suite = TestSuite::new(group);
                suite.add_property(("url", report.url.as_str()));
                suites.push(suite);
                suites.len() - 1
            }
        };
        suites[at].add_test_case(case(group, name, check));
    }
    document.add_test_suites(suites);
    document.to_string().map_err(JunitError)
}

fn case(group: &str, name: &str, check: &CheckDone) -> TestCase {
    let status = match &check.outcome {
        Outcome::Passed { .. } | Outcome::Warned { .. } => TestCaseStatus::success(),
        Outcome::Failed { why, hint } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(why.as_str());
            status.set_type(check.id.as_str());
            let mut text = format!("{}: {why}\n", check.title);
            if let Some(hint) = hint {
                text.push_str(&format!("help: {hint}\n"));
            }
            if let Some(page) = &check.page {
                text.push_str(&format!("see: {page}\n"));
            }
            for exchange in &check.exchanges {
                let status = exchange
                    .status
                    .map_or_else(String::new, |status| format!("HTTP {status} "));
                text.push_str(&format!(
                    "\n> {}\n{}\n< {status}{}\n",
                    exchange.request, exchange.sent, exchange.received
                ));
            }
            status.set_description(text);
            status
        }
        Outcome::Skipped { why } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
    };
    let name = match &check.subject {
        Some(subject) => format!("{name} {subject}"),
        None => name.to_owned(),
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("mcp.{group}"));
    case.set_time(Duration::from_micros(check.duration_us));
    match &check.outcome {
        Outcome::Warned { why, hint } => {
            let hint = hint.as_ref().map(|hint| format!("\nhelp: {hint}"));
            case.set_system_out(format!("warning: {why}{}", hint.unwrap_or_default()));
        }
        Outcome::Passed { note: Some(note) } => {
            case.set_system_out(note.as_str());
        }
        Outcome::Passed { note: None } | Outcome::Failed { .. } | Outcome::Skipped { .. } => {}
    }
    case
}
