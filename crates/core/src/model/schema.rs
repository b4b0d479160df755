//! Checks a JSON body against a small table of properties and words the first failure as the Management API does: the
//! texts of the JavaScript validator z-schema inside `Payload validation error: '…' on property … (…).`

use serde_json::{Map, Value};

/// Where the refused value stood; it decides the first word of the message and the error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The JSON body.
    Payload,
    /// A query parameter.
    Query,
    /// A path parameter.
    Path,
}

/// A refused value: the whole message, ready for the error body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Where the value stood.
    pub place: Place,
    /// The sentence for the caller. It never holds a secret.
    pub message: String,
}

impl Invalid {
    /// A rule of meaning rather than of shape: `message` is the whole text.
    pub fn body(message: impl Into<String>) -> Self {
        Self { place: Place::Payload, message: message.into() }
    }

    /// A body property that breaks a rule. `path` is empty at the root, `about` when the property has no description.
    pub fn payload(reason: &str, path: &str, about: &str) -> Self {
        Self::worded(Place::Payload, reason, path, about)
    }

    /// A query parameter that breaks a rule.
    pub fn query(reason: &str, property: &str, about: &str) -> Self {
        Self::worded(Place::Query, reason, property, about)
    }

    /// A path parameter that breaks a rule.
    pub fn path(reason: &str, property: &str, about: &str) -> Self {
        Self::worded(Place::Path, reason, property, about)
    }

    /// `invalid_body`, `invalid_query_string` or `invalid_uri`.
    pub fn code(&self) -> &'static str {
        match self.place {
            Place::Payload => "invalid_body",
            Place::Query => "invalid_query_string",
            Place::Path => "invalid_uri",
        }
    }

    fn worded(place: Place, reason: &str, property: &str, about: &str) -> Self {
        let what = match place {
            Place::Payload => "Payload",
            Place::Query => "Query",
            Place::Path => "Path",
        };
        let on = if property.is_empty() { String::new() } else { format!(" on property {property}") };
        let about = if about.is_empty() || property.is_empty() { String::new() } else { format!(" ({about})") };
        Self { place, message: format!("{what} validation error: '{reason}'{on}{about}.") }
    }
}

/// One property of an object.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What it is, without a full stop; empty when there is nothing to say.
    pub about: &'static str,
}

/// A row of a property table.
pub const fn field(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, kind, about }
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// `true`, `false` or any text: some switches travel as words.
    BoolOrText,
    /// A whole number from the first to the second, both included.
    Int(i64, i64),
    /// Any number from the first to the second, both included.
    Number(i64, i64),
    /// A text of so many to so many characters.
    Text(usize, usize),
    /// A text with a rule of its own.
    Format(&'static Format),
    /// One of the texts.
    OneOf(&'static [&'static str]),
    /// An object.
    Object(&'static Object),
    /// An object of at most ten texts of at most 255 characters; a null removes its key.
    Metadata,
    /// The same with at most so many texts.
    Map(usize),
    /// An array.
    List(&'static List),
}

impl Kind {
    /// Any text.
    pub const TEXT: Self = Self::Text(0, usize::MAX);
    /// An object about which nothing is said.
    pub const FREE: Self = Self::Object(&Object { fields: &[], required: &[], open: true });
    /// An array of any texts.
    pub const TEXTS: Self = Self::List(&List { items: Self::TEXT, min: 0, max: usize::MAX, unique: false });
}

/// A rule for a text that the validator names rather than explains.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The format's name, or the regular expression that says the same as `holds`.
    pub name: &'static str,
    /// Whether `name` is a regular expression; it changes the wording.
    pub is_pattern: bool,
    /// Whether a text passes.
    pub holds: fn(&str) -> bool,
}

/// The properties of an object, in groups so that create and update can share one.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// The known properties, in the order in which they are checked.
    pub fields: &'static [&'static [Field]],
    /// The names that must be there and must not be null.
    pub required: &'static [&'static str],
    /// Whether unknown properties pass.
    pub open: bool,
}

