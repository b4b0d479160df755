//! Proves a second factor, inside the transaction that records what the proof is for (`docs/COMPATIBILITY.md` C1782-C1788).
//!
//! Every proof, and every enrolment, takes the user's row first: of several at once, on one server or many, each sees what
//! the one before made of the authenticators.

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_core::model::authenticator::{self, Authenticator, Kind};
use ringpass_core::storage::{DbError, Tx, authenticators, mfa_codes, phone_backoffs, users};

use super::budget::Try;
use super::{Claimant, MfaRefused, counts_alone, events, recovery_authenticator};
use crate::app::App;
use crate::flows::record::Journal;
use crate::snapshot::Snapshot;

/// What a right code has led to.
#[derive(Debug)]
pub struct Proven {
    /// What it was proven with.
    pub authenticator: Authenticator,
    /// Whether this completed its enrolment.
    pub is_new: bool,
    /// The recovery code that takes the place of the one that was used.
    pub recovery_code: Option<Secret>,
}

/// Everything that a proof needs inside its transaction.
#[derive(Debug, Clone)]
pub struct Prover {
    /// Who is to prove it.
    pub claimant: Claimant,
    key: MacKey,
    journal: Journal,
    snapshot: Arc<Snapshot>,
    /// The recovery code that takes the place of one that is used; drawn for proofs by one.
    fresh: Option<(Secret, Authenticator)>,
    now: Millis,
}

/// A proof, or why there is none; only [`DbError`] rolls back, so that a wrong code stays counted.
type Judged = Result<Result<Proven, MfaRefused>, DbError>;

impl Prover {
    /// A proof by a code that was sent, or that an application shows.
    pub fn of(app: &App, claimant: Claimant) -> Self {
        Self {
            fresh: None,
            claimant,
            key: app.hash_key.clone(),
            journal: app.journal.clone(),
            snapshot: app.snapshot(),
            now: app.clock.now(),
        }
    }

    /// A proof by a recovery code.
    pub fn by_recovery(app: &App, claimant: Claimant) -> Self {
        let fresh = Some(recovery_authenticator(app, &claimant.user.user_id, true));
        Self { fresh, ..Self::of(app, claimant) }
    }

    /// A code that was sent to the authenticator with this id.
    pub fn code(&self, tx: &mut Tx<'_>, id: &str, typed: &str) -> Judged {
        let Some(all) = self.take_turn(tx)? else { return Ok(Err(MfaRefused::UserBlocked)) };
        let implicit = Authenticator::implicit_email(&self.claimant.user, &self.key);
        let mut known = all.iter().cloned().chain(implicit);
        let one = known.find(|one| one.id == id && self.may_use(one, &all));
        // Gone since the code was sent, or another sign-in's.
        let Some(one) = one else { return Ok(Err(MfaRefused::CodeExpired)) };
        let Some(purse) = Try::of(&self.claimant, "code").begin(tx, self.now)? else {
            return self.exhausted(tx, "gd_otp_rate_limit_exceed", &one);
        };
        let key = mfa_codes::Key { transaction_id: &self.claimant.transaction_id, authenticator_id: &one.id };
        let pending = mfa_codes::get(tx, key)?.filter(|pending| pending.expires_at > self.now);
        let Some(pending) = pending else {
            return self.failed(tx, "gd_auth_failed", &one, MfaRefused::CodeExpired);
        };
        if !authenticator::code_of(&self.key, &pending.salt).matches(typed.trim()) {
            purse.wrong(tx, self.now)?;
            return self.failed(tx, "gd_auth_failed", &one, MfaRefused::WrongCode(one.kind));
        }
        mfa_codes::consume(tx, key)?;
        if one.kind == Kind::Phone && self.snapshot.exponential_messages {
            phone_backoffs::forget(tx, &one.user_id)?;
        }
        self.done(tx, one, &all)
    }

    /// A password that an application shows.
    pub fn application(&self, tx: &mut Tx<'_>, typed: &str) -> Judged {
        let Some(all) = self.take_turn(tx)? else { return Ok(Err(MfaRefused::UserBlocked)) };
        let mut applications: Vec<&Authenticator> =
            all.iter().filter(|one| one.kind == Kind::Totp && self.may_use(one, &all)).collect();
        // What is being enrolled is what the person has in hand.
        applications.sort_by_key(|one| one.confirmed);
        let Some(first) = applications.first() else { return Ok(Err(MfaRefused::NotEnrolled(Kind::Totp))) };
        let Some(purse) = Try::of_application(&self.claimant).begin(tx, self.now)? else {
            return self.exhausted(tx, "gd_otp_rate_limit_exceed", first);
        };
        for one in &applications {
            let Some(secret) = &one.secret else { continue };
            let Some(step) = totp::verify(secret, typed.trim(), one.last_step, self.now) else { continue };
            if authenticators::use_step(tx, &one.id, step)? {
                return self.done(tx, (*one).clone(), &all);
            }
        }
        purse.wrong(tx, self.now)?;
        self.failed(tx, "gd_auth_failed", first, MfaRefused::WrongCode(Kind::Totp))
    }

