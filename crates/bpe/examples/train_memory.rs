//! Trains on words of which nearly none comes again, and prints the time of each part and the memory: it must not grow with the text.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example train_memory -- MEGABYTES SIZE BUDGET_MEGABYTES
//! ```

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use tokenmill_bpe::Pattern;
use tokenmill_bpe::train::{Budget, Scratch, TrainOptions, Trainer};
use tokenmill_testkit::rng::Rng;

/// The most memory that the process has had, in MB; 0 where the system does not tell.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.unwrap_or(0.0) * 1024.0 / 1e6
}

/// About a megabyte of words of 5 to 12 letters, some letters more often than others.
fn words(rng: &mut Rng) -> String {
    let mut text = String::new();
    while text.len() < 1_000_000 {
        for _ in 0..5 + rng.below(8) {
            text.push(char::from(b'a' + rng.below(26).min(rng.below(26)) as u8));
        }
        text.push(' ');
    }
    text
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = std::env::args().skip(1).map(|number| number.parse()).collect::<Result<Vec<u32>, _>>()?;
    let &[megabytes, size, budget] = &numbers[..] else {
        return Err("expected the megabytes of text, the size of the vocabulary and the megabytes of memory".into());
    };
    let scratch = || Ok(Box::new(tempfile::tempfile()?) as Box<dyn Scratch>);
    let budget = Budget { bytes: budget as usize * 1_000_000, scratch: Arc::new(scratch) };
    let trainer = Trainer::new(Pattern::R50k).with_budget(budget);
    let (start, mut rng) = (Instant::now(), Rng::new(1));
    for _ in 0..megabytes.div_ceil(8) {
        let texts: Vec<String> = (0..8).map(|_| words(&mut rng)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        trainer.add_texts(&texts, None)?;
    }
    println!("counted after {:.1} s, {:.0} MB", start.elapsed().as_secs_f64(), peak_memory());
    let mut progress = |now: tokenmill_bpe::train::Progress| {
        if now.merges.is_power_of_two() || now.merges.is_multiple_of(1000) {
            let seconds = start.elapsed().as_secs_f64();
            println!("{} merges after {seconds:.1} s, {:.0} MB", now.merges, peak_memory());
            _ = io::stdout().flush();
        }
        std::ops::ControlFlow::Continue(())
    };
    let trained = trainer.train(&TrainOptions::new(size), Some(&mut progress), None)?;
    println!("{} pieces after {:.1} s, {:.0} MB", trained.pieces(), start.elapsed().as_secs_f64(), peak_memory());
    Ok(())
}
