//! Works on jobs in steps: imports and exports of users (`docs/COMPATIBILITY.md` C1210-C1224).

use std::collections::HashSet;
use std::sync::Arc;

use ringpass_core::kit::clock::{MINUTE, Millis};
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::connection::Connection;
use ringpass_core::model::job::{Job, Status, Task};
use ringpass_core::model::user::User;
use ringpass_core::model::user_export::Columns;
use ringpass_core::model::user_import::{self, Fault, Row};
use ringpass_core::storage::{DbError, Tx, jobs, passwords, users};
use serde_json::{Value, json};

use super::tickets;
use crate::app::App;

/// Takes one job that waits and works on it to its end; `false` when none waits.
pub async fn work(app: &App) -> Result<bool, DbError> {
    let now = app.clock.now();
    if !app.db.read("jobs.waiting", move |tx| jobs::is_waiting(tx, now)).await? {
        return Ok(false);
    }
    let claimed = app.db.write("jobs.claim", move |tx| jobs::claim(tx, now, now + LEASE)).await?;
    let Some(mut job) = claimed else { return Ok(false) };
    let rows = Rows::of(app, &job).await?;
    loop {
        match step(app, &rows, job).await? {
            Some(next) if !next.is_over() => job = next,
            _ => return Ok(true),
        }
    }
}

/// Works on the next rows of a job; `None` when somebody else has done them.
pub async fn step(app: &App, rows: &Rows, job: Job) -> Result<Option<Job>, DbError> {
    match job.task {
        Task::Import => import(app, rows, job).await,
        Task::Export => export(app, job).await,
        Task::VerificationEmail => verify_email(app, job).await,
    }
}

