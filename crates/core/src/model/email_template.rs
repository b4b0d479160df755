//! The tenant's mail templates: the documents behind `/email-templates/{name}`, and the mails made of them
//! (<https://auth0.com/docs/customize/email/email-templates>; `docs/COMPATIBILITY.md` C1425-C1429).

use serde_json::{Map, Value};

use super::email_texts::{self as texts, BuiltIn};
use super::letter::{self, Letter, Source};
use super::liquid::Limits;
use super::schema::{self, Field, Invalid, Kind, Object, field};

/// The names on the wire.
pub const NAMES: &[&str] = &[
    "verify_email",
    "verify_email_by_code",
    "auth_email_by_code",
    "reset_email",
    "reset_email_by_code",
    "welcome_email",
    "blocked_account",
    "stolen_credentials",
    "enrollment_email",
    "mfa_oob_code",
    "user_invitation",
    "change_password",
    "password_reset",
    "async_approval",
];

/// A stored template.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailTemplate(Map<String, Value>);

impl EmailTemplate {
    /// From the body of `POST /email-templates`.
    pub fn create(body: &Value) -> Result<Self, Invalid> {
        let template = Self(schema::without_nulls(schema::check(&CREATE, body)?));
        template.readable()?;
        Ok(template)
    }

    /// From the body of `PUT /email-templates/{name}`, which may leave the name out.
    pub fn replace(name: &str, body: &Value) -> Result<Self, Invalid> {
        let mut sent = schema::check(&UPDATE, body)?.clone();
        sent.insert("template".into(), name.into());
        Self::create(&sent.into())
    }

    /// From the database.
    pub fn stored(body: Map<String, Value>) -> Self {
        Self(body)
    }

    /// Whether a body is one of `PATCH /email-templates/{name}`, before there is anything to apply it to.
    pub fn check_patch(patch: &Value) -> Result<(), Invalid> {
        schema::check(&UPDATE, patch).map(drop)
    }

    /// Applies the body of `PATCH /email-templates/{name}`: members replace, a null removes.
    pub fn apply(&mut self, patch: &Value) -> Result<(), Invalid> {
        let patch = schema::check(&UPDATE, patch)?;
        let mut changed = self.0.clone();
        schema::merge(&mut changed, patch);
        changed.insert("template".into(), self.name().into());
        let changed = Self(changed);
        changed.readable()?;
        *self = changed;
        Ok(())
    }

    /// The object on the wire.
    pub fn view(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Which mail it is for.
    pub fn name(&self) -> &str {
        self.text("template")
    }

    /// Whether the mail is sent at all.
    pub fn is_enabled(&self) -> bool {
        self.0.get("enabled") == Some(&Value::Bool(true))
    }

    /// Life of the address in the mail, in seconds; five days when nothing is said.
    pub fn url_lifetime(&self) -> i64 {
        self.0.get("urlLifetimeInSeconds").and_then(schema::integer).unwrap_or(URL_LIFETIME)
    }

    /// Where a person goes once the address in the mail has done its work; it may be a template itself.
    pub fn result_url(&self) -> Option<&str> {
        Some(self.text("resultUrl")).filter(|url| !url.is_empty())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn source(&self) -> Source<'_> {
        Source {
            subject: self.text("subject"),
            from: self.text("from"),
            body: self.text("body"),
            syntax: self.0.get("syntax").and_then(Value::as_str),
        }
    }

    fn readable(&self) -> Result<(), Invalid> {
        letter::check(&self.source()).map_err(|(member, error)| {
            let reason = format!("Object didn't pass validation for format liquid: {error}");
            Invalid::payload(&reason, member, "Template of the mail")
        })
    }
}

/// The compiled mail of this name: the stored template if it is switched on, else what is built in. `None` for a mail that
/// this server never sends and nobody has written.
pub fn letter(name: &str, stored: Option<&EmailTemplate>) -> Option<Letter> {
    let stored = stored.filter(|template| template.is_enabled());
    let source = stored.map(EmailTemplate::source).unwrap_or_default();
    Some(Letter::parse(&source, built_in(name)?))
}

/// The mail that is built in under this name.
fn built_in(name: &str) -> Option<&'static BuiltIn> {
    Some(match name {
        "verify_email" => &texts::VERIFY_EMAIL,
        "verify_email_by_code" => &texts::VERIFY_EMAIL_BY_CODE,
        "auth_email_by_code" => &texts::SIGN_IN,
        "reset_email" => &texts::RESET_EMAIL,
        "reset_email_by_code" => &texts::RESET_EMAIL_BY_CODE,
        "welcome_email" => &texts::WELCOME_EMAIL,
        "blocked_account" => &texts::BLOCKED_ACCOUNT,
        "change_password" => &texts::CHANGE_PASSWORD,
        "mfa_oob_code" => &texts::MFA_OOB_CODE,
        "enrollment_email" => &texts::ENROLLMENT_EMAIL,
        _ => return None,
    })
}

