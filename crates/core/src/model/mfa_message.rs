//! The message that brings the code of a second factor: a tenant's own pair of templates or what is built in, as the text
//! of an SMS or as what a call says (`docs/COMPATIBILITY.md` C1720-C1724).
//!
//! What a template prints is plain text: whoever puts it into a form or into TwiML escapes it.

use std::fmt;

use serde_json::{Map, Value, json};

use super::client::Client;
use super::guardian::{MessageType, Templates};
use super::liquid::{self, Limits, ParseError};
use super::mfa_texts::{self, Texts};
use super::template::{self, Fault, LENGTH, Part};
use super::texts;
use super::user::User;
use crate::kit::clock::Millis;
use crate::kit::secret::Secret;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The first message to a phone that is being enrolled.
    Enrollment,
    /// Every later one.
    Verification,
}

/// A tenant's templates, compiled.
#[derive(Debug, Clone, Default)]
pub struct Messages {
    enrollment: Body,
    verification: Body,
}

#[derive(Debug, Clone, Default)]
enum Body {
    /// The texts of ours.
    #[default]
    BuiltIn,
    /// A template, and which of [`NAMES`] it may ask for.
    Liquid(liquid::Template, Vec<&'static str>),
    /// Stored by something that did not check it.
    Broken(ParseError),
}

/// What a template may name. Nothing of it is looked up unless the template names it.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    /// The code, digits only.
    pub code: &'a str,
    /// The locale of the message.
    pub locale: &'a str,
    /// The language header of the request, as it came.
    pub request_language: &'a str,
    /// Whom the message is from.
    pub tenant: Tenant<'a>,
    /// Whom it is for, where that is known.
    pub user: Option<&'a User>,
    /// The application that the person signs in to.
    pub client: &'a Client,
}

/// A tenant as its messages name it; what is not set is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tenant<'a> {
    /// Its name in addresses.
    pub name: &'a str,
    /// Its name for people.
    pub friendly_name: &'a str,
    /// Where people find help.
    pub support_email: &'a str,
    /// Where people find help.
    pub support_url: &'a str,
    /// The logo.
    pub logo_url: &'a str,
    /// Where a log-in without a way back leads.
    pub home_url: &'a str,
    /// The public host.
    pub host: &'a str,
}

/// A message to be sent.
#[derive(Debug)]
pub struct Rendered {
    /// What it says.
    pub content: Content,
    /// Why it is a built-in text, where a template should have made another.
    pub fault: Option<Fault>,
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// The text of an SMS, of at most [`LENGTH`] characters.
    Text(Secret),
    /// What a call says.
    Speech(Speech),
}

/// What a call says.
#[derive(Debug, PartialEq, Eq)]
pub struct Speech {
    /// Its parts, with silence between them; one may be empty.
    pub pieces: Vec<Secret>,
    /// The locale that they are in.
    pub locale: &'static str,
}

impl fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("locale", &self.locale).finish_non_exhaustive()
    }
}

impl Messages {
    /// Compiles a tenant's templates; without any, and in the place of an empty one, the built-in texts are sent.
    pub fn of(templates: Option<&Templates>) -> Self {
        templates.map_or_else(Self::default, |templates| Self {
            enrollment: Body::parse(&templates.enrollment_message),
            verification: Body::parse(&templates.verification_message),
        })
    }

    /// Why messages have built-in texts although there are templates: the member at fault, and what is wrong in it.
    pub fn broken(&self) -> Option<(&'static str, &ParseError)> {
        let both = [("enrollment_message", &self.enrollment), ("verification_message", &self.verification)];
        both.into_iter()
            .find_map(|(name, body)| if let Body::Broken(error) = body { Some((name, error)) } else { None })
    }

    /// The message with the variables in their places.
    pub fn render(
        &self,
        purpose: Purpose,
        message_type: MessageType,
        variables: &Variables<'_>,
        now: Millis,
    ) -> Rendered {
        let body = match purpose {
            Purpose::Enrollment => &self.enrollment,
            Purpose::Verification => &self.verification,
        };
        let own = match body {
            Body::BuiltIn => return Rendered { content: ours(purpose, message_type, variables), fault: None },
            Body::Broken(error) => Err(Fault::Parse(error.clone())),
            Body::Liquid(template, names) => {
                template.render(&variables.names(names, message_type), now).map_err(Fault::Render)
            }
        };
        match own.map(|text| content(text, message_type, texts::locale(variables.locale))) {
            Ok(content) if !content.is_empty() => Rendered { content, fault: None },
            Ok(_) => Rendered { content: ours(purpose, message_type, variables), fault: Some(Fault::Empty) },
            Err(fault) => Rendered { content: ours(purpose, message_type, variables), fault: Some(fault) },
        }
    }
}

impl Body {
    fn parse(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::BuiltIn;
        }
        // A name that stands somewhere in the text, in whatever way, is one that it may ask for.
        let names = || NAMES.into_iter().filter(|name| text.contains(name)).collect();
        match liquid::Template::parse(text, &Limits::MESSAGE) {
            Ok(template) => Self::Liquid(template, names()),
            Err(error) => Self::Broken(error),
        }
    }
}

impl Content {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.expose().trim().is_empty(),
            Self::Speech(speech) => speech.pieces.iter().all(Secret::is_empty),
        }
    }
}

