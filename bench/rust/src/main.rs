//! One measurement of one tokenizer written in Rust, in a process of its own: what `node/child.mjs` is for the peers from npm.
//!
//! `throughput --peer NAME …`: the same flags and the same lines of JSON.

mod peers;

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use cpu_time::ProcessTime;
use peers::Output;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("throughput") => throughput(&Flags::read(arguments)?),
        other => Err(format!("expected throughput, found {other:?}").into()),
    }
}

/// `--name value` pairs.
struct Flags(HashMap<String, String>);

impl Flags {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut flags = HashMap::new();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            flags.insert(name, value);
        }
        Ok(Self(flags))
    }

    fn get(&self, name: &str) -> Result<&str, Box<dyn Error>> {
        Ok(self.0.get(name).ok_or_else(|| format!("{name} is missing"))?)
    }
}

fn throughput(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let (warm_up, text) =
        (std::fs::read_to_string(flags.get("--warm-up")?)?, std::fs::read_to_string(flags.get("--text")?)?);
    let (name, encoding, data) = (flags.get("--peer")?, flags.get("--encoding")?, Path::new(flags.get("--data")?));
    let (load, peer) = timed(|| peers::load(name, encoding, data));
    let mut peer = peer?;
    print("load", load, None);
    let mut call: Box<dyn FnMut(&str) -> Output> = match flags.get("--api")? {
        "encode" => Box::new(|text| Output::Ids(peer.encode(text))),
        "count" => Box::new(|text| Output::Count(peer.count(text))),
        other => return Err(format!("expected encode or count, found {other}").into()),
    };
    call(&warm_up);
    let (first, output) = timed(|| call(&text));
    print("first", first, Some(output.count()));
    if let (Output::Ids(ids), Ok(path)) = (output, flags.get("--ids")) {
        write_ids(path.as_ref(), &ids)?;
    }
    // Whoever is slow gets no further pass, rather than being stopped in the middle of it.
    let (mut spent, limit) = (first.wall, flags.get("--seconds")?.parse::<f64>()? * 1e9);
    for _ in 0..flags.get("--passes")?.parse::<usize>()? {
        if spent > limit {
            break;
        }
        let (warm, output) = timed(|| call(&text));
        print("warm", warm, Some(output.count()));
        spent += warm.wall;
    }
    Ok(())
}

/// Nanoseconds by the clock, and of all threads of this process.
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    cpu: f64,
}

fn timed<T>(work: impl FnOnce() -> T) -> (Spent, T) {
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    let result = work();
    (Spent { wall: wall.elapsed().as_secs_f64() * 1e9, cpu: cpu.elapsed().as_secs_f64() * 1e9 }, result)
}

fn print(step: &str, Spent { wall, cpu }: Spent, count: Option<usize>) {
    let count = count.map_or(String::new(), |count| format!(r#","count":{count}"#));
    println!(r#"{{"step":"{step}","wall":{wall:.0},"cpu":{cpu:.0}{count}}}"#);
}

fn write_ids(path: &Path, ids: &[u32]) -> std::io::Result<()> {
    std::fs::write(path, ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>())
}
