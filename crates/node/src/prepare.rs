//! Documents to datasets.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use tokenmill_bpe::{Error as BpeError, SpecialPolicy, Tokenizer};
use tokenmill_corpus::manifest::{Separator, SeparatorPosition, TokenizerFacts, Validation};
use tokenmill_corpus::{
    Encoded, Error as Core, Format, OnFault, OnInvalidUtf8, Output, PrepareOptions, Prepared, ReadOptions, Status,
    prepare, resolve,
};

use crate::cancel::CancelFlag;
use crate::corpus_convert::{coded, coded_with, number, place};
use crate::error::{Code, Error, Result};
use crate::later::Deliver;
use crate::own_thread::on_own_thread;
use crate::pool::{on_all_threads, threads};
use crate::tokenizer::BpeHandle;

/// Longer documents are divided among the threads of the pool, in bytes.
const LONG: usize = 4 << 20;

/// What is prepared, and how. The facade has checked it.
#[napi(object)]
#[expect(clippy::struct_excessive_bools, reason = "the options of the facade, which are independent")]
pub struct PrepareConfig {
    pub inputs: Vec<String>,
    pub out_dir: String,
    #[napi(ts_type = "'detect' | 'text' | 'lines' | 'separated' | 'jsonl' | 'parquet'")]
    pub input_format: String,
    /// Of `separated`.
    pub document_separator: String,
    pub field: String,
    pub max_document_bytes: f64,
    pub skip_malformed: bool,
    #[napi(ts_type = "'replace' | 'skip' | 'error'")]
    pub invalid_utf8: String,
    pub skip_too_large: bool,
    /// 0: as many as the pool has.
    pub threads: u32,
    pub tokenizer_name: String,
    pub fingerprint: String,
    pub vocab_size: u32,
    /// Sorted.
    pub allowed_special: Vec<String>,
    pub separator: Option<u32>,
    pub separator_first: bool,
    pub shard_tokens: f64,
    pub validation: Option<f64>,
    pub seed: f64,
    pub deduplicate: bool,
    pub memory_limit: f64,
    pub formats: Vec<String>,
    pub resume: bool,
    pub checkpoint_seconds: f64,
}

/// How far a preparation is.
#[napi]
#[derive(Default)]
pub struct PrepareStatus {
    status: Arc<Status>,
}

#[napi(object)]
pub struct PrepareGlance {
    pub bytes_read: f64,
    pub bytes_total: f64,
    pub documents: f64,
    pub tokens: f64,
    pub text_bytes: f64,
}

#[napi]
impl PrepareStatus {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    #[napi(catch_unwind)]
    pub fn glance(&self) -> PrepareGlance {
        let glance = self.status.glance();
        PrepareGlance {
            bytes_read: number(glance.bytes_read),
            bytes_total: number(glance.bytes_total),
            documents: number(glance.documents),
            tokens: number(glance.tokens),
            text_bytes: number(glance.text_bytes),
        }
    }
}

impl PrepareStatus {
    pub fn shared(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }
}

/// What a preparation has made.
#[napi(object)]
pub struct PrepareResult {
    /// As JSON.
    pub manifest: String,
    pub faults: Vec<String>,
    pub was_complete: bool,
}

impl Deliver for Prepared {
    type JsValue = PrepareResult;

    fn deliver(self, _env: Env) -> Result<PrepareResult> {
        let manifest = self.manifest.to_json().map_err(coded)?;
        Ok(PrepareResult { manifest, faults: self.faults, was_complete: self.was_complete })
    }
}

/// Encodes on native threads; special tokens in texts are treated by the `policy` of that number.
#[napi(catch_unwind, ts_return_type = "Promise<PrepareResult>")]
pub fn prepare_bpe<'env>(
    env: &'env Env,
    config: PrepareConfig,
    tokenizer: &BpeHandle,
    policy: u32,
    status: &PrepareStatus,
    cancel: Option<&CancelFlag>,
) -> Result<Object<'env>> {
    let policy = tokenizer.policy(policy)?;
    let (tokenizer, status) = (tokenizer.shared(), status.shared());
    on_own_thread(env, cancel.map(CancelFlag::shared).unwrap_or_default(), move |cancel| {
        run(config, &status, cancel, || bpe_encoder(&tokenizer, &policy, cancel))
    })
}

