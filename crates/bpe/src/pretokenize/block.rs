//! The pieces of 64 bytes of ASCII at once, by algebra on bits.
//!
//! A block starts where a piece starts, so nothing has to be known of what is before it: a regular expression looks for its
//! next match from there on as it would from the start of a text. One bit for each byte says whether a piece starts there. Where
//! that cannot be told from the block (white space that goes on after it, a contraction or a character outside ASCII at its end)
//! the block is cut short; the next one starts at the last start that was told.

use super::masks::{BLOCK, Masks};

/// Which ASCII rules a pattern has.
pub(super) trait Rules {
    /// Any one character but letters, digits and line breaks may stand before letters, where the older patterns have a space before a run
    /// of any kind; digits are taken three at a time; line breaks after other characters belong to them; white space is cut
    /// after its last line break.
    const NEWER: bool;
    /// An upper-case letter after a lower-case one starts a word; a contraction belongs to the word before it, not to itself; `/` may
    /// follow line breaks after other characters.
    const CASED: bool;

    /// The end of a contraction whose apostrophe is at `at`.
    fn contraction_end(text: &[u8], at: usize) -> Option<usize>;
}

/// The starts of the pieces that the block at `start` tells: always bit 0, and the last of them is that of a piece whose end is not
/// told. `start + BLOCK <= text.len()`.
#[inline(always)]
pub(super) fn starts<R: Rules>(text: &[u8], start: usize, masks: &Masks) -> u64 {
    let told = if masks.high == 0 { u64::MAX } else { (1 << masks.high.trailing_zeros()) - 1 };
    // Bit i of `after(x)` says whether byte i - 1 is in x.
    let after = |mask: u64| mask << 1;
    let letter = masks.letter & told;
    let digit = masks.digit & told;
    let white = (masks.space | masks.tab | masks.newline) & told;
    let space = masks.space & told;
    let other = told & !(letter | digit | white);

    let other_start = other & !after(other) & !after(space);
    let mut limit = told;
    let mut starts;
    if R::NEWER {
        let newline = masks.newline & told;
        // Line breaks right after other characters: an addition carries from the first of them through the run.
        let first_tail = newline & after(other);
        let tail = (newline.wrapping_add(first_tail) ^ newline) & newline;
        let white = white & !tail;
        let blank = white & !newline;
        if R::CASED && after(tail) & masks.slash != 0 {
            limit = below(limit, after(tail) & masks.slash, other | tail);
        }
        // White space: the first of a run; the last, when it may join what follows; the first after the last line break.
        let mut white_start = white & !after(white) | blank & !(white >> 1);
        let mut after_newline = blank & after(newline & white);
        while after_newline != 0 {
            let at = after_newline.trailing_zeros();
            let blanks = (!(blank >> at)).trailing_zeros();
            white_start |= u64::from(newline.checked_shr(at + blanks).unwrap_or(0) & 1 == 0) << at;
            after_newline &= after_newline - 1;
        }
        limit = without_open_run(limit, white);

        let mut letter_start = letter & !after(letter);
        if R::CASED {
            letter_start |= masks.upper & after(letter & !masks.upper);
        }
        letter_start &= !after(blank | other_start);

        let mut digit_start = digit & !after(digit);
        let fourth = digit & digit << 1 & digit << 2 & digit << 3;
        let mut third = digit_start << 3 & fourth;
        while third != 0 {
            digit_start |= third;
            third = third << 3 & fourth;
        }
        starts = white_start | letter_start | digit_start | other_start;
    } else {
        starts = white & !(after(white) & white >> 1)
            | letter & !after(letter | space)
            | digit & !after(digit | space)
            | other_start;
        limit = without_open_run(limit, white);
    }

    let mut apostrophes =
        if R::CASED { masks.apostrophe & after(letter) } else { masks.apostrophe & other_start } & told;
    let mut end = 0;
    while apostrophes != 0 {
        let at = apostrophes.trailing_zeros() as usize;
        apostrophes &= apostrophes - 1;
        if told >> at >> 2 & 1 == 0 {
            limit &= !bits_from(at);
            break;
        }
        // After a contraction a word's apostrophe is the first character of the next piece.
        if R::CASED && at == end {
            continue;
        }
        if let Some(contraction_end) = R::contraction_end(text, start + at) {
            end = contraction_end - start;
            // Nothing starts inside it, nor at its apostrophe when it belongs to the word before; what follows it starts.
            let inside = bits_from(at + usize::from(!R::CASED)) & !bits_from(end);
            starts = starts & !inside | letter & bits_from(end) & !bits_from(end + 1);
        }
    }
    starts & limit | 1
}

/// The bits from `at` on.
#[inline(always)]
fn bits_from(at: usize) -> u64 {
    u64::MAX.checked_shl(at as u32).unwrap_or(0)
}

/// `limit` without the run of white space that is open at its end, but for its first character.
#[inline(always)]
fn without_open_run(limit: u64, white: u64) -> u64 {
    let length = limit.trailing_ones();
    // The run's length, from the last told byte down.
    let run = (!(white << (BLOCK as u32 - length).min(63))).leading_zeros().min(length);
    if run == 0 { limit } else { u64::MAX >> (BLOCK as u32 - 1 - (length - run)) & limit }
}

/// `limit` up to the start of the run of `members` in which the first of `marks` stands.
#[inline(always)]
fn below(limit: u64, marks: u64, members: u64) -> u64 {
    let at = marks.trailing_zeros();
    let run = (!(members << (BLOCK as u32 - 1 - at))).leading_zeros();
    // The first character of the run may be the second of its piece, after a space: it is a start either way, or the space is.
    limit & (u64::MAX >> (BLOCK as u32 - 1 - (at + 1).saturating_sub(run)))
}
