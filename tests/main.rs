//! Drives the built binary as a user would, in the embedded cloud and against emulators that
//! nobody here wrote.
//!
//! One test binary, one module a theme: the program is linked once.

mod bad_input;
mod bootstraps;
mod canaries;
mod checks;
mod clouds;
mod deploy;
mod files;
mod interrupt;
mod judges;
mod kinds;
mod local;
mod logins;
mod protected;
mod resources;
mod secrets;
mod stores;
mod support;
mod transports;
mod whole;
