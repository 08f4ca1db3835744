//! Long strings, and those of a large batch, that cross in several turns of the event loop, which would be held up by all of them.

use std::cell::RefCell;
use std::mem;

use napi_derive::napi;

use crate::error::Result;
use crate::text::{JsText, JsTextOrBytes};
use crate::token_rows::{Texts, lengths_of};

/// Texts that were copied so far.
#[napi]
pub struct GatheredTexts {
    texts: RefCell<Texts>,
}

#[napi]
impl GatheredTexts {
    /// None yet, with room for strings of so many code `units` together.
    #[napi(constructor, catch_unwind)]
    pub fn new(units: f64) -> Result<Self> {
        // Strings have no bytes that could be no UTF-8.
        let mut texts = Texts::new(false);
        texts.reserve(units as usize, 0)?;
        Ok(Self { texts: RefCell::new(texts) })
    }

    /// Copies `texts` behind those that are there.
    #[napi(catch_unwind)]
    pub fn add(&self, #[napi(ts_arg_type = "readonly string[]")] texts: Vec<JsTextOrBytes<'_>>) -> Result<()> {
        self.texts.borrow_mut().append(&texts, &lengths_of(&texts)?)
    }

    /// Copies `part` behind the last text, which goes on with it.
    #[napi(catch_unwind)]
    pub fn extend(&self, #[napi(ts_arg_type = "string")] part: JsText) -> Result<()> {
        self.texts.borrow_mut().extend(&part)
    }
}

impl GatheredTexts {
    /// All of them; none are left.
    pub fn take(&self) -> Texts {
        mem::replace(&mut self.texts.borrow_mut(), Texts::new(false))
    }
}
