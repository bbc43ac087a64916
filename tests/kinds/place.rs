//! An account on an emulator, or an embedded cloud, as a cloud to check kinds on.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use mcpdeploy_aws::artifacts::CodeSha256;
use mcpdeploy_aws::clients::{ClientFactory, Clients, ConnectSettings};
use mcpdeploy_aws::iam_action::iam_action;
use mcpdeploy_aws::kinds;
use mcpdeploy_engine::address::{Address, KindName};
use mcpdeploy_engine::kind::{BoxFuture, ClientSource, Placement, Registry};
use mcpdeploy_engine::plan::Action;
use mcpdeploy_engine::resource::{Desired, Resource};
use mcpdeploy_engine::value::interpolate;
use mcpdeploy_local::Settings;
use mcpdeploy_testkit::check_kind::{Calls, Case, Cloud, Edit, Inventory, Operation};
use mcpdeploy_testkit::owner_tags;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;

use super::inventory::{self, Lister};
use super::wire::{Wire, plain};
use crate::support::emulator::{Account, Emulator, Product, REGION};

/// A secret with a value, where a case asked for one: nobody lists it.
pub(super) const GIVEN: &str = "given";

/// An account of its own.
pub(super) struct Place {
    pub(super) product: Product,
    /// The account's number: what must be unique in the world has it in its name.
    pub(super) account: String,
    placement: Placement,
    registry: Registry,
    wire: Wire,
    /// Clients of the same account, over another wire.
    quiet: Arc<Clients>,
    lent: Lent,
}

/// Where kinds are checked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ground {
    /// On an emulator, in an account of its own.
    Emulator(&'static Emulator),
    /// In an embedded cloud of its own, in this process.
    Embedded,
}

impl Ground {
    pub(super) fn product(self) -> Product {
        match self {
            Self::Emulator(emulator) => emulator.product(),
            Self::Embedded => Product::Embedded,
        }
    }
}

/// What a place is in.
enum Lent {
    Account(Account<'static>),
    Own(mcpdeploy_local::Cloud),
}

impl Lent {
    fn endpoint(&self) -> String {
        match self {
            Self::Account(account) => account.endpoint().to_owned(),
            Self::Own(cloud) => cloud.endpoint(),
        }
    }

