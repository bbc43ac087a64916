//! A request, and what it means: service, operation, protocol, input.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Request};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Fault, cbor, query};

/// The services that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ServiceId {
    ApiGatewayV2,
    CloudWatch,
    CognitoIdp,
    DynamoDb,
    Iam,
    Kms,
    Lambda,
    Logs,
    S3,
    SecretsManager,
    Sns,
    Ssm,
    Sts,
}

impl ServiceId {
    /// By the name in the scope of a signature.
    fn from_scope(name: &str) -> Option<Self> {
        Some(match name {
            "apigateway" => Self::ApiGatewayV2,
            "monitoring" => Self::CloudWatch,
            "cognito-idp" => Self::CognitoIdp,
            "dynamodb" => Self::DynamoDb,
            "iam" => Self::Iam,
            "kms" => Self::Kms,
            "lambda" => Self::Lambda,
            "logs" => Self::Logs,
            "s3" | "s3express" => Self::S3,
            "secretsmanager" => Self::SecretsManager,
            "sns" => Self::Sns,
            "ssm" => Self::Ssm,
            "sts" => Self::Sts,
            _ => return None,
        })
    }

    /// By the prefix of `X-Amz-Target`.
    fn from_target(prefix: &str) -> Option<Self> {
        Some(match prefix {
            "Logs_20140328" => Self::Logs,
            "secretsmanager" => Self::SecretsManager,
            "DynamoDB_20120810" => Self::DynamoDb,
            "AWSCognitoIdentityProviderService" => Self::CognitoIdp,
            "TrentService" => Self::Kms,
            "AmazonSSM" => Self::Ssm,
            "GraniteServiceVersion20100801" => Self::CloudWatch,
            _ => return None,
        })
    }

    /// The name as the command line's users know it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "apigatewayv2",
            Self::CloudWatch => "cloudwatch",
            Self::CognitoIdp => "cognito-idp",
            Self::DynamoDb => "dynamodb",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::Logs => "logs",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::Sns => "sns",
            Self::Ssm => "ssm",
            Self::Sts => "sts",
        }
    }

    /// The XML namespace of the service's answers.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::CloudWatch => "http://monitoring.amazonaws.com/doc/2010-08-01/",
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::S3 => "http://s3.amazonaws.com/doc/2006-03-01/",
            Self::Sns => "http://sns.amazonaws.com/doc/2010-03-31/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::ApiGatewayV2
            | Self::CognitoIdp
            | Self::DynamoDb
            | Self::Kms
            | Self::Lambda
            | Self::Logs
            | Self::SecretsManager
            | Self::Ssm => "",
        }
    }

    /// The namespace of the service's shapes in Smithy.
    pub(crate) const fn shape_namespace(self) -> &'static str {
        match self {
            Self::ApiGatewayV2 => "com.amazonaws.apigatewayv2",
            Self::CloudWatch => "com.amazonaws.cloudwatch",
            Self::CognitoIdp => "com.amazonaws.cognitoidentityprovider",
            Self::DynamoDb => "com.amazonaws.dynamodb",
            Self::Iam => "com.amazonaws.iam",
            Self::Kms => "com.amazonaws.kms",
            Self::Lambda => "com.amazonaws.lambda",
            Self::Logs => "com.amazonaws.cloudwatchlogs",
            Self::S3 => "com.amazonaws.s3",
            Self::SecretsManager => "com.amazonaws.secretsmanager",
            Self::Sns => "com.amazonaws.sns",
            Self::Ssm => "com.amazonaws.ssm",
            Self::Sts => "com.amazonaws.sts",
        }
    }
}

/// How inputs, outputs and faults are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON 1.0: the operation in `X-Amz-Target`.
    Json10,
    /// JSON 1.1: the operation in `X-Amz-Target`.
    Json11,
    /// Method and path name the operation; bodies are JSON.
    RestJson,
    /// Method and path name the operation; bodies are XML.
    RestXml,
    /// A form with `Action`; answers are XML.
    Query,
    /// Smithy's RPC protocol in CBOR: the operation in the path.
    Cbor,
}

impl Protocol {
    pub(super) const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::RestJson => "application/json",
            Self::RestXml => "application/xml",
            Self::Query => "text/xml",
            Self::Cbor => "application/cbor",
        })
    }
}

/// A call of a service's API.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: ServiceId,
    pub(crate) protocol: Protocol,
    /// The operation's name; for the REST protocols empty until the service has found it out.
    pub(crate) operation: String,
    pub(crate) method: Method,
    /// The path as it came, percent-encoded.
    pub(crate) path: String,
    /// The query's names and values, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The input of the protocols that have one in the body; for others an empty structure.
    pub(crate) input: Value,
    pub(crate) region: String,
    /// The access key that signed; empty for calls that are not signed.
    pub(crate) access_key: String,
    pub(crate) request_id: String,
}

/// A request that is no call of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Nothing in it names a service.
    NoService,
    /// It names a service that there is not.
    UnknownService(String),
    /// Its body does not read.
    Body(ServiceId),
}

