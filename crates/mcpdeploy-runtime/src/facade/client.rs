//! Who a client id stands for: one named in the settings, one that registered itself, or one whose
//! id is the URL of its description.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::cimd;
use super::route::Facade;
use super::seal::{Travels, Unopened};
use super::settings::KnownClient;
use super::uri;

/// What a registered client's id is, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) name: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    /// The digest of its secret, if it has one.
    pub(super) secret: Option<String>,
}

impl Travels for Record {
    const PURPOSE: &'static str = "client";
}

/// How a client became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// By the settings: somebody vouched for it.
    Known,
    /// By itself: its name is what it says.
    Registered,
    /// By a document on a host of its own.
    Document,
}

/// A client, as far as a request for authorization needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) origin: Origin,
}

impl Client {
    pub(super) fn may_return_to(&self, asked: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|registered| uri::matches(registered, asked))
    }
}

/// Why nobody stands behind a client id.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoClient {
    #[error("no such client; it may have to register anew")]
    Unknown,
    #[error("the client's registration has expired; it has to register anew")]
    Expired,
    #[error(transparent)]
    Document(#[from] cimd::NoDocument),
}

/// A client as it authenticates itself: by its secret's digest, or not at all.
pub(super) enum Proof {
    Public,
    Secret(String),
}

impl Facade {
    /// Whom `id` stands for.
    pub(super) async fn client(&self, id: &str) -> Result<Client, NoClient> {
        if let Some(known) = self.known(id) {
            return Ok(Client {
                id: id.to_owned(),
                name: Some(known.name.clone()),
                redirect_uris: known.redirect_uris.clone(),
                origin: Origin::Known,
            });
        }
        if id.starts_with("https://") {
            return Ok(self.documented(id).await?);
        }
        let record = self.registered(id)?;
        Ok(Client {
            id: id.to_owned(),
            name: record.name,
            redirect_uris: record.redirect_uris,
            origin: Origin::Registered,
        })
    }

    /// How the client proves to be `id`. No document is fetched: a client that has one has no
    /// secret, and is held by what it was given before.
    pub(super) fn proof(&self, id: &str) -> Result<Proof, NoClient> {
        if self.known(id).is_some() {
            return Ok(self.held().clients.get(id).map_or(Proof::Public, |secret| {
                Proof::Secret(digest(&[secret.expose_secret()]))
            }));
        }
        if id.starts_with("https://") {
            self.let_in(id)?;
            return Ok(Proof::Public);
        }
        let record = self.registered(id)?;
        Ok(record.secret.map_or(Proof::Public, Proof::Secret))
    }

    fn known(&self, id: &str) -> Option<&KnownClient> {
        self.settings
            .clients
            .iter()
            .find(|client| client.client_id == id)
    }

    fn registered(&self, id: &str) -> Result<Record, NoClient> {
        // Registration that was turned off ends what it let in.
        if !self.settings.dcr.enabled {
            return Err(NoClient::Unknown);
        }
        self.held()
            .sealer
            .open(id, self.clock.now())
            .map_err(|unopened| match unopened {
                Unopened::Foreign => NoClient::Unknown,
                Unopened::Expired => NoClient::Expired,
            })
    }
}

/// The digest of these texts, none of which runs into the next.
pub(super) fn digest(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}
