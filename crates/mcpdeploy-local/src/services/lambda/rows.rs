//! The rows of functions and versions, and how they are found and changed.

use std::collections::BTreeSet;

use super::faults::no_function;
use super::model::{Configuration, Function};
use super::names::{LATEST, Target};
use super::view::{self, Told};
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::Fault;

/// All functions of all regions.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) functions: Collection<Function>,
    pub(super) versions: Collection<Configuration>,
}

impl Rows {
    pub(super) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            functions: storage.collection("lambda.functions")?,
            versions: storage.collection("lambda.versions")?,
        })
    }

    /// The digests of the packages that functions and versions have.
    pub(super) fn packages(&self) -> BTreeSet<&str> {
        let latest = self.functions.iter().flat_map(|(_, function)| {
            let previous = function.previous.as_deref();
            previous.into_iter().chain([&function.latest])
        });
        let versions = self.versions.iter().map(|(_, version)| version);
        latest
            .chain(versions)
            .map(|configuration| configuration.package.digest.as_str())
            .collect()
    }

    /// The function of a target.
    ///
    /// # Errors
    /// `ResourceNotFoundException` with the target's ARN.
    pub(super) fn function(&self, target: &Target) -> Result<&Function, Fault> {
        let found = self.functions.get(&target.key());
        found.ok_or_else(|| no_function(&target.arn()))
    }

    /// Changes a function; nothing changes when `change` fails or it cannot be kept.
    ///
    /// # Errors
    /// When there is none, and those of `change` and of the storage.
    pub(super) fn change<R>(
        &mut self,
        target: &Target,
        change: impl FnOnce(&mut Function) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let mut function = self.function(target)?.clone();
        let result = change(&mut function)?;
        self.functions.put(&target.key(), function)?;
        Ok(result)
    }

    /// A published version.
    pub(super) fn version(&self, function: &Function, number: u64) -> Option<&Configuration> {
        function.versions.get(&number)?;
        self.versions.get(&function.version_key(number))
    }

    /// The configuration that a target names, and how it is told: an alias shows its version's.
    ///
    /// # Errors
    /// `ResourceNotFoundException` when there is no such function, version or alias.
    pub(super) fn shown<'a>(
        &'a self,
        function: &'a Function,
        target: &'a Target,
    ) -> Result<(&'a Configuration, Told<'a>), Fault> {
        let qualifier = target.qualifier.as_deref();
        let named = qualifier.unwrap_or(LATEST);
        let version = match function.aliases.get(named) {
            Some(alias) => alias.version.as_str(),
            None => named,
        };
        if version == LATEST {
            let told = Told {
                qualifier,
                ..view::latest(function, false)
            };
            return Ok((&function.latest, told));
        }
        let found = version.parse().ok().and_then(|number| {
            let revision = function.versions.get(&number)?;
            Some((self.version(function, number)?, revision))
        });
        let (configuration, revision) = found.ok_or_else(|| no_function(&target.arn()))?;
        let told = Told {
            version,
            qualifier,
            revision,
        };
        Ok((configuration, told))
    }
}

/// A page of a list, and the marker of the next one when there is one.
///
/// Markers are positions: what is deleted between two pages can hide an item, as on AWS.
///
/// # Errors
/// `InvalidParameterValueException` for a marker that is none.
pub(super) fn page<T>(
    items: Vec<T>,
    marker: Option<&str>,
    most: Option<&str>,
    largest: usize,
) -> Result<(Vec<T>, Option<String>), Fault> {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

    let bad = || super::faults::invalid("Invalid Marker");
    let from: usize = match marker.filter(|marker| !marker.is_empty()) {
        None => 0,
        Some(marker) => {
            let bytes = BASE64.decode(marker).map_err(|_| bad())?;
            let text = String::from_utf8(bytes).map_err(|_| bad())?;
            text.parse().map_err(|_| bad())?
        }
    };
    let most = match most.map(str::parse::<usize>) {
        None => largest,
        Some(Ok(most)) if (1..=10_000).contains(&most) => most.min(largest),
        Some(_) => {
            return Err(super::faults::Violations::one(
                most.unwrap_or_default(),
                "maxItems",
                "Member must have value between 1 and 10000",
            ));
        }
    };
    let total = items.len();
    let page: Vec<T> = items.into_iter().skip(from).take(most).collect();
    let next = from + page.len();
    let marker = (next < total && !page.is_empty()).then(|| BASE64.encode(next.to_string()));
    Ok((page, marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let all: Vec<u32> = (0..5).collect();
        let (first, marker) = page(all.clone(), None, Some("2"), 50).unwrap();
        assert_eq!(first, [0, 1]);
        let (second, marker) = page(all.clone(), marker.as_deref(), Some("2"), 50).unwrap();
        assert_eq!(second, [2, 3]);
        let (third, marker) = page(all.clone(), marker.as_deref(), Some("2"), 50).unwrap();
        assert_eq!((third, marker), (vec![4], None));
        assert!(page(all.clone(), Some("???"), None, 50).is_err());
        assert!(page(all, None, Some("0"), 50).is_err());
    }
}
