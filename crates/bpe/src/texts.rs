//! Several texts as they came, and as UTF-8.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use crate::first_failed::FirstFailed;
use crate::origin::{Origin, read_utf8};
use crate::to_utf8::push_utf16;
use crate::{Error, RowError};

/// Texts as they came: strings as UTF-16 and bytes as they are, each kind one after the other in one buffer, which may be used again for others.
#[derive(Debug, Default)]
pub struct RawTexts {
    units: Vec<u16>,
    bytes: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    /// Of `units`.
    Utf16(Range<usize>),
    /// Of `bytes`.
    Bytes(Range<usize>),
}

/// Code units and bytes that are read together.
const GROUP: usize = 1 << 15;

impl RawTexts {
    /// Forgets them, and keeps the memory.
    pub fn clear(&mut self) {
        self.units.clear();
        self.bytes.clear();
        self.rows.clear();
    }

    /// Makes room for so many code `units` and `bytes` more: buffers that grow would be copied.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn reserve(&mut self, units: usize, bytes: usize) -> Result<(), Error> {
        let no_memory = |bytes| move |_| Error::OutOfMemory { bytes };
        self.units.try_reserve_exact(units).map_err(no_memory(units.saturating_mul(2)))?;
        self.bytes.try_reserve_exact(bytes).map_err(no_memory(bytes))
    }

    /// Adds the string whose code units `append` appends.
    ///
    /// # Errors
    /// That of `append`; there is no such string then.
    pub fn push_utf16_by<E>(&mut self, append: impl FnOnce(&mut Vec<u16>) -> Result<(), E>) -> Result<(), E> {
        let start = self.units.len();
        append(&mut self.units).inspect_err(|_| self.units.truncate(start))?;
        self.rows.push(Row::Utf16(start..self.units.len()));
        Ok(())
    }

    /// Adds the code units that `append` appends to the last text, which has code units too.
    ///
    /// # Errors
    /// That of `append`; the text is then as it was.
    pub fn extend_utf16_by<E>(&mut self, append: impl FnOnce(&mut Vec<u16>) -> Result<(), E>) -> Result<(), E> {
        let start = self.units.len();
        append(&mut self.units).inspect_err(|_| self.units.truncate(start))?;
        if let Some(Row::Utf16(range)) = self.rows.last_mut() {
            range.end = self.units.len();
        }
        Ok(())
    }

    /// Adds bytes, for which [room](RawTexts::reserve) was made.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.rows.push(Row::Bytes(start..self.bytes.len()));
    }

    /// The texts as UTF-8, group after group, read on all threads of the current rayon pool; and the error of the first that has none, behind which there
    /// are no texts. `strict`: bytes that are not UTF-8 are one.
    pub fn read(&self, strict: bool) -> (Vec<ReadTexts<'_>>, Option<RowError>) {
        let lengths = self.rows.iter().map(|row| match row {
            Row::Utf16(range) | Row::Bytes(range) => range.len(),
        });
        let first_failed = FirstFailed::default();
        let groups = stretches(lengths, GROUP).into_par_iter().enumerate().map(|(number, rows)| {
            let mut group = ReadTexts::default();
            let read = || group.read(self, rows, strict);
            let done = if first_failed.is_before(number) { Ok(()) } else { first_failed.note(number, read()) };
            (group, done.err())
        });
        let mut all = Vec::new();
        for (group, error) in groups.collect::<Vec<_>>() {
            all.push(group);
            if error.is_some() {
                return (all, error);
            }
        }
        (all, None)
    }

    /// The same on this thread, into `texts`, in whose memory of others they come.
    ///
    /// # Errors
    /// That of the first text that has no UTF-8: `texts` are those before it.
    pub fn read_to<'a>(&'a self, strict: bool, texts: &mut ReadTexts<'a>) -> Result<(), RowError> {
        texts.read(self, 0..self.rows.len(), strict)
    }
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
#[derive(Debug, Default)]
pub struct ReadTexts<'a> {
    /// Those that were strings, one after the other.
    strings: String,
    rows: Vec<ReadRow<'a>>,
}

#[derive(Debug)]
enum ReadRow<'a> {
    /// Of `strings`.
    Utf16(Range<usize>),
    Bytes(Cow<'a, str>, &'a [u8]),
}

impl<'a> ReadTexts<'a> {
    /// None yet, with the memory of `strings`.
    pub fn in_memory_of(strings: String) -> Self {
        Self { strings, rows: Vec::new() }
    }

    /// The memory of the strings.
    pub fn into_memory(self) -> String {
        self.strings
    }

