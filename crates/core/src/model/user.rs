//! A user: who signs in through one connection, by phone number, e-mail address or user name
//! (<https://auth0.com/docs/manage-users/user-accounts/user-profiles/user-profile-structure>).

use std::fmt;

use serde_json::{Map, Value};

use super::connection::{Connection, Strategy};
use super::identifier::Identifier;
use super::schema::{self, Invalid};
use super::user_fields::{self, CREATE, PROFILE, UPDATE};
use crate::kit::clock::{Millis, rfc3339};
use crate::kit::rng::Rng;
use crate::kit::secret::Secret;
use crate::kit::{hash, ids};

/// A user. Only its id prints.
#[derive(Clone, PartialEq)]
pub struct User {
    /// `{provider}|{id}`, such as `sms|` and 24 hexadecimal digits.
    pub user_id: String,
    /// Name of the connection.
    pub connection: String,
    /// The connection's strategy.
    pub provider: String,
    /// E.164.
    pub phone_number: Option<String>,
    /// Whether a code was ever redeemed for this number, or the operator vouches for it.
    pub phone_verified: Option<bool>,
    /// In lower case.
    pub email: Option<String>,
    /// Whether the address is confirmed.
    pub email_verified: Option<bool>,
    /// In lower case; only users of databases have one.
    pub username: Option<String>,
    /// `name`, `nickname`, `picture`, `given_name`, `family_name`: those that are set, in this order.
    pub profile: Map<String, Value>,
    /// What the user may see and change.
    pub user_metadata: Option<Map<String, Value>>,
    /// What only the application changes; never empty.
    pub app_metadata: Option<Map<String, Value>>,
    /// Whether the operator has ever said so, and what.
    pub blocked: Option<bool>,
    /// Argon2id in PHC form.
    pub password_hash: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// Last change or sign-in.
    pub updated_at: Millis,
    /// Last sign-in.
    pub last_login: Option<Millis>,
    /// Address of the last sign-in.
    pub last_ip: Option<String>,
    /// How many sign-ins there were.
    pub logins_count: i64,
    /// When the password was last changed.
    pub last_password_reset: Option<Millis>,
    /// The identities linked to the user, as `identities` shows them after the user's own.
    pub linked: Vec<Value>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl User {
    /// The user whom the first right code of an unknown number or address makes.
    pub fn of(connection: &str, identifier: &Identifier, rng: &Rng, now: Millis) -> Self {
        match identifier {
            Identifier::Phone(phone) => Self::of_phone(connection, phone.as_str(), rng, now),
            Identifier::Email(email) => Self::of_email(connection, email.as_str(), rng, now),
        }
    }

    /// A user who has proven to have this e-mail address, given in lower case.
    pub fn of_email(connection: &str, email: &str, rng: &Rng, now: Millis) -> Self {
        let mut user = Self::blank(connection, Strategy::Email, &ids::user(rng, now), now);
        user.email = Some(email.to_owned());
        user.email_verified = Some(true);
        user.complete_profile();
        user
    }

    /// A user who has proven to have this number.
    pub fn of_phone(connection: &str, phone: &str, rng: &Rng, now: Millis) -> Self {
        let mut user = Self::blank(connection, Strategy::Sms, &ids::user(rng, now), now);
        user.phone_number = Some(phone.to_owned());
        user.phone_verified = Some(true);
        user.complete_profile();
        user
    }

    /// The name of the connection that the body of `POST /users` asks for, once the body's shape is right.
    pub fn wanted_connection(body: &Value) -> Result<&str, Invalid> {
        Ok(schema::check(&CREATE, body)?.get("connection").and_then(Value::as_str).unwrap_or_default())
    }

    /// A new user of `connection` from the body of `POST /users`, and the password to hash, if there is one.
    pub fn create(
        body: &Value,
        connection: &Connection,
        rng: &Rng,
        now: Millis,
    ) -> Result<(Self, Option<Secret>), Invalid> {
        let body = schema::without_nulls(schema::check(&CREATE, body)?);
        user_fields::belong(&body, connection)?;
        let sent = |name: &str| body.contains_key(name);
        let missing = match connection.strategy {
            Strategy::Sms if !sent("phone_number") => Some("phone_number"),
            Strategy::Email if !sent("email") => Some("email"),
            Strategy::Auth0 if !sent("password") => Some("password"),
            Strategy::Auth0 if !["email", "username", "phone_number"].into_iter().any(sent) => Some("email"),
            _ => None,
        };
        if let Some(missing) = missing {
            return Err(Invalid::payload(&format!("Missing required property: {missing}"), "", ""));
        }
        let id = body.get("user_id").and_then(Value::as_str).map_or_else(|| ids::user(rng, now), str::to_owned);
        let mut user = Self::blank(&connection.name, connection.strategy, &id, now);
        user.merge(&body);
        user_fields::fit(&user)?;
        user.complete_profile();
        user.phone_verified = user.phone_number.as_ref().map(|_| user.phone_verified.unwrap_or(false));
        user.email_verified = user.email.as_ref().map(|_| user.email_verified.unwrap_or(false));
        Ok((user, password(&body)))
    }

    /// Applies the body of `PATCH /users/{id}` and gives back a new password to hash, if there is one. Metadata merge
    /// one level deep; a null removes. On an error nothing has changed.
    pub fn apply(&mut self, patch: &Value, connection: &Connection, now: Millis) -> Result<Option<Secret>, Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        user_fields::belong(patch, connection)?;
        if patch.get("connection").and_then(Value::as_str).is_some_and(|name| name != self.connection) {
            return Err(Invalid::body("The user has no identity in this connection"));
        }
        let mut changed = self.clone();
        changed.merge(patch);
        user_fields::fit(&changed)?;
        let lost = match connection.strategy {
            Strategy::Sms if changed.phone_number.is_none() => Some("phone_number"),
            Strategy::Email if changed.email.is_none() => Some("email"),
            Strategy::Auth0 if patch.get("password").is_some_and(Value::is_null) => Some("password"),
            Strategy::Auth0 if changed.identifier().is_none() => Some("email"),
            _ => None,
        };
        if let Some(lost) = lost {
            return Err(Invalid::payload("Expected type string but found type null", lost, ""));
        }
        if changed.phone_number != self.phone_number && !patch.contains_key("phone_verified") {
            changed.phone_verified = changed.phone_number.as_ref().map(|_| false);
        }
        if changed.email != self.email && !patch.contains_key("email_verified") {
            changed.email_verified = changed.email.as_ref().map(|_| false);
        }
        let password = password(patch);
        if password.is_some() {
            changed.last_password_reset = Some(now);
        }
        changed.updated_at = now;
        *self = changed;
        Ok(password)
    }

