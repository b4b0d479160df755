//! `ringpass gateway check`: asks a gateway what it must accept and what it must refuse, and says what to do about it.
//!
//! What a gateway owes its callers stands in `docs/COMPATIBILITY.md`, C301-C322.

use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};
use ringpass_core::kit::clock::{Clock, HOUR, Millis, SECOND};
use ringpass_core::kit::http::{Failure, Request};
use ringpass_core::kit::rng::Rng;
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::{hash, jwt};
use ringpass_core::outbound::{Outbound, Settings};
use ringpass_core::providers::sms_gateway::{self, Options};
use ringpass_core::providers::{Message, Origin};
use serde_json::{Value, json};

/// Asks an SMS gateway everything that it must accept or refuse. What it accepts it may send, to +12025550100, a number that
/// is reserved for fiction.
///
/// Exit status: 0, it accepts what it must and refuses the rest; 1, it does not, or that cannot be shown (a gateway shows
/// that it accepts the right token only to a check that has --secret); 2, it cannot be asked.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The connection's `gateway_url`.
    pub url: String,
    /// `gateway_authentication.secret`. Without it a random secret signs, which no gateway should accept.
    #[arg(long, value_parser = |text: &str| Ok::<_, Infallible>(Secret::new(text)))]
    pub secret: Option<Secret>,
    /// `gateway_authentication.audience`.
    #[arg(long, default_value = "urn:MySmsGateway")]
    pub audience: String,
    /// `gateway_authentication.subject`.
    #[arg(long, default_value = "urn:Auth0")]
    pub subject: String,
    /// `gateway_authentication.secret_base64_encoded`: the secret is base64.
    #[arg(long)]
    pub secret_base64: bool,
}

/// Sends the probes one after the other, writes a line about each to `out`, and returns the exit status.
pub async fn run(args: Args, clock: &Clock, rng: &Rng, out: &mut (dyn Write + Send)) -> u8 {
    let Some(signer) = Signer::new(&args, clock, rng) else {
        say(out, "✗ The secret is no base64. Leave --secret-base64 away, or check the secret.");
        return Verdict::Unanswered.exit();
    };
    let networks = [Ipv4Net::default().into(), Ipv6Net::default().into()];
    let ten = Duration::from_secs(10);
    let settings = Settings { allow: networks.to_vec(), connect_timeout: ten, connect_timeout_anywhere: ten };
    let outbound = Outbound::new(settings);
    let mut worst = Verdict::Safe;
    let mut first = None;
    for mut probe in PROBES {
        let Some(request) = signer.request(&probe) else {
            say(out, "✗ The address, the audience or the secret is empty.");
            return Verdict::Unanswered.exit();
        };
        let (verdict, line) = match outbound.send(request).await {
            Ok(answer) => {
                // Refused like the request without `req`: then it is not `req`.
                if *first.get_or_insert(answer.status) == answer.status && probe.ask == Ask::SignedWithReq {
                    probe.advice = SETTINGS;
                }
                judge(&probe, answer.status, args.secret.is_some())
            }
            Err(failure) => (Verdict::Unanswered, unanswered(&probe, failure)),
        };
        say(out, &line);
        worst = worst.max(verdict);
        if worst == Verdict::Unanswered && probe.ask == Ask::Signed {
            break;
        }
    }
    say(out, worst.summary());
    worst.exit()
}

/// What a probe showed; the greatest of all is the result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Safe,
    Unknown,
    Unanswered,
    Unsafe,
}

impl Verdict {
    fn exit(self) -> u8 {
        match self {
            Self::Safe => 0,
            Self::Unknown | Self::Unsafe => 1,
            Self::Unanswered => 2,
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Self::Safe => "The gateway is safe.",
            Self::Unknown => {
                "The gateway is not shown to be safe. Give --secret and --audience to see whether it accepts yours."
            }
            Self::Unanswered => "The gateway did not answer everything.",
            Self::Unsafe => "The gateway is not safe yet.",
        }
    }
}

