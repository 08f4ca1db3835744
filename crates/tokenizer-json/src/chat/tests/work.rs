//! What a template may do with a long chat: each operator, filter and method that works as long as its operands are.

use super::*;

/// A chat of 2 MB.
fn long_chat() -> String {
    let message =
        |index: usize| serde_json::json!({ "role": "user", "content": format!("{index} {}", "word ".repeat(20)) });
    serde_json::json!({
        "messages": (0..300).map(message).collect::<Vec<_>>(),
        "a": "a".repeat(500_000),
        "b": "a".repeat(499_999) + "b",
        "c": "é".repeat(250_000),
        "d": "A ".repeat(250_000),
        "numbers": (0..1000).rev().collect::<Vec<_>>(),
    })
    .to_string()
}

/// What takes as long as its operands are.
const WORKS: &[&str] = &[
    "a == b",
    "a ~ '' == b",
    "a < b",
    "a <= b",
    "a > b",
    "a >= b",
    "a != b",
    "'' < a < b",
    "'b' in a",
    "a in b",
    "'b' not in a",
    "5 in numbers",
    "[1] in numbers",
    "a in {a: 1}",
    "{a: 1}[a]",
    "{a: 1}[b]",
    "{a: 1}.get(b)",
    "c[-1]",
    "c[249999]",
    "c[:-1]",
    "c[-3:]",
    "c[-3:][0]",
    "c[::-1]",
    "c[9::9]",
    "messages[1:]",
    "messages[-1:]",
    "messages[::-1][0]",
    "messages + messages",
    "(messages + messages)[-1]",
    "messages * 3",
    "[messages] == [messages[:]]",
    "messages[:] == messages[1:-1]",
    "[messages[:]] < [messages[:]]",
    "messages[:] is eq(messages[:])",
    "messages[:] in [messages[:]]",
    "{'x': messages[:]} == {'x': messages[:]}",
    "messages == a",
    "[messages] | length",
    "messages | string",
    "a | int",
    "a | float",
    "a | center(600000)",
    "d | indent(first=true)",
    "d | truncate(400000)",
    "d | truncate(400000, true)",
    "a.zfill(600000)",
    "messages | tojson",
    "messages ~ ''",
    "messages | list",
    "messages | reverse",
    "messages | reverse | first",
    "messages | last",
    "messages | sort(attribute='content')",
    "messages | unique(attribute='content')",
    "messages | map(attribute='content') | sort",
    "messages | map(attribute='content') | join",
    "messages | map(attribute='content') | unique",
    "messages | map(attribute='x.y.z', default=a)",
    "messages | map('string')",
    "messages | map('tojson')",
    "messages | map('replace', a, 'x')",
    "messages | map('default', a)",
    "messages | groupby('content')",
    "messages | selectattr('role', 'equalto', 'user')",
    "messages | selectattr('content', 'equalto', a)",
    "messages | selectattr('content', 'in', a)",
    "messages | selectattr('role', 'in', [a, b])",
    "messages | rejectattr('content', 'lt', a)",
    "messages | select('eq', messages[0])",
    "messages | batch(2)",
    "messages | batch(2) | map('join')",
    "messages | slice(2)",
    "messages | map('items')",
    "messages[0].items()",
    "[messages, messages] | sort",
    "[a, b, a] | unique",
    "[[messages], [messages[:]]] | min",
    "[a, b] | sort",
    "[a, b] | max",
    "[a, b] | unique",
    "[a, b] | join",
    "[a, b] | map('upper')",
    "[a, b] | select('in', [b])",
    "[a, b] | select('lower')",
    "([a] * 99) | sort",
    "([b, a] * 99) | unique",
    "numbers | sort",
    "numbers | unique",
    "numbers | sum",
    "numbers | max",
    "numbers | map('string')",
    "numbers | join(a)",
    "numbers | select('odd')",
    "numbers | select('gt', 5)",
    "numbers | batch(9)",
    "numbers == numbers[:]",
    "numbers.count(5)",
    "a | length",
    "a | upper",
    "a | title",
    "a | capitalize",
    "d | lower",
    "a | replace('b', '')",
    "a | replace('a', 'bb')",
    "'x' | replace(a, b)",
    "'x' | replace('x', b)",
    "a | trim",
    "'a' | trim(d)",
    "d | trim('A ')",
    "a | reverse",
    "a | list",
    "a | first",
    "a | last",
    "a | indent",
    "'a' | indent(9999)",
    "'a' | default(a)",
    "a | e",
    "a | string",
    "a | tojson",
    "a | join('x')",
    "a | map('upper')",
    "a | batch(3)",
    "a | unique",
    "a | sort",
    "a is lower",
    "d is upper",
    "a.startswith(b)",
    "a.startswith((b, b), 7)",
    "a.find(b, 7, -7)",
    "a.count(b, -7)",
    "b.endswith('b')",
    "a is sameas(b)",
    "a is in(b)",
    "a is iterable",
    "a is eq(b)",
    "a.startswith(b)",
    "a.startswith((b, a))",
    "a.endswith('b')",
    "a.find('ab')",
    "a.rfind('b')",
    "a.index('a')",
    "b.rindex('b')",
    "c.rindex('é')",
    "a.count('b')",
    "a.split('b')",
    "d.split()",
    "d.rsplit(' ', 9)",
    "d.split(None, 1)",
    "d.splitlines()",
    "d.partition('b')",
    "a.rpartition('b')",
    "a.strip(b)",
    "d.lstrip('A ')",
    "d.rstrip('A ')",
    "a.upper()",
    "a.title()",
    "a.isalpha()",
    "a.isspace()",
    "a.istitle()",
    "a.isprintable()",
    "d.expandtabs()",
    "a.isupper()",
    "a.replace('b', 'c')",
    "'b'.replace(a, 'c')",
    "'{}'.format(a)",
    "'{}'.format(messages)",
    "a.join(['', ''])",
    "'b'.join([a, a])",
    "'b'.join(a)",
    "a.removeprefix(b)",
    "'b'.removesuffix(b)",
    "messages[0].get(a)",
    "messages[0].get(messages)",
    "messages.count(messages[0])",
    "dict(a=messages)",
    "dict(messages[0])",
    "namespace(a=messages)",
    "namespace(a=messages[:]) == namespace(a=messages[:])",
    "{messages: 1}",
    "[messages]",
    "[[a, messages]]",
    "(messages, 1)",
    "range(9999)",
    "range(9999)[9998]",
    "range(9999) | last",
    "loop.changed(a)",
    "loop.changed(messages[:])",
    "loop.cycle(a, b)",
    "f(a)",
    "f(messages[:])",
    "strftime_now(a)",
];

