//! Enrols an authenticator: put on record unconfirmed, confirmed by the first right code (`docs/COMPATIBILITY.md` C1775,
//! C1785-C1787).

use std::sync::Arc;

use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp as application;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::email::Email;
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::phone::Phone;
use ringpass_core::storage::{DbError, Tx, authenticators, users};

use super::challenge::{self, Challenged, Way};
use super::{Claimant, MfaRefused, counts_alone, events, recovery_authenticator};
use crate::app::App;
use crate::flows::record::Journal;
use crate::snapshot::Snapshot;

/// An authenticator that waits for its first right code.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// What was enrolled.
    pub authenticator: Authenticator,
    /// The code that was sent, where one is.
    pub challenged: Option<Challenged>,
    /// A new recovery code, with the first authenticator of a user and where the factor is on.
    pub recovery_code: Option<Secret>,
}

/// Enrols a phone, for all ways that the tenant has on, and sends a code by one of them.
pub async fn phone(
    app: &App,
    claimant: &Claimant,
    number: &str,
    message_type: MessageType,
) -> Result<Enrolled, MfaRefused> {
    let snapshot = app.snapshot();
    let way = Way::Phone(message_type);
    if !way.is_on(app) {
        return refuse(app, claimant, MfaRefused::Unsupported, "enrollment_method_disabled").await;
    }
    let Some(phone) = Phone::parse(number) else {
        return refuse(app, claimant, MfaRefused::BadPhone, "invalid_phone_number").await;
    };
    if let Some(refusal) = phone.refusal(snapshot.countries.as_ref()) {
        return refuse(app, claimant, MfaRefused::BadPhone, challenge::word(refusal)).await;
    }
    let mut one = Authenticator::new(Kind::Phone, &claimant.user.user_id, &app.rng, app.clock.now());
    one.phone_number = Some(phone.as_str().to_owned());
    one.about.channels = snapshot.guardian.message_types().iter().map(|it| it.name().to_owned()).collect();
    one.about.preferred = Some(message_type.name().to_owned());
    begin(app, claimant, one, Some(way)).await
}

/// Enrols an e-mail address beside what counts alone, and sends a code to it.
pub async fn email(app: &App, claimant: &Claimant, address: &str) -> Result<Enrolled, MfaRefused> {
    if !Way::Email.is_on(app) {
        return refuse(app, claimant, MfaRefused::Unsupported, "enrollment_method_disabled").await;
    }
    let Some(address) = Email::parse(address) else {
        return refuse(app, claimant, MfaRefused::BadEmail, "invalid_body").await;
    };
    let mut one = Authenticator::new(Kind::Email, &claimant.user.user_id, &app.rng, app.clock.now());
    one.email = Some(address.as_str().to_lowercase());
    begin(app, claimant, one, Some(Way::Email)).await
}

/// Enrols an authenticator application: its secret is in the answer.
pub async fn totp(app: &App, claimant: &Claimant) -> Result<Enrolled, MfaRefused> {
    if !app.snapshot().guardian.is_enabled(Factor::Otp) {
        return refuse(app, claimant, MfaRefused::Unsupported, "enrollment_method_disabled").await;
    }
    let mut one = Authenticator::new(Kind::Totp, &claimant.user.user_id, &app.rng, app.clock.now());
    one.secret = Some(application::secret(&app.rng));
    begin(app, claimant, one, None).await
}

/// Puts `one` on record and sends a code to it where one is sent.
async fn begin(
    app: &App,
    claimant: &Claimant,
    mut one: Authenticator,
    way: Option<Way>,
) -> Result<Enrolled, MfaRefused> {
    one.about.transaction = Some(claimant.transaction_id.clone());
    let wants_recovery = app.snapshot().guardian.is_enabled(Factor::RecoveryCode) && claimant.shows_recovery;
    let (recovery_code, recovery) = wants_recovery
        .then(|| {
            let (code, mut recovery) = recovery_authenticator(app, &claimant.user.user_id, false);
            recovery.about.transaction.clone_from(&one.about.transaction);
            (code, recovery)
        })
        .unzip();
    let enrolment =
        Enrolment { claimant: claimant.clone(), one, recovery, snapshot: app.snapshot(), journal: app.journal.clone() };
    let (recorded, challenged) = if let Some(way) = way {
        let (recorded, challenged) = challenge::enroll(app, enrolment, way).await?;
        (recorded, Some(challenged))
    } else {
        (app.db.write("mfa.enroll", move |tx| enrolment.record(tx)).await??, None)
    };
    let recovery_code = recovery_code.filter(|_| recorded.with_recovery);
    Ok(Enrolled { authenticator: recorded.one, challenged, recovery_code })
}

