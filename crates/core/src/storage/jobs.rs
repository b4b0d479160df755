//! Jobs, what they work on and what they leave.
//!
//! Whoever works on a job holds a lease, so that nodes do not get into one another's way. What makes a step happen once
//! is another thing: it moves `done` in the transaction of its work, and only from where it found it.

use serde_json::Value as Json;

use crate::kit::clock::Millis;
use crate::kit::secret::Secret;
use crate::model::job::{Job, KEPT, Status, Task};
use crate::model::user::User;

use super::db::{DbError, Row, Tx};
use super::sealed;
use super::users::{self, columns};

/// Adds a job; `input` is what it works on, sealed, because password hashes stand in it.
pub fn insert(tx: &mut Tx<'_>, job: &Job, input: Option<&Secret>) -> Result<(), DbError> {
    let input = input.map(|input| tx.seal(input, &sealed::JOB_INPUT.of(&job.id))).transpose()?;
    tx.later(
        "INSERT INTO jobs (id, type, status, doc, input, total, done, inserted, updated, failed, position, created_at, \
         leased_until, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, 0, '', ?7, 0, ?8)",
        &[
            job.id.as_str().into(),
            job.task.name().into(),
            job.status.name().into(),
            super::json(&job.doc).into(),
            input.into(),
            job.total.into(),
            job.created_at.into(),
            (job.created_at + KEPT).into(),
        ],
    )
}

