//! Listing secrets.

use serde::Deserialize;
use serde_json::{Value, json};

use super::record::Secret;
use super::{At, State, invalid_parameter};
use crate::services::page::{NoPage, Page};
use crate::wire::{Fault, Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSecrets {
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_order: Option<String>,
    #[serde(default)]
    include_planned_deletion: bool,
}

/// What secrets to list. All filters must fit, of each one value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    key: FilterKey,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FilterKey {
    Description,
    Name,
    TagKey,
    TagValue,
    PrimaryRegion,
    OwningService,
    All,
}

impl Filter {
    fn fits(&self, secret: &Secret) -> bool {
        self.values
            .iter()
            .any(|value| match value.strip_prefix('!') {
                Some(value) => !self.has(secret, value),
                None => self.has(secret, value),
            })
    }

    /// Every key looks for a beginning; only `description` and `all` do not care for case.
    fn has(&self, secret: &Secret, value: &str) -> bool {
        let starts = |text: &str| text.starts_with(value);
        let description = secret.description.as_deref().unwrap_or_default();
        match self.key {
            FilterKey::Name => starts(&secret.name),
            FilterKey::Description => begins(description, value),
            FilterKey::TagKey => secret.tags.iter().any(|tag| starts(&tag.key)),
            FilterKey::TagValue => secret.tags.iter().any(|tag| starts(&tag.value)),
            // There are neither replicas nor secrets of other services.
            FilterKey::PrimaryRegion | FilterKey::OwningService => false,
            FilterKey::All => {
                let tags = secret.tags.iter().flat_map(|tag| [&tag.key, &tag.value]);
                let texts: Vec<&str> = [secret.name.as_str(), description]
                    .into_iter()
                    .chain(tags.map(String::as_str))
                    .collect();
                value.split_whitespace().all(|word| {
                    let parts = |c: char| !c.is_alphanumeric();
                    let mut words = texts.iter().flat_map(|text| text.split(parts));
                    words.any(|there| begins(there, word))
                        || texts.iter().any(|text| begins(text, word))
                })
            }
        }
    }
}

fn begins(text: &str, start: &str) -> bool {
    text.to_lowercase().starts_with(&start.to_lowercase())
}

/// A page of at most `limit` rows, or this service's words about why there is none.
pub(super) fn page(most: Option<usize>, limit: usize, token: Option<&str>) -> Result<Page, Fault> {
    Page::new(most, limit, token).map_err(|none| match none {
        NoPage::Size(_) => invalid_parameter(format!("MaxResults must be between 1 and {limit}.")),
        NoPage::Token => Fault::bad("InvalidNextTokenException", "Invalid NextToken."),
    })
}

impl State {
    /// A page of the secrets that fit, oldest first or, when `newest`, last.
    pub(super) fn page(
        &self,
        at: &At,
        filters: &[Filter],
        newest: bool,
        page: &Page,
        wanted: impl Fn(&Secret) -> bool,
    ) -> Result<(Vec<Secret>, Option<String>), Fault> {
        let prefix = format!("{}/", at.region);
        let mut found: Vec<&Secret> = self
            .secrets
            .under(&prefix)
            .map(|(_, secret)| secret)
            .filter(|secret| wanted(secret) && filters.iter().all(|filter| filter.fits(secret)))
            .collect();
        found.sort_by_key(|secret| secret.created);
        if newest {
            found.reverse();
        }
        let (found, next) = page.of(found);
        Ok((found.into_iter().cloned().collect(), next))
    }

    pub(super) fn list(&self, at: &At, input: &ListSecrets) -> Result<Reply, Fault> {
        let page = page(input.max_results, 100, input.next_token.as_deref())?;
        let wanted = |s: &Secret| input.include_planned_deletion || s.deleted.is_none();
        let newest = input.sort_order.as_deref() == Some("desc");
        let (found, next) = self.page(at, &input.filters, newest, &page, wanted)?;
        let list: Vec<Value> = found
            .iter()
            .map(|secret| {
                let mut out = secret.summary();
                if let Some(stages) = secret.stages() {
                    out.insert("SecretVersionsToStages".to_owned(), stages);
                }
                Value::Object(out)
            })
            .collect();
        Ok(Reply::output(
            json!({"SecretList": list, "NextToken": next}),
        ))
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::super::record::Tag;
    use super::*;

    #[test]
    fn filters() {
        let at = At {
            region: "eu-west-1".to_owned(),
            now: OffsetDateTime::UNIX_EPOCH,
        };
        let mut secret = Secret::new(&at, "prod/Db".to_owned()).unwrap();
        secret.description = Some("Password of the database".to_owned());
        secret.tags.push(Tag {
            key: "team".to_owned(),
            value: "Blue".to_owned(),
        });
        for (key, value, fits) in [
            ("name", "prod/", true),
            ("name", "Db", false),
            ("name", "PROD", false),
            ("name", "!dev", true),
            ("name", "!prod", false),
            ("description", "password", true),
            ("description", "database", false),
            ("tag-key", "te", true),
            ("tag-value", "blue", false),
            ("tag-value", "Blue", true),
            ("all", "db blue", true),
            ("all", "DATABASE", true),
            ("all", "db red", false),
            ("owning-service", "rds", false),
        ] {
            let filter = json!({"Key": key, "Values": [value]});
            let filter: Filter = serde_json::from_value(filter).unwrap();
            assert_eq!(filter.fits(&secret), fits, "{key} {value}");
        }
    }

    #[test]
    fn pages() {
        let first = page(Some(2), 100, None).unwrap();
        assert_eq!(first.of(vec![1, 2, 3]), (vec![1, 2], Some("2".to_owned())));
        let second = page(Some(2), 100, Some("2")).unwrap();
        assert_eq!(second.of(vec![1, 2, 3]), (vec![3], None));
        assert!(page(Some(0), 100, None).is_err());
        assert!(page(None, 100, Some("x")).is_err());
    }
}
