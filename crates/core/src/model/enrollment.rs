//! Authenticators as the older calls of the Management API show them (`/users/{id}/enrollments`, `/guardian/enrollments`;
//! `docs/COMPATIBILITY.md` C1693-C1698).

use serde_json::{Map, Value};

use super::authenticator::{Authenticator, Kind, mask_phone};
use crate::kit::clock::rfc3339;

/// Whether it is one of those that these calls know: phones and authenticator applications.
pub fn is_enrollment(one: &Authenticator) -> bool {
    one.kind.is_independent()
}

/// An item of `GET /users/{id}/enrollments`; numbers are masked unless `clear`.
pub fn listed(one: &Authenticator, clear: bool) -> Map<String, Value> {
    let (kind, method) = if one.kind == Kind::Phone { ("SMS", "sms") } else { ("authenticator", "authenticator") };
    let view = shown(one, clear);
    let mut listed = Map::new();
    for name in ["id", "status", "type", "name", "phone_number", "auth_method", "enrolled_at", "last_auth"] {
        let value = match name {
            "type" => Some(kind.into()),
            "auth_method" => Some(method.into()),
            name => view.get(name).cloned(),
        };
        listed.extend(value.map(|value| (name.to_owned(), value)));
    }
    listed
}

/// The body of `GET /guardian/enrollments/{id}`; numbers are masked unless `clear`.
pub fn shown(one: &Authenticator, clear: bool) -> Map<String, Value> {
    let mut view = Map::new();
    let mut put = |name: &str, value: Option<Value>| view.extend(value.map(|value| (name.to_owned(), value)));
    let number = one.phone_number.as_deref().map(|number| if clear { number.to_owned() } else { mask_phone(number) });
    put("id", Some(one.id.clone().into()));
    put("status", Some(if one.confirmed { "confirmed" } else { "pending" }.into()));
    put("name", one.about.name.clone().map(Value::from));
    put("phone_number", number.map(Value::from));
    put("enrolled_at", one.enrolled_at.map(|at| rfc3339(at).into()));
    put("last_auth", one.last_auth_at.map(|at| rfc3339(at).into()));
    view
}

/// `multifactor` of a user: present once something is enrolled that counts alone.
pub const OF_USER: [&str; 1] = ["guardian"];
