//! The try-it page's HTTP client: it plays an application that calls this server from outside, and keeps what was said in
//! a form that can be shown.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Calls over plain HTTP to one origin.
#[derive(Debug)]
pub(super) struct Calls {
    origin: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What the application wants to say.
#[derive(Debug)]
pub(super) struct Say<'a> {
    /// What it is for, in a few words.
    pub(super) title: &'static str,
    /// Path under the origin.
    pub(super) path: &'static str,
    /// The person's browser, handed on.
    pub(super) user_agent: Option<&'a str>,
    /// Access token, for doors that want one.
    pub(super) bearer: Option<&'a str>,
    /// JSON body.
    pub(super) body: Option<Value>,
}

/// One request and its answer, as text to be read.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What it was for, in a few words.
    pub title: &'static str,
    /// `POST /path`.
    pub line: String,
    /// The request as it went out, its secrets masked.
    pub request: String,
    /// Status and reason, or that there was none.
    pub status: String,
    /// Whether the status was 200.
    pub ok: bool,
    /// The answer, long values shortened.
    pub answer: String,
}

/// An answer and the record of how it came about.
#[derive(Debug)]
pub(super) struct Heard {
    /// Status and JSON body (null when it was none); the error is a sentence.
    pub(super) answer: Result<(StatusCode, Value), String>,
    /// The record.
    pub(super) exchange: Exchange,
}

impl Calls {
    /// A client for one origin (`http://127.0.0.1:8080`).
    pub(super) fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// POSTs and waits at most 40 s: a gateway may take 30 of them.
    pub(super) async fn post(&self, say: Say<'_>) -> Heard {
        let mut exchange = Exchange {
            title: say.title,
            line: format!("POST {}", say.path),
            request: written(&self.origin, &say),
            status: "no answer".to_owned(),
            ok: false,
            answer: String::new(),
        };
        let heard = tokio::time::timeout(PATIENCE, self.send(&say)).await;
        let answer = match heard.unwrap_or_else(|_| Err("no answer came within 40 seconds".to_owned())) {
            Ok((parts, text)) => {
                let body: Value = serde_json::from_str(&text).unwrap_or_default();
                exchange.status = parts.status.to_string();
                exchange.ok = parts.status == StatusCode::OK;
                exchange.answer = head(&parts);
                exchange.answer += &if body.is_null() { shortened(&text, 2_000) } else { pretty(&readable(&body)) };
                Ok((parts.status, body))
            }
            Err(why) => {
                exchange.answer.clone_from(&why);
                Err(why)
            }
        };
        Heard { answer, exchange }
    }

    async fn send(&self, say: &Say<'_>) -> Result<(Parts, String), String> {
        let mut request = Request::post(format!("{}{}", self.origin, say.path));
        if let Some(agent) = say.user_agent {
            request = request.header(header::USER_AGENT, agent);
        }
        if let Some(token) = say.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if say.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = say.body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body)).map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| causes(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LIMIT).collect().await.map_err(|error| error.to_string())?;
        Ok((parts, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    }
}

/// JSON over several lines.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn written(origin: &str, say: &Say<'_>) -> String {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let mut text = format!("POST {} HTTP/1.1\nHost: {host}\n", say.path);
    let mut line = |name: &str, value: &str| _ = writeln!(text, "{name}: {value}");
    if let Some(agent) = say.user_agent {
        line("User-Agent", &shortened(agent, 60));
    }
    if let Some(token) = say.bearer {
        line("Authorization", &format!("Bearer {}", shortened(token, 40)));
    }
    if let Some(body) = &say.body {
        line("Content-Type", "application/json");
        let mut body = body.clone();
        if let Some(secret) = body.get_mut("client_secret") {
            *secret = "***".into();
        }
        _ = write!(text, "\n{}", pretty(&body));
    }
    text
}

/// Status line and the headers that matter to a caller.
fn head(parts: &Parts) -> String {
    let mut text = format!("HTTP/1.1 {}\n", parts.status);
    for (name, value) in &parts.headers {
        let name = name.as_str();
        if TOLD.contains(&name) || name.starts_with("x-ratelimit-") {
            _ = writeln!(text, "{name}: {}", value.to_str().unwrap_or_default());
        }
    }
    text.push('\n');
    text
}

/// The same JSON with long texts (tokens) cut short.
fn readable(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 160 => shortened(text, 40).into(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), readable(value))).collect(),
        Value::Array(items) => items.iter().map(readable).collect(),
        other => other.clone(),
    }
}

fn shortened(text: &str, len: usize) -> String {
    match text.char_indices().nth(len) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

const TOLD: [&str; 3] = ["content-type", "retry-after", "www-authenticate"];
const PATIENCE: Duration = Duration::from_secs(40);
const ANSWER_LIMIT: usize = 1024 * 1024;
