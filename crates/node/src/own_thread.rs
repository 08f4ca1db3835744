//! Work that may take hours, on a thread of its own.
//!
//! The threads of Node's pool, of which there are four, open files and look names up as well: work that keeps one of them for long stops what else
//! the process does, and the end of the process waits for it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Weak};
use std::thread;

use napi::bindgen_prelude::Object;
use napi::{Env, JsDeferred};

use crate::error::{Code, Error, Result, from_napi};
use crate::later::Deliver;
use crate::task::{catching, settle};

/// A promise that any thread settles, once. One that is dropped before that keeps the event loop of its environment alive.
pub struct Promised<T: Deliver>(JsDeferred<T::JsValue, Settle<T::JsValue>>);

/// Runs on the thread of the environment.
type Settle<V> = Box<dyn FnOnce(Env) -> napi::Result<V>>;

impl<T: Deliver> Promised<T> {
    /// What settles it, and the promise.
    pub fn new(env: &Env) -> Result<(Self, Object<'_>)> {
        let (deferred, promise) = env.create_deferred().map_err(|error| from_napi(&error))?;
        Ok((Self(deferred), promise))
    }

    /// Delivers `outcome`; nobody when the environment has ended.
    pub fn settle(self, outcome: Result<T>) {
        self.0.resolve(Box::new(move |env| settle(env, outcome, T::deliver)));
    }
}

/// A promise of what `work` makes on a thread that is its own. It gets the flag `cancel`, which is also set when the environment ends, a worker thread
/// for example: nobody waits for the result then.
pub fn on_own_thread<T: Deliver>(
    env: &Env,
    cancel: Arc<AtomicBool>,
    work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
) -> Result<Object<'_>> {
    cancel_at_end(*env, &cancel)?;
    // The thread is there before the promise, which would never be settled if there were none.
    let (hand, handed) = sync_channel::<Promised<T>>(1);
    let run = move || {
        if let Ok(promised) = handed.recv() {
            promised.settle(catching(|| work(&cancel)));
        }
    };
    let spawned = thread::Builder::new().name("tokenmill work".to_owned()).spawn(run);
    spawned.map_err(|error| Error::new(Code::Limit, format!("the system does not give a thread: {error}")))?;
    let (promised, promise) = Promised::new(env)?;
    hand.send(promised).map_err(|_| Error::new(Code::Internal, "the thread has ended"))?;
    Ok(promise)
}

thread_local! {
    /// Flags of work of the environment of this thread, which has a hook when there are any.
    static RUNNING: RefCell<Option<Vec<Weak<AtomicBool>>>> = const { RefCell::new(None) };
}

/// Sets `cancel` when the environment ends.
pub fn cancel_at_end(env: Env, cancel: &Arc<AtomicBool>) -> Result<()> {
    RUNNING.with_borrow_mut(|running| {
        if running.is_none() {
            let end = |()| {
                for cancel in RUNNING.take().into_iter().flatten().filter_map(|cancel| cancel.upgrade()) {
                    cancel.store(true, Ordering::Relaxed);
                }
            };
            env.add_env_cleanup_hook((), end).map_err(|error| from_napi(&error))?;
        }
        let running = running.get_or_insert_default();
        running.retain(|cancel| cancel.strong_count() > 0);
        running.push(Arc::downgrade(cancel));
        Ok(())
    })
}
