//! What published models call the tables that a model reads its input by.

use crate::{NORM, POSITION_TABLE, TOKEN_TABLE, TYPE_TABLE};

/// The epsilon of BERT, which its files do not have.
const BERT_EPSILON: f64 = 1e-12;
/// That of its successor `RoBERTa`.
const ROBERTA_EPSILON: f64 = 1e-5;

/// Whose names tables have in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `wte.weight` and `wpe.weight`, as in GPT-2. Tables that GPT-2 has not are called as in BERT, without what they are in.
    Gpt2,
    /// `bert.embeddings.word_embeddings.weight`, and so on.
    Bert,
}

impl Names {
    /// The name in options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::Bert => "bert",
        }
    }

    /// The names of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Gpt2, Self::Bert].into_iter().find(|names| names.name() == name)
    }

    /// The names to write.
    pub(super) fn layout(self) -> Layout {
        match self {
            Self::Gpt2 => Layout::gpt2(""),
            Self::Bert => Layout::bert("bert.embeddings.", BERT_EPSILON),
        }
    }
}

/// The names of tables in one file.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) token: String,
    pub(super) position: String,
    pub(super) types: String,
    pub(super) norm: [String; 2],
    names: Names,
    /// Of the normalisation that a file has without saying so.
    epsilon: Option<f64>,
}

impl Layout {
    fn gpt2(prefix: &str) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        Self {
            token: name(TOKEN_TABLE),
            position: name(POSITION_TABLE),
            types: name(TYPE_TABLE),
            norm: NORM.map(name),
            names: Names::Gpt2,
            epsilon: None,
        }
    }

    fn bert(prefix: &str, epsilon: f64) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        Self {
            token: name("word_embeddings.weight"),
            position: name("position_embeddings.weight"),
            types: name(TYPE_TABLE),
            norm: NORM.map(name),
            names: Names::Bert,
            epsilon: Some(epsilon),
        }
    }

    /// The layout of a file in which `has` finds names: the first of those known whose token table is there, else GPT-2's.
    pub(super) fn find(has: impl Fn(&str) -> bool) -> Self {
        let known = [
            Self::gpt2(""),
            Self::gpt2("transformer."),
            Self::bert("bert.embeddings.", BERT_EPSILON),
            Self::bert("embeddings.", BERT_EPSILON),
            Self::bert("roberta.embeddings.", ROBERTA_EPSILON),
        ];
        let found = known.into_iter().find(|layout| has(&layout.token));
        let mut layout = found.unwrap_or_else(|| Self::gpt2(""));
        // As TensorFlow called them; the files of the first BERT models still do.
        let old = ["gamma", "beta"].map(|end| layout.norm[0].replace("weight", end));
        if !has(&layout.norm[0]) && has(&old[0]) {
            layout.norm = old;
        }
        layout
    }

    /// Whether the names are BERT's, whose files have types and a normalisation without saying so.
    pub(super) fn is_bert(&self) -> bool {
        self.names == Names::Bert
    }

    /// The epsilon of a published model, when it normalises.
    pub(super) fn epsilon(&self, has: impl Fn(&str) -> bool) -> Option<f64> {
        self.epsilon.filter(|_| has(&self.norm[0]))
    }

    /// The name of a parameter that is called `name` in memory.
    pub(super) fn of(&self, name: &'static str) -> &str {
        let names = [TOKEN_TABLE, POSITION_TABLE, TYPE_TABLE, NORM[0], NORM[1]];
        let [weight, bias] = &self.norm;
        let ours = [&self.token, &self.position, &self.types, weight, bias];
        names.iter().zip(ours).find(|(known, _)| **known == name).map_or(name, |(_, ours)| ours)
    }
}
