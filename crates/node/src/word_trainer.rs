//! Training of word vectors.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use tokenmill_word_vectors::train::{Objective, Options, Progress, Split, Texts as Sentences, train_rows};

use crate::cancel::CancelFlag;
use crate::embedding_convert::size;
use crate::error::{Code, Error, Result};
use crate::own_thread::on_own_thread;
use crate::pool::on_all_threads;
use crate::text::JsTextOrBytes;
use crate::token_rows::Texts;
use crate::train_inputs::{Reading, read_options};
use crate::waiting::on_waiting_thread;
use crate::word_inputs::add_inputs;
use crate::word_vectors::coded;

/// How to train; the facade has checked it.
#[napi(object)]
pub struct NativeWordTrainOptions {
    pub dimensions: i64,
    pub window: i64,
    pub negatives: i64,
    pub is_cbow: bool,
    pub subsample: f64,
    pub epochs: i64,
    pub learning_rate: f64,
    pub min_learning_rate: f64,
    pub min_frequency: i64,
    /// None: as many as there are.
    pub threads: Option<i64>,
    pub seed: i64,
}

/// How far a training is.
#[napi(object)]
pub struct NativeWordTrainProgress {
    /// Texts and their bytes that were taken.
    pub texts: f64,
    pub bytes: f64,
    /// Bytes of files that were read, and that there are.
    pub bytes_read: f64,
    pub bytes_to_read: f64,
    /// Words that were trained on, of all epochs, and that there are.
    pub words: f64,
    pub words_to_train: f64,
}

/// Takes texts, then makes vectors of their words.
#[napi]
pub struct NativeWordTrainer {
    shared: Arc<Shared>,
}

struct Shared {
    /// None when it has been trained.
    sentences: Mutex<Option<Sentences>>,
    split: Split,
    lower_case: bool,
    reading: Reading,
    words: AtomicU64,
    words_to_train: AtomicU64,
}

#[napi]
impl NativeWordTrainer {
    #[napi(constructor, catch_unwind)]
    pub fn new(at_spaces: bool, lower_case: bool) -> Self {
        let split = if at_spaces { Split::Spaces } else { Split::Words };
        let shared = Shared {
            sentences: Mutex::new(Some(Sentences::new(split, lower_case))),
            split,
            lower_case,
            reading: Reading::default(),
            words: AtomicU64::new(0),
            words_to_train: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn add_texts<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
    ) -> Result<Object<'env>> {
        let texts = Texts::read(&texts, strict)?;
        let shared = Arc::clone(&self.shared);
        on_waiting_thread(env, &Arc::default(), move || {
            let mut sentences = shared.lock();
            let sentences = sentences.as_mut().ok_or_else(used)?;
            texts.on_all_threads(|texts| {
                texts.iter().try_for_each(|text| sentences.add_text(text)).map_err(coded)?;
                shared.reading.add(texts);
                Ok(())
            })?
        })
    }

    /// Reads files: paths and globs.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn add_files<'env>(
        &self,
        env: &'env Env,
        inputs: Vec<String>,
        format: String,
        field: String,
        strict: bool,
        cancel: Option<&CancelFlag>,
    ) -> Result<Object<'env>> {
        let shared = Arc::clone(&self.shared);
        on_own_thread(env, cancel.map(CancelFlag::shared).unwrap_or_default(), move |cancel| {
            let options = read_options(&format, field, strict)?;
            let empty = || Sentences::new(shared.split, shared.lower_case);
            let mut sentences = shared.lock();
            let sentences = sentences.as_mut().ok_or_else(used)?;
            add_inputs(sentences, empty, &inputs, &options, &shared.reading, Some(cancel))
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeWordVectors>")]
    pub fn train<'env>(
        &self,
        env: &'env Env,
        options: NativeWordTrainOptions,
        cancel: Option<&CancelFlag>,
    ) -> Result<Object<'env>> {
        let shared = Arc::clone(&self.shared);
        on_own_thread(env, cancel.map(CancelFlag::shared).unwrap_or_default(), move |cancel| {
            let threads = match options.threads {
                Some(threads) => size("threads", threads)?,
                None => on_all_threads(rayon::current_num_threads)?,
            };
            let options = Options {
                dimensions: size("dimensions", options.dimensions)?,
                window: size("window", options.window)?,
                negatives: size("negatives", options.negatives)?,
                objective: if options.is_cbow { Objective::Cbow } else { Objective::SkipGram },
                epochs: size("epochs", options.epochs)?,
                min_count: options.min_frequency.try_into().unwrap_or_default(),
                subsample: options.subsample,
                learning_rate: options.learning_rate as f32,
                min_learning_rate: options.min_learning_rate as f32,
                seed: options.seed as u64,
                threads,
            };
            let sentences = shared.lock().take().ok_or_else(used)?;
            let tell = |now: Progress| {
                shared.words.fetch_max(now.words, Ordering::Relaxed);
                shared.words_to_train.store(now.all_words, Ordering::Relaxed);
            };
            let rows = train_rows(sentences, &options, Some(&tell), Some(cancel)).map_err(coded)?;
            on_all_threads(|| rows.into_vectors())?.map_err(coded)
        })
    }

    #[napi(catch_unwind)]
    pub fn progress(&self) -> NativeWordTrainProgress {
        let Shared { reading, words, words_to_train, .. } = &*self.shared;
        let [texts, bytes, bytes_read, bytes_to_read] = reading.numbers().map(|number| number as f64);
        let [words, words_to_train] = [words, words_to_train].map(|number| number.load(Ordering::Relaxed) as f64);
        NativeWordTrainProgress { texts, bytes, bytes_read, bytes_to_read, words, words_to_train }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Sentences>> {
        self.sentences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn used() -> Error {
    Error::new(Code::Internal, "a trainer trains once")
}
