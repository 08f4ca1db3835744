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
//! Work, text and memory are bounded by the engine's fuel: see [`ChatTemplate::render`]. The stack is bounded by the depth of values: what a variable is
//! set to may nest as deep as JSON is read (see `guard.rs`). A template has no way to files, to the network, to the
//! clock (unless it is given one), or to anything but its values.

mod engine;
mod error;
mod guard;
mod ink;
mod literals;
mod methods;
mod python;
mod rewrite;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, MatchKind};
use jiff::civil::DateTime;
use minijinja::Environment;
use minijinja::value::{Value, ValueKind};

pub use error::Error;
use ink::{Ink, Reading};
use literals::{Kind, pieces};

/// Roles of which a template may make special tokens.
pub const ROLES: [&str; 12] = [
    "assistant",
    "developer",
    "environment",
    "function",
    "human",
    "ipython",
    "model",
    "observation",
    "system",
    "think",
    "tool",
    "user",
];

/// The longest template, in bytes.
pub const LONGEST_TEMPLATE: usize = 1 << 17;
/// The fuel of a template for a chat of nothing: one is an instruction, or 64 bytes.
const FUEL: u64 = 500_000;
/// What each value, and each byte of them, adds to the fuel.
const FUEL_PER_VALUE: u64 = 400;
const BYTES_PER_FUEL: u64 = 2;
/// How many renderings are tried to find the literals that a template compares with.
const MOST_TRIES: usize = 200;

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
    plain: Environment<'static>,
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
    env: Arc<Environment<'static>>,
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

/// What may be in ink, or not, to find out which literals are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Site(Range<usize>),
    Variables,
    Roles,
    Generations,
}

/// Values that are read once for all renderings of a chat.
struct Values {
    given: Vec<(String, Value)>,
    trusted: Vec<(String, Value)>,
    now: Option<DateTime>,
    fuel: u64,
}

/// Roles that are parts of special tokens here, and the stretches of the template that are the rest of them.
#[derive(Default)]
struct RoleTokens {
    roles: HashSet<String>,
    ranges: Vec<Range<usize>>,
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
        let plain = engine::environment(&source, None).map_err(|error| Error::from_engine(&error))?;
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
    /// A rendering may take 500,000 instructions and as many times 64 bytes, plus 400 instructions for each value and half an instruction for each byte that it is given.
    ///
    /// # Errors
    /// [`Error::Refused`] when the template refuses the messages, [`Error::Template`] when it fails, [`Error::Limit`] when it works too long,
    /// [`Error::Values`] when the values are no JSON object.
    pub fn render(&self, input: &Input<'_>) -> Result<Rendered, Error> {
        let values = Values::read(input)?;
        let text = run(&self.plain, &values, None, &RoleTokens::default())?;
        let none = self.finder.as_ref().is_none_or(|finder| !finder.is_match(&text));
        if none && !self.generates {
            return Ok(Rendered { text, special: Vec::new(), generations: Vec::new() });
        }
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
        let roles = self.role_tokens(&values);
        let mut chars: Vec<char> = self.special.iter().flat_map(|token| token.chars()).collect();
        for (_, value) in &values.trusted {
            each_string(value, &mut |text| chars.extend(text.chars()));
        }
        chars.extend(roles.roles.iter().flat_map(|role| role.chars()));
        let ink = Ink::new(chars, &used).ok_or_else(|| Error::Limit {
            message: "the chat uses all characters that Unicode has left: none is free to tell the template's text from the messages'".to_owned(),
        })?;
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
        let mut reading = Reading::default();
        let mut tries = MOST_TRIES;
        self.try_parts(
            &parts,
            &Attempt { text: &text, values: &values, ink: &ink, roles: &roles },
            &mut tries,
            &mut reading,
        )?;
        let special = self.special_tokens(&text, &reading);
        let mut generations = reading.generations;
        generations.sort_by_key(|range| (range.start, range.end));
        Ok(Rendered { text, special, generations })
    }

