//! Whole models in files: which tensors, and what the metadata says about them.

use std::path::Path;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::{FileFault, WeightsFile, write_tensors};
use crate::{Embedding, InputEmbedding, InputEmbeddingConfig, POSITION_TABLE, Position, Result, TOKEN_TABLE, memory};

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
}

impl Embedding {
    /// Reads the table `name`: a matrix of F32, F16 or BF16 values in a safetensors file.
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when the table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load(path: &Path, name: &str, device: &Device, max_bytes: usize) -> Result<Self> {
        WeightsFile::open(path, max_bytes)?.table(name, device)
    }

    /// Writes the table under `name` into a safetensors file, which replaces an older one in one step.
    ///
    /// # Errors
    /// [`crate::Error::File`].
    pub fn save(&self, path: &Path, name: &str) -> Result<()> {
        write_tensors(path, &[FORMAT], &[(name, self.table())])
    }
}

impl InputEmbedding {
    /// Reads what [`InputEmbedding::save`] wrote, or the token and position tables of a GPT-2 by their names: positions
    /// of a file without our metadata are learned, and nothing is scaled.
    ///
    /// # Errors
    /// [`crate::Error::File`] says what is wrong with the file; [`crate::Error::OutOfMemory`] when a table takes more than
    /// `max_bytes`, or more than there are.
    pub fn load(path: &Path, device: &Device, max_bytes: usize) -> Result<Self> {
        let mut file = WeightsFile::open(path, max_bytes)?;
        let description = match file.metadata(ENTRY) {
            Some(json) => Some(Description::parse(json).map_err(|what| file.error(FileFault::Metadata(what)))?),
            None => None,
        };
        let (position, scale) =
            description.as_ref().map_or((Position::Learned, 1.0), |(d, position)| (*position, d.scale));
        let token = file.table(TOKEN_TABLE, device)?;
        let learned = (position == Position::Learned).then(|| file.table(POSITION_TABLE, device)).transpose()?;
        let rows = learned.as_ref().map(Embedding::rows);
        let context_length = description.map(|(d, _)| d.context_length).or(rows).unwrap_or_default();
        let expected = (context_length, token.dimensions());
        if learned.as_ref().is_some_and(|table| (table.rows(), table.dimensions()) != expected) {
            return Err(file.wrong_shape(POSITION_TABLE, &format!("[{}, {}]", expected.0, expected.1)));
        }
        let (vocab_size, dimensions) = (token.rows(), token.dimensions());
        if position == Position::Sinusoidal {
            // The file only names its size.
            memory::check_limit(context_length, dimensions, max_bytes)?;
        }
        let config = InputEmbeddingConfig { vocab_size, context_length, dimensions, position, scale };
        Self::from_tables(config, token, learned)
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
        };
        let json = serde_json::to_string(&description).unwrap_or_default();
        let tensors: Vec<_> = self.parameters().map(|parameter| (parameter.name, parameter.tensor)).collect();
        write_tensors(path, &[FORMAT, (ENTRY, &json)], &tensors)
    }
}

impl Description {
    /// A description that makes sense, and its position.
    fn parse(json: &str) -> std::result::Result<(Self, Position), String> {
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
        let position = Position::from_name(&description.position)
            .ok_or_else(|| format!("there is no position {:?}", description.position))?;
        Ok((description, position))
    }
}
