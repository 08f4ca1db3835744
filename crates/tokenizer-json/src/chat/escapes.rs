//! What a backslash means in the strings of a template, in Jinja as in Python.

use std::fmt::Write as _;

/// `text`, which stands between quotes, with each escape that is a character of its own as that character, and each that the engine reads otherwise as
/// one that it reads so; `None` when there is none of them.
///
/// So special tokens are found however they are written.
///
/// # Errors
/// For escapes that Jinja refuses, and for characters by their names (`\N{…}`), which are not known here.
pub(super) fn unescaped(text: &str) -> Result<Option<String>, String> {
    if !text.contains('\\') {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let Some(sign) = rest[at + 1..].chars().next() else { break };
        rest = &rest[at + 1 + sign.len_utf8()..];
        match sign {
            '\\' | '\'' | '"' | 'b' | 'f' | 'n' | 'r' | 't' => out.extend(['\\', sign]),
            'a' => out.push_str("\\u0007"),
            'v' => out.push_str("\\u000b"),
            'x' => push_code(&mut out, &mut rest, 'x', 2)?,
            'u' => push_code(&mut out, &mut rest, 'u', 4)?,
            'U' => push_code(&mut out, &mut rest, 'U', 8)?,
            '0'..='7' => {
                let more = rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let digits = format!("{sign}{}", &rest[..more]);
                rest = &rest[more..];
                push(&mut out, u32::from_str_radix(&digits, 8).unwrap_or_default())?;
            }
            'N' => return Err("expected a character itself, received \\N with its name".to_owned()),
            // It goes on in the next line.
            '\n' => {}
            // No escape: a backslash.
            _ => out.extend(['\\', '\\', sign]),
        }
    }
    out.push_str(rest);
    Ok(Some(out))
}

/// Pushes the character whose code the next `digits` of `rest` are.
fn push_code(out: &mut String, rest: &mut &str, sign: char, digits: usize) -> Result<(), String> {
    let code = rest.get(..digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let Some(code) = code else { return Err(format!("expected {digits} hexadecimal digits after \\{sign}")) };
    *rest = &rest[digits..];
    push(out, u32::from_str_radix(code, 16).unwrap_or(u32::MAX))
}

fn push(out: &mut String, code: u32) -> Result<(), String> {
    match char::from_u32(code) {
        Some(c) if !matches!(c, '\\' | '\'' | '"') && !c.is_control() => out.push(c),
        None if code > 0xffff => return Err(format!("expected the code of a character, received {code:x}")),
        // The engine refuses half of a pair where the other half is missing.
        _ => {
            let _ = write!(out, "\\u{code:04x}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_python() {
        for (text, expected) in [
            ("a", None),
            (r"\x41\u00e9\U0001F600\101\0", Some(r"Aé😀A\u0000")),
            (r"\a\v\n\t\\\'", Some(r"\u0007\u000b\n\t\\\'")),
            (r"\/\d\8\é", Some(r"\\/\\d\\8\\é")),
            (r"\x27\x5c\u0022\x0a", Some(r"\u0027\u005c\u0022\u000a")),
            ("a\\\nb", Some("ab")),
            (r"\ud83d\ude00", Some(r"\ud83d\ude00")),
            (r"\400", Some("Ā")),
        ] {
            assert_eq!(unescaped(text).as_ref().map(Option::as_deref), Ok(expected), "{text}");
        }
        for text in [r"\x4", r"\xg0", r"\u12", r"\U00110000", r"\N{BULLET}", r"\u+123"] {
            assert!(unescaped(text).is_err(), "{text}");
        }
    }
}
