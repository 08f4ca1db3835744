//! What an optimiser keeps, in a safetensors file.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::optimizer::SlotState;
use crate::table::Table;
use crate::turns::Turns;
use crate::weights::{FORMAT, FileFault, WeightsFile, at, write_tensors};
use crate::{Error, Optimizer, Parameter, Result, Rule, TableOptions};

/// The metadata entry of a [`Description`].
const ENTRY: &str = "tokenmill.optimizer";
const VERSION: u32 = 1;

/// What the tensors do not say, as JSON in the metadata.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Description {
    version: u32,
    rule: String,
    learning_rate: f64,
    parameters: Vec<Described>,
}

/// A parameter.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    name: String,
    steps: u64,
}

impl Optimizer {
    /// Writes what [`Optimizer::state`] gives, and the learning rate, into a safetensors file, which replaces an older one in one step.
    /// Neither the values of the parameters nor the numbers of the rule are in it.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::OutOfMemory`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let states = self.state()?;
        let described = |(parameter, state): (&Parameter, &SlotState)| Described {
            name: parameter.name().to_owned(),
            steps: state.steps,
        };
        let description = Description {
            version: VERSION,
            rule: self.rule().name().to_owned(),
            learning_rate: self.learning_rate(),
            parameters: self.parameters().zip(&states).map(described).collect(),
        };
        let json = serde_json::to_string(&description).map_err(FileFault::Header).map_err(at(path))?;
        let moments = moment_tensors(self, states)?;
        let tensors: Vec<_> = moments.iter().map(|(name, moment)| (&**name, moment.clone())).collect();
        write_tensors(path, &[FORMAT, (ENTRY, &*json)], &tensors)
    }

    /// Goes on from what [`Optimizer::save`] of an optimiser of the same rule and of parameters of the same names and sizes wrote.
    /// `max_bytes` is the most that one moment of one parameter may take in memory.
    ///
    /// # Errors
    /// [`Error::File`] says what is wrong with the file, [`Error::State`] what does not fit, [`Error::OutOfMemory`]; nothing is changed
    /// then.
    pub fn load_file(&mut self, path: &Path, max_bytes: usize) -> Result<()> {
        let mut file = WeightsFile::open(path, max_bytes)?;
        let description = description(&file)?;
        let parameters: Vec<_> = self.parameters().cloned().collect();
        let names = |names: Vec<&str>| names.join(", ");
        let (rule, held) = (self.rule(), names(parameters.iter().map(Parameter::name).collect()));
        let of_file = names(description.parameters.iter().map(|each| &*each.name).collect());
        for (what, expected, actual) in [("rule", rule.name(), &*description.rule), ("parameters", &held, &of_file)] {
            if actual != expected {
                return Err(Error::State { what: format!("expected {what} {expected}, received {actual}") });
            }
        }
        let steps: Vec<_> = description.parameters.iter().map(|each| each.steps).collect();
        let states = read_states(&mut file, rule, &parameters, &steps)?;
        self.load(&states)?;
        self.set_learning_rate(description.learning_rate)
    }
}

/// What a file says of itself.
fn description(file: &WeightsFile) -> Result<Description> {
    let fault = |what: String| file.error(FileFault::Metadata(what));
    let json = file.metadata(ENTRY).ok_or_else(|| fault("it is no state of an optimiser".to_owned()))?;
    let description: Description = serde_json::from_str(json).map_err(|error| fault(error.to_string()))?;
    let Description { version, learning_rate, .. } = description;
    if version != VERSION {
        return Err(fault(format!("version {version} is not {VERSION}")));
    }
    if !learning_rate.is_finite() || learning_rate < 0.0 {
        return Err(fault(format!("the learning rate {learning_rate} is not finite and at least 0")));
    }
    Ok(description)
}

/// The moments of `states`, those of the parameters of `optimizer` in order, with their names in files.
pub(crate) fn moment_tensors(optimizer: &Optimizer, states: Vec<SlotState>) -> Result<Vec<(String, Parameter)>> {
    let mut tensors = Vec::new();
    for (index, (parameter, state)) in optimizer.parameters().zip(states).enumerate() {
        let [rows, dimensions] = parameter.table().size();
        for (moment, values) in optimizer.rule().moments().iter().zip(state.moments) {
            let table = Arc::new(Table::new(values, rows, dimensions, None, &Device::Cpu)?);
            tensors.push((moment_name(index, parameter, moment), Parameter::new(moment, &table, Turns::default())));
        }
    }
    Ok(tensors)
}

/// What [`moment_tensors`] put into `file`, after so many `steps` of each parameter.
pub(crate) fn read_states(
    file: &mut WeightsFile,
    rule: Rule,
    parameters: &[Parameter],
    steps: &[u64],
) -> Result<Vec<SlotState>> {
    let mut states = Vec::new();
    for (index, (parameter, &steps)) in parameters.iter().zip(steps).enumerate() {
        let mut state = SlotState { steps, moments: Vec::new() };
        for moment in rule.moments().iter().filter(|_| steps > 0) {
            let name = moment_name(index, parameter, moment);
            let table = file.sized_table(&name, parameter.table().size(), TableOptions::default(), &Device::Cpu)?;
            state.moments.push(table.parameter().values()?);
        }
        states.push(state);
    }
    Ok(states)
}

/// Two parameters may have one name.
fn moment_name(index: usize, parameter: &Parameter, moment: &str) -> String {
    format!("optimizer.{index}.{}.{moment}", parameter.name())
}
