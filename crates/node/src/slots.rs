//! What a thread keeps by number: a method of a napi class would spend more time on finding and guarding its object than on a short text.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::error::{Code, Error, Result};

/// Values of a thread, by number. They are borrowed only while a call runs, and calls do not nest.
pub struct Slots<T>(RefCell<Vec<Option<Box<T>>>>);

impl<T> Slots<T> {
    pub const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// The number of a new one.
    fn add(&self, value: Box<T>) -> u32 {
        let mut all = self.0.borrow_mut();
        let free = all.iter().position(Option::is_none).unwrap_or_else(|| {
            all.push(None);
            all.len() - 1
        });
        all[free] = Some(value);
        free as u32
    }

    /// Calls with that of `number`, which is not to be asked for again inside.
    pub fn with<R>(&self, number: u32, call: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        match self.0.borrow_mut().get_mut(number as usize) {
            Some(Some(value)) => call(value),
            _ => Err(Error::new(Code::Internal, format!("this thread has no encoder {number}"))),
        }
    }

    /// Gives the number back.
    fn remove(&self, number: u32) {
        if let Ok(mut all) = self.0.try_borrow_mut() {
            all[number as usize] = None;
        }
    }
}

/// A place among those of this thread, given back when this is dropped.
pub struct Slot<T: 'static> {
    number: u32,
    all: &'static LocalKey<Slots<T>>,
}

impl<T> Slot<T> {
    pub fn new(all: &'static LocalKey<Slots<T>>, value: T) -> Self {
        Self { number: all.with(|all| all.add(Box::new(value))), all }
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    /// Calls with what is there, which is not to be asked for again inside.
    pub fn with<R>(&self, call: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        self.all.with(|all| all.with(self.number, call))
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        // When the thread ends all may be gone already.
        _ = self.all.try_with(|all| all.remove(self.number));
    }
}
