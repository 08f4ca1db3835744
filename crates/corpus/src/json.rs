//! One string field of a JSON object, without building what else is in it.
//!
//! What is JSON and which value counts is as in Python's `json.loads`: of keys that come twice the last one, `NaN` and `Infinity` are
//! numbers, a byte below 0x20 in a string is an error. A lone surrogate escape, which has no UTF-8 form, is U+FFFD.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// What is wrong with a line, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    pub reason: String,
}

/// Whether `byte` is what JSON has between values.
pub fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Where the string `field` of the object `line` lies, after what is escaped in it was replaced in place. `line` is UTF-8.
///
/// # Errors
/// A line that is not one JSON object, or whose field is missing or no string. The line is then unchanged.
pub fn string_field(line: &mut [u8], field: &str) -> Result<Range<usize>, Invalid> {
    let mut scan = Scan { bytes: line, at: 0, open: Vec::new() };
    match scan.field(field)? {
        Some(Value::String { range, escaped: false }) => Ok(range),
        Some(Value::String { range, escaped: true }) => {
            let length = unescape(&mut line[range.clone()]);
            Ok(range.start..range.start + length)
        }
        Some(Value::Other(kind)) => invalid(format!("expected a string in the field {field:?}, received {kind}")),
        None => invalid(format!("expected the field {field:?}, received an object without it")),
    }
}

fn invalid<T>(reason: String) -> Result<T, Invalid> {
    Err(Invalid { reason })
}

