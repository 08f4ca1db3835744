//! Words and their vectors, and what can be asked of them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::ops::RangeInclusive;

use rayon::prelude::*;

use crate::error::{filled, reserved};
use crate::lanes::{Level, dot};
use crate::{Error, Result};

/// Rows that a thread takes at a time.
const ROWS: usize = 4096;
/// Squares of lengths whose products 32-bit floats hold, with all digits that a cosine has.
const USUAL: RangeInclusive<f32> = 1e-24..=1e30;

/// Words and their numbers, before they are made ready for questions.
#[derive(Debug)]
pub struct Rows {
    pub(crate) words: Vec<Box<str>>,
    pub(crate) table: Vec<f32>,
    pub(crate) dimensions: usize,
}

impl Rows {
    /// The vectors, by all threads of the current rayon pool. Of several equal words the first counts.
    ///
    /// # Errors
    /// Those of [`WordVectors::new`], but for words that are there twice.
    pub fn into_vectors(self) -> Result<WordVectors> {
        Ok(WordVectors::without_duplicates(self)?.0)
    }
}

/// Vectors of words: one row of a table for each.
#[derive(Debug)]
pub struct WordVectors {
    words: Vec<Box<str>>,
    index: HashMap<Box<str>, u32>,
    table: Vec<f32>,
    /// One over the length of each row, 0 where it has none, NaN where its square is not [`USUAL`]: cosines need no second table.
    inverse_lengths: Vec<f32>,
    dimensions: usize,
    level: Level,
}

/// A word and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The row of the word.
    pub index: u32,
    /// The cosine of the angle between the vectors: from -1 to 1, 0 when one of them is zero.
    pub similarity: f32,
}

impl WordVectors {
    /// The vectors of `words`, which are the rows of `table`.
    ///
    /// # Errors
    /// [`Error::InvalidFile`] when the sizes do not fit, a word is there twice, there are more than 2^32 - 1 words or a number is not
    /// finite; [`Error::OutOfMemory`].
    pub fn new(words: Vec<String>, table: Vec<f32>, dimensions: usize) -> Result<Self> {
        let words = words.into_iter().map(String::into_boxed_str).collect();
        let (vectors, repeated) = Self::without_duplicates(Rows { words, table, dimensions })?;
        match repeated {
            None => Ok(vectors),
            Some(word) => Err(invalid(format!("the word {word:?} is there twice"))),
        }
    }

