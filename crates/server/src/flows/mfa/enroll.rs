//! Enrols an authenticator: put on record unconfirmed, confirmed by the first right code (`docs/COMPATIBILITY.md` C1775,
//! C1785-C1787).

use ringpass_core::kit::secret::Secret;
use ringpass_core::kit::totp as application;
use ringpass_core::model::authenticator::{Authenticator, Kind};
use ringpass_core::model::email::Email;
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::phone::Phone;
use ringpass_core::storage::{DbError, Tx, authenticators};

use super::challenge::{self, Challenged, Way};
use super::{Claimant, MfaRefused, events, recovery_authenticator};
use crate::app::App;

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

/// What an enrolment puts on record.
#[derive(Debug, Clone)]
pub(super) struct Enrolment {
    one: Authenticator,
    recovery: Option<Authenticator>,
    /// Unconfirmed ones that this one takes the place of.
    stale: Vec<String>,
}

impl Enrolment {
    pub(super) fn record(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for id in &self.stale {
            authenticators::delete(tx, id)?;
        }
        authenticators::put(tx, &self.one)?;
        self.recovery.as_ref().map_or(Ok(()), |recovery| authenticators::put(tx, recovery))
    }
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

/// Enrols an e-mail address and sends a code to it.
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
    let all = super::all(app, &claimant.user).await?;
    if !claimant.may_enroll(&all) {
        return refuse(app, claimant, MfaRefused::AlreadyEnrolled, "already_enrolled").await;
    }
    let same = |other: &&Authenticator| {
        other.kind == one.kind && other.phone_number == one.phone_number && other.email == one.email
    };
    let is_taken = one.kind != Kind::Totp && all.iter().filter(same).any(|other| other.confirmed);
    if is_taken || all.len() >= authenticators::MOST {
        return refuse(app, claimant, MfaRefused::AlreadyEnrolled, "enrollment_conflict").await;
    }
    // The number that a code is on its way to keeps its id, so that asking again sends the same code.
    if let Some(known) =
        all.iter().filter(same).find(|it| it.kind != Kind::Totp && it.about.transaction == one.about.transaction)
    {
        one.id.clone_from(&known.id);
    }
    let stale = all.iter().filter(|other| !other.confirmed && other.kind == one.kind).map(|other| other.id.clone());
    let is_first = !all.iter().any(|other| other.confirmed && other.kind.is_independent());
    let wants_recovery =
        is_first && app.snapshot().guardian.is_enabled(Factor::RecoveryCode) && claimant.shows_recovery;
    let recovery = wants_recovery.then(|| recovery_authenticator(app, &claimant.user.user_id, false));
    let (recovery_code, recovery) = recovery.unzip();
    let enrolment = Enrolment { one: one.clone(), recovery, stale: stale.collect() };
    let challenged = if let Some(way) = way {
        Some(challenge::carry_out(app, claimant, &one, way, Some(enrolment)).await?)
    } else {
        let event = events::event("gd_start_enroll", claimant, Some(&one));
        let journal = app.journal.clone();
        let work = move |tx: &mut Tx<'_>| {
            enrolment.record(tx)?;
            journal.write(tx, event)
        };
        app.db.write("mfa.enroll", work).await?;
        None
    };
    Ok(Enrolled { authenticator: one, challenged, recovery_code })
}

/// Notes that an enrolment did not begin, and why.
async fn refuse(app: &App, claimant: &Claimant, why: MfaRefused, code: &'static str) -> Result<Enrolled, MfaRefused> {
    let event = events::failure("gd_start_enroll_failed", claimant, None, code, &why.sentence());
    let journal = app.journal.clone();
    app.db.write("mfa.not_enrolled", move |tx| journal.write(tx, event)).await?;
    Err(why)
}

impl Claimant {
    /// Whether this person may enrol one more: the first factor alone is enough only for who has no second one.
    pub(super) fn may_enroll(&self, all: &[Authenticator]) -> bool {
        self.may_add || !all.iter().any(|one| one.confirmed && one.kind.is_independent())
    }
}
