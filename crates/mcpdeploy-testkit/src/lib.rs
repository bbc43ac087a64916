//! For tests only: a cloud in memory, kinds that live in it, faults at any call, and graphs.
//!
//! [`FakeCloud`] keeps its own truth, apart from the engine's state, so that a test can ask what
//! really exists. [`Lab`] runs the engine on it the way the command line does, and can end a run
//! at any call as a killed process would. [`server`] is for clients: whatever a server might say.

mod cells;
pub mod check_kind;
mod check_store;
mod cloud;
mod disk;
mod fake;
mod fault;
pub mod hostile;
mod killable;
mod lab;
mod picture;
mod rng;
pub mod server;
mod stack;
mod weather;

pub use cells::MemoryCells;
pub use check_store::{Open, check_migration, check_store, hammer};
pub use cloud::{Call, FakeCloud, Object};
pub use disk::{Disk, Moment};
pub use fake::{
    Child, FakeInputs, FakeOutputs, Free, Left, Named, Right, Slow, Tagged, Version, register,
};
pub use fault::{At, CallOp, Fault};
pub use killable::killable;
pub use lab::{Failed, Lab, Ran, run_info};
pub use picture::Picture;
pub use rng::Rng;
pub use stack::{Stack, chains, layered, owner_tags};
