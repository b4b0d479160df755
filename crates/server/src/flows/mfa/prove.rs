//! Proves a second factor, inside the transaction that records what the proof is for (`docs/COMPATIBILITY.md` C1782-C1788).

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::hash::MacKey;
use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp;
use ringpass_core::model::authenticator::{self, Authenticator, Kind};
use ringpass_core::storage::buckets;
use ringpass_core::storage::mfa_codes;
use ringpass_core::storage::phone_backoffs;
use ringpass_core::storage::{DbError, Tx, authenticators};

use super::budget::Try;
use super::{Claimant, MfaRefused, events, recovery_authenticator};
use crate::app::App;
use crate::flows::record::Journal;

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
    /// The recovery code that takes the place of one that is used.
    fresh: (Secret, Authenticator),
    /// Whether messages wait longer each time.
    is_exponential: bool,
    now: Millis,
}

/// A proof, or why there is none; only [`DbError`] rolls back, so that a wrong code stays counted.
type Judged = Result<Result<Proven, MfaRefused>, DbError>;

impl Prover {
    /// Draws what the transaction may need.
    pub fn of(app: &App, claimant: Claimant) -> Self {
        Self {
            fresh: recovery_authenticator(app, &claimant.user.user_id, true),
            claimant,
            key: app.hash_key.clone(),
            journal: app.journal.clone(),
            is_exponential: app.snapshot().exponential_messages,
            now: app.clock.now(),
        }
    }

    /// A code that was sent to the authenticator with this id.
    pub fn code(&self, tx: &mut Tx<'_>, id: &str, typed: &str) -> Judged {
        let Some(one) = self.find(tx, id)? else { return Ok(Err(MfaRefused::NotEnrolled(Kind::Phone))) };
        if let Err(refused) = self.may_confirm(tx, &one)? {
            return Ok(Err(refused));
        }
        let budget = Try::of(&self.claimant, "code");
        if !budget.begin(tx, self.now)? {
            return self.exhausted(tx, "gd_otp_rate_limit_exceed", Some(&one));
        }
        let key = mfa_codes::Key { transaction_id: &self.claimant.transaction_id, authenticator_id: &one.id };
        let pending = mfa_codes::get_for_update(tx, key)?.filter(|pending| pending.expires_at > self.now);
        let Some(pending) = pending else {
            budget.right(tx)?;
            return self.failed(tx, "gd_auth_failed", Some(&one), MfaRefused::CodeExpired);
        };
        if !authenticator::code_of(&self.key, &pending.salt).matches(typed.trim()) {
            budget.wrong(tx, self.now)?;
            return self.failed(tx, "gd_auth_failed", Some(&one), MfaRefused::WrongCode(one.kind));
        }
        mfa_codes::consume(tx, key)?;
        budget.right(tx)?;
        if one.kind == Kind::Phone && self.is_exponential {
            phone_backoffs::forget(tx, &one.user_id)?;
        }
        self.done(tx, one)
    }

    /// A password that an application shows.
    pub fn application(&self, tx: &mut Tx<'_>, typed: &str) -> Judged {
        let all = authenticators::list_of_user(tx, &self.claimant.user.user_id)?;
        let mine = |one: &Authenticator| {
            one.confirmed || one.about.transaction.as_ref() == Some(&self.claimant.transaction_id)
        };
        let mut applications: Vec<Authenticator> =
            all.into_iter().filter(|one| one.kind == Kind::Totp && mine(one)).collect();
        // What is being enrolled is what the person has in hand.
        applications.sort_by_key(|one| one.confirmed);
        let Some(first) = applications.first() else { return Ok(Err(MfaRefused::NotEnrolled(Kind::Totp))) };
        let budget = Try::of(&self.claimant, "code");
        let (pace, shape) = Try::of_application(&self.claimant);
        if buckets::take(tx, &pace, shape, self.now)?.is_none() {
            return self.exhausted(tx, "gd_otp_rate_limit_exceed", Some(first));
        }
        if !budget.begin(tx, self.now)? {
            return self.exhausted(tx, "gd_otp_rate_limit_exceed", Some(first));
        }
        for one in &applications {
            let Some(secret) = &one.secret else { continue };
            let Some(step) = totp::verify(secret, typed.trim(), one.last_step, self.now) else { continue };
            if let Err(refused) = self.may_confirm(tx, one)? {
                return Ok(Err(refused));
            }
            if authenticators::use_step(tx, &one.id, step)? {
                budget.right(tx)?;
                buckets::give_back(tx, &pace, shape)?;
                return self.done(tx, one.clone());
            }
        }
        budget.wrong(tx, self.now)?;
        self.failed(tx, "gd_auth_failed", Some(first), MfaRefused::WrongCode(Kind::Totp))
    }

