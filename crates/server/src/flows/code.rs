//! Exchanges an authorization code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.6; `docs/COMPATIBILITY.md` C1320-C1326).

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::model::authorization_code::AuthorizationCode;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::model::user::User;
use ringpass_core::storage::authorization_codes::{self, Issued, Presented};
use ringpass_core::storage::{DbError, Tx, permissions, users};

use super::caller::Caller;
use super::grant::Granted;
use super::issue::{self, Drawn, Holder};
use super::record::{self, Journal};
use super::token::{self, Issue, Subject, Tokens};
use crate::app::App;
use crate::snapshot::Snapshot;

/// A code as it was presented.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The code.
    pub code: String,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `code_verifier`.
    pub verifier: Option<String>,
}

/// Why a code gives nothing.
#[derive(Debug, Clone)]
pub enum CodeRefused {
    /// Unknown, expired, used before, another client's, or its user is gone.
    Invalid,
    /// The proof key does not fit.
    Verifier,
    /// Another redirect URI than the one that the code was sent to: what was sent, what was expected.
    RedirectUri(String, String),
    /// Blocked by an administrator.
    UserBlocked,
    /// A token could not be signed.
    Signing,
    /// The database failed.
    Database(DbError),
}

impl From<DbError> for CodeRefused {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl CodeRefused {
    /// What the caller reads and the tenant log says.
    pub fn sentence(&self) -> String {
        match self {
            Self::Invalid => "Invalid authorization code".into(),
            Self::Verifier => "Failed to verify code verifier".into(),
            Self::RedirectUri(sent, expected) => {
                format!("The redirect URI is wrong. You sent {sent}, and we expected {expected}")
            }
            Self::UserBlocked => "user is blocked".into(),
            Self::Signing | Self::Database(_) => "server_error".into(),
        }
    }
}

/// Exchanges a code.
pub async fn exchange(app: &App, client: Arc<Client>, sent: Sent, caller: &Caller) -> Result<Tokens, CodeRefused> {
    let mut turn = Turn {
        hash: issue::token_hash(app, &sent.code),
        sent,
        client,
        caller: caller.clone(),
        drawn: issue::draw_all(app),
        snapshot: app.snapshot(),
        journal: app.journal.clone(),
        now: app.clock.now(),
        is_last: false,
    };
    let mut outcome = turn.clone().run(app).await;
    if matches!(outcome, Err(DbError::Conflict)) {
        app.refresh().await?;
        turn = Turn { snapshot: app.snapshot(), is_last: true, ..turn };
        outcome = turn.clone().run(app).await;
    }
    let Good { user, granted, code, drawn } = outcome??;
    let issue = Issue {
        client: turn.client,
        granted,
        subject: Subject::User(Box::new(user)),
        gty: None,
        opaque: drawn.opaque.map(|kept| kept.text),
        refresh_token: drawn.refresh.map(|kept| kept.text),
        session_id: code.session_id,
        nonce: code.nonce,
        auth_time: code.auth_time,
        amr: code.amr,
        front: None,
    };
    token::sign(app, issue).await.ok_or(CodeRefused::Signing)
}

/// Everything an exchange needs inside its transaction.
#[derive(Debug, Clone)]
struct Turn {
    hash: String,
    sent: Sent,
    client: Arc<Client>,
    caller: Caller,
    drawn: Drawn,
    snapshot: Arc<Snapshot>,
    journal: Journal,
    now: Millis,
    /// Whether an API that the snapshot lacks is gone; else another node may have just made it.
    is_last: bool,
}

/// A code that gives tokens.
struct Good {
    user: User,
    granted: Granted,
    code: AuthorizationCode,
    drawn: Drawn,
}

impl Turn {
    /// The transaction; [`DbError::Conflict`] asks to come again with a newer snapshot, and has changed nothing.
    async fn run(self, app: &App) -> Result<Result<Good, CodeRefused>, DbError> {
        app.db
            .write_behind("code.exchange", move |tx| {
                let outcome = self.judge(tx)?;
                match &outcome {
                    Ok(good) => self.journal.write(tx, self.success(good))?,
                    Err((refused, user_id)) => self.journal.write(tx, self.failure(refused, user_id.clone()))?,
                }
                Ok(outcome.map_err(|(refused, _)| refused))
            })
            .await
    }

