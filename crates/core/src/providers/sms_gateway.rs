//! The operator's own SMS gateway: one JSON POST, an HS256 token that proves where it comes from, and a status that decides.
//!
//! Follows the page "Set Up Custom SMS Gateway for Passwordless Connections" of the Auth0 documentation.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Message, Origin, Reason, Refusal, Taken, text};
use crate::kit::clock::{Millis, SECOND};
use crate::kit::http::{Answer, Failure, Reach, Request};
use crate::kit::secret::Secret;
use crate::kit::{hash, jwt};

/// The gateway's settings in a connection's `options`, with the signing key decoded and ready.
#[derive(Debug, Clone)]
pub struct Options {
    url: String,
    authentication: Option<Authentication>,
    from: Option<String>,
    forward_req_info: bool,
}

#[derive(Debug, Clone)]
struct Authentication {
    subject: Option<String>,
    audience: String,
    key: Key,
}

/// HMAC key bytes; prints as `***`.
#[derive(Clone)]
struct Key(Zeroizing<Vec<u8>>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Options {
    /// Reads a connection's `options`. `None` without a `gateway_url`, and for an authentication that cannot sign: a message
    /// that should carry a token is never sent without one.
    pub fn parse(options: &Map<String, Value>) -> Option<Self> {
        let url = text(options, "gateway_url")?;
        let authentication = match options.get("gateway_authentication").and_then(Value::as_object) {
            Some(settings) if !settings.is_empty() => Some(Authentication::parse(settings, options)?),
            _ => None,
        };
        let forward_req_info = options.get("forward_req_info").is_some_and(is_on);
        Some(Self { url, authentication, from: text(options, "from"), forward_req_info })
    }
}

impl Authentication {
    /// The flag beside the secret wins over the one among the outer options; both places are in use.
    fn parse(settings: &Map<String, Value>, options: &Map<String, Value>) -> Option<Self> {
        let secret = text(settings, "secret").map(Secret::new)?;
        let flag = [settings, options]
            .into_iter()
            .filter_map(|at| at.get("secret_base64_encoded"))
            .find(|flag| !flag.is_null());
        let key = if flag.is_some_and(is_on) {
            hash::from_any_base64(secret.expose())?
        } else {
            secret.expose().as_bytes().to_vec()
        };
        let key = Key(Zeroizing::new(key));
        Some(Self { subject: text(settings, "subject"), audience: text(settings, "audience")?, key })
    }

    fn header(&self, origin: &Origin) -> Option<Secret> {
        let issued = origin.now.div_euclid(SECOND);
        let claims = Claims {
            iss: &origin.issuer,
            sub: self.subject.as_deref(),
            aud: &self.audience,
            iat: issued,
            exp: issued + TOKEN_SECONDS,
            jti: &origin.jti,
        };
        let token = jwt::sign_hs256(&self.key.0, "JWT", &claims)?;
        Some(Secret::new(format!("Bearer {token}")))
    }
}

/// The call that hands `message` to the gateway.
pub fn request(options: &Options, message: &Message, origin: &Origin) -> Result<Request, Refusal> {
    let body = Payload {
        recipient: &message.to,
        body: message.text.expose(),
        sender: message.from.as_deref().or(options.from.as_deref()),
        req: options.forward_req_info.then(|| Req { ip: &origin.ip, user_agent: origin.user_agent.as_deref() }),
    };
    let Ok(body) = serde_json::to_string(&body).map(Secret::new) else { return unsendable() };
    let authorization = match &options.authentication {
        Some(authentication) => match authentication.header(origin) {
            Some(header) => Some(header),
            None => return unsendable(),
        },
        None => None,
    };
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "*/*".to_owned()),
        ("user-agent", origin.user_agent_header.clone()),
    ];
    let (url, timeout) = (options.url.clone(), origin.timeout);
    Ok(Request { url, headers, authorization, body, timeout, reach: Reach::Guarded })
}

