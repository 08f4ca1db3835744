//! Encodes files and prints MB/s of CPU-bound wall time, one thread, and a hash of the ids.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example throughput -- encodings o200k_base first FILE…
//! ```
//!
//! `first` is one pass over unseen text after a warm-up on its first 20 KB; `warm` is the best of five further passes.

use std::hint::black_box;
use std::time::Instant;

use tokenmill_bpe::{Encoding, Tokenizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("expected {what}"));
    let (folder, name, mode) = (next("the folder of ranks")?, next("an encoding")?, next("first or warm")?);
    let encoding = Encoding::from_name(&name).ok_or("no such encoding")?;
    let start = Instant::now();
    let tokenizer =
        Tokenizer::from_encoding(encoding, &std::fs::read(format!("{folder}/{}.bpe", encoding.ranks_name()))?)?;
    eprintln!("load {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let policy = tokenizer.special_policy::<&str>(&[], &[])?;
    for file in arguments {
        let text = std::fs::read_to_string(&file)?;
        let mut worker = tokenizer.worker();
        let mut encode = |text: &str| {
            let mut ids = Vec::with_capacity(text.len());
            let start = Instant::now();
            tokenizer.encode_to(text, &policy, &mut worker, &mut ids, None).expect("nothing refuses it");
            (start.elapsed().as_secs_f64(), black_box(ids))
        };
        let warm_up = text.floor_char_boundary(20_000);
        encode(&text[..warm_up]);
        let (mut seconds, ids) = encode(&text[warm_up..]);
        if mode == "warm" {
            seconds = (0..5).map(|_| encode(&text[warm_up..]).0).fold(f64::INFINITY, f64::min);
        }
        let hash = ids
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &id| (hash ^ u64::from(id)).wrapping_mul(0x100_0000_01b3));
        println!("{:8.1} MB/s {hash:016x} {} ids {file}", (text.len() - warm_up) as f64 / seconds / 1e6, ids.len());
    }
    Ok(())
}
