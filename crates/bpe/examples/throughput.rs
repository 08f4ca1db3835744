//! Encodes files and prints MB/s of CPU time, one thread, and a hash of the ids.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example throughput -- encodings o200k_base first FILE…
//! ```
//!
//! `first` is one pass over unseen text after a warm-up on its first 20 KB: give one file, and run it several times. `warm` is the
//! best of seven passes over the same text.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tokenmill_bpe::{Encoding, Ids, Tokenizer, Worker};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("expected {what}"));
    let (folder, name, mode) = (next("the folder of ranks")?, next("an encoding")?, next("first or warm")?);
    let encoding = Encoding::from_name(&name).ok_or("no such encoding")?;
    let start = Instant::now();
    let tokenizer =
        Tokenizer::from_encoding(encoding, std::fs::read(format!("{folder}/{}.bpe", encoding.ranks_name()))?)?;
    eprintln!("load {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let policy = tokenizer.special_policy::<&str>(&[], &[])?;
    let encode = |text: &str, worker: &mut Worker| {
        let start = ThreadTime::now();
        let mut ids = Ids::of_text(text.len());
        tokenizer.encode_to(text, &policy, worker, &mut ids, None).expect("nothing refuses it");
        (start.elapsed(), black_box(ids))
    };
    for file in arguments {
        let text = std::fs::read_to_string(&file)?;
        let (seen, unseen) = text.split_at(text.floor_char_boundary(20_000));
        let (mut best, mut ids) = (Duration::MAX, Ids::default());
        let mut worker = tokenizer.worker();
        encode(seen, &mut worker);
        for _ in 0..if mode == "first" { 1 } else { 7 } {
            let (time, found) = encode(unseen, &mut worker);
            (best, ids) = (best.min(time), found);
        }
        let hash = ids
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &id| (hash ^ u64::from(id)).wrapping_mul(0x100_0000_01b3));
        println!("{:8.1} MB/s {hash:016x} {} ids {file}", unseen.len() as f64 / best.as_secs_f64() / 1e6, ids.len());
    }
    Ok(())
}
