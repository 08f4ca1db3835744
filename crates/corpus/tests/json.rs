//! The scanner of JSON lines beside a parser that builds the document.
#![allow(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::cast_possible_wrap,
    missing_docs,
    reason = "test code"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use tokenmill_corpus::json::string_field;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[\"\\\\/\n\u{0}-\u{1f}a\u{e9}\u{1f600}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let key = prop_oneof![Just("text".to_owned()), any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((key, inner), 0..5).prop_map(|members| Value::from(Map::from_iter(members))),
        ]
    })
}

/// What serde has: it keeps the last of keys that come twice, too.
fn expected(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(value.as_object()?.get("text")?.as_str()?.to_owned())
}

fn ours(line: &str) -> Option<String> {
    let mut bytes = line.as_bytes().to_vec();
    let range = string_field(&mut bytes, "text").ok()?;
    Some(str::from_utf8(&bytes[range]).unwrap().to_owned())
}

/// What Python reads and serde does not.
fn is_only_pythons(line: &str) -> bool {
    ["NaN", "Infinity", "\\ud", "\\uD"].iter().any(|it| line.contains(it))
        || serde_json::from_str::<Value>(line).is_err_and(|error| error.to_string().starts_with("number out of range"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_line_gives_what_a_parser_gives(members in vec((prop_oneof![Just("text".to_owned()), any::<String>()], value()), 0..5), pretty: bool) {
        let value = Value::from(Map::from_iter(members));
        let line = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert_eq!(ours(&line), expected(&line));
    }

    #[test]
    fn a_damaged_line_is_refused_where_a_parser_refuses_it(value in value(), at: prop::sample::Index, with in "[\\[\\]{}\",:0-9eE.+\\-\\\\untrfalsdD \u{0}\u{7f}]{0,2}", cut in 0..3_usize) {
        let line = format!("{{\"a\":{value},\"text\":\"\\u00e9x\\n\"}}");
        let places: Vec<usize> = line.char_indices().map(|(at, _)| at).collect();
        let start = at.get(&places);
        let end = places.iter().copied().find(|&end| end >= start + cut).unwrap_or(line.len());
        let line = format!("{}{with}{}", &line[..*start], &line[end..]);
        prop_assume!(!is_only_pythons(&line));
        prop_assert_eq!(ours(&line), expected(&line), "{}", line);
    }

    #[test]
    fn any_bytes_of_text_are_read_or_refused(line: String) {
        prop_assert_eq!(ours(&line), expected(&line));
    }
}
