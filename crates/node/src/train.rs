//! Training of a byte-level BPE.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use tokenmill_bpe::train::{Budget, Progress, Scratch, TrainOptions, Trainer};

use crate::cancel::CancelFlag;
use crate::encoder::from_bpe;
use crate::error::{Code, Error, Result};
use crate::own_thread::on_own_thread;
use crate::pattern::pattern_of;
use crate::pool::on_all_threads;
use crate::text::JsTextOrBytes;
use crate::token_rows::Texts;
use crate::train_inputs::{Reading, add_inputs};
use crate::waiting::on_waiting_thread;

/// What to make; the facade has checked it.
#[napi(object)]
pub struct NativeTrainOptions {
    pub vocab_size: u32,
    pub special_tokens: Vec<String>,
    pub min_frequency: i64,
    pub max_token_length: Option<u32>,
}

/// How far a training is.
#[napi(object)]
pub struct NativeTrainProgress {
    /// Texts and their bytes that were taken.
    pub texts: f64,
    pub bytes: f64,
    /// Bytes of files that were read, and that there are.
    pub bytes_read: f64,
    pub bytes_to_read: f64,
    /// Merges that were made, and the most that there will be.
    pub merges: u32,
    pub most_merges: u32,
    /// After the training: distinct pieces, and tokens that there were no merges for.
    pub pieces: f64,
    pub missing: u32,
}

/// Takes texts, then makes a tokenizer of them.
#[napi]
pub struct NativeTrainer {
    shared: Arc<Shared>,
}

struct Shared {
    /// None when it has been trained.
    trainer: Mutex<Option<Trainer>>,
    reading: Reading,
    merges: AtomicU32,
    most: AtomicU32,
    pieces: AtomicU64,
    missing: AtomicU32,
}

#[napi]
impl NativeTrainer {
    /// `folder` is where what does not fit `memory_limit` bytes goes, into files without a name; one that was `asked_for` must take files
    /// from the start, another one when it comes to that.
    #[napi(constructor, catch_unwind)]
    pub fn new(pattern: String, memory_limit: i64, folder: String, asked_for: bool) -> Result<Self> {
        let folder: Arc<Path> = PathBuf::from(folder).into();
        if asked_for {
            ScratchFile::new(&folder).map_err(|error| {
                let expected = "expected a folder for temporary files as options.tempDir";
                Error::new(Code::InvalidFile, format!("{expected}, cannot make one in {error}"))
            })?;
        }
        let scratch = move || Ok(Box::new(ScratchFile::new(&folder)?) as Box<dyn Scratch>);
        let bytes = usize::try_from(memory_limit).unwrap_or(usize::MAX);
        let trainer = Trainer::new(pattern_of(&pattern)?).with_budget(Budget { bytes, scratch: Arc::new(scratch) });
        Ok(Self {
            shared: Arc::new(Shared {
                trainer: Mutex::new(Some(trainer)),
                reading: Reading::default(),
                merges: AtomicU32::new(0),
                most: AtomicU32::new(0),
                pieces: AtomicU64::new(0),
                missing: AtomicU32::new(0),
            }),
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn add_texts<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        cancel: Option<&CancelFlag>,
    ) -> Result<Object<'env>> {
        let texts = Texts::read(&texts, strict)?;
        let (shared, cancel) = (Arc::clone(&self.shared), CancelFlag::of(cancel));
        let flag = Arc::clone(&cancel);
        on_waiting_thread(env, &cancel, move || {
            // The lock is taken on this thread: one of the pool that waits for its share of a call may begin another one.
            shared.with_trainer(|trainer| {
                texts.on_all_threads(|texts| {
                    trainer.add_texts(texts, Some(&flag)).map_err(from_bpe)?;
                    shared.reading.add(texts);
                    Ok(())
                })?
            })
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
            shared.with_trainer(|trainer| {
                add_inputs(trainer, &inputs, &format, field, strict, &shared.reading, Some(cancel))
            })
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<BpeHandle>")]
    pub fn train<'env>(
        &self,
        env: &'env Env,
        options: NativeTrainOptions,
        cancel: Option<&CancelFlag>,
    ) -> Result<Object<'env>> {
        let shared = Arc::clone(&self.shared);
        on_own_thread(env, cancel.map(CancelFlag::shared).unwrap_or_default(), move |cancel| {
            let options = TrainOptions {
                vocab_size: options.vocab_size,
                min_frequency: options.min_frequency.try_into().unwrap_or_default(),
                max_token_length: options.max_token_length,
                special_tokens: options.special_tokens,
            };
            let trainer = shared.lock().take().ok_or_else(used)?;
            let mut watch = |now: Progress| {
                shared.merges.store(now.merges, Ordering::Relaxed);
                shared.most.store(now.most, Ordering::Relaxed);
                ControlFlow::Continue(())
            };
            let train = || trainer.train(&options, Some(&mut watch), Some(cancel));
            let trained = on_all_threads(train)?.map_err(from_bpe)?;
            shared.pieces.store(trained.pieces(), Ordering::Relaxed);
            shared.missing.store(trained.missing() as u32, Ordering::Relaxed);
            trained.into_tokenizer().map_err(from_bpe)
        })
    }

    #[napi(catch_unwind)]
    pub fn progress(&self) -> NativeTrainProgress {
        let Shared { reading, merges, most, pieces, missing, .. } = &*self.shared;
        let [texts, bytes, bytes_read, bytes_to_read] = reading.numbers().map(|number| number as f64);
        NativeTrainProgress {
            texts,
            bytes,
            bytes_read,
            bytes_to_read,
            merges: merges.load(Ordering::Relaxed),
            most_merges: most.load(Ordering::Relaxed),
            pieces: pieces.load(Ordering::Relaxed) as f64,
            missing: missing.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Trainer>> {
        self.trainer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_trainer<T>(&self, work: impl FnOnce(&Trainer) -> Result<T>) -> Result<T> {
        work(self.lock().as_ref().ok_or_else(used)?)
    }
}

/// A file without a name, whose errors name its folder.
struct ScratchFile {
    file: File,
    folder: Arc<Path>,
}

impl ScratchFile {
    fn new(folder: &Arc<Path>) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|error| named(folder, &error))?;
        Ok(Self { file, folder: Arc::clone(folder) })
    }
}

fn named(folder: &Path, error: &io::Error) -> io::Error {
    // The kind stays: what was interrupted is done again.
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

impl Read for ScratchFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into).map_err(|error| named(&self.folder, &error))
    }
}

impl Write for ScratchFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| named(&self.folder, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|error| named(&self.folder, &error))
    }
}

impl Seek for ScratchFile {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.file.seek(place).map_err(|error| named(&self.folder, &error))
    }
}

fn used() -> Error {
    Error::new(Code::Internal, "a trainer trains once")
}
