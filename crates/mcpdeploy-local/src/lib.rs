//! The embedded cloud: a small, faithful AWS on loopback that really runs what is deployed to it.
//!
//! Two ways in, one cloud behind them: [`Cloud::http_client`] for SDK clients of this process, and
//! a loopback port for every other program (`--endpoint-url`). What is created is kept in a data
//! folder and outlives the process.
//!
//! | module | owns |
//! |---|---|
//! | `cloud` | one running cloud: its services, its folder, its port |
//! | `wire` | what goes over the wire: which service and operation, in which protocol |
//! | `storage` | rows that survive a restart |
//! | `switches` | latency, throttling, faults: what is made worse on purpose |
//! | `services` | one module a service: what it keeps, what it answers |
//!
//! It must not know how plans are made, nor who calls it: it is an AWS for anybody.

mod client;
mod cloud;
mod doors;
mod running;
mod seen;
mod server;
mod services;
mod storage;
mod switches;
mod wire;

pub use cloud::{Cloud, OpenError, Settings};
pub use running::{ApiStatus, FunctionStatus, LockError, Running, Status, TalkError};
pub use seen::Seen;
pub use storage::ReadError;
pub use switches::{Fault, FaultKind, Latency, SwitchError, Switches, Throttle, duration};