    /// A recovery code; another one takes its place.
    pub fn recovery(&self, tx: &mut Tx<'_>, typed: &str) -> Judged {
        let user_id = &self.claimant.user.user_id;
        let all = authenticators::list_of_user(tx, user_id)?;
        let known = all.into_iter().find(|one| one.kind == Kind::RecoveryCode && one.confirmed);
        let Some(known) = known else { return Ok(Err(MfaRefused::NotEnrolled(Kind::RecoveryCode))) };
        let budget = Try::of(&self.claimant, "recovery");
        if !budget.begin(tx, self.now)? {
            return self.exhausted(tx, "gd_recovery_rate_limit_exceed", Some(&known));
        }
        let hash = authenticator::typed_recovery_code(typed)
            .map(|code| authenticator::recovery_hash(&self.key, user_id, &code))
            .unwrap_or_default();
        if !authenticators::use_recovery(tx, user_id, &hash)? {
            budget.wrong(tx, self.now)?;
            return self.failed(tx, "gd_recovery_failed", Some(&known), MfaRefused::WrongCode(Kind::RecoveryCode));
        }
        budget.right(tx)?;
        let (code, fresh) = &self.fresh;
        authenticators::put(tx, fresh)?;
        self.journal.write(tx, events::event("gd_recovery_succeed", &self.claimant, Some(&known)))?;
        Ok(Ok(Proven { authenticator: known, is_new: false, recovery_code: Some(code.clone()) }))
    }

    /// The authenticator with this id, if it is this person's.
    fn find(&self, tx: &mut Tx<'_>, id: &str) -> Result<Option<Authenticator>, DbError> {
        let user = &self.claimant.user;
        if let Some(implicit) = Authenticator::implicit_email(user, &self.key).filter(|one| one.id == id) {
            return Ok(Some(implicit));
        }
        Ok(authenticators::get(tx, id)?.filter(|one| one.user_id == user.user_id))
    }

    /// Whether this proof may make the authenticator good. One that was enrolled in another sign-in, or before its owner
    /// had another, must not become the way around that one.
    fn may_confirm(&self, tx: &mut Tx<'_>, one: &Authenticator) -> Result<Result<(), MfaRefused>, DbError> {
        if one.confirmed {
            return Ok(Ok(()));
        }
        if one.about.transaction.as_ref() != Some(&self.claimant.transaction_id) {
            return Ok(Err(MfaRefused::NotEnrolled(one.kind)));
        }
        let all = authenticators::list_of_user(tx, &self.claimant.user.user_id)?;
        Ok(if self.claimant.may_enroll(&all) { Ok(()) } else { Err(MfaRefused::AlreadyEnrolled) })
    }

    /// Notes the proof; the first one of an authenticator confirms it, and the recovery code that came with it.
    fn done(&self, tx: &mut Tx<'_>, one: Authenticator) -> Judged {
        let is_new = !one.confirmed;
        if self.is_kept(&one) {
            authenticators::confirm(tx, &one, self.now)?;
        }
        if is_new {
            authenticators::confirm_recovery(tx, &one.user_id, self.now)?;
            self.journal.write(tx, events::event("gd_enrollment_complete", &self.claimant, Some(&one)))?;
        }
        self.journal.write(tx, events::event("gd_auth_succeed", &self.claimant, Some(&one)))?;
        Ok(Ok(Proven { authenticator: one, is_new, recovery_code: None }))
    }

    /// Whether it has a row of its own.
    fn is_kept(&self, one: &Authenticator) -> bool {
        Authenticator::implicit_email(&self.claimant.user, &self.key).is_none_or(|implicit| implicit.id != one.id)
    }

    fn failed(&self, tx: &mut Tx<'_>, kind: &'static str, one: Option<&Authenticator>, why: MfaRefused) -> Judged {
        let code = if why == MfaRefused::CodeExpired { "transaction_expired" } else { "invalid_otp" };
        self.journal.write(tx, events::failure(kind, &self.claimant, one, code, &why.sentence()))?;
        Ok(Err(why))
    }

    fn exhausted(&self, tx: &mut Tx<'_>, kind: &'static str, one: Option<&Authenticator>) -> Judged {
        let why = MfaRefused::TooManyCodes;
        self.journal.write(tx, events::failure(kind, &self.claimant, one, "too_many_failures", &why.sentence()))?;
        Ok(Err(why))
    }
}
