//! Decodes the ids of files and prints GB/s of CPU time, one thread.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example decode_throughput -- encodings o200k_base first FILE…
//! ```
//!
//! `first` is one pass after the first 5,000 ids, by a tokenizer that did not encode them: give one file, and run it several times. `warm`
//! is the best of twenty.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use tokenmill_bpe::{Encoding, Tokenizer};

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
        let mut best = Duration::MAX;
        for _ in 0..if mode == "first" { 1 } else { 20 } {
            let start = ThreadTime::now();
            let bytes = black_box(tokenizer.decode_bytes(&ids)?);
            best = best.min(start.elapsed());
            assert!(bytes == text.as_bytes(), "decoding gave another text");
        }
        println!("{:6.3} GB/s, {} ids {file}", text.len() as f64 / best.as_secs_f64() / 1e9, ids.len());
    }
    Ok(())
}
