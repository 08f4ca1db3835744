//! Tokens by their bytes: a double array, as in J. Aoe, "An Efficient Digital Search Algorithm by Using a Double-Array Structure" (1989), whose places are
//! found with an exclusive or.

/// Where a text goes on in a [`Trie`].
#[derive(Clone, Copy)]
struct Unit {
    /// The place of the child for a byte is `base ^ byte`. No two units that have children have one base.
    base: u32,
    /// The token that ends here.
    token: u32,
    /// The byte that leads here, [`Unit::FREE`] where none does.
    label: u16,
}

impl Unit {
    const FREE: u16 = u16::MAX;
    const EMPTY: Self = Self { base: 0, token: Trie::NONE, label: Self::FREE };
}

/// Finds which tokens a text starts with.
pub(crate) struct Trie {
    /// A multiple of 256, so that a base leads to none outside.
    units: Box<[Unit]>,
}

impl Trie {
    /// In place of a token.
    const NONE: u32 = u32::MAX;

    /// Of two tokens with the same bytes the last is found; of an empty one nothing.
    pub fn new(mut tokens: Vec<(&[u8], u32)>) -> Self {
        tokens.sort_by_key(|&(bytes, _)| bytes);
        let mut places = Places::new();
        // Of tokens that start alike: where they are in the list, how many bytes are alike, and the unit these lead to.
        let mut open = vec![(0, tokens.len(), 0, 0)];
        let mut labels = Vec::new();
        while let Some((mut start, end, depth, unit)) = open.pop() {
            while let Some((_, token)) = tokens[start..end].first().filter(|(bytes, _)| bytes.len() == depth) {
                places.units[unit].token = *token;
                start += 1;
            }
            labels.clear();
            labels.extend(tokens[start..end].iter().map(|(bytes, _)| bytes[depth]));
            let children = labels.chunk_by(|one, next| one == next);
            let children: Vec<(u8, usize)> = children.map(|chunk| (chunk[0], chunk.len())).collect();
            if children.is_empty() {
                continue;
            }
            let base = places.take(&children);
            places.units[unit].base = base;
            for (label, count) in children {
                open.push((start, start + count, depth + 1, base as usize ^ usize::from(label)));
                start += count;
            }
        }
        Self { units: places.units.into() }
    }

    /// The tokens that `bytes` start with, and their lengths, shortest first.
    #[inline(always)]
    pub fn starts<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (u32, usize)> + 'a {
        let mut base = self.units[0].base;
        let units = bytes.iter().map_while(move |&byte| {
            let unit = self.units[(base ^ u32::from(byte)) as usize];
            base = unit.base;
            (unit.label == u16::from(byte)).then_some(unit.token)
        });
        units.zip(1..).filter(|&(token, _)| token != Self::NONE)
    }

    /// The longest token that `bytes` start with, and its length.
    #[inline(always)]
    pub fn longest_start(&self, bytes: &[u8]) -> Option<(u32, usize)> {
        self.starts(bytes).last()
    }

    /// The token that is `bytes`.
    pub fn token(&self, bytes: &[u8]) -> Option<u32> {
        self.starts(bytes).find(|&(_, length)| length == bytes.len()).map(|(token, _)| token)
    }
}

/// Which places of a double array are free: a ring of them, in which the root stands for its ends.
struct Places {
    units: Vec<Unit>,
    is_base: Vec<bool>,
    next: Vec<u32>,
    previous: Vec<u32>,
}

impl Places {
    /// The first unit is the root, which no byte leads to.
    fn new() -> Self {
        let mut places = Self { units: vec![Unit::EMPTY], is_base: vec![true], next: vec![0], previous: vec![0] };
        // No other one is at its place; its base is that of units without children.
        places.grow(255);
        places
    }

    fn grow(&mut self, count: usize) {
        let length = self.units.len();
        self.units.resize(length + count, Unit::EMPTY);
        self.is_base.resize(length + count, false);
        for place in length..length + count {
            let last = std::mem::replace(&mut self.previous[0], place as u32);
            self.next[last as usize] = place as u32;
            self.next.push(0);
            self.previous.push(last);
        }
    }

    fn fits(&self, base: u32, children: &[(u8, usize)]) -> bool {
        let is_free = |&(label, _): &(u8, usize)| {
            let place = base ^ u32::from(label);
            place != 0 && self.units[place as usize].label == Unit::FREE
        };
        !self.is_base[base as usize] && children.iter().all(is_free)
    }

    /// Takes the places of `children` at a base of their own, which it gives.
    fn take(&mut self, children: &[(u8, usize)]) -> u32 {
        /// So many free places are tried, which keeps the time in proportion.
        const TRIES: usize = 64;
        let first = u32::from(children[0].0);
        // The newest are tried first.
        let free = std::iter::successors(Some(self.previous[0]), |&place| Some(self.previous[place as usize]));
        let tried = free.take_while(|&place| place != 0).take(TRIES).map(|place| place ^ first);
        let base = { tried }.find(|&base| self.fits(base, children)).unwrap_or_else(|| {
            let new = self.units.len() as u32;
            self.grow(256);
            new
        });
        for &(label, _) in children {
            let place = base as usize ^ usize::from(label);
            self.units[place].label = u16::from(label);
            let (previous, next) = (self.previous[place], self.next[place]);
            self.next[previous as usize] = next;
            self.previous[next as usize] = previous;
        }
        self.is_base[base as usize] = true;
        base
    }
}

#[cfg(test)]
mod tests {
    use tokenmill_testkit::rng::Rng;

    use super::*;

    #[test]
    fn tokens_are_found_where_they_start() {
        let mut rng = Rng::new(3);
        for round in 0..200 {
            let count = if round % 10 == 0 { 3000 } else { rng.below(60) };
            let alphabet: &[u8] = if round % 2 == 0 { b"ab\0\xff" } else { b"abcdefghijklmnopqrstuvwxyz" };
            let word = |rng: &mut Rng, most: usize| -> Vec<u8> {
                (0..rng.below(most)).map(|_| *rng.choose(alphabet)).collect()
            };
            let tokens: Vec<Vec<u8>> = (0..count).map(|_| word(&mut rng, 6)).collect();
            let trie = Trie::new(tokens.iter().zip(0..).map(|(bytes, id)| (&**bytes, id)).collect());
            for _ in 0..100 {
                let text = word(&mut rng, 12);
                let last = |part: &[u8]| tokens.iter().rposition(|token| token == part).map(|id| id as u32);
                let expected: Vec<_> =
                    (1..=text.len()).filter_map(|length| Some((last(&text[..length])?, length))).collect();
                assert_eq!(trie.starts(&text).collect::<Vec<_>>(), expected);
                assert_eq!(trie.longest_start(&text), expected.last().copied());
                assert_eq!(trie.token(&text), if text.is_empty() { None } else { last(&text) });
            }
        }
    }

    #[test]
    fn many_tokens_take_room_in_proportion() {
        let tokens: Vec<Vec<u8>> =
            (0..100_000_u32).map(|id| id.wrapping_mul(0x9e37_79b9).to_be_bytes().to_vec()).collect();
        let trie = Trie::new(tokens.iter().zip(0..).map(|(bytes, id)| (&**bytes, id)).collect());
        assert!(tokens.iter().zip(0..).all(|(bytes, id)| trie.token(bytes) == Some(id)));
        assert!(trie.units.len() < 400_000, "{}", trie.units.len());
    }
}
