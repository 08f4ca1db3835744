//! Files as sentences of a training.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use tokenmill_corpus::{Batch, Documents, Error as CorpusError, Format, Input, Position, ReadOptions, map_batches};
use tokenmill_word_vectors::Error as WordError;
use tokenmill_word_vectors::train::Texts;

use crate::corpus_convert::coded as from_corpus;
use crate::error::Result;
use crate::train_inputs::{Reading, format_of_input, inputs_of};
use crate::word_vectors::coded;

/// Reads the files that `names` stand for, in their order, and adds their sentences to `sentences`; `empty` makes what one block of them goes into.
/// A file that is one text is read line by line, since a sentence is no longer than a line.
pub fn add_inputs(
    sentences: &mut Texts,
    empty: impl Fn() -> Texts + Sync,
    names: &[String],
    options: &ReadOptions,
    reading: &Reading,
    cancel: Option<&AtomicBool>,
) -> Result<()> {
    let inputs = inputs_of(names, reading, cancel)?;
    let by_line = |format: Format| if format == Format::Text { Format::Lines } else { format };
    let formats: Vec<Format> =
        (inputs.iter()).map(|input| format_of_input(options, input).map(by_line)).collect::<Result<_>>()?;
    let failed = Mutex::new(None);
    let fail = |error: WordError| {
        // Its code is not lost on the way.
        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        CorpusError::Cancelled
    };
    let of_documents = |documents: Documents| {
        let (texts, mut sentences) = (documents.texts(), empty());
        texts.iter().try_for_each(|text| sentences.add_text(text)).map_err(fail)?;
        reading.add(&texts);
        Ok(sentences)
    };
    let mut append = |batch: Batch<Texts>| sentences.append(batch.value).map(ControlFlow::Continue).map_err(fail);
    let mut read = |inputs: &[Input], format: &Format| {
        let options = ReadOptions { format: format.clone(), ..options.clone() };
        map_batches(inputs, &options, Position::default(), cancel, &reading.files, || &of_documents, &mut append)
    };
    let mut start = 0;
    let result = formats.chunk_by(|a, b| a == b).try_for_each(|formats| {
        let inputs = &inputs[start..][..formats.len()];
        start += formats.len();
        read(inputs, &formats[0])
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(coded(error)),
        None => result.map_err(from_corpus),
    }
}
