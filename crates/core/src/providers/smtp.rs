//! Mail over SMTP: the operator's settings, the message as it travels (RFC 5322, MIME), and what the server's answer
//! means (`docs/COMPATIBILITY.md` C1410-C1418).

use std::fmt;
use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MultiPart, MultiPartKind, SinglePart, header};
use lettre::{Address, Message};
use serde_json::{Map, Value};

use super::{Reason, Refusal, text};
use crate::kit::clock::Millis;
use crate::kit::http;
use crate::kit::secret::Secret;
use crate::kit::smtp::{Delivery, Failure, Login, Step};
use crate::model::email::{Email, Sender, one_line};
use crate::model::schema;

/// The server that takes this tenant's mail.
#[derive(Debug, Clone)]
pub struct Options {
    host: String,
    port: u16,
    login: Option<Login>,
}

/// A mail to be sent. It prints nothing of itself.
#[derive(Clone)]
pub struct Mail {
    /// The recipient.
    pub to: Email,
    /// `Name <address>` or an address; `None` takes the provider's own sender.
    pub from: Option<String>,
    /// The subject, on one line.
    pub subject: String,
    /// The text as HTML.
    pub html: Secret,
    /// The same without marks.
    pub text: Secret,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").finish_non_exhaustive()
    }
}

impl Mail {
    /// Who it is from: whom its template names, else `default`.
    pub fn sender(&self, default: Option<&Sender>) -> Option<Sender> {
        self.from.as_deref().and_then(Sender::parse).or_else(|| default.cloned())
    }
}

/// The circumstances of a mail.
#[derive(Debug, Clone)]
pub struct Posting {
    /// The current instant.
    pub now: Millis,
    /// A fresh random id: 128 bits, base64url.
    pub id: String,
    /// The public host of this server.
    pub host: String,
    /// How long the delivery may take.
    pub timeout: Duration,
}

impl Options {
    /// Reads the credentials of the provider `smtp`; the error says what is missing.
    pub fn parse(credentials: &Map<String, Value>) -> Result<Self, &'static str> {
        let host = text(credentials, "smtp_host").ok_or("smtp_host is not set")?;
        let port = credentials.get("smtp_port").and_then(schema::integer);
        let port = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
        let user = text(credentials, "smtp_user").map(Secret::new);
        let password = text(credentials, "smtp_pass").map(Secret::new);
        Ok(Self {
            host,
            port: port.ok_or("smtp_port is not set")?,
            login: user.map(|user| Login { user, password: password.unwrap_or_default() }),
        })
    }
}

/// What a sender reads when its mail cannot be built: nothing in it is quoted.
fn unfit() -> Refusal {
    Refusal::new(Reason::NotConfigured, "The message has no usable sender or recipient")
}

/// The delivery of `mail` from `sender`.
pub fn delivery(options: &Options, mail: &Mail, sender: &Sender, posting: &Posting) -> Result<Delivery, Refusal> {
    let message = message(mail, sender, posting).ok_or_else(unfit)?;
    Ok(Delivery {
        host: options.host.clone(),
        port: options.port,
        login: options.login.clone(),
        hello: posting.host.clone(),
        from: Secret::new(sender.address.as_str()),
        to: Secret::new(mail.to.as_str()),
        message: Secret::new(message),
        timeout: posting.timeout,
    })
}

fn message(mail: &Mail, sender: &Sender, posting: &Posting) -> Option<String> {
    let (from, to): (Address, Address) = (sender.address.as_str().parse().ok()?, mail.to.as_str().parse().ok()?);
    let name = sender.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let date = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(posting.now).unwrap_or_default());
    let part = |text: &Secret, kind: header::ContentType| {
        let body = Body::new_with_encoding(lines(text.expose()), ContentTransferEncoding::QuotedPrintable).ok()?;
        Some(SinglePart::builder().header(kind).body(body))
    };
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("=_{}", posting.id))
        .singlepart(part(&mail.text, header::ContentType::TEXT_PLAIN)?)
        .singlepart(part(&mail.html, header::ContentType::TEXT_HTML)?);
    let built = Message::builder()
        .envelope(Envelope::new(Some(from.clone()), vec![to.clone()]).ok()?)
        .from(Mailbox::new(name, from))
        .to(Mailbox::new(None, to))
        .subject(one_line(&mail.subject))
        .date(date)
        .message_id(Some(format!("<{}@{}>", posting.id, posting.host)))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .multipart(parts)
        .ok()?;
    String::from_utf8(built.formatted()).ok()
}

/// A body whose lines all end in CR and LF, without other control characters.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    text.replace('\n', "\r\n")
}

