//! Where the environment's state is, and with what it is encrypted, as deploy.toml says.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use mcpdeploy_aws::clients::{ClientFactory, ConnectSettings};
use mcpdeploy_aws::store::{S3Place, StoreClients};
use mcpdeploy_config::{Encryption, Fallback, Loaded, StateStore};
use mcpdeploy_engine::kind::KindError;
use mcpdeploy_engine::seal::{
    IDENTITY_VARIABLE, Identity, Keyring, KeyringError, Keys, PASSPHRASE_VARIABLE, Passphrase,
    Recipient,
};
use mcpdeploy_engine::state::State;
use mcpdeploy_engine::store::Store;

use crate::cli::Global;
use crate::failure::{Failure, call_failed};
use crate::project::Project;

/// What the variables of keys that only open end in.
const OLD: &str = "_OLD";

/// What opens stores: clients are made when the first one is asked for.
pub(crate) struct Stores<'a> {
    project: &'a Project,
    global: &'a Global,
    loaded: Option<&'a Loaded>,
    clients: Option<StoreClients>,
}

impl<'a> Stores<'a> {
    pub(crate) fn new(
        project: &'a Project,
        global: &'a Global,
        loaded: Option<&'a Loaded>,
    ) -> Self {
        Self {
            project,
            global,
            loaded,
            clients: None,
        }
    }

    /// The store that deploy.toml names. What is deployed to the embedded cloud is another
    /// deployment, which nobody shares: its state is always beside it, and plain.
    pub(crate) async fn open(mut self) -> Result<Store, Failure> {
        let local = Store::local(self.project.state_folder());
        let Some(loaded) = self.loaded.filter(|_| !self.project.local) else {
            return Ok(local);
        };
        let state = &loaded.config.state;
        let store = match state.store {
            StateStore::Local => local,
            StateStore::S3 => {
                let place = S3Place {
                    bucket: state.bucket.clone().unwrap_or_default(),
                    prefix: state.prefix.clone().unwrap_or_default(),
                    environment: self.project.environment.clone(),
                    lock_table: state.lock_table.clone(),
                };
                self.shared(&place).await?
            }
        };
        match &state.encryption {
            None => Ok(store),
            Some(encryption) => {
                let keyring = self.keyring(encryption).await?;
                Ok(store.sealed_with(Arc::new(keyring)))
            }
        }
    }

    /// A store that is named on the command line: `local`, or `s3://BUCKET/PREFIX`. What is there is
    /// opened with the keys of deploy.toml, and taken when it is plain as well.
    pub(crate) async fn open_named(
        mut self,
        name: &str,
        lock_table: Option<&str>,
    ) -> Result<Store, Failure> {
        let store = if name == "local" {
            Store::local(self.project.state_folder())
        } else {
            let place = name
                .strip_prefix("s3://")
                .and_then(|rest| rest.split_once('/'));
            let place = place.map(|(bucket, prefix)| (bucket, prefix.trim_end_matches('/')));
            let Some((bucket, prefix)) = place.filter(|(b, p)| !b.is_empty() && !p.is_empty())
            else {
                return Err(Failure::usage(format!("`{name}` names no store"))
                    .hint("there are: local, s3://BUCKET/PREFIX"));
            };
            self.shared(&S3Place {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                environment: self.project.environment.clone(),
                lock_table: lock_table.map(ToOwned::to_owned),
            })
            .await?
        };
        let encryption = self
            .loaded
            .and_then(|loaded| loaded.config.state.encryption.as_ref());
        let Some(encryption) = encryption else {
            return Ok(store);
        };
        let keyring = self.keyring(encryption).await?.with_plain_fallback();
        Ok(store.sealed_with(Arc::new(keyring)))
    }

    async fn shared(&mut self, place: &S3Place) -> Result<Store, Failure> {
        let shared = self.clients().await?.shared(place);
        Ok(Store::new(Arc::new(shared)))
    }

    async fn clients(&mut self) -> Result<&StoreClients, Failure> {
        if self.clients.is_none() {
            let failed = |error: KindError| {
                call_failed("failed to prepare the AWS clients of the state", &error)
            };
            let settings = self.settings();
            let factory = ClientFactory::connect(&settings).await.map_err(failed)?;
            self.clients = Some(StoreClients::new(factory).map_err(failed)?);
        }
        self.clients
            .as_ref()
            .ok_or_else(|| Failure::failed("there are no AWS clients"))
    }

    fn settings(&self) -> ConnectSettings {
        let global = self.global;
        let config = self.loaded.map(|loaded| &loaded.config);
        let state = config.map(|config| &config.state);
        let aws = config.map(|config| &config.aws);
        let own = |of: fn(&mcpdeploy_config::State) -> &Option<String>| {
            state.and_then(|state| of(state).clone())
        };
        let common =
            |of: fn(&mcpdeploy_config::Aws) -> &Option<String>| aws.and_then(|aws| of(aws).clone());
        let profile = own(|state| &state.profile);
        // Who names a profile for the state does not mean the deployment's role with it.
        let role = own(|state| &state.role_arn).or_else(|| match profile {
            Some(_) => None,
            None => common(|aws| &aws.role_arn),
        });
        ConnectSettings {
            region: own(|state| &state.region)
                .or_else(|| global.region.clone())
                .or_else(|| common(|aws| &aws.region)),
            profile: profile
                .or_else(|| global.profile.clone())
                .or_else(|| common(|aws| &aws.profile)),
            role_arn: role,
            external_id: None,
            endpoint_url: own(|state| &state.endpoint_url)
                .or_else(|| global.endpoint_url.clone())
                .or_else(|| common(|aws| &aws.endpoint_url)),
            ca_bundle: None,
        }
    }

