//! Sign-ins that ask for a second factor: a code by SMS as the first, a text message of Twilio's as the second. Everybody who
//! signs in is on record before, with a phone enrolled, and has an address of their own: no limit is lifted for this.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use ringpass_core::kit::clock::{Clock, Millis};
use ringpass_core::kit::rng::Rng;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, authenticators, users};
use ringpass_simulator::Twilio;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Result;
use crate::http::Caller;
use crate::load::{Codes, Figures, Target, WARM_UP, expect, expect_tokens, timed};
use crate::process::Cpu;
use crate::report::line;
use crate::ringpass::Ringpass;

/// What a round measures, each of them two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A sign-in without a second factor: `/passwordless/start`, `/oauth/token`.
    Plain,
    /// The first factor of a sign-in with two: the same, but the answer asks for the second.
    First,
    /// `/mfa/challenge`, and `/oauth/token` with its code.
    Second,
}

impl Step {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// The codes that went through a Twilio of our own.
#[derive(Debug)]
pub struct Texts {
    twilio: Twilio,
    by_number: Arc<Mutex<HashMap<String, String>>>,
}

impl Texts {
    /// Starts it on loopback.
    pub async fn start() -> Result<Arc<Self>> {
        let by_number = Arc::<Mutex<HashMap<String, String>>>::default();
        let twilio = Twilio::start(ACCOUNT, TOKEN).await?;
        let inbox = Arc::clone(&by_number);
        twilio.hand_to(move |message| {
            if let (Some(number), Some(code)) = (message.form("To"), message.code()) {
                inbox.lock().unwrap_or_else(PoisonError::into_inner).insert(number, code);
            }
        });
        Ok(Arc::new(Self { twilio, by_number }))
    }

    /// What the server is to take for Twilio.
    pub fn base_url(&self) -> String {
        self.twilio.base_url()
    }

    fn take(&self, number: &str) -> Result<String> {
        let code = self.by_number.lock().unwrap_or_else(PoisonError::into_inner).remove(number);
        Ok(code.ok_or("the server answered 200 before Twilio had the code")?)
    }
}

/// A server with people enrolled, and who comes next.
#[derive(Debug)]
pub struct Crowd {
    /// The server.
    pub target: Target,
    /// How many people there are.
    pub people: u32,
    ringpass: Ringpass,
    codes: Arc<Codes>,
    texts: Arc<Texts>,
    next: u32,
}

/// A person who signs in, as far as they have come.
#[derive(Debug, Clone)]
struct Visit {
    number: String,
    ip: IpAddr,
    /// What the first factor was answered with.
    mfa_token: String,
    times: (Duration, Duration),
}

impl Crowd {
    /// A server with so many people enrolled, set up to send them codes.
    pub async fn gather(ringpass: Ringpass, people: u32, codes: &Arc<Codes>, texts: &Arc<Texts>) -> Result<Self> {
        let ringpass = ringpass.with_twilio(texts.base_url());
        let empty = ringpass.start(&codes.url()).await?;
        let caller = empty.caller.clone();
        set_up(&ringpass, &caller.client_id).await?;
        empty.process.stop().await?;
        enroll(&ringpass, people).await?;
        let target = ringpass.start_again(&caller, 0).await?;
        Ok(Self { target, people, ringpass, codes: Arc::clone(codes), texts: Arc::clone(texts), next: 0 })
    }

    /// One round of all three steps, `count` of each from `callers` callers: plain, first, second.
    pub async fn round(&mut self, callers: u32, count: u32) -> Result<[Figures; 3]> {
        if self.next == 0 {
            self.steps(callers, WARM_UP.min(count)).await?;
        }
        self.steps(callers, count).await
    }

    /// The most sign-ins with a second factor that so many people may make: each gets ten messages.
    pub fn most(people: u32) -> u32 {
        people.saturating_mul(10)
    }

    async fn steps(&mut self, callers: u32, count: u32) -> Result<[Figures; 3]> {
        let visits = self.visits(count);
        self.policy(&json!([])).await?;
        let (plain, visits) = self.measure(Step::Plain, callers, visits).await?;
        self.policy(&json!(["all-applications"])).await?;
        let (first, visits) = self.measure(Step::First, callers, visits).await?;
        let (second, _) = self.measure(Step::Second, callers, visits).await?;
        Ok([plain, first, second])
    }