    fn client(&self) -> SharedHttpClient {
        match self {
            Self::Account(_) => plain(),
            Self::Own(cloud) => cloud.http_client(),
        }
    }
}

/// Accounts that are empty again. Moto takes a second to make one.
static USED: Mutex<Vec<(Product, Account<'static>)>> = Mutex::new(Vec::new());

fn account(emulator: &'static Emulator) -> Account<'static> {
    let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = used
        .iter()
        .position(|(product, _)| *product == emulator.product());
    found.map_or_else(|| emulator.account(), |at| used.swap_remove(at).1)
}

impl Place {
    pub(super) async fn new(ground: Ground) -> Self {
        let (lent, account, env) = match ground {
            Ground::Emulator(emulator) => {
                let account = account(emulator);
                let id = account.id().to_owned();
                let env = account.env();
                (Lent::Account(account), id, env)
            }
            Ground::Embedded => {
                let cloud = mcpdeploy_local::Cloud::start(Settings::default()).await;
                let cloud = cloud.expect("an embedded cloud starts");
                (Lent::Own(cloud), "000000000000".to_owned(), Vec::new())
            }
        };
        let of = |name: &str| {
            let found = env.iter().find(|(key, _)| *key == name);
            found.map_or("test", |(_, value)| value.as_str())
        };
        let token = env.iter().find(|(key, _)| *key == "AWS_SESSION_TOKEN");
        let token = token.map(|(_, value)| value.as_str());
        let settings = ConnectSettings {
            region: Some(REGION.to_owned()),
            endpoint_url: Some(lent.endpoint()),
            ..ConnectSettings::default()
        };
        let wire = Wire::over(lent.client());
        let noted = wire.clone();
        let factory = |client| async {
            let (key, secret) = (of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY"));
            ClientFactory::with_http_client(&settings, client)
                .await
                .with_credentials(key, secret, token)
        };
        let watched = factory(wire.client())
            .await
            .watched(Arc::new(move |service, operation| {
                noted.note(service, operation);
            }));
        for zip in zips() {
            watched.artifacts().insert(zip.sha256.clone(), zip.path());
        }
        let quiet = factory(lent.client()).await.clients(&Placement::default());
        let mut registry = Registry::new();
        kinds::register(&mut registry, &Arc::new(watched));
        Self {
            product: ground.product(),
            // The region alone is enough; the account spares calls that find it out. One cloud
            // is asked in each way.
            placement: Placement {
                region: Some(REGION.to_owned()),
                account: match ground.product() {
                    Product::Ministack | Product::Embedded => Some(account.clone()),
                    Product::Moto => None,
                },
            },
            account,
            registry,
            wire,
            quiet: quiet.expect("a region is set"),
            lent,
        }
    }

    /// Makes the secret [`GIVEN`], with the members `a` and `b`.
    pub(super) async fn give_secret(&self) {
        let made = self
            .quiet
            .secretsmanager()
            .create_secret()
            .name(GIVEN)
            .secret_string(r#"{"a": "one secret", "b": "another"}"#)
            .send()
            .await;
        // An account that was used before has it.
        if let Err(error) = made {
            let error = error.into_service_error();
            assert!(error.is_resource_exists_exception(), "{error}");
        }
    }

    /// A case of `subject`, the last of `resources`; the others are what it needs. Texts may have
    /// `${kind.name.output}` in them, and owner tags come by themselves.
    pub(super) fn case(&self, resources: &[(&str, Value)]) -> Building<'_> {
        let owned = resources
            .iter()
            .map(|(at, inputs)| ((*at).to_owned(), inputs.clone()));
        let resources: Vec<_> = owned.collect();
        let (subject, _) = resources.last().expect("a case has a subject").clone();
        Building {
            place: self,
            subject,
            resources,
            edits: Vec::new(),
        }
    }

    fn desired(&self, resources: &[(String, Value)]) -> Desired {
        let resource = |(address, inputs): &(String, Value)| {
            let address: Address = address.parse().expect("a test's address");
            let is_kind = |name: &str| self.registry.get(name).is_some();
            let mut inputs = interpolate(inputs, &is_kind).expect("a test's inputs");
            let kind = self.registry.get(address.kind().as_str());
            if kind.expect("a kind that there is").taggable() {
                for (key, value) in owner_tags(&address) {
                    inputs["tags"][key] = json!(value);
                }
            }
            Resource {
                placement: self.placement.clone(),
                ..Resource::new(address, inputs)
            }
        };
        Desired {
            deployment: "test".to_owned(),
            environment: "default".to_owned(),
            resources: resources.iter().map(resource).collect(),
            ..Desired::default()
        }
    }
}

impl Cloud for Place {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn calls(&self) -> &dyn Calls {
        &self.wire
    }

    fn inventory<'a>(&'a self, kind: &'a KindName) -> BoxFuture<'a, Inventory> {
        Box::pin(async move {
            let endpoint = self.lent.endpoint();
            let lister = Lister {
                clients: &self.quiet,
                product: self.product,
                endpoint: &endpoint,
                key: &self.account,
            };
            inventory::list(&lister, kind.as_str()).await
        })
    }

    fn action(&self, (service, operation): &Operation) -> Option<String> {
        // Everybody may ask who he is, even where a policy denies it.
        let free = (service.as_str(), operation.as_str()) == ("sts", "GetCallerIdentity");
        (!free).then(|| iam_action(service, operation))
    }

    fn give_back(self) {
        // An embedded cloud costs nothing: the next test takes a new one.
        if let Lent::Account(account) = self.lent {
            let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
            used.push((self.product, account));
        }
    }
}

/// A case in the making.
pub(super) struct Building<'a> {
    place: &'a Place,
    subject: String,
    resources: Vec<(String, Value)>,
    edits: Vec<Edit>,
}

impl Building<'_> {
    /// An edit of the subject: `changes` take the place of inputs, null takes one away. `action`
    /// is planned for it both ways.
    pub(super) fn edit(self, name: &'static str, action: Action, changes: Value) -> Self {
        let subject = self.subject.clone();
        self.edit_of(name, &subject, changes, action, action)
    }

    /// An edit of any of the resources, and what it means for the subject there and back.
    pub(super) fn edit_of(
        mut self,
        name: &'static str,
        address: &str,
        changes: Value,
        there: Action,
        back: Action,
    ) -> Self {
        let mut resources = self.resources.clone();
        let edited = resources.iter_mut().find(|(at, _)| at == address);
        let (_, inputs) = edited.expect("the edited resource is there");
        let inputs = inputs.as_object_mut().expect("inputs are an object");
        for (key, value) in changes.as_object().expect("changes are an object") {
            if value.is_null() {
                inputs.remove(key);
            } else {
                inputs.insert(key.clone(), value.clone());
            }
        }
        self.edits.push(Edit {
            name,
            desired: self.place.desired(&resources),
            there,
            back,
            protects: false,
        });
        self
    }

    /// With the edit just said, the subject cannot be removed.
    pub(super) fn protects(mut self) -> Self {
        self.edits.last_mut().expect("an edit").protects = true;
        self
    }

    pub(super) fn build(self) -> Case {
        Case {
            subject: self.subject.parse().expect("a test's address"),
            desired: self.place.desired(&self.resources),
            edits: self.edits,
            skips: BTreeSet::new(),
        }
    }
}

/// Code to deploy.
pub(crate) struct Zip {
    pub(crate) sha256: CodeSha256,
    pub(crate) size: u64,
    file: NamedTempFile,
}

impl Zip {
    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Two archives that differ. Nobody runs what is in them.
pub(crate) fn zips() -> &'static [Zip; 2] {
    static ZIPS: OnceLock<[Zip; 2]> = OnceLock::new();
    ZIPS.get_or_init(|| {
        ["a", "b"].map(|content| {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            let executable = SimpleFileOptions::default().unix_permissions(0o755);
            zip.start_file("bootstrap", executable)
                .and_then(|()| Ok(zip.write_all(content.as_bytes())?))
                .expect("a file in memory can be written");
            let bytes = zip.finish().expect("and ended").into_inner();
            let mut file = NamedTempFile::new().expect("a temporary file");
            file.write_all(&bytes).expect("it can be written");
            Zip {
                sha256: CodeSha256::of(&bytes),
                size: bytes.len() as u64,
                file,
            }
        })
    })
}
