//! What a language model reads: a row per token plus a row per position.

use candle_core::{Device, Tensor};

use crate::ids::CheckedIds;
use crate::lookup::Lookup;
use crate::{Embedding, Error, Init, Position, Result, Source, sinusoidal};

/// The standard deviation of GPT-2's initial weights.
const GPT2_STD: f64 = 0.02;

/// What an [`InputEmbedding`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputEmbeddingConfig {
    /// Rows of the token table.
    pub vocab_size: usize,
    /// Positions: the most ids of one row of input.
    pub context_length: usize,
    /// Values per row.
    pub dimensions: usize,
    /// How positions enter.
    pub position: Position,
    /// What token rows are multiplied by before positions are added; the square root of `dimensions` in Vaswani et al.,
    /// section 3.4.
    pub scale: f32,
}

/// A token table and, unless positions enter elsewhere, a position table.
#[derive(Clone, Debug)]
pub struct InputEmbedding {
    config: InputEmbeddingConfig,
    token: Embedding,
    position: Option<Embedding>,
}

/// A table of an [`InputEmbedding`] that training would change.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<'a> {
    /// Its name in files, GPT-2's: `wte.weight` or `wpe.weight`.
    pub name: &'static str,
    /// `[rows, dimensions]`.
    pub tensor: &'a Tensor,
}

/// The name of the token table in files.
pub const TOKEN_TABLE: &str = "wte.weight";
/// The name of the position table in files.
pub const POSITION_TABLE: &str = "wpe.weight";

impl InputEmbedding {
    /// Tables of initial values: N(0, 0.02) from streams 0 (tokens) and 1 (learned positions) of `seed`.
    ///
    /// # Errors
    /// Those of [`Embedding::new`] and [`InputEmbedding::from_tables`].
    pub fn new(config: InputEmbeddingConfig, seed: u64, device: &Device) -> Result<Self> {
        let table = |rows, stream| {
            let init = Init::Normal { std: GPT2_STD };
            Embedding::new(rows, config.dimensions, init, Source { seed, stream }, None, device)
        };
        let token = table(config.vocab_size, 0)?;
        let learned = (config.position == Position::Learned).then(|| table(config.context_length, 1)).transpose()?;
        Self::from_tables(config, token, learned)
    }

    /// The tables of a trained model; `learned` exactly when positions are learned. The fixed table of sinusoidal
    /// positions is computed.
    ///
    /// # Errors
    /// [`Error::Zero`] and [`Error::Scale`] for such a `config`, [`Error::PositionTable`] and [`Error::TableSize`] for tables
    /// that are not as it says, and those of [`Embedding::from_values`].
    pub fn from_tables(config: InputEmbeddingConfig, token: Embedding, learned: Option<Embedding>) -> Result<Self> {
        let InputEmbeddingConfig { vocab_size, context_length, dimensions, scale, .. } = config;
        if context_length == 0 {
            return Err(Error::Zero { what: "context length" });
        }
        if !scale.is_finite() || scale == 0.0 {
            return Err(Error::Scale { scale });
        }
        if learned.is_some() != (config.position == Position::Learned) {
            return Err(Error::PositionTable { position: config.position });
        }
        token.check_size(vocab_size, dimensions)?;
        let position = match config.position {
            Position::Learned | Position::None => learned,
            Position::Sinusoidal => {
                Embedding::checked_size(context_length, dimensions)?;
                let values = sinusoidal(context_length, dimensions)?;
                Some(Embedding::from_values(values, context_length, dimensions, token.table().device())?)
            }
        };
        if let Some(position) = &position {
            position.check_size(context_length, dimensions)?;
        }
        Ok(Self { config, token, position })
    }

    /// What it is made of.
    pub fn config(&self) -> &InputEmbeddingConfig {
        &self.config
    }

    /// The embeddings of `ids`: `shape`, then `dimensions`. The last size of `shape` is the row of input, along which
    /// positions count from `offset`.
    ///
    /// # Errors
    /// [`Error::IdOutOfRange`] names the first id that is not a row, [`Error::ContextTooLong`] says how many positions there
    /// are; [`Error::ShapeMismatch`], [`Error::OutOfMemory`].
    pub fn forward(&self, ids: &[u32], shape: &[usize], offset: usize) -> Result<Tensor> {
        self.lookup(ids, shape, offset)?.run(self.token.table(), self.position_table())
    }

    /// [`InputEmbedding::forward`] into `out`, which has `ids.len() * dimensions` values.
    ///
    /// # Errors
    /// Those of `forward`, and [`Error::LengthMismatch`]; `out` is then unchanged.
    pub fn forward_into(&self, ids: &[u32], shape: &[usize], offset: usize, out: &mut [f32]) -> Result<()> {
        self.lookup(ids, shape, offset)?.run_into(self.token.table(), self.position_table(), out)
    }

    /// The tables that training would change: tokens, then learned positions.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        let learned = self.position.as_ref().filter(|_| self.config.position == Position::Learned);
        [(TOKEN_TABLE, Some(&self.token)), (POSITION_TABLE, learned)]
            .into_iter()
            .filter_map(|(name, table)| table.map(|table| Parameter { name, tensor: table.table() }))
    }

    /// The memory of all tables.
    pub fn byte_length(&self) -> usize {
        let tables = [Some(&self.token), self.position.as_ref()];
        tables.into_iter().flatten().map(|table| table.rows() * table.dimensions() * size_of::<f32>()).sum()
    }

    /// The device of the tables.
    pub fn device(&self) -> &Device {
        self.token.table().device()
    }

    fn position_table(&self) -> Option<&Tensor> {
        self.position.as_ref().map(Embedding::table)
    }

    fn lookup<'a>(&self, ids: &'a [u32], shape: &'a [usize], offset: usize) -> Result<Lookup<'a>> {
        let InputEmbeddingConfig { vocab_size, context_length, scale, .. } = self.config;
        let ids = CheckedIds::new(ids, shape, vocab_size)?;
        let tokens = ids.context();
        if offset.checked_add(tokens).is_none_or(|end| end > context_length) {
            return Err(Error::ContextTooLong { tokens, offset, context_length });
        }
        Ok(Lookup { ids, offset, scale })
    }
}
