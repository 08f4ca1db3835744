//! Tokenizers of a tokenizer.json whose texts do not go to the engine as they are.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Uint8Array, Uint8ArraySlice, Uint32Array, Uint32ArraySlice};
use napi_derive::napi;
use tokenmill_bpe::{Origin, ReadTexts};
use tokenmill_tokenizer_json::{
    Error as JsonError, Loaded, Part, Policy, RowError, Segment, SegmentIds, Tokenizer, What, is_normal, load,
    load_with_crate,
};

use crate::arrays::to_array;
use crate::cancel::CancelFlag;
use crate::encoder::as_u32;
use crate::error::{Code, Error, Result};
use crate::gathered::GatheredTexts;
use crate::json_encoder::JsonEncoderSlot;
use crate::later::{Deliver, Later, later};
use crate::memory::{copied, push, try_collected};
use crate::one_text::with_text_later;
use crate::pool::on_all_threads;
use crate::task::Work;
use crate::text::{JsText, JsTextOrBytes, NewString, TextBuffers, text_of};
use crate::token_rows::{Rows, Texts, TokenRows, in_row};
use crate::tokenizer::{BpeHandle, SpecialToken};
use crate::waiting::{Pending, pending};

/// A tokenizer.json. Special tokens in text go by a policy, as with [`crate::tokenizer::BpeHandle`], and errors about them have the same form.
#[napi]
pub struct JsonHandle {
    loaded: Arc<Loaded>,
    encoder: JsonEncoderSlot,
    /// Of segments that are trusted, and of others.
    of_segments: OnceLock<[Policy; 2]>,
}

/// What a post-processor makes, part by part: what it is, and its type id. 4294967295 stands for the first text, 4294967294 for the
/// second, all else is an id.
#[napi(object)]
pub struct NativeTemplates {
    pub single: Uint32Array,
    pub pair: Uint32Array,
    pub single_plain: Uint32Array,
    pub pair_plain: Uint32Array,
}

/// How rows are cut and filled up, as the file says.
#[napi(object)]
pub struct NativeRowShape {
    pub max_length: Option<f64>,
    #[napi(ts_type = "'longest-first' | 'only-first' | 'only-second'")]
    pub truncation: Option<String>,
    pub truncate_start: Option<bool>,
    pub stride: Option<f64>,
    pub pad_to: Option<f64>,
    pub multiple_of: Option<f64>,
    pub pad_start: Option<bool>,
    pub pad_id: Option<u32>,
    pub pad_type_id: Option<u32>,
}

/// Whether a text stays as it is where files normalize to form C. JavaScript's own `normalize` orders marks side by side in time by the square of their number.
#[napi(catch_unwind)]
pub fn is_nfc(#[napi(ts_arg_type = "string | Uint8Array")] text: JsTextOrBytes<'_>) -> Result<bool> {
    match text {
        JsTextOrBytes::String(string) => Ok(is_normal(&TextBuffers::default().read(&string)?)),
        JsTextOrBytes::Bytes(bytes) => Ok(is_normal(&text_of(&bytes, false, "text")?)),
    }
}

/// [`is_nfc`] of a string off the main thread.
#[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
pub fn is_nfc_async<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "string")] text: JsText,
    cancel: Option<&CancelFlag>,
) -> Result<Pending<'env, bool>> {
    with_text_later(env, text, cancel, |text, _| Ok(is_normal(text)))
}

#[napi]
impl JsonHandle {
    /// Reads the bytes of a tokenizer.json.
    #[napi(catch_unwind, ts_return_type = "Promise<JsonHandle>")]
    pub fn load(bytes: Uint8ArraySlice<'_>) -> Result<AsyncTask<Work<Later<Loaded>>>> {
        if bytes.len() > tokenmill_tokenizer_json::LARGEST_FILE {
            // It says so, and nothing is copied.
            return load(&bytes).map(|_| unreachable!("it is too large")).map_err(from_json);
        }
        let bytes = copied(&bytes)?;
        Ok(later(move || load(&bytes).map_err(from_json)))
    }