/// The rows of an import, read once; none for other jobs.
#[derive(Debug, Clone, Default)]
pub struct Rows(Arc<Vec<(Value, Option<&'static str>)>>);

impl Rows {
    /// Reads what a job works on.
    pub async fn of(app: &App, job: &Job) -> Result<Self, DbError> {
        if job.task != Task::Import {
            return Ok(Self::default());
        }
        let id = job.id.clone();
        let input = app.db.read("jobs.input", move |tx| jobs::input(tx, &id)).await?;
        let read = app.compute(move || Self::read(input.expose())).await;
        read.ok_or_else(|| DbError::Failed("an import could not be read".into()))
    }

    /// Whoever stands in the file before is not imported again: such a row names the member that says so.
    fn read(text: &str) -> Self {
        let rows: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        let mut seen: HashSet<(&str, String)> = HashSet::new();
        let mut again = Vec::with_capacity(rows.len());
        for row in &rows {
            let known = ["email", "username", "user_id", "phone_number"].into_iter().filter(|name| {
                let value = row.get(*name).and_then(Value::as_str);
                value.is_some_and(|value| !seen.insert((*name, value.to_lowercase())))
            });
            // To the end, so that every name of this row is remembered.
            again.push(known.collect::<Vec<_>>().first().copied());
        }
        Self(Arc::new(rows.into_iter().zip(again).collect()))
    }

    /// The rows of one step, checked.
    fn checked(&self, done: usize, connection: &Connection, rng: &Rng, now: Millis) -> Vec<Checked> {
        let checked = |(row, again): &(Value, Option<&'static str>)| {
            let read = match again {
                Some(name) => {
                    let message = format!("A user with this {name} was already provided.");
                    Err(vec![Fault::new("DUPLICATED_USER", name, message)])
                }
                None => user_import::read(row, connection, rng, now),
            };
            (user_import::shown(row), read)
        };
        self.0.iter().skip(done).take(STEP).map(checked).collect()
    }
}

/// A row as lists of errors show it, and what it came to.
type Checked = (Value, Result<Row, Vec<Fault>>);

/// Sends a user a link to confirm the address.
async fn verify_email(app: &App, job: Job) -> Result<Option<Job>, DbError> {
    let of = |name: &str| job.doc.get("identity").and_then(|it| it.get(name)).and_then(Value::as_str);
    let id = match (of("provider"), of("user_id")) {
        (Some(provider), Some(id)) => format!("{provider}|{id}"),
        _ => job.text("user_id").to_owned(),
    };
    let owner = job.text("user_id").to_owned();
    let found = app.db.read("jobs.user", move |tx| passwords::of_user(tx, &id)).await?;
    let user = found.filter(|found| found.user.user_id == owner).map(|found| found.identity);
    let Some(user) = user.filter(|user| user.email.is_some()) else { return give_up(app, job, NO_USER).await };
    let channel = app.find(|snapshot| snapshot.channel(&user.connection, "")).await?;
    let Some(channel) = channel.filter(|channel| channel.connection.name == user.connection) else {
        return give_up(app, job, NO_CONNECTION).await;
    };
    let client = app.snapshot().client(job.text("client_id"));
    match tickets::deliver_verification(app, &user, &channel, client.as_deref()).await? {
        None => end(app, job, Status::Completed, None).await,
        Some(why) => give_up(app, job, &why).await,
    }
}

/// Ends a job that cannot be done.
async fn give_up(app: &App, job: Job, why: &str) -> Result<Option<Job>, DbError> {
    end(app, job, Status::Failed, Some(why.to_owned())).await
}

/// Ends a job that has no rows, or no more.
async fn end(app: &App, mut job: Job, status: Status, details: Option<String>) -> Result<Option<Job>, DbError> {
    let now = app.clock.now();
    let work = move |tx: &mut Tx<'_>| {
        if !jobs::begin_step(tx, &job, now)? {
            return Ok(None);
        }
        job.status = status;
        job.doc.extend(details.map(|details| ("status_details".to_owned(), details.into())));
        jobs::end_step(tx, &job, job.done, None)?;
        Ok(Some(job))
    };
    app.db.write("jobs.give_up", work).await
}

/// The connection of a job: `None` when it is gone, `Some(None)` when the job has none.
async fn connection(app: &App, job: &Job) -> Result<Option<Option<Connection>>, DbError> {
    let id = job.text("connection_id").to_owned();
    if id.is_empty() {
        return Ok(Some(None));
    }
    let found = app.find(|snapshot| snapshot.connection(&id)).await?;
    Ok(found.map(|channel| Some(channel.connection.clone())))
}

async fn import(app: &App, rows: &Rows, job: Job) -> Result<Option<Job>, DbError> {
    let Some(Some(connection)) = connection(app, &job).await? else {
        return give_up(app, job, NO_CONNECTION).await;
    };
    let (rng, now) = (app.rng.clone(), app.clock.now());
    let (rows, done, for_rows) = (rows.clone(), usize::try_from(job.done).unwrap_or(usize::MAX), connection.clone());
    let checked = app.compute(move || rows.checked(done, &for_rows, &rng, now)).await;
    let checked = checked.ok_or_else(|| DbError::Failed("rows of an import could not be checked".into()))?;
    let work = move |tx: &mut Tx<'_>| {
        if !jobs::begin_step(tx, &job, now + LEASE)? {
            return Ok(None);
        }
        let (from, upsert) = (job.done, job.doc.get("upsert") == Some(&Value::Bool(true)));
        let mut job = job;
        let mut errors = Vec::new();
        for (shown, row) in checked {
            let outcome = match row {
                Ok(row) => store(tx, row, &connection, upsert, now)?,
                Err(faults) => Stored::Refused(faults),
            };
            match outcome {
                Stored::Inserted => job.inserted += 1,
                Stored::Updated => job.updated += 1,
                Stored::Refused(faults) => {
                    job.failed += 1;
                    errors.push(json!({"user": shown, "errors": faults.iter().map(Fault::view).collect::<Vec<_>>()}));
                }
            }
            job.done += 1;
        }
        if job.done >= job.total {
            job.status = Status::Completed;
        }
        let part = if errors.is_empty() { None } else { Some(Value::from(errors).to_string()) };
        jobs::end_step(tx, &job, from, part)?;
        Ok(Some(job))
    };
    app.db.write("jobs.import", work).await
}

enum Stored {
    Inserted,
    Updated,
    Refused(Vec<Fault>),
}

