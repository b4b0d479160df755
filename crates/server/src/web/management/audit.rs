//! The tenant log of management writes: `sapi` in the transaction of the change, `fapi` for what was refused
//! (`docs/COMPATIBILITY.md` C571-C573, C579-C581).

use ringpass_core::model::event::{self, Details, Event};
use ringpass_core::storage::{DbError, Tx};
use serde_json::{Map, Value, json};

use super::Request;
use super::error::ApiError;
use crate::app::App;
use crate::flows::record::Journal;
use crate::web::Reply;
use crate::web::peer::caller;

/// The part of an event that is known before the outcome. Moves into the transaction of the change.
#[derive(Debug)]
pub struct Audit {
    journal: Journal,
    event: Event,
    request: Value,
}

impl Audit {
    /// Takes from a request what its event will say.
    pub fn of(app: &App, request: &Request) -> Self {
        let caller = caller(&request.call, None);
        let mut event = crate::flows::record::event("sapi", &caller);
        event.client_id.clone_from(&request.token.client_id);
        if let Some(client) = app.snapshot().client(&request.token.client_id) {
            client.name().clone_into(&mut event.client_name);
        }
        if !request.token.subject.ends_with("@clients") {
            event.user_id.clone_from(&request.token.subject);
        }
        request.title.clone_into(&mut event.description);
        let correlation = request.call.header("x-correlation-id").map(|id| id.chars().take(64).collect::<String>());
        event.references = correlation.map(|id| json!({"correlation_id": id}));
        Self { journal: app.journal.clone(), event, request: described(request) }
    }

    /// Adds the event of a change that is about to be answered with `reply`.
    pub fn success(self, tx: &mut Tx<'_>, reply: &Reply) -> Result<(), DbError> {
        self.write(tx, "sapi", None, reply)
    }

    /// Adds a second event of the same change, of a type of its own and with that type's description.
    pub fn also(mut self, tx: &mut Tx<'_>, kind: &'static str, reply: &Reply) -> Result<(), DbError> {
        self.event.description.clear();
        self.write(tx, kind, None, reply)
    }

    /// Records a write that was refused. Best effort: a failure here only reaches the process log.
    pub async fn refusal(self, app: &App, why: &ApiError, reply: &Reply) {
        let (sentence, reply) = (why.message().chars().take(LONGEST_SENTENCE).collect(), reply.clone());
        let written = app.db.write("audit.refusal", move |tx| self.write(tx, "fapi", Some(sentence), &reply)).await;
        if let Err(error) = written {
            tracing::error!(%error, "a refused management call could not be logged");
        }
    }

    fn write(self, tx: &mut Tx<'_>, kind: &'static str, why: Option<String>, reply: &Reply) -> Result<(), DbError> {
        let Self { journal, mut event, request } = self;
        event.kind = kind;
        let body = shown(&reply.body);
        let mut details = json!({"request": request, "response": {"statusCode": reply.status.as_u16(), "body": body}});
        if let (Some(why), Some(details)) = (why, details.as_object_mut()) {
            details.insert("error".into(), json!({"message": why}));
        }
        event.details = Details::of(&details);
        journal.write(tx, event)
    }
}

/// A body as the log shows it. A longer one is not kept: whoever has any token could fill the disk with refused calls.
fn shown(body: &[u8]) -> Value {
    if body.len() > LONGEST_BODY {
        return json!({"omitted": format!("{} bytes", body.len())});
    }
    event::masked(&serde_json::from_slice(body).unwrap_or_default())
}

/// 32 KiB.
const LONGEST_BODY: usize = 32_768;
/// Some refusals repeat what was sent; so many characters of them are kept.
const LONGEST_SENTENCE: usize = 1_000;

fn described(request: &Request) -> Value {
    let call = &request.call;
    let query: Map<String, Value> =
        call.query.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    // A full administrator holds some two hundred scopes; the log names those that opened this door.
    let held: Vec<&str> = request.wanted.iter().filter(|scope| request.token.has(scope)).copied().collect();
    let mut credentials = json!({"scopes": held});
    if let (false, Some(members)) = (request.token.id.is_empty(), credentials.as_object_mut()) {
        members.insert("jti".into(), request.token.id.as_str().into());
    }
    let user =
        if request.token.subject.ends_with("@clients") { json!({}) } else { json!({"user_id": request.token.subject}) };
    json!({
        "method": call.method.as_str().to_ascii_lowercase(),
        "path": call.path,
        "query": event::masked(&query.into()),
        "body": shown(&call.body),
        "channel": "api",
        "ip": call.ip.to_string(),
        "userAgent": call.header("user-agent").unwrap_or_default(),
        "auth": {
            "strategy": "jwt",
            "user": user,
            "credentials": credentials,
        },
    })
}
