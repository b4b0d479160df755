//! A ticket: a link that lets whoever holds it do one thing for one user once
//! (<https://auth0.com/docs/api/management/v2/tickets>; `docs/COMPATIBILITY.md` C1530-C1539).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::schema::{self, Field, Format, Invalid, Kind, Object, field};
use crate::kit::clock::{Millis, SECOND};

/// What a ticket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A new password.
    PasswordChange,
    /// Confirming an e-mail address.
    EmailVerification,
}

impl Purpose {
    /// The word in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::PasswordChange => "password_change",
            Self::EmailVerification => "email_verification",
        }
    }

    /// Reads the word.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::PasswordChange, Self::EmailVerification].into_iter().find(|purpose| purpose.name() == name)
    }

    /// The page that takes the ticket, as a path.
    pub fn page(self) -> &'static str {
        match self {
            Self::PasswordChange => "/u/reset-verify",
            Self::EmailVerification => "/u/email-verification",
        }
    }
}

/// A ticket, without the text that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose password or address: the row that holds it, which may be linked to another user.
    pub user_id: String,
    /// Id of that user's connection.
    pub connection_id: String,
    /// The application on whose behalf it was made; empty when none was named.
    pub client_id: String,
    /// The address that the user had: with another one the ticket is void. `None` where the user had none.
    pub email: Option<String>,
    /// What else its request said.
    pub wishes: Wishes,
    /// When it was made.
    pub created_at: Millis,
    /// Until when it can be used.
    pub expires_at: Millis,
    /// When it was used.
    pub used_at: Option<Millis>,
}

/// What happens besides, once a ticket is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// Where the browser goes; an address of the operator's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_url: Option<String>,
    /// Whether the user's address travels there too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub include_email: bool,
    /// Whether a new password also confirms the address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mark_email_as_verified: bool,
}

impl Ticket {
    /// Where the browser goes after the ticket was used: the result address with what came of it in its query.
    pub fn destination(&self, success: bool, message: &str) -> Option<String> {
        let mut url = Url::parse(self.wishes.result_url.as_deref()?).ok()?;
        {
            let mut query = url.query_pairs_mut();
            if let (true, Some(email)) = (self.wishes.include_email, &self.email) {
                query.append_pair("email", email);
            }
            query.append_pair("success", if success { "true" } else { "false" }).append_pair("message", message);
        }
        Some(url.into())
    }
}

/// Whom a ticket is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// A user by id.
    User(String),
    /// The user of a connection, by its id, with this address in lower case.
    Address(String, String),
    /// An identity linked to a user: the user's id, and the identity's.
    Identity(String, String),
}

/// The body of a request for a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Whom it is for.
    pub whose: Whose,
    /// Application; empty when none is named.
    pub client_id: String,
    /// What else it says.
    pub wishes: Wishes,
    /// How long the ticket lives.
    pub lifetime: Millis,
}

/// Reads the body of `POST /tickets/password-change` or `/tickets/email-verification`.
pub fn asked(purpose: Purpose, body: &Value) -> Result<Asked, Invalid> {
    let schema = match purpose {
        Purpose::PasswordChange => &PASSWORD_CHANGE,
        Purpose::EmailVerification => &EMAIL_VERIFICATION,
    };
    let body = schema::without_nulls(schema::check(schema, body)?);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
    let whose = whose(&body)?;
    let (result_url, client_id) = (text("result_url"), text("client_id").unwrap_or_default());
    if result_url.is_some() && !client_id.is_empty() {
        return Err(Invalid::body("Cannot set both result_url and client_id"));
    }
    let seconds = body.get("ttl_sec").and_then(schema::integer).filter(|seconds| *seconds > 0);
    Ok(Asked {
        whose,
        client_id,
        wishes: Wishes {
            result_url,
            include_email: flag("includeEmailInRedirect"),
            mark_email_as_verified: flag("mark_email_as_verified"),
        },
        lifetime: seconds.map_or(LIFETIME, |seconds| seconds * SECOND),
    })
}

fn whose(body: &Map<String, Value>) -> Result<Whose, Invalid> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match (text("user_id"), text("connection_id"), text("email")) {
        (Some(_), Some(_), _) => Err(Invalid::body("Cannot set both user_id and connection_id")),
        (Some(_), _, Some(_)) => Err(Invalid::body("Cannot set both user_id and email")),
        (Some(user_id), None, None) => {
            let of = |name: &str| body.get("identity").and_then(|it| it.get(name)).and_then(Value::as_str);
            Ok(match (of("provider"), of("user_id")) {
                (Some(provider), Some(id)) => Whose::Identity(user_id, format!("{provider}|{id}")),
                _ => Whose::User(user_id),
            })
        }
        (None, Some(connection_id), Some(email)) => Ok(Whose::Address(connection_id, email.to_lowercase())),
        (None, Some(_), None) => Err(Invalid::payload("Missing required property: email", "", "")),
        (None, None, Some(_)) => Err(Invalid::payload("Missing required property: connection_id", "", "")),
        (None, None, None) => Err(Invalid::payload("Missing required property: user_id", "", "")),
    }
}

