//! Work that all threads share, waited for by threads of ours.
//!
//! One of the four of Node's pool that waited for it would keep files and short texts waiting too.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Either, Object};

use crate::error::{Code, Error, Result};
use crate::later::{Deliver, Later, later};
use crate::own_thread::{Promised, cancel_at_end};
use crate::task::{Work, catching};

/// So many pieces of work share the threads of the pool at a time; more of them wait.
const AT_A_TIME: usize = 4;

type Order = Box<dyn FnOnce() + Send>;

/// What is to be done, once there are threads that do it.
static ORDERS: Mutex<Option<Sender<Order>>> = Mutex::new(None);

/// A promise of what `work` makes on a thread that may wait for all others. `cancel`, which stops it, is also set when the environment ends.
pub fn on_waiting_thread<'env, T: Deliver>(
    env: &'env Env,
    cancel: &Arc<AtomicBool>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Object<'env>> {
    cancel_at_end(*env, cancel)?;
    let orders = orders()?;
    let (promised, promise) = Promised::new(env)?;
    let order = move || promised.settle(catching(work));
    orders.send(Box::new(order)).map_err(|_| Error::new(Code::Internal, "the threads have ended"))?;
    Ok(promise)
}

/// A promise: of what a thread of Node's makes, or [`on_waiting_thread`].
pub type Pending<'env, T> = Either<AsyncTask<Work<Later<T>>>, Object<'env>>;

/// A promise of what `work` makes, which waits for all threads when it `is_large`.
pub fn pending<'env, T: Deliver>(
    env: &'env Env,
    is_large: bool,
    cancel: &Arc<AtomicBool>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Pending<'env, T>> {
    if is_large { on_waiting_thread(env, cancel, work).map(Either::B) } else { Ok(Either::A(later(work))) }
}

/// Where threads of ours take work from.
fn orders() -> Result<Sender<Order>> {
    let mut orders = ORDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(orders) = &*orders {
        return Ok(orders.clone());
    }
    let (sender, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..AT_A_TIME {
        let receiver = Arc::clone(&receiver);
        let spawned = thread::Builder::new().name("tokenmill waits".to_owned()).spawn(move || take_orders(&receiver));
        spawned.map_err(|error| Error::new(Code::Limit, format!("the system does not give a thread: {error}")))?;
    }
    Ok(orders.insert(sender).clone())
}

fn take_orders(orders: &Mutex<Receiver<Order>>) {
    loop {
        let next = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(order) = next else { return };
        order();
    }
}