    /// [`WordVectors::new`] that keeps the first of several equal words, and the first word that it left out.
    fn without_duplicates(rows: Rows) -> Result<(Self, Option<Box<str>>)> {
        let Rows { mut words, mut table, dimensions } = rows;
        if dimensions == 0 || words.len().checked_mul(dimensions) != Some(table.len()) {
            return Err(invalid(format!(
                "{} words of {dimensions} dimensions are not {} numbers",
                words.len(),
                table.len()
            )));
        }
        if u32::try_from(words.len()).is_err() {
            return Err(invalid(format!("{} words are too many", words.len())));
        }
        let mut index = HashMap::new();
        index
            .try_reserve(words.len())
            .map_err(|_| Error::OutOfMemory { bytes: words.len().saturating_mul(size_of::<(Box<str>, u32)>()) })?;
        let (mut kept, mut repeated) = (0, None);
        for row in 0..words.len() {
            if index.contains_key(&words[row]) {
                repeated.get_or_insert_with(|| words[row].clone());
                continue;
            }
            index.insert(words[row].clone(), kept as u32);
            if kept < row {
                words.swap(kept, row);
                table.copy_within(row * dimensions..(row + 1) * dimensions, kept * dimensions);
            }
            kept += 1;
        }
        words.truncate(kept);
        table.truncate(kept * dimensions);
        let level = Level::best();
        let mut inverse_lengths = filled(kept, 0.0)?;
        let inverse_length = |(row, inverse): (&[f32], &mut f32)| {
            let square = dot(level, row, row);
            *inverse = if USUAL.contains(&square) {
                1.0 / square.sqrt()
            } else if row.iter().all(|&number| number == 0.0) {
                0.0
            } else {
                f32::NAN
            };
            square.is_finite() || row.iter().all(|number| number.is_finite())
        };
        let are_finite = table.par_chunks(dimensions).zip(&mut inverse_lengths).with_min_len(ROWS).map(inverse_length);
        // Not `all`, which would leave lengths out.
        if are_finite.filter(|is_finite| !is_finite).count() > 0 {
            let is_wrong = |row: &[f32]| !row.iter().all(|number| number.is_finite());
            let word = table.chunks_exact(dimensions).position(is_wrong).map_or("", |row| &words[row]);
            return Err(invalid(format!("the vector of {word:?} has a number that is not finite")));
        }
        Ok((Self { words, index, table, inverse_lengths, dimensions, level }, repeated))
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The numbers of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The words, in the order of their rows.
    pub fn words(&self) -> &[Box<str>] {
        &self.words
    }

    /// The word of row `index`, which is less than [`WordVectors::len`].
    pub fn word(&self, index: u32) -> &str {
        &self.words[index as usize]
    }

    /// All vectors, row after row.
    pub fn table(&self) -> &[f32] {
        &self.table
    }

    /// The row of a word.
    pub fn row_of(&self, word: &str) -> Option<u32> {
        self.index.get(word).copied()
    }

    /// The vector of a word.
    pub fn get(&self, word: &str) -> Option<&[f32]> {
        self.row_of(word).map(|index| self.row(index))
    }

    fn row(&self, index: u32) -> &[f32] {
        &self.table[index as usize * self.dimensions..][..self.dimensions]
    }

    fn known(&self, word: &str) -> Result<u32> {
        self.row_of(word).ok_or_else(|| Error::UnknownWord { word: word.to_owned() })
    }

    /// The cosine of the angle between the vectors of two words.
    ///
    /// # Errors
    /// [`Error::UnknownWord`].
    pub fn similarity(&self, a: &str, b: &str) -> Result<f32> {
        let (a, b) = (self.known(a)?, self.known(b)?);
        let lengths = self.inverse_lengths[a as usize] * self.inverse_lengths[b as usize];
        if lengths.is_nan() {
            return Ok(cosine(self.row(a), self.row(b)));
        }
        Ok((dot(self.level, self.row(a), self.row(b)) * lengths).clamp(-1.0, 1.0))
    }

    /// The `count` words whose vectors point most nearly as that of `word` does, the nearest first, without itself.
    ///
    /// # Errors
    /// [`Error::UnknownWord`].
    pub fn nearest_to(&self, word: &str, count: usize) -> Result<Vec<Near>> {
        let index = self.known(word)?;
        Ok(self.search(&scaled(self.row(index))?, count, &[index]))
    }

    /// The `count` words whose vectors point most nearly as `vector` does, the nearest first.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`]; [`Error::InvalidOption`] when a number is not finite.
    pub fn nearest(&self, vector: &[f32], count: usize) -> Result<Vec<Near>> {
        if vector.len() != self.dimensions {
            return Err(Error::LengthMismatch { expected: self.dimensions, actual: vector.len() });
        }
        Ok(self.search(&scaled(vector)?, count, &[]))
    }

    /// What is to `c` as `b` is to `a`: the words nearest to b - a + c, of vectors made equally long, without the three
    /// themselves. (Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations", 3CosAdd.)
    ///
    /// # Errors
    /// [`Error::UnknownWord`].
    pub fn analogy(&self, a: &str, b: &str, c: &str, count: usize) -> Result<Vec<Near>> {
        let known = [self.known(a)?, self.known(b)?, self.known(c)?];
        let mut sum = filled(self.dimensions, 0.0)?;
        for (index, sign) in known.into_iter().zip([-1.0, 1.0, 1.0]) {
            let mut inverse = self.inverse_lengths[index as usize];
            let mut row = Cow::Borrowed(self.row(index));
            if inverse.is_nan() {
                row = Cow::Owned(scaled(&row)?);
                inverse = self.inverse_of(&row);
            }
            let factor = sign * inverse;
            sum.iter_mut().zip(&*row).for_each(|(sum, value)| *sum += factor * value);
        }
        Ok(self.search(&scaled(&sum)?, count, &known))
    }

    /// One over the length of a vector that is [`scaled`], 0 of one that is zero.
    fn inverse_of(&self, vector: &[f32]) -> f32 {
        let square = dot(self.level, vector, vector);
        if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
    }

    /// By all threads of the current rayon pool; of words that are equally near the one of the smaller row is first. `vector` is [`scaled`].
    fn search(&self, vector: &[f32], count: usize, without: &[u32]) -> Vec<Near> {
        let inverse = self.inverse_of(vector);
        let count = count.min(self.len());
        let nearest_in = |(chunk, rows): (usize, &[f32])| {
            let mut nearest = Nearest::new(count);
            let first = (chunk * ROWS) as u32;
            for (index, row) in (first..).zip(rows.chunks_exact(self.dimensions)) {
                let of_row = self.inverse_lengths[index as usize];
                let similarity =
                    if of_row.is_nan() { cosine(row, vector) } else { dot(self.level, row, vector) * of_row * inverse };
                if !without.contains(&index) {
                    nearest.add(Near { index, similarity: similarity.clamp(-1.0, 1.0) });
                }
            }
            nearest
        };
        let chunks = self.table.par_chunks(ROWS * self.dimensions).enumerate().map(nearest_in);
        chunks.reduce(|| Nearest::new(count), Nearest::joined).sorted()
    }
}

/// The cosine of the angle between vectors of any lengths, 0 when one of them is zero: slower than by [`dot`], and nothing that a 32-bit float
/// holds has a square that a 64-bit one does not.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let [mut products, mut of_a, mut of_b] = [0.0f64; 3];
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        products += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let lengths = of_a.sqrt() * of_b.sqrt();
    if lengths > 0.0 { (products / lengths).clamp(-1.0, 1.0) as f32 } else { 0.0 }
}

