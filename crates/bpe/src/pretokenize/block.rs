//! The pieces of 64 bytes at once, by algebra on bits.
//!
//! A block starts where a piece starts, so nothing has to be known of what is before it: a regular expression looks for its
//! next match from there on as it would from the start of a text. One bit for each byte says whether a piece starts there. Where
//! that cannot be told from the block (white space that goes on after it, a contraction at its end, a character of which [`wide`](super::wide) tells
//! nothing) the block is cut short; the next one starts at the last start that was told.

use super::masks::{BLOCK, Masks};
use super::rules::{Contractions, Letters, Numbers, Prefix, Rules, Tail};
use super::runs::contraction_end_any_case;

/// The starts of the pieces that the block at `start` tells: always bit 0, and the last of them is that of a piece whose end is not
/// told. Where the text ends inside the block, `masks` has what is behind it as `high`.
#[inline(always)]
pub(super) fn starts(rules: Rules, text: &[u8], start: usize, masks: &Masks) -> u64 {
    let cased = rules.letters == Letters::Cased;
    let told = if masks.high == 0 { u64::MAX } else { (1 << masks.high.trailing_zeros()) - 1 };
    // Bit i of `after(x)` says whether byte i - 1 is in x.
    let after = |mask: u64| mask << 1;
    // That of `after_character(x)` whether the character before it starts in x: an addition carries through the rest of that.
    let after_character = |mask: u64| after(mask).wrapping_add(masks.rest) & !masks.rest;
    let letter = masks.letter & told;
    let digit = masks.digit & told;
    let white = (masks.space | masks.tab | masks.newline) & told;
    let space = masks.space & told;
    let other = told & !(letter | digit | white);

    let other_start = other & !after(other) & !after(space);
    let mut limit = told;
    let mut starts;
    if rules.prefix == Prefix::Any {
        let newline = masks.newline & told;
        // Line breaks right after other characters: an addition carries from the first of them through the run.
        let first_tail = newline & after(other);
        let tail = (newline.wrapping_add(first_tail) ^ newline) & newline;
        let white = white & !tail;
        let blank = white & !newline;
        if rules.tail == Tail::LinesAndSlashes && after(tail) & masks.slash != 0 {
            limit = below(limit, after(tail) & masks.slash, other | tail);
        }
        // White space: the first of a run; the last, when it may join what follows; the first after the last line break.
        // Before numbers that are first it joins nothing.
        let stays = if rules.numbers_first { white | digit } else { white };
        let mut white_start = white & !after(white) | blank & !(stays >> 1);
        let mut after_newline = blank & after(newline & white);
        while after_newline != 0 {
            let at = after_newline.trailing_zeros();
            let blanks = (!(blank >> at)).trailing_zeros();
            white_start |= u64::from(newline.checked_shr(at + blanks).unwrap_or(0) & 1 == 0) << at;
            after_newline &= after_newline - 1;
        }
        limit = without_open_run(limit, white);

        let mut letter_start = letter & !after(letter);
        if cased {
            letter_start |= masks.upper & after(letter & !masks.upper);
            // Whether upper case after letters without case starts a piece depends on what is around both, and marks after punctuation are of
            // that, or of a word.
            let unsure = masks.upper & after(masks.caseless);
            if unsure & told != 0 {
                limit = below(limit, unsure & told, letter);
            }
            let unsure = masks.mark & after(other);
            if unsure & told != 0 {
                limit = below(limit, unsure & told, other | letter);
            }
        }
        letter_start &= !(after(blank) | after_character(other_start));

        starts = white_start | letter_start | digit_starts(rules, digit) | other_start;
    } else {
        let (digit_start, stays) = if rules.numbers_first {
            (digit_starts(rules, digit), white | digit)
        } else {
            (digit & !after(digit | space), white)
        };
        starts = white & !(after(white) & stays >> 1) | letter & !after(letter | space) | digit_start | other_start;
        limit = without_open_run(limit, white);
    }

    let of_word = rules.contractions == Contractions::OfWord;
    let mut apostrophes = match rules.contractions {
        Contractions::None => 0,
        Contractions::OfWord => masks.apostrophe & after(letter) & told,
        Contractions::Lower | Contractions::AnyCase => masks.apostrophe & other_start & told,
    };
    let mut end = 0;
    while apostrophes != 0 {
        let at = apostrophes.trailing_zeros() as usize;
        apostrophes &= apostrophes - 1;
        if told >> at >> 2 & 1 == 0 {
            limit &= !bits_from(at);
            break;
        }
        // After a contraction a word's apostrophe is the first character of the next piece.
        if of_word && at == end {
            continue;
        }
        let contraction_end = if of_word {
            contraction_end_any_case(text, start + at)
        } else {
            rules.own_contraction_end(text, start + at)
        };
        if let Some(contraction_end) = contraction_end {
            end = contraction_end - start;
            // Nothing starts inside it, nor at its apostrophe when it belongs to the word before; what follows it starts.
            let inside = bits_from(at + usize::from(!of_word)) & !bits_from(end);
            starts = starts & !inside | letter & bits_from(end) & !bits_from(end + 1);
        }
    }
    starts & limit | 1
}

/// The starts of the pieces of digits, which begin at each run of `digit`.
#[inline(always)]
fn digit_starts(rules: Rules, digit: u64) -> u64 {
    let mut starts = digit & !(digit << 1);
    if let Numbers::UpTo(most) = rules.numbers {
        // Digits that have `most` others right before them.
        let full = (1..=u32::from(most)).fold(digit, |full, count| full & digit << count);
        let mut next = starts << most & full;
        while next != 0 {
            starts |= next;
            next = next << most & full;
        }
    }
    starts
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
