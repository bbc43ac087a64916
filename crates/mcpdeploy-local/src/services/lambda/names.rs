//! Which function, version or alias a call means: a name, a part of an ARN or a whole one, with or
//! without a qualifier.

use super::faults::{Violations, invalid, not_found};
use crate::cloud::ACCOUNT;
use crate::wire::{Call, Fault};

/// The qualifier of the version that changes.
pub(super) const LATEST: &str = "$LATEST";

/// Source: the API's model, `NamespacedFunctionName`.
const PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
const QUALIFIER_PATTERN: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) region: String,
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
}

impl Target {
    /// Reads the function's name of a call, and its qualifier from there or from the query.
    pub(super) fn of(call: &Call, function: &str) -> Result<Self, Fault> {
        Self::read(function, call.query("Qualifier"), &call.region)
    }

    /// As [`Target::of`], for operations on a function as a whole.
    pub(super) fn whole(call: &Call, function: &str) -> Result<Self, Fault> {
        let target = Self::read(function, None, &call.region)?;
        match target.qualifier.as_deref() {
            None | Some(LATEST) => Ok(Self {
                qualifier: None,
                ..target
            }),
            Some(_) => Err(invalid(
                "This operation is permitted on Lambda functions only. Aliases and versions do \
                 not support this operation. Please specify either a function name or an \
                 unqualified function ARN.",
            )),
        }
    }

    fn read(function: &str, qualifier: Option<&str>, region: &str) -> Result<Self, Fault> {
        let Some(parts) = Parts::parse(function) else {
            let constraint = format!("Member must satisfy regular expression pattern: {PATTERN}");
            return Err(Violations::one(function, "functionName", &constraint));
        };
        if let Some(qualifier) = qualifier {
            let mut violations = Violations::default();
            violations.longest(qualifier, "qualifier", 128);
            if !is_qualifier(qualifier) {
                violations.add(
                    qualifier,
                    "qualifier",
                    &format!("Member must satisfy regular expression pattern: {QUALIFIER_PATTERN}"),
                );
            }
            violations.check()?;
        }
        if let Some(there) = parts.region.filter(|there| *there != region) {
            return Err(not_found(format!(
                "Functions from '{there}' are not reachable in this region ('{region}')"
            )));
        }
        if parts.account.is_some_and(|account| account != ACCOUNT) {
            return Err(Fault::new(
                http::StatusCode::FORBIDDEN,
                "AccessDeniedException",
                format!("User is not authorized to perform this operation on resource: {function}"),
            ));
        }
        if let (Some(one), Some(other)) = (parts.qualifier, qualifier)
            && one != other
        {
            return Err(invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        Ok(Self {
            region: region.to_owned(),
            name: parts.name.to_owned(),
            qualifier: parts.qualifier.or(qualifier).map(str::to_owned),
        })
    }

    /// Reads a whole ARN, as other services have it.
    pub(super) fn of_arn(arn: &str) -> Option<Self> {
        let parts = Parts::parse(arn)?;
        Some(Self {
            region: parts.region?.to_owned(),
            name: parts.name.to_owned(),
            qualifier: parts.qualifier.map(str::to_owned),
        })
    }

    /// The function's ARN, with the qualifier when there is one.
    pub(super) fn arn(&self) -> String {
        match &self.qualifier {
            None => arn(&self.region, &self.name),
            Some(qualifier) => format!("{}:{qualifier}", arn(&self.region, &self.name)),
        }
    }

    /// The key of the function's row.
    pub(super) fn key(&self) -> String {
        key(&self.region, &self.name)
    }
}

/// The key of a function's row.
pub(super) fn key(region: &str, name: &str) -> String {
    format!("{region}/{name}")
}

/// The ARN of a function, without a qualifier.
pub(super) fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}")
}