impl Variables<'_> {
    fn names(&self, wanted: &[&'static str], message_type: MessageType) -> Map<String, Value> {
        wanted.iter().map(|&name| (name.to_owned(), self.value(name, message_type))).collect()
    }

    fn value(&self, name: &str, message_type: MessageType) -> Value {
        let tenant = &self.tenant;
        match name {
            "code" if message_type == MessageType::Voice => spoken(self.code, mfa_texts::DOT).into(),
            "code" => self.code.into(),
            "pause" if message_type == MessageType::Voice => PAUSE.to_string().into(),
            "pause" => "".into(),
            "message_type" => message_type.name().into(),
            "locale" => self.locale.into(),
            "requestInfo" => json!({"lang": self.request_language}),
            // Old templates know a tenant with members, newer ones its name.
            "tenant" => json!({
                (liquid::PRINTED): tenant.name, "name": tenant.name, "friendlyName": tenant.friendly_name,
                "friendly_name": tenant.friendly_name, "support_email": set(tenant.support_email),
                "support_url": set(tenant.support_url), "logo_url": set(tenant.logo_url),
                "home_url": set(tenant.home_url),
            }),
            "friendly_name" => tenant.friendly_name.into(),
            "support_email" => set(tenant.support_email),
            "support_url" => set(tenant.support_url),
            "logo_url" => set(tenant.logo_url),
            "home_url" => set(tenant.home_url),
            "custom_domain" => json!({"domain": set(tenant.host), "domain_metadata": {}}),
            "connection" => self.user.map_or(Value::Null, |user| user.connection.as_str().into()),
            "user" => self.user.map_or(Value::Null, |user| known(user).into()),
            "client" | "application" => json!({
                "name": self.client.name(), "clientID": self.client.id, "client_id": self.client.id,
                "metadata": self.client.metadata(),
            }),
            _ => Value::Null,
        }
    }
}

/// What is not set is nothing to Liquid, which takes an empty text for something.
fn set(text: &str) -> Value {
    Some(text).filter(|text| !text.is_empty()).into()
}

/// What messages may tell of a user; nothing else, whatever the user has.
fn known(user: &User) -> Map<String, Value> {
    let view = user.view();
    let mut known: Map<String, Value> =
        USER.into_iter().filter_map(|name| Some((name.to_owned(), view.get(name)?.clone()))).collect();
    known.insert("login_count".to_owned(), user.logins_count.into());
    known.insert("source_ip".to_owned(), user.last_ip.clone().into());
    known
}

/// What a template printed, as a text or cut at its pauses.
fn content(mut text: String, message_type: MessageType, locale: &'static str) -> Content {
    match message_type {
        MessageType::Sms => {
            if let Some((end, _)) = text.char_indices().nth(LENGTH) {
                text.truncate(end);
            }
            Content::Text(Secret::new(text))
        }
        MessageType::Voice => {
            let text = Secret::new(text);
            let pieces = text.expose().split(PAUSE).map(|piece| Secret::new(piece.trim())).collect();
            Content::Speech(Speech { pieces, locale })
        }
    }
}

/// The built-in message, in the locale's language or in the next one that there is.
fn ours(purpose: Purpose, message_type: MessageType, variables: &Variables<'_>) -> Content {
    const ENGLISH: &Texts = &mfa_texts::ENGLISH;
    let texts = texts::fallbacks(variables.locale).find_map(mfa_texts::find).unwrap_or(ENGLISH);
    let (text, code) = match (message_type, purpose) {
        (MessageType::Sms, Purpose::Enrollment) => (texts.enrollment, variables.code.to_owned()),
        (MessageType::Sms, Purpose::Verification) => (texts.verification, variables.code.to_owned()),
        (MessageType::Voice, _) => (texts.call, spoken(variables.code, texts.between)),
    };
    let mut out = String::with_capacity(160);
    for part in template::parts(text) {
        match part {
            Part::Text(text) => out.push_str(&text),
            Part::Name(name) if name == "code" => out.push_str(&code),
            Part::Name(name) if name == "tenant" => out.push_str(variables.tenant.friendly_name),
            Part::Name(_) => out.push(PAUSE),
        }
    }
    // Canadian French may well be said by a Canadian voice.
    let asked = texts::locale(variables.locale);
    let language = |locale: &'static str| locale.split('-').next();
    let locale = if language(asked) == language(texts.locale) { asked } else { texts.locale };
    content(out, message_type, locale)
}

/// A code digit by digit.
fn spoken(code: &str, between: &str) -> String {
    let mut out = String::with_capacity(code.len() * 3);
    for (number, digit) in code.chars().enumerate() {
        if number > 0 {
            out.push_str(between);
        }
        out.push(digit);
    }
    out
}

/// Where a call is silent. The character means nothing in any text (Unicode: a noncharacter, for use inside programs).
const PAUSE: char = '\u{fdd0}';
/// The names that a template may use; every other one prints nothing.
const NAMES: [&str; 17] = [
    "code",
    "pause",
    "message_type",
    "locale",
    "requestInfo",
    "tenant",
    "friendly_name",
    "support_email",
    "support_url",
    "logo_url",
    "home_url",
    "custom_domain",
    "connection",
    "user",
    "client",
    "application",
    "region",
];
/// What messages may tell of a user, beside `login_count` and `source_ip`.
const USER: [&str; 11] = [
    "name",
    "nickname",
    "given_name",
    "family_name",
    "picture",
    "user_metadata",
    "app_metadata",
    "email",
    "email_verified",
    "phone_number",
    "phone_verified",
];

#[cfg(test)]
mod tests;
