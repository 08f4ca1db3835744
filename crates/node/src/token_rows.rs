//! Several texts and their ids, flat.

use std::mem;
use std::sync::atomic::AtomicBool;

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use tokenmill_bpe::{
    Counter, Error as BpeError, Ids, Origin, RawTexts, ReadTexts, RowError, Sink, SpecialPolicy, Tokenizer,
};

use crate::arrays::to_array;
use crate::encoder::{as_u32, from_bpe, from_bpe_in, handed_over, ids_to_array};
use crate::error::{Code, Error, Result};
use crate::memory::{push, room, try_collected};
use crate::pool::on_all_threads;
use crate::text::{JsText, JsTextOrBytes, not_utf8};

/// Row `i` is `ids[row_starts[i]..row_starts[i + 1]]`.
#[napi(object)]
pub struct TokenRows {
    pub ids: Uint32Array,
    pub row_starts: Uint32Array,
}

/// The same, still on this side.
pub struct Rows {
    pub ids: Ids,
    pub row_starts: Vec<u32>,
}

impl Rows {
    /// Those of each text, one after the other.
    pub fn of(rows: &[Vec<u32>]) -> Result<Self> {
        let (mut row_starts, mut end) = (room(rows.len() + 1)?, 0);
        row_starts.push(0);
        for row in rows {
            end += row.len();
            row_starts.push(as_u32(end)?);
        }
        let mut ids = room(end)?;
        for row in rows {
            ids.extend_from_slice(row);
        }
        Ok(Self { ids: ids.into(), row_starts })
    }

    /// Adds rows with these `ids`, which end at `ends`.
    pub fn extend(&mut self, ids: &[u32], ends: impl Iterator<Item = usize>) -> Result<()> {
        let before = self.ids.len();
        self.ids.reserve(ids.len()).map_err(from_bpe)?;
        self.ids.extend(ids);
        for end in ends {
            push(&mut self.row_starts, as_u32(before + end)?)?;
        }
        Ok(())
    }

    /// The same for JavaScript, at once.
    pub fn into_copies(mut self, env: Env) -> Result<TokenRows> {
        Ok(TokenRows { ids: ids_to_array(env, &mut self.ids)?, row_starts: to_array(env, &self.row_starts)? })
    }

    /// The same for JavaScript, from another thread.
    pub fn into_arrays(self) -> Result<TokenRows> {
        as_u32(self.ids.len())?;
        Ok(TokenRows { ids: handed_over(self.ids, || ()), row_starts: Uint32Array::new(self.row_starts) })
    }
}

/// Texts as they came.
pub struct Texts {
    raw: RawTexts,
    /// The number of the first of them among all texts of the call.
    first: usize,
    count: usize,
    /// Code units and bytes.
    length: usize,
    strict: bool,
}

/// Code units and bytes that one thread is given at least.
const FEW: usize = 1 << 16;

impl Texts {
    /// None yet. Bytes that are not UTF-8 are an error when `strict`, at the time of encoding.
    pub fn new(strict: bool) -> Self {
        Self { raw: RawTexts::default(), first: 0, count: 0, length: 0, strict }
    }

