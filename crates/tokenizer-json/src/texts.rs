//! The texts of tokens that stand first, and behind others, for decoders that make of a token what depends on no more than that.

use std::sync::OnceLock;

use crate::decode::{Steps, apply_to_some, byte_of};
use crate::error::{Error, Result};
use crate::memory::with_room;
use crate::steps::strip;
use crate::tokenizer::Tokenizer;

/// By id, each found out when it is met.
pub(crate) struct Texts {
    all: Box<[OnceLock<Option<Token>>]>,
    steps: Steps,
}

struct Token {
    /// Behind others.
    made: Made,
    /// Where it stands first, if that is another one.
    first: Option<Made>,
    is_special: bool,
}

impl Token {
    #[inline(always)]
    fn made(&self, is_first: bool) -> &Made {
        if is_first { self.first.as_ref().unwrap_or(&self.made) } else { &self.made }
    }
}

enum Made {
    Text(Box<str>),
    /// A byte, which is put together with others beside it.
    Byte(u8),
    /// One that decoders make much longer: what is kept here stays in proportion to the file.
    Untold,
}

impl Texts {
    /// `None` for other decoders.
    pub fn new(tokenizer: &Tokenizer) -> Option<Self> {
        let steps = Steps::of(tokenizer.decoders.as_ref()?)?;
        let all = || (0..tokenizer.vocab_size()).map(|_| OnceLock::new()).collect();
        (steps.bytes + 1 >= steps.end).then(|| Self { all: all(), steps })
    }

    /// [`Tokenizer::decode`] by `tokenizer`, which it was made for; `None` where that has to do it.
    pub fn decode(
        &self,
        tokenizer: &Tokenizer,
        ids: &[u32],
        skip_special: bool,
        strict: bool,
    ) -> Result<Option<String>> {
        let mut length = 0_usize;
        for (index, &id) in ids.iter().enumerate() {
            let token = self.token(tokenizer, id)?.ok_or_else(|| tokenizer.unknown_id(id, index))?;
            length = length.saturating_add(match token.made(index == 0) {
                Made::Text(text) => text.len(),
                Made::Byte(_) => REPLACED.len(),
                Made::Untold => return Ok(None),
            });
        }
        let mut whole = Whole { text: with_room(length)?, bytes: Vec::new(), is_utf8: true };
        let mut is_first = true;
        for &id in ids {
            match self.token(tokenizer, id)? {
                Some(token) if skip_special && token.is_special => {}
                Some(token) if whole.add(token.made(is_first)) => is_first = false,
                _ => return Ok(None),
            }
        }
        whole.end_bytes();
        let Whole { mut text, is_utf8, .. } = whole;
        if strict && !is_utf8 {
            return Err(Error::InvalidUtf8);
        }
        for &(content, most) in &self.steps.strips {
            text.drain(..text.len() - strip(&text, content, most, 0).len());
        }
        Ok(Some(text))
    }

    fn joins_bytes(&self) -> bool {
        self.steps.bytes < self.steps.end
    }

    /// `None` when there is no token `id`.
    #[inline(always)]
    fn token(&self, tokenizer: &Tokenizer, id: u32) -> Result<Option<&Token>> {
        let Some(place) = self.all.get(id as usize) else { return Ok(None) };
        match place.get() {
            Some(token) => Ok(token.as_ref()),
            None => self.learn(tokenizer, id, place),
        }
    }

    #[cold]
    fn learn<'a>(
        &self,
        tokenizer: &Tokenizer,
        id: u32,
        place: &'a OnceLock<Option<Token>>,
    ) -> Result<Option<&'a Token>> {
        /// A text may have so many bytes more than twice as many as the token.
        const MORE: usize = 64;
        let decoders = tokenizer.decoders.as_deref().unwrap_or_default();
        let Some(written) = tokenizer.decoded_token(id) else { return Ok(place.get_or_init(|| None).as_ref()) };
        let text = |is_later: bool| -> Result<String> {
            Ok(apply_to_some(&decoders[..self.steps.bytes], vec![written.to_owned()], is_later, false)?.concat())
        };
        let made = |text: String| {
            let is_long = text.len() > 2 * written.len() + MORE;
            match byte_of(&text).filter(|_| self.joins_bytes()) {
                _ if is_long => Made::Untold,
                Some(byte) => Made::Byte(byte),
                None => Made::Text(text.into()),
            }
        };
        let (first, later) = (text(false)?, text(true)?);
        let first = (first != later).then(|| made(first));
        let token = Token { made: made(later), first, is_special: tokenizer.is_special(id) };
        Ok(place.get_or_init(|| Some(token)).as_ref())
    }
}

const REPLACED: &str = "\u{fffd}";

/// A text that grows, and bytes behind it that are not put together yet.
struct Whole {
    text: String,
    bytes: Vec<u8>,
    is_utf8: bool,
}

impl Whole {
    /// Adds what a token comes to; `false` where that is not told.
    #[inline(always)]
    fn add(&mut self, made: &Made) -> bool {
        match made {
            Made::Text(text) => {
                if !self.bytes.is_empty() {
                    self.end_bytes();
                }
                self.text.push_str(text);
            }
            Made::Byte(byte) => self.bytes.push(*byte),
            Made::Untold => return false,
        }
        true
    }

    /// Puts the bytes together, a character for each where they are not UTF-8.
    fn end_bytes(&mut self) {
        if let Ok(text) = str::from_utf8(&self.bytes) {
            self.text.push_str(text);
        } else {
            self.text.extend(std::iter::repeat_n(REPLACED, self.bytes.len()));
            self.is_utf8 = false;
        }
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load;

    #[test]
    fn the_decoders_of_published_tokenizers_have_a_table() {
        for (file, has) in [
            (&include_bytes!("../../../testdata/tokenizer-json/llama2.json")[..], true),
            (include_bytes!("../../../testdata/tokenizer-json/xlmr.json"), true),
            (include_bytes!("../../../testdata/tokenizer-json/t5.json"), true),
            (include_bytes!("../../../testdata/tokenizer-json/bert.json"), true),
            (include_bytes!("../../../testdata/tokenizer-json/clip.json"), false),
        ] {
            let tokenizer = load(file).expect("a fixture").into_tokenizer().expect("not byte-level");
            assert_eq!(Texts::new(&tokenizer).is_some(), has);
            if let Some(texts) = Texts::new(&tokenizer) {
                let ids: Vec<u32> = (0..tokenizer.vocab_size()).rev().collect();
                let expected = tokenizer.decode(&ids, false, false).expect("ids of tokens");
                assert_eq!(texts.decode(&tokenizer, &ids, false, false).expect("ids of tokens"), Some(expected));
            }
            assert!(tokenizer.texts.get().is_none(), "few ids");
        }
    }
}
