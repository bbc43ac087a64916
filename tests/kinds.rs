//! The contract of every kind, in the embedded cloud and on emulators that nobody here wrote.
//!
//! A kind's case is in [`cases`], what its emulator does wrong in [`known`]; what is checked is
//! said in the testkit's `check_kind`.

mod cases;
pub(crate) mod inventory;
mod known;
pub(crate) mod place;
pub(crate) mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use mcpdeploy_aws::clients::ClientFactory;
use mcpdeploy_engine::kind::Registry;
use mcpdeploy_testkit::check_kind::{Case, Depth, check_kind};

use self::place::{Ground, Place};
use crate::support::emulator::{Emulator, Product};

/// How many accounts one test uses at a time: enough to wait for many functions together where an
/// account costs nothing.
const fn at_once(product: Product) -> usize {
    match product {
        Product::Embedded | Product::Ministack => 24,
        Product::Moto => 4,
    }
}

/// Checks a kind on one ground.
fn check(ground: Ground, case: fn(&Place) -> Case) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let new = async || {
        let place = Place::new(ground).await;
        let mut case = case(&place);
        if case.subject.kind().as_str() == "aws.cognito.identity_provider" {
            place.give_secret().await;
        }
        case.skips = known::skips(place.product, case.subject.kind().as_str());
        (place, case)
    };
    // What an edit does when calls fail is the kind's doing, whichever the cloud.
    let everywhere = std::env::var_os("MCPDEPLOY_CHECK_ALL").is_some();
    let depth = match ground.product() {
        Product::Embedded => Depth::Whole,
        Product::Ministack | Product::Moto if everywhere => Depth::Whole,
        Product::Ministack | Product::Moto => Depth::CleanEdits,
    };
    let broken = runtime.block_on(check_kind(new, depth, at_once(ground.product())));
    let list: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(
        list.is_empty(),
        "{} broken:\n{}",
        list.len(),
        list.join("\n")
    );
}

/// A module of tests for each kind, and the list of the kinds that have one.
macro_rules! kinds {
    ($($name:ident: $kind:literal;)*) => {
        /// The kinds that are checked.
        const CHECKED: &[&str] = &[$($kind),*];

        $(mod $name {
            use super::{Emulator, Ground, Product, cases, check, known};

            #[test]
            fn in_the_embedded_cloud() {
                check(Ground::Embedded, cases::$name);
            }

            #[test]
            fn on_ministack() {
                if known::reachable(Product::Ministack, $kind) {
                    check(Ground::Emulator(Emulator::ministack()), cases::$name);
                }
            }

            #[test]
            fn on_moto() {
                if known::reachable(Product::Moto, $kind) {
                    check(Ground::Emulator(Emulator::moto()), cases::$name);
                }
            }
        })*
    };
}

kinds! {
    alarm: "aws.cloudwatch.alarm";
    alias: "aws.lambda.alias";
    api: "aws.apigatewayv2.api";
    authorizer: "aws.apigatewayv2.authorizer";
    bucket: "aws.s3.bucket";
    dashboard: "aws.cloudwatch.dashboard";
    function: "aws.lambda.function";
    identity_provider: "aws.cognito.identity_provider";
    integration: "aws.apigatewayv2.integration";
    kms_alias: "aws.kms.alias";
    kms_key: "aws.kms.key";
    log_group: "aws.logs.log_group";
    login_branding: "aws.cognito.managed_login_branding";
    object: "aws.s3.object";
    parameter: "aws.ssm.parameter";
    permission: "aws.lambda.permission";
    resource_server: "aws.cognito.resource_server";
    role: "aws.iam.role";
    route: "aws.apigatewayv2.route";
    secret: "aws.secretsmanager.secret";
    stage: "aws.apigatewayv2.stage";
    subscription: "aws.sns.subscription";
    table: "aws.dynamodb.table";
    topic: "aws.sns.topic";
    user_group: "aws.cognito.group";
    user_pool: "aws.cognito.user_pool";
    user_pool_client: "aws.cognito.user_pool_client";
    user_pool_domain: "aws.cognito.user_pool_domain";
    version: "aws.lambda.version";
}

#[test]
fn every_kind_is_checked() {
    let mut registry = Registry::new();
    mcpdeploy_aws::kinds::register(&mut registry, &Arc::new(ClientFactory::offline()));
    let registered: BTreeSet<&str> = registry.iter().map(|kind| kind.name()).collect();
    assert_eq!(CHECKED.iter().copied().collect::<BTreeSet<_>>(), registered);
}
