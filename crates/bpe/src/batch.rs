//! Several texts, or one long one, on all threads of the current rayon pool.
//!
//! Long texts are cut into parts, at allowed special tokens and then where [`Tokenizer::split_before`] allows it;
//! short ones are one part each. Neighbouring parts make a task of some 64 KiB. Threads take the next task in turn; where tasks and
//! cuts are does not depend on the threads, and neither do the ids.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::first_failed::FirstFailed;
use crate::joined::{Joined, concatenated};
use crate::sink::{Counter, Sink, reserve};
use crate::{Error, Ids, SpecialPolicy, Tokenizer, Worker};

/// Longer texts are divided among all threads by [`Tokenizer::encode_batch`], in bytes.
pub const LONG_TEXT: usize = 256 << 10;
/// The length of a part of a long text, where it can be cut, in bytes.
const PART: usize = 128 << 10;
/// Parts are put together to tasks of at least this length, in bytes.
const TASK: usize = 64 << 10;

/// The ids of several texts.
#[derive(Debug, Default)]
pub struct Rows {
    /// Those of all texts, one after the other.
    pub ids: Ids,
    /// Where those of each text start, and at last `ids.len()`.
    pub starts: Vec<usize>,
}

/// An error and the index of the text that it is about.
#[derive(Debug)]
pub struct RowError {
    /// The index of the text.
    pub row: usize,
    /// What is wrong with it.
    pub error: Error,
}

impl Tokenizer {
    /// The ids of `texts`, with special tokens by `policy`: those of [`Tokenizer::encode`], whatever the number of threads. Stops
    /// soon after `cancel` is set, or a text has an error; only a piece that has no place to cut is encoded to its end.
    ///
    /// # Errors
    /// That of the first text that has one.
    pub fn encode_batch(
        &self,
        texts: &[&str],
        policy: &SpecialPolicy,
        cancel: Option<&AtomicBool>,
    ) -> Result<Rows, RowError> {
        let mut plan = Plan::of(self, texts, policy, cancel);
        let mut ids = Ids::of_text(texts.iter().map(|text| text.len()).sum::<usize>().saturating_mul(self.factor()));
        let joined = Joined::new(&mut ids);
        let ends = plan.run(|bytes| joined.memory(bytes), Vec::len, |task, ids| joined.take(task, ids), cancel);
        let (length, rest) = joined.into_parts();
        // Also of those that nobody gets: it is known then how much memory they took.
        ids.add(length);
        let ends = ends?;
        if !rest.is_empty() {
            ids = concatenated(rest).map_err(|error| RowError { row: 0, error })?.into();
        }
        Ok(Rows { ids, starts: plan.row_starts(texts.len(), &ends) })
    }

    /// How many ids [`Tokenizer::encode_batch`] gives for each text.
    ///
    /// # Errors
    /// That of the first text that has one.
    pub fn count_batch(
        &self,
        texts: &[&str],
        policy: &SpecialPolicy,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<usize>, RowError> {
        let mut plan = Plan::of(self, texts, policy, cancel);
        let ends = plan.run(|_| Ok(Counter::default()), |count| count.0, |_, _| (), cancel)?;
        let starts = plan.row_starts(texts.len(), &ends);
        Ok(starts.windows(2).map(|row| row[1] - row[0]).collect())
    }
}

/// A stretch of one text that is encoded on its own.
struct Part<'t> {
    row: usize,
    content: Content<'t>,
}

enum Content<'t> {
    /// A whole text, with special tokens.
    Text(&'t str),
    /// A stretch of a text, without special tokens.
    Plain(&'t str, Range<usize>),
    Special(u32),
}

impl Content<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Plain(_, range) => range.len(),
            Self::Special(_) => 0,
        }
    }
}

/// What has to be done, in the order of the texts.
struct Plan<'t> {
    tokenizer: &'t Tokenizer,
    policy: &'t SpecialPolicy,
    parts: Vec<Part<'t>>,
    /// Of `parts`.
    tasks: Vec<Range<usize>>,
    /// Of the first long text that has an error; texts from it on have no parts.
    failure: Option<RowError>,
}

