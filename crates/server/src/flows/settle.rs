//! The end of a first factor at the token endpoint: what the client asked for is recorded in the transaction of the
//! sign-in, or a second factor is asked for (`docs/COMPATIBILITY.md` C439, C1780).

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::ids;
use ringpass_core::model::authenticator::Kind;
use ringpass_core::model::client::Client;
use ringpass_core::model::mfa::{self, MfaTransaction, Wanted};
use ringpass_core::model::user::User;
use ringpass_core::storage::{DbError, Tx, mfa_transactions};

use super::caller::Caller;
use super::grant::{Granted, Refused};
use super::issue::{self, Drawn, Holder};
use super::mfa::Asking;
use super::passwordless::Issued;
use super::token::{self, Issue, Subject, Tokens};
use crate::app::App;
use crate::snapshot::Snapshot;

/// What a client asked for, before the transaction that decides on it.
#[derive(Debug, Clone)]
pub struct Settling {
    client: Arc<Client>,
    granted: Granted,
    drawn: Drawn,
    caller: Caller,
    wanted: Wanted,
    gate: Gate,
    now: Millis,
    /// Whether the second factor is proven already.
    is_second: bool,
}

/// How a first factor ended.
#[derive(Debug, Clone)]
pub enum Settled {
    /// The tokens are on record.
    Granted(Granted),
    /// A second factor is asked for.
    SecondFactor(Required),
}

/// What the caller is told of a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// Names the sign-in that waits for it.
    pub mfa_token: String,
    /// Whether the user has something to prove it with; else they are to enrol.
    pub is_enrolled: bool,
    /// Words for what they may prove it with, or enrol.
    pub types: Vec<&'static str>,
    /// Whose sign-in it is, for the log.
    pub user_id: String,
}

/// What stands between a first factor at the token endpoint and its tokens.
#[derive(Debug, Clone)]
pub struct Gate {
    asking: Asking,
    client_id: String,
    /// Nothing where a second factor is never asked for.
    transaction_id: Option<String>,
    key: MacKey,
    snapshot: Arc<Snapshot>,
    now: Millis,
}

impl Gate {
    /// Draws what a transaction that has to wait may need.
    pub fn of(app: &App, client: &Client, asking: Asking) -> Self {
        Self {
            transaction_id: asking.is_possible().then(|| ids::short_token(&app.rng)),
            asking,
            client_id: client.id.clone(),
            key: app.hash_key.clone(),
            snapshot: app.snapshot(),
            now: app.clock.now(),
        }
    }

    /// Notes that the sign-in waits for a second factor; nothing where the first is enough.
    pub fn require(&self, tx: &mut Tx<'_>, user: &User, wanted: &Wanted) -> Result<Option<Required>, DbError> {
        let Some(id) = &self.transaction_id else { return Ok(None) };
        let Some(demand) = self.asking.demand(tx, user)? else { return Ok(None) };
        let one = MfaTransaction {
            id: id.clone(),
            user_id: user.user_id.clone(),
            client_id: self.client_id.clone(),
            wanted: wanted.clone(),
        };
        let until = self.now + mfa::LIFETIME;
        mfa_transactions::insert(tx, &one, until)?;
        let is_enrolled = !demand.authenticators.is_empty();
        let counts = |kind: Kind| {
            if is_enrolled {
                demand.authenticators.iter().any(|one| one.kind == kind)
            } else {
                kind.is_independent() && self.snapshot.guardian.is_enabled(kind.factor())
            }
        };
        let all = [Kind::Phone, Kind::Totp, Kind::Email, Kind::RecoveryCode];
        let types = all.into_iter().filter(|kind| counts(*kind)).map(Kind::requirement).collect();
        Ok(Some(Required {
            mfa_token: mfa::token(&self.key, id, until),
            is_enrolled,
            types,
            user_id: user.user_id.clone(),
        }))
    }
}

impl Settling {
    /// Draws what the transaction may need.
    pub fn of(app: &App, client: &Arc<Client>, granted: Granted, caller: &Caller, wanted: Wanted) -> Arc<Self> {
        Arc::new(Self::drawn(app, client, granted, caller, wanted, false))
    }

    /// The same for a sign-in whose second factor is being proven: nothing more is asked for.
    pub fn behind_second_factor(
        app: &App,
        client: &Arc<Client>,
        granted: Granted,
        caller: &Caller,
        wanted: Wanted,
    ) -> Arc<Self> {
        Arc::new(Self::drawn(app, client, granted, caller, wanted, true))
    }

    fn drawn(
        app: &App,
        client: &Arc<Client>,
        granted: Granted,
        caller: &Caller,
        wanted: Wanted,
        is_second: bool,
    ) -> Self {
        let drawn = issue::draw(app, &granted);
        Self {
            client: Arc::clone(client),
            drawn: if is_second { drawn.with_second_factor() } else { drawn },
            granted,
            caller: caller.clone(),
            gate: Gate::of(app, client, Asking::of(app, wanted.audience.as_deref(), &caller.ip)),
            wanted,
            now: app.clock.now(),
            is_second,
        }
    }

    /// The part in the transaction of the sign-in.
    pub fn issue(&self, tx: &mut Tx<'_>, user: &User) -> Result<Issued<Settled>, DbError> {
        let required = if self.is_second { None } else { self.gate.require(tx, user, &self.wanted)? };
        if let Some(required) = required {
            let scope = self.granted.scope_text();
            return Ok(Issued { scope, session_id: None, waits: true, value: Settled::SecondFactor(required) });
        }
        let granted = self.granted.clone().settle(tx, &user.user_id)?;
        let holder = Holder { client: &self.client, user, granted: &granted, caller: &self.caller };
        self.drawn.record(tx, &holder, self.now)?;
        self.gate.asking.completed(tx, user, self.is_second)?;
        let scope = granted.scope_text();
        Ok(Issued { scope, session_id: None, waits: false, value: Settled::Granted(granted) })
    }

    /// Signs the tokens that are on record.
    async fn sign(&self, app: &App, user: User, granted: Granted) -> Result<Tokens, Refused> {
        let issue = Issue {
            client: Arc::clone(&self.client),
            granted,
            subject: Subject::User(Box::new(user)),
            gty: self.wanted.gty.clone(),
            opaque: self.drawn.opaque.as_ref().map(|kept| kept.text.clone()),
            refresh_token: self.drawn.refresh.as_ref().map(|kept| kept.text.clone()),
            session_id: self.drawn.session_id.clone(),
            nonce: None,
            auth_time: None,
            amr: false,
            front: None,
        };
        token::sign(app, issue).await.ok_or(Refused::Signing)
    }

    /// The tokens, or the word that a second factor is asked for.
    pub async fn end(&self, app: &App, user: User, settled: Settled) -> Result<Tokens, Refused> {
        match settled {
            Settled::Granted(granted) => self.sign(app, user, granted).await,
            Settled::SecondFactor(required) => Err(Refused::SecondFactor(required)),
        }
    }
}
