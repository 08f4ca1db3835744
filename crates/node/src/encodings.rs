//! The published encodings, one of each for the whole process.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use tokenmill_bpe::{Encoding, Tokenizer};

use crate::error::{Code, Error, Result};

/// Those in use. Worker threads share them; the last user of one takes it along.
static LOADED: LazyLock<Mutex<HashMap<Encoding, Weak<Tokenizer>>>> = LazyLock::new(Mutex::default);

/// The encoding called `name`, whose ranks are in `file`.
pub fn open(name: &str, file: &str) -> Result<Arc<Tokenizer>> {
    let encoding = Encoding::from_name(name)
        .ok_or_else(|| Error::new(Code::InvalidArgument, format!("there is no encoding called {name}")))?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokenizer) = loaded.get(&encoding).and_then(Weak::upgrade) {
        return Ok(tokenizer);
    }
    let ranks = std::fs::read(file).map_err(|error| {
        Error::new(Code::InvalidFile, format!("the ranks of {name} cannot be read from {file}: {error}"))
    })?;
    let tokenizer = Tokenizer::from_encoding(encoding, ranks)
        .map(Arc::new)
        .map_err(|error| Error::new(Code::InvalidFile, format!("{file} does not hold the ranks of {name}: {error}")))?;
    loaded.insert(encoding, Arc::downgrade(&tokenizer));
    Ok(tokenizer)
}
