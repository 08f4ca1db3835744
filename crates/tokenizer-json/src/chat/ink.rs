//! A second alphabet, in which only the template writes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Marks;

/// Characters that no input has, each standing for one that a template writes.
#[derive(Clone, Debug)]
pub(super) struct Ink {
    inked: HashMap<char, char>,
    plain: HashMap<char, char>,
    /// Around what a `{% generation %}` block writes.
    pub marks: Marks,
}

/// Where inks are taken from: private use and unassigned planes, whose characters have no case, no white space and no digits.
const PLANES: [std::ops::RangeInclusive<u32>; 3] = [0xf_0000..=0xf_fffd, 0x10_0000..=0x10_fffd, 0x4_0000..=0xd_fffd];

impl Ink {
    /// An ink for each of `chars`, none of them in `used`; `None` when the inputs use all there are.
    pub fn new(chars: impl IntoIterator<Item = char>, used: &HashSet<char>) -> Option<Self> {
        let mut free = PLANES.into_iter().flatten().filter_map(char::from_u32).filter(|c| !used.contains(c));
        let marks = Marks { start: free.next()?, end: free.next()? };
        let (mut inked, mut plain) = (HashMap::new(), HashMap::new());
        for c in chars {
            if let Entry::Vacant(place) = inked.entry(c) {
                let ink = free.next()?;
                place.insert(ink);
                plain.insert(ink, c);
            }
        }
        Some(Self { inked, plain, marks })
    }

    /// `text` in ink. Characters without an ink stay as they are.
    pub fn write(&self, text: &str) -> String {
        text.chars().map(|c| self.inked.get(&c).copied().unwrap_or(c)).collect()
    }

    /// `source` with what is in `ranges` (ascending) in ink.
    pub fn write_ranges(&self, source: &str, ranges: &[Range<usize>]) -> String {
        let mut out = String::with_capacity(source.len() * 2);
        let mut end = 0;
        for range in ranges {
            let start = range.start.max(end);
            if start >= range.end {
                continue;
            }
            out.push_str(&source[end..start]);
            out.push_str(&self.write(&source[start..range.end]));
            end = range.end;
        }
        out.push_str(&source[end..]);
        out
    }

    /// Reads `rendered`: `None` unless it says `text`. Ranges are bytes of `text`.
    pub fn read(&self, rendered: &str, text: &str) -> Option<Reading> {
        let mut reading = Reading::default();
        let mut starts = Vec::new();
        let mut chars = text.char_indices();
        for c in rendered.chars() {
            if c == self.marks.start {
                starts.push(text.len() - chars.as_str().len());
                continue;
            }
            if c == self.marks.end {
                let end = text.len() - chars.as_str().len();
                reading.generations.push(starts.pop()?..end);
                continue;
            }
            let (at, expected) = chars.next()?;
            match self.plain.get(&c) {
                Some(&plain) if plain == expected => reading.push_ink(at..at + expected.len_utf8()),
                None if c == expected => {}
                _ => return None,
            }
        }
        (chars.next().is_none() && starts.is_empty()).then_some(reading)
    }
}

/// What a rendering in ink tells about the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// What the template wrote in ink, in order, no two touching.
    pub inked: Vec<Range<usize>>,
    /// What `{% generation %}` blocks wrote.
    pub generations: Vec<Range<usize>>,
}

impl Reading {
    fn push_ink(&mut self, range: Range<usize>) {
        match self.inked.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.inked.push(range),
        }
    }

    /// Adds what `other` tells.
    pub fn add(&mut self, other: Self) {
        self.generations.extend(other.generations);
        let mut all = std::mem::take(&mut self.inked);
        all.extend(other.inked);
        all.sort_by_key(|range| range.start);
        for range in all {
            match self.inked.last_mut() {
                Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
                _ => self.inked.push(range),
            }
        }
    }
}
