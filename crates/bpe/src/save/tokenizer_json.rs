//! The form of Hugging Face's `tokenizers`.

use serde_json::{Value, json};

use crate::save::characters::characters;
use crate::save::oniguruma::for_oniguruma;
use crate::{Error, Pattern, Tokenizer};

impl Tokenizer {
    /// A `tokenizer.json`: Hugging Face's `tokenizers` gives the same ids for the same text, special tokens in it being read as such. Of several
    /// with one id it knows only the one that the id is decoded to.
    ///
    /// # Errors
    /// [`Error::InvalidSpecialToken`] when one is written as another token is: the form has one id for a string.
    /// [`Error::InvalidPattern`] when the pattern has no form that Hugging Face's engine reads alike.
    pub fn to_tokenizer_json(&self) -> Result<String, Error> {
        let mut special = self.special_tokens();
        // It is the last one there to Hugging Face, and the first one here, that an id is decoded to.
        special.reverse();
        special.sort_by_key(|&(_, id)| id);
        let characters = characters();
        let written = |token: &[u8]| token.iter().map(|&byte| characters[usize::from(byte)]).collect::<String>();
        let vocabulary = self.vocabulary();

        let mut vocab: Vec<(u32, String)> = vocabulary.tokens().map(|(id, token)| (id, written(token))).collect();
        let taken: std::collections::HashSet<&str> = vocab.iter().map(|(_, token)| &token[..]).collect();
        if let Some(&(token, _)) = special.iter().find(|(token, _)| taken.contains(token)) {
            return Err(written_alike(token));
        }
        // So that they get these ids and no others.
        vocab.extend(special.iter().map(|&(token, id)| (id, token.to_owned())));
        vocab.sort_by_key(|&(id, _)| id);

        // By ascending id, which is the order of their priority.
        let merges = || vocabulary.tokens().filter_map(|(id, _)| vocabulary.parts(id));
        let is_reached = |(id, token): (u32, &[u8])| token.len() == 1 || vocabulary.parts(id).is_some();
        let head = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": special.iter().map(|&(token, id)| json!({
                "id": id, "content": token,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
            })).collect::<Vec<_>>(),
            "normalizer": null,
            "pre_tokenizer": pre_tokenizer(self.pattern())?,
            "post_processor": null,
            "decoder": byte_level(true),
        });
        let model = json!({
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            // A piece that is a token is that token, also where no merge reaches it.
            "ignore_merges": !vocabulary.tokens().all(is_reached),
        });

        // The long parts one line for each entry, so that differences between files can be read.
        let mut file = open_object(&head);
        file.push_str(",\n  \"model\": ");
        file.push_str(&open_object(&model));
        file.push_str(",\n    \"vocab\": {");
        let text = |token: &str| Value::from(token).to_string();
        push_lines(&mut file, vocab.iter().map(|(id, token)| format!("{}: {id}", text(token))));
        file.push_str("},\n    \"merges\": [");
        let part = |id: u32| text(&vocabulary.get(id).map(written).unwrap_or_default());
        push_lines(&mut file, merges().map(|(left, right)| format!("[{}, {}]", part(left), part(right))));
        file.push_str("]\n  }\n}\n");
        Ok(file)
    }
}

/// Refuses what [`Tokenizer::to_tokenizer_json`] refuses for sure of a tokenizer with this pattern and these special tokens, whatever others it has:
/// before a training, not after it.
///
/// # Errors
/// [`Error::InvalidPattern`], [`Error::InvalidSpecialToken`].
pub fn check_tokenizer_json(pattern: &Pattern, special: &[String]) -> Result<(), Error> {
    let bytes = characters().map(String::from);
    match special.iter().find(|token| bytes.contains(token)) {
        Some(token) => Err(written_alike(token)),
        None => pre_tokenizer(pattern).map(drop),
    }
}

fn written_alike(token: &str) -> Error {
    let reason = "another token is written like it, and a tokenizer.json has one id for a string".to_owned();
    Error::InvalidSpecialToken { token: token.to_owned(), reason }
}

/// The JSON of `object` without its closing brace.
fn open_object(object: &Value) -> String {
    let mut json = object.to_string();
    json.pop();
    json
}

fn push_lines(file: &mut String, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        file.push_str(if index == 0 { "\n      " } else { ",\n      " });
        file.push_str(&line);
    }
}

fn byte_level(use_regex: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex })
}

fn pre_tokenizer(pattern: &Pattern) -> Result<Value, Error> {
    // It brings this one itself.
    if *pattern == Pattern::R50k {
        return Ok(byte_level(true));
    }
    let split = |source: String| {
        let Some(regex) = for_oniguruma(&source) else {
            let shown: String = source.chars().take(100).collect();
            let reason = format!(
                "expected one that a tokenizer.json can have, received {shown:?}: no flags but i and s, no [a--b] and [a~~b], no \\R, \\Z, \\< and \\>, of \\p{{…}} what Oniguruma knows, and in (?i) nothing that it matches otherwise, as ss, which is ß too, or \\p{{Lu}}; a .tiktoken file has no pattern"
            );
            return Err(Error::InvalidPattern { reason });
        };
        Ok(json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false }))
    };
    let mut parts = pattern.regexes().into_iter().map(split).collect::<Result<Vec<Value>, Error>>()?;
    parts.push(byte_level(false));
    Ok(json!({ "type": "Sequence", "pretokenizers": parts }))
}
