//! Chat templates: the `chat_template` of a `tokenizer_config.json`, which writes the messages of a chat as one text.
//!
//! # What of the text is a special token
//!
//! Elsewhere the text that a template wrote is searched for special tokens, and so whoever writes `<|im_end|>` in a message ends his message and
//! begins another one, in any role. Here only **what the template writes** can be a special token. To know what that is, the template is run twice:
//!
//! 1. as it is; that is the text, to the letter;
//! 2. in **ink**: wherever a special token stands in its literals (the text outside of tags, and strings), every character of it is replaced by
//!    another one that stands for it, a character that occurs *nowhere in the input*: not in the template, not in the messages, not in any other value.
//!    The values of `bos_token` and its like, which come with the template, are in ink too.
//!
//! The second text must be the first one when every ink is read as the character it stands for. Then a stretch of the text is a special token if, and
//! only if, all of it is in ink.
//!
//! **Why no message can forge one.** Ink comes from the template's literals alone. Values have none, by the choice of the characters; and what a template
//! does with values (joining, cutting, replacing, changing case, writing as JSON) makes no character that neither its operands nor its own literals have,
//! save that a change of case maps letters to letters, and inks are no letters. So a stretch that is all ink was written by the template character by
//! character. A token that is put together of a literal `<|im_` and a value `end|>` is ink only in its first half, and so plain text. The
//! special tokens are handed on by their places: the text around them is encoded as plain text, and is never searched again.
//!
//! **When the two texts differ**, the template compares or searches with one of its literals (`'</s>' in message.content`): in ink, it is no longer
//! found. Such literals are told from the others by trying them in halves, and stay without ink; they are searched for, not written.
//!
//! One thing is looser on purpose: templates that put a token together of the role, as in `'<|' + message.role + '|>'`, find a role in ink when it is one
//! of [`ROLES`]: a closed list of words, not text.
//!
//! # What it costs
//!
//! Work, text and memory are bounded by fuel: see [`ChatTemplate::render`]. The engine's own fuel is for instructions and what they make; what an
//! operator, a filter or a method reads is paid for as well (`cost.rs`), by calls that are put among the template's instructions (`program.rs`,
//! `guard.rs`). So no chat is so long that its template can work for more than some seconds for each 100 MB of it. Templates that look through all messages
//! for each of them work as long as the square of their number: they are given that, but no more than a second of it. The stack is bounded by the depth of values: they may nest as deep as JSON is read. A template has no way to files, to
//! the network, to the clock (unless it is given one), or to anything but its values.

mod arguments;
mod attempts;
mod compare;
mod cost;
mod engine;
mod error;
mod escapes;
mod filters;
mod format;
mod generated;
mod guard;
mod ink;
mod literals;
mod methods;
mod numbers;
mod places;
mod program;
mod python;
mod rewrite;
mod roles;
mod run;
mod scopes;
mod unlike;
mod values;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Mutex;

use aho_corasick::AhoCorasick;

use attempts::{Attempt, Part};
use engine::Engine;
pub use error::Error;
use ink::{Ink, Reading};
use literals::{Kind, pieces};
pub use roles::ROLES;
use roles::RoleTokens;
use run::run;
use tokenmill_bpe::longest_match;
use values::{Values, each_string};

/// The longest template, in bytes.
pub const LONGEST_TEMPLATE: usize = 1 << 17;

/// The characters around what a `{% generation %}` block writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Marks {
    start: char,
    end: char,
}

/// A template and the special tokens that it may write.
#[derive(Debug)]
pub struct ChatTemplate {
    source: String,
    plain: Engine,
    special: Vec<String>,
    finder: Option<AhoCorasick>,
    /// Text outside of tags, and strings.
    literals: Vec<(Kind, Range<usize>)>,
    /// Special tokens in the literals.
    sites: Vec<Range<usize>>,
    generates: bool,
    /// The last template in ink: the next chat takes the same one, as a rule.
    inked: Mutex<Option<Inked>>,
}

/// A template in ink, and which stretches of it are.
#[derive(Clone, Debug)]
struct Inked {
    ranges: Vec<Range<usize>>,
    marks: Option<Marks>,
    engine: Engine,
}

/// What a template is given.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// A JSON object: `messages` and whatever else the template reads.
    pub values: &'a str,
    /// A JSON object of strings, or arrays of them, which come with the template, as `bos_token` does. Values of the same name replace them.
    pub trusted: &'a str,
    /// What `strftime_now` says, in ISO 8601; without it there is no `strftime_now`.
    pub now: Option<&'a str>,
}

/// What a template wrote. All ranges are bytes of `text`, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text, as transformers gives it.
    pub text: String,
    /// The special tokens that the template wrote.
    pub special: Vec<Range<usize>>,
    /// What stands in `{% generation %}` blocks: the part of the assistant.
    pub generations: Vec<Range<usize>>,
}

