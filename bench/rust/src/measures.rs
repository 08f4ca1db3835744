//! What is measured: bench/README.md says how.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, BufRead};
use std::time::Instant;

use crate::clock::{Spent, print, timed};
use crate::flags::Flags;
use crate::peers::Peer;

type Done = Result<(), Box<dyn Error>>;

/// Prints what `pass` costs the first time, and then again and again: `--passes` times, or until `--seconds` are over, since whoever is slow gets
/// no further pass rather than being stopped in the middle of it. `count` says how many things are in a result; `keep` gets the first one.
fn passes<T>(
    flags: &Flags,
    mut pass: impl FnMut() -> T,
    count: impl Fn(&T) -> usize,
    keep: impl FnOnce(T) -> Done,
) -> Done {
    let (first, result) = timed(&mut pass);
    print("first", first, Some(count(&result)));
    keep(result)?;
    let (mut spent, limit) = (first.wall, flags.number::<f64>("--seconds")? * 1e9);
    for _ in 0..flags.number("--passes")? {
        if spent > limit {
            break;
        }
        let (warm, result) = timed(&mut pass);
        print("warm", warm, Some(count(&result)));
        spent += warm.wall;
    }
    Ok(())
}

fn bytes_of(ids: &[u32]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_le_bytes()).collect()
}

/// A long text to ids, or to their count.
pub fn throughput(flags: &Flags, peer: &mut dyn Peer) -> Done {
    let (warm_up, text) = (flags.text("--warm-up")?, flags.text("--text")?);
    match flags.get("--api")? {
        "encode" => {
            peer.encode(&warm_up);
            passes(flags, || peer.encode(&text), |ids| ids.len(), |ids| flags.write("--ids", &bytes_of(&ids)))
        }
        "count" => {
            peer.count(&warm_up);
            passes(flags, || peer.count(&text), |&count| count, |_| Ok(()))
        }
        other => Err(format!("expected encode or count, found {other}").into()),
    }
}

/// The ids of a text back to its bytes; before that, a few of them.
pub fn decode(flags: &Flags, peer: &mut dyn Peer) -> Done {
    let ids = std::fs::read(flags.get("--from")?)?;
    let ids: Vec<u32> = ids.chunks_exact(4).map(|id| u32::from_le_bytes(id.try_into().expect("four bytes"))).collect();
    peer.decode(&ids[..ids.len().min(flags.number("--warm-up-ids")?)]);
    passes(flags, || peer.decode(&ids), Vec::len, |bytes| flags.write("--decoded", &bytes))
}

/// Several documents on all threads that `RAYON_NUM_THREADS` gives.
pub fn batch(flags: &Flags, peer: &mut dyn Peer) -> Done {
    let documents = strings(flags, "--documents")?;
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    let warm_up = flags.text("--warm-up")?;
    // Several, so that no thread starts in what is measured.
    peer.batch(&[&*warm_up; 20]);
    wait_for_go()?;
    passes(flags, || peer.batch(&documents), |_| 0, |result| flags.write("--ids", &bytes_of(&result.ids())))
}

/// Tells that it is ready, and waits for a line, so that two processes begin together.
fn wait_for_go() -> io::Result<()> {
    println!(r#"{{"step":"ready"}}"#);
    io::stdin().lock().read_line(&mut String::new()).map(|_| ())
}

/// One short string per call, in whole passes.
pub fn short(flags: &Flags, peer: &mut dyn Peer) -> Done {
    let strings = strings(flags, "--strings")?;
    let is_encode = flags.get("--api")? == "encode";
    let enough = flags.number::<f64>("--seconds")?;
    let mut call = |string: &str| if is_encode { peer.encode(string).to_vec() } else { vec![0; peer.count(string)] };
    let results: Vec<Vec<u32>> = strings.iter().map(|string| call(string)).collect();
    if is_encode {
        flags.write("--ids", &bytes_of(&results.concat()))?;
    }
    let mut call = |string: &str| if is_encode { peer.encode(string).len() } else { peer.count(string) };
    let mut whole_passes = || {
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed().as_secs_f64() < enough {
            for string in &strings {
                black_box(call(string));
            }
            count += 1;
        }
        count
    };
    whole_passes();
    for _ in 0..flags.number("--passes")? {
        let (Spent { wall, cpu }, count) = timed(&mut whole_passes);
        print("short", Spent { wall: wall / f64::from(count), cpu: cpu / f64::from(count) }, None);
    }
    let total: usize = results.iter().map(Vec::len).sum();
    println!(r#"{{"step":"total","count":{total}}}"#);
    Ok(())
}

/// Two words, nothing else; with `--memory yes` what it holds then.
pub fn first_token(flags: &Flags, peer: &mut dyn Peer) -> Done {
    let ids = peer.encode("Hello world");
    if ids.len() != 2 {
        return Err(format!("'Hello world' became {} ids", ids.len()).into());
    }
    if flags.get("--memory")? == "yes" {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| -> Result<u64, Box<dyn Error>> {
            let line = status.lines().find(|line| line.starts_with(name)).ok_or("there is no such line")?;
            Ok(line.split_whitespace().nth(1).ok_or("there is no such value")?.parse::<u64>()? * 1024)
        };
        println!(r#"{{"rss":{},"peak":{}}}"#, field("VmRSS:")?, field("VmHWM:")?);
    }
    Ok(())
}

fn strings(flags: &Flags, name: &str) -> Result<Vec<String>, Box<dyn Error>> {
    Ok(serde_json::from_str(&flags.text(name)?)?)
}
