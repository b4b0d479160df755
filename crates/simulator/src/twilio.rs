//! The other side of Twilio: one account that takes messages and calls, and answers as
//! <https://www.twilio.com/docs/messaging/api/message-resource> and
//! <https://www.twilio.com/docs/voice/api/call-resource> document, or as a script says.

use std::fmt;
use std::io;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::{Gateway, Received, Reply};

/// One Twilio account on `127.0.0.1`. A request for another account, with other credentials or with a member missing is
/// refused as Twilio refuses it; the rest is scripted as with a [`Gateway`], and taken when the script is empty.
pub struct Twilio(Gateway);

impl Twilio {
    /// Starts listening, on the current tokio runtime.
    pub async fn start(sid: &str, token: &str) -> io::Result<Self> {
        let gateway = Gateway::start().await?;
        let (account, sid) = (format!("/2010-04-01/Accounts/{sid}/"), sid.to_owned());
        let credentials = format!("Basic {}", STANDARD.encode(format!("{sid}:{token}")));
        gateway.judge_by(move |received| {
            let resource = received.path.strip_prefix(&account).filter(|_| received.method == Method::POST);
            let judge = match resource {
                Some("Messages.json") => message,
                Some("Calls.json") => call,
                _ => return Err(fault(20404)),
            };
            if received.header("authorization") != Some(&credentials) {
                return Err(fault(20003));
            }
            judge(&sid, received)
        });
        Ok(Self(gateway))
    }

    /// What stands in place of `https://api.twilio.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Stops listening and closes every connection; when it returns, a new connection is refused.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

impl Deref for Twilio {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.0
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Twilio").field(&self.0).finish()
    }
}

/// Twilio's refusal with one of [`FAULTS`]; an unknown code is Twilio's own failure, 20500.
pub fn fault(code: u32) -> Reply {
    let known = FAULTS.iter().find(|(known, ..)| *known == code);
    let (code, status, message) = known.copied().unwrap_or((20500, 500, "Internal Server Error"));
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    json_reply(status, &json!({"code": code, "message": message, "more_info": more, "status": status}))
}

/// What Twilio says of an order for a message.
fn message(sid: &str, received: &Received) -> Result<Reply, Reply> {
    match (received.form("To"), received.form("Body"), received.form("From"), received.form("MessagingServiceSid")) {
        (None, ..) => Err(fault(21604)),
        (_, None, ..) => Err(fault(21602)),
        (_, _, None, None) => Err(fault(21603)),
        (Some(to), Some(body), from, service) => Ok(taken(sid, &to, &body, from, service)),
    }
}

/// What Twilio says of an order for a call. It reads TwiML no further than to know that it is some.
fn call(sid: &str, received: &Received) -> Result<Reply, Reply> {
    let speech = received.form("Twiml").filter(|it| it.starts_with("<Response>") && it.ends_with("</Response>"));
    match (received.form("To"), received.form("From"), speech) {
        (None, ..) => Err(fault(21201)),
        (_, None, _) => Err(fault(21213)),
        (.., None) => Err(fault(21205)),
        (.., Some(speech)) if speech.chars().count() > 4_000 => Err(fault(21205)),
        (Some(to), Some(from), Some(_)) => Ok(called(sid, &to, &from)),
    }
}

/// The success of a message: 201, and the message is queued, or accepted by a messaging service.
fn taken(sid: &str, to: &str, body: &str, from: Option<String>, service: Option<String>) -> Reply {
    let message = "SM0123456789abcdef0123456789abcdef";
    let uri = format!("/2010-04-01/Accounts/{sid}/Messages/{message}");
    let date = "Fri, 02 Jan 2026 03:04:05 +0000";
    json_reply(
        201,
        &json!({
            "account_sid": sid, "api_version": "2010-04-01", "body": body, "date_created": date, "date_sent": null,
            "date_updated": date, "direction": "outbound-api", "error_code": null, "error_message": null,
            "from": from, "messaging_service_sid": service, "num_media": "0",
            "num_segments": if service.is_some() { "0" } else { "1" }, "price": null, "price_unit": null,
            "sid": message, "status": if service.is_some() { "accepted" } else { "queued" },
            "subresource_uris": {"media": format!("{uri}/Media.json")}, "to": to, "uri": format!("{uri}.json"),
        }),
    )
}

/// The success of a call: 201, and the call is queued.
fn called(sid: &str, to: &str, from: &str) -> Reply {
    let call = "CA0123456789abcdef0123456789abcdef";
    let uri = format!("/2010-04-01/Accounts/{sid}/Calls/{call}");
    json_reply(
        201,
        &json!({
            "account_sid": sid, "answered_by": null, "api_version": "2010-04-01", "caller_name": null,
            "date_created": null, "date_updated": null, "direction": "outbound-api", "duration": null,
            "end_time": null, "forwarded_from": null, "from": from, "from_formatted": from, "group_sid": null,
            "parent_call_sid": null, "phone_number_sid": "PN0123456789abcdef0123456789abcdef", "price": null,
            "price_unit": "USD", "queue_time": "0", "sid": call, "start_time": null, "status": "queued",
            "subresource_uris": {"recordings": format!("{uri}/Recordings.json")}, "to": to, "to_formatted": to,
            "trunk_sid": null, "uri": format!("{uri}.json"),
        }),
    )
}

fn json_reply(status: u16, body: &serde_json::Value) -> Reply {
    Reply::Body { status, content_type: "application/json", body: Bytes::from(body.to_string()) }
}

/// Codes that Twilio answers a message or a call with: code, HTTP status, message. Codes from 30000 on are told later, never in the
/// answer.
pub const FAULTS: &[(u32, u16, &str)] = &[
    (20003, 401, "Authenticate"),
    (20404, 404, "The requested resource was not found"),
    (20429, 429, "Too Many Requests"),
    (20500, 500, "Internal Server Error"),
    (21201, 400, "No 'To' number is specified"),
    (21205, 400, "Url or Twiml is not valid"),
    (21211, 400, "The 'To' number +4915112345678 is not a valid phone number."),
    (21212, 400, "The 'From' number 123 is not a valid phone number, shortcode, or alphanumeric sender ID."),
    (21213, 400, "'From' phone number is required"),
    (21214, 400, "'To' phone number cannot be reached"),
    (21215, 400, "Account not authorized to call +4915112345678"),
    (21216, 400, "Account not allowed to call +4915112345678"),
    (21217, 400, "Phone number does not appear to be valid"),
    (
        21408,
        400,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: +4915112345678.",
    ),
    (21602, 400, "Message body is required."),
    (21603, 400, "A 'From' phone number is required."),
    (21604, 400, "A 'To' phone number is required."),
    (
        21606,
        400,
        "The From phone number +15550009999 is not a valid, SMS-capable inbound phone number or short code for your account.",
    ),
    (21608, 400, "The number +4915112345678 is unverified. Trial accounts cannot send messages to unverified numbers."),
    (21610, 400, "Attempt to send to unsubscribed recipient"),
    (21611, 429, "This 'From' number has exceeded the maximum number of queued messages"),
    (
        21612,
        400,
        "The 'To' phone number: +4915112345678, is not currently reachable using the 'From' phone number: +15550009999 via SMS.",
    ),
    (21614, 400, "'To' number is not a valid mobile number"),
    (21617, 400, "The concatenated message body exceeds the 1600 character limit."),
    (21703, 400, "The Messaging Service does not have a phone number available to send a message"),
    (21705, 400, "The Messaging Service Sid MG77 is invalid."),
];
