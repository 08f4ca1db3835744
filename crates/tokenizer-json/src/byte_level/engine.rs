//! Files whose texts go to the engine as they are.

use std::sync::Arc;

use serde_json::Value;
use tokenmill_bpe::{Tokenizer, Vocabulary};

use super::{Before, before, bytes_of, is_byte};
use crate::added::AddedTokens;
use crate::file::Added;
use crate::model::{Hidden, Kind, Model};
use crate::nfc::{self, NFC};
use crate::ranked::{are_the_same, may_be_the_same, ranks};
use crate::steps::{flat, kind};

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
    let Before { nfc, pattern, prefix: false } = before(around.normalizer, around.pre_tokenizer)? else { return None };
    // Of a text in normal form C every part is in it too, so tokens that are looked for in what is normalized are found as in what is not.
    if nfc && !added.are_unchanged() || !are_found_at_once(added.all()) {
        return None;
    }
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
    let merges = merges.iter().enumerate();
    let shown = merges.filter(|(_, merge)| !hidden.contains(&merge.left) && !hidden.contains(&merge.right));
    let count = model.tokens.len();
    let places = (0..count as u32).filter(|place| !left_out.contains(place));
    if !ignore_merges && !may_be_the_same(count, places, shown.clone().map(|(rank, merge)| (rank, merge.made))) {
        return None;
    }

    let mut tokens = Vec::with_capacity(count);
    for (place, (token, id)) in (0..).zip(model.tokens.iter()) {
        if !left_out.contains(&place) {
            tokens.push((bytes_of(token)?, id));
        }
    }
    let vocabulary = Vocabulary::from_tokens(tokens.iter().map(|(bytes, id)| (&**bytes, *id))).ok()?;

    let id = |place: u32| Some(model.tokens.id(place)).filter(|&id| vocabulary.get(id).is_some());
    let merges = shown.map(|(rank, merge)| (rank, [merge.left, merge.right, merge.made].map(id)));
    if !are_the_same(&vocabulary, &ranks(&vocabulary, merges), *ignore_merges, is_byte) {
        return None;
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

#[cfg(test)]
mod tests {
    use super::*;

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