fn store(tx: &mut Tx<'_>, row: Row, connection: &Connection, upsert: bool, now: Millis) -> Result<Stored, DbError> {
    if users::insert(tx, &row.user)? {
        return Ok(Stored::Inserted);
    }
    let named = |tx: &mut Tx<'_>, name: Option<&str>| match name {
        Some(name) => passwords::find(tx, &connection.name, name, None),
        None => Ok(None),
    };
    let by_email = named(tx, row.user.email.as_deref())?.filter(|found| found.identity.email == row.user.email);
    match by_email {
        Some(known) if upsert && known.identity.user_id == known.user.user_id => {
            let Some(mut user) = users::get_for_update(tx, &known.user.user_id)? else {
                return Ok(Stored::Refused(vec![conflict("CONFLICT", "")]));
            };
            if let Err(invalid) = user.apply(&row.patch, connection, now) {
                return Ok(Stored::Refused(vec![Fault::new("NOT_PASSED", "", invalid.message)]));
            }
            users::put(tx, &user)?;
            Ok(Stored::Updated)
        }
        Some(_) => Ok(Stored::Refused(vec![conflict("CONFLICT_EMAIL", "email")])),
        None => {
            let taken = named(tx, row.user.username.as_deref())?;
            let by_name = taken.is_some_and(|found| found.identity.username == row.user.username);
            let fault = if by_name { conflict("CONFLICT_USERNAME", "username") } else { conflict("CONFLICT", "") };
            Ok(Stored::Refused(vec![fault]))
        }
    }
}

fn conflict(code: &'static str, path: &str) -> Fault {
    Fault::new(code, path, "The user already exists.")
}

async fn export(app: &App, job: Job) -> Result<Option<Job>, DbError> {
    let Some(connection) = connection(app, &job).await? else {
        return give_up(app, job, NO_CONNECTION).await;
    };
    let name = connection.map(|connection| connection.name).unwrap_or_default();
    let now = app.clock.now();
    let limit = job.doc.get("limit").and_then(Value::as_i64).unwrap_or(i64::MAX);
    let wanted = i64::try_from(STEP).unwrap_or(0).min(limit.saturating_sub(job.done));
    let position = match job.position.split_once('.') {
        Some((at, id)) => (at.parse().map_err(|_| DbError::Shape(9))?, id.to_owned()),
        None => (i64::MIN, String::new()),
    };
    let first = job.done == 0 && job.position.is_empty();
    let read = move |tx: &mut Tx<'_>| {
        let total = if first { Some(jobs::count_users(tx, &name)?) } else { None };
        Ok((total, jobs::users_after(tx, &name, (position.0, &position.1), wanted)?))
    };
    let (total, page) = app.db.read("jobs.users", read).await?;
    let doc = job.doc.clone();
    let render = move || {
        let columns = Columns::of(&doc);
        let mut text = if first { columns.header() } else { String::new() };
        for user in &page {
            columns.write(user, &mut text);
        }
        (text, page)
    };
    let (text, page): (String, Vec<User>) =
        app.compute(render).await.ok_or_else(|| DbError::Failed("an export could not be written".into()))?;
    let work = move |tx: &mut Tx<'_>| {
        if !jobs::begin_step(tx, &job, now + LEASE)? {
            return Ok(None);
        }
        let mut job = job;
        let from = job.done;
        let written = i64::try_from(page.len()).unwrap_or(0);
        job.total = total.map_or(job.total, |total| total.min(limit));
        job.done += written;
        if let Some(last) = page.last() {
            job.position = format!("{}.{}", last.created_at, last.user_id);
        }
        if written < wanted || job.done >= limit {
            job.status = Status::Completed;
        }
        jobs::end_step(tx, &job, from, Some(text).filter(|text| !text.is_empty()))?;
        Ok(Some(job))
    };
    app.db.write("jobs.export", work).await
}

/// How long whoever works on a job may be silent before somebody else goes on.
const LEASE: Millis = MINUTE;
/// Rows in one step: few enough that no sign-in waits long behind one.
const STEP: usize = 200;
const NO_CONNECTION: &str = "The connection does not exist any more";
const NO_USER: &str = "The user does not exist any more, or has no such address";
