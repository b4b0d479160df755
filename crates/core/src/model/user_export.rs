//! Users as an export writes them: a line of JSON each, or a table in CSV (RFC 4180;
//! `docs/COMPATIBILITY.md` C1220-C1222).

use serde_json::{Map, Value};

use super::user::User;

/// What is written of each user, and how.
#[derive(Debug)]
pub struct Columns {
    is_csv: bool,
    /// Member of the user and what the result calls it; empty for whole users.
    fields: Vec<(String, String)>,
}

impl Columns {
    /// What the request of an export asks for.
    pub fn of(doc: &Map<String, Value>) -> Self {
        let is_csv = doc.get("format").is_some_and(|format| format == "csv");
        let asked = doc.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |field: &Value, name: &str| field.get(name).and_then(Value::as_str).map(str::to_owned);
        let named = |field: &Value| {
            let name = text(field, "name")?;
            Some((name.clone(), text(field, "export_as").unwrap_or(name)))
        };
        let mut fields: Vec<(String, String)> = asked.iter().filter_map(named).collect();
        if is_csv && fields.is_empty() {
            fields = DEFAULT.iter().map(|&name| (name.to_owned(), name.to_owned())).collect();
        }
        Self { is_csv, fields }
    }

    /// What stands before the first user.
    pub fn header(&self) -> String {
        if !self.is_csv {
            return String::new();
        }
        let names: Vec<String> = self.fields.iter().map(|(_, name)| cell(name)).collect();
        format!("{}\r\n", names.join(","))
    }

    /// Adds a user.
    pub fn write(&self, user: &User, out: &mut String) {
        let view = Value::from(user.view());
        if self.is_csv {
            let cells: Vec<String> = self.fields.iter().map(|(path, _)| shown(find(&view, path))).collect();
            out.push_str(&cells.join(","));
            out.push_str("\r\n");
            return;
        }
        let chosen = self.fields.iter().filter_map(|(path, name)| Some((name.clone(), find(&view, path)?.clone())));
        let line = if self.fields.is_empty() { view } else { chosen.collect::<Map<_, _>>().into() };
        out.push_str(&line.to_string());
        out.push('\n');
    }
}

/// The member at a path such as `user_metadata.color` or `identities[0].connection`.
fn find<'v>(view: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(view, |value, step| {
        let (name, rest) = step.split_once('[').map_or((step, ""), |(name, rest)| (name, rest));
        let value = value.get(name)?;
        if rest.is_empty() {
            return Some(value);
        }
        rest.strip_suffix(']')?.split("][").try_fold(value, |value, index| value.get(index.parse::<usize>().ok()?))
    })
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => cell(text),
        Some(other) => cell(&other.to_string()),
    }
}

/// A cell, quoted where it must be. A text that a spreadsheet would run as a formula begins with an apostrophe.
fn cell(text: &str) -> String {
    let number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let runs = match text.split_at_checked(1) {
        Some(("=" | "@" | "\t" | "\r", _)) => true,
        Some(("+" | "-", rest)) => !number(rest),
        _ => false,
    };
    let text = if runs { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

const DEFAULT: &[&str] = &[
    "user_id",
    "phone_number",
    "email",
    "username",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "phone_verified",
    "email_verified",
    "blocked",
    "created_at",
    "last_login",
    "logins_count",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::rng::Rng;
    use serde_json::json;

    fn written(doc: Value) -> String {
        let mut user = User::of_phone("sms", "+15550001111", &Rng::seeded(1), 0);
        user.user_id = "sms|a".into();
        user.profile.insert("name".into(), "=1+2, \"Ann\"".into());
        user.user_metadata = json!({"color": {"hex": ["red"]}, "sum": "-2+3", "low": "-2.5"}).as_object().cloned();
        let columns = Columns::of(doc.as_object().unwrap());
        let mut text = columns.header();
        columns.write(&user, &mut text);
        text
    }

    #[test]
    fn members_are_found_named_and_quoted() {
        let fields = json!([{"name": "user_id"}, {"name": "phone_number", "export_as": "Phone"}, {"name": "name"},
            {"name": "user_metadata.color.hex[0]"}, {"name": "user_metadata.sum"}, {"name": "user_metadata.low"},
            {"name": "identities[0].provider"}, {"name": "email"}, {"name": "phone_verified"}]);
        assert_eq!(
            written(json!({"format": "csv", "fields": fields})),
            "user_id,Phone,name,user_metadata.color.hex[0],user_metadata.sum,user_metadata.low,identities[0].provider,email,phone_verified\r\n\
             sms|a,+15550001111,\"'=1+2, \"\"Ann\"\"\",red,'-2+3,-2.5,sms,,true\r\n"
        );
        assert_eq!(
            written(json!({"format": "json", "fields": [{"name": "user_id", "export_as": "id"}, {"name": "email"}]})),
            "{\"id\":\"sms|a\"}\n"
        );
        assert!(written(json!({"format": "json"})).starts_with("{\"user_id\":\"sms|a\",\"phone_number\""));
        assert!(written(json!({"format": "csv"})).starts_with("user_id,phone_number,email"));
    }
}
