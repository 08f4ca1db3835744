//! One measurement of one tokenizer written in Rust, in a process of its own: what `node/child.mjs` is for the peers from npm.
//!
//! `throughput|decode|batch|short|first-token --peer NAME …`: the same flags and the same lines of JSON. `chunk` is of `chunk.rs`.

mod chunk;
mod clock;
mod flags;
mod measures;
mod peers;

use std::error::Error;
use std::path::Path;

use clock::{print, timed};
use flags::Flags;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let measure = match arguments.next().as_deref() {
        // A process that does nothing.
        None => return Ok(()),
        Some("chunk") => return chunk::chunk(&Flags::read(arguments)?),
        Some("throughput") => measures::throughput,
        Some("decode") => measures::decode,
        Some("batch") => measures::batch,
        Some("short") => measures::short,
        Some("first-token") => measures::first_token,
        Some(other) => return Err(format!("there is no measure {other}").into()),
    };
    let flags = Flags::read(arguments)?;
    let files = peers::Files {
        data: Path::new(flags.get("--data")?),
        tokenizer_json: Path::new(flags.get("--tokenizer-json")?),
    };
    let (spent, peer) = timed(|| peers::load(flags.get("--peer")?, flags.get("--encoding")?, &files));
    let mut peer = peer?;
    print("load", spent, None);
    measure(&flags, &mut *peer)
}
