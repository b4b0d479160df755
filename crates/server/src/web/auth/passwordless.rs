//! `POST /passwordless/start`: reads and checks a start, in the order of `docs/COMPATIBILITY.md` C217.

use std::sync::Arc;

use http::{StatusCode, header};
use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::email::Email;
use ringpass_core::model::event::{self, Details, Event};
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::phone::Phone;
use serde_json::{Map, Value, json};

use super::body::{self, Members, type_name};
use super::client::{Checked, Credentials};
use super::error::{AuthError, with_window};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::passwordless::{self as flow, Door, Start};
use crate::flows::record;
use crate::snapshot::Channel;
use crate::web::{Call, Reply, peer};

/// Members of a start; any other is refused (C201, C228).
const MEMBERS: &[&str] = &[
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "connection",
    "phone_number",
    "email",
    "send",
    "authParams",
    "captcha",
    "auth0Client",
    "response_type",
    "redirect_uri",
    "scope",
];

/// Members that older clients send beside `authParams`, folded into it (C205).
const FOLDED: &[&str] = &["auth0Client", "response_type", "redirect_uri", "scope"];

/// Sends a one-time code.
pub(super) async fn start(app: Arc<App>, call: Call) -> Result<Reply, AuthError> {
    let mut seen = Seen { caller: peer::caller(&call, None), ..Seen::default() };
    let answer = admit(&app, &call, &mut seen).await;
    if let Err(AuthError::TooManyRequests(..)) = answer {
        flow::note_limit(&app, &seen.caller).await?;
    }
    answer
}

async fn admit(app: &App, call: &Call, seen: &mut Seen) -> Result<Reply, AuthError> {
    if call.header("auth0-forwarded-for").is_none()
        && let Some((window, wait)) = flow::too_many_starts(app, &seen.caller.ip)
    {
        return Err(AuthError::TooManyRequests(window, wait));
    }
    let body = body::read(call, &AuthError::BadBody);
    let checked = match &body {
        Ok(body) => check(app, call, body, seen).await,
        Err(error) => Err(error.clone()),
    };
    let start = match checked {
        Ok(start) => start,
        Err(error) => return refuse(app, seen, body.unwrap_or_default(), error).await,
    };
    let identifier = start.identifier.clone();
    let reply = match flow::start(app, start).await {
        Ok(started) => {
            let body = match &identifier {
                Identifier::Phone(phone) => {
                    json!({"_id": started.id, "phone_number": phone.as_str(), "phone_verified": true})
                }
                Identifier::Email(email) => json!({"_id": started.id, "email": email.as_str(), "email_verified": true}),
            };
            Reply::json(StatusCode::OK, &body)
        }
        Err(refused) => match AuthError::from(refused) {
            limited @ AuthError::TooManyRequests(..) => return Err(limited),
            error => error.reply(),
        },
    };
    Ok(with_bucket(app, &seen.caller.ip, reply))
}

/// A malformed start, charged to an address that nobody merely claims, and told to the log.
async fn refuse(app: &App, seen: &Seen, body: Members, error: AuthError) -> Result<Reply, AuthError> {
    if matches!(error, AuthError::Server | AuthError::Unavailable) {
        return Err(error);
    }
    let ip = &seen.caller.ip;
    if let Some((window, wait)) = flow::too_many_starts(app, ip) {
        return Err(AuthError::TooManyRequests(window, wait));
    }
    flow::charge_malformed(app, ip);
    record_failure(app, seen, body, &error).await?;
    Ok(with_bucket(app, ip, error.reply()))
}

/// Every answer of a start shows its bucket.
fn with_bucket(app: &App, ip: &str, reply: Reply) -> Reply {
    match flow::start_window(app, ip) {
        Some(window) => with_window(reply, window),
        None => reply,
    }
}

/// What was known of a start when it failed, for its log event.
#[derive(Default)]
struct Seen {
    client: Option<Arc<Client>>,
    channel: Option<Arc<Channel>>,
    /// The peer, until a trusted client has proven itself.
    caller: Caller,
}