    /// Renders with `parts` in ink and adds what is read; when that says another text, with each half of them.
    fn try_parts(
        &self,
        parts: &[Part],
        attempt: &Attempt<'_>,
        tries: &mut usize,
        reading: &mut Reading,
    ) -> Result<(), Error> {
        if parts.is_empty() {
            return Ok(());
        }
        if *tries == 0 {
            let message = "the chat template compares too many special tokens with what messages say".to_owned();
            return Err(Error::Limit { message });
        }
        *tries -= 1;
        let Attempt { text, values, ink, roles } = attempt;
        let marks = parts.contains(&Part::Generations).then_some(ink.marks);
        let with_roles = parts.contains(&Part::Roles);
        let mut ranges: Vec<Range<usize>> = parts
            .iter()
            .filter_map(|part| if let Part::Site(range) = part { Some(range.clone()) } else { None })
            .chain(roles.ranges.iter().filter(|_| with_roles).cloned())
            .collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let env = self.in_ink(ink, ranges, marks)?;
        let variables = parts.contains(&Part::Variables);
        let none = RoleTokens::default();
        // A template in ink may fail where it does not without: it compares.
        let rendered = run(&env, values, Some((ink, variables)), if with_roles { roles } else { &none });
        if let Some(found) = rendered.ok().and_then(|rendered| ink.read(&rendered, text)) {
            reading.add(found);
            return Ok(());
        }
        if parts.len() > 1 {
            let (first, second) = parts.split_at(parts.len() / 2);
            self.try_parts(first, attempt, tries, reading)?;
            self.try_parts(second, attempt, tries, reading)?;
        }
        Ok(())
    }

    /// The template with `ranges` in ink.
    fn in_ink(
        &self,
        ink: &Ink,
        ranges: Vec<Range<usize>>,
        marks: Option<Marks>,
    ) -> Result<Arc<Environment<'static>>, Error> {
        let source = ink.write_ranges(&self.source, &ranges);
        let mut last = self.inked.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |inked: &&Inked| {
            inked.ranges == ranges
                && inked.marks == marks
                && inked.env.get_template(engine::NAME).is_ok_and(|template| template.source() == source)
        };
        if let Some(inked) = last.as_ref().filter(same) {
            return Ok(Arc::clone(&inked.env));
        }
        let env = Arc::new(engine::environment(&source, marks).map_err(|error| Error::from_engine(&error))?);
        *last = Some(Inked { ranges, marks, env: Arc::clone(&env) });
        Ok(env)
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

    /// Which roles of the messages are parts of special tokens that the template puts together.
    fn role_tokens(&self, values: &Values) -> RoleTokens {
        let mut tokens = RoleTokens::default();
        for role in values.roles().into_iter().filter(|role| ROLES.contains(&role.as_str())) {
            for token in self.special.iter().filter(|token| token.len() > role.len()) {
                for (at, _) in token.match_indices(&role) {
                    let (before, after) = (&token[..at], &token[at + role.len()..]);
                    let tails: Vec<_> = self.ranges_of(before, |text| text.ends_with(before), true).collect();
                    let heads: Vec<_> = self.ranges_of(after, |text| text.starts_with(after), false).collect();
                    if (before.is_empty() || !tails.is_empty()) && (after.is_empty() || !heads.is_empty()) {
                        tokens.roles.insert(role.clone());
                        tokens.ranges.extend(tails.into_iter().chain(heads));
                    }
                }
            }
        }
        // What roles are compared with is in ink as they are.
        for (kind, range) in &self.literals {
            if *kind == Kind::Str && tokens.roles.contains(&self.source[range.clone()]) {
                tokens.ranges.push(range.clone());
            }
        }
        tokens
    }

    /// Where `part`, if it is not empty, is the tail or the head of a literal.
    fn ranges_of<'a>(
        &'a self,
        part: &'a str,
        fits: impl Fn(&str) -> bool + 'a,
        tail: bool,
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let fitting =
            self.literals.iter().filter(move |(_, range)| !part.is_empty() && fits(&self.source[range.clone()]));
        fitting.map(
            move |(_, range)| {
                if tail { range.end - part.len()..range.end } else { range.start..range.start + part.len() }
            },
        )
    }
}

/// A text and all that it was made of.
struct Attempt<'a> {
    text: &'a str,
    values: &'a Values,
    ink: &'a Ink,
    roles: &'a RoleTokens,
}

impl Values {
    fn read(input: &Input<'_>) -> Result<Self, Error> {
        let invalid = |message: String| Error::Values { message };
        let object = |name: &str, json: &str| -> Result<Vec<(String, Value)>, Error> {
            let value: Value = serde_json::from_str(json).map_err(|error| {
                let message = format!("{name} cannot be read: {error}");
                if error.to_string().contains("recursion limit") {
                    Error::Limit { message }
                } else {
                    Error::Values { message }
                }
            })?;
            if value.kind() != ValueKind::Map {
                return Err(invalid(format!("expected a JSON object for {name}, received {}", value.kind())));
            }
            let keys = value.try_iter().map_err(|error| invalid(error.to_string()))?;
            keys.map(|key| {
                let item = value.get_item(&key).map_err(|error| invalid(error.to_string()))?;
                Ok((key.as_str().unwrap_or_default().to_owned(), item))
            })
            .collect()
        };
        let values = object("the values", input.values)?;
        let mut trusted = object("the special tokens", input.trusted)?;
        trusted.retain(|(name, _)| !values.iter().any(|(other, _)| other == name));
        let now = input
            .now
            .map(|now| now.parse().map_err(|error| invalid(format!("expected a date and time for now: {error}"))));
        let mut count = 0;
        for (_, value) in &values {
            count_values(value, &mut count);
        }
        let bytes = (input.values.len() + input.trusted.len()) as u64;
        let fuel = FUEL + FUEL_PER_VALUE * count + bytes / BYTES_PER_FUEL;
        Ok(Self { given: values, trusted, now: now.transpose()?, fuel })
    }

