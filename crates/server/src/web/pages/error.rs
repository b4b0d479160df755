//! The one error type of the hosted pages: a page that says what is wrong and what to do
//! (`docs/COMPATIBILITY.md` C1360-C1361).

use askama::Template;
use http::{StatusCode, header};
use ringpass_core::storage::DbError;

use super::show::{Look, Page};
use crate::flows::authorize::NoTarget;
use crate::flows::logout;
use crate::web::Reply;

/// Everything that a person can be told in the place of a page.
#[derive(Debug, Clone)]
pub enum PageError {
    /// There is nowhere to send an answer to.
    NoTarget(NoTarget),
    /// A log-out that asks for what it may not have.
    Logout(logout::Refused),
    /// The sign-in is unknown or took too long.
    NoLogin,
    /// The sign-in belongs to another browser, or the form came from another site.
    OtherBrowser,
    /// The browser keeps no cookies.
    NoCookies,
    /// The sign-in is finished; where the application begins, if that is known.
    Used(Option<String>),
    /// A bucket is empty: the page, seconds to wait.
    TooManyRequests(&'static str, i64),
    /// The body is no form.
    BadForm,
    /// More than 16 KiB.
    TooLong,
    /// No such page.
    NotFound,
    /// A bug; the process log has the cause under the request id.
    Server,
    /// The database cannot serve now.
    Unavailable,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/error.html")]
struct ErrorWidget<'a> {
    title: &'a str,
    text: &'a str,
    detail: String,
    code: &'a str,
    request: String,
    again: Option<(String, &'a str)>,
}

impl PageError {
    /// Status, machine code, key of the text, and what it is about.
    fn row(&self) -> (u16, &'static str, &'static str, String) {
        match self {
            Self::NoTarget(why) => {
                let (status, key) = match why {
                    NoTarget::BadRedirectUri(_) | NoTarget::BadOrigin(_) => (403, "invalid-redirect-uri"),
                    NoTarget::UnknownClient(_) => (400, "unknown-client"),
                    NoTarget::NoClientId
                    | NoTarget::NoConnection
                    | NoTarget::NoCallback
                    | NoTarget::UnknownRequestUri => (400, "invalid-request"),
                    NoTarget::Database(_) => (500, "server-error"),
                };
                (status, "invalid_request", key, why.sentence())
            }
            Self::Logout(why) => {
                let key = match why {
                    logout::Refused::UnknownClient(_) => "unknown-client",
                    logout::Refused::Unlisted(..) => "invalid-logout-url",
                    logout::Refused::Hint(_) | logout::Refused::Database(_) => "invalid-request",
                };
                (400, "invalid_request", key, why.sentence())
            }
            Self::NoLogin => (400, "invalid_request", "expired-login", String::new()),
            Self::OtherBrowser => (400, "invalid_request", "other-browser", String::new()),
            Self::NoCookies => (400, "invalid_request", "cookies-disabled", String::new()),
            Self::Used(_) => (400, "invalid_request", "used-login", String::new()),
            Self::TooManyRequests(path, _) => (
                429,
                "invalid_request",
                "too-many-requests",
                format!("The rate limit for endpoint {path} was reached. Please retry after a few minutes."),
            ),
            Self::BadForm => (400, "invalid_request", "invalid-request", String::new()),
            Self::TooLong => (413, "invalid_request", "invalid-request", String::new()),
            Self::NotFound => (404, "not_found", "not-found", String::new()),
            Self::Server => (500, "server_error", "server-error", String::new()),
            Self::Unavailable => (503, "temporarily_unavailable", "server-error", String::new()),
        }
    }

    /// The page.
    pub fn reply(&self, look: &Look) -> Reply {
        let (status, code, key, detail) = self.row();
        let screen = look.screen("status", "status");
        let again = match self {
            Self::Used(uri) => uri.clone(),
            _ => None,
        };
        let widget = ErrorWidget {
            title: screen.get("title"),
            text: screen.get(key),
            detail,
            code,
            request: screen.fill("requestIdText", &[("requestId", look.request_id())]).into_owned(),
            again: again.map(|uri| (uri, screen.get("tryAgainText"))),
        };
        let title = screen.fill("pageTitle", &[("companyName", look.company())]);
        let page = Page { prompt: "status", screen: "status", title: &title, form_action: None };
        let reply = look.page(StatusCode::from_u16(status).unwrap_or_default(), &page, &widget);
        match self {
            Self::TooManyRequests(_, wait) => reply.with(header::RETRY_AFTER, &wait.to_string()),
            Self::Unavailable => reply.with(header::RETRY_AFTER, "1"),
            _ => reply,
        }
    }
}

impl From<DbError> for PageError {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "a page failed on the database");
        if error.is_temporary() { Self::Unavailable } else { Self::Server }
    }
}

impl From<NoTarget> for PageError {
    fn from(why: NoTarget) -> Self {
        match why {
            NoTarget::Database(error) => error.into(),
            why => Self::NoTarget(why),
        }
    }
}

impl From<logout::Refused> for PageError {
    fn from(why: logout::Refused) -> Self {
        match why {
            logout::Refused::Database(error) => error.into(),
            why => Self::Logout(why),
        }
    }
}