    /// [`JsonHandle::load`] on this thread.
    #[napi(factory, catch_unwind)]
    pub fn load_sync(bytes: Uint8ArraySlice<'_>) -> Result<Self> {
        Ok(Self::new(load(&bytes).map_err(from_json)?))
    }

    /// Reads the bytes of a tokenizer.json whose model the `tokenizers` crate runs, whatever it is.
    #[napi(factory, catch_unwind)]
    pub fn with_crate(bytes: Uint8ArraySlice<'_>) -> Result<Self> {
        let loaded = load_with_crate(&bytes).map_err(from_json)?;
        Ok(Self::new(loaded))
    }

    /// The engine, when it is what runs the model. No other method that encodes or decodes works then.
    #[napi(catch_unwind)]
    pub fn engine(&self) -> Option<BpeHandle> {
        self.loaded.engine().map(|engine| BpeHandle::new(Arc::clone(&engine.tokenizer)))
    }

    /// Whether texts come to normal form C.
    #[napi(getter, catch_unwind)]
    pub fn is_nfc(&self) -> bool {
        self.loaded.engine().is_some_and(|engine| engine.nfc)
    }

    /// Whether the engine does that; else it gives the ids of texts that are in it.
    #[napi(getter, catch_unwind)]
    pub fn normalizes(&self) -> bool {
        self.loaded.engine().is_some_and(|engine| engine.normalizes)
    }

