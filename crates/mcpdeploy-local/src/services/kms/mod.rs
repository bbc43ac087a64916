//! KMS: symmetric keys that really encrypt.
//!
//! Keys, like secrets, are written down for their owner alone. There are no grants, no asymmetric
//! keys and none for message authentication; policies are kept, and everybody is allowed.

mod alias;
mod crypt;
mod key;
mod list;
mod manage;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use time::OffsetDateTime;

use self::key::Key;
use crate::cloud::Cloud;
use crate::storage::{Collection, ReadError, Storage};
use crate::wire::{Call, Fault, Reply};

/// The service.
#[derive(Debug)]
pub(crate) struct Kms(Mutex<State>);

/// What it keeps.
#[derive(Debug)]
struct State {
    /// By `region/id`.
    keys: Collection<Key>,
    /// Aliases by `region/alias/name`.
    aliases: Collection<alias::Alias>,
}

/// Where and when a call is answered.
#[derive(Debug, Clone)]
struct At {
    region: String,
    now: OffsetDateTime,
}

/// The input of operations that name a key and nothing else.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyId {
    key_id: String,
}

impl Kms {
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self(Mutex::new(State {
            keys: storage.collection("kms.keys")?,
            aliases: storage.collection("kms.aliases")?,
        })))
    }

    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        let at = At {
            region: call.region.clone(),
            now: cloud.now(),
        };
        let mut state = self.state();
        state.forget(&at)?;
        match call.operation.as_str() {
            "CreateKey" => state.create(&at, call.typed()?),
            "DescribeKey" => state.describe(&at, &call.typed()?),
            "ListKeys" => state.list_keys(&at, &call.typed()?),
            "EnableKey" => state.enable(&at, &call.typed()?, true),
            "DisableKey" => state.enable(&at, &call.typed()?, false),
            "ScheduleKeyDeletion" => state.schedule_deletion(&at, &call.typed()?),
            "CancelKeyDeletion" => state.cancel_deletion(&at, &call.typed()?),
            "UpdateKeyDescription" => state.update_description(&at, call.typed()?),
            "GetKeyPolicy" => state.get_policy(&at, &call.typed()?),
            "PutKeyPolicy" => state.put_policy(&at, call.typed()?),
            "ListKeyPolicies" => state.list_policies(&at, &call.typed()?),
            "GetKeyRotationStatus" => state.rotation_status(&at, &call.typed()?),
            "EnableKeyRotation" => state.enable_rotation(&at, &call.typed()?),
            "DisableKeyRotation" => state.disable_rotation(&at, &call.typed()?),
            "TagResource" => state.tag(&at, call.typed()?),
            "UntagResource" => state.untag(&at, &call.typed()?),
            "ListResourceTags" => state.list_tags(&at, &call.typed()?),
            "CreateAlias" => state.create_alias(&at, call.typed()?),
            "UpdateAlias" => state.update_alias(&at, &call.typed()?),
            "DeleteAlias" => state.delete_alias(&at, &call.typed()?),
            "ListAliases" => state.list_aliases(&at, &call.typed()?),
            "Encrypt" => state.encrypt(&at, &call.typed()?),
            "Decrypt" => state.decrypt(&at, &call.typed()?),
            "ReEncrypt" => state.re_encrypt(&at, &call.typed()?),
            "GenerateDataKey" => state.data_key(&at, &call.typed()?, true),
            "GenerateDataKeyWithoutPlaintext" => state.data_key(&at, &call.typed()?, false),
            "GenerateRandom" => crypt::generate_random(&call.typed()?),
            other => Err(Fault::absent(format!("kms.{other}"))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn validation(message: impl Into<String>) -> Fault {
    Fault::bad("ValidationException", message)
}

fn nothing() -> Reply {
    Reply::output(json!({}))
}
