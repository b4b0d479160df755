//! The hosted pages: where applications send people to sign in, and the OAuth endpoints that a browser visits
//! (`docs/COMPATIBILITY.md` C1300-C1372).
//!
//! Every page works without JavaScript. A sign-in under way is named by `state` in its addresses and belongs to one
//! browser, which proves it with a cookie: forms that come from elsewhere lead nowhere.

mod assets;
mod authorize;
mod challenge;
mod consent;
pub(super) mod cookies;
mod countries;
mod email_verification;
mod error;
mod form;
mod identifier;
mod limits;
mod link;
mod logout;
mod mfa;
mod password;
mod reset;
mod respond;
mod rules;
mod running;
mod show;
mod signup;

use std::sync::Arc;

use http::header;
use ringpass_core::model::authorization::OauthError;

pub use error::PageError;

use super::{Call, Family, Handler, Reply, Route, Unreadable};
use crate::app::App;
use crate::flows::authorize as authorization;
use running::Running;
use show::Look;

/// The family.
#[derive(Debug)]
pub enum Pages {}

macro_rules! route {
    ($method:literal, $path:literal, $handler:path) => {
        Route { method: $method, path: $path, scopes: &[], handler: |app, call| Box::pin($handler(app, call)) }
    };
}

impl Family for Pages {
    type Handler = Handler<PageError>;
    const NAME: &'static str = "pages";
    const PREFIX: &'static str = "";
    const BODY_LIMIT: usize = 16 * 1024;
    const ROUTES: &'static [Route<Handler<PageError>>] = &[
        route!("GET", "/authorize", authorize::begin),
        route!("POST", "/authorize", authorize::begin),
        route!("GET", "/authorize/resume", authorize::resume),
        route!("GET", "/u/login/identifier", identifier::show),
        route!("POST", "/u/login/identifier", identifier::submit),
        route!("GET", "/u/login/passwordless-sms-challenge", challenge::show),
        route!("POST", "/u/login/passwordless-sms-challenge", challenge::submit),
        route!("GET", "/u/login/passwordless-email-challenge", challenge::show),
        route!("POST", "/u/login/passwordless-email-challenge", challenge::submit),
        route!("GET", "/u/login/password", password::show),
        route!("POST", "/u/login/password", password::submit),
        route!("GET", "/u/signup", signup::show),
        route!("POST", "/u/signup", signup::submit),
        route!("GET", "/u/reset-password/request", reset::ask),
        route!("POST", "/u/reset-password/request", reset::send),
        route!("GET", "/u/reset-verify", reset::open),
        route!("POST", "/u/reset-verify", reset::change),
        route!("GET", "/u/email-verification", email_verification::open),
        route!("POST", "/u/email-verification", email_verification::confirm),
        route!("GET", "/u/consent", consent::show),
        route!("POST", "/u/consent", consent::submit),
        route!("GET", "/u/mfa", mfa::open),
        route!("GET", "/u/mfa-begin-enroll-options", mfa::choices::show),
        route!("POST", "/u/mfa-begin-enroll-options", mfa::choices::submit),
        route!("GET", "/u/mfa-login-options", mfa::choices::show),
        route!("POST", "/u/mfa-login-options", mfa::choices::submit),
        route!("GET", "/u/mfa-sms-list", mfa::choices::show),
        route!("POST", "/u/mfa-sms-list", mfa::choices::submit),
        route!("GET", "/u/mfa-email-list", mfa::choices::show),
        route!("POST", "/u/mfa-email-list", mfa::choices::submit),
        route!("GET", "/u/mfa-country-codes", mfa::choices::show),
        route!("POST", "/u/mfa-country-codes", mfa::choices::submit),
        route!("GET", "/u/mfa-phone-enrollment", mfa::phone::show),
        route!("POST", "/u/mfa-phone-enrollment", mfa::phone::submit),
        route!("GET", "/u/mfa-sms-enrollment", mfa::phone::show),
        route!("POST", "/u/mfa-sms-enrollment", mfa::phone::submit),
        route!("GET", "/u/mfa-voice-enrollment", mfa::phone::show),
        route!("POST", "/u/mfa-voice-enrollment", mfa::phone::submit),
        route!("GET", "/u/mfa-phone-challenge", mfa::phone::ask),
        route!("POST", "/u/mfa-phone-challenge", mfa::phone::choose),
        route!("GET", "/u/mfa-sms-challenge", mfa::code::show),
        route!("POST", "/u/mfa-sms-challenge", mfa::code::submit),
        route!("GET", "/u/mfa-voice-challenge", mfa::code::show),
        route!("POST", "/u/mfa-voice-challenge", mfa::code::submit),
        route!("GET", "/u/mfa-email-challenge", mfa::code::show),
        route!("POST", "/u/mfa-email-challenge", mfa::code::submit),
        route!("GET", "/u/mfa-otp-challenge", mfa::code::show),
        route!("POST", "/u/mfa-otp-challenge", mfa::code::submit),
        route!("GET", "/u/mfa-otp-enrollment-qr", mfa::application::show),
        route!("POST", "/u/mfa-otp-enrollment-qr", mfa::application::submit),
        route!("GET", "/u/mfa-otp-enrollment-code", mfa::application::show),
        route!("POST", "/u/mfa-otp-enrollment-code", mfa::application::submit),
        route!("GET", "/u/mfa-recovery-code-challenge", mfa::recovery::ask),
        route!("POST", "/u/mfa-recovery-code-challenge", mfa::recovery::prove),
        route!("GET", "/u/mfa-recovery-code-enrollment", mfa::recovery::show),
        route!("POST", "/u/mfa-recovery-code-enrollment", mfa::recovery::keep),
        route!("GET", "/u/mfa-recovery-code-challenge-new-code", mfa::recovery::show),
        route!("POST", "/u/mfa-recovery-code-challenge-new-code", mfa::recovery::keep),
        route!("GET", "/u/mfa-enroll-result", mfa::ticket::result),
        route!("GET", "/guardian/enroll", mfa::ticket::open),
        route!("GET", "/passwordless/verify_redirect", link::redeem),
        route!("POST", "/passwordless/verify_redirect", link::redeem),
        route!("GET", "/passwordless/verify-redirect", link::redeem),
        route!("GET", "/v2/logout", logout::leave),
        route!("GET", "/oidc/logout", logout::end_session),
        route!("POST", "/oidc/logout", logout::end_session),
        route!("POST", "/u/logout", logout::confirm),
        route!("GET", "/u/assets/{file}", assets::show),
    ];

    async fn serve(app: Arc<App>, route: &'static Route<Handler<PageError>>, call: Call) -> Reply {
        let look = Look::of(&app, &call);
        let reply = match (route.handler)(Arc::clone(&app), call).await {
            Ok(reply) => reply,
            Err(error) => error.reply(&look),
        };
        with_headers(reply)
    }

    fn unreadable(app: &App, _: &'static Route<Handler<PageError>>, _: Option<&str>, why: Unreadable) -> Reply {
        let error = match why {
            Unreadable::TooLong(_) => PageError::TooLong,
            Unreadable::Broken => PageError::BadForm,
            Unreadable::Path => PageError::NotFound,
            Unreadable::Panicked => PageError::Server,
        };
        with_headers(error.reply(&Look::of_nobody(app)))
    }
}

/// What every page carries: nothing of it is kept, framed, guessed at, or told to the sites it leads to.
fn with_headers(reply: Reply) -> Reply {
    let reply = if reply.headers.contains_key(header::CACHE_CONTROL) {
        reply
    } else {
        reply.with(header::CACHE_CONTROL, "no-store")
    };
    reply.with(header::X_CONTENT_TYPE_OPTIONS, "nosniff").with(header::REFERRER_POLICY, "no-referrer")
}

/// Leads back to the application with the word that the person is blocked: only who proved who they are gets here.
async fn blocked(app: &App, call: &Call, running: &Running) -> Result<Reply, PageError> {
    identifier::turn(running, call).end(app).await?;
    let refusal = OauthError::new("unauthorized", "user is blocked");
    Ok(respond::with(&running.look, &authorization::error(app, &running.target(), &refusal)))
}
