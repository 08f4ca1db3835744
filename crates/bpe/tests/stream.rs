//! Text in chunks gives the ids of the whole text, and ids in chunks give the text of all ids, wherever they are cut.

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tokenmill_bpe::{DecodeStream, EncodeStream, Encoding, Error, Pattern, SpecialPolicy, Tokenizer, Vocabulary};
use tokenmill_testkit::cases;
use tokenmill_testkit::rng::{Rng, share};
use tokenmill_testkit::text;

const NO_LIMIT: usize = usize::MAX;

/// A chunk of a stream.
#[derive(Clone, Copy, Debug)]
enum Chunk<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Units(&'a [u16]),
}

impl Chunk<'_> {
    fn encode(self, stream: &mut EncodeStream, ids: &mut Vec<u32>) -> Result<(), Error> {
        match self {
            Self::Text(text) => stream.encode(text, ids, None),
            Self::Bytes(bytes) => stream.encode_bytes(bytes, ids, None),
            Self::Units(units) => stream.encode_utf16(units, ids, None),
        }
    }
}

fn shared(encoding: Encoding) -> Arc<Tokenizer> {
    let ranks = cases::read(&format!("encodings/{}.bpe", encoding.ranks_name()));
    Arc::new(Tokenizer::from_encoding(encoding, ranks).expect("the encoding is well-formed"))
}

/// A tokenizer with special tokens that overlap and are parts of one another.
fn with_awkward_special_tokens(pattern: Pattern) -> Arc<Tokenizer> {
    let ranks = cases::read("encodings/r50k_base.bpe");
    let special = ["<|a|>", "<|a|><|b|>", "|><|", "a b", "\n", "<|c|>", " ", "é", "<|a|><|"];
    let special = (60_000..).zip(special).map(|(id, token)| (token.to_owned(), id));
    let vocabulary = Vocabulary::from_compact(ranks).expect("the encoding is well-formed");
    Arc::new(Tokenizer::new(vocabulary, pattern, special).expect("they are well-formed"))
}

fn policies(tokenizer: &Tokenizer) -> Vec<Arc<SpecialPolicy>> {
    let names: Vec<_> = tokenizer.special_tokens().into_iter().map(|(token, _)| token.to_owned()).collect();
    let (even, odd): (Vec<_>, Vec<_>) = (0..).zip(&names).partition(|(number, _)| number % 2 == 0);
    let [even, odd] = [even, odd].map(|part| part.into_iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>());
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let of = |allowed: &[&str], disallowed: &[&str]| tokenizer.special_policy(allowed, disallowed).expect("few");
    [of(&[], &[]), of(&all, &[]), of(&[], &all), of(&even, &odd), of(&odd, &even)].map(Arc::new).into()
}

