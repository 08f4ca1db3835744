//! Many texts in one call, on several numbers of threads: the ids must be those of each text alone.

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokenmill_bpe::{SpecialPolicy, Tokenizer};

/// How many numbers of threads are tried.
pub const POOLS: usize = THREADS.len();

const THREADS: [usize; 4] = [1, 2, 3, 8];

/// A pool for each number of threads.
pub struct Together(Vec<ThreadPool>);

impl Together {
    pub fn new() -> Self {
        let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        Self(THREADS.map(pool).into())
    }

    /// Encodes and counts `texts` with `tokenizer` on pool number `pool`. `ends`: where the ids of each end in `ids`.
    ///
    /// # Errors
    /// Which text has other ids than alone.
    pub fn check(
        &self,
        pool: usize,
        tokenizer: &Tokenizer,
        plain: &SpecialPolicy,
        texts: &[&str],
        ids: &[u32],
        ends: &[usize],
    ) -> Result<(), String> {
        let (rows, counts) = self.0[pool]
            .install(|| (tokenizer.encode_batch(texts, plain, None), tokenizer.count_batch(texts, plain, None)));
        let rows = rows.map_err(|failure| failure.error.to_string())?;
        let counts = counts.map_err(|failure| failure.error.to_string())?;
        let mut start = 0;
        for (row, &end) in ends.iter().enumerate() {
            let (alone, found) = (&ids[start..end], &rows.ids[rows.starts[row]..rows.starts[row + 1]]);
            if found != alone || counts[row] != alone.len() {
                return Err(format!(
                    "threads {}, text {row} of {} has {} ids alone; together {} are given and {} counted{}",
                    THREADS[pool],
                    texts.len(),
                    alone.len(),
                    found.len(),
                    counts[row],
                    if found.len() == alone.len() { ", others" } else { "" },
                ));
            }
            start = end;
        }
        Ok(())
    }
}
