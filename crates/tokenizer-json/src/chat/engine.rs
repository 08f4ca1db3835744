//! The template engine as transformers sets Jinja up: the same blocks, filters, tests and functions, and no way to anything else.

use std::sync::{Arc, LazyLock};

use minijinja::machinery::TemplateConfig;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};

use super::arguments::Arguments;
use super::error::{RAISED, Spent};
use super::program::Program;
use super::python::{JsonStyle, json_of, str_of};
use super::{Marks, filters, guard, methods};

/// The name of the function that a `{% generation %}` block calls.
pub(super) const GENERATION: &str = "tokenmill_generation__";

/// The widest `indent` of `tojson`.
const WIDEST_INDENT: i64 = 64;

/// A template and what it may call.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    pub env: Environment<'static>,
    pub program: Arc<Program>,
}

impl Engine {
    /// The template `source`, of which `{% generation %}` blocks are written between `marks`.
    ///
    /// # Errors
    /// The engine's, when it is no template.
    pub fn new(source: String, marks: Option<Marks>) -> Result<Self, Error> {
        static WITHOUT_MARKS: LazyLock<Environment<'static>> = LazyLock::new(|| environment(None));
        let config = TemplateConfig {
            syntax_config: SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?,
            default_auto_escape: Arc::new(|_| AutoEscape::None),
        };
        let program = Arc::new(Program::new(source, &config)?);
        let env = if marks.is_some() { environment(marks) } else { WITHOUT_MARKS.clone() };
        Ok(Self { env, program })
    }
}

/// What a template may call.
fn environment(marks: Option<Marks>) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_unknown_method_callback(methods::call);
    env.set_debug(false);
    env.set_formatter(|out, state, value| {
        let text = match value.as_str() {
            Some(text) => return out.write_str(text).map_err(Error::from),
            None => str_of(state, value)?,
        };
        out.write_str(&text).map_err(Error::from)
    });
    env.add_filter("tojson", to_json);
    env.add_filter("string", |state: &State, value: &Value| str_of(state, value));
    filters::add(&mut env);
    // They make characters of numbers, which no template for chats needs: see the proof in `mod.rs`.
    env.remove_filter("format");
    // It lays values out otherwise than Python's.
    env.remove_filter("pprint");
    // Those that Jinja has not; some of them nest lazily.
    for filter in ["bool", "chain", "lines", "split", "zip"] {
        env.remove_filter(filter);
    }
    guard::add(&mut env);
    env.add_test("sequence", |value: &Value| {
        // What is undefined is empty.
        matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map | ValueKind::Undefined)
    });
    env.add_test("iterable", |value: &Value| {
        value.kind() == ValueKind::String || (!value.is_none() && value.try_iter().is_ok())
    });
    env.add_function("raise_exception", |state: &State, message: &str| -> Result<Value, Error> {
        let spent = Spent(state.fuel_levels().map_or(0, |(spent, _)| spent));
        Err(Error::new(ErrorKind::InvalidOperation, format!("{RAISED}{message}")).with_source(spent))
    });
    env.add_function(GENERATION, move |state: &mut State, kwargs: Kwargs| -> Result<Value, Error> {
        let caller: Value = kwargs.get("caller")?;
        let text = caller.call(state, &[])?;
        let text = text.as_str().unwrap_or_default();
        Ok(match marks {
            Some(Marks { start, end }) => Value::from(format!("{start}{text}{end}")),
            None => Value::from(text),
        })
    });
    env
}

/// `tojson` of transformers: `json.dumps` with `ensure_ascii=False` and nothing escaped for HTML.
#[expect(clippy::needless_pass_by_value, reason = "the engine hands arguments over so")]
fn to_json(state: &State, value: &Value, args: Rest<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let args = Arguments::new(&["ensure_ascii", "indent", "separators", "sort_keys"], args, &kwargs)?;
    let given = |name: &str| args.get(name).filter(|value| !value.is_none());
    let indent = given("indent").map(|indent| match indent.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => match i64::try_from(indent.clone())? {
            spaces @ ..=WIDEST_INDENT => Ok(" ".repeat(usize::try_from(spaces).unwrap_or(0))),
            spaces => {
                let message = format!("expected an indent of at most {WIDEST_INDENT} for tojson, received {spaces}");
                Err(Error::new(ErrorKind::InvalidOperation, message))
            }
        },
    });
    let indent = indent.transpose()?;
    let separators = given("separators");
    let [ensure_ascii, sort_keys] = ["ensure_ascii", "sort_keys"].map(|name| args.is_true(name));
    let (mut item_separator, mut key_separator) =
        (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    if let Some(separators) = separators {
        let mut parts = separators.try_iter()?;
        let (Some(item), Some(key), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::new(ErrorKind::InvalidOperation, "expected two separators for tojson"));
        };
        (item_separator, key_separator) = (str_of(state, &item)?, str_of(state, &key)?);
    }
    json_of(state, value, &JsonStyle { indent, item_separator, key_separator, ensure_ascii, sort_keys })
        .map(Value::from)
}