/// What a stream gives for `chunks`.
fn streamed(tokenizer: &Arc<Tokenizer>, policy: &Arc<SpecialPolicy>, chunks: &[Chunk<'_>]) -> Result<Vec<u32>, Error> {
    let mut stream = EncodeStream::new(Arc::clone(tokenizer), Arc::clone(policy), NO_LIMIT, false);
    let mut ids = Vec::new();
    for chunk in chunks {
        chunk.encode(&mut stream, &mut ids)?;
        assert_eq!(stream.ready_bytes(), 0);
    }
    stream.end()?;
    stream.encode_ready(&mut ids, None)?;
    assert_eq!(stream.held_bytes(), 0);
    Ok(ids)
}

/// An outcome that can be compared.
fn outcome(result: Result<Vec<u32>, Error>) -> Result<Vec<u32>, (String, usize)> {
    result.map_err(|error| match error {
        Error::DisallowedSpecialToken { token, at } => (token, at),
        error => panic!("{error}"),
    })
}

/// Compares a text that is cut into chunks, as strings and as bytes, with the whole.
fn check(tokenizer: &Arc<Tokenizer>, policies: &[Arc<SpecialPolicy>], text: &str, cuts: &[usize]) {
    for (number, policy) in policies.iter().enumerate() {
        let expected = outcome(tokenizer.encode(text, policy));
        let in_utf16 = expected.clone().map_err(|(token, at)| (token, text[..at].encode_utf16().count()));
        let ends = cuts.iter().copied().chain([text.len()]);
        let bounds: Vec<_> = [0].into_iter().chain(cuts.iter().copied()).zip(ends).collect();
        let bytes: Vec<_> = bounds.iter().map(|&(from, to)| Chunk::Bytes(&text.as_bytes()[from..to])).collect();
        let found = outcome(streamed(tokenizer, policy, &bytes));
        assert!(found == expected, "bytes of {text:?} at {cuts:?}, policy {number}: {found:?}, not {expected:?}");
        let floor = |at| text.floor_char_boundary(at);
        let texts: Vec<_> = bounds.iter().map(|&(from, to)| Chunk::Text(&text[floor(from)..floor(to)])).collect();
        let found = outcome(streamed(tokenizer, policy, &texts));
        assert!(found == in_utf16, "{text:?} at {cuts:?}, policy {number}: {found:?}, not {in_utf16:?}");
    }
}

fn random_cuts(rng: &mut Rng, length: usize) -> Vec<usize> {
    let count = rng.below(6);
    let mut cuts: Vec<_> = (0..count).map(|_| rng.up_to(length)).collect();
    cuts.sort_unstable();
    cuts
}

/// Awkward text with special tokens and near misses in it.
fn with_special(rng: &mut Rng, special: &[&str], longest: usize) -> String {
    let mut made = String::new();
    for _ in 0..=rng.below(8) {
        match rng.below(3) {
            0 => made.push_str(special[rng.below(special.len())]),
            1 => {
                let token = special[rng.below(special.len())];
                made.push_str(&token[..token.floor_char_boundary(rng.up_to(token.len()))]);
            }
            _ => made.push_str(&text::awkward(rng, longest)),
        }
    }
    made
}

#[test]
fn short_texts_at_every_place() {
    let mut rng = Rng::new(1);
    for encoding in [Encoding::P50kEdit, Encoding::Cl100kBase, Encoding::O200kHarmony] {
        let tokenizer = shared(encoding);
        let policies = &policies(&tokenizer)[..3];
        let special = ["<|endoftext|>", "<|fim_prefix|>", "<|start|>"];
        let fixed = ["", "a", "é", "👨‍👩‍👧", "\r\n\r\n", "\u{feff}a", "it's", "a  b", "a<|endoftext|>b", "123456 7"];
        let random = (0..share(300)).map(|_| with_special(&mut rng, &special, 8));
        for text in fixed.into_iter().map(str::to_owned).chain(random) {
            for cut in 0..=text.len() {
                check(&tokenizer, policies, &text, &[cut]);
            }
            let all: Vec<_> = (1..text.len()).collect();
            check(&tokenizer, policies, &text, &all);
        }
    }
}

#[test]
fn special_tokens_that_overlap_at_every_place() {
    let mut rng = Rng::new(2);
    for pattern in [Pattern::R50k, Pattern::Cl100k, Pattern::O200k] {
        let tokenizer = with_awkward_special_tokens(pattern);
        let policies = policies(&tokenizer);
        for _ in 0..share(300) {
            let text = with_special(&mut rng, &["<|a|><|b|>", "<|a|>", "a b", "é", "|><|", "<|a|><|"], 5);
            for cut in 0..=text.len() {
                check(&tokenizer, &policies, &text, &[cut]);
            }
            let all: Vec<_> = (1..text.len()).collect();
            check(&tokenizer, &policies, &text, &all);
        }
    }
}

#[test]
fn long_texts_at_random_places() {
    let mut rng = Rng::new(3);
    for encoding in [Encoding::P50kBase, Encoding::Cl100kBase, Encoding::O200kHarmony] {
        let tokenizer = shared(encoding);
        let policies = policies(&tokenizer);
        for _ in 0..share(600) {
            let text = with_special(&mut rng, &["<|endoftext|>", "<|endofprompt|>", "<|fim_suffix|>"], 900);
            let cuts = random_cuts(&mut rng, text.len());
            check(&tokenizer, &policies, &text, &cuts);
        }
        // Longer than the parts in which a chunk is taken.
        let text: String = (0..400).map(|_| with_special(&mut rng, &["<|endoftext|>"], 900)).collect();
        let cuts = random_cuts(&mut rng, text.len());
        check(&tokenizer, &policies, &text, &cuts);
    }
}

/// What chunks of both kinds are as one text: invalid bytes are read within each run of bytes.
fn joined(chunks: &[Chunk<'_>]) -> String {
    let (mut text, mut bytes) = (String::new(), Vec::new());
    for chunk in chunks {
        match chunk {
            Chunk::Bytes(more) => bytes.extend_from_slice(more),
            Chunk::Text("") => {}
            Chunk::Text(more) => {
                text.push_str(&String::from_utf8_lossy(&std::mem::take(&mut bytes)));
                text.push_str(more);
            }
            Chunk::Units(_) => unreachable!("they are given as text"),
        }
    }
    text + &String::from_utf8_lossy(&bytes)
}

#[test]
fn strings_and_invalid_bytes_in_turn() {
    let mut rng = Rng::new(4);
    let tokenizer = with_awkward_special_tokens(Pattern::O200k);
    let policies = policies(&tokenizer);
    let pieces: Vec<Vec<u8>> = ["é", "👩", "<|a|>", "<|a", "|><|b|>", "a b", "\u{fffd}", " ", "x"]
        .iter()
        .map(|piece| piece.as_bytes().to_vec())
        .chain([vec![0xff], vec![0xc3], vec![0xe2, 0x82], vec![0xf0, 0x9f, 0x91], vec![0x80], vec![0xed, 0xa0, 0x80]])
        .collect();
    for _ in 0..share(30_000) {
        let owned: Vec<(bool, Vec<u8>)> = (0..=rng.below(5))
            .map(|_| {
                let bytes = (0..rng.below(4)).flat_map(|_| pieces[rng.below(pieces.len())].clone()).collect();
                (rng.below(2) == 0, bytes)
            })
            .collect();
        let texts: Vec<String> = owned.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
        let chunks: Vec<_> = (owned.iter().zip(&texts))
            .map(|((is_text, bytes), text)| if *is_text { Chunk::Text(text) } else { Chunk::Bytes(bytes) })
            .collect();
        let whole = joined(&chunks);
        // Where byte `at` of the whole comes from: counted again, character by character.
        let index_of = |at: usize| {
            let (mut index, mut read) = (0, 0);
            let mut number = 0;
            while number < chunks.len() {
                let run = (chunks[number..].iter())
                    .take_while(|chunk| matches!(chunk, Chunk::Bytes(_) | Chunk::Text("")))
                    .count();
                if run > 0 {
                    let bytes: Vec<u8> = chunks[number..number + run]
                        .iter()
                        .flat_map(|chunk| if let Chunk::Bytes(bytes) = chunk { bytes.to_vec() } else { Vec::new() })
                        .collect();
                    for chunk in bytes.utf8_chunks() {
                        for character in chunk.valid().chars() {
                            if read == at {
                                return index;
                            }
                            (index, read) = (index + character.len_utf8(), read + character.len_utf8());
                        }
                        if !chunk.invalid().is_empty() {
                            if read == at {
                                return index;
                            }
                            (index, read) = (index + chunk.invalid().len(), read + 3);
                        }
                    }
                    number += run;
                    continue;
                }
                let Chunk::Text(text) = chunks[number] else { unreachable!() };
                for character in text.chars() {
                    if read == at {
                        return index;
                    }
                    (index, read) = (index + character.len_utf16(), read + character.len_utf8());
                }
                number += 1;
            }
            index
        };
        for policy in &policies {
            let expected = outcome(tokenizer.encode(&whole, policy)).map_err(|(token, at)| (token, index_of(at)));
            assert_eq!(outcome(streamed(&tokenizer, policy, &chunks)), expected, "{chunks:?}");
        }
    }
}

#[test]
fn utf_16_is_the_text_of_all_its_chunks() {
    let mut rng = Rng::new(5);
    let tokenizer = with_awkward_special_tokens(Pattern::O200k);
    let policies = policies(&tokenizer);
    let pieces: Vec<Vec<u16>> = ["é", "👩", "<|a|>", "<|a", "|><|b|>", "a b", "\u{fffd}", "x"]
        .iter()
        .map(|piece| piece.encode_utf16().collect())
        .chain([vec![0xd83d], vec![0xdc69], vec![0xdc69, 0xd83d], vec![0xd83d, 0xd83d]])
        .collect();
    for _ in 0..share(20_000) {
        // Halves of pairs at the ends of many chunks; now and then none, bytes, or a string in between.
        let owned: Vec<(usize, Vec<u16>)> = (0..=rng.below(6))
            .map(|_| (rng.below(6), (0..rng.below(3)).flat_map(|_| rng.choose(&pieces).clone()).collect()))
            .collect();
        let lossy = |units: &[u16]| String::from_utf16_lossy(units);
        let texts: Vec<String> = owned.iter().map(|(_, units)| lossy(units)).collect();
        let chunks = (owned.iter().zip(&texts)).map(|((kind, units), text)| match kind {
            0 => Chunk::Text(text),
            1 => Chunk::Bytes(text.as_bytes()),
            _ => Chunk::Units(units),
        });
        let chunks: Vec<_> = chunks.collect();
        // The same, with neighbours that are UTF-16 as one string.
        let mut same: Vec<(bool, String)> = Vec::new();
        let mut run: Vec<u16> = Vec::new();
        for chunk in &chunks {
            match chunk {
                Chunk::Units(units) => run.extend_from_slice(units),
                Chunk::Text("") | Chunk::Bytes([]) => {}
                Chunk::Text(text) => {
                    same.extend([(true, lossy(&std::mem::take(&mut run))), (true, (*text).to_owned())]);
                }
                Chunk::Bytes(bytes) => same.extend([
                    (true, lossy(&std::mem::take(&mut run))),
                    (false, String::from_utf8(bytes.to_vec()).expect("it was text")),
                ]),
            }
        }
        same.push((true, lossy(&run)));
        let same: Vec<_> = (same.iter())
            .map(|(is_text, text)| if *is_text { Chunk::Text(text) } else { Chunk::Bytes(text.as_bytes()) })
            .collect();
        for policy in &policies {
            let expected = outcome(streamed(&tokenizer, policy, &same));
            assert_eq!(outcome(streamed(&tokenizer, policy, &chunks)), expected, "{chunks:x?}");
        }
    }
    // Longer than the parts in which a chunk is taken, which end inside pairs.
    for before in ["", "a"] {
        let text = before.to_owned() + &"👩".repeat(100_000);
        let units: Vec<u16> = text.encode_utf16().collect();
        let ids = streamed(&tokenizer, &policies[0], &[Chunk::Units(&units)]).expect("nothing is refused");
        assert_eq!(ids, tokenizer.encode(&text, &policies[0]).expect("nothing is refused"));
    }
}

#[test]
fn ids_come_as_soon_as_they_are_sure() {
    let tokenizer = shared(Encoding::O200kBase);
    let plain = Arc::new(SpecialPolicy::default());
    let mut stream = EncodeStream::new(Arc::clone(&tokenizer), plain, NO_LIMIT, false);
    let mut ids = Vec::new();
    stream.encode("hello", &mut ids, None).expect("nothing is refused");
    assert_eq!((ids.len(), stream.held_bytes()), (0, 5));
    stream.encode(" world", &mut ids, None).expect("nothing is refused");
    assert_eq!((&ids, stream.held_bytes()), (&tokenizer.encode_ordinary("hello"), 6));
    // An allowed special token needs no more text, whatever stands before it.
    let allowed = Arc::new(tokenizer.special_policy(&["<|endoftext|>"], &[]).expect("one"));
    let mut stream = EncodeStream::new(tokenizer, allowed, NO_LIMIT, false);
    ids.clear();
    stream.encode("    <|endoftext|>", &mut ids, None).expect("nothing is refused");
    assert_eq!((ids.last(), stream.held_bytes()), (Some(&199_999), 0));
}

#[test]
fn invalid_bytes_are_an_error_when_strict() {
    let tokenizer = shared(Encoding::O200kBase);
    let at = |chunks: &[Chunk<'_>]| {
        let policy = Arc::new(SpecialPolicy::default());
        let mut stream = EncodeStream::new(Arc::clone(&tokenizer), policy, NO_LIMIT, true);
        let mut ids = Vec::new();
        let mut run = || {
            for chunk in chunks {
                chunk.encode(&mut stream, &mut ids)?;
            }
            stream.end()
        };
        match run() {
            Ok(()) => None,
            Err(Error::InvalidUtf8 { at }) => Some(at),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(at(&[Chunk::Bytes(b"a\xc3"), Chunk::Bytes(b"\xa9b")]), None);
    assert_eq!(at(&[Chunk::Bytes(b"a\xc3"), Chunk::Bytes(b"b")]), Some(1));
    assert_eq!(at(&[Chunk::Bytes(b"ab"), Chunk::Bytes(b"c\xff")]), Some(3));
    assert_eq!(at(&[Chunk::Text("é"), Chunk::Bytes(b"c\xf0\x9f")]), Some(2));
    assert_eq!(at(&[Chunk::Bytes(b"c\xf0\x9f"), Chunk::Text("é")]), Some(1));
}

#[test]
fn a_piece_that_is_too_long_is_an_error() {
    let tokenizer = shared(Encoding::Cl100kBase);
    let mut stream = EncodeStream::new(tokenizer, Arc::default(), 1000, false);
    let mut ids = Vec::new();
    for _ in 0..1000 {
        stream.encode("word ", &mut ids, None).expect("pieces are short");
    }
    assert!(stream.held_bytes() < 10);
    let error = (0..1000).find_map(|_| stream.encode("aa", &mut ids, None).err()).expect("it is too long");
    assert!(matches!(error, Error::PieceTooLong { limit: 1000 }), "{error}");
    assert!(stream.held_bytes() <= 1002);
}

#[test]
fn work_is_linear_however_small_the_chunks_are() {
    let tokenizer = shared(Encoding::O200kBase);
    for policy in policies(&tokenizer) {
        let time = |chunk: &str, count: usize| {
            let mut stream = EncodeStream::new(Arc::clone(&tokenizer), Arc::clone(&policy), NO_LIMIT, false);
            let (mut ids, start) = (Vec::new(), Instant::now());
            for _ in 0..count {
                stream.encode(chunk, &mut ids, None).expect("it is plain");
            }
            // Looking for places alone: what follows is the merge of one piece.
            assert!(stream.held_bytes() + 20 > chunk.len() * count);
            start.elapsed()
        };
        let spaces = " ".repeat(1024);
        // 64 MiB of one piece, and 4 MiB byte by byte. Quadratic work would take hours.
        let spent = time(&spaces, 64 << 10) + time(" ", 4 << 20);
        assert!(spent.as_secs() < 30, "{spent:?}");
    }
}

#[test]
fn a_stream_can_be_cancelled() {
    let tokenizer = shared(Encoding::O200kBase);
    let mut stream = EncodeStream::new(tokenizer, Arc::default(), NO_LIMIT, false);
    let error = stream.encode("a b c", &mut Vec::new(), Some(&AtomicBool::new(true))).expect_err("it is cancelled");
    assert!(matches!(error, Error::Cancelled));
}

#[test]
fn ids_cut_anywhere_give_the_text_of_all() {
    let mut rng = Rng::new(5);
    let tokenizer = shared(Encoding::O200kHarmony);
    for round in 0..share(3000) {
        // Tokens that are parts of characters are among the first, and in texts of rare characters.
        let ids: Vec<u32> = if round % 2 == 0 {
            let policy = tokenizer.special_policy(&["<|endoftext|>"], &[]).expect("one");
            let text = with_special(&mut rng, &["<|endoftext|>", "👨‍👩‍👧", "𒀀"], 20);
            tokenizer.encode(&text, &policy).expect("nothing is refused")
        } else {
            (0..rng.below(12))
                .map(|_| if rng.below(4) == 0 { 199_998 + rng.below(20) as u32 } else { rng.below(300) as u32 })
                .collect()
        };
        for skips_special in [false, true] {
            let bytes =
                if skips_special { tokenizer.decode_bytes_without_special(&ids) } else { tokenizer.decode_bytes(&ids) };
            let bytes = bytes.expect("they are ids");
            let whole = String::from_utf8_lossy(&bytes);
            let invalid = str::from_utf8(&bytes).err().map(|error| error.valid_up_to());
            for cut in 0..=ids.len() {
                let (before, after) = ids.split_at(cut);
                let stream = |is_strict| DecodeStream::new(Arc::clone(&tokenizer), is_strict, skips_special);
                let mut lossy = stream(false);
                let parts = [before, after].map(|part| lossy.decode(part).expect("they are ids"));
                assert_eq!(parts.concat() + lossy.end().expect("it is lossy"), whole, "{ids:?} at {cut}");
                let mut strict = stream(true);
                let mut run = || Ok(strict.decode(before)? + &strict.decode(after)? + strict.end()?);
                match run() {
                    Ok(text) => assert_eq!((text.as_str(), None), (&*whole, invalid), "{ids:?} at {cut}"),
                    Err(Error::InvalidUtf8 { at }) => assert_eq!(Some(at), invalid, "{ids:?} at {cut}"),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn an_id_that_does_not_exist_is_named_by_its_place_among_all() {
    let tokenizer = shared(Encoding::O200kBase);
    let mut stream = DecodeStream::new(tokenizer, false, false);
    stream.decode(&[1, 2, 3]).expect("they are ids");
    let error = stream.decode(&[4, 200_019]).expect_err("it is none");
    assert!(matches!(error, Error::UnknownId { id: 200_019, index: 4, .. }), "{error}");
}
