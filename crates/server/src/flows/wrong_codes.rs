//! How many wrong codes anybody may try in the long run, whatever addresses they come from (`docs/COMPATIBILITY.md` C1794).

use ringpass_core::kit::clock::{DAY, Millis};
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::user::User;
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::known_origins::{self, Key, Kind};
use ringpass_core::storage::{Asked, DbError, Tx};

/// Fifty at once and fifty a day: no day of 24 hours has more than a hundred.
pub const OF_DAY: Shape = Shape { burst: 50, interval: DAY / 50 };

/// The bucket of a number or address at one connection.
#[derive(Debug)]
pub struct Question {
    key: String,
    asked: Asked<Option<Millis>>,
}

/// Sends ahead what [`Question::judge`] needs.
pub fn ask(tx: &mut Tx<'_>, connection_id: &str, identifier: &Identifier) -> Result<Question, DbError> {
    let key = format!("wrong|{connection_id}|{}", identifier.as_str());
    Ok(Question { asked: buckets::ask(tx, &key)?, key })
}

impl Question {
    /// The bucket that a wrong code is to be counted in; nothing when there may be no try. Where strangers have used up
    /// what there was, a browser that this user has signed in with before has a count of its own.
    pub fn judge(
        self,
        tx: &mut Tx<'_>,
        user: Option<&User>,
        browser: Option<&str>,
        now: Millis,
    ) -> Result<Option<String>, DbError> {
        let Self { key, asked } = self;
        if has_left(tx.answer(asked)?, now) {
            return Ok(Some(key));
        }
        let (Some(user), Some(browser)) = (user, browser) else { return Ok(None) };
        let known = Key { user_id: &user.user_id, kind: Kind::Browser, hash: browser };
        if known_origins::get(tx, known, now)?.is_none() {
            return Ok(None);
        }
        let own = format!("{key}|{browser}");
        Ok(has_left(buckets::get(tx, &own)?, now).then_some(own))
    }
}

fn has_left(full_at: Option<Millis>, now: Millis) -> bool {
    OF_DAY.left(full_at.unwrap_or(now), now) > 0
}

/// Counts a wrong code.
pub fn count(tx: &mut Tx<'_>, key: &str, now: Millis) -> Result<(), DbError> {
    buckets::take_later(tx, key, OF_DAY, now)
}
