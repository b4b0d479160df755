//! Statistics of sign-ins (`docs/COMPATIBILITY.md` C1236, C1237). Events are counted from the tenant log in the background,
//! once and in their order, into one row a day, so that a sign-in writes nothing for it; what is not counted yet is added
//! when somebody asks.

use crate::kit::clock::{DAY, Millis};
use crate::kit::ids;

use super::db::{DbError, Row, Tx};

/// The numbers of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    /// Days since the Unix epoch.
    pub day: i64,
    /// Sign-ins.
    pub logins: i64,
    /// Users who signed up.
    pub signups: i64,
    /// When the first of them was counted.
    pub created_at: Millis,
    /// When the last of them was.
    pub updated_at: Millis,
}

/// The days from the first to the last, both included, that saw a sign-in or a sign-up.
pub fn days(tx: &mut Tx<'_>, (first, last): (i64, i64), now: Millis) -> Result<Vec<Day>, DbError> {
    // One statement reads the numbers and how far they reach, so that nothing counts twice.
    let rows = tx.query(
        "SELECT p.counted_until, d.day, d.logins, d.signups, d.created_at, d.updated_at FROM stats_progress p \
         LEFT JOIN daily_stats d ON d.day >= ?1 AND d.day <= ?2 WHERE p.id = 1 ORDER BY d.day",
        &[first.into(), last.into()],
    )?;
    let until = rows.first().map_or(Ok(0), |row| row.int(0))?;
    let mut days = Vec::new();
    for row in rows.iter().filter(|row| row.opt_int(1).is_ok_and(|day| day.is_some())) {
        let (logins, signups) = (row.int(2)?, row.int(3)?);
        days.push(Day { day: row.int(1)?, logins, signups, created_at: row.int(4)?, updated_at: row.int(5)? });
    }
    let from = until.max(first.saturating_mul(DAY));
    for fresh in count(tx, from, (last + 1).saturating_mul(DAY), now)? {
        match days.iter_mut().find(|known| known.day == fresh.day) {
            Some(known) => {
                known.logins += fresh.logins;
                known.signups += fresh.signups;
                known.updated_at = now;
            }
            None => days.push(fresh),
        }
    }
    Ok(days)
}

/// Sign-ins and sign-ups in the log from one instant to before another, by day.
pub fn count(tx: &mut Tx<'_>, from: Millis, until: Millis, now: Millis) -> Result<Vec<Day>, DbError> {
    let rows = tx.query(
        "SELECT date / 86400000, CAST(sum(CASE WHEN type IN ('s', 'sepft') THEN 1 ELSE 0 END) AS BIGINT), \
         CAST(sum(CASE WHEN type = 'ss' THEN 1 ELSE 0 END) AS BIGINT) FROM logs \
         WHERE log_id >= ?1 AND log_id < ?2 AND type IN ('s', 'sepft', 'ss') GROUP BY 1 ORDER BY 1",
        &[ids::log_bound(from).into(), ids::log_bound(until).into()],
    )?;
    let day = |row: &Row| {
        Ok(Day { day: row.int(0)?, logins: row.int(1)?, signups: row.int(2)?, created_at: now, updated_at: now })
    };
    rows.iter().map(day).collect()
}

/// How far the log has been counted, and the first event after that; `None` when there is none.
pub fn next(tx: &mut Tx<'_>) -> Result<Option<(Millis, Millis)>, DbError> {
    let row = tx.query_one("SELECT counted_until FROM stats_progress WHERE id = 1", &[])?;
    let Some(until) = row.map(|row| row.int(0)).transpose()? else { return Ok(None) };
    let row = tx.query_one(
        "SELECT date FROM logs WHERE log_id >= ?1 ORDER BY log_id LIMIT 1",
        &[ids::log_bound(until).into()],
    )?;
    row.map(|row| Ok((until, row.int(0)?))).transpose()
}

/// Adds what was counted, unless somebody else has moved on from `counted_until` before; whether it was added.
pub fn add(tx: &mut Tx<'_>, counted_until: Millis, until: Millis, days: &[Day]) -> Result<bool, DbError> {
    let moved = tx.execute(
        "UPDATE stats_progress SET counted_until = ?2 WHERE id = 1 AND counted_until = ?1",
        &[counted_until.into(), until.into()],
    )?;
    if moved == 0 {
        return Ok(false);
    }
    for day in days {
        tx.later(
            "INSERT INTO daily_stats (day, logins, signups, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (day) DO UPDATE SET logins = daily_stats.logins + ?2, signups = daily_stats.signups + ?3, \
             updated_at = ?5",
            &[day.day.into(), day.logins.into(), day.signups.into(), day.created_at.into(), day.updated_at.into()],
        )?;
    }
    Ok(true)
}

/// How many users the log tells of since then. Only an index is read.
pub fn active_users(tx: &mut Tx<'_>, since: Millis) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT CAST(count(*) AS BIGINT) FROM (SELECT user_id FROM logs WHERE user_id IS NOT NULL AND log_id >= ?1 \
         GROUP BY user_id) AS seen",
        &[ids::log_bound(since).into()],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}
