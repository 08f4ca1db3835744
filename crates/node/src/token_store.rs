//! Datasets that are read at any place.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Float64Array, Float64ArraySlice, Int32ArraySlice, Object, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_corpus::{DType, Mode, Store, survey, verify};

use crate::apart::check_apart;
use crate::arrays::to_array;
use crate::cancel::CancelFlag;
use crate::corpus_convert::{coded, number, place};
use crate::error::{Code, Error, Result};
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::memory::{collected, room, try_collected};
use crate::own_thread::on_own_thread;
use crate::pool::on_all_threads;
use crate::task::Work;
use crate::waiting::{Pending, pending};

/// Gathers of more ids are worth the threads of the pool.
const MANY: usize = 1 << 16;

/// The ids of a split of a dataset, or of a file. What is asked for is copied: no array of JavaScript is a view of a file.
#[napi]
pub struct StoreHandle {
    store: Held<Arc<Store>>,
    manifest: String,
}

/// A store on its way to JavaScript, with its manifest as JSON.
pub struct Opened(Store, String);

impl Deliver for Opened {
    type JsValue = StoreHandle;

    fn deliver(self, _env: Env) -> Result<StoreHandle> {
        Ok(StoreHandle { store: Held::shared("token store", Arc::new(self.0)), manifest: self.1 })
    }
}

#[napi]
impl StoreHandle {
    /// `split` of the dataset in `folder`; `mapped`, or read by position.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreHandle>")]
    pub fn open(folder: String, split: String, mapped: bool) -> AsyncTask<Work<Later<Opened>>> {
        later(move || {
            let (store, manifest) = Store::open(&PathBuf::from(folder), &split, mode(mapped)).map_err(coded)?;
            Ok(Opened(store, manifest.to_json().map_err(coded)?))
        })
    }

    /// A file of ids of two bytes, or `wide` ones of four.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreHandle>")]
    pub fn open_file(path: String, wide: bool, mapped: bool) -> AsyncTask<Work<Later<Opened>>> {
        let dtype = if wide { DType::U32 } else { DType::U16 };
        later(move || {
            let store = Store::open_file(&PathBuf::from(path), dtype, mode(mapped)).map_err(coded)?;
            Ok(Opened(store, String::new()))
        })
    }

    /// As JSON; empty for a file.
    #[napi(getter, catch_unwind)]
    pub fn manifest(&self) -> String {
        self.manifest.clone()
    }

    #[napi(getter, catch_unwind)]
    pub fn length(&self) -> Result<f64> {
        Ok(number(self.store.get()?.len()))
    }

    #[napi(getter, catch_unwind, ts_return_type = "'uint16' | 'uint32'")]
    pub fn dtype(&self) -> Result<String> {
        Ok(self.store.get()?.dtype().name().to_owned())
    }

    /// Absent for a file.
    #[napi(getter, catch_unwind)]
    pub fn document_count(&self) -> Result<Option<f64>> {
        Ok(self.store.get()?.document_count().map(number))
    }

    /// Writes the ids from `start` on to `out`, as many as it is long.
    #[napi(catch_unwind)]
    pub fn copy(&self, start: f64, mut out: Uint32ArraySlice<'_>) -> Result<()> {
        // SAFETY: nobody else looks at the array while this call runs.
        let out = unsafe { out.as_mut() };
        self.store.get()?.copy(place("start", start)?, out).map_err(coded)
    }

    /// Writes the rows of `length` ids from each of `starts` on to `out`.
    #[napi(catch_unwind)]
    pub fn gather(&self, starts: Float64ArraySlice<'_>, length: u32, mut out: Uint32ArraySlice<'_>) -> Result<()> {
        // SAFETY: nobody else looks at the array while this call runs.
        gather(&*self.store.get()?, &places(&starts)?, length as usize, unsafe { out.as_mut() })
    }

