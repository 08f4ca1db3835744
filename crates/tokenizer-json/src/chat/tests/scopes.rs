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
