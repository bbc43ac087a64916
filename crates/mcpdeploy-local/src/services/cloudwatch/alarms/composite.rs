//! Composite alarms: rules over the states of other alarms, `ALARM("a") AND NOT OK(b)`.

use serde_json::Value;
use time::macros::format_description;

use super::{CompositeWatch, StateValue, Watch, key};
use crate::cloud::Cloud;
use crate::services::cloudwatch::CloudWatch;
use crate::services::cloudwatch::faults::{missing, validation};
use crate::services::cloudwatch::input::{at, text};
use crate::wire::{Call, Fault};

/// How deep a rule may be nested.
const DEEPEST: usize = 50;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Is(StateValue, String),
    Constant(bool),
    Not(Box<Rule>),
    All(Vec<Rule>),
    Any(Vec<Rule>),
}

impl Rule {
    /// Reads a rule; says why when it does not read.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader {
            rest: text,
            depth: 0,
        };
        let rule = reader.any()?;
        if reader.rest.trim().is_empty() {
            Ok(rule)
        } else {
            Err(format!("unexpected '{}'", reader.rest.trim()))
        }
    }

    /// Whether it holds. An alarm that is not there is in no state.
    pub(super) fn holds(&self, state_of: &dyn Fn(&str) -> Option<StateValue>) -> bool {
        match self {
            Self::Is(state, name) => state_of(name) == Some(*state),
            Self::Constant(holds) => *holds,
            Self::Not(rule) => !rule.holds(state_of),
            Self::All(rules) => rules.iter().all(|rule| rule.holds(state_of)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(state_of)),
        }
    }

    /// The names of the alarms that it looks at.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Is(_, name) => vec![name],
            Self::Constant(_) => Vec::new(),
            Self::Not(rule) => rule.names(),
            Self::All(rules) | Self::Any(rules) => rules.iter().flat_map(Self::names).collect(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn take(&mut self, sign: char) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(word) {
            Some(after) if !after.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                self.rest = after;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Result<Rule, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let mut rules = vec![self.all()?];
        while self.word("OR") {
            rules.push(self.all()?);
        }
        self.depth -= 1;
        Ok(Rule::Any(rules))
    }

    fn all(&mut self) -> Result<Rule, String> {
        let mut rules = vec![self.one()?];
        while self.word("AND") {
            rules.push(self.one()?);
        }
        Ok(Rule::All(rules))
    }

    fn one(&mut self) -> Result<Rule, String> {
        let mut not = false;
        while self.word("NOT") {
            not = !not;
        }
        let rule = self.operand()?;
        Ok(if not { Rule::Not(Box::new(rule)) } else { rule })
    }

    fn operand(&mut self) -> Result<Rule, String> {
        if self.take('(') {
            let rule = self.any()?;
            return if self.take(')') {
                Ok(rule)
            } else {
                Err("')' is missing".to_owned())
            };
        }
        if self.word("TRUE") {
            return Ok(Rule::Constant(true));
        }
        if self.word("FALSE") {
            return Ok(Rule::Constant(false));
        }
        for state in [
            StateValue::Alarm,
            StateValue::Ok,
            StateValue::InsufficientData,
        ] {
            if self.word(state.name()) {
                return self.name().map(|name| Rule::Is(state, name));
            }
        }
        Err(format!("unexpected '{}'", self.rest.trim()))
    }

    /// A name or an ARN between parentheses, with or without quotation marks.
    fn name(&mut self) -> Result<String, String> {
        if !self.take('(') {
            return Err("'(' is missing".to_owned());
        }
        let quoted = self.take('"');
        let end = if quoted { '"' } else { ')' };
        let (name, rest) = self.rest.split_once(end).ok_or("a name does not end")?;
        self.rest = rest;
        if quoted && !self.take(')') {
            return Err("')' is missing".to_owned());
        }
        let name = name.trim();
        let name = match name.split_once(":alarm:") {
            Some((arn, name)) if arn.starts_with("arn:") => name,
            _ => name,
        };
        if name.is_empty() {
            return Err("a name is missing".to_owned());
        }
        Ok(name.to_owned())
    }
}

/// `Friday 21 August, 2020 17:43:37 UTC`.
pub(super) fn moment(millis: i64) -> String {
    let format = format_description!(
        "[weekday] [day] [month repr:long], [year] [hour]:[minute]:[second] UTC"
    );
    at(millis).format(&format).unwrap_or_default()
}

impl CloudWatch {
    pub(in super::super) fn put_composite_alarm(
        &self,
        cloud: &Cloud,
        call: &Call,
    ) -> Result<Value, Fault> {
        if text(&call.input, "ActionsSuppressor").is_some() {
            return Err(Fault::absent(
                "cloudwatch.PutCompositeAlarm with ActionsSuppressor",
            ));
        }
        let text = text(&call.input, "AlarmRule").ok_or_else(|| missing("AlarmRule"))?;
        let rule =
            Rule::read(text).map_err(|why| validation(format!("AlarmRule is invalid: {why}")))?;
        {
            let state = self.lock();
            let mut unknown = rule.names();
            unknown.retain(|name| !state.alarms.contains(&key(&call.region, name)));
            unknown.dedup();
            if !unknown.is_empty() {
                return Err(validation(format!(
                    "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
                    unknown.join(", ")
                )));
            }
        }
        let watch = CompositeWatch {
            rule: text.to_owned(),
        };
        self.put_alarm(cloud, call, Watch::Composite(watch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let state_of = |name: &str| match name {
            "a" => Some(StateValue::Alarm),
            "b b" => Some(StateValue::Ok),
            "c" => Some(StateValue::InsufficientData),
            _ => None,
        };
        for (rule, wanted) in [
            ("ALARM(a)", true),
            ("ALARM(\"a\") AND OK(\"b b\")", true),
            ("OK(b b)", true),
            ("NOT ALARM(a)", false),
            ("NOT ALARM(c) AND (OK(a) OR INSUFFICIENT_DATA(c))", true),
            ("OK(a) OR ALARM(a) AND FALSE", false),
            (
                "ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)",
                true,
            ),
            ("TRUE", true),
            ("ALARM(gone)", false),
        ] {
            assert_eq!(Rule::read(rule).unwrap().holds(&state_of), wanted, "{rule}");
        }
        for rule in [
            "",
            "ALARM",
            "ALARM(",
            "ALARM()",
            "ALARM(a) ALARM(a)",
            "(ALARM(a)",
            "AND",
            "FINE(a)",
            "ALARM(a) OR",
        ] {
            assert!(Rule::read(rule).is_err(), "{rule}");
        }
    }
}
