//! What filters give in Python that make no list: a generator, which is true whatever is in it, has no length and no items, and gives each of its
//! values once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};

/// Values that are there once. They are worked out already: one that works them out when asked could nest without a limit.
#[derive(Debug)]
pub(super) struct Generated(Mutex<VecDeque<Value>>);

impl Generated {
    pub fn value(values: Vec<Value>) -> Value {
        Value::from_object(Self(Mutex::new(values.into())))
    }

    fn next(&self) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What is left, which stays.
    pub fn rest(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Object for Generated {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let values = self.clone();
        Enumerator::Iter(Box::new(std::iter::from_fn(move || values.next())))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        None
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

pub(super) fn is_generated(value: &Value) -> bool {
    value.downcast_object_ref::<Generated>().is_some()
}
