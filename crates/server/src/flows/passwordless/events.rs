//! What the tenant log says of a start and of a redeemed code (C571-C582).

use ringpass_core::model::client::Client;
use ringpass_core::model::event::{self, Event};
use ringpass_core::model::user::User;
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

pub(super) fn sent(start: &Start, journal: &Journal) -> Event {
    Event {
        user_name: start.phone.as_str().to_owned(),
        details: Some(json!({"body": start_body(start, &journal.tenant)})),
        ..on_channel("cs", &start.client, &start.channel, &start.caller)
    }
}

pub(super) fn failed(start: &Start, journal: &Journal, description: &str, kind: &str) -> Event {
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

pub(super) fn signed_up(verify: &Verify, user: &User, journal: &Journal) -> Event {
    let body = json!({
        "connection": verify.channel.connection.name,
        "phone_number": verify.username,
        "tenant": &*journal.tenant,
        "user_metadata": Map::new(),
    });
    Event { details: Some(json!({"body": body})), ..of_user("ss", verify, user) }
}

pub(super) fn signed_in(verify: &Verify, user: &User, granted: &Granted) -> Event {
    Event {
        audience: verify.audience.clone(),
        scope: granted.scope_text(),
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
        details: Some(json!({"grant_type": "passwordless", "phone_number": verify.username})),
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
