//! The crowd: callers that sign in, each with a fresh phone number, and the gateway that hands them their codes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use ringpass_simulator::Gateway;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Result;
use crate::http::Caller;
use crate::process::{Cpu, Process};

/// A gateway that keeps only the newest code of each number.
#[derive(Debug)]
pub struct Codes {
    gateway: Gateway,
    by_number: Arc<Mutex<HashMap<String, String>>>,
}

impl Codes {
    /// Starts the gateway on loopback.
    pub async fn start() -> Result<Arc<Self>> {
        let by_number = Arc::<Mutex<HashMap<String, String>>>::default();
        let gateway = Gateway::start().await?;
        let inbox = Arc::clone(&by_number);
        gateway.hand_to(move |message| {
            if let (Some(number), Some(code)) = (message.recipient(), message.code()) {
                inbox.lock().unwrap_or_else(PoisonError::into_inner).insert(number, code);
            }
        });
        Ok(Arc::new(Self { gateway, by_number }))
    }

    /// Where the server must send its messages.
    pub fn url(&self) -> String {
        self.gateway.url()
    }

    /// The newest code of a number, which is forgotten here.
    pub fn take(&self, number: &str) -> Option<String> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner).remove(number)
    }
}

/// What the callers of a round do, again and again, each time with a new number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Work {
    /// Start, and exchange the code.
    #[default]
    Login,
    /// Start only.
    Start,
}

impl Work {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Start => "start",
        }
    }
}

/// A server ready for sign-ins, and who asks.
#[derive(Debug)]
pub struct Target {
    /// Its name in the table.
    pub name: &'static str,
    /// The process whose CPU time is read.
    pub process: Process,
    /// How to call it.
    pub caller: Login,
    /// Numbers used so far: none is used twice.
    pub used: u32,
}

/// What one round showed.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Sign-ins, or starts, completed each second.
    pub per_second: f64,
    /// Time of `POST /passwordless/start`, fastest first.
    pub start: Vec<Duration>,
    /// Time of `POST /oauth/token`, fastest first; none for starts alone.
    pub token: Vec<Duration>,
    /// CPU time of the server for one.
    pub cpu: Cpu,
}

impl Target {
    /// Warms up, then measures `count` pieces of work from `callers` callers.
    pub async fn round(&mut self, codes: &Arc<Codes>, work: Work, callers: u32, count: u32) -> Result<Figures> {
        self.run(codes, work, callers, WARM_UP.min(count)).await?;
        let (before, began) = (self.process.cpu()?, Instant::now());
        let times = self.run(codes, work, callers, count).await?;
        let elapsed = began.elapsed();
        let used = self.process.cpu()?.since(before);
        let (mut start, mut token): (Vec<_>, Vec<Option<_>>) = times.into_iter().unzip();
        let mut token: Vec<Duration> = token.drain(..).flatten().collect();
        start.sort_unstable();
        token.sort_unstable();
        let cpu = Cpu { user: used.user / count, system: used.system / count };
        Ok(Figures { per_second: f64::from(count) / elapsed.as_secs_f64(), start, token, cpu })
    }

    /// Fresh numbers, none of them used before.
    pub fn numbers(&mut self, count: u32) -> Vec<String> {
        let first = self.used;
        self.used += count;
        (first..self.used).map(number).collect()
    }

