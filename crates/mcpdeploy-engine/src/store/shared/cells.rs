//! What a service must do so that a state can be shared in it.

use std::fmt;
use std::io;

use super::super::Version;

/// Small contents by key, each replaced as a whole, read by everybody as it was last written.
///
/// The methods wait for their answers. An implementation over an asynchronous client makes its
/// calls on a thread of its own: it is called from within asynchronous code as well.
pub trait Cells: fmt::Debug + Send + Sync {
    /// Where a key's content is, for messages.
    fn place(&self, key: &str) -> String;

    /// The content; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, key: &str) -> io::Result<Option<Cell>>;

    /// Writes a content if what is there is as expected.
    ///
    /// # Errors
    /// When it is not, or the content cannot be written. After [`PutError::Io`] it may be there all
    /// the same.
    fn put(&self, key: &str, bytes: &[u8], expect: Expect<'_>) -> Result<Version, PutError>;

    /// Removes a content; with a version, only if it is that one. There need not be one.
    ///
    /// # Errors
    /// When it is another, or it cannot be removed.
    fn remove(&self, key: &str, only: Option<&Version>) -> Result<(), PutError>;

    /// Several contents, in the order of their keys. Worth its own implementation where calls can be
    /// made at the same time.
    ///
    /// # Errors
    /// When one cannot be read.
    fn get_all(&self, keys: &[String]) -> io::Result<Vec<Option<Cell>>> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Removes several contents, in no order. Worth its own implementation where one call can do it.
    ///
    /// # Errors
    /// When one cannot be removed; others may be by then.
    fn remove_all(&self, keys: &[String]) -> io::Result<()> {
        for key in keys {
            match self.remove(key, None) {
                // Nothing was expected, so nothing can be unmet.
                Ok(()) | Err(PutError::Unmet) => {}
                Err(PutError::Io(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// The keys that begin so, in the order of their bytes.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn list(&self, prefix: &str) -> io::Result<Vec<String>>;
}

/// A content, and by what it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The content.
    pub bytes: Vec<u8>,
    /// Its version.
    pub version: Version,
}

/// What must be there for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nothing.
    Absent,
    /// This version.
    Version(&'a Version),
}

/// Why a content was not written.
#[derive(Debug)]
pub enum PutError {
    /// What is there is not what was expected. Nothing was written.
    Unmet,
    /// It failed, or its answer was lost.
    Io(io::Error),
}
