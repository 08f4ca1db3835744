//! Several texts and their ids, flat.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use napi::Env;
use napi::bindgen_prelude::Uint32Array;
use napi_derive::napi;
use rayon::prelude::*;
use tokenmill_bpe::{Error as BpeError, Ids, RowError, SpecialPolicy, Tokenizer};

use crate::arrays::to_array;
use crate::encoder::{as_u32, from_bpe_in, handed_over, ids_to_array};
use crate::error::{Code, Error, Result};
use crate::pool::on_all_threads;
use crate::text::{JsTextOrBytes, Origin, no_memory_for, no_memory_for_bytes, text_of};
use crate::utf16::append_utf8;

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
        let mut row_starts = vec![0];
        let mut end = 0;
        for row in rows {
            end += row.len();
            row_starts.push(as_u32(end)?);
        }
        let mut ids = Vec::new();
        let no_memory = |_| Error::new(Code::Limit, format!("there is not enough memory for {end} ids"));
        ids.try_reserve_exact(end).map_err(no_memory)?;
        for row in rows {
            ids.extend_from_slice(row);
        }
        Ok(Self { ids: ids.into(), row_starts })
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

/// Texts as they came: strings as UTF-16 and bytes as they are, each kind one after the other in one buffer.
pub struct Texts {
    units: Vec<u16>,
    bytes: Vec<u8>,
    rows: Vec<Row>,
    /// The number of the first of them among all texts of the call.
    pub first: usize,
    strict: bool,
}

enum Row {
    String(Range<usize>),
    Bytes(Range<usize>),
}

/// Code units of strings that are turned into UTF-8 together.
const GROUP: usize = 1 << 15;

impl Texts {
    /// None yet. Bytes that are not UTF-8 are an error when `strict`, at the time of encoding.
    pub fn new(strict: bool) -> Self {
        Self { units: Vec::new(), bytes: Vec::new(), rows: Vec::new(), first: 0, strict }
    }

    /// Copies them all.
    pub fn read(texts: &[JsTextOrBytes<'_>], strict: bool) -> Result<Self> {
        let mut all = Self::new(strict);
        all.fill(texts, &lengths_of(texts)?, 0)?;
        Ok(all)
    }

    /// Copies `texts`, of these lengths, in the place of others. The first of them has number `first` among all texts.
    pub fn fill(&mut self, texts: &[JsTextOrBytes<'_>], lengths: &[usize], first: usize) -> Result<()> {
        let Self { units, bytes, rows, .. } = self;
        self.first = first;
        units.clear();
        bytes.clear();
        rows.clear();
        // All memory at once: buffers that grow would be copied while the event loop waits.
        let (mut all_units, mut all_bytes) = (0, 0);
        for (text, length) in texts.iter().zip(lengths) {
            match text {
                JsTextOrBytes::String(_) => all_units += length,
                JsTextOrBytes::Bytes(_) => all_bytes += length,
            }
        }
        units.try_reserve_exact(all_units + 1).map_err(|_| no_memory_for(all_units))?;
        bytes.try_reserve_exact(all_bytes).map_err(|_| no_memory_for_bytes(all_bytes))?;
        for (text, &length) in texts.iter().zip(lengths) {
            rows.push(match text {
                JsTextOrBytes::String(text) => {
                    let start = units.len();
                    text.append_units_to(length, units)?;
                    Row::String(start..units.len())
                }
                JsTextOrBytes::Bytes(text) => {
                    let start = bytes.len();
                    bytes.extend_from_slice(text);
                    Row::Bytes(start..bytes.len())
                }
            });
        }
        Ok(())
    }

    /// Does `work` with the texts, on all threads.
    pub fn on_all_threads<T: Send>(&self, work: impl FnOnce(&[&str]) -> T + Send) -> Result<T> {
        on_all_threads(|| {
            let (groups, error) = self.utf8();
            let texts: Vec<&str> = groups.iter().flat_map(Group::texts).map(|(text, _)| text).collect();
            error.map_or_else(|| Ok(work(&texts)), Err)
        })?
    }

    /// The texts as UTF-8, group after group, and the error of the first that is not; there is none of later texts then.
    pub fn utf8(&self) -> (Vec<Group<'_>>, Option<Error>) {
        let lengths = self.rows.iter().map(|row| match row {
            Row::String(range) | Row::Bytes(range) => range.len(),
        });
        let groups = stretches(lengths, GROUP);
        let mut groups: Vec<_> = groups.into_par_iter().map(|rows| self.group(rows, Vec::new())).collect();
        let failed = groups.iter().position(|group| group.error.is_some());
        let error = failed.and_then(|failed| {
            groups.truncate(failed + 1);
            groups[failed].error.take()
        });
        (groups, error)
    }

    /// All texts as one group, in the memory of `strings`.
    pub fn as_group(&self, mut strings: Vec<u8>) -> Group<'_> {
        strings.clear();
        self.group(0..self.rows.len(), strings)
    }

    fn group(&self, rows: Range<usize>, strings: Vec<u8>) -> Group<'_> {
        let mut group = Group { strings, rows: Vec::with_capacity(rows.len()), error: None };
        for index in rows {
            let row = match &self.rows[index] {
                Row::String(range) => {
                    let start = group.strings.len();
                    let done = append_utf8(&self.units[range.clone()], &mut group.strings);
                    done.map(|()| GroupRow::String(start..group.strings.len()))
                        .ok_or_else(|| no_memory_for(range.len()))
                }
                Row::Bytes(range) => {
                    let bytes = &self.bytes[range.clone()];
                    text_of(bytes, self.strict, format_args!("texts[{}]", self.first + index))
                        .map(|text| GroupRow::Bytes(text, bytes))
                }
            };
            match row {
                Ok(row) => group.rows.push(row),
                Err(error) => {
                    group.error = Some(error);
                    break;
                }
            }
        }
        group
    }
}

