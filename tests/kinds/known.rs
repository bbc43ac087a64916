//! What the emulators are known to do wrong: each row is a check that is left out, and why.

use std::collections::BTreeSet;

use mcpdeploy_testkit::check_kind::Skip;

use crate::support::emulator::Product;

/// A check that an emulator fails by its own fault.
struct Known {
    product: Product,
    kind: &'static str,
    /// `None` when the kind cannot be checked there at all.
    skip: Option<Skip>,
    #[expect(dead_code, reason = "for whoever reads the table")]
    because: &'static str,
}

const fn row(
    product: Product,
    kind: &'static str,
    skip: Option<Skip>,
    because: &'static str,
) -> Known {
    Known {
        product,
        kind,
        skip,
        because,
    }
}

use Product::{Ministack, Moto};

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    row(Moto, "aws.cloudwatch.alarm", None,
        "does not speak CBOR, the only protocol of the Rust SDK's CloudWatch"),
    row(Moto, "aws.cloudwatch.dashboard", None,
        "does not speak CBOR, the only protocol of the Rust SDK's CloudWatch"),
    row(Ministack, "aws.iam.role", Some(Skip::Edit("no description")),
        "UpdateRole with an empty description leaves the old one"),
    row(Moto, "aws.secretsmanager.secret", Some(Skip::Edit("no description")),
        "UpdateSecret with an empty description leaves the old one"),
    row(Moto, "aws.secretsmanager.secret", Some(Skip::Edit("rotation")),
        "wants a function of its own, which it cannot run"),
    row(Moto, "aws.secretsmanager.secret", Some(Skip::Edit("rotation by the hour")),
        "wants a function of its own, which it cannot run"),
    row(Ministack, "aws.secretsmanager.secret", Some(Skip::Edit("rotation")),
        "has no CancelRotateSecret"),
    row(Ministack, "aws.secretsmanager.secret", Some(Skip::Edit("rotation by the hour")),
        "has no CancelRotateSecret"),
    row(Ministack, "aws.apigatewayv2.stage", Some(Skip::Edit("no access logs")),
        "DeleteAccessLogSettings deletes the stage"),
    row(Moto, "aws.s3.bucket", None,
        "GetBucketVersioning answers with a root element that the Rust SDK refuses"),
    row(Moto, "aws.s3.object", None,
        "GetBucketVersioning answers with a root element that the Rust SDK refuses"),
    row(Moto, "aws.lambda.function", Some(Skip::Edit("tracing and logs")),
        "UpdateFunctionConfiguration ignores tracing and logging"),
    row(Moto, "aws.apigatewayv2.authorizer", None, "has no GetAuthorizers"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("deployment")), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("metrics")), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("no throttling")), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("other throttling")), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("variables")), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("access logs")), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("no access logs")),
        "has no DeleteAccessLogSettings"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::ConfigureTwice), "UpdateStage answers 500"),
    row(Moto, "aws.apigatewayv2.stage", Some(Skip::Edit("tags")),
        "GetTags knows no stages"),
    row(Moto, "aws.dynamodb.table", Some(Skip::Edit("stream")),
        "a stream that was switched off cannot be switched on again"),
    row(Ministack, "aws.cognito.user_pool", Some(Skip::Edit("name")), "UpdateUserPool ignores the name"),
    row(Ministack, "aws.cognito.user_pool", Some(Skip::Edit("protection")),
        "deletes a pool that is protected"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::ConfigureTwice),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("name")),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("password")),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("second factor for all")),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("sign-up")),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("plan")),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("protection")),
        "UpdateUserPool forgets by what people log in"),
    row(Moto, "aws.cognito.user_pool", Some(Skip::Edit("tags")), "has no TagResource"),
    row(Ministack, "aws.cognito.user_pool_client", Some(Skip::Edit("rotation")),
        "UpdateUserPoolClient ignores rotation"),
    row(Moto, "aws.cognito.user_pool_domain", None, "forgets the version of the pages"),
    row(Moto, "aws.cognito.resource_server", None, "has no DeleteResourceServer"),
    row(Ministack, "aws.cognito.group", Some(Skip::Edit("description")), "has no UpdateGroup"),
    row(Ministack, "aws.cognito.group", Some(Skip::Edit("no description")), "has no UpdateGroup"),
    row(Ministack, "aws.cognito.group", Some(Skip::Edit("precedence")), "has no UpdateGroup"),
    row(Ministack, "aws.cognito.group", Some(Skip::Edit("role")), "has no UpdateGroup"),
    row(Ministack, "aws.cognito.group", Some(Skip::ConfigureTwice), "has no UpdateGroup"),
    row(Ministack, "aws.cognito.managed_login_branding", None, "has none"),
    row(Moto, "aws.cognito.managed_login_branding", None, "has none"),
    row(Moto, "aws.lambda.alias", Some(Skip::Edit("provisioned concurrency")),
        "has no provisioned concurrency"),
];

/// Whether the kind can be checked there at all.
pub(super) fn reachable(product: Product, kind: &str) -> bool {
    let mut rows = KNOWN.iter();
    !rows.any(|row| row.product == product && row.kind == kind && row.skip.is_none())
}

/// The checks that are left out.
pub(super) fn skips(product: Product, kind: &str) -> BTreeSet<Skip> {
    let rows = KNOWN.iter();
    rows.filter(|row| row.product == product && row.kind == kind)
        .filter_map(|row| row.skip)
        .collect()
}