/// The ids of texts.
fn bpe_encoder<'a>(
    tokenizer: &'a Tokenizer,
    policy: &'a SpecialPolicy,
    cancel: &'a AtomicBool,
) -> impl FnMut(&[&str]) -> std::result::Result<Encoded, Core> + 'a {
    let mut worker = tokenizer.idle_worker();
    let failed = |text, error| match error {
        BpeError::Cancelled => Core::Cancelled,
        BpeError::DisallowedSpecialToken { token, at } => Core::Refused {
            text,
            reason: format!(
                "the document holds the special token {token:?} at byte {at}; to encode it as a special token, pass allowedSpecial: [{token:?}]; to encode it as plain text, pass disallowedSpecial: []"
            ),
        },
        BpeError::OutOfMemory { .. } => Core::Limit(error.to_string()),
        error => Core::Encode(error.to_string()),
    };
    move |texts| {
        let mut encoded = Encoded::default();
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let few = || Core::Limit(format!("there is not enough memory for the ids of {bytes} bytes"));
        encoded.ids.try_reserve(bytes / 4 + 16).map_err(|_| few())?;
        for (at, text) in texts.iter().enumerate() {
            if text.len() > LONG {
                let rows = on_all_threads(|| tokenizer.encode_batch(&[text], policy, Some(cancel)));
                let rows = rows.map_err(|error| Core::Limit(error.reason.clone()))?;
                let ids = rows.map_err(|error| failed(at, error.error))?.ids;
                encoded.ids.try_reserve(ids.len()).map_err(|_| few())?;
                encoded.ids.extend_from_slice(&ids);
            } else {
                let done = tokenizer.encode_to(text, policy, &mut worker, &mut encoded.ids, Some(cancel));
                done.map_err(|error| failed(at, error))?;
            }
            encoded.ends.push(encoded.ids.len());
        }
        Ok(encoded)
    }
}

pub fn run<F: FnMut(&[&str]) -> std::result::Result<Encoded, Core>>(
    config: PrepareConfig,
    status: &Status,
    cancel: &AtomicBool,
    encoder: impl Fn() -> F + Sync,
) -> Result<Prepared> {
    let inputs = resolve(&config.inputs, Some(cancel)).map_err(coded)?;
    let prepared = prepare(&inputs, &options(config)?, status, Some(cancel), encoder);
    prepared.map_err(|error| coded_with("options.inputFormat", error))
}

fn options(config: PrepareConfig) -> Result<PrepareOptions> {
    let unknown = |name: &str, value: &str| Error::new(Code::Internal, format!("there is no {name} {value}"));
    let on_fault = |skip| if skip { OnFault::Skip } else { OnFault::Fail };
    let output = |name: &String| match name.as_str() {
        "raw" => Ok(Output::Raw),
        "nanogpt" => Ok(Output::NanoGpt),
        "llmc" => Ok(Output::LlmC),
        "megatron" => Ok(Output::Megatron),
        "npy" => Ok(Output::Npy),
        _ => Err(unknown("format", name)),
    };
    let read = ReadOptions {
        format: match config.input_format.as_str() {
            "detect" => Format::Detect,
            "text" => Format::Text,
            "lines" => Format::Lines,
            "separated" => Format::Separated(config.document_separator),
            "jsonl" => Format::Jsonl,
            "parquet" => Format::Parquet,
            other => return Err(unknown("input format", other)),
        },
        field: config.field,
        max_document_bytes: place("maxDocumentBytes", config.max_document_bytes)? as usize,
        malformed: on_fault(config.skip_malformed),
        invalid_utf8: match config.invalid_utf8.as_str() {
            "replace" => OnInvalidUtf8::Replace,
            "skip" => OnInvalidUtf8::Skip,
            "error" => OnInvalidUtf8::Fail,
            other => return Err(unknown("way with invalid UTF-8", other)),
        },
        too_large: on_fault(config.skip_too_large),
        threads: if config.threads == 0 { threads()? } else { config.threads } as usize,
    };
    let seed = place("seed", config.seed)?;
    let position = if config.separator_first { SeparatorPosition::Before } else { SeparatorPosition::After };
    Ok(PrepareOptions {
        out_dir: PathBuf::from(config.out_dir),
        read,
        tokenizer: TokenizerFacts {
            name: config.tokenizer_name,
            fingerprint: config.fingerprint,
            vocab_size: config.vocab_size,
        },
        allowed_special: config.allowed_special,
        separator: config.separator.map(|id| Separator { id, position }),
        shard_tokens: place("shardTokens", config.shard_tokens)?,
        validation: config.validation.map(|share| Validation { share, seed }),
        deduplicate: config.deduplicate,
        memory_limit: place("memoryLimit", config.memory_limit)? as usize,
        outputs: config.formats.iter().map(output).collect::<Result<_>>()?,
        resume: config.resume,
        checkpoint_every: Duration::try_from_secs_f64(config.checkpoint_seconds)
            .map_err(|_| unknown("time", "checkpointSeconds"))?,
    })
}
