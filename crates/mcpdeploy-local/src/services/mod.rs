//! The services, one module each: what it keeps, what it answers, what it offers to the others.

pub(crate) mod apigateway;
pub(crate) mod cloudwatch;
pub(crate) mod cognito;
pub(crate) mod dynamodb;
pub(crate) mod iam;
pub(crate) mod kms;
pub(crate) mod lambda;
pub(crate) mod logs;
mod page;
pub(crate) mod s3;
pub(crate) mod secretsmanager;
pub(crate) mod sns;
pub(crate) mod ssm;
pub(crate) mod sts;

use http::{Request, Response};
use hyper::body::Incoming;

use crate::cloud::Cloud;
use crate::doors;
use crate::storage::{ReadError, Storage};
use crate::wire::{Body, Call, Fault, Reply, ServiceId};

/// All services of a cloud.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) apigateway: apigateway::ApiGateway,
    pub(crate) cloudwatch: cloudwatch::CloudWatch,
    pub(crate) cognito: cognito::Cognito,
    pub(crate) dynamodb: dynamodb::DynamoDb,
    pub(crate) iam: iam::Iam,
    pub(crate) kms: kms::Kms,
    pub(crate) lambda: lambda::Lambda,
    pub(crate) logs: logs::Logs,
    pub(crate) s3: s3::S3,
    pub(crate) secretsmanager: secretsmanager::SecretsManager,
    pub(crate) sns: sns::Sns,
    pub(crate) ssm: ssm::Ssm,
    pub(crate) sts: sts::Sts,
}

/// Something on the port besides the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Door {
    /// A request to an HTTP API, by host or path.
    Api(apigateway::ApiDoor),
    /// A sign-in page, a token endpoint or a key set of a user pool.
    Cognito,
    /// The cloud's own.
    Own,
    /// A function's deployment package.
    Package,
}

impl Services {
    /// Opens each with what the folder holds.
    pub(crate) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            apigateway: apigateway::ApiGateway::open(storage)?,
            cloudwatch: cloudwatch::CloudWatch::open(storage)?,
            cognito: cognito::Cognito::open(storage)?,
            dynamodb: dynamodb::DynamoDb::open(storage)?,
            iam: iam::Iam::open(storage)?,
            kms: kms::Kms::open(storage)?,
            lambda: lambda::Lambda::open(storage)?,
            logs: logs::Logs::open(storage)?,
            s3: s3::S3::open(storage)?,
            secretsmanager: secretsmanager::SecretsManager::open(storage)?,
            sns: sns::Sns::open(storage)?,
            ssm: ssm::Ssm::open(storage)?,
            sts: sts::Sts::open(storage)?,
        })
    }

    /// Starts what runs besides the calls: the gateways' ports, the alarms' clock.
    pub(crate) async fn start(&self, cloud: &Cloud) {
        self.apigateway.start(cloud).await;
        self.cloudwatch.start(cloud);
    }

    /// Ends what runs besides the calls.
    pub(crate) async fn stop(&self, cloud: &Cloud) {
        self.lambda.stop(cloud).await;
    }

    /// Answers a call. REST services set the call's operation while they route it.
    pub(crate) async fn handle(&self, cloud: &Cloud, call: &mut Call) -> Result<Reply, Fault> {
        match call.service {
            ServiceId::ApiGatewayV2 => self.apigateway.handle(cloud, call).await,
            ServiceId::CloudWatch => self.cloudwatch.handle(cloud, call).await,
            ServiceId::CognitoIdp => self.cognito.handle(cloud, call).await,
            ServiceId::DynamoDb => self.dynamodb.handle(cloud, call).await,
            ServiceId::Iam => self.iam.handle(cloud, call).await,
            ServiceId::Kms => self.kms.handle(cloud, call).await,
            ServiceId::Lambda => self.lambda.handle(cloud, call).await,
            ServiceId::Logs => self.logs.handle(cloud, call).await,
            ServiceId::S3 => self.s3.handle(cloud, call).await,
            ServiceId::SecretsManager => self.secretsmanager.handle(cloud, call).await,
            ServiceId::Sns => self.sns.handle(cloud, call).await,
            ServiceId::Ssm => self.ssm.handle(cloud, call).await,
            ServiceId::Sts => self.sts.handle(cloud, call).await,
        }
    }

    /// Where a request on the port goes when it is not for the control plane.
    pub(crate) fn door(&self, request: &Request<Incoming>) -> Option<Door> {
        let host = request
            .headers()
            .get(http::header::HOST)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let path = request.uri().path();
        if doors::is_door(path) {
            return Some(Door::Own);
        }
        if let Some(door) = apigateway::ApiDoor::find(host, path) {
            return Some(Door::Api(door));
        }
        if lambda::is_door(path) {
            return Some(Door::Package);
        }
        cognito::is_door(host, path).then_some(Door::Cognito)
    }

    /// Answers a request that is not for the control plane.
    pub(crate) async fn open_door(
        &self,
        cloud: &Cloud,
        door: Door,
        request: Request<Incoming>,
    ) -> Response<Body> {
        match door {
            Door::Api(door) => self.apigateway.request(cloud, &door, request).await,
            Door::Cognito => self.cognito.page(cloud, request).await,
            Door::Own => doors::open(cloud, request).await,
            Door::Package => self.lambda.download(request.uri().path()).await,
        }
    }
}
