//! Characters outside ASCII in a block: their classes as masks, so that the algebra of [`block`](super::block) goes for them too.

use super::class::{Class, class_at};
use super::masks::{BLOCK, Classify, Masks};
use super::rules::Letters;

impl Masks {
    /// Takes characters outside ASCII out of `high` and puts all bytes of each where its class belongs, up to the first one that is
    /// [of no word](crate::crossings::Crossings::is_of_no_word), white space, a number or too near the end of the block, which is valid UTF-8 from its
    /// start on.
    #[inline(always)]
    pub fn tell(&mut self, classify: impl Classify, block: &[u8; BLOCK], letters: Letters) {
        let mut leads = leads(classify, block);
        self.wide = self.high;
        self.rest = self.high & !leads;
        // It can be foreseen, as it is so in all of a text or in little of it.
        if Common::first_bytes(classify, block) & leads != 0 {
            leads ^= self.tell_common(Common::of(classify, block, leads), letters);
        }
        while leads != 0 {
            let at = leads.trailing_zeros() as usize;
            leads &= leads - 1;
            if at + 3 > BLOCK {
                break;
            }
            let (class, next) = class_at(block, at);
            if matches!(class, Class::Space | Class::Newline | Class::Number) {
                break;
            }
            let bytes = ((1 << (next - at)) - 1) << at;
            let of = |is_it: bool| if is_it { bytes } else { 0 };
            self.high ^= bytes;
            if letters == Letters::Plain {
                self.letter |= of(class.is_letter());
            } else {
                self.letter |= of(class.is_letter() || class == Class::Mark);
            }
            if letters == Letters::Cased {
                self.upper |= of(class == Class::Upper);
                self.caseless |= of(matches!(class, Class::Caseless | Class::Mark));
                self.mark |= of(class == Class::Mark);
            }
        }
    }

    /// Does it for `common` characters, and returns the first bytes of these. Those behind one where telling ends are told in vain: what is told ends at
    /// the first byte that stays in `high`.
    #[inline(always)]
    fn tell_common(&mut self, common: Common, letters: Letters) -> u64 {
        let Common { upper, lower, caseless } = common;
        let leads = upper | lower | caseless;
        let bytes = |leads: u64| leads | leads << 1;
        self.high ^= bytes(leads);
        self.letter |= bytes(leads);
        if letters == Letters::Cased {
            self.upper |= bytes(upper);
            self.caseless |= bytes(caseless);
        }
        leads
    }
}

/// The first bytes of the characters outside ASCII before the first one that is of no word.
#[inline(always)]
fn leads(classify: impl Classify, block: &[u8; BLOCK]) -> u64 {
    // The first bytes of characters outside ASCII; of those of no word; of Hangul and what is before and after it, which are of words; again of
    // those that are not.
    let [wide, east, hangul, others] = classify.at_least(block, [0xc0, 0xe3, 0xea, 0xef]);
    let far = east & !hangul | others;
    let before = far & far.wrapping_neg();
    wide & !far & before.wrapping_sub(1)
}

/// The first bytes of the common letters of Cyrillic and Arabic that end in the block: most of the words of both are told without a look at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Common {
    /// Those of U+0400 to U+042F.
    upper: u64,
    /// Those of U+0430 to U+045F.
    lower: u64,
    /// Those of U+0620 to U+064A.
    caseless: u64,
}

impl Common {
    /// Where they may be: at the first bytes of U+0400 to U+06BF.
    #[inline(always)]
    fn first_bytes(classify: impl Classify, block: &[u8; BLOCK]) -> u64 {
        let [first, last] = classify.at_least(block, [0xd0, 0xdb]);
        first & !last
    }

    /// Those that are among `leads`.
    #[inline(always)]
    fn of(classify: impl Classify, block: &[u8; BLOCK], leads: u64) -> Self {
        let [cyrillic, small, coptic, arabic, more, syriac] =
            classify.at_least(block, [0xd0, 0xd1, 0xd2, 0xd8, 0xd9, 0xda]);
        let next = classify.at_least(block, [0x8b, 0xa0, 0xb0]);
        let [from_8b, from_a0, from_b0] = next.map(|mask| mask >> 1);
        let leads = leads & u64::MAX >> 1;
        let (first, second) = (cyrillic & !small & leads, small & !coptic & leads);
        let (third, fourth) = (arabic & !more & leads, more & !syriac & leads);
        Self {
            upper: first & !from_b0,
            lower: first & from_b0 | second & !from_a0,
            caseless: third & from_a0 | fourth & !from_8b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::masks::Portable;
    use super::*;
    use crate::crossings::Crossings;

    /// A block with `character` at `at`, as much of it as fits.
    fn block_with(character: char, at: usize) -> [u8; BLOCK] {
        let mut bytes = [b'.'; BLOCK + 4];
        character.encode_utf8(&mut bytes[at..]);
        *bytes.first_chunk().expect("they are more")
    }

    #[test]
    fn leads_are_first_bytes_up_to_one_of_no_word() {
        for first in 0..=255_u8 {
            let block = std::array::from_fn(|index| first.wrapping_add((index * 5) as u8));
            let end = block.iter().position(|&byte| Crossings::is_of_no_word(byte)).unwrap_or(BLOCK);
            let expected = (0..end).filter(|&at| block[at] >= 0xc0).fold(0, |mask, at| mask | 1 << at);
            assert_eq!(leads(Portable, &block), expected);
        }
    }

    #[test]
    fn common_letters_are_what_their_classes_say() {
        let mut count = 0;
        for character in '\u{80}'..='\u{7ff}' {
            for at in [0, 1, 40, BLOCK - 2] {
                let block = block_with(character, at);
                let told = Common::of(Portable, &block, u64::MAX);
                let (class, lead) = (class_at(&block, at).0, 1 << at);
                let of = |is_it: bool| if is_it { lead } else { 0 };
                let (upper, lower) = (of(class == Class::Upper), of(class == Class::Lower));
                let expected = Common { upper, lower, caseless: of(class == Class::Caseless) };
                let is_common = matches!(character, '\u{400}'..='\u{45f}' | '\u{620}'..='\u{64a}');
                assert_eq!(told, if is_common { expected } else { Common { upper: 0, lower: 0, caseless: 0 } });
                assert!(!is_common || Common::first_bytes(Portable, &block) == lead);
                count += u32::from(told != Common { upper: 0, lower: 0, caseless: 0 });
            }
            let told = Common::of(Portable, &block_with(character, BLOCK - 1), u64::MAX);
            assert_eq!(told, Common { upper: 0, lower: 0, caseless: 0 }, "it does not end in the block");
        }
        assert_eq!(count, 4 * (0x60 + 0x2b));
    }
}
