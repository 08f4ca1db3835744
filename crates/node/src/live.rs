//! Embeddings whose parameters end with them.

use std::ops::Deref;

use tokenmill_embedding::{Embedding, InputEmbedding};

/// What can let its values go although others hold parts of it.
pub trait Retire {
    fn retire(&self);
}

impl Retire for Embedding {
    fn retire(&self) {
        Self::retire(self);
    }
}

impl Retire for InputEmbedding {
    fn retire(&self) {
        Self::retire(self);
    }
}

/// An embedding that retires when nobody works with it any more: parameters that JavaScript still has are then `ERR_DISPOSED`, and keep no
/// memory.
pub struct Live<T: Retire>(pub T);

impl<T: Retire> Deref for Live<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Retire> Drop for Live<T> {
    fn drop(&mut self) {
        self.0.retire();
    }
}
