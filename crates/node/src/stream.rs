//! Text and ids that come in chunks.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Uint8ArraySlice, Uint32Array, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{DecodeStream, EncodeStream, Error as BpeError, StreamEngine};
use tokenmill_tokenizer_json::{EncodeError, WordsEngine};

use crate::arrays::to_array;
use crate::encoder::from_bpe;
use crate::error::{Code, Error, Result};
use crate::json::{JsonHandle, from_json};
use crate::later::{Later, later};
use crate::memory::copied;
use crate::task::Work;
use crate::text::{JsText, NewString};
use crate::tokenizer::BpeHandle;

/// More bytes of sure text are encoded off the main thread: those of a millisecond, mostly.
const MUCH: usize = 64 << 10;

/// A stream, whatever makes its ids.
trait Stream: Send {
    fn push_utf16(&mut self, units: &[u16]) -> Result<()>;
    fn push_bytes(&mut self, bytes: &[u8]) -> Result<()>;
    fn encode_utf16(&mut self, units: &[u16], ids: &mut Vec<u32>, cancel: &AtomicBool) -> Result<()>;
    fn encode_bytes(&mut self, bytes: &[u8], ids: &mut Vec<u32>, cancel: &AtomicBool) -> Result<()>;
    fn encode_ready(&mut self, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<()>;
    fn end(&mut self) -> Result<()>;
    fn ready_bytes(&self) -> usize;
}

impl<E: StreamEngine<Error: Into<EncodeError>> + Send> Stream for EncodeStream<E> {
    fn push_utf16(&mut self, units: &[u16]) -> Result<()> {
        self.push_utf16(units).map_err(in_stream)
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.push_bytes(bytes).map_err(in_stream)
    }

    fn encode_utf16(&mut self, units: &[u16], ids: &mut Vec<u32>, cancel: &AtomicBool) -> Result<()> {
        self.encode_utf16(units, ids, Some(cancel)).map_err(in_stream)
    }

    fn encode_bytes(&mut self, bytes: &[u8], ids: &mut Vec<u32>, cancel: &AtomicBool) -> Result<()> {
        self.encode_bytes(bytes, ids, Some(cancel)).map_err(in_stream)
    }

    fn encode_ready(&mut self, ids: &mut Vec<u32>, cancel: Option<&AtomicBool>) -> Result<()> {
        self.encode_ready(ids, cancel).map_err(in_stream)
    }

    fn end(&mut self) -> Result<()> {
        self.end().map_err(in_stream)
    }

    fn ready_bytes(&self) -> usize {
        self.ready_bytes()
    }
}

/// One text in chunks.
#[derive(Default)]
struct State {
    /// `None` after an error, and when the stream was closed.
    stream: Option<Box<dyn Stream>>,
    /// The memory of a short string.
    units: Vec<u16>,
}

/// What the handle and the work of it share.
struct Shared {
    state: Mutex<State>,
    is_closed: AtomicBool,
}

/// Encodes one text that comes in chunks. Calls follow one another: none begins before the promise of the one before is settled.
///
/// Methods return the ids that are sure, or `null` where there are so many to make that `encodeReady` has to.
#[napi]
pub struct EncodeStreamHandle {
    shared: Arc<Shared>,
}

#[napi]
impl EncodeStreamHandle {
    /// A stream of `tokenizer` with the policy of that number. `strict`: bytes that are not UTF-8 are an error.
    #[napi(factory, catch_unwind)]
    pub fn open(tokenizer: &BpeHandle, policy: u32, strict: bool, max_piece_bytes: u32) -> Result<Self> {
        let policy = tokenizer.policy(policy)?;
        Ok(Self::of(EncodeStream::new(tokenizer.shared(), policy, max_piece_bytes as usize, strict)))
    }

    /// The same of `json`; `null` when no ids are sure before the text ends.
    #[napi(catch_unwind)]
    pub fn open_json(
        json: &JsonHandle,
        policy: u32,
        strict: bool,
        max_piece_bytes: u32,
    ) -> Result<Option<EncodeStreamHandle>> {
        let engine = WordsEngine::new(json.loaded(), json.policy(policy)?, max_piece_bytes as usize);
        Ok(engine.map(|engine| Self::of(EncodeStream::of(engine, strict))))
    }

    /// Takes a chunk, which is short.
    #[napi(catch_unwind)]
    pub fn push(&self, env: Env, #[napi(ts_arg_type = "string")] text: JsText) -> Result<Option<Uint32Array>> {
        self.shared.run(|state, _| {
            let State { stream, units } = state;
            units.clear();
            text.append_units_to(text.units()?, units)?;
            stream.as_mut().ok_or_else(closed)?.push_utf16(units)?;
            units.shrink_to(MUCH);
            state.encode_little(env)
        })
    }

    /// Takes a chunk of bytes, which is short.
    #[napi(catch_unwind)]
    pub fn push_bytes(&self, env: Env, bytes: Uint8ArraySlice<'_>) -> Result<Option<Uint32Array>> {
        self.shared.run(|state, _| {
            state.stream()?.push_bytes(&bytes)?;
            state.encode_little(env)
        })
    }