/// The rules of an array.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// What each item must be; never null.
    pub items: Kind,
    /// Fewest items.
    pub min: usize,
    /// Most items.
    pub max: usize,
    /// Whether two equal items are refused.
    pub unique: bool,
}

/// Checks a body, and gives it back as the object it is. A null passes wherever the property is not required.
pub fn check<'v>(schema: &Object, body: &'v Value) -> Result<&'v Map<String, Value>, Invalid> {
    object(schema, body, "", "")
}

/// Checks a body that is no object.
pub fn check_as(kind: &Kind, body: &Value) -> Result<(), Invalid> {
    value_of(kind, body, "", "")
}

/// What is wrong with one value; `None` when nothing is.
pub fn reason(kind: &Kind, value: &Value) -> Option<String> {
    let invalid = value_of(kind, value, "", "").err()?;
    let reason =
        invalid.message.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(reason, _)| reason);
    Some(reason.map_or(invalid.message.clone(), str::to_owned))
}

/// Whether a text or a name in it holds the character U+0000, which PostgreSQL cannot keep (C629).
pub fn holds_null(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_null(value)),
        _ => false,
    }
}

/// The members that are not null: in a new object a null says the same as nothing.
pub fn without_nulls(body: &Map<String, Value>) -> Map<String, Value> {
    body.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Merges `patch` into `into`: a member replaces the one of its name, a null removes it.
pub fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        if value.is_null() {
            into.remove(key);
        } else {
            into.insert(key.clone(), value.clone());
        }
    }
}

/// A document of texts that was sent to replace another one; a null stands for an empty one, and a null in it for nothing.
pub fn metadata(value: &Value) -> Map<String, Value> {
    value.as_object().map(without_nulls).unwrap_or_default()
}

/// A whole number, also when it was written with a fraction of zero (`6.0`).
#[expect(clippy::cast_possible_truncation, reason = "only numbers without a fraction come this far")]
pub fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64))
}

fn object<'v>(schema: &Object, value: &'v Value, path: &str, about: &str) -> Result<&'v Map<String, Value>, Invalid> {
    let Value::Object(map) = value else { return Err(wrong_type("object", value, path, about)) };
    let known = |name: &str| schema.fields.iter().flat_map(|group| group.iter()).any(|field| field.name == name);
    if !schema.open {
        let unknown: Vec<&str> = map.keys().map(String::as_str).filter(|name| !known(name)).collect();
        if !unknown.is_empty() {
            let reason = format!("Additional properties not allowed: {}", unknown.join(","));
            return Err(Invalid::payload(&reason, path, about));
        }
    }
    if let Some(missing) = schema.required.iter().find(|name| !map.contains_key(**name)) {
        return Err(Invalid::payload(&format!("Missing required property: {missing}"), path, about));
    }
    for field in schema.fields.iter().flat_map(|group| group.iter()) {
        let Some(value) = map.get(field.name) else { continue };
        if value.is_null() && !schema.required.contains(&field.name) {
            continue;
        }
        let path = if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        value_of(&field.kind, value, &path, field.about)?;
    }
    Ok(map)
}

fn value_of(kind: &Kind, value: &Value, path: &str, about: &str) -> Result<(), Invalid> {
    let refuse = |reason: String| Err(Invalid::payload(&reason, path, about));
    match kind {
        Kind::Any => Ok(()),
        Kind::Bool if value.is_boolean() => Ok(()),
        Kind::BoolOrText if value.is_boolean() || value.is_string() => Ok(()),
        Kind::Bool | Kind::BoolOrText => Err(wrong_type("boolean", value, path, about)),
        Kind::Int(..) if !is_integer(value) => Err(wrong_type("integer", value, path, about)),
        Kind::Number(..) if !value.is_number() => Err(wrong_type("number", value, path, about)),
        Kind::Int(min, max) | Kind::Number(min, max) => in_range(value, *min, *max).or_else(refuse),
        Kind::Text(min, max) => {
            let length = text(value, path, about)?.chars().count();
            if length < *min {
                return refuse(format!("String is too short ({length} chars), minimum {min}"));
            }
            if length > *max {
                return refuse(format!("String is too long ({length} chars), maximum {max}"));
            }
            Ok(())
        }
        Kind::Format(format) => {
            let text = text(value, path, about)?;
            match (format.holds)(text) {
                true => Ok(()),
                false if format.is_pattern => refuse(format!("String does not match pattern {}: {text}", format.name)),
                false => refuse(format!("Object didn't pass validation for format {}: {text}", format.name)),
            }
        }
        Kind::OneOf(known) => {
            let text = text(value, path, about)?;
            if known.contains(&text) { Ok(()) } else { refuse(format!("No enum match for: {text}")) }
        }
        Kind::Object(schema) => object(schema, value, path, about).map(|_| ()),
        Kind::Metadata => texts(value, 10, path, about),
        Kind::Map(max) => texts(value, *max, path, about),
        Kind::List(list) => array(list, value, path, about),
    }
}