    /// The roles of the messages.
    fn roles(&self) -> HashSet<String> {
        let mut roles = HashSet::new();
        if let Some(messages) = self.given.iter().find(|(name, _)| name == "messages")
            && let Ok(messages) = messages.1.try_iter()
        {
            roles.extend(messages.filter_map(|message| message.get_attr("role").ok()?.as_str().map(str::to_owned)));
        }
        roles
    }
}

/// Runs the template of `env`. With an ink, the roles of `tokens` and, if so told, trusted values are in it.
fn run(
    env: &Environment<'static>,
    values: &Values,
    ink: Option<(&Ink, bool)>,
    tokens: &RoleTokens,
) -> Result<String, Error> {
    let mut context: Vec<(String, Value)> = Vec::with_capacity(values.given.len() + values.trusted.len() + 1);
    for (name, value) in &values.trusted {
        let value = match ink {
            Some((ink, true)) => in_ink(value, ink),
            _ => value.clone(),
        };
        context.push((name.clone(), value));
    }
    for (name, value) in &values.given {
        let value = match ink {
            Some((ink, _)) if name == "messages" && !tokens.roles.is_empty() => with_roles_in_ink(value, ink, tokens),
            _ => value.clone(),
        };
        context.push((name.clone(), value));
    }
    if let Some(now) = values.now {
        let strftime_now = move |format: &str| {
            jiff::fmt::strtime::format(format, now)
                .map_err(|error| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string()))
        };
        context.push(("strftime_now".to_owned(), Value::from_function(strftime_now)));
    }
    let context = Value::from_pairs(context);
    let mut env = env.clone();
    env.set_fuel(Some(values.fuel));
    let template = env.get_template(engine::NAME).map_err(|error| Error::from_engine(&error))?;
    template.render(context).map_err(|error| Error::from_engine(&error))
}

/// A string, or an array of them, in ink.
fn in_ink(value: &Value, ink: &Ink) -> Value {
    match value.as_str() {
        Some(text) => Value::from(ink.write(text)),
        None => match value.try_iter() {
            Ok(items) if value.kind() == ValueKind::Seq => items.map(|item| in_ink(&item, ink)).collect(),
            _ => value.clone(),
        },
    }
}

fn with_roles_in_ink(messages: &Value, ink: &Ink, tokens: &RoleTokens) -> Value {
    let Ok(items) = messages.try_iter() else { return messages.clone() };
    let message_in_ink = |message: Value| {
        let role = message.get_attr("role").ok();
        let Some(role) = role.as_ref().and_then(Value::as_str).filter(|role| tokens.roles.contains(*role)) else {
            return message;
        };
        let Ok(keys) = message.try_iter() else { return message };
        let pairs = keys.map(|key| {
            let item = if key.as_str() == Some("role") {
                Value::from(ink.write(role))
            } else {
                message.get_item(&key).unwrap_or_default()
            };
            (key, item)
        });
        Value::from_pairs(pairs)
    };
    items.map(message_in_ink).collect()
}

/// Calls `note` for every string in `value`, keys too. It is as deep as JSON is read, 128.
fn each_string(value: &Value, note: &mut impl FnMut(&str)) {
    if let Some(text) = value.as_str() {
        return note(text);
    }
    let (ValueKind::Seq | ValueKind::Map, Ok(items)) = (value.kind(), value.try_iter()) else { return };
    for item in items {
        if value.kind() == ValueKind::Map
            && let Ok(held) = value.get_item(&item)
        {
            each_string(&held, note);
        }
        each_string(&item, note);
    }
}

fn count_values(value: &Value, count: &mut u64) {
    *count += 1;
    let (ValueKind::Seq | ValueKind::Map, Ok(items)) = (value.kind(), value.try_iter()) else { return };
    for item in items {
        let held = if value.kind() == ValueKind::Map { value.get_item(&item).unwrap_or_default() } else { item };
        count_values(&held, count);
    }
}

/// A search for the longest of `special` at the first place where there is one.
fn finder(special: &[String]) -> Result<AhoCorasick, Error> {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(special)
        .map_err(|error| Error::Limit { message: format!("the special tokens are too many or too long: {error}") })
}

#[cfg(test)]
mod tests;