/// `vector` times a power of two that makes its largest number at least 1 and less than 2. No other bit of a cosine changes by it, and squares of very
/// large or small numbers are numbers.
fn scaled(vector: &[f32]) -> Result<Vec<f32>> {
    if let Some(number) = vector.iter().find(|number| !number.is_finite()) {
        let expected = "finite numbers".to_owned();
        return Err(Error::InvalidOption { option: "the vector", expected, received: number.to_string() });
    }
    let largest = vector.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
    // Of a 64-bit float, in which every 32-bit one is a normal number.
    let exponent = if largest > 0.0 { (f64::from(largest).to_bits() >> 52) as i32 - 1023 } else { 0 };
    let factor = 2f64.powi(-exponent);
    let mut scaled = reserved(vector.len())?;
    scaled.extend(vector.iter().map(|&number| (f64::from(number) * factor) as f32));
    Ok(scaled)
}

/// The best up to a number of them: the worst of these is on top.
struct Nearest {
    most: usize,
    heap: BinaryHeap<Worst>,
}

#[derive(PartialEq)]
struct Worst(Near);

impl Eq for Worst {}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Worst {
    /// The less similar one is greater; of equal ones that with the larger row.
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.similarity.total_cmp(&self.0.similarity).then(self.0.index.cmp(&other.0.index))
    }
}

impl Nearest {
    fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new() }
    }

    fn add(&mut self, near: Near) {
        if self.heap.len() < self.most {
            self.heap.push(Worst(near));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && Worst(near) < *worst
        {
            *worst = Worst(near);
        }
    }

    fn joined(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|Worst(near)| self.add(near));
        self
    }

    fn sorted(self) -> Vec<Near> {
        self.heap.into_sorted_vec().into_iter().map(|Worst(near)| near).collect()
    }
}

pub(crate) fn invalid(reason: String) -> Error {
    Error::InvalidFile { reason }
}
