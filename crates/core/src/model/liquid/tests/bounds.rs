//! Templates that want too much, and templates that nobody would write.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Limits, RenderError, Template};
use super::{NOW, names, try_render};

#[test]
fn a_template_has_a_length_and_a_depth() {
    let refusal =
        |text: String| Template::parse(&text, &Limits { length: 20_000, ..Limits::MESSAGE }).unwrap_err().message;
    assert!(Template::parse(&"é".repeat(2_000), &Limits::MESSAGE).is_ok());
    let error = Template::parse(&"é".repeat(2_001), &Limits::MESSAGE).unwrap_err();
    assert_eq!(error.message, "the template has 2001 characters, 2000 is the most");
    assert_eq!(refusal("{% if a %}".repeat(1_000)), "blocks stand more than 32 deep");
    assert_eq!(refusal("{% for a in b %}".repeat(1_000)), "blocks stand more than 32 deep");
    assert_eq!(refusal(format!("{{{{ {}", "a[".repeat(5_000)) + "}}"), "brackets stand more than 16 deep");
    assert_eq!(refusal(format!("{{{{ {}", "(".repeat(5_000)) + "}}"), "brackets stand more than 16 deep");
}

#[test]
fn a_template_that_wants_too_much_gets_nothing() {
    let doubling = "{% assign x = 'ab' %}{% for i in (1..60) %}{% assign x = x | BODY %}{% endfor %}{{ x }}";
    for (text, expected) in [
        ("{% for i in (1..1001) %}{% endfor %}", RenderError::Rounds),
        ("{% for i in (1..999999999) %}{{ i }}{% endfor %}", RenderError::Rounds),
        ("{% for i in (-9223372036854775808..9223372036854775807) reversed %}x{% endfor %}", RenderError::Rounds),
        ("{% for i in (1..40) %}{% for j in (1..40) %}{% endfor %}{% endfor %}", RenderError::Rounds),
        ("{% tablerow i in (1..40) %}{% for j in (1..40) %}{% endfor %}{% endtablerow %}", RenderError::Rounds),
        ("{% for i in (1..999) %}12345678901234567890{% endfor %}", RenderError::Output),
        ("{% capture x %}{% for i in (1..999) %}12345678901234567890{% endfor %}{% endcapture %}", RenderError::Output),
        ("{{ (1..999999999) | join }}", RenderError::Work),
        ("{{ (1..999999999) | reverse | first }}", RenderError::Work),
        ("{{ (1..999999999) | sort }}", RenderError::Work),
        ("{{ (1..999999999) | map: 'x' }}", RenderError::Work),
        ("{{ (1..999999999) | slice: 0, 999999999 }}", RenderError::Work),
        (&doubling.replace("BODY", "append: x"), RenderError::Output),
        (&doubling.replace("BODY", "prepend: x"), RenderError::Output),
        (&doubling.replace("BODY", "replace: 'a', x"), RenderError::Output),
        (&doubling.replace("BODY", "replace: '', x"), RenderError::Output),
        (&doubling.replace("BODY", "split: '' | join: x"), RenderError::Output),
        (&doubling.replace("BODY", "truncate: 1, x | append: x"), RenderError::Output),
        (&doubling.replace("BODY", "append: '<&>' | append: x | escape"), RenderError::Output),
        (&doubling.replace("BODY", "append: '\n' | newline_to_br | append: x | url_encode"), RenderError::Output),
        (
            "{% assign x = 'a' | date: '%c' %}{% assign f = '%c%c%c%c' %}{% for i in (1..9) %}{% assign f = f | append: f | append: f %}{% endfor %}{{ 0 | date: f }}",
            RenderError::Output,
        ),
        (
            "{% for i in (1..999) %}{% assign a = code | upcase | downcase | append: 'x' | escape | slice: 1, 3 | round %}{% assign a = code | upcase | downcase | append: 'x' | escape | slice: 1, 3 | round %}{% endfor %}",
            RenderError::Work,
        ),
        (
            "{% for i in (1..999) %}{% assign a = 0 | date: '%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c%c' %}{% endfor %}",
            RenderError::Work,
        ),
        (
            "{% assign x = 'a' %}{% for i in (1..13) %}{% assign x = x | append: x %}{% endfor %}{% for i in (1..900) %}{% if x contains 'b' %}{% endif %}{{ x | strip_html | size }}{% endfor %}",
            RenderError::Work,
        ),
        (
            "{% assign x = 'a' %}{% for i in (1..12) %}{% assign x = x | append: x %}{% endfor %}{% for i in (1..900) %}{% assign l = x | split: '' | sort %}{% endfor %}",
            RenderError::Work,
        ),
    ] {
        let began = std::time::Instant::now();
        assert_eq!(try_render(text), Err(expected), "{text}");
        // Milliseconds, where the tests are optimized; this only tells work that has no bound.
        assert!(began.elapsed().as_secs() < 2, "{text} took {:?}", began.elapsed());
    }
    assert_eq!(try_render("{% for i in (1..1000) %}{% endfor %}ok").unwrap(), "ok");
    assert_eq!(try_render("{% for i in (1..999999999) limit: 2 %}{{ i }}{% endfor %}").unwrap(), "12");
    assert_eq!(try_render("{{ (1..999999999) | size }}{{ (1..999999999) | last }}").unwrap(), "999999999999999999");
}

