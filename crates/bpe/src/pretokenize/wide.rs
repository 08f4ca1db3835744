//! Characters outside ASCII in a block: their classes as masks, so that the algebra of [`block`](super::block) goes for them too.

use super::class::{Class, class_at};
use super::masks::{BLOCK, Masks};
use super::rules::Letters;

impl Masks {
    /// Takes the characters of `leads`, whose first bytes these are, out of `high` and puts all bytes of each where its class belongs, up to the first
    /// one that is white space, a number or too near the end of the block. They are those of [`Classify::leads`](super::masks::Classify::leads);
    /// `block` is valid UTF-8 from its start on.
    #[inline(always)]
    pub fn tell(&mut self, block: &[u8; BLOCK], mut leads: u64, letters: Letters) {
        self.rest = self.high & !leads;
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
}