fn array(list: &List, value: &Value, path: &str, about: &str) -> Result<(), Invalid> {
    let Value::Array(items) = value else { return Err(wrong_type("array", value, path, about)) };
    let refuse = |reason: String| Err(Invalid::payload(&reason, path, about));
    if items.len() < list.min {
        return refuse(format!("Array is too short ({}), minimum {}", items.len(), list.min));
    }
    if items.len() > list.max {
        return refuse(format!("Array is too long ({}), maximum {}", items.len(), list.max));
    }
    if list.unique {
        for (second, item) in items.iter().enumerate() {
            if let Some(first) = items.iter().take(second).position(|earlier| earlier == item) {
                return refuse(format!("Array items are not unique (indexes {first} and {second})"));
            }
        }
    }
    for (index, item) in items.iter().enumerate() {
        value_of(&list.items, item, &format!("{path}[{index}]"), "")?;
    }
    Ok(())
}

fn texts(value: &Value, max: usize, path: &str, about: &str) -> Result<(), Invalid> {
    let Value::Object(map) = value else { return Err(wrong_type("object", value, path, about)) };
    if map.len() > max {
        let reason = format!("Too many properties defined ({}), maximum {max}", map.len());
        return Err(Invalid::payload(&reason, path, about));
    }
    for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        value_of(&Kind::Text(0, 255), value, &format!("{path}.{key}"), "")?;
    }
    Ok(())
}

fn text<'v>(value: &'v Value, path: &str, about: &str) -> Result<&'v str, Invalid> {
    value.as_str().ok_or_else(|| wrong_type("string", value, path, about))
}

