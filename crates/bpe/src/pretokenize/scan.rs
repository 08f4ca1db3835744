//! The pieces of one text, a batch at a time.

use super::block;
#[cfg(target_arch = "aarch64")]
use super::masks::arm::Neon;
use super::masks::{BLOCK, Classify, Masks, Portable};
use super::rules::{Letters, Rules};
use super::splits::{Cuts, Splits};
use super::unjoined::Unjoined;
use super::{Pattern, deepseek, unspaced};
use crate::crossings::Crossings;
#[cfg(target_arch = "x86_64")]
use crate::level::{HasAvx2, HasAvx512};
use crate::{Error, Level};

/// What cuts pieces into parts, each of which is merged on its own.
#[derive(Clone, Copy)]
pub(crate) enum Parts<'a> {
    /// Nothing does.
    Whole,
    /// Chinese, Japanese and emoji are cut.
    Crossings(&'a Crossings),
    /// The text is one piece, which is cut.
    Unjoined(&'a Unjoined),
}

/// How far a text has been split.
pub(crate) struct Scan<'a> {
    pattern: &'a Pattern,
    level: Level,
    text: &'a str,
    at: usize,
    /// Where the last piece ends: after `at` when not all of its parts have been written.
    piece_end: usize,
    /// For patterns that are regular expressions, once these are asked.
    cuts: Option<Cuts<'a>>,
}

impl<'a> Scan<'a> {
    pub fn new(pattern: &'a Pattern, level: Level, text: &'a str) -> Self {
        Self { pattern, level, text, at: 0, piece_end: 0, cuts: None }
    }

    /// Where the next piece starts.
    #[inline(always)]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Whether there is no next piece.
    #[inline(always)]
    pub fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    /// Writes the ends of the next pieces to `ends`, and returns how many; 0 only when it is done. `ends.len() >= BLOCK`.
    ///
    /// # Errors
    /// [`Error::PatternLimit`], for patterns that are regular expressions.
    pub fn next(&mut self, ends: &mut [usize]) -> Result<usize, Error> {
        self.next_parts(ends, Parts::Whole)
    }

    /// [`Scan::next`] for the parts of pieces: they are cut also where `parts` says that no token crosses.
    ///
    /// # Errors
    /// Those of [`Scan::next`].
    pub fn next_parts(&mut self, ends: &mut [usize], parts: Parts) -> Result<usize, Error> {
        let text = self.text.as_bytes();
        let crossings = if let Parts::Crossings(crossings) = parts { Some(crossings) } else { None };
        let mut out = Ends { crossings, places: ends, count: 0, piece_end: self.piece_end, is_open: false };
        if let Parts::Unjoined(unjoined) = parts {
            scan(unjoined, self.level, text, self.at, &mut out);
        } else if self.at < self.piece_end {
            out.push_piece(text, self.at, self.piece_end);
        } else {
            let (level, at) = (self.level, self.at);
            match self.pattern {
                Pattern::R50k => scan(fixed::R50k, level, text, at, &mut out),
                Pattern::Cl100k => scan(fixed::Cl100k, level, text, at, &mut out),
                Pattern::O200k => scan(fixed::O200k, level, text, at, &mut out),
                Pattern::Llama3 => scan(fixed::Llama3, level, text, at, &mut out),
                Pattern::Qwen2 => scan(fixed::Qwen2, level, text, at, &mut out),
                Pattern::Qwen35 => scan(fixed::Qwen35, level, text, at, &mut out),
                Pattern::Nanochat => scan(fixed::Nanochat, level, text, at, &mut out),
                Pattern::Tekken => scan(fixed::Tekken, level, text, at, &mut out),
                Pattern::KimiK2 => scan(fixed::KimiK2, level, text, at, &mut out),
                Pattern::Starcoder => scan(fixed::Starcoder, level, text, at, &mut out),
                Pattern::DeepseekV3 => scan(deepseek::V3, level, text, at, &mut out),
                &Pattern::Rules(rules) => scan(rules, level, text, at, &mut out),
                Pattern::Splits(splits) => self.next_cuts(splits, &mut out)?,
            }
        }
        (self.at, self.piece_end) = (out.at(self.at), out.piece_end);
        Ok(out.count)
    }

    fn next_cuts(&mut self, splits: &'a Splits, out: &mut Ends) -> Result<(), Error> {
        let mut start = self.at;
        let cuts = self.cuts.get_or_insert_with(|| splits.cuts(self.text));
        while out.has_room()
            && let Some(end) = cuts.next()?
        {
            out.push_piece(self.text.as_bytes(), start, end);
            start = end;
        }
        Ok(())
    }
}