    /// [`StoreHandle::gather`] on a worker thread, into a new array.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn gather_async<'env>(
        &self,
        env: &'env Env,
        starts: Float64ArraySlice<'_>,
        length: u32,
    ) -> Result<Pending<'env, Vec<u32>>> {
        let (store, starts, length) = (self.store.get()?, places(&starts)?, length as usize);
        pending(env, are_many(starts.len(), length), &Arc::default(), move || {
            let mut ids = zeros(starts.len().saturating_mul(length))?;
            gather(&store, &starts, length, &mut ids)?;
            Ok(ids)
        })
    }

    /// Reads the rows of `length` ids from each of `starts` on into the memory of the system, on a worker thread.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn read_ahead(&self, starts: Float64ArraySlice<'_>, length: u32) -> Result<AsyncTask<Work<Later<()>>>> {
        let (store, starts, length) = (self.store.get()?, places(&starts)?, length as usize);
        Ok(later(move || store.read_ahead(&starts, length).map_err(coded)))
    }

    /// Row `r` of `inputs` becomes the `columns` ids from `starts[r]` on, of `targets` those from one id later, for the first `rows` of `starts`; the others
    /// will be asked for soon. The rows are checked before anything is written.
    #[napi(catch_unwind)]
    pub fn copy_windows(
        &self,
        starts: Float64ArraySlice<'_>,
        rows: u32,
        columns: u32,
        mut inputs: Uint32ArraySlice<'_>,
        mut targets: Int32ArraySlice<'_>,
    ) -> Result<()> {
        let (store, starts, columns) = (self.store.get()?, places(&starts)?, columns as usize);
        let (starts, next) = starts
            .split_at_checked(rows as usize)
            .ok_or_else(|| Error::new(Code::Internal, format!("expected {rows} starts, received {}", starts.len())))?;
        check_apart("arrays for inputs and targets", &inputs, &targets)?;
        // SAFETY: nobody else looks at the arrays while this call runs, and they are apart; i32 and u32 have the same size and alignment, and any bits
        // are either.
        let (inputs, targets) = unsafe {
            let targets = targets.as_mut();
            (inputs.as_mut(), std::slice::from_raw_parts_mut(targets.as_mut_ptr().cast::<u32>(), targets.len()))
        };
        on_threads(starts.len(), columns, || store.windows(starts, next, columns, inputs, targets))
    }

    /// Where the documents from `first` on start, `count` of them.
    #[napi(catch_unwind)]
    pub fn document_starts(&self, env: Env, first: f64, count: u32) -> Result<Float64Array> {
        let store = self.store.get()?;
        let first = place("first", first)?;
        let all = store.document_count().unwrap_or(0);
        if u64::from(count) > all {
            let reason = format!("expected documents below {all}, received {count} from {first} on");
            return Err(Error::new(Code::OutOfRange, reason));
        }
        let mut starts = zeros(count as usize)?;
        store.document_starts(first, &mut starts).map_err(coded)?;
        to_array(env, &collected(starts.into_iter().map(number))?)
    }

    /// The document that id `at` belongs to.
    #[napi(catch_unwind)]
    pub fn document_at(&self, at: f64) -> Result<f64> {
        Ok(number(self.store.get()?.document_at(place("at", at)?).map_err(coded)?))
    }

    /// Lets the files go, when no call needs them any more.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) -> Result<()> {
        self.store.release(env)
    }
}

/// How many bytes a verification has hashed.
#[napi]
#[derive(Default)]
pub struct VerifyStatus {
    done: Arc<AtomicU64>,
}

#[napi]
impl VerifyStatus {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> f64 {
        number(self.done.load(Ordering::Relaxed))
    }
}

/// The manifest of the dataset in `folder` as JSON, when all of its files are as long as it says.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn survey_dataset(folder: String) -> AsyncTask<Work<Later<String>>> {
    later(move || survey(&PathBuf::from(folder)).and_then(|manifest| manifest.to_json()).map_err(coded))
}

/// Hashes all files of the dataset in `folder`; its manifest as JSON.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn verify_dataset<'env>(
    env: &'env Env,
    folder: String,
    status: &VerifyStatus,
    cancel: Option<&CancelFlag>,
) -> Result<Object<'env>> {
    let done = Arc::clone(&status.done);
    on_own_thread(env, cancel.map(CancelFlag::shared).unwrap_or_default(), move |cancel| {
        let manifest = on_all_threads(|| verify(&PathBuf::from(folder), Some(cancel), &done))?.map_err(coded)?;
        manifest.to_json().map_err(coded)
    })
}

impl Deliver for String {
    type JsValue = String;

    fn deliver(self, _env: Env) -> Result<String> {
        Ok(self)
    }
}

fn mode(mapped: bool) -> Mode {
    if mapped { Mode::Map } else { Mode::Read }
}

fn places(starts: &[f64]) -> Result<Vec<u64>> {
    try_collected(starts.iter().map(|&start| place("starts", start)))
}

fn gather(store: &Store, starts: &[u64], length: usize, out: &mut [u32]) -> Result<()> {
    on_threads(starts.len(), length, || store.gather(starts, length, out))
}

fn on_threads(
    rows: usize,
    length: usize,
    work: impl FnOnce() -> std::result::Result<(), tokenmill_corpus::Error> + Send,
) -> Result<()> {
    let done = if are_many(rows, length) { on_all_threads(work)? } else { work() };
    done.map_err(coded)
}

/// Whether all threads copy the rows.
fn are_many(rows: usize, length: usize) -> bool {
    rows.saturating_mul(length) >= MANY
}

fn zeros<T: Copy + Default>(count: usize) -> Result<Vec<T>> {
    let mut values = room(count)?;
    values.resize(count, T::default());
    Ok(values)
}