/// Only status 200 is success; the body does not count, and nothing is ever repeated.
pub fn outcome(answer: &Result<Answer, Failure>) -> Result<Taken, Refusal> {
    match answer.as_ref().map(|answer| answer.status) {
        Ok(200) => Ok(Taken::default()),
        Ok(401) => refuse(Reason::Refused, "Authentication failed while calling the SMS gateway: 401".to_owned()),
        Ok(status @ 400..500) => refuse(Reason::Refused, unexpected(status)),
        Ok(status) => refuse(Reason::Unexpected, unexpected(status)),
        Err(failure @ (Failure::ConnectTimeout | Failure::ReadTimeout)) => {
            refuse(Reason::of(*failure), format!("Timeout while calling the SMS gateway: {}", failure.code()))
        }
        Err(failure) => refuse(Reason::of(*failure), unexpected(failure.code())),
    }
}

fn unsendable<T>() -> Result<T, Refusal> {
    refuse(Reason::Unexpected, unexpected("EINVAL"))
}

fn refuse<T>(reason: Reason, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(reason, sentence))
}

fn unexpected(what: impl fmt::Display) -> String {
    format!("Unexpected response while calling the SMS gateway: {what}")
}

/// Flags come as JSON `true` or as the text `"true"`.
fn is_on(value: &Value) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

/// The members in their order on the wire.
#[derive(Serialize)]
struct Payload<'a> {
    recipient: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    req: Option<Req<'a>>,
}

#[derive(Serialize)]
struct Req<'a> {
    ip: &'a str,
    #[serde(rename = "user-agent", skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    aud: &'a str,
    iat: Millis,
    exp: Millis,
    jti: &'a str,
}