/// What an enrolment puts on record.
#[derive(Debug, Clone)]
pub(super) struct Enrolment {
    pub(super) claimant: Claimant,
    pub(super) one: Authenticator,
    recovery: Option<Authenticator>,
    snapshot: Arc<Snapshot>,
    journal: Journal,
}

/// What is on record.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) one: Authenticator,
    with_recovery: bool,
}

impl Enrolment {
    /// Takes the user's row, as proofs do, and puts it on record, unless it may not be enrolled.
    pub(super) fn record(&self, tx: &mut Tx<'_>) -> Result<Result<Recorded, MfaRefused>, DbError> {
        let user_id = &self.claimant.user.user_id;
        let user = users::get_for_update(tx, user_id)?.filter(|user| !user.is_blocked());
        let Some(user) = user else { return Ok(Err(MfaRefused::UserBlocked)) };
        let all = authenticators::list_of_user(tx, user_id)?;
        let counts = |other: &Authenticator| counts_alone(other, &self.snapshot);
        let one = &self.one;
        let same = |other: &&Authenticator| {
            other.kind == one.kind && other.phone_number == one.phone_number && other.email == one.email
        };
        // A verified address is as good as enrolled.
        let is_implicit = one.email.is_some() && user.email_verified == Some(true) && one.email == user.email;
        let is_taken = is_implicit || (one.kind != Kind::Totp && all.iter().filter(same).any(|other| other.confirmed));
        let (why, code) = if is_implicit || !self.claimant.may_enroll(&all, &self.snapshot) {
            (MfaRefused::AlreadyEnrolled, "already_enrolled")
        } else if !one.kind.is_independent() && !all.iter().any(counts) {
            (MfaRefused::Unsupported, "enrollment_method_disabled")
        } else if is_taken || all.len() >= authenticators::MOST {
            (MfaRefused::AlreadyEnrolled, "enrollment_conflict")
        } else {
            return self.put(tx, &all).map(Ok);
        };
        let event = events::failure("gd_start_enroll_failed", &self.claimant, None, code, &why.sentence());
        self.journal.write(tx, event)?;
        Ok(Err(why))
    }

    fn put(&self, tx: &mut Tx<'_>, all: &[Authenticator]) -> Result<Recorded, DbError> {
        let mut one = self.one.clone();
        // Unconfirmed ones of the kind make room. The number that a code of this sign-in is on its way to keeps its id, so
        // that asking again sends the same code.
        for stale in all.iter().filter(|other| !other.confirmed && other.kind == one.kind) {
            let is_same = stale.phone_number == one.phone_number && stale.email == one.email;
            if is_same && one.kind != Kind::Totp && stale.about.transaction == one.about.transaction {
                one.id.clone_from(&stale.id);
            }
            authenticators::delete(tx, &stale.id)?;
        }
        authenticators::put(tx, &one)?;
        let is_first = !all.iter().any(|other| counts_alone(other, &self.snapshot));
        let recovery = self.recovery.as_ref().filter(|_| is_first);
        if let Some(recovery) = recovery {
            authenticators::put(tx, recovery)?;
        }
        self.journal.write(tx, events::event("gd_start_enroll", &self.claimant, Some(&one)))?;
        Ok(Recorded { one, with_recovery: recovery.is_some() })
    }
}

/// Notes that an enrolment did not begin, and why.
async fn refuse(app: &App, claimant: &Claimant, why: MfaRefused, code: &'static str) -> Result<Enrolled, MfaRefused> {
    let event = events::failure("gd_start_enroll_failed", claimant, None, code, &why.sentence());
    let journal = app.journal.clone();
    app.db.write("mfa.not_enrolled", move |tx| journal.write(tx, event)).await?;
    Err(why)
}

impl Claimant {
    /// Whether this person may enrol one more. The first factor alone is enough only for who has no second one; so is an
    /// access token that is older than what was enrolled otherwise, since it may have been had with the first factor alone.
    pub fn may_enroll(&self, all: &[Authenticator], snapshot: &Snapshot) -> bool {
        let mut others = all.iter().filter(|one| counts_alone(one, snapshot));
        match (self.may_add, self.token_since) {
            (true, None) => true,
            (true, Some(since)) => !others.any(|one| {
                let is_own = one.about.transaction.as_ref() == Some(&self.transaction_id);
                !is_own && one.enrolled_at.is_some_and(|at| at >= since.saturating_add(1_000))
            }),
            (false, _) => others.next().is_none(),
        }
    }
}