/// Ends of pieces, or of parts of pieces.
struct Ends<'a> {
    crossings: Option<&'a Crossings>,
    places: &'a mut [usize],
    count: usize,
    piece_end: usize,
    /// Whether the last parts of the last piece are missing, which ends at `piece_end`.
    is_open: bool,
}

impl Ends<'_> {
    /// Whether there is room for those of a block.
    #[inline(always)]
    fn has_room(&self) -> bool {
        self.count + BLOCK <= self.places.len() && !self.is_open
    }

    /// The last end; `before` when there is none.
    #[inline(always)]
    fn at(&self, before: usize) -> usize {
        self.count.checked_sub(1).map_or(before, |last| self.places[last])
    }

    /// Adds those of the piece `text[start..end]`, as many as there is room for.
    #[inline(always)]
    fn push_piece(&mut self, text: &[u8], start: usize, end: usize) {
        if let Some(crossings) = self.crossings
            && Crossings::may_cut(text, start, end)
        {
            self.count += crossings.cut(text, start, end, &mut self.places[self.count..]);
            self.is_open = self.at(start) != end;
        } else {
            self.places[self.count] = end;
            self.count += 1;
        }
        self.piece_end = end;
    }

    /// Adds those of the parts of what is written without words from `start` on, and returns where the last of them ends; `start` when nothing is.
    #[inline(always)]
    fn push_unspaced(&mut self, text: &[u8], start: usize, rules: Rules) -> usize {
        if let Some(crossings) = self.crossings {
            let count = unspaced::ends(text, start, rules, crossings, &mut self.places[self.count..]);
            if count > 0 {
                self.count += count;
                self.piece_end = self.places[self.count - 1];
                return self.piece_end;
            }
        }
        start
    }

    /// Adds those of pieces that are not to be cut: `start` + the place of each bit of `bits`, one of which is set.
    #[inline(always)]
    fn push_places(&mut self, bits: u64, start: usize) {
        let (ends, _) = self.places[self.count..].split_first_chunk_mut::<BLOCK>().expect("there is room for a block");
        write_places(bits, start, ends);
        self.count += bits.count_ones() as usize;
        self.piece_end = start + bits.ilog2() as usize;
    }
}

/// The scanner of a pattern.
pub(super) trait Scanner: Copy {
    /// The end of the piece that starts at `start`. `text` is valid UTF-8; `start` is the start of a character and less
    /// than `text.len()`; the result is greater than `start` and the start of a character or `text.len()`.
    fn piece_end(self, text: &[u8], start: usize) -> usize;

    /// The starts of the pieces that the block at `start` tells: always bit 0, and the last of them is that of a piece whose end is
    /// not told. Where the text ends inside the block, `masks` has what is behind it as `high`.
    fn starts(self, text: &[u8], start: usize, masks: &Masks) -> u64;

    /// How letters outside ASCII are told in a block; `None`: they are not.
    fn letters(self) -> Option<Letters>;

    /// Its rules, where the class of a character says all that there is to know of it.
    fn words(self) -> Option<Rules>;

    /// Writes the ends of pieces of what is written without words from `start` on to `ends`, as many as there are or is room for, and returns how many, where it
    /// has a way of its own to tell them.
    #[inline(always)]
    fn unspaced(self, text: &[u8], start: usize, ends: &mut [usize]) -> usize {
        _ = (text, start, ends);
        0
    }
}

/// Who has rules: a type of each pattern that is used much, so that the compiler knows them, and [`Rules`] for all others.
pub(super) trait HasRules: Copy {
    fn rules(self) -> Rules;
}

impl<T: HasRules> Scanner for T {
    #[inline(always)]
    fn piece_end(self, text: &[u8], start: usize) -> usize {
        self.rules().piece_end(text, start)
    }

    #[inline(always)]
    fn starts(self, text: &[u8], start: usize, masks: &Masks) -> u64 {
        block::starts(self.rules(), text, start, masks)
    }

    #[inline(always)]
    fn letters(self) -> Option<Letters> {
        self.words().map(|rules| rules.letters)
    }

    #[inline(always)]
    fn words(self) -> Option<Rules> {
        Some(self.rules()).filter(|rules| !rules.han)
    }
}

