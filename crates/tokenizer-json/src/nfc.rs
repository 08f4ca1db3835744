//! Unicode's normal form C, of texts most of which are in it.
//!
//! Characters that stay as they are whatever is beside them are told by a table; only what is between them is looked at.

use std::borrow::Cow;
use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

use tokenmill_bpe::{Error, Normalizer};
use unicode_normalization_alignments::char::canonical_combining_class;
use unicode_normalization_alignments::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick};

/// Normal form C, with the tables of the `tokenizers` crate.
pub const NFC: Normalizer = Normalizer {
    normalized,
    is_stable,
    // Three bytes may come to nine (U+1D160), and a syllable of Hangul is of three times its bytes.
    factor: 3,
};

/// What is known of the characters of the first two planes: of each two bits, whether it was asked for, and whether it is stable.
static KNOWN: [AtomicU8; 0x2_0000 / 4] = [const { AtomicU8::new(0) }; 0x2_0000 / 4];

/// Whether `character` is composed with none before it, and no mark is ordered across it.
#[inline]
fn is_stable(character: char) -> bool {
    if character.is_ascii() {
        return true;
    }
    let (code, shift) = (character as usize, character as usize % 4 * 2);
    let Some(place) = KNOWN.get(code / 4) else { return is_found_stable(character) };
    // Whoever asks for it at the same time finds the same.
    match place.load(Ordering::Relaxed) >> shift & 0b11 {
        0 => {
            let is_stable = is_found_stable(character);
            place.fetch_or((0b10 | u8::from(is_stable)) << shift, Ordering::Relaxed);
            is_stable
        }
        known => known & 1 != 0,
    }
}

#[cold]
fn is_found_stable(character: char) -> bool {
    canonical_combining_class(character) == 0 && matches!(is_nfc_quick(iter::once(character)), IsNormalized::Yes)
}

/// The most bytes of characters that are looked at together: the crate keeps several times as many.
const LONGEST_MARKS: usize = 1 << 23;

fn normalized(text: &str) -> Result<Cow<'_, str>, Error> {
    let (mut changed, mut done) = (None, 0);
    for part in changed_parts(text) {
        let part = part?;
        let changed = changed.get_or_insert_with(String::new);
        reserve(changed, part.start - done + NFC.factor * part.len())?;
        changed.push_str(&text[done..part.start]);
        changed.extend(text[part.clone()].nfc().map(|(character, _)| character));
        done = part.end;
    }
    let Some(mut changed) = changed else { return Ok(Cow::Borrowed(text)) };
    reserve(&mut changed, text.len() - done)?;
    changed.push_str(&text[done..]);
    Ok(Cow::Owned(changed))
}

/// Makes room for so many `more` bytes.
pub(crate) fn reserve(text: &mut String, more: usize) -> Result<(), Error> {
    text.try_reserve(more).map_err(|_| Error::OutOfMemory { bytes: text.len() + more })
}

/// The parts of `text` that are not in the form. Each is normalized alone; what is between them stays as it is.
pub(crate) fn changed_parts(text: &str) -> impl Iterator<Item = Result<Range<usize>, Error>> {
    let mut at = 0;
    let parts = iter::from_fn(move || {
        let (start, end) = next_unstable(text, at)?;
        at = end;
        Some(start..end)
    });
    parts.map(|part| if part.len() > LONGEST_MARKS { Err(too_long(&part)) } else { Ok(part) }).filter(|part| match part
    {
        Ok(part) => !is_nfc(&text[part.clone()]),
        Err(_) => true,
    })
}

/// Whether `text` is in normal form C; one that is refused is not.
#[must_use]
pub fn is_normal(text: &str) -> bool {
    changed_parts(text).next().is_none()
}

fn too_long(part: &Range<usize>) -> Error {
    Error::NormalizerLimit { at: part.start, bytes: part.len(), most: LONGEST_MARKS }
}

/// Whether the form of a text has `part` where the text has it, and a text is two before and behind it: as the spaces of GPT-NeoX.
pub(crate) fn is_kept(part: &str) -> bool {
    // Some letters and marks that are not of ASCII come to these.
    const OF_OTHERS: [u8; 3] = *b"K;`";
    let is_composed = |last: u8| last.is_ascii_alphabetic() || matches!(last, b'<'..=b'>');
    let bytes = part.as_bytes();
    part.is_ascii()
        && !bytes.iter().any(|byte| OF_OTHERS.contains(byte))
        && !bytes.last().is_none_or(|&last| is_composed(last))
}

/// Whether a byte is of ASCII, or of a character that is stable as are all that start with its first byte: of Latin, Cyrillic, Armenian, most of CJK and Hangul.
const IS_PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = matches!(byte, 0..=0xcb | 0xcf..=0xd1 | 0xd3..=0xd5 | 0xe4..=0xe9 | 0xeb..=0xec);
        byte += 1;
    }
    plain
};

