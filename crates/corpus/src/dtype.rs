//! How an id is written.

/// The type of the ids of a file, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DType {
    /// Two bytes.
    #[serde(rename = "uint16")]
    U16,
    /// Four bytes.
    #[serde(rename = "uint32")]
    U32,
}

impl DType {
    /// The narrower one that holds every id of a vocabulary, of which `vocab_size` is one more than the largest.
    pub fn of(vocab_size: u32) -> Self {
        if vocab_size <= 1 << 16 { Self::U16 } else { Self::U32 }
    }

    /// The bytes of an id.
    pub fn width(self) -> usize {
        match self {
            Self::U16 => 2,
            Self::U32 => 4,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::U16 => "uint16",
            Self::U32 => "uint32",
        }
    }

    /// Appends `ids`, which must fit.
    pub(crate) fn append(self, ids: &[u32], to: &mut Vec<u8>) {
        // Not by `extend`: bytes that come one by one are not written in vectors. Nor by `chunks_exact`, which is not always inlined.
        let start = to.len();
        to.resize(start + ids.len() * self.width(), 0);
        match self {
            Self::U16 => {
                for (bytes, &id) in to[start..].as_chunks_mut().0.iter_mut().zip(ids) {
                    *bytes = (id as u16).to_le_bytes();
                }
            }
            Self::U32 => {
                for (bytes, &id) in to[start..].as_chunks_mut().0.iter_mut().zip(ids) {
                    *bytes = id.to_le_bytes();
                }
            }
        }
    }

    /// Writes the ids that `bytes` hold to `out`, which is as many long.
    pub(crate) fn widen(self, bytes: &[u8], out: &mut [u32]) {
        match self {
            Self::U16 => {
                for (id, &bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *id = u32::from(u16::from_le_bytes(bytes));
                }
            }
            Self::U32 => {
                for (id, &bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *id = u32::from_le_bytes(bytes);
                }
            }
        }
    }
}
