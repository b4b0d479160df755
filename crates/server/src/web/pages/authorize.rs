//! `/authorize` and `/authorize/resume`: where a sign-in begins and ends.

use std::sync::Arc;

use http::Method;
use ringpass_core::model::authorization::Parameters;

use super::form::Form;
use super::running::Running;
use super::show::{Look, browser_of, to};
use super::{PageError, cookies, identifier, respond, signup};
use crate::app::App;
use crate::flows::authorize::{self, Begun, Resumed};
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
    let look = Look::of_client(&app, &call, &target.client, parameters.get("ui_locales"));
    let first = if parameters.get("screen_hint") == Some("signup") { signup::PATH } else { identifier::PATH };
    let begun =
        authorize::begin(&app, target, &parameters, cookies::session(&call), &browser, peer::caller(&call, None));
    let reply = match begun.await? {
        Begun::Answered(answer) => return Ok(respond::with(&look, &answer)),
        Begun::SignIn(state) => to(&format!("{first}?state={state}")),
        Begun::Consent(state) => to(&format!("/u/consent?state={state}")),
    };
    Ok(match cookie {
        Some(cookie) => reply.and_cookie(&cookie),
        None => reply,
    })
}

/// `GET /authorize/resume`.
pub(super) async fn resume(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    let running = Running::of_page(&app, &call).await?;
    match authorize::resume(&app, &running.stored, running.target(), peer::caller(&call, None)).await? {
        Resumed::Answered(answer) => Ok(respond::with(&running.look, &answer)),
        Resumed::NotYet => Ok(to(&running.at(identifier::PATH))),
        Resumed::Consent => Ok(to(&running.at("/u/consent"))),
        Resumed::Over => Err(running.over()),
    }
}

/// Bytes of all parameters together.
const LONGEST: usize = 8 * 1024;
