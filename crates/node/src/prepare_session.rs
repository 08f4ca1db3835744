//! Documents to datasets by a tokenizer of JavaScript.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Object, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::utf16_length;
use tokenmill_corpus::{Encoded, Error as Core};

use crate::cancel::CancelFlag;
use crate::error::{Code, Error, Result};
use crate::later::Deliver;
use crate::memory::{collected, copied};
use crate::own_thread::{Promised, on_own_thread};
use crate::prepare::{PrepareConfig, PrepareStatus, run};
use crate::text::NewString;

/// How often a thread that waits for ids looks whether the work was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// A preparation whose ids come from JavaScript: `next` gives texts, `reply` takes their ids, until `next` gives `null`. No thread of Node waits.
#[napi]
#[derive(Default)]
pub struct PrepareSession {
    desk: Arc<Desk>,
    started: AtomicBool,
}

/// Where encoding threads leave texts, and JavaScript takes them.
#[derive(Default)]
struct Desk(Mutex<Orders>);

#[derive(Default)]
struct Orders {
    waiting: VecDeque<Order>,
    /// `next` when nothing was waiting.
    asked: Option<Promised<Texts>>,
    /// Of the texts that JavaScript has.
    open: Option<SyncSender<Answer>>,
    ended: bool,
}

/// Texts that JavaScript is to encode, and where their ids go.
struct Order {
    texts: Vec<String>,
    reply: SyncSender<Answer>,
}

/// The ids of texts, or which one has none and why.
type Answer = std::result::Result<Encoded, Core>;

/// Texts on their way to JavaScript.
pub struct Texts(Option<Vec<String>>);

impl Deliver for Texts {
    type JsValue = Option<Vec<String>>;

    fn deliver(self, _env: Env) -> Result<Option<Vec<String>>> {
        Ok(self.0)
    }
}

#[napi]
impl PrepareSession {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts it, once.
    #[napi(catch_unwind, ts_return_type = "Promise<PrepareResult>")]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        config: PrepareConfig,
        status: &PrepareStatus,
        cancel: Option<&CancelFlag>,
    ) -> Result<Object<'env>> {
        if self.started.swap(true, Ordering::Relaxed) {
            return Err(Error::new(Code::Internal, "a session runs once"));
        }
        let (desk, status) = (Arc::clone(&self.desk), status.shared());
        on_own_thread(env, cancel.map(CancelFlag::shared).unwrap_or_default(), move |cancel| {
            let _end = AtEnd(&desk);
            run(config, &status, cancel, || encoder(&desk, cancel))
        })
    }

    /// The next texts; `null` at the end. It is asked again when the ids of these are there.
    #[napi(catch_unwind, ts_return_type = "Promise<string[] | null>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (promised, promise) = Promised::new(env)?;
        self.desk.ask(promised);
        Ok(promise)
    }

    /// The ids of the texts that `next` gave, and where those of each text start, and at last their number.
    #[napi(catch_unwind)]
    pub fn reply(&self, ids: Uint32ArraySlice<'_>, row_starts: Uint32ArraySlice<'_>) -> Result<()> {
        let ends = collected(row_starts.iter().skip(1).map(|&end| end as usize))?;
        let encoded = Encoded { ids: copied(&ids)?, ends };
        self.desk.answer(Ok(encoded));
        Ok(())
    }

    /// In place of a reply: why the text of this place among those that `next` gave has no ids. The error of `run` then says where its document is.
    #[napi(catch_unwind)]
    pub fn refuse(&self, text: u32, reason: String) {
        self.desk.answer(Err(Core::Refused { text: text as usize, reason }));
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, promised: Promised<Texts>) {
        let mut orders = self.lock();
        orders.open = None;
        if let Some(order) = orders.waiting.pop_front() {
            orders.give(promised, order);
        } else if orders.ended || orders.asked.is_some() {
            promised.settle(Ok(Texts(None)));
        } else {
            orders.asked = Some(promised);
        }
    }

    fn answer(&self, answer: Answer) {
        if let Some(reply) = self.lock().open.take() {
            // Nobody waits any more when the preparation has ended.
            let _ = reply.send(answer);
        }
    }

    fn leave(&self, order: Order) {
        let mut orders = self.lock();
        match orders.asked.take() {
            Some(promised) => orders.give(promised, order),
            None => orders.waiting.push_back(order),
        }
    }

    fn end(&self) {
        let mut orders = self.lock();
        orders.ended = true;
        orders.waiting.clear();
        if let Some(promised) = orders.asked.take() {
            promised.settle(Ok(Texts(None)));
        }
    }
}

impl Orders {
    fn give(&mut self, promised: Promised<Texts>, Order { texts, reply }: Order) {
        self.open = Some(reply);
        promised.settle(Ok(Texts(Some(texts))));
    }
}

/// The end of a preparation, also by a panic.
struct AtEnd<'a>(&'a Desk);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The ids of texts, from JavaScript.
fn encoder(desk: &Desk, cancel: &AtomicBool) -> impl FnMut(&[&str]) -> std::result::Result<Encoded, Core> {
    move |texts| {
        let texts = texts.iter().map(|text| owned(text)).collect::<std::result::Result<_, _>>()?;
        let (reply, answer) = sync_channel(1);
        desk.leave(Order { texts, reply });
        loop {
            match answer.recv_timeout(LOOK) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if !cancel.load(Ordering::Relaxed) => {}
                Err(_) => return Err(Core::Cancelled),
            }
        }
    }
}

/// `text` for a string of JavaScript.
fn owned(text: &str) -> std::result::Result<String, Core> {
    const LONGEST: usize = NewString::LONGEST;
    // No code unit has less than a byte.
    if text.len() > LONGEST {
        let units = utf16_length(text);
        if units > LONGEST {
            return Err(Core::Limit(format!(
                "expected documents of at most {LONGEST} code units, the longest string of JavaScript, received one of {units}"
            )));
        }
    }
    let mut copy = String::new();
    let few = |_| Core::Limit(format!("there is not enough memory for a document of {} bytes", text.len()));
    copy.try_reserve_exact(text.len()).map_err(few)?;
    copy.push_str(text);
    Ok(copy)
}
