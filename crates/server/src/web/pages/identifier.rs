//! `/u/login/identifier`: the number or the address to sign in with (`docs/COMPATIBILITY.md` C1345-C1347).

use std::sync::Arc;

use askama::Template;
use http::{StatusCode, header};
use ringpass_core::model::connection::Strategy;
use ringpass_core::model::identifier::Identifier;
use ringpass_core::model::phone::Phone;
use ringpass_core::model::phone_entry;
use ringpass_core::model::texts::Screen;

use super::countries::{self, Country};
use super::running::Running;
use super::show::{Page, to};
use super::{PageError, challenge, cookies, limits};
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
    is_phone: bool,
    via: &'a str,
    typed: &'a str,
    countries: Vec<&'static Country>,
    country: &'a str,
    error: Option<&'a str>,
    /// The other way to sign in, if there is one: address and text.
    other: Option<(String, &'a str)>,
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
    Ok(page(&app, &running, Some(&channel), &typed, None, StatusCode::OK))
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
    let is_phone = channel.connection.strategy == Strategy::Sms;
    if typed.text.is_empty() {
        return refuse(if is_phone { "no-phone" } else { "no-email" });
    }
    let Some(identifier) = typed.read(channel.connection.strategy) else {
        return refuse(if is_phone { "invalid-phone-number" } else { "invalid-email-format" });
    };
    if let Identifier::Phone(phone) = &identifier
        && phone.refused(app.snapshot().countries.as_ref())
    {
        return refuse("phone-not-allowed");
    }
    let turn = turn(&running, &call);
    match turn.send(&app, Arc::clone(&channel), identifier, running.look.lang().locale()).await {
        Ok(()) => Ok(to(&running.at(challenge::path(channel.connection.strategy)))),
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
    }
}

/// The text for a code that was not sent.
pub(super) fn key(refused: &StartRefused) -> &'static str {
    match refused {
        StartRefused::TooManyStarts(..) => "too-many-requests",
        StartRefused::TooManyAttempts => "user-blocked",
        StartRefused::SuspiciousAddress => "ip-blocked",
        StartRefused::Provider(_) => "passwordless-authenticator-error",
        StartRefused::SignupDisabled | StartRefused::Database(_) => "passwordless-unknown-error",
    }
}

/// The connection to sign in with: the one that the application asked for; else the one that the person chose among those
/// of the application (by its strategy); else the one that was made first.
fn choose(app: &App, running: &Running, via: &str) -> Option<Arc<Channel>> {
    let snapshot = app.snapshot();
    let client_id = &running.client.id;
    if let Some(name) = &running.request().connection {
        return snapshot.channel(name, client_id);
    }
    let usable: Vec<Arc<Channel>> = snapshot.passwordless(client_id).collect();
    let hinted = match running.request().login_hint.as_deref() {
        Some(hint) if via.is_empty() && hint.contains('@') => Strategy::Email.name(),
        Some(hint) if via.is_empty() && hint.starts_with('+') => Strategy::Sms.name(),
        _ => via,
    };
    let chosen = usable.iter().find(|channel| channel.connection.strategy.name() == hinted);
    chosen.or(usable.first()).cloned()
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
        let sent = running.stored.login.sent.as_ref().filter(|sent| sent.connection_id == channel.connection.id);
        let hint = running.request().login_hint.as_deref();
        let text = sent.map(|sent| sent.identifier.as_str()).or(hint).unwrap_or_default();
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
    let other = running.request().connection.is_none().then(|| other(app, running, strategy)).flatten();
    let widget = Widget {
        t,
        client,
        state: &running.stored.id,
        is_phone: strategy == Strategy::Sms,
        via: strategy.name(),
        typed: &typed.text,
        countries: match strategy {
            Strategy::Sms => countries::list(look.lang().tag(), app.snapshot().countries.as_ref()),
            _ => Vec::new(),
        },
        country: &typed.country,
        error: error.map(|key| t.get(key)),
        other: other.map(|other| {
            let text = if other == Strategy::Sms { "usePhoneText" } else { "useEmailText" };
            (format!("{}&via={}", running.at(PATH), other.name()), t.get(text))
        }),
    };
    let title = t.fill("pageTitle", &[("clientName", client)]);
    let form_action = Some(running.request().redirect_uri.as_str());
    look.page(status, &Page { prompt: "login-id", screen: "login-id", title: &title, form_action }, &widget)
}

/// Another strategy that the application's people may sign in with.
fn other(app: &App, running: &Running, than: Strategy) -> Option<Strategy> {
    let snapshot = app.snapshot();
    snapshot.passwordless(&running.client.id).map(|channel| channel.connection.strategy).find(|it| *it != than)
}