/// The parts of a function's name as calls have it.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
    qualifier: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// The inverse of [`PATTERN`]. What could be an account or a region is one when more follows.
    fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let mut rest = parts.as_slice();
        if let ["arn", partition, "lambda", more @ ..] = rest {
            if !partition.starts_with("aws") {
                return None;
            }
            rest = more;
        }
        let region = match rest {
            [first, more @ ..] if !more.is_empty() && is_region(first) => {
                rest = more;
                Some(*first)
            }
            _ => None,
        };
        let account = match rest {
            [first, more @ ..] if !more.is_empty() && is_account(first) => {
                rest = more;
                Some(*first)
            }
            _ => None,
        };
        if let ["function", more @ ..] = rest
            && !more.is_empty()
        {
            rest = more;
        }
        let (name, qualifier) = match rest {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => return None,
        };
        let fits = |text: &str| !text.is_empty() && text.chars().all(is_word);
        let qualifier_fits = qualifier.is_none_or(|q| q == LATEST || fits(q));
        (fits(name) && qualifier_fits).then_some(Self {
            region,
            account,
            name,
            qualifier,
        })
    }
}

/// Whether a character is of `[a-zA-Z0-9-_]`.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// Whether a text is a version's number.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Whether a text can be an alias's name: `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`.
pub(super) fn is_alias(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_word) && !is_number(text)
}

fn is_qualifier(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| is_word(c) || c == '$')
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && is_number(text)
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().is_some_and(|area| {
        (area.len() == 2 || area == "eusc") && area.chars().all(|c| c.is_ascii_lowercase())
    });
    let mut parts: Vec<&str> = parts.collect();
    let number = parts.pop();
    area && (1..=2).contains(&parts.len())
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
        && number.is_some_and(|number| number.len() == 1 && is_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns() {
        let check = |text, region, account, name, qualifier| {
            let parts = Parts {
                region,
                account,
                name,
                qualifier,
            };
            assert_eq!(Parts::parse(text), Some(parts), "{text}");
        };
        let r = Some("us-east-1");
        let a = Some("000000000000");
        check("f", None, None, "f", None);
        check("f:live", None, None, "f", Some("live"));
        check("f:$LATEST", None, None, "f", Some("$LATEST"));
        check("000000000000:function:f", None, a, "f", None);
        check("000000000000:f:1", None, a, "f", Some("1"));
        check("function:f", None, None, "f", None);
        check("function", None, None, "function", None);
        check("123456789012", None, None, "123456789012", None);
        check(
            "arn:aws:lambda:us-east-1:000000000000:function:f",
            r,
            a,
            "f",
            None,
        );
        check(
            "arn:aws:lambda:us-east-1:000000000000:function:f:live",
            r,
            a,
            "f",
            Some("live"),
        );
        check(
            "arn:aws-us-gov:lambda:us-gov-west-1:000000000000:function:f",
            Some("us-gov-west-1"),
            a,
            "f",
            None,
        );
        for text in [
            "",
            "a b",
            "f:",
            "f:a:b",
            "arn:x:lambda:f",
            "f:$OTHER",
            "a/b",
            "a.b",
        ] {
            assert_eq!(Parts::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_qualifier_is_given_once_or_twice_the_same() {
        let read = |name, qualifier| Target::read(name, qualifier, "us-east-1");
        let live = Some("live".to_owned());
        assert_eq!(read("f:live", None).unwrap().qualifier, live);
        assert_eq!(read("f:live", Some("live")).unwrap().qualifier, live);
        assert_eq!(
            read("f:live", Some("1")).unwrap_err().code,
            "InvalidParameterValueException"
        );
        assert_eq!(
            read("f", Some("a b")).unwrap_err().code,
            "ValidationException"
        );
        let other = "arn:aws:lambda:eu-west-1:000000000000:function:f";
        assert_eq!(
            read(other, None).unwrap_err().code,
            "ResourceNotFoundException"
        );
        let other = "arn:aws:lambda:us-east-1:123456789012:function:f";
        assert_eq!(read(other, None).unwrap_err().code, "AccessDeniedException");
    }
}
