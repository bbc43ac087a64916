//! Owns the types of the file: what a key means, its default, and what values it takes.
//!
//! These types are the only place where keys are listed. The JSON Schema is generated from them,
//! the shape check walks that schema, and serde fills them: parser and schema cannot drift apart.

mod access;
mod auth;
mod build;
mod extras;
mod lambda;
mod observability;
mod resource;
mod root;
mod secret;
mod state;
mod target;

pub use access::{Access, Effect, Iam, IamBucket, IamStatement, IamTable};
pub use auth::{
    Auth, AuthProvider, Cimd, Cognito, Dcr, Mfa, Oidc, ProviderType, Scopes, SocialProvider, Ttl,
};
pub use build::{Assets, Build};
pub use extras::{Check, Metadata, OnFailure, PostDeployTests};
pub use lambda::{ApiGateway, Architecture, Lambda, Server, Transport};
pub use observability::{Alarms, Observability};
pub(crate) use resource::ResourceEntry;
pub use resource::{Lifecycle, Moved, ResourceConfig, Spanned};
pub use root::DeployConfig;
pub use secret::{Inject, Secret, SecretBackend, SecretRotation, SecretSource};
pub use state::{Encryption, Fallback, State, StateStore};
pub use target::{Aws, Target, TargetKind};
