//! Words that start with the mark of a space, as `Metaspace` makes them.

use tokenizers::normalizers::Precompiled;

use super::characters::{Character, Characters, Form, White};
use crate::limits::LARGEST_TEXT;
use crate::words::{Ended, Key, Memory, Model, SOON, Until};

/// What spaces come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spaces {
    /// Each to a mark.
    Kept,
    /// Some side by side to one mark.
    Joined,
    /// All white space to the end of a word, and each word has a mark before it.
    Dropped,
}

/// Where a `Strip` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stripped {
    pub left: bool,
    pub right: bool,
}

impl Stripped {
    pub const NOTHING: Self = Self { left: false, right: false };
}

/// What to do at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ascii {
    Space,
    /// Of a word, as it is.
    Letter,
    /// Another one, or a part of a character.
    Other,
}

/// From text to words.
pub(super) struct BySpaces {
    pub characters: Characters,
    pub ascii: [Ascii; 256],
    pub spaces: Spaces,
    /// What is taken off a text before it is normalized, and after.
    pub before: Stripped,
    pub after: Stripped,
}

/// What stands before the next letter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Other letters, or no mark at the start of a text.
    Letters,
    /// Nothing that is a word, but the next one gets a mark.
    Nothing,
    Space,
    /// A mark of the text.
    Mark,
}

impl BySpaces {
    pub fn new(map: Option<Precompiled>, spaces: Spaces, before: Stripped, after: Stripped) -> Self {
        let white = match spaces {
            Spaces::Dropped => White::Space,
            _ if after != Stripped::NOTHING => White::Untold,
            _ => White::Letter,
        };
        let characters = Characters::new(map, white);
        let ascii = std::array::from_fn(|byte| {
            let byte = byte as u8;
            let character = characters.look(char::from(byte));
            match character.form {
                _ if !byte.is_ascii() || !character.is_apart_from(&character) => Ascii::Other,
                Form::Space => Ascii::Space,
                Form::Letter(letter) if letter == char::from(byte) => Ascii::Letter,
                _ => Ascii::Other,
            }
        });
        Self { characters, ascii, spaces, before, after }
    }

    /// Whether anything is taken off the ends of a text.
    pub fn strips(&self) -> bool {
        [self.before, self.after] != [Stripped::NOTHING; 2]
    }

    /// Whether `text` can be cut at `at`: before what comes to one space between two letters, each of which is a grapheme.
    pub fn is_cut(&self, text: &str, at: usize) -> bool {
        let look = |character: Option<char>| character.map(|character| (character, self.characters.look(character)));
        let (mut before, mut after) = (text[..at].chars(), text[at..].chars());
        let is_letter = |(character, looked): (char, Character)| {
            let is_letter = matches!(looked.form, Form::Letter(letter) if !letter.is_whitespace());
            is_letter && !character.is_whitespace() && looked.is_apart_from(&looked)
        };
        let (letter, at_cut, next) = (look(before.next_back()), look(after.next()), look(after.next()));
        let (Some(letter), Some((_, space)), Some(next)) = (letter, at_cut, next) else { return false };
        let is_space = space.form == Form::Space && space.is_apart_from(&space);
        let starts = look(before.next_back()).is_none_or(|(_, last)| last.is_apart_from(&letter.1));
        is_space && is_letter(letter) && is_letter(next) && starts
    }

    /// Adds the ids of `text`, which gets a mark where it has none at its start and `prefix` is set, or is the rest of one where `is_cut` is.
    pub fn walk(
        &self,
        text: &str,
        (prefix, is_cut): (bool, bool),
        model: &impl Model,
        (ids, memory): (&mut Vec<u32>, &mut Memory),
        until: Until,
    ) -> Ended {
        let text = if self.before.left && !is_cut { text.trim_start() } else { text };
        let text = if self.before.right { text.trim_end() } else { text };
        let bytes = text.as_bytes();
        let class = |at: usize| bytes.get(at).map(|&byte| self.ascii[usize::from(byte)]);
        memory.word.clear();
        let before = if prefix { Before::Nothing } else { Before::Letters };
        let mut words = Words {
            model,
            ids,
            memory,
            spaces: self.spaces,
            before,
            skips_spaces: self.after.left && !is_cut,
            told: true,
        };
        let (mut at, mut ask_at) = (0, SOON);
        while let Some(found) = class(at) {
            if at >= ask_at {
                if let Some(ended) = until.ended(words.ids) {
                    return ended;
                }
                words.told &= words.memory.word.len() <= LARGEST_TEXT;
                ask_at = at + SOON;
            }
            if found == Ascii::Space && class(at + 1) != Some(Ascii::Other) {
                words.space();
                at += 1;
            } else if found == Ascii::Letter && words.memory.word.is_empty() {
                let mut end = at + 1;
                while class(end) == Some(Ascii::Letter) {
                    end += 1;
                }
                if class(end) == Some(Ascii::Other) {
                    self.add_characters(text, &mut at, ask_at, &mut words);
                } else {
                    words.letters(bytes, at, end);
                    at = end;
                }
            } else {
                self.add_characters(text, &mut at, ask_at, &mut words);
            }
            if !words.told {
                return Ended::Untold;
            }
        }
        words.end(self.after.right);
        if words.told { Ended::WithIds } else { Ended::Untold }
    }

