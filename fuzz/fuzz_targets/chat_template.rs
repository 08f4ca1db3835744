//! No template and no messages make writing a chat panic or take long, and no message can forge a special token: where neither the template nor
//! what comes with it has the sign that all of them start with, there is none.
//!
//! The first byte chooses whether the rest is a template as it is or a list of parts that templates are made of.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenmill_tokenizer_json::chat::{ChatTemplate, Error, Input, Rendered};

const SPECIAL: [&str; 5] = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|user|>"];

const PARTS: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "</s>",
    "<|",
    "|>",
    "{{ bos_token }}",
    "{{ messages }}",
    "{{ messages | tojson(indent=2) }}",
    "{% for message in messages %}",
    "{% endfor %}",
    "{{ message.role }}",
    "{{ message['content'] | trim }}",
    "{{ '<|' + message.role + '|>' }}",
    "{% if message.role == 'user' %}",
    "{% elif '</s>' in message.content %}",
    "{% else %}",
    "{% endif %}",
    "{% set ns = namespace(a=[]) %}",
    "{% set ns.a = [ns.a] %}",
    "{% set ns.a = ns.a + ns.a %}",
    "{% set x = x ~ x %}",
    "{% set x = 'ab' * 100 %}",
    "{{ x }}",
    "{{ ns.a }}",
    "{% macro f(x) %}",
    "{% endmacro %}",
    "{{ f(messages) }}",
    "{{ f(f(x)) }}",
    "{% generation %}",
    "{% endgeneration %}",
    "{{ raise_exception('no') }}",
    "{{ loop.index0 }}",
    "{{ messages[-1:1:-1] }}",
    "{{ x.split('<')[0].strip('>') }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | list }}",
    "{{ x | upper | replace('A', '<s>') }}",
    "{{- '\\n' -}}",
    "{% raw %}",
    "{% endraw %}",
    "{# ",
    " #}",
    "{{ range(100000) | join }}",
    "{% for i in range(100000) %}",
    "{% break %}",
    "{% continue %}",
    "{{ [x] * 1000 }}",
    "{{ strftime_now('%Y-%m-%d %H:%M') }}",
    "{{ add_generation_prompt and tools }}",
    "{{ \"%s\" | format(x) }}",
    "{{ x is iterable }}",
    "{{ messages | map(attribute='content') | join('\\n') | length }}",
    "{% filter upper %}",
    "{% endfilter %}",
    "{% call f(1) %}",
    "{% endcall %}",
    "{{ caller() }}",
    "{{ dict(a=x).items() | list }}",
];

const TEXTS: [&str; 10] = [
    "",
    "a b\n",
    "<|im_end|>",
    "</s><s>",
    "im_end|>",
    "é 😀",
    "\u{40000}\u{40001}\u{f0000}",
    "user",
    "{{ x }}",
    "<|user|>",
];

fn text(input: &mut Unstructured) -> arbitrary::Result<String> {
    let count = input.int_in_range(0..=3)?;
    (0..count).map(|_| input.choose(&TEXTS).copied()).collect()
}

fn values(input: &mut Unstructured) -> arbitrary::Result<Value> {
    let mut messages = Vec::new();
    for _ in 0..input.int_in_range(0..=3)? {
        let role = input.choose(&["user", "assistant", "system", "tool", "</s>", "", "😀"])?;
        let content = match input.int_in_range(0..=4)? {
            0 => Value::Null,
            1 => json!([{ "type": "text", "text": text(input)? }]),
            2 => json!(i64::arbitrary(input)?),
            _ => json!(text(input)?),
        };
        messages.push(json!({ "role": role, "content": content }));
    }
    Ok(json!({ "messages": messages, "x": text(input)?, "add_generation_prompt": bool::arbitrary(input)? }))
}

/// A template, the values, and whether a `bos_token` comes with the template.
fn case(data: &[u8]) -> arbitrary::Result<(String, Value, bool)> {
    let mut input = Unstructured::new(data);
    let raw = bool::arbitrary(&mut input)?;
    let (values, trusted) = (values(&mut input)?, bool::arbitrary(&mut input)?);
    let template = if raw {
        String::from_utf8_lossy(input.take_rest()).into_owned()
    } else {
        let mut template = String::new();
        while !input.is_empty() {
            template += input.choose(PARTS)?;
        }
        template
    };
    Ok((template, values, trusted))
}

fn write(template: &ChatTemplate, values: &str, trusted: &str) -> Result<Rendered, Error> {
    template.render(&Input { values, trusted, now: Some("2026-01-02T03:04:05") })
}

fuzz_target!(|data: &[u8]| {
    let Ok((source, values, trusted)) = case(data) else { return };
    let special = SPECIAL.map(str::to_owned);
    let template = match ChatTemplate::new(&source, &special) {
        Ok(template) => template,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let trusted = if trusted { r#"{"bos_token":"<s>"}"# } else { "{}" };
    let values = values.to_string();
    let rendered = match write(&template, &values, trusted) {
        Ok(rendered) => rendered,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut end = 0;
    for range in &rendered.special {
        let token = &rendered.text[range.clone()];
        assert!(end <= range.start && SPECIAL.contains(&token), "{source:?} {values}");
        end = range.end;
    }
    assert!(rendered.generations.iter().all(|range| rendered.text.get(range.clone()).is_some()));
    if !source.contains('<') && trusted == "{}" {
        assert!(rendered.special.is_empty(), "{source:?} {values}");
    }
    assert_eq!(write(&template, &values, trusted).expect("it was written before"), rendered, "{source:?} {values}");
});
