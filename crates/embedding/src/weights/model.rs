//! Whole models in files: which tensors, and what the metadata says about them.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::names::{Layout, Names};
use super::{FileFault, Weights, at, write_tensors};
use crate::{
    DType, Embedding, Error, InputEmbedding, InputEmbeddingConfig, InputTables, Passes, Position, Result, TableOptions,
    memory,
};

/// What tools of the Hugging Face libraries look for before they load a file.
pub(crate) const FORMAT: (&str, &str) = ("format", "pt");
/// The metadata entry of a [`Description`].
const ENTRY: &str = "tokenmill";
/// The metadata entry of [`InputEmbedding::note`] and [`Embedding::note`].
const NOTE: &str = "tokenmill.tokenizer";
const VERSION: u32 = 1;
/// Beyond this, numbers of JavaScript have gaps.
const MOST_OF_JAVASCRIPT: u64 = (1 << 53) - 1;

/// What the tensors do not say, as JSON in the metadata.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Description {
    version: u32,
    #[serde(with = "position_name")]
    position: Position,
    context_length: usize,
    scale: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_norm: Option<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    dropout: f64,
    /// Of dropout, as [`Passes`].
    #[serde(default, skip_serializing_if = "is_zero")]
    seed: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    passes: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    token_types: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    padding_id: Option<u32>,
}

