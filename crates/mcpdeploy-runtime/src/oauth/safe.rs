//! Where the facade's secrets are kept: Secrets Manager, read at the start and again now and then, so
//! that a rotation reaches functions that run.

use std::collections::HashMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::aws::{Aws, AwsError, Stage};
use crate::facade::{Key, Keys, NoKey, Secrets, Settings};

/// Why a secret is not there.
#[derive(Debug, thiserror::Error)]
pub enum SafeError {
    /// It cannot be read.
    #[error("failed to read the secret {id}")]
    Read {
        /// Its ARN.
        id: String,
        /// Why not.
        source: AwsError,
    },
    /// It was read and is no key.
    #[error("failed to take the secret {id} for a key")]
    Key {
        /// Its ARN.
        id: String,
        /// What is wrong with it.
        source: NoKey,
    },
}

/// Reads the secrets that the settings name.
pub(super) struct Safe {
    aws: Aws,
    /// The ARN of the key.
    key: String,
    upstream: Option<String>,
    /// Clients' ids and the ARNs of their secrets.
    clients: Vec<(String, String)>,
}

impl Safe {
    pub(super) fn new(aws: Aws, key: &str, settings: &Settings) -> Self {
        let clients = settings.clients.iter().filter_map(|client| {
            let arn = client.client_secret.clone()?;
            Some((client.client_id.clone(), arn))
        });
        Self {
            aws,
            key: key.to_owned(),
            upstream: settings.upstream.client_secret.clone(),
            clients: clients.collect(),
        }
    }

    /// All of them, as they are now.
    pub(super) async fn open(&self) -> Result<Secrets, SafeError> {
        let upstream = async {
            match &self.upstream {
                Some(id) => self.read(id, Stage::Current).await.map(Some),
                None => Ok(None),
            }
        };
        // At once: each has a handshake of its own, and the function starts meanwhile.
        let (current, previous, upstream) =
            tokio::try_join!(self.key(Stage::Current), self.previous_key(), upstream)?;
        let mut clients = HashMap::new();
        for (client, id) in &self.clients {
            let secret = self.read(id, Stage::Current).await?;
            clients.insert(client.clone(), secret);
        }
        Ok(Secrets {
            keys: Keys { current, previous },
            upstream,
            clients,
        })
    }

    async fn key(&self, stage: Stage) -> Result<Key, SafeError> {
        let text = self.read(&self.key, stage).await?;
        text.expose_secret()
            .parse()
            .map_err(|source| SafeError::Key {
                id: self.key.clone(),
                source,
            })
    }

    /// There is none before the first rotation.
    async fn previous_key(&self) -> Result<Option<Key>, SafeError> {
        match self.key(Stage::Previous).await {
            Ok(key) => Ok(Some(key)),
            Err(SafeError::Read { source, .. }) if source.is("ResourceNotFoundException") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn read(&self, id: &str, stage: Stage) -> Result<SecretString, SafeError> {
        let read = self.aws.secret(id, stage).await;
        read.map_err(|source| SafeError::Read {
            id: id.to_owned(),
            source,
        })
    }
}
