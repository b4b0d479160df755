//! What is checked in a connection's `options`; everything else in them is stored as sent.

use serde_json::{Map, Value, json};
use url::Url;

use super::connection::Strategy;
use super::database_options;
use super::letter::{self, Source};
use super::liquid::Limits;
use super::schema::{self, Field, Format, Invalid, Kind, Object, field};
use super::template;
use crate::kit::hash;

/// Checks options that are about to replace `old` (`None` on create).
pub fn check(strategy: Strategy, sent: &Map<String, Value>, old: Option<&Map<String, Value>>) -> Result<(), Invalid> {
    let wrapped = json!({"options": sent});
    match strategy {
        Strategy::Sms => {
            schema::check(&SMS_BODY, &wrapped)?;
            base64_secret(sent)?;
            message(sent)
        }
        Strategy::Email => {
            schema::check(&EMAIL_BODY, &wrapped)?;
            mail(sent)
        }
        Strategy::Auth0 => database_options::check(sent, old),
    }
}

/// A gateway secret said to be base64 must be; it stands in the message by name only.
fn base64_secret(sent: &Map<String, Value>) -> Result<(), Invalid> {
    let Some(authentication) = sent.get("gateway_authentication").and_then(Value::as_object) else { return Ok(()) };
    let outer = sent.get("secret_base64_encoded");
    let encoded = authentication.get("secret_base64_encoded").or(outer).and_then(Value::as_bool).unwrap_or(false);
    let secret = authentication.get("secret").and_then(Value::as_str).unwrap_or_default();
    if encoded && hash::from_any_base64(secret).is_none() {
        let reason = "Object didn't pass validation for format base64url: secret";
        return Err(Invalid::payload(reason, "options.gateway_authentication.secret", SECRET));
    }
    Ok(())
}

/// A template must be one that can be rendered; a null is none.
fn message(sent: &Map<String, Value>) -> Result<(), Invalid> {
    let text = |name: &str| sent.get(name).and_then(Value::as_str);
    template::check(text("template").unwrap_or_default(), text("syntax")).map_err(|error| {
        let reason = format!("Object didn't pass validation for format liquid: {error}");
        Invalid::payload(&reason, "options.template", TEMPLATE)
    })
}

/// Mails must be ones that can be rendered.
fn mail(sent: &Map<String, Value>) -> Result<(), Invalid> {
    letter::check(&letter(sent)).map_err(|(member, error)| {
        let reason = format!("Object didn't pass validation for format liquid: {error}");
        Invalid::payload(&reason, &format!("options.email.{member}"), MAIL)
    })
}

/// What the operator wrote for mails.
pub fn letter(options: &Map<String, Value>) -> Source<'_> {
    let text = |name: &str| options.get("email").and_then(|email| email.get(name)).and_then(Value::as_str);
    Source {
        subject: text("subject").unwrap_or_default(),
        from: text("from").unwrap_or_default(),
        body: text("body").unwrap_or_default(),
        syntax: text("syntax"),
    }
}

const SECRET: &str = "Key that signs the token for the gateway";
const TEMPLATE: &str = "Text of the message";
const MAIL: &str = "Template of the mail";
const GATEWAY_URL: Format = Format {
    name: "https-url-with-http-fallback",
    is_pattern: false,
    holds: |text| {
        text.chars().count() <= 255
            && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
    },
};
const TOTP: Object = Object {
    fields: &[&[
        field("length", Kind::Int(4, 10), "Digits of a code"),
        field("time_step", Kind::Int(1, 86_400), "Life of a code in seconds"),
    ]],
    required: &[],
    open: true,
};
const GATEWAY: Object = Object {
    fields: &[&[
        field("method", Kind::OneOf(&["bearer"]), "How the gateway call is signed"),
        field("audience", Kind::TEXT, "Audience of the token for the gateway"),
        field("secret", Kind::TEXT, SECRET),
        field("subject", Kind::TEXT, "Subject of the token for the gateway"),
        field("secret_base64_encoded", Kind::Bool, "Whether the secret is base64url"),
    ]],
    required: &["method", "audience", "secret"],
    open: true,
};
const PASSWORDLESS: &[Field] = &[
    field("name", Kind::TEXT, "Label of the connection"),
    field("totp", Kind::Object(&TOTP), "Rules of the code"),
    field("brute_force_protection", Kind::Bool, "Whether failed tries count towards a block"),
    field("disable_signup", Kind::Bool, "Whether signing in makes no new users"),
    field("upstream_params", Kind::FREE, "Parameters passed on"),
    field("non_persistent_attrs", Kind::TEXTS, "Profile members that are not stored"),
    field("authParams", Kind::FREE, "Parameters added to the authorization request"),
];
const SMS: Object = Object {
    fields: &[
        &[
            field("provider", Kind::OneOf(&["sms_gateway", "twilio"]), "What carries the message"),
            field("twilio_sid", Kind::TEXT, "Twilio account"),
            field("twilio_token", Kind::TEXT, "Twilio token"),
            field("messaging_service_sid", Kind::TEXT, "Twilio messaging service"),
            field("from", Kind::TEXT, "Sender"),
            field("template", Kind::Text(0, Limits::MESSAGE.length), TEMPLATE),
            field("syntax", Kind::OneOf(&["md_with_macros", "liquid"]), "Syntax of the template"),
            field("gateway_url", Kind::Format(&GATEWAY_URL), "Address of the own gateway"),
            field("gateway_authentication", Kind::Object(&GATEWAY), "How the gateway call is signed"),
            field("forward_req_info", Kind::BoolOrText, "Whether the gateway learns of the caller"),
            field("origin_bound_line", Kind::Bool, "Whether messages name the host that may take the code"),
        ],
        PASSWORDLESS,
    ],
    required: &[],
    open: true,
};
const LETTER: Object = Object {
    fields: &[&[
        field("syntax", Kind::TEXT, "Syntax of subject, sender and body"),
        field("from", Kind::Text(0, Limits::MESSAGE.length), "Sender"),
        field("subject", Kind::Text(0, Limits::MESSAGE.length), "Subject of the message"),
        field("body", Kind::Text(0, Limits::LETTER.length), MAIL),
    ]],
    required: &[],
    open: true,
};
const EMAIL: Object = Object {
    fields: &[&[field("email", Kind::Object(&LETTER), "The message")], PASSWORDLESS],
    required: &[],
    open: true,
};
const ABOUT: &str = "Settings of the strategy";
const SMS_BODY: Object =
    Object { fields: &[&[field("options", Kind::Object(&SMS), ABOUT)]], required: &["options"], open: false };
