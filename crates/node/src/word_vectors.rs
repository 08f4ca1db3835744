//! Vectors of words.

use std::path::Path;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Either, Float32Array, Object, ObjectFinalize};
use napi_derive::napi;
use tokenmill_word_vectors::{Error as Core, Format, Near, Rows, WordVectors};

use crate::arrays::to_array;
use crate::cancel::CancelFlag;
use crate::embedding_convert::{number, size};
use crate::error::{Code, Error, Result};
use crate::held::Held;
use crate::later::{Deliver, Later, later};
use crate::memory::copied;
use crate::own_thread::on_own_thread;
use crate::pool::on_all_threads;
use crate::task::Work;

/// A word and the cosine of the angle to what was asked for.
#[napi(object)]
pub struct NativeNear {
    pub word: String,
    pub similarity: f64,
}

#[napi(custom_finalize)]
pub struct NativeWordVectors {
    vectors: Held<Arc<WordVectors>>,
}

#[napi]
impl NativeWordVectors {
    /// Those of `words`, which are the rows of `data`.
    #[napi(catch_unwind)]
    pub fn from_array(env: Env, words: Vec<String>, data: &[f32], dimensions: i64) -> Result<NativeWordVectors> {
        let table = copied(data)?;
        let dimensions = size("dimensions", dimensions)?;
        let vectors = on_all_threads(|| WordVectors::new(words, table, dimensions))?;
        vectors.map_err(|error| Error::new(Code::InvalidArgument, error.to_string()))?.deliver(env)
    }

    /// `limit`: how many words are read at most.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeWordVectors>")]
    pub fn load<'env>(
        env: &'env Env,
        path: String,
        format: String,
        limit: Option<i64>,
        cancel: Option<&CancelFlag>,
    ) -> Result<Object<'env>> {
        on_own_thread(env, CancelFlag::of(cancel), move |cancel| {
            let (format, limit) = (format_of(&format)?, limit.map(|limit| size("limit", limit)).transpose()?);
            let in_file = coded_in(&path);
            let rows = Rows::load(Path::new(&path), format, limit, Some(cancel)).map_err(&in_file)?;
            on_all_threads(|| rows.into_vectors())?.map_err(in_file)
        })
    }

    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save(&self, path: String, format: String) -> Result<AsyncTask<Work<Later<()>>>> {
        let vectors = self.vectors.get()?;
        Ok(later(move || vectors.save(Path::new(&path), format_of(&format)?).map_err(coded_in(&path))))
    }

    #[napi(getter, catch_unwind)]
    pub fn size(&self) -> Result<i64> {
        Ok(number(self.vectors.get()?.len()))
    }

    #[napi(getter, catch_unwind)]
    pub fn dimensions(&self) -> Result<i64> {
        Ok(number(self.vectors.get()?.dimensions()))
    }

    #[napi(catch_unwind)]
    pub fn words(&self) -> Result<Vec<String>> {
        Ok(self.vectors.get()?.words().iter().map(ToString::to_string).collect())
    }

    /// The row of `word`.
    #[napi(catch_unwind)]
    pub fn index_of(&self, word: String) -> Result<Option<u32>> {
        Ok(self.vectors.get()?.row_of(&word))
    }

    #[napi(catch_unwind)]
    pub fn get(&self, env: Env, word: String) -> Result<Option<Float32Array>> {
        self.vectors.get()?.get(&word).map(|row| to_array(env, row)).transpose()
    }

    /// All of them, row after row.
    #[napi(catch_unwind)]
    pub fn values(&self, env: Env) -> Result<Float32Array> {
        to_array(env, self.vectors.get()?.table())
    }

    #[napi(catch_unwind)]
    pub fn similarity(&self, a: String, b: String) -> Result<f64> {
        self.vectors.get()?.similarity(&a, &b).map(f64::from).map_err(coded)
    }

    #[napi(catch_unwind)]
    pub fn nearest(
        &self,
        #[napi(ts_arg_type = "string | Float32Array")] to: Either<String, &[f32]>,
        count: i64,
    ) -> Result<Vec<NativeNear>> {
        Ok(Query::nearest(to, count)?.answer(&*self.vectors.get()?)?.0)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeNear[]>")]
    pub fn nearest_async(
        &self,
        #[napi(ts_arg_type = "string | Float32Array")] to: Either<String, &[f32]>,
        count: i64,
    ) -> Result<AsyncTask<Work<Later<Answer>>>> {
        Ok(Query::nearest(to, count)?.answer_later(self.vectors.get()?))
    }

    /// `words`: a, b, c; what is to c as b is to a.
    #[napi(catch_unwind)]
    pub fn analogy(&self, words: Vec<String>, count: i64) -> Result<Vec<NativeNear>> {
        Ok(Query::analogy(words, count)?.answer(&*self.vectors.get()?)?.0)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<NativeNear[]>")]
    pub fn analogy_async(&self, words: Vec<String>, count: i64) -> Result<AsyncTask<Work<Later<Answer>>>> {
        Ok(Query::analogy(words, count)?.answer_later(self.vectors.get()?))
    }

    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) -> Result<()> {
        self.vectors.release(env)
    }
}

