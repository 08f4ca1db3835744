//! What a post-processor puts around the ids of one text or two.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;
use tokenizers::{Encoding, PostProcessor, PostProcessorWrapper, Token};

use crate::error::{Error, Result, invalid};
use crate::limits::MOST_ADDED;
use crate::steps::{flat, kind};

/// Stand for the two texts; they are no ids of tokens.
const FIRST: u32 = u32::MAX;
const SECOND: u32 = u32::MAX - 1;

/// A part of what a post-processor makes, and its type id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub what: What,
    /// The type id of all ids of the part.
    pub type_id: u32,
}

/// See [`Part`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The ids of the first text.
    First,
    /// The ids of the second text.
    Second,
    /// A token that is put there.
    Id(u32),
}

/// The parts for one text and for two, with and without the tokens that are put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templates {
    /// For one text.
    pub single: Vec<Part>,
    /// For two.
    pub pair: Vec<Part>,
    /// For one text, without special tokens.
    pub single_plain: Vec<Part>,
    /// For two, without special tokens.
    pub pair_plain: Vec<Part>,
}

impl Templates {
    /// Those of a post-processor. The crate's own is run on two ids that stand for texts, so that what it does is what is done here.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] when it lacks what it names, adds ids that `is_token` does not know, or leaves a text out.
    pub fn parse(value: &Value, is_token: impl Fn(u32) -> bool) -> Result<Self> {
        check(value)?;
        let processor: Option<PostProcessorWrapper> = match value {
            Value::Null => None,
            value => Some(
                serde_json::from_value(value.clone()).map_err(|error| invalid(format!("post_processor: {error}")))?,
            ),
        };
        let parts = |is_pair: bool, add: bool| {
            let parts = run(processor.as_ref(), is_pair, add)?;
            let count = |wanted| parts.iter().filter(|part| part.what == wanted).count();
            if count(What::First) != 1 || count(What::Second) != usize::from(is_pair) {
                return Err(invalid("post_processor: expected each text once in its template"));
            }
            if parts.len() > MOST_ADDED {
                return Err(Error::Limit {
                    reason: format!("expected a post_processor that adds at most {MOST_ADDED} ids"),
                });
            }
            match parts.iter().find(|part| matches!(part.what, What::Id(id) if !is_token(id))) {
                Some(part) => Err(invalid(format!("post_processor: expected ids of tokens, received {:?}", part.what))),
                None => Ok(parts),
            }
        };
        Ok(Self {
            single: parts(false, true)?,
            pair: parts(true, true)?,
            single_plain: parts(false, false)?,
            pair_plain: parts(true, false)?,
        })
    }

    /// How many ids are put around one text, or around two.
    pub fn added(&self, is_pair: bool) -> usize {
        if is_pair { self.pair.len() - 2 } else { self.single.len() - 1 }
    }
}

fn run(processor: Option<&PostProcessorWrapper>, is_pair: bool, add: bool) -> Result<Vec<Part>> {
    let text = |id: u32, type_id| Encoding::from_tokens(vec![Token::new(id, String::new(), (0, 0))], type_id);
    let pair = is_pair.then(|| text(SECOND, 1));
    let Some(processor) = processor else {
        let parts = [Part { what: What::First, type_id: 0 }, Part { what: What::Second, type_id: 1 }];
        return Ok(parts[..=usize::from(is_pair)].to_vec());
    };
    // What it takes for granted was checked; a panic here is one more thing.
    let encoding = catch_unwind(AssertUnwindSafe(|| processor.process(text(FIRST, 0), pair, add)))
        .map_err(|_| invalid("post_processor: it cannot process a text"))?
        .map_err(|error| invalid(format!("post_processor: {error}")))?;
    let what = |id| match id {
        FIRST => What::First,
        SECOND => What::Second,
        id => What::Id(id),
    };
    Ok(encoding
        .get_ids()
        .iter()
        .zip(encoding.get_type_ids())
        .map(|(&id, &type_id)| Part { what: what(id), type_id })
        .collect())
}

/// What the crate takes for granted.
fn check(value: &Value) -> Result<()> {
    let parts = flat("post_processor", "processors", value)?;
    // Each would see what the one before made in place of the texts.
    if parts.iter().filter(|part| kind(part) != "ByteLevel").count() > 1 {
        return Err(invalid("post_processor: expected at most one part that adds tokens"));
    }
    for part in parts.into_iter().filter(|part| kind(part) == "TemplateProcessing") {
        let known = part.get("special_tokens").and_then(Value::as_object);
        for (name, texts) in [("single", &["A"][..]), ("pair", &["A", "B"])] {
            let pieces = part.get(name).and_then(Value::as_array);
            let pieces = pieces.ok_or_else(|| invalid(format!("post_processor: expected {name} to be a list")))?;
            for piece in pieces {
                let id = |of: &str| piece.get(of).and_then(|piece| piece.get("id")).and_then(Value::as_str);
                if let Some(text) = id("Sequence").filter(|text| !texts.contains(text)) {
                    return Err(invalid(format!("post_processor: {name} has no text {text:?}")));
                }
                if let Some(token) =
                    id("SpecialToken").filter(|&token| known.is_none_or(|known| !known.contains_key(token)))
                {
                    return Err(invalid(format!(
                        "post_processor: expected the tokens of {name} in special_tokens, {token:?} is not there"
                    )));
                }
            }
        }
    }
    Ok(())
}
