//! The writes that must be durable, announced one by one, so that tests can make each of them fail.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A write that must be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// A journal is made.
    NewJournal,
    /// Records are added to it.
    Journal,
    /// A new content is written beside the file that it is to replace.
    Temporary,
    /// It takes that file's place.
    Rename,
    /// The folder itself.
    Folder,
    /// The journal goes.
    RemoveJournal,
}

/// Called before each durable write; an error takes the place of the write.
pub type BeforeWrite = dyn Fn(Write) -> io::Result<()> + Send + Sync;

/// Who is told of durable writes: usually nobody.
#[derive(Clone, Default)]
pub(crate) struct Watch(pub(crate) Option<Arc<BeforeWrite>>);

impl Watch {
    pub(crate) fn before(&self, write: Write) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |watch| watch(write))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watch" } else { "-" })
    }
}