const EMAIL_BODY: Object =
    Object { fields: &[&[field("options", Kind::Object(&EMAIL), ABOUT)]], required: &["options"], open: false };

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(strategy: Strategy, options: Value) -> String {
        check(strategy, options.as_object().unwrap(), None).map_or_else(|error| error.message, |()| "ok".into())
    }

    #[test]
    fn sms_options_that_could_not_work_are_refused() {
        let gateway = |extra: Value| {
            let mut whole = json!({"method": "bearer", "audience": "a", "secret": "s!"});
            whole.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            json!({"gateway_authentication": whole})
        };
        let long = format!("https://a.example/{}", "x".repeat(255));
        for (options, expected) in [
            (json!({"provider": "carrier-pigeon"}), "No enum match for: carrier-pigeon' on property options.provider"),
            (json!({"syntax": "md"}), "No enum match for: md' on property options.syntax"),
            (
                json!({"totp": {"length": "6"}}),
                "Expected type integer but found type string' on property options.totp.length",
            ),
            (json!({"totp": 6}), "Expected type object but found type integer' on property options.totp"),
            (json!({"totp": {"length": 3}}), "Value 3 is less than minimum 4' on property options.totp.length"),
            (json!({"totp": {"length": 11}}), "Value 11 is greater than maximum 10' on property options.totp.length"),
            (json!({"totp": {"time_step": 0}}), "Value 0 is less than minimum 1' on property options.totp.time_step"),
            (
                json!({"gateway_url": "ftp://a.example"}),
                "format https-url-with-http-fallback: ftp://a.example' on property options.gateway_url",
            ),
            (json!({"gateway_url": "sms.example/send"}), "format https-url-with-http-fallback: sms.example/send"),
            (json!({"gateway_url": long}), "format https-url-with-http-fallback"),
            (
                json!({"gateway_authentication": {"method": "bearer", "audience": "a"}}),
                "Missing required property: secret' on property options.gateway_authentication",
            ),
            (gateway(json!({"method": "hmac"})), "No enum match for: hmac"),
            (
                gateway(json!({"secret_base64_encoded": true})),
                "format base64url: secret' on property options.gateway_authentication.secret",
            ),
            (json!({"forward_req_info": 1}), "Expected type boolean but found type integer"),
            (json!({"twilio_sid": 7}), "Expected type string but found type integer' on property options.twilio_sid"),
            (
                json!({"twilio_token": ["s!"]}),
                "Expected type string but found type array' on property options.twilio_token",
            ),
            (
                json!({"messaging_service_sid": {}}),
                "Expected type string but found type object' on property options.messaging_service_sid",
            ),
            (json!({"from": true}), "Expected type string but found type boolean' on property options.from"),
            (
                json!({"template": "{{ code", "syntax": "liquid"}),
                "format liquid: line 1: `{{` is not closed by `}}`' on property options.template (Text of the message)",
            ),
            (json!({"template": "a\n{% bogus %}", "syntax": null}), "format liquid: line 2: there is no tag `bogus`"),
            (
                json!({"template": "é".repeat(2_001), "syntax": "md_with_macros"}),
                "String is too long (2001 chars), maximum 2000' on property options.template",
            ),
        ] {
            let message = refusal(Strategy::Sms, options.clone());
            assert!(message.contains(expected), "{options}: {message}");
            assert!(!message.contains("s!"), "{message}");
        }
    }

    #[test]
    fn sms_options_that_people_really_send_pass() {
        for options in [
            json!({}),
            json!({"gateway_authentication": null, "messaging_service_sid": null, "totp": null, "from": null}),
            json!({"provider": "sms_gateway"}),
            json!({"twilio_sid": "ABC123", "twilio_token": "DEF456", "messaging_service_sid": null, "from": " +1 555 "}),
            json!({"provider": "twilio", "twilio_sid": "@@SID@@/..", "twilio_token": ""}),
            json!({"gateway_url": "http://127.0.0.1:9000/send?x=1", "forward_req_info": "true", "anything": [1]}),
            json!({"secret_base64_encoded": true, "gateway_authentication":
                {"method": "bearer", "audience": "a", "secret": "s!", "secret_base64_encoded": false}}),
            json!({"gateway_authentication": {"method": "bearer", "audience": "a", "secret": "AAECAwQ-_w==", "secret_base64_encoded": true}}),
            json!({"template": "{{ code", "syntax": "md_with_macros"}),
            json!({"template": "{{ code }}".repeat(200)}),
            json!({"template": "no code here", "syntax": "liquid", "totp": {"length": 4, "time_step": 86_400}}),
        ] {
            assert_eq!(refusal(Strategy::Sms, options), "ok");
        }
    }
}
