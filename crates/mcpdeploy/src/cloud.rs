//! The way to the cloud: clients, kinds, and who the caller is.

use std::sync::Arc;

use mcpdeploy_aws::clients::{CallerIdentity, ClientFactory, ConnectSettings};
use mcpdeploy_aws::kinds;
use mcpdeploy_aws::stack::Place;
use mcpdeploy_config::Loaded;
use mcpdeploy_engine::data::Data;
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_engine::state::State;
use mcpdeploy_local::Running;

use crate::cli::Global;
use crate::exit::Exit;
use crate::failure::{Failure, call_failed};
use crate::local::Embedded;

/// The region of the embedded cloud where nothing names one.
const LOCAL_REGION: &str = "us-east-1";

/// Clients and kinds.
pub(crate) struct Cloud {
    pub(crate) factory: Arc<ClientFactory>,
    pub(crate) registry: Registry,
    /// The embedded cloud, when it takes the place of AWS.
    embedded: Option<Embedded>,
}

impl Cloud {
    /// Reads the settings; calls nothing.
    pub(crate) async fn connect(
        loaded: &Loaded,
        global: &Global,
        embedded: Option<Embedded>,
    ) -> Result<Self, Failure> {
        let aws = &loaded.config.aws;
        if let Some(embedded) = embedded {
            let region = global.region.as_ref().or(aws.region.as_ref());
            let region = region.map_or(LOCAL_REGION, String::as_str);
            let client = match &embedded {
                Embedded::Running(_) => None,
                Embedded::Own(cloud) => Some(cloud.http_client()),
            };
            let factory = ClientFactory::embedded(&embedded.endpoint(), region, client);
            let factory = Arc::new(factory);
            return Ok(Self {
                registry: registry(&factory),
                factory,
                embedded: Some(embedded),
            });
        }
        let settings = ConnectSettings {
            region: global.region.clone().or_else(|| aws.region.clone()),
            profile: global.profile.clone().or_else(|| aws.profile.clone()),
            role_arn: aws.role_arn.clone(),
            external_id: None,
            endpoint_url: global
                .endpoint_url
                .clone()
                .or_else(|| aws.endpoint_url.clone()),
            ca_bundle: None,
        };
        let factory = ClientFactory::connect(&settings)
            .await
            .map_err(|error| call_failed("failed to prepare the AWS clients", &error))?;
        let factory = Arc::new(factory);
        Ok(Self {
            registry: registry(&factory),
            factory,
            embedded: None,
        })
    }

    /// The embedded cloud, when it is one that another process runs.
    pub(crate) fn running(&self) -> Option<&Running> {
        match &self.embedded {
            Some(Embedded::Running(running)) => Some(running),
            Some(Embedded::Own(_)) | None => None,
        }
    }

    /// Asks who the caller is, and checks that the account is the one that the file and the state
    /// are about.
    pub(crate) async fn place(
        &self,
        loaded: &Loaded,
        state: Option<&State>,
    ) -> Result<Place, Failure> {
        let Some(region) = self.factory.region() else {
            return Err(Failure::usage("no AWS region is set")
                .hint("set `region` under [aws] in deploy.toml, --region, or AWS_REGION"));
        };
        let CallerIdentity {
            account,
            partition,
            arn,
        } = self.factory.caller_identity().await.map_err(|error| {
            let at = match self.factory.endpoint_url() {
                Some(url) => format!(" (asked at {url})"),
                None => String::new(),
            };
            call_failed(
                &format!("failed to find out which AWS account this is{at}"),
                &error,
            )
            .hint("see what is missing with: mcpdeploy doctor")
        })?;
        // The account of the file is one of AWS: the embedded cloud has its own.
        if let Some(wanted) = &loaded.config.aws.account_id
            && self.embedded.is_none()
            && *wanted != account
        {
            let errors = loaded.error_at(
                "aws.account_id",
                format!("the credentials are for account {account}, and the file is for {wanted}"),
                "not the caller's account",
                Some(format!("use credentials for {wanted}; now it is {arn}")),
            );
            return Err(errors.into());
        }
        let elsewhere = state
            .into_iter()
            .flat_map(|state| state.resources.values())
            .filter_map(|resource| resource.current.as_ref()?.placement.account.as_deref())
            .find(|other| *other != account);
        if let Some(other) = elsewhere {
            return Err(Failure::new(
                Exit::Failed,
                crate::views::errors::Report::new(format!(
                    "this environment is deployed in account {other}, and the credentials are for {account}"
                )),
            )
            .hint(format!("use credentials for {other}"))
            .hint("or deploy to this account under another environment: -e NAME"));
        }
        Ok(Place {
            region: region.to_owned(),
            account,
            partition,
            emulator: self.factory.emulator(),
        })
    }
}

/// All kinds that this program has.
pub(crate) fn registry(factory: &Arc<ClientFactory>) -> Registry {
    let mut registry = Registry::new();
    registry.add::<Data>(Arc::new(()));
    kinds::register(&mut registry, factory);
    registry
}