/// Positions by their names.
mod position_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Position;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(position: &Position, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(position.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Position, D::Error> {
        let name = String::deserialize(from)?;
        Position::from_name(&name).ok_or_else(|| D::Error::custom(format_args!("there is no position {name:?}")))
    }
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

impl Embedding {
    /// Reads the table `name`: a matrix of F32, F16 or BF16 values in safetensors. `path` is a file, an index of several, or a folder, as
    /// for [`InputEmbedding::load`].
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when the table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load(path: &Path, name: &str, options: TableOptions, device: &Device, max_bytes: usize) -> Result<Self> {
        let mut weights = Weights::open(path, max_bytes)?;
        let file = weights.file(name)?;
        let note = file.metadata(NOTE).map(Arc::from);
        Ok(file.table(name, options, device)?.noted(note))
    }

    /// Writes the table under `name` into a safetensors file, which replaces an older one in one step.
    ///
    /// # Errors
    /// [`crate::Error::File`].
    pub fn save(&self, path: &Path, name: &str) -> Result<()> {
        write_tensors(path, &metadata(self.note()), &[(name, self.parameter())])
    }
}

impl InputEmbedding {
    /// Reads what [`InputEmbedding::save`] wrote, or the tables of a published model by their names, those of GPT-2 or BERT, with and
    /// without the prefix of a whole model: positions of such a file are learned, and nothing is scaled. `path` is a safetensors file, a
    /// `model.safetensors.index.json` of several, or the folder of one of these.
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when a table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load(path: &Path, dtype: DType, device: &Device, max_bytes: usize) -> Result<Self> {
        Self::read(&mut Weights::open(path, max_bytes)?, dtype, device, max_bytes)
    }

    /// [`InputEmbedding::load`] from files that are open.
    pub(crate) fn read(weights: &mut Weights, dtype: DType, device: &Device, max_bytes: usize) -> Result<Self> {
        let layout = Layout::find(|name| weights.has(name));
        let epsilon = layout.epsilon(|name| weights.has(name));
        let file = weights.file(&layout.token)?;
        let described = match file.metadata(ENTRY) {
            Some(json) => Some(Description::parse(json).map_err(|what| file.error(FileFault::Metadata(what)))?),
            None => None,
        };
        let note = file.metadata(NOTE).map(Arc::from);
        let padding = described.as_ref().and_then(|described| described.padding_id);
        let options = TableOptions { dtype, ..TableOptions::default() };
        let token =
            file.table(&layout.token, TableOptions { padding, ..options }, device).map_err(|error| match error {
                Error::IdOutOfRange { id, rows, .. } => {
                    file.error(FileFault::Metadata(format!("the padding id {id} is not one of {rows} ids")))
                }
                other => other,
            })?;
        let (vocab_size, dimensions) = (token.rows(), token.dimensions());
        let has_types = layout.is_bert() && weights.has(&layout.types);
        let mut table = |name: &str, rows: Option<usize>| {
            let file = weights.file(name)?;
            let table = file.table(name, options, device)?;
            let expected = (rows.unwrap_or(table.rows()), dimensions);
            if (table.rows(), table.dimensions()) == expected {
                Ok(table)
            } else {
                Err(file.wrong_shape(name, &format!("[{}, {}]", expected.0, expected.1)))
            }
        };
        let (position, types) = if let Some(Description { position, context_length, token_types, .. }) = &described {
            let learned = *position == Position::Learned;
            let position = learned.then(|| table(&layout.position, Some(*context_length))).transpose()?;
            let has_types = *token_types > 0;
            (position, has_types.then(|| table(&layout.types, Some(*token_types))).transpose()?)
        } else {
            let position = Some(table(&layout.position, None)?);
            (position, has_types.then(|| table(&layout.types, None)).transpose()?)
        };
        let described = described.unwrap_or(Description {
            context_length: position.as_ref().map_or(0, Embedding::rows),
            token_types: types.as_ref().map_or(0, Embedding::rows),
            layer_norm: epsilon,
            ..Description::PLAIN
        });
        let norm = described.layer_norm.is_some().then(|| {
            let vector = |name: &String| weights.file(name)?.vector(name, dimensions, options, device);
            let [weight, bias] = layout.norm.each_ref().map(vector);
            Ok::<_, Error>([weight?, bias?])
        });
        let Description { position: kind, context_length, scale, layer_norm, dropout, token_types, .. } = described;
        let passes = Passes { seed: described.seed, made: described.passes };
        if kind == Position::Sinusoidal {
            // The file only names its size. Rows are made when they are read; nobody may find out then that there is no memory for them.
            memory::check_limit(memory::checked_len(context_length, dimensions)?, dtype.size(), max_bytes)?;
        }
        let config = InputEmbeddingConfig {
            vocab_size,
            context_length,
            dimensions,
            position: kind,
            scale,
            token_types,
            layer_norm,
            dropout,
            padding,
            dtype,
        };
        let tables = InputTables { token, position, types, norm: norm.transpose()? };
        Ok(Self::from_tables(config, tables, device)?.noted(note).after(passes))
    }

    /// Writes the learned tables under these names, and how they are used, into a safetensors file, which replaces an older one in
    /// one step.
    ///
    /// # Errors
    /// [`crate::Error::File`].
    pub fn save(&self, path: &Path, names: Names) -> Result<()> {
        self.save_after(self.passes(), path, names)
    }

    /// [`InputEmbedding::save`] after `passes` in training, which are written where there is dropout: who reads the file goes on with the next mask.
    ///
    /// # Errors
    /// As [`InputEmbedding::save`].
    pub fn save_after(&self, passes: Passes, path: &Path, names: Names) -> Result<()> {
        let layout = names.layout();
        let parameters = self.parameters();
        let tensors: Vec<_> =
            parameters.iter().map(|parameter| (layout.of(parameter.name()), parameter.clone())).collect();
        let description = self.description(passes).map_err(at(path))?;
        write_tensors(path, &self.metadata(&description), &tensors)
    }

    /// The metadata of a file with its tables and this [`InputEmbedding::description`].
    pub(crate) fn metadata<'a>(&'a self, description: &'a str) -> Vec<(&'a str, &'a str)> {
        metadata(self.note()).into_iter().chain([(ENTRY, description)]).collect()
    }

    /// What the tensors do not say, for the metadata.
    pub(crate) fn description(&self, passes: Passes) -> std::result::Result<String, FileFault> {
        let config = self.config();
        let Passes { seed, made } = if config.dropout > 0.0 { passes } else { Passes::default() };
        let description = Description {
            position: config.position,
            context_length: config.context_length,
            scale: config.scale,
            layer_norm: config.layer_norm,
            dropout: config.dropout,
            seed,
            passes: made,
            token_types: config.token_types,
            padding_id: config.padding,
            ..Description::PLAIN
        };
        serde_json::to_string(&description).map_err(FileFault::Header)
    }
}

/// The metadata that every file has.
fn metadata(note: Option<&str>) -> Vec<(&str, &str)> {
    [FORMAT].into_iter().chain(note.map(|note| (NOTE, note))).collect()
}

impl Description {
    /// Learned positions, and nothing else.
    const PLAIN: Self = Self {
        version: VERSION,
        position: Position::Learned,
        context_length: 0,
        scale: 1.0,
        layer_norm: None,
        dropout: 0.0,
        seed: 0,
        passes: 0,
        token_types: 0,
        padding_id: None,
    };

    /// A description that makes sense.
    fn parse(json: &str) -> std::result::Result<Self, String> {
        let description: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if description.version != VERSION {
            return Err(format!("version {} is not {VERSION}", description.version));
        }
        if description.context_length == 0 {
            return Err("the context length is 0".to_owned());
        }
        if !description.scale.is_finite() || description.scale == 0.0 {
            return Err(format!("the scale {} must be finite and not 0", description.scale));
        }
        if description.layer_norm.is_some_and(|epsilon| !epsilon.is_finite() || epsilon <= 0.0) {
            return Err("the epsilon of the layer normalisation must be more than 0".to_owned());
        }
        if !(0.0..1.0).contains(&description.dropout) {
            return Err(format!("the dropout {} must be at least 0 and less than 1", description.dropout));
        }
        for (what, number) in [("seed", description.seed), ("number of passes", description.passes)] {
            if number > MOST_OF_JAVASCRIPT {
                return Err(format!("the {what} {number} is more than {MOST_OF_JAVASCRIPT}"));
            }
        }
        Ok(description)
    }
}
