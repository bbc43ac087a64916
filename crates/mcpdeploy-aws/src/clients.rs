//! The SDK's clients: one set for each placement, each client made when it is first asked for.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, FrameworkMetadata, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_types::service_config::ServiceConfigKey;
use mcpdeploy_engine::kind::{ClientSource, FaultClass, KindError, Placement};

use crate::artifacts::Artifacts;
use crate::calls::{self, OnCall};
use crate::fault::Fault;
use crate::http;
use crate::ids::partition;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an upload may take: 250 MB at 3 Mbit/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(900);

/// How to reach AWS. What is not set comes from the environment and the shared files, as for every
/// AWS tool.
#[derive(Debug, Clone, Default)]
pub struct ConnectSettings {
    /// The region; else `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile's.
    pub region: Option<String>,
    /// The profile. When set, its credentials win over those in the environment.
    pub profile: Option<String>,
    /// A role to assume with the credentials found.
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// The address of an emulator; else `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
    pub endpoint_url: Option<String>,
    /// A file of PEM certificates to trust as well as the machine's; else `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<String>,
}

/// Who the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account's id.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $sdk:ident $(, $configure:expr)?;)*) => {
        /// The clients for one placement.
        #[derive(Debug)]
        pub struct Clients {
            config: SdkConfig,
            path_style: bool,
            watch: Option<SharedInterceptor>,
            /// What the kinds upload.
            pub artifacts: Arc<Artifacts>,
            $($name: OnceLock<$sdk::Client>,)*
        }

        impl Clients {
            fn new(config: SdkConfig, factory: &ClientFactory) -> Self {
                Self {
                    config,
                    path_style: factory.path_style,
                    watch: factory.watch.clone(),
                    artifacts: factory.artifacts.clone(),
                    $($name: OnceLock::new(),)*
                }
            }

            $(
                $(#[$doc])*
                pub fn $name(&self) -> &$sdk::Client {
                    self.$name.get_or_init(|| {
                        let mut builder = $sdk::config::Builder::from(&self.config);
                        if let Some(watch) = &self.watch {
                            builder = builder.interceptor(watch.clone());
                        }
                        $(let builder = $configure(self, builder);)?
                        $sdk::Client::from_conf(builder.build())
                    })
                }
            )*
        }
    };
}

clients! {
    /// API Gateway v2 (HTTP APIs).
    apigatewayv2: aws_sdk_apigatewayv2;
    /// CloudWatch metrics, alarms and dashboards.
    cloudwatch: aws_sdk_cloudwatch;
    /// CloudWatch Logs.
    logs: aws_sdk_cloudwatchlogs;
    /// Cognito user pools.
    cognito: aws_sdk_cognitoidentityprovider;
    /// DynamoDB.
    dynamodb: aws_sdk_dynamodb;
    /// IAM.
    iam: aws_sdk_iam;
    /// KMS.
    kms: aws_sdk_kms;
    /// Lambda.
    lambda: aws_sdk_lambda;
    /// S3: at emulators with the bucket in the path, since `<bucket>.127.0.0.1` is no host.
    s3: aws_sdk_s3, |clients: &Clients, builder: aws_sdk_s3::config::Builder| {
        builder.force_path_style(clients.path_style)
    };
    /// Secrets Manager.
    secretsmanager: aws_sdk_secretsmanager;
    /// SNS.
    sns: aws_sdk_sns;
    /// Systems Manager: the parameters that hold secrets.
    ssm: aws_sdk_ssm;
    /// STS.
    sts: aws_sdk_sts;
}

impl Clients {
    /// The region that these clients call.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// Whether buckets are named in the path of a URL.
    pub(crate) fn path_style(&self) -> bool {
        self.path_style
    }

    /// The address that takes the place of Cognito's own, if there is one: found as the SDK finds it.
    pub(crate) fn cognito_endpoint(&self) -> Option<String> {
        let general = || self.config.endpoint_url().map(ToOwned::to_owned);
        if self.config.get_origin("endpoint_url").is_client_config() {
            return general();
        }
        let key = ServiceConfigKey::builder()
            .service_id("Cognito Identity Provider")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        let own = self.config.service_config();
        own.and_then(|own| own.load_config(key)).or_else(general)
    }

    /// The SDK's configuration, for clients that this crate has none of.
    #[must_use]
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.config
    }
}

/// The time limits of an upload, for `customize().config_override(…)`.
#[must_use]
pub fn upload_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(UPLOAD_TIMEOUT)
        .build()
}

