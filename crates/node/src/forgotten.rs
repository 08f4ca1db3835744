//! Values of JavaScript objects that are no more.
//!
//! Node calls finalizers between turns of the event loop, however often the garbage collector runs in one: a loop that forgets a tensor in each round would keep all of
//! them. So whoever makes a value first looks which objects of earlier ones were collected, once enough has been made to be worth it.

use std::cell::RefCell;
use std::ptr;
use std::rc::{Rc, Weak};

use napi::bindgen_prelude::{ClassInstance, JavaScriptClassExt};
use napi::{Env, check_status, sys};

use crate::error::{Result, from_napi};
use crate::held::Held;

/// From so many bytes on, a value is watched. An object without a value takes about as much, and keeps it.
const WATCHED_FROM: usize = 1 << 10;
/// A look is due when so many bytes were made after the last one.
const BYTES: usize = 1 << 20;
/// And when what stayed at the last look is at most so many times as many as came after it: what a look costs is then a part of what it cost to make these.
const STAYED: usize = 64;

thread_local! {
    /// The values of this thread's objects.
    static WATCHED: RefCell<Watches> = const { RefCell::new(Watches { all: Vec::new(), stayed: 0, bytes: 0 }) };
    /// Environments at whose end theirs are taken out, because what comes later may have the same address.
    static ENVIRONMENTS: RefCell<Vec<sys::napi_env>> = const { RefCell::new(Vec::new()) };
}

struct Watches {
    all: Vec<Watched>,
    /// How many stayed at the last look.
    stayed: usize,
    /// The bytes of those that came after it.
    bytes: usize,
}

impl Watches {
    fn look_is_due(&self) -> bool {
        self.bytes >= BYTES && self.all.len().saturating_sub(self.stayed) * STAYED >= self.stayed
    }

    /// Takes those out that have ended.
    fn look(&mut self, env: Env) -> Vec<Watched> {
        let ended = self.all.extract_if(.., |watched| watched.has_ended(env)).collect();
        (self.stayed, self.bytes) = (self.all.len(), 0);
        ended
    }
}

struct Watched {
    env: sys::napi_env,
    /// Does not keep the object.
    object: sys::napi_ref,
    value: Weak<dyn Release>,
}

/// What lets its value go before its finalizer is called.
trait Release {
    /// Whether there is a value.
    fn holds(&self) -> bool;

    fn release(&self, env: Env) -> Result<()>;
}

impl<T: Clone> Release for Held<T> {
    fn holds(&self) -> bool {
        self.get().is_ok()
    }

    fn release(&self, env: Env) -> Result<()> {
        Self::release(self, env)
    }
}

/// The object that `make` gives, of which `held` has the value. Before that, memory of objects that JavaScript has forgotten is let go, which `make` can then
/// use.
pub fn watched<T: JavaScriptClassExt, V: Clone + 'static>(
    env: &Env,
    make: impl FnOnce() -> Result<T>,
    held: impl FnOnce(&T) -> &Rc<Held<V>>,
) -> Result<ClassInstance<'_, T>> {
    release_forgotten(*env)?;
    let made = make()?;
    let value = Rc::clone(held(&made));
    let instance = made.into_instance(env).map_err(|error| from_napi(&error))?;
    watch(*env, instance.value, &value)?;
    Ok(instance)
}

/// Lets the value of `object` go at a [`release_forgotten`] after the object was collected.
fn watch<T: Clone + 'static>(env: Env, object: sys::napi_value, value: &Rc<Held<T>>) -> Result<()> {
    let bytes = value.bytes();
    if bytes < WATCHED_FROM {
        return Ok(());
    }
    let is_new = ENVIRONMENTS.with_borrow(|all| !all.contains(&env.raw()));
    if is_new {
        env.add_env_cleanup_hook(env.raw(), forget_environment).map_err(|error| from_napi(&error))?;
        ENVIRONMENTS.with_borrow_mut(|all| all.push(env.raw()));
    }
    let mut reference = ptr::null_mut();
    // SAFETY: the object was made in this environment.
    check_status!(unsafe { sys::napi_create_reference(env.raw(), object, 0, &raw mut reference) })
        .map_err(|error| from_napi(&error))?;
    let value: Weak<Held<T>> = Rc::downgrade(value);
    let watched = Watched { env: env.raw(), object: reference, value };
    WATCHED.with_borrow_mut(|watches| {
        watches.all.push(watched);
        watches.bytes = watches.bytes.saturating_add(bytes);
    });
    Ok(())
}

fn forget_environment(ended: sys::napi_env) {
    ENVIRONMENTS.with_borrow_mut(|all| all.retain(|&env| env != ended));
    WATCHED.with_borrow_mut(|watches| {
        watches.all.retain(|watched| watched.env != ended);
        watches.stayed = watches.stayed.min(watches.all.len());
    });
}

/// Lets the values go whose objects were collected, when a look is due.
fn release_forgotten(env: Env) -> Result<()> {
    if !WATCHED.with_borrow(Watches::look_is_due) {
        return Ok(());
    }
    let ended = in_scope(env, || WATCHED.with_borrow_mut(|watches| watches.look(env)))?;
    for Watched { object, value, .. } in ended {
        // SAFETY: `has_ended` says that it is of this environment; nobody else has it.
        check_status!(unsafe { sys::napi_delete_reference(env.raw(), object) }).map_err(|error| from_napi(&error))?;
        if let Some(value) = value.upgrade() {
            value.release(env)?;
        }
    }
    Ok(())
}

/// Does `work`, and lets the handles go that it makes. Those of objects that are asked for would else last for the whole call, and with them the objects: a collection
/// that the call brings about, by the memory that it accounts for, would find none.
fn in_scope<T>(env: Env, work: impl FnOnce() -> T) -> Result<T> {
    let mut scope = ptr::null_mut();
    // SAFETY: the environment is that of the call.
    check_status!(unsafe { sys::napi_open_handle_scope(env.raw(), &raw mut scope) })
        .map_err(|error| from_napi(&error))?;
    let done = work();
    // SAFETY: it was opened above, and `work` leaves none open.
    check_status!(unsafe { sys::napi_close_handle_scope(env.raw(), scope) }).map_err(|error| from_napi(&error))?;
    Ok(done)
}

impl Watched {
    /// Whether there is nothing to watch any more: the value was let go, or the object was collected.
    fn has_ended(&self, env: Env) -> bool {
        if self.env != env.raw() {
            return false;
        }
        if !self.value.upgrade().is_some_and(|value| value.holds()) {
            return true;
        }
        let mut object = ptr::null_mut();
        // SAFETY: the reference is of this environment, and was not deleted.
        let status = unsafe { sys::napi_get_reference_value(env.raw(), self.object, &raw mut object) };
        status == sys::Status::napi_ok && object.is_null()
    }
}