    /// The people whose turn it is, scattered over the table; all have been there before one comes again.
    fn visits(&mut self, count: u32) -> Vec<Visit> {
        let stride = stride(self.people);
        let numbers = (self.next..self.next + count).map(|at| u64::from(at) * stride % u64::from(self.people));
        let visits = numbers.map(|index| u32::try_from(index).unwrap_or_default()).map(|index| Visit {
            number: number(index),
            ip: Ipv4Addr::from_bits(TEN_NET | index).into(),
            mfa_token: String::new(),
            times: (Duration::ZERO, Duration::ZERO),
        });
        let visits = visits.collect();
        self.next += count;
        visits
    }

    async fn policy(&self, policy: &Value) -> Result<()> {
        let mut api = self.ringpass.api().await?;
        api.send(Method::PUT, "/api/v2/guardian/policies", Some(policy.clone())).await.map(drop)
    }

    async fn measure(&self, step: Step, callers: u32, visits: Vec<Visit>) -> Result<(Figures, Vec<Visit>)> {
        let count = u32::try_from(visits.len())?.max(1);
        let (before, began) = (self.target.process.cpu()?, Instant::now());
        let done = self.run(step, callers, visits).await?;
        let elapsed = began.elapsed();
        let used = self.target.process.cpu()?.since(before);
        let (mut start, mut token): (Vec<_>, Vec<_>) = done.iter().map(|visit| visit.times).unzip();
        start.sort_unstable();
        token.sort_unstable();
        let cpu = Cpu { user: used.user / count, system: used.system / count };
        let per_second = f64::from(count) / elapsed.as_secs_f64();
        Ok((Figures { per_second, start, token, cpu }, done))
    }

    async fn run(&self, step: Step, callers: u32, visits: Vec<Visit>) -> Result<Vec<Visit>> {
        let visits: Arc<[Visit]> = visits.into();
        let next = Arc::new(AtomicUsize::new(0));
        let mut crowd = JoinSet::new();
        for _ in 0..callers {
            let door = Door {
                login: self.target.caller.clone(),
                codes: Arc::clone(&self.codes),
                texts: Arc::clone(&self.texts),
            };
            let mut connection = door.login.connect().await?;
            let (visits, next) = (Arc::clone(&visits), Arc::clone(&next));
            crowd.spawn(async move {
                let mut done = Vec::new();
                while let Some(visit) = visits.get(next.fetch_add(1, Ordering::Relaxed)) {
                    done.push(door.pass(&mut connection, step, visit.clone()).await?);
                }
                Result::Ok(done)
            });
        }
        let mut done = Vec::new();
        while let Some(some) = crowd.join_next().await {
            done.append(&mut some??);
        }
        Ok(done)
    }
}

/// How one caller signs people in.
struct Door {
    login: crate::load::Login,
    codes: Arc<Codes>,
    texts: Arc<Texts>,
}

impl Door {
    async fn pass(&self, caller: &mut Caller, step: Step, visit: Visit) -> Result<Visit> {
        caller.speak_for(visit.ip)?;
        match step {
            Step::Plain => {
                let start = self.login.start(caller, &visit.number).await?;
                let token = self.login.exchange(caller, &visit.number, &self.code(&visit)?).await?;
                Ok(Visit { times: (start, token), ..visit })
            }
            Step::First => {
                let start = self.login.start(caller, &visit.number).await?;
                let body = self.login.exchange_of(&visit.number, &self.code(&visit)?);
                let (token, answer) = expect(caller, "/oauth/token", &body, StatusCode::FORBIDDEN).await?;
                let mfa_token = answer.get("mfa_token").and_then(Value::as_str).ok_or("403 without an mfa_token")?;
                Ok(Visit { mfa_token: mfa_token.to_owned(), times: (start, token), ..visit })
            }
            Step::Second => self.second(caller, visit).await,
        }
    }

