//! Stretches of one text, of which some may hold special tokens and others not, as the text of a chat has them.

use crate::added::{Found, Policy};
use crate::error::Result;
use crate::memory::with_room;
use crate::tokenizer::Tokenizer;
use crate::words::{Start, Until};

/// A stretch of a text, and which added tokens count in it.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    /// What it says.
    pub text: &'a str,
    /// Which added tokens count.
    pub policy: &'a Policy,
}

/// Segments as one text.
pub(crate) struct Segments<'a> {
    pub text: String,
    all: &'a [Segment<'a>],
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl<'a> Segments<'a> {
    fn new(segments: &'a [Segment<'a>]) -> Result<Self> {
        let length = segments.iter().map(|segment| segment.text.len()).sum();
        let mut text = with_room(length)?;
        let ends = segments.iter().map(|segment| {
            text.push_str(segment.text);
            text.len()
        });
        let ends = ends.collect();
        Ok(Self { text, all: segments, ends })
    }

    /// Where each starts, what it says, and which tokens count in it.
    pub fn each(&self) -> impl Iterator<Item = (usize, &'a str, &'a Policy)> + '_ {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        self.all.iter().zip(starts).map(|(segment, start)| (start, segment.text, segment.policy))
    }

    /// Which segment the byte at `place` is of.
    fn at(&self, place: usize) -> usize {
        self.ends.partition_point(|&end| end <= place)
    }
}

/// Ids of segments, row after row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SegmentIds {
    /// The ids of all of them.
    pub ids: Vec<u32>,
    /// How many ids there are up to the end of each segment.
    pub ends: Vec<usize>,
}

impl Tokenizer {
    /// The ids of `segments` as one text, which has no beginning but its own. Added tokens count by the policy of their segment, and never across two; those
    /// that are looked for in what is normalized by `between`. A segment starts with a new token, but where the `tokenizers` crate is asked: it makes those of
    /// two segments together that are none by added tokens.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`] but for tokens that are refused.
    pub fn encode_segments(&self, segments: &[Segment], between: &Policy) -> Result<SegmentIds> {
        let segments = Segments::new(segments)?;
        if let Some(found) = self.segments_by_words(&segments, between)? {
            return Ok(found);
        }
        let encoding = self.encoding_of_segments(&segments, between)?;
        let mut ends = vec![0; segments.ends.len()];
        for (number, &(start, _)) in encoding.get_offsets().iter().enumerate() {
            if let Some(end) = ends.get_mut(segments.at(start)) {
                *end = number + 1;
            }
        }
        Ok(SegmentIds { ids: encoding.get_ids().to_vec(), ends: rising(ends) })
    }

    /// [`Tokenizer::encode_segments`] without the `tokenizers` crate; `None` where it has to be asked.
    fn segments_by_words(&self, segments: &Segments, between: &Policy) -> Result<Option<SegmentIds>> {
        let Some(words) = self.words(between) else { return Ok(None) };
        let text = &*segments.text;
        // Where white space is not kept, it says that a word starts, which it is a part of.
        let cuts: Vec<usize> = if words.keeps_spaces() {
            segments.ends.clone()
        } else {
            segments
                .ends
                .iter()
                .map(|&end| if end == text.len() { end } else { text[..end].trim_end().len() })
                .collect()
        };
        let (mut ids, mut ends) = (Vec::new(), vec![0; cuts.len()]);
        let (mut done, mut start) = (0, Start::OfText);
        let until = Until { cancel: None, most: usize::MAX };
        for found in self.added.find_in_segments(segments, between).map(Some).chain([None]) {
            let next = found.as_ref().map_or(text.len(), |found| found.start);
            while done < next {
                let row = cuts.partition_point(|&cut| cut <= done);
                let to = cuts.get(row).map_or(next, |&cut| cut.min(next));
                if !self.encode_stretch(words, &text[done..to], start, &mut ids, until)?.has_ids()? {
                    return Ok(None);
                }
                if let Some(end) = ends.get_mut(row) {
                    *end = ids.len();
                }
                (done, start) = (to, Start::AtCut);
            }
            if let Some(Found { id, end, at, .. }) = found {
                ids.push(id);
                ends[segments.at(at)] = ids.len();
                (done, start) = (done.max(end), Start::AfterToken);
            }
        }
        Ok(Some(SegmentIds { ids, ends: rising(ends) }))
    }
}

/// Each as large as those before it.
fn rising(mut ends: Vec<usize>) -> Vec<usize> {
    let mut most = 0;
    for end in &mut ends {
        most = most.max(*end);
        *end = most;
    }
    ends
}
