//! `/u/login/identifier`: the number or the address to sign in with (`docs/COMPATIBILITY.md` C1345-C1347).

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::phone::Phone;
use ringpass_core::model::phone_entry;
use ringpass_core::model::sign_up::{self, Wanted};
use ringpass_core::model::texts::Screen;

use super::countries::{self, Country};
use super::running::Running;
use super::show::{Page, to};
use super::{PageError, challenge, cookies, limits, password, signup};
use crate::app::App;
use crate::flows::login::Turn;
use crate::flows::passwordless::StartRefused;
use crate::snapshot::Channel;
use crate::web::{Call, Reply, peer};

pub(super) const PATH: &str = "/u/login/identifier";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/identifier.html")]
struct Widget<'a> {
    t: Screen<'a>,
    client: &'a str,
    state: &'a str,
    strategy: Strategy,
    /// Whether a database knows people by a name, and not only by their address.
    is_named: bool,
    via: &'a str,
    typed: &'a str,
    countries: Vec<&'static Country>,
    country: &'a str,
    error: Option<&'a str>,
    /// Other ways to sign in: address and text.
    others: Vec<(String, &'a str)>,
    /// Where new users sign up.
    signup: Option<String>,
}

/// `GET`.
pub(super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, PATH).await?;
    let running = Running::of_page(&app, &call).await?;
    if let Some(elsewhere) = running.elsewhere() {
        return elsewhere;
    }
    let Some(channel) = choose(&app, &running, call.query("via").unwrap_or_default()) else {
        return Ok(page(&app, &running, None, &Typed::default(), Some("no-connection"), StatusCode::OK));
    };
    let typed = Typed::at_first(&app, &call, &running, &channel);
    // The second factor took too long.
    let late = call.query("late").map(|_| "transaction-not-found");
    Ok(page(&app, &running, Some(&channel), &typed, late, StatusCode::OK))
}

/// `POST`.
pub(super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, PATH).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    if let Some(elsewhere) = running.elsewhere() {
        return elsewhere;
    }
    let typed = Typed { text: form.get("username").trim().to_owned(), country: form.get("country").to_owned() };
    let Some(channel) = choose(&app, &running, form.get("via")) else {
        return Ok(page(&app, &running, None, &typed, Some("no-connection"), StatusCode::BAD_REQUEST));
    };
    let refuse = |key| Ok(page(&app, &running, Some(&channel), &typed, Some(key), StatusCode::BAD_REQUEST));
    let strategy = channel.connection.strategy;
    if typed.text.is_empty() {
        return refuse(match strategy {
            Strategy::Sms => "no-phone",
            Strategy::Auth0 if is_named(&channel) => "no-username",
            Strategy::Email | Strategy::Auth0 => "no-email",
        });
    }
    if strategy == Strategy::Auth0 {
        // Whether anybody has this name shows only together with the password.
        if typed.text.len() > LONGEST_NAME || typed.text.contains(char::is_control) {
            return refuse("invalid-email-format");
        }
        turn(&running, &call).name(&app, &typed.text).await?;
        return Ok(to(&running.at(password::PATH)));
    }
    let Some(identifier) = typed.read(strategy) else {
        return refuse(if strategy == Strategy::Sms { "invalid-phone-number" } else { "invalid-email-format" });
    };
    if let Identifier::Phone(phone) = &identifier
        && phone.refused(app.snapshot().countries.as_ref())
    {
        return refuse("phone-not-allowed");
    }
    let turn = turn(&running, &call);
    match turn.send(&app, Arc::clone(&channel), identifier, running.look.lang().locale()).await {
        Ok(()) => Ok(to(&running.at(challenge::path(strategy)))),
        Err(StartRefused::Database(error)) => Err(error.into()),
        Err(refused) => refuse(key(&refused)),
    }
}

/// Who carries the sign-in on.
pub(super) fn turn<'a>(running: &'a Running, call: &Call) -> Turn<'a> {
    Turn {
        stored: &running.stored,
        client: &running.client,
        caller: peer::caller(call, None),
        cookie: cookies::session(call),
        browser: cookies::known(call),
    }
}

/// The text for a code that was not sent.
pub(super) fn key(refused: &StartRefused) -> &'static str {
    match refused {
        StartRefused::TooManyStarts(..) => "too-many-requests",
        StartRefused::TooManyAttempts => "user-blocked",
        StartRefused::SuspiciousAddress => "ip-blocked",
        StartRefused::Provider(..) => "passwordless-authenticator-error",
        StartRefused::SignupDisabled | StartRefused::Database(_) => "passwordless-unknown-error",
    }
}

