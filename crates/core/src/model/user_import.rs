//! Users as an import brings them: each row checked whole, with codes and paths for everything that is wrong
//! (<https://auth0.com/docs/manage-users/user-migration/bulk-user-import-database-schema-and-examples>;
//! `docs/COMPATIBILITY.md` C1212-C1217).

use serde_json::{Map, Value, json};

use super::connection::Connection;
use super::event::MASK;
use super::schema::{self, Field, Kind, Object, field};
use super::user::User;
use super::user_fields;
use crate::kit::clock::Millis;
use crate::kit::password::{self, Scrypt};
use crate::kit::rng::Rng;
use crate::kit::{hash, ids};

/// One thing that is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// The member; empty for the row as a whole.
    pub path: String,
}

impl Fault {
    /// A fault of a member or, with an empty path, of the row.
    pub fn new(code: &'static str, path: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: path.to_owned() }
    }

    /// The object on the wire.
    pub fn view(&self) -> Value {
        let mut view = json!({"code": self.code, "message": self.message});
        if let (false, Some(members)) = (self.path.is_empty(), view.as_object_mut()) {
            members.insert("path".into(), self.path.clone().into());
        }
        view
    }
}

/// A row that is right: the user it makes, and the patch that it is to a user who is there already.
#[derive(Debug)]
pub struct Row {
    /// The new user.
    pub user: User,
    /// What an upsert changes.
    pub patch: Value,
}

/// Reads a row, or tells everything that is wrong with it.
pub fn read(row: &Value, connection: &Connection, rng: &Rng, now: Millis) -> Result<Row, Vec<Fault>> {
    let Some(members) = row.as_object() else {
        return Err(vec![Fault::new("INVALID_TYPE", "", "Expected type object")]);
    };
    let members = schema::without_nulls(members);
    let mut faults = faults(&members, connection);
    let password_hash = hash_of(&members).unwrap_or_else(|fault| {
        faults.push(fault);
        None
    });
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut user = imported(&members, connection, rng, now);
    user.password_hash = password_hash;
    if let Err(invalid) = user_fields::fit(&user) {
        return Err(vec![Fault::new("NOT_PASSED", "", invalid.message)]);
    }
    let patch: Map<String, Value> =
        members.into_iter().filter(|(name, _)| UPSERTABLE.contains(&name.as_str())).collect();
    Ok(Row { user, patch: patch.into() })
}

fn imported(members: &Map<String, Value>, connection: &Connection, rng: &Rng, now: Millis) -> User {
    let id = members.get("user_id").and_then(Value::as_str).map_or_else(|| ids::user(rng, now), str::to_owned);
    let mut user = User::blank(&connection.name, connection.strategy, &id, now);
    user.merge(members);
    user.complete_profile();
    user.phone_verified = user.phone_number.as_ref().map(|_| user.phone_verified.unwrap_or(false));
    user.email_verified = user.email.as_ref().map(|_| user.email_verified.unwrap_or(false));
    user
}

/// A row as lists of errors show it: without what opens an account.
pub fn shown(row: &Value) -> Value {
    let mut row = row.clone();
    for name in ["password", "password_hash", "custom_password_hash", "mfa_factors"] {
        if let Some(secret) = row.get_mut(name) {
            *secret = MASK.into();
        }
    }
    row
}

fn faults(members: &Map<String, Value>, connection: &Connection) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, value) in members {
        let known = FIELDS.iter().flat_map(|group| group.iter()).find(|field| field.name == name);
        let known = known.filter(|field| !NOT_IMPORTED.contains(&field.name));
        match known {
            None if name == "mfa_factors" => {
                faults.push(Fault::new("MFA_FACTORS_FAILED", name, "Enrolled factors are not imported"));
            }
            None => faults.push(Fault::new("NOT_PASSED", name, format!("Unknown property {name}"))),
            Some(_) if schema::holds_null(value) => {
                faults.push(Fault::new("PATTERN", name, format!("Error in {name} property - U+0000 is not allowed")));
            }
            Some(known) => faults.extend(schema::reason(&known.kind, value).map(|reason| {
                let code =
                    CODES.iter().find(|(start, _)| reason.starts_with(start)).map_or("NOT_PASSED", |(_, code)| *code);
                Fault::new(code, name, format!("Error in {name} property - {reason}"))
            })),
        }
    }
    if user_fields::belong(members, connection).is_err() {
        let message = "The connection has no phone numbers";
        faults.push(Fault::new("NOT_PASSED", "phone_number", message));
    }
    if !["email", "username", "phone_number"].iter().any(|name| members.contains_key(*name)) {
        faults.push(Fault::new("ANY_OF_MISSING", "", "One of email, username or phone_number is required"));
    }
    faults
}