/// The next part of `text` from `from` on, a stable character, that is not all stable: with the stable one before it, up to the next one.
fn next_unstable(text: &str, from: usize) -> Option<(usize, usize)> {
    /// So many bytes are looked at without a look at the characters that they are of.
    const BLOCK: usize = 16;
    let bytes = text.as_bytes();
    let (mut at, mut stable) = (from, from);
    loop {
        while let Some(block) = bytes[at..].first_chunk::<BLOCK>()
            && block.iter().fold(true, |plain, &byte| plain & IS_PLAIN[usize::from(byte)])
        {
            at += BLOCK;
        }
        at = text.floor_char_boundary(at);
        if at > stable {
            stable = text.floor_char_boundary(at - 1);
        }
        let end = at + BLOCK;
        while at < end {
            let character = text[at..].chars().next()?;
            if !is_stable(character) {
                let end = text[at..].char_indices().find(|&(_, character)| is_stable(character));
                return Some((stable, end.map_or(text.len(), |(inside, _)| at + inside)));
            }
            stable = at;
            at += character.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;
    use tokenmill_testkit::strings::Strings;

    use super::*;

    /// The whole text by the crate.
    fn expected(text: &str) -> String {
        text.nfc().map(|(character, _)| character).collect()
    }

    fn check(text: &str) {
        let received = normalized(text).expect("there is memory");
        assert_eq!(received, expected(text), "{text:?}");
        assert_eq!(matches!(received, Cow::Borrowed(_)), received == text, "{text:?}");
        assert!(received.len() <= NFC.factor * text.len() && text.len() <= NFC.factor * received.len(), "{text:?}");
    }

    #[test]
    fn all_characters_of_plain_bytes_are_stable() {
        for character in
            ('\0'..=char::MAX).filter(|character| IS_PLAIN[usize::from(character.to_string().as_bytes()[0])])
        {
            assert!(is_stable(character), "{character:?}");
        }
    }

    #[test]
    fn each_character_alone_and_beside_others() {
        for character in '\0'..=char::MAX {
            check(&format!("{character}"));
            check(&format!("e{character}\u{301}"));
            check(&format!("\u{1100}\u{1161}{character}x\u{338}"));
        }
    }

    #[test]
    fn what_is_kept_comes_from_nothing_else_and_is_composed_with_nothing() {
        let kept: Vec<char> = ('\0'..='\x7f').filter(|character| is_kept(&character.to_string())).collect();
        assert!([' ', '\n', '|', '1', '/'].iter().all(|character| kept.contains(character)));
        assert!(!is_kept("") && !is_kept("a") && !is_kept("Ka ") && !is_kept("é ") && is_kept("ab "));
        for other in '\u{80}'..=char::MAX {
            let alone = expected(&other.to_string());
            assert!(!alone.bytes().any(|byte| byte.is_ascii() && !b"K;`".contains(&byte)), "{other:?}");
            // Before a stable character a text is two, as is said below.
            for &character in kept.iter().filter(|_| !is_stable(other)) {
                let both: String = [character, other].iter().collect();
                assert_eq!(expected(&both), format!("{character}{alone}"));
            }
        }
    }

    #[test]
    fn marks_without_end_are_an_error() {
        let marks = "\u{301}".repeat(LONGEST_MARKS / 2);
        assert!(normalized(&marks).is_ok());
        for text in [format!("ab\u{323}{marks}"), format!("ab{marks}c")] {
            assert!(matches!(normalized(&text), Err(Error::NormalizerLimit { at: 1, .. })));
        }
    }

    #[test]
    fn texts_of_all_kinds() {
        const SOME: [&str; 24] = [
            "a",
            "e",
            "\u{301}",
            "\u{323}",
            "\u{338}",
            "\u{3099}",
            "か",
            "\u{1100}",
            "\u{1161}",
            "\u{11a8}",
            "가",
            "क",
            "\u{93c}",
            "\u{958}",
            "\u{1d15e}",
            "\u{1d157}",
            "\u{1d165}",
            "\u{212b}",
            "\u{fb1d}",
            "\u{5b4}",
            "中",
            "\u{f900}",
            "👩🏽",
            "twelve letters",
        ];
        let (mut rng, strings) = (Rng::new(1), Strings::new());
        for index in 0..20_000 {
            check(&strings.string(3, index));
            let text: String = (0..rng.below(16)).map(|_| *rng.choose(&SOME)).collect();
            check(&text);
        }
    }

    #[test]
    fn before_a_stable_character_a_text_is_two() {
        const BESIDE: [char; 12] = [
            'a',
            'e',
            '\u{301}',
            '\u{323}',
            '\u{338}',
            '\u{3099}',
            'か',
            '\u{1100}',
            '\u{1161}',
            '\u{ac00}',
            '\u{9bc}',
            '\u{1d157}',
        ];
        for character in ('\0'..=char::MAX).filter(|&character| is_stable(character)) {
            assert_eq!(expected(&character.to_string()), character.to_string());
            for before in BESIDE {
                let [first, second] = [before.to_string(), format!("{character}\u{301}\u{323}")];
                assert_eq!(
                    expected(&[&*first, &second].concat()),
                    expected(&first) + &expected(&second),
                    "{character:?}"
                );
            }
        }
    }
}
