//! Encodes random strings and files by every level of instructions, in streams and on several threads, and compares the ids with those of
//! peers: Python's tiktoken, this package in Node, or the naive reference. `npm run verify` builds this and starts it with the peers that
//! there are; its `--help` says what is compared for each string and what for some.
//!
//! ```sh
//! cargo run --profile fast -p tokenmill-bpe --example verify_ids -- --seed 1 --count 1000 --encoding o200k_base
//! ```
//!
//! For each encoding it prints the BLAKE3 of both streams of ids, as little-endian u32 with `ffffffff` after each text. It ends with exit
//! code 1 and the shortest text it can make of the first one that differs.

mod options;
mod ours;
mod peer;
mod run;
mod stream;
mod together;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use options::Options;
use tokenmill_testkit::strings::Strings;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let strings = Strings::new();
    let (next, differ) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Each encoding has its own thread and its own processes of the peers.
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.min(options.encodings.len()) {
            scope.spawn(|| {
                while let Some(&encoding) = options.encodings.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run::verify(encoding, &options, &strings) {
                        Ok(summary) => println!("{summary}"),
                        Err(difference) => {
                            println!("✖ {}: {difference}", encoding.name());
                            differ.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    if differ.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
