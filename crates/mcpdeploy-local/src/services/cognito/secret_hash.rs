//! `SECRET_HASH`: how a client with a secret shows that it has it, in calls that nobody signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key};

use super::faults;
use super::model::Client;
use crate::wire::Fault;

/// Whether a call of this client has the hash that it should have: HMAC-SHA256 of username and client
/// id, by the secret. Source: "Computing secret hash values".
pub(super) fn check(client: &Client, username: &str, hash: Option<&str>) -> Result<(), Fault> {
    let id = &client.id;
    match (&client.secret, hash) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(faults::not_authorized(format!(
            "Client {id} is not configured for secret but secret hash was received"
        ))),
        (Some(_), None) => Err(faults::not_authorized(format!(
            "Client {id} is configured with secret but SECRET_HASH was not received"
        ))),
        (Some(secret), Some(hash)) => {
            let key = Key::new(HMAC_SHA256, secret.0.as_bytes());
            let message = format!("{username}{id}");
            let hash = STANDARD.decode(hash).unwrap_or_default();
            ring::hmac::verify(&key, message.as_bytes(), &hash).map_err(|_| {
                faults::not_authorized(format!("SecretHash does not match for the client: {id}"))
            })
        }
    }
}
