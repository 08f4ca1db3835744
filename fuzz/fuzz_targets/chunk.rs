//! Counts of parts are those of the parts alone; chunks and cuts keep what they promise.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmill_bpe::{Boundary, ChunkOptions, Counts, Error, PrefixCounts, SectionLevel};
use tokenmill_fuzz::{encoding, number_and_text};

const BOUNDARIES: [Boundary; 5] =
    [Boundary::Token, Boundary::Word, Boundary::Sentence, Boundary::Paragraph, Boundary::Section(SectionLevel(1))];

fuzz_target!(|data: &[u8]| {
    let (number, rest) = data.split_first().unwrap_or((&0, &[]));
    let (choice, text) = number_and_text(rest);
    let tested = encoding(*number);
    let (tokenizer, worker) = &tested.levels[0];
    let worker = &mut worker.borrow_mut();
    let count = |start: usize, end: usize| tokenizer.count_ordinary(&text[start..end]);
    let index = PrefixCounts::new(tokenizer, &text, &tested.plain, worker, None).expect("plain text");
    let mut counts = Counts::new(&index, tokenizer, &text, &tested.plain, worker, None);
    assert_eq!(index.total(), count(0, text.len()));

    let max_tokens = usize::from(*number / 4) % 20 + 1;
    let options = ChunkOptions {
        max_tokens,
        overlap: usize::from(choice) % max_tokens,
        boundary: BOUNDARIES[usize::from(choice) % BOUNDARIES.len()],
    };
    match counts.chunks(options) {
        Ok(chunks) => {
            let (mut last, mut covered) = (None, 0);
            for chunk in chunks {
                assert_eq!(chunk.tokens, count(chunk.start, chunk.end), "{text:?} {options:?} {chunk:?}");
                assert!(chunk.tokens <= max_tokens && last < Some(chunk.start), "{text:?} {options:?} {chunk:?}");
                assert!(chunk.start <= covered && covered < chunk.end, "{text:?} {options:?} {chunk:?}");
                assert!(count(chunk.start, covered) <= options.overlap, "{text:?} {options:?} {chunk:?}");
                (last, covered) = (Some(chunk.start), chunk.end);
            }
            assert_eq!(covered, text.len());
        }
        Err(Error::CharacterTooLarge { at, tokens, .. }) => {
            assert_eq!(tokens, count(at, text.ceil_char_boundary(at + 1)));
            assert!(tokens > max_tokens);
        }
        Err(error) => panic!("{error}"),
    }
    let end = counts.longest_prefix(max_tokens).expect("little memory").at;
    assert!(count(0, end) <= max_tokens);
    let start = counts.longest_suffix(max_tokens).expect("little memory").at;
    assert!(count(start, text.len()) <= max_tokens);
    let (start, end) = (start.min(end), start.max(end));
    assert_eq!(counts.count(start, end).expect("little memory"), count(start, end), "{text:?} {start}..{end}");
});
