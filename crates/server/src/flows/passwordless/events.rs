//! What the tenant log says of a start and of a redeemed code (C571-C582).

use ringpass_core::model::client::Client;
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::event::{self, Details, Event};
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::user::User;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::flows::caller::Caller;
use crate::flows::grant::Refused;
use crate::flows::guard::Alarm;
use crate::flows::record::{self, Journal};
use crate::snapshot::Channel;

use super::{Start, Verify};

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

/// `details.body` of a start.
#[derive(Serialize)]
struct StartBody<'a> {
    #[serde(rename = "authParams")]
    auth_params: Value,
    client_id: &'a str,
    connection: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    ip: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    request_language: &'a str,
    send: &'a str,
    tenant: &'a str,
    #[serde(rename = "user-agent")]
    user_agent: &'a str,
    username: &'a str,
}

impl<'a> StartBody<'a> {
    fn of(start: &'a Start, journal: &'a Journal) -> Self {
        Self {
            auth_params: event::masked(&start.auth_params),
            client_id: &start.client.id,
            connection: &start.channel.connection.name,
            email: start.identifier.email(),
            ip: &start.caller.ip,
            phone_number: start.identifier.phone(),
            request_language: &start.request_language,
            send: &start.send,
            tenant: &journal.tenant,
            user_agent: start.caller.user_agent.as_deref().unwrap_or_default(),
            username: start.identifier.as_str(),
        }
    }
}

/// `details` that are a body.
#[derive(Serialize)]
struct Body<T> {
    body: T,
}

pub(super) fn sent(start: &Start, journal: &Journal) -> Event {
    let kind = if start.identifier.phone().is_some() { "cs" } else { "cls" };
    Event {
        user_name: start.identifier.as_str().to_owned(),
        details: Details::of(&Body { body: StartBody::of(start, journal) }),
        ..on_channel(kind, &start.client, &start.channel, &start.caller)
    }
}

pub(super) fn failed(start: &Start, journal: &Journal, description: &str, kind: &str) -> Event {
    Event {
        description: description.to_owned(),
        user_name: start.identifier.as_str().to_owned(),
        details: Details::of(&failure_details(&json!(StartBody::of(start, journal)), description, kind)),
        ..on_channel("f", &start.client, &start.channel, &start.caller)
    }
}

/// `details` of a failed start: the body, and what the caller was told.
pub fn failure_details(body: &Value, description: &str, kind: &str) -> Value {
    let error = json!({"message": description, "oauthError": description, "type": kind, "uri": null});
    json!({"body": body, "qs": Map::new(), "error": error})
}

pub(super) fn signed_up(verify: &Verify, user: &User, journal: &Journal) -> Event {
    #[derive(Serialize)]
    struct SignUp<'a> {
        connection: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phone_number: Option<&'a str>,
        tenant: &'a str,
        user_metadata: Empty,
    }
    let connection = &verify.channel.connection.name;
    let (email, phone_number) = names(verify);
    let body = SignUp { connection, email, phone_number, tenant: &journal.tenant, user_metadata: Empty {} };
    Event { details: Details::of(&Body { body }), ..of_user("ss", verify, user) }
}

/// The address and the number, of which there is at most one.
fn names(verify: &Verify) -> (Option<&str>, Option<&str>) {
    let identifier = verify.identifier.as_ref();
    (identifier.and_then(Identifier::email), identifier.and_then(Identifier::phone))
}

/// `details` of a sign-in.
#[derive(Serialize)]
struct Login<'a> {
    prompts: [&'static str; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    stats: Stats,
}

#[derive(Serialize)]
struct Stats {
    #[serde(rename = "loginsCount")]
    logins_count: i64,
}

/// `{}`.
#[derive(Serialize)]
struct Empty {}

pub(super) fn signed_in(verify: &Verify, user: &User, scope: &str, session_id: Option<&str>) -> Event {
    let login = Login { prompts: [], session_id, stats: Stats { logins_count: user.logins_count } };
    Event {
        audience: verify.audience.clone(),
        scope: scope.to_owned(),
        details: Details::of(&login),
        ..of_user(verify.way.events().0, verify, user)
    }
}

/// The code is right, and a second factor is asked for.
pub(super) fn waiting(verify: &Verify, user: &User, scope: &str) -> Event {
    Event { audience: verify.audience.clone(), scope: scope.to_owned(), ..of_user("mfar", verify, user) }
}

fn of_user(kind: &'static str, verify: &Verify, user: &User) -> Event {
    Event {
        user_id: user.user_id.clone(),
        user_name: verify.username().to_owned(),
        ..on_channel(kind, &verify.client, &verify.channel, &verify.caller)
    }
}

pub(super) fn not_exchanged(verify: &Verify, refused: &Refused) -> Event {
    Event {
        description: refused.sentence(),
        user_name: verify.username().to_owned(),
        audience: verify.audience.clone(),
        scope: verify.scope.clone(),
        ..on_channel(verify.way.events().1, &verify.client, &verify.channel, &verify.caller)
    }
}

pub(super) fn not_signed_up(verify: &Verify) -> Event {
    #[derive(Serialize)]
    struct Refusal<'a> {
        grant_type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phone_number: Option<&'a str>,
    }
    let (email, phone_number) = names(verify);
    Event {
        description: Refused::SignupDisabled.sentence(),
        user_name: verify.username().to_owned(),
        details: Details::of(&Refusal { grant_type: "passwordless", email, phone_number }),
        ..on_channel("fs", &verify.client, &verify.channel, &verify.caller)
    }
}

/// What the failure of a try set off.
pub(super) fn alarms(verify: &Verify, alarm: Alarm) -> impl Iterator<Item = Event> {
    let what = if verify.channel.connection.strategy == Strategy::Email { "e-mail address" } else { "number" };
    let blocked = alarm.blocked_after.map(|failures| ("limit_wc", format!("{failures} failed logins at one {what}")));
    let throttled =
        alarm.throttled_after.map(|failures| ("limit_mu", format!("{failures} failed logins from one address")));
    let crowded = alarm.crowded_after.map(|users| ("limit_mu", format!("{users} users signed up from one address")));
    blocked.into_iter().chain(throttled).chain(crowded).map(|(kind, description)| Event {
        description,
        user_name: verify.username().to_owned(),
        ..on_channel(kind, &verify.client, &verify.channel, &verify.caller)
    })
}
