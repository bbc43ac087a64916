use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;
use crate::outbound::{Answering, Bounds, Outbound, OutboundError, Reach};
use crate::settings::Environment;

const ARN: &str = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:facade-AbCdEf";

/// Answers in turn; a status of 0 is a connection that fails.
#[derive(Default)]
struct Service {
    answers: Mutex<VecDeque<(u16, Value)>>,
    asked: Mutex<Vec<Request<Bytes>>>,
}

impl Outbound for Service {
    fn send(&self, request: Request<Bytes>, bounds: Bounds) -> Answering<'_> {
        assert_eq!(bounds.reach, Reach::Configured);
        self.asked.lock().unwrap().push(request);
        let (status, body) = self.answers.lock().unwrap().pop_front().unwrap();
        Box::pin(async move {
            if status == 0 {
                return Err(OutboundError::Timeout);
            }
            let response = Response::builder().status(status);
            Ok(response.body(Bytes::from(body.to_string())).unwrap())
        })
    }
}

fn service(answers: impl IntoIterator<Item = (u16, Value)>) -> Arc<Service> {
    Arc::new(Service {
        answers: Mutex::new(answers.into_iter().collect()),
        asked: Mutex::default(),
    })
}

fn aws(service: &Arc<Service>, more: &[(&str, &str)]) -> Result<Aws, AwsError> {
    let mut variables = vec![
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "canary-key"),
        ("AWS_SESSION_TOKEN", "canary-token"),
        ("AWS_REGION", "eu-north-1"),
    ];
    for (name, value) in more {
        variables.retain(|(known, _)| known != name);
        variables.push((name, value));
    }
    let environment: Environment = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Aws::from_environment(&environment, Arc::<Service>::clone(service))
}

fn value() -> (u16, Value) {
    (
        200,
        json!({"Name": "facade", "SecretString": "canary-value"}),
    )
}

#[tokio::test]
async fn a_secret_is_asked_for_by_its_stage_and_signed() {
    let service = service([value()]);
    let secret = aws(&service, &[]).unwrap();
    let secret = secret.secret(ARN, Stage::Previous).await.unwrap();
    assert_eq!(secret.expose_secret(), "canary-value");
    let asked = service.asked.lock().unwrap();
    assert_eq!(asked[0].method(), "POST");
    let url = "https://secretsmanager.eu-north-1.amazonaws.com/";
    assert_eq!(asked[0].uri(), url);
    let headers = asked[0].headers();
    assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(headers["x-amz-security-token"], "canary-token");
    let signature = headers["authorization"].to_str().unwrap();
    let signed = "/eu-north-1/secretsmanager/aws4_request, \
                  SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ";
    assert!(signature.contains(signed), "{signature}");
    let body: Value = serde_json::from_slice(asked[0].body()).unwrap();
    let expected = json!({"SecretId": ARN, "VersionStage": "AWSPREVIOUS"});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_endpoint_is_the_regions_or_what_the_environment_says() {
    for (more, url) in [
        (
            &[("AWS_REGION", "cn-north-1")][..],
            "https://secretsmanager.cn-north-1.amazonaws.com.cn/",
        ),
        (
            &[("AWS_REGION", "us-gov-west-1")],
            "https://secretsmanager.us-gov-west-1.amazonaws.com/",
        ),
        (
            &[("AWS_ENDPOINT_URL", "http://127.0.0.1:4600")],
            "http://127.0.0.1:4600/",
        ),
        (
            &[
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:4600"),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://vpce.example/"),
            ],
            "https://vpce.example/",
        ),
    ] {
        let service = service([value()]);
        let aws = aws(&service, more).unwrap();
        aws.secret(ARN, Stage::Current).await.unwrap();
        assert_eq!(service.asked.lock().unwrap()[0].uri(), url);
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_told_by_its_code() {
    let throttled = (400, json!({"__type": "ThrottlingException"}));
    let service_ = service([(500, json!({})), throttled, value()]);
    let aws_ = aws(&service_, &[]).unwrap();
    aws_.secret(ARN, Stage::Current).await.unwrap();

    let unreachable = service([(0, json!({})), (0, json!({})), (0, json!({})), value()]);
    let aws_ = aws(&unreachable, &[]).unwrap();
    let error = aws_.secret(ARN, Stage::Current).await.unwrap_err();
    let said = "failed to call GetSecretValue: it took too long";
    assert_eq!(crate::log::in_full(&error), said);

    for (body, code) in [
        (
            json!({"__type": "com.amazonaws#AccessDeniedException", "Message": "canary-value"}),
            "AccessDeniedException",
        ),
        (
            json!({"__type": "ResourceNotFoundException:http://x"}),
            "ResourceNotFoundException",
        ),
        (json!("canary-value"), "no error code"),
    ] {
        let service = service([(400, body), value()]);
        let aws = aws(&service, &[]).unwrap();
        let error = aws.secret(ARN, Stage::Current).await.unwrap_err();
        let said = format!("GetSecretValue was answered with {code} (400)");
        assert_eq!(error.to_string(), said);
        assert!(error.is(code));
        assert!(!format!("{error:?}").contains("canary"));
    }

    // A binary secret.
    let binary = service([(200, json!({"SecretBinary": "Y2FuYXJ5"}))]);
    let aws_ = aws(&binary, &[]).unwrap();
    let error = aws_.secret(ARN, Stage::Current).await.unwrap_err();
    let said = "the answer of GetSecretValue cannot be read";
    assert_eq!(error.to_string(), said);
}

#[test]
fn without_credentials_or_region_nothing_is_called() {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
        let error = aws(&service([]), &[(name, "")]).err().unwrap();
        assert_eq!(error.to_string(), format!("{name} is not set"));
    }
}
