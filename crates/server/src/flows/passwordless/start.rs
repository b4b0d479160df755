//! Starts a code: limits, blocks, one transaction before the send and one after it (C209-C216, C551).

use std::sync::Arc;

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::email::Email;
use ringpass_core::model::event::Event;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::phone::Phone;
use ringpass_core::model::template::{Tail, Variables};
use ringpass_core::model::user::User;
use ringpass_core::providers::Refusal;
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::codes::{self};
use ringpass_core::storage::{DbError, Tx, users};
use serde_json::{Value, json};

use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::guard::{Guard, Standing, Verdict};
use crate::flows::limits::{self, Window, wait};
use crate::flows::record::Journal;
use crate::flows::{self, deliver};
use crate::snapshot::Channel;

use super::events::{failed, sent};
use super::{code_hash, key, link};

/// Who started a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// An application, through the Authentication API.
    Api,
    /// The person, on our own pages.
    Pages,
}

/// A start, with everything parsed and the client checked.
#[derive(Debug)]
pub struct Start {
    /// Who asks.
    pub client: Arc<Client>,
    /// The connection.
    pub channel: Arc<Channel>,
    /// Where the code goes.
    pub identifier: Identifier,
    /// Who started it.
    pub door: Door,
    /// Whether a link goes out, which a person follows, instead of a code to type; only e-mail has links.
    pub link: bool,
    /// Value of the template variable `request_language`.
    pub request_language: String,
    /// `send` as it was sent.
    pub send: String,
    /// `authParams`, only logged.
    pub auth_params: Value,
    /// Who calls.
    pub caller: Caller,
}

impl Start {
    /// A fresh code: digits to type, or a text that nobody types and nobody guesses.
    fn code(&self, rng: &Rng) -> String {
        if self.link { rng.base62(LINK_CODE) } else { rng.digits(self.channel.connection.code_length()) }
    }
}

/// Characters of the code in a link: 190 bits.
const LINK_CODE: usize = 32;

/// A start that went through.
#[derive(Debug)]
pub struct Started {
    /// Fresh id for the answer.
    pub id: String,
}

