//! Few pieces to ids, while the large tables are not there yet.

use crate::index::Index;
use crate::sink::Sink;
use crate::vocabulary::Vocabulary;

/// No merge. Larger than every id.
const NONE: u32 = u32::MAX;

/// Finds tokens by an [`Index`] alone: in a hundredth of the speed of the large tables, but in no time to make them.
#[derive(Clone, Copy)]
pub(crate) struct Few<'a> {
    pub vocabulary: &'a Vocabulary,
    pub index: &'a Index,
}

/// A token of a piece that is being merged.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    id: u32,
    /// What it and the next one merge into, or [`NONE`].
    with_next: u32,
}

impl Few<'_> {
    /// The token with these bytes.
    pub fn id(self, token: &[u8]) -> Option<u32> {
        if token.is_empty() { None } else { self.index.get(self.vocabulary, token, 0, token.len()) }
    }

    /// Gives the ids of the pieces of `text` from `start` on that end at `ends` to `sink`. Takes time by the square of the length of a piece that is
    /// no token.
    pub fn encode(self, text: &[u8], start: usize, ends: &[usize], sink: &mut impl Sink) {
        let (mut start, mut parts) = (start, Vec::new());
        for &end in ends {
            if let Some(id) = self.index.get(self.vocabulary, text, start, end) {
                sink.push(id);
            } else {
                self.merge(text, start, end, &mut parts);
                for part in &parts {
                    sink.push(part.id);
                }
            }
            start = end;
        }
    }

    /// Merges the bytes of `text[start..end]` into `parts`: the least id first, of several the one further left.
    fn merge(self, text: &[u8], start: usize, end: usize, parts: &mut Vec<Part>) {
        let token = |start| self.index.get(self.vocabulary, text, start, start + 1).expect("every byte is a token");
        parts.clear();
        parts.extend((start..end).map(|start| Part { start, id: token(start), with_next: NONE }));
        for at in 0..parts.len() {
            parts[at].with_next = self.with_next(text, end, parts, at);
        }
        while let Some((at, _)) =
            (parts.iter().enumerate()).min_by_key(|(_, part)| part.with_next).filter(|(_, part)| part.with_next != NONE)
        {
            parts[at].id = parts[at].with_next;
            parts.remove(at + 1);
            for at in at.saturating_sub(1)..=at {
                parts[at].with_next = self.with_next(text, end, parts, at);
            }
        }
    }

    /// What part `at` and the next one merge into: the token of the bytes of both, if it is made of these two.
    fn with_next(self, text: &[u8], end: usize, parts: &[Part], at: usize) -> u32 {
        let [left, ref rest @ ..] = parts[at..] else { return NONE };
        let Some(right) = rest.first() else { return NONE };
        let end = rest.get(1).map_or(end, |after| after.start);
        let whole = self.index.get(self.vocabulary, text, left.start, end);
        whole.filter(|&id| self.vocabulary.parts(id) == Some((left.id, right.id))).unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::{Rng, share};
    use tokenmill_testkit::strings::Strings;
    use tokenmill_testkit::{cases, text};

    use crate::{Encoding, Level, Pattern, Tokenizer, Vocabulary};

    /// The ids of `text` by an index alone.
    fn encode(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        let (mut ends, mut end) = (Vec::new(), 0);
        for piece in tokenizer.pattern().pieces(text) {
            end += piece.len();
            ends.push(end);
        }
        let mut ids = Vec::new();
        tokenizer.few().encode(text.as_bytes(), 0, &ends, &mut ids);
        ids
    }

    fn assert_same(tokenizer: &Tokenizer, text: &str) {
        assert_eq!(encode(tokenizer, text), tokenizer.encode_ordinary(text), "{text:?}");
    }

    #[test]
    fn ids_are_those_of_the_large_tables() {
        let (golden, strings) = (cases::golden(), Strings::new());
        for encoding in [Encoding::R50kBase, Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kBase] {
            let file = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
            let tokenizer = Tokenizer::from_encoding(encoding, file).expect("well-formed").with_level(Level::best());
            golden.rows.iter().filter(|row| row.text.len() < 2000).for_each(|row| assert_same(&tokenizer, &row.text));
            (0..share(2_000)).for_each(|index| assert_same(&tokenizer, &strings.string(0, index)));
        }
    }

    #[test]
    fn ids_are_those_of_the_large_tables_for_any_vocabulary() {
        for seed in 0..share(60) {
            let mut rng = Rng::new(seed);
            let mut tokens: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
            for _ in 0..rng.below(200) {
                // Of two tokens, or of letters that no merge may reach.
                let token = match rng.below(4) {
                    0 => (0..2 + rng.below(30)).map(|_| b"abc "[rng.below(4)]).collect(),
                    _ => [rng.choose(&tokens).clone(), rng.choose(&tokens).clone()].concat(),
                };
                if !tokens.contains(&token) && token.len() < 100 {
                    tokens.push(token);
                }
            }
            // Ids in another order, with holes: parts may have larger ids than the whole.
            let is_shuffled = rng.below(2) == 0;
            let id = |index: usize| if is_shuffled { (index * 7919 % 1009) as u32 } else { index as u32 };
            let tokens = tokens.iter().enumerate().map(|(index, token)| (&token[..], id(index)));
            let vocabulary = Vocabulary::from_tokens(tokens).expect("they are different");
            let tokenizer =
                Tokenizer::new(vocabulary, Pattern::O200k, []).expect("no special tokens").with_level(Level::best());
            for _ in 0..50 {
                let text: String = (0..rng.below(60)).map(|_| char::from(b"abc "[rng.below(4)])).collect();
                assert_same(&tokenizer, &text);
                assert_same(&tokenizer, &text::awkward(&mut rng, 40));
            }
        }
    }
}
