//! Setting up an authenticator application: `/u/mfa-otp-enrollment-qr` shows a picture to scan, `…-code` the same as text
//! (`docs/COMPATIBILITY.md` C1822).

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use qrcode::{Color, EcLevel, QrCode};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::texts::Screen;

use super::super::limits;
use super::super::show::to;
use super::aside::Aside;
use super::code::{LENGTHS, prove};
use super::told::Told;
use super::waiting::{Name, Waiting};
use super::{PATH, PageError, choices};
use crate::app::App;
use crate::flows::mfa;
use crate::flows::second_factor::Proof;
use crate::web::{Call, Reply};

/// The page with the picture.
pub(super) const PICTURE: &str = "/u/mfa-otp-enrollment-qr";
/// The page with the text.
const TEXT: &str = "/u/mfa-otp-enrollment-code";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/mfa/application.html")]
struct Widget<'a> {
    t: Screen<'a>,
    state: &'a str,
    path: &'static str,
    picture: Option<Picture>,
    key: &'a Secret,
    /// The other page of the two.
    other: String,
    other_text: &'a str,
    placeholder: String,
    error: Option<&'a str>,
    remember: Option<bool>,
    aside: Aside<'a>,
}

/// A QR code: squares along each side, the light border included, and the dark ones as the path of a drawing.
#[derive(Debug)]
struct Picture {
    width: usize,
    path: String,
}

/// `GET` of both.
pub(in super::super) async fn show(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let path = path_of(&call);
    limits::page(&app, &call, path).await?;
    let waiting = match Waiting::of_page(&app, &call).await {
        Ok(waiting) => waiting,
        Err(elsewhere) => return *elsewhere,
    };
    Ok(match target(&app, &waiting) {
        Some(one) => page(&app, &waiting, path, one, &Told::default(), StatusCode::OK),
        None => to(&waiting.at(PATH)),
    })
}

/// `POST` of both.
pub(in super::super) async fn submit(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let path = path_of(&call);
    limits::form(&app, &call, path).await?;
    let (waiting, form) = match Waiting::of_form(&app, &call).await {
        Ok(found) => found,
        Err(elsewhere) => return *elsewhere,
    };
    let Some(one) = target(&app, &waiting) else { return Ok(to(&waiting.at(PATH))) };
    if form.get("action") == "pick-authenticator" {
        return Ok(to(&waiting.at(choices::FACTORS)));
    }
    let remember = !form.get("rememberDevice").is_empty();
    match prove(&app, &call, &waiting, form.get("code"), Proof::Application, (remember, None)).await? {
        Ok(reply) => Ok(reply),
        Err(key) => {
            let told = Told { error: Some(key), remember, notice: None };
            Ok(page(&app, &waiting, path, one, &told, StatusCode::BAD_REQUEST))
        }
    }
}

fn path_of(call: &Call) -> &'static str {
    if call.path == TEXT { TEXT } else { PICTURE }
}

/// What is being set up; nothing when it is the turn of another page.
fn target<'a>(app: &App, waiting: &'a Waiting) -> Option<&'a Authenticator> {
    waiting.chosen(app).filter(|one| one.kind == Kind::Totp && !one.confirmed)
}

fn page(
    app: &App,
    waiting: &Waiting,
    path: &'static str,
    one: &Authenticator,
    told: &Told,
    status: StatusCode,
) -> Reply {
    let is_text = path == TEXT;
    let name: Name =
        if is_text { ("mfa-otp", "mfa-otp-enrollment-code") } else { ("mfa-otp", "mfa-otp-enrollment-qr") };
    let t = waiting.screen(name);
    let (other, other_text) = if is_text { (PICTURE, "backText") } else { (TEXT, "codeEnrollmentText") };
    let error = told.error.map(|key| t.fill(key, LENGTHS).into_owned());
    let none = Secret::new("");
    let barcode = mfa::barcode_uri(app, &waiting.claimant.user, one).filter(|_| !is_text);
    let widget = Widget {
        t,
        state: &waiting.running.stored.id,
        path,
        picture: barcode.and_then(|uri| picture(&uri)),
        key: one.secret.as_ref().unwrap_or(&none),
        other: waiting.at(other),
        other_text: t.get(other_text),
        placeholder: t.fill("placeholder", LENGTHS).into_owned(),
        error: error.as_deref(),
        remember: waiting.remember(told.remember),
        aside: Aside::of(waiting, t, path, choices::other(app, waiting).into_iter().collect()),
    };
    waiting.page(name, status, &widget)
}

/// Draws a QR code; nothing for a text that is too long for one, which the other page shows.
fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let side = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % side + BORDER, at / side + BORDER));
        }
    }
    Some(Picture { width: side + 2 * BORDER, path })
}

/// Light squares around a QR code (ISO/IEC 18004 asks for four).
const BORDER: usize = 4;