/// Makes the clients for each placement, once.
#[derive(Debug)]
pub struct ClientFactory {
    base: SdkConfig,
    path_style: bool,
    watch: Option<SharedInterceptor>,
    artifacts: Arc<Artifacts>,
    made: Mutex<HashMap<Placement, Arc<Clients>>>,
}

impl ClientFactory {
    /// Reads the environment and the shared files. Calls nothing: credentials are fetched when the
    /// first call needs them.
    ///
    /// # Errors
    /// When the CA bundle cannot be read.
    pub async fn connect(settings: &ConnectSettings) -> Result<Self, KindError> {
        let bundle = settings
            .ca_bundle
            .clone()
            .or_else(|| env::var("AWS_CA_BUNDLE").ok())
            .filter(|path| !path.is_empty());
        let bundle = bundle.as_deref().map(http::read_ca_bundle).transpose()?;
        Ok(Self::with_http_client(settings, http::client(bundle)).await)
    }

    /// As [`ClientFactory::connect`], over another HTTP client: an embedded cloud or a test.
    pub async fn with_http_client(settings: &ConnectSettings, client: SharedHttpClient) -> Self {
        let base = load(settings, client).await;
        let path_style = base.endpoint_url().is_some()
            || env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|url| !url.is_empty());
        Self {
            base,
            path_style,
            watch: None,
            artifacts: Arc::default(),
            made: Mutex::default(),
        }
    }

    /// Calls with these credentials, whatever the environment says: for an embedded cloud, which
    /// wants some and checks none, or for a test with an account of its own.
    #[must_use]
    pub fn with_credentials(mut self, key: &str, secret: &str, token: Option<&str>) -> Self {
        let token = token.map(ToOwned::to_owned);
        let credentials = Credentials::new(key, secret, token, None, "given");
        self.base = self
            .base
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .identity_cache(IdentityCache::lazy().build())
            .build();
        self.made = Mutex::default();
        self
    }

    /// Tells `on_call` of every call that clients made from now on make.
    #[must_use]
    pub fn watched(mut self, on_call: OnCall) -> Self {
        self.watch = Some(calls::interceptor(on_call));
        self.made = Mutex::default();
        self
    }

    /// Clients of an embedded cloud, whatever the environment and the shared files say. Without a
    /// client of its own, it is reached over the network.
    #[must_use]
    pub fn embedded(endpoint: &str, region: &str, client: Option<SharedHttpClient>) -> Self {
        // It wants credentials, as every SDK signs, and checks none.
        let credentials = Credentials::new("local", "local", None, None, "embedded cloud");
        Self {
            base: SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(client.unwrap_or_else(|| http::client(None)))
                .credentials_provider(SharedCredentialsProvider::new(credentials))
                .endpoint_url(endpoint)
                .region(Region::new(region.to_owned()))
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts())
                .build(),
            path_style: true,
            watch: None,
            artifacts: Arc::default(),
            made: Mutex::default(),
        }
    }

    /// A factory whose clients are never used: kinds are only asked about their inputs.
    #[must_use]
    pub fn offline() -> Self {
        Self {
            base: SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .build(),
            path_style: false,
            watch: None,
            artifacts: Arc::default(),
            made: Mutex::default(),
        }
    }

    /// What the kinds upload: to be filled before an apply.
    #[must_use]
    pub fn artifacts(&self) -> &Arc<Artifacts> {
        &self.artifacts
    }

    /// The region of resources that name none.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.base.region().map(|region| region.as_ref())
    }

    /// The address that takes AWS's place, if there is one.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        self.base.endpoint_url()
    }

    /// The address of what stands in AWS's place, without a slash at the end: an emulator, an embedded
    /// cloud. Not one of AWS's own endpoints.
    #[must_use]
    pub fn emulator(&self) -> Option<String> {
        let clients = self.clients(&Placement::default()).ok()?;
        crate::kinds::emulator(&clients)
    }

    /// Asks who the credentials belong to; once more, and again, when nobody could answer.
    ///
    /// # Errors
    /// When there are no credentials or they are not valid.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, KindError> {
        // Not the engine's patience: where there is no network, a person waits for this.
        for wait in [100, 300] {
            match self.ask_caller().await {
                Err(error)
                    if matches!(error.class, FaultClass::Transient | FaultClass::Throttled) =>
                {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                }
                answered => return answered,
            }
        }
        self.ask_caller().await
    }

    async fn ask_caller(&self) -> Result<CallerIdentity, KindError> {
        let clients = self.clients(&Placement::default())?;
        let answer = clients.sts().get_caller_identity().send().await.fault(
            "sts",
            "GetCallerIdentity",
            "the caller",
        )?;
        let arn = answer.arn.unwrap_or_default();
        let named = arn.split(':').nth(1).filter(|part| !part.is_empty());
        Ok(CallerIdentity {
            account: answer.account.unwrap_or_default(),
            partition: named
                .map_or_else(|| partition(clients.region()).to_owned(), ToOwned::to_owned),
            arn,
        })
    }
}