    async fn run(&mut self, codes: &Arc<Codes>, work: Work, callers: u32, count: u32) -> Result<Vec<Times>> {
        let numbers = Arc::new(self.numbers(count));
        let next = Arc::new(AtomicU32::new(0));
        let mut crowd = JoinSet::new();
        for _ in 0..callers {
            let login = self.caller.clone();
            let mut connection = login.connect().await?;
            let (numbers, next, codes) = (Arc::clone(&numbers), Arc::clone(&next), Arc::clone(codes));
            crowd.spawn(async move {
                let mut times = Vec::new();
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let start = login.start(&mut connection, number).await?;
                    let code = codes.take(number).ok_or("the server answered 200 before the gateway had the code")?;
                    let token = match work {
                        Work::Start => None,
                        Work::Login => Some(login.exchange(&mut connection, number, &code).await?),
                    };
                    times.push((start, token));
                }
                Result::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = crowd.join_next().await {
            times.append(&mut done??);
        }
        Ok(times)
    }

    /// Starts `count` codes and keeps them for later.
    pub async fn prepare(&mut self, codes: &Arc<Codes>, count: u32) -> Result<Vec<(String, String)>> {
        let numbers = self.numbers(count);
        let mut crowd = JoinSet::new();
        let numbers: Arc<[String]> = numbers.into();
        let next = Arc::new(AtomicU32::new(0));
        for _ in 0..16 {
            let login = self.caller.clone();
            let mut connection = login.connect().await?;
            let (numbers, next, codes) = (Arc::clone(&numbers), Arc::clone(&next), Arc::clone(codes));
            crowd.spawn(async move {
                let mut kept = Vec::new();
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    login.start(&mut connection, number).await?;
                    let code = codes.take(number).ok_or("the server answered 200 before the gateway had the code")?;
                    kept.push((number.clone(), code));
                }
                Result::Ok(kept)
            });
        }
        let mut kept = Vec::new();
        while let Some(done) = crowd.join_next().await {
            kept.append(&mut done??);
        }
        Ok(kept)
    }
}

type Times = (Duration, Option<Duration>);

/// How an application calls the server.
#[derive(Debug, Clone)]
pub struct Login {
    /// The server's HTTP listener.
    pub addr: SocketAddr,
    /// The client that signs users in.
    pub client_id: String,
    /// That client's secret.
    pub client_secret: String,
    /// The connection that it uses.
    pub connection: &'static str,
}

impl Login {
    /// A connection for one caller.
    pub async fn connect(&self) -> Result<Caller> {
        Caller::connect(self.addr).await
    }

    /// Starts a code; how long that took.
    pub async fn start(&self, caller: &mut Caller, number: &str) -> Result<Duration> {
        let start = json!({
            "client_id": self.client_id, "client_secret": self.client_secret,
            "connection": self.connection, "phone_number": number, "send": "code",
        });
        Ok(timed(caller, "/passwordless/start", &start).await?.0)
    }

    /// What a code is exchanged with.
    pub(crate) fn exchange_of(&self, number: &str, code: &str) -> Value {
        json!({
            "grant_type": "http://auth0.com/oauth/grant-type/passwordless/otp",
            "client_id": self.client_id, "client_secret": self.client_secret,
            "username": number, "otp": code, "realm": self.connection,
            "audience": AUDIENCE, "scope": "openid profile phone",
        })
    }

    /// Exchanges a code; how long that took.
    pub async fn exchange(&self, caller: &mut Caller, number: &str, code: &str) -> Result<Duration> {
        let (time, answer) = timed(caller, "/oauth/token", &self.exchange_of(number, code)).await?;
        expect_tokens(&answer)?;
        Ok(time)
    }
}

/// An answer of the token endpoint must have both tokens, signed.
pub(crate) fn expect_tokens(answer: &Value) -> Result<()> {
    for member in ["id_token", "access_token"] {
        let signed = answer.get(member).and_then(Value::as_str).is_some_and(|jwt| jwt.split('.').count() == 3);
        if !signed {
            return Err(format!("POST /oauth/token answered without a signed {member}").into());
        }
    }
    Ok(())
}

/// Posts a body that must be answered 200; how long that took, and the answer.
pub(crate) async fn timed(caller: &mut Caller, path: &str, body: &Value) -> Result<(Duration, Value)> {
    expect(caller, path, body, StatusCode::OK).await
}

/// The same for another status.
pub(crate) async fn expect(
    caller: &mut Caller,
    path: &str,
    body: &Value,
    expected: StatusCode,
) -> Result<(Duration, Value)> {
    let body = body.to_string();
    let asked = Instant::now();
    let (status, answer) = caller.send(Method::POST, path, None, Some(body)).await?;
    let time = asked.elapsed();
    if status != expected {
        return Err(format!("POST {path} answered {status}: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok((time, serde_json::from_slice(&answer)?))
}

/// A German mobile number; neighbours in time are far apart in value, as in life.
fn number(index: u32) -> String {
    // The factor has no divisor in common with 10^8, so different indexes below 10^8 give different numbers.
    format!("+49151{:08}", u64::from(index) * 61_803_399 % 100_000_000)
}

/// The API that the access tokens are for.
pub const AUDIENCE: &str = "https://bench.example/api";
/// Pieces of work before the clock runs.
pub(crate) const WARM_UP: u32 = 200;
