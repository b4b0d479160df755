//! `/u/signup`: a new user of a database (`docs/COMPATIBILITY.md` C1623-C1624).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::password_policy::{Policy, Weak};
use ringpass_core::model::sign_up::{self, Fault, Profile, Wanted};
use ringpass_core::model::texts::Screen;

use super::form::Form;
use super::identifier::{self, turn};
use super::rules::{self, Rules};
use super::running::{Elsewhere, Running};
use super::show::{Page, to};
use super::{PageError, limits};
use crate::app::App;
use crate::flows::grant::Refused;
use crate::flows::signup::{self, SignUp, SignUpRefused};
use crate::snapshot::Channel;
use crate::web::{Call, Reply, peer};

pub(super) const PATH: &str = "/u/signup";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/signup.html")]
struct Widget<'a> {
    t: Screen<'a>,
    client: &'a str,
    state: &'a str,
    email: Option<&'a str>,
    username: Option<&'a str>,
    phone: Option<(&'a str, &'a str)>,
    rules: Rules,
    error: Option<&'a str>,
    login: String,
}

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    email: String,
    username: String,
    phone: String,
}

/// `GET`.
pub(super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::page(&app, &call, PATH).await?;
    let running = Running::of_page(&app, &call).await?;
    let channel = match wanted(&app, &running) {
        Ok(channel) => channel,
        Err(elsewhere) => return *elsewhere,
    };
    let known = running.stored.login.username.clone().or_else(|| running.request().login_hint.clone());
    let known = known.unwrap_or_default();
    let typed = if known.contains('@') {
        Typed { email: known, ..Typed::default() }
    } else {
        Typed { username: known, ..Typed::default() }
    };
    Ok(page(&running, &channel, &typed, None, StatusCode::OK))
}

/// `POST`.
pub(super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    limits::form(&app, &call, PATH).await?;
    let (running, form) = Running::of_form(&app, &call).await?;
    let channel = match wanted(&app, &running) {
        Ok(channel) => channel,
        Err(elsewhere) => return *elsewhere,
    };
    let typed = Typed::of(&form);
    let refuse = |key: &str| Ok(page(&running, &channel, &typed, Some(key), StatusCode::BAD_REQUEST));
    let password = form.get("password");
    if password.is_empty() {
        return refuse("no-password");
    }
    if password.chars().count() > rules::LONGEST {
        return refuse("password-policy-not-conformant");
    }
    let sign_up = SignUp {
        client: Arc::clone(&running.client),
        channel: Arc::clone(&channel),
        profile: typed.profile(&channel),
        password: Secret::new(password),
        caller: peer::caller(&call, None),
    };
    let user = match signup::sign_up(&app, sign_up).await {
        Ok(user) => user,
        Err(SignUpRefused::Database(error)) => return Err(error.into()),
        Err(SignUpRefused::Busy) => return Err(PageError::Unavailable),
        Err(refused) => {
            let tells = app.snapshot().settings.enable_public_signup_user_exists_error();
            return refuse(key(&refused, tells));
        }
    };
    let name = user.identifier().unwrap_or_default().to_owned();
    match turn(&running, &call).password(&app, channel, &name, Secret::new(password)).await {
        Ok(cookie) => Ok(running.entered(&app, cookie.as_deref())),
        Err(Refused::Database(error)) => Err(error.into()),
        // The account is there; who has it may sign in.
        Err(_) => Ok(to(&running.at(identifier::PATH))),
    }
}

fn wanted(app: &App, running: &Running) -> Result<Arc<Channel>, Elsewhere> {
    if let Some(elsewhere) = running.elsewhere() {
        return Err(Box::new(elsewhere));
    }
    let channel = identifier::database(app, running).filter(|channel| sign_up::is_open(&channel.connection));
    channel.ok_or_else(|| Box::new(Ok(to(&running.at(identifier::PATH)))))
}

/// The text for a sign-up that was refused; unless the tenant says so, it does not tell that somebody is there already.
fn key(refused: &SignUpRefused, tells: bool) -> &'static str {
    match refused {
        SignUpRefused::Disabled => "signup-disabled",
        SignUpRefused::Profile(Fault::Missing("username")) => "no-username",
        SignUpRefused::Profile(Fault::Missing(_)) => "no-email",
        SignUpRefused::Profile(Fault::Malformed("username")) => "signup-failed",
        SignUpRefused::Profile(Fault::Malformed("phone_number")) => "invalid-phone-number",
        SignUpRefused::Profile(_) => "invalid-email-format",
        SignUpRefused::Weak(weak) => weakness(weak),
        SignUpRefused::Exists if tells => "email-in-use",
        SignUpRefused::SuspiciousAddress => "ip-blocked",
        _ => "signup-failed",
    }
}

/// The text for a password that was refused.
pub(super) fn weakness(weak: &Weak) -> &'static str {
    match weak {
        Weak::Strength(_) => "password-policy-not-conformant",
        Weak::Dictionary => "password-too-common",
        Weak::PersonalInfo => "password-contains-user-information",
        Weak::Used(_) => "password-previously-used",
    }
}

impl Typed {
    fn of(form: &Form) -> Self {
        let own = |name: &str| form.get(name).trim().to_owned();
        Self { email: own("email"), username: own("username"), phone: own("phone_number") }
    }

    fn profile(&self, channel: &Channel) -> Profile {
        let mut profile = Profile::default();
        for (name, value) in [("email", &self.email), ("username", &self.username), ("phone_number", &self.phone)] {
            if !value.is_empty() && sign_up::wanted(&channel.connection, name) != Wanted::No {
                profile.0.insert(name.to_owned(), value.clone().into());
            }
        }
        profile
    }
}

fn page(running: &Running, channel: &Channel, typed: &Typed, error: Option<&str>, status: StatusCode) -> Reply {
    let look = &running.look;
    let t = look.screen("signup", "signup");
    let client = running.client.name();
    let field = |name: &str, value| (sign_up::wanted(&channel.connection, name) != Wanted::No).then_some(value);
    let widget = Widget {
        t,
        client,
        state: &running.stored.id,
        email: field("email", typed.email.as_str()),
        username: field("username", typed.username.as_str()),
        phone: field("phone_number", typed.phone.as_str())
            .map(|value| (look.screen("login-id", "login-id").get("phonePlaceholder"), value)),
        rules: Rules::of(&Policy::of(&channel.connection), t),
        error: error.map(|key| t.get(key)),
        login: running.at(identifier::PATH),
    };
    let title = t.fill("pageTitle", &[("clientName", client)]);
    let form_action = Some(running.request().redirect_uri.as_str());
    look.page(status, &Page { prompt: "signup", screen: "signup", title: &title, form_action }, &widget)
}
