//! The OAuth facade: what MCP clients expect of an authorization server and Cognito does not have.
//!
//! It owns the redirect. A client registers here or names the document that describes it, a person
//! agrees here, and the upstream issuer logs the person in, issues the tokens and checks PKCE.
//! There is no database: whatever must survive until the next request travels sealed (see `seal`).
//! It knows neither Lambda nor sockets: requests come as values, and the network is an `Outbound`.

mod answer;
mod assertion;
mod authorize;
mod cache;
mod callback;
mod cimd;
mod client;
mod clock;
mod consent;
mod credentials;
mod discover;
mod flow;
mod keyset;
mod metadata;
mod page;
mod params;
mod register;
mod revoke;
mod route;
mod scopes;
mod seal;
mod secrets;
mod settings;
mod token;
mod trail;
mod upstream;
mod uri;
mod validate;

pub use clock::Clock;
pub use discover::{DiscoveryError, Endpoints};
pub use route::Facade;
pub use secrets::{Key, Keys, NoKey, Secrets};
pub use settings::{
    Audience, Cimd, Dcr, KnownClient, Lifetimes, Resource, Scope, Settings, Upstream,
};
pub use trail::Trail;
pub use validate::SettingsError;