    /// A recovery code; another one takes its place.
    pub fn recovery(&self, tx: &mut Tx<'_>, typed: &str) -> Judged {
        let user_id = &self.claimant.user.user_id;
        let Some(all) = self.take_turn(tx)? else { return Ok(Err(MfaRefused::UserBlocked)) };
        let known = all.iter().find(|one| one.kind == Kind::RecoveryCode && one.confirmed && self.may_use(one, &all));
        let Some(known) = known else { return Ok(Err(MfaRefused::NotEnrolled(Kind::RecoveryCode))) };
        let Some(purse) = Try::of(&self.claimant, "recovery").begin(tx, self.now)? else {
            return self.exhausted(tx, "gd_recovery_rate_limit_exceed", known);
        };
        let hash = authenticator::typed_recovery_code(typed)
            .map(|code| authenticator::recovery_hash(&self.key, user_id, &code))
            .unwrap_or_default();
        if !authenticators::use_recovery(tx, user_id, &hash)? {
            purse.wrong(tx, self.now)?;
            return self.failed(tx, "gd_recovery_failed", known, MfaRefused::WrongCode(Kind::RecoveryCode));
        }
        if let Some((_, fresh)) = &self.fresh {
            authenticators::put(tx, fresh)?;
        }
        self.journal.write(tx, events::event("gd_recovery_succeed", &self.claimant, Some(known)))?;
        let recovery_code = self.fresh.as_ref().map(|(code, _)| code.clone());
        Ok(Ok(Proven { authenticator: known.clone(), is_new: false, recovery_code }))
    }

    /// Locks the user, and reads what they have; nothing when they are gone or blocked by now.
    fn take_turn(&self, tx: &mut Tx<'_>) -> Result<Option<Vec<Authenticator>>, DbError> {
        let user_id = &self.claimant.user.user_id;
        let user = users::get_for_update(tx, user_id)?.filter(|user| !user.is_blocked());
        user.map(|_| authenticators::list_of_user(tx, user_id)).transpose()
    }

    /// Whether this proof may be made with it: its factor is on, and it counts alone or stands beside one that does. One that
    /// was enrolled in another sign-in, or before its owner had another, must not become the way around that one.
    fn may_use(&self, one: &Authenticator, all: &[Authenticator]) -> bool {
        if !self.snapshot.guardian.is_enabled(one.kind.factor()) {
            return false;
        }
        let stands = one.kind.is_independent() || all.iter().any(|other| counts_alone(other, &self.snapshot));
        if one.confirmed {
            return stands;
        }
        let is_own = one.about.transaction.as_ref() == Some(&self.claimant.transaction_id);
        stands && is_own && self.claimant.may_enroll(all, &self.snapshot)
    }

    /// Notes the proof; the first one of an authenticator confirms it, and the recovery code that came with it. One that came
    /// with another enrolment is void: whoever it was shown to may not be who has just proven this one.
    fn done(&self, tx: &mut Tx<'_>, one: Authenticator, all: &[Authenticator]) -> Judged {
        let is_new = !one.confirmed;
        // A verified address that nobody enrolled has no row; else the user's lock keeps it in place.
        authenticators::confirm(tx, &one, self.now)?;
        if is_new {
            for code in all.iter().filter(|other| other.kind == Kind::RecoveryCode && !other.confirmed) {
                if code.about.transaction == one.about.transaction {
                    authenticators::confirm(tx, code, self.now)?;
                } else {
                    authenticators::delete(tx, &code.id)?;
                }
            }
            self.journal.write(tx, events::event("gd_enrollment_complete", &self.claimant, Some(&one)))?;
        }
        self.journal.write(tx, events::event("gd_auth_succeed", &self.claimant, Some(&one)))?;
        Ok(Ok(Proven { authenticator: one, is_new, recovery_code: None }))
    }

    fn failed(&self, tx: &mut Tx<'_>, kind: &'static str, one: &Authenticator, why: MfaRefused) -> Judged {
        let code = match (&why, one.kind) {
            (MfaRefused::CodeExpired, _) => "transaction_expired",
            (_, Kind::RecoveryCode) => "invalid_recovery_code",
            _ => "invalid_otp",
        };
        self.journal.write(tx, events::failure(kind, &self.claimant, Some(one), code, &why.sentence()))?;
        Ok(Err(why))
    }

    fn exhausted(&self, tx: &mut Tx<'_>, kind: &'static str, one: &Authenticator) -> Judged {
        let why = MfaRefused::TooManyCodes;
        let event = events::failure(kind, &self.claimant, Some(one), "too_many_failures", &why.sentence());
        self.journal.write(tx, event)?;
        Ok(Err(why))
    }
}
