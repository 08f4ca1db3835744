//! What a language model reads: a row per token plus a row per position.

use std::sync::Arc;

use candle_core::Device;

use crate::ids::{CheckedIds, CheckedPositions, one_per_id};
use crate::layer::{Layer, NormTables, Request};
use crate::table::{Table, TableOptions, checked_size};
use crate::waves::Waves;
use crate::{
    DType, Dropout, Embedding, Error, Init, Output, Parameter, Passes, Position, Positions, Result, Source, ValuesMut,
    memory,
};

/// The standard deviation of GPT-2's initial weights, and of BERT's.
const STD: f64 = 0.02;

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
    /// What token rows are multiplied by before other rows are added; the square root of `dimensions` in Vaswani et al.,
    /// section 3.4.
    pub scale: f32,
    /// Rows of the table of token types, which BERT uses to tell two sentences apart; 0 for no such table.
    pub token_types: usize,
    /// What is added to the variance when sums are normalised, as in BERT; `None` to leave them as they are.
    pub layer_norm: Option<f64>,
    /// The share of values that a training pass leaves out.
    pub dropout: f64,
    /// The id whose row is zero and does not learn.
    pub padding: Option<u32>,
    /// The type of all values.
    pub dtype: DType,
}

impl InputEmbeddingConfig {
    /// Learned positions and nothing else, in `f32`: GPT-2 without dropout.
    pub fn new(vocab_size: usize, context_length: usize, dimensions: usize) -> Self {
        Self {
            vocab_size,
            context_length,
            dimensions,
            position: Position::Learned,
            scale: 1.0,
            token_types: 0,
            layer_norm: None,
            dropout: 0.0,
            padding: None,
            dtype: DType::F32,
        }
    }

    /// What each token-sized table is like.
    pub(crate) fn table_options(&self) -> TableOptions {
        TableOptions { dtype: self.dtype, padding: self.padding, trainable: true }
    }

    fn check(&self) -> Result<()> {
        if self.context_length == 0 {
            return Err(Error::Zero { what: "context length" });
        }
        if !self.scale.is_finite() || self.scale == 0.0 {
            return Err(Error::Scale { scale: self.scale });
        }
        if let Some(epsilon) = self.layer_norm.filter(|epsilon| !epsilon.is_finite() || *epsilon <= 0.0) {
            let expected = "finite and more than 0";
            return Err(Error::Number { what: "the epsilon of layer normalisation", value: epsilon, expected });
        }
        Dropout::new(self.dropout, 0).map(drop)
    }
}

/// The tables of an [`InputEmbedding`], all of its number of dimensions.
#[derive(Clone, Debug)]
pub struct InputTables {
    /// A row for each id.
    pub token: Embedding,
    /// A row for each position, exactly when positions are learned.
    pub position: Option<Embedding>,
    /// A row for each token type, exactly when there are any.
    pub types: Option<Embedding>,
    /// Weight and bias of the layer normalisation, one row each, exactly when there is one.
    pub norm: Option<[Embedding; 2]>,
}

/// What a forward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Rows of the token table.
    pub ids: &'a [u32],
    /// The shape of the ids; its last size is the row of input, along which positions count.
    pub shape: &'a [usize],
    /// The positions of the ids.
    pub positions: Positions<'a>,
    /// The type of each id; without them all are of type 0.
    pub types: Option<&'a [u32]>,
    /// `Some` in training, with the key of the values that are left out: [`Dropout::key_of`].
    pub training: Option<u64>,
}

impl<'a> Input<'a> {
    /// Positions from 0, one type, not in training.
    pub fn new(ids: &'a [u32], shape: &'a [usize]) -> Self {
        Self { ids, shape, positions: Positions::From(0), types: None, training: None }
    }
}

/// A token table and, unless positions enter elsewhere, a position table; also token types and a layer normalisation, if asked for.
#[derive(Clone, Debug)]
pub struct InputEmbedding {
    config: InputEmbeddingConfig,
    layer: Layer,
    /// Of its maker.
    note: Option<Arc<str>>,
    passes: Passes,
}

/// The name of the token table in files, as in GPT-2.
pub const TOKEN_TABLE: &str = "wte.weight";
/// The name of the position table in files, as in GPT-2.
pub const POSITION_TABLE: &str = "wpe.weight";
/// The name of the table of token types in files, as in BERT.
pub const TYPE_TABLE: &str = "token_type_embeddings.weight";
/// The names of weight and bias of the layer normalisation in files, as in BERT.
pub const NORM: [&str; 2] = ["LayerNorm.weight", "LayerNorm.bias"];

