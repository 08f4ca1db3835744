//! The tokens of a byte-level BPE and the merges that make them.

use std::collections::HashMap;
use std::ops::Range;

use crate::Error;

/// Ids are less than this: three of them fit one word of the pair table.
pub(crate) const MAX_IDS: usize = (1 << 21) - 1;
/// No token is longer, in bytes.
const MAX_TOKEN: usize = 4096;
/// How many bytes are copied at a time.
const COPY: usize = 16;
/// All tokens together are not longer, in bytes.
const MAX_TOTAL: usize = 1 << 28;

const MAGIC: [u8; 8] = *b"tkmbpe\0\x01";
/// In place of a left part: the token is not made by a merge of two earlier ones.
const NO_PARTS: u32 = 0xff_ffff;

/// The tokens of a byte-level BPE, by id. A smaller id is a higher priority, as in tiktoken, where it is called the rank.
///
/// Every token longer than a byte that merging can reach has one pair of parts: merging its own bytes, without itself, ends in
/// two tokens, and no other pair can ever stand side by side in its place. For as long as no merge reaches over the two
/// ends of a stretch of text, the merges inside it are the same, in the same order, whatever is around it. So merging by
/// pair of ids is the same as merging by concatenated bytes, which is how tiktoken defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    bytes: Vec<u8>,
    /// Token `id` is `bytes[starts[id]..starts[id + 1]]`; an empty one is a hole in the ids.
    starts: Vec<u32>,
    /// The two tokens whose merge is token `id`, or [`NO_PARTS`] twice.
    parts: Vec<[u32; 2]>,
}

impl Vocabulary {
    /// The vocabulary of `tokens` and their ids, in any order.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when a token is empty, too long or there twice, an id is there twice or too large, or
    /// one of the 256 bytes is not a token.
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = (&'a [u8], u32)>) -> Result<Self, Error> {
        let mut ids = HashMap::new();
        let mut by_id: Vec<&[u8]> = Vec::new();
        for (token, id) in tokens {
            let index = id as usize;
            if index >= MAX_IDS {
                return Err(invalid(format!("expected ids below {MAX_IDS}, found {id}")));
            }
            if token.is_empty() || token.len() > MAX_TOKEN {
                return Err(invalid(format!(
                    "expected tokens of 1 to {MAX_TOKEN} bytes, token {id} has {}",
                    token.len()
                )));
            }
            if let Some(first) = ids.insert(token, id) {
                return Err(invalid(format!("tokens {first} and {id} are the same")));
            }
            if by_id.len() <= index {
                by_id.resize(index + 1, &[]);
            }
            if !std::mem::replace(&mut by_id[index], token).is_empty() {
                return Err(invalid(format!("two tokens have the id {id}")));
            }
        }
        let mut vocabulary = Self::with_capacity(by_id.len());
        for (id, token) in by_id.iter().enumerate() {
            vocabulary.push(token, derive_parts(token, id as u32, &ids))?;
        }
        vocabulary.checked()
    }

    /// Reads the form that [`Vocabulary::to_compact`] writes.
    ///
    /// # Errors
    /// [`Error::InvalidVocabulary`] when `file` is not that form, with what was expected.
    pub fn from_compact(file: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(file);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(invalid("expected a Tokenmill vocabulary of version 1".to_owned()));
        }
        let (count, literal_count) = (reader.u32()? as usize, reader.u32()? as usize);
        if count > MAX_IDS || literal_count > count {
            return Err(invalid(format!(
                "expected at most {MAX_IDS} tokens, found {count}, {literal_count} of them literal"
            )));
        }
        let (left, right) = (reader.planes(count)?, reader.planes(count)?);
        let mut literals = Vec::with_capacity(literal_count);
        for _ in 0..literal_count {
            let (id, length) = (reader.u32()?, reader.u32()? as usize);
            literals.push((id, reader.take(length)?));
        }
        if !reader.0.is_empty() {
            return Err(invalid(format!("{} bytes follow the last token", reader.0.len())));
        }

