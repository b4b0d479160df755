//! Signs people up to a database (`docs/COMPATIBILITY.md` C1510-C1523).
//!
//! Every sign-up that could make a user costs the same, whether its address is taken or not: its password is hashed first,
//! and only then does the database say who was there already.

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::{Details, Event};
use ringpass_core::model::password_policy::Weak;
use ringpass_core::model::sign_up::{self, Fault, IDENTIFIERS, Profile};
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, users};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::grant::Refused;
use super::guard::Guard;
use super::new_password::{self, PasswordRefused};
use super::{record, tickets};
use crate::app::App;
use crate::snapshot::Channel;

/// Somebody who wants to be a user.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The application.
    pub client: Arc<Client>,
    /// The database.
    pub channel: Arc<Channel>,
    /// Identifiers, names and `user_metadata`, as they were sent.
    pub profile: Profile,
    /// The password.
    pub password: Secret,
    /// Who calls.
    pub caller: Caller,
}

/// Why nobody was signed up.
#[derive(Debug, Clone)]
pub enum SignUpRefused {
    /// The database takes no sign-ups.
    Disabled,
    /// A member is missing, malformed, or not wanted.
    Profile(Fault),
    /// The password is none that this person may have.
    Weak(Weak),
    /// Somebody has the address, name or number.
    Exists,
    /// Too many sign-ups from one address.
    SuspiciousAddress,
    /// Too many passwords wait to be hashed.
    Busy,
    /// The password could not be hashed: a bug.
    Failed,
    /// The database failed.
    Database(DbError),
}

/// Makes a user of a database. An address is asked to be confirmed by a message, which is sent afterwards.
pub async fn sign_up(app: &Arc<App>, sign_up: SignUp) -> Result<User, SignUpRefused> {
    let now = app.clock.now();
    let connection = &sign_up.channel.connection;
    let made = sign_up::user(&sign_up.profile, connection, &app.rng, now).map_err(SignUpRefused::Profile)?;
    count(app, &sign_up, now).await?;
    if !sign_up::is_open(connection) {
        return refuse(app, &sign_up, SignUpRefused::Disabled).await;
    }
    let mut user = made;
    match new_password::take(app, connection, &user, sign_up.password.clone()).await {
        Ok(password) => user.password_hash = Some(password.hash),
        Err(refused @ PasswordRefused::Weak(_)) => return refuse(app, &sign_up, refused.into()).await,
        Err(refused) => return Err(refused.into()),
    }
    let (new, journal, event) = (user.clone(), app.journal.clone(), sign_up.done(app, &user));
    let failed = sign_up.failed(&SignUpRefused::Exists);
    let inserted = app.db.write("signup.insert", move |tx| {
        let is_new = users::insert(tx, &new)?;
        journal.write(tx, if is_new { event } else { failed })?;
        Ok(is_new)
    });
    if !inserted.await? {
        return Err(SignUpRefused::Exists);
    }
    tickets::send_verification(app, &user, &sign_up.channel, Some(&sign_up.client)).await?;
    Ok(user)
}

/// Takes one sign-up from the address's bucket; malformed ones cost nothing.
async fn count(app: &App, sign_up: &SignUp, now: Millis) -> Result<(), SignUpRefused> {
    let guard = Guard::of(app, &sign_up.channel.connection, "", &sign_up.caller.ip);
    let crowded = guard.crowded().crowded_after;
    let may = app.db.write("signup.count", move |tx| {
        let may = guard.look(tx, now)?.may_sign_up;
        if may {
            guard.signed_up(tx, now)?;
        }
        Ok(may)
    });
    if may.await? {
        return Ok(());
    }
    if app.buckets.is_news(&format!("crowded|{}", sign_up.caller.ip), now) {
        let description = format!("{} sign-ups from one address", crowded.unwrap_or_default());
        let (journal, event) = (app.journal.clone(), sign_up.event("limit_mu", description));
        app.db.write("signup.crowded", move |tx| journal.write(tx, event)).await?;
    }
    Err(SignUpRefused::SuspiciousAddress)
}

async fn refuse(app: &App, sign_up: &SignUp, refused: SignUpRefused) -> Result<User, SignUpRefused> {
    let (journal, event) = (app.journal.clone(), sign_up.failed(&refused));
    app.db.write("signup.refused", move |tx| journal.write(tx, event)).await?;
    Err(refused)
}

impl SignUp {
    /// `ss`.
    fn done(&self, app: &App, user: &User) -> Event {
        let mut body = self.body();
        body.insert("tenant".into(), (*app.journal.tenant).into());
        let metadata = self.profile.0.get("user_metadata").cloned();
        body.insert("user_metadata".into(), metadata.unwrap_or_else(|| json!({})));
        Event {
            user_id: user.user_id.clone(),
            details: Details::of(&json!({"body": body})),
            ..self.event("ss", String::new())
        }
    }

    /// `fs`.
    fn failed(&self, refused: &SignUpRefused) -> Event {
        Event { details: Details::of(&json!({"body": self.body()})), ..self.event("fs", refused.sentence()) }
    }

    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("connection".into(), self.channel.connection.name.clone().into());
        let known =
            IDENTIFIERS.iter().filter_map(|name| Some(((*name).to_owned(), self.profile.0.get(*name)?.clone())));
        body.extend(known);
        body
    }

    fn event(&self, kind: &'static str, description: String) -> Event {
        let connection = &self.channel.connection;
        let name = IDENTIFIERS.iter().find_map(|name| self.profile.0.get(*name)?.as_str());
        Event {
            description,
            client_id: self.client.id.clone(),
            client_name: self.client.name().to_owned(),
            connection: connection.name.clone(),
            connection_id: connection.id.clone(),
            strategy: connection.strategy.name().to_owned(),
            strategy_type: connection.strategy.kind().to_owned(),
            user_name: name.unwrap_or_default().to_owned(),
            ..record::event(kind, &self.caller)
        }
    }
}

impl SignUpRefused {
    /// What the tenant log says; callers may be told less.
    pub fn sentence(&self) -> String {
        match self {
            Self::Disabled => "Public signup is disabled".into(),
            Self::Profile(_) => "Invalid sign up".into(),
            Self::Weak(weak) => weak.message().into(),
            Self::Exists => "The user already exists.".into(),
            Self::SuspiciousAddress => Refused::SuspiciousAddress.sentence(),
            Self::Busy | Self::Failed | Self::Database(_) => "server_error".into(),
        }
    }
}

impl From<PasswordRefused> for SignUpRefused {
    fn from(refused: PasswordRefused) -> Self {
        match refused {
            PasswordRefused::Weak(weak) => Self::Weak(weak),
            PasswordRefused::Busy => Self::Busy,
            PasswordRefused::Failed => Self::Failed,
            PasswordRefused::Database(error) => Self::Database(error),
        }
    }
}

impl From<DbError> for SignUpRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}