impl ChatTemplate {
    /// The template `source`. What it writes is a special token where it writes one of `special`.
    ///
    /// # Errors
    /// [`Error::Template`] when it is no template; the message says in which line. [`Error::Limit`] when it is longer than [`LONGEST_TEMPLATE`].
    pub fn new(source: &str, special: &[String]) -> Result<Self, Error> {
        if source.len() > LONGEST_TEMPLATE {
            let message =
                format!("expected a chat template of at most {LONGEST_TEMPLATE} bytes, received {}", source.len());
            return Err(Error::Limit { message });
        }
        let (source, generates) = rewrite::rewritten(&source.replace("\r\n", "\n").replace('\r', "\n"))?;
        let plain = Engine::new(source.clone(), None).map_err(|error| Error::from_engine(&error))?;
        let special: Vec<String> = special.iter().filter(|token| !token.is_empty()).cloned().collect();
        let finder = if special.is_empty() { None } else { Some(finder(&special)?) };
        let literals: Vec<_> = pieces(&source).into_iter().filter(|(kind, _)| *kind != Kind::Tag).collect();
        let sites = finder.iter().flat_map(|finder| {
            let found = |range: &Range<usize>| {
                let start = range.start;
                let tokens = finder.find_iter(&source[range.clone()]);
                tokens.map(move |token| start + token.start()..start + token.end()).collect::<Vec<_>>()
            };
            literals.iter().flat_map(move |(_, range)| found(range)).collect::<Vec<_>>()
        });
        let sites = sites.collect();
        Ok(Self { source, plain, special, finder, literals, sites, generates, inked: Mutex::new(None) })
    }

    /// Writes a chat.
    ///
    /// A rendering may take 20,000 instructions and as many times 64 bytes, plus 200 instructions for each value, one for every two bytes and, up to 16
    /// million, one for every four pairs of values that it is given.
    /// Those in ink may take twice that together.
    ///
    /// # Errors
    /// [`Error::Refused`] when the template refuses the messages, [`Error::Template`] when it fails, [`Error::Limit`] when it works too long,
    /// [`Error::Values`] when the values are no JSON object.
    pub fn render(&self, input: &Input<'_>) -> Result<Rendered, Error> {
        let values = Values::read(input)?;
        let (text, spent) = run(&self.plain, &values, values.fuel, None, &RoleTokens::default());
        let text = text?;
        let none = self.finder.as_ref().is_none_or(|finder| !finder.is_match(&text));
        if none && !self.generates {
            return Ok(Rendered { text, special: Vec::new(), generations: Vec::new() });
        }
        let roles = self.role_tokens(&values);
        let ink = self.ink(&values, &roles)?;
        let parts = self.parts(&values, &roles);
        let reading = self.read(&parts, &Attempt::new(&text, spent, &values, &ink, &roles))?;
        let special = self.special_tokens(&text, &reading);
        let mut generations = reading.generations;
        generations.sort_by_key(|range| (range.start, range.end));
        Ok(Rendered { text, special, generations })
    }

    /// An ink that neither the template nor anything that it is given has.
    fn ink(&self, values: &Values, roles: &RoleTokens) -> Result<Ink, Error> {
        let mut used = HashSet::new();
        let mut note = |text: &str| used.extend(text.chars().filter(|&c| c >= '\u{40000}'));
        note(&self.source);
        for token in &self.special {
            note(token);
        }
        for (key, value) in values.given.iter().chain(&values.trusted) {
            note(key);
            each_string(value, &mut note);
        }
        let mut chars: Vec<char> = self.special.iter().flat_map(|token| token.chars()).collect();
        for (_, value) in &values.trusted {
            each_string(value, &mut |text| chars.extend(text.chars()));
        }
        chars.extend(roles.roles.iter().flat_map(|role| role.chars()));
        Ink::new(chars, &used).ok_or_else(|| Error::Limit {
            message: "the chat uses all characters that Unicode has left: none is free to tell the template's text from the messages'".to_owned(),
        })
    }

    /// All that may be in ink.
    fn parts(&self, values: &Values, roles: &RoleTokens) -> Vec<Part> {
        let mut parts: Vec<Part> = self.sites.iter().cloned().map(Part::Site).collect();
        if !values.trusted.is_empty() {
            parts.push(Part::Variables);
        }
        if !roles.roles.is_empty() {
            parts.push(Part::Roles);
        }
        if self.generates {
            parts.push(Part::Generations);
        }
        parts
    }

    /// The special tokens in what is in ink.
    fn special_tokens(&self, text: &str, reading: &Reading) -> Vec<Range<usize>> {
        let Some(finder) = &self.finder else { return Vec::new() };
        let in_range = |range: &Range<usize>| {
            let start = range.start;
            let tokens = finder.find_iter(&text[range.clone()]);
            tokens.map(|token| start + token.start()..start + token.end()).collect::<Vec<_>>()
        };
        reading.inked.iter().flat_map(in_range).collect()
    }
}

/// The search for `special`.
fn finder(special: &[String]) -> Result<AhoCorasick, Error> {
    let limit = |error| Error::Limit { message: format!("the special tokens are too many or too long: {error}") };
    longest_match(special).build(special).map_err(limit)
}

#[cfg(test)]
mod tests;