impl Call {
    /// Finds out what a request means.
    pub(crate) fn read(request: Request<Bytes>, request_id: String) -> Result<Self, Unreadable> {
        let (parts, body) = request.into_parts();
        let raw_query = parts.uri.query().unwrap_or_default();
        let query: Vec<(String, String)> = form_urlencoded::parse(raw_query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let path = parts.uri.path().to_owned();
        let scope = scope(&parts.headers, &query);
        let target = parts
            .headers
            .get("x-amz-target")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split_once('.'));
        let service = match (&scope, target) {
            (Some(scope), _) => ServiceId::from_scope(&scope.service)
                .ok_or_else(|| Unreadable::UnknownService(scope.service.clone()))?,
            (None, Some((prefix, _))) => ServiceId::from_target(prefix)
                .ok_or_else(|| Unreadable::UnknownService(prefix.to_owned()))?,
            // The links in mails and web calls of SNS are not signed.
            (None, None) if links_to_sns(&query) => ServiceId::Sns,
            (None, None) => return Err(Unreadable::NoService),
        };
        let header = |name: &str| {
            let value = parts.headers.get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default()
        };
        let content_type = header("content-type");
        let rpc = path
            .strip_prefix("/service/")
            .and_then(|rest| rest.split_once("/operation/"));
        let (protocol, operation) = if let Some((_, operation)) = rpc {
            (Protocol::Cbor, operation.to_owned())
        } else if let Some((_, operation)) = target {
            let protocol = if content_type.starts_with("application/x-amz-json-1.0") {
                Protocol::Json10
            } else {
                Protocol::Json11
            };
            (protocol, operation.to_owned())
        } else {
            match service {
                ServiceId::ApiGatewayV2 | ServiceId::Lambda => (Protocol::RestJson, String::new()),
                ServiceId::S3 => (Protocol::RestXml, String::new()),
                ServiceId::CloudWatch
                | ServiceId::CognitoIdp
                | ServiceId::DynamoDb
                | ServiceId::Iam
                | ServiceId::Kms
                | ServiceId::Logs
                | ServiceId::SecretsManager
                | ServiceId::Sns
                | ServiceId::Ssm
                | ServiceId::Sts => (Protocol::Query, String::new()),
            }
        };
        let empty = || Value::Object(Map::new());
        let unreadable = || Unreadable::Body(service);
        let (operation, input) = match protocol {
            Protocol::Json10 | Protocol::Json11 if body.is_empty() => (operation, empty()),
            Protocol::Json10 | Protocol::Json11 => {
                let input = serde_json::from_slice(&body).map_err(|_| unreadable())?;
                (operation, input)
            }
            Protocol::Cbor => (operation, cbor::decode(&body).ok_or_else(unreadable)?),
            Protocol::Query => {
                // Old clients send the form as the query of a GET.
                let form = if body.is_empty() {
                    raw_query.as_bytes()
                } else {
                    &body
                };
                let action = form_urlencoded::parse(form).find(|(name, _)| name == "Action");
                let action = action.ok_or_else(unreadable)?.1.into_owned();
                (action, query::decode(form))
            }
            // Read by the service where it wants one: not every body is JSON (a payload is not).
            Protocol::RestJson | Protocol::RestXml => (operation, empty()),
        };
        Ok(Self {
            service,
            protocol,
            operation,
            method: parts.method,
            path,
            query,
            body,
            input,
            region: scope
                .as_ref()
                .map_or_else(|| "us-east-1".to_owned(), |scope| scope.region.clone()),
            access_key: scope.map(|scope| scope.access_key).unwrap_or_default(),
            headers: parts.headers,
            request_id,
        })
    }

    /// The input as the operation's type.
    ///
    /// # Errors
    /// `SerializationException` where a member is of the wrong type.
    pub(crate) fn typed<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        T::deserialize(&self.input)
            .map_err(|error| Fault::bad("SerializationException", error.to_string()))
    }

    /// The JSON body of a REST call as the operation's type; an empty body is an empty structure.
    ///
    /// # Errors
    /// `SerializationException` where it is no JSON or a member is of the wrong type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let body: &[u8] = if self.body.is_empty() {
            b"{}"
        } else {
            &self.body
        };
        serde_json::from_slice(body)
            .map_err(|error| Fault::bad("SerializationException", error.to_string()))
    }

    /// The parts of the path between slashes, each percent-decoded. A slash at the end gives no part.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The first value of a name in the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether it only reads, by what it is called; for latency, and nothing that matters more.
    pub(crate) fn only_reads(&self) -> bool {
        match self.protocol {
            Protocol::RestJson | Protocol::RestXml => {
                self.method == Method::GET || self.method == Method::HEAD
            }
            Protocol::Json10 | Protocol::Json11 | Protocol::Query | Protocol::Cbor => [
                "Get", "List", "Describe", "Filter", "Query", "Scan", "BatchGet",
            ]
            .iter()
            .any(|prefix| self.operation.starts_with(prefix)),
        }
    }
}

/// Whether a query is that of a link by which somebody confirms or ends a subscription.
fn links_to_sns(query: &[(String, String)]) -> bool {
    query.iter().any(|(name, value)| {
        name == "Action" && ["ConfirmSubscription", "Unsubscribe"].contains(&value.as_str())
    })
}

/// Who signed, where, for which service.
struct Scope {
    access_key: String,
    region: String,
    service: String,
}

/// The credential's scope, from the header or, for presigned requests, from the query.
/// Source: "Signature Version 4", `key/date/region/service/aws4_request`.
fn scope(headers: &HeaderMap, query: &[(String, String)]) -> Option<Scope> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once("Credential="))
        .map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or(rest));
    let in_query = |wanted: &str| {
        let found = query.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let presigned = || in_query("X-Amz-Credential");
    // The signatures of before, which some SDKs still put into presigned URLs; only S3 takes them.
    if header.is_none()
        && let Some(access_key) = in_query("AWSAccessKeyId")
    {
        return Some(Scope {
            access_key: access_key.to_owned(),
            region: "us-east-1".to_owned(),
            service: "s3".to_owned(),
        });
    }
    let mut parts = header.or_else(presigned)?.split('/');
    let access_key = parts.next()?.to_owned();
    let _date = parts.next()?;
    let region = parts.next()?.to_owned();
    let service = parts.next()?.to_owned();
    Some(Scope {
        access_key,
        region,
        service,
    })
}
