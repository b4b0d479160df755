//! What the tenant log says of second factors: the `gd_*` types (`docs/COMPATIBILITY.md` C1795).

use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::event::{Details, Event};
use serde_json::{Value, json};

use super::Claimant;
use crate::flows::record;

/// An event about a claimant, and the authenticator that it is about, if there is one.
pub fn event(kind: &'static str, claimant: &Claimant, one: Option<&Authenticator>) -> Event {
    let details = json!({"authenticator": one.map(about)});
    Event {
        user_id: claimant.user.user_id.clone(),
        user_name: claimant.user.identifier().unwrap_or_default().to_owned(),
        connection: claimant.user.connection.clone(),
        client_id: claimant.client.id.clone(),
        client_name: claimant.client.name().to_owned(),
        details: one.and_then(|_| Details::of(&details)),
        ..record::event(kind, &claimant.caller)
    }
}

/// The same for a failure: what the log calls it, and why.
pub(super) fn failure(
    kind: &'static str,
    claimant: &Claimant,
    one: Option<&Authenticator>,
    code: &str,
    why: &str,
) -> Event {
    let mut details = json!({"failure_details": {"errorCode": code, "message": why}});
    if let (Some(one), Some(members)) = (one, details.as_object_mut()) {
        members.insert("authenticator".into(), about(one));
    }
    Event { description: why.to_owned(), details: Details::of(&details), ..event(kind, claimant, None) }
}

/// `details.authenticator`: never more of a number than its end.
pub fn about(one: &Authenticator) -> Value {
    let mut about = json!({"id": one.id, "type": one.kind.name()});
    let name = if one.kind == Kind::Email { "email" } else { "phone_number" };
    if let (Some(masked), Some(members)) = (one.masked(), about.as_object_mut()) {
        members.insert(name.into(), masked.into());
    }
    about
}