/// The path of a template's document among the settings.
pub fn path(name: &str) -> String {
    format!("email-templates/{name}")
}

const URL_LIFETIME: i64 = 432_000;
const MEMBERS: &[Field] = &[
    field("template", Kind::OneOf(NAMES), "Which mail it is for"),
    field("body", Kind::Text(0, Limits::LETTER.length), "Text of the mail"),
    field("from", Kind::Text(0, Limits::MESSAGE.length), "Sender of the mail"),
    field("resultUrl", Kind::Text(0, 2_048), "Where the address in the mail leads in the end"),
    field("subject", Kind::Text(0, Limits::MESSAGE.length), "Subject of the mail"),
    field("syntax", Kind::Text(0, 64), "Syntax of the template"),
    field("urlLifetimeInSeconds", Kind::Int(0, 31_536_000), "Life of the address in the mail"),
    field("includeEmailInRedirect", Kind::Bool, "Whether the address goes along to the result"),
    field("enabled", Kind::Bool, "Whether the mail is sent"),
];
const CREATE: Object =
    Object { fields: &[MEMBERS], required: &["template", "body", "from", "subject", "syntax", "enabled"], open: false };
const UPDATE: Object = Object { fields: &[MEMBERS], required: &[], open: false };

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(more: &Value) -> Value {
        let mut body = json!({"template": "verify_email", "body": "<p>{{ url }}</p>", "from": "a@b.example",
            "subject": "Hi {{ user.email }}", "syntax": "liquid", "enabled": true});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[test]
    fn a_template_is_kept_as_it_was_sent_and_patched_member_by_member() {
        let mut template =
            EmailTemplate::create(&body(&json!({"resultUrl": null, "urlLifetimeInSeconds": 60}))).unwrap();
        assert_eq!((template.name(), template.url_lifetime(), template.result_url()), ("verify_email", 60, None));
        template.apply(&json!({"enabled": false, "urlLifetimeInSeconds": null, "template": "welcome_email"})).unwrap();
        assert_eq!((template.name(), template.url_lifetime(), template.is_enabled()), ("verify_email", 432_000, false));
        let replaced = EmailTemplate::replace("verify_email", &body(&json!({"template": "welcome_email"}))).unwrap();
        assert_eq!(replaced.name(), "verify_email");
    }

    #[test]
    fn templates_that_could_not_be_rendered_are_refused() {
        for (more, text) in [
            (json!({"template": "love_letter"}), "No enum match for: love_letter"),
            (json!({"body": "a\n{% bogus %}"}), "format liquid: line 2: there is no tag `bogus`' on property body"),
            (json!({"subject": "{{"}), "on property subject (Template of the mail)"),
            (json!({"from": "{{"}), "on property from"),
            (json!({"subject": "x".repeat(2_001)}), "String is too long (2001 chars), maximum 2000"),
            (json!({"other": 1}), "Additional properties not allowed: other"),
        ] {
            let message = EmailTemplate::create(&body(&more)).unwrap_err().message;
            assert!(message.contains(text), "{more}: {message}");
        }
        let mut template = EmailTemplate::create(&body(&json!({}))).unwrap();
        assert!(template.apply(&json!({"body": "{{"})).is_err());
        assert_eq!(Value::Object(template.view().clone()), body(&json!({})));
    }

    #[test]
    fn a_mail_is_the_stored_one_the_built_in_one_or_none() {
        let names = json!({"url": "https://a.example/", "user": {"email": "ada@mail.example"}});
        let subject = |name: &str, stored: Option<&EmailTemplate>| {
            let letter = letter(name, stored)?;
            Some(letter.render(names.as_object().unwrap(), 0).subject.expose().to_owned())
        };
        let mut stored = EmailTemplate::create(&body(&json!({}))).unwrap();
        assert_eq!(subject("verify_email", Some(&stored)).as_deref(), Some("Hi ada@mail.example"));
        stored.apply(&json!({"enabled": false})).unwrap();
        assert_eq!(subject("verify_email", Some(&stored)).as_deref(), Some("Confirm your e-mail address"));
        assert_eq!(subject("user_invitation", None), None);
    }
}
