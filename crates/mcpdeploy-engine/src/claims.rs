//! Which objects are whose: no two resources may take the same object for theirs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::address::{KindName, PhysicalId};
use crate::kind::Placement;
use crate::state::State;

/// The ids that the state has, by kind and place.
#[derive(Debug, Default)]
pub(crate) struct Claims(HashMap<(KindName, Placement), HashSet<PhysicalId>>);

impl Claims {
    pub(crate) fn of(state: &State) -> Self {
        let mut claims = Self::default();
        for (address, resource) in &state.resources {
            for instance in resource.instances() {
                claims.add(address.kind(), &instance.placement, &instance.id);
            }
        }
        claims
    }

    pub(crate) fn add(&mut self, kind: &KindName, placement: &Placement, id: &PhysicalId) {
        let ids = self.0.entry((kind.clone(), placement.clone())).or_default();
        ids.insert(id.clone());
    }

    /// The object is gone; another one may have its id, if that is a name.
    pub(crate) fn remove(&mut self, kind: &KindName, placement: &Placement, id: &PhysicalId) {
        if let Some(ids) = self.0.get_mut(&(kind.clone(), placement.clone())) {
            ids.remove(id);
        }
    }

    pub(crate) fn has(&self, kind: &KindName, placement: &Placement, id: &PhysicalId) -> bool {
        self.0
            .get(&(kind.clone(), placement.clone()))
            .is_some_and(|ids| ids.contains(id))
    }

    /// All ids of that kind in that place but one, sorted.
    pub(crate) fn others(
        &self,
        kind: &KindName,
        placement: &Placement,
        but: Option<&PhysicalId>,
    ) -> Arc<[PhysicalId]> {
        let ids = self.0.get(&(kind.clone(), placement.clone()));
        let mut ids: Vec<PhysicalId> = ids
            .into_iter()
            .flatten()
            .filter(|id| Some(*id) != but)
            .cloned()
            .collect();
        ids.sort_unstable();
        ids.into()
    }
}
