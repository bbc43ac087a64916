//! Drives the built binary as a user would, against emulators that nobody here wrote.
//!
//! One test binary, one module a theme: the program is linked once.

mod bad_input;
mod checks;
mod deploy;
mod files;
mod interrupt;
mod kinds;
mod resources;
mod support;
