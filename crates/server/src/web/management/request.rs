//! A permitted call, and the two ways in which a handler changes something: each writes its log event in the transaction
//! of the change (`docs/COMPATIBILITY.md` C573, C617, C629).

use ringpass_core::model::schema::{self, Invalid};
use ringpass_core::storage::{DbError, Tx};
use serde_json::Value;

use super::{ApiError, Audit, Outcome, Token};
use crate::app::App;
use crate::web::Call;

/// A call whose token is good and permits it.
#[derive(Debug)]
pub struct Request {
    /// The call.
    pub call: Call,
    /// Its token.
    pub token: Token,
    /// The scopes of which the token must have one.
    pub wanted: &'static [&'static str],
    /// What the log says this call does; empty for reads.
    pub title: &'static str,
}

impl Request {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value, ApiError> {
        let body = serde_json::from_slice(&self.call.body).map_err(|_| ApiError::BadJson)?;
        if schema::holds_null(&body) {
            return Err(Invalid::payload("The character U+0000 is not allowed", "", "").into());
        }
        Ok(body)
    }

    /// Changes configuration. `work` runs alone among all writers of configuration on all nodes; the `sapi` event joins
    /// its transaction, and the new snapshot is in force before the answer. `work` must refuse before it writes.
    pub async fn configure<F>(&self, app: &App, name: &'static str, work: F) -> Outcome
    where
        F: FnOnce(&mut Tx<'_>) -> Outcome + Send + 'static,
    {
        let audit = Audit::of(app, self);
        app.configure(name, move |tx| audited(tx, audit, work)).await?
    }

    /// Changes anything that is not configuration (users). `work` must refuse before it writes.
    pub async fn change<F>(&self, app: &App, name: &'static str, work: F) -> Outcome
    where
        F: FnOnce(&mut Tx<'_>) -> Outcome + Send + 'static,
    {
        let audit = Audit::of(app, self);
        app.db.write(name, move |tx| audited(tx, audit, work)).await?
    }
}

/// Runs `work` and logs its success. A failure of the database rolls back, a refusal has nothing to roll back.
fn audited(tx: &mut Tx<'_>, audit: Audit, work: impl FnOnce(&mut Tx<'_>) -> Outcome) -> Result<Outcome, DbError> {
    match work(tx) {
        Ok(reply) => {
            audit.success(tx, &reply)?;
            Ok(Ok(reply))
        }
        Err(ApiError::Database(error)) => Err(error),
        Err(refused) => Ok(Err(refused)),
    }
}

/// A path parameter that must have `prefix` and then `length` letters or digits (C689).
pub fn checked_id<'a>(
    value: &'a str,
    prefix: &str,
    length: usize,
    format: &str,
    about: &str,
) -> Result<&'a str, ApiError> {
    let rest = value.strip_prefix(prefix).unwrap_or_default();
    if rest.len() == length && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(value);
    }
    let reason = format!("Object didn't pass validation for format {format}: {value}");
    Err(Invalid::path(&reason, "id", about).into())
}
