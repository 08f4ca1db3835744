//! What comes in the place of a part of the cache that was too small.

use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

/// A part that is twice as large. A thread of its own takes its memory from the system, which is what takes longest: .2 ms for each large page, and 7 ms where a
/// guest has to ask its host for it. Then the part is filled a step at a time, and until it is full the one before is used as if there were no other.
pub(super) enum Next<T> {
    None,
    /// The thread sends it.
    Coming(Receiver<T>),
    /// It is being filled.
    Here(T),
}

impl<T: Send + 'static> Next<T> {
    /// Has `make` make it, and take its memory. There is none when there is no memory for it, or no thread to be had.
    pub fn make(&mut self, make: impl FnOnce() -> Option<T> + Send + 'static) {
        let (sender, receiver) = sync_channel(1);
        let is_there = aside(move || {
            if let Some(part) = make() {
                // Nobody waits for it where the cache is no more.
                let _ = sender.send(part);
            }
        });
        if is_there {
            *self = Self::Coming(receiver);
        }
    }

    /// It, once its memory is there.
    pub fn here(&mut self) -> Option<&mut T> {
        if let Self::Coming(receiver) = self {
            match receiver.try_recv() {
                Ok(part) => *self = Self::Here(part),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => *self = Self::None,
            }
        }
        if let Self::Here(part) = self { Some(part) } else { None }
    }

    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Waits until its memory is there.
    #[cfg(test)]
    pub fn wait(&mut self) {
        while matches!(self, Self::Coming(_)) {
            self.here();
            thread::yield_now();
        }
    }

    /// Takes it out.
    pub fn take(&mut self) -> Option<T> {
        if let Self::Here(part) = std::mem::replace(self, Self::None) { Some(part) } else { None }
    }
}

/// Drops `part` on another thread where there is one: small pages of 32 MiB take 3 ms to give back.
pub(super) fn drop_aside<T: Send + 'static>(part: T) {
    aside(move || drop(part));
}

/// Does `work` on a thread of its own, which gives way to others; `false`: there is none, and `work` was dropped.
fn aside(work: impl FnOnce() + Send + 'static) -> bool {
    let run = move || {
        give_way();
        work();
    };
    thread::Builder::new().name("tokenmill cache".to_owned()).stack_size(256 << 10).spawn(run).is_ok()
}

/// Makes this thread one that others are preferred to: where there is one processor, a call would else wait for it for some milliseconds.
fn give_way() {
    #[cfg(target_os = "linux")]
    // SAFETY: a call of the system about this thread alone. Where it is refused there is no harm.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_from_another_thread() {
        let mut next = Next::None;
        assert!(next.is_none() && next.here().is_none() && next.take().is_none());
        next.make(|| Some(vec![thread::current().id()]));
        assert!(!next.is_none());
        next.wait();
        next.here().expect("it has come").push(thread::current().id());
        let ids = next.take().expect("it has come");
        assert!(ids.len() == 2 && ids[0] != ids[1] && next.is_none());
    }

    #[test]
    fn there_is_none_where_it_cannot_be_made() {
        let mut next = Next::<u32>::None;
        for make in [|| None, || panic!("of a test")] {
            next.make(make);
            assert!(!next.is_none());
            next.wait();
            assert!(next.is_none());
        }
    }
}
