//! Twilio's Programmable Messaging: one form POST with Basic credentials (C1001-C1018).
//!
//! Follows <https://www.twilio.com/docs/messaging/api/message-resource> and <https://www.twilio.com/docs/usage/twilios-response>.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{Message, Origin, Reason, Refusal, text};
use crate::kit::hash;
use crate::kit::http::{Answer, Failure, Reach, Request};
use crate::kit::secret::Secret;

/// Who sends at Twilio: an account, its token, and a number or a messaging service.
#[derive(Debug, Clone)]
pub struct Options {
    sid: String,
    token: Secret,
    sender: Sender,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sender {
    From(String),
    MessagingService(String),
}

impl Options {
    /// Reads a connection's `options`. The error names what is missing, for the operator.
    pub fn parse(options: &Map<String, Value>) -> Result<Self, &'static str> {
        let sid = text(options, "twilio_sid").ok_or("twilio_sid is not set")?;
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            // It becomes a segment of the URL's path, which nothing but letters and digits can leave.
            return Err("twilio_sid holds more than letters and digits");
        }
        let token = text(options, "twilio_token").filter(|token| !token.trim().is_empty());
        let token = token.map(Secret::new).ok_or("twilio_token is not set")?;
        let service = text(options, "messaging_service_sid").map(Sender::MessagingService);
        let sender = service.or_else(|| text(options, "from").map(Sender::From));
        Ok(Self { sid, token, sender: sender.ok_or("neither from nor messaging_service_sid is set")? })
    }

    fn authorization(&self) -> Secret {
        let pair = Secret::new(format!("{}:{}", self.sid, self.token.expose()));
        Secret::new(format!("Basic {}", hash::base64(pair.expose().as_bytes())))
    }
}

/// The call that hands `message` to Twilio.
pub fn request(options: &Options, message: &Message, origin: &Origin) -> Request {
    let (name, sender) = match (&options.sender, &message.from) {
        (Sender::MessagingService(sid), _) => ("MessagingServiceSid", sid),
        (Sender::From(_), Some(from)) | (Sender::From(from), None) => ("From", from),
    };
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("To", &message.to)
        .append_pair(name, sender)
        .append_pair("Body", message.text.expose())
        .finish();
    let base = origin.twilio_base_url.trim_end_matches('/');
    Request {
        url: format!("{base}/2010-04-01/Accounts/{}/Messages.json", options.sid),
        headers: vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("accept", "application/json".to_owned()),
            ("user-agent", origin.user_agent_header.clone()),
        ],
        authorization: Some(options.authorization()),
        body: Secret::new(body),
        timeout: origin.timeout,
        reach: Reach::Anywhere,
    }
}

