//! Owns the shape check: does every key exist, and does every value have the type, range and
//! pattern that the schema asks for? Collects every mistake instead of stopping at the first.

mod advice;
mod known;
mod shape;
mod unknown;
mod words;

pub(crate) use shape::{check, check_names};
pub(crate) use words::closest;
