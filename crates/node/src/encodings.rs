//! The published encodings, one of each for the whole process.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use bytes::Bytes;
use memmap2::Mmap;
use tokenmill_bpe::{Encoding, Tokenizer};

use crate::error::{Code, Error, Result};
use crate::memory::copied;

/// Those in use. Worker threads share them; the last user of one takes it along.
static LOADED: LazyLock<Mutex<HashMap<Encoding, Weak<Tokenizer>>>> = LazyLock::new(Mutex::default);

/// The encoding called `name`, whose ranks are in `file`, a file of this package. It is mapped: of its megabytes a short text needs few, and
/// processes share them.
pub fn open(name: &str, file: &str) -> Result<Arc<Tokenizer>> {
    load(name, || {
        // SAFETY: like the addon itself, which the system maps too, a file of the package is replaced by another one, not written to, while it is
        // in use.
        let ranks = File::open(file).and_then(|file| unsafe { Mmap::map(&file) }).map_err(|error| {
            Error::new(Code::InvalidFile, format!("the ranks of {name} cannot be read from {file}: {error}"))
        })?;
        Ok(Bytes::from_owner(ranks))
    })
}

/// The encoding called `name`, which has these `ranks`.
pub fn of_ranks(name: &str, ranks: &[u8]) -> Result<Arc<Tokenizer>> {
    load(name, || copied(ranks).map(Bytes::from))
}

fn load(name: &str, ranks: impl FnOnce() -> Result<Bytes>) -> Result<Arc<Tokenizer>> {
    let encoding = Encoding::from_name(name)
        .ok_or_else(|| Error::new(Code::InvalidArgument, format!("there is no encoding called {name}")))?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokenizer) = loaded.get(&encoding).and_then(Weak::upgrade) {
        return Ok(tokenizer);
    }
    let tokenizer = Tokenizer::from_encoding(encoding, ranks()?)
        .map(Arc::new)
        .map_err(|error| Error::new(Code::InvalidFile, format!("what was read is not the ranks of {name}: {error}")))?;
    loaded.insert(encoding, Arc::downgrade(&tokenizer));
    Ok(tokenizer)
}
