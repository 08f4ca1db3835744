//! What special tokens cost where a text has none: CPU time of `encode` by default (all refused) and with all allowed, over that of
//! `encode_ordinary`, one thread.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example special_tokens -- encodings FILE…
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tokenmill_bpe::{Counter, Encoding, Pattern, SpecialPolicy, Tokenizer, Vocabulary};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("expected the folder of ranks")?;
    let read = |encoding: Encoding| std::fs::read(format!("{folder}/{}.bpe", encoding.ranks_name()));
    // Added tokens of all kinds, as a tokenizer.json may have them.
    let added = (0..1000).map(|i| (format!("{}added {i}", ["[", "<", "▁", "Ω", "@@", "\\"][i % 6]), 50_000 + i as u32));
    let ranks = read(Encoding::R50kBase)?;
    let tokenizers = [
        ("r50k_base, 1", Tokenizer::from_encoding(Encoding::R50kBase, ranks.clone())?),
        ("cl100k_base, 5", Tokenizer::from_encoding(Encoding::Cl100kBase, read(Encoding::Cl100kBase)?)?),
        ("o200k_harmony, 1090", Tokenizer::from_encoding(Encoding::O200kHarmony, read(Encoding::O200kHarmony)?)?),
        ("r50k ranks, 1000 of all kinds", Tokenizer::new(Vocabulary::from_compact(ranks)?, Pattern::R50k, added)?),
    ];
    let texts = arguments.map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<String> = texts.into_iter().map(|text| text.replace("|>", "| >")).collect();
    for (name, tokenizer) in &tokenizers {
        let all: Vec<&str> = tokenizer.special_tokens().iter().map(|&(token, _)| token).collect();
        let start = Instant::now();
        let policies = [
            tokenizer.special_policy::<&str>(&[], &[])?,
            tokenizer.special_policy(&[], &all)?,
            tokenizer.special_policy(&all, &[])?,
        ];
        println!("{name} special tokens: policies made in {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
        for text in &texts {
            let mut best = [Duration::MAX; 3];
            let mut worker = tokenizer.worker();
            for _ in 0..15 {
                for (best, policy) in best.iter_mut().zip(&policies) {
                    *best = (*best).min(time(tokenizer, text, policy, &mut worker));
                }
            }
            let rate = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
            let more = |time: Duration| (time.as_secs_f64() / best[0].as_secs_f64() - 1.0) * 100.0;
            println!(
                "  {:7.1} MB/s ordinary; refused {:+5.1} %, allowed {:+5.1} %",
                rate(best[0]),
                more(best[1]),
                more(best[2])
            );
        }
    }
    Ok(())
}

fn time(tokenizer: &Tokenizer, text: &str, policy: &SpecialPolicy, worker: &mut tokenmill_bpe::Worker) -> Duration {
    let mut count = Counter::default();
    let start = ThreadTime::now();
    tokenizer.encode_to(text, policy, worker, &mut count, None).expect("the text holds no special token");
    black_box(count);
    start.elapsed()
}