/// Any 2xx is success, whatever the body says: the message is on its way and must not be sent again.
pub fn outcome(options: &Options, answer: &Result<Answer, Failure>) -> Result<(), Refusal> {
    let repeat_after = repeat_after(answer);
    let refuse = |reason, sentence| Err(Refusal { reason, sentence, repeat_after });
    match answer {
        Ok(Answer { status: 200..=299, .. }) => Ok(()),
        Ok(answer) => {
            let reason = if (400..500).contains(&answer.status) { Reason::Refused } else { Reason::Unexpected };
            match said(options, &answer.body) {
                Some((message, code)) => refuse(reason, format!("{message} (Code: {code})")),
                None => refuse(reason, unexpected(answer.status)),
            }
        }
        Err(failure) => {
            let sentence = match failure {
                Failure::ConnectTimeout | Failure::ReadTimeout => {
                    format!("Timeout while calling Twilio (Code: {})", failure.code())
                }
                other => unexpected(other.code()),
            };
            refuse(Reason::of(*failure), sentence)
        }
    }
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

/// Twilio's own message and code, where the body holds both. The message is foreign text: it is cut to a line of bounded
/// length, and the credentials do not show in it.
fn said(options: &Options, body: &[u8]) -> Option<(String, u64)> {
    let fault: Fault = serde_json::from_slice(body).ok()?;
    let mut message = one_line(&fault.message);
    for secret in [options.token.expose(), options.authorization().expose().trim_start_matches("Basic ")] {
        message = message.replace(&one_line(secret), "***");
    }
    let message = message.trim();
    let end = message.char_indices().nth(LONGEST_MESSAGE).map_or(message.len(), |(at, _)| at);
    let message = message.get(..end).filter(|message| !message.is_empty())?;
    Some((message.trim_end().to_owned(), fault.code))
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

    fn parse(change: &Value) -> Result<Options, &'static str> {
        let mut options = json!({"twilio_sid": "AC0123", "twilio_token": TOKEN, "from": "+1 (555) 000-9999"});
        options.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Options::parse(options.as_object().unwrap())
    }

    fn request_with(change: &Value, from: Option<&str>) -> Request {
        let text = Secret::new("Grüße & 100% = 482913\n+1");
        let message = Message { to: "+15550001111".into(), text, from: from.map(str::to_owned) };
        let origin = Origin { twilio_base_url: "https://api.twilio.com/".into(), ..super::super::tests::origin() };
        request(&parse(change).unwrap(), &message, &origin)
    }

    #[test]
    fn the_whole_request_reads_as_twilio_expects_it() {
        let request = request_with(&json!({}), None);
        expect![[r#"
            Request {
                url: "https://api.twilio.com/2010-04-01/Accounts/AC0123/Messages.json",
                headers: [
                    (
                        "content-type",
                        "application/x-www-form-urlencoded",
                    ),
                    (
                        "accept",
                        "application/json",
                    ),
                    (
                        "user-agent",
                        "Auth0",
                    ),
                ],
                authorization: Some(
                    ***,
                ),
                body: ***,
                timeout: 30s,
                reach: Anywhere,
            }
        "#]]
        .assert_debug_eq(&request);
        expect!["To=%2B15550001111&From=%2B1+%28555%29+000-9999&Body=Gr%C3%BC%C3%9Fe+%26+100%25+%3D+482913%0A%2B1"]
            .assert_eq(request.body.expose());
        let pair = hash::base64(format!("AC0123:{TOKEN}").as_bytes());
        assert_eq!(request.authorization.unwrap().expose(), format!("Basic {pair}"));
    }

    #[test]
    fn a_message_names_one_sender_and_the_service_wins() {
        let sender = |change: &Value, from| {
            let body = request_with(change, from).body;
            let pairs = form_urlencoded::parse(body.expose().as_bytes()).into_owned();
            let pairs: Vec<_> = pairs.filter(|(name, _)| name != "To" && name != "Body").collect();
            let [(name, value)] = <[_; 1]>::try_from(pairs).unwrap();
            format!("{name}={value}")
        };
        let service = json!({"messaging_service_sid": "MG77"});
        assert_eq!(sender(&json!({}), None), "From=+1 (555) 000-9999");
        assert_eq!(sender(&json!({"messaging_service_sid": null}), None), "From=+1 (555) 000-9999");
        assert_eq!(sender(&json!({"messaging_service_sid": ""}), Some("Acme")), "From=Acme");
        assert_eq!(sender(&service, None), "MessagingServiceSid=MG77");
        assert_eq!(sender(&service, Some("Acme")), "MessagingServiceSid=MG77");
        assert_eq!(sender(&json!({"messaging_service_sid": "MG77", "from": null}), None), "MessagingServiceSid=MG77");
    }

    #[test]
    fn options_that_cannot_send_say_what_they_lack() {
        for (change, lack) in [
            (json!({"twilio_sid": null}), "twilio_sid is not set"),
            (json!({"twilio_sid": ""}), "twilio_sid is not set"),
            (json!({"twilio_sid": 7}), "twilio_sid is not set"),
            (json!({"twilio_token": null}), "twilio_token is not set"),
            (json!({"twilio_token": " "}), "twilio_token is not set"),
            (json!({"from": null}), "neither from nor messaging_service_sid is set"),
            (json!({"from": "", "messaging_service_sid": ""}), "neither from nor messaging_service_sid is set"),
        ] {
            assert_eq!(parse(&change).unwrap_err(), lack, "{change}");
        }
    }

    #[test]
    fn an_account_cannot_leave_its_segment_of_the_path() {
        for sid in
            ["..", ".", "a/b", "../../Calls", "a?b", "a#b", "a\r\nhost: x", "a%2fb", "a;b", "a\\b", "a:b", "a b", "ä"]
        {
            assert_eq!(
                parse(&json!({"twilio_sid": sid})).unwrap_err(),
                "twilio_sid holds more than letters and digits"
            );
        }
    }

    fn answered(status: u16, body: &str) -> Answer {
        Answer { status, retry_after: None, body: body.as_bytes().to_vec() }
    }

    fn refusal(answer: &Result<Answer, Failure>) -> Refusal {
        outcome(&parse(&json!({})).unwrap(), answer).unwrap_err()
    }

    #[test]
    fn any_2xx_is_success_whatever_the_body_says() {
        for status in [200, 201, 202, 204, 299] {
            for body in ["", "{", r#"{"code":21211,"message":"no"}"#, r#"{"status":"failed","error_code":30007}"#] {
                assert_eq!(
                    outcome(&parse(&json!({})).unwrap(), &Ok(answered(status, body))),
                    Ok(()),
                    "{status} {body}"
                );
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
            let Refusal { reason, sentence, repeat_after } = refusal(&answer);
            out.push_str(&format!("{sentence} | {} | {repeat_after:?}\n", reason.word()));
        }
        expect![[r#"
            The 'To' number +1555 is not a valid phone number. (Code: 21211) | refused | None
            The 'To' number +1555 is not a valid phone number. (Code: 21211) | unexpected | Some(0ns)
            Unexpected response while calling Twilio (Code: 400) | refused | None
            Unexpected response while calling Twilio (Code: 400) | refused | None
            Unexpected response while calling Twilio (Code: 400) | refused | None
            Unexpected response while calling Twilio (Code: 400) | refused | None
            Unexpected response while calling Twilio (Code: 302) | unexpected | None
            Unexpected response while calling Twilio (Code: 500) | unexpected | Some(0ns)
            Unexpected response while calling Twilio (Code: 429) | refused | None
            Unexpected response while calling Twilio (Code: 429) | refused | Some(0ns)
            Unexpected response while calling Twilio (Code: 429) | refused | Some(2s)
            Unexpected response while calling Twilio (Code: 429) | refused | None
            Timeout while calling Twilio (Code: ETIMEDOUT) | unreachable | Some(0ns)
            Timeout while calling Twilio (Code: ESOCKETTIMEDOUT) | timeout | None
            Unexpected response while calling Twilio (Code: ECONNREFUSED) | unreachable | Some(0ns)
            Unexpected response while calling Twilio (Code: ENOTFOUND) | unreachable | Some(0ns)
            Unexpected response while calling Twilio (Code: ECONNRESET) | unreachable | Some(0ns)
            Unexpected response while calling Twilio (Code: ECONNRESET) | unexpected | None
            Unexpected response while calling Twilio (Code: CERT_INVALID) | unreachable | None
            Unexpected response while calling Twilio (Code: EHOSTUNREACH) | unreachable | Some(0ns)
        "#]]
        .assert_eq(&out);
    }

    #[test]
    fn a_message_is_one_bounded_line_without_the_token() {
        let said =
            |message: &str| refusal(&Ok(answered(401, &json!({"code": 1, "message": message}).to_string()))).sentence;
        assert_eq!(said("a\r\nb\u{0}\u{1b}[31m\u{85}\u{2028}\u{202e}c\t"), "a  b  [31m   c (Code: 1)");
        let basic = parse(&json!({})).unwrap().authorization();
        assert_eq!(said(&format!("{TOKEN}, {TOKEN}, {}", basic.expose())), "***, ***, Basic *** (Code: 1)");
        let long = format!("{}{TOKEN}{}", "ü".repeat(290), "x".repeat(9_000));
        let cut = refusal(&Ok(answered(401, &json!({"code": 1, "message": long}).to_string()))).sentence;
        assert_eq!(cut, format!("{}***{} (Code: 1)", "ü".repeat(290), "x".repeat(7)));
        // A token that is spread over lines, as no sane one is, does not come back in pieces.
        let options = parse(&json!({"twilio_token": "two\nlines"})).unwrap();
        let answer = Ok(answered(401, r#"{"code":1,"message":"bad two\nlines"}"#));
        assert_eq!(outcome(&options, &answer).unwrap_err().sentence, "bad *** (Code: 1)");
    }

    #[test]
    fn nothing_prints_the_token() {
        let printed = format!("{:?} {:?}", parse(&json!({})), request_with(&json!({}), None));
        assert!(!printed.contains(TOKEN) && printed.contains("***"), "{printed}");
    }
}
