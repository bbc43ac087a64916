//! States that several machines share: every store on every cloud, and the binary that uses them.

mod keys;
mod many;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mcpdeploy_aws::clients::{ClientFactory, ConnectSettings};
use mcpdeploy_aws::store::{S3Place, StoreClients};
use mcpdeploy_engine::store::Store;
use mcpdeploy_testkit::{Open, check_migration, check_store, hammer};

use crate::support::emulator::{Account, Emulator, Product, REGION};
use crate::support::project::Project;

const TABLE: &str = "mcpdeploy-state";

/// A bucket and a lock table, made as a user would make them.
fn home(account: &Account<'_>) -> String {
    let bucket = format!("acme-state-{}", account.id());
    let config = format!(
        r#"
[target]
type = "resources"
name = "state-home"

[[resources]]
kind = "aws.s3.bucket"
name = "state"
inputs = {{ name = "{bucket}" }}

[[resources]]
kind = "aws.dynamodb.table"
name = "locks"
inputs = {{ name = "{TABLE}", hash_key = "id", range_key = "key" }}
"#
    );
    let project = Project::in_account(account, &config);
    project.run(&["apply", "--auto-approve"]).ok();
    bucket
}

fn clients(account: &Account<'_>) -> StoreClients {
    let of = |name: &str| {
        let env = account.env();
        env.into_iter().find(|(key, _)| *key == name).map(|e| e.1)
    };
    let key = of("AWS_ACCESS_KEY_ID").expect("a key");
    let secret = of("AWS_SECRET_ACCESS_KEY").expect("a secret");
    let token = of("AWS_SESSION_TOKEN");
    let settings = ConnectSettings {
        region: Some(REGION.to_owned()),
        endpoint_url: Some(account.endpoint().to_owned()),
        ..ConnectSettings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let factory = runtime.block_on(ClientFactory::connect(&settings));
    let factory = factory
        .expect("clients")
        .with_credentials(&key, &secret, token.as_deref());
    StoreClients::new(factory).expect("clients")
}

/// Places under prefixes of their own.
fn places(account: &Account<'_>, bucket: &str, table: Option<&str>) -> impl Fn() -> Open {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let clients = clients(account);
    let (bucket, table) = (bucket.to_owned(), table.map(ToOwned::to_owned));
    move || {
        let place = S3Place {
            bucket: bucket.clone(),
            prefix: format!("test/{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            environment: "default".to_owned(),
            lock_table: table.clone(),
        };
        let clients = clients.clone();
        Box::new(move || Store::new(Arc::new(clients.shared(&place))))
    }
}

fn every_store(account: &Account<'_>) {
    let bucket = home(account);
    let objects = places(account, &bucket, None);
    let items = places(account, &bucket, Some(TABLE));
    check_store(&objects);
    check_store(&items);
    check_migration(&*objects(), &*items());
    check_migration(&*items(), &*objects());
    hammer(&objects(), 20, 6);
    hammer(&items(), 20, 6);
}

#[test]
fn in_the_embedded_cloud() {
    let emulator = Emulator::start(Product::Embedded);
    every_store(&emulator.default_account());
}

#[test]
fn on_ministack() {
    let emulator = Emulator::ministack();
    every_store(&emulator.account());
}

#[test]
fn on_moto() {
    let emulator = Emulator::moto();
    every_store(&emulator.account());
}

/// A project whose state is in S3, as one of several people has it.
fn colleague(account: &Account<'_>, bucket: &str, word: &str) -> Project {
    let config = format!(
        r#"
[target]
type = "resources"
name = "words"

[state]
type = "s3"
bucket = "{bucket}"
prefix = "mcpdeploy/words"

[[resources]]
kind = "mcpdeploy.data"
name = "first"
inputs = {{ word = "{word}" }}
"#
    );
    Project::in_account(account, &config)
}

/// The store of [`colleague`]s, as another program sees it.
fn words(account: &Account<'_>, bucket: &str) -> Store {
    let place = S3Place {
        bucket: bucket.to_owned(),
        prefix: "mcpdeploy/words".to_owned(),
        environment: "default".to_owned(),
        lock_table: None,
    };
    Store::new(Arc::new(clients(account).shared(&place)))
}
