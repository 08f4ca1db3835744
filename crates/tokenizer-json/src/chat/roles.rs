//! Roles that a template makes special tokens of.

use std::collections::HashSet;
use std::ops::Range;

use super::ChatTemplate;
use super::literals::Kind;
use super::values::Values;

/// Roles of which a template may make special tokens.
pub const ROLES: [&str; 12] = [
    "assistant",
    "developer",
    "environment",
    "function",
    "human",
    "ipython",
    "model",
    "observation",
    "system",
    "think",
    "tool",
    "user",
];

/// Roles that are parts of special tokens here, and the stretches of the template that are the rest of them.
#[derive(Default)]
pub(super) struct RoleTokens {
    pub roles: HashSet<String>,
    pub ranges: Vec<Range<usize>>,
}

impl ChatTemplate {
    /// Which roles of the messages are parts of special tokens that the template puts together.
    pub(super) fn role_tokens(&self, values: &Values) -> RoleTokens {
        let mut tokens = RoleTokens::default();
        for role in values.roles().into_iter().filter(|role| ROLES.contains(&role.as_str())) {
            for token in self.special.iter().filter(|token| token.len() > role.len()) {
                for (at, _) in token.match_indices(&role) {
                    let (before, after) = (&token[..at], &token[at + role.len()..]);
                    let tails: Vec<_> = self.ranges_of(before, |text| text.ends_with(before), true).collect();
                    let heads: Vec<_> = self.ranges_of(after, |text| text.starts_with(after), false).collect();
                    if (before.is_empty() || !tails.is_empty()) && (after.is_empty() || !heads.is_empty()) {
                        tokens.roles.insert(role.clone());
                        tokens.ranges.extend(tails.into_iter().chain(heads));
                    }
                }
            }
        }
        // What roles are compared with is in ink as they are.
        for (kind, range) in &self.literals {
            if *kind == Kind::Str && tokens.roles.contains(&self.source[range.clone()]) {
                tokens.ranges.push(range.clone());
            }
        }
        tokens
    }

    /// Where `part`, if it is not empty, is the tail or the head of a literal.
    fn ranges_of<'a>(
        &'a self,
        part: &'a str,
        fits: impl Fn(&str) -> bool + 'a,
        tail: bool,
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let fitting =
            self.literals.iter().filter(move |(_, range)| !part.is_empty() && fits(&self.source[range.clone()]));
        fitting.map(
            move |(_, range)| {
                if tail { range.end - part.len()..range.end } else { range.start..range.start + part.len() }
            },
        )
    }
}
