//! Whole models in files: which tensors, and what the metadata says about them.

use std::path::Path;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::{FileFault, WeightsFile, write_tensors};
use crate::{
    DType, Embedding, InputEmbedding, InputEmbeddingConfig, InputTables, NORM, POSITION_TABLE, Position, Result,
    TOKEN_TABLE, TYPE_TABLE, TableOptions, memory,
};

/// What tools of the Hugging Face libraries look for before they load a file.
const FORMAT: (&str, &str) = ("format", "pt");
/// The metadata entry of a [`Description`].
const ENTRY: &str = "tokenmill";
const VERSION: u32 = 1;

/// What the tensors do not say, as JSON in the metadata.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Description {
    version: u32,
    position: String,
    context_length: usize,
    scale: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_norm: Option<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    dropout: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    token_types: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    padding_id: Option<u32>,
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

impl Embedding {
    /// Reads the table `name`: a matrix of F32, F16 or BF16 values in a safetensors file.
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when the table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load(path: &Path, name: &str, options: TableOptions, device: &Device, max_bytes: usize) -> Result<Self> {
        WeightsFile::open(path, max_bytes)?.table(name, options, device)
    }

    /// Writes the table under `name` into a safetensors file, which replaces an older one in one step.
    ///
    /// # Errors
    /// [`crate::Error::File`].
    pub fn save(&self, path: &Path, name: &str) -> Result<()> {
        write_tensors(path, &[FORMAT], &[(name, self.parameter())])
    }
}

impl InputEmbedding {
    /// Reads what [`InputEmbedding::save`] wrote, or the token and position tables of a GPT-2 by their names: positions
    /// of a file without our metadata are learned, and nothing is scaled.
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when a table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load(path: &Path, dtype: DType, device: &Device, max_bytes: usize) -> Result<Self> {
        let mut file = WeightsFile::open(path, max_bytes)?;
        let description = match file.metadata(ENTRY) {
            Some(json) => Description::parse(json).map_err(|what| file.error(FileFault::Metadata(what)))?,
            None => Description::of_gpt2(),
        };
        let position = Position::from_name(&description.position).unwrap_or(Position::Learned);
        let options = TableOptions { dtype, ..TableOptions::default() };
        let token = file.table(TOKEN_TABLE, TableOptions { padding: description.padding_id, ..options }, device)?;
        let learned =
            (position == Position::Learned).then(|| file.table(POSITION_TABLE, options, device)).transpose()?;
        let context_length = match (description.context_length, &learned) {
            (0, Some(learned)) => learned.rows(),
            (length, _) => length,
        };
        let (vocab_size, dimensions) = (token.rows(), token.dimensions());
        let has_types = description.token_types > 0;
        let types = has_types.then(|| file.table(TYPE_TABLE, options, device)).transpose()?;
        for (name, table, rows) in
            [(POSITION_TABLE, &learned, context_length), (TYPE_TABLE, &types, description.token_types)]
        {
            if table.as_ref().is_some_and(|table| (table.rows(), table.dimensions()) != (rows, dimensions)) {
                return Err(file.wrong_shape(name, &format!("[{rows}, {dimensions}]")));
            }
        }
        let mut norm = None;
        if description.layer_norm.is_some() {
            let [weight, bias] = NORM.map(|name| file.vector(name, dimensions, options, device));
            norm = Some([weight?, bias?]);
        }
        if position == Position::Sinusoidal {
            // The file only names its size.
            memory::check_limit(context_length, dimensions, max_bytes)?;
        }
        let config = InputEmbeddingConfig {
            vocab_size,
            context_length,
            dimensions,
            position,
            scale: description.scale,
            token_types: description.token_types,
            layer_norm: description.layer_norm,
            dropout: description.dropout,
            padding: description.padding_id,
            dtype,
        };
        Self::from_tables(config, InputTables { token, position: learned, types, norm }, device)
    }

    /// Writes the learned tables, named as in GPT-2, and how they are used, into a safetensors file, which replaces an
    /// older one in one step.
    ///
    /// # Errors
    /// [`crate::Error::File`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let config = self.config();
        let description = Description {
            version: VERSION,
            position: config.position.name().to_owned(),
            context_length: config.context_length,
            scale: config.scale,
            layer_norm: config.layer_norm,
            dropout: config.dropout,
            token_types: config.token_types,
            padding_id: config.padding,
        };
        let json = serde_json::to_string(&description).unwrap_or_default();
        let tensors: Vec<_> = self.parameters().into_iter().map(|parameter| (parameter.name(), parameter)).collect();
        write_tensors(path, &[FORMAT, (ENTRY, &json)], &tensors)
    }
}

impl Description {
    /// Learned positions, as many as there are rows, and nothing else.
    fn of_gpt2() -> Self {
        Self {
            version: VERSION,
            position: Position::Learned.name().to_owned(),
            context_length: 0,
            scale: 1.0,
            layer_norm: None,
            dropout: 0.0,
            token_types: 0,
            padding_id: None,
        }
    }

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
        Position::from_name(&description.position)
            .ok_or_else(|| format!("there is no position {:?}", description.position))?;
        if description.layer_norm.is_some_and(|epsilon| !epsilon.is_finite() || epsilon <= 0.0) {
            return Err("the epsilon of the layer normalisation must be more than 0".to_owned());
        }
        if !(0.0..1.0).contains(&description.dropout) {
            return Err(format!("the dropout {} must be at least 0 and less than 1", description.dropout));
        }
        Ok(description)
    }
}
