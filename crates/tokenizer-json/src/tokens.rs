//! The tokens of a model and their ids, looked up both ways.

use std::fmt;

use ahash::RandomState;
use hashbrown::HashTable;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::error::{Result, invalid};
use crate::file::Text;

/// Texts and ids as they are read, in any order.
#[derive(Default)]
pub(crate) struct List {
    /// All texts, one after the other: no longer than a file may be.
    texts: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    length: u32,
    id: u32,
}

/// Tokens, each at a place of its own. No token is there twice; several may have one id.
pub(crate) struct Tokens {
    texts: String,
    /// By ascending id, and of one id by text.
    entries: Vec<Entry>,
    /// Places by text. Its hashes have a secret: files can be made whose tokens meet in one.
    by_text: HashTable<u32>,
    hasher: RandomState,
}

fn text<'a>(texts: &'a str, entry: &Entry) -> &'a str {
    &texts[entry.start as usize..][..entry.length as usize]
}

impl List {
    pub fn push(&mut self, text: &str, id: u32) {
        self.entries.push(Entry { start: self.texts.len() as u32, length: text.len() as u32, id });
        self.texts.push_str(text);
    }
}

impl Tokens {
    /// # Errors
    /// [`Error::InvalidFile`](crate::Error::InvalidFile) when a token is there twice.
    pub fn new(List { texts, mut entries }: List) -> Result<Self> {
        let key = |entry: &Entry| (entry.id, text(&texts, entry));
        if !entries.is_sorted_by_key(key) {
            entries.sort_by(|one, other| key(one).cmp(&key(other)));
        }
        let hasher = RandomState::new();
        let mut by_text = HashTable::with_capacity(entries.len());
        let hash = |&place: &u32| hasher.hash_one(text(&texts, &entries[place as usize]));
        for place in 0..entries.len() as u32 {
            let token = text(&texts, &entries[place as usize]);
            let is_it = |&other: &u32| text(&texts, &entries[other as usize]) == token;
            if by_text.find(hash(&place), is_it).is_some() {
                return Err(invalid(format!("model.vocab: the token {token:?} is there twice")));
            }
            by_text.insert_unique(hash(&place), place, hash);
        }
        Ok(Self { texts, entries, by_text, hasher })
    }

    /// How many there are, which is one more than the last place.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The token at `place`, which is one of a token.
    pub fn text(&self, place: u32) -> &str {
        text(&self.texts, &self.entries[place as usize])
    }

    /// The id of the token at `place`, which is one of a token.
    pub fn id(&self, place: u32) -> u32 {
        self.entries[place as usize].id
    }

    /// Where the token is whose text is `text`.
    pub fn place(&self, text: &str) -> Option<u32> {
        self.by_text.find(self.hasher.hash_one(text), |&place| self.text(place) == text).copied()
    }

    /// Where the tokens are that have the id `id`.
    pub fn places_of_id(&self, id: u32) -> std::ops::Range<u32> {
        let at = |place: u32| self.entries.get(place as usize).map(|entry| entry.id);
        // Most often no id is left out.
        let start = if at(id) == Some(id) && (id == 0 || at(id - 1) != Some(id)) {
            id
        } else {
            self.entries.partition_point(|entry| entry.id < id) as u32
        };
        let count = self.entries[start as usize..].iter().take_while(|entry| entry.id == id).count();
        start..start + count as u32
    }

    /// All of them, by ascending id: texts and ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u32)> + Clone {
        self.entries.iter().map(|entry| (text(&self.texts, entry), entry.id))
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = List;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object of tokens and their ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<List, A::Error> {
                let mut list = List::default();
                while let Some((Text(token), id)) = map.next_entry()? {
                    list.push(&token, id);
                }
                Ok(list)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(list: &[(&str, u32)]) -> Result<Tokens> {
        let mut all = List::default();
        for &(text, id) in list {
            all.push(text, id);
        }
        Tokens::new(all)
    }

    #[test]
    fn tokens_are_found_by_text_and_by_id() {
        for ids in [[0, 1, 2, 3], [3, 2, 1, 0], [7, 7, 0, 9], [5, 1, 1, 1], [0, 0, 0, 3], [u32::MAX, 0, 2, 2]] {
            let list: Vec<(&str, u32)> = ["", "a", "ab", "日"].into_iter().zip(ids).collect();
            let tokens = tokens(&list).expect("tokens");
            assert_eq!(tokens.len(), 4);
            let mut sorted = list.clone();
            sorted.sort_by_key(|&(text, id)| (id, text));
            assert_eq!(tokens.iter().collect::<Vec<_>>(), sorted);
            for &(text, id) in &list {
                let place = tokens.place(text).expect("a token");
                assert_eq!((tokens.text(place), tokens.id(place)), (text, id));
            }
            for id in (0..12).chain([u32::MAX]) {
                let found: Vec<_> = tokens.places_of_id(id).map(|place| (tokens.text(place), id)).collect();
                assert_eq!(found, sorted.iter().copied().filter(|&(_, other)| other == id).collect::<Vec<_>>(), "{id}");
            }
            assert!(tokens.place("b").is_none());
        }
        assert!(tokens(&[("a", 0), ("b", 1), ("a", 2)]).is_err());
    }
}