/// The connection to sign in with: the one that the application asked for; else the one that the person chose among those
/// of the application (by its strategy); else a database, where there is one; else the one that was made first.
fn choose(app: &App, running: &Running, via: &str) -> Option<Arc<Channel>> {
    let snapshot = app.snapshot();
    let client_id = &running.client.id;
    if let Some(name) = &running.request().connection {
        return snapshot.channel(name, client_id);
    }
    let usable: Vec<Arc<Channel>> = snapshot.databases(client_id).chain(snapshot.passwordless(client_id)).collect();
    let has_database = usable.first().is_some_and(|first| first.connection.strategy == Strategy::Auth0);
    let hinted = match running.request().login_hint.as_deref() {
        Some(hint) if via.is_empty() && !has_database && hint.contains('@') => Strategy::Email.name(),
        Some(hint) if via.is_empty() && !has_database && hint.starts_with('+') => Strategy::Sms.name(),
        _ => via,
    };
    let chosen = usable.iter().find(|channel| channel.connection.strategy.name() == hinted);
    chosen.or(usable.first()).cloned()
}

/// The database that people of this sign-in have passwords in.
pub(super) fn database(app: &App, running: &Running) -> Option<Arc<Channel>> {
    choose(app, running, Strategy::Auth0.name()).filter(|channel| channel.connection.strategy == Strategy::Auth0)
}

/// Whether a database knows people by a name, and not only by their address.
pub(super) fn is_named(channel: &Channel) -> bool {
    ["username", "phone_number"].iter().any(|name| sign_up::wanted(&channel.connection, name) != Wanted::No)
}

/// The ways that the people of an application may sign in, besides this one.
fn others(app: &App, running: &Running, than: Strategy) -> Vec<Strategy> {
    if running.request().connection.is_some() {
        return Vec::new();
    }
    let (snapshot, id) = (app.snapshot(), &running.client.id);
    let mut others: Vec<Strategy> = Vec::new();
    for channel in snapshot.databases(id).chain(snapshot.passwordless(id)) {
        let strategy = channel.connection.strategy;
        if strategy != than && !others.contains(&strategy) {
            others.push(strategy);
        }
    }
    others
}

/// What stands in the fields.
#[derive(Debug, Default)]
struct Typed {
    text: String,
    /// ISO 3166 alpha-2.
    country: String,
}

impl Typed {
    /// Where a code went before, else the application's hint.
    fn at_first(app: &App, call: &Call, running: &Running, channel: &Channel) -> Self {
        let login = &running.stored.login;
        let sent = login.sent.as_ref().filter(|sent| sent.connection_id == channel.connection.id);
        let name = login.username.as_deref().filter(|_| channel.connection.strategy == Strategy::Auth0);
        let hint = running.request().login_hint.as_deref();
        let text = sent.map(|sent| sent.identifier.as_str()).or(name).or(hint).unwrap_or_default();
        let of_number = Phone::parse(text).and_then(|phone| phone.country());
        let snapshot = app.snapshot();
        let accepted = call.header(header::ACCEPT_LANGUAGE.as_str());
        let at_first =
            || countries::at_first(running.look.lang().tag(), accepted, snapshot.countries.as_ref()).to_owned();
        Self { text: text.to_owned(), country: of_number.unwrap_or_else(at_first) }
    }

    fn read(&self, strategy: Strategy) -> Option<Identifier> {
        match strategy {
            Strategy::Sms => phone_entry::read(&self.text, &self.country).map(Identifier::Phone),
            strategy => Identifier::parse(strategy, &self.text),
        }
    }
}

fn page(
    app: &App,
    running: &Running,
    channel: Option<&Arc<Channel>>,
    typed: &Typed,
    error: Option<&str>,
    status: StatusCode,
) -> Reply {
    let look = &running.look;
    let t = look.screen("login-id", "login-id");
    let client = running.client.name();
    let strategy = channel.map_or(Strategy::Sms, |channel| channel.connection.strategy);
    let link = |other: Strategy| {
        let text = match other {
            Strategy::Sms => t.get("usePhoneText"),
            // The field asks for an address already.
            Strategy::Email if strategy == Strategy::Auth0 => {
                look.screen("login-password", "login-password").get("useCodeText")
            }
            Strategy::Email => t.get("useEmailText"),
            Strategy::Auth0 => t.get("usePasswordText"),
        };
        (format!("{}&via={}", running.at(PATH), other.name()), text)
    };
    let open = channel.filter(|channel| sign_up::is_open(&channel.connection));
    let widget = Widget {
        t,
        client,
        state: &running.stored.id,
        strategy,
        is_named: channel.is_some_and(|channel| is_named(channel)),
        via: strategy.name(),
        typed: &typed.text,
        countries: match strategy {
            Strategy::Sms => countries::list(look.lang().tag(), app.snapshot().countries.as_ref()),
            _ => Vec::new(),
        },
        country: &typed.country,
        error: error.map(|key| t.get(key)),
        others: others(app, running, strategy).into_iter().map(link).collect(),
        signup: open.map(|_| running.at(signup::PATH)),
    };
    let title = t.fill("pageTitle", &[("clientName", client)]);
    let form_action = Some(running.request().redirect_uri.as_str());
    look.page(status, &Page { prompt: "login-id", screen: "login-id", title: &title, form_action }, &widget)
}

/// Bytes of the longest name that may be looked up.
const LONGEST_NAME: usize = 320;
