//! States in AWS: objects of S3, a DynamoDB table beside them, keys of KMS.

mod bridge;
mod kms;
mod s3;
mod table;
mod waited;

use std::io;
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use mcpdeploy_engine::kind::{ClientSource as _, KindError, Placement};
use mcpdeploy_engine::seal::KeyService;
use mcpdeploy_engine::store::shared::{Cells, Shared};

use crate::clients::{ClientFactory, Clients};

use bridge::Bridge;
use kms::Kms;
use s3::Objects;
use table::Items;
use waited::Waited;

/// How often a call of the store is tried. Unlike the kinds' calls, nobody else tries it again.
const ATTEMPTS: u32 = 5;

/// Where a state is in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: String,
    /// What the keys of all environments begin with, without a slash at its end.
    pub prefix: String,
    /// The environment.
    pub environment: String,
    /// A DynamoDB table for conditional writes, where the bucket has none.
    pub lock_table: Option<String>,
}

/// Calls of stores and key services, on a thread of their own.
#[derive(Debug, Clone)]
pub struct StoreClients {
    bridge: Arc<Bridge>,
    factory: Arc<ClientFactory>,
    clients: Arc<Clients>,
}

impl StoreClients {
    /// Takes over a factory that nobody else uses: its connections are driven by this.
    ///
    /// # Errors
    /// When there is no region, or no thread.
    pub fn new(factory: ClientFactory) -> Result<Self, KindError> {
        let bridge = Bridge::new().map_err(|error| KindError::fatal(error.to_string()))?;
        Ok(Self {
            bridge: Arc::new(bridge),
            clients: factory.clients(&Placement::default())?,
            factory: Arc::new(factory),
        })
    }

    /// The store in that place.
    #[must_use]
    pub fn shared(&self, place: &S3Place) -> Shared {
        let clients = &self.clients;
        let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let s3 = aws_sdk_s3::config::Builder::from(clients.sdk_config())
            .retry_config(retry.clone())
            .force_path_style(clients.path_style());
        let s3 = aws_sdk_s3::Client::from_conf(s3.build());
        let prefix = format!("{}/{}/", place.prefix, place.environment);
        let objects = Objects::new(s3, &place.bucket, &prefix);
        let bridge = Arc::clone(&self.bridge);
        let cells: Arc<dyn Cells> = match &place.lock_table {
            None => Arc::new(Waited::new(bridge, objects)),
            Some(table) => {
                let dynamodb = aws_sdk_dynamodb::config::Builder::from(clients.sdk_config())
                    .retry_config(retry);
                let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
                let id = format!("{}/{prefix}", place.bucket);
                let items = Items::new(dynamodb, table, &id, objects);
                Arc::new(Waited::new(bridge, items))
            }
        };
        Shared::new(cells)
    }

    /// A key of KMS: its ARN, id or alias.
    ///
    /// # Errors
    /// When there is no region.
    pub fn kms(&self, key: &str) -> Result<Arc<dyn KeyService>, KindError> {
        // An ARN says where its key is.
        let region = key
            .strip_prefix("arn:")
            .and_then(|arn| arn.split(':').nth(2));
        let clients = self.factory.clients(&Placement {
            region: region.map(ToOwned::to_owned),
            account: None,
        })?;
        let config = aws_sdk_kms::config::Builder::from(clients.sdk_config())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        let client = aws_sdk_kms::Client::from_conf(config.build());
        Ok(Arc::new(Kms::new(Arc::clone(&self.bridge), client, key)))
    }
}

/// The failed call behind an error of a store, with its hint.
#[must_use]
pub fn call_behind(error: &io::Error) -> Option<&KindError> {
    error.get_ref()?.downcast_ref()
}
