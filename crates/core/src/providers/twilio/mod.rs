//! Twilio: one account, the form POST that its resources take, and what its answers mean (C1001-C1018, C1726-C1732).
//!
//! Follows <https://www.twilio.com/docs/usage/twilios-response> and <https://www.twilio.com/docs/api/errors>.

pub mod sms;
pub mod voice;

use std::time::Duration;

use serde::Deserialize;

use super::{Origin, Reason, Refusal, Taken, Told, Verdict};
use crate::kit::hash;
use crate::kit::http::{Answer, Failure, Reach, Request};
use crate::kit::secret::Secret;

/// An account and its token.
#[derive(Debug, Clone)]
pub struct Account {
    sid: String,
    token: Secret,
}

impl Account {
    /// `None` for a `sid` that holds more than letters and digits: it becomes a segment of the URL's path, which nothing
    /// else can leave.
    pub fn new(sid: String, token: Secret) -> Option<Self> {
        sid.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(Self { sid, token })
    }

    fn authorization(&self) -> Secret {
        let pair = Secret::new(format!("{}:{}", self.sid, self.token.expose()));
        Secret::new(format!("Basic {}", hash::base64(pair.expose().as_bytes())))
    }

    /// The call that makes a `resource` (`Messages`, `Calls`) from the fields of a form.
    fn request(&self, resource: &str, form: String, origin: &Origin) -> Request {
        let base = origin.twilio_base_url.trim_end_matches('/');
        Request {
            url: format!("{base}/2010-04-01/Accounts/{}/{resource}.json", self.sid),
            headers: vec![
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ("accept", "application/json".to_owned()),
                ("user-agent", origin.user_agent_header.clone()),
            ],
            authorization: Some(self.authorization()),
            body: Secret::new(form),
            timeout: origin.timeout,
            reach: Reach::Anywhere,
        }
    }
}

/// Any 2xx is success, whatever the body says: the message is on its way and must not be sent again.
pub fn outcome(account: &Account, answer: &Result<Answer, Failure>) -> Result<Taken, Refusal> {
    let refusal = match answer {
        Ok(Answer { status: 200..=299, body, .. }) => return Ok(Taken { id: id(body) }),
        Ok(answer) => {
            let reason = if (400..500).contains(&answer.status) { Reason::Refused } else { Reason::Unexpected };
            let told = said(account, &answer.body);
            let sentence = match &told {
                Some(Told { message, code }) => format!("{message} (Code: {code})"),
                None => unexpected(answer.status),
            };
            let verdict = verdict(answer.status, told.as_ref().map(|told| told.code));
            Refusal { verdict, told, ..Refusal::new(reason, sentence) }
        }
        Err(failure) => {
            let sentence = match failure {
                Failure::ConnectTimeout | Failure::ReadTimeout => {
                    format!("Timeout while calling Twilio (Code: {})", failure.code())
                }
                other => unexpected(other.code()),
            };
            Refusal::new(Reason::of(*failure), sentence)
        }
    };
    Err(Refusal { repeat_after: repeat_after(answer), ..refusal })
}

/// One more call is right where none arrived, where Twilio failed, and where it asks for a short pause. After a timeout or a
/// broken connection the message may be on its way, and a message sent twice is paid twice.
fn repeat_after(answer: &Result<Answer, Failure>) -> Option<Duration> {
    match answer {
        Ok(answer) if answer.status == 429 => answer.retry_after.filter(|wait| *wait <= LONGEST_PAUSE),
        Ok(answer) => (500..600).contains(&answer.status).then_some(Duration::ZERO),
        Err(failure) => failure.is_before_sending().then_some(Duration::ZERO),
    }
}

/// Whose matter a refusal is, by Twilio's code for it (C1731) or else by its status.
fn verdict(status: u16, code: Option<u64>) -> Verdict {
    match (code, status) {
        (Some(21211 | 21214 | 21217 | 21612 | 21614), _) => Verdict::WrongNumber,
        (Some(20003 | 20404 | 21205 | 21212 | 21213 | 21602 | 21603 | 21606 | 21608 | 21617 | 21703 | 21705), _) => {
            Verdict::Configuration
        }
        (Some(20429 | 20500 | 21611), _) => Verdict::Transient,
        (Some(21215 | 21216 | 21408 | 21610), _) => Verdict::Other,
        (_, 401 | 403 | 404) => Verdict::Configuration,
        (_, 400..=428 | 430..=499) => Verdict::Other,
        _ => Verdict::Transient,
    }
}

/// The name that Twilio gave what it made.
fn id(body: &[u8]) -> Option<String> {
    let made: Made = serde_json::from_slice(body).ok()?;
    let fits = (1..=64).contains(&made.sid.len()) && made.sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(made.sid)
}

