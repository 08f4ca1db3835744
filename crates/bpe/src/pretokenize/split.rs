//! Where a text can be cut so that its pieces stay the same.

use super::Pattern;
use super::class::{Class, class_at};
use super::han::is_han;
use super::rules::{Rules, Tail, White};

impl Pattern {
    /// The last place in `from + 1..=to` where `text` can be cut; `None` when there is none. At such a place the pieces of `text` are those
    /// of what is before it and then those of what is after it, whatever else the text holds.
    ///
    /// Only the characters around the place are looked at, so the place is still one when the text goes on. `to` may be inside a
    /// character and is less than `text.len()`.
    ///
    /// # Why these places
    /// A regular expression looks for its next match from the end of the last one, and no pattern looks back. So it is enough that in the
    /// whole text one piece ends at the place (*no piece runs over it*), and that the matches before it come out the same when the text
    /// ends there (*the end is not felt*). `a` is the character before the place, `b` the one after it.
    ///
    /// Of a pattern of regular expressions nothing is known: it has no such place.
    ///
    /// *`a` is a letter and `b` is neither a letter nor a mark nor `'`; or `a` is a number and `b` is none.* The alternatives that can take a
    /// letter are those of words, of contractions, and of letters after punctuation (`DeepSeek`); after it they can take letters, marks (where
    /// they are of words) and an apostrophe (where contractions are). Only `\p{N}+` and `\p{N}{1,n}` can take a number, and after it
    /// numbers only. So no piece runs over the place. Alternatives that feel an end do so by taking less (a run that stops at `b` as it would at
    /// the end: `b` fits no set that a run with `a` is of) or by `$` and `(?!\S)` after white space: a run of white space before the place is
    /// followed by `a` or something before it in both texts. Where numbers or CJK are split off first, the place is inside or at the end of a stretch of
    /// these or of others, and cutting a stretch is cutting the text of the last split. What is between the matches of `DeepSeek`'s are controls;
    /// `a` is none.
    ///
    /// *But not where both are Han characters, for Kimi*: its runs of them hold letters, numbers and others. There `b` must not be one.
    ///
    /// *`a` is a line break and `b` neither white space nor `/`, where white space ends after its last line break.* After a line break
    /// alternatives can take white space, line breaks and `/` (o200k; elsewhere `b` may be one), so no piece runs over the place. The last piece
    /// before it is either punctuation with all line breaks after it, which takes as much at the end; or it is a run of white space that ends
    /// with `a`: `\s*[\r\n]` and `\s*[\r\n]+` take all of it, which is what `\s++$` (cl100k) takes where the text ends.
    ///
    /// *The same in r50k and its kin, when what is before `a` is not white space.* There white space before `b` is cut before its last
    /// character, and white space at the end is not; of a single character both make one piece.
    pub fn split_before(&self, text: &str, from: usize, to: usize) -> Option<usize> {
        if matches!(self, Self::Splits(_)) {
            return None;
        }
        let text = text.as_bytes();
        let mut at = start_of_character(text, to);
        while at > from {
            let before = start_of_character(text, at - 1);
            if self.splits(text, before, at) {
                return Some(at);
            }
            at = before;
        }
        None
    }

    /// Whether there are texts in which [`Pattern::split_before`] finds places. Such a pattern does not look back.
    pub(crate) fn can_split(&self) -> bool {
        !matches!(self, Self::Splits(_))
    }

    /// Whether the character at `before` ends where a cut is safe; `at` is the next character.
    fn splits(&self, text: &[u8], before: usize, at: usize) -> bool {
        let ((a, _), (b, _)) = (class_at(text, before), class_at(text, at));
        let is_white = |class| matches!(class, Class::Space | Class::Newline);
        match a {
            Class::Upper | Class::Lower | Class::Caseless => {
                !b.is_letter() && b != Class::Mark && text[at] != b'\'' && !self.goes_on(text, at)
            }
            Class::Number => b != Class::Number && !self.goes_on(text, at),
            Class::Newline if !is_white(b) => match self.rules() {
                Some(Rules { white: White::Run, .. }) => {
                    before > 0 && !is_white(class_at(text, start_of_character(text, before - 1)).0)
                }
                Some(Rules { tail: Tail::LinesAndSlashes, .. }) => text[at] != b'/',
                _ => true,
            },
            _ => false,
        }
    }

    /// Whether the character at `at` may go on a run that letters and numbers are of among others.
    fn goes_on(&self, text: &[u8], at: usize) -> bool {
        self.rules().is_some_and(|rules| rules.han) && is_han(text, at)
    }
}

/// The start of the character that byte `at` is of.
fn start_of_character(text: &[u8], mut at: usize) -> usize {
    while text[at] & 0xc0 == 0x80 {
        at -= 1;
    }
    at
}