fn in_range(value: &Value, min: i64, max: i64) -> Result<(), String> {
    let below = value.as_i64().map_or_else(|| value.as_f64().is_some_and(|it| it < as_f64(min)), |it| it < min);
    let above = value.as_i64().map_or_else(|| value.as_f64().is_some_and(|it| it > as_f64(max)), |it| it > max);
    match (below, above) {
        (true, _) => Err(format!("Value {value} is less than minimum {min}")),
        (_, true) => Err(format!("Value {value} is greater than maximum {max}")),
        _ => Ok(()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds are small numbers of our own")]
fn as_f64(bound: i64) -> f64 {
    bound as f64
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn wrong_type(wanted: &str, found: &Value, path: &str, about: &str) -> Invalid {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if is_integer(found) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Invalid::payload(&format!("Expected type {wanted} but found type {found}"), path, about)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOTP: Object = Object {
        fields: &[&[field("length", Kind::Int(4, 10), "Digits"), field("time_step", Kind::Int(1, 86_400), "")]],
        required: &[],
        open: false,
    };
    const NAMES: List = List { items: Kind::Text(1, 3), min: 1, max: 3, unique: true };
    const SHORT: Format = Format { name: "^[a-z]+$", is_pattern: true, holds: |text| text.len() < 3 };
    const EVEN: Format = Format { name: "even", is_pattern: false, holds: |text| text.len() % 2 == 0 };
    const ROOT: Object = Object {
        fields: &[
            &[field("name", Kind::Text(1, 5), "The name"), field("mode", Kind::OneOf(&["a", "b"]), "")],
            &[
                field("totp", Kind::Object(&TOTP), "Rules of the code"),
                field("names", Kind::List(&NAMES), ""),
                field("short", Kind::Format(&SHORT), ""),
                field("even", Kind::Format(&EVEN), ""),
                field("metadata", Kind::Metadata, ""),
                field("on", Kind::Bool, ""),
                field("share", Kind::Number(0, 1), ""),
                field("word", Kind::BoolOrText, ""),
            ],
        ],
        required: &["name"],
        open: false,
    };

    #[test]
    fn refusals_are_worded_like_z_schema() {
        let long = "x".repeat(256);
        let cases = [
            (json!([]), "'Expected type object but found type array'."),
            (json!({}), "'Missing required property: name'."),
            (json!({"name": "x", "b": 1, "a": 2}), "'Additional properties not allowed: b,a'."),
            (json!({"name": null}), "'Expected type string but found type null' on property name (The name)."),
            (json!({"name": ""}), "'String is too short (0 chars), minimum 1' on property name (The name)."),
            (json!({"name": "éééééé"}), "'String is too long (6 chars), maximum 5' on property name (The name)."),
            (json!({"name": "x", "mode": "c"}), "'No enum match for: c' on property mode."),
            (
                json!({"name": "x", "totp": {"length": 3}}),
                "'Value 3 is less than minimum 4' on property totp.length (Digits).",
            ),
            (
                json!({"name": "x", "totp": {"time_step": 86_401}}),
                "'Value 86401 is greater than maximum 86400' on property totp.time_step.",
            ),
            (
                json!({"name": "x", "totp": {"length": "6"}}),
                "'Expected type integer but found type string' on property totp.length (Digits).",
            ),
            (
                json!({"name": "x", "totp": {"length": 6.5}}),
                "'Expected type integer but found type number' on property totp.length (Digits).",
            ),
            (
                json!({"name": "x", "totp": {"size": 6}}),
                "'Additional properties not allowed: size' on property totp (Rules of the code).",
            ),
            (json!({"name": "x", "names": []}), "'Array is too short (0), minimum 1' on property names."),
            (
                json!({"name": "x", "names": ["a", "b", "a"]}),
                "'Array items are not unique (indexes 0 and 2)' on property names.",
            ),
            (
                json!({"name": "x", "names": ["a", 2]}),
                "'Expected type string but found type integer' on property names[1].",
            ),
            (json!({"name": "x", "short": "abc"}), "'String does not match pattern ^[a-z]+$: abc' on property short."),
            (
                json!({"name": "x", "even": "abc"}),
                "'Object didn't pass validation for format even: abc' on property even.",
            ),
            (
                json!({"name": "x", "metadata": {"k": long}}),
                "'String is too long (256 chars), maximum 255' on property metadata.k.",
            ),
            (json!({"name": "x", "on": "true"}), "'Expected type boolean but found type string' on property on."),
            (json!({"name": "x", "share": 1.5}), "'Value 1.5 is greater than maximum 1' on property share."),
        ];
        for (body, expected) in cases {
            let error = check(&ROOT, &body).unwrap_err();
            assert_eq!(error.message, format!("Payload validation error: {expected}"), "{body}");
            assert_eq!(error.code(), "invalid_body");
        }
    }

    #[test]
    fn what_fits_and_nulls_of_optional_properties_pass() {
        let body = json!({"name": "x", "mode": null, "totp": {"length": 6.0, "time_step": null}, "names": ["a", "b"],
            "metadata": {"gone": null}, "share": 0.25, "word": "true", "even": "ab"});
        assert!(check(&ROOT, &body).is_ok());
    }

    #[test]
    fn queries_and_paths_have_their_own_words_and_codes() {
        let error = Invalid::query("Value 101 is greater than maximum 100", "per_page", "Results per page");
        assert_eq!(
            (error.code(), error.message.as_str()),
            (
                "invalid_query_string",
                "Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Results per page)."
            )
        );
        assert_eq!(Invalid::path("x", "id", "").message, "Path validation error: 'x' on property id.");
        assert_eq!(Invalid::path("x", "id", "").code(), "invalid_uri");
    }
}