    #[napi(getter, catch_unwind)]
    pub fn model(&self) -> &'static str {
        self.loaded.model
    }

    /// What tokens that go on with a word start with; `null` where such are not marked.
    #[napi(getter, catch_unwind)]
    pub fn continuing_prefix(&self) -> Result<Option<String>> {
        Ok(tokenizer(&self.loaded)?.continuing_prefix().map(str::to_owned))
    }

    #[napi(getter, catch_unwind)]
    pub fn vocab_size(&self) -> Result<u32> {
        Ok(tokenizer(&self.loaded)?.vocab_size())
    }

    #[napi(catch_unwind)]
    pub fn special_tokens(&self) -> Result<Vec<SpecialToken>> {
        let tokens = tokenizer(&self.loaded)?.special_tokens();
        Ok(tokens.into_iter().map(|(token, id)| SpecialToken { token: token.to_owned(), id }).collect())
    }

    #[napi(catch_unwind)]
    pub fn fingerprint(&self) -> Result<String> {
        Ok(tokenizer(&self.loaded)?.fingerprint().to_owned())
    }

    #[napi(catch_unwind)]
    pub fn templates(&self, env: Env) -> Result<NativeTemplates> {
        let flat = |parts: &[Part]| {
            let number = |what| match what {
                What::First => u32::MAX,
                What::Second => u32::MAX - 1,
                What::Id(id) => id,
            };
            let numbers: Vec<u32> = parts.iter().flat_map(|part| [number(part.what), part.type_id]).collect();
            to_array(env, &numbers)
        };
        let templates = &self.loaded.templates;
        Ok(NativeTemplates {
            single: flat(&templates.single)?,
            pair: flat(&templates.pair)?,
            single_plain: flat(&templates.single_plain)?,
            pair_plain: flat(&templates.pair_plain)?,
        })
    }

    #[napi(catch_unwind)]
    pub fn row_shape(&self) -> NativeRowShape {
        let (cut, fill) = (self.loaded.truncation, self.loaded.padding.as_ref());
        // What is larger than a number can be is larger than any row.
        let number = |length: u64| length as f64;
        NativeRowShape {
            max_length: cut.map(|cut| number(cut.max_length)),
            truncation: cut.map(|cut| cut.strategy.to_owned()),
            truncate_start: cut.map(|cut| cut.from_left),
            stride: cut.map(|cut| number(cut.stride)),
            pad_to: fill.and_then(|fill| fill.length).map(number),
            multiple_of: fill.and_then(|fill| fill.multiple_of).map(number),
            pad_start: fill.map(|fill| fill.at_left),
            pad_id: fill.map(|fill| fill.id),
            pad_type_id: fill.map(|fill| fill.type_id),
        }
    }

    /// The number of the policy that allows and refuses these special tokens.
    #[napi(catch_unwind)]
    pub fn add_policy(&self, allowed: Vec<String>, disallowed: Vec<String>) -> Result<u32> {
        self.encoder.add_policy(&allowed, &disallowed)
    }

    /// Forgets all policies.
    #[napi(catch_unwind)]
    pub fn drop_policies(&self) -> Result<()> {
        self.encoder.drop_policies()
    }

    /// Its number among the encoders of this thread: short texts are for the functions of [`calls`](crate::calls).
    #[napi(getter, catch_unwind)]
    pub fn encoder(&self) -> u32 {
        self.encoder.number()
    }

    /// The ids of the last text that a function of [`calls`](crate::calls) encoded.
    #[napi(catch_unwind)]
    pub fn take_ids(&self, env: Env) -> Result<Uint32Array> {
        self.encoder.with(|encoder| {
            let array = to_array(env, &encoder.ids);
            encoder.forget();
            array
        })
    }

    /// The ids of bytes, which are UTF-8.
    #[napi(catch_unwind)]
    pub fn encode_bytes(&self, env: Env, bytes: Uint8ArraySlice<'_>, strict: bool, policy: u32) -> Result<Uint32Array> {
        let (policy, text) = (self.policy(policy)?, text_of(&bytes, strict, "text")?);
        let ids = tokenizer(&self.loaded)?.encode(&text, &policy, None);
        to_array(env, &ids.map_err(|error| from_json_in(Origin::Bytes(&bytes), error))?)
    }

    /// The number of ids that `encodeBytes` gives, `null` when there are more than `most`: then the work ends soon after these.
    #[napi(catch_unwind)]
    pub fn count_bytes_within(
        &self,
        bytes: Uint8ArraySlice<'_>,
        strict: bool,
        policy: u32,
        most: u32,
    ) -> Result<Option<u32>> {
        let (policy, text) = (self.policy(policy)?, text_of(&bytes, strict, "text")?);
        let count = tokenizer(&self.loaded)?.count_within(&text, &policy, most as usize);
        count.map_err(|error| from_json_in(Origin::Bytes(&bytes), error))?.map(as_u32).transpose()
    }

    /// The ids of segments of one text, each in a row. Special tokens count in those that are `trusted`.
    #[napi(catch_unwind)]
    pub fn encode_segments(&self, env: Env, texts: Vec<String>, trusted: Vec<bool>) -> Result<TokenRows> {
        let tokenizer = tokenizer(&self.loaded)?;
        let [all, none] = self.policies_of_segments(tokenizer)?;
        let segments = texts.iter().zip(trusted);
        let segments: Vec<_> =
            segments.map(|(text, trusted)| Segment { text, policy: if trusted { all } else { none } }).collect();
        let SegmentIds { ids, ends } = tokenizer.encode_segments(&segments, none).map_err(from_json)?;
        let row_starts: Vec<u32> = [Ok(0)].into_iter().chain(ends.into_iter().map(as_u32)).collect::<Result<_>>()?;
        Ok(TokenRows { ids: to_array(env, &ids)?, row_starts: to_array(env, &row_starts)? })
    }

    /// Encodes several texts on all threads.
    #[napi(catch_unwind)]
    pub fn encode_batch(
        &self,
        env: Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
    ) -> Result<TokenRows> {
        self.all(Texts::read(&texts, strict)?, policy, None)?.encode()?.into_copies(env)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<TokenRows>")]
    pub fn encode_batch_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Rows>> {
        encode_later(env, self.all(Texts::read(&texts, strict)?, policy, cancel)?)
    }

    /// The same of texts that have crossed before.
    #[napi(catch_unwind, ts_return_type = "Promise<TokenRows>")]
    pub fn encode_gathered_async<'env>(
        &self,
        env: &'env Env,
        texts: &GatheredTexts,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Rows>> {
        encode_later(env, self.all(texts.take(), policy, cancel)?)
    }

    /// The number of ids of each of several texts, counted on all threads.
    #[napi(catch_unwind)]
    pub fn count_batch(
        &self,
        env: Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
    ) -> Result<Uint32Array> {
        to_array(env, &self.all(Texts::read(&texts, strict)?, policy, None)?.count()?)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn count_batch_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "readonly (string | Uint8Array)[]")] texts: Vec<JsTextOrBytes<'_>>,
        strict: bool,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Vec<u32>>> {
        count_later(env, self.all(Texts::read(&texts, strict)?, policy, cancel)?)
    }

    /// The same of texts that have crossed before.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn count_gathered_async<'env>(
        &self,
        env: &'env Env,
        texts: &GatheredTexts,
        policy: u32,
        cancel: Option<&CancelFlag>,
    ) -> Result<Pending<'env, Vec<u32>>> {
        count_later(env, self.all(texts.take(), policy, cancel)?)
    }

    /// The text of `ids`.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn decode(&self, ids: Uint32ArraySlice<'_>, strict: bool, skip_special: bool) -> Result<NewString> {
        tokenizer(&self.loaded)?.decode(&ids, skip_special, strict).map_err(from_json).and_then(NewString::of)
    }

    #[napi(catch_unwind)]
    pub fn decode_bytes(&self, env: Env, ids: Uint32ArraySlice<'_>) -> Result<Uint8Array> {
        to_array(env, &tokenizer(&self.loaded)?.decode_bytes(&ids).map_err(from_json)?)
    }

    #[napi(catch_unwind)]
    pub fn token_to_id(&self, token: String) -> Result<Option<u32>> {
        Ok(tokenizer(&self.loaded)?.token_to_id(&token))
    }

    #[napi(catch_unwind)]
    pub fn id_to_token(&self, id: u32) -> Result<Option<String>> {
        Ok(tokenizer(&self.loaded)?.token(id).map(str::to_owned))
    }

    #[napi(catch_unwind)]
    pub fn id_to_bytes(&self, env: Env, id: u32) -> Result<Option<Uint8Array>> {
        tokenizer(&self.loaded)?.token_bytes(id).map(|token| to_array(env, &token)).transpose()
    }
}

