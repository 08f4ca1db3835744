//! From the bytes of a file to a tokenizer.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use crate::added::AddedTokens;
use crate::by_words::ByWords;
use crate::byte_level::{Around, Engine, engine};
use crate::crate_model::CrateModel;
use crate::error::{Error, Result, invalid};
use crate::file::{Direction, File, Padding, PaddingStrategy, RawModel, Strategy, Truncation};
use crate::limits::{EXTRA_IDS, IDS_PER_TOKEN};
use crate::model::Model;
use crate::steps::{Decode, Normalize, Split, flat, kind};
use crate::template::Templates;
use crate::tokenizer::{Tokenizer, fingerprint};

/// What a tokenizer.json holds.
pub struct Loaded {
    /// What encodes and decodes.
    pub runs: Runs,
    /// What is put around the ids of texts.
    pub templates: Templates,
    /// How texts are cut, as the file says.
    pub truncation: Option<Cut>,
    /// How rows are filled up, as the file says.
    pub padding: Option<Fill>,
    /// The type of the model: BPE, `WordPiece`, `WordLevel` or Unigram.
    pub model: &'static str,
}

/// What encodes and decodes.
pub enum Runs {
    /// The engine of `crates/bpe`: byte-level BPE.
    Engine(Box<Engine>),
    /// The `tokenizers` crate.
    Crate(Box<Tokenizer>),
}

impl Loaded {
    /// The tokenizer that the `tokenizers` crate runs, if it does.
    pub fn tokenizer(&self) -> Option<&Tokenizer> {
        match &self.runs {
            Runs::Engine(_) => None,
            Runs::Crate(tokenizer) => Some(tokenizer),
        }
    }

    /// [`Loaded::tokenizer`], and nothing else.
    pub fn into_tokenizer(self) -> Option<Tokenizer> {
        match self.runs {
            Runs::Engine(_) => None,
            Runs::Crate(tokenizer) => Some(*tokenizer),
        }
    }

    /// The engine, if it is what runs.
    pub fn engine(&self) -> Option<&Engine> {
        match &self.runs {
            Runs::Engine(engine) => Some(engine),
            Runs::Crate(_) => None,
        }
    }
}

/// How texts that are too long are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The most ids of a row.
    pub max_length: u64,
    /// Which text is cut: `longest-first`, `only-first` or `only-second`.
    pub strategy: &'static str,
    /// Whether the start is cut away, not the end.
    pub from_left: bool,
    /// How many ids two rows of one text have in common.
    pub stride: u64,
}

/// How rows that are too short are filled up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The length; `None`: that of the longest row.
    pub length: Option<u64>,
    /// Rows are as long as a multiple of it.
    pub multiple_of: Option<u64>,
    /// Whether the start is filled, not the end.
    pub at_left: bool,
    /// The id to fill with.
    pub id: u32,
    /// Its type id.
    pub type_id: u32,
}

/// The tokenizer of a tokenizer.json.
///
/// # Errors
/// [`Error::InvalidFile`] when `bytes` are none or contradict themselves, with the field; [`Error::Limit`] when something is larger than
/// what is read.
pub fn load(bytes: &[u8]) -> Result<Loaded> {
    load_by(bytes, true)
}

/// [`load`], but the `tokenizers` crate runs all models.
///
/// # Errors
/// Those of [`load`].
pub fn load_with_crate(bytes: &[u8]) -> Result<Loaded> {
    load_by(bytes, false)
}

fn load_by(bytes: &[u8], by_engine: bool) -> Result<Loaded> {
    let file = File::parse(bytes)?;
    let raw: RawModel = raw_model(&file)?;
    let normalizers = Normalize::parse(&file.normalizer)?;
    let splits = Split::parse(&file.pre_tokenizer)?;
    let decoders = Decode::parse(&file.decoder)?;
    let added = AddedTokens::new(file.added_tokens, &normalizers)?;
    let model = Model::parse(raw, &added)?;
    let vocab_size = check_ids(&model, &added)?;

    let has = |id| added.get(id).is_some() || !model.tokens.places_of_id(id).is_empty();
    let templates = Templates::parse(&file.post_processor, has)?;
    let truncation = file.truncation.map(|truncation| cut(&truncation, &templates)).transpose()?;
    let padding = file.padding.map(|padding| fill(&padding)).transpose()?;

    let hidden = model.hidden(&added);
    let around = Around { normalizer: &file.normalizer, pre_tokenizer: &file.pre_tokenizer, decoder: &file.decoder };
    if by_engine && let Some(engine) = engine(&model, &added, &around, &hidden) {
        let model = model.kind.name();
        return Ok(Loaded { runs: Runs::Engine(Box::new(engine)), templates, truncation, padding, model });
    }
    let fingerprint = fingerprint(&model, &added, &file.normalizer, &file.pre_tokenizer);
    let is_byte_level = |name, key, value| {
        flat(name, key, value).is_ok_and(|parts| parts.into_iter().any(|part| kind(part) == "ByteLevel"))
    };
    let byte_level = is_byte_level("decoder", "decoders", &file.decoder);
    let (kind, byte_fallback) = (model.kind.name(), model.byte_fallback);
    let by_words =
        by_engine.then(|| ByWords::new(model.visible(&hidden), &file.normalizer, &file.pre_tokenizer)).flatten();
    let finds_normalized = added.are_found_as_they_are(&file.normalizer);
    let mut model = CrateModel::new(model, hidden);
    if by_words.is_none() {
        model.make()?;
    }
    let tokenizer = Tokenizer {
        model,
        added,
        normalizers,
        splits,
        decoders,
        vocab_size,
        byte_fallback,
        byte_level,
        fingerprint,
        by_words,
        finds_normalized,
        texts: OnceLock::new(),
        bytes: OnceLock::new(),
        decoded: AtomicUsize::new(0),
    };
    Ok(Loaded { runs: Runs::Crate(Box::new(tokenizer)), templates, truncation, padding, model: kind })
}