/// How long they are, in code units or bytes.
pub fn lengths_of(texts: &[JsTextOrBytes<'_>]) -> Result<Vec<usize>> {
    let length = |text: &JsTextOrBytes<'_>| match text {
        JsTextOrBytes::String(text) => text.units(),
        JsTextOrBytes::Bytes(text) => Ok(text.len()),
    };
    texts.iter().map(length).collect()
}

/// Texts of these lengths in stretches that are `least` long each, but for the last one.
pub fn stretches(lengths: impl ExactSizeIterator<Item = usize>, least: usize) -> Vec<Range<usize>> {
    let (mut all, mut start, mut sum, count) = (Vec::new(), 0, 0, lengths.len());
    for (index, length) in lengths.enumerate() {
        sum += length;
        if sum >= least || index + 1 == count {
            all.push(start..index + 1);
            (start, sum) = (index + 1, 0);
        }
    }
    all
}

/// Neighbouring texts as UTF-8.
pub struct Group<'a> {
    /// Those that were strings, one after the other.
    pub strings: Vec<u8>,
    rows: Vec<GroupRow<'a>>,
    /// Why the text after them has no UTF-8.
    pub error: Option<Error>,
}

enum GroupRow<'a> {
    /// Of `strings`.
    String(Range<usize>),
    Bytes(Cow<'a, str>, &'a [u8]),
}

impl Group<'_> {
    pub fn texts(&self) -> impl Iterator<Item = (&str, Origin<'_>)> {
        self.rows.iter().map(|row| match row {
            GroupRow::String(range) => {
                // SAFETY: `group` wrote whole strings of UTF-8 there.
                (unsafe { str::from_utf8_unchecked(&self.strings[range.clone()]) }, Origin::String)
            }
            GroupRow::Bytes(text, bytes) => (&**text, Origin::Bytes(bytes)),
        })
    }
}

/// The ids of all `texts`, made on all threads.
pub fn encode_rows(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Rows> {
    let rows = with_utf8(texts, policy, cancel, |texts| tokenizer.encode_batch(texts, policy, cancel))?;
    let row_starts = rows.starts.into_iter().map(as_u32).collect::<Result<Vec<_>>>()?;
    Ok(Rows { ids: rows.ids.into(), row_starts })
}

/// How many ids each of `texts` has, counted on all threads.
pub fn count_rows(
    tokenizer: &Tokenizer,
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
) -> Result<Vec<u32>> {
    let counts = with_utf8(texts, policy, cancel, |texts| tokenizer.count_batch(texts, policy, cancel))?;
    counts.into_iter().map(as_u32).collect()
}

/// Does `work` with all texts. The error is that of the first text that has one, whatever is wrong with it.
fn with_utf8<T: Send>(
    texts: &Texts,
    policy: &SpecialPolicy,
    cancel: Option<&AtomicBool>,
    work: impl FnOnce(&[&str]) -> std::result::Result<T, RowError> + Send,
) -> Result<T> {
    on_all_threads(|| {
        let (groups, error) = texts.utf8();
        let (texts, origins): (Vec<&str>, Vec<Origin<'_>>) = groups.iter().flat_map(Group::texts).unzip();
        let explained = |RowError { row, error }| from_bpe_in_row(row, texts[row], origins[row], error);
        let Some(not_utf8) = error else { return work(&texts).map_err(explained) };
        for (row, text) in texts.iter().enumerate() {
            policy.check(text, cancel).map_err(|error| explained(RowError { row, error }))?;
        }
        Err(not_utf8)
    })?
}

/// An error about text `row` of several.
pub fn from_bpe_in_row(row: usize, text: &str, origin: Origin<'_>, error: BpeError) -> Error {
    let special = matches!(error, BpeError::DisallowedSpecialToken { .. });
    let error = from_bpe_in(text, origin, error);
    if special { Error::new(error.status, format!("{row}/{}", error.reason)) } else { error }
}