    /// Whether this is the user's own number or address; else it belongs to a linked identity.
    pub fn owns(&self, connection: &str, identifier: &Identifier) -> bool {
        let own = if identifier.phone().is_some() { &self.phone_number } else { &self.email };
        self.connection == connection && own.as_deref() == Some(identifier.as_str())
    }

    /// Notes that the user has proven to have its own number or address.
    pub fn confirm(&mut self, identifier: &Identifier) {
        match identifier {
            Identifier::Phone(_) => self.phone_verified = Some(true),
            Identifier::Email(_) => self.email_verified = Some(true),
        }
    }

    /// Whether the operator forbids this user to sign in.
    pub fn is_blocked(&self) -> bool {
        self.blocked == Some(true)
    }

    /// Notes a sign-in.
    pub fn signed_in(&mut self, ip: &str, now: Millis) {
        self.last_login = Some(now);
        self.last_ip = Some(ip.to_owned());
        self.updated_at = now;
        self.logins_count += 1;
    }

    /// The part of the id behind the provider.
    pub fn identity_id(&self) -> &str {
        self.user_id.split_once('|').map_or(self.user_id.as_str(), |(_, id)| id)
    }

    /// The user's own identity and those linked to it (C1180).
    pub fn identities(&self) -> Value {
        std::iter::once(self.identity().into()).chain(self.linked.iter().cloned()).collect()
    }

    /// What this user becomes among the identities of another one: its own identity, and the profile it had.
    pub fn as_linked(&self) -> Map<String, Value> {
        let view = self.view();
        let told = ["phone_number", "phone_verified", "email", "email_verified", "username"];
        let told = told.iter().chain(&PROFILE).filter_map(|&name| Some((name.to_owned(), view.get(name)?.clone())));
        let mut identity = self.identity();
        identity.insert("profileData".into(), told.collect::<Map<_, _>>().into());
        identity
    }

