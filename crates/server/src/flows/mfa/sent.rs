//! What the tenant log says of the messages of second factors (`docs/COMPATIBILITY.md` C1740-C1743). No code and no text
//! is ever in it, and of a number no more than the operator wants to see.

use ringpass_core::model::authenticator::{Authenticator, mask_phone};
use ringpass_core::model::event::{Details, Event, MASK};
use ringpass_core::model::guardian::MessageType;
use serde_json::{Map, Value, json};

use super::send::{Attempt, Outcome, Outgoing};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::record;

/// The request that a message comes of.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
}

/// What came of a message to the phone `authenticator`: `gd_send_sms`, `gd_send_voice`, or the failure of one.
pub fn event(
    app: &App,
    message: &Outgoing,
    attempt: &Attempt,
    authenticator: &Authenticator,
    (place, caller): (Place, &Caller),
) -> Event {
    let failure = failure(message, attempt);
    let kind = match (message.message_type, &failure) {
        (MessageType::Sms, None) => "gd_send_sms",
        (MessageType::Sms, Some(_)) => "gd_send_sms_failure",
        (MessageType::Voice, None) => "gd_send_voice",
        (MessageType::Voice, Some(_)) => "gd_send_voice_failure",
    };
    let whole = app.snapshot().settings.disable_management_api_sms_obfuscation();
    let number = if whole { message.to.as_str().to_owned() } else { mask_phone(message.to.as_str()) };
    let channel = message.message_type.name();
    let mut details = Map::new();
    let mut set = |name: &str, value: Value| drop(details.insert(name.to_owned(), value));
    set("request", request(place, caller));
    let id = format!("{channel}|{}", authenticator.id);
    set("authenticator", json!({"id": id, "type": channel, "phone_number": number}));
    set(
        "enrollment",
        json!({
            "_id": authenticator.id, "user_id": authenticator.user_id, "tenant": &*app.journal.tenant,
            "phone_number": number,
        }),
    );
    set("provider", attempt.provider.name().into());
    if let Outcome::Sent(Some(id)) = &attempt.outcome {
        set("provider_message_id", id.as_str().into());
    }
    if let Some((error, sentence)) = failure {
        set("failure_details", json!({"errorCode": error, "message": sentence}));
    }
    if let Some(refused) = attempt.refused() {
        let mut said = without_code(refused.provider_message.expose(), message.code.expose());
        if !whole {
            // Providers like to quote the number, some without its plus sign.
            let digits = |text: &str| text.get(1..).unwrap_or_default().to_owned();
            said = said.replace(message.to.as_str(), &number).replace(&digits(message.to.as_str()), &digits(&number));
        }
        set("provider_error", json!({"errorCode": refused.provider_code, "message": said}));
    }
    Event {
        client_id: message.client.id.clone(),
        client_name: message.client.name().to_owned(),
        user_id: authenticator.user_id.clone(),
        details: Details::of(&details),
        ..record::event(kind, caller)
    }
}

/// Code and sentence of a message that nobody gets.
fn failure(message: &Outgoing, attempt: &Attempt) -> Option<(&'static str, &'static str)> {
    match &attempt.outcome {
        Outcome::Sent(_) => None,
        Outcome::Swallowed => Some(("too_many_sms_per_tenant", "The built-in sender has sent all it ever will")),
        Outcome::Refused(refused) if refused.error == "invalid_phone_number" => {
            Some((refused.error, "Invalid phone number"))
        }
        Outcome::Refused(refused) => Some(match message.message_type {
            MessageType::Sms => (refused.error, "There was an error sending the SMS"),
            MessageType::Voice => (refused.error, "There was an error making the voice call"),
        }),
    }
}

/// A foreign sentence without the code, should a provider quote what it was given: together, or digit by digit.
fn without_code(said: &str, code: &str) -> String {
    let spelled = |between: &str| code.chars().map(String::from).collect::<Vec<_>>().join(between);
    ["", ". ", ", ", " "].into_iter().fold(said.to_owned(), |said, between| said.replace(&spelled(between), MASK))
}

fn request(place: Place, caller: &Caller) -> Value {
    json!({"ip": caller.ip, "method": place.method, "path": place.path, "userAgent": caller.user_agent})
}
