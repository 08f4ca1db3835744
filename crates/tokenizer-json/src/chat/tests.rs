#![expect(clippy::single_range_in_vec_init, reason = "one special token is one range")]

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use minijinja::value::Value;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::Value as Json;
use tokenmill_testkit::time;

use super::*;

mod scopes;
mod work;

fn testdata(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/chat").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A row of rendered.jsonl.
#[derive(Deserialize)]
struct Row {
    template: String,
    title: String,
    now: bool,
    text: Option<String>,
    generations: Option<Vec<[usize; 2]>>,
    error: Option<String>,
}

/// The chats of chats.json, and what comes with the templates.
struct Chats(Value);

impl Chats {
    fn read() -> Self {
        Self(serde_json::from_str(&testdata("chats.json")).expect("chats.json"))
    }

    fn item(value: &Value, key: &str) -> Value {
        value.get_attr(key).expect("a key")
    }

    /// The JSON of the values of the chat called `title`.
    fn values(&self, title: &str) -> String {
        let mut chats = self.0.try_iter().expect("chats");
        let chat = chats.find(|chat| Self::item(chat, "title").as_str() == Some(title)).expect("the chat");
        let mut values: Vec<(Value, Value)> = Vec::new();
        for name in ["messages", "tools", "documents"] {
            values.push((Value::from(name), Value::from(())));
        }
        let given = Self::item(&chat, "values");
        for key in given.try_iter().expect("values") {
            let item = given.get_item(&key).expect("a value");
            values.retain(|(name, _)| *name != key);
            values.push((key, item));
        }
        serde_json::to_string(&Value::from_pairs(values)).expect("JSON")
    }

    fn trusted(&self, template: &str) -> String {
        let first = self.0.get_item(&Value::from(0)).expect("a chat");
        serde_json::to_string(&Self::item(&Self::item(&first, "trusted"), template)).expect("JSON")
    }

    fn special(&self, template: &str) -> Vec<String> {
        let first = self.0.get_item(&Value::from(0)).expect("a chat");
        let special = Self::item(&Self::item(&first, "special"), template);
        special.try_iter().expect("tokens").map(|token| token.as_str().expect("a token").to_owned()).collect()
    }

    fn template(&self, name: &str) -> ChatTemplate {
        ChatTemplate::new(&testdata(&format!("templates/{name}.jinja")), &self.special(name)).expect(name)
    }
}

fn rows() -> Vec<Row> {
    testdata("rendered.jsonl").lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// What `work` gives, which may take a second of this thread's time: the machine of the tests may be busy.
fn within_a_second<T>(shown: &str, work: impl FnOnce() -> T) -> T {
    let (result, took) = time::took(work);
    let shown = &shown[..shown.floor_char_boundary(120)];
    assert!(took < Duration::from_secs(1), "it took {took:?}: {shown}");
    result
}

fn render(source: &str, special: &[&str], values: &str) -> Result<Rendered, Error> {
    let special: Vec<String> = special.iter().map(|&token| token.to_owned()).collect();
    ChatTemplate::new(source, &special)?.render(&Input { values, trusted: "{}", now: None })
}

fn texts<'a>(rendered: &'a Rendered, ranges: &[Range<usize>]) -> Vec<&'a str> {
    ranges.iter().map(|range| &rendered.text[range.clone()]).collect()
}