/// Twilio's own message and code, where the body holds both. The message is foreign text: it is cut to a line of bounded
/// length, and the credentials do not show in it.
fn said(account: &Account, body: &[u8]) -> Option<Told> {
    let fault: Fault = serde_json::from_slice(body).ok()?;
    let mut message = one_line(&fault.message);
    for secret in [account.token.expose(), account.authorization().expose().trim_start_matches("Basic ")] {
        message = message.replace(&one_line(secret), "***");
    }
    let message = message.trim();
    let end = message.char_indices().nth(LONGEST_MESSAGE).map_or(message.len(), |(at, _)| at);
    let message = message.get(..end).filter(|message| !message.is_empty())?;
    Some(Told { code: fault.code, message: message.trim_end().to_owned() })
}

/// Each character that could end a line, or change how a line reads, as a blank.
fn one_line(text: &str) -> String {
    let tricky = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if tricky(c) { ' ' } else { c }).collect()
}

fn unexpected(what: impl std::fmt::Display) -> String {
    format!("Unexpected response while calling Twilio (Code: {what})")
}

/// What Twilio says of a refused call; its other members do not count.
#[derive(Deserialize)]
struct Fault {
    code: u64,
    message: String,
}

/// What Twilio says of a resource that it made.
#[derive(Deserialize)]
struct Made {
    sid: String,
}