    fn judge(&self, tx: &mut Tx<'_>) -> Result<Result<Good, (CodeRefused, String)>, DbError> {
        let issued = Issued {
            family: self.drawn.family(),
            access_token: self.drawn.opaque.as_ref().map(|kept| kept.hash.as_str()),
        };
        let found = authorization_codes::consume(tx, &self.hash, &self.client.id, &issued, self.now)?;
        let (user_id, code) = match found {
            Presented::Good { user_id, code } => (user_id, code),
            Presented::Unknown | Presented::Expired => return Ok(Err((CodeRefused::Invalid, String::new()))),
            Presented::Replayed(user_id) => return Ok(Err((CodeRefused::Invalid, user_id))),
        };
        if let Err(refused) = self.proves(&code) {
            return Ok(Err((refused, user_id)));
        }
        let api = match &code.audience {
            None => None,
            Some(audience) => match self.snapshot.resource_server(audience) {
                None if self.is_last => return Ok(Err((CodeRefused::Invalid, user_id))),
                None => return Err(DbError::Conflict),
                api => api,
            },
        };
        let user = users::ask(tx, &user_id)?;
        let held = match api.as_ref().filter(|api| api.enforce_policies()) {
            Some(api) => permissions::on_api(tx, &user_id, api.identifier())?,
            None => Vec::new(),
        };
        let Some(user) = tx.answer(user)? else { return Ok(Err((CodeRefused::Invalid, user_id))) };
        if user.is_blocked() {
            return Ok(Err((CodeRefused::UserBlocked, user_id)));
        }
        let scope = code.scope.split_ascii_whitespace().map(str::to_owned).collect();
        let granted = Granted::again(api, scope, held);
        let drawn = self.drawn.clone().of_session(&code.session_id).only(&granted);
        let drawn = if code.second_factor { drawn.with_second_factor() } else { drawn };
        let holder = Holder { client: &self.client, user: &user, granted: &granted, caller: &self.caller };
        drawn.record(tx, &holder, self.now)?;
        Ok(Ok(Good { user, granted, code, drawn }))
    }

    /// Whether who presents the code is who asked for it. A code that fails here is spent.
    fn proves(&self, code: &AuthorizationCode) -> Result<(), CodeRefused> {
        let redirect_uri = self.sent.redirect_uri.as_deref();
        if redirect_uri.map_or(code.redirect_uri_was_sent, |sent| sent != code.redirect_uri) {
            let sent = redirect_uri.unwrap_or_default().to_owned();
            return Err(CodeRefused::RedirectUri(sent, code.redirect_uri.clone()));
        }
        match (&code.challenge, &self.sent.verifier) {
            (None, None) => Ok(()),
            (Some(challenge), Some(verifier)) if challenge.fits(verifier) => Ok(()),
            // A verifier without a challenge: somebody took the challenge out of the request on its way (RFC 9700 §4.8.2).
            _ => Err(CodeRefused::Verifier),
        }
    }

    fn success(&self, good: &Good) -> Event {
        Event {
            user_id: good.user.user_id.clone(),
            user_name: good.user.identifier().unwrap_or_default().to_owned(),
            connection: good.user.connection.clone(),
            audience: good.code.audience.clone().unwrap_or_default(),
            scope: good.granted.scope_text(),
            ..self.event("seacft")
        }
    }

    fn failure(&self, refused: &CodeRefused, user_id: String) -> Event {
        Event { description: refused.sentence(), user_id, ..self.event("feacft") }
    }

    fn event(&self, kind: &'static str) -> Event {
        Event {
            client_id: self.client.id.clone(),
            client_name: self.client.name().to_owned(),
            ..record::event(kind, &self.caller)
        }
    }
}
