//! What the gateway remembers of a request.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;

/// One request, read to its end. Nothing is parsed until it is asked for.
#[derive(Debug, Clone)]
pub struct Received {
    /// The HTTP method.
    pub method: Method,
    /// Path and query as sent, for example `/send?tenant=a`.
    pub path: String,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Received {
    /// The body as JSON; `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's value; `None` when it is absent or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of an `Authorization: Bearer` header.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }

    /// The JSON member `recipient`: the phone number the message is for.
    pub fn recipient(&self) -> Option<String> {
        self.json().get("recipient")?.as_str().map(str::to_owned)
    }

    /// The one-time code: the first run of 4 to 10 digits in the JSON member `body`, in the field `Body` of a form, or, said
    /// digit by digit, in its field `Twiml`.
    pub fn code(&self) -> Option<String> {
        if let Some(body) = self.json().get("body") {
            return code_in(body.as_str()?);
        }
        match self.form("Body") {
            Some(body) => code_in(&body),
            None => code_in(&self.form("Twiml")?.replace(". ", "").replace(", ", "")),
        }
    }

    /// A field of a form; `None` when it is absent or empty.
    pub fn form(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(&self.body);
        pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    }
}

fn code_in(text: &str) -> Option<String> {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| (4..=10).contains(&run.len())).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_first_run_of_4_to_10_digits() {
        let cases = [
            ("Your verification code is: 482913", Some("482913")),
            ("24/7 support; code 0042.", Some("0042")),
            ("12345678901 is too long, 1234567890 is not", Some("1234567890")),
            ("123", None),
            ("", None),
        ];
        for (text, code) in cases {
            assert_eq!(code_in(text).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn a_request_gives_its_token_recipient_and_code() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "bearer a.b.c".parse().unwrap());
        let body = Bytes::from_static(br#"{"recipient":"+4915112345678","body":"Code 123456"}"#);
        let received = Received { method: Method::POST, path: "/send".to_owned(), headers, body };
        assert_eq!(received.bearer(), Some("a.b.c"));
        assert_eq!(received.recipient().as_deref(), Some("+4915112345678"));
        assert_eq!(received.code().as_deref(), Some("123456"));

        let call = "Twiml=%3CSay%3EAcme.+The+code%3C%2FSay%3E%3CSay%3E4.+8.+2.+9.+1.+3.+Bye.%3C%2FSay%3E";
        let call = Received { body: Bytes::from_static(call.as_bytes()), ..received.clone() };
        assert_eq!(call.code().as_deref(), Some("482913"));

        let empty = Received { body: Bytes::new(), headers: HeaderMap::new(), ..received };
        assert_eq!((empty.json(), empty.bearer(), empty.code()), (Value::Null, None, None));
    }
}
