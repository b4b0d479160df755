//! `/passwordless/verify_redirect`: where links in mails lead, and where applications' own pages send a code
//! (`docs/COMPATIBILITY.md` C1590-C1597).

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use ringpass_core::model::authorization::Parameters;
use ringpass_core::model::texts::Screen;

use super::form::Form;
use super::show::{Look, Page, browser_of, device_of};
use super::{PageError, authorize as door, cookies, identifier, limits};
use crate::app::App;
use crate::flows::authorize::{self, Brought, NoTarget, Target, Visitor};
use crate::web::{Call, Reply, peer};

const PATH: &str = "/passwordless/verify_redirect";

/// The form.
#[derive(Debug, Template)]
#[template(path = "pages/link.html")]
struct Continue<'a> {
    t: Screen<'a>,
    path: &'a str,
    fields: &'a [(String, String)],
    description: String,
}

/// `GET` and `POST`.
pub(super) async fn redeem(app: Arc<App>, call: Call) -> Result<Reply, PageError> {
    if call.method == Method::HEAD {
        return Ok(Reply::empty(StatusCode::OK));
    }
    limits::challenge(&app, &call, PATH).await?;
    let is_form = call.method == Method::POST;
    let parameters = Parameters(if is_form { Form::read(&call)?.into_fields() } else { call.query.clone() });
    let target = authorize::target(&app, &parameters).await?;
    let look = Look::of_client(&app, &call, &target.client, parameters.get("ui_locales"));
    let Some(brought) = Brought::read(&app, &target, &parameters).await? else {
        return Err(PageError::NoTarget(NoTarget::NoConnection));
    };
    if !is_form && (brought.is_of_link() || is_ahead(&call)) {
        return Ok(ask(&look, &target, &parameters));
    }
    let (browser, cookie) = browser_of(&app, &call);
    let (known, device) = device_of(&app, &call);
    let caller = peer::caller(&call, None);
    let visitor = Visitor { session: cookies::session(&call), browser, known, shown: None, caller };
    let begun = authorize::redeem(&app, target, parameters, brought, visitor).await?;
    Ok(door::reply(&app, &look, begun, identifier::PATH, [cookie, device]))
}

/// Whether the browser only looks ahead, where the person may never go.
fn is_ahead(call: &Call) -> bool {
    ["sec-purpose", "purpose", "x-moz"]
        .into_iter()
        .filter_map(|name| call.header(name))
        .any(|purpose| purpose.contains("prefetch") || purpose.contains("prerender") || purpose.contains("preview"))
}

/// Links are followed by programs that look for danger in mails: the code is redeemed when a person goes on.
fn ask(look: &Look, target: &Target, parameters: &Parameters) -> Reply {
    let (prompt, screen) = ("login-passwordless", "login-passwordless-email-link");
    let t = look.screen(prompt, screen);
    let names = [("clientName", target.client.name())];
    let widget = Continue {
        t,
        path: PATH,
        fields: &parameters.0,
        description: t.fill("continueDescription", &names).into_owned(),
    };
    let title = t.get("continueTitle");
    let page = Page { prompt, screen, title, form_action: Some(&target.redirect_uri) };
    look.page(StatusCode::OK, &page, &widget)
}
