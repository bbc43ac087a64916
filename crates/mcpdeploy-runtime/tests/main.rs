//! The built bootstrap, between a Runtime API on loopback and servers that are real processes.

mod http;
mod lambda;
