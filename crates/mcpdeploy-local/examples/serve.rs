//! Serves an embedded cloud until it is killed: `cargo run -p mcpdeploy-local --example serve -- [PORT] [DATA]`.
//! What users run is `mcpdeploy local up`; this one builds in seconds, for work on the cloud itself.

use mcpdeploy_local::{Cloud, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map(|text| text.parse()).transpose()?;
    let data = arguments.next().map(Into::into);
    let settings = Settings {
        port,
        data,
        ..Settings::default()
    };
    let cloud = Cloud::start(settings).await?;
    tracing::info!(endpoint = cloud.endpoint(), "serving");
    std::future::pending().await
}
