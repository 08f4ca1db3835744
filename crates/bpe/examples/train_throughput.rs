//! Trains on files and prints the time of each part, the memory, and a hash of the merges.
//!
//! ```sh
//! cargo run --release -p tokenmill-bpe --example train_throughput -- 32000 1 r50k FILE… [--merges OUT]
//! ```
//!
//! The arguments are the size of the vocabulary, the number of threads and the pattern. `--merges` writes the two ids of each merge, a line
//! for each.

use std::io::Write;
use std::time::Instant;

use cpu_time::ProcessTime;
use tokenmill_bpe::Pattern;
use tokenmill_bpe::train::{TrainOptions, Trainer};

/// The most memory that the process has had, in MB; 0 where the system does not tell.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.unwrap_or(0.0) * 1024.0 / 1e6
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = arguments.iter().position(|argument| argument == "--merges").map(|at| arguments.split_off(at));
    let [size, threads, pattern, files @ ..] = &arguments[..] else {
        return Err("expected a size, a number of threads, a pattern and files".into());
    };
    let pattern = Pattern::from_name(pattern).ok_or("no such pattern")?;
    let texts = files.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let before = peak_memory();

    rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let trainer = Trainer::new(pattern);
    // In the pool, so that one thread is one thread.
    let trained = rayon::scope(|_| {
        trainer.add_texts(&texts, None)?;
        let counted = (wall.elapsed(), cpu.elapsed());
        let trained = trainer.train(&TrainOptions::new(size.parse().map_err(|_| bad_size())?), None, None)?;
        println!(
            "counted {:.3} s wall, {:.3} s CPU, {} pieces",
            counted.0.as_secs_f64(),
            counted.1.as_secs_f64(),
            trained.pieces()
        );
        Ok::<_, tokenmill_bpe::Error>(trained)
    })?;
    println!(
        "in all  {:.3} s wall, {:.3} s CPU, {:.0} MB over the texts",
        wall.elapsed().as_secs_f64(),
        cpu.elapsed().as_secs_f64(),
        peak_memory() - before
    );
    let merges = trained.merges().as_flattened();
    let hash =
        merges.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &id| (hash ^ u64::from(id)).wrapping_mul(0x100_0000_01b3));
    println!(
        "{hash:016x} {} merges of {} bytes",
        trained.merges().len(),
        texts.iter().map(|text| text.len()).sum::<usize>()
    );
    if let Some([_, path]) = out.as_deref() {
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        trained.merges().iter().try_for_each(|[left, right]| writeln!(file, "{left} {right}"))?;
    }
    Ok(())
}

fn bad_size() -> tokenmill_bpe::Error {
    tokenmill_bpe::Error::InvalidTraining { reason: "expected a size".to_owned() }
}