fn raw_model<'a>(file: &File<'a>) -> Result<RawModel<'a>> {
    let raw = file.model.ok_or_else(|| invalid("expected a tokenizer.json with a model, received none"))?;
    serde_json::from_str(raw.get()).map_err(|error| invalid(format!("model: {error}")))
}

/// Every token has one id, every id one token (or several special ones, all of which the model has), and the largest is in proportion.
/// Returns it + 1.
fn check_ids(model: &Model, added: &AddedTokens) -> Result<u32> {
    let tokens = &model.tokens;
    for token in added.all() {
        let place = tokens.place(&token.content);
        if let Some(id) = place.map(|place| tokens.id(place)).filter(|&id| id != token.id) {
            return Err(invalid(format!(
                "the token {:?} has the id {id} in model.vocab and {} in added_tokens",
                token.content, token.id
            )));
        }
        let is_alias = |other: &str| added.is_special(other, token.id) && place.is_some();
        let mut others = tokens.places_of_id(token.id).map(|place| tokens.text(place));
        if let Some(other) = others.find(|&other| other != token.content && !is_alias(other)) {
            return Err(invalid(format!(
                "{other:?} in model.vocab and {:?} in added_tokens have the same id {}",
                token.content, token.id
            )));
        }
        if let Some(last) = added.get(token.id).filter(|last| *last != token && place.is_none()) {
            return Err(invalid(format!(
                "added_tokens: {:?} and {:?} have the same id {}, and model.vocab has not both",
                token.content, last.content, token.id
            )));
        }
    }
    let count = (tokens.len() + added.all().len()) as u64;
    let largest = tokens.iter().map(|(_, id)| id).chain(added.all().iter().map(|token| token.id)).max();
    let Some(largest) = largest else { return Ok(0) };
    let limit = IDS_PER_TOKEN * count + EXTRA_IDS;
    if u64::from(largest) > limit {
        return Err(Error::Limit {
            reason: format!(
                "expected ids of at most {limit}, which is {IDS_PER_TOKEN} for each of {count} tokens and {EXTRA_IDS} more, received {largest}"
            ),
        });
    }
    // The limit is far below the largest number.
    Ok(largest.saturating_add(1))
}

fn cut(truncation: &Truncation, templates: &Templates) -> Result<Cut> {
    let added = templates.added(false) as u64;
    let room = truncation.max_length.checked_sub(added);
    let fits = |room: u64| truncation.stride < room || truncation.stride == 0;
    if !room.is_some_and(fits) {
        return Err(invalid(format!(
            "truncation: expected a stride below max_length without the {added} added ids, received {} and {}",
            truncation.stride, truncation.max_length
        )));
    }
    Ok(Cut {
        max_length: truncation.max_length,
        strategy: match truncation.strategy {
            Strategy::LongestFirst => "longest-first",
            Strategy::OnlyFirst => "only-first",
            Strategy::OnlySecond => "only-second",
        },
        from_left: truncation.direction == Direction::Left,
        stride: truncation.stride,
    })
}

fn fill(padding: &Padding) -> Result<Fill> {
    if padding.pad_to_multiple_of.is_some_and(|multiple| multiple > 1 << 20) {
        return Err(invalid("padding: expected pad_to_multiple_of to be at most 1048576"));
    }
    Ok(Fill {
        length: match padding.strategy {
            PaddingStrategy::BatchLongest => None,
            PaddingStrategy::Fixed(length) => Some(length),
        },
        multiple_of: padding.pad_to_multiple_of.filter(|&multiple| multiple > 1),
        at_left: padding.direction == Direction::Left,
        id: padding.pad_id,
        type_id: padding.pad_type_id,
    })
}
