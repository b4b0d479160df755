//! Where people have signed in from before: browsers and networks, as keyed hashes, and browsers that asked to be
//! remembered (`docs/COMPATIBILITY.md` C1800).

use crate::kit::clock::Millis;

use super::db::{DbError, Tx};

/// What is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A browser, by its cookie.
    Browser,
    /// A network: the first 24 bits of an IPv4 address, 48 of an IPv6 address.
    Network,
    /// A browser on which a second factor was proven, by the same cookie.
    Proven,
    /// A browser that is not asked for a second factor.
    Remembered,
}

impl Kind {
    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Network => "network",
            Self::Proven => "proven",
            Self::Remembered => "remembered",
        }
    }
}

/// An origin of one user.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    /// Whose sign-ins come from it.
    pub user_id: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Keyed hash of what it is known by.
    pub hash: &'a str,
}

/// When it was first and last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// First.
    pub created_at: Millis,
    /// Last.
    pub last_seen_at: Millis,
}

/// When a user was seen there, unless that is too long ago.
pub fn get(tx: &mut Tx<'_>, key: Key<'_>, now: Millis) -> Result<Option<Seen>, DbError> {
    let row = tx.query_one(
        "SELECT created_at, last_seen_at FROM known_origins WHERE user_id = ?1 AND kind = ?2 AND hash = ?3 \
         AND expires_at > ?4",
        &[key.user_id.into(), key.kind.name().into(), key.hash.into(), now.into()],
    )?;
    row.map(|row| Ok(Seen { created_at: row.int(0)?, last_seen_at: row.int(1)? })).transpose()
}

/// Notes that a user was seen there; what was forgotten begins anew.
pub fn see(tx: &mut Tx<'_>, key: Key<'_>, now: Millis, expires_at: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO known_origins (user_id, kind, hash, created_at, last_seen_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (user_id, kind, hash) DO UPDATE SET \
         created_at = CASE WHEN known_origins.expires_at > ?4 THEN known_origins.created_at ELSE ?4 END, \
         last_seen_at = ?4, expires_at = ?5",
        &[key.user_id.into(), key.kind.name().into(), key.hash.into(), now.into(), expires_at.into()],
    )
}

/// The same from now on, whatever was known before.
pub fn see_anew(tx: &mut Tx<'_>, key: Key<'_>, now: Millis, expires_at: Millis) -> Result<(), DbError> {
    tx.later(
        "INSERT INTO known_origins (user_id, kind, hash, created_at, last_seen_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (user_id, kind, hash) DO UPDATE SET \
         created_at = ?4, last_seen_at = ?4, expires_at = ?5",
        &[key.user_id.into(), key.kind.name().into(), key.hash.into(), now.into(), expires_at.into()],
    )
}

/// Forgets all origins of one kind of a user, or all of them.
pub fn forget(tx: &mut Tx<'_>, user_id: &str, kind: Option<Kind>) -> Result<(), DbError> {
    tx.later(
        "DELETE FROM known_origins WHERE user_id = ?1 AND (CAST(?2 AS TEXT) = '' OR kind = CAST(?2 AS TEXT))",
        &[user_id.into(), kind.map_or("", Kind::name).into()],
    )
}

/// Removes up to `limit` that were not seen for too long; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM known_origins WHERE (user_id, kind, hash) IN \
         (SELECT user_id, kind, hash FROM known_origins WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )
}
