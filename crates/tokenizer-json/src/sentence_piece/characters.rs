//! What a `Precompiled` normalizer makes of characters.
//!
//! It looks for each grapheme in its map, and where that has none for each of the grapheme's characters. Most characters are graphemes alone whatever is
//! beside them, and are looked for once and remembered.

use std::iter;
use std::sync::OnceLock;

use tokenizers::normalizers::Precompiled;
use unicode_segmentation::UnicodeSegmentation;

use super::bytes::MARK;

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
    /// The number that [`Form::unpacked`] makes this of.
    fn packed(self) -> u32 {
        let (kind, character) = match self {
            Self::Nothing => (0, '\0'),
            Self::Space => (1, '\0'),
            Self::Mark => (2, '\0'),
            Self::Letter(character) => (3, character),
            Self::Several => (4, '\0'),
            Self::Untold => (5, '\0'),
        };
        kind << 21 | u32::from(character)
    }

    #[inline(always)]
    fn unpacked(number: u32) -> Self {
        let character = char::from_u32(number & 0x1f_ffff).unwrap_or_default();
        match number >> 21 {
            0 => Self::Nothing,
            1 => Self::Space,
            2 => Self::Mark,
            3 => Self::Letter(character),
            4 => Self::Several,
            _ => Self::Untold,
        }
    }
}

/// The forms of all characters, made for 256 of them when the first one is asked for.
pub(super) struct Characters {
    map: Option<Precompiled>,
    white: White,
    pages: Box<[OnceLock<Box<[u32; 256]>>]>,
}

/// The bit of a character that is no grapheme alone beside some others.
const JOINED: u32 = 1 << 31;

impl Characters {
    pub fn new(map: Option<Precompiled>, white: White) -> Self {
        Self { map, white, pages: iter::repeat_with(OnceLock::new).take(0x1100).collect() }
    }

    /// What `character` comes to as a grapheme, and whether it is one alone beside any other character of which this is said too.
    #[inline(always)]
    pub fn form(&self, character: char) -> (Form, bool) {
        let code = character as usize;
        let page = self.pages[code / 256].get_or_init(|| {
            let first = (code / 256 * 256) as u32;
            let one = |at: usize| char::from_u32(first + at as u32).map_or(0, |character| self.made(character));
            Box::new(std::array::from_fn(one))
        });
        let number = page[code % 256];
        (Form::unpacked(number & !JOINED), number & JOINED == 0)
    }

    /// The forms of all that is in `text`, which starts and ends between graphemes.
    pub fn forms(&self, text: &str) -> impl Iterator<Item = Form> {
        /// Longer graphemes are not looked for.
        const LONGEST: usize = 5;
        let mut normalized = String::new();
        for grapheme in text.graphemes(true) {
            if let Some(put) = self.put_for(grapheme).filter(|_| grapheme.len() <= LONGEST) {
                normalized.push_str(put);
                continue;
            }
            for character in grapheme.chars() {
                let mut four = [0; 4];
                let part = character.encode_utf8(&mut four);
                normalized.push_str(self.put_for(part).unwrap_or(part));
            }
        }
        let characters: Vec<char> = normalized.chars().collect();
        characters.into_iter().map(|character| self.of_normalized(character))
    }

    fn put_for(&self, part: &str) -> Option<&str> {
        self.map.as_ref().and_then(|map| map.transform(part))
    }

    fn made(&self, character: char) -> u32 {
        let mut four = [0; 4];
        let mut forms = self.forms(character.encode_utf8(&mut four));
        let form = match (forms.next(), forms.next()) {
            (None, _) => Form::Nothing,
            (Some(one), None) => one,
            _ => Form::Several,
        };
        form.packed() | if self.map.is_none() || is_grapheme(character) { 0 } else { JOINED }
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

/// Whether `character` is a grapheme alone beside all others of this kind. What joins two characters is one of them (those that go on, come before or
/// are made of parts: marks, Hangul, flags) or between them; but for these a line break of two.
fn is_grapheme(character: char) -> bool {
    let beside = [['a', character], [character, 'a'], [character, character]];
    character != '\r' && beside.iter().all(|both| String::from_iter(both).graphemes(true).count() == 2)
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::strings::Strings;

    use super::*;

    #[test]
    fn text_is_cut_between_graphemes() {
        let (mut rng, strings) = (Rng::new(1), Strings::new());
        for index in 0..20_000 {
            let mut text = strings.string(7, index);
            if index % 2 == 0 {
                text = (0..12).filter_map(|_| text.chars().nth(rng.below(8))).collect();
            }
            let ends: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
            let characters: Vec<(usize, char)> = text.char_indices().collect();
            for both in characters.windows(2) {
                if is_grapheme(both[0].1) && is_grapheme(both[1].1) {
                    assert!(ends.contains(&both[1].0), "{text:?} at {}", both[1].0);
                }
            }
        }
    }
}
