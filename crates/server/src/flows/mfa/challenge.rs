//! Sends a code to an authenticator (`docs/COMPATIBILITY.md` C1781-C1783, C1790-C1793): one write before the message, one
//! behind it.

use std::sync::Arc;

use ringpass_core::kit::clock::Millis;
use ringpass_core::kit::secret::Secret;
use ringpass_core::model::authenticator::{self, Authenticator, Kind};
use ringpass_core::model::email::Email;
use ringpass_core::model::event::Event;
use ringpass_core::model::guardian::{Factor, MessageType};
use ringpass_core::model::mfa::{CODE_LIFETIME, OobCode};
use ringpass_core::model::mfa_message::Purpose;
use ringpass_core::model::phone::{Phone, Refusal};
use ringpass_core::storage::mfa_codes::{self, Pending};
use ringpass_core::storage::{DbError, Tx, users};
use serde_json::{Map, json};

use super::budget::{self, Message};
use super::enroll::{Enrolment, Recorded};
use super::send::Outgoing;
use super::sent::Place;
use super::{Claimant, MfaRefused, events, send, sent};
use crate::app::App;
use crate::flows::mail;
use crate::flows::record::Journal;

/// How a code travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To a phone.
    Phone(MessageType),
    /// To an e-mail address.
    Email,
}

impl Way {
    /// `oob_channel` on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone(message_type) => message_type.name(),
            Self::Email => "email",
        }
    }

    /// Reads an `oob_channel`; `None` for what this server does not send by.
    pub fn parse(word: &str) -> Option<Self> {
        if word == "email" { Some(Self::Email) } else { MessageType::parse(word).map(Self::Phone) }
    }

    /// The way that codes go to this authenticator if nobody says otherwise: the first of its owner's that is on; `None`
    /// where none is sent.
    pub fn of(app: &App, one: &Authenticator) -> Option<Self> {
        match one.kind {
            Kind::Phone => {
                let mut ways = one.channels().into_iter().map(Self::Phone);
                ways.find(|way| way.is_on(app)).or_else(|| one.preferred().map(Self::Phone))
            }
            Kind::Email => Some(Self::Email),
            Kind::Totp | Kind::RecoveryCode => None,
        }
    }

    /// Whether applications may have codes sent this way: calls are for the hosted pages, so there are none for a tenant
    /// that keeps to classic ones.
    pub fn is_for_api(self, app: &App) -> bool {
        self != Self::Phone(MessageType::Voice) || !app.snapshot().is_classic
    }

    /// Whether the tenant lets codes go this way.
    pub fn is_on(self, app: &App) -> bool {
        let guardian = &app.snapshot().guardian;
        match self {
            Self::Phone(message_type) => {
                guardian.is_enabled(Factor::Sms) && guardian.message_types().contains(&message_type)
            }
            Self::Email => guardian.is_enabled(Factor::Email),
        }
    }
}

/// A code that is on its way.
#[derive(Debug, Clone)]
pub struct Challenged {
    /// What names it.
    pub oob_code: String,
    /// When it was sent.
    pub at: Millis,
}

/// Sends a code to `one` by `way`: the code that is on its way already, or a new one.
pub async fn challenge(
    app: &App,
    claimant: &Claimant,
    one: &Authenticator,
    way: Way,
) -> Result<Challenged, MfaRefused> {
    if !way.is_on(app) || !fits(one, way) {
        return Err(MfaRefused::Unsupported);
    }
    let number = one.phone_number.as_deref();
    // The rules may have changed since the number was enrolled.
    let refusal = number.and_then(Phone::parse).and_then(|phone| phone.refusal(app.snapshot().countries.as_ref()));
    if let Some(refusal) = refusal {
        let why = MfaRefused::BadPhone;
        let event = events::failure("gd_auth_failed", claimant, Some(one), word(refusal), &why.sentence());
        let journal = app.journal.clone();
        app.db.write("mfa.not_challenged", move |tx| journal.write(tx, event)).await?;
        return Err(why);
    }
    let turn = Turn::of(app, claimant, one, way);
    let (begin, fresh) = (turn.clone(), turn.fresh(app));
    let pending = app.db.write("mfa.challenge", move |tx| begin.begin(tx, &fresh)).await??;
    turn.send(app, &pending).await
}

