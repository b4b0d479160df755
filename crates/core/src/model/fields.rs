//! Field selection: `fields` and `include_fields` of the Management API, dotted names included
//! (`docs/COMPATIBILITY.md` C751).

use serde_json::{Map, Value};

/// The members of `whole` that `fields`, a comma list of names, asks for, or with `include` false the others. A dotted
/// name such as `user_metadata.color` reaches into objects, and into each item of an array on its way. No names at all
/// select everything.
pub fn project(whole: &Map<String, Value>, fields: &str, include: bool) -> Map<String, Value> {
    let names: Vec<&str> = fields.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    match (names.is_empty(), include) {
        (true, _) => whole.clone(),
        (false, true) => keep(whole, &names),
        (false, false) => leave(whole, &names),
    }
}

type Selection = fn(&Map<String, Value>, &[&str]) -> Map<String, Value>;

fn keep(whole: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let kept = whole.iter().filter_map(|(key, value)| {
        if names.contains(&key.as_str()) {
            return Some((key.clone(), value.clone()));
        }
        let inner = below(names, key);
        let value = if inner.is_empty() { None } else { within(value, &inner, keep) };
        value.map(|value| (key.clone(), value))
    });
    kept.collect()
}

fn leave(whole: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let left = whole.iter().filter(|(key, _)| !names.contains(&key.as_str())).map(|(key, value)| {
        let inner = below(names, key);
        let value = if inner.is_empty() { None } else { within(value, &inner, leave) }.unwrap_or_else(|| value.clone());
        (key.clone(), value)
    });
    left.collect()
}

/// What the dotted names say about the inside of `key`.
fn below<'n>(names: &[&'n str], key: &str) -> Vec<&'n str> {
    names.iter().filter_map(|name| name.strip_prefix(key)?.strip_prefix('.')).collect()
}

/// Applies a selection inside an object or an array of objects; `None` for a value without an inside.
fn within(value: &Value, names: &[&str], select: Selection) -> Option<Value> {
    match value {
        Value::Object(object) => Some(select(object, names).into()),
        Value::Array(items) => Some(items.iter().filter_map(|item| within(item, names, select)).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_select_and_dots_reach_inside() {
        let whole = json!({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "l": [{"x": 1, "y": 2}], "b.c": 4});
        for (fields, include, wanted) in [
            ("", true, whole.clone()),
            (" , ", false, whole.clone()),
            ("a", true, json!({"a": 1})),
            ("a, nobody", true, json!({"a": 1})),
            ("nobody", true, json!({})),
            ("b.d.e,a", true, json!({"a": 1, "b": {"d": {"e": 3}}})),
            ("b.x", true, json!({"b": {}})),
            ("a.x", true, json!({})),
            ("l.x", true, json!({"l": [{"x": 1}]})),
            ("b,b.c", true, json!({"b": {"c": 2, "d": {"e": 3}}, "b.c": 4})),
            ("a,b", false, json!({"l": [{"x": 1, "y": 2}], "b.c": 4})),
            ("b.d.e,l.y,a.x,b.c", false, json!({"a": 1, "b": {"d": {}}, "l": [{"x": 1}]})),
        ] {
            let selected = project(whole.as_object().unwrap(), fields, include);
            assert_eq!(Value::Object(selected), wanted, "{fields} {include}");
        }
    }
}