impl ClientSource<Clients> for ClientFactory {
    fn clients(&self, placement: &Placement) -> Result<Arc<Clients>, KindError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = made.get(placement) {
            return Ok(clients.clone());
        }
        let region = placement.region.clone().map(Region::new);
        let Some(region) = region.or_else(|| self.base.region().cloned()) else {
            return Err(KindError::fatal("no AWS region is set")
                .hint("set `region` under [aws] in deploy.toml, or AWS_REGION, or a region in your profile"));
        };
        let config = self.base.to_builder().region(region).build();
        let clients = Arc::new(Clients::new(config, self));
        made.insert(placement.clone(), clients.clone());
        Ok(clients)
    }
}

/// The time limits of calls.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(CALL_TIMEOUT)
        .build()
}

async fn load(settings: &ConnectSettings, client: SharedHttpClient) -> SdkConfig {
    let region = region(settings).await;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(client.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .region(region.clone());
    // In the user agent as `lib/mcpdeploy/<version>`; the app id there stays the user's own.
    if let Ok(us) = FrameworkMetadata::new("mcpdeploy", Some(env!("CARGO_PKG_VERSION"))) {
        loader = loader.framework_metadata(us);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(profile) = &settings.profile {
        // The SDK's own chain would prefer the environment's credentials to a profile that was
        // asked for by name.
        let config = ProviderConfig::without_region()
            .with_http_client(client)
            .with_region(region.clone());
        let credentials = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(profile)
            .build();
        loader = loader
            .profile_name(profile)
            .credentials_provider(credentials);
    }
    let config = loader.load().await;
    match &settings.role_arn {
        Some(role) => assume(&config, role, settings.external_id.as_deref()).await,
        None => config,
    }
}

/// The region from the settings, the environment or the profile. The machine's metadata service,
/// which the SDK would ask next, is left alone: on a laptop it costs seconds to learn that there
/// is none.
async fn region(settings: &ConnectSettings) -> Option<Region> {
    use aws_config::environment::region::EnvironmentVariableRegionProvider;
    let mut file = ProfileFileRegionProvider::builder();
    if let Some(profile) = &settings.profile {
        file = file.profile_name(profile);
    }
    RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(file.build())
        .region()
        .await
}

async fn assume(config: &SdkConfig, role: &str, external_id: Option<&str>) -> SdkConfig {
    let mut provider = AssumeRoleProvider::builder(role)
        .session_name("mcpdeploy")
        .configure(config);
    if let Some(external_id) = external_id {
        provider = provider.external_id(external_id);
    }
    let provider = provider.build().await;
    config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        // The cache is keyed by provider, but a fresh one costs nothing and cannot mix the two.
        .identity_cache(IdentityCache::lazy().build())
        .build()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::http::http_client_fn;

    use super::*;

    async fn factory(region: Option<&str>) -> ClientFactory {
        let settings = ConnectSettings {
            region: region.map(str::to_owned),
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
            ..ConnectSettings::default()
        };
        let never = http_client_fn(|_, _| panic!("nothing is to be called"));
        ClientFactory::with_http_client(&settings, never).await
    }

    #[tokio::test]
    async fn one_set_of_clients_for_each_placement() {
        let factory = factory(Some("eu-central-1")).await;
        let here = Placement::default();
        let there = Placement {
            region: Some("us-east-1".to_owned()),
            account: None,
        };
        let clients = factory.clients(&here).unwrap();
        assert_eq!(clients.region(), "eu-central-1");
        assert!(Arc::ptr_eq(&clients, &factory.clients(&here).unwrap()));
        assert_eq!(factory.clients(&there).unwrap().region(), "us-east-1");
        assert!(clients.path_style);
        assert!(clients.lambda().config().region().is_some());
    }
}