    /// Adds what is in `text` from `at` on, to a space of ASCII behind which ASCII goes on, or some way beyond `until`.
    fn add_characters(&self, text: &str, at: &mut usize, until: usize, words: &mut Words<impl Model>) {
        let look = |at: usize| text[at..].chars().next().map(|next| self.characters.look(next));
        let class = |at: usize| text.as_bytes().get(at).map(|&byte| self.ascii[usize::from(byte)]);
        // Where it is known that a grapheme starts.
        let mut grapheme = *at;
        let mut next = look(*at);
        while let Some(mut last) = next {
            let start = *at;
            *at += last.length;
            next = look(*at);
            let mut is_apart = next.is_none_or(|next| last.is_apart_from(&next));
            if is_apart || next.is_some_and(|next| last.is_long_with(&next)) {
                if last.form == Form::Several {
                    self.characters.forms(&text[start..*at], 0).for_each(|form| words.form(form));
                } else {
                    words.form(last.form);
                }
            } else {
                while let Some(next_one) = next
                    && !is_apart
                {
                    *at += next_one.length;
                    (last, next) = (next_one, look(*at));
                    is_apart = next.is_none_or(|next| last.is_apart_from(&next));
                }
                let forms = self.characters.forms(&text[grapheme..*at], start - grapheme);
                forms.for_each(|form| words.form(form));
            }
            if is_apart {
                grapheme = *at;
                let is_at_space = class(*at) == Some(Ascii::Space) && class(*at + 1) != Some(Ascii::Other);
                if is_at_space || *at >= until || !words.told {
                    return;
                }
            }
        }
    }
}

/// Words as they are read.
struct Words<'a, M> {
    model: &'a M,
    ids: &'a mut Vec<u32>,
    /// With the word that is being read.
    memory: &'a mut Memory,
    spaces: Spaces,
    before: Before,
    /// Whether spaces are left out, as nothing else has come.
    skips_spaces: bool,
    told: bool,
}

impl<M: Model> Words<'_, M> {
    #[inline(always)]
    fn form(&mut self, form: Form) {
        match form {
            Form::Nothing => {}
            Form::Space => self.space(),
            Form::Mark => self.mark(),
            Form::Letter(letter) => self.letter(letter),
            Form::Several | Form::Untold => self.told = false,
        }
    }

    /// The letters `bytes[start..end]` of ASCII, a word.
    #[inline(always)]
    fn letters(&mut self, bytes: &[u8], start: usize, end: usize) {
        self.skips_spaces = false;
        let has_mark = std::mem::replace(&mut self.before, Before::Letters) != Before::Letters;
        let length = end - start + usize::from(has_mark);
        if length <= Key::LONGEST {
            let key = Key::of(bytes, start, end);
            let key = if has_mark { key.after_space() } else { key };
            self.told &= self.memory.add(key, &key.bytes()[..length], self.model, self.ids);
        } else {
            if has_mark {
                self.memory.word.push(b' ');
            }
            self.memory.word.extend_from_slice(&bytes[start..end]);
            self.end_word();
        }
    }

    #[inline(always)]
    fn letter(&mut self, letter: char) {
        self.skips_spaces = false;
        if std::mem::replace(&mut self.before, Before::Letters) != Before::Letters {
            self.memory.word.push(b' ');
        }
        self.memory.push(letter);
    }

    #[inline(always)]
    fn space(&mut self) {
        if self.skips_spaces {
            return;
        }
        match self.spaces {
            Spaces::Dropped => {
                self.end_mark();
                self.before = Before::Nothing;
            }
            Spaces::Joined if self.before == Before::Space => {}
            _ => {
                self.end_mark();
                self.before = Before::Space;
            }
        }
    }

    #[cold]
    fn mark(&mut self) {
        self.skips_spaces = false;
        self.end_mark();
        self.before = Before::Mark;
    }

    /// Ends a word, which may be a mark alone.
    #[inline(always)]
    fn end_mark(&mut self) {
        if matches!(self.before, Before::Space | Before::Mark) {
            self.memory.word.push(b' ');
        }
        self.end_word();
    }

    #[inline(always)]
    fn end_word(&mut self) {
        self.told &= self.memory.add_word(self.model, self.ids);
    }

    fn end(&mut self, strips_spaces: bool) {
        if strips_spaces && self.before == Before::Space {
            self.before = Before::Letters;
        }
        self.end_mark();
    }
}