    /// Copies them all.
    pub fn read(texts: &[JsTextOrBytes<'_>], strict: bool) -> Result<Self> {
        let mut all = Self::new(strict);
        all.fill(texts, &lengths_of(texts)?, 0)?;
        Ok(all)
    }

    /// Copies `texts`, of these lengths, in the place of others. The first of them has number `first` among all texts.
    pub fn fill(&mut self, texts: &[JsTextOrBytes<'_>], lengths: &[usize], first: usize) -> Result<()> {
        self.first = first;
        (self.count, self.length) = (0, 0);
        self.raw.clear();
        self.append(texts, lengths)
    }

    /// Makes room for so many code `units` and `bytes` more.
    pub fn reserve(&mut self, units: usize, bytes: usize) -> Result<()> {
        // With the zero that the engine writes behind a string.
        self.raw.reserve(units.saturating_add(1), bytes).map_err(from_bpe)
    }

    /// Copies `texts`, of these lengths, behind those that are there.
    pub fn append(&mut self, texts: &[JsTextOrBytes<'_>], lengths: &[usize]) -> Result<()> {
        // All memory at once: buffers that grow would be copied while the event loop waits.
        let (mut units, mut bytes) = (0, 0);
        for (text, length) in texts.iter().zip(lengths) {
            match text {
                JsTextOrBytes::String(_) => units += length,
                JsTextOrBytes::Bytes(_) => bytes += length,
            }
        }
        self.count += texts.len();
        self.length += units + bytes;
        self.reserve(units, bytes)?;
        for (text, &length) in texts.iter().zip(lengths) {
            match text {
                JsTextOrBytes::String(text) => self.raw.push_utf16_by(|units| text.append_units_to(length, units))?,
                JsTextOrBytes::Bytes(text) => self.raw.push_bytes(text),
            }
        }
        Ok(())
    }

    /// Copies `string` behind the last text, which is a string too, and goes on with it.
    pub fn extend(&mut self, string: &JsText) -> Result<()> {
        let units = string.units()?;
        self.length += units;
        self.raw.extend_utf16_by(|all| string.append_units_to(units, all))
    }

    /// Whether they are too few to be divided.
    pub fn are_few(&self) -> bool {
        self.length <= FEW
    }

    /// Whether one thread does them about as soon as all would, also where ids are made slowly: one text is not divided there.
    pub fn are_short(&self) -> bool {
        if self.count == 1 { self.length <= FEW } else { self.length.max(self.count) <= FEW / 16 }
    }

    /// Does `work` with the texts, on all threads.
    pub fn on_all_threads<T: Send>(&self, work: impl FnOnce(&[&str]) -> T + Send) -> Result<T> {
        on_all_threads(|| {
            let (groups, error) = self.utf8();
            let texts: Vec<&str> = groups.iter().flat_map(ReadTexts::texts).map(|(text, _)| text).collect();
            error.map_or_else(|| Ok(work(&texts)), Err)
        })?
    }

    /// The texts as UTF-8, group after group, and the error of the first that is not; there is none of later texts then.
    pub fn utf8(&self) -> (Vec<ReadTexts<'_>>, Option<Error>) {
        let (groups, error) = self.raw.read(self.strict);
        (groups, error.map(|error| self.unreadable(error)))
    }

    /// Does `work` with each text as UTF-8, up to the first that is not, and its number among all; on this thread, in the memory of `strings`.
    pub fn each(
        &self,
        strings: &mut String,
        mut work: impl FnMut(usize, &str, Origin<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut texts = ReadTexts::in_memory_of(mem::take(strings));
        let read = self.raw.read_to(self.strict, &mut texts);
        let done = texts.texts().enumerate().try_for_each(|(row, (text, origin))| work(self.first + row, text, origin));
        *strings = texts.into_memory();
        done?;
        read.map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, RowError { row, error }: RowError) -> Error {
        match error {
            BpeError::InvalidUtf8 { at } => not_utf8(format_args!("texts[{}]", self.first + row), at),
            error => from_bpe(error),
        }
    }
}

/// How long they are, in code units or bytes.
pub fn lengths_of(texts: &[JsTextOrBytes<'_>]) -> Result<Vec<usize>> {
    let length = |text: &JsTextOrBytes<'_>| match text {
        JsTextOrBytes::String(text) => text.units(),
        JsTextOrBytes::Bytes(text) => Ok(text.len()),
    };
    try_collected(texts.iter().map(length))
}

/// The ids of all `texts`, made on all threads; of few on this one.
pub fn encode_rows(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Rows> {
    if texts.are_few() {
        let (mut ids, mut row_starts) = (Ids::default(), vec![0]);
        let end_of_row = |ids: &Ids| push(&mut row_starts, as_u32(ids.len())?);
        give_each(tokenizer, texts, policy, cancel, &mut ids, end_of_row)?;
        return Ok(Rows { ids, row_starts });
    }
    let rows = with_utf8(texts, policy, cancel, |texts| tokenizer.encode_batch(texts, policy, cancel))?;
    let row_starts = try_collected(rows.starts.into_iter().map(as_u32))?;
    Ok(Rows { ids: rows.ids, row_starts })
}

/// How many ids each of `texts` has, counted on all threads; of few on this one.
pub fn count_rows(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Vec<u32>> {
    if texts.are_few() {
        let (mut counter, mut counts, mut before) = (Counter::default(), Vec::new(), 0);
        let end_of_row = |counter: &Counter| {
            let count = as_u32(counter.0 - before)?;
            before = counter.0;
            push(&mut counts, count)
        };
        give_each(tokenizer, texts, policy, cancel, &mut counter, end_of_row)?;
        return Ok(counts);
    }
    let counts = with_utf8(texts, policy, cancel, |texts| tokenizer.count_batch(texts, policy, cancel))?;
    try_collected(counts.into_iter().map(as_u32))
}

/// Gives the ids of all `texts` to `sink` on this thread, up to the first that has an error; `end_of_row` is called behind each.
fn give_each<S: Sink>(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
    sink: &mut S,
    mut end_of_row: impl FnMut(&S) -> Result<()>,
) -> Result<()> {
    let mut worker = tokenizer.idle_worker();
    texts.each(&mut String::new(), |row, text, origin| {
        let given = tokenizer.encode_to(text, policy, &mut worker, sink, cancel);
        given.map_err(|error| from_bpe_in_row(row, origin, error))?;
        end_of_row(sink)
    })
}

/// Does `work` with all texts. The error is that of the first text that has one, whatever is wrong with it.
fn with_utf8<T: Send>(
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
    work: impl FnOnce(&[&str]) -> std::result::Result<T, RowError> + Send,
) -> Result<T> {
    let first = texts.first;
    on_all_threads(|| {
        let (groups, error) = texts.utf8();
        let (texts, origins): (Vec<&str>, Vec<Origin<'_>>) = groups.iter().flat_map(ReadTexts::texts).unzip();
        let explained = |RowError { row, error }| from_bpe_in_row(first + row, origins[row], error);
        let Some(not_utf8) = error else { return work(&texts).map_err(explained) };
        for (row, text) in texts.iter().enumerate() {
            policy.check(text, cancel).map_err(|error| explained(RowError { row, error }))?;
        }
        Err(not_utf8)
    })?
}

/// An error about text `row` of several.
pub fn from_bpe_in_row(row: usize, origin: Origin<'_>, error: BpeError) -> Error {
    in_row(row, from_bpe_in(origin, error))
}

/// `error`, which is about text `row` of several.
pub fn in_row(row: usize, error: Error) -> Error {
    match error.status {
        Code::SpecialToken => Error::new(error.status, format!("{row}/{}", error.reason)),
        Code::Limit | Code::UnknownToken => Error::new(error.status, format!("{}, for texts[{row}]", error.reason)),
        _ => error,
    }
}
