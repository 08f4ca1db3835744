//! Whose a variable is: what Jinja writes.

use super::*;

fn written(source: &str, text: &str) {
    let values = r#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "World"}]}"#;
    let rendered = render(source, &[], values);
    assert_eq!(rendered.as_ref().map(|rendered| rendered.text.as_str()).ok(), Some(text), "{source}: {rendered:?}");
}

#[test]
fn each_turn_of_a_loop_has_variables_of_its_own() {
    for (source, text) in [
        (
            "{% for m in messages %}{% if m.role=='user' %}{% set p='U' %}{% endif %}{% generation %}[{{ p }}]{% endgeneration %}{% endfor %}",
            "[U][]",
        ),
        (
            "{% set p='old' %}{% for m in messages %}{% generation %}{{ p }}{% endgeneration %}{% set p='new' %}{{ p }}{% endfor %}{{ p }}",
            "oldnewoldnewold",
        ),
        (
            "{% macro w() %}{{ caller() }}{% endmacro %}{% for m in messages %}{% if m.role=='user' %}{% set p='U' %}{% endif %}{% call w() %}[{{ p }}]{% endcall %}{% endfor %}",
            "[U][]",
        ),
        (
            "{% for m in messages %}{% if m.role=='user' %}{% set p='U' %}{% endif %}{% macro f() %}[{{ p }}{{ m.content }}]{% endmacro %}{{ f() }}{% endfor %}",
            "[UHello][World]",
        ),
        (
            "{% for m in messages %}{% for n in [1, 2] %}{% if n==1 %}{% set p=m.role %}{% endif %}{% generation %}[{{ p }}{{ loop.index }}]{% endgeneration %}{% if m.role=='user' %}{% continue %}{% endif %}{{ p }}{% endfor %}{% endfor %}",
            "[user1][2][assistant1]assistant[2]",
        ),
        (
            "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% if loop.first %}{% break %}{% endif %}{% endfor %}{{ m is defined }}",
            "HelloFalse",
        ),
        (
            "{% for x in [1, [2, [3]]] recursive %}{% macro f() %}{{ x }}{% endmacro %}{% if x is iterable %}{{ loop(x) }}{% else %}{{ f() }}{% endif %}{% endfor %}",
            "123",
        ),
        ("{% for x in [] %}{% macro f() %}{% endmacro %}{% else %}none{% endfor %}", "none"),
        (
            "{% for x in [1] %}{% macro f() %}y{% endmacro %}{% if x %}{{ f() }}{% endif %}{% else %}none{% endfor %}",
            "y",
        ),
    ] {
        written(source, text);
    }
}

#[test]
fn what_is_left_by_continue_and_break_is_closed() {
    for (source, text) in [
        (
            "{% for x in [1, 2] %}{% with a=x %}{% if x==1 %}{% continue %}{% endif %}{{ a }}{% endwith %}{% endfor %}",
            "2",
        ),
        (
            "{% for x in [1, 2, 3] %}{% with a=x %}{% if x==2 %}{% break %}{% endif %}{{ a }}{% endwith %}{% endfor %}.",
            "1.",
        ),
        (
            "{% for m in messages %}{% generation %}{% for x in [1, 2, 3] %}{% if x==2 %}{% continue %}{% endif %}{{ x }}{% endfor %}{% endgeneration %}{% endfor %}",
            "1313",
        ),
    ] {
        written(source, text);
    }
}

