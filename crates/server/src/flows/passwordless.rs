//! Passwordless sign-in by SMS: start a code, and redeem it (`docs/COMPATIBILITY.md` C209-C217, C440-C443, C471-C483).

use std::sync::Arc;

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::ids;
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::{self, Event};
use ringpass_core::model::phone::Phone;
use ringpass_core::model::template::Variables;
use ringpass_core::model::user::User;
use ringpass_core::storage::buckets::{self, Shape};
use ringpass_core::storage::codes::{self, Try};
use ringpass_core::storage::{DbError, Tx, login_failures, users};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::deliver;
use super::grant::Refused;
use super::limits::Window;
use super::record::{self, Journal};
use crate::app::App;
use crate::snapshot::Channel;

/// A start, with everything parsed and the client checked.
#[derive(Debug)]
pub struct Start {
    /// Who asks.
    pub client: Arc<Client>,
    /// The SMS connection.
    pub channel: Arc<Channel>,
    /// Where the code goes.
    pub phone: Phone,
    /// Value of the template variable `request_language`.
    pub request_language: String,
    /// `send` as it was sent.
    pub send: String,
    /// `authParams`, only logged.
    pub auth_params: Value,
    /// Who calls.
    pub caller: Caller,
}

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
    /// Brute-force protection blocks this address for this number.
    TooManyAttempts,
    /// Unknown number while sign-up is disabled.
    SignupDisabled,
    /// The provider did not take the message; the sentence for the caller.
    Provider(String),
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
    let code = app.rng.digits(start.channel.connection.code_length());
    let code_id = ids::object(&app.rng);
    let unified = app.snapshot().settings.phone_consolidated_experience();
    let start = Arc::new(start);
    let (admitted, full_at) = {
        let (start, journal, bucket) = (Arc::clone(&start), app.journal.clone(), bucket.clone());
        let hash = code_hash(&app.hash_key, &start.channel, start.phone.as_str(), &code);
        let code_id = code_id.clone();
        let work = move |tx: &mut Tx<'_>| {
            let full_at = match shape {
                None => now,
                Some(shape) => match buckets::take(tx, &bucket, shape, now)? {
                    Some(full_at) => full_at,
                    None => return Ok((Admitted::BucketEmpty, buckets::get(tx, &bucket)?.unwrap_or(now))),
                },
            };
            match admit(tx, &start, &journal, unified, now)? {
                Admission::Yes => {
                    let lifetime = start.channel.connection.code_lifetime() * SECOND;
                    codes::put(tx, &key(&start.channel, start.phone.as_str()), &code_id, &hash, now, now + lifetime)?;
                    Ok((Admitted::Send, full_at))
                }
                Admission::No(admitted, event) => {
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

/// Writes the `api_limit` event of an address whose bucket is empty, once a minute (C582).
pub async fn note_limit(app: &App, caller: &Caller) -> Result<(), DbError> {
    let key = start_bucket(&caller.ip);
    if !app.buckets.is_news(&key, app.clock.now()) {
        return Ok(());
    }
    let event = Event {
        description: "You passed the limit of allowed calls to '/passwordless/start'".to_owned(),
        details: Some(json!({"limit": {"bucket": key, "global": false, "size": app.config.limits.start_burst}})),
        ..record::event("api_limit", caller)
    };
    let journal = app.journal.clone();
    app.db.write("passwordless.limited", move |tx| journal.write(tx, event)).await
}

enum Admission {
    Yes,
    No(Admitted, Box<Event>),
}

fn admit(tx: &mut Tx<'_>, start: &Start, journal: &Journal, unified: bool, now: Millis) -> Result<Admission, DbError> {
    let connection = &start.channel.connection;
    let refuse = |admitted, description: &str, kind: &str| {
        Ok(Admission::No(admitted, Box::new(failed(start, journal, description, kind))))
    };
    if connection.brute_force_protection() {
        let failures = login_failures::count(tx, &failure_key(&start.channel, &start.phone, &start.caller), now)?;
        if failures >= login_failures::MAX_FAILURES {
            return refuse(Admitted::Attempts, "too many failed logins from this address", "too_many_attempts");
        }
    }
    let user = users::find_by_phone(tx, &connection.name, start.phone.as_str())?;
    if user.as_ref().is_some_and(User::is_blocked) {
        return refuse(Admitted::Silent, "user is blocked", "unauthorized");
    }
    if user.is_none() && connection.disable_signup() {
        return refuse(Admitted::SignupDisabled, "Public signup is disabled", "bad.connection");
    }
    if unified {
        let text = "no tenant-level phone provider is configured (phone_consolidated_experience is true)";
        return refuse(Admitted::Silent, text, "sms_provider_error");
    }
    Ok(Admission::Yes)
}

/// Delivers the code and records how that went; a code that was not delivered is forgotten.
async fn send(app: &App, start: Arc<Start>, code: String, code_id: String) -> Result<(), StartRefused> {
    let variables = Variables {
        code: &code,
        phone_number: start.phone.as_str(),
        application_name: start.client.name(),
        request_language: &start.request_language,
    };
    let delivered = deliver::deliver(app, &start.channel, start.phone.as_str(), &variables, &start.caller).await;
    let journal = app.journal.clone();
    let refusal = delivered.err().map(|refusal| refusal.0);
    let told = refusal.clone();
    app.db
        .write("passwordless.sent", move |tx| match refusal {
            None => journal.write(tx, sent(&start, &journal)),
            Some(sentence) => {
                codes::discard(tx, &code_id, &key(&start.channel, start.phone.as_str()))?;
                journal.write(tx, failed(&start, &journal, &sentence, "sms_provider_error"))
            }
        })
        .await?;
    told.map_or(Ok(()), |sentence| Err(StartRefused::Provider(sentence)))
}

/// A code to be redeemed for tokens.
#[derive(Debug)]
pub struct Verify {
    /// Who asks.
    pub client: Arc<Client>,
    /// The SMS connection.
    pub channel: Arc<Channel>,
    /// The number, exactly as it was sent to the start.
    pub username: String,
    /// What the person typed.
    pub code: String,
    /// Audience and scope asked for, for the log.
    pub audience: String,
    /// Scope granted if the code is right.
    pub scope: String,
    /// Who calls.
    pub caller: Caller,
}

/// Redeems a code: counts the try, finds or creates the user, and lets `issue` write the grant, all in one transaction.
pub async fn verify<F>(app: &App, verify: Verify, issue: F) -> Result<User, Refused>
where
    F: FnOnce(&mut Tx<'_>, &User) -> Result<(), DbError> + Send + 'static,
{
    let now = app.clock.now();
    let guess = verify.code.trim().to_owned();
    let well_formed = !guess.is_empty() && guess.len() <= 10 && guess.bytes().all(|byte| byte.is_ascii_digit());
    let hash =
        if well_formed { code_hash(&app.hash_key, &verify.channel, &verify.username, &guess) } else { String::new() };
    let (journal, rng) = (app.journal.clone(), app.rng.clone());
    let outcome = app.db.write("passwordless.verify", move |tx| match redeem(tx, &verify, &hash, &rng, now)? {
        Ok((user, created)) => {
            issue(tx, &user)?;
            if created {
                journal.write(tx, signed_up(&verify, &user, &journal))?;
            }
            journal.write(tx, signed_in(&verify, &user))?;
            Ok(Ok(user))
        }
        Err((refused, failures)) => {
            journal.write(tx, not_exchanged(&verify, &refused))?;
            if matches!(refused, Refused::SignupDisabled) {
                journal.write(tx, not_signed_up(&verify))?;
            }
            if failures == login_failures::MAX_FAILURES {
                journal.write(tx, blocked(&verify))?;
            }
            Ok(Err(refused))
        }
    });
    outcome.await?
}

/// The user and whether it is new, or the refusal and how many failures are on record now.
type Redeemed = Result<(User, bool), (Refused, i64)>;

fn redeem(tx: &mut Tx<'_>, verify: &Verify, hash: &str, rng: &Rng, now: Millis) -> Result<Redeemed, DbError> {
    let connection = &verify.channel.connection;
    if Phone::parse(&verify.username).is_none() {
        // No code was ever sent there, and what is no number is no attempt at one.
        return Ok(Err((Refused::WrongCode, 0)));
    }
    let failure_key =
        login_failures::Key { connection: &connection.name, identifier: &verify.username, ip: &verify.caller.ip };
    let protected = connection.brute_force_protection();
    let failures = if protected { login_failures::count(tx, &failure_key, now)? } else { 0 };
    if failures >= login_failures::MAX_FAILURES {
        return Ok(Err((Refused::TooManyAttempts, 0)));
    }
    let known = users::find_by_phone(tx, &connection.name, &verify.username)?;
    if known.as_ref().is_some_and(User::is_blocked) {
        return Ok(Err((Refused::UserBlocked, 0)));
    }
    let refused = match codes::consume(tx, &key(&verify.channel, &verify.username), hash, now)? {
        Try::Right if known.is_none() && connection.disable_signup() => return Ok(Err((Refused::SignupDisabled, 0))),
        Try::Right => {
            if failures > 0 {
                login_failures::clear(tx, &failure_key)?;
            }
            return Ok(Ok(sign_in(tx, verify, known, rng, now)?));
        }
        Try::Wrong => Refused::WrongCode,
        Try::Exhausted => Refused::MaxAttempts,
        Try::Expired => Refused::CodeExpired,
    };
    let failures = if protected { login_failures::add(tx, &failure_key, now)? } else { 0 };
    Ok(Err((refused, failures)))
}

/// Notes the sign-in on the user, who is created at the first one.
fn sign_in(
    tx: &mut Tx<'_>,
    verify: &Verify,
    known: Option<User>,
    rng: &Rng,
    now: Millis,
) -> Result<(User, bool), DbError> {
    let connection = &verify.channel.connection.name;
    let known = if let Some(user) = known {
        user
    } else {
        let mut user = User::of_phone(connection, &verify.username, rng, now);
        user.signed_in(&verify.caller.ip, now);
        if users::insert(tx, &user)? {
            return Ok((user, true));
        }
        // Somebody created the same user at this very moment.
        users::find_by_phone(tx, connection, &verify.username)?.ok_or(DbError::Shape(0))?
    };
    let mut user = known;
    user.phone_verified = Some(true);
    user.signed_in(&verify.caller.ip, now);
    users::record_sign_in(tx, &user)?;
    Ok((user, false))
}

/// The hash under which a code is stored: bound to connection and number, useless without the server's key.
fn code_hash(key: &MacKey, channel: &Channel, identifier: &str, code: &str) -> String {
    key.tag(&["code", &channel.connection.id, identifier, code])
}

fn key<'a>(channel: &'a Channel, identifier: &'a str) -> codes::Key<'a> {
    codes::Key { connection_id: &channel.connection.id, identifier }
}

fn failure_key<'a>(channel: &'a Channel, phone: &'a Phone, caller: &'a Caller) -> login_failures::Key<'a> {
    login_failures::Key { connection: &channel.connection.name, identifier: phone.as_str(), ip: &caller.ip }
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

/// Whole seconds until the next token.
fn wait(shape: Shape, full_at: Millis, now: Millis) -> i64 {
    ((shape.next_at(full_at, now) - now + SECOND - 1) / SECOND).max(1)
}

// The events of this flow.

fn on_channel(kind: &'static str, client: &Client, channel: &Channel, caller: &Caller) -> Event {
    let connection = &channel.connection;
    Event {
        client_id: client.id.clone(),
        client_name: client.name().to_owned(),
        connection: connection.name.clone(),
        connection_id: connection.id.clone(),
        strategy: connection.strategy.name().to_owned(),
        strategy_type: connection.strategy.kind().to_owned(),
        ..record::event(kind, caller)
    }
}

fn start_body(start: &Start, tenant: &str) -> Value {
    json!({
        "authParams": event::masked(&start.auth_params),
        "client_id": start.client.id,
        "connection": start.channel.connection.name,
        "ip": start.caller.ip,
        "phone_number": start.phone.as_str(),
        "request_language": start.request_language,
        "send": start.send,
        "tenant": tenant,
        "user-agent": start.caller.user_agent.as_deref().unwrap_or_default(),
        "username": start.phone.as_str(),
    })
}

fn sent(start: &Start, journal: &Journal) -> Event {
    Event {
        user_name: start.phone.as_str().to_owned(),
        details: Some(json!({"body": start_body(start, &journal.tenant)})),
        ..on_channel("cs", &start.client, &start.channel, &start.caller)
    }
}

fn failed(start: &Start, journal: &Journal, description: &str, kind: &str) -> Event {
    Event {
        description: description.to_owned(),
        user_name: start.phone.as_str().to_owned(),
        details: Some(failure_details(&start_body(start, &journal.tenant), description, kind)),
        ..on_channel("f", &start.client, &start.channel, &start.caller)
    }
}

/// `details` of a failed start: the body, and what the caller was told.
pub fn failure_details(body: &Value, description: &str, kind: &str) -> Value {
    let error = json!({"message": description, "oauthError": description, "type": kind, "uri": null});
    json!({"body": body, "qs": Map::new(), "error": error})
}

fn signed_up(verify: &Verify, user: &User, journal: &Journal) -> Event {
    let body = json!({
        "connection": verify.channel.connection.name,
        "phone_number": verify.username,
        "tenant": &*journal.tenant,
        "user_metadata": Map::new(),
    });
    Event { details: Some(json!({"body": body})), ..of_user("ss", verify, user) }
}

fn signed_in(verify: &Verify, user: &User) -> Event {
    Event {
        audience: verify.audience.clone(),
        scope: verify.scope.clone(),
        details: Some(json!({"prompts": [], "stats": {"loginsCount": user.logins_count}})),
        ..of_user("s", verify, user)
    }
}

fn of_user(kind: &'static str, verify: &Verify, user: &User) -> Event {
    Event {
        user_id: user.user_id.clone(),
        user_name: verify.username.clone(),
        ..on_channel(kind, &verify.client, &verify.channel, &verify.caller)
    }
}

fn not_exchanged(verify: &Verify, refused: &Refused) -> Event {
    Event {
        description: refused.sentence(),
        user_name: verify.username.clone(),
        audience: verify.audience.clone(),
        scope: verify.scope.clone(),
        ..on_channel("fepotpft", &verify.client, &verify.channel, &verify.caller)
    }
}

fn not_signed_up(verify: &Verify) -> Event {
    Event {
        description: Refused::SignupDisabled.sentence(),
        user_name: verify.username.clone(),
        details: Some(json!({"grant_type": "passwordless", "phone_number": verify.username})),
        ..on_channel("fs", &verify.client, &verify.channel, &verify.caller)
    }
}

fn blocked(verify: &Verify) -> Event {
    Event {
        description: format!("{} failed logins from one address", login_failures::MAX_FAILURES),
        user_name: verify.username.clone(),
        ..on_channel("limit_wc", &verify.client, &verify.channel, &verify.caller)
    }
}
