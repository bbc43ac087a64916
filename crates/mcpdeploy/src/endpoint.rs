//! The MCP endpoint that a command is about: named on the command line, or the deployed one.

use mcpdeploy_probe::Via;

use crate::checks;
use crate::cli::Global;
use crate::cloud::Cloud;
use crate::failure::Failure;
use crate::local::{self, Need};
use crate::project::Project;
use crate::screen::Screen;
use crate::stores::Stores;

/// An endpoint, and how to get there.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) via: Option<Via>,
    /// Origins that browsers are to be let in from.
    pub(crate) origins: Vec<String>,
    /// Whether deploy.toml wants a login.
    pub(crate) wants_login: bool,
    /// Whether it was named on the command line.
    pub(crate) named: bool,
}

impl Endpoint {
    /// The endpoint of that URL, or the one that the environment's state knows.
    pub(crate) async fn named_or_deployed(
        global: &Global,
        url: Option<&str>,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        match url {
            Some(url) => Ok(Self::named(global, url)),
            None => Self::deployed(global, screen).await,
        }
    }

    fn named(global: &Global, url: &str) -> Self {
        Self {
            via: global
                .endpoint_url
                .as_deref()
                .and_then(|gateway| checks::at_emulator(url, gateway)),
            url: url.to_owned(),
            origins: Vec::new(),
            wants_login: false,
            named: true,
        }
    }

    async fn deployed(global: &Global, screen: &Screen) -> Result<Self, Failure> {
        let project = Project::open(global)?;
        let loaded = project.load()?;
        let stored = Stores::new(&project, global, Some(&loaded))
            .open()
            .await?
            .load()?;
        let outputs = stored.state.as_ref().map(|state| &state.outputs);
        let url = outputs.and_then(|outputs| outputs.get("mcp_url"));
        let Some(url) = url.and_then(|url| url.as_str()) else {
            return Err(Failure::usage(format!(
                "the environment {} has no endpoint yet",
                global.env
            ))
            .hint("mcpdeploy deploy makes one")
            .hint("or name another one by its URL"));
        };
        let gateway = if project.local {
            // It serves what is deployed at addresses of its own, as long as it is up.
            local::open(&project, Need::Stay, screen).await?;
            None
        } else {
            // An emulator may be named in the environment as well: whoever deploys there knows best.
            let cloud = Cloud::connect(&loaded, global, None).await?;
            cloud.factory.endpoint_url().map(str::to_owned)
        };
        let origins = loaded.config.api_gateway.cors_origins.iter();
        Ok(Self {
            via: gateway.and_then(|gateway| checks::at_emulator(url, &gateway)),
            url: url.to_owned(),
            // Any origin is let in: somebody's will do.
            origins: origins
                .map(|origin| match origin.as_str() {
                    "*" => "https://example.com".to_owned(),
                    _ => origin.clone(),
                })
                .collect(),
            wants_login: loaded.config.auth.enabled,
            named: false,
        })
    }

    /// A command about this endpoint, as it is typed.
    pub(crate) fn command(&self, command: &str) -> String {
        if self.named {
            format!("mcpdeploy {command} {}", self.url)
        } else {
            format!("mcpdeploy {command}")
        }
    }
}
