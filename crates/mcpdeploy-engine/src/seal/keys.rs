//! A set of keys, as it is configured: one to seal with, others that only open.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::cipher::DataKey;
use super::wrapped::{self, KeyId, WrappedKey};
use super::{
    Identity, KeyService, KeyringError, Passphrase, Recipient, Refusal, SealError, ServiceError,
    Why,
};

/// Keys. What is sealed with them can be opened with each of them alone.
#[derive(Clone, Default)]
pub struct Keys {
    passphrases: Vec<Passphrase>,
    recipients: Vec<Recipient>,
    identities: Vec<Identity>,
    services: Vec<Arc<dyn KeyService>>,
}

/// What one key made of an entry.
enum Tried {
    Opened(DataKey),
    Refused(Why, Option<ServiceError>),
}

impl Keys {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a passphrase: it seals and opens.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrases.push(passphrase);
        self
    }

    /// Adds a recipient of age: it only seals.
    #[must_use]
    pub fn with_recipient(mut self, recipient: Recipient) -> Self {
        if !self.recipients.contains(&recipient) {
            self.recipients.push(recipient);
        }
        self
    }

    /// Adds an identity of age: it only opens.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Adds a key of a service: it seals and opens.
    #[must_use]
    pub fn with_service(mut self, service: Arc<dyn KeyService>) -> Self {
        self.services.push(service);
        self
    }

    pub(super) fn add(&mut self, others: Self) {
        self.passphrases.extend(others.passphrases);
        self.recipients.extend(others.recipients);
        self.identities.extend(others.identities);
        self.services.extend(others.services);
    }

    /// Whether there is anything to open with.
    pub(super) fn open(&self) -> bool {
        !self.passphrases.is_empty() || !self.identities.is_empty() || !self.services.is_empty()
    }

    /// Whether these can be what everything is sealed with: whoever seals is to read it again.
    pub(super) fn check_seals(&self) -> Result<(), KeyringError> {
        if !self.passphrases.is_empty() || !self.services.is_empty() {
            return Ok(());
        }
        if self.recipients.is_empty() {
            return Err(KeyringError::NothingSeals);
        }
        let reads = |identity: &Identity| self.recipients.contains(identity.recipient());
        if self.identities.iter().any(reads) {
            return Ok(());
        }
        let recipients = self.recipients.iter().map(ToString::to_string);
        Err(KeyringError::NothingOpens(
            recipients
                .map(|recipient| KeyId::Age { recipient })
                .collect(),
        ))
    }

    /// Wraps a data key in each way.
    pub(super) fn wrap(&self, key: &DataKey) -> Result<Vec<WrappedKey>, SealError> {
        let mut entries = Vec::new();
        for recipient in &self.recipients {
            entries.push(WrappedKey::Age {
                recipient: recipient.to_string(),
                wrapped: wrapped::encode(&recipient.wrap(key)),
            });
        }
        for passphrase in &self.passphrases {
            entries.push(WrappedKey::of_passphrase(&passphrase.wrap(key)));
        }
        for service in &self.services {
            let made = service.wrap(key).map_err(|source| SealError::Wrap {
                key: KeyId::Service {
                    service: service.name().to_owned(),
                    key: service.key().to_owned(),
                },
                source,
            })?;
            entries.push(WrappedKey::Service {
                service: service.name().to_owned(),
                key: service.key().to_owned(),
                wrapped: wrapped::encode(&made),
            });
        }
        Ok(entries)
    }

    /// The data key of a document. What is quick comes first: identities, then passphrases, then
    /// services. Otherwise it says of each entry why it is of no use.
    pub(super) fn unwrap(
        &self,
        entries: &[WrappedKey],
    ) -> Result<DataKey, (Vec<Refusal>, Option<ServiceError>)> {
        let mut order: Vec<&WrappedKey> = entries.iter().collect();
        order.sort_by_key(|entry| match entry {
            WrappedKey::Age { .. } => 0,
            WrappedKey::Passphrase { .. } => 1,
            WrappedKey::Service { .. } => 2,
        });
        let (mut refusals, mut source) = (Vec::new(), None);
        for entry in order {
            match self.try_entry(entry) {
                Tried::Opened(key) => return Ok(key),
                Tried::Refused(why, error) => {
                    let key = entry.id();
                    refusals.push(Refusal { key, why });
                    source = source.or(error);
                }
            }
        }
        Err((refusals, source))
    }

    fn try_entry(&self, entry: &WrappedKey) -> Tried {
        let refused = |why| Tried::Refused(why, None);
        let (is_given, opened) = match entry {
            WrappedKey::Passphrase {
                work,
                salt,
                nonce,
                wrapped,
            } => {
                let Some(by) = wrapped::by_passphrase(*work, salt, nonce, wrapped) else {
                    return refused(Why::Unreadable);
                };
                let opened = self.passphrases.iter().find_map(|p| p.unwrap(&by));
                if opened.is_none() && !self.passphrases.is_empty() {
                    return refused(Why::Wrong);
                }
                (!self.passphrases.is_empty(), opened)
            }
            WrappedKey::Age { recipient, wrapped } => {
                let named = |identity: &&Identity| identity.recipient().to_string() == *recipient;
                let identity = self.identities.iter().find(named);
                let file = wrapped::decode(wrapped);
                let opened = identity.zip(file).and_then(|(id, file)| id.unwrap(&file));
                (identity.is_some(), opened)
            }
            WrappedKey::Service {
                service,
                key,
                wrapped,
            } => return self.try_services(service, key, wrapped),
        };
        match opened {
            Some(key) => Tried::Opened(key),
            None if is_given => refused(Why::Unreadable),
            None => refused(Why::NotGiven),
        }
    }

    /// Every key of that service, the one of that name first: a key can have several names.
    fn try_services(&self, name: &str, key: &str, wrapped: &str) -> Tried {
        let ours = self.services.iter().filter(|s| s.name() == name);
        let (named, others): (Vec<_>, Vec<_>) = ours.partition(|s| s.key() == key);
        let Some(wrapped) = wrapped::decode(wrapped) else {
            return Tried::Refused(Why::Unreadable, None);
        };
        let mut first = None;
        for service in named.into_iter().chain(others) {
            match service.unwrap(key, &wrapped) {
                Ok(key) => return Tried::Opened(key),
                Err(error) => first = first.or(Some(error)),
            }
        }
        let why = first.as_ref().map_or(Why::NotGiven, |_| Why::Failed);
        Tried::Refused(why, first)
    }

    /// Whether entries are such as these keys make: each of these keys opens them, and no other.
    /// Which passphrase wrapped one is only known by trying.
    pub(super) fn made(&self, entries: &[WrappedKey]) -> bool {
        let mut named = BTreeSet::new();
        let mut by_passphrase = Vec::new();
        for entry in entries {
            match entry {
                WrappedKey::Passphrase {
                    work,
                    salt,
                    nonce,
                    wrapped,
                } => by_passphrase.push(wrapped::by_passphrase(*work, salt, nonce, wrapped)),
                WrappedKey::Age { .. } | WrappedKey::Service { .. } => {
                    named.insert(entry.id());
                }
            }
        }
        let recipients = self.recipients.iter().map(|recipient| KeyId::Age {
            recipient: recipient.to_string(),
        });
        let services = self.services.iter().map(|service| KeyId::Service {
            service: service.name().to_owned(),
            key: service.key().to_owned(),
        });
        let opens = |passphrase: &Passphrase| {
            let mut entries = by_passphrase.iter().flatten();
            entries.any(|by| by.work == passphrase.work() && passphrase.unwrap(by).is_some())
        };
        named == recipients.chain(services).collect()
            && by_passphrase.len() == self.passphrases.len()
            && self.passphrases.iter().all(opens)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<String> = self
            .services
            .iter()
            .map(|service| format!("{} {}", service.name(), service.key()))
            .collect();
        f.debug_struct("Keys")
            .field("passphrases", &self.passphrases)
            .field("recipients", &self.recipients)
            .field("identities", &self.identities)
            .field("services", &services)
            .finish()
    }
}