/// A job by its id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Job>, DbError> {
    let row = tx.query_one(
        "SELECT id, type, status, doc, total, done, inserted, updated, failed, position, created_at \
         FROM jobs WHERE id = ?1",
        &[id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Whether there is a job that is not over and that nobody works on.
pub fn is_waiting(tx: &mut Tx<'_>, now: Millis) -> Result<bool, DbError> {
    let row = tx.query_one(
        "SELECT id FROM jobs WHERE status IN ('pending', 'processing') AND leased_until <= ?1 LIMIT 1",
        &[now.into()],
    )?;
    Ok(row.is_some())
}

/// Takes the oldest job that is not over and that nobody works on, until `until`.
pub fn claim(tx: &mut Tx<'_>, now: Millis, until: Millis) -> Result<Option<Job>, DbError> {
    let row = tx.query_one(
        "UPDATE jobs SET leased_until = ?2, status = 'processing' WHERE id = (SELECT id FROM jobs \
         WHERE status IN ('pending', 'processing') AND leased_until <= ?1 ORDER BY created_at, id LIMIT 1) \
         AND leased_until <= ?1 RETURNING id, type, status, doc, total, done, inserted, updated, failed, position, \
         created_at",
        &[now.into(), until.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// What a job works on.
pub fn input(tx: &mut Tx<'_>, id: &str) -> Result<Secret, DbError> {
    let row = tx.query_one("SELECT input FROM jobs WHERE id = ?1", &[id.into()])?;
    let text = row.ok_or(DbError::Shape(0))?.text(0)?;
    tx.open(&text, &sealed::JOB_INPUT.of(id))
}

/// Begins a step at the place where `job` was read, and keeps the job until `until`; `false` when somebody else has
/// already done it.
pub fn begin_step(tx: &mut Tx<'_>, job: &Job, until: Millis) -> Result<bool, DbError> {
    let row = tx.query_one(
        "UPDATE jobs SET leased_until = ?3 WHERE id = ?1 AND done = ?2 AND status = 'processing' RETURNING id",
        &[job.id.as_str().into(), job.done.into(), until.into()],
    )?;
    Ok(row.is_some())
}

/// Ends a step: what `job` says now is on record, with `part`, if there is one, at the position where the step began.
pub fn end_step(tx: &mut Tx<'_>, job: &Job, from: i64, part: Option<String>) -> Result<(), DbError> {
    tx.later(
        "UPDATE jobs SET status = ?2, doc = ?3, total = ?4, done = ?5, inserted = ?6, updated = ?7, failed = ?8, \
         position = ?9 WHERE id = ?1",
        &[
            job.id.as_str().into(),
            job.status.name().into(),
            super::json(&job.doc).into(),
            job.total.into(),
            job.done.into(),
            job.inserted.into(),
            job.updated.into(),
            job.failed.into(),
            job.position.as_str().into(),
        ],
    )?;
    if job.is_over() {
        tx.later("UPDATE jobs SET input = NULL WHERE id = ?1", &[job.id.as_str().into()])?;
    }
    match part {
        None => Ok(()),
        Some(part) => tx.later(
            "INSERT INTO job_parts (job_id, position, body) VALUES (?1, ?2, ?3)",
            &[job.id.as_str().into(), from.into(), part.into()],
        ),
    }
}

/// The first part of a job's result after `position`, and where it stands.
pub fn part_after(tx: &mut Tx<'_>, id: &str, position: i64) -> Result<Option<(i64, String)>, DbError> {
    let row = tx.query_one(
        "SELECT position, body FROM job_parts WHERE job_id = ?1 AND position > ?2 ORDER BY position LIMIT 1",
        &[id.into(), position.into()],
    )?;
    row.map(|row| Ok((row.int(0)?, row.text(1)?))).transpose()
}

/// What could not be imported: an array in every part.
pub fn errors(tx: &mut Tx<'_>, id: &str) -> Result<Vec<Json>, DbError> {
    let rows = tx.query("SELECT body FROM job_parts WHERE job_id = ?1 ORDER BY position", &[id.into()])?;
    let mut all = Vec::new();
    for row in rows {
        all.extend(row.json::<Vec<Json>>(0)?);
    }
    Ok(all)
}

/// Up to `limit` users of a connection, or of all with an empty one, after the user made at that time.
pub fn users_after(
    tx: &mut Tx<'_>,
    connection: &str,
    (created_at, user_id): (Millis, &str),
    limit: i64,
) -> Result<Vec<User>, DbError> {
    let rows = tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM users WHERE (created_at, user_id) > (?1, ?2) AND linked_to IS NULL \
             AND (CAST(?3 AS TEXT) = '' OR connection = CAST(?3 AS TEXT)) ORDER BY created_at, user_id LIMIT ?4"
        ),
        &[created_at.into(), user_id.into(), connection.into(), limit.into()],
    )?;
    rows.iter().map(users::read).collect()
}

/// How many users a connection has, or all with an empty one.
pub fn count_users(tx: &mut Tx<'_>, connection: &str) -> Result<i64, DbError> {
    let row = tx.query_one(
        "SELECT count(*) FROM users WHERE linked_to IS NULL AND (CAST(?1 AS TEXT) = '' OR connection = CAST(?1 AS TEXT))",
        &[connection.into()],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Removes up to `limit` rows of jobs whose time is over; how many went.
pub fn prune(tx: &mut Tx<'_>, now: Millis, limit: i64) -> Result<u64, DbError> {
    let parts = tx.execute(
        "DELETE FROM job_parts WHERE (job_id, position) IN (SELECT job_id, position FROM job_parts \
         WHERE job_id IN (SELECT id FROM jobs WHERE expires_at <= ?1 ORDER BY expires_at) LIMIT ?2)",
        &[now.into(), limit.into()],
    )?;
    let jobs = tx.execute(
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE expires_at <= ?1 \
         AND NOT EXISTS (SELECT 1 FROM job_parts WHERE job_parts.job_id = jobs.id) ORDER BY expires_at LIMIT ?2)",
        &[now.into(), limit.into()],
    )?;
    Ok(parts + jobs)
}

fn read(row: &Row) -> Result<Job, DbError> {
    Ok(Job {
        id: row.text(0)?,
        task: Task::parse(&row.text(1)?).ok_or(DbError::Shape(1))?,
        status: Status::parse(&row.text(2)?).ok_or(DbError::Shape(2))?,
        doc: row.json(3)?,
        total: row.int(4)?,
        done: row.int(5)?,
        inserted: row.int(6)?,
        updated: row.int(7)?,
        failed: row.int(8)?,
        position: row.text(9)?,
        created_at: row.int(10)?,
    })
}
