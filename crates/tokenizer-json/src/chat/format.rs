//! `str.format` of Python, for texts and numbers. The engine's makes room for any width before anything is paid, and characters of numbers (`{:c}`),
//! which would break the proof in `mod.rs`.

use minijinja::value::{Kwargs, Rest, Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

use super::compare::number;
use super::cost::{Meter, affordable};
use super::python::{kind_of, str_of};

/// `template.format(args)`.
pub(super) fn format(state: &State, template: &str, args: &[Value]) -> Result<String, Error> {
    let (places, names): (Rest<Value>, Kwargs) = from_args(args)?;
    let mut out = String::new();
    let (mut rest, mut next) = (template, 0);
    while let Some(at) = rest.find(['{', '}']) {
        push(state, &mut out, &rest[..at])?;
        let sign = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(sign) {
            push(state, &mut out, sign)?;
            rest = after;
            continue;
        }
        let Some((field, after)) = rest.split_once('}').filter(|_| sign == "{") else {
            return Err(refused(format!("expected a field between {{ and }} for format, received a single {sign}")));
        };
        rest = after;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = name.split_once('!').unwrap_or((name, "s"));
        if field.contains('{') || conversion != "s" {
            return Err(refused(format!(
                "expected a field without others and without !r for format, received {field}"
            )));
        }
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let value = match (&name[..end], name[..end].parse::<usize>()) {
            ("", _) => {
                next += 1;
                places.get(next - 1).cloned()
            }
            (_, Ok(place)) => places.get(place).cloned(),
            (name, _) => names.get::<Value>(name).ok(),
        };
        let missing = || refused(format!("there is no {field:?} among the arguments of format"));
        let value = of_path(value.ok_or_else(missing)?, &name[end..])?;
        let text = if field.contains('!') { Value::from(str_of(state, &value)?) } else { value };
        push(state, &mut out, &formatted(state, &text, spec)?)?;
    }
    push(state, &mut out, rest)?;
    Ok(out)
}

fn push(state: &State, out: &mut String, part: &str) -> Result<(), Error> {
    affordable(state, out.len() + part.len())?;
    Meter::new(state).pay(1, part.len() as u64)?;
    out.push_str(part);
    Ok(())
}

/// What `path`, as in `.a[0]`, leads to.
fn of_path(mut value: Value, mut path: &str) -> Result<Value, Error> {
    while !path.is_empty() {
        let is_item = path.starts_with('[');
        let end = path[1..].find(if is_item { &[']'][..] } else { &['.', '['][..] }).map_or(path.len(), |end| end + 1);
        let name = &path[1..end];
        path = path.get(end + usize::from(is_item)..).unwrap_or_default();
        value = match name.parse::<usize>() {
            Ok(place) if is_item => value.get_item(&Value::from(place))?,
            _ if is_item => value.get_item(&Value::from(name))?,
            // In Python they are attributes, which data has not.
            _ => return Err(refused(format!("expected an item in brackets for format, received .{name}"))),
        };
    }
    Ok(value)
}

/// How a value is written: `[[fill]align][sign][0][width][,][.precision][type]`.
#[derive(Debug, Default)]
struct Spec<'a> {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    zero: bool,
    width: usize,
    grouped: bool,
    precision: Option<usize>,
    kind: &'a str,
}

impl<'a> Spec<'a> {
    fn read(spec: &'a str) -> Result<Self, Error> {
        let is_align = |c: &char| matches!(c, '<' | '>' | '^');
        let mut read = Self::default();
        let mut rest = spec;
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        if let (Some(fill), Some(align)) = (first, second.filter(is_align)) {
            (read.fill, read.align) = (Some(fill), Some(align));
            rest = chars.as_str();
        } else if let Some(align) = first.filter(is_align) {
            read.align = Some(align);
            rest = &rest[1..];
        }
        if let Some(sign) = rest.chars().next().filter(|sign| matches!(sign, '+' | '-' | ' ')) {
            read.sign = Some(sign);
            rest = &rest[1..];
        }
        if let Some(after) = rest.strip_prefix('0') {
            read.zero = true;
            rest = after;
        }
        let digits = |rest: &mut &'a str| {
            let end = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, after) = rest.split_at(end);
            *rest = after;
            (end > 0).then(|| digits.parse().unwrap_or(usize::MAX))
        };
        read.width = digits(&mut rest).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(',') {
            read.grouped = true;
            rest = after;
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            read.precision = Some(digits(&mut rest).ok_or_else(|| refused("expected digits after . for format"))?);
        }
        read.kind = rest;
        Ok(read)
    }
}

fn formatted(state: &State, value: &Value, spec: &str) -> Result<String, Error> {
    if spec.is_empty() {
        return str_of(state, value);
    }
    let spec = Spec::read(spec)?;
    affordable(state, spec.width.saturating_mul(4).saturating_add(spec.precision.unwrap_or(0)))?;
    if let Some(text) = value.as_str() {
        if !matches!(spec.kind, "" | "s") || spec.zero || spec.grouped || spec.sign.is_some() {
            return Err(unknown(value, spec.kind));
        }
        let text: String = text.chars().take(spec.precision.unwrap_or(usize::MAX)).collect();
        return Ok(aligned(&spec, "", &text, '<'));
    }
    let number = number(value);
    if number.kind() != ValueKind::Number {
        return Err(unknown(value, spec.kind));
    }
    let digits = if number.is_integer() && matches!(spec.kind, "" | "d") && spec.precision.is_none() {
        number.to_string()
    } else if spec.kind == "f" {
        let float = f64::try_from(number)?;
        if !float.is_finite() {
            return Err(unknown(value, spec.kind));
        }
        let precision = spec.precision.unwrap_or(6);
        if precision > 1000 {
            return Err(refused(format!("expected at most 1000 digits for format, received {precision}")));
        }
        format!("{float:.precision$}")
    } else if spec.kind.is_empty() && spec.precision.is_none() && !number.is_integer() {
        str_of(state, &number)?
    } else {
        return Err(unknown(value, spec.kind));
    };
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => (
            spec.sign.map_or("", |sign| {
                if sign == '+' {
                    "+"
                } else if sign == ' ' {
                    " "
                } else {
                    ""
                }
            }),
            &*digits,
        ),
    };
    if spec.grouped && spec.zero {
        return Err(refused("expected no zeros before a number in groups for format"));
    }
    let digits = if spec.grouped { grouped(digits) } else { digits.to_owned() };
    if spec.zero && spec.align.is_none() {
        let zeros = spec.width.saturating_sub(sign.len() + digits.len());
        return Ok(format!("{sign}{}{digits}", "0".repeat(zeros)));
    }
    Ok(aligned(&spec, sign, &digits, '>'))
}

/// `digits` with a comma before every three of those before the point.
fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn aligned(spec: &Spec<'_>, sign: &str, text: &str, align: char) -> String {
    let missing = spec.width.saturating_sub(sign.len() + text.chars().count());
    let before = match spec.align.unwrap_or(align) {
        '<' => 0,
        '>' => missing,
        _ => missing / 2,
    };
    let fill = |count: usize| spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' }).to_string().repeat(count);
    [&fill(before), sign, text, &fill(missing - before)].concat()
}

fn unknown(value: &Value, kind: &str) -> Error {
    refused(format!("there is no format {kind:?} for {} here", kind_of(value)))
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
