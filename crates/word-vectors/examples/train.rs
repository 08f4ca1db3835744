//! `train SENTENCES OUT skipgram|cbow THREADS EPOCHS SEED`: trains on sentences of a line each, whose words have spaces between them, and prints the
//! CPU time and the time by the clock of the training alone, in seconds. For `bench/word-vectors`.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use tokenmill_word_vectors::Format;
use tokenmill_word_vectors::train::{Objective, Options, Split, Texts, train};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sentences, out, objective, threads, epochs, seed] = &arguments[..] else {
        return Err("train SENTENCES OUT skipgram|cbow THREADS EPOCHS SEED".into());
    };
    let mut texts = Texts::new(Split::Spaces, false);
    texts.add_text(&std::fs::read_to_string(sentences)?)?;
    let objective = if objective == "cbow" { Objective::Cbow } else { Objective::SkipGram };
    let options = Options {
        objective,
        threads: threads.parse()?,
        epochs: epochs.parse()?,
        seed: seed.parse()?,
        ..Options::default()
    };
    let started = Instant::now();
    let vectors = train(texts, &options, None, None)?;
    println!("{:.3}", started.elapsed().as_secs_f64());
    vectors.save(Path::new(out), Format::Binary)?;
    Ok(())
}