    /// Takes a chunk; it is copied before this returns.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn push_later(&self, #[napi(ts_arg_type = "string")] text: JsText) -> Result<AsyncTask<Work<Later<Vec<u32>>>>> {
        let mut units = Vec::new();
        self.shared.run(|_, _| text.append_units_to(text.units()?, &mut units))?;
        Ok(self.work(move |state, is_closed| {
            let mut ids = Vec::new();
            state.stream()?.encode_utf16(&units, &mut ids, is_closed)?;
            Ok(ids)
        }))
    }

    /// Takes a chunk of bytes; it is copied before this returns.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn push_bytes_later(&self, bytes: Uint8ArraySlice<'_>) -> Result<AsyncTask<Work<Later<Vec<u32>>>>> {
        let copy = self.shared.run(|_, _| copied(&bytes))?;
        Ok(self.work(move |state, is_closed| {
            let mut ids = Vec::new();
            state.stream()?.encode_bytes(&copy, &mut ids, is_closed)?;
            Ok(ids)
        }))
    }

    /// The ids of the last call, when that returned `null`.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn encode_ready(&self) -> AsyncTask<Work<Later<Vec<u32>>>> {
        self.work(|state, is_closed| {
            let mut ids = Vec::new();
            state.stream()?.encode_ready(&mut ids, Some(is_closed))?;
            Ok(ids)
        })
    }

    /// No more chunks come.
    #[napi(catch_unwind)]
    pub fn end(&self, env: Env) -> Result<Option<Uint32Array>> {
        self.shared.run(|state, _| {
            state.stream()?.end()?;
            state.encode_little(env)
        })
    }

    /// Lets everything go; work that runs stops soon.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.shared.close();
    }
}

impl EncodeStreamHandle {
    fn of(stream: impl Stream + 'static) -> Self {
        let state = State { stream: Some(Box::new(stream)), units: Vec::new() };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), is_closed: AtomicBool::new(false) }) }
    }

    fn work(
        &self,
        work: impl FnOnce(&mut State, &AtomicBool) -> Result<Vec<u32>> + Send + 'static,
    ) -> AsyncTask<Work<Later<Vec<u32>>>> {
        let shared = Arc::clone(&self.shared);
        later(move || shared.run(work))
    }
}

impl Drop for EncodeStreamHandle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    /// Does `call`, after which an error is the last of the stream.
    fn run<T>(&self, call: impl FnOnce(&mut State, &AtomicBool) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| {
            // What panicked half-way left nothing that could be used.
            let mut state = poisoned.into_inner();
            state.clear();
            state
        });
        let result = call(&mut state, &self.is_closed);
        let is_closed = self.is_closed.load(Ordering::Relaxed);
        if result.is_err() || is_closed {
            state.clear();
        }
        // Not that it was cancelled.
        if is_closed { result.map_err(|_| closed()) } else { result }
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let clear = |mut state: MutexGuard<'_, State>| state.clear();
        match self.state.try_lock() {
            Ok(state) => clear(state),
            Err(TryLockError::Poisoned(state)) => clear(state.into_inner()),
            // The work that runs does it when it has stopped.
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl State {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn stream(&mut self) -> Result<&mut (dyn Stream + 'static)> {
        self.stream.as_deref_mut().ok_or_else(closed)
    }

    /// The sure ids, unless there are many to make.
    fn encode_little(&mut self, env: Env) -> Result<Option<Uint32Array>> {
        let stream = self.stream()?;
        if stream.ready_bytes() > MUCH {
            return Ok(None);
        }
        let mut ids = Vec::new();
        stream.encode_ready(&mut ids, None)?;
        to_array(env, &ids).map(Some)
    }
}

fn closed() -> Error {
    Error::new(Code::Disposed, "the stream was closed")
}

/// An error of the encoding stream, in which an index is one into the stream already.
fn in_stream(error: impl Into<EncodeError>) -> Error {
    let error = match error.into() {
        EncodeError::Text(error) => error,
        EncodeError::Ids(error) => return from_json(error),
    };
    match error {
        BpeError::DisallowedSpecialToken { token, at } => Error::new(Code::SpecialToken, format!("{at} {token}")),
        BpeError::PieceTooLong { limit } => Error::new(
            Code::Limit,
            format!("expected pieces of at most {limit} bytes, as options.maxPieceBytes says, received a longer one"),
        ),
        BpeError::InvalidUtf8 { at } => Error::new(
            Code::InvalidUtf8,
            format!("expected UTF-8 for the stream, received bytes that are not, the first at index {at}"),
        ),
        error => from_bpe(error),
    }
}

/// Decodes ids that come in chunks.
#[napi]
pub struct DecodeStreamHandle {
    stream: RefCell<DecodeStream>,
}

#[napi]
impl DecodeStreamHandle {
    /// A stream of `tokenizer`. `strict`: bytes that are not UTF-8 are an error.
    #[napi(factory, catch_unwind)]
    pub fn open(tokenizer: &BpeHandle, strict: bool, skip_special: bool) -> Self {
        Self { stream: RefCell::new(DecodeStream::new(tokenizer.shared(), strict, skip_special)) }
    }

    /// The text up to the last character that is complete.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn push(&self, ids: Uint32ArraySlice<'_>) -> Result<NewString> {
        self.stream.borrow_mut().decode(&ids).map_err(from_bpe).and_then(NewString::of)
    }

    /// What is left when no more ids come.
    #[napi(catch_unwind)]
    pub fn end(&self) -> Result<&'static str> {
        self.stream.borrow_mut().end().map_err(from_bpe)
    }
}
