//! The sign-in that a page belongs to, found by `state` and by the browser's cookie (`docs/COMPATIBILITY.md` C1340-C1343).

use std::sync::Arc;

use ringpass_core::kit::hash;
use ringpass_core::model::authorization::AuthorizationRequest;
use ringpass_core::model::client::Client;
use ringpass_core::model::login::Step;
use ringpass_core::storage::logins::{self, Stored};

use super::form::Form;
use super::show::{Look, to};
use super::{PageError, cookies, mfa};
use crate::app::App;
use crate::flows::authorize::Target;
use crate::flows::issue::token_hash;
use crate::web::{Call, Reply};

/// Where the pages of a sign-in lead, in the place of the one that was asked for.
pub(super) type Elsewhere = Box<Result<Reply, PageError>>;

/// A sign-in under way.
#[derive(Debug)]
pub(super) struct Running {
    /// The sign-in.
    pub stored: Stored,
    /// Who asked for it.
    pub client: Arc<Client>,
    /// How its pages look.
    pub look: Look,
}

impl Running {
    /// The sign-in that a page of it shows.
    pub(super) async fn of_page(app: &App, call: &Call) -> Result<Self, PageError> {
        Self::find(app, call, call.query("state").unwrap_or_default()).await
    }

    /// The sign-in that a form carries on, and the form.
    pub(super) async fn of_form(app: &App, call: &Call) -> Result<(Self, Form), PageError> {
        let form = Form::read(call)?;
        let state = match form.get("state") {
            "" => call.query("state").unwrap_or_default(),
            state => state,
        };
        Ok((Self::find(app, call, state).await?, form))
    }

    /// The same sign-in as it stands now.
    pub(super) async fn of_page_again(app: &App, call: &Call, before: &Self) -> Result<Self, PageError> {
        Self::find(app, call, &before.stored.id).await
    }

    async fn find(app: &App, call: &Call, state: &str) -> Result<Self, PageError> {
        let browser = cookies::browser(app, call);
        let (id, now) = (state.to_owned(), app.clock.now());
        let found = match id.len() {
            32 => app.db.read("pages.login", move |tx| logins::get(tx, &id, now)).await?,
            _ => None,
        };
        let stored = found.ok_or(PageError::NoLogin)?;
        match browser {
            None => return Err(PageError::NoCookies),
            Some(browser) if !hash::same(&stored.browser, &token_hash(app, &browser)) => {
                return Err(PageError::OtherBrowser);
            }
            Some(_) => {}
        }
        let request = &stored.login.request;
        let client = match &stored.login.enrollment {
            Some(_) => Arc::new(Client::of_tenant(Look::of(app, call).company())),
            None => app.find(|snapshot| snapshot.client(&request.client_id)).await?.ok_or(PageError::NoLogin)?,
        };
        let look = Look::of_client(app, call, &client, request.ui_locales.as_deref());
        Ok(Self { stored, client, look })
    }

    /// What the application asked.
    pub(super) fn request(&self) -> &AuthorizationRequest {
        &self.stored.login.request
    }

    /// Where the application's answer goes.
    pub(super) fn target(&self) -> Target {
        let request = self.request();
        Target {
            client: Arc::clone(&self.client),
            redirect_uri: request.redirect_uri.clone(),
            mode: request.response_mode,
            state: request.state.clone(),
        }
    }

    /// The address of another page of this sign-in.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{path}?state={}", self.stored.id)
    }

    /// For pages that only a person sees who has yet to prove who they are: where else to go.
    pub(super) fn elsewhere(&self) -> Option<Result<Reply, PageError>> {
        match &self.stored.login.step {
            Step::Open => None,
            Step::SecondFactor => Some(Ok(to(&self.at(mfa::PATH)))),
            Step::Authenticated { .. } => Some(Ok(to(&self.at("/authorize/resume")))),
            Step::Done => Some(Err(self.over())),
        }
    }

    /// Where a right first factor leads: on with the session's cookie, or to the second factor.
    pub(super) fn entered(&self, app: &App, cookie: Option<&str>) -> Reply {
        match cookie {
            Some(cookie) => to(&self.at("/authorize/resume")).and_cookie(&cookies::set_session(app, cookie)),
            None => to(&self.at(mfa::PATH)),
        }
    }

    /// The sign-in is finished; the way back is where the application begins.
    pub(super) fn over(&self) -> PageError {
        PageError::Used(self.client.initiate_login_uri().map(str::to_owned))
    }
}
