use serde_json::{Value, json};
use tokenmill_bpe::EncodeStream;
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::strings::Strings;

use super::*;
use crate::byte_level::words::tests as byte_level;
use crate::end_of_word::tests as end_of_word;
use crate::error::Error;
use crate::sentence_piece::tests as sentence_piece;
use crate::word_piece::tests as word_piece;
use crate::{load, load_with_crate};

/// What an encoding comes to, in a form that can be compared.
type Outcome = Result<Vec<u32>, String>;

/// Tokens of many kinds, which stand in the texts of `sentence_piece` and `word_piece`, beside `model`.
fn added(rng: &mut Rng, model: &Value) -> Value {
    let id_of = |content: &str| match &model["vocab"] {
        Value::Array(list) => list.iter().position(|token| token[0] == content).map(|id| json!(id)),
        ids => ids.get(content).cloned(),
    };
    let mut flag = || rng.below(2) == 0;
    let mut token = |id: u32, content: &str, special: bool| {
        json!({
            "id": id_of(content).unwrap_or(json!(id)), "content": content, "special": special, "normalized": false, "single_word": flag() && flag(),
            "lstrip": flag(), "rstrip": flag(),
        })
    };
    json!([
        token(60_000, "<s>", true),
        token(60_001, "[SEP]", true),
        token(60_002, "a b", false),
        token(60_003, "\n", false),
        token(60_004, "bc.", true),
    ])
}

/// The ids of `text` in chunks, and how many of them were there before the end.
fn streamed(rng: &mut Rng, engine: WordsEngine, text: &str) -> (Outcome, usize) {
    let mut stream = EncodeStream::of(engine, true);
    let (mut ids, mut rest, longest) = (Vec::new(), text, 1 + rng.below(40));
    let mut chunks = || -> Result<usize, EncodeError> {
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.ceil_char_boundary(1 + rng.below(longest)));
            match rng.below(3) {
                0 => stream.encode(chunk, &mut ids, None)?,
                1 => stream.encode_utf16(&chunk.encode_utf16().collect::<Vec<_>>(), &mut ids, None)?,
                _ => stream.encode_bytes(chunk.as_bytes(), &mut ids, None)?,
            }
            rest = after;
        }
        let early = ids.len();
        stream.end()?;
        stream.encode_ready(&mut ids, None)?;
        assert_eq!(stream.held_bytes(), 0);
        Ok(early)
    };
    match chunks() {
        Ok(early) => (Ok(ids), early),
        Err(EncodeError::Text(TextError::DisallowedSpecialToken { token, .. })) => (Err(token), 0),
        Err(error) => panic!("{error}"),
    }
}

/// Compares the ids of texts that come in chunks, by `rounds` random files, with those of whole texts.
fn compare(rounds: u64, seed: u64, file: impl Fn(&mut Rng, &[String]) -> Vec<u8>, texts: Texts) {
    let (mut rng, strings) = (Rng::new(seed), Strings::new());
    let (mut all, mut early) = (0, 0);
    for round in 0..share(rounds) {
        let parts = texts(&mut rng, &strings, 60, round);
        let file = file(&mut rng, &parts);
        let loaded = Arc::new(load(&file).expect("well-formed"));
        let of_crate = load_with_crate(&file).expect("well-formed").into_tokenizer().expect("by the crate");
        let tokenizer = loaded.tokenizer().expect("not byte-level");
        for (allowed, disallowed) in [
            (&[][..], &[][..]),
            (&["<s>", "[SEP]", "bc."], &[]),
            (&["bc.", "[SEP]"], &["<s>"]),
            (&[], &["[SEP]", "c.\n"]),
        ] {
            let policy = || Arc::new(tokenizer.policy::<&str>(allowed, disallowed).expect("few tokens"));
            for _ in 0..12 {
                let text: String = (0..=rng.below(12))
                    .map(|_| rng.choose(&parts).clone() + *rng.choose(&["", " ", "\n", "  ", ". ", " \t"]))
                    .collect();
                let encoded = |tokenizer: &Tokenizer| -> Outcome {
                    let policy = tokenizer.policy::<&str>(allowed, disallowed).expect("few tokens");
                    tokenizer.encode(&text, &policy, None).map_err(|error| match error {
                        Error::DisallowedSpecialToken { token, .. } => token,
                        error => panic!("{error}"),
                    })
                };
                let expected = encoded(&of_crate);
                assert_eq!(encoded(tokenizer), expected, "{text:?} {}", String::from_utf8_lossy(&file));
                let engine = WordsEngine::new(Arc::clone(&loaded), policy(), usize::MAX).expect("by words");
                let (received, before) = streamed(&mut rng, engine, &text);
                assert_eq!(received, expected, "{text:?} {}", String::from_utf8_lossy(&file));
                all += expected.map_or(0, |ids| ids.len());
                early += before;
            }
        }
    }
    assert!(early > all / 2, "{early} of {all} ids before the end");
}

type Texts = fn(&mut Rng, &Strings, u64, u64) -> Vec<String>;

#[test]
fn ids_of_a_word_piece_in_chunks_are_those_of_the_text() {
    let file = |rng: &mut Rng, parts: &[String]| {
        let (model, normalizer) = (word_piece::word_piece(rng, parts), word_piece::normalizer(rng));
        word_piece::file(&model, &normalizer, &added(rng, &model))
    };
    compare(16, 31, file, word_piece::texts);
}

#[test]
fn ids_of_words_with_marks_in_chunks_are_those_of_the_text() {
    let charsmap = sentence_piece::charsmap();
    for (seed, model) in [(32, sentence_piece::unigram as fn(&mut Rng, &[String]) -> Value), (33, sentence_piece::bpe)]
    {
        let file = |rng: &mut Rng, parts: &[String]| {
            let (model, steps) = (model(rng, parts), sentence_piece::steps_by_spaces(rng, &charsmap));
            sentence_piece::file(&model, &steps, &added(rng, &model))
        };
        compare(16, seed, file, sentence_piece::texts);
    }
}

#[test]
fn ids_of_merges_in_a_whole_text_in_chunks_are_those_of_the_text() {
    let file = |rng: &mut Rng, parts: &[String]| {
        let (model, steps) = (sentence_piece::bpe(rng, parts), sentence_piece::steps_by_pairs(rng));
        sentence_piece::file(&model, &steps, &added(rng, &model))
    };
    compare(32, 34, file, sentence_piece::texts);
}

#[test]
fn byte_level_ids_in_chunks_are_those_of_the_text() {
    let file = |rng: &mut Rng, parts: &[String]| loop {
        let (model, steps) = (byte_level::bpe(rng, parts), byte_level::steps(rng));
        let added = byte_level::added(rng, &model, !steps.0.is_null());
        let file = byte_level::file(&model, &steps, &added);
        let is_by_words = |tokenizer: &Tokenizer| tokenizer.by_words.is_some() && tokenizer.finds_normalized;
        if load(&file).is_ok_and(|loaded| loaded.tokenizer().is_some_and(is_by_words)) {
            return file;
        }
    };
    compare(32, 35, file, byte_level::texts);
}

#[test]
fn ids_of_words_whose_ends_are_marked_in_chunks_are_those_of_the_text() {
    let file = |rng: &mut Rng, parts: &[String]| {
        let (model, steps) = (end_of_word::bpe(rng, parts), end_of_word::steps(rng));
        end_of_word::file(&model, &steps, &added(rng, &model))
    };
    compare(24, 36, file, end_of_word::texts);
}
