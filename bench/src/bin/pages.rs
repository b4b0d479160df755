//! `pages`: what a hosted page costs the server, and a whole sign-in on the hosted pages. See `bench/README.md`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use http::{Method, Response, StatusCode, header};
use ringpass_bench::Result;
use ringpass_bench::args::Place;
use ringpass_bench::http::Caller;
use ringpass_bench::load::{Codes, Login, Target};
use ringpass_bench::report::{line, milliseconds, percentile};
use ringpass_bench::ringpass::{CALLBACK, Ringpass};
use serde_json::json;
use tokio::task::JoinSet;

/// What a hosted page costs the server, and a whole sign-in on the hosted pages
#[derive(Debug, Parser)]
struct Args {
    /// Times that each page is asked for
    #[arg(long, default_value_t = 5_000)]
    views: u32,
    /// Sign-ins
    #[arg(long, default_value_t = 2_000)]
    sign_ins: u32,
    /// People who sign in at once
    #[arg(long, default_value_t = 8)]
    callers: u32,
    #[command(flatten)]
    place: Place,
}

fn main() -> Result<()> {
    let args = Args::parse();
    args.place.work(async |folder| run(&args, folder).await)
}

async fn run(args: &Args, folder: &Path) -> Result<()> {
    let codes = Codes::start().await?;
    let mut target = Ringpass::new(&args.place, folder, "ringpass")?.start(&codes.url()).await?;
    line("page                                   KiB   p50 ms   p99 ms   server CPU µs each")?;
    let mut person = Person::new(&target.caller).await?;
    let number = target.numbers(1).swap_remove(0);
    let page = person.arrive().await?;
    view(args, &target, &mut person, "identifier", &page).await?;
    let page = person.name(&page, &number).await?;
    view(args, &target, &mut person, "code", &page).await?;
    view(args, &target, &mut person, "style sheet", "/u/assets/style.css").await?;
    sign_ins(args, &mut target, &codes).await?;
    target.process.stop().await
}

/// Asks for one page again and again.
async fn view(args: &Args, target: &Target, person: &mut Person, name: &str, path: &str) -> Result<()> {
    let mut size = 0;
    let mut times = Vec::new();
    for _ in 0..args.views.min(500) {
        size = person.see(path).await?;
    }
    let before = target.process.cpu()?;
    for _ in 0..args.views {
        let began = Instant::now();
        person.see(path).await?;
        times.push(began.elapsed());
    }
    let cpu = target.process.cpu()?.since(before).total() / args.views;
    times.sort_unstable();
    let [half, most] = [50, 99].map(|part| milliseconds(percentile(&times, part)));
    let kib = f64::from(u32::try_from(size)?) / 1_024.0;
    line(&format!("{name:<35} {kib:>6.1} {half:>8.2} {most:>8.2} {:>21.0}", milliseconds(cpu) * 1e3))
}

/// Whole sign-ins: the request, the number, the code, the answer, the exchange.
async fn sign_ins(args: &Args, target: &mut Target, codes: &Arc<Codes>) -> Result<()> {
    let each = (args.sign_ins / args.callers).max(1);
    let (before, began) = (target.process.cpu()?, Instant::now());
    let mut crowd = JoinSet::new();
    for _ in 0..args.callers {
        let (login, codes, numbers) = (target.caller.clone(), Arc::clone(codes), target.numbers(each));
        crowd.spawn(async move {
            for number in numbers {
                Person::new(&login).await?.sign_in(&number, &codes).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(done) = crowd.join_next().await {
        done??;
    }
    let (count, elapsed) = (each * args.callers, began.elapsed());
    let cpu: Duration = target.process.cpu()?.since(before).total() / count;
    line(&format!(
        "sign-ins: {:.0} each second by {} people at once, {:.2} ms of CPU each (six requests, two signatures)",
        f64::from(count) / elapsed.as_secs_f64(),
        args.callers,
        milliseconds(cpu)
    ))
}

/// Somebody with a browser.
struct Person {
    caller: Caller,
    login: Login,
    cookies: Vec<(String, String)>,
}

impl Person {
    async fn new(login: &Login) -> Result<Self> {
        Ok(Self { caller: login.connect().await?, login: login.clone(), cookies: Vec::new() })
    }

    async fn ask(&mut self, path: &str, form: Option<String>) -> Result<Response<Bytes>> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self.caller.browse(path, &cookies.join("; "), form).await?;
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').ok_or("a cookie without a value")?;
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        Ok(answer)
    }

    /// Looks at a page; its bytes.
    async fn see(&mut self, path: &str) -> Result<usize> {
        let answer = self.ask(path, None).await?;
        if answer.status() == StatusCode::OK {
            Ok(answer.body().len())
        } else {
            Err(format!("GET {path} answered {}", answer.status()).into())
        }
    }

    /// Comes from the application; the first page.
    async fn arrive(&mut self) -> Result<String> {
        let query = encoded(&[
            ("client_id", self.login.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile phone"),
            ("state", "state"),
        ]);
        moved(&self.ask(&format!("/authorize?{query}"), None).await?)
    }

    /// Names the number; the page that asks for the code.
    async fn name(&mut self, page: &str, number: &str) -> Result<String> {
        let form = [("state", state(page)), ("via", "sms"), ("country", "DE"), ("username", number)];
        moved(&self.ask("/u/login/identifier", Some(encoded(&form))).await?)
    }

    async fn sign_in(&mut self, number: &str, codes: &Codes) -> Result<()> {
        let page = self.arrive().await?;
        let page = self.name(&page, number).await?;
        let code = codes.take(number).ok_or("no code came")?;
        let form = encoded(&[("state", state(&page)), ("code", &code)]);
        let resume = moved(&self.ask("/u/login/passwordless-sms-challenge", Some(form)).await?)?;
        let back = moved(&self.ask(&resume, None).await?)?;
        let code = back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).ok_or("no code came back")?;
        let exchange = json!({
            "grant_type": "authorization_code", "client_id": self.login.client_id,
            "client_secret": self.login.client_secret, "code": code, "redirect_uri": CALLBACK,
        });
        self.caller.expect(Method::POST, "/oauth/token", None, Some(&exchange)).await.map(drop)
    }
}

fn encoded(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

fn state(page: &str) -> &str {
    page.split("state=").nth(1).unwrap_or_default()
}

/// Where an answer leads.
fn moved(answer: &Response<Bytes>) -> Result<String> {
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let body = String::from_utf8_lossy(answer.body());
    location.map(str::to_owned).ok_or_else(|| format!("no redirection but {}: {body}", answer.status()).into())
}