    /// The texts, and what each was read from.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Origin<'_>)> {
        self.rows.iter().map(|row| match row {
            ReadRow::Utf16(range) => {
                let text = &self.strings[range.clone()];
                (text, Origin::Utf16(text))
            }
            ReadRow::Bytes(text, bytes) => (&**text, Origin::Bytes(bytes)),
        })
    }

    fn read(&mut self, texts: &'a RawTexts, rows: Range<usize>, strict: bool) -> Result<(), RowError> {
        let Self { strings, rows: done } = self;
        strings.clear();
        done.clear();
        done.reserve_exact(rows.len());
        for row in rows {
            let read = match &texts.rows[row] {
                Row::Utf16(range) => {
                    let start = strings.len();
                    push_utf16(strings, &texts.units[range.clone()]).map(|()| ReadRow::Utf16(start..strings.len()))
                }
                Row::Bytes(range) => {
                    let bytes = &texts.bytes[range.clone()];
                    read_utf8(bytes, strict).map(|text| ReadRow::Bytes(text, bytes))
                }
            };
            done.push(read.map_err(|error| RowError { row, error })?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokenmill_testkit::rng::Rng;

    use super::*;

    /// A text as it came.
    #[derive(Clone, Debug)]
    enum Raw {
        Utf16(Vec<u16>),
        Bytes(Vec<u8>),
    }

    impl Raw {
        fn any(rng: &mut Rng) -> Self {
            let length = if rng.below(50) == 0 { rng.below(2 * GROUP) } else { rng.below(200) };
            if rng.below(2) == 0 {
                Self::Utf16((0..length).map(|_| [0x61, 0xe9, 0x4e2d, 0xd83d, 0xde00][rng.below(5)]).collect())
            } else {
                Self::Bytes((0..length).map(|_| b"a\xc3\xa9\xff"[rng.below(4)]).collect())
            }
        }

        fn text(&self) -> String {
            match self {
                Self::Utf16(units) => String::from_utf16_lossy(units),
                Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            }
        }
    }

    fn fill(texts: &mut RawTexts, all: &[Raw]) {
        texts.clear();
        for raw in all {
            match raw {
                Raw::Utf16(units) => {
                    let append = |part: &[u16], to: &mut Vec<u16>| {
                        to.extend_from_slice(part);
                        Ok::<_, Infallible>(())
                    };
                    // In two parts, which may be of one character.
                    let (start, rest) = units.split_at(units.len() / 2);
                    let Ok(()) = texts.push_utf16_by(|to| append(start, to));
                    let Ok(()) = texts.extend_utf16_by(|to| append(rest, to));
                }
                Raw::Bytes(bytes) => texts.push_bytes(bytes),
            }
        }
    }

    /// Compares texts, and where their last characters were.
    fn assert_are<'a>(found: impl Iterator<Item = (&'a str, Origin<'a>)>, expected: &[Raw]) {
        let found: Vec<_> = found.collect();
        assert_eq!(found.len(), expected.len());
        for ((text, origin), raw) in found.into_iter().zip(expected) {
            assert_eq!(text, raw.text());
            let length = match raw {
                Raw::Utf16(units) => units.len(),
                Raw::Bytes(bytes) => bytes.len(),
            };
            assert_eq!(origin.place(text.len()), length, "{raw:x?}");
        }
    }

    #[test]
    fn texts_are_what_came_up_to_the_first_error() {
        let (mut rng, mut texts, mut memory) = (Rng::new(1), RawTexts::default(), String::new());
        for round in 0..15 {
            let mut all: Vec<_> = (0..rng.below(3_000)).map(|_| Raw::any(&mut rng)).collect();
            fill(&mut texts, &all);
            let (groups, error) = texts.read(false);
            assert!(error.is_none());
            assert_are(groups.iter().flat_map(ReadTexts::texts), &all);

            let mut one = ReadTexts::in_memory_of(memory);
            texts.read_to(false, &mut one).expect("it is lossy");
            assert_are(one.texts(), &all);
            memory = one.into_memory();

            // Only a few are no UTF-8, so that others are before them.
            let is_wrong = |raw: &Raw| matches!(raw, Raw::Bytes(bytes) if str::from_utf8(bytes).is_err());
            let mut left = round % 3;
            all.retain(|raw| {
                let is_one = is_wrong(raw) && left == 0;
                left -= usize::from(is_wrong(raw) && left > 0);
                !is_one
            });
            fill(&mut texts, &all);
            let first = all.iter().position(is_wrong);
            let (groups, error) = texts.read(true);
            assert_eq!(error.as_ref().map(|error| error.row), first);
            assert!(error.is_none_or(|error| matches!(error.error, Error::InvalidUtf8 { .. })));
            assert_are(groups.iter().flat_map(ReadTexts::texts), &all[..first.unwrap_or(all.len())]);
            let mut one = ReadTexts::default();
            assert_eq!(texts.read_to(true, &mut one).err().map(|error| error.row), first);
            assert_are(one.texts(), &all[..first.unwrap_or(all.len())]);
        }
    }

    #[test]
    fn a_string_that_does_not_come_is_none() {
        let mut texts = RawTexts::default();
        let failing = |to: &mut Vec<u16>| {
            to.extend([0x61; 5]);
            Err("no more")
        };
        assert_eq!(texts.push_utf16_by(failing), Err("no more"));
        texts.push_bytes(b"b");
        let (groups, _) = texts.read(true);
        assert_are(groups.iter().flat_map(ReadTexts::texts), &[Raw::Bytes(b"b".to_vec())]);
        assert!(texts.reserve(usize::MAX, 0).is_err() && texts.reserve(0, usize::MAX).is_err());
    }

    #[test]
    fn stretches_are_as_long_as_they_must_be() {
        let ends = |lengths: &[usize]| -> Vec<usize> {
            let all = stretches(lengths.iter().copied(), 10);
            assert!(
                all.windows(2).all(|two| two[0].end == two[1].start) && all.first().is_none_or(|one| one.start == 0)
            );
            all.into_iter().map(|one| one.end).collect()
        };
        assert!(ends(&[]).is_empty());
        assert_eq!(ends(&[0]), [1]);
        assert_eq!(ends(&[3, 7, 12, 1, 1, 9, 4]), [2, 3, 6, 7]);
        assert_eq!(ends(&[3, 7]), [2]);
    }
}
