//! A password that somebody chose: held against the policy of its database and against those the user had before, then
//! hashed (`docs/COMPATIBILITY.md` C1500-C1506).

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::password;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::password_policy::{Policy, Weak};
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, passwords};

use crate::app::App;
use crate::compute::NotDone;

/// A password that its user may have, hashed.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// Argon2id in PHC form.
    pub hash: String,
    history: usize,
}

/// Why a password was not taken.
#[derive(Debug, Clone)]
pub enum PasswordRefused {
    /// The policy of the database, or the user's history.
    Weak(Weak),
    /// Too many passwords wait to be hashed.
    Busy,
    /// It could not be hashed: a bug.
    Failed,
    /// The database failed.
    Database(DbError),
}

/// Takes a password for `user`, as the user will be. No transaction is open here.
pub async fn take(
    app: &App,
    connection: &Connection,
    user: &User,
    password: Secret,
) -> Result<NewPassword, PasswordRefused> {
    let policy = Policy::of(connection);
    policy.check(&password, user).map_err(PasswordRefused::Weak)?;
    let history = policy.history;
    let old = match &user.password_hash {
        Some(current) if history > 0 => {
            let id = user.user_id.clone();
            let mut old = app.db.read("password.history", move |tx| passwords::history(tx, &id, history)).await?;
            old.push(current.clone());
            old
        }
        _ => Vec::new(),
    };
    let rng = app.rng.clone();
    let made = move || {
        if old.iter().any(|hash| password::verify(&password, hash)) {
            return Err(PasswordRefused::Weak(Weak::Used(history)));
        }
        password::hash(&password, &rng).ok_or(PasswordRefused::Failed)
    };
    let hash = app.hash(made).await??;
    Ok(NewPassword { hash, history })
}

impl NewPassword {
    /// Gives the password to a locked user, whom the caller stores; what follows is then to be noted.
    pub fn give(self, user: &mut User, now: Millis) -> Given {
        user.last_password_reset = Some(now);
        user.updated_at = now;
        Given { old: user.password_hash.replace(self.hash), history: self.history, now }
    }
}

/// A password that was given.
#[derive(Debug)]
#[must_use]
pub struct Given {
    old: Option<String>,
    history: usize,
    now: Millis,
}

impl Given {
    /// Notes what follows, once the user is stored.
    pub fn note(self, tx: &mut Tx<'_>, user: &User) -> Result<(), DbError> {
        passwords::renewed(tx, user, self.old, self.history, self.now)
    }
}

impl From<NotDone> for PasswordRefused {
    fn from(not_done: NotDone) -> Self {
        match not_done {
            NotDone::Busy => Self::Busy,
            NotDone::Panicked => Self::Failed,
        }
    }
}

impl From<DbError> for PasswordRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}
