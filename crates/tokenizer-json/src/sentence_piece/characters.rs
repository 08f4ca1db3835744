//! What a `Precompiled` normalizer makes of characters.
//!
//! It looks for each grapheme in its map, and where that has none, or the grapheme is long, for each of the grapheme's characters. Most characters are
//! looked for alone whatever is beside them, and what they come to is remembered.

use tokenizers::normalizers::Precompiled;
use unicode_segmentation::UnicodeSegmentation;

use super::bytes::MARK;
use crate::learned::Learned;

/// What a character comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Nothing,
    Space,
    /// The mark of a space, as text.
    Mark,
    Letter(char),
    /// Several of these.
    Several,
    /// White space that is not told from spaces here.
    Untold,
}

/// What white space is that is no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum White {
    Letter,
    Space,
    Untold,
}

impl Form {
    /// The number, not 0, that [`Form::unpacked`] makes this of.
    fn packed(self) -> u32 {
        let (kind, character) = match self {
            Self::Nothing => (1, '\0'),
            Self::Space => (2, '\0'),
            Self::Mark => (3, '\0'),
            Self::Letter(character) => (4, character),
            Self::Several => (5, '\0'),
            Self::Untold => (6, '\0'),
        };
        kind << 21 | u32::from(character)
    }

    #[inline(always)]
    fn unpacked(number: u32) -> Self {
        let character = char::from_u32(number & 0x1f_ffff).unwrap_or_default();
        match number >> 21 {
            1 => Self::Nothing,
            2 => Self::Space,
            3 => Self::Mark,
            4 => Self::Letter(character),
            5 => Self::Several,
            _ => Self::Untold,
        }
    }
}

/// What is known of characters.
pub(super) struct Characters {
    map: Option<Precompiled>,
    white: White,
    learned: Learned,
}

/// A character of a text.
#[derive(Clone, Copy)]
pub(super) struct Character {
    /// What it comes to as a grapheme.
    pub form: Form,
    pub length: usize,
    is_ascii: bool,
    /// The bits [`Character::JOINED`] and [`Character::GOES_ON`].
    bits: u32,
}

impl Character {
    /// Of one that is no grapheme alone beside some of those that have not this bit.
    const JOINED: u32 = 1 << 31;
    /// Of one that is of one grapheme with some characters of ASCII after it.
    const GOES_ON: u32 = 1 << 30;

    /// Whether a grapheme ends between this and `next`.
    #[inline(always)]
    pub fn is_apart_from(&self, next: &Self) -> bool {
        (self.bits | next.bits) & Self::JOINED == 0 || next.is_ascii && self.bits & Self::GOES_ON == 0
    }

    /// Whether a grapheme that holds this and `next` is too long to be looked for.
    #[inline(always)]
    pub fn is_long_with(&self, next: &Self) -> bool {
        self.length + next.length > LONGEST
    }
}

/// The bytes of the longest graphemes that are looked for.
pub(super) const LONGEST: usize = 5;

impl Characters {
    pub fn new(map: Option<Precompiled>, white: White) -> Self {
        Self { map, white, learned: Learned::new() }
    }

    /// `character`, and what it comes to.
    #[inline(always)]
    pub fn look(&self, character: char) -> Character {
        const BITS: u32 = Character::JOINED | Character::GOES_ON;
        let number = self.learned.number(character, || self.made(character));
        Character {
            form: Form::unpacked(number & !BITS),
            length: character.len_utf8(),
            is_ascii: character.is_ascii(),
            bits: number & BITS,
        }
    }

    /// The forms of what is in `text` from `start` on; a grapheme starts and one ends where `text` does.
    pub fn forms(&self, text: &str, start: usize) -> impl Iterator<Item = Form> {
        let mut normalized = String::new();
        for (at, grapheme) in text.grapheme_indices(true) {
            if at >= start
                && grapheme.len() <= LONGEST
                && let Some(put) = self.put_for(grapheme)
            {
                normalized.push_str(put);
                continue;
            }
            for (_, character) in grapheme.char_indices().filter(|(inside, _)| at + inside >= start) {
                let mut four = [0; 4];
                let part = character.encode_utf8(&mut four);
                normalized.push_str(self.put_for(part).unwrap_or(part));
            }
        }
        let characters: Vec<char> = normalized.chars().collect();
        characters.into_iter().map(|character| self.of_normalized(character))
    }

    /// What the map has for `part`.
    pub fn put_for(&self, part: &str) -> Option<&str> {
        self.map.as_ref().and_then(|map| map.transform(part))
    }

    #[cold]
    fn made(&self, character: char) -> u32 {
        let mut four = [0; 4];
        let mut forms = self.forms(character.encode_utf8(&mut four), 0);
        let form = match (forms.next(), forms.next()) {
            (None, _) => Form::Nothing,
            (Some(one), None) => one,
            _ => Form::Several,
        };
        form.packed() | if self.map.is_some() { joins(character) } else { 0 }
    }

    fn of_normalized(&self, character: char) -> Form {
        match character {
            ' ' => Form::Space,
            MARK => Form::Mark,
            _ if character.is_whitespace() => match self.white {
                White::Letter => Form::Letter(character),
                White::Space => Form::Space,
                White::Untold => Form::Untold,
            },
            _ => Form::Letter(character),
        }
    }
}

/// The bits of `character`.
///
/// What joins two characters is one of them (those that go on, come before or are made of parts: marks, Hangul, flags) or between them; but for these a
/// line break of two. One of ASCII is joined to what is before it only by that.
fn joins(character: char) -> u32 {
    let is_joined = |both: [char; 2]| String::from_iter(both).graphemes(true).count() < 2;
    let goes_on = character == '\r' || is_joined([character, 'a']);
    let joined = goes_on || is_joined(['a', character]) || is_joined([character, character]);
    (u32::from(joined) * Character::JOINED) | (u32::from(goes_on) * Character::GOES_ON)
}

#[cfg(test)]
mod tests {
    use tokenizers::NormalizerWrapper;
    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::strings::Strings;

    use super::super::tests::charsmap;
    use super::*;

    #[test]
    fn text_is_cut_between_graphemes() {
        let (mut rng, strings) = (Rng::new(1), Strings::new());
        let Ok(NormalizerWrapper::Precompiled(map)) = serde_json::from_value(charsmap()) else { panic!("no map") };
        let every = Characters::new(Some(map), White::Letter);
        for index in 0..20_000 {
            let mut text = strings.string(7, index);
            if index % 2 == 0 {
                text = (0..12).filter_map(|_| text.chars().nth(rng.below(8))).collect();
            }
            let ends: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
            let characters: Vec<(usize, char)> = text.char_indices().collect();
            for both in characters.windows(2) {
                let [before, after] = [both[0].1, both[1].1].map(|character| every.look(character));
                if before.is_apart_from(&after) {
                    assert!(ends.contains(&both[1].0), "{text:?} at {}", both[1].0);
                }
            }
        }
    }
}
