//! What sends a tenant's mail: the document behind `/emails/provider`
//! (<https://auth0.com/docs/api/management/v2/emails>; `docs/COMPATIBILITY.md` C1420-C1423).
//!
//! Only `smtp` delivers here. The other names are kept for tools that move settings from one tenant to another.

use std::fmt;

use serde_json::{Map, Value};

use super::email::Sender;
use super::schema::{self, Field, Format, Invalid, Kind, Object, field};

/// The provider. Secrets stand in it, so it never prints.
#[derive(Clone, PartialEq)]
pub struct EmailProvider(Map<String, Value>);

impl fmt::Debug for EmailProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl EmailProvider {
    /// From the body of `POST /emails/provider`.
    pub fn create(body: &Value) -> Result<Self, Invalid> {
        let mut made = schema::without_nulls(schema::check(&CREATE, body)?);
        made.entry("enabled").or_insert(true.into());
        let provider = Self(made);
        provider.credible()?;
        Ok(provider)
    }

    /// From the database.
    pub fn stored(body: Map<String, Value>) -> Self {
        Self(body)
    }

    /// Whether a body is one of `PATCH /emails/provider`, before there is anything to apply it to.
    pub fn check_patch(patch: &Value) -> Result<(), Invalid> {
        schema::check(&UPDATE, patch).map(drop)
    }

    /// Applies the body of `PATCH /emails/provider`: members replace, a null removes. Credentials that leave out a secret
    /// of the same provider keep it: whoever reads them never sees it, and could not send it back.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        let (before, mut changed) = (self.0.clone(), self.0.clone());
        schema::merge(&mut changed, patch);
        if let (Some(Value::Object(sent)), Some(Value::Object(old))) =
            (changed.get_mut("credentials"), before.get("credentials"))
            && patch.contains_key("credentials")
            && changed_name(patch, &before).is_none()
        {
            for name in SECRETS {
                if let (None, Some(secret)) = (sent.get(name), old.get(name)) {
                    sent.insert(name.to_owned(), secret.clone());
                }
            }
        }
        let changed = Self(changed);
        changed.credible()?;
        *self = changed;
        Ok(())
    }

    /// The object on the wire: no secret stands in it.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = self.0.clone();
        if let Some(Value::Object(credentials)) = view.get_mut("credentials") {
            credentials.retain(|name, _| !SECRETS.contains(&name.as_str()));
        }
        view
    }

    /// Everything, to be sealed.
    pub fn document(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The name on the wire.
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it is switched on.
    pub fn is_enabled(&self) -> bool {
        self.0.get("enabled") != Some(&Value::Bool(false))
    }

    /// `Name <address>` of mails whose template names no sender.
    pub fn default_from(&self) -> Option<&str> {
        self.0.get("default_from_address").and_then(Value::as_str).filter(|from| !from.is_empty())
    }

    /// What the provider is called with; empty when nothing was sent.
    pub fn credentials(&self) -> Map<String, Value> {
        self.0.get("credentials").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Settings of SMTP must be complete; those of others are nobody's concern here.
    fn credible(&self) -> Result<(), Invalid> {
        let credentials = self.credentials();
        if self.name() == "smtp" && !credentials.is_empty() {
            let wrapped = serde_json::json!({"credentials": credentials});
            schema::check(&SMTP_BODY, &wrapped)?;
        }
        Ok(())
    }
}

/// The provider that a patch goes over to, when it is another one.
fn changed_name<'p>(patch: &'p Map<String, Value>, before: &Map<String, Value>) -> Option<&'p Value> {
    patch.get("name").filter(|name| before.get("name") != Some(name))
}

/// Members of credentials that nobody reads back.
const SECRETS: [&str; 9] = [
    "smtp_pass",
    "api_key",
    "accessKeyId",
    "secretAccessKey",
    "connectionString",
    "connection_string",
    "clientSecret",
    "client_secret",
    "x_server_token",
];

const NAMES: &[&str] =
    &["mailgun", "mandrill", "sendgrid", "resend", "ses", "sparkpost", "smtp", "azure_cs", "ms365", "custom"];
