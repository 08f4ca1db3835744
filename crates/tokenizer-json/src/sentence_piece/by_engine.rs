//! Merges that start from characters by the engine of `crates/bpe`, which starts from bytes and cuts a text itself where no token goes on.

use std::borrow::Cow;
use std::collections::BTreeSet;

use tokenmill_bpe::{Pattern, Tokenizer};

use super::alphabet::Alphabet;
use super::bytes::MARK;
use crate::memory::with_room;
use crate::model::Visible;
use crate::numbered::{Ids, Numbered};
use crate::ranked::{Forms, Ranked};
use crate::words::{Ended, Until};

/// The bytes of a short text.
const SHORT: usize = 256;

/// An engine for a model of which unknown characters come to tokens for their bytes.
pub(super) struct ByEngine(Numbered);

impl ByEngine {
    /// `None` for other models, or where the engine would give other ids.
    pub fn new(model: Visible, alphabet: &Alphabet) -> Option<Self> {
        let of_bytes = alphabet.bytes()?;
        alphabet.character(' ')?;
        // A space stands for a mark, and none is left in a text.
        let bytes_of = |token: &str| (!token.contains(' ')).then(|| token.replace(MARK, " ").into_bytes());
        let characters = model.tokens().filter_map(|(token, _)| only_character(token)).filter(|&one| one != MARK);
        let mut more: BTreeSet<Vec<u8>> = BTreeSet::new();
        for character in characters {
            let mut four = [0; 4];
            let bytes = character.encode_utf8(&mut four).as_bytes();
            more.extend((2..bytes.len()).map(|length| bytes[..length].to_vec()));
        }
        let is_token = |byte: u8| byte.is_ascii() && alphabet.character(char::from(byte)).is_some();
        more.extend((0..=255).filter(|&byte| !is_token(byte)).map(|byte| vec![byte]));
        let forms = Forms { bytes_of: &bytes_of, is_first: is_of_one_character, more: more.into_iter().collect() };
        let Ranked { vocabulary, places } = Ranked::new(model, forms)?;
        let ids: Vec<Ids> = (0..)
            .zip(places)
            .map(|(number, place)| match (place, vocabulary.get(number)) {
                (Some(place), _) => Ids::One(model.model.tokens.id(place)),
                (None, Some(&[byte])) => Ids::One(of_bytes[usize::from(byte)]),
                (None, part) => {
                    Ids::Several(part.unwrap_or_default().iter().map(|&byte| of_bytes[usize::from(byte)]).collect())
                }
            })
            .collect();
        let one_piece = Pattern::from_splits::<&str>(&[]).ok()?;
        Numbered::new(Tokenizer::new(vocabulary, one_piece, []).ok()?, ids.into_iter()).map(Self)
    }

    /// Adds the ids of `text`, with a mark before it where `prefix` is set, to `ids`.
    pub fn encode(&self, text: &str, prefix: bool, ids: &mut Vec<u32>, until: Until) -> Ended {
        let (has_marks, prefix) = (text.contains(MARK), prefix && !text.is_empty());
        // Most texts are short, and most get a mark: no memory is asked for then.
        let mut short = [b' '; SHORT];
        if prefix
            && !has_marks
            && let Some(rest) = short.get_mut(1..=text.len())
        {
            rest.copy_from_slice(text.as_bytes());
            if let Ok(spaced) = str::from_utf8(&short[..=text.len()]) {
                return self.0.encode(spaced, ids, until);
            }
        }
        let text = if has_marks || prefix {
            let length = usize::from(prefix) + text.len();
            let Ok(mut spaced) = with_room(length) else { return Ended::TooLarge(length) };
            if prefix {
                spaced.push(' ');
            }
            for part in text.split_inclusive(MARK) {
                match part.strip_suffix(MARK) {
                    Some(part) => spaced.extend([part, " "]),
                    None => spaced.push_str(part),
                }
            }
            Cow::Owned(spaced)
        } else {
            Cow::Borrowed(text)
        };
        self.0.encode(&text, ids, until)
    }
}

/// The character that `token` is.
fn only_character(token: &str) -> Option<char> {
    let mut characters = token.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// Whether `token` is a character or the start of one, or a byte: merges start from these.
fn is_of_one_character(token: &[u8]) -> bool {
    let length = match token.first() {
        Some(0xc0..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(0xf0..) => 4,
        _ => 1,
    };
    token.len() <= length
}
