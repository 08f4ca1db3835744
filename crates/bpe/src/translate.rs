//! Regular expressions of one engine as another reads them: a walk over the syntax that engines have in common, and what two of them write
//! otherwise as a [`Dialect`].

use std::borrow::Cow;
use std::marker::PhantomData;

/// So many bytes of an expression, and what is written in their place.
pub type Written<'a> = (usize, Cow<'a, str>);

/// What the engine that an expression is for writes otherwise than the one that it is of.
pub trait Dialect {
    /// `^` and `$`.
    const ENDS: [&'static str; 2];
    /// What stands around a repetition like `a{1,3}` that has a `+` behind it.
    const COUNTED_PLUS: [&'static str; 2];
    /// What stands around one like `a{3}`, and for the `?` that it has behind it: to Oniguruma it may be left out, to others that is no choice.
    const COUNTED_OPTION: [&'static str; 2] = ["(?:", ")?"];
    /// `]` where it is the first character in brackets.
    const FIRST_BRACKET: &'static str;

    /// The flags of a group, which may be none; `None` where one has no form there.
    fn flags(flags: &str) -> Option<String>;

    /// What `rest` starts with, a backslash and what belongs to it; `None` where it has no form there.
    fn escape(rest: &str, in_class: bool) -> Option<Written<'_>>;

    /// `--` and `~~` in brackets; `None` where they have no form there.
    fn doubled(sign: char) -> Option<&'static str>;

    /// What may stand in brackets for `[:name:]`; `None` where there is no such name.
    fn posix(name: &str) -> Option<&'static str>;
}

/// The expression that means what `source` does; `None` where something of it has no form there. What is not well-formed does not become so.
pub fn translated<D: Dialect>(source: &str) -> Option<String> {
    let out = String::with_capacity(source.len());
    Translation::<D> { rest: source, out, groups: Vec::new(), last: 0, dialect: PhantomData }.run()
}

/// `\b`, or what is not `\b`, where a character of a word is one that `word` matches.
pub fn boundary(word: &str, is_one: bool) -> String {
    let [same, other] = if is_one { ["!", "="] } else { ["=", "!"] };
    format!("(?:(?<={word})(?{same}{word})|(?<!{word})(?{other}{word}))")
}

/// The first `bytes` bytes of `rest` as they are.
pub fn copied(rest: &str, bytes: usize) -> Written<'_> {
    (bytes, rest[..bytes].into())
}

struct Translation<'a, D> {
    rest: &'a str,
    out: String,
    /// Where in `out` the groups start that are open.
    groups: Vec<usize>,
    /// Where in `out` starts what a repetition would repeat.
    last: usize,
    dialect: PhantomData<D>,
}

impl<'a, D: Dialect> Translation<'a, D> {
    fn run(mut self) -> Option<String> {
        while let Some(first) = self.rest.chars().next() {
            let start = self.out.len();
            match first {
                '\\' => self.put(D::escape(self.rest, false)?),
                '[' => self.class()?,
                '(' if self.rest.starts_with("(?#") => {
                    self.comment();
                    continue;
                }
                '(' => {
                    self.groups.push(start);
                    self.open()?;
                    continue;
                }
                ')' => {
                    self.copy(1);
                    self.last = self.groups.pop().unwrap_or(start);
                    continue;
                }
                '^' => self.put((1, D::ENDS[0].into())),
                '$' => self.put((1, D::ENDS[1].into())),
                '*' | '+' | '?' => {
                    self.copy(1);
                    continue;
                }
                '{' if self.times() => continue,
                other => self.copy(other.len_utf8()),
            }
            self.last = start;
        }
        Some(self.out)
    }

    fn put(&mut self, (bytes, text): Written<'_>) {
        self.rest = &self.rest[bytes..];
        self.out.push_str(&text);
    }

    fn copy(&mut self, bytes: usize) {
        self.put(copied(self.rest, bytes));
    }

    /// From `(?#` to the first `)` that has no backslash before it.
    fn comment(&mut self) {
        let mut escaped = false;
        let end = self.rest.find(|sign| {
            let is_end = sign == ')' && !escaped;
            escaped = sign == '\\' && !escaped;
            is_end
        });
        self.copy(end.map_or(self.rest.len(), |end| end + 1));
    }

    /// From `(` to before what the group holds or looks for.
    fn open(&mut self) -> Option<()> {
        self.copy(1);
        let Some(after) = self.rest.strip_prefix('?') else { return Some(()) };
        // A name, which only some engines mark.
        if after.starts_with("P<") {
            self.put((2, "?".into()));
            return Some(());
        }
        let end = after.find(|sign: char| !(sign.is_ascii_alphabetic() || sign == '-')).unwrap_or(0);
        let flags = D::flags(&after[..end])?;
        self.copy(1);
        self.put((end, flags.into()));
        Some(())
    }

    /// From `{` on, if that starts a repetition.
    fn times(&mut self) -> bool {
        let counts = self.rest.find('}').map(|end| &self.rest[1..end]);
        let is_count = |counts: &&str| counts.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
        let Some(counts) = counts.filter(is_count).filter(|counts| !counts.is_empty()) else { return false };
        self.copy(counts.len() + "{}".len());
        match self.rest.chars().next() {
            Some('+') => self.wrap(D::COUNTED_PLUS),
            Some('?') if !counts.contains(',') => self.wrap(D::COUNTED_OPTION),
            _ => {}
        }
        true
    }

    /// Writes these around a repetition, for the sign behind it.
    fn wrap(&mut self, [before, after]: [&'static str; 2]) {
        self.out.insert_str(self.last, before);
        self.put((1, after.into()));
    }

    /// From `[` to the `]` that belongs to it.
    fn class(&mut self) -> Option<()> {
        let mut open = 0;
        while let Some(first) = self.rest.chars().next() {
            match first {
                '[' if open > 0
                    && let Some(set) = self.posix() =>
                {
                    self.put(set);
                }
                '[' => {
                    open += 1;
                    self.copy(1);
                    if self.rest.starts_with('^') {
                        self.copy(1);
                    }
                    if self.rest.starts_with(']') {
                        self.put((1, D::FIRST_BRACKET.into()));
                    }
                }
                ']' => {
                    open -= 1;
                    self.copy(1);
                    if open == 0 {
                        break;
                    }
                }
                '\\' => self.put(D::escape(self.rest, true)?),
                '-' | '~' if self.rest[1..].starts_with(first) => self.put((2, D::doubled(first)?.into())),
                other => self.copy(other.len_utf8()),
            }
        }
        Some(())
    }

    /// `[:alpha:]` and so on, if the rest starts with one. Only within brackets: alone it is a set of these signs.
    fn posix(&self) -> Option<Written<'a>> {
        let (name, _) = self.rest.strip_prefix("[:")?.split_once(":]")?;
        let (plain, sign) = name.strip_prefix('^').map_or((name, ""), |plain| (plain, "^"));
        Some((name.len() + "[::]".len(), format!("[{sign}{}]", D::posix(plain)?).into()))
    }
}