    async fn keyring(&mut self, encryption: &Encryption) -> Result<Keyring, Failure> {
        let mut keys = Keys::new();
        let mut seals = false;
        if encryption.passphrase {
            keys = keys.with_passphrase(passphrase("")?);
            seals = true;
        }
        for recipient in &encryption.recipients {
            keys = keys.with_recipient(recipient.parse::<Recipient>().map_err(|e| refused(&e))?);
            seals = true;
        }
        if !encryption.recipients.is_empty() {
            for identity in identities("")? {
                keys = keys.with_identity(identity);
            }
        }
        if let Some(key) = &encryption.kms_key {
            keys = keys.with_service(self.kms(key).await?);
            seals = true;
        }
        let keyring = if seals {
            Keyring::new(keys).map_err(|error| refused(&error))?
        } else {
            // Encryption is being given up.
            Keyring::plain()
        };
        self.with_fallback(keyring, &encryption.fallback).await
    }

    async fn with_fallback(
        &mut self,
        keyring: Keyring,
        fallback: &Fallback,
    ) -> Result<Keyring, Failure> {
        let mut keys = Keys::new();
        if fallback.passphrase {
            keys = keys.with_passphrase(passphrase(OLD)?);
        }
        if fallback.age {
            for identity in identities(OLD)? {
                keys = keys.with_identity(identity);
            }
        }
        if let Some(key) = &fallback.kms_key {
            keys = keys.with_service(self.kms(key).await?);
        }
        let keyring = keyring.with_fallback(keys);
        Ok(if fallback.plain {
            keyring.with_plain_fallback()
        } else {
            keyring
        })
    }

    async fn kms(
        &mut self,
        key: &str,
    ) -> Result<Arc<dyn mcpdeploy_engine::seal::KeyService>, Failure> {
        let clients = self.clients().await?;
        clients
            .kms(key)
            .map_err(|error| call_failed("failed to prepare the key service", &error))
    }
}

/// The store of a project whose file need not be there: without it, the state is in the folder.
pub(crate) async fn of_project(project: &Project, global: &Global) -> Result<Store, Failure> {
    let loaded = if project.config_path().exists() {
        Some(project.load()?)
    } else {
        None
    };
    Stores::new(project, global, loaded.as_ref()).open().await
}

/// The state of a project, or an error that says that there is none.
pub(crate) async fn load(project: &Project, global: &Global) -> Result<State, Failure> {
    there(project, &of_project(project, global).await?)
}

/// The state in a store, or an error that says that there is none.
pub(crate) fn there(project: &Project, store: &Store) -> Result<State, Failure> {
    let loaded = store.load()?;
    let state = loaded.state.ok_or_else(|| {
        Failure::failed(format!(
            "nothing is deployed in the environment {}",
            project.environment
        ))
        .next("mcpdeploy apply")
    });
    // What is deployed may be in the folder still.
    if state.is_err() {
        left_behind(project, store)?;
    }
    state
}

/// Stops when the store has no state but the project's folder does: to go on would deploy
/// everything a second time.
pub(crate) fn left_behind(project: &Project, store: &Store) -> Result<(), Failure> {
    let folder = Store::local(project.state_folder());
    if folder.place() == store.place() || !project.state_folder().join("state.json").exists() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the state of the environment {} is in {}, and deploy.toml says that it is {}",
        project.environment,
        folder.place(),
        store.place()
    ))
    .hint("nothing was touched")
    .next("mcpdeploy state migrate"))
}

fn passphrase(suffix: &str) -> Result<Passphrase, Failure> {
    let variable = format!("{PASSPHRASE_VARIABLE}{suffix}");
    Passphrase::new(given(&variable)?).map_err(|error| {
        Failure::usage(format!("the passphrase in {variable} cannot be used")).cause(error)
    })
}

fn identities(suffix: &str) -> Result<Vec<Identity>, Failure> {
    let variable = format!("{IDENTITY_VARIABLE}{suffix}");
    let given = given(&variable)?;
    let text = if given.trim_start().starts_with("AGE-SECRET-KEY-1") || given.contains('\n') {
        given
    } else {
        let path = PathBuf::from(&given);
        fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!(
                "failed to read the age identity {} that {variable} names",
                path.display()
            ))
            .cause(error)
        })?
    };
    Identity::read_all(&text).map_err(|error| {
        Failure::usage(format!("the age identity in {variable} cannot be used")).cause(error)
    })
}

fn given(variable: &str) -> Result<String, Failure> {
    let given = env::var(variable).ok().filter(|value| !value.is_empty());
    given.ok_or_else(|| {
        Failure::usage(format!(
            "[state.encryption] in deploy.toml needs {variable}, which is not set"
        ))
        .hint("set it in the environment; it is written nowhere")
    })
}

fn refused(error: &KeyringError) -> Failure {
    Failure::usage("the keys of [state.encryption] in deploy.toml cannot be used").cause(error)
}
