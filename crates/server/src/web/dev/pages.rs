//! What the development pages show: one context per template, each with a sample, and the files that come with them.

use std::ops::Range;

use askama::Template;
use http::{HeaderName, StatusCode, header};
use ringpass_core::kit::clock;
use serde_json::Value;

pub use super::calls::Exchange;
use super::{Channel, Message};
use crate::web::Reply;

/// `GET /dev/inbox`.
#[derive(Debug, Template)]
#[template(path = "dev/inbox.html")]
pub struct InboxPage {
    /// By recipient; who got the newest message comes first.
    pub conversations: Vec<Conversation>,
    /// Messages on this page.
    pub shown: usize,
    /// Messages kept.
    pub kept: usize,
    /// Changes when a message arrives; the page's `ETag`.
    pub version: String,
}

/// The messages to one number or address, newest first.
#[derive(Debug)]
pub struct Conversation {
    /// The number or address.
    pub recipient: String,
    /// The newest few.
    pub recent: Vec<Bubble>,
    /// The rest, folded away.
    pub earlier: Vec<Bubble>,
}

/// One message as it is drawn; the code in it stands apart.
#[derive(Debug, Clone)]
pub struct Bubble {
    /// Message id.
    pub id: String,
    /// RFC 3339.
    pub at: String,
    /// Hours, minutes and seconds, UTC.
    pub time: String,
    /// `SMS`, `Voice call` or `E-mail`.
    pub channel: &'static str,
    /// Who it comes from.
    pub sender: Option<String>,
    /// Subject of an e-mail.
    pub subject: Option<String>,
    /// Text up to the code; all of it when there is none.
    pub before: String,
    /// The code.
    pub code: Option<String>,
    /// Text after the code.
    pub after: String,
}

/// `GET /`: the form for the number.
#[derive(Debug, Template)]
#[template(path = "dev/start.html")]
pub struct StartPage {
    /// What was typed before.
    pub typed: String,
    /// What went wrong before.
    pub problem: Option<Problem>,
    /// What an application needs to know.
    pub seeded: Seeded,
    /// What was said before.
    pub exchanges: Vec<Exchange>,
}

/// What an application needs to know to sign people in here.
#[derive(Debug)]
pub struct Seeded {
    /// Public host and port.
    pub domain: String,
    /// Issuer of the tokens.
    pub issuer: String,
    /// `client_id` of the web application.
    pub web: String,
    /// `client_id` of the single-page application.
    pub spa: String,
    /// `client_id` of the native application.
    pub native: String,
    /// Identifier of the API.
    pub audience: String,
    /// Where a sign-in on the hosted pages begins.
    pub hosted: String,
}

/// The form for the code.
#[derive(Debug, Template)]
#[template(path = "dev/code.html")]
pub struct CodePage {
    /// Number that the code went to.
    pub number: String,
    /// Newest message to that number.
    pub newest: Option<Bubble>,
    /// What went wrong before.
    pub problem: Option<Problem>,
    /// What was said.
    pub exchanges: Vec<Exchange>,
}

/// Signed in.
#[derive(Debug, Template)]
#[template(path = "dev/done.html")]
pub struct DonePage {
    /// Number that signed in.
    pub number: String,
    /// What went wrong when the profile was asked for.
    pub problem: Option<Problem>,
    /// The ID token's header, pretty JSON.
    pub header: String,
    /// The ID token's claims, pretty JSON.
    pub claims: String,
    /// The profile, pretty JSON.
    pub profile: String,
    /// Members of the token answer.
    pub tokens: Vec<TokenPart>,
    /// Issuer of the tokens.
    pub issuer: String,
    /// `client_id` that the ID token is for.
    pub client_id: String,
    /// What was said.
    pub exchanges: Vec<Exchange>,
}

/// A member of the token answer.
#[derive(Debug)]
pub struct TokenPart {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

/// What went wrong, for a person; and the server's own words, for a developer.
#[derive(Debug, Default)]
pub struct Problem {
    /// What happened.
    pub headline: String,
    /// What to do about it; may be empty.
    pub advice: &'static str,
    /// Status, when there was an answer.
    pub status: Option<u16>,
    /// The answer's `error`.
    pub error: String,
    /// The answer's `error_description`.
    pub description: String,
    /// Whether nothing but a new code helps.
    pub needs_new_code: bool,
}

impl CodePage {
    /// Whether the code that was sent can no longer be used.
    fn spent(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.needs_new_code)
    }
}

impl TokenPart {
    /// Whether the value is a token: long, and worth copying.
    fn is_token(&self) -> bool {
        self.name.ends_with("_token")
    }
}