#[test]
fn texts_are_those_of_jinja_as_transformers_sets_it_up() {
    let chats = Chats::read();
    let mut wrong = Vec::new();
    for row in rows() {
        let Row { template, title, now, text, generations, error } = row;
        let now = now.then_some("2026-02-03T04:05:06");
        let input = Input { values: &chats.values(&title), trusted: &chats.trusted(&template), now };
        match (chats.template(&template).render(&input), text, error) {
            (Ok(rendered), Some(text), _) => {
                if rendered.text != text {
                    wrong.push(format!("{template}, {title}:\n{:?}\nexpected\n{text:?}", rendered.text));
                }
                let ranges: Vec<[usize; 2]> =
                    rendered.generations.iter().map(|range| [range.start, range.end]).collect();
                assert_eq!(Some(ranges), generations, "{template}, {title}");
            }
            (Err(Error::Refused { message }), _, Some(error)) => assert_eq!(message, error),
            (result, text, error) => {
                wrong.push(format!("{template}, {title}: {result:?}, expected {text:?} {error:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_special_tokens_are_found_where_messages_have_none() {
    let chats = Chats::read();
    for row in rows().into_iter().filter(|row| row.text.is_some()) {
        let Row { template, title, now, .. } = row;
        if title.contains("looks like") || title.contains("thoughts in") || template == "python" {
            continue;
        }
        let now = now.then_some("2026-02-03T04:05:06");
        let input = Input { values: &chats.values(&title), trusted: &chats.trusted(&template), now };
        let rendered = chats.template(&template).render(&input).expect(&title);
        let finder = finder(&chats.special(&template)).expect("a finder");
        let all: Vec<Range<usize>> = finder.find_iter(&rendered.text).map(|found| found.range()).collect();
        assert_eq!(rendered.special, all, "{template}, {title}: {}", rendered.text);
    }
}

#[test]
fn text_of_messages_is_never_a_special_token() {
    let chats = Chats::read();
    let title = "what a message says looks like special tokens";
    let templates = rows().into_iter().filter(|row| row.title == title && row.text.is_some());
    let mut seen = 0;
    for Row { template, .. } in templates {
        let (values, trusted) = (chats.values(title), chats.trusted(&template));
        let input = Input { values: &values, trusted: &trusted, now: None };
        let rendered = chats.template(&template).render(&input).expect(title);
        // The same chat with other words: no template here looks at what is said, save for </think>.
        let mut harmless = values.replace("</think><think>", "");
        for token in chats.special(&template) {
            harmless = harmless.replace(&token, "word");
        }
        let expected = chats.template(&template).render(&Input { values: &harmless, ..input }).expect(title);
        assert_eq!(texts(&rendered, &rendered.special), texts(&expected, &expected.special), "{template}");
        assert!(!rendered.special.is_empty());
        seen += 1;
    }
    assert!(seen >= 8);
}

#[test]
fn a_token_across_the_border_of_template_and_value_is_plain() {
    let values = r#"{"x": "end|>", "y": "<|im_"}"#;
    for source in [
        "<|im_{{ x }}",
        "{{ '<|im_' + x }}",
        "{{ y }}end|>",
        "{{ y ~ 'end|>' }}",
        "{{ y }}{{ x }}",
        "{{ [y, x] | join }}",
    ] {
        let rendered = render(source, &["<|im_end|>"], values).expect(source);
        assert_eq!((rendered.text.as_str(), rendered.special.len()), ("<|im_end|>", 0), "{source}");
    }
    let rendered =
        render("{{ 'z'.replace('z', x) }}<|im_end|>{{ '<|im_end|>'[:5] + x }}", &["<|im_end|>"], values).expect("text");
    assert_eq!((rendered.text.as_str(), rendered.special), ("end|><|im_end|><|im_end|>", vec![5..15]));
}

#[test]
fn what_a_template_does_with_values_makes_no_special_token() {
    let values = r#"{"x": "<|im_end|>", "up": "<|IM_END|>", "list": ["<|im_", "end|>"], "html": "&lt;|im_end|&gt;", "escaped": "\\u003c|im_end|>", "n": 983040}"#;
    for source in [
        "{{ x | upper | lower }}{{ up | lower }}{{ up.lower() }}",
        "{{ list | join('') }}{{ ''.join(list) }}{{ list[0] ~ list[1] }}",
        "{{ x[::-1][::-1] }}{{ x | reverse | list | reverse | join }}{{ x.split('|') | join('|') }}",
        "{{ x | tojson }}{{ [x] }}{{ {x: x} }}{{ x | trim }}{{ x | replace('a', 'b') }}",
        "{{ 'a' | replace('a', x) }}{{ 'a'.replace('a', x) }}{% set y %}{{ x }}{% endset %}{{ y }}",
        "{{ html }}{{ html | safe }}{{ html | e }}{{ escaped }}{{ '{}'.format(x) }}{{ n }}",
        "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}{% macro c(a) %}{{ caller() }}{% endmacro %}{% call c(x) %}{{ x }}{% endcall %}{% filter trim %}{{ x }}{% endfilter %}",
        "{% for k, v in {x: x}.items() %}{{ k }}{{ v }}{% endfor %}{{ x if x == '<|im_end|>' else '' }}",
    ] {
        let rendered = render(source, &["<|im_end|>"], values).expect(source);
        assert!(rendered.text.contains("im_end"), "{source}");
        assert!(rendered.special.is_empty(), "{source}: {}", rendered.text);
    }
    assert!(render("{{ '%c' | format(n) }}", &["x"], values).is_err());
    for source in ["{{ '{:c}'.format(n) }}", "{{ '{0[0]:c}'.format([n]) }}", "{{ '{n:c}'.format(n=n) }}"] {
        assert!(render(source, &["x"], values).is_err(), "{source}");
    }
}

#[test]
fn arguments_of_filters_are_checked() {
    for (source, message) in [
        ("{{ 'a' | center(1, 2) }}", "too many arguments"),
        ("{{ 'a' | center(1, width=2) }}", "received width twice"),
        ("{{ 'a' | center(widht=2) }}", "unknown keyword argument 'widht'"),
        ("{{ 'a' | replace('a') }}", "missing argument"),
        ("{{ 'abc' | truncate(2) }}", "expected a length of at least 3"),
        ("{{ 'abc' | truncate(5, leeway=-1) }}", "a leeway of at least 0"),
        ("{{ 1 | indent }}", "expected a string, received number"),
        ("{{ x | int }}", "undefined value"),
        ("{{ x | float }}", "undefined value"),
        ("{{ '1e38' | int }}", "expected a number below 1e38 for int"),
    ] {
        let error = render(source, &[], "{}").expect_err(source).to_string();
        assert!(error.contains(message), "{source}: {error}");
    }
}

#[test]
fn what_python_refuses_is_refused() {
    let values =
        r#"{"n": 1, "s": "a", "l": [1, "a"], "d": {"a": 1, "b": "x"}, "m": [{"k": 1}, {"j": 2}], "none": null}"#;
    for (source, message) in [
        ("{{ n < s }}", "no order of number and string"),
        ("{{ 1 < n < s }}{{ 0 < n < s }}", "no order of number and string"),
        ("{{ none < n }}", "no order of none and number"),
        ("{{ missing > n }}", "no order of undefined and number"),
        ("{{ d < d }}", "no order of map and map"),
        ("{{ l | sort }}", "no order of number and string"),
        ("{{ l | max }}", "no order of number and string"),
        ("{{ d | dictsort(by='value') }}", "no order of number and string"),
        ("{{ d | dictsort(by='size') }}", "expected key or value for by of dictsort"),
        ("{{ m | sort(attribute='k') }}", "no order of undefined and number"),
        ("{{ m | groupby('k') }}", "no order of number and undefined"),
        (
            "{{ l | tojson(sort_keys=true) }}{{ {1: 2, 'a': 3} | tojson(sort_keys=true) }}",
            "no order of number and string",
        ),
        ("{{ {(1, 2): 3} | tojson }}", "expected keys that JSON has"),
        ("{{ n in s }}", "expected a text to look for in a text, received number"),
        ("{{ missing in s }}", "received undefined"),
        ("{% for x in none %}{% endfor %}", "none is not iterable"),
        ("{{ none | list }}", "none is not iterable"),
        ("{{ none | join }}", "none is not iterable"),
        ("{{ ','.join([1]) }}", "expected strings for join, received number at 0"),
        ("{{ s.startswith(['a']) }}", "expected a string or a tuple of strings"),
        ("{{ s + n }}", "no sum of string and number"),
        ("{{ l + (1,) }}", "no sum of"),
        ("{{ l | map('string') }}", "received a generator"),
        ("{{ [l | select] }}", "received a generator"),
        ("{{ l | select | tojson }}", "received a generator"),
        ("{{ l | select | length }}", "cannot calculate length"),
        ("{{ d.items }}", "received a method that is not called"),
        ("{{ d.items | tojson }}", "received a method that is not called"),
        ("{{ namespace(a=1) }}", "received a namespace"),
        ("{% for x in l %}{{ loop }}{% endfor %}", "received a loop"),
        ("{% macro f() %}{% endmacro %}{{ f }}", "received a macro"),
        ("{{ d | tojson(indent=65) }}", "an indent of at most 64"),
        ("{{ '{:c}'.format(n) }}", "there is no format"),
        ("{{ '{!r}'.format(s) }}", "without !r for format"),
        ("{{ '{} {}'.format(s) }}", "there is no \"\" among the arguments of format"),
        ("{{ '{'.format(s) }}", "received a single {"),
        ("{{ d.a.b[1:] }}", "undefined value"),
        ("{{ s.strip(missing) }}{{ s.split(missing) }}", "undefined value"),
        ("{{ s is odd }}", "expected a number, received string"),
        ("{{ [d] | unique | list }}", "expected what may be a key"),
        ("{{ s is startingwith('a') }}", "unknown test"),
        ("{% autoescape true %}{% endautoescape %}", "expected no `autoescape`"),
        ("{% include 'x' ignore missing %}", "received `include`"),
        ("\n{{ '\\N{BULLET}' }}", "line 2: expected a character itself"),
        ("\n{% generation '\\n' %}a{% endgeneration %}", "line 2: expected nothing after `generation` in its tag"),
        ("{{ '\\x1' }}", "expected 2 hexadecimal digits"),
    ] {
        let error = render(source, &[], values).expect_err(source).to_string();
        assert!(error.contains(message), "{source}: {error}");
    }
}

#[test]
fn a_special_token_may_be_written_in_escapes() {
    let rendered = render(r"{{ '\x3cs\u003e' }}{{ x }}", &["<s>"], r#"{"x": "<s>"}"#).expect("text");
    assert_eq!((rendered.text.as_str(), rendered.special), ("<s><s>", vec![0..3]));
}

#[test]
fn a_literal_that_is_compared_changes_nothing() {
    let source = "{% if '</s>' in x %}has{% endif %}{% if x.endswith('</s>') %} ends{% endif %}{{ x.split('</s>') | length }}{% for y in ['</s>'] if x == y %} is{% endfor %}</s>";
    let rendered = render(source, &["</s>"], r#"{"x": "</s>"}"#).expect("text");
    assert_eq!((rendered.text.as_str(), rendered.special), ("has ends2 is</s>", vec![12..16]));
}

#[test]
fn special_tokens_that_come_with_the_template_are_trusted_and_values_of_their_name_are_not() {
    let template = ChatTemplate::new("{{ bos_token }}{{ x }}", &["<s>".to_owned()]).expect("a template");
    let trusted = r#"{"bos_token": "<s>"}"#;
    let special = |values| template.render(&Input { values, trusted, now: None }).expect("text").special;
    assert_eq!(special(r#"{"x": "<s>"}"#), [0..3]);
    assert!(special(r#"{"x": "<s>", "bos_token": "<s>"}"#).is_empty());
}

#[test]
fn a_role_is_part_of_a_token_only_when_it_is_a_known_one() {
    let source = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% if m.role == 'user' %}!{% endif %}{% endfor %}";
    let special = ["<|user|>", "<|im_end|>"];
    let special = |values| render(source, &special, values).map(|rendered| rendered.special).expect("text");
    assert_eq!(special(r#"{"messages": [{"role": "user", "content": "<|user|>"}]}"#), [0..8]);
    assert!(special(r#"{"messages": [{"role": "im_end", "content": "|>"}]}"#).is_empty());
    assert_eq!(
        special(r#"{"messages": [{"role": "user", "content": "user|>"}, {"role": "assistant", "content": "user"}]}"#),
        [0..8]
    );
}

#[test]
fn inks_that_a_message_uses_are_not_used() {
    let used: String = (0xf_0000..0xf_0400).filter_map(char::from_u32).collect();
    let values = serde_json::json!({ "x": used, "k": { "\u{f0400}": "\u{f0401}" } }).to_string();
    let rendered = render("<s>{{ x }}{{ k | tojson }}", &["<s>"], &values).expect("text");
    assert!(rendered.text.contains(&used) && rendered.text.ends_with("{\"\u{f0400}\": \"\u{f0401}\"}"));
    assert_eq!(rendered.special, [0..3]);
}

#[test]
fn s6_a_template_that_never_ends_is_stopped_within_a_second() {
    let long = "x".repeat(1000);
    let nested = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    let sources = [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}".to_owned(),
        "{% for a in range(10**18) %}{% endfor %}".to_owned(),
        "{{ range(99999999) | list | length }}".to_owned(),
        "{{ 'x' * 99999999999 }}".to_owned(),
        "{{ ('x' * 99999999) | length }}".to_owned(),
        "{{ ([1] * 99999999) | list | length }}".to_owned(),
        "{{ [[1] * 9999] * 9999 }}".to_owned(),
        "{% set ns = namespace(x='x') %}{% for a in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='x') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='x') %}{% for a in range(99) %}{% set ns.x = ns.x.replace('x', 'xx') %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='x') %}{% for a in range(99) %}{% set ns.x = ns.x | replace('x', 'xx') %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='x') %}{% for a in range(99) %}{% set ns.x = [ns.x, ns.x] | join %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for a in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for a in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | string | length }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for a in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ 'a' ~ ns.x }}".to_owned(),
        "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}".to_owned(),
        "{% macro f(x) %}{{ f(x ~ x) }}{{ f(x) }}{% endmacro %}{{ f('x') }}".to_owned(),
        "{% include 'chat_template' %}".to_owned(),
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}".to_owned(),
        format!("{{{{ {nested} }}}}"),
        format!("{{{{ {}1 }}}}", "not ".repeat(99999)),
        format!("{{{{ {}x }}}}", "-".repeat(99999)),
        format!("{{{{ x{} }}}}", ".y".repeat(99999)),
        format!("{{{{ x{} }}}}", "|upper".repeat(99999)),
        format!("{{{{ x{} }}}}", " + x".repeat(9999)),
        format!("{{{{ x{} }}}}", " ~ x".repeat(9999)),
        format!("{{{{ x{} }}}}", " and x".repeat(9999)),
        format!("{{{{ x{} }}}}", " if x else x".repeat(9999)),
        format!("{{{{ x{} }}}}", " is not none".repeat(9999)),
        format!("{{{{ 2{} }}}}", "**2".repeat(9999)),
        format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(9999)),
        "{% for a in x %}{% else %}".repeat(4999),
        "{% if 1 %}".repeat(9999),
        "[".repeat(99).replace('[', "{{ [") + &long,
        "{{ '%9999999999d' }}{{ x.ljust(99999999999) }}".to_owned(),
        "{{ range(9999999)|join('x' * 999999) }}".to_owned(),
        "{{ 9**9**9**9 }}".to_owned(),
        "{{ x | indent(99999999999) }}".to_owned(),
        "{{ lipsum(n=99999999) }}".to_owned(),
        "{{ '{:>9999999999}'.format(x) }}".to_owned(),
        "{{ '{:09999999999d}'.format(1) }}".to_owned(),
        "{{ '{:.9999999999f}'.format(1) }}".to_owned(),
        "{{ '{:{}}'.format(x, '9999999999') }}".to_owned(),
        "{{ ('{0}' * 9999).format('x' * 99999) }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = [ns.x, ns.x] | select %}{% endfor %}{{ ns.x | list }}".to_owned(),
        "{{ {1: 2} | tojson(indent=99999999999) }}{% for i in range(999999) %}{{ range(9999) | tojson }}{% endfor %}".to_owned(),
    ];
    for source in sources {
        let result = within_a_second(&source, || render(&source, &["<s>"], r#"{"x": "abc"}"#));
        let shown = &source[..source.len().min(120)];
        let error = result.expect_err(shown);
        assert!(matches!(error, Error::Limit { .. } | Error::Template { .. }), "{shown}: {error:?}");
    }
}

/// Templates that work nearly as long as they may, in what costs most for its fuel, and write a special token: they are run in ink too.
#[test]
fn s6_all_that_a_template_may_do_takes_less_than_a_second() {
    let works = [
        "{% for a in range(TIMES) %}{% endfor %}",
        "{% for a in range(TIMES) %}{% set x = x ~ 'a' %}{% endfor %}",
        "{% for a in range(TIMES) %}{{ x.replace('a', 'bc') }}{{ x | upper }}{% endfor %}",
        "{% set x = 'ab' * 99999 %}{% for a in range(TIMES) %}{% if 'c' in x %}{% endif %}{% endfor %}",
        "{% set x = 'ab' * 99999 %}{% for a in range(TIMES) %}{% if x.find('bb') %}{% endif %}{% if x.startswith('c') %}{% endif %}{% endfor %}",
        "{% set x = 'ab' * 99999 %}{% for a in range(TIMES) %}{% if x | length %}{% endif %}{% endfor %}",
        "{% set x = 'é' * 99999 %}{% for a in range(TIMES) %}{% if x[77777] %}{% endif %}{% endfor %}",
        "{% set x = 'é' * 99999 %}{% for a in range(TIMES) %}{% if x[-7:] %}{% endif %}{% endfor %}",
        "{% set x = 'é' * 99999 %}{% for a in range(TIMES) %}{% if x[:-7] == x[7:] %}{% endif %}{% endfor %}",
        "{% set x = 'é ' * 99999 %}{% for a in range(TIMES) %}{% if x.split() %}{% endif %}{% endfor %}",
        "{% set x = 'é ' * 99999 %}{% for a in range(TIMES) %}{% if x.strip('é') %}{% endif %}{% if x | trim %}{% endif %}{% endfor %}",
        "{% set x = 'a' * 99999 %}{% for a in range(TIMES) %}{% if x.isspace() or x.isalpha() or x.count('b') %}{% endif %}{% endfor %}",
        "{% set x = ' ' * 99999 %}{% for a in range(TIMES) %}{% if x.isspace() %}{% endif %}{% if x.rfind('b') %}{% endif %}{% endfor %}",
        "{% set x = 'abcdefgh' * 9999 %}{% for a in range(TIMES) %}{% if x.strip(x) %}{% endif %}{% if x | trim(x) %}{% endif %}{% endfor %}",
        "{% set x = 'aaaaaaab' * 9999 %}{% for a in range(TIMES) %}{% if x.find('a' * 99) %}{% endif %}{% if x.split('b')[0] %}{% endif %}{% endfor %}",
        "{% set x = dict(a=1, b=[1] * 9999) %}{% for a in range(TIMES) %}{% if x.items() | list %}{% endif %}{% if x == x %}{% endif %}{% endfor %}",
        "{% set x = [1] * 9999 %}{% for a in range(TIMES) %}{% if x | sort %}{% endif %}{% if x | unique | list %}{% endif %}{% endfor %}",
        "{% set x = [1] * 9999 %}{% for a in range(TIMES) %}{% if 2 in x %}{% endif %}{% if x == x %}{% endif %}{% endfor %}",
        "{% set x = [1] * 9999 %}{% for a in range(TIMES) %}{% if x | tojson %}{% endif %}{% endfor %}",
        "{% set x = [[1, 'a']] * 999 %}{% for a in range(TIMES) %}{% if x | string %}{% endif %}{% if x | map('last') | join %}{% endif %}{% endfor %}",
        "{% macro f(x) %}{{ x }}{% endmacro %}{% for a in range(TIMES) %}{% if f(x) %}{% endif %}{% endfor %}",
        "{% for a in range(TIMES) %}{% if strftime_now('%Y-%m-%d %A %B %j %c %x %X') %}{% endif %}{% endfor %}",
        "{% for a in range(TIMES) %}{% set x = namespace(a=a, b=dict(c=a)) %}{% endfor %}",
    ];
    let compares = "{% if y == '<s>' %}a{% endif %}".repeat(150);
    let special = ["<s>".to_owned()];
    let values = Input { values: r#"{"x": "<s>", "y": "<s>"}"#, trusted: "{}", now: Some("2026-01-02T03:04:05") };
    let (mut ended, works_count) = (0, works.len());
    for work in works {
        for source in [
            work.to_owned(),
            format!("<s>{work}"),
            format!("{compares}<s>{work}{{{{ raise_exception('no') if not '<s>' in y }}}}"),
        ] {
            for times in ["99999", "9999", "999", "99", "9", "1"] {
                let source = source.replace("TIMES", times);
                let render = || ChatTemplate::new(&source, &special).and_then(|template| template.render(&values));
                match within_a_second(&source, render) {
                    Ok(_) => {
                        ended += 1;
                        break;
                    }
                    Err(Error::Limit { .. }) => {}
                    Err(error) => panic!("{source}: {error}"),
                }
            }
        }
    }
    // Else they would not be long, but wrong.
    assert!(ended > works_count, "{ended} of {works_count} come to an end");
}

#[test]
fn s6_values_that_nest_without_end_do_not_end_the_process() {
    for (init, value) in [
        ("[]", "[ns.x]"),
        ("{}", "{'x': ns.x}"),
        ("[]", "(ns.x,)"),
        ("[]", "dict(a=ns.x)"),
        ("[]", "[ns.x] | list"),
        ("[]", "ns.x | batch(1)"),
        ("[1]", "ns.x[1:]"),
        ("[1]", "ns.x[::-1]"),
        ("[1]", "ns.x | map('upper')"),
        ("[1]", "ns.x + [1]"),
        ("[1]", "ns.x * 1"),
        ("1", "namespace(x=ns.x)"),
        ("1", "[namespace(x=ns.x)]"),
        ("1", "loop"),
        ("{}", "dict(ns.x, a=1)"),
        ("{}", "ns.x | items"),
        ("[1]", "ns.x | reverse"),
    ] {
        for tail in [
            "done",
            "{{ ns.x }}",
            "{{ ns.x == [ns.x] }}",
            "{{ ns.x ~ '' }}",
            "{% for a in ns.x %}{% endfor %}{{ ns.x | length }}",
        ] {
            let source = format!(
                "{{% set ns = namespace(x={init}) %}}{{% for a in range(9000) %}}{{% set ns.x = {value} %}}{{% endfor %}}{tail}"
            );
            let _ = within_a_second(&source, || render(&source, &["<s>"], "{}"));
        }
    }
    for step in ["{% set x = [x] %}", "{% set x = x[1:] %}", "{% set x = namespace(x=x) %}"] {
        for tail in ["", "{{ x }}", "{{ x == [x] }}"] {
            let source = step.repeat(LONGEST_TEMPLATE / step.len() - 1) + tail;
            let _ = within_a_second(&source, || render(&source, &["<s>"], r#"{"x": []}"#));
        }
    }
    for step in ["|list", "|batch(1)", "[1:]", "[::-1]", "|map('list')"] {
        for tail in ["}}", "== [x] }}", "| length }}"] {
            let source = format!("{{{{ x{} {tail}", step.repeat(490));
            let _ = within_a_second(&source, || render(&source, &["<s>"], r#"{"x": [1]}"#));
        }
    }
}

#[test]
fn s6_a_template_reaches_nothing_but_its_values() {
    for source in [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ messages.__class__.__base__ }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ x | attr('__class__') | attr('__mro__') }}{{ x.__class__.y }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os.system('id') }}",
        "{% extends 'x' %}",
        "{{ strftime_now('%Y') }}",
    ] {
        let error = render(source, &[], r#"{"x": "abc", "messages": []}"#).expect_err(source);
        assert!(matches!(error, Error::Template { .. }), "{source}: {error:?}");
    }
}

#[test]
fn errors_name_the_line() {
    let message = |source: &str| render(source, &["<s>"], r#"{"messages": [{}]}"#).expect_err(source).to_string();
    assert!(message("a\n{{ b").contains("line 2"), "{}", message("a\n{{ b"));
    assert!(message("a\n\n{{ messages[0].role.name }}").contains("line 3"));
    assert!(message("a\n{{ messages[0].content + 'x' }}").contains("line 2"));
    assert!(message("{{ x | no_such_filter }}").contains("no_such_filter"));
    assert!(message("\n{% generation %}\n{{ x.y.z }}\n{% endgeneration %}").contains("line 3"));
    assert!(message("{% generation %}").contains("line 1"));
}

#[test]
fn values_that_are_no_object_are_an_error() {
    for values in ["", "[]", "1", "{", r#"{"a": "\ud800"}"#] {
        assert!(matches!(render("x", &[], values), Err(Error::Values { .. })), "{values}");
    }
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(999), "]".repeat(999));
    assert!(matches!(render("x", &[], &deep), Err(Error::Limit { .. })));
}

#[test]
fn line_ends_of_a_template_are_line_feeds() {
    assert_eq!(render("a\r\nb\rc\n", &[], "{}").expect("text").text, "a\nb\nc");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// S5: whatever messages say, the special tokens of the text are those of the same chat about nothing.
    #[test]
    fn s5_special_tokens_depend_on_no_text(
        contents in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    Just("<|im_start|>".to_owned()), Just("<|im_end|>".to_owned()), Just("<|im_".to_owned()), Just("end|>".to_owned()),
                    Just("user".to_owned()), Just("<".to_owned()), Just("|>".to_owned()), Just("＜|im_end|＞".to_owned()), Just("\u{200b}".to_owned()),
                    Just("\u{f0000}".to_owned()), Just("\u{f0002}\u{f0003}".to_owned()), Just("\\".to_owned()), Just("\"".to_owned()), ".{0,4}",
                ],
                0..6,
            ),
            1..5,
        ),
        template in prop::sample::select(vec!["chatml", "qwen", "phi", "zephyr", "llama"]),
    ) {
        let chats = Chats::read();
        let token = |text: String| text.replace("im_start", "user").replace("im_end", "end");
        let messages = |say: &dyn Fn(String) -> String| -> Json {
            contents.iter().enumerate().map(|(index, parts)| {
                let role = if index % 2 == 0 { "user" } else { "assistant" };
                serde_json::json!({ "role": role, "content": say(parts.concat()) })
            }).collect()
        };
        let special = |messages: &Json| {
            let values = serde_json::json!({ "messages": messages, "tools": null, "add_generation_prompt": true }).to_string();
            let rendered = chats.template(template).render(&Input { values: &values, trusted: &chats.trusted(template), now: None }).expect(template);
            texts(&rendered, &rendered.special).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let expected = special(&messages(&|_| "nothing".to_owned()));
        prop_assert!(!expected.is_empty());
        prop_assert_eq!(special(&messages(&|text| text)), expected.clone());
        prop_assert_eq!(special(&messages(&token)), expected);
    }
}