/// One question to the gateway.
#[derive(Clone, Copy)]
struct Probe {
    ask: Ask,
    what: &'static str,
    expect: Expect,
    /// What to do when the gateway does not answer as it must.
    advice: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Signed,
    SignedWithReq,
    NoToken,
    WrongSignature,
    WrongAudience,
    Expired,
    AlgNone,
    WrongSubject,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Accepted,
    Refused,
    /// Better refused, but no hole as long as the secret is the gateway's own.
    BetterRefused,
}

const SETTINGS: &str =
    "compare --secret, --secret-base64, --audience and --subject with the gateway's settings, and its clock";

const PROBES: [Probe; 8] = [
    Probe { ask: Ask::Signed, what: "a signed request", expect: Expect::Accepted, advice: SETTINGS },
    Probe {
        ask: Ask::SignedWithReq,
        what: "a signed request with `req` (caller's ip and user-agent)",
        expect: Expect::Accepted,
        advice: "ignore members of the body that you do not use",
    },
    Probe {
        ask: Ask::NoToken,
        what: "a request without a token",
        expect: Expect::Refused,
        advice: "answer 401 when the Authorization header is missing: anyone can send messages at your expense",
    },
    Probe {
        ask: Ask::WrongSignature,
        what: "a token signed with another secret",
        expect: Expect::Refused,
        advice: "verify the HS256 signature with your secret before anything else",
    },
    Probe {
        ask: Ask::WrongAudience,
        what: "a token for another audience",
        expect: Expect::Refused,
        advice: "compare the claim `aud` with your audience",
    },
    Probe {
        ask: Ask::Expired,
        what: "an expired token",
        expect: Expect::Refused,
        advice: "compare the claim `exp` with the time, so that a token seen once is of no use later",
    },
    Probe {
        ask: Ask::AlgNone,
        what: "an unsigned token (alg: none)",
        expect: Expect::Refused,
        advice: "verify with HS256 alone, whatever the token's header says",
    },
    Probe {
        ask: Ask::WrongSubject,
        what: "a token with another subject",
        expect: Expect::BetterRefused,
        advice: "compare the claim `sub` as well if other services share the secret",
    },
];

/// Makes the probes' requests, signed with the given secret or a random one.
struct Signer<'a> {
    args: &'a Args,
    secret: Secret,
    key: Vec<u8>,
    now: Millis,
    rng: &'a Rng,
}

impl<'a> Signer<'a> {
    fn new(args: &'a Args, clock: &Clock, rng: &'a Rng) -> Option<Self> {
        let secret = args.secret.clone().unwrap_or_else(|| Secret::new(rng.base64url(32)));
        let key = if args.secret_base64 {
            hash::from_any_base64(secret.expose())?
        } else {
            secret.expose().as_bytes().to_vec()
        };
        Some(Self { args, secret, key, now: clock.now(), rng })
    }