/// The longest pause that a caller is made to wait through.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Characters of a message; Twilio's own are shorter.
const LONGEST_MESSAGE: usize = 300;

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    const TOKEN: &str = "t0ken-of-the-account";

    fn account() -> Account {
        Account::new("AC0123".to_owned(), Secret::new(TOKEN)).unwrap()
    }

    fn answered(status: u16, body: &str) -> Answer {
        Answer { status, retry_after: None, body: body.as_bytes().to_vec() }
    }

    fn refusal(answer: &Result<Answer, Failure>) -> Refusal {
        outcome(&account(), answer).unwrap_err()
    }

    #[test]
    fn any_2xx_is_success_whatever_the_body_says() {
        for status in [200, 201, 202, 204, 299] {
            for body in ["", "{", r#"{"code":21211,"message":"no"}"#, r#"{"status":"failed","error_code":30007}"#] {
                assert_eq!(outcome(&account(), &Ok(answered(status, body))), Ok(Taken::default()), "{status} {body}");
            }
        }
    }

    #[test]
    fn each_failure_has_its_sentence_its_reason_and_its_pause() {
        let fault = r#"{"code":21211,"message":"The 'To' number +1555 is not a valid phone number.","more_info":"https://www.twilio.com/docs/errors/21211","status":400}"#;
        let later = |seconds| Ok(Answer { status: 429, retry_after: Some(Duration::from_secs(seconds)), body: vec![] });
        let mut out = String::new();
        for answer in [
            Ok(answered(400, fault)),
            Ok(answered(503, fault)),
            Ok(answered(400, "<html>")),
            Ok(answered(400, r#"{"message":"no code"}"#)),
            Ok(answered(400, r#"{"code":21211,"message":"  "}"#)),
            Ok(answered(400, r#"{"code":"21211","message":"a text for a code"}"#)),
            Ok(answered(302, "")),
            Ok(answered(500, "")),
            Ok(answered(429, "")),
            later(0),
            later(2),
            later(3),
            Err(Failure::ConnectTimeout),
            Err(Failure::ReadTimeout),
            Err(Failure::Refused),
            Err(Failure::NotFound),
            Err(Failure::Dropped),
            Err(Failure::Reset),
            Err(Failure::Tls),
            Err(Failure::Unreachable),
        ] {
            let Refusal { reason, sentence, repeat_after, verdict, .. } = refusal(&answer);
            out.push_str(&format!("{sentence} | {} | {verdict:?} | {repeat_after:?}\n", reason.word()));
        }
        expect![[r#"
            The 'To' number +1555 is not a valid phone number. (Code: 21211) | refused | WrongNumber | None
            The 'To' number +1555 is not a valid phone number. (Code: 21211) | unexpected | WrongNumber | Some(0ns)
            Unexpected response while calling Twilio (Code: 400) | refused | Other | None
            Unexpected response while calling Twilio (Code: 400) | refused | Other | None
            Unexpected response while calling Twilio (Code: 400) | refused | Other | None
            Unexpected response while calling Twilio (Code: 400) | refused | Other | None
            Unexpected response while calling Twilio (Code: 302) | unexpected | Transient | None
            Unexpected response while calling Twilio (Code: 500) | unexpected | Transient | Some(0ns)
            Unexpected response while calling Twilio (Code: 429) | refused | Transient | None
            Unexpected response while calling Twilio (Code: 429) | refused | Transient | Some(0ns)
            Unexpected response while calling Twilio (Code: 429) | refused | Transient | Some(2s)
            Unexpected response while calling Twilio (Code: 429) | refused | Transient | None
            Timeout while calling Twilio (Code: ETIMEDOUT) | unreachable | Transient | Some(0ns)
            Timeout while calling Twilio (Code: ESOCKETTIMEDOUT) | timeout | Transient | None
            Unexpected response while calling Twilio (Code: ECONNREFUSED) | unreachable | Transient | Some(0ns)
            Unexpected response while calling Twilio (Code: ENOTFOUND) | unreachable | Transient | Some(0ns)
            Unexpected response while calling Twilio (Code: ECONNRESET) | unreachable | Transient | Some(0ns)
            Unexpected response while calling Twilio (Code: ECONNRESET) | unexpected | Transient | None
            Unexpected response while calling Twilio (Code: CERT_INVALID) | unreachable | Transient | None
            Unexpected response while calling Twilio (Code: EHOSTUNREACH) | unreachable | Transient | Some(0ns)
        "#]]
        .assert_eq(&out);
    }

    #[test]
    fn a_message_is_one_bounded_line_without_the_token() {
        let said =
            |message: &str| refusal(&Ok(answered(401, &json!({"code": 1, "message": message}).to_string()))).sentence;
        assert_eq!(said("a\r\nb\u{0}\u{1b}[31m\u{85}\u{2028}\u{202e}c\t"), "a  b  [31m   c (Code: 1)");
        let basic = account().authorization();
        assert_eq!(said(&format!("{TOKEN}, {TOKEN}, {}", basic.expose())), "***, ***, Basic *** (Code: 1)");
        let long = format!("{}{TOKEN}{}", "ü".repeat(290), "x".repeat(9_000));
        let cut = refusal(&Ok(answered(401, &json!({"code": 1, "message": long}).to_string()))).sentence;
        assert_eq!(cut, format!("{}***{} (Code: 1)", "ü".repeat(290), "x".repeat(7)));
        // A token that is spread over lines, as no sane one is, does not come back in pieces.
        let account = Account::new("AC0123".to_owned(), Secret::new("two\nlines")).unwrap();
        let answer = Ok(answered(401, r#"{"code":1,"message":"bad two\nlines"}"#));
        assert_eq!(outcome(&account, &answer).unwrap_err().sentence, "bad *** (Code: 1)");
    }

    #[test]
    fn every_documented_code_says_whose_matter_it_is() {
        let mut out = String::new();
        for (status, code) in [
            (401, 20003),
            (404, 20404),
            (429, 20429),
            (500, 20500),
            (400, 21205),
            (400, 21211),
            (400, 21212),
            (400, 21213),
            (400, 21214),
            (400, 21215),
            (400, 21216),
            (400, 21217),
            (400, 21408),
            (400, 21602),
            (400, 21603),
            (400, 21606),
            (400, 21608),
            (400, 21610),
            (429, 21611),
            (400, 21611),
            (400, 21612),
            (400, 21614),
            (400, 21617),
            (400, 21703),
            (400, 21705),
            (400, 99_999),
            (403, 99_999),
            (429, 99_999),
            (503, 99_999),
        ] {
            let refusal = refusal(&Ok(answered(status, &json!({"code": code, "message": "no"}).to_string())));
            assert_eq!(refusal.told, Some(Told { code, message: "no".to_owned() }));
            out.push_str(&format!("{status} {code} {:?}\n", refusal.verdict));
        }
        expect![[r#"
            401 20003 Configuration
            404 20404 Configuration
            429 20429 Transient
            500 20500 Transient
            400 21205 Configuration
            400 21211 WrongNumber
            400 21212 Configuration
            400 21213 Configuration
            400 21214 WrongNumber
            400 21215 Other
            400 21216 Other
            400 21217 WrongNumber
            400 21408 Other
            400 21602 Configuration
            400 21603 Configuration
            400 21606 Configuration
            400 21608 Configuration
            400 21610 Other
            429 21611 Transient
            400 21611 Transient
            400 21612 WrongNumber
            400 21614 WrongNumber
            400 21617 Configuration
            400 21703 Configuration
            400 21705 Configuration
            400 99999 Other
            403 99999 Configuration
            429 99999 Transient
            503 99999 Transient
        "#]]
        .assert_eq(&out);
    }

    #[test]
    fn a_success_may_name_what_was_made() {
        let named = |body: &str| outcome(&account(), &Ok(answered(201, body))).unwrap().id;
        assert_eq!(named(r#"{"sid":"SM0123abc","status":"queued"}"#).as_deref(), Some("SM0123abc"));
        for body in [
            r#"{"sid":""}"#,
            r#"{"sid":7}"#,
            r#"{"sid":"a b"}"#,
            r#"{"sid":"a\r\nb"}"#,
            "[]",
            &json!({"sid": "x".repeat(65)}).to_string(),
        ] {
            assert_eq!(named(body), None, "{body}");
        }
    }

    #[test]
    fn a_refusal_prints_no_foreign_words() {
        let refusal = refusal(&Ok(answered(400, r#"{"code":21211,"message":"+15550001111 is none"}"#)));
        assert!(!format!("{refusal:?} {:?}", refusal.told).contains("1555"));
    }
}
