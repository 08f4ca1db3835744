//! One text off the main thread.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use napi::Env;
use tokenmill_bpe::{
    Counter, Error as BpeError, Ids, LONG_TEXT, Origin, RowError, Sink, SpecialPolicy, Tokenizer, push_utf16,
};

use crate::cancel::CancelFlag;
use crate::encoder::{as_u32, from_bpe, from_bpe_in};
use crate::error::Result;
use crate::later::Deliver;
use crate::memory::copied;
use crate::pool::on_all_threads;
use crate::text::{JsText, JsTextOrBytes, text_of};
use crate::waiting::{Pending, pending};

/// A text, copied out of JavaScript.
pub enum Source {
    /// The code units of a string.
    String(Vec<u16>),
    /// `strict`: bytes that are not UTF-8 are an error.
    Bytes { bytes: Vec<u8>, strict: bool },
}

impl Source {
    pub fn read(text: &JsTextOrBytes<'_>, strict: bool) -> Result<Self> {
        Ok(match text {
            JsTextOrBytes::String(text) => {
                let mut units = Vec::new();
                text.append_units_to(text.units()?, &mut units)?;
                Self::String(units)
            }
            JsTextOrBytes::Bytes(bytes) => Self::Bytes { bytes: copied(bytes)?, strict },
        })
    }

    fn utf8(&self) -> Result<Cow<'_, str>> {
        match self {
            Self::String(units) => {
                let mut text = String::new();
                push_utf16(&mut text, units).map_err(from_bpe)?;
                Ok(Cow::Owned(text))
            }
            Self::Bytes { bytes, strict } => text_of(bytes, *strict, "text"),
        }
    }

    /// Whether it may be a long text: no code unit or byte becomes more than three bytes.
    fn may_be_long(&self) -> bool {
        let length = match self {
            Self::String(units) => units.len(),
            Self::Bytes { bytes, .. } => bytes.len(),
        };
        length > LONG_TEXT / 3
    }

    /// What `text`, which it is, was read from.
    fn origin<'a>(&'a self, text: &'a str) -> Origin<'a> {
        match self {
            Self::String(_) => Origin::Utf16(text),
            Self::Bytes { bytes, .. } => Origin::Bytes(bytes),
        }
    }
}

/// A promise of what `work` makes of `text`: of a long one on a thread of the pool. It gets the flag `cancel`.
pub fn with_text_later<'env, T: Deliver>(
    env: &'env Env,
    text: JsText,
    cancel: Option<&CancelFlag>,
    work: impl FnOnce(&str, &AtomicBool) -> Result<T> + Send + 'static,
) -> Result<Pending<'env, T>> {
    let source = Source::read(&JsTextOrBytes::String(text), false)?;
    let (is_large, cancel) = (source.may_be_long(), CancelFlag::of(cancel));
    let flag = Arc::clone(&cancel);
    pending(env, is_large, &cancel, move || {
        let work = || work(&source.utf8()?, &flag);
        if is_large { on_all_threads(work)? } else { work() }
    })
}

/// A text and what reads it: a short one on the calling thread.
pub struct OneText {
    pub tokenizer: Arc<Tokenizer>,
    pub source: Source,
    pub policy: Arc<SpecialPolicy>,
    pub cancel: Arc<AtomicBool>,
}

impl OneText {
    /// Whether all threads may be waited for.
    pub fn is_large(&self) -> bool {
        self.source.may_be_long()
    }

    pub fn ids(&self) -> Result<Ids> {
        let Self { tokenizer, policy, cancel, .. } = self;
        self.run(Ids::default(), |texts| Ok(tokenizer.encode_batch(texts, policy, Some(cancel))?.ids))
    }

    pub fn count(&self) -> Result<u32> {
        let Self { tokenizer, policy, cancel, .. } = self;
        let together =
            |texts: &[&str]| Ok(Counter(tokenizer.count_batch(texts, policy, Some(cancel))?.into_iter().sum()));
        as_u32(self.run(Counter::default(), together)?.0)
    }

    /// What becomes of `sink`; of a long text what all threads make `together`.
    fn run<S: Sink + Send>(
        &self,
        mut sink: S,
        together: impl FnOnce(&[&str]) -> std::result::Result<S, RowError> + Send,
    ) -> Result<S> {
        let text = self.source.utf8()?;
        let failed = |error: BpeError| from_bpe_in(self.source.origin(&text), error);
        if text.len() > LONG_TEXT {
            return on_all_threads(|| together(&[&*text]))?.map_err(|RowError { error, .. }| failed(error));
        }
        let Self { tokenizer, policy, cancel, .. } = self;
        let worker = &mut tokenizer.idle_worker();
        tokenizer.encode_to(&text, policy, worker, &mut sink, Some(cancel)).map_err(failed)?;
        Ok(sink)
    }
}