/// Puts an enrolment on record and sends its first code, in the first of the two writes.
pub(super) async fn enroll(app: &App, enrolment: Enrolment, way: Way) -> Result<(Recorded, Challenged), MfaRefused> {
    let mut turn = Turn::of(app, &enrolment.claimant, &enrolment.one, way);
    let (begin, fresh) = (turn.clone(), turn.fresh(app));
    let work = move |tx: &mut Tx<'_>| begin.begin_with(tx, &fresh, &enrolment);
    let (recorded, pending) = app.db.write("mfa.enroll", work).await??;
    turn.one.clone_from(&recorded.one);
    Ok((recorded, turn.send(app, &pending).await?))
}

/// The word in the log for a number that may not be used.
pub(super) fn word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Country(_) => "country_not_allowed",
        Refusal::Kind(_) => "invalid_phone_number",
    }
}

fn fits(one: &Authenticator, way: Way) -> bool {
    match way {
        Way::Phone(message_type) => one.kind == Kind::Phone && one.channels().contains(&message_type),
        Way::Email => one.kind == Kind::Email,
    }
}

/// What the provider made of a message.
struct Outcome {
    event: Event,
    /// What the person is told; nothing where they are told that it was sent.
    refused: Option<MfaRefused>,
    /// Whether the message is surely not on its way.
    is_definite: bool,
}

#[derive(Clone)]
struct Turn {
    claimant: Claimant,
    one: Authenticator,
    way: Way,
    message: Option<Message>,
    journal: Journal,
    now: Millis,
}

impl Turn {
    fn of(app: &App, claimant: &Claimant, one: &Authenticator, way: Way) -> Self {
        Self {
            claimant: claimant.clone(),
            one: one.clone(),
            way,
            message: one.phone_number.as_deref().map(|number| Message::of(app, claimant, number)),
            journal: app.journal.clone(),
            now: app.clock.now(),
        }
    }

    fn fresh(&self, app: &App) -> Pending {
        Pending { salt: app.rng.base64url(16), expires_at: self.now + CODE_LIFETIME }
    }

    /// Pays for the message and notes the code.
    fn begin(&self, tx: &mut Tx<'_>, fresh: &Pending) -> Result<Result<Pending, MfaRefused>, DbError> {
        if let Err(refused) = self.pay(tx)? {
            return Ok(Err(refused));
        }
        if self.one.confirmed {
            self.journal.write(tx, events::event("gd_start_auth", &self.claimant, Some(&self.one)))?;
        }
        self.note(tx, &self.one.id, fresh).map(Ok)
    }

    /// The same for one that is put on record. The user's row comes first, as in proofs.
    fn begin_with(
        &self,
        tx: &mut Tx<'_>,
        fresh: &Pending,
        enrolment: &Enrolment,
    ) -> Result<Result<(Recorded, Pending), MfaRefused>, DbError> {
        users::get_for_update(tx, &self.claimant.user.user_id)?;
        if let Err(refused) = self.pay(tx)? {
            return Ok(Err(refused));
        }
        let recorded = match enrolment.record(tx)? {
            Ok(recorded) => recorded,
            Err(refused) => {
                self.message.as_ref().map_or(Ok(()), |message| message.back(tx))?;
                return Ok(Err(refused));
            }
        };
        let pending = self.note(tx, &recorded.one.id, fresh)?;
        Ok(Ok((recorded, pending)))
    }

    fn pay(&self, tx: &mut Tx<'_>) -> Result<Result<(), MfaRefused>, DbError> {
        let (is_paid, kind, code) = match &self.message {
            Some(message) => (message.take(tx, self.now)?, "limit_phone", "too_many_sms"),
            None => (budget::take_mail(tx, &self.claimant, self.now)?, "gd_otp_rate_limit_exceed", "too_many_emails"),
        };
        if is_paid {
            return Ok(Ok(()));
        }
        let refused = MfaRefused::TooManyMessages(self.way);
        self.journal.write(tx, events::failure(kind, &self.claimant, Some(&self.one), code, &refused.sentence()))?;
        Ok(Err(refused))
    }

