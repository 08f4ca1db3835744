//! Byte-level BPE models go to the engine of `crates/bpe`, where that gives the same ids.
//!
//! The engine merges the two neighbours whose joined bytes are the token with the smallest id. The `tokenizers` crate merges the two that
//! come first in a list of merges. When are these the same?
//!
//! Take the engine's way for all tokens of the file. Of every token that it can make at all, exactly one pair of parts can ever stand side by
//! side: the two in which merging the token's own bytes ends when the token is left out (see [`Vocabulary`]). So if the list has that pair
//! for each such token, and these pairs are in it in the order of the ids of their tokens, then the crate sees the same neighbours that can
//! merge as the engine does, and takes the same ones first: by induction it makes the same merges. Other merges of the list are of pairs that
//! never stand side by side, and do nothing; files that were made from ranks list all ways to make a token, of which one is taken.
//!
//! A piece that is a token is that token to the engine. To the crate too with `ignore_merges`; without, when merging makes it, which is checked.

use std::sync::Arc;

use serde_json::Value;
use tokenmill_bpe::{Pattern, Tokenizer, Vocabulary};

use crate::added::AddedTokens;
use crate::file::Added;
use crate::limits::LONGEST_REGEX;
use crate::model::{Hidden, Kind, Model};
use crate::nfc::{self, NFC};
use crate::oniguruma::translated;
use crate::steps::{flat, kind};

/// The byte that each character of a byte-level token stands for: printable Latin-1 for itself, the others from U+0100 on.
pub(crate) fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => Some(code as u8),
        0x100..=0x120 => Some((code - 0x100) as u8),
        0x121..=0x142 => Some((code - 0x121 + 0x7f) as u8),
        0x143 => Some(0xad),
        _ => None,
    }
}

/// The bytes of a byte-level token; `None` when it has other characters.
pub(crate) fn bytes_of(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte_of).collect()
}

/// What a file says about text, beside its model.
pub(crate) struct Around<'a> {
    pub normalizer: &'a Value,
    pub pre_tokenizer: &'a Value,
    pub decoder: &'a Value,
}

/// The engine for a file.
pub struct Engine {
    /// It gives the ids of all texts, or of those that are in normal form C.
    pub tokenizer: Arc<Tokenizer>,
    /// Whether texts come to normal form C.
    pub nfc: bool,
    /// Whether it does that, between added tokens: those that are looked for in what is normalized are found in the text as it is, too.
    pub normalizes: bool,
}

/// The engine for a model; `None` when it would give other ids, or none can tell.
pub(crate) fn engine(model: &Model, added: &AddedTokens, around: &Around, hidden: &Hidden) -> Option<Engine> {
    let Kind::Bpe { merges, continuing_subword_prefix: None, end_of_word_suffix: None, ignore_merges, .. } =
        &model.kind
    else {
        return None;
    };
    let nfc = match flat("", "normalizers", around.normalizer).ok()?[..] {
        [] => false,
        [one] if kind(one) == "NFC" => true,
        _ => return None,
    };
    // Of a text in normal form C every part is in it too, so tokens that are looked for in what is normalized are found as in what is not.
    if nfc && !added.are_unchanged() || !are_found_at_once(added.all()) {
        return None;
    }
    let pattern = pattern_of(around.pre_tokenizer)?;
    match flat("", "decoders", around.decoder).ok()?[..] {
        [one] if kind(one) == "ByteLevel" => {}
        _ => return None,
    }

    let mut is_merged = vec![false; model.tokens.len()];
    for merge in merges {
        is_merged[merge.left as usize] = true;
        is_merged[merge.right as usize] = true;
    }
    // Of an added token the model knows nothing that the search does not, unless it is merged on.
    let places = added.all().iter().filter_map(|token| model.tokens.place(&token.content));
    let left_out: Hidden = places.filter(|&place| !is_merged[place as usize]).chain(hidden.iter().copied()).collect();
    let mut tokens = Vec::with_capacity(model.tokens.len());
    for (place, (token, id)) in (0..).zip(model.tokens.iter()) {
        if !left_out.contains(&place) {
            tokens.push((bytes_of(token)?, id));
        }
    }
    let vocabulary = Vocabulary::from_tokens(tokens.iter().map(|(bytes, id)| (&**bytes, *id))).ok()?;

    // Of each token where the merge of its parts is in the list.
    let mut ranks = vec![None; vocabulary.len()];
    for (rank, merge) in merges.iter().enumerate() {
        if !hidden.contains(&merge.left) && !hidden.contains(&merge.right) {
            let [left, right, made] = [merge.left, merge.right, merge.made].map(|place| model.tokens.id(place));
            // Of a pair that is there twice the crate takes the last.
            if vocabulary.get(made).is_some() && vocabulary.parts(made) == Some((left, right)) {
                ranks[made as usize] = Some(rank);
            }
        }
    }
    let mut last = None;
    for (id, _) in vocabulary.tokens().filter(|(_, token)| token.len() > 1) {
        if vocabulary.parts(id).is_none() {
            if *ignore_merges {
                continue;
            }
            return None;
        }
        let rank = ranks[id as usize];
        if rank <= last {
            return None;
        }
        last = rank;
    }

    // Of several with one id the engine decodes to the first, the crate to the last.
    let (special, always): (Vec<&Added>, Vec<&Added>) = added.all().iter().rev().partition(|token| token.special);
    let named =
        |tokens: Vec<&Added>| tokens.into_iter().map(|token| (token.content.clone(), token.id)).collect::<Vec<_>>();
    let tokenizer = Tokenizer::with_added_tokens(vocabulary, pattern, named(special), named(always)).ok()?;
    let normalizes = nfc && added.all().iter().all(|token| !token.normalized || nfc::is_kept(&token.content));
    let tokenizer = if normalizes { tokenizer.with_normalizer(NFC) } else { tokenizer };
    Some(Engine { tokenizer: Arc::new(tokenizer), nfc, normalizes })
}