    /// The request as the server itself would send it, and for a bad token with the header exchanged.
    fn request(&self, probe: &Probe) -> Option<Request> {
        let options = json!({
            "gateway_url": self.args.url,
            "from": "+12025550101",
            "forward_req_info": probe.ask == Ask::SignedWithReq,
            "gateway_authentication": {
                "method": "bearer",
                "subject": self.args.subject,
                "audience": self.args.audience,
                "secret": self.secret.expose(),
                "secret_base64_encoded": self.args.secret_base64,
            },
        });
        let options = Options::parse(options.as_object()?)?;
        let text = Secret::new("Your verification code is: 000000");
        let message = Message { to: RECIPIENT.to_owned(), text, from: None };
        let origin = Origin {
            ip: "192.0.2.1".to_owned(),
            user_agent: Some("ringpass gateway check".to_owned()),
            issuer: ISSUER.to_owned(),
            now: self.now,
            jti: self.rng.base64url(16),
            timeout: TIMEOUT,
            user_agent_header: "Auth0".to_owned(),
            twilio_base_url: String::new(),
        };
        let request = sms_gateway::request(&options, &message, &origin).ok()?;
        let authorization = match probe.ask {
            Ask::Signed | Ask::SignedWithReq => return Some(request),
            Ask::NoToken => None,
            Ask::WrongSignature => token(&self.rng.bytes::<32>(), &self.claims(0)),
            Ask::WrongAudience => token(&self.key, &self.changed("aud", "urn:another-audience")),
            Ask::WrongSubject => token(&self.key, &self.changed("sub", "urn:another-subject")),
            Ask::Expired => token(&self.key, &self.claims(-HOUR)),
            Ask::AlgNone => {
                let claims = hash::base64url(self.claims(0).to_string().as_bytes());
                let header = hash::base64url(br#"{"alg":"none","typ":"JWT"}"#);
                Some(Secret::new(format!("Bearer {header}.{claims}.")))
            }
        };
        Some(Request { authorization, ..request })
    }

    /// Good claims, issued `shift` milliseconds from now.
    fn claims(&self, shift: Millis) -> Value {
        let issued = (self.now + shift) / SECOND;
        json!({
            "iss": ISSUER, "sub": self.args.subject, "aud": self.args.audience,
            "iat": issued, "exp": issued + 300, "jti": self.rng.base64url(16),
        })
    }

    fn changed(&self, claim: &str, value: &str) -> Value {
        let mut claims = self.claims(0);
        if let Some(claims) = claims.as_object_mut() {
            claims.insert(claim.to_owned(), value.into());
        }
        claims
    }
}

fn token(key: &[u8], claims: &Value) -> Option<Secret> {
    jwt::sign_hs256(key, "JWT", claims).map(|token| Secret::new(format!("Bearer {token}")))
}

/// Success, to the server, is 200 alone; but a gateway that answers any 2xx has probably sent the message.
fn judge(probe: &Probe, status: u16, secret_known: bool) -> (Verdict, String) {
    let Probe { what, advice, .. } = probe;
    let accepted = (200..300).contains(&status);
    let bad = |fact: String, todo: &str| (Verdict::Unsafe, format!("✗ {what} {fact}.\n    To do: {todo}"));
    match probe.expect {
        _ if status == 429 => (Verdict::Unknown, format!("? {what} met a rate limit (429), which shows nothing")),
        Expect::Accepted if !secret_known && accepted => {
            bad(format!("is accepted ({status}) although its secret is made up"), "verify the signature")
        }
        Expect::Accepted if !secret_known => {
            (Verdict::Unknown, format!("? {what} is refused ({status}), as it should be: its secret is made up"))
        }
        Expect::Accepted if status == 200 => (Verdict::Safe, format!("✓ {what} is accepted")),
        Expect::Accepted if accepted => {
            bad(format!("is answered with {status}, which counts as a failure"), "answer exactly 200")
        }
        Expect::Accepted => bad(format!("is not accepted ({status})"), advice),
        Expect::Refused if accepted => bad(format!("is accepted ({status})"), advice),
        Expect::BetterRefused if accepted => {
            let line = format!("! {what} is accepted ({status}). That is no hole by itself.\n    To do: {advice}");
            (Verdict::Safe, line)
        }
        Expect::Refused | Expect::BetterRefused if status == 401 => (Verdict::Safe, format!("✓ {what} is refused")),
        Expect::Refused | Expect::BetterRefused => {
            let line = format!("✓ {what} is refused ({status}); 401 would tell callers that it is the authentication");
            (Verdict::Safe, line)
        }
    }
}

fn unanswered(probe: &Probe, failure: Failure) -> String {
    let reason = match failure {
        Failure::ConnectTimeout => "no connection within ten seconds",
        Failure::ReadTimeout => "no answer within thirty seconds",
        Failure::Refused => "nothing listens there",
        Failure::NotFound => "the name does not resolve",
        Failure::Dropped | Failure::Reset => "the connection broke, or it is no HTTP server",
        Failure::Tls => "TLS failed: is the certificate valid and known to this machine?",
        Failure::Forbidden | Failure::Unreachable => "there is no way to the address",
        Failure::BadUrl => "the URL must be an absolute http or https address without a user name",
    };
    format!("✗ {} got no answer: {reason} ({})", probe.what, failure.code())
}

/// A terminal that is gone does not change the verdict.
fn say(out: &mut (dyn Write + Send), line: &str) {
    let _ = writeln!(out, "{line}");
}

const RECIPIENT: &str = "+12025550100";
const ISSUER: &str = "https://gateway-check.invalid/";
const TIMEOUT: Duration = Duration::from_secs(30);
