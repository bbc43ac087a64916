//! What runs inside Lambda beside the user's server, or before it: the bridges to servers that know
//! no Lambda, and the OAuth facade.
//!
//! It owns the loop of the Lambda Runtime API and the form of its events. It must not know the
//! engine, the configuration or any AWS SDK: all it is told comes in environment variables, and the
//! secrets that these name.

pub mod aws;
pub mod bridge;
pub mod event;
pub mod facade;
pub mod lambda;
pub mod link;
pub mod log;
pub mod oauth;
pub mod outbound;
pub mod settings;
