//! The kinds that there are, by name.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use super::erased::Erased;
use super::{DynKind, Kind, KindError, Placement};
use crate::address::KindName;

/// Where a kind's clients come from: one set for each placement.
pub trait ClientSource<C>: Send + Sync + 'static {
    /// The clients for resources in `placement`.
    ///
    /// # Errors
    /// When there can be none, e.g. because no region is set.
    fn clients(&self, placement: &Placement) -> Result<Arc<C>, KindError>;
}

/// For kinds that call nothing.
impl ClientSource<()> for () {
    fn clients(&self, _: &Placement) -> Result<Arc<()>, KindError> {
        Ok(Arc::new(()))
    }
}

/// The kinds by name.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Arc<dyn DynKind>>,
}

impl Registry {
    /// No kinds at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind whose clients come from `source`.
    ///
    /// # Panics
    /// When the name is taken or is not of the form that kinds' names take.
    pub fn add<K: Kind>(&mut self, source: Arc<impl ClientSource<K::Clients>>) {
        assert!(
            KindName::new(K::NAME).is_ok(),
            "`{}` is no kind's name",
            K::NAME
        );
        let kind: Arc<dyn DynKind> = Arc::new(Erased::<K, _> {
            source,
            kind: PhantomData,
            output_names: OnceLock::new(),
        });
        assert!(
            self.kinds.insert(K::NAME, kind).is_none(),
            "the kind `{}` is registered twice",
            K::NAME
        );
    }

    /// The kind of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn DynKind>> {
        self.kinds.get(name)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn DynKind>> {
        self.kinds.values()
    }
}
