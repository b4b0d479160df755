//! Twilio's Programmable Messaging: one form POST (C1001-C1018).
//!
//! Follows <https://www.twilio.com/docs/messaging/api/message-resource>.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::super::{Message, Origin, text};
use super::Account;
use crate::kit::http::Request;
use crate::kit::secret::Secret;

/// Who sends messages at Twilio: an account, and a number or a messaging service.
#[derive(Debug, Clone)]
pub struct Options {
    account: Account,
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
        let token = text(options, "twilio_token").filter(|token| !token.trim().is_empty());
        let token = token.map(Secret::new).ok_or("twilio_token is not set")?;
        let account = Account::new(sid, token).ok_or("twilio_sid holds more than letters and digits")?;
        Self::new(account, text(options, "from"), text(options, "messaging_service_sid"))
            .ok_or("neither from nor messaging_service_sid is set")
    }

    /// Messages of `account`, from a messaging service if there is one, else from a number; `None` without either.
    pub fn new(account: Account, from: Option<String>, messaging_service_sid: Option<String>) -> Option<Self> {
        let sender = messaging_service_sid.map(Sender::MessagingService).or_else(|| from.map(Sender::From))?;
        Some(Self { account, sender })
    }

    /// The account.
    pub fn account(&self) -> &Account {
        &self.account
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
    options.account.request("Messages", body, origin)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::kit::hash;

    const TOKEN: &str = "t0ken-of-the-account";

    fn parse(change: &Value) -> Result<Options, &'static str> {
        let mut options = json!({"twilio_sid": "AC0123", "twilio_token": TOKEN, "from": "+1 (555) 000-9999"});
        options.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Options::parse(options.as_object().unwrap())
    }

    fn request_with(change: &Value, from: Option<&str>) -> Request {
        let text = Secret::new("Grüße & 100% = 482913\n+1");
        let message = Message { to: "+15550001111".into(), text, from: from.map(str::to_owned) };
        let origin = Origin { twilio_base_url: "https://api.twilio.com/".into(), ..crate::providers::tests::origin() };
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

    #[test]
    fn nothing_prints_the_token() {
        let printed = format!("{:?} {:?}", parse(&json!({})), request_with(&json!({}), None));
        assert!(!printed.contains(TOKEN) && printed.contains("***"), "{printed}");
    }
}
