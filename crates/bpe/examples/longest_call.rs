//! Counts texts of 1 KB one after another, again and again, and prints the calls that took longest, in microseconds of the thread.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example longest_call -- encodings o200k_base 4 FILE…
//! ```
//!
//! The files take turns, 10 KB of each. For `words:COUNT:LEAST:MOST` in place of a file there are so many different random words of so many bytes. Calls of the
//! first pass are told apart from the others, in which words come again: then the cache of pieces grows.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tokenmill_bpe::{Encoding, Tokenizer};
use tokenmill_testkit::rng::Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("expected {what}"));
    let (folder, name, rounds) = (next("the folder of ranks")?, next("an encoding")?, next("a number of rounds")?);
    let encoding = Encoding::from_name(&name).ok_or("no such encoding")?;
    let tokenizer =
        Tokenizer::from_encoding(encoding, std::fs::read(format!("{folder}/{}.bpe", encoding.ranks_name()))?)?;
    let texts = arguments.map(|name| text(&name)).collect::<Result<Vec<String>, _>>()?;
    let texts = in_turns(&texts, 10 << 10);
    let parts: Vec<&str> = texts.iter().flat_map(|text| parts(text, 1 << 10)).collect();
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    // Tables are made after some text.
    texts.iter().take(3).for_each(|text| _ = tokenizer.count_ordinary(text));
    for round in 0..rounds.parse()? {
        let (mut tokens, mut calls) = (0, Vec::with_capacity(parts.len()));
        for part in &parts {
            let (start, clock) = (ThreadTime::now(), Instant::now());
            tokens += tokenizer.count_ordinary(part);
            calls.push((start.elapsed(), clock.elapsed()));
        }
        let speed = bytes as f64 / calls.iter().map(|(time, _)| time).sum::<Duration>().as_secs_f64() / 1e6;
        calls.sort();
        let micros = |share: f64| calls[((calls.len() - 1) as f64 * share) as usize].0.as_micros();
        let longest: Vec<u128> = calls.iter().rev().take(8).map(|(time, _)| time.as_micros()).collect();
        let clock = calls.iter().map(|(_, clock)| clock.as_micros()).max().unwrap_or(0);
        println!(
            "round {round}: {speed:.0} MB/s, {tokens} tokens, half {} µs, 99 % {}, 99.9 % {}, longest {longest:?}, by the clock {clock}",
            micros(0.5),
            micros(0.99),
            micros(0.999),
        );
    }
    Ok(())
}

/// The text of a file, or words of the kind that `name` says.
fn text(name: &str) -> Result<String, Box<dyn std::error::Error>> {
    let Some(kind) = name.strip_prefix("words:") else { return Ok(std::fs::read_to_string(name)?) };
    let numbers = kind.split(':').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    let &[count, least, most] = &numbers[..] else { return Err("expected words:COUNT:LEAST:MOST".into()) };
    let mut rng = Rng::new(count as u64);
    let words = (0..count).map(|_| {
        let letters = least + rng.below(most + 1 - least);
        (1..letters).map(|_| char::from(b'a' + rng.below(26) as u8)).chain([' ']).collect::<String>()
    });
    Ok(words.collect())
}

/// Of all `texts` pieces of so many bytes in turns, until all have come.
fn in_turns(texts: &[String], bytes: usize) -> Vec<String> {
    let mut texts: Vec<_> = texts.iter().map(|text| parts(text, bytes)).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(texts.iter_mut().filter_map(Iterator::next).map(str::to_owned));
        if all.len() == before {
            return all;
        }
    }
}

/// `text` in parts of so many bytes, or a few less.
fn parts(mut text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (part, rest) = text.split_at(text.floor_char_boundary(bytes));
        text = rest;
        (!part.is_empty()).then_some(part)
    })
}
