//! Renderings in ink, until it is known which literals are compared and which are written.

use std::ops::Range;
use std::sync::PoisonError;

use super::engine::Engine;
use super::ink::{Ink, Reading};
use super::roles::RoleTokens;
use super::run::run;
use super::values::Values;
use super::{ChatTemplate, Error, Inked, Marks};

/// How many renderings are tried to find the literals that a template compares with.
const MOST_TRIES: usize = 200;
/// All of them together have as much fuel as so many templates.
const FUEL_OF_TRIES: u64 = 2;
/// What a rendering in ink may take more than the one without: inks are longer, and comparisons come to other ends.
const MORE_IN_INK: u64 = 4;
const LEAST_IN_INK: u64 = 2_000;

/// What may be in ink, or not, to find out which literals are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Site(Range<usize>),
    Variables,
    Roles,
    Generations,
}

/// A text and all that it was made of.
pub(super) struct Attempt<'a> {
    text: &'a str,
    values: &'a Values,
    ink: &'a Ink,
    roles: &'a RoleTokens,
    /// What each may take.
    fuel: u64,
}

impl<'a> Attempt<'a> {
    /// Attempts to read `text`, for which the template spent so much of its fuel.
    pub fn new(text: &'a str, spent: u64, values: &'a Values, ink: &'a Ink, roles: &'a RoleTokens) -> Self {
        Self { text, values, ink, roles, fuel: (MORE_IN_INK * spent + LEAST_IN_INK).min(values.fuel) }
    }
}

/// What is left for renderings in ink.
struct Left {
    tries: usize,
    fuel: u64,
}

impl ChatTemplate {
    /// What is read of the text in ink.
    pub(super) fn read(&self, parts: &[Part], attempt: &Attempt<'_>) -> Result<Reading, Error> {
        let mut reading = Reading::default();
        let mut left = Left { tries: MOST_TRIES, fuel: FUEL_OF_TRIES * attempt.values.fuel };
        self.try_parts(parts, attempt, &mut left, &mut reading)?;
        Ok(reading)
    }

    /// Renders with `parts` in ink and adds what is read; when that says another text, with each half of them.
    fn try_parts(
        &self,
        parts: &[Part],
        attempt: &Attempt<'_>,
        left: &mut Left,
        reading: &mut Reading,
    ) -> Result<(), Error> {
        if parts.is_empty() {
            return Ok(());
        }
        let Attempt { text, values, ink, roles, fuel } = attempt;
        if left.tries == 0 || left.fuel < *fuel {
            let message = "the chat template compares too many special tokens with what messages say".to_owned();
            return Err(Error::Limit { message });
        }
        let marks = parts.contains(&Part::Generations).then_some(ink.marks);
        let with_roles = parts.contains(&Part::Roles);
        let mut ranges: Vec<Range<usize>> = parts
            .iter()
            .filter_map(|part| if let Part::Site(range) = part { Some(range.clone()) } else { None })
            .chain(roles.ranges.iter().filter(|_| with_roles).cloned())
            .collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let engine = self.in_ink(ink, ranges, marks)?;
        let variables = parts.contains(&Part::Variables);
        let none = RoleTokens::default();
        // A template in ink may fail where it does not without: it compares.
        let (rendered, used) =
            run(&engine, values, *fuel, Some((ink, variables)), if with_roles { roles } else { &none });
        left.tries -= 1;
        left.fuel -= used.min(*fuel);
        if let Some(found) = rendered.ok().and_then(|rendered| ink.read(&rendered, text)) {
            reading.add(found);
            return Ok(());
        }
        if parts.len() > 1 {
            let (first, second) = parts.split_at(parts.len() / 2);
            self.try_parts(first, attempt, left, reading)?;
            self.try_parts(second, attempt, left, reading)?;
        }
        Ok(())
    }

    /// The template with `ranges` in ink.
    fn in_ink(&self, ink: &Ink, ranges: Vec<Range<usize>>, marks: Option<Marks>) -> Result<Engine, Error> {
        let source = ink.write_ranges(&self.source, &ranges);
        let mut last = self.inked.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |inked: &&Inked| inked.ranges == ranges && inked.marks == marks && inked.engine.program.source() == source;
        if let Some(inked) = last.as_ref().filter(same) {
            return Ok(inked.engine.clone());
        }
        let engine = Engine::new(source, marks).map_err(|error| Error::from_engine(&error))?;
        *last = Some(Inked { ranges, marks, engine: engine.clone() });
        Ok(engine)
    }
}