/// Lifetime of a gateway token, seconds.
const TOKEN_SECONDS: Millis = 300;

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::kit::jwt::Parsed;

    fn options(more: &Value) -> Option<Options> {
        let mut options = json!({"provider": "sms_gateway", "gateway_url": "https://gateway.example.org/sms"});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Options::parse(options.as_object().unwrap())
    }

    fn request_with(more: &Value) -> Request {
        let text = Secret::new("Your verification code is: 482913");
        let message = Message { to: "+15550001111".into(), text, from: None };
        request(&options(more).unwrap(), &message, &super::super::tests::origin()).unwrap()
    }

    fn token_with(more: &Value) -> String {
        let authorization = request_with(more).authorization.unwrap();
        authorization.expose().strip_prefix("Bearer ").unwrap().to_owned()
    }

    #[test]
    fn the_whole_request_reads_as_the_gateway_expects_it() {
        let request = request_with(&json!({
            "from": "+15550009999",
            "forward_req_info": true,
            "gateway_authentication": {
                "method": "bearer", "subject": "urn:Auth0", "audience": "urn:MySmsGateway",
                "secret": "gateway-secret-for-tests", "secret_base64_encoded": false,
            },
        }));
        expect![[r#"
            Request {
                url: "https://gateway.example.org/sms",
                headers: [
                    (
                        "content-type",
                        "application/json",
                    ),
                    (
                        "accept",
                        "*/*",
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
                reach: Guarded,
            }
        "#]]
        .assert_debug_eq(&request);
        expect![[r#"{"recipient":"+15550001111","body":"Your verification code is: 482913","sender":"+15550009999","req":{"ip":"203.0.113.7","user-agent":"Browser \"9\""}}"#]].assert_eq(request.body.expose());
        let authorization = request.authorization.unwrap();
        let token = Parsed::new(authorization.expose().strip_prefix("Bearer ").unwrap()).unwrap();
        assert!(token.verifies_hs256(b"gateway-secret-for-tests"));
        expect![[r#"{"iss":"https://acme.example.org/","sub":"urn:Auth0","aud":"urn:MySmsGateway","iat":1700000000,"exp":1700000300,"jti":"AAECAwQFBgcICQoLDA0ODw"}"#]].assert_eq(&serde_json::to_string(token.claims()).unwrap());
    }

    #[test]
    fn unset_members_are_left_out() {
        let request = request_with(&json!({"from": "", "gateway_authentication": null}));
        assert!(request.authorization.is_none());
        assert_eq!(request.body.expose(), r#"{"recipient":"+15550001111","body":"Your verification code is: 482913"}"#);
    }

    #[test]
    fn request_info_is_forwarded_for_true_in_both_spellings_only() {
        for (flag, on) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("false"), false),
            (json!(null), false),
            (json!(1), false),
            (json!("TRUE"), false),
        ] {
            let request = request_with(&json!({"forward_req_info": flag}));
            let req = r#","req":{"ip":"203.0.113.7","user-agent":"Browser \"9\""}}"#;
            assert_eq!(request.body.expose().ends_with(req), on, "{flag}");
        }
    }

    #[test]
    fn the_secret_is_decoded_where_either_flag_says_so_and_the_nested_one_wins() {
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let bytes: Vec<u8> = (0..32).collect();
        for (outer, nested, decoded) in [
            (json!(null), json!(null), false),
            (json!(null), json!(true), true),
            (json!("true"), json!(null), true),
            (json!(true), json!(false), false),
            (json!(false), json!(true), true),
        ] {
            let authentication = json!({"audience": "a", "secret": text, "secret_base64_encoded": nested});
            let token = token_with(&json!({"secret_base64_encoded": outer, "gateway_authentication": authentication}));
            let token = Parsed::new(&token).unwrap();
            assert_eq!(token.verifies_hs256(&bytes), decoded, "{outer} {nested}");
            assert_eq!(token.verifies_hs256(text.as_bytes()), !decoded, "{outer} {nested}");
            assert!(!token.claims().contains_key("sub"));
        }
        let authentication = json!({"audience": "a", "secret": text});
        let token = token_with(&json!({"secret_base64_encoded": true, "gateway_authentication": authentication}));
        assert!(Parsed::new(&token).unwrap().verifies_hs256(&bytes));
    }

    #[test]
    fn an_authentication_that_cannot_sign_sends_nothing() {
        for authentication in [
            json!({"audience": "a"}),
            json!({"secret": "s"}),
            json!({"audience": "a", "secret": "not base64!", "secret_base64_encoded": true}),
        ] {
            assert!(options(&json!({"gateway_authentication": authentication})).is_none(), "{authentication}");
        }
    }

    #[test]
    fn settings_print_without_the_key() {
        let authentication = json!({"audience": "a", "secret": "hunter2"});
        let options = options(&json!({"gateway_authentication": authentication})).unwrap();
        let bytes = format!("{:?}", b"hunter2");
        let printed = format!("{options:?}");
        assert!(!printed.contains("hunter2") && !printed.contains(&bytes), "{printed}");
    }

    #[test]
    fn every_answer_has_its_sentence() {
        let status = |status| outcome(&Ok(Answer { status, retry_after: None, body: b"{\"ok\":true}".to_vec() }));
        assert_eq!(status(200), Ok(Taken::default()));
        let mut said: Vec<String> =
            [201, 204, 302, 400, 401, 403, 503].map(|it| status(it).unwrap_err().sentence).into();
        let failures = [
            Failure::ConnectTimeout,
            Failure::ReadTimeout,
            Failure::Refused,
            Failure::NotFound,
            Failure::Reset,
            Failure::Tls,
            Failure::Forbidden,
            Failure::Unreachable,
            Failure::BadUrl,
        ];
        said.extend(failures.map(|failure| outcome(&Err(failure)).unwrap_err().sentence));
        expect![[r"
            Unexpected response while calling the SMS gateway: 201
            Unexpected response while calling the SMS gateway: 204
            Unexpected response while calling the SMS gateway: 302
            Unexpected response while calling the SMS gateway: 400
            Authentication failed while calling the SMS gateway: 401
            Unexpected response while calling the SMS gateway: 403
            Unexpected response while calling the SMS gateway: 503
            Timeout while calling the SMS gateway: ETIMEDOUT
            Timeout while calling the SMS gateway: ESOCKETTIMEDOUT
            Unexpected response while calling the SMS gateway: ECONNREFUSED
            Unexpected response while calling the SMS gateway: ENOTFOUND
            Unexpected response while calling the SMS gateway: ECONNRESET
            Unexpected response while calling the SMS gateway: CERT_INVALID
            Unexpected response while calling the SMS gateway: EHOSTUNREACH
            Unexpected response while calling the SMS gateway: EHOSTUNREACH
            Unexpected response while calling the SMS gateway: EINVAL"]]
        .assert_eq(&said.join("\n"));
    }
}
