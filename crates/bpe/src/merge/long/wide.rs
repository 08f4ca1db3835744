//! Windows for tokens that are longer than those of blocks.

use std::ops::Range;

use super::{KEPT, Long, Means};
use crate::Error;
use crate::merge::heap;
use crate::merge::repeated::WORK;
use crate::merge::short::MAX_SYMBOLS;

/// Symbols that are merged at once.
const WIDE: usize = 8 * KEPT;

impl Long {
    /// Continues the result, which ends at `start`, by many symbols, of which more are read, and returns where it ends then; `None` when a window over all that is
    /// kept has no token in common with it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn join_wide(
        &mut self,
        piece: &[u8],
        read: &mut usize,
        start: usize,
        means: Means,
    ) -> Result<Option<usize>, Error> {
        while *read < piece.len() && self.symbols.len() - start < WIDE {
            *read = self.read(piece, *read, means.merger);
        }
        let end = self.symbols.len().min(start + WIDE);
        let mut before = MAX_SYMBOLS;
        loop {
            before *= 4;
            let window = self.window_after(start.saturating_sub(before), end);
            let is_all = window.start == 0 && self.ids.is_empty();
            self.merge_wide(window, means)?;
            if is_all {
                self.tokens.clear();
                self.tokens.append(&mut self.tail);
                return Ok(Some(end));
            }
            if self.join_tail().is_some() {
                return Ok(Some(end));
            }
            if before >= start {
                return Ok(None);
            }
        }
    }

    /// Leaves in `tail` what the symbols of `window` are merged to.
    fn merge_wide(&mut self, window: Range<usize>, means: Means) -> Result<(), Error> {
        if self.merge_window_in_rounds(window.clone(), WORK, means) {
            return Ok(());
        }
        heap::merge(&self.symbols[window.clone()], &means.merger.pairs, means.cancel, &mut self.tail)?;
        self.tail.iter_mut().for_each(|token| token.start += window.start);
        Ok(())
    }
}
