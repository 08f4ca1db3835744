//! Splits files into pieces by each level of instructions, and prints MB/s of CPU time, one thread, and a hash of the pieces: the best of
//! nine passes.
//!
//! ```sh
//! cargo run --profile fast -p tokenmill-bpe --example split_throughput -- o200k FILE…
//! ```

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use tokenmill_bpe::{Level, Pattern};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("expected a pattern")?;
    let pattern = Pattern::from_name(&name).ok_or("no such pattern")?;
    for file in arguments {
        let text = std::fs::read_to_string(&file)?;
        for level in Level::available() {
            let mut best = Duration::MAX;
            for _ in 0..9 {
                let start = ThreadTime::now();
                black_box(pattern.pieces_by(level, &text));
                best = best.min(start.elapsed());
            }
            let hash = pattern.pieces_by(level, &text).iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, piece| {
                (hash ^ piece.len() as u64).wrapping_mul(0x100_0000_01b3)
            });
            println!(
                "{:8.1} MB/s {hash:016x} {name} {} {file}",
                text.len() as f64 / best.as_secs_f64() / 1e6,
                level.name()
            );
        }
    }
    Ok(())
}
