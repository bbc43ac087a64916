//! Who a client id stands for: one named in the settings, one that registered itself, or one whose
//! id is the URL of its description.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::assertion::Published;
use super::cimd;
use super::route::Facade;
use super::seal::{Travels, Unopened};
use super::settings::KnownClient;
use super::uri::{self, Redirect};

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
    /// The keys by which it proves who it is.
    pub(super) keys: Option<Published>,
    /// Whether it is taken only when it does.
    pub(super) asserts: bool,
}

impl Client {
    /// What the operator is told of it.
    pub(super) fn shown(&self) -> Option<String> {
        match self.origin {
            Origin::Known | Origin::Registered => self.name.clone(),
            Origin::Document => Redirect::parse(&self.id).ok().map(|url| url.shown()),
        }
    }

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

/// Whom a client id stands for at the endpoints where clients prove who they are.
pub(super) struct Standing {
    /// What the operator is told of it.
    pub(super) shown: Option<String>,
    /// The digest of its secret, if it has one.
    pub(super) secret: Option<String>,
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
                keys: None,
                asserts: false,
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
            keys: None,
            asserts: false,
        })
    }

    /// What a client has to prove to be `id` without a key. No document is fetched: whether a client
    /// that has one must sign is in what it was given.
    pub(super) fn standing(&self, id: &str) -> Result<Standing, NoClient> {
        if let Some(known) = self.known(id) {
            let held = self.held();
            let secret = held.clients.get(id);
            return Ok(Standing {
                shown: Some(known.name.clone()),
                secret: secret.map(|secret| digest(&[secret.expose_secret()])),
            });
        }
        if id.starts_with("https://") {
            return Ok(Standing {
                shown: Some(self.let_in(id)?),
                secret: None,
            });
        }
        let record = self.registered(id)?;
        Ok(Standing {
            shown: record.name,
            secret: record.secret,
        })
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