async fn check(app: &App, call: &Call, body: &Members, seen: &mut Seen) -> Result<Start, AuthError> {
    let unknown: Vec<String> = body.keys().filter(|name| !MEMBERS.contains(&name.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(AuthError::UnknownMembers(unknown));
    }
    let credentials = Credentials::read(call, |name| text(body, name))?;
    if !credentials.name_a_client() {
        return Err(AuthError::MissingProperty("client_id"));
    }
    let checked = credentials.check(app).await?;
    let client = match &checked {
        Checked::Proven(client)
        | Checked::Public(client)
        | Checked::Unproven(client)
        | Checked::Wrong(client)
        | Checked::Refused(_, Some(client)) => client,
        Checked::Unknown => return Err(AuthError::NoSuchClient),
        Checked::Refused(why, None) => return Err(AuthError::BadAssertion(why.clone())),
    };
    seen.client = Some(Arc::clone(client));
    let name = text(body, "connection")?.ok_or(AuthError::MissingProperty("connection"))?;
    let channel = find_channel(app, name, client).await?;
    seen.channel = Some(Arc::clone(&channel));
    let must_prove = app.snapshot().settings.enforce_client_authentication_on_passwordless_start();
    let proven = match &checked {
        Checked::Wrong(_) | Checked::Unknown => return Err(AuthError::Unauthorized),
        Checked::Refused(why, _) => return Err(AuthError::BadAssertion(why.clone())),
        Checked::Unproven(_) if must_prove => return Err(AuthError::ClientAuthenticationRequired),
        Checked::Proven(client) => Some(&**client),
        Checked::Unproven(_) | Checked::Public(_) => None,
    };
    if proven.is_some_and(Client::is_token_endpoint_ip_header_trusted) {
        seen.caller = peer::caller(call, proven);
    }
    let auth_params = auth_params(body)?;
    let send = match body.get("send") {
        None | Some(Value::Null) => "",
        Some(Value::String(send)) if send == "code" || send == "link" => send,
        Some(_) => return Err(AuthError::BadSend),
    };
    let identifier = identifier(app, body, channel.connection.strategy)?;
    let language = call.header("x-request-language").or_else(|| call.header(header::ACCEPT_LANGUAGE.as_str()));
    Ok(Start {
        caller: seen.caller.clone(),
        client: Arc::clone(client),
        channel,
        // A text message has no link, whatever was asked for (C203).
        link: send != "code" && identifier.email().is_some(),
        identifier,
        door: Door::Api,
        request_language: language.unwrap_or_default().to_owned(),
        send: send.to_owned(),
        auth_params,
    })
}

async fn find_channel(app: &App, name: &str, client: &Client) -> Result<Arc<Channel>, AuthError> {
    let found = app.find(|snapshot| snapshot.channel(name, &client.id)).await?;
    let mut channel = found.ok_or(AuthError::NoSuchConnection)?;
    if !channel.connection.is_enabled_for(&client.id) {
        // Another node may have enabled it a moment ago.
        app.refresh().await?;
        channel = app.snapshot().channel(name, &client.id).ok_or(AuthError::NoSuchConnection)?;
    }
    if !channel.connection.is_enabled_for(&client.id) {
        return Err(AuthError::ConnectionDisabled);
    }
    match channel.connection.strategy {
        Strategy::Sms | Strategy::Email => Ok(channel),
        Strategy::Auth0 => Err(AuthError::NotPasswordless),
    }
}

/// Whom the code goes to: the member that the connection's strategy asks for.
fn identifier(app: &App, body: &Members, strategy: Strategy) -> Result<Identifier, AuthError> {
    if strategy == Strategy::Email {
        let sent = text(body, "email")?.ok_or(AuthError::MissingProperty("email"))?;
        return Email::parse(sent).map(Identifier::Email).ok_or_else(|| AuthError::BadEmail(sent.to_owned()));
    }
    let phone = text(body, "phone_number")?.ok_or(AuthError::MissingProperty("phone_number"))?;
    let phone = Phone::parse(phone).ok_or(AuthError::BadPhoneNumber)?;
    if phone.refused(app.snapshot().countries.as_ref()) {
        return Err(AuthError::PhoneNotAllowed);
    }
    Ok(Identifier::Phone(phone))
}

/// An optional text member; null counts as absent, another type is an error (C247).
fn text<'a>(body: &'a Members, name: &'static str) -> Result<Option<&'a str>, AuthError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(AuthError::WrongType { property: name, found: type_name(other), expected: "string" }),
    }
}

fn auth_params(body: &Members) -> Result<Value, AuthError> {
    let mut params = match body.get("authParams") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params.clone(),
        Some(other) => {
            return Err(AuthError::WrongType { property: "authParams", found: type_name(other), expected: "object" });
        }
    };
    for name in FOLDED {
        if let Some(value) = body.get(*name) {
            params.entry(*name).or_insert_with(|| value.clone());
        }
    }
    Ok(params.into())
}

/// Writes the `f` event of a start that never reached the flow.
async fn record_failure(app: &App, seen: &Seen, body: Members, error: &AuthError) -> Result<(), AuthError> {
    let body = event::masked(&Value::Object(body));
    let mut details = flow::failure_details(&body, &error.description(), &error.code());
    if let (AuthError::PhoneNotAllowed, Some(details)) = (error, details.as_object_mut()) {
        details.insert("failure_details".into(), json!({"errorCode": "country_not_allowed"}));
    }
    let connection = seen.channel.as_ref().map(|channel| &channel.connection);
    let event = Event {
        description: error.description(),
        client_id: seen.client.as_ref().map(|client| client.id.clone()).unwrap_or_default(),
        client_name: seen.client.as_ref().map(|client| client.name().to_owned()).unwrap_or_default(),
        connection: connection.map(|connection| connection.name.clone()).unwrap_or_default(),
        connection_id: connection.map(|connection| connection.id.clone()).unwrap_or_default(),
        strategy: connection.map(|connection| connection.strategy.name().to_owned()).unwrap_or_default(),
        strategy_type: connection.map(|connection| connection.strategy.kind().to_owned()).unwrap_or_default(),
        details: Details::of(&details),
        ..record::event("f", &seen.caller)
    };
    let journal = app.journal.clone();
    Ok(app.db.write("passwordless.refused", move |tx| journal.write(tx, event)).await?)
}
