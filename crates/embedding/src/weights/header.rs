//! The JSON header, checked before anything is done with it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::FileFault;

/// The key that is no tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// A header whose tensors follow one another without holes or overlaps.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
}

/// One tensor: its type, its shape, and where its bytes start and end among the values.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct TensorInfo {
    pub(crate) dtype: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) data_offsets: (u64, u64),
}

impl Header {
    /// Reads a header of a file that has `data_bytes` bytes of values.
    pub(crate) fn parse(json: &[u8], data_bytes: u64) -> Result<Self, FileFault> {
        let header: Self = serde_json::from_slice(json).map_err(FileFault::Header)?;
        let mut order: Vec<_> = header.tensors.iter().map(|(name, info)| (info.data_offsets, name)).collect();
        order.sort_unstable();
        let mut expected = 0;
        for ((start, end), name) in order {
            if start != expected || end < start {
                return Err(FileFault::Place { name: name.clone() });
            }
            expected = end;
        }
        if expected != data_bytes {
            return Err(FileFault::DataLength { expected, actual: data_bytes });
        }
        Ok(header)
    }

    /// The tensor of this name.
    pub(crate) fn tensor(&self, name: &str) -> Result<&TensorInfo, FileFault> {
        self.tensors.get(name).ok_or_else(|| FileFault::missing(name, self.tensors.keys()))
    }
}

impl TensorInfo {
    /// `[rows, columns]`, when the tensor is a matrix that is not empty.
    pub(crate) fn matrix(&self) -> Option<(usize, usize)> {
        match *self.shape {
            [rows, columns] if rows > 0 && columns > 0 => Some((rows.try_into().ok()?, columns.try_into().ok()?)),
            _ => None,
        }
    }

    /// The bytes of its values.
    pub(crate) fn bytes(&self) -> u64 {
        self.data_offsets.1 - self.data_offsets.0
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header::default();
                let mut has_metadata = false;
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        if has_metadata {
                            return Err(duplicate(&name));
                        }
                        has_metadata = true;
                        header.metadata = map.next_value::<Strings>()?.0;
                    } else {
                        once(&mut header.tensors, name, map.next_value()?)?;
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Strings by name, each name once.
struct Strings(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Strings;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strings, A::Error> {
                let mut strings = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    once(&mut strings, name, value)?;
                }
                Ok(Strings(strings))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Readers disagree about which of two entries of one name counts, so that a file could be two models.
fn once<T, E: serde::de::Error>(entries: &mut BTreeMap<String, T>, name: String, value: T) -> Result<(), E> {
    match entries.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(())
        }
        Entry::Occupied(entry) => Err(duplicate(entry.key())),
    }
}

fn duplicate<E: serde::de::Error>(name: &str) -> E {
    E::custom(format_args!("{name:?} is there twice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str, data_bytes: u64) -> Result<Header, String> {
        Header::parse(json.as_bytes(), data_bytes).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_header_is_read() {
        let json = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}  "#;
        let header = parse(json, 12).unwrap();
        assert_eq!(header.metadata["format"], "pt");
        assert_eq!(header.tensors["b"].matrix(), Some((1, 2)));
        assert_eq!(header.tensors["a"].matrix(), None);
        assert!(header.tensor("c").unwrap_err().to_string().contains("only a, b"));
    }

    #[test]
    fn crafted_headers_are_refused() {
        let tensor = |start: u64, end: u64| format!(r#"{{"dtype":"F32","shape":[1],"data_offsets":[{start},{end}]}}"#);
        let cases = [
            (String::new(), 0, "EOF"),
            ("[]".to_owned(), 0, "an object of tensors"),
            (format!(r#"{{"a":{},"a":{}}}"#, tensor(0, 4), tensor(0, 4)), 4, "twice"),
            (r#"{"__metadata__":{"x":"1","x":"2"}}"#.to_owned(), 0, "twice"),
            (r#"{"__metadata__":{},"__metadata__":{}}"#.to_owned(), 0, "twice"),
            (r#"{"__metadata__":{"x":1}}"#.to_owned(), 0, "expected a string"),
            (format!(r#"{{"a":{}}}"#, tensor(4, 8)), 8, "is not where"),
            (format!(r#"{{"a":{},"b":{}}}"#, tensor(0, 4), tensor(0, 4)), 4, "is not where"),
            (format!(r#"{{"a":{},"b":{}}}"#, tensor(0, 8), tensor(4, 12)), 12, "is not where"),
            (format!(r#"{{"a":{},"b":{}}}"#, tensor(0, 4), tensor(4, 0)), 4, "is not where"),
            (format!(r#"{{"a":{}}}"#, tensor(0, u64::MAX)), 4, "describes 18446744073709551615 bytes"),
            (format!(r#"{{"a":{}}}"#, tensor(0, 4)), 5, "describes 4 bytes"),
            (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#.to_owned(), 4, "invalid value"),
            (r#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#.to_owned(), 4, "invalid type"),
            (r#"{"a":{"dtype":"F32","shape":[1]}}"#.to_owned(), 4, "missing field"),
            (format!("{}{}", r#"{"a":"#, "[".repeat(100_000)), 0, "the header is not"),
        ];
        for (json, data_bytes, expected) in cases {
            let error = parse(&json, data_bytes).unwrap_err();
            assert!(error.contains(expected), "{} gives: {error}", &json[..json.len().min(80)]);
        }
    }
}
