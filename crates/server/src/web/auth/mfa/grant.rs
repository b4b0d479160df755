//! The grants that complete a sign-in: a code that was sent, one that an application shows, a recovery code
//! (`docs/COMPATIBILITY.md` C1788, C1796).

use std::sync::Arc;

use ringpass_core::kit::clock::{Millis, SECOND};
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::client::Client;
use ringpass_core::model::event::Event;
use ringpass_core::model::mfa::{OOB, OTP, OobCode, Presented};
use ringpass_core::model::user::User;
use ringpass_core::storage::buckets::Shape;
use ringpass_core::storage::{DbError, Tx, mfa_transactions, users};

use super::bearer::Bearer;
use super::error::MfaError;
use super::{Waiting, waiting};
use crate::app::App;
use crate::flows::caller::Caller;
use crate::flows::grant;
use crate::flows::limits::{self, Window};
use crate::flows::mfa::{Claimant, MfaRefused, Origin, Proven, Prover};
use crate::flows::record::{self, Journal};
use crate::flows::settle::{Settled, Settling};
use crate::flows::token::Tokens;
use crate::web::auth::body::{Members, required};
use crate::web::auth::error::AuthError;

/// Exchanges of one sign-in: twelve at once, then twelve a minute.
const OF_TRANSACTION: Shape = Shape { burst: 12, interval: 5 * SECOND };

/// What is proven.
enum Proof {
    Code { authenticator_id: String, typed: String },
    Application(String),
    Recovery(String),
}

impl Proof {
    /// Types of the event of success and of failure.
    fn events(&self) -> (&'static str, &'static str) {
        match self {
            Self::Code { .. } => ("seoobft", "feoobft"),
            Self::Application(_) => ("seotpft", "feotpft"),
            Self::Recovery(_) => ("sercft", "fercft"),
        }
    }
}

/// Tokens for a sign-in whose second factor is proven.
pub(in super::super) async fn exchange(
    app: &App,
    client: Arc<Client>,
    caller: Caller,
    grant_type: &str,
    members: &Members,
) -> Result<Tokens, AuthError> {
    let token = required(members, "mfa_token")?;
    // An access token for the MFA API confirms what was enrolled with it.
    let is_access_token = token.bytes().filter(|byte| *byte == b'.').count() == 2 && !token.starts_with("Fe26.");
    let mut since = None;
    let found = if is_access_token {
        let bearer = Bearer::read(app, token).await.map_err(|error| match error {
            AuthError::InvalidToken => MfaError::TokenMalformed.into(),
            other => other,
        })?;
        bearer.needs("enroll")?;
        since = bearer.issued_at;
        bearer.waiting
    } else {
        waiting(app, token, false).await?
    };
    if found.transaction.client_id != client.id {
        return Err(MfaError::ForeignToken.into());
    }
    let proof = read(app, grant_type, members, &found)?;
    charge(app, &caller, &found.transaction.id).await?;
    complete(app, client, caller, found, proof, since).await
}

fn read(app: &App, grant_type: &str, members: &Members, found: &Waiting) -> Result<Proof, AuthError> {
    match grant_type {
        OOB => {
            let oob = match OobCode::read(&app.hash_key, required(members, "oob_code")?, app.clock.now()) {
                Presented::Good(oob) => oob,
                Presented::Expired => return Err(MfaError::Refused(MfaRefused::CodeExpired).into()),
                Presented::Malformed => return Err(MfaError::OobMalformed.into()),
            };
            let typed = required(members, "binding_code")?.to_owned();
            if oob.transaction_id != found.transaction.id {
                return Err(MfaError::OobMismatch.into());
            }
            Ok(Proof::Code { authenticator_id: oob.authenticator_id, typed })
        }
        OTP => Ok(Proof::Application(required(members, "otp")?.to_owned())),
        _ => Ok(Proof::Recovery(required(members, "recovery_code")?.to_owned())),
    }
}

