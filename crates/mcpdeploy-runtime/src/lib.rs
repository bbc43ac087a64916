//! What runs inside Lambda beside the user's server: the OAuth facade and what it needs of the network.
//!
//! It knows neither the engine nor the AWS SDK: what it must know comes as settings.

pub mod facade;
pub mod outbound;