/// Why a start sent nothing that the caller may know of.
#[derive(Debug)]
pub enum StartRefused {
    /// Too many starts from this address: the bucket, and seconds to wait.
    TooManyStarts(Window, i64),
    /// Brute-force protection blocks this address for this identifier.
    TooManyAttempts,
    /// Suspicious-IP throttling refuses this address.
    SuspiciousAddress,
    /// Unknown person while sign-up is disabled.
    SignupDisabled,
    /// The provider did not take the message of a connection of this strategy; the sentence for the caller.
    Provider(Strategy, String),
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for StartRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// What the first transaction of a start decided.
enum Admitted {
    Send,
    /// Answer as if sent (blocked user, or no provider under the unified phone experience).
    Silent,
    BucketEmpty,
    Attempts,
    Suspicious,
    SignupDisabled,
}

/// Makes a code, sends it through the connection's provider and waits for the provider's answer.
pub async fn start(app: &App, start: Start) -> Result<Started, StartRefused> {
    let now = app.clock.now();
    let shape = start_shape(app);
    let bucket = start_bucket(&start.caller.ip);
    if let Some((window, wait)) = shape.and_then(|shape| empty(app, &bucket, shape, now)) {
        return Err(StartRefused::TooManyStarts(window, wait));
    }
    let code = start.code(&app.rng);
    let code_id = ids::object(&app.rng);
    let unified = app.snapshot().settings.phone_consolidated_experience();
    let guard = Guard::of(app, &start.channel.connection, start.identifier.as_str(), &start.caller.ip);
    let start = Arc::new(start);
    let (admitted, full_at) = {
        let (start, journal, bucket) = (Arc::clone(&start), app.journal.clone(), bucket.clone());
        let hash = code_hash(&app.hash_key, &start.channel, &start.identifier, &code);
        let code_id = code_id.clone();
        let work = move |tx: &mut Tx<'_>| {
            let token = shape.map(|shape| buckets::ask_to_take(tx, &bucket, shape, now)).transpose()?;
            let questions =
                (guard.ask(tx, now)?, users::ask_by(tx, &start.channel.connection.name, &start.identifier)?);
            let full_at = match token {
                None => now,
                Some(token) => match tx.answer(token)? {
                    Some(full_at) => full_at,
                    None => return Ok((Admitted::BucketEmpty, buckets::get(tx, &bucket)?.unwrap_or(now))),
                },
            };
            let standing = guard.judge(tx, questions.0, now)?;
            let user = users::found(tx, questions.1)?;
            match admit(&start, standing, user.as_ref(), &journal, unified) {
                Ok(()) => {
                    let lifetime = start.channel.connection.code_lifetime() * SECOND;
                    codes::put(tx, &key(&start.channel, &start.identifier), &code_id, &hash, now, now + lifetime)?;
                    // The write behind the message, without which nobody is answered, brings this one to the disk too.
                    tx.answer_before_flush();
                    Ok((Admitted::Send, full_at))
                }
                Err((admitted, event)) => {
                    journal.write(tx, *event)?;
                    Ok((admitted, full_at))
                }
            }
        };
        app.db.write("passwordless.start", work).await?
    };
    if let Some(shape) = shape {
        if !matches!(admitted, Admitted::BucketEmpty) {
            app.buckets.charge(&bucket, shape, now);
        }
        app.buckets.remember(&bucket, full_at, now);
    }
    match admitted {
        Admitted::Send => send(app, start, code, code_id).await?,
        Admitted::Silent => {}
        Admitted::Attempts => return Err(StartRefused::TooManyAttempts),
        Admitted::Suspicious => return Err(StartRefused::SuspiciousAddress),
        Admitted::SignupDisabled => return Err(StartRefused::SignupDisabled),
        Admitted::BucketEmpty => {
            let shape = shape.unwrap_or(Shape { burst: 0, interval: 1 });
            return Err(StartRefused::TooManyStarts(Window::of(shape, full_at, now), wait(shape, full_at, now)));
        }
    }
    Ok(Started { id: ids::object(&app.rng) })
}

/// The start bucket of an address as this process knows it; `None` while limits are off.
pub fn start_window(app: &App, ip: &str) -> Option<Window> {
    Some(Window::of(start_shape(app)?, app.buckets.full_at(&start_bucket(ip)), app.clock.now()))
}

/// The start bucket of an address, as far as memory knows it to be empty: its window and the seconds to wait. Doors ask
/// before they read a body.
pub fn too_many_starts(app: &App, ip: &str) -> Option<(Window, i64)> {
    empty(app, &start_bucket(ip), start_shape(app)?, app.clock.now())
}

/// Charges a start that is malformed, in memory only.
pub fn charge_malformed(app: &App, ip: &str) {
    if let Some(shape) = start_shape(app) {
        app.buckets.charge(&start_bucket(ip), shape, app.clock.now());
    }
}

/// Writes the `api_limit` event of an address whose bucket is empty.
pub async fn note_limit(app: &App, caller: &Caller) -> Result<(), DbError> {
    let size = i64::from(app.config.limits.start_burst);
    limits::note(app, caller, &start_bucket(&caller.ip), "/passwordless/start", size).await
}