/// The hash to store, from `password_hash` (bcrypt) or `custom_password_hash`.
fn hash_of(members: &Map<String, Value>) -> Result<Option<String>, Fault> {
    if let Some(hash) = members.get("password_hash").and_then(Value::as_str) {
        if !hash.starts_with("$2") {
            return Err(Fault::new("INVALID_FORMAT", "password_hash", "The hash is no bcrypt hash ($2a$ or $2b$)"));
        }
        return usable(hash, "password_hash").map(Some);
    }
    let Some(custom) = members.get("custom_password_hash") else { return Ok(None) };
    let path = "custom_password_hash";
    let text = |pointer: &str| custom.pointer(pointer).and_then(Value::as_str);
    let algorithm = text("/algorithm").unwrap_or_default();
    let value = text("/hash/value").unwrap_or_default();
    if text("/password/encoding").is_some_and(|encoding| encoding != "utf8") {
        return Err(Fault::new("ENUM_MISMATCH", path, "Only passwords in utf8 can be verified"));
    }
    match algorithm {
        "bcrypt" | "argon2" | "pbkdf2" => {
            let start = if algorithm == "bcrypt" { "$2" } else { &*format!("${algorithm}") };
            if !value.starts_with(start) {
                let message = format!("The hash does not begin with {start}");
                return Err(Fault::new("INVALID_FORMAT", "custom_password_hash.hash.value", message));
            }
            usable(value, "custom_password_hash.hash.value").map(Some)
        }
        "scrypt" => {
            let bytes = |member: &str| {
                let value = text(&format!("/{member}/value"))?;
                match text(&format!("/{member}/encoding")) {
                    Some("hex") => unhex(value),
                    Some("base64") => hash::from_any_base64(value),
                    Some("utf8") | None => Some(value.as_bytes().to_vec()),
                    Some(_) => None,
                }
            };
            let number = |name: &str, default: u64| custom.get(name).map_or(Some(default), Value::as_u64);
            let malformed = || Fault::new("INVALID_FORMAT", path, "The scrypt hash or its salt could not be read");
            let scrypt = Scrypt {
                cost: number("cost", 16_384).ok_or_else(malformed)?,
                block_size: number("blockSize", 8).ok_or_else(malformed)?,
                parallelization: number("parallelization", 1).ok_or_else(malformed)?,
                salt: bytes("salt").ok_or_else(malformed)?,
                hash: bytes("hash").ok_or_else(malformed)?,
            };
            if number("keylen", scrypt.hash.len() as u64) != Some(scrypt.hash.len() as u64) {
                return Err(malformed());
            }
            let text = password::scrypt(&scrypt);
            text.map(Some).map_err(|why| Fault::new("NOT_PASSED", path, format!("The hash {why}")))
        }
        // One guess costs nothing: whoever reads a backup reads the passwords.
        "md5" | "sha1" | "sha256" | "sha512" | "hmac" | "ldap" => {
            let message = format!("{algorithm} hashes are too fast to be safe and are not imported");
            Err(Fault::new("NOT_PASSED", "custom_password_hash.algorithm", message))
        }
        other => {
            let message = format!("No enum match for: {other}");
            Err(Fault::new("ENUM_MISMATCH", "custom_password_hash.algorithm", message))
        }
    }
}

fn usable(text: &str, path: &str) -> Result<String, Fault> {
    match password::check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => Err(Fault::new("NOT_PASSED", path, format!("The hash {why}"))),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).ok()).collect()
}

/// Reasons begin like this, and are called that.
const CODES: &[(&str, &str)] = &[
    ("Expected type", "INVALID_TYPE"),
    ("String is too short", "MIN_LENGTH"),
    ("String is too long", "MAX_LENGTH"),
    ("String does not match pattern", "PATTERN"),
    ("Object didn't pass validation for format", "INVALID_FORMAT"),
    ("No enum match", "ENUM_MISMATCH"),
    ("Missing required property", "OBJECT_REQUIRED"),
];
/// Members of users that a file does not have: clear passwords least of all.
const NOT_IMPORTED: &[&str] = &["password", "verify_email"];
/// What an upsert changes of a user who is there.
const UPSERTABLE: &[&str] = &[
    "email_verified",
    "phone_verified",
    "name",
    "nickname",
    "picture",
    "given_name",
    "family_name",
    "blocked",
    "user_metadata",
    "app_metadata",
];
const FIELDS: &[&[Field]] = &[
    user_fields::MEMBERS,
    &[
        field("user_id", Kind::Format(&user_fields::USER_ID), "Chosen id, without the prefix"),
        field("password_hash", Kind::Text(1, 1_024), "bcrypt hash of the password"),
        field("custom_password_hash", Kind::Object(&CUSTOM), "Hash of the password"),
    ],
];
const CUSTOM: Object = Object {
    fields: &[&[
        field("algorithm", Kind::Text(1, 50), "What made the hash"),
        field("hash", Kind::Object(&HASH), "The hash"),
    ]],
    required: &["algorithm", "hash"],
    open: true,
};
const HASH: Object =
    Object { fields: &[&[field("value", Kind::Text(1, 1_024), "The hash")]], required: &["value"], open: true };
