//! What a preparation was asked for: as its manifest says it, and whether a dataset is of the same call.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::prepare::PrepareOptions;
use crate::manifest::{self, Counts, InputFacts, Manifest, PreparationFacts};
use crate::{Error, Input, options_error};

/// The manifest, but for what comes of the documents.
pub fn facts(inputs: &[Input], options: &PrepareOptions) -> Result<Manifest, Error> {
    let PrepareOptions {
        read,
        tokenizer,
        allowed_special,
        separator,
        shard_tokens,
        validation,
        deduplicate,
        outputs,
        ..
    } = options;
    let mut digest = blake3::Hasher::new();
    for input in inputs {
        // A folder is a thing of the machine.
        let name = input.path.file_name().map(|name| name.to_string_lossy());
        digest.update(&json(&(name, input.bytes))?);
    }
    let mut manifest = Manifest::new(
        tokenizer.clone(),
        InputFacts {
            files: inputs.len() as u64,
            bytes: inputs.iter().map(|input| input.bytes).sum(),
            digest: Some(digest.finalize().to_hex().to_string()),
        },
    );
    manifest.allowed_special.clone_from(allowed_special);
    manifest.separator.clone_from(separator);
    manifest.shard_tokens = *shard_tokens;
    manifest.validation.clone_from(validation);
    manifest.deduplicated = *deduplicate;
    manifest.preparation = Some(PreparationFacts {
        input_format: read.format.clone(),
        field: read.field.clone(),
        max_document_bytes: read.max_document_bytes as u64,
        on_malformed: read.malformed,
        on_invalid_utf8: read.invalid_utf8,
        on_too_large: read.too_large,
        format: outputs.clone(),
    });
    Ok(manifest)
}

/// The length of a file and when it was changed; none of standard input and pipes.
type Stamp = Option<(u64, Option<String>)>;

/// Those of `inputs` as they are now.
pub fn stamps(inputs: &[Input]) -> Result<Vec<Stamp>, Error> {
    let stamp = |found: Metadata| (found.len(), found.modified().ok().map(nanoseconds));
    inputs.iter().map(|input| Ok(metadata(input)?.map(stamp))).collect()
}

/// Refuses `inputs` of which one is not what it was when `stamps` were taken: nobody knows what was read of it.
pub fn check_unchanged(inputs: &[Input], stamps: &[Stamp]) -> Result<(), Error> {
    for (input, (now, before)) in inputs.iter().zip(self::stamps(inputs)?.iter().zip(stamps)) {
        if now != before {
            let reason =
                "it was changed while it was read: begin again when it is whole, with resume: false".to_owned();
            return Err(Error::InvalidInput { path: input.name.clone(), reason });
        }
    }
    Ok(())
}

/// The hash of all that decides the result, and of which files are read and when they were changed.
pub fn key(facts: &Manifest, inputs: &[Input], stamps: &[Stamp]) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&json(facts)?);
    for (input, stamp) in inputs.iter().zip(stamps) {
        hasher.update(&json(&(&input.name, stamp))?);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Refuses the dataset `there`, whose manifest is in `out_dir`, when it is not known to be what `facts` and `inputs` come to. The contents of inputs are
/// not read for that: those that were changed after the manifest was written are other ones.
pub fn check_same(there: &Manifest, facts: &Manifest, inputs: &[Input], out_dir: &Path) -> Result<(), Error> {
    let mut here = facts.clone();
    // Earlier versions did not say it.
    if there.preparation.is_none() {
        here.preparation = None;
    }
    if there.inputs.digest.is_none() {
        here.inputs.digest = None;
    }
    let asked = Manifest { counts: Counts::default(), splits: BTreeMap::new(), ..there.clone() };
    let mut different = Vec::new();
    differences("", &value(&asked)?, &value(&here)?, &mut different);
    let path = out_dir.join(manifest::FILE);
    let written = path.metadata().and_then(|metadata| metadata.modified());
    let written = written.map_err(|error| Error::io("read", path.display(), error))?;
    for input in inputs {
        match metadata(input)? {
            None => {
                let what = if input.is_stdin() { "standard input" } else { &input.name };
                different.push(format!("nobody can tell whether {what} is the same"));
            }
            Some(metadata) if metadata.modified().is_ok_and(|changed| changed > written) => {
                different.push(format!("{} was changed after the dataset was written", input.name));
            }
            Some(_) => {}
        }
    }
    if different.is_empty() {
        return Ok(());
    }
    options_error(format!(
        "{} already holds a dataset of other inputs or options ({}): choose another folder, or remove it",
        out_dir.display(),
        different.join("; ")
    ))
}

/// None of standard input and of pipes.
fn metadata(input: &Input) -> Result<Option<Metadata>, Error> {
    if input.is_stdin() {
        return Ok(None);
    }
    let found = input.path.metadata().map_err(|error| Error::io("read", &input.name, error))?;
    Ok(found.is_file().then_some(found))
}

fn nanoseconds(time: SystemTime) -> String {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos().to_string(),
        Err(before) => format!("-{}", before.duration().as_nanos()),
    }
}

/// Adds the places where two JSON values differ, with what is there.
fn differences(place: &str, there: &Value, here: &Value, all: &mut Vec<String>) {
    match (there, here) {
        (Value::Object(first), Value::Object(second)) => {
            for name in first.keys().chain(second.keys()).collect::<BTreeSet<_>>() {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                let of = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or(Value::Null);
                differences(&place, &of(first), &of(second), all);
            }
        }
        _ if there == here => {}
        _ => all.push(format!("{place} is {there} there and {here} here")),
    }
}

fn json(facts: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(facts).map_err(|error| Error::Limit(error.to_string()))
}

fn value(manifest: &Manifest) -> Result<Value, Error> {
    serde_json::to_value(manifest).map_err(|error| Error::Limit(error.to_string()))
}
