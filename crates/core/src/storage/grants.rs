//! Grants of users: one for each user, client and API, made with the first refresh token.

use crate::model::grant::Grant;

use super::db::{DbError, Row, Tx, Value};
use super::refresh_tokens::{self, ANYBODY};

/// Records a grant, or adds its scopes to the one that is there. Each scope is a statement of its own, which writes nothing
/// when it is known already; none of them is waited for.
pub fn record(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), DbError> {
    for scope in grant.scope.split_ascii_whitespace() {
        tx.later(
            "INSERT INTO grants (id, user_id, client_id, audience, scope, created_at) \
             VALUES (?1, ?2, ?3, ?4, CAST(?5 AS TEXT), ?6) \
             ON CONFLICT (user_id, client_id, audience) DO UPDATE SET scope = grants.scope || ' ' || CAST(?5 AS TEXT) \
             WHERE replace(' ' || grants.scope || ' ', ' ' || CAST(?5 AS TEXT) || ' ', '') = ' ' || grants.scope || ' '",
            &[
                grant.id.as_str().into(),
                grant.user_id.as_str().into(),
                grant.client_id.as_str().into(),
                grant.audience.as_str().into(),
                scope.into(),
                grant.created_at.into(),
            ],
        )?;
    }
    Ok(())
}

/// Which grants are wanted; the default is all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Who granted.
    pub user_id: Option<String>,
    /// To whom.
    pub client_id: Option<String>,
    /// The API's identifier; empty for those without one.
    pub audience: Option<String>,
}

impl Filter {
    /// Parameters `?1` to `?5` of the statements below: a range of users, a client, whether the API matters, the API.
    fn params(&self) -> Vec<Value> {
        let (first, last) = self.user_id.as_deref().map_or(ANYBODY, |id| (id, id));
        vec![
            first.into(),
            last.into(),
            self.client_id.as_deref().unwrap_or_default().into(),
            self.audience.is_some().into(),
            self.audience.as_deref().unwrap_or_default().into(),
        ]
    }
}

/// A page of grants, by user, client and API.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<Grant>, DbError> {
    let mut params = filter.params();
    params.extend([limit.into(), offset.into()]);
    let rows = tx.query(
        "SELECT id, user_id, client_id, audience, scope, created_at FROM grants WHERE user_id BETWEEN ?1 AND ?2 \
         AND (CAST(?3 AS TEXT) = '' OR client_id = CAST(?3 AS TEXT)) \
         AND (CAST(?4 AS BIGINT) = 0 OR audience = CAST(?5 AS TEXT)) \
         ORDER BY user_id, client_id, audience LIMIT ?6 OFFSET ?7",
        &params,
    )?;
    rows.iter().map(read).collect()
}

/// How many such grants there are.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT count(*) FROM grants WHERE user_id BETWEEN ?1 AND ?2 \
         AND (CAST(?3 AS TEXT) = '' OR client_id = CAST(?3 AS TEXT)) \
         AND (CAST(?4 AS BIGINT) = 0 OR audience = CAST(?5 AS TEXT))",
        &filter.params(),
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// A grant by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Grant>, DbError> {
    let row = tx.query_one(
        "SELECT id, user_id, client_id, audience, scope, created_at FROM grants WHERE id = ?1",
        &[id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// What a user granted to a client on an API (empty for none).
pub fn find(tx: &mut Tx<'_>, user_id: &str, client_id: &str, audience: &str) -> Result<Option<Grant>, DbError> {
    let row = tx.query_one(
        "SELECT id, user_id, client_id, audience, scope, created_at FROM grants \
         WHERE user_id = ?1 AND client_id = ?2 AND audience = ?3",
        &[user_id.into(), client_id.into(), audience.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Takes back what a user granted to a client on an API (empty for none), with the refresh tokens it gave.
pub fn delete(tx: &mut Tx<'_>, user_id: &str, client_id: &str, audience: &str) -> Result<(), DbError> {
    refresh_tokens::delete_of_grant(tx, user_id, client_id, audience)?;
    tx.later(
        "DELETE FROM grants WHERE user_id = ?1 AND client_id = ?2 AND audience = ?3",
        &[user_id.into(), client_id.into(), audience.into()],
    )
}

/// Forgets what a user granted. The refresh tokens are the caller's to end first.
pub fn delete_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM grants WHERE user_id = ?1", &[user_id.into()])
}

/// Forgets what a client was granted. The refresh tokens are the caller's to end first.
pub fn delete_of_client(tx: &mut Tx<'_>, client_id: &str) -> Result<(), DbError> {
    tx.later("DELETE FROM grants WHERE client_id = ?1", &[client_id.into()])
}

fn read(row: &Row) -> Result<Grant, DbError> {
    Ok(Grant {
        id: row.text(0)?,
        user_id: row.text(1)?,
        client_id: row.text(2)?,
        audience: row.text(3)?,
        scope: row.text(4)?,
        created_at: row.int(5)?,
    })
}
