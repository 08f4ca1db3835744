//! Rotary tables and `ALiBi` slopes are those of `testdata/embedding/positions.json`, which `scripts/make-golden-positions.py` made by the formulas of
//! Hugging Face's transformers.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use serde::Deserialize;
use tokenmill_embedding::{Error, RopeConfig, RopeScaling, alibi_slopes, fill_rope_table, rope_table};

#[derive(Deserialize)]
struct Golden {
    ropes: Vec<Rope>,
    alibi: BTreeMap<usize, Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rope {
    head_dimensions: usize,
    base: f64,
    scaling: Option<Scaling>,
    rows: BTreeMap<usize, Row>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Scaling {
    Linear {
        factor: f64,
    },
    Llama3 {
        factor: f64,
        low_frequency: f64,
        high_frequency: f64,
        original_context_length: usize,
    },
    Yarn {
        factor: f64,
        beta_fast: f64,
        beta_slow: f64,
        original_context_length: usize,
        truncate: Option<bool>,
        attention_factor: Option<f64>,
    },
}

#[derive(Deserialize)]
struct Row {
    cos: Vec<f64>,
    sin: Vec<f64>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../testdata/embedding/positions.json")).unwrap()
}

fn scaling_of(scaling: Option<Scaling>) -> RopeScaling {
    match scaling {
        None => RopeScaling::None,
        Some(Scaling::Linear { factor }) => RopeScaling::Linear { factor },
        Some(Scaling::Llama3 { factor, low_frequency, high_frequency, original_context_length }) => {
            RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_context_length }
        }
        Some(Scaling::Yarn { factor, beta_fast, beta_slow, original_context_length, truncate, attention_factor }) => {
            let truncate = truncate.unwrap_or(true);
            RopeScaling::Yarn { factor, beta_fast, beta_slow, original_context_length, truncate, attention_factor }
        }
    }
}

fn config() -> RopeConfig {
    RopeConfig { context_length: 3, head_dimensions: 4, base: 10_000.0, position_offset: 0, scaling: RopeScaling::None }
}

/// `f32` values that are those of `f64` but for the last bit, in which a logarithm may differ.
fn assert_near(actual: &[f32], expected: &[f64], what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (&actual, &expected) in actual.iter().zip(expected) {
        let (actual, tolerance) = (f64::from(actual), expected.abs() * f64::from(f32::EPSILON) + 1e-10);
        assert!((actual - expected).abs() <= tolerance, "{what}: {actual} is not {expected}");
    }
}

#[test]
fn rotary_rows_are_the_golden_ones() {
    let ropes = golden().ropes;
    assert!(ropes.len() >= 11);
    for rope in ropes {
        let scaling = scaling_of(rope.scaling);
        for (position_offset, row) in rope.rows {
            let Rope { head_dimensions, base, .. } = rope;
            let config = RopeConfig { context_length: 1, head_dimensions, base, position_offset, scaling };
            let table = rope_table(&config).unwrap();
            let what = format!("{config:?}");
            assert_near(&table.cos, &row.cos, &what);
            assert_near(&table.sin, &row.sin, &what);
        }
    }
}

#[test]
fn an_offset_leaves_out_the_first_rows() {
    let whole = rope_table(&RopeConfig { context_length: 300, ..config() }).unwrap();
    let rest = rope_table(&RopeConfig { context_length: 100, position_offset: 200, ..config() }).unwrap();
    assert_eq!((&whole.cos[400..], &whole.sin[400..]), (&*rest.cos, &*rest.sin));
}

#[test]
fn slopes_are_the_golden_ones() {
    let golden = golden().alibi;
    assert!(golden.len() >= 11);
    for (heads, expected) in golden {
        assert_near(&alibi_slopes(heads).unwrap(), &expected, &format!("{heads} heads"));
    }
    assert!(matches!(alibi_slopes(0), Err(Error::Zero { .. })));
}

#[test]
fn memory_of_another_length_is_left_alone() {
    for lengths in [[6, 5], [7, 6]] {
        let [mut cos, mut sin] = lengths.map(|length| vec![0.5; length]);
        let error = fill_rope_table(&config(), &mut cos, &mut sin);
        assert!(matches!(error, Err(Error::LengthMismatch { expected: 6, .. })));
        assert_eq!([cos, sin].concat(), vec![0.5; lengths.iter().sum()]);
    }
}

#[test]
fn what_cannot_be_is_an_error_that_names_it() {
    let scaling = |scaling| RopeConfig { scaling, ..config() };
    let (factor, original_context_length) = (2.0, 8);
    let llama3 = |low_frequency, high_frequency| {
        scaling(RopeScaling::Llama3 { factor, low_frequency, high_frequency, original_context_length })
    };
    let yarn = |beta_fast, attention_factor| {
        let (beta_slow, truncate) = (1.0, true);
        scaling(RopeScaling::Yarn { factor, beta_fast, beta_slow, original_context_length, truncate, attention_factor })
    };
    for (config, expected) in [
        (RopeConfig { head_dimensions: 3, ..config() }, "dimensions of a head"),
        (RopeConfig { head_dimensions: 0, ..config() }, "dimensions of a head"),
        (RopeConfig { base: 1.0, ..config() }, "the base"),
        (RopeConfig { base: f64::NAN, ..config() }, "the base"),
        (RopeConfig { context_length: 0, ..config() }, "context length"),
        (RopeConfig { context_length: usize::MAX, ..config() }, "more than can be addressed"),
        (RopeConfig { context_length: isize::MAX as usize / 8, ..config() }, "could not be allocated"),
        (scaling(RopeScaling::Linear { factor: 0.5 }), "the factor"),
        (scaling(RopeScaling::Linear { factor: f64::INFINITY }), "the factor"),
        (llama3(0.0, 4.0), "the low frequency"),
        (llama3(4.0, 4.0), "the high frequency"),
        (yarn(0.5, None), "the fast beta"),
        (yarn(32.0, Some(0.0)), "the attention factor"),
    ] {
        let error = rope_table(&config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