        let mut vocabulary = Self::with_capacity(count);
        let mut literals = literals.into_iter().peekable();
        let mut underived = Vec::new();
        for id in 0..count as u32 {
            if let Some((_, token)) = literals.next_if(|&(literal, _)| literal == id) {
                if token.len() > 1 {
                    underived.push(id);
                }
                vocabulary.push(token, None)?;
            } else {
                let parts = (left.at(id), right.at(id));
                vocabulary.push_merge(id, (parts.0 != NO_PARTS).then_some(parts))?;
            }
        }
        if let Some((id, _)) = literals.next() {
            return Err(invalid(format!("literal {id} is out of order")));
        }
        if !underived.is_empty() {
            let ids = vocabulary.tokens().map(|(id, token)| (token, id)).collect();
            let parts: Vec<_> = underived.iter().map(|&id| derive_parts(vocabulary.token(id), id, &ids)).collect();
            for (id, parts) in underived.into_iter().zip(parts) {
                vocabulary.parts[id as usize] = parts.map_or([NO_PARTS; 2], |(left, right)| [left, right]);
            }
        }
        vocabulary.checked()
    }

    /// A form of a few bytes a token: the ids of the two parts of each token, and the bytes of those without parts.
    ///
    /// Little-endian: 8 bytes of magic and version, u32 count of ids, u32 count of literals; the left parts as three planes
    /// of bytes (low, middle, high), the right parts likewise (`0xffffff`: a hole or a literal); for each literal its u32
    /// id, u32 length and bytes, by ascending id.
    pub fn to_compact(&self) -> Vec<u8> {
        // A token whose part has a larger id than itself could not be built in one pass.
        let parts = |id: usize| self.parts(id as u32).filter(|&(left, right)| left.max(right) < id as u32);
        let literals: Vec<_> = self.tokens().filter(|&(id, _)| parts(id as usize).is_none()).collect();
        let mut file = MAGIC.to_vec();
        file.extend((self.len() as u32).to_le_bytes());
        file.extend((literals.len() as u32).to_le_bytes());
        for side in [|parts: (u32, u32)| parts.0, |parts: (u32, u32)| parts.1] {
            for plane in 0..3 {
                file.extend((0..self.len()).map(|id| parts(id).map_or(NO_PARTS, side).to_le_bytes()[plane]));
            }
        }
        for (id, token) in literals {
            file.extend(id.to_le_bytes());
            file.extend((token.len() as u32).to_le_bytes());
            file.extend(token);
        }
        file
    }

    /// The largest id + 1.
    #[expect(clippy::len_without_is_empty, reason = "never empty: the 256 bytes are in it")]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// The bytes of token `id`; `None` when there is no such token.
    pub fn get(&self, id: u32) -> Option<&[u8]> {
        ((id as usize) < self.len()).then(|| self.token(id)).filter(|token| !token.is_empty())
    }

    /// The ids and bytes of all tokens, by ascending id.
    pub fn tokens(&self) -> impl Iterator<Item = (u32, &[u8])> {
        (0..self.len() as u32).map(|id| (id, self.token(id))).filter(|(_, token)| !token.is_empty())
    }

    /// The two tokens whose merge is token `id`; `None` for bytes, holes, and tokens that no merge reaches.
    pub fn parts(&self, id: u32) -> Option<(u32, u32)> {
        let [left, right] = self.parts[id as usize];
        (left != NO_PARTS).then_some((left, right))
    }

    /// Where the bytes of token `id` are in [`Vocabulary::bytes`]; empty for a hole. Panics when `id` is not below `len`.
    pub(crate) fn range(&self, id: u32) -> Range<usize> {
        self.starts[id as usize] as usize..self.starts[id as usize + 1] as usize
    }

    /// The bytes of all tokens, one after the other.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn token(&self, id: u32) -> &[u8] {
        &self.bytes[self.range(id)]
    }

    fn with_capacity(count: usize) -> Self {
        let mut starts = Vec::with_capacity(count + 1);
        starts.push(0);
        Self { bytes: vec![0; 8 * count + MAX_TOKEN], starts, parts: Vec::with_capacity(count) }
    }

    /// Adds the next token, which has `parts` or is told by its bytes.
    fn push(&mut self, token: &[u8], parts: Option<(u32, u32)>) -> Result<(), Error> {
        let start = self.make_room(token.len())?;
        self.bytes[start..start + token.len()].copy_from_slice(token);
        self.end_token(start + token.len(), parts);
        Ok(())
    }

    /// Adds the next token, `id`, which is made of `parts`; without them a hole.
    fn push_merge(&mut self, id: u32, parts: Option<(u32, u32)>) -> Result<(), Error> {
        let Some((left, right)) = parts else { return self.push(&[], None) };
        let is_there = |part: u32| part < id && !self.range(part).is_empty();
        if !is_there(left) || !is_there(right) {
            return Err(invalid(format!("token {id} joins {left} and {right}, which are not both defined before it")));
        }
        let (left, right) = (self.range(left), self.range(right));
        let start = self.make_room(left.len() + right.len())?;
        let middle = self.append(left, start);
        let end = self.append(right, middle);
        self.end_token(end, parts);
        Ok(())
    }

    /// Where the next token starts; there is room for one of `length` bytes, and for [`COPY`] more.
    fn make_room(&mut self, length: usize) -> Result<usize, Error> {
        let start = self.starts[self.parts.len()] as usize;
        if length > MAX_TOKEN || start + length > MAX_TOTAL {
            return Err(invalid(format!("token {} is too long", self.parts.len())));
        }
        let needed = start + length + COPY;
        if self.bytes.len() < needed {
            self.bytes.resize(2 * needed, 0);
        }
        Ok(start)
    }

    /// Copies `range` of the bytes to `at`, [`COPY`] at a time, since most tokens are shorter; returns where the copy ends.
    #[inline(always)]
    fn append(&mut self, range: Range<usize>, at: usize) -> usize {
        for done in (0..range.len()).step_by(COPY) {
            let some: [u8; COPY] = *self.bytes[range.start + done..].first_chunk().expect("there is room behind");
            self.bytes[at + done..at + done + COPY].copy_from_slice(&some);
        }
        at + range.len()
    }

    fn end_token(&mut self, end: usize, parts: Option<(u32, u32)>) {
        self.starts.push(end as u32);
        let (left, right) = parts.unwrap_or((NO_PARTS, NO_PARTS));
        self.parts.push([left, right]);
    }

    fn checked(mut self) -> Result<Self, Error> {
        self.bytes.truncate(self.starts[self.parts.len()] as usize);
        let mut missing = [true; 256];
        for (_, token) in self.tokens() {
            if let [byte] = token {
                missing[*byte as usize] = false;
            }
        }
        match missing.iter().position(|&missing| missing) {
            Some(byte) => Err(invalid(format!("expected every byte to be a token, 0x{byte:02x} is not"))),
            None => Ok(self),
        }
    }
}

