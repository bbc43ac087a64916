//! One call of a JSON service: signed, sent, tried again where that can help.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, Request, Response, StatusCode, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

use super::credentials::Credentials;
use super::sign::{Scope, sign};
use crate::outbound::{Bounds, Outbound, OutboundError, Reach};
use crate::settings::{Environment, SettingsError};

/// Three tries and the pauses between them have to fit into Lambda's init phase of 10 s.
const BOUNDS: Bounds = Bounds {
    reach: Reach::Configured,
    timeout: Duration::from_millis(2_500),
    bytes: 256 * 1024,
};
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const ERROR: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// A service that speaks JSON 1.1.
pub(super) struct Service {
    /// By which it signs, and the first part of its host's name.
    pub(super) name: &'static str,
    /// What comes before the operation in `X-Amz-Target`.
    pub(super) target: &'static str,
    /// The variable that says where else it is.
    pub(super) endpoint: &'static str,
}

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The environment does not say who calls, or where.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No answer came.
    #[error("failed to call {operation}")]
    Outbound {
        /// What was called.
        operation: &'static str,
        /// Why none came.
        source: OutboundError,
    },
    /// The service refused.
    #[error("{operation} was answered with {code} ({})", status.as_u16())]
    Refused {
        /// What was called.
        operation: &'static str,
        /// The status of the answer.
        status: StatusCode,
        /// The service's own code for the error.
        code: String,
    },
    /// The answer is not what the operation answers.
    #[error("the answer of {operation} cannot be read")]
    Answer {
        /// What was called.
        operation: &'static str,
    },
}

impl AwsError {
    /// Whether the service refused with this code.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        match self {
            Self::Refused { code, .. } => code == wanted,
            Self::Settings(_) | Self::Outbound { .. } | Self::Answer { .. } => false,
        }
    }

    /// Whether the same call may succeed a moment later.
    fn passes(&self) -> bool {
        match self {
            Self::Outbound { source, .. } => match source {
                OutboundError::Name | OutboundError::Timeout | OutboundError::Connection(_) => true,
                OutboundError::Url | OutboundError::Address | OutboundError::Size => false,
            },
            Self::Refused { status, code, .. } => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || code.contains("Throttl")
                    || code == "TooManyRequestsException"
            }
            Self::Settings(_) | Self::Answer { .. } => false,
        }
    }
}

/// The services of the function's own region, called with its own credentials.
pub struct Aws {
    outbound: Arc<dyn Outbound>,
    environment: Environment,
    credentials: Credentials,
    region: String,
}

impl Aws {
    /// As Lambda's environment variables say it.
    ///
    /// # Errors
    /// They name no credentials or no region.
    pub fn from_environment(
        environment: &Environment,
        outbound: Arc<dyn Outbound>,
    ) -> Result<Self, AwsError> {
        const REGION: &str = "AWS_REGION";
        let region = environment.get(REGION);
        Ok(Self {
            outbound,
            credentials: Credentials::from_environment(environment)?,
            region: region.ok_or(SettingsError::Missing(REGION))?.to_owned(),
            environment: environment.clone(),
        })
    }

    /// Calls `operation` of `service` with `input`; what it answers.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        service: &Service,
        operation: &'static str,
        input: &impl Serialize,
    ) -> Result<T, AwsError> {
        let endpoint = self.endpoint(service)?;
        let body = serde_json::to_vec(input).map_err(|_| AwsError::Answer { operation })?;
        let body = Bytes::from(body);
        let mut pauses = PAUSES.iter();
        let response = loop {
            let request = self.request(service, operation, &endpoint, body.clone());
            match self.once(operation, request).await {
                Ok(response) => break response,
                Err(error) => match pauses.next().filter(|_| error.passes()) {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(error),
                },
            }
        };
        serde_json::from_slice(response.body()).map_err(|_| AwsError::Answer { operation })
    }

    async fn once(
        &self,
        operation: &'static str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, AwsError> {
        let response = self
            .outbound
            .send(request, BOUNDS)
            .await
            .map_err(|source| AwsError::Outbound { operation, source })?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(AwsError::Refused {
            operation,
            status: response.status(),
            code: code(&response),
        })
    }

    fn request(
        &self,
        service: &Service,
        operation: &str,
        endpoint: &Uri,
        body: Bytes,
    ) -> Request<Bytes> {
        let mut request = Request::post(endpoint)
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header(TARGET, format!("{}.{operation}", service.target))
            .body(body)
            .expect("the URL is one, and names of services and operations are ours");
        let scope = Scope {
            region: &self.region,
            service: service.name,
            now: OffsetDateTime::now_utc(),
        };
        sign(&mut request, &self.credentials, &scope);
        request
    }

    /// Where the service is: elsewhere, when the environment says so as it says it to SDKs.
    fn endpoint(&self, service: &Service) -> Result<Uri, SettingsError> {
        const ALL: &str = "AWS_ENDPOINT_URL";
        const EXPECTED: &str = "an https URL, or an http URL of this machine";
        let own = self.environment.get(service.endpoint);
        let (name, url) = match (own, self.environment.get(ALL)) {
            (Some(url), _) => (service.endpoint, url.to_owned()),
            (None, Some(url)) => (ALL, url.to_owned()),
            (None, None) => {
                // Of China's partition the domain is another; all others that Lambda is sold in
                // share one.
                let china = self.region.starts_with("cn-");
                let suffix = if china { ".cn" } else { "" };
                let (service, region) = (service.name, &self.region);
                let url = format!("https://{service}.{region}.amazonaws.com{suffix}/");
                ("AWS_REGION", url)
            }
        };
        url.parse()
            .ok()
            .filter(|url: &Uri| url.authority().is_some())
            .ok_or(SettingsError::Wrong {
                name,
                value: url,
                expected: EXPECTED,
            })
    }
}

/// The service's code for what went wrong: in a header or in the body, at times with a namespace
/// before it or a URL behind.
fn code(response: &Response<Bytes>) -> String {
    let in_header = response.headers().get(ERROR).and_then(|e| e.to_str().ok());
    let body: Option<Value> = serde_json::from_slice(response.body()).ok();
    let in_body = body
        .as_ref()
        .and_then(|body| body.get("__type").or(body.get("code"))?.as_str());
    let text = in_header.or(in_body).unwrap_or("no error code");
    let text = text.split(':').next().unwrap_or_default();
    let text = text.rsplit('#').next().unwrap_or_default();
    text.chars().take(100).collect()
}
