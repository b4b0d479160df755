//! What the tenant log says of a start and of a redeemed code (C571-C582).

use ringpass_core::model::client::Client;
use ringpass_core::model::event::{self, Details, Event};
use ringpass_core::model::user::User;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::flows::caller::Caller;
use crate::flows::grant::{Granted, Refused};
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
    ip: &'a str,
    phone_number: &'a str,
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
            ip: &start.caller.ip,
            phone_number: start.phone.as_str(),
            request_language: &start.request_language,
            send: &start.send,
            tenant: &journal.tenant,
            user_agent: start.caller.user_agent.as_deref().unwrap_or_default(),
            username: start.phone.as_str(),
        }
    }
}

/// `details` that are a body.
#[derive(Serialize)]
struct Body<T> {
    body: T,
}

pub(super) fn sent(start: &Start, journal: &Journal) -> Event {
    Event {
        user_name: start.phone.as_str().to_owned(),
        details: Details::of(&Body { body: StartBody::of(start, journal) }),
        ..on_channel("cs", &start.client, &start.channel, &start.caller)
    }
}

pub(super) fn failed(start: &Start, journal: &Journal, description: &str, kind: &str) -> Event {
    Event {
        description: description.to_owned(),
        user_name: start.phone.as_str().to_owned(),
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
        phone_number: &'a str,
        tenant: &'a str,
        user_metadata: Empty,
    }
    let connection = &verify.channel.connection.name;
    let body = SignUp { connection, phone_number: &verify.username, tenant: &journal.tenant, user_metadata: Empty {} };
    Event { details: Details::of(&Body { body }), ..of_user("ss", verify, user) }
}

/// `details` of a sign-in.
#[derive(Serialize)]
struct Login {
    prompts: [&'static str; 0],
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

pub(super) fn signed_in(verify: &Verify, user: &User, granted: &Granted) -> Event {
    Event {
        audience: verify.audience.clone(),
        scope: granted.scope_text(),
        details: Details::of(&Login { prompts: [], stats: Stats { logins_count: user.logins_count } }),
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

pub(super) fn not_exchanged(verify: &Verify, refused: &Refused) -> Event {
    Event {
        description: refused.sentence(),
        user_name: verify.username.clone(),
        audience: verify.audience.clone(),
        scope: verify.scope.clone(),
        ..on_channel("fepotpft", &verify.client, &verify.channel, &verify.caller)
    }
}

pub(super) fn not_signed_up(verify: &Verify) -> Event {
    Event {
        description: Refused::SignupDisabled.sentence(),
        user_name: verify.username.clone(),
        details: Details::of(&json!({"grant_type": "passwordless", "phone_number": verify.username})),
        ..on_channel("fs", &verify.client, &verify.channel, &verify.caller)
    }
}

/// What the failure of a try set off.
pub(super) fn alarms(verify: &Verify, alarm: Alarm) -> impl Iterator<Item = Event> {
    let blocked = alarm.blocked_after.map(|failures| ("limit_wc", format!("{failures} failed logins at one number")));
    let throttled =
        alarm.throttled_after.map(|failures| ("limit_mu", format!("{failures} failed logins from one address")));
    let crowded = alarm.crowded_after.map(|users| ("limit_mu", format!("{users} users signed up from one address")));
    blocked.into_iter().chain(throttled).chain(crowded).map(|(kind, description)| Event {
        description,
        user_name: verify.username.clone(),
        ..on_channel(kind, &verify.client, &verify.channel, &verify.caller)
    })
}
