//! One piece at a time, by the rules of a pattern: for any text.

use super::class::{Class, class_at};
use super::han::is_han;
use super::rules::{Contractions, Letters, Numbers, Prefix, Rules, Tail, White};
use super::runs::{
    WhiteRun, ascii_lower, contraction_end, contraction_end_any_case, letters_end, numbers_end, run_end, skip_ascii,
    skip_common,
};

impl Rules {
    /// The end of the piece that starts at `start`. `text` is valid UTF-8; `start` is the start of a character and less
    /// than `text.len()`; the result is greater than `start` and the start of a character or `text.len()`.
    #[inline(always)]
    pub(super) fn piece_end(self, text: &[u8], start: usize) -> usize {
        let first = text[start];
        if first == b'\''
            && let Some(end) = self.own_contraction_end(text, start)
        {
            return end;
        }
        if self.han && is_han(text, start) {
            return han_end(text, start);
        }
        match self.prefix {
            Prefix::Space => self.piece_end_after_space(text, start),
            Prefix::Any => self.piece_end_after_any(text, start),
        }
    }

    /// The end of a contraction that is a piece of its own, whose apostrophe is at `at`.
    #[inline(always)]
    pub(super) fn own_contraction_end(self, text: &[u8], at: usize) -> Option<usize> {
        match self.contractions {
            Contractions::None | Contractions::OfWord => None,
            Contractions::Lower => contraction_end(text, at),
            Contractions::AnyCase => contraction_end_any_case(text, at),
        }
    }

    #[inline(always)]
    fn piece_end_after_space(self, text: &[u8], start: usize) -> usize {
        let first = text[start];
        let body = start + usize::from(first == b' ');
        if body < text.len() {
            let (class, next) = class_at(text, body);
            if class.is_letter() {
                return letters_end(text, next);
            }
            if class == Class::Number {
                // A space before numbers that are first is on its own.
                return if self.numbers_first && body > start { body } else { self.numbers_end(text, body) };
            }
            if class.is_other() {
                return run_end(text, next, Class::is_other);
            }
        }
        self.white_end(text, start)
    }

    #[inline(always)]
    fn piece_end_after_any(self, text: &[u8], start: usize) -> usize {
        let first = text[start];
        let (class, next) = class_at(text, start);
        // A mark could be the character before the word as well as the word's first: both readings end at the same place.
        if self.is_of_word(class) {
            return self.word_end(text, start, next);
        }
        if class == Class::Number {
            return self.numbers_end(text, start);
        }
        if class.is_prefix() && next < text.len() {
            let (second, after) = class_at(text, next);
            if self.is_of_word(second) && !(self.han && is_han(text, next)) {
                return self.word_end(text, next, after);
            }
            if first == b' ' && second.is_other() {
                return self.punctuation_end(text, after);
            }
        }
        if class.is_other() {
            return self.punctuation_end(text, next);
        }
        self.white_end(text, start)
    }

    #[inline(always)]
    fn numbers_end(self, text: &[u8], at: usize) -> usize {
        match self.numbers {
            Numbers::UpTo(most) => numbers_end(text, at, most),
            Numbers::Run => run_end(text, at, |class| class == Class::Number),
        }
    }

    #[inline(always)]
    fn white_end(self, text: &[u8], start: usize) -> usize {
        let ends = |end| self.numbers_first && class_at(text, end).0 == Class::Number;
        let white = WhiteRun::before(text, start, ends);
        match self.white {
            White::Run => white.piece_end(start),
            White::Lines => white.line_or_piece_end(start),
            White::LinesOrEnd => white.piece_end_or_line(start),
        }
    }

    #[inline(always)]
    fn is_of_word(self, class: Class) -> bool {
        class.is_letter() || self.letters != Letters::Plain && class == Class::Mark
    }

    /// The end of a word that starts at `start`, where a character of a word is; the next one is at `next`.
    #[inline(always)]
    fn word_end(self, text: &[u8], start: usize, next: usize) -> usize {
        match self.letters {
            Letters::Plain => letters_end(text, next),
            Letters::Marked => marked_letters_end(text, next),
            Letters::Cased => {
                let end = self.cased_letters_end(text, start);
                if self.contractions == Contractions::OfWord && end < text.len() && text[end] == b'\'' {
                    contraction_end_any_case(text, end).unwrap_or(end)
                } else {
                    end
                }
            }
        }
    }

    /// `[Upper Caseless Mark]*[Lower Caseless Mark]+`, else `[Upper Caseless Mark]+`, matched as a backtracking engine would.
    #[inline(always)]
    fn cased_letters_end(self, text: &[u8], start: usize) -> usize {
        let mut at = start;
        // Characters without case are in both sets: where no lower-case letter ends the first run, it gives back what stands
        // after the last of them.
        let mut after_caseless = None;
        while at < text.len() {
            let (class, next) = class_at(text, at);
            match class {
                Class::Upper => {}
                Class::Caseless | Class::Mark if self.han && is_han(text, at) => break,
                Class::Caseless | Class::Mark => after_caseless = Some(next),
                Class::Lower => return self.lower_end(text, next),
                _ => break,
            }
            at = next;
        }
        after_caseless.unwrap_or(at)
    }

    /// The end of `[Lower Caseless Mark]*` from `at` on.
    #[inline(always)]
    fn lower_end(self, text: &[u8], mut at: usize) -> usize {
        loop {
            at = skip_ascii(text, at, ascii_lower);
            // U+0430 to U+045F are lower-case letters, and U+5000 to U+8FFF have no case.
            at = skip_common(text, at, |first, second| match (first, second) {
                (0xd0, 0xb0..=0xbf) | (0xd1, 0x80..=0x9f) => 2,
                (0xe5..=0xe8, _) if !self.han => 3,
                _ => 0,
            });
            if at == text.len() {
                return at;
            }
            if text[at] < 0x80 {
                if text[at].is_ascii_lowercase() {
                    continue;
                }
                return at;
            }
            let (class, next) = class_at(text, at);
            if !matches!(class, Class::Lower | Class::Caseless | Class::Mark) || self.han && is_han(text, at) {
                return at;
            }
            at = next;
        }
    }

    /// The end of punctuation and its tail from `at` on.
    #[inline(always)]
    fn punctuation_end(self, text: &[u8], at: usize) -> usize {
        let mut end = match self.letters {
            Letters::Marked => run_end(text, at, |class| class.is_other() && class != Class::Mark),
            Letters::Plain | Letters::Cased => run_end(text, at, Class::is_other),
        };
        match self.tail {
            Tail::None => {}
            Tail::Lines => {
                while end < text.len() && matches!(text[end], b'\r' | b'\n') {
                    end += 1;
                }
            }
            Tail::LinesAndSlashes => {
                while end < text.len() && matches!(text[end], b'\r' | b'\n' | b'/') {
                    end += 1;
                }
            }
        }
        end
    }
}

/// The end of `[\p{L}\p{M}]*` from `at` on.
#[inline(always)]
fn marked_letters_end(text: &[u8], mut at: usize) -> usize {
    loop {
        at = letters_end(text, at);
        if at == text.len() || text[at] < 0x80 {
            return at;
        }
        let (class, next) = class_at(text, at);
        if class != Class::Mark {
            return at;
        }
        at = next;
    }
}

/// The end of `\p{Han}+` at `start`.
#[inline(always)]
fn han_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < text.len() && is_han(text, end) {
        end = class_at(text, end).1;
    }
    end
}