impl ObjectFinalize for NativeWordVectors {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.vectors.finalize(env)
    }
}

impl Deliver for WordVectors {
    type JsValue = NativeWordVectors;

    fn deliver(self, env: Env) -> Result<NativeWordVectors> {
        // The table, the length of each row, and each word twice, in the list and in the index.
        let words: usize = self.words().iter().map(|word| 2 * word.len() + 48).sum();
        let bytes = size_of_val(self.table()) + words;
        Ok(NativeWordVectors { vectors: Held::new(env, "word vectors", Arc::new(self), bytes)? })
    }
}

/// What is asked for, with the number of words that are wanted.
enum Query {
    ToWord(String, usize),
    ToVector(Vec<f32>, usize),
    Analogy([String; 3], usize),
}

impl Query {
    fn nearest(to: Either<String, &[f32]>, count: i64) -> Result<Self> {
        let count = size("count", count)?;
        Ok(match to {
            Either::A(word) => Self::ToWord(word, count),
            Either::B(vector) => Self::ToVector(copied(vector)?, count),
        })
    }

    fn analogy(words: Vec<String>, count: i64) -> Result<Self> {
        let words = words.try_into().map_err(|_| Error::new(Code::InvalidArgument, "expected three words"))?;
        Ok(Self::Analogy(words, size("count", count)?))
    }

    fn answer(&self, vectors: &WordVectors) -> Result<Answer> {
        let near = on_all_threads(|| match self {
            Self::ToWord(word, count) => vectors.nearest_to(word, *count),
            Self::ToVector(vector, count) => vectors.nearest(vector, *count),
            Self::Analogy([a, b, c], count) => vectors.analogy(a, b, c, *count),
        })?;
        let named = |Near { index, similarity }: Near| NativeNear {
            word: vectors.word(index).to_owned(),
            similarity: f64::from(similarity),
        };
        Ok(Answer(near.map_err(coded)?.into_iter().map(named).collect()))
    }

    fn answer_later(self, vectors: Arc<WordVectors>) -> AsyncTask<Work<Later<Answer>>> {
        later(move || self.answer(&vectors))
    }
}

/// Words on their way to JavaScript.
pub struct Answer(Vec<NativeNear>);

impl Deliver for Answer {
    type JsValue = Vec<NativeNear>;

    fn deliver(self, _env: Env) -> Result<Vec<NativeNear>> {
        Ok(self.0)
    }
}

/// The error that JavaScript sees.
pub fn coded(error: Core) -> Error {
    let code = match error {
        Core::Io(_) | Core::InvalidFile { .. } => Code::InvalidFile,
        Core::UnknownWord { .. } => Code::UnknownToken,
        Core::LengthMismatch { .. } | Core::InvalidOption { .. } | Core::TooFewWords { .. } => Code::InvalidArgument,
        Core::OutOfMemory { .. } | Core::Threads { .. } => Code::Limit,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}

/// [`coded`] for a call that reads or writes the file `path`, which what is wrong with the file names.
fn coded_in(path: &str) -> impl Fn(Core) -> Error {
    move |error| match error {
        Core::Io(_) | Core::InvalidFile { .. } => Error::new(Code::InvalidFile, format!("{path}: {error}")),
        _ => coded(error),
    }
}

fn format_of(name: &str) -> Result<Format> {
    match name {
        "text" => Ok(Format::Text),
        "binary" => Ok(Format::Binary),
        "safetensors" => Ok(Format::Safetensors),
        _ => Err(Error::new(Code::InvalidArgument, format!("there is no format called {name}"))),
    }
}
