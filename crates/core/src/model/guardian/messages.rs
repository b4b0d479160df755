//! What messages of the phone factor say, and Twilio's settings for sending them (`docs/COMPATIBILITY.md` C1658-C1661).

use serde_json::{Map, Value, json};

use super::MessageType;
use crate::kit::secret::Secret;
use crate::model::schema::{self, Field, Format, Invalid, Kind, Object, field};
use crate::model::template;

/// The two texts of the phone factor, written in Liquid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// Sent while a phone is enrolled.
    pub enrollment_message: String,
    /// Sent ever after.
    pub verification_message: String,
}

impl Templates {
    /// What a tenant without texts of its own is shown. Messages in other languages than English have built-in texts too.
    pub fn built_in() -> Self {
        Self { enrollment_message: ENROLLMENT.to_owned(), verification_message: VERIFICATION.to_owned() }
    }

    /// Reads a body. Both texts must be there, and be templates that can be rendered.
    pub(super) fn parse(body: &Value) -> Result<Self, Invalid> {
        let body = schema::check(&TEMPLATES, body)?;
        for field in TEXTS {
            let text = body.get(field.name).and_then(Value::as_str).unwrap_or_default();
            template::check(text, Some("liquid")).map_err(|error| {
                let reason = format!("Object didn't pass validation for format liquid: {error}");
                Invalid::payload(&reason, field.name, field.about)
            })?;
        }
        Self::stored(&Value::Object(body.clone())).ok_or_else(|| Invalid::payload("Expected type string", "", ""))
    }

    /// From the database.
    pub(super) fn stored(value: &Value) -> Option<Self> {
        let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        Some(Self {
            enrollment_message: text("enrollment_message")?,
            verification_message: text("verification_message")?,
        })
    }

    /// The object on the wire.
    pub fn view(&self) -> Value {
        json!({
            "enrollment_message": self.enrollment_message,
            "verification_message": self.verification_message,
        })
    }
}

/// How this tenant calls Twilio. Empty texts count as not set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TwilioSettings {
    /// The account's token.
    pub auth_token: Option<Secret>,
    /// The account.
    pub sid: Option<String>,
    /// A number, a short code or a name that messages come from; calls need a number.
    pub from: Option<String>,
    /// A set of senders at Twilio; messages prefer it.
    pub messaging_service_sid: Option<String>,
}

impl TwilioSettings {
    /// Reads the body of `PUT /guardian/factors/phone/providers/twilio`; what it leaves out is not set.
    pub fn parse(body: &Value) -> Result<Self, Invalid> {
        schema::check(&TWILIO, body).map(Self::stored)
    }

    /// The same with the token there is, where none was sent and the account is still the same: whoever never sees it could
    /// not send it back.
    #[must_use]
    pub fn keeping_token_of(mut self, old: Option<&Self>) -> Self {
        if let (None, Some(old)) = (&self.auth_token, old.filter(|old| old.sid == self.sid)) {
            self.auth_token.clone_from(&old.auth_token);
        }
        self
    }

    /// From the database.
    pub fn stored(document: &Map<String, Value>) -> Self {
        let text = |name: &str| document.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            auth_token: text("auth_token").map(Secret::new),
            sid: text("sid"),
            from: text("from"),
            messaging_service_sid: text("messaging_service_sid"),
        }
    }

    /// The whole object, token and all: what is read back on the wire unless the server hides it, and what is sealed.
    pub fn document(&self) -> Map<String, Value> {
        let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let mut document = Map::with_capacity(4);
        let token = self.auth_token.as_ref().map_or(Value::Null, |token| token.expose().into());
        document.insert("auth_token".into(), token);
        document.insert("sid".into(), text(&self.sid));
        document.insert("from".into(), text(&self.from));
        document.insert("messaging_service_sid".into(), text(&self.messaging_service_sid));
        document
    }

    /// What is missing for messages of these kinds, as the end of a sentence to the operator.
    pub fn lack(&self, kinds: &[MessageType]) -> Option<&'static str> {
        let voice = kinds.contains(&MessageType::Voice);
        match self {
            Self { sid: None, .. } => Some("sid is not set"),
            Self { sid: Some(sid), .. } if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Some("sid holds more than letters and digits")
            }
            Self { auth_token: None, .. } => Some("auth_token is not set"),
            Self { from: None, messaging_service_sid: None, .. } => {
                Some("neither from nor messaging_service_sid is set")
            }
            Self { from: None, .. } if voice => Some("from is not set, and a call needs it"),
            _ => None,
        }
    }
}

