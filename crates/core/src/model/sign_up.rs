//! What people sign up to a database with: identifiers as the connection wants them, names, metadata
//! (<https://auth0.com/docs/authenticate/database-connections/activate-and-configure-attributes-for-flexible-identifiers>;
//! `docs/COMPATIBILITY.md` C1511-C1513).

use serde_json::{Map, Value};

use super::connection::{Connection, Strategy};
use super::email::Email;
use super::phone::Phone;
use super::schema;
use super::user::User;
use super::user_fields::{self, MEMBERS, PROFILE};
use crate::kit::clock::Millis;
use crate::kit::ids;
use crate::kit::rng::Rng;

/// The members that name a person.
pub const IDENTIFIERS: [&str; 3] = ["email", "username", "phone_number"];

/// What a person signs up with, as it was sent: identifiers, names, `user_metadata`.
#[derive(Clone, Default)]
pub struct Profile(pub Map<String, Value>);

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Why a profile makes no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection wants this member.
    Missing(&'static str),
    /// The member is not what it should be.
    Malformed(&'static str),
    /// The connection has no such member.
    NotAllowed(&'static str),
}

/// Whether a database wants an identifier at a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nobody signs up without it.
    Required,
    /// It may be left out, if another one is there.
    Optional,
    /// It is refused.
    No,
}

/// What a connection wants of an identifier: `email`, `username` or `phone_number`.
pub fn wanted(connection: &Connection, identifier: &str) -> Wanted {
    let options = &connection.options.0;
    let Some(attributes) = options.get("attributes").and_then(Value::as_object) else {
        return match identifier {
            "email" => Wanted::Required,
            "username" if options.get("requires_username") == Some(&Value::Bool(true)) => Wanted::Required,
            _ => Wanted::No,
        };
    };
    let Some(attribute) = attributes.get(identifier) else { return Wanted::No };
    let is_on = |pointer: &str| attribute.pointer(pointer) == Some(&Value::Bool(true));
    match attribute.pointer("/signup/status").and_then(Value::as_str) {
        Some("required") => Wanted::Required,
        Some("inactive") => Wanted::No,
        _ if is_on("/profile_required") => Wanted::Required,
        _ => Wanted::Optional,
    }
}

/// Whether people may sign up to a database by themselves.
pub fn is_open(connection: &Connection) -> bool {
    let method = |member: &str| connection.options.0.get("authentication_methods")?.get("password")?.get(member);
    connection.strategy == Strategy::Auth0
        && !connection.disable_signup()
        && method("enabled") != Some(&Value::Bool(false))
        && method("signup_behavior").and_then(Value::as_str) != Some("block")
}

/// The user whom a profile makes; without a password so far.
pub fn user(profile: &Profile, connection: &Connection, rng: &Rng, now: Millis) -> Result<User, Fault> {
    let sent = schema::without_nulls(&profile.0);
    let mut members = Map::new();
    let names = IDENTIFIERS.into_iter().chain(PROFILE);
    for name in names {
        let Some(value) = sent.get(name) else { continue };
        let value =
            if name == "email" { Value::from(value.as_str().unwrap_or_default().trim()) } else { value.clone() };
        if !is_well_formed(name, &value) {
            return Err(Fault::Malformed(name));
        }
        members.insert(name.to_owned(), value);
    }
    for name in IDENTIFIERS {
        match (wanted(connection, name), members.contains_key(name)) {
            (Wanted::Required, false) => return Err(Fault::Missing(name)),
            (Wanted::No, true) => return Err(Fault::NotAllowed(name)),
            _ => {}
        }
    }
    if !IDENTIFIERS.iter().any(|name| members.contains_key(*name) && signs_in(connection, name)) {
        let first = IDENTIFIERS.into_iter().find(|name| signs_in(connection, name));
        return Err(Fault::Missing(first.unwrap_or("email")));
    }
    if let Some(name) = members.get("username").and_then(Value::as_str) {
        check_name(connection, name)?;
    }
    if let Some(metadata) = sent.get("user_metadata") {
        if !is_metadata(metadata) {
            return Err(Fault::Malformed("user_metadata"));
        }
        members.insert("user_metadata".into(), metadata.clone());
    }
    let mut user = User::blank(&connection.name, connection.strategy, &ids::user(rng, now), now);
    user.merge(&members);
    user_fields::fit(&user).map_err(|_| Fault::Malformed("user_metadata"))?;
    user.complete_profile();
    user.phone_verified = user.phone_number.as_ref().map(|_| false);
    user.email_verified = user.email.as_ref().map(|_| false);
    Ok(user)
}

/// Whether users sign in with this identifier.
fn signs_in(connection: &Connection, identifier: &str) -> bool {
    match connection.options.0.get("attributes").and_then(Value::as_object) {
        Some(attributes) => {
            let attribute = attributes.get(identifier);
            attribute.and_then(|it| it.pointer("/identifier/active")) == Some(&Value::Bool(true))
        }
        None => wanted(connection, identifier) != Wanted::No,
    }
}

fn is_well_formed(name: &str, value: &Value) -> bool {
    let field = MEMBERS.iter().find(|field| field.name == name);
    let text = value.as_str();
    field.is_some_and(|field| schema::reason(&field.kind, value).is_none())
        && text.is_some_and(|text| !text.contains(char::is_control))
        && (name != "email" || text.and_then(Email::parse).is_some())
}

/// A user name has the length that the connection says, and is nobody's address or number.
fn check_name(connection: &Connection, name: &str) -> Result<(), Fault> {
    let options = &connection.options.0;
    let length = name.chars().count();
    let rule = |paths: [&[&str]; 2]| {
        let found = paths.iter().find_map(|path| {
            path.iter().try_fold(options.get("validation").or(options.get("attributes"))?, |at, step| at.get(step))
        });
        found.and_then(schema::integer).and_then(|length| usize::try_from(length).ok())
    };
    let least = rule([&["username", "min"], &["username", "validation", "min_length"]]).unwrap_or(1);
    let most = rule([&["username", "max"], &["username", "validation", "max_length"]]).unwrap_or(LONGEST_NAME);
    let fits = (least..=most).contains(&length);
    if fits && !name.contains('@') && Phone::parse(name).is_none() { Ok(()) } else { Err(Fault::Malformed("username")) }
}

fn is_metadata(metadata: &Value) -> bool {
    let fits = |(name, value): (&String, &Value)| {
        name.chars().count() <= LONGEST_KEY && value.as_str().is_some_and(|text| text.chars().count() <= LONGEST_VALUE)
    };
    !schema::holds_null(metadata)
        && metadata.as_object().is_some_and(|metadata| metadata.len() <= MOST_METADATA && metadata.iter().all(fits))
}

/// Characters.
const LONGEST_NAME: usize = 128;
const MOST_METADATA: usize = 10;
const LONGEST_KEY: usize = 100;
const LONGEST_VALUE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made(options: &Value, profile: Value) -> Result<User, Fault> {
        let body = json!({"name": "users", "strategy": "auth0", "options": options});
        let connection = Connection::create(&body, &Rng::seeded(1), 0).unwrap();
        user(&Profile(profile.as_object().unwrap().clone()), &connection, &Rng::seeded(2), 0)
    }

    #[test]
    fn a_profile_makes_a_user() {
        let profile = json!({"email": " Ann@Example.org ", "given_name": "Ann", "user_metadata": {"plan": "silver"}, "name": null});
        let user = made(&json!({}), profile).unwrap();
        assert_eq!((user.email.as_deref(), user.email_verified), (Some("ann@example.org"), Some(false)));
        assert_eq!((&user.profile["name"], &user.profile["given_name"]), (&json!("ann@example.org"), &json!("Ann")));
        assert_eq!(user.user_metadata.unwrap()["plan"], json!("silver"));
        assert!(user.user_id.starts_with("auth0|") && user.password_hash.is_none());
    }

    #[test]
    fn the_connection_says_which_identifiers_it_wants() {
        let old = json!({"requires_username": true, "validation": {"username": {"min": 3, "max": 5}}});
        let attribute =
            |active: bool, status: &str| json!({"identifier": {"active": active}, "signup": {"status": status}});
        let both =
            json!({"attributes": {"phone_number": attribute(true, "required"), "email": attribute(false, "optional")}});
        let any = json!({"attributes": {"phone_number": attribute(true, "optional"), "username": attribute(true, "optional")}});
        let (email, phone) = ("a@b.example", "+15550001111");
        for (options, profile, fault) in [
            (&json!({}), json!({}), Some(Fault::Missing("email"))),
            (&json!({}), json!({"email": email, "username": "ann"}), Some(Fault::NotAllowed("username"))),
            (&json!({}), json!({"email": email, "phone_number": phone}), Some(Fault::NotAllowed("phone_number"))),
            (&old, json!({"email": email}), Some(Fault::Missing("username"))),
            (&old, json!({"email": email, "username": "ann"}), None),
            (&old, json!({"email": email, "username": "an"}), Some(Fault::Malformed("username"))),
            (&old, json!({"email": email, "username": "annann"}), Some(Fault::Malformed("username"))),
            (&old, json!({"email": email, "username": "a@b.c"}), Some(Fault::Malformed("username"))),
            (&old, json!({"email": email, "username": "+1555"}), Some(Fault::Malformed("username"))),
            (&both, json!({"email": email}), Some(Fault::Missing("phone_number"))),
            (&both, json!({"phone_number": phone}), None),
            (&both, json!({"phone_number": phone, "email": email}), None),
            (&both, json!({"phone_number": phone, "username": "ann"}), Some(Fault::NotAllowed("username"))),
            (&any, json!({}), Some(Fault::Missing("username"))),
            (&any, json!({"username": "ann"}), None),
            (&any, json!({"phone_number": phone}), None),
        ] {
            assert_eq!(made(options, profile.clone()).err(), fault, "{options} {profile}");
        }
    }

    #[test]
    fn hostile_texts_make_no_user() {
        let long = "x".repeat(5_000);
        for (name, value) in [
            ("email", json!("a@b\r\nBcc: c@d")),
            ("email", json!("nobody")),
            ("email", json!(7)),
            ("email", json!(format!("{long}@b.example"))),
            ("name", json!("Ann\r\nBcc: everybody@example.org")),
            ("given_name", json!("\u{0}")),
            ("nickname", json!(long)),
            ("picture", json!("javascript:alert(1)")),
            ("user_metadata", json!({"a": 1})),
            ("user_metadata", json!({"a": "\u{0}"})),
            ("user_metadata", json!({"a": "x".repeat(501)})),
            ("user_metadata", json!({("k".repeat(101)): "x"})),
            ("user_metadata", (0..11).map(|n| (n.to_string(), json!("x"))).collect::<Map<_, _>>().into()),
            ("user_metadata", json!([])),
        ] {
            let mut profile = json!({"email": "a@b.example"});
            profile[name] = value.clone();
            assert_eq!(made(&json!({}), profile).err(), Some(Fault::Malformed(name)), "{name} {value}");
        }
    }
}
