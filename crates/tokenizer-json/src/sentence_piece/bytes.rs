//! The mark of a space, and tokens for the bytes of what is unknown.

/// The mark of a space, which is a space in the words of this module.
pub(super) const MARK: char = '▁';

/// The character that a word has for one of a text.
#[inline(always)]
pub(super) fn spaced(character: char) -> char {
    if character == MARK { ' ' } else { character }
}

/// The ids of `<0x00>` to `<0xFF>`.
pub(super) struct ByteTokens(Box<[Option<u32>; 256]>);

impl ByteTokens {
    /// Of a vocabulary that gives the `id` of a token.
    pub fn new(id: impl Fn(&str) -> Option<u32>) -> Self {
        Self(Box::new(std::array::from_fn(|byte| id(&format!("<0x{byte:02X}>")))))
    }

    /// All of them, with no id for what is `not_needed` and missing; `None` when one is missing.
    pub fn all_but(&self, not_needed: impl Fn(u8) -> bool) -> Option<[u32; 256]> {
        let mut all = [0; 256];
        for (byte, (id, found)) in (0..=255).zip(all.iter_mut().zip(&*self.0)) {
            *id = if not_needed(byte) { found.unwrap_or(u32::MAX) } else { (*found)? };
        }
        Some(all)
    }

    /// Adds those of `part`, with marks for its spaces; none and `false` when one is missing.
    pub fn add(&self, part: &[u8], ids: &mut Vec<u32>) -> bool {
        let before = ids.len();
        let mut mark = [0; MARK.len_utf8()];
        MARK.encode_utf8(&mut mark);
        for byte in part {
            let bytes = if *byte == b' ' { &mark[..] } else { std::slice::from_ref(byte) };
            for &byte in bytes {
                let Some(id) = self.0[usize::from(byte)] else {
                    ids.truncate(before);
                    return false;
                };
                ids.push(id);
            }
        }
        true
    }
}