/// Whether the server took the mail.
pub fn outcome(answer: Result<(), Failure>) -> Result<(), Refusal> {
    let Err(failure) = answer else { return Ok(()) };
    let (reason, sentence) = match failure {
        Failure::Network(failure) if matches!(failure, http::Failure::ConnectTimeout | http::Failure::ReadTimeout) => {
            (Reason::of(failure), format!("Timeout while calling the email server: {}", failure.code()))
        }
        Failure::Network(failure) => {
            (Reason::of(failure), format!("Unexpected response while calling the email server: {}", failure.code()))
        }
        Failure::Replied(Step::Login, code) => {
            (Reason::Refused, format!("Authentication failed while calling the email server: {code}"))
        }
        Failure::Replied(_, code) => {
            (Reason::Refused, format!("Unexpected response while calling the email server: {code}"))
        }
        Failure::Garbled => (Reason::Unexpected, "Unexpected response while calling the email server: no SMTP".into()),
        Failure::NoEncryption => {
            (Reason::Refused, "The email server offers no encryption (STARTTLS, or port 465)".to_owned())
        }
        Failure::NoLogin => {
            (Reason::Refused, "The email server offers no login over an encrypted connection".to_owned())
        }
    };
    Err(Refusal::new(reason, sentence))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn posting() -> Posting {
        Posting {
            now: 1_767_323_045_678,
            id: "AAECAwQFBgcICQoLDA0ODw".into(),
            host: "acme.example.org".into(),
            timeout: Duration::from_secs(10),
        }
    }

    fn options(credentials: &Value) -> Result<Options, &'static str> {
        Options::parse(credentials.as_object().unwrap())
    }

    fn sent(from: &str, subject: &str, body: &str) -> Delivery {
        let mail = Mail {
            to: Email::parse("ada@mail.example").unwrap(),
            from: None,
            subject: subject.to_owned(),
            html: Secret::new(format!("<p>{body}</p>")),
            text: Secret::new(body),
        };
        let options = options(&json!({"smtp_host": "mail.example", "smtp_port": 587})).unwrap();
        delivery(&options, &mail, &Sender::parse(from).unwrap(), &posting()).unwrap()
    }

    #[test]
    fn a_mail_is_two_forms_of_one_text() {
        let delivery =
            sent("Café \"Ringpass\" <no-reply@acme.example>", "Your code — 482913", "Your code is: 482913 ✓");
        expect![[r#"
            From: =?utf-8?b?Q2Fmw6kgIlJpbmdwYXNz?= <no-reply@acme.example>
            To: ada@mail.example
            Subject: Your code =?utf-8?b?4oCU?= 482913
            Date: Fri, 02 Jan 2026 03:04:05 +0000
            Message-ID: <AAECAwQFBgcICQoLDA0ODw@acme.example.org>
            Auto-Submitted: auto-generated
            MIME-Version: 1.0
            Content-Type: multipart/alternative; boundary="=_AAECAwQFBgcICQoLDA0ODw"

            --=_AAECAwQFBgcICQoLDA0ODw
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            Your code is: 482913 =E2=9C=93
            --=_AAECAwQFBgcICQoLDA0ODw
            Content-Type: text/html; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            <p>Your code is: 482913 =E2=9C=93</p>
            --=_AAECAwQFBgcICQoLDA0ODw--
        "#]]
        .assert_eq(&delivery.message.expose().replace("\r\n", "\n"));
        assert!(delivery.message.expose().is_ascii());
    }

    #[test]
    fn headers_cannot_be_injected() {
        let names = "Evil\r\nBcc: <x@y.example>\0\u{2028}, \"q\" <no-reply@acme.example>";
        let delivery = sent(names, "Hi\r\nBcc: victim@mail.example\r\n\r\nbody\0", "a\r\n.\r\nQUIT\r\rMAIL\0 FROM\n");
        let message = delivery.message.expose();
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\nBcc"), "{head}");
        assert_eq!(head.lines().filter(|line| !line.starts_with(' ')).count(), 8, "{head}");
        assert!(!message.contains('\0') && !message.replace("\r\n", "").contains(['\r', '\n']), "{message:?}");
    }

    #[test]
    fn the_operator_is_told_what_is_missing() {
        for (credentials, why) in [
            (json!({}), "smtp_host is not set"),
            (json!({"smtp_host": "mail.example"}), "smtp_port is not set"),
            (json!({"smtp_host": "mail.example", "smtp_port": 70_000}), "smtp_port is not set"),
        ] {
            assert_eq!(options(&credentials).unwrap_err(), why);
        }
        let whole = json!({"smtp_host": "m.example", "smtp_port": 587, "smtp_user": "u", "smtp_pass": "hunter2"});
        assert!(!format!("{:?}", options(&whole).unwrap()).contains("hunter2"));
    }

    #[test]
    fn every_answer_has_its_sentence() {
        let failures = [
            Failure::Network(http::Failure::ConnectTimeout),
            Failure::Network(http::Failure::ReadTimeout),
            Failure::Network(http::Failure::Refused),
            Failure::Network(http::Failure::Tls),
            Failure::Network(http::Failure::Forbidden),
            Failure::Replied(Step::Hello, 421),
            Failure::Replied(Step::Login, 535),
            Failure::Replied(Step::Envelope, 550),
            Failure::Replied(Step::Message, 554),
            Failure::Garbled,
            Failure::NoEncryption,
            Failure::NoLogin,
        ];
        let said: Vec<String> = failures.map(|failure| outcome(Err(failure)).unwrap_err().sentence).into();
        expect![[r#"
            Timeout while calling the email server: ETIMEDOUT
            Timeout while calling the email server: ESOCKETTIMEDOUT
            Unexpected response while calling the email server: ECONNREFUSED
            Unexpected response while calling the email server: CERT_INVALID
            Unexpected response while calling the email server: EHOSTUNREACH
            Unexpected response while calling the email server: 421
            Authentication failed while calling the email server: 535
            Unexpected response while calling the email server: 550
            Unexpected response while calling the email server: 554
            Unexpected response while calling the email server: no SMTP
            The email server offers no encryption (STARTTLS, or port 465)
            The email server offers no login over an encrypted connection"#]]
        .assert_eq(&said.join("\n"));
        assert_eq!(outcome(Ok(())), Ok(()));
    }
}