impl InputEmbedding {
    /// Tables of initial values: N(0, 0.02) from streams 0 (tokens), 1 (learned positions) and 2 (types) of `seed`; the normalisation
    /// starts with weights of 1 and biases of 0.
    ///
    /// # Errors
    /// Those of [`Embedding::new`] and [`InputEmbedding::from_tables`].
    pub fn new(config: InputEmbeddingConfig, seed: u64, device: &Device) -> Result<Self> {
        config.check()?;
        let options = config.table_options();
        let unpadded = TableOptions { padding: None, ..options };
        let table = |rows, stream, options| {
            let init = Init::Normal { std: STD };
            Embedding::new(rows, config.dimensions, init, Source { seed, stream }, options, device)
        };
        let row = |value| {
            Embedding::from_values(memory::filled(config.dimensions, value)?, 1, config.dimensions, unpadded, device)
        };
        let tables = InputTables {
            token: table(config.vocab_size, 0, options)?,
            position: (config.position == Position::Learned)
                .then(|| table(config.context_length, 1, unpadded))
                .transpose()?,
            types: (config.token_types > 0).then(|| table(config.token_types, 2, unpadded)).transpose()?,
            norm: config.layer_norm.map(|_| Ok::<_, Error>([row(1.0)?, row(0.0)?])).transpose()?,
        };
        Self::from_tables(config, tables, device)
    }

    /// The tables of a trained model, which have the type that `config` says. Rows of the fixed table of sinusoidal positions are computed
    /// when a pass first reads them.
    ///
    /// # Errors
    /// [`Error::Zero`], [`Error::Scale`] and [`Error::Number`] for such a `config`, [`Error::PositionTable`], [`Error::Tables`],
    /// [`Error::TableSize`] and [`Error::WrongType`] for tables that are not as it says, and those of [`Embedding::from_values`].
    pub fn from_tables(config: InputEmbeddingConfig, tables: InputTables, device: &Device) -> Result<Self> {
        config.check()?;
        let InputEmbeddingConfig { vocab_size, context_length, dimensions, dtype, .. } = config;
        let InputTables { token, position, types, norm } = tables;
        if position.is_some() != (config.position == Position::Learned) {
            return Err(Error::PositionTable { position: config.position });
        }
        if types.is_some() != (config.token_types > 0) {
            return Err(Error::Tables { what: "table of token types" });
        }
        if norm.is_some() != config.layer_norm.is_some() {
            return Err(Error::Tables { what: "layer normalisation" });
        }
        let checked = |table: Embedding, rows| {
            table.check_size(rows, dimensions)?;
            let table = table.into_layer().token;
            let actual = table.dtype();
            if actual == dtype { Ok(table) } else { Err(Error::WrongType { expected: dtype, actual }) }
        };
        token.check_size(vocab_size, dimensions)?;
        let mut layer = token.into_layer();
        if layer.dtype() != dtype {
            return Err(Error::WrongType { expected: dtype, actual: layer.dtype() });
        }
        layer.position = position.map(|table| checked(table, context_length)).transpose()?;
        if config.position == Position::Sinusoidal {
            layer.waves = Some(Waves::new(context_length, dimensions, dtype, device)?);
        }
        layer.types = types.map(|table| checked(table, config.token_types)).transpose()?;
        layer.scale = config.scale;
        if let (Some([weight, bias]), Some(epsilon)) = (norm, config.layer_norm) {
            let (weight, bias) = (checked(weight, 1)?, checked(bias, 1)?);
            layer.norm = Some(NormTables { weight, bias, epsilon: epsilon as f32 });
        }
        Ok(Self { config, layer, passes: Passes::default(), note: None })
    }

    /// The same with a note of its maker, as of whose ids it is made for: files keep it.
    #[must_use]
    pub fn noted(self, note: Option<Arc<str>>) -> Self {
        Self { note, ..self }
    }

    /// The note of its maker.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The same, of a file that was written after `passes`.
    pub(crate) fn after(self, passes: Passes) -> Self {
        Self { passes, ..self }
    }

    /// Those that were made before the file was written that it was read from; none when it was made, or had no dropout.
    pub fn passes(&self) -> Passes {
        self.passes
    }

    /// What it is made of.
    pub fn config(&self) -> &InputEmbeddingConfig {
        &self.config
    }

    /// The embeddings of `input`: its shape, then `dimensions`.
    ///
    /// # Errors
    /// [`Error::IdOutOfRange`], [`Error::PositionOutOfRange`] and [`Error::TypeOutOfRange`] name the first that is not a row,
    /// [`Error::ContextTooLong`] says how many positions there are; [`Error::ShapeMismatch`], [`Error::LengthMismatch`],
    /// [`Error::OutOfMemory`].
    pub fn forward(&self, input: &Input<'_>) -> Result<Output> {
        self.layer.forward(&self.request(input)?)
    }