impl HasRules for Rules {
    #[inline(always)]
    fn rules(self) -> Rules {
        self
    }
}

/// A type for each pattern that has a name and rules.
pub(super) mod fixed {
    use super::{HasRules, Rules};

    macro_rules! fixed {
        ($($name:ident: $rules:ident,)*) => {$(
            #[derive(Clone, Copy)]
            pub struct $name;

            impl HasRules for $name {
                #[inline(always)]
                fn rules(self) -> Rules {
                    const { Rules::$rules }
                }
            }
        )*};
    }

    fixed! {
        R50k: R50K,
        Cl100k: CL100K,
        O200k: O200K,
        Llama3: LLAMA3,
        Qwen2: QWEN2,
        Qwen35: QWEN35,
        Nanochat: NANOCHAT,
        Tekken: TEKKEN,
        KimiK2: KIMI,
        Starcoder: STARCODER,
    }
}

/// Adds the ends of the next pieces from `start` on to `out`, until it has no room or the text ends.
fn scan(scanner: impl Scanner, level: Level, text: &[u8], start: usize, out: &mut Ends) {
    match level {
        Level::Portable => scan_by(Portable, scanner, text, start, out),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => scan_by(Neon, scanner, text, start, out),
        // SAFETY: there is such a level only on processors that have AVX2.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { scan_avx2(scanner, text, start, out) },
        // SAFETY: there is such a level only on processors that have AVX-512.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { scan_avx512(scanner, text, start, out) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn scan_avx2(scanner: impl Scanner, text: &[u8], start: usize, out: &mut Ends) {
    scan_by(HasAvx2::new(), scanner, text, start, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx2,bmi1,bmi2,lzcnt,popcnt")]
fn scan_avx512(scanner: impl Scanner, text: &[u8], start: usize, out: &mut Ends) {
    scan_by(HasAvx512::new(), scanner, text, start, out);
}

/// The end of a text that has so many bytes is looked at as a block.
const SHORT: usize = 16;

/// Pieces a block at a time where blocks tell them, else one by one.
#[inline(always)]
fn scan_by(classify: impl Classify, scanner: impl Scanner, text: &[u8], mut start: usize, out: &mut Ends) {
    while start < text.len() && out.has_room() {
        let words = scanner.words();
        if let Some(rules) = words
            && unspaced::may_start(text, start)
        {
            let end = out.push_unspaced(text, start, rules);
            if end > start {
                start = end;
                continue;
            }
        }
        let left = text.len() - start;
        let padded: [u8; BLOCK];
        let block = match text[start..].first_chunk::<BLOCK>() {
            None if left >= SHORT => {
                let mut bytes = [0; BLOCK];
                bytes[..left].copy_from_slice(&text[start..]);
                padded = bytes;
                Some(&padded)
            }
            block => block,
        };
        if let Some(block) = block {
            // A block tells nothing where soon something begins that it knows nothing of.
            let letters = scanner.letters();
            let knows = |byte| byte < 0x80 || letters.is_some() && !Crossings::is_of_no_word(byte);
            if knows(block[0]) && knows(block[1]) {
                let mut masks = classify.classify(block);
                if masks.high != 0
                    && let Some(letters) = letters
                {
                    masks.tell(classify, block, letters);
                }
                // What is behind the text is not told.
                masks.high |= u64::MAX.checked_shl(left.min(BLOCK) as u32).unwrap_or(0);
                let inner = scanner.starts(text, start, &masks) & !1;
                if inner != 0 {
                    out.push_places(inner, start);
                    start += inner.ilog2() as usize;
                    continue;
                }
            }
        }
        if let Some(rules) = words
            && unspaced::may_start_at_space(text, start)
        {
            let end = out.push_unspaced(text, start, rules);
            if end > start {
                start = end;
                continue;
            }
        }
        let count = scanner.unspaced(text, start, &mut out.places[out.count..]);
        if count > 0 {
            out.count += count;
            start = out.places[out.count - 1];
            out.piece_end = start;
            continue;
        }
        let end = scanner.piece_end(text, start);
        out.push_piece(text, start, end);
        start = end;
    }
}

/// Writes `start` + the place of each set bit of `bits`; behind them anything. Eight at a time, so that the number of them costs
/// few branches.
#[inline(always)]
fn write_places(mut bits: u64, start: usize, places: &mut [usize; BLOCK]) {
    for eight in places.chunks_exact_mut(8) {
        for place in eight {
            *place = start + bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            break;
        }
    }
}