impl JsonHandle {
    fn new(loaded: Loaded) -> Self {
        let loaded = Arc::new(loaded);
        Self { encoder: JsonEncoderSlot::new(Arc::clone(&loaded)), loaded, of_segments: OnceLock::new() }
    }

    pub fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded)
    }

    fn all(&self, texts: Texts, policy: u32, cancel: Option<&CancelFlag>) -> Result<Batch> {
        Ok(Batch {
            loaded: Arc::clone(&self.loaded),
            policy: self.policy(policy)?,
            texts,
            cancel: CancelFlag::of(cancel),
        })
    }

    fn policies_of_segments(&self, tokenizer: &Tokenizer) -> Result<&[Policy; 2]> {
        if let Some(policies) = self.of_segments.get() {
            return Ok(policies);
        }
        let special: Vec<_> = tokenizer.special_tokens().into_iter().map(|(token, _)| token).collect();
        let all = tokenizer.policy(&special, &[]).map_err(from_json)?;
        let none = tokenizer.policy::<&str>(&[], &[]).map_err(from_json)?;
        Ok(self.of_segments.get_or_init(|| [all, none]))
    }

    pub fn policy(&self, number: u32) -> Result<Arc<Policy>> {
        self.encoder.policy(number)
    }
}

impl Deliver for Loaded {
    type JsValue = JsonHandle;

    fn deliver(self, _env: Env) -> Result<JsonHandle> {
        Ok(JsonHandle::new(self))
    }
}

impl Deliver for Rows {
    type JsValue = TokenRows;

    fn deliver(self, _env: Env) -> Result<TokenRows> {
        self.into_arrays()
    }
}

