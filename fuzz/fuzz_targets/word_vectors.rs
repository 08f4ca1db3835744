//! No bytes make reading word vectors panic; what is taken is written, where the form can hold it, and read again as it was. The first byte says which
//! form the file has: text (word2vec's and GloVe's), binary or safetensors.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokenmill_word_vectors::{Format, WordVectors};

fuzz_target!(|data: &[u8]| {
    let Some((&kind, content)) = data.split_first() else { return };
    let format = [Format::Text, Format::Binary, Format::Safetensors][usize::from(kind) % 3];
    let folder = TempDir::new().expect("a folder for files");
    let (path, again) = (folder.path().join("x"), folder.path().join("again"));
    fs::write(&path, content).expect("room for a file");
    let limit = (kind & 0x80 != 0).then_some(usize::from(kind & 0x7F));
    let Ok(vectors) = WordVectors::load(&path, format, limit, None) else { return };
    assert_eq!(vectors.table().len(), vectors.len() * vectors.dimensions());
    assert!(limit.is_none_or(|limit| vectors.len() <= limit));
    if vectors.save(&again, format).is_ok() {
        let reread = WordVectors::load(&again, format, None, None).expect("what was written can be read");
        assert_eq!((reread.words(), reread.dimensions()), (vectors.words(), vectors.dimensions()));
        let bits = |vectors: &WordVectors| vectors.table().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&reread), bits(&vectors));
    }
});
