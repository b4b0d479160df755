//! What goes back to the application: a code, tokens, or an error.

use std::sync::Arc;

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::ids;
use ringpass_core::model::authorization::{AuthorizationRequest, OauthError, ResponseMode};
use ringpass_core::model::authorization_code::{self, AuthorizationCode};
use ringpass_core::model::session::Session;
use ringpass_core::model::user::User;
use ringpass_core::storage::access_tokens::{self, AccessToken};
use ringpass_core::storage::{DbError, Tx, authorization_codes, sessions};

use super::Target;
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::grant::Granted;
use crate::flows::issue::Kept;
use crate::flows::token::{self, Front, Issue, Subject, WEB_LIFETIME};

/// What goes back to the application, and how.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Where it goes.
    pub redirect_uri: String,
    /// How it travels.
    pub mode: ResponseMode,
    /// Its parameters, in order.
    pub parameters: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(app: &App, target: &Target, mut parameters: Vec<(&'static str, String)>) -> Self {
        if let Some(state) = &target.state {
            parameters.push(("state", state.clone()));
        }
        // So that a client of several servers knows which of them answers (RFC 9207).
        parameters.push(("iss", app.config.http.issuer()));
        Self { redirect_uri: target.redirect_uri.clone(), mode: target.mode, parameters }
    }
}

/// The answer that something is wrong.
pub fn error(app: &App, target: &Target, error: &OauthError) -> Answer {
    let told = vec![("error", error.code.to_owned()), ("error_description", error.description.clone())];
    Answer::new(app, target, told)
}

/// What an answer needs on record, drawn before the transaction that records it.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    code: Option<Kept>,
    opaque: Option<Kept>,
}

/// A request that is about to be answered.
#[derive(Debug, Clone)]
pub(super) struct Answering {
    pub target: Target,
    pub request: AuthorizationRequest,
    pub granted: Granted,
    pub caller: Caller,
    pub draft: Draft,
    pub idle: Millis,
    /// Whether whoever gets here has met a demand for a second factor.
    pub is_met: bool,
}

/// What is on record, to be signed and sent.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    granted: Granted,
    user: User,
    session_id: String,
    auth_time: Option<i64>,
    amr: bool,
}

impl Draft {
    pub(super) fn draw(app: &App, request: &AuthorizationRequest, granted: &Granted) -> Self {
        let opaque = request.response_type.token && granted.api.is_none();
        Self {
            code: request.response_type.code.then(|| Kept::new(app, ids::token(&app.rng))),
            opaque: opaque.then(|| Kept::new(app, ids::short_token(&app.rng))),
        }
    }
}

impl Answering {
    /// Records what the answer will hold, and that the session was used.
    pub(super) fn record(
        &self,
        tx: &mut Tx<'_>,
        mut session: Session,
        user: User,
        amr: bool,
        now: Millis,
    ) -> Result<Recorded, DbError> {
        let Self { request, caller, draft, .. } = self;
        let granted = self.granted.clone().settle(tx, &user.user_id)?;
        let auth_time = request.wants_auth_time().then_some(session.authenticated_at / SECOND);
        if let Some(code) = &draft.code {
            let told = AuthorizationCode {
                redirect_uri: request.redirect_uri.clone(),
                redirect_uri_was_sent: request.redirect_uri_was_sent,
                scope: granted.scope_text(),
                audience: granted.api.as_ref().map(|api| api.identifier().to_owned()),
                nonce: request.nonce.clone(),
                challenge: request.challenge.clone(),
                session_id: session.id.clone(),
                auth_time,
                amr,
                second_factor: amr || self.is_met || session.second_factor_at.is_some(),
            };
            let ends = now + authorization_code::LIFETIME * SECOND;
            authorization_codes::insert(tx, &code.hash, &request.client_id, &user.user_id, &told, ends)?;
        }
        if let Some(opaque) = &draft.opaque {
            let token = AccessToken {
                user_id: user.user_id.clone(),
                client_id: request.client_id.clone(),
                scope: granted.scope_text(),
                expires_at: now + WEB_LIFETIME * SECOND,
            };
            access_tokens::insert(tx, &opaque.hash, &token)?;
        }
        session.used(&request.client_id, &caller.ip, caller.user_agent.as_deref().unwrap_or_default(), self.idle, now);
        sessions::put_use(tx, &session)?;
        Ok(Recorded { granted, user, session_id: session.id, auth_time, amr })
    }

    /// Signs what has to be signed. `None` only if the cryptography fails.
    pub(super) async fn answer(self, app: &App, recorded: Recorded) -> Option<Answer> {
        let kind = self.request.response_type;
        let code = self.draft.code.map(|code| code.text);
        let mut parameters = Vec::new();
        if let Some(code) = &code {
            parameters.push(("code", code.clone()));
        }
        if kind.is_front_channel() {
            let issue = Issue {
                client: Arc::clone(&self.target.client),
                granted: recorded.granted,
                subject: Subject::User(Box::new(recorded.user)),
                gty: None,
                opaque: self.draft.opaque.map(|kept| kept.text),
                refresh_token: None,
                session_id: recorded.session_id,
                nonce: self.request.nonce,
                auth_time: recorded.auth_time,
                amr: recorded.amr,
                front: Some(Front { access_token: kind.token, id_token: kind.id_token, code }),
            };
            parameters.extend(token::sign(app, issue).await?.into_parameters());
        }
        Some(Answer::new(app, &self.target, parameters))
    }
}