#[test]
fn sorting_any_mixture_is_an_order() {
    let odd = json!({"list": [
        9_007_199_254_740_993_i64, 9_007_199_254_740_992.0, 9_007_199_254_740_992_i64, -0.0, 0, 0.0, null, "b", "B", [1],
        {"a": 1}, true, false, 1e300, -1e300, "", 3, i64::MIN, i64::MAX, u64::MAX, 1.5, "1"
    ]});
    let many: Vec<Value> = odd["list"].as_array().unwrap().iter().cycle().take(200).cloned().collect();
    let template =
        Template::parse("{{ list | sort | size }} {{ list | sort_natural | size }}", &Limits::MESSAGE).unwrap();
    let printed = template.render(json!({"list": many}).as_object().unwrap(), NOW);
    assert_eq!(printed.unwrap(), "200 200");
}

/// Pieces that templates are made of, in any order.
fn soup() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "{{",
        "}}",
        "{%",
        "%}",
        "{%-",
        "-%}",
        "{{-",
        "-}}",
        " ",
        "\n",
        "'",
        "\"",
        "|",
        ":",
        ",",
        ".",
        "..",
        "[",
        "]",
        "(",
        ")",
        "==",
        "<",
        "and",
        "or",
        "contains",
        "if",
        "endif",
        "elsif",
        "else",
        "unless",
        "endunless",
        "case",
        "when",
        "endcase",
        "for",
        "in",
        "endfor",
        "limit",
        "offset",
        "reversed",
        "cycle",
        "tablerow",
        "cols",
        "endtablerow",
        "assign",
        "=",
        "capture",
        "endcapture",
        "increment",
        "raw",
        "endraw",
        "comment",
        "endcomment",
        "break",
        "code",
        "list",
        "users",
        "nested",
        "deep",
        "nope",
        "x",
        "(1..9)",
        "-1",
        "0",
        "1.5",
        "99999",
        "nil",
        "blank",
        "é",
        "🎉",
        "split",
        "join",
        "sort",
        "map",
        "slice",
        "replace",
        "append",
        "date",
        "'%c%-d%'",
        "truncate",
        "strip_html",
        "escape_once",
        "url_decode",
        "round",
        "divided_by",
        "plus",
        "times",
        "default",
        "allow_false",
        "size",
        "first",
    ];
    prop::collection::vec(prop::sample::select(PARTS), 0..40).prop_map(|parts| parts.join(" "))
}

/// Templates that mostly parse: a tree of outputs and blocks around values and filters.
fn tree() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "code",
        "list",
        "users",
        "nested",
        "names",
        "deep.er[0].x",
        "nope",
        "price",
        "x",
        "y",
        "(1..9)",
        "(-3..zero)",
        "'a,b é'",
        "''",
        "-7",
        "0",
        "2.5",
        "9223372036854775807",
        "nil",
        "true",
        "blank",
        "empty",
        "'%a %-d'",
        "forloop.index",
        "list[-1]",
        "application",
        "white",
    ]);
    let all: Vec<_> = super::super::filters::names().collect();
    let filter =
        (prop::sample::select(all), prop::collection::vec(value.clone(), 2)).prop_map(|((name, least), values)| {
            format!(" | {name}{}{}", if least > 0 { ": " } else { "" }, values.get(..least).unwrap().join(", "))
        });
    let filtered = (value.clone(), prop::collection::vec(filter, 0..4))
        .prop_map(|(value, filters)| value.to_owned() + &filters.concat());
    let leaf = prop_oneof![
        filtered.clone().prop_map(|it| format!("{{{{ {it} }}}}")),
        filtered.prop_map(|it| format!("{{% assign x = {it} %}}")),
        value.clone().prop_map(|it| format!("{{% cycle {it}, 'b' %}}{{% increment y %}}{{% continue %}}")),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let body = prop::collection::vec(inner, 0..4).prop_map(|nodes| nodes.concat());
        prop_oneof![
            (value.clone(), body.clone())
                .prop_map(|(it, body)| format!("{{% for x in {it} %}}{body}{{% else %}}-{{% endfor %}}")),
            (value.clone(), body.clone())
                .prop_map(|(it, body)| format!("{{% tablerow y in {it} cols:2 %}}{body}{{% endtablerow %}}")),
            (value.clone(), value.clone(), body.clone())
                .prop_map(|(a, b, body)| format!("{{% if {a} <= {b} or {b} contains {a} %}}{body}{{% endif %}}")),
            (value.clone(), value.clone(), body.clone())
                .prop_map(|(a, b, body)| format!("{{% case {a} %}}{{% when {b} %}}{body}{{% endcase %}}")),
            body.prop_map(|body| format!("{{% capture x %}}{body}{{% endcapture %}}")),
        ]
    })
}

fn survives(text: &str) {
    if let Ok(template) = Template::parse(text, &Limits::MESSAGE)
        && let Ok(printed) = template.render(names().as_object().unwrap(), NOW)
    {
        assert!(printed.len() <= Limits::MESSAGE.output);
    }
}

proptest! {
    #[test]
    fn any_text_parses_or_not_and_renders_or_not(text in ".{0,120}") {
        survives(&text);
    }

    #[test]
    fn any_soup_of_tokens_parses_or_not_and_renders_or_not(text in soup()) {
        survives(&text);
    }

    #[test]
    fn any_tree_parses_and_renders_or_not(text in tree()) {
        prop_assume!(text.chars().count() <= Limits::MESSAGE.length);
        prop_assert!(Template::parse(&text, &Limits::MESSAGE).is_ok(), "{}", text);
        survives(&text);
    }
}
