//! `chunk --peer text-splitter|markdown-splitter --text FILE --max-tokens N --overlap N --chunks FILE`: one pass over a text, and where the
//! chunks are, a line `start end` in bytes for each.

use std::error::Error;
use std::fmt::Write;

use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

use crate::clock::{print, timed};
use crate::flags::Flags;

pub fn chunk(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let text = flags.text("--text")?;
    let tokenizer = tiktoken_rs::o200k_base_singleton();
    tokenizer.encode_ordinary(&text[..text.floor_char_boundary(20_000)]);
    // It trims chunks unless told otherwise; then nothing would be left to compare.
    let config = ChunkConfig::new(flags.number::<usize>("--max-tokens")?)
        .with_sizer(tokenizer)
        .with_overlap(flags.number("--overlap")?)?
        .with_trim(false);
    let (spent, chunks) = match flags.get("--peer")? {
        "text-splitter" => {
            let splitter = TextSplitter::new(config);
            timed(|| splitter.chunk_indices(&text).collect::<Vec<_>>())
        }
        "markdown-splitter" => {
            let splitter = MarkdownSplitter::new(config);
            timed(|| splitter.chunk_indices(&text).collect::<Vec<_>>())
        }
        other => return Err(format!("there is no splitter {other}").into()),
    };
    print("first", spent, Some(chunks.len()));
    let lines = chunks.iter().fold(String::new(), |mut lines, (start, chunk)| {
        _ = writeln!(lines, "{start} {}", start + chunk.len());
        lines
    });
    flags.write("--chunks", lines.as_bytes())
}