const TEXTS: &[Field] = &[
    field("enrollment_message", Kind::TEXT, "Text of the message that enrolls a phone"),
    field("verification_message", Kind::TEXT, "Text of every later message"),
];
const TEMPLATES: Object =
    Object { fields: &[TEXTS], required: &["enrollment_message", "verification_message"], open: false };

const TWILIO: Object = Object {
    fields: &[&[
        field("from", Kind::Format(&SENDER), "From number"),
        field("messaging_service_sid", Kind::Text(0, LONGEST), "Copilot SID"),
        field("auth_token", Kind::Text(0, LONGEST), "Twilio authentication token"),
        field("sid", Kind::Text(0, LONGEST), "Twilio SID"),
    ]],
    required: &[],
    open: false,
};
const SENDER: Format = Format { name: "phone-sender", is_pattern: false, holds: is_sender };

/// A number with or without its plus sign, a short code, or a name of at most 11 letters, digits and spaces.
fn is_sender(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = text.len() <= 11 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    is_number || is_name
}

/// Characters of a setting.
const LONGEST: usize = 256;
const ENROLLMENT: &str = "{{code}}: use this code to register your phone with {{tenant.friendly_name}}.";
const VERIFICATION: &str = "{{code}} is your {{tenant.friendly_name}} sign-in code.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_must_be_templates() {
        let body = |first: &str, second: &str| json!({"enrollment_message": first, "verification_message": second});
        for (body, text) in [
            (json!({"enrollment_message": "x"}), "Missing required property: verification_message"),
            (body("{{ code", "x"), "format liquid: line 1: `{{` is not closed by `}}`' on property enrollment_message"),
            (body("x", "{% nope %}"), "on property verification_message (Text of every later message)"),
            (body("x", &"a".repeat(2_001)), "2001 characters, 2000 is the most"),
            (json!({"enrollment_message": 1, "verification_message": ""}), "Expected type string"),
        ] {
            let message = Templates::parse(&body).unwrap_err().message;
            assert!(message.contains(text), "{body}: {message}");
        }
        // No code in it, and a spelling of other systems: texts as good as any.
        let odd = body("enroll foo", "@{code}");
        assert_eq!(Templates::parse(&odd).unwrap().view(), odd);
        assert!(Templates::parse(&Templates::built_in().view()).is_ok());
    }

    #[test]
    fn settings_of_twilio_are_read_and_never_printed() {
        let recorded = json!({"from": "123456789", "auth_token": "test_token", "sid": "test_sid"});
        let settings = TwilioSettings::parse(&recorded).unwrap();
        assert_eq!(
            Value::Object(settings.document()).to_string(),
            r#"{"auth_token":"test_token","sid":"test_sid","from":"123456789","messaging_service_sid":null}"#
        );
        assert!(!format!("{settings:?}").contains("test_token"));
        assert_eq!(TwilioSettings::stored(&settings.document()), settings);
        assert_eq!(TwilioSettings::parse(&json!({"sid": "", "from": null})).unwrap(), TwilioSettings::default());
        for from in ["+15550100", "12345", "from bar", "Ringpass", ""] {
            assert!(TwilioSettings::parse(&json!({"from": from})).is_ok(), "{from}");
        }
        for (body, text) in [
            (json!({"from": "much too long a name"}), "format phone-sender: much too long a name' on property from"),
            (json!({"from": "a\r\nb"}), "format phone-sender"),
            (json!({"from": "+1555010055501005550100"}), "format phone-sender"),
            (json!({"sid": "x".repeat(257)}), "String is too long (257 chars), maximum 256"),
            (json!({"auth_token": 7}), "Expected type string but found type integer"),
            (json!({"token": "x"}), "Additional properties not allowed: token"),
        ] {
            let message = TwilioSettings::parse(&body).unwrap_err().message;
            assert!(message.contains(text), "{body}: {message}");
        }
    }
}