#[test]
fn macros_read_all_variables_around_them() {
    for (source, text) in [
        ("{% for m in messages %}{% generation %}{{ m.content[1:] }}{% endgeneration %}{% endfor %}", "elloorld"),
        (
            "{% set k=1 %}{% set j=4 %}{% for m in messages %}{% generation %}{{ 'abcdefg'[k:j] }}{{ 'abcdefg'[::k] }}{% endgeneration %}{% endfor %}",
            "bcdabcdefgbcdabcdefg",
        ),
        (
            "{% set ns=namespace(x=0) %}{% for m in messages %}{% generation %}{% set ns.x = 5 %}{% endgeneration %}{{ ns.x }}{% endfor %}",
            "55",
        ),
        (
            "{% for m in messages %}{% generation %}{% for x in [loop.index] %}{{ x }}{{ loop.last }}{% endfor %}{% for x in [1, 2] if x == loop.index %}{{ x }}{% endfor %}{% endgeneration %}{% endfor %}",
            "1True12True2",
        ),
        (
            "{% for m in messages %}{% set v=m %}{% generation %}{% set v=v.content %}{{ v }}{% endgeneration %}{{ v.role }}{% endfor %}",
            "HellouserWorldassistant",
        ),
        (
            "{% for m in messages %}{% set v=m.content %}{% generation %}{% set v %}<{{ v }}>{% endset %}{{ v }}{% endgeneration %}{{ v }}{% endfor %}",
            "<Hello>Hello<World>World",
        ),
        ("{% macro f() %}{{ caller()[1:] }}{% endmacro %}{% call f() %}abc{% endcall %}", "bc"),
        ("{% macro f() %}{{ g()[1:] }}{% endmacro %}{% macro g() %}xyz{% endmacro %}{{ f() }}", "yz"),
        (
            "{% set x=1 %}{% macro f() %}{{ x }}{% set x=2 %}{{ x }}{% endmacro %}{{ f() }}{{ x }}{% set x=3 %}{{ f() }}",
            "12132",
        ),
        (
            "{% for m in messages %}{% macro f(n) %}{% if n %}{{ n }}{{ f(n - 1) }}{{ m.role[:1] }}{% endif %}{% endmacro %}{{ f(2) }}{% endfor %}",
            "21uu21aa",
        ),
    ] {
        written(source, text);
    }
}

#[test]
fn blocks_of_set_and_filter_have_variables_of_their_own() {
    for (source, text) in [
        ("{% set v=1 %}{% set b %}{% set v=2 %}{{ v }}{% endset %}{{ v }}{{ b }}", "12"),
        ("{% set v=1 %}{% filter upper %}{% set v=2 %}{{ v }}{% endfilter %}{{ v }}", "21"),
        ("{% set b %}{% set q=2 %}{% endset %}{{ q is defined }}", "False"),
        ("{% set ns=namespace(v=1) %}{% set b %}{% set ns.v=2 %}{% endset %}{{ ns.v }}", "2"),
        (
            "{% for x in [[1, [2]], [3]] recursive %}{% set b %}{% if x is iterable %}{{ loop(x) }}{% else %}{{ x }}{% endif %}{% endset %}({{ b }}{{ loop.index }}){% endfor %}",
            "((11)((21)2)1)((31)2)",
        ),
        (
            "{% for x in [1, 2, 3] %}{% set b %}{% if x==2 %}{% continue %}{% endif %}<{{ x }}>{% endset %}{{ b }}{% endfor %}.",
            "<1><3>.",
        ),
        (
            "{% for x in [1, 2, 3] %}{% filter upper %}a{% if x==2 %}{% break %}{% endif %}{% endfilter %}{% endfor %}.",
            "A.",
        ),
    ] {
        written(source, text);
    }
}

#[test]
fn arguments_by_name_may_stand_beside_a_loop_that_calls_itself() {
    for (source, text) in [
        ("{% set ns=namespace(a=1) %}{% for y in ['a'] recursive %}{{ y }}{% endfor %}", "a"),
        (
            "{% set ns=dict(a=1, b=2) %}{% for y in ['a', ['b']] recursive %}{{ loop(y) if y is not string else y }}{% endfor %}{{ ns }}",
            "ab{'a': 1, 'b': 2}",
        ),
        ("{% macro f(a=1) %}{{ a }}{% endmacro %}{% for y in ['a'] recursive %}{{ y }}{{ f(a=5) }}{% endfor %}", "a5"),
    ] {
        written(source, text);
    }
}
