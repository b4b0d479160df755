//! `GET /exports/{job}.json` and `.csv`: the result of an export, for whoever holds the address that the job told. The
//! address is signed and good for an hour (`docs/COMPATIBILITY.md` C1221).

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::channel::{Channel, Sender};
use ringpass_core::kit::clock::{HOUR, Millis};
use ringpass_core::kit::hash;
use ringpass_core::model::job::{Job, Status, Task};
use ringpass_core::storage::{DbError, jobs};
use serde::Deserialize;

use super::auth;
use super::request_id::RequestId;
use crate::app::App;

/// The one route.
pub fn router() -> Router<Arc<App>> {
    Router::new().route("/exports/{file}", get(download))
}

/// The address of a job's result.
pub fn location(app: &App, job: &Job) -> String {
    let expires = app.clock.now() + LIFETIME;
    let ending = ending(job);
    let signature = signature(app, &job.id, expires);
    format!("{}exports/{}.{ending}?expires={expires}&signature={signature}", app.config.http.issuer(), job.id)
}

#[derive(Debug, Deserialize)]
struct Proof {
    expires: Millis,
    signature: String,
}

async fn download(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    proof: Result<Query<Proof>, QueryRejection>,
    request: Request,
) -> Response {
    let found = find(&app, &file, proof.ok().map(|Query(proof)| proof)).await;
    let reply = match found {
        Ok(Some(job)) => return answer(&app, &job, &file),
        Ok(None) => auth::not_found(&app, &request),
        Err(error) => auth::error::AuthError::from(error).reply(),
    };
    RequestId::of(&app, request.headers(), request.extensions()).sign(reply).into_response()
}

/// The job whose result was asked for, if the address is a good one.
async fn find(app: &App, file: &str, proof: Option<Proof>) -> Result<Option<Job>, DbError> {
    let (id, ending_asked) = file.split_once('.').unwrap_or_default();
    let is_good = |proof: &Proof| {
        proof.expires > app.clock.now() && hash::same(&proof.signature, &signature(app, id, proof.expires))
    };
    if !proof.as_ref().is_some_and(is_good) {
        return Ok(None);
    }
    let wanted = id.to_owned();
    let job = app.db.read("exports.find", move |tx| jobs::get(tx, &wanted)).await?;
    let is_done =
        |job: &Job| job.task == Task::Export && job.status == Status::Completed && ending(job) == ending_asked;
    Ok(job.filter(is_done))
}

fn answer(app: &Arc<App>, job: &Job, file: &str) -> Response {
    let kind = if ending(job) == "csv" { "text/csv; charset=utf-8" } else { "application/x-ndjson" };
    let (to, body) = Channel::new(1);
    app.tasks.spawn(send(Arc::clone(app), job.id.clone(), to));
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = StatusCode::OK;
    for (name, value) in [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
    ] {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Sends the parts of a result one by one, each when the one before is on its way.
async fn send(app: Arc<App>, id: String, mut to: Sender<Bytes, DbError>) {
    let mut position = -1;
    loop {
        let wanted = id.clone();
        match app.db.read("exports.part", move |tx| jobs::part_after(tx, &wanted, position)).await {
            Ok(None) => return,
            Ok(Some((at, text))) => {
                position = at;
                if to.send_data(Bytes::from(text)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "a download broke off");
                return to.abort(error);
            }
        }
    }
}

fn ending(job: &Job) -> &'static str {
    if job.text("format") == "csv" { "csv" } else { "json" }
}

fn signature(app: &App, id: &str, expires: Millis) -> String {
    app.hash_key.tag(&["export", id, &expires.to_string()])
}

/// How long an address is good.
const LIFETIME: Millis = HOUR;