/// How long the sink of a task was after each of its parts.
type Ends = Vec<usize>;

impl<'t> Plan<'t> {
    fn of(tokenizer: &'t Tokenizer, texts: &[&'t str], policy: &'t SpecialPolicy, cancel: Option<&AtomicBool>) -> Self {
        let mut plan = Self { tokenizer, policy, parts: Vec::new(), tasks: Vec::new(), failure: None };
        let is_long = |text: &str| text.len() > LONG_TEXT;
        let long: Vec<(usize, &str)> = texts.iter().copied().enumerate().filter(|(_, text)| is_long(text)).collect();
        let first_failed = FirstFailed::default();
        let cut_one = |&(row, text): &(usize, _)| {
            (!first_failed.is_before(row)).then(|| first_failed.note(row, plan.cut(row, text, cancel)))
        };
        let cut: Vec<_> = long.par_iter().map(cut_one).collect();
        // What was not cut is behind a failure.
        let mut cut = cut.into_iter().flatten();
        for (row, &text) in texts.iter().enumerate() {
            let added = if is_long(text) {
                let parts = cut.next().expect("every long text was cut");
                parts.and_then(|parts| reserve(&mut plan.parts, parts.len()).map(|()| plan.parts.extend(parts)))
            } else {
                let part = Part { row, content: Content::Text(text) };
                reserve(&mut plan.parts, 1).map(|()| plan.parts.push(part))
            };
            if let Err(error) = added {
                plan.failure = Some(RowError { row, error });
                break;
            }
        }
        let (mut start, mut length) = (0, 0);
        for (index, part) in plan.parts.iter().enumerate() {
            length += part.content.len();
            if length >= TASK {
                plan.tasks.push(start..index + 1);
                (start, length) = (index + 1, 0);
            }
        }
        if start < plan.parts.len() {
            plan.tasks.push(start..plan.parts.len());
        }
        plan
    }

    /// The parts of a long text.
    fn cut(&self, row: usize, text: &'t str, cancel: Option<&AtomicBool>) -> Result<Vec<Part<'t>>, Error> {
        self.policy.check(text, cancel)?;
        let (mut parts, mut start) = (Vec::new(), 0);
        reserve(&mut parts, text.len() / PART + 1)?;
        loop {
            let special = self.policy.next_allowed(text, start, cancel)?;
            let end = special.map_or(text.len(), |special| special.start);
            while let Some(length) = self.place_to_cut(&text[start..end], cancel)? {
                reserve(&mut parts, 1)?;
                parts.push(Part { row, content: Content::Plain(text, start..start + length) });
                start += length;
            }
            reserve(&mut parts, 2)?;
            // The last one is there for a row without any.
            if start < end || special.is_none() {
                parts.push(Part { row, content: Content::Plain(text, start..end) });
            }
            let Some(special) = special else { return Ok(parts) };
            parts.push(Part { row, content: Content::Special(special.id) });
            start = special.end;
        }
    }

    /// The first place to cut `text` that makes a long enough part.
    fn place_to_cut(&self, text: &str, cancel: Option<&AtomicBool>) -> Result<Option<usize>, Error> {
        let (mut from, mut to) = (PART / 2, PART);
        while to < text.len() {
            if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(Error::Cancelled);
            }
            if let Some(at) = self.tokenizer.split_before(text, from, to) {
                return Ok(Some(at));
            }
            (from, to) = (to, to + PART);
        }
        Ok(None)
    }

    /// Runs all tasks. Each has a `new` sink, for its number of bytes, that is given to `take` with its number when it is done. The results are in the order of
    /// the tasks.
    fn run<S: Sink>(
        &mut self,
        new: impl Fn(usize) -> Result<S, Error> + Sync,
        len: impl Fn(&S) -> usize + Sync,
        take: impl Fn(usize, S) + Sync,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<Ends>, RowError> {
        let one = |index: usize, task: &Range<usize>, worker: &mut Worker| -> Result<Ends, RowError> {
            let parts = &self.parts[task.clone()];
            let made = new(parts.iter().map(|part| part.content.len()).sum());
            let mut sink = made.map_err(|error| RowError { row: parts[0].row, error })?;
            let mut ends = Vec::new();
            reserve(&mut ends, parts.len()).map_err(|error| RowError { row: parts[0].row, error })?;
            for part in parts {
                match &part.content {
                    Content::Text(text) => self.tokenizer.encode_to(text, self.policy, worker, &mut sink, cancel),
                    Content::Plain(text, range) => {
                        self.tokenizer.encode_part(text, range.clone(), worker, &mut sink, cancel)
                    }
                    Content::Special(id) => sink.reserve(1).map(|()| sink.push(*id)),
                }
                .map_err(|error| RowError { row: part.row, error })?;
                ends.push(len(&sink));
            }
            take(index, sink);
            Ok(ends)
        };
        let threads = rayon::current_num_threads().min(self.tasks.len());
        let (next, first_failed) = (AtomicUsize::new(0), FirstFailed::default());
        // One job for each thread, not one for each task: a worker is as warm as its thread has made it.
        let job = |_| {
            let mut worker = self.tokenizer.idle_worker();
            let mut results = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(task) = self.tasks.get(index).filter(|_| !first_failed.is_before(index)) else {
                    return results;
                };
                results.push((index, first_failed.note(index, one(index, task, &mut worker))));
            }
        };
        let mut results: Vec<(usize, Result<Ends, RowError>)> = if threads <= 1 {
            job(0)
        } else {
            (0..threads).into_par_iter().with_max_len(1).flat_map_iter(job).collect()
        };
        results.sort_unstable_by_key(|&(index, _)| index);
        // The error of the first text that has one, whichever thread was the fastest: what was left out is behind it.
        let done = results.into_iter().map(|(_, result)| result).collect::<Result<Vec<_>, _>>()?;
        self.failure.take().map_or(Ok(done), Err)
    }

    /// Where the ids of each of `count` rows start, and at last where they end.
    fn row_starts(&self, count: usize, ends: &[Ends]) -> Vec<usize> {
        let mut starts = vec![0; count + 1];
        let mut before = 0;
        for (task, ends) in self.tasks.iter().zip(ends) {
            for (part, &end) in self.parts[task.clone()].iter().zip(ends) {
                starts[part.row + 1] = before + end;
            }
            before += ends.last().copied().unwrap_or(0);
        }
        starts
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;
    use tokenmill_testkit::cases;

    use super::*;
    use crate::Encoding;

    #[test]
    fn no_task_begins_behind_one_that_failed() {
        let tokenizer = Tokenizer::from_encoding(Encoding::R50kBase, cases::read("encodings/r50k_base.bpe"));
        let tokenizer = tokenizer.expect("well-formed");
        let policy = tokenizer.special_policy(&[], &["<|endoftext|>"]).expect("it is one");
        let fine = "a b ".repeat(TASK / 4);
        let wrong = format!("{}<|endoftext|>", &fine[..TASK]);
        for (threads, first) in [(1, 0), (1, 7), (4, 7)] {
            let mut texts = vec![&*fine; 200];
            texts[first] = &wrong;
            texts[first + 1] = &wrong;
            let begun = AtomicUsize::new(0);
            let new = |_| {
                begun.fetch_add(1, Ordering::Relaxed);
                Ok(Counter::default())
            };
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
            let run =
                || Plan::of(&tokenizer, &texts, &policy, None).run(new, |count| count.0, |_, _| (), None).map(|_| ());
            assert_eq!(pool.install(run).expect_err("it is refused").row, first);
            // Others may have begun before.
            assert!(threads > 1 || begun.into_inner() == first + 1);
        }
    }
}
