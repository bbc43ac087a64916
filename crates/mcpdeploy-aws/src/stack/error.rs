//! What of a file cannot be made into resources.

use std::fmt;

/// Everything that cannot be made into resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackErrors(pub Vec<StackError>);

impl fmt::Display for StackErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            fmt::Display::fmt(error, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for StackErrors {}

/// One thing that cannot be made into resources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackError {
    /// Something under a key of the file.
    #[error("{message}")]
    Key {
        /// The dotted path of the key, e.g. `server.name`.
        key: &'static str,
        /// What is wrong.
        message: String,
        /// How to mend it.
        help: String,
    },
    /// Something in an entry of `[[resources]]`.
    #[error("{address}: {message}")]
    Resource {
        /// The entry's address, as written.
        address: String,
        /// The JSON pointer into its inputs, or empty.
        pointer: String,
        /// What is wrong.
        message: String,
    },
}
