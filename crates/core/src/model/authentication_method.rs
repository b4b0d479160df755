//! Authenticators as the Management API names and makes them
//! (<https://auth0.com/docs/secure/multi-factor-authentication/manage-mfa-auth0-apis/manage-authentication-methods-with-management-api>;
//! `docs/COMPATIBILITY.md` C1680-C1688).

use serde_json::{Map, Value, json};

use super::authenticator::{Authenticator, Kind, split_id};
use super::email::Email;
use super::guardian::MessageType;
use super::schema::{self, Field, Format, Invalid, Kind as Shape, List, Object, field};
use super::user_fields::PHONE;
use crate::kit::clock::{Millis, rfc3339};
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;
use crate::kit::totp;

/// What every new authenticator of a user has in common.
#[derive(Debug)]
pub struct Maker<'a> {
    /// Whose they will be.
    pub user_id: &'a str,
    /// How codes travel to phones of this tenant.
    pub ways: &'a [MessageType],
    /// Draws their ids.
    pub rng: &'a Rng,
    /// When they are made.
    pub now: Millis,
}

impl Maker<'_> {
    /// From the body of `POST /users/{id}/authentication-methods`; it counts as proven.
    pub fn create(&self, body: &Value) -> Result<Authenticator, Invalid> {
        let body = schema::check(&METHOD, body)?;
        self.read(body, "")
    }

    /// From the body of `PUT /users/{id}/authentication-methods`, a bare list.
    pub fn create_all(&self, body: &Value) -> Result<Vec<Authenticator>, Invalid> {
        schema::check_as(&Shape::List(&METHODS), body)?;
        let bodies = body.as_array().into_iter().flatten().filter_map(Value::as_object);
        // Lists are in order of creation: a millisecond apart, they are as they were sent.
        let read = |(at, body)| Self { now: self.now + at, ..*self }.read(body, &format!("[{at}]"));
        (0..).zip(bodies).map(read).collect()
    }

    /// `path` is where the body stands in a list.
    fn read(&self, body: &Map<String, Value>, path: &str) -> Result<Authenticator, Invalid> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let needed = |name: &str| {
            let missing = || Invalid::payload(&format!("Missing required property: {name}"), path, "");
            text(name).map(str::to_owned).ok_or_else(missing)
        };
        let kind = text("type").and_then(Kind::parse).unwrap_or(Kind::Phone);
        let mut one = Authenticator::new(kind, self.user_id, self.rng, self.now);
        one.confirmed = true;
        one.enrolled_at = Some(self.now);
        match kind {
            Kind::Phone => {
                one.phone_number = Some(needed("phone_number")?);
                one.about.channels = self.ways.iter().map(|way| way.name().to_owned()).collect();
            }
            Kind::Email => one.email = Email::parse(&needed("email")?).map(|email| email.as_str().to_owned()),
            Kind::Totp | Kind::RecoveryCode => {
                let key = totp::from_base32(&needed("totp_secret")?).unwrap_or_default();
                one.secret = Some(Secret::new(totp::base32(&key)));
            }
        }
        describe(&mut one, body)?;
        Ok(one)
    }
}

/// Whether a body is one for [`apply`], before there is anything to apply it to.
pub fn check_patch(patch: &Value) -> Result<(), Invalid> {
    schema::check(&PATCH, patch).map(drop)
}

/// Applies the body of `PATCH /users/{id}/authentication-methods/{authentication_method_id}`.
pub fn apply(one: &mut Authenticator, patch: &Value) -> Result<(), Invalid> {
    let patch = schema::check(&PATCH, patch)?;
    let mut changed = one.clone();
    describe(&mut changed, patch)?;
    *one = changed;
    Ok(())
}

/// Name, and the way that a phone's owner prefers: it becomes one of the phone's ways.
fn describe(one: &mut Authenticator, body: &Map<String, Value>) -> Result<(), Invalid> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if body.contains_key("name") {
        one.about.name = text("name");
    }
    let Some(preferred) = text("preferred_authentication_method") else { return Ok(()) };
    if one.kind != Kind::Phone {
        return Err(Invalid::body("preferred_authentication_method is for authentication methods of type phone"));
    }
    if !one.about.channels.contains(&preferred) {
        one.about.channels.push(preferred.clone());
    }
    one.about.preferred = Some(preferred);
    Ok(())
}

/// The object on the wire. Secrets are never shown.
pub fn view(one: &Authenticator) -> Value {
    let mut view = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            view.insert(name.to_owned(), value);
        }
    };
    put("id", Some(format!("{}|{}", one.kind.name(), one.id).into()));
    put("type", Some(one.kind.name().into()));
    put("confirmed", Some(one.confirmed.into()));
    put("name", one.about.name.clone().map(Value::from));
    put("phone_number", one.phone_number.clone().map(Value::from));
    put("email", one.email.clone().map(Value::from));
    put("preferred_authentication_method", one.preferred().map(|way| way.name().into()));
    let ways =
        MessageType::ALL.iter().map(|way| way.name()).filter(|way| one.about.channels.iter().any(|it| it == way));
    let ways: Value = ways.map(|way| json!({"id": format!("{way}|{}", one.id), "type": way})).collect();
    put("authentication_methods", Some(ways).filter(|_| one.kind == Kind::Phone));
    put("created_at", Some(rfc3339(one.created_at).into()));
    put("enrolled_at", one.enrolled_at.map(|at| rfc3339(at).into()));
    put("last_auth_at", one.last_auth_at.map(|at| rfc3339(at).into()));
    Value::Object(view)
}

/// Whether `id` on the wire names this authenticator, by its own id or by that of one of its ways.
pub fn is_named(one: &Authenticator, id: &str) -> bool {
    let by_word = |word: &str| {
        word == one.kind.name() || (one.kind == Kind::Phone && one.about.channels.iter().any(|channel| channel == word))
    };
    split_id(id).is_some_and(|(word, id)| id == one.id && by_word(word))
}

/// Whether two authenticators prove the same: one number, or one address.
pub fn is_same(one: &Authenticator, other: &Authenticator) -> bool {
    one.kind == other.kind
        && (one.phone_number.is_some() || one.email.is_some())
        && (&one.phone_number, &one.email) == (&other.phone_number, &other.email)
}

const NAME: Field = field("name", Shape::Text(0, 256), "A human-readable label");
const PREFERRED: Field =
    field("preferred_authentication_method", Shape::OneOf(&["voice", "sms"]), "How codes go to the phone");
const METHOD: Object = Object {
    fields: &[&[
        field("type", Shape::OneOf(&["phone", "email", "totp"]), "What it is"),
        NAME,
        field("totp_secret", Shape::Format(&SECRET), "Base32 encoded secret"),
        field("phone_number", Shape::Format(&PHONE), "Number that codes go to"),
        field("email", Shape::Format(&ADDRESS), "Address that codes go to"),
        PREFERRED,
    ]],
    required: &["type"],
    open: false,
};
const METHODS: List = List { items: Shape::Object(&METHOD), min: 0, max: 20, unique: false };
const PATCH: Object = Object { fields: &[&[NAME, PREFERRED]], required: &[], open: false };
const ADDRESS: Format = Format { name: "email", is_pattern: false, holds: |text| Email::parse(text).is_some() };
/// From 80 bits, which old applications made, to what a QR code holds.
const SECRET: Format = Format {
    name: "base32",
    is_pattern: false,
    holds: |text| text.len() <= 256 && totp::from_base32(text).is_some_and(|key| (10..=128).contains(&key.len())),
};