/// Five days.
pub const LIFETIME: Millis = 432_000 * SECOND;
/// Seconds: ten years.
const LONGEST: i64 = 315_360_000;
const RESULT_URL: Format = Format {
    name: "url",
    is_pattern: false,
    holds: |text| {
        text.len() <= 2_048
            && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
    },
};
const IDENTITY: Object = Object {
    fields: &[&[
        field("user_id", Kind::Text(1, 255), "Id of the identity"),
        field("provider", Kind::Text(1, 100), "Provider of the identity"),
        field("connection_id", Kind::Text(0, 100), "Connection of the identity"),
    ]],
    required: &["user_id", "provider"],
    open: false,
};
const ANY: &[Field] = &[
    field("user_id", Kind::Text(1, 600), "The user"),
    field("result_url", Kind::Format(&RESULT_URL), "Where the browser goes once the ticket is used"),
    field("client_id", Kind::Text(0, 255), "Application on whose behalf the ticket is made"),
    field("organization_id", Kind::TEXT, "Organization on whose behalf the ticket is made"),
    field("ttl_sec", Kind::Int(0, LONGEST), "Life of the ticket in seconds"),
    field("includeEmailInRedirect", Kind::Bool, "Whether the address is told to result_url"),
    field("identity", Kind::Object(&IDENTITY), "Identity of the user"),
];
const PASSWORD_CHANGE: Object = Object {
    fields: &[
        ANY,
        &[
            field("connection_id", Kind::Text(1, 100), "Connection of the user"),
            field("email", Kind::Text(1, 320), "Address of the user"),
            field("mark_email_as_verified", Kind::Bool, "Whether a new password confirms the address"),
        ],
    ],
    required: &[],
    open: false,
};
const EMAIL_VERIFICATION: Object = Object { fields: &[ANY], required: &["user_id"], open: false };

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_ticket_is_asked_for_a_user_or_an_address() {
        let asked = |body: Value| asked(Purpose::PasswordChange, &body).unwrap();
        let by_id = asked(json!({"user_id": "auth0|a", "ttl_sec": 0, "result_url": null}));
        assert_eq!((by_id.whose, by_id.lifetime), (Whose::User("auth0|a".into()), LIFETIME));
        let by_email = asked(json!({"connection_id": "con_1", "email": "Ann@B.c", "ttl_sec": 60, "client_id": "x",
            "mark_email_as_verified": true}));
        assert_eq!(by_email.whose, Whose::Address("con_1".into(), "ann@b.c".into()));
        assert_eq!((by_email.lifetime, by_email.wishes.mark_email_as_verified), (60_000, true));
        let linked = asked(json!({"user_id": "sms|1", "identity": {"user_id": "2", "provider": "auth0"}}));
        assert_eq!(linked.whose, Whose::Identity("sms|1".into(), "auth0|2".into()));
    }

    #[test]
    fn requests_that_contradict_themselves_are_refused() {
        for (body, text) in [
            (json!({}), "Missing required property: user_id"),
            (json!({"email": "a@b"}), "Missing required property: connection_id"),
            (json!({"connection_id": "con_1"}), "Missing required property: email"),
            (
                json!({"user_id": "a", "connection_id": "c", "email": "a@b"}),
                "Cannot set both user_id and connection_id",
            ),
            (json!({"user_id": "a", "email": "a@b"}), "Cannot set both user_id and email"),
            (
                json!({"user_id": "a", "result_url": "https://a.example", "client_id": "x"}),
                "Cannot set both result_url and client_id",
            ),
            (json!({"user_id": "a", "result_url": "javascript:alert(1)"}), "format url: javascript:alert(1)"),
            (json!({"user_id": "a", "result_url": "/relative"}), "format url: /relative"),
            (json!({"user_id": "a", "ttl_sec": -1}), "Value -1 is less than minimum 0"),
            (json!({"user_id": "a", "ttl_sec": i64::MAX}), "is greater than maximum 315360000"),
            (json!({"user_id": "a", "new_password": "x"}), "Additional properties not allowed: new_password"),
        ] {
            let message = asked(Purpose::PasswordChange, &body).unwrap_err().message;
            assert!(message.contains(text), "{body}: {message}");
        }
        let message =
            asked(Purpose::EmailVerification, &json!({"connection_id": "c", "email": "a@b"})).unwrap_err().message;
        assert!(message.contains("Additional properties not allowed: connection_id,email"), "{message}");
    }

    #[test]
    fn the_destination_says_what_came_of_it() {
        let mut ticket = Ticket {
            purpose: Purpose::PasswordChange,
            user_id: "auth0|a".into(),
            connection_id: "con_1".into(),
            client_id: String::new(),
            email: Some("a+b@c.example".into()),
            wishes: Wishes::default(),
            created_at: 0,
            expires_at: 1,
            used_at: None,
        };
        assert_eq!(ticket.destination(true, "x"), None);
        ticket.wishes.result_url = Some("https://app.example/done?x=1#top".into());
        assert_eq!(
            ticket.destination(false, "a b").unwrap(),
            "https://app.example/done?x=1&success=false&message=a+b#top"
        );
        ticket.wishes.include_email = true;
        assert_eq!(
            ticket.destination(true, "ok").unwrap(),
            "https://app.example/done?x=1&email=a%2Bb%40c.example&success=true&message=ok#top"
        );
    }
}
