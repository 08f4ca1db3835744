//! The published encodings.

use crate::pretokenize::Pattern;

/// A published encoding: which ranks, which pattern, which special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Encoding {
    Gpt2,
    R50kBase,
    P50kBase,
    P50kEdit,
    Cl100kBase,
    O200kBase,
    O200kHarmony,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Gpt2,
        Self::R50kBase,
        Self::P50kBase,
        Self::P50kEdit,
        Self::Cl100kBase,
        Self::O200kBase,
        Self::O200kHarmony,
    ];

    /// Its name in tiktoken.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::R50kBase => "r50k_base",
            Self::P50kBase => "p50k_base",
            Self::P50kEdit => "p50k_edit",
            Self::Cl100kBase => "cl100k_base",
            Self::O200kBase => "o200k_base",
            Self::O200kHarmony => "o200k_harmony",
        }
    }

    /// The encoding called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    /// The name of its ranks, which several encodings share: the file is `encodings/<name>.bpe`.
    pub fn ranks_name(self) -> &'static str {
        match self {
            Self::Gpt2 | Self::R50kBase => "r50k_base",
            Self::P50kBase | Self::P50kEdit => "p50k_base",
            Self::Cl100kBase => "cl100k_base",
            Self::O200kBase | Self::O200kHarmony => "o200k_base",
        }
    }

    /// How it splits text.
    pub fn pattern(self) -> Pattern {
        match self {
            Self::Gpt2 | Self::R50kBase | Self::P50kBase | Self::P50kEdit => Pattern::R50k,
            Self::Cl100kBase => Pattern::Cl100k,
            Self::O200kBase | Self::O200kHarmony => Pattern::O200k,
        }
    }

    /// Its special tokens and their ids, by ascending id.
    pub fn special_tokens(self) -> Vec<(String, u32)> {
        let named = |tokens: &[(&str, u32)]| tokens.iter().map(|&(token, id)| (token.to_owned(), id)).collect();
        match self {
            Self::Gpt2 | Self::R50kBase | Self::P50kBase => named(&[("<|endoftext|>", 50256)]),
            Self::P50kEdit => named(&[
                ("<|endoftext|>", 50256),
                ("<|fim_prefix|>", 50281),
                ("<|fim_middle|>", 50282),
                ("<|fim_suffix|>", 50283),
            ]),
            Self::Cl100kBase => named(&[
                ("<|endoftext|>", 100_257),
                ("<|fim_prefix|>", 100_258),
                ("<|fim_middle|>", 100_259),
                ("<|fim_suffix|>", 100_260),
                ("<|endofprompt|>", 100_276),
            ]),
            Self::O200kBase => named(&[("<|endoftext|>", 199_999), ("<|endofprompt|>", 200_018)]),
            Self::O200kHarmony => harmony_special_tokens(),
        }
    }
}

fn harmony_special_tokens() -> Vec<(String, u32)> {
    const NAMED: [(&str, u32); 9] = [
        ("<|startoftext|>", 199_998),
        ("<|endoftext|>", 199_999),
        ("<|return|>", 200_002),
        ("<|constrain|>", 200_003),
        ("<|channel|>", 200_005),
        ("<|start|>", 200_006),
        ("<|end|>", 200_007),
        ("<|message|>", 200_008),
        ("<|call|>", 200_012),
    ];
    let mut tokens: Vec<_> = NAMED.map(|(token, id)| (token.to_owned(), id)).into();
    // 200018 has two names: it is reserved here and keeps its name of o200k_base.
    tokens.push(("<|endofprompt|>".to_owned(), 200_018));
    let is_named = |id| NAMED.iter().any(|&(_, named)| named == id);
    tokens.extend((200_000..201_088).filter(|&id| !is_named(id)).map(|id| (format!("<|reserved_{id}|>"), id)));
    tokens.sort_by_key(|&(_, id)| id);
    tokens
}