    async fn second(&self, caller: &mut Caller, visit: Visit) -> Result<Visit> {
        let asked = json!({
            "client_id": self.login.client_id, "client_secret": self.login.client_secret,
            "mfa_token": visit.mfa_token, "challenge_type": "oob",
        });
        let (start, answer) = timed(caller, "/mfa/challenge", &asked).await?;
        let proof = json!({
            "grant_type": "http://auth0.com/oauth/grant-type/mfa-oob",
            "client_id": self.login.client_id, "client_secret": self.login.client_secret,
            "mfa_token": visit.mfa_token, "oob_code": answer.get("oob_code"),
            "binding_code": self.texts.take(&visit.number)?,
        });
        let (token, answer) = timed(caller, "/oauth/token", &proof).await?;
        expect_tokens(&answer)?;
        Ok(Visit { times: (start, token), ..visit })
    }

    fn code(&self, visit: &Visit) -> Result<String> {
        Ok(self.codes.take(&visit.number).ok_or("the server answered 200 before the gateway had the code")?)
    }
}

/// The phone as a second factor through Twilio, and a client that may ask for it.
async fn set_up(ringpass: &Ringpass, client_id: &str) -> Result<()> {
    let mut api = ringpass.api().await?;
    let client = json!({
        "grant_types": [
            "http://auth0.com/oauth/grant-type/passwordless/otp", "http://auth0.com/oauth/grant-type/mfa-oob",
        ],
        // The limits of messages are those of a person's address.
        "is_token_endpoint_ip_header_trusted": true,
    });
    api.send(Method::PATCH, &format!("/api/v2/clients/{client_id}"), Some(client)).await?;
    let factors = "/api/v2/guardian/factors";
    let twilio = json!({ "sid": ACCOUNT, "auth_token": TOKEN, "from": "+15550009999" });
    for (path, body) in [
        ("/phone/providers/twilio", twilio),
        ("/phone/selected-provider", json!({ "provider": "twilio" })),
        ("/phone/message-types", json!({ "message_types": ["sms"] })),
        ("/sms", json!({ "enabled": true })),
    ] {
        api.send(Method::PUT, &format!("{factors}{path}"), Some(body)).await?;
    }
    Ok(())
}

/// Adds people, each with a phone enrolled, through the storage functions, 10,000 in a transaction.
async fn enroll(ringpass: &Ringpass, people: u32) -> Result<()> {
    let db = ringpass.open().await?;
    let (clock, rng, began) = (Clock::system(), Rng::system(), Instant::now());
    for first in (0..people).step_by(BATCH as usize) {
        let (rng, now) = (rng.clone(), clock.now());
        let last = (first + BATCH).min(people);
        db.write("bench.enroll", move |tx| (first..last).try_for_each(|index| one(tx, index, &rng, now))).await?;
        if last.is_multiple_of(BATCH * 10) || last == people {
            let each = f64::from(last) / began.elapsed().as_secs_f64();
            line(&format!("enroll   {last} of {people} people, {each:.0} a second"))?;
        }
    }
    db.close().await;
    Ok(())
}

fn one(tx: &mut Tx<'_>, index: u32, rng: &Rng, now: Millis) -> std::result::Result<(), DbError> {
    let mut user = User::of_phone("sms", &number(index), rng, now);
    user.signed_in("192.0.2.1", now);
    users::insert(tx, &user)?;
    let mut phone = Authenticator::new(Kind::Phone, &user.user_id, rng, now);
    phone.phone_number = Some(number(index));
    phone.about.channels = vec!["sms".to_owned()];
    phone.about.preferred = Some("sms".to_owned());
    phone.confirmed = true;
    phone.enrolled_at = Some(now);
    authenticators::put(tx, &phone)
}

/// A German mobile number of another block than those of the other programs.
fn number(index: u32) -> String {
    format!("+49170{:08}", u64::from(index) * 61_803_399 % 100_000_000)
}

/// A step that visits everybody once before anybody twice, and neighbours in time are far apart.
fn stride(people: u32) -> u64 {
    let people = u64::from(people);
    let golden = (people * 618 / 1_000).max(1);
    (golden..=people).find(|step| gcd(*step, people) == 1).unwrap_or(1)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "the-token-of-the-benchmark";
/// Rows in a transaction.
const BATCH: u32 = 10_000;
/// Where people's addresses begin: 10.0.0.0.
const TEN_NET: u32 = 0x0A00_0000;
