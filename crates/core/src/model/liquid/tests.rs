//! What templates print (`prints`), and what happens to those that want too much (`bounds`).

mod bounds;
mod prints;

use serde_json::{Value, json};

use super::{Limits, RenderError, Template};

/// 2026-01-02T03:04:05.678Z, a Friday.
const NOW: i64 = 1_767_323_045_678;

fn names() -> Value {
    json!({
        "code": "482913", "request_language": "fr-CA,fr;q=0.9", "application": {"name": "Tom & <Co>"}, "empty_text": "",
        "white": "  \n", "zero": 0, "no": false, "nothing": null, "price": 12.5, "list": [1, 2, 3, 4, 5, 6],
        "names": ["zoe", "Adam", null, "bob"], "users": [{"name": "Zed", "age": 3}, {"name": "amy", "age": 20}, {}],
        "deep": {"er": [{"x": "found"}]}, "nested": [[1, 2], [3, [4]]], "user": {"first": "F", "size": "S"}
    })
}

fn try_render(text: &str) -> Result<String, RenderError> {
    let template = Template::parse(text, &Limits::MESSAGE).unwrap_or_else(|error| panic!("{text}: {error}"));
    template.render(names().as_object().unwrap(), NOW)
}

fn prints(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(try_render(text).as_deref(), Ok(*expected), "{text}");
    }
}