    fn note(&self, tx: &mut Tx<'_>, id: &str, fresh: &Pending) -> Result<Pending, DbError> {
        let key = mfa_codes::Key { transaction_id: &self.claimant.transaction_id, authenticator_id: id };
        mfa_codes::begin(tx, key, fresh, self.now)
    }

    /// Hands the message over and notes what became of it.
    async fn send(self, app: &App, pending: &Pending) -> Result<Challenged, MfaRefused> {
        let code = authenticator::code_of(&app.hash_key, &pending.salt);
        let outcome = self.hand_over(app, &code).await?;
        let refused = outcome.refused.clone();
        let oob = OobCode {
            transaction_id: self.claimant.transaction_id.clone(),
            authenticator_id: self.one.id.clone(),
            channel: self.way.name().to_owned(),
        };
        app.db.write("mfa.challenged", move |tx| self.end(tx, outcome)).await?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        let oob_code = oob.text(&app.hash_key, pending.expires_at, &app.rng.base64url(16));
        Ok(Challenged { oob_code, at: app.clock.now() })
    }

    /// Notes what became of the message.
    fn end(&self, tx: &mut Tx<'_>, outcome: Outcome) -> Result<(), DbError> {
        if let (true, Some(message)) = (outcome.is_definite, &self.message) {
            message.failed(tx, self.now)?;
        }
        self.journal.write(tx, outcome.event)
    }

    async fn hand_over(&self, app: &App, code: &Secret) -> Result<Outcome, DbError> {
        match (self.way, &self.one.phone_number, &self.one.email) {
            (Way::Phone(message_type), Some(number), _) => self.message(app, code, number, message_type).await,
            (_, _, Some(address)) => Ok(self.mail(app, code, address).await),
            _ => Ok(self.failed("method_not_found", "There is nowhere to send a code to")),
        }
    }

    async fn message(
        &self,
        app: &App,
        code: &Secret,
        number: &str,
        message_type: MessageType,
    ) -> Result<Outcome, DbError> {
        let Claimant { user, client, caller, locale, request, .. } = &self.claimant;
        let Some(to) = Phone::parse(number) else {
            return Ok(self.failed("invalid_phone_number", "The number is not valid"));
        };
        let message = Outgoing {
            to,
            code: code.clone(),
            purpose: if self.one.confirmed { Purpose::Verification } else { Purpose::Enrollment },
            message_type,
            locale: locale.clone(),
            request_language: request.language.clone(),
            user: Some(Arc::new(user.clone())),
            client: Arc::clone(client),
        };
        let attempt = send::send(app, &message, caller).await?;
        let place = Place { method: request.method, path: request.path };
        let event = sent::event(app, &message, &attempt, &self.one, (place, caller));
        let refused = attempt.refused().map(|refused| match refused.error {
            "invalid_phone_number" => MfaRefused::BadPhone,
            _ => MfaRefused::NotSent(self.way),
        });
        let is_definite = attempt.refused().is_some_and(|refused| refused.is_surely_unsent);
        Ok(Outcome { event, refused, is_definite })
    }

    async fn mail(&self, app: &App, code: &Secret, address: &str) -> Outcome {
        let Some(to) = Email::parse(address) else {
            return self.failed("error_sending_email", "The e-mail address is not valid");
        };
        let variables = Map::from_iter([
            ("code".to_owned(), code.expose().into()),
            ("user".to_owned(), json!({"email": address, "name": self.claimant.user.profile.get("name")})),
        ]);
        match mail::send_named(app, "mfa_oob_code", to, variables).await {
            Ok(()) => Outcome {
                event: events::event("gd_send_email", &self.claimant, Some(&self.one)),
                refused: None,
                is_definite: false,
            },
            Err(refusal) => self.failed("error_sending_email", &refusal.sentence),
        }
    }

    fn failed(&self, code: &str, why: &str) -> Outcome {
        let event = events::failure("fn", &self.claimant, Some(&self.one), code, why);
        Outcome { event, refused: Some(MfaRefused::NotSent(self.way)), is_definite: true }
    }
}