fn invalid(reason: String) -> Error {
    Error::InvalidVocabulary { reason }
}

/// The last two parts in which merging the bytes of `token` ends when `token` itself is left out; `None` when it ends in
/// another number of parts.
fn derive_parts(token: &[u8], id: u32, ids: &HashMap<&[u8], u32>) -> Option<(u32, u32)> {
    let mut starts: Vec<usize> = (0..=token.len()).collect();
    while starts.len() > 3 {
        let best = (starts.windows(3).enumerate())
            .filter_map(|(at, ends)| ids.get(&token[ends[0]..ends[2]]).map(|&rank| (rank, at)))
            .filter(|&(rank, _)| rank != id)
            .min()?;
        starts.remove(best.1 + 1);
    }
    let [start, middle, end] = starts[..] else { return None };
    Some((*ids.get(&token[start..middle])?, *ids.get(&token[middle..end])?))
}

/// Takes what a file has from its front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| invalid("it ends before its last token".to_owned()))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().expect("four bytes")))
    }

    fn planes(&mut self, count: usize) -> Result<Planes<'a>, Error> {
        Ok(Planes([self.take(count)?, self.take(count)?, self.take(count)?]))
    }
}

/// Numbers of 24 bits: their low bytes, their middle bytes, their high bytes.
struct Planes<'a>([&'a [u8]; 3]);

impl Planes<'_> {
    fn at(&self, id: u32) -> u32 {
        let [low, middle, high] = self.0.map(|plane| plane[id as usize]);
        u32::from_le_bytes([low, middle, high, 0])
    }
}
