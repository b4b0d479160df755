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
    pub async fn start() -> Result<Self> {
        let by_number = Arc::<Mutex<HashMap<String, String>>>::default();
        let gateway = Gateway::start().await?;
        let inbox = Arc::clone(&by_number);
        gateway.hand_to(move |message| {
            if let (Some(number), Some(code)) = (message.recipient(), message.code()) {
                inbox.lock().unwrap_or_else(PoisonError::into_inner).insert(number, code);
            }
        });
        Ok(Self { gateway, by_number })
    }

    /// Where the server must send its messages.
    pub fn url(&self) -> String {
        self.gateway.url()
    }

    fn take(&self, number: &str) -> Option<String> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner).remove(number)
    }
}

/// A server ready for sign-ins, and who asks.
#[derive(Debug)]
pub struct Target {
    /// Its name in the table.
    pub name: &'static str,
    /// The process whose CPU time is read.
    pub process: Process,
    /// Its HTTP listener.
    pub addr: SocketAddr,
    /// The client that signs users in.
    pub client_id: String,
    /// That client's secret.
    pub client_secret: String,
    /// Numbers used so far: none is used twice.
    pub used: u32,
}

/// What one round showed.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Sign-ins completed each second.
    pub logins_per_second: f64,
    /// Time of `POST /passwordless/start`, fastest first.
    pub start: Vec<Duration>,
    /// Time of `POST /oauth/token`, fastest first.
    pub token: Vec<Duration>,
    /// CPU time of the server for one sign-in.
    pub cpu: Cpu,
}

impl Target {
    /// Warms up, then measures `logins` sign-ins from `callers` callers.
    pub async fn round(&mut self, codes: &Arc<Codes>, callers: u32, logins: u32) -> Result<Figures> {
        self.run(codes, callers, WARM_UP).await?;
        let (before, began) = (self.process.cpu()?, Instant::now());
        let times = self.run(codes, callers, logins).await?;
        let elapsed = began.elapsed();
        let used = self.process.cpu()?.since(before);
        let (mut start, mut token): (Vec<_>, Vec<_>) = times.into_iter().unzip();
        start.sort_unstable();
        token.sort_unstable();
        let cpu = Cpu { user: used.user / logins, system: used.system / logins };
        Ok(Figures { logins_per_second: f64::from(logins) / elapsed.as_secs_f64(), start, token, cpu })
    }

    async fn run(&mut self, codes: &Arc<Codes>, callers: u32, logins: u32) -> Result<Vec<(Duration, Duration)>> {
        let numbers = Arc::new(AtomicU32::new(self.used));
        self.used += logins;
        let end = self.used;
        let mut crowd = JoinSet::new();
        for _ in 0..callers {
            let login = Login {
                caller: Caller::connect(self.addr).await?,
                codes: Arc::clone(codes),
                client_id: self.client_id.clone(),
                client_secret: self.client_secret.clone(),
            };
            crowd.spawn(sign_in_until(login, Arc::clone(&numbers), end));
        }
        let mut times = Vec::new();
        while let Some(done) = crowd.join_next().await {
            times.append(&mut done??);
        }
        Ok(times)
    }
}

async fn sign_in_until(mut login: Login, numbers: Arc<AtomicU32>, end: u32) -> Result<Vec<(Duration, Duration)>> {
    let mut times = Vec::new();
    loop {
        let index = numbers.fetch_add(1, Ordering::Relaxed);
        if index >= end {
            return Ok(times);
        }
        times.push(login.sign_in(&number(index)).await?);
    }
}

struct Login {
    caller: Caller,
    codes: Arc<Codes>,
    client_id: String,
    client_secret: String,
}

impl Login {
    /// One whole sign-in; returns the time of its two calls.
    async fn sign_in(&mut self, number: &str) -> Result<(Duration, Duration)> {
        let start = json!({
            "client_id": self.client_id, "client_secret": self.client_secret,
            "connection": "sms", "phone_number": number, "send": "code",
        });
        let (start_time, _) = self.timed("/passwordless/start", &start).await?;
        let code = self.codes.take(number).ok_or("the server answered 200 before the gateway had the code")?;
        let token = json!({
            "grant_type": "http://auth0.com/oauth/grant-type/passwordless/otp",
            "client_id": self.client_id, "client_secret": self.client_secret,
            "username": number, "otp": code, "realm": "sms",
            "audience": AUDIENCE, "scope": "openid profile phone",
        });
        let (token_time, answer) = self.timed("/oauth/token", &token).await?;
        for member in ["id_token", "access_token"] {
            let signed = answer.get(member).and_then(Value::as_str).is_some_and(|jwt| jwt.split('.').count() == 3);
            if !signed {
                return Err(format!("POST /oauth/token answered without a signed {member}").into());
            }
        }
        Ok((start_time, token_time))
    }

    async fn timed(&mut self, path: &str, body: &Value) -> Result<(Duration, Value)> {
        let body = body.to_string();
        let asked = Instant::now();
        let (status, answer) = self.caller.send(Method::POST, path, None, Some(body)).await?;
        let time = asked.elapsed();
        if status != StatusCode::OK {
            return Err(format!("POST {path} answered {status}: {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok((time, serde_json::from_slice(&answer)?))
    }
}

/// A German mobile number; neighbours in time are far apart in value, as in life.
fn number(index: u32) -> String {
    // The factor has no divisor in common with 10^8, so different indexes below 10^8 give different numbers.
    format!("+49151{:08}", u64::from(index) * 61_803_399 % 100_000_000)
}

/// The API that the access tokens are for.
pub const AUDIENCE: &str = "https://bench.example/api";
const WARM_UP: u32 = 200;
