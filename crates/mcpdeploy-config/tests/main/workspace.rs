//! The project that `cargo pmcp deploy init` leaves behind loads as it is.

use std::path::Path;

use mcpdeploy_config::{AuthProvider, TargetKind};

use crate::good;

#[test]
fn an_existing_project_loads_without_edits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/pmcp-workspace/.pmcp/deploy.toml");
    let loaded = good(&std::fs::read_to_string(path).expect("the fixture is there"));
    let config = &loaded.config;
    assert_eq!(config.target.kind, TargetKind::AwsLambda);
    assert_eq!(config.aws.region.as_deref(), Some("us-east-1"));
    assert_eq!(config.deployment_name(), "calculator");
    assert_eq!(config.environment["RUST_LOG"], "info");
    assert!(config.secrets.is_empty());
    assert!(!config.auth.enabled);
    assert_eq!(config.auth.provider, AuthProvider::None);
    assert!(config.observability.enable_xray && config.observability.create_dashboard);
    assert_eq!(config.observability.alarms.error_threshold, Some(10));
    assert_eq!(config.observability.alarms.latency_threshold_ms, Some(5000));
    let notes: Vec<&str> = loaded
        .notes
        .iter()
        .map(|note| note.message.as_str())
        .collect();
    assert_eq!(
        notes,
        [
            "login is off: under `[auth]`, callback_urls, dcr, scopes do nothing",
            "`[composition]` belongs to another tool and does nothing here",
        ]
    );
}