/// Whether a code may be sent; if not, what to answer and what the log says.
fn admit(
    start: &Start,
    standing: Standing,
    user: Option<&User>,
    journal: &Journal,
    unified: bool,
) -> Result<(), (Admitted, Box<Event>)> {
    let connection = &start.channel.connection;
    let refuse =
        |admitted, description: &str, kind: &str| Err((admitted, Box::new(failed(start, journal, description, kind))));
    match standing.verdict {
        Verdict::Free => {}
        Verdict::TooManyAttempts => {
            let what = if start.identifier.phone().is_some() { "number" } else { "e-mail address" };
            let text = format!("too many failed logins at this {what}");
            return refuse(Admitted::Attempts, &text, "too_many_attempts");
        }
        Verdict::Suspicious => {
            return refuse(Admitted::Suspicious, "too many failed logins from this address", "too_many_attempts");
        }
    }
    if user.is_some_and(User::is_blocked) {
        return refuse(Admitted::Silent, "user is blocked", "unauthorized");
    }
    if user.is_none() && connection.disable_signup() {
        return refuse(Admitted::SignupDisabled, "Public signup is disabled", "bad.connection");
    }
    if unified && start.identifier.phone().is_some() {
        let text = "no tenant-level phone provider is configured (phone_consolidated_experience is true)";
        return refuse(Admitted::Silent, text, "sms_provider_error");
    }
    Ok(())
}

/// Delivers the code and records how that went; a code that was not delivered is forgotten.
async fn send(app: &App, start: Arc<Start>, code: String, code_id: String) -> Result<(), StartRefused> {
    let delivered = match &start.identifier {
        Identifier::Phone(phone) => text(app, &start, phone, &code).await,
        Identifier::Email(email) => mail(app, &start, email, &code).await,
    };
    let strategy = start.channel.connection.strategy;
    let kind = if strategy == Strategy::Email { "email_provider_error" } else { "sms_provider_error" };
    let journal = app.journal.clone();
    let refusal = delivered.err().map(|refusal| refusal.sentence);
    let told = refusal.clone();
    app.db
        .write("passwordless.sent", move |tx| match refusal {
            None => journal.write(tx, sent(&start, &journal)),
            Some(sentence) => {
                codes::discard(tx, &code_id, &key(&start.channel, &start.identifier))?;
                journal.write(tx, failed(&start, &journal, &sentence, kind))
            }
        })
        .await?;
    told.map_or(Ok(()), |sentence| Err(StartRefused::Provider(strategy, sentence)))
}

/// Sends the code as a text message.
async fn text(app: &App, start: &Start, phone: &Phone, code: &str) -> Result<(), Refusal> {
    let variables = Variables {
        code,
        phone_number: phone.as_str(),
        application_name: start.client.name(),
        request_language: &start.request_language,
    };
    let names_host = start.door == Door::Pages && start.channel.connection.origin_bound_line();
    let tail = Tail { host: names_host.then_some(&*app.journal.host), app_hash: start.client.android_app_hash() };
    deliver::deliver(app, &start.channel, phone, (&variables, &tail), &start.caller).await.map(drop)
}

/// Sends the code, or a link with it, as a mail.
async fn mail(app: &App, start: &Start, email: &Email, code: &str) -> Result<(), Refusal> {
    let connection = &start.channel.connection.name;
    // Liquid takes an empty text for something: what is not there must be null.
    let link = start.link.then(|| link::link(&app.config.http.public_url, start, code));
    let variables = json!({
        "code": code, "link": link, "send": if start.link { "link" } else { "code" }, "email": email.as_str(),
        "application": {"name": start.client.name(), "clientID": start.client.id}, "connection": {"name": connection},
        "request_language": start.request_language,
    });
    let variables = variables.as_object().cloned().unwrap_or_default();
    let rendered = flows::mail::fill(app, &start.channel.letter, variables, connection);
    flows::mail::send(app, &flows::mail::addressed(email.clone(), rendered)).await
}

fn start_shape(app: &App) -> Option<Shape> {
    let limits = &app.config.limits;
    let interval = i64::try_from(limits.start_refill.as_millis()).unwrap_or(i64::MAX);
    limits.documented.then_some(Shape { burst: i64::from(limits.start_burst), interval })
}

fn start_bucket(ip: &str) -> String {
    format!("start|{ip}")
}

fn empty(app: &App, bucket: &str, shape: Shape, now: Millis) -> Option<(Window, i64)> {
    let full_at = app.buckets.full_at(bucket);
    (shape.left(full_at, now) == 0).then(|| (Window::of(shape, full_at, now), wait(shape, full_at, now)))
}
