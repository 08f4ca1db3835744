//! Where the ids of a `WordPiece` model are from.
//!
//! What the normalizer makes of a character is from that character, and a token is from where its first character starts to where its last one ends.

use super::WordPiece;
use super::characters::Form;
use super::pieces::Pieces;
use crate::error::Result;
use crate::placed::Placed;

/// A word as it is read.
#[derive(Default)]
struct Word {
    bytes: Vec<u8>,
    /// Of each byte where its character is from.
    origins: Vec<(usize, usize)>,
    /// Where all of it ends, also what was not kept.
    end: usize,
}

impl WordPiece {
    /// See [`crate::by_words::ByWords::place`].
    pub fn place(&self, text: &str, base: usize, placed: &mut Placed) -> Result<bool> {
        let mut word = Word::default();
        for (at, character) in text.char_indices() {
            let origin = (base + at, base + at + character.len_utf8());
            let form = self.characters.form(character);
            let is_told = if form == Form::Several {
                let mut forms = self.characters.forms(character);
                forms.try_fold(true, |told, form| Ok(told && word.form(form, origin, &self.pieces, placed)?))?
            } else {
                word.form(form, origin, &self.pieces, placed)?
            };
            if !is_told {
                return Ok(false);
            }
        }
        word.end(&self.pieces, placed)
    }
}

impl Word {
    /// Goes on with the word, or ends it and starts the next.
    fn form(&mut self, form: Form, origin: (usize, usize), pieces: &Pieces, placed: &mut Placed) -> Result<bool> {
        match form {
            Form::Nothing => Ok(true),
            Form::Letter(letter) => {
                self.push(letter, origin, pieces);
                Ok(true)
            }
            Form::Space => self.end(pieces, placed),
            Form::Mark(alone) | Form::Alone(alone) => Ok(self.end(pieces, placed)? && {
                self.push(alone, origin, pieces);
                self.end(pieces, placed)?
            }),
            Form::Several | Form::Untold => Ok(false),
        }
    }

    fn push(&mut self, letter: char, origin: (usize, usize), pieces: &Pieces) {
        self.end = origin.1;
        if !pieces.is_too_long(&self.bytes) {
            let mut four = [0; 4];
            let bytes = letter.encode_utf8(&mut four).as_bytes();
            self.bytes.extend_from_slice(bytes);
            self.origins.extend(bytes.iter().map(|_| origin));
        }
    }

    fn end(&mut self, pieces: &Pieces, placed: &mut Placed) -> Result<bool> {
        let Some(&(start, _)) = self.origins.first() else { return Ok(true) };
        // No token is of less than a byte.
        placed.reserve(self.bytes.len())?;
        let before = placed.ids.len();
        let mut from = 0;
        let is_known = pieces.each(&self.bytes, |id, to| {
            placed.push(id, (self.origins[from].0, self.origins[to - 1].1));
            from = to;
        });
        if !is_known {
            placed.ids.truncate(before);
            placed.spans.truncate(before);
            placed.words.truncate(before);
            let Some(unknown) = pieces.unknown() else { return Ok(false) };
            placed.push(unknown, (start, self.end));
        }
        placed.word += 1;
        self.bytes.clear();
        self.origins.clear();
        Ok(true)
    }
}
