//! Names of things: a resource's address (`<kind>.<name>`) and the id the cloud gave it.
//!
//! Each is a type of its own, so that mixing two does not compile.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest resource name, in bytes.
const MAX_NAME: usize = 128;

/// The name of a resource kind, e.g. `aws.lambda.function`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct KindName(Arc<str>);

impl KindName {
    /// Parses a dotted lowercase identifier.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn new(text: &str) -> Result<Self, AddressError> {
        let part_ok = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if text.contains('.') && text.split('.').all(part_ok) {
            Ok(Self(text.into()))
        } else {
            Err(AddressError::Kind(text.to_owned()))
        }
    }

    /// The service that it belongs to: all of the name but its last part.
    #[must_use]
    pub fn service(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(service, _)| service)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A resource: its kind and the name it has in this deployment.
///
/// Written `<kind>.<name>`, e.g. `aws.lambda.function.calculator`; names have no dots, so the last
/// dot parts the two.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Address {
    text: Arc<str>,
    kind: KindName,
}

impl Address {
    /// Puts an address together.
    ///
    /// # Errors
    /// When the kind or the name is not of the form that addresses take.
    pub fn new(kind: &str, name: &str) -> Result<Self, AddressError> {
        let kind = KindName::new(kind)?;
        let name_ok = !name.is_empty()
            && name.len() <= MAX_NAME
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !name_ok {
            return Err(AddressError::Name(name.to_owned()));
        }
        Ok(Self {
            text: format!("{}.{name}", kind.as_str()).into(),
            kind,
        })
    }

    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &KindName {
        &self.kind
    }

    /// The resource's name within the deployment.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[self.kind.as_str().len() + 1..]
    }

    /// The whole address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.rsplit_once('.') {
            Some((kind, name)) => Self::new(kind, name),
            None => Err(AddressError::Shape(text.to_owned())),
        }
    }
}

/// The id by which the cloud knows a resource: a name, an ARN or whatever its API takes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PhysicalId(String);

impl PhysicalId {
    /// Takes an id as the cloud gave it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No dot that could part kind and name.
    #[error(
        "`{0}` is not an address: it takes the form <kind>.<name>, e.g. aws.lambda.function.calculator"
    )]
    Shape(String),
    /// The kind's name is malformed.
    #[error("`{0}` is not a kind: kinds are dotted lowercase words, e.g. aws.lambda.function")]
    Kind(String),
    /// The resource's name is malformed.
    #[error(
        "`{0}` is not a resource name: letters, digits, `-` and `_`, at most {MAX_NAME} of them, the first a letter or digit"
    )]
    Name(String),
}

macro_rules! as_text {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
as_text!(KindName);
as_text!(Address);
as_text!(PhysicalId);

impl From<KindName> for String {
    fn from(kind: KindName) -> Self {
        kind.as_str().to_owned()
    }
}

impl TryFrom<String> for KindName {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::new(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.as_str().to_owned()
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_parts_at_its_last_dot() {
        let address: Address = "aws.lambda.function.my-fn_2".parse().unwrap();
        assert_eq!(address.kind().as_str(), "aws.lambda.function");
        assert_eq!(address.name(), "my-fn_2");
        assert_eq!(address.to_string(), "aws.lambda.function.my-fn_2");
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in [
            "",
            "x",
            "aws.x",
            ".a.b",
            "aws..b.c",
            "aws.a.",
            "aws.a.b c",
            "Aws.a.b",
            "aws.a.-x",
            "a.b.ü",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?} was taken");
        }
    }
}
