//! Decodes the ids of files, to bytes and to UTF-16, and prints GB/s (of UTF-8) of CPU time, one thread.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example decode_throughput -- encodings o200k_base first FILE…
//! ```
//!
//! `first` is one pass after the first 5,000 ids, by a tokenizer that did not encode them: give one file, and run it several times. `warm`
//! is the best of twenty.

use std::hint::black_box;
use std::ops::Deref;
use std::time::Duration;

use cpu_time::ThreadTime;
use tokenmill_bpe::{Encoding, Tokenizer, Utf16};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("expected {what}"));
    let (folder, name, mode) = (next("the folder of ranks")?, next("an encoding")?, next("first or warm")?);
    let encoding = Encoding::from_name(&name).ok_or("no such encoding")?;
    let ranks = std::fs::read(format!("{folder}/{}.bpe", encoding.ranks_name()))?;
    for file in arguments {
        let text = std::fs::read_to_string(&file)?;
        let ids = Tokenizer::from_encoding(encoding, ranks.clone())?.encode_ordinary(&text);
        let tokenizer = Tokenizer::from_encoding(encoding, ranks.clone())?;
        black_box(tokenizer.decode_bytes(&ids[..ids.len().min(5000)])?);
        let passes = if mode == "first" { 1 } else { 20 };
        let bytes = timed(passes, text.as_bytes(), || tokenizer.decode_bytes(&ids))?;
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut decoded = Utf16::default();
        black_box(tokenizer.decode_utf16(&ids[..ids.len().min(5000)], false, &mut decoded));
        let utf16 = timed(passes, &units, || {
            // New memory for each pass, as for bytes.
            let mut decoded = Utf16::default();
            tokenizer.decode_utf16(&ids, false, &mut decoded).ok_or("it is text").map(|()| decoded)
        })?;
        let speed = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e9;
        println!("{:6.3} {:6.3} GB/s, {} ids {file}", speed(bytes), speed(utf16), ids.len());
    }
    Ok(())
}

/// The time of the fastest of so many passes, each of which makes what is `expected`.
fn timed<T: PartialEq, D: Deref<Target = [T]>, E>(
    passes: usize,
    expected: &[T],
    decode: impl Fn() -> Result<D, E>,
) -> Result<Duration, E> {
    let mut best = Duration::MAX;
    for _ in 0..passes {
        let start = ThreadTime::now();
        let decoded = black_box(decode()?);
        best = best.min(start.elapsed());
        assert!(*decoded == *expected, "decoding gave another text");
    }
    Ok(best)
}