/// What one rendering may take, where all is half as fast as on an idle machine: there may be three.
const LONGEST: Duration = Duration::from_millis(400);

fn rendered(template: &ChatTemplate, values: &str) -> (Result<Rendered, Error>, Duration) {
    time::took(|| template.render(&Input { values, trusted: "{}", now: Some("2026-01-02T03:04:05") }))
}

#[test]
fn s6_whatever_a_template_does_with_a_long_chat_again_and_again_it_is_stopped_within_a_second() {
    let values = long_chat();
    let mut slow = Vec::new();
    for work in WORKS {
        let source = format!(
            "{{% macro f(x) %}}{{{{ x is string }}}}{{% endmacro %}}\
            {{% for i in range(999) %}}{{% for i in range(999) %}}{{% if {work} %}}{{% endif %}}{{% endfor %}}{{% endfor %}}"
        );
        let template = ChatTemplate::new(&source, &[]).expect(work);
        let (result, took) = rendered(&template, &values);
        if took > LONGEST || !matches!(result, Err(Error::Limit { .. })) {
            slow.push(format!("{took:?}: {work}: {:?}", result.map(drop)));
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

#[test]
fn s6_what_a_template_may_do_once_takes_less_than_a_second() {
    let values = long_chat();
    for source in [
        // Values that hold one another twice, thirty times: a billion.
        "{% macro f(x, y, n) %}{% if n %}{{ f([x, x], [y, y], n - 1) }}{% else %}{{ x == y }}{% endif %}{% endmacro %}{{ f([1], [1], 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f((x, x), n - 1) }}{% else %}{{ x | unique }}{% endif %}{% endmacro %}{{ f((1,), 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f({'a': x, 'b': x}, n - 1) }}{% else %}{{ '{}'.format(x) }}{% endif %}{% endmacro %}{{ f({}, 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f(dict(a=x, b=x), n - 1) }}{% else %}{{ {x: 1} }}{% endif %}{% endmacro %}{{ f({}, 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f(namespace(a=x, b=x), n - 1) }}{% else %}{{ x == x.a }}{% endif %}{% endmacro %}{{ f(1, 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f([x] * 2, n - 1) }}{% else %}{{ x ~ '' }}{% endif %}{% endmacro %}{{ f([a], 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f(x + x, n - 1) }}{% else %}{{ x in a }}{% endif %}{% endmacro %}{{ f([a], 30) }}",
        "{% macro f(x, n) %}{% if n %}{{ f(x.items() | batch(1, x) | list, n - 1) }}{% else %}{{ x | join }}{% endif %}{% endmacro %}{{ f({1: 2}, 30) }}",
        "{{ [a] * 200000 }}",
        "{{ ([a] * 99999) | join }}",
        "{{ ([a] * 9999) | string | int }}",
        "{{ a | replace('a', a) }}",
        "{{ a.replace('', a) }}",
        "{{ a * 999999 }}",
        "{{ numbers | join(a) }}",
        "{{ numbers | map('replace', '1', a) }}",
        "{{ numbers | map('string') | map('center', 99999999) }}",
        "{{ ([[1] * 9] * 9999) | sum(start=[]) }}",
        "{{ debug() }}",
        "{% block a %}{{ self.a() }}{% endblock %}",
    ] {
        let Ok(template) = ChatTemplate::new(source, &[]) else { continue };
        let (result, took) = rendered(&template, &values);
        assert!(took < LONGEST, "{took:?}: {source}");
        assert!(result.is_err(), "{source}");
    }
}

#[test]
fn s6_no_value_nests_deeper_than_the_stack() {
    let nest = |open: &str, close: &str| format!("{}x{}", open.repeat(90), close.repeat(90));
    for value in [
        nest("[", "]"),
        nest("(", ",)"),
        nest("{1: ", "}"),
        nest("dict(a=", ")"),
        nest("namespace(a=", ")"),
        format!("x{}", " | batch(1)".repeat(400)),
        format!("x{}", " | map('list')".repeat(400)),
    ] {
        let recursive = format!(
            "{{% macro f(x, n) %}}{{% if n %}}{{{{ f({value}, n - 1) }}}}{{% else %}}{{{{ x == [x] }}}}{{% endif %}}{{% endmacro %}}{{{{ f([[1]], 90) }}}}"
        );
        let with = format!("{{% with x = {value} %}}").repeat(90) + "{{ x }}" + &"{% endwith %}".repeat(90);
        let loops = format!("{{% for x in [{value}] %}}").repeat(90) + "{{ x }}" + &"{% endfor %}".repeat(90);
        for source in [recursive, with, loops] {
            let result = within_a_second(&source, || render(&source, &[], r#"{"x": [[1]]}"#));
            assert!(result.is_err(), "{source}: {result:?}");
        }
    }
}

#[test]
fn a_template_cannot_go_around_guards() {
    let rendered = render("{{ x == 2 }}", &[], r#"{"x": 1, "tokenmill ==": "x"}"#);
    assert!(matches!(rendered, Err(Error::Template { .. })), "{rendered:?}");
    let named = render(&format!("{{{{ x.{} }}}}", "y".repeat(2000)), &[], "{}");
    assert!(matches!(named, Err(Error::Template { .. })), "{named:?}");
    for source in [
        "{{ [1] | join(*[2]) }}",
        "{% for x in [1] %}{{ loop.changed(*[x]) }}{% endfor %}",
        "{% for x in [[1]] recursive %}{{ loop(*[x]) }}{% endfor %}",
    ] {
        let listed = render(source, &[], "{}");
        assert!(matches!(listed, Err(Error::Template { .. })), "{source}: {listed:?}");
    }
}

#[test]
fn operators_are_those_of_jinja() {
    let values = r#"{"l": [1, 2, 3], "t": "añb", "d": {"x": 1, "y": [2]}}"#;
    for (source, text) in [
        (
            "{{ l == [1, 2, 3] }} {{ l != [1] }} {{ 1 < 2 <= 2 > 1 }} {{ 3 > 2 > 2 }} {{ 1 < 1 < none }}",
            "True True True False False",
        ),
        (
            "{{ 2 in l }} {{ 'ñ' in t }} {{ 'y' in d }} {{ 4 not in l }} {{ 'z' not in d }} {{ 2 in x }}",
            "True True True True True False",
        ),
        (
            "{{ l[0] }} {{ l[-1] }} {{ t[1] }} {{ d['y'][0] }} {{ l[9] is undefined }} {{ (l + [4])[3] }}",
            "1 3 ñ 2 True 4",
        ),
        (
            "{{ l[1:] }} {{ l[::-1] }} {{ t[:2] }} {{ t[::-1] }} {{ (1, 2, 3)[1:] }} {{ l[:-1][0] }}",
            "[2, 3] [3, 2, 1] añ bña (2, 3) 1",
        ),
        (
            "{{ l + [4] }} {{ [0] * 3 }} {{ 'ab' * 2 }} {{ (1,) + (2,) }} {{ 1 + 2 * 3 }}",
            "[1, 2, 3, 4] [0, 0, 0] abab (1, 2) 7",
        ),
        (
            "{{ 'A\\tbc\\n\\td\\t'.expandtabs() }}|{{ 'a\\tb'.expandtabs(3) }}|{{ 'a\\tb'.expandtabs(tabsize=0) }}",
            "A       bc\n        d       |a  b|ab",
        ),
        (
            "{{ 'Ab Cd, 1e'.istitle() }} {{ 'Ab Cd, 1E'.istitle() }} {{ 'AB'.istitle() }} {{ ''.istitle() }} {{ 'ǅa'.istitle() }}",
            "False True False False True",
        ),
        (
            "{{ 'a é'.isprintable() }} {{ ''.isprintable() }} {{ 'a\\n'.isprintable() }} {{ '\\u00a0'.isprintable() }}",
            "True True False False",
        ),
        ("{{ 'a' ~ 1 ~ none ~ [x, 'y'] ~ true }}", "a1None[Undefined, 'y']True"),
        ("{% set a, b = 1, [2] %}{{ a }}{{ b }}{% set n = namespace(c=1) %}{% set n.c = n.c + 1 %}{{ n.c }}", "1[2]2"),
        (
            "{{ {'a': 1, 'b': [l]}['b'][0][1] }} {{ dict(d, z=3) }} {{ range(1, 6, 2) }}",
            "2 {'x': 1, 'y': [2], 'z': 3} [1, 3, 5]",
        ),
        (
            "{% for i in [1, [2, [3]]] recursive %}{% if i is sequence %}{{ loop(i) }}{% else %}{{ i }}{% endif %}{% endfor %}",
            "123",
        ),
        (
            "{% for i in l if i > 1 %}{{ loop.index }}{{ i }}{% if loop.changed(i) %}!{% endif %}{% else %}none{% endfor %}",
            "12!23!",
        ),
        (
            "{{ l | sum }} {{ [d] | sum(attribute='x') }} {{ l | sort(reverse=true) }} {{ [l, l] | map('join', '-') | list }}",
            "6 1 [3, 2, 1] ['1-2-3', '1-2-3']",
        ),
        (
            "{{ l | select('gt', 1) | list }} {{ [d] | selectattr('x', 'in', l) | list | length }} {{ l | batch(2) | list }}",
            "[2, 3] 1 [[1, 2], [3]]",
        ),
        (
            "{% macro f(a, b=2) %}{{ a }}{{ b }}{{ caller() }}{% endmacro %}{% call f(1, **{'b': 3}) %}c{% endcall %}",
            "13c",
        ),
    ] {
        assert_eq!(
            render(source, &[], values).map(|rendered| rendered.text).as_deref().ok(),
            Some(text),
            "{source}: {:?}",
            render(source, &[], values)
        );
    }
}

#[test]
fn a_template_may_do_in_proportion_to_its_chat() {
    let message = |content: &str| serde_json::json!({ "role": "user", "content": content });
    let long = serde_json::json!({ "messages": [message(&"word ".repeat(800_000))] }).to_string();
    for source in [
        "{{ 'a' + messages[0].content + 'b' + 'c' + 'd' }}",
        "{% macro r(c) %}{{ c | trim }}{% endmacro %}{% set c = r(messages[0].content) | trim %}\
        {% if not (c.startswith('<r>') and c.endswith('</r>')) %}{{ '<' + c + '>' + '\\n' }}{% endif %}",
        "{% for m in messages %}{{ m.content.split('</think>')[-1].lstrip('\\n') | trim }}{% endfor %}",
    ] {
        let result = within_a_second(source, || render(source, &[], &long));
        assert!(result.is_ok_and(|rendered| rendered.text.len() >= 3_999_999), "{source}");
    }
    let call = |index: usize| {
        serde_json::json!([
            { "role": "assistant", "tool_calls": [{ "id": index.to_string(), "function": { "name": "f", "arguments": { "a": index } } }] },
            { "role": "tool", "tool_call_id": index.to_string(), "content": "r" },
        ])
    };
    let calls = |count: usize| -> Vec<Json> {
        (0..count).flat_map(|index| call(index).as_array().cloned().unwrap_or_default()).collect()
    };
    let source = "{% for m in messages %}{% set ns = namespace(last=true) %}{% for n in messages[loop.index:] %}\
        {% if n.role == 'user' %}{% set ns.last = false %}{% endif %}{% endfor %}{{ m.role if ns.last }} {% endfor %}";
    let many = serde_json::json!({ "messages": calls(500) }).to_string();
    let result = within_a_second(source, || render(source, &[], &many));
    assert!(result.is_ok_and(|rendered| rendered.text.starts_with("assistant tool ")));
}