const SENDER: Format = Format { name: "email", is_pattern: false, holds: |text| Sender::parse(text).is_some() };
const FIELDS: &[Field] = &[
    field("name", Kind::OneOf(NAMES), "Who sends the mail"),
    field("enabled", Kind::Bool, "Whether mail is sent"),
    field("default_from_address", Kind::Format(&SENDER), "Sender of mails that name none"),
    field("credentials", Kind::FREE, "What the provider is called with"),
    field("settings", Kind::FREE, "Settings of the provider"),
];
const CREATE: Object = Object { fields: &[FIELDS], required: &["name", "credentials"], open: false };
const UPDATE: Object = Object { fields: &[FIELDS], required: &[], open: false };
const SMTP: Object = Object {
    fields: &[&[
        field("smtp_host", Kind::Format(&HOST), "Name of the mail server"),
        field("smtp_port", Kind::Int(1, 65_535), "Port of the mail server"),
        field("smtp_user", Kind::Text(0, 1_024), "User name at the mail server"),
        field("smtp_pass", Kind::Text(0, 2_048), "Password at the mail server"),
    ]],
    required: &["smtp_host", "smtp_port"],
    open: true,
};
const SMTP_BODY: Object = Object {
    fields: &[&[field("credentials", Kind::Object(&SMTP), "What the provider is called with")]],
    required: &["credentials"],
    open: false,
};
const HOST: Format = Format {
    name: "hostname",
    is_pattern: false,
    holds: |text| {
        (1..=253).contains(&text.len()) && url::Host::parse(text).is_ok() || text.parse::<std::net::IpAddr>().is_ok()
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn smtp() -> EmailProvider {
        EmailProvider::create(&json!({"name": "smtp", "default_from_address": "Ann <a@b.example>",
            "credentials": {"smtp_host": "mail.example", "smtp_port": 587, "smtp_user": "u", "smtp_pass": "hunter2"}}))
        .unwrap()
    }

    #[test]
    fn secrets_go_in_and_never_come_out() {
        let mut provider = smtp();
        assert!(provider.is_enabled());
        let shown = Value::Object(provider.view()).to_string();
        assert!(shown.contains("mail.example") && !shown.contains("hunter2"), "{shown}");
        assert_eq!(format!("{provider:?}"), "***");
        // What was read can be sent back.
        let view = Value::Object(provider.view());
        provider.apply(&view).unwrap();
        assert_eq!(provider, smtp_with("enabled", json!(true)));
        provider.apply(&json!({"credentials": {"smtp_host": "other.example", "smtp_port": 25}})).unwrap();
        assert_eq!(provider.credentials()["smtp_pass"], "hunter2");
        // Another provider's secret is not carried over.
        provider.apply(&json!({"name": "mailgun", "credentials": {"api_key": "k", "domain": "d"}})).unwrap();
        assert_eq!(provider.credentials().len(), 2);
        assert!(!Value::Object(provider.view()).to_string().contains("\"k\""));
    }

    fn smtp_with(name: &str, value: Value) -> EmailProvider {
        let mut provider = smtp();
        provider.0.insert(name.to_owned(), value);
        provider
    }

    #[test]
    fn settings_that_could_not_work_are_refused() {
        let smtp = |credentials: Value| json!({"name": "smtp", "credentials": credentials});
        for (body, text) in [
            (json!({}), "Missing required property: name"),
            (json!({"name": "smtp"}), "Missing required property: credentials"),
            (json!({"name": "pigeon", "credentials": {}}), "No enum match for: pigeon"),
            (json!({"name": "smtp", "credentials": {}, "x": 1}), "Additional properties not allowed: x"),
            (smtp(json!({"smtp_host": "a.example"})), "Missing required property: smtp_port' on property credentials"),
            (smtp(json!({"smtp_host": "a.example", "smtp_port": "25"})), "Expected type integer but found type string"),
            (smtp(json!({"smtp_host": "a.example", "smtp_port": 0})), "Value 0 is less than minimum 1"),
            (smtp(json!({"smtp_host": "a b", "smtp_port": 25})), "format hostname: a b"),
            (smtp(json!({"smtp_host": "a\r\nb", "smtp_port": 25})), "format hostname"),
            (
                json!({"name": "smtp", "default_from_address": "nobody", "credentials": {}}),
                "format email: nobody' on property default_from_address",
            ),
        ] {
            let message = EmailProvider::create(&body).unwrap_err().message;
            assert!(message.contains(text), "{body}: {message}");
        }
        let mut kept = smtp_with("enabled", json!(false));
        assert!(kept.apply(&json!({"credentials": {"smtp_host": "x"}})).is_err());
        assert_eq!(kept, smtp_with("enabled", json!(false)));
        assert!(!kept.is_enabled());
    }
}