impl Problem {
    /// `None` when the answer is 200.
    pub(super) fn of(answer: &Result<(StatusCode, Value), String>) -> Option<Self> {
        let (status, body) = match answer {
            Ok((StatusCode::OK, _)) => return None,
            Ok(answer) => answer,
            Err(why) => {
                let headline = "The server could not be reached.".to_owned();
                return Some(Self { headline, description: why.clone(), ..Self::default() });
            }
        };
        let member = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (error, description) = (member("error"), member("error_description"));
        let spent =
            error == "invalid_grant" && (description.contains("maximum number") || description.contains("expired"));
        let (headline, advice) = match (status.as_u16(), error.as_str()) {
            (_, "invalid_grant") if spent => ("This code is no longer good.", "Have a new one sent and use that."),
            (_, "invalid_grant") => {
                ("That code is not right.", "Only the newest code counts, and only once. Try again.")
            }
            (_, "mfa_required") => (
                "The code was right, but a second factor is asked for.",
                "This page knows only the first one: begin again, and sign in on the hosted pages.",
            ),
            (_, "sms_provider_error") => (
                "The message could not be sent.",
                "Look at the gateway that the connection “sms” points at, and at the tenant log.",
            ),
            (_, "bad.phone_number") => ("The server does not take this number.", ""),
            (_, "bad.connection") => {
                ("The connection “sms” cannot be used.", "Is it there, and enabled for the client “web”?")
            }
            (401, _) => (
                "The server does not know this client.",
                "The secret of the client “web” may have changed since this server started; start it again.",
            ),
            (429, _) => ("Too many tries.", "This is the protection against guessing and flooding. Wait a little."),
            _ => ("The server refused.", ""),
        };
        let status = Some(status.as_u16());
        Some(Self { headline: headline.to_owned(), advice, status, error, description, needs_new_code: spent })
    }
}

impl Bubble {
    /// Draws a message.
    pub(super) fn of(message: &Message) -> Self {
        let content = &message.content;
        let at = clock::rfc3339(message.at);
        let part = |range: Range<usize>| content.body.get(range).unwrap_or_default().to_owned();
        let code = code_in(&content.body);
        let (start, end) =
            code.as_ref().map_or((content.body.len(), content.body.len()), |code| (code.start, code.end));
        Self {
            id: message.id.clone(),
            time: at.get(11..19).unwrap_or_default().to_owned(),
            at,
            channel: match content.channel {
                Channel::Sms => "SMS",
                Channel::Voice => "Voice call",
                Channel::Email => "E-mail",
            },
            sender: content.sender.clone(),
            subject: content.subject.clone(),
            before: part(0..start),
            code: code.map(part),
            after: part(end..content.body.len()),
        }
    }
}

/// A page with the headers that every development page has. `same-origin` and not `no-referrer`: under the latter a browser
/// sends our own forms with `Origin: null`, and they could not be told from a stranger's.
pub(super) fn answer<P: Template>(status: StatusCode, page: &P) -> Reply {
    let Ok(html) = page.render() else { return Reply::empty(StatusCode::INTERNAL_SERVER_ERROR) };
    Reply::bytes(status, "text/html; charset=utf-8", html)
        .with(header::CONTENT_SECURITY_POLICY, POLICY)
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(header::REFERRER_POLICY, "same-origin")
        .with(HeaderName::from_static("cross-origin-opener-policy"), "same-origin")
        .with(header::CACHE_CONTROL, "no-store")
}

/// `GET /dev/style.css`.
pub(super) async fn style() -> Reply {
    file("text/css; charset=utf-8", include_str!("../../../../../templates/dev/style.css"))
}

/// `GET /dev/script.js`.
pub(super) async fn script() -> Reply {
    file("text/javascript; charset=utf-8", include_str!("../../../../../templates/dev/script.js"))
}

/// `GET /dev/icon.svg`.
pub(super) async fn icon() -> Reply {
    file("image/svg+xml", include_str!("../../../../../templates/dev/icon.svg"))
}

fn file(content_type: &'static str, text: &'static str) -> Reply {
    Reply::bytes(StatusCode::OK, content_type, text)
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(header::CACHE_CONTROL, "no-cache")
}

/// The first run of 4 to 10 digits that is not part of a longer word or number, or of an address.
fn code_in(text: &str) -> Option<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '+';
    let mut at = 0;
    for word in text.split(|c| !is_word(c)) {
        let range = at..at + word.len();
        let digits = (4..=10).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
        let line = text.get(..range.start).and_then(|before| before.split_whitespace().next_back());
        let in_address = text.get(..range.start).is_some_and(|before| !before.ends_with(char::is_whitespace))
            && line.is_some_and(|start| start.contains("://"));
        if digits && !in_address {
            return Some(range);
        }
        let gap = text.get(range.end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        at = range.end + gap;
    }
    None
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
