//! Who may read tables, and who may change them.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Those of tables that are read together. Passes read them at the same time; a step waits until no pass does, and holds up those to come, so that a pass
/// reads all tables as they were before a step or as they are after it. Each table has a lock of its own beside it, which is not enough: a step changes one
/// table after the other. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<RwLock<()>>);

impl Turns {
    /// For a pass. The thread that has it takes none of the same tables again, as a step may wait in between.
    pub(crate) fn pass(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each of `all` once, in one order for whoever asks, so that no two steps wait for each other.
    pub(crate) fn in_order<'a>(all: impl Iterator<Item = &'a Self>) -> Vec<Self> {
        let mut all: Vec<_> = all.cloned().collect();
        all.sort_by_key(|turns| Arc::as_ptr(&turns.0).addr());
        all.dedup_by(|one, other| Arc::ptr_eq(&one.0, &other.0));
        all
    }

    /// For a step that changes tables of all of these, which are [`Turns::in_order`].
    pub(crate) fn step_of(all: &[Self]) -> Vec<RwLockWriteGuard<'_, ()>> {
        all.iter().map(Self::step).collect()
    }
}