/// Whether one search, for the leftmost and there the longest, finds what the crate's two rounds find: first tokens that are not normalized,
/// then the others in what is left.
///
/// It does where no token of the second round can reach over the start of one of the first, nor start with one. Then up to the next token of
/// the first round both find the same tokens of the second, none of which goes on into it; and both go on behind it. That a token of the
/// second round starts inside one of the first does no harm: the first wins by being more to the left, as it does by being first.
fn are_found_at_once(tokens: &[Added]) -> bool {
    /// So many pairs of tokens are looked at.
    const MOST: usize = 1 << 16;
    if tokens.iter().any(|token| token.single_word || token.lstrip || token.rstrip) {
        return false;
    }
    let (second, first): (Vec<&Added>, Vec<&Added>) = tokens.iter().partition(|token| token.normalized);
    first.len() * second.len() <= MOST
        && first.iter().all(|first| second.iter().all(|second| !reaches_over(&second.content, &first.content)))
}

/// Whether in some text `second` has the start of `first` in it: where it holds all of it, or ends as it starts.
fn reaches_over(second: &str, first: &str) -> bool {
    let ends_as_starts = |length: usize| second.as_bytes()[second.len() - length..] == first.as_bytes()[..length];
    second.contains(first) || (1..second.len().min(first.len())).any(ends_as_starts)
}

/// The pattern of a pre-tokenizer that ends with `ByteLevel`.
fn pattern_of(pre_tokenizer: &Value) -> Option<Pattern> {
    let parts = flat("", "pretokenizers", pre_tokenizer).ok()?;
    let (last, before) = parts.split_last()?;
    let flag = |part: &Value, name: &str, default: bool| part.get(name).map_or(Some(default), Value::as_bool);
    if kind(last) != "ByteLevel" || flag(last, "add_prefix_space", true)? {
        return None;
    }
    let (mut regexes, mut must_cover) = (Vec::new(), false);
    for part in before {
        match kind(part) {
            "Split" => {
                let pattern = part.get("pattern")?;
                let regex = pattern.get("Regex").and_then(Value::as_str);
                let regex = regex.filter(|source| source.len() <= LONGEST_REGEX).map(translated);
                regexes
                    .push(regex.or_else(|| pattern.get("String").and_then(Value::as_str).map(regex_syntax::escape))?);
                match (part.get("behavior")?.as_str()?, part.get("invert")?.as_bool()?) {
                    ("Isolated", false) => {}
                    // What is matched is kept, and the rest dropped: the same where all is matched.
                    ("Removed", true) => must_cover = true,
                    _ => return None,
                }
            }
            "Digits" if flag(part, "individual_digits", false)? => regexes.push(Pattern::DIGITS.to_owned()),
            "Digits" => regexes.push(r"\p{N}+".to_owned()),
            _ => return None,
        }
    }
    if flag(last, "use_regex", true)? {
        regexes.push(Pattern::BYTE_LEVEL.to_owned());
    }
    if regexes.is_empty() || must_cover && regexes.len() > 1 {
        return None;
    }
    let regexes: Vec<&str> = regexes.iter().map(String::as_str).collect();
    let pattern = Pattern::from_splits(&regexes).ok()?;
    // Scanners match all of a text. Of other expressions the crate's engine and ours may differ; the crate's is the reference.
    (!matches!(pattern, Pattern::Splits(_))).then_some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_one_character() {
        let mut bytes: Vec<u8> = (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        bytes.sort_unstable();
        assert!(bytes.iter().copied().eq(0..=255));
    }

    #[test]
    fn a_space_is_written_as_g_with_dot() {
        assert_eq!(bytes_of("Ġa"), Some(b" a".to_vec()));
        assert_eq!(bytes_of("a b"), None);
    }

    #[test]
    fn a_token_reaches_over_another_when_a_text_can_have_the_start_of_the_other_in_it() {
        for (second, first) in [("ab", "bc"), ("abc", "b"), ("abc", "a"), ("abc", "c"), ("a", "a"), ("<a><", "<b>")] {
            assert!(reaches_over(second, first), "{second} {first}");
        }
        for (second, first) in [("<a>", "<b>"), ("bc", "ab"), ("b", "abc"), ("a", "ab"), ("|b|", "<a>|")] {
            assert!(!reaches_over(second, first), "{second} {first}");
        }
    }
}