    /// [`InputEmbedding::forward`] into `out`, which has `ids.len() * dimensions` values of the type of the tables. Nothing is recorded.
    ///
    /// # Errors
    /// Those of `forward`, [`Error::LengthMismatch`] and [`Error::WrongType`]; `out` is then unchanged.
    pub fn forward_into<'out>(&self, input: &Input<'_>, out: impl Into<ValuesMut<'out>>) -> Result<()> {
        self.layer.forward_into(&self.request(input)?, out.into())
    }

    /// Adds to the gradients of the parameters what `grad`, that of `output`, makes of them. Each output can be used once.
    ///
    /// # Errors
    /// [`Error::NotRecorded`] the second time, [`Error::OtherEmbedding`], [`Error::Retired`] when the tables have been replaced since,
    /// [`Error::LengthMismatch`] unless there is a gradient for each value, [`Error::TablesChanged`] when sums that were normalised
    /// cannot be made again; nothing is changed then.
    pub fn backward(&self, output: &Output, grad: &[f32]) -> Result<()> {
        self.layer.backward(output, grad)
    }

    /// [`InputEmbedding::backward`] with a gradient that came out of a forward pass. Tables on a CUDA device take it there, when it is there.
    ///
    /// # Errors
    /// As [`InputEmbedding::backward`].
    pub fn backward_tensor(&self, output: &Output, grad: &Output) -> Result<()> {
        self.layer.backward_tensor(output, grad)
    }

    /// The tables that training changes: tokens, learned positions, token types, weight and bias of the normalisation.
    pub fn parameters(&self) -> Vec<Parameter> {
        let Layer { token, types, position, norm, .. } = &self.layer;
        let tables = [(TOKEN_TABLE, Some(token)), (POSITION_TABLE, position.as_ref()), (TYPE_TABLE, types.as_ref())];
        let tables = tables.into_iter().filter_map(|(name, table)| Some(self.layer.parameter(name, table?)));
        let norm = norm.iter().flat_map(|norm| NORM.into_iter().zip([&norm.weight, &norm.bias]));
        tables.chain(norm.map(|(name, table)| self.layer.parameter(name, table).vector())).collect()
    }

    /// The same with another number of tokens, in the place of this one, whose parameters are then [`Error::Retired`]. Rows of ids that
    /// stay keep their values; new ones are what [`InputEmbedding::new`] would give them by `seed`. No gradient is kept, and no note.
    ///
    /// # Errors
    /// [`Error::IdOutOfRange`] when the padding row would go, those of [`Embedding::new`], [`Error::Retired`]; nothing is changed then.
    pub fn resized(&self, vocab_size: usize, seed: u64, device: &Device) -> Result<Self> {
        let config = InputEmbeddingConfig { vocab_size, ..self.config };
        let dimensions = config.dimensions;
        checked_size(vocab_size, dimensions)?;
        if let Some(id) = config.padding {
            CheckedIds::new(&[id], &[1], vocab_size)?;
        }
        let old = &self.layer.token;
        let kept = old.rows().min(vocab_size) * dimensions;
        let initial = (Init::Normal { std: STD }, Source { seed, stream: 0 });
        let options = TableOptions { trainable: old.trainable(), ..config.table_options() };
        let token = old.extended(kept, initial, [vocab_size, dimensions], options, device)?;
        let mut layer = self.layer.clone();
        layer.token = Arc::new(token);
        let moved = |table: &Arc<Table>| table.moved().map(Arc::new);
        layer.types = layer.types.as_ref().map(moved).transpose()?;
        layer.position = layer.position.as_ref().map(moved).transpose()?;
        if let Some(norm) = &mut layer.norm {
            (norm.weight, norm.bias) = (moved(&norm.weight)?, moved(&norm.bias)?);
        }
        old.retire();
        Ok(Self { config, layer, passes: self.passes, note: None })
    }

    /// The device of the tables.
    ///
    /// # Errors
    /// [`Error::Retired`].
    pub fn device(&self) -> Result<Device> {
        Ok(self.layer.token.tensor()?.device().clone())
    }

    /// The memory of all tables, as it is now.
    pub fn byte_length(&self) -> usize {
        let waves = self.layer.waves.as_ref().map_or(0, |waves| waves.byte_length());
        self.layer.tables().map(|table| table.byte_length()).sum::<usize>() + waves
    }

    /// Lets the values go, also for who holds a parameter: from now on all is [`Error::Retired`].
    pub fn retire(&self) {
        self.layer.tables().for_each(|table| table.retire());
        self.layer.waves.iter().for_each(|waves| waves.release());
    }

    fn request<'a>(&self, input: &Input<'a>) -> Result<Request<'a>> {
        let ids = CheckedIds::new(input.ids, input.shape, self.config.vocab_size)?;
        let positions = CheckedPositions::new(input.positions, ids, self.config.context_length)?;
        if let Some(types) = input.types {
            one_per_id(types, ids)?;
            let exist = self.config.token_types;
            if let Some(index) = types.iter().position(|&id| id as usize >= exist) {
                return Err(Error::TypeOutOfRange { id: types[index], index, types: exist });
            }
        }
        let dropout = input.training.map_or(Ok(None), |key| Dropout::new(self.config.dropout, key))?;
        Ok(Request { ids, types: input.types, positions, dropout })
    }
}
