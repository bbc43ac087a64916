//! The kinds: one file and one line here for each.

#[cfg(test)]
mod contract;

mod account;
mod alarm;
mod alias;
mod api;
mod authorizer;
mod bucket;
mod cognito_shared;
mod dashboard;
mod function;
mod identity_provider;
mod inputs;
mod integration;
mod kms_alias;
mod kms_key;
mod lambda_shared;
mod log_group;
mod login_branding;
mod object;
pub(crate) mod parameter;
mod permission;
mod resource_server;
mod role;
mod route;
pub(crate) mod secret;
mod stage;
mod subscription;
mod table;
mod topic;
mod user_group;
mod user_pool;
mod user_pool_client;
mod user_pool_domain;
mod version;

use std::sync::Arc;

use mcpdeploy_engine::kind::Registry;

use crate::clients::ClientFactory;

pub use alarm::{
    Alarm, AlarmInputs, AlarmOutputs, Comparison, MetricQuery, MetricStat, MissingData,
};
pub use alias::{Alias, AliasInputs, AliasOutputs};
pub use api::{Api, ApiInputs, ApiOutputs, Cors};
pub use authorizer::{
    Authorizer, AuthorizerInputs, AuthorizerOutputs, FunctionAuthorizer, Jwt,
    Sort as AuthorizerSort,
};
pub use bucket::{Bucket, BucketInputs, BucketOutputs};
pub(crate) use cognito_shared::emulator;
pub use dashboard::{Dashboard, DashboardBody, DashboardInputs, DashboardOutputs};
pub use function::{
    Architecture, Code, CodeObject, Function, FunctionInputs, FunctionOutputs, Tracing,
};
pub use identity_provider::{
    Apple, Endpoints, IdentityProvider, IdentityProviderInputs, IdentityProviderOutputs, Oidc,
    ProviderSecret, ProviderSort,
};
pub use inputs::InputSet;
pub use integration::{Integration, IntegrationInputs, IntegrationOutputs};
pub use kms_alias::{KmsAlias, KmsAliasInputs, KmsAliasOutputs};
pub use kms_key::{KmsKey, KmsKeyInputs, KmsKeyOutputs};
pub use log_group::{LogGroup, LogGroupInputs, LogGroupOutputs};
pub use login_branding::{LoginBranding, LoginBrandingInputs, LoginBrandingOutputs};
pub use object::{Object, ObjectInputs, ObjectOutputs};
pub use parameter::{Parameter, ParameterInputs, ParameterOutputs};
pub use permission::{Permission, PermissionInputs, PermissionOutputs};
pub use resource_server::{ResourceServer, ResourceServerInputs, ResourceServerOutputs};
pub use role::{Role, RoleInputs, RoleOutputs};
pub use route::{Authorization, Route, RouteInputs, RouteOutputs};
pub use secret::{Generate, Rotation, Schedule, Secret, SecretInputs, SecretOutputs};
pub use stage::{AccessLogs, Stage, StageInputs, StageOutputs, Throttling};
pub use subscription::{Subscription, SubscriptionInputs, SubscriptionOutputs};
pub use table::{Index, KeyType, Projection, StreamView, Table, TableInputs, TableOutputs};
pub use topic::{Topic, TopicInputs, TopicOutputs};
pub use user_group::{UserGroup, UserGroupInputs, UserGroupOutputs};
pub use user_pool::{
    FeaturePlan, Mfa, PasswordPolicy, SignIn, UserPool, UserPoolInputs, UserPoolOutputs,
};
pub use user_pool_client::{
    ApiFlow, OAuthFlow, Rotation as RefreshRotation, TokenLifetimes, UserPoolClient,
    UserPoolClientInputs, UserPoolClientOutputs,
};
pub use user_pool_domain::{
    LoginPages, UserPoolDomain, UserPoolDomainInputs, UserPoolDomainOutputs,
};
pub use version::{Version, VersionInputs, VersionOutputs};

/// Adds every kind of this crate.
pub fn register(registry: &mut Registry, source: &Arc<ClientFactory>) {
    registry.add::<LogGroup>(source.clone());
    registry.add::<Role>(source.clone());
    registry.add::<Bucket>(source.clone());
    registry.add::<Object>(source.clone());
    registry.add::<Function>(source.clone());
    registry.add::<Version>(source.clone());
    registry.add::<Alias>(source.clone());
    registry.add::<Permission>(source.clone());
    registry.add::<Api>(source.clone());
    registry.add::<Integration>(source.clone());
    registry.add::<Authorizer>(source.clone());
    registry.add::<Route>(source.clone());
    registry.add::<Stage>(source.clone());
    registry.add::<Topic>(source.clone());
    registry.add::<Subscription>(source.clone());
    registry.add::<Alarm>(source.clone());
    registry.add::<Dashboard>(source.clone());
    registry.add::<Table>(source.clone());
    registry.add::<Secret>(source.clone());
    registry.add::<Parameter>(source.clone());
    registry.add::<UserPool>(source.clone());
    registry.add::<UserPoolClient>(source.clone());
    registry.add::<UserPoolDomain>(source.clone());
    registry.add::<ResourceServer>(source.clone());
    registry.add::<LoginBranding>(source.clone());
    registry.add::<IdentityProvider>(source.clone());
    registry.add::<UserGroup>(source.clone());
    registry.add::<KmsKey>(source.clone());
    registry.add::<KmsAlias>(source.clone());
}
