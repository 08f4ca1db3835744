//! `--name value` pairs.

use std::collections::HashMap;
use std::error::Error;
use std::str::FromStr;

pub struct Flags(HashMap<String, String>);

impl Flags {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut flags = HashMap::new();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            flags.insert(name, value);
        }
        Ok(Self(flags))
    }

    pub fn get(&self, name: &str) -> Result<&str, Box<dyn Error>> {
        Ok(self.0.get(name).ok_or_else(|| format!("{name} is missing"))?)
    }

    pub fn number<T: FromStr<Err: Error + 'static>>(&self, name: &str) -> Result<T, Box<dyn Error>> {
        Ok(self.get(name)?.parse()?)
    }

    /// The text of the file that it names.
    pub fn text(&self, name: &str) -> Result<String, Box<dyn Error>> {
        Ok(std::fs::read_to_string(self.get(name)?)?)
    }

    /// Writes `bytes` to the file that it names, if it does.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        Ok(self.0.get(name).map_or(Ok(()), |file| std::fs::write(file, bytes))?)
    }
}