    fn identity(&self) -> Map<String, Value> {
        let own = [
            ("connection", Value::from(self.connection.as_str())),
            ("provider", self.provider.as_str().into()),
            ("user_id", self.identity_id().into()),
            ("isSocial", false.into()),
        ];
        own.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The object on the wire: what is not set is left out, and a user who never signed in shows nothing of sign-ins.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                view.insert(name.to_owned(), value);
            }
        };
        put("user_id", Some(self.user_id.clone().into()));
        put("phone_number", self.phone_number.clone().map(Value::from));
        put("phone_verified", self.phone_verified.map(Value::from));
        put("email", self.email.clone().map(Value::from));
        put("email_verified", self.email_verified.map(Value::from));
        put("username", self.username.clone().map(Value::from));
        for name in PROFILE {
            put(name, self.profile.get(name).cloned());
        }
        put("identities", Some(self.identities()));
        put("user_metadata", self.user_metadata.clone().map(Value::from));
        put("app_metadata", self.app_metadata.clone().map(Value::from));
        put("blocked", self.blocked.map(Value::from));
        put("created_at", Some(rfc3339(self.created_at).into()));
        put("updated_at", Some(rfc3339(self.updated_at).into()));
        put("last_login", self.last_login.map(|at| rfc3339(at).into()));
        put("last_ip", self.last_ip.clone().map(Value::from));
        put("logins_count", self.last_login.map(|_| self.logins_count.into()));
        put("last_password_reset", self.last_password_reset.map(|at| rfc3339(at).into()));
        view
    }

    /// What ID tokens and `/userinfo` tell of the user, apart from `sub`, by the scopes `profile`, `email` and `phone`.
    pub fn claims(&self, scope: &[&str]) -> Map<String, Value> {
        let mut claims = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        };
        if scope.contains(&"profile") {
            for name in PROFILE {
                put(name, self.profile.get(name).cloned());
            }
            put("updated_at", Some(rfc3339(self.updated_at).into()));
        }
        if scope.contains(&"email") {
            put("email", self.email.clone().map(Value::from));
            put("email_verified", self.email_verified.map(Value::from));
        }
        if scope.contains(&"phone") {
            put("phone_number", self.phone_number.clone().map(Value::from));
            put("phone_number_verified", self.phone_verified.map(Value::from));
        }
        claims
    }

    pub(super) fn blank(connection: &str, strategy: Strategy, id: &str, now: Millis) -> Self {
        Self {
            user_id: format!("{}|{id}", strategy.name()),
            connection: connection.to_owned(),
            provider: strategy.name().to_owned(),
            phone_number: None,
            phone_verified: None,
            email: None,
            email_verified: None,
            username: None,
            profile: Map::new(),
            user_metadata: None,
            app_metadata: None,
            blocked: None,
            password_hash: None,
            created_at: now,
            updated_at: now,
            last_login: None,
            last_ip: None,
            logins_count: 0,
            last_password_reset: None,
            linked: Vec::new(),
        }
    }

    /// What the user is known by: e-mail address, user name or phone number.
    pub fn identifier(&self) -> Option<&str> {
        self.email.as_deref().or(self.username.as_deref()).or(self.phone_number.as_deref())
    }

    pub(super) fn merge(&mut self, body: &Map<String, Value>) {
        let lower = |value: &Value| value.as_str().map(str::to_lowercase);
        for (name, value) in body {
            match name.as_str() {
                "phone_number" => self.phone_number = value.as_str().map(str::to_owned),
                "phone_verified" => self.phone_verified = value.as_bool(),
                "email" => self.email = lower(value),
                "email_verified" => self.email_verified = value.as_bool(),
                "username" => self.username = lower(value),
                "blocked" => self.blocked = value.as_bool(),
                "user_metadata" => self.user_metadata = merged(self.user_metadata.take(), value),
                "app_metadata" => {
                    self.app_metadata = merged(self.app_metadata.take(), value).filter(|merged| !merged.is_empty());
                }
                _ => {}
            }
        }
        let mut profile = Map::new();
        for name in PROFILE {
            let value = body.get(name).or(self.profile.get(name)).filter(|value| !value.is_null());
            profile.extend(value.map(|value| (name.to_owned(), value.clone())));
        }
        self.profile = profile;
    }

    /// Fills what was not sent of `name`, `nickname` and `picture` from the identifier.
    pub(super) fn complete_profile(&mut self) {
        let Some(known_by) = self.identifier().map(str::to_owned) else { return };
        let local = known_by.split_once('@').map_or(known_by.as_str(), |(local, _)| local);
        let nickname = if known_by.starts_with('+') { "" } else { local };
        let computed = [known_by.as_str(), nickname, &gravatar(&known_by)].map(Value::from);
        let mut profile: Map<String, Value> = PROFILE.into_iter().map(str::to_owned).zip(computed).collect();
        profile.extend(std::mem::take(&mut self.profile));
        self.profile = profile;
    }
}

/// Old metadata with new on top: a null removes a key, `{}` removes all of them, a null as a whole removes the object.
fn merged(old: Option<Map<String, Value>>, sent: &Value) -> Option<Map<String, Value>> {
    let sent = sent.as_object()?;
    if sent.is_empty() {
        return Some(Map::new());
    }
    let mut merged = old.unwrap_or_default();
    schema::merge(&mut merged, sent);
    Some(merged)
}

fn password(body: &Map<String, Value>) -> Option<Secret> {
    body.get("password").and_then(Value::as_str).map(Secret::new)
}

/// A picture address for an identifier. Without a picture it shows the first two letters, or for a number a silhouette.
fn gravatar(identifier: &str) -> String {
    let letters: String = identifier.chars().filter(char::is_ascii_alphabetic).take(2).collect();
    let otherwise = match letters.to_lowercase().as_str() {
        "" => "mp".to_owned(),
        letters => format!("https%3A%2F%2Fcdn.auth0.com%2Favatars%2F{letters}.png"),
    };
    format!("https://s.gravatar.com/avatar/{}?s=480&r=pg&d={otherwise}", hash::md5_hex(identifier))
}

#[cfg(test)]
mod tests;