enum Value {
    /// Between the quotes.
    String { range: Range<usize>, escaped: bool },
    /// What it is, in words.
    Other(&'static str),
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The closing bytes of the arrays and objects that are open inside a value. No recursion: a line decides how deep they are.
    open: Vec<u8>,
}

impl Scan<'_> {
    /// The last value of `field`; reads the whole line.
    fn field(&mut self, field: &str) -> Result<Option<Value>, Invalid> {
        let mut found = None;
        self.space();
        if self.peek() != Some(b'{') {
            return self.expected("a JSON object");
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                let (key, escaped) = self.key()?;
                let is_it = if escaped {
                    let mut key = self.bytes[key].to_vec();
                    let length = unescape(&mut key);
                    &key[..length] == field.as_bytes()
                } else {
                    &self.bytes[key] == field.as_bytes()
                };
                let value = self.value()?;
                if is_it {
                    found = Some(value);
                }
                self.space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break self.at += 1,
                    _ => return self.expected("',' or '}'"),
                }
            }
        }
        self.space();
        if self.at < self.bytes.len() {
            return self.expected("nothing after the object");
        }
        Ok(found)
    }

    /// `"key" :`, and the space around.
    fn key(&mut self) -> Result<(Range<usize>, bool), Invalid> {
        self.space();
        if self.peek() != Some(b'"') {
            return self.expected("a key in quotes");
        }
        let key = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.expected("':'");
        }
        self.at += 1;
        Ok(key)
    }

    fn value(&mut self) -> Result<Value, Invalid> {
        let value = self.start_of_value()?;
        while let Some(&close) = self.open.last() {
            self.space();
            match self.peek() {
                Some(byte) if byte == close => {
                    self.at += 1;
                    self.open.pop();
                }
                Some(b',') => {
                    self.at += 1;
                    self.member(close)?;
                }
                _ => return self.expected(if close == b']' { "',' or ']'" } else { "',' or '}'" }),
            }
        }
        Ok(value)
    }

    /// The next element of what `close` closes.
    fn member(&mut self, close: u8) -> Result<(), Invalid> {
        if close == b'}' {
            self.key()?;
        }
        self.start_of_value().map(|_| ())
    }

    /// A value, or the start of an array or object up to its first element's.
    fn start_of_value(&mut self) -> Result<Value, Invalid> {
        let mut outermost = None;
        loop {
            self.space();
            let value = match self.peek() {
                Some(b'"') => {
                    let (range, escaped) = self.string()?;
                    Value::String { range, escaped }
                }
                Some(b'[' | b'{') => {
                    let (close, kind) =
                        if self.bytes[self.at] == b'[' { (b']', "an array") } else { (b'}', "an object") };
                    self.at += 1;
                    self.space();
                    outermost = outermost.or(Some(kind));
                    if self.peek() == Some(close) {
                        self.at += 1;
                    } else {
                        self.open.push(close);
                        if close == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                    Value::Other(kind)
                }
                Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number()?,
                Some(b't') => self.word("true", "a boolean")?,
                Some(b'f') => self.word("false", "a boolean")?,
                Some(b'n') => self.word("null", "null")?,
                _ => return self.expected("a value"),
            };
            return Ok(outermost.map_or(value, Value::Other));
        }
    }

    fn word(&mut self, word: &str, kind: &'static str) -> Result<Value, Invalid> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.expected("a value");
        }
        self.at += word.len();
        Ok(Value::Other(kind))
    }

    fn number(&mut self) -> Result<Value, Invalid> {
        if self.peek() == Some(b'N') {
            return self.word("NaN", "a number");
        }
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'I') => return self.word("Infinity", "a number"),
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.expected("a digit"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Other("a number"))
    }

    fn digits(&mut self) -> Result<(), Invalid> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { self.expected("a digit") } else { Ok(()) }
    }

    /// A string from its quote on: what is between the quotes, and whether anything in it is escaped.
    fn string(&mut self) -> Result<(Range<usize>, bool), Invalid> {
        self.at += 1;
        let (start, mut escaped) = (self.at, false);
        loop {
            let Some(length) = memchr2(b'"', b'\\', &self.bytes[self.at..]) else {
                self.at = self.bytes.len();
                return self.expected("'\"'");
            };
            let plain = &self.bytes[self.at..self.at + length];
            // Without a branch for each byte: this is most of a line.
            if plain.iter().map(|&byte| u8::from(byte < 0x20)).fold(0, u8::max) > 0 {
                self.at += plain.iter().take_while(|&&byte| byte >= 0x20).count();
                return self.expected("control characters of a string to be escaped");
            }
            self.at += length;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Ok((start..self.at - 1, escaped));
            }
            escaped = true;
            match self.bytes.get(self.at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                Some(b'u') if hex4(self.bytes, self.at + 2).is_some() => self.at += 6,
                _ => return self.expected("an escape sequence"),
            }
        }
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| is_space(&byte)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expected<T>(&self, what: &str) -> Result<T, Invalid> {
        let found = match self.peek() {
            None => "the end of the line".to_owned(),
            Some(byte @ 0x20..0x7f) => format!("'{}'", char::from(byte)),
            Some(byte) => format!("the byte {byte:#04x}"),
        };
        invalid(format!("expected {what} at byte {}, received {found}", self.at))
    }
}

/// The number that four hexadecimal digits write.
fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// Replaces all escape sequences; what they stand for is never longer. Returns how long the string is then.
fn unescape(string: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    loop {
        let length = memchr(b'\\', &string[from..]).unwrap_or(string.len() - from);
        string.copy_within(from..from + length, to);
        (from, to) = (from + length, to + length);
        let Some(&kind) = string.get(from + 1) else { return to };
        let (character, length) = match kind {
            b'u' => escaped_character(string, from),
            b'b' => ('\u{8}', 2),
            b'f' => ('\u{c}', 2),
            b'n' => ('\n', 2),
            b'r' => ('\r', 2),
            b't' => ('\t', 2),
            other => (char::from(other), 2),
        };
        from += length;
        to += character.encode_utf8(&mut string[to..]).len();
    }
}

/// The character of the `\u` at `at`, and how long it is written.
fn escaped_character(string: &[u8], at: usize) -> (char, usize) {
    let unit = hex4(string, at + 2).unwrap_or(0xfffd);
    if let Some(character) = char::from_u32(unit) {
        return (character, 6);
    }
    let next = (string.get(at + 6..at + 8) == Some(b"\\u")).then(|| hex4(string, at + 8)).flatten();
    match next {
        Some(low @ 0xdc00..0xe000) if unit < 0xdc00 => {
            let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}
