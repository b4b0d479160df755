//! A ticket for an enrolment: a link that lets whoever holds it enrol a second factor for one user, once
//! (<https://auth0.com/docs/secure/multi-factor-authentication/auth0-guardian/create-custom-enrollment-tickets>;
//! `docs/COMPATIBILITY.md` C1840-C1847).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::email::Email;
use super::guardian::Factor;
use super::schema::{self, Field, Format, Invalid, Kind, Object, field};
use crate::kit::clock::{DAY, Millis};

/// A ticket, without the text that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentTicket {
    /// Whose second factor.
    pub user_id: String,
    /// What else its request said.
    pub wishes: Wishes,
    /// When it was made.
    pub created_at: Millis,
    /// Until when it can be used.
    pub expires_at: Millis,
    /// When something was enrolled with it.
    pub used_at: Option<Millis>,
}

/// What a ticket permits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// The one factor that may be enrolled, as the request named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<String>,
    /// Whether somebody who has a factor may enrol another.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_add: bool,
}

impl Wishes {
    /// The factor that may be enrolled; `None` for any.
    pub fn factor(&self) -> Option<Factor> {
        self.factor.as_deref().and_then(|word| if word == "phone" { Some(Factor::Sms) } else { Factor::parse(word) })
    }
}

/// The body of a request for a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The user.
    pub user_id: String,
    /// Where the mail goes, if not to the user's own address.
    pub email: Option<String>,
    /// Whether a mail is to be sent.
    pub send_mail: bool,
    /// Language of the mail.
    pub locale: Option<String>,
    /// What the ticket permits.
    pub wishes: Wishes,
}

/// Reads the body of `POST /guardian/enrollments/ticket`.
pub fn asked(body: &Value) -> Result<Asked, Invalid> {
    let body = schema::without_nulls(schema::check(&CREATE, body)?);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
    Ok(Asked {
        user_id: text("user_id").unwrap_or_default(),
        email: text("email"),
        send_mail: flag("send_mail"),
        locale: text("email_locale"),
        wishes: Wishes { factor: text("factor"), may_add: flag("allow_multiple_enrollments") },
    })
}

/// How long a ticket lives.
pub const LIFETIME: Millis = 5 * DAY;

const ADDRESS: Format = Format { name: "email", is_pattern: false, holds: |text| Email::parse(text).is_some() };
const FACTORS: &[&str] = &["push-notification", "phone", "email", "otp", "webauthn-roaming", "webauthn-platform"];
const FIELDS: &[Field] = &[
    field("user_id", Kind::Text(1, 600), "The user"),
    field("email", Kind::Format(&ADDRESS), "Where the mail goes"),
    field("send_mail", Kind::Bool, "Whether a mail is sent"),
    field("email_locale", Kind::Text(0, 20), "Language of the mail"),
    field("factor", Kind::OneOf(FACTORS), "The factor that may be enrolled"),
    field("allow_multiple_enrollments", Kind::Bool, "Whether a user who has a factor may enrol another"),
];
const CREATE: Object = Object { fields: &[FIELDS], required: &["user_id"], open: false };

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_ticket_is_asked_for_a_user() {
        let asked = asked(&json!({"user_id": "auth0|a", "email": null, "factor": "phone"})).unwrap();
        assert_eq!((asked.user_id.as_str(), asked.send_mail, asked.wishes.may_add), ("auth0|a", false, false));
        assert_eq!(asked.wishes.factor(), Some(Factor::Sms));
        assert_eq!(Wishes::default().factor(), None);
    }

    #[test]
    fn odd_requests_are_refused() {
        for (body, text) in [
            (json!({}), "Missing required property: user_id"),
            (json!({"user_id": ""}), "too short"),
            (json!({"user_id": "a", "factor": "duo"}), "No enum match for: duo"),
            (json!({"user_id": "a", "email": "nobody"}), "format email: nobody"),
            (json!({"user_id": "a", "send_email": true}), "Additional properties not allowed: send_email"),
        ] {
            let message = asked(&body).unwrap_err().message;
            assert!(message.contains(text), "{body}: {message}");
        }
    }
}
