//! The few calls of AWS that the runtime makes itself: JSON over https, signed with the function's
//! own credentials.
//!
//! The SDK would be larger than all the rest of the binary. It owns how a call is signed, sent and
//! tried again; a service is a file here with a `Service` of its own. What is asked for and what it
//! answers is in no error: operation and error code are.

mod call;
mod credentials;
mod secrets;
mod sign;

pub use call::{Aws, AwsError};
pub use secrets::Stage;

#[cfg(test)]
mod tests;
