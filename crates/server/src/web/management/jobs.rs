//! Jobs: imports and exports of users (<https://auth0.com/docs/api/management/v2/jobs>;
//! `docs/COMPATIBILITY.md` C1210-C1224).

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::connection::{Connection, Strategy};
use ringpass_core::model::job::{self, Job, Status, Task};
use ringpass_core::model::schema::Invalid;
use ringpass_core::storage::{Tx, jobs, users};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::multipart::{self, Part};
use super::{ApiError, Outcome, Request};
use crate::app::App;
use crate::web::{Reply, exports};

/// `POST /jobs/users-imports`: 202, and the file is read at once, so that one which is none is refused here.
pub async fn import(app: Arc<App>, request: Request) -> Outcome {
    let call = &request.call;
    let kind = call.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let parts = multipart::parts(kind, &call.body).map_err(Invalid::body)?;
    let form = Form(&parts);
    let connection = database(&app, form.text("connection_id")?.ok_or_else(|| missing("connection_id"))?).await?;
    let file = form.bytes("users").ok_or_else(|| missing("users"))?;
    if file.len() > LARGEST_FILE {
        return Err(ApiError::TooLong(LARGEST_FILE));
    }
    let mut doc = told(&connection);
    for (name, default) in [("upsert", false), ("send_completion_email", true)] {
        doc.insert(name.into(), form.flag(name)?.unwrap_or(default).into());
    }
    if let Some(id) = form.text("external_id")? {
        if id.chars().count() > LONGEST_ID {
            return Err(Invalid::payload("String is too long, maximum 100", "external_id", "").into());
        }
        doc.insert("external_id".into(), id.into());
    }
    let text = std::str::from_utf8(file).map_err(|_| not_users())?.trim_start_matches('\u{feff}').to_owned();
    let rows = count(&text).ok_or_else(not_users)?;
    let job = Job::new(Task::Import, doc, rows, &app.rng, app.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        jobs::insert(tx, &job, Some(&Secret::new(text)))?;
        Ok(Reply::json(StatusCode::ACCEPTED, &job.view()))
    };
    request.change(&app, "jobs.import", work).await
}

/// `POST /jobs/users-exports`.
pub async fn export(app: Arc<App>, request: Request) -> Outcome {
    let mut doc = job::export(&request.json()?)?;
    if let Some(id) = doc.get("connection_id").and_then(Value::as_str).map(str::to_owned) {
        let connection = app.find(|snapshot| snapshot.connection(&id)).await?.ok_or(ApiError::NoConnection)?;
        doc.extend(told(&connection.connection));
    }
    let job = Job::new(Task::Export, doc, 0, &app.rng, app.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        jobs::insert(tx, &job, None)?;
        Ok(Reply::json(StatusCode::OK, &job.view()))
    };
    request.change(&app, "jobs.export", work).await
}

/// `POST /jobs/verification-email`.
pub async fn verify_email(app: Arc<App>, request: Request) -> Outcome {
    let doc = job::verification_email(&request.json()?)?;
    let job = Job::new(Task::VerificationEmail, doc, 1, &app.rng, app.clock.now());
    let work = move |tx: &mut Tx<'_>| {
        let user = users::get(tx, job.text("user_id"))?.ok_or(ApiError::NoUser)?;
        if user.email.is_none() {
            return Err(Invalid::body("The user has no e-mail address").into());
        }
        jobs::insert(tx, &job, None)?;
        let view: Map<String, Value> =
            job.view().into_iter().filter(|(name, _)| SHOWN_OF_EMAIL.contains(&name.as_str())).collect();
        Ok(Reply::json(StatusCode::CREATED, &view))
    };
    request.change(&app, "jobs.verify_email", work).await
}

/// `GET /jobs/{id}`. The result of an export is for those who may read users.
pub async fn show(app: Arc<App>, request: Request) -> Outcome {
    let job = find(&app, &request).await?;
    let mut view = job.view();
    let done = job.task == Task::Export && job.status == Status::Completed;
    if done && request.token.has("read:users") {
        view.insert("location".into(), exports::location(&app, &job).into());
    }
    Ok(Reply::json(StatusCode::OK, &view))
}

/// `GET /jobs/{id}/errors`: the rows that could not be imported; 204 when there are none.
pub async fn errors(app: Arc<App>, request: Request) -> Outcome {
    let job = find(&app, &request).await?;
    if job.task != Task::Import || job.failed == 0 {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    let all = app.db.read("jobs.errors", move |tx| jobs::errors(tx, &job.id)).await?;
    Ok(Reply::json(StatusCode::OK, &all))
}

async fn find(app: &App, request: &Request) -> Result<Job, ApiError> {
    let id = request.call.param("id").to_owned();
    app.db.read("jobs.show", move |tx| jobs::get(tx, &id)).await?.ok_or(ApiError::NoJob)
}

/// The database that users are to be imported into.
async fn database(app: &App, id: &str) -> Result<Connection, ApiError> {
    let found = app.find(|snapshot| snapshot.connection(id)).await?.ok_or(ApiError::NoConnection)?;
    if found.connection.strategy != Strategy::Auth0 {
        return Err(Invalid::body("Users can be imported into database connections only").into());
    }
    Ok(found.connection.clone())
}

fn told(connection: &Connection) -> Map<String, Value> {
    let pair = |name: &str, value: &str| (name.to_owned(), Value::from(value));
    [pair("connection_id", &connection.id), pair("connection", &connection.name)].into_iter().collect()
}

/// How many rows a file has; `None` when it is no array.
fn count(text: &str) -> Option<i64> {
    let rows: Vec<IgnoredAny> = serde_json::from_str(text).ok()?;
    i64::try_from(rows.len()).ok()
}

fn missing(name: &str) -> ApiError {
    Invalid::payload(&format!("Missing required property: {name}"), "", "").into()
}

fn not_users() -> ApiError {
    Invalid::body("The users file must be a JSON array of users").into()
}

/// The parts of a form.
struct Form<'b>(&'b [Part<'b>]);

impl<'b> Form<'b> {
    fn bytes(&self, name: &str) -> Option<&'b [u8]> {
        self.0.iter().find(|part| part.name == name).map(|part| part.body)
    }

    fn text(&self, name: &str) -> Result<Option<&'b str>, ApiError> {
        let Some(bytes) = self.bytes(name) else { return Ok(None) };
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| Invalid::payload("Expected type string", name, ""))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Invalid::payload("Expected type boolean but found type string", name, "").into()),
        }
    }
}

/// 500 KB.
const LARGEST_FILE: usize = 500 * 1_024;
const LONGEST_ID: usize = 100;
const SHOWN_OF_EMAIL: &[&str] = &["type", "status", "id", "created_at"];
