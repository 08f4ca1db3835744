//! The model of the `tokenizers` crate.

use std::sync::OnceLock;

use tokenizers::ModelWrapper;
use tokenizers::models::bpe::BpeBuilder;
use tokenizers::models::unigram::Unigram;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::models::wordpiece::WordPiece;

use crate::error::{Result, invalid};
use crate::model::{Hidden, Kind, Model};
use crate::tokens::Tokens;

/// One that is made when it is asked for: to make it takes longer than all else, and much memory.
pub(crate) struct CrateModel {
    model: Model,
    hidden: Hidden,
    made: OnceLock<std::result::Result<ModelWrapper, String>>,
}

impl CrateModel {
    /// It never gives the id of a token of `hidden`: plain text must not become a special token.
    pub fn new(model: Model, hidden: Hidden) -> Self {
        Self { model, hidden, made: OnceLock::new() }
    }

    /// # Errors
    /// [`Error::InvalidFile`](crate::Error::InvalidFile) with what the crate has against it.
    pub fn get(&self) -> Result<&ModelWrapper> {
        let made = self.made.get_or_init(|| made_of(&self.model, &self.hidden).map_err(|error| error.to_string()));
        made.as_ref().map_err(|error| invalid(format!("model: {error}")))
    }

    /// Makes it, and forgets what it is made of.
    ///
    /// # Errors
    /// Those of [`CrateModel::get`].
    pub fn make(&mut self) -> Result<()> {
        self.get()?;
        match &mut self.model.kind {
            Kind::Bpe { merges, .. } => *merges = Vec::new(),
            Kind::Unigram { scores, .. } => *scores = Vec::new(),
            Kind::WordPiece { .. } | Kind::WordLevel => {}
        }
        Ok(())
    }

    /// What tokens that go on with a word start with, where such are marked.
    pub fn continuing_prefix(&self) -> Option<&str> {
        self.model.kind.continuing_prefix()
    }

    /// All tokens, also those that it does not give.
    pub fn tokens(&self) -> &Tokens {
        &self.model.tokens
    }
}

fn made_of(model: &Model, hidden: &Hidden) -> tokenizers::Result<ModelWrapper> {
    let visible = model.visible(hidden);
    let vocabulary = || visible.tokens().map(|(token, id)| (token.to_owned(), id)).collect();
    let text = |place: u32| model.tokens.text(place).to_owned();
    let unknown = || model.unknown.clone().unwrap_or_default();
    Ok(match &model.kind {
        Kind::Bpe { continuing_subword_prefix, end_of_word_suffix, fuse_unk, ignore_merges, .. } => {
            let merges = visible.merges().map(|(_, merge)| (text(merge.left), text(merge.right))).collect();
            let mut builder = BpeBuilder::new()
                .vocab_and_merges::<ahash::AHashMap<_, _>>(vocabulary(), merges)
                .fuse_unk(*fuse_unk)
                .byte_fallback(model.byte_fallback)
                .ignore_merges(*ignore_merges);
            if let Some(unknown) = &model.unknown {
                builder = builder.unk_token(unknown.clone());
            }
            if let Some(prefix) = continuing_subword_prefix {
                builder = builder.continuing_subword_prefix(prefix.clone());
            }
            if let Some(suffix) = end_of_word_suffix {
                builder = builder.end_of_word_suffix(suffix.clone());
            }
            ModelWrapper::BPE(builder.build()?)
        }
        Kind::WordPiece { continuing_subword_prefix, max_input_chars_per_word } => ModelWrapper::WordPiece(
            WordPiece::builder()
                .vocab(vocabulary())
                .unk_token(unknown())
                .continuing_subword_prefix(continuing_subword_prefix.clone())
                .max_input_chars_per_word(*max_input_chars_per_word)
                .build()?,
        ),
        Kind::WordLevel => {
            ModelWrapper::WordLevel(WordLevel::builder().vocab(vocabulary()).unk_token(unknown()).build()?)
        }
        Kind::Unigram { scores, unk_id } => {
            // An empty token is never found in a text; ids, which are places in the list, stay as they are.
            let tokens = (0..)
                .zip(scores)
                .map(|(place, &score)| (if visible.has(place) { text(place) } else { String::new() }, score));
            ModelWrapper::Unigram(Unigram::from(tokens.collect(), *unk_id, model.byte_fallback)?)
        }
    })
}
