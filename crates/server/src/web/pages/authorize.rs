//! `/authorize` and `/authorize/resume`: where a sign-in begins and ends.

use std::sync::Arc;

use http::{Method, header};
use ringpass_core::model::authorization::Parameters;

use super::form::Form;
use super::running::Running;
use super::show::{Look, browser_of, device_of, to};
use super::{PageError, cookies, identifier, mfa, respond, signup};
use crate::app::App;
use crate::flows::authorize::{self, Begun, Resumed, Visitor};
use crate::flows::cross_origin::Shown;
use crate::web::{Call, Reply, peer};

/// `GET` and `POST /authorize`.
pub(super) async fn begin(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let fields =
        if call.method == Method::POST { Form::read_from_anywhere(&call)?.into_fields() } else { call.query.clone() };
    if fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > LONGEST {
        return Err(PageError::TooLong);
    }
    let parameters = authorize::pushed(&app, Parameters(fields)).await?;
    let target = authorize::target(&app, &parameters).await?;
    let (browser, cookie) = browser_of(&app, &call);
    let (known, device) = device_of(&app, &call);
    let look = Look::of_client(&app, &call, &target.client, parameters.get("ui_locales"));
    let first = if parameters.get("screen_hint") == Some("signup") { signup::PATH } else { identifier::PATH };
    let shown = parameters
        .get("login_ticket")
        .map(|ticket| Shown::new(&app, ticket, cookies::ticket(&app, &call).as_deref(), origin(&call)));
    let caller = peer::caller(&call, None);
    let visitor = Visitor { session: cookies::session(&call), browser, known, shown, caller };
    let begun = authorize::begin(&app, target, &parameters, visitor).await?;
    Ok(reply(&app, &look, begun, first, [cookie, device]))
}

/// The answer to what a request for authorization led to. A sign-in begins at the path `first`; `browser` are the cookies that
/// name the browser, where they are new.
pub(super) fn reply(app: &App, look: &Look, begun: Begun, first: &str, browser: [Option<String>; 2]) -> Reply {
    let (reply, session, is_over) = match begun {
        Begun::Answered(answer, session) => (respond::with(look, &answer), session, true),
        Begun::SignIn(state) => (to(&format!("{first}?state={state}")), None, false),
        Begun::SecondFactor(state) => (to(&format!("{}?state={state}", mfa::PATH)), None, false),
        Begun::Consent(state, session) => (to(&format!("/u/consent?state={state}")), session, false),
    };
    let browser = browser.into_iter().flatten().filter(|_| !is_over);
    let cookies = browser.chain(session.map(|session| cookies::set_session(app, &session)));
    cookies.fold(reply, |reply, cookie| reply.and_cookie(&cookie))
}

/// `GET /authorize/resume`.
pub(super) async fn resume(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let running = Running::of_page(&app, &call).await?;
    match authorize::resume(&app, &running.stored, running.target(), peer::caller(&call, None)).await? {
        Resumed::Answered(answer) => Ok(respond::with(&running.look, &answer)),
        Resumed::NotYet => Ok(to(&running.at(identifier::PATH))),
        Resumed::SecondFactor => Ok(to(&running.at(mfa::PATH))),
        Resumed::Consent => Ok(to(&running.at("/u/consent"))),
        Resumed::Over => Err(running.over()),
    }
}

/// The origin of the page that sent the browser here, where the browser tells it.
fn origin(call: &Call) -> Option<String> {
    let told = call.header(header::ORIGIN.as_str()).or_else(|| call.header(header::REFERER.as_str()))?;
    Some(url::Url::parse(told).map_or_else(|_| told.to_owned(), |uri| uri.origin().ascii_serialization()))
}

/// Bytes of all parameters together.
const LONGEST: usize = 8 * 1024;