/// What the `tokenizers` crate runs.
pub fn tokenizer(loaded: &Loaded) -> Result<&Tokenizer> {
    loaded.tokenizer().ok_or_else(|| Error::new(Code::Internal, "the engine runs this tokenizer"))
}

fn encode_later(env: &Env, all: Batch) -> Result<Pending<'_, Rows>> {
    let (cancel, are_short) = (Arc::clone(&all.cancel), all.texts.are_short());
    pending(env, !are_short, &cancel, move || if are_short { Rows::of(&all.each(|ids| ids)?) } else { all.encode() })
}

fn count_later(env: &Env, all: Batch) -> Result<Pending<'_, Vec<u32>>> {
    let (cancel, are_short) = (Arc::clone(&all.cancel), all.texts.are_short());
    pending(env, !are_short, &cancel, move || {
        if are_short { all.each(|ids| ids.len())?.into_iter().map(as_u32).collect() } else { all.count() }
    })
}

/// Several texts, and what makes their ids.
struct Batch {
    loaded: Arc<Loaded>,
    texts: Texts,
    policy: Arc<Policy>,
    cancel: Arc<AtomicBool>,
}

impl Batch {
    fn encode(&self) -> Result<Rows> {
        let cancel = Some(&*self.cancel);
        let rows = self.run(|tokenizer, texts| tokenizer.encode_batch(texts, &self.policy, cancel))?;
        Rows::of(&rows)
    }

    fn count(&self) -> Result<Vec<u32>> {
        let cancel = Some(&*self.cancel);
        let counts = self.run(|tokenizer, texts| tokenizer.count_batch(texts, &self.policy, cancel))?;
        try_collected(counts.into_iter().map(as_u32))
    }

    /// What `keep` leaves of the ids of each text, made on this thread: those of the pool may have other work for seconds. The error is that of the first text
    /// that has one.
    fn each<T>(&self, keep: impl Fn(Vec<u32>) -> T) -> Result<Vec<T>> {
        let (tokenizer, mut rows) = (tokenizer(&self.loaded)?, Vec::new());
        self.texts.each(&mut String::new(), |row, text, origin| {
            let ids = tokenizer.encode(text, &self.policy, Some(&*self.cancel));
            push(&mut rows, keep(ids.map_err(|error| in_row(row, from_json_in(origin, error)))?))
        })?;
        Ok(rows)
    }

    /// Does `work` with all texts. The error is that of the first text that has one, whatever is wrong with it.
    fn run<T: Send>(
        &self,
        work: impl FnOnce(&Tokenizer, &[&str]) -> std::result::Result<T, RowError> + Send,
    ) -> Result<T> {
        let tokenizer = tokenizer(&self.loaded)?;
        on_all_threads(|| {
            let (groups, not_utf8) = self.texts.utf8();
            let (texts, origins): (Vec<&str>, Vec<Origin<'_>>) = groups.iter().flat_map(ReadTexts::texts).unzip();
            let done = work(tokenizer, &texts)
                .map_err(|RowError { row, error }| in_row(row, from_json_in(origins[row], error)))?;
            not_utf8.map_or(Ok(done), Err)
        })?
    }
}

/// An error about the text of `origin` for JavaScript.
pub fn from_json_in(origin: Origin<'_>, error: JsonError) -> Error {
    match error {
        JsonError::DisallowedSpecialToken { token, at } => {
            Error::new(Code::SpecialToken, format!("{} {token}", origin.place(at)))
        }
        error => from_json(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub fn from_json(error: JsonError) -> Error {
    let code = match error {
        JsonError::InvalidFile { .. } => Code::InvalidFile,
        JsonError::Limit { .. } => Code::Limit,
        JsonError::DisallowedSpecialToken { .. } => Code::SpecialToken,
        JsonError::UnknownWord { .. } => Code::UnknownToken,
        JsonError::UnknownId { .. } => Code::OutOfRange,
        JsonError::InvalidUtf8 => Code::InvalidUtf8,
        _ => Code::Internal,
    };
    Error::new(code, error.to_string())
}