async fn charge(app: &App, caller: &Caller, transaction_id: &str) -> Result<(), AuthError> {
    let (key, now) = (format!("mfa-exchange|{transaction_id}"), app.clock.now());
    if !app.config.limits.documented || app.buckets.take(&key, OF_TRANSACTION, now) {
        return Ok(());
    }
    let full_at = app.buckets.full_at(&key);
    limits::note(app, caller, &key, "/oauth/token", OF_TRANSACTION.burst).await?;
    let wait = limits::wait(OF_TRANSACTION, full_at, now);
    Err(AuthError::TooManyRequests(Window::of(OF_TRANSACTION, full_at, now), wait))
}

async fn complete(
    app: &App,
    client: Arc<Client>,
    caller: Caller,
    found: Waiting,
    proof: Proof,
    token_since: Option<Millis>,
) -> Result<Tokens, AuthError> {
    let Waiting { transaction, user, .. } = found;
    let wanted = transaction.wanted.clone();
    let audience = wanted.audience.clone().unwrap_or_default();
    let granted = grant::for_user(app, &client, wanted.audience.as_deref(), &wanted.scope).await?;
    let settling = Settling::behind_second_factor(app, &client, granted, &caller, wanted);
    let claimant = Claimant {
        transaction_id: transaction.id,
        user,
        client,
        caller,
        locale: String::new(),
        request: Origin::default(),
        may_add: token_since.is_some(),
        token_since,
        shows_recovery: true,
        browser: None,
    };
    let turn = Box::new(Turn {
        prover: match proof {
            Proof::Recovery(_) => Prover::by_recovery(app, claimant),
            Proof::Code { .. } | Proof::Application(_) => Prover::of(app, claimant),
        },
        settling: Arc::clone(&settling),
        proof,
        audience,
        journal: app.journal.clone(),
        now: app.clock.now(),
    });
    let (user, settled, recovery_code) = app.db.write_behind("mfa.exchange", move |tx| turn.take(tx)).await??;
    Ok(settling.end(app, user, settled).await?.with_recovery_code(recovery_code.as_ref()))
}

struct Turn {
    prover: Prover,
    settling: Arc<Settling>,
    proof: Proof,
    audience: String,
    journal: Journal,
    now: Millis,
}

type Taken = Result<(User, Settled, Option<Secret>), MfaError>;

impl Turn {
    fn take(&self, tx: &mut Tx<'_>) -> Result<Taken, DbError> {
        let claimant = &self.prover.claimant;
        // An access token has no sign-in behind it that could be completed.
        let is_sign_in = claimant.token_since.is_none();
        // Of several that complete it at once one does, and the others spend nothing.
        if is_sign_in && !mfa_transactions::hold(tx, &claimant.transaction_id, self.now)? {
            return Ok(Err(MfaError::TokenExpired));
        }
        let judged = match &self.proof {
            Proof::Code { authenticator_id, typed } => self.prover.code(tx, authenticator_id, typed)?,
            Proof::Application(typed) => self.prover.application(tx, typed)?,
            Proof::Recovery(typed) => self.prover.recovery(tx, typed)?,
        };
        let Proven { recovery_code, .. } = match judged {
            Ok(right) => right,
            Err(refused) => {
                let event = Event { description: refused.sentence(), ..self.event(self.proof.events().1) };
                self.journal.write(tx, event)?;
                return Ok(Err(refused.into()));
            }
        };
        let mut user = claimant.user.clone();
        if is_sign_in {
            mfa_transactions::complete(tx, &claimant.transaction_id)?;
            user.signed_in(&claimant.caller.ip, self.now);
            users::record_sign_in(tx, &user)?;
        }
        let issued = self.settling.issue(tx, &user)?;
        self.journal.write(tx, Event { scope: issued.scope, ..self.event(self.proof.events().0) })?;
        Ok(Ok((user, issued.value, recovery_code)))
    }

    fn event(&self, kind: &'static str) -> Event {
        let Claimant { user, client, caller, .. } = &self.prover.claimant;
        Event {
            user_id: user.user_id.clone(),
            user_name: user.identifier().unwrap_or_default().to_owned(),
            connection: user.connection.clone(),
            client_id: client.id.clone(),
            client_name: client.name().to_owned(),
            audience: self.audience.clone(),
            ..record::event(kind, caller)
        }
    }
}
